/* SPDX-License-Identifier: ISC */
/* Connecting again: the times, and against a small daemon in a thread. */
#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/connection.h"
#include "fake_daemon.h"
#include "tests/unit/run.h"

#define CLOSE(id, socket) REQUEST(id, "gen_tcp.close", "{\"socket\":" socket "}")

/* --- times -------------------------------------------------------------------- */

START_TEST(the_waits_double_by_chance)
{
	struct backoff b, same;
	int whole = 100, other = 0;

	backoff_set(&b, 100, 1500, GENTCP_INFINITY, 42);
	same = b;
	for (int i = 0; i < 50; i++) {
		int wait = backoff_next(&b);

		ck_assert_int_ge(wait, whole / 2);
		ck_assert_int_le(wait, whole);
		ck_assert_int_eq(wait, backoff_next(&same));
		other += wait != whole;
		whole = whole * 2 > 1500 ? 1500 : whole * 2;
	}
	ck_assert_int_gt(other, 0);
	backoff_reset(&b);
	ck_assert_int_le(backoff_next(&b), 100);
}
END_TEST

START_TEST(the_waits_have_an_end)
{
	struct backoff b;

	backoff_set(&b, 1, 1, 2, 0);
	ck_assert_int_ge(backoff_next(&b), 0);
	ck_assert_int_ge(backoff_next(&b), 0);
	ck_assert_int_eq(backoff_next(&b), -1);
	ck_assert_int_eq(backoff_next(&b), -1);
	backoff_set(&b, 0, 0, GENTCP_INFINITY, 7);
	ck_assert_int_eq(backoff_next(&b), -1);
	backoff_set(&b, INT32_MAX, INT32_MAX, GENTCP_INFINITY, 7);
	for (int i = 0; i < 100; i++)
		ck_assert_int_ge(backoff_next(&b), INT32_MAX / 2);
}
END_TEST

/* What was told, as letters. */
struct story {
	char text[64];
	enum gentcp_state free_at;
	bool frees;
};

static void
add(struct story *s, const char *word)
{
	ck_assert_uint_lt(strlen(s->text) + strlen(word), sizeof s->text);
	strcat(s->text, word);
}

static void
on_state(struct gentcp *g, enum gentcp_state state, void *ctx)
{
	static const char *const words[] = {"open ", "lost ", "ended "};
	struct story *s = ctx;

	add(s, words[state]);
	if (s->frees && state == s->free_at)
		gentcp_free(g);
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)g;
	add(ctx,
	    gentcp_reply_status(r) == GENTCP_OK		? "ok "
		: gentcp_reply_status(r) == GENTCP_LOST ? "reply-lost "
							: "error ");
}

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	(void)g;
	add(ctx, e->name);
	add(ctx, " ");
}

/* A connection that was lost, as if it had been open to that path. */
static struct gentcp *
lost_from(const char *path, struct story *s)
{
	struct gentcp *g = gentcp_new();

	*s = (struct story){0};
	snprintf(g->again.path, sizeof g->again.path, "%s", path);
	gentcp_on_state(g, on_state, s);
	g->lost = true;
	return g;
}

START_TEST(each_step_has_its_time)
{
	struct story s;
	struct gentcp *g = lost_from("/nowhere/at/all", &s);
	int64_t now = 1000;
	size_t handled = 0;

	ck_assert_int_eq(gentcp_set_reconnect(g, 100, 1000, 3), GENTCP_OK);
	ck_assert_int_eq(gentcp_next_timeout(g), 0);
	ck_assert(reconnect_due(g) == INT64_MAX);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(reconnect_lost(g, now, &handled), GENTCP_OK);
		ck_assert_uint_eq(handled, 1);
		ck_assert_int_ge(reconnect_due(g), now + (50 << i));
		ck_assert_int_le(reconnect_due(g), now + (100 << i));
		ck_assert_int_eq(reconnect_lost(g, now, &handled), GENTCP_OK);
		reconnect_step(g, reconnect_due(g) - 1, &handled);
		ck_assert_uint_eq(handled, 1);
		now = reconnect_due(g);
		reconnect_step(g, now, &handled);
		ck_assert_uint_eq(handled, 2);
		ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), ENOENT);
		handled = 0;
	}
	ck_assert_str_eq(s.text, "lost ");
	ck_assert_int_eq(reconnect_lost(g, now, &handled), GENTCP_LOST);
	ck_assert_str_eq(s.text, "lost ended ");
	ck_assert_int_eq(gentcp_next_timeout(g), -1);
	ck_assert_int_eq(gentcp_dispatch(g, GENTCP_INFINITY), GENTCP_LOST);
	ck_assert_int_eq(gentcp_dispatch(g, GENTCP_INFINITY), GENTCP_LOST);
	ck_assert_str_eq(s.text, "lost ended ");
	gentcp_free(g);
}
END_TEST

static void
nothing(struct fake_daemon *f)
{
	(void)f;
}

static void
no_answer(struct fake_daemon *f)
{
	f->fd = accept(f->listener, NULL, NULL);
	hear(f,
	    REQUEST("1", "session.hello",
		"{\"protocol\":1,\"data\":\"attached\",\"attachments\":true}"));
}

START_TEST(a_hello_has_its_time)
{
	struct fake_daemon f = {0};
	struct story s;
	struct gentcp *g;
	size_t handled = 0;

	fake_daemon_begin(&f, no_answer);
	g = lost_from(f.path, &s);
	gentcp_set_reconnect(g, 1, 1, GENTCP_INFINITY);
	ck_assert_int_eq(reconnect_lost(g, 0, &handled), GENTCP_OK);
	reconnect_step(g, 1, &handled);
	ck_assert_int_ge(gentcp_fd(g), 0);
	ck_assert_int_eq(gentcp_flush(g), GENTCP_OK);
	/* it is not ready yet */
	ck_assert_int_eq(gentcp_close_async(g, 1, NULL, NULL), GENTCP_LOST);
	reconnect_step(g, reconnect_due(g) - 1, &handled);
	ck_assert_int_ge(gentcp_fd(g), 0);
	reconnect_step(g, reconnect_due(g), &handled);
	ck_assert_int_eq(gentcp_fd(g), -1);
	ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), ETIMEDOUT);
	ck_assert_int_eq(gentcp_next_timeout(g), 0);
	ck_assert_str_eq(s.text, "lost ");
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(a_full_backlog)
{
	struct fake_daemon f = {0};
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct story s;
	struct gentcp *g = gentcp_new();
	size_t handled = 0;
	int fds[64], n = 0;

	fake_daemon_begin(&f, nothing);
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", f.path);
	do
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	while (connect(fds[n++], (struct sockaddr *)&sun, sizeof sun) == 0 && n < 64);
	ck_assert_int_eq(errno, EAGAIN);
	/* the first connection waits until its deadline, one again is tried later */
	ck_assert_int_eq(gentcp_open(g, f.path, 30), GENTCP_TIMEOUT);
	gentcp_free(g);
	g = lost_from(f.path, &s);
	gentcp_set_reconnect(g, 1, 1, GENTCP_INFINITY);
	ck_assert_int_eq(reconnect_lost(g, 0, &handled), GENTCP_OK);
	reconnect_step(g, 1, &handled);
	ck_assert_int_eq(gentcp_fd(g), -1);
	ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), EAGAIN);
	ck_assert_int_eq(reconnect_lost(g, 1, &handled), GENTCP_OK);
	ck_assert(reconnect_due(g) == 2);
	while (n > 0)
		close(fds[--n]);
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(what_may_be_asked_for)
{
	struct story s;
	struct gentcp *g = lost_from("/nowhere/at/all", &s);

	ck_assert_int_eq(gentcp_set_reconnect(g, 0, 5, 1), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_set_reconnect(g, 6, 5, 1), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_set_reconnect(g, 20000, 20000, 1), GENTCP_OK);
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	ck_assert_int_gt(gentcp_next_timeout(g), 0);
	ck_assert_int_eq(gentcp_dispatch(g, 1), GENTCP_TIMEOUT);
	/* no more of it */
	ck_assert_int_eq(gentcp_set_reconnect(g, 0, 0, 0), GENTCP_OK);
	ck_assert_int_eq(gentcp_next_timeout(g), 0);
	ck_assert_int_eq(gentcp_dispatch(g, GENTCP_INFINITY), GENTCP_LOST);
	ck_assert_str_eq(s.text, "lost ended ");
	gentcp_free(g);
}
END_TEST

/* --- with a daemon ------------------------------------------------------------ */

/* Hangs up while a request waits, refuses a hello, and is there again. */
static void
come_back(struct fake_daemon *f)
{
	hear(f, CLOSE("2", "1"));
	say(f, TCP("1", "last") "{\"jsonrpc\":\"2.0\",\"meth");
	close(f->fd);
	f->fd = accept(f->listener, NULL, NULL);
	hear(f,
	    REQUEST("3", "session.hello",
		"{\"protocol\":1,\"data\":\"attached\",\"attachments\":true}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":10005,"
	    "\"message\":\"system_limit\"}}\n");
	meet(f, "4", "8");
	hear(f, CLOSE("5", "2"));
	say(f, RESULT("5", "\"ok\""));
}

START_TEST(by_dispatch)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, come_back);
	struct story s = {0};

	gentcp_set_reconnect(g, 1, 20, GENTCP_INFINITY);
	gentcp_on_state(g, on_state, &s);
	gentcp_on_event(g, on_event, &s);
	ck_assert_uint_eq(gentcp_epoch(g), 1);
	ck_assert_int_eq(gentcp_close_async(g, 1, on_reply, &s), GENTCP_OK);
	while (strstr(s.text, "lost ") == NULL)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_str_eq(s.text, "tcp reply-lost lost ");
	ck_assert_str_eq(
	    gentcp_error_reason(gentcp_error(g)), "gentcpd closed the connection");
	ck_assert_int_eq(gentcp_fd(g), -1);
	ck_assert_int_eq(gentcp_close_async(g, 1, on_reply, &s), GENTCP_LOST);
	while (strstr(s.text, "open ") == NULL)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_uint_eq(gentcp_client(g), 8);
	ck_assert_uint_eq(gentcp_epoch(g), 2);
	ck_assert_int_eq(gentcp_next_timeout(g), -1);
	ck_assert_int_eq(gentcp_close_async(g, 2, on_reply, &s), GENTCP_OK);
	while (strstr(s.text, "ok ") == NULL)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_str_eq(s.text, "tcp reply-lost lost open ok ");
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(by_blocking_calls)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, come_back);
	const struct gentcp_event *e;

	gentcp_set_reconnect(g, 1, 20, GENTCP_INFINITY);
	gentcp_set_timeout(g, DEADLINE);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	/* as long as there is an event of the old connection it is not new */
	ck_assert_int_eq(gentcp_close(g, 2), GENTCP_LOST);
	ck_assert_int_eq(gentcp_next_timeout(g), 0);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_mem_eq(e->data, "last", 4);
	ck_assert_int_eq(gentcp_close(g, 2), GENTCP_OK);
	ck_assert_mem_eq(e->data, "last", 4); /* until the next gentcp_receive() */
	ck_assert_uint_eq(gentcp_epoch(g), 2);
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(by_both)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, come_back);
	struct story s = {0};
	const struct gentcp_event *e;

	gentcp_set_reconnect(g, 1, 20, GENTCP_INFINITY);
	gentcp_set_timeout(g, DEADLINE);
	gentcp_on_state(g, on_state, &s);
	ck_assert_int_eq(gentcp_close_async(g, 1, on_reply, &s), GENTCP_OK);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_LOST);
	ck_assert_str_eq(s.text, "reply-lost lost ");
	while (gentcp_fd(g) < 0) /* until hello is on its way */
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_int_eq(gentcp_close(g, 2), GENTCP_OK);
	ck_assert_str_eq(s.text, "reply-lost lost ");
	ck_assert_int_eq(gentcp_next_timeout(g), 0);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_str_eq(s.text, "reply-lost lost open ");
	ck_assert_int_eq(gentcp_receive(g, 10, &e), GENTCP_TIMEOUT);
	fake_daemon_finish(&f, g);
}
END_TEST

/* No more of it after the first loss. */
static void
go_for_good(struct fake_daemon *f)
{
	char rest[256];

	unlink(f->path);
	shutdown(f->fd, SHUT_RDWR);
	while (recv(f->fd, rest, sizeof rest, 0) > 0)
		;
}

START_TEST(in_vain)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, go_for_good);
	struct story s = {0};
	const struct gentcp_event *e;

	gentcp_set_timeout(g, 30);
	gentcp_set_reconnect(g, 10, 10, GENTCP_INFINITY);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	/* as long as the call may wait, and no longer */
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), ENOENT);
	gentcp_on_state(g, on_state, &s);
	gentcp_set_reconnect(g, 1, 1, 3);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_LOST);
	ck_assert_str_eq(s.text, "ended ");
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(the_end_in_a_blocking_call)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, go_for_good);
	struct story s = {0};

	gentcp_set_reconnect(g, 1, 1, 2);
	gentcp_on_state(g, on_state, &s);
	/* not before it was told */
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	ck_assert_uint_eq(strlen(s.text), 0);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_str_eq(s.text, "lost ");
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	ck_assert_str_eq(s.text, "lost ");
	ck_assert_int_eq(gentcp_next_timeout(g), 0);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_LOST);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_LOST);
	ck_assert_str_eq(s.text, "lost ended ");
	ck_assert_int_eq(gentcp_next_timeout(g), -1);
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(without_being_asked)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, go_for_good);
	struct story s = {0};

	gentcp_on_state(g, on_state, &s);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_LOST);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_LOST);
	ck_assert_str_eq(s.text, "ended ");
	fake_daemon_finish(&f, g);
}
END_TEST

/* Its client was attached by another connection. */
static void
take(struct fake_daemon *f)
{
	char rest[256];

	say(f,
	    TCP("1", "last") "{\"jsonrpc\":\"2.0\",\"method\":\"taken\","
			     "\"params\":{\"client\":7}}\n");
	shutdown(f->fd, SHUT_WR);
	while (recv(f->fd, rest, sizeof rest, 0) > 0)
		;
}

START_TEST(what_was_taken_is_not_taken_back)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, take);
	struct story s = {0};

	gentcp_set_reconnect(g, 1, 20, GENTCP_INFINITY);
	gentcp_on_state(g, on_state, &s);
	while (strstr(s.text, "ended") == NULL)
		(void)gentcp_dispatch(g, DEADLINE);
	ck_assert_str_eq(s.text, "ended ");
	ck_assert_str_eq(gentcp_error_reason(gentcp_error(g)),
	    "gentcpd closed the connection: another connection has attached this client");
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_LOST);
	ck_assert_int_eq(gentcp_next_timeout(g), -1);
	fake_daemon_finish(&f, g);
	/* the same where a blocking call comes upon it */
	g = fake_daemon_start(&f, take);
	gentcp_set_reconnect(g, 1, 20, GENTCP_INFINITY);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	while (gentcp_dispatch(g, DEADLINE) != GENTCP_LOST)
		;
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	fake_daemon_finish(&f, g);
}
END_TEST

/* --- the first connection ----------------------------------------------------- */

static void
at_the_second_go(struct fake_daemon *f)
{
	close(accept(f->listener, NULL, NULL));
	meet(f, "2", "9");
}

START_TEST(open_tries_again)
{
	struct fake_daemon f = {0};
	struct gentcp *g = gentcp_new();

	fake_daemon_begin(&f, at_the_second_go);
	gentcp_set_reconnect(g, 1, 10, GENTCP_INFINITY);
	ck_assert_int_eq(gentcp_open(g, f.path, DEADLINE), GENTCP_OK);
	ck_assert_uint_eq(gentcp_client(g), 9);
	ck_assert_uint_eq(gentcp_epoch(g), 1);
	fake_daemon_finish(&f, g);
	g = gentcp_new();
	gentcp_set_reconnect(g, 1, 1, 3);
	ck_assert_int_eq(gentcp_open(g, "/nowhere/at/all", DEADLINE), GENTCP_LOST);
	ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), ENOENT);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_LOST);
	gentcp_free(g);
	g = gentcp_new();
	gentcp_set_reconnect(g, 5, 5, GENTCP_INFINITY);
	ck_assert_int_eq(gentcp_open(g, "/nowhere/at/all", 20), GENTCP_LOST);
	gentcp_free(g);
}
END_TEST

/* --- freed when told ---------------------------------------------------------- */

static void
two_times(struct fake_daemon *f)
{
	meet(f, "2", "8");
}

static void
free_at(enum gentcp_state state, int attempts)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, attempts == 0 ? go_for_good : two_times);
	struct story s = {.frees = true, .free_at = state};
	int rc;

	gentcp_set_reconnect(g, 1, 1, attempts);
	gentcp_on_state(g, on_state, &s);
	do
		rc = gentcp_dispatch(g, DEADLINE);
	while (rc == GENTCP_OK);
	ck_assert_int_eq(rc, GENTCP_FREED);
	fake_daemon_finish(&f, NULL);
}

START_TEST(freed_when_it_is_open)
{
	free_at(GENTCP_STATE_OPEN, GENTCP_INFINITY);
}
END_TEST

START_TEST(freed_when_it_ended)
{
	free_at(GENTCP_STATE_ENDED, 0);
}
END_TEST

START_TEST(freed_when_it_is_lost)
{
	struct story s;
	struct gentcp *g = lost_from("/nowhere/at/all", &s);

	s.frees = true;
	s.free_at = GENTCP_STATE_LOST;
	gentcp_set_reconnect(g, 1, 1, GENTCP_INFINITY);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_FREED);
	ck_assert_str_eq(s.text, "lost ");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/reconnect");
	TCase *tc = tcase_create("reconnect");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_waits_double_by_chance);
	tcase_add_test(tc, the_waits_have_an_end);
	tcase_add_test(tc, each_step_has_its_time);
	tcase_add_test(tc, a_hello_has_its_time);
	tcase_add_test(tc, a_full_backlog);
	tcase_add_test(tc, what_may_be_asked_for);
	tcase_add_test(tc, by_dispatch);
	tcase_add_test(tc, by_blocking_calls);
	tcase_add_test(tc, by_both);
	tcase_add_test(tc, in_vain);
	tcase_add_test(tc, the_end_in_a_blocking_call);
	tcase_add_test(tc, without_being_asked);
	tcase_add_test(tc, what_was_taken_is_not_taken_back);
	tcase_add_test(tc, open_tries_again);
	tcase_add_test(tc, freed_when_it_is_open);
	tcase_add_test(tc, freed_when_it_ended);
	tcase_add_test(tc, freed_when_it_is_lost);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
