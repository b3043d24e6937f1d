/* SPDX-License-Identifier: ISC */
/* The library in a loop of libevent, and in one around poll(2). */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "client/adapters/gentcp_libevent.h"
#include "client/adapters/gentcp_poll.h"
#include "fake_daemon.h"
#include "tests/unit/run.h"

#define CLOSE(id, socket) REQUEST(id, "gen_tcp.close", "{\"socket\":" socket "}")

enum { PARTS = 600, PART = 12 * 1024 };

/* What was told, and what is to be done in the next event. */
struct story {
	char text[128];
	struct event_base *base;
	struct gentcp_libevent *detach;
	struct gentcp *frees;
};

static void
add(struct story *s, const char *word)
{
	ck_assert_uint_lt(strlen(s->text) + strlen(word) + 1, sizeof s->text);
	strcat(s->text, word);
	strcat(s->text, " ");
}

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct story *s = ctx;

	(void)g;
	add(s, e->name);
	gentcp_libevent_free(s->detach);
	s->detach = NULL;
	gentcp_free(s->frees);
	s->frees = NULL;
}

static void
on_state(struct gentcp *g, enum gentcp_state state, void *ctx)
{
	(void)g;
	add(ctx,
	    state == GENTCP_STATE_OPEN	     ? "open"
		: state == GENTCP_STATE_LOST ? "lost"
					     : "ended");
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)g;
	add(ctx, gentcp_reply_status(r) == GENTCP_OK ? "ok" : "failed");
}

/* Runs the loop until that was told, or the test's timeout. */
static void
loop_until(struct story *s, const char *word)
{
	while (strstr(s->text, word) == NULL)
		ck_assert_int_eq(event_base_loop(s->base, EVLOOP_ONCE), 0);
}

static void
attached(struct story *s, struct gentcp *g, struct gentcp_libevent **l)
{
	*s = (struct story){.base = event_base_new()};
	gentcp_on_event(g, on_event, s);
	gentcp_on_state(g, on_state, s);
	*l = gentcp_libevent_new(g, s->base);
	ck_assert_ptr_nonnull(*l);
}

/* --- libevent ----------------------------------------------------------------- */

static void
talk(struct fake_daemon *f)
{
	static char part[PART];
	char head[128];

	hear(f, CLOSE("2", "1"));
	say(f, RESULT("2", "\"ok\"") TCP("3", "a"));
	for (int i = 0; i < PARTS; i++) { /* more than the kernel takes at once */
		snprintf(head, sizeof head,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\",\"params\":"
		    "{\"socket\":4},\"attached\":%d}\n",
		    PART);
		hear(f, head);
		must(recv(f->fd, part, PART, MSG_WAITALL) == PART);
	}
	hear(f, CLOSE("3", "4"));
	say(f, RESULT("3", "\"ok\""));
	meet(f, "4", "8");
	say(f, TCP("5", "b"));
}

START_TEST(a_loop_of_libevent)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, talk);
	struct gentcp_libevent *l;
	struct story s;
	static char part[PART];

	attached(&s, g, &l);
	gentcp_set_reconnect(g, 1, 20, GENTCP_INFINITY);
	gentcp_close_async(g, 1, on_reply, &s);
	loop_until(&s, "ok tcp ");
	for (int i = 0; i < PARTS; i++)
		gentcp_send_async(g, 4, part, PART, NULL, NULL);
	gentcp_close_async(g, 4, on_reply, &s);
	loop_until(&s, "ok tcp ok lost open tcp");
	gentcp_libevent_free(l);
	gentcp_libevent_free(NULL);
	fake_daemon_finish(&f, g);
	event_base_free(s.base);
}
END_TEST

static void
say_two(struct fake_daemon *f)
{
	char rest[256];

	say(f, TCP("3", "a") TCP("3", "b"));
	while (recv(f->fd, rest, sizeof rest, 0) > 0)
		;
}

START_TEST(freed_in_the_loop)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, say_two);
	struct gentcp_libevent *l;
	struct story s;

	attached(&s, g, &l);
	s.frees = g;
	loop_until(&s, "tcp");
	/* nothing of it is left in the loop */
	ck_assert_int_eq(event_base_loop(s.base, EVLOOP_NONBLOCK), 1);
	ck_assert_str_eq(s.text, "tcp ");
	fake_daemon_finish(&f, NULL);
	event_base_free(s.base);
}
END_TEST

START_TEST(detached_in_the_loop)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, say_two);
	struct gentcp_libevent *l;
	struct story s;

	attached(&s, g, &l);
	s.detach = l;
	loop_until(&s, "tcp");
	ck_assert_int_eq(event_base_loop(s.base, EVLOOP_NONBLOCK), 1);
	/* it is good without it */
	while (strcmp(s.text, "tcp tcp ") != 0)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	gentcp_close_async(g, 1, NULL, NULL);
	fake_daemon_finish(&f, g);
	event_base_free(s.base);
}
END_TEST

static void
answer_between(struct fake_daemon *f)
{
	hear(f, CLOSE("2", "1"));
	say(f, TCP("3", "a") RESULT("2", "\"ok\""));
	shutdown(f->fd, SHUT_RDWR);
}

/* A blocking call takes an event off the descriptor: the loop hears of it. */
START_TEST(a_blocking_call_beside_the_loop)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, answer_between);
	struct gentcp_libevent *l;
	struct story s;

	attached(&s, g, &l);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_OK);
	ck_assert_int_eq(gentcp_next_timeout(g), 0);
	loop_until(&s, "tcp ended");
	gentcp_libevent_free(l);
	ck_assert_int_eq(event_base_loop(s.base, EVLOOP_NONBLOCK), 1);
	fake_daemon_finish(&f, g);
	event_base_free(s.base);
}
END_TEST

/* --- poll(2) ------------------------------------------------------------------ */

START_TEST(several_by_poll)
{
	struct fake_daemon f[2];
	struct gentcp *all[3] = {
	    fake_daemon_start(&f[0], say_two), NULL, fake_daemon_start(&f[1], talk)};
	struct story s[2] = {{.frees = all[0]}, {.frees = NULL}};
	struct pollfd fds[3];
	static char part[PART];
	int rc = 1;

	gentcp_on_event(all[0], on_event, &s[0]);
	gentcp_on_event(all[2], on_event, &s[1]);
	gentcp_on_state(all[2], on_state, &s[1]);
	gentcp_set_reconnect(all[2], 1, 20, GENTCP_INFINITY);
	gentcp_close_async(all[2], 1, on_reply, &s[1]);
	for (int i = 0; i < PARTS; i++)
		gentcp_send_async(all[2], 4, part, PART, NULL, NULL);
	gentcp_close_async(all[2], 4, on_reply, &s[1]);
	while (rc > 0 && (all[0] != NULL || strstr(s[1].text, "open tcp") == NULL))
		rc = gentcp_poll_all(all, fds, 3, DEADLINE);
	ck_assert_int_gt(rc, 0);
	ck_assert_str_eq(s[0].text, "tcp ");
	ck_assert_str_eq(s[1].text, "ok tcp ok lost open tcp ");
	fake_daemon_finish(&f[0], NULL);
	fake_daemon_finish(&f[1], all[2]);
}
END_TEST

static void
on_alarm(int signal)
{
	(void)signal;
}

START_TEST(poll_has_an_end)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, answer_between);
	struct sigaction action = {.sa_handler = on_alarm};
	struct itimerval soon = {
	    .it_interval = {.tv_usec = 20000}, .it_value = {.tv_usec = 20000}};
	struct itimerval never = {0};
	struct pollfd fd;
	struct story s = {0};

	ck_assert_int_eq(gentcp_poll_all(&g, &fd, 1, 10), 0);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	ck_assert_int_eq(gentcp_poll_all(&g, &fd, 1, DEADLINE), -1);
	ck_assert_int_eq(errno, EINTR);
	ck_assert_int_eq(gentcp_dispatch(g, GENTCP_INFINITY), GENTCP_TIMEOUT);
	setitimer(ITIMER_REAL, &never, NULL);
	gentcp_on_state(g, on_state, &s);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_OK);
	while (*s.text == '\0')
		ck_assert_int_eq(gentcp_poll_all(&g, &fd, 1, DEADLINE), 1);
	ck_assert_str_eq(s.text, "ended ");
	/* from now on it is passed over */
	ck_assert_int_eq(gentcp_poll_all(&g, &fd, 1, 1), 0);
	fake_daemon_finish(&f, g);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/adapters");
	TCase *tc = tcase_create("adapters");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_loop_of_libevent);
	tcase_add_test(tc, freed_in_the_loop);
	tcase_add_test(tc, detached_in_the_loop);
	tcase_add_test(tc, a_blocking_call_beside_the_loop);
	tcase_add_test(tc, several_by_poll);
	tcase_add_test(tc, poll_has_an_end);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
