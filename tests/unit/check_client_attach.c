/* SPDX-License-Identifier: ISC */
/* The way to a kept client, and back to it: which events it is given once more. */
#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/connection.h"
#include "fake_daemon.h"
#include "kept_program.h"
#include "tests/unit/no_memory.h"
#include "tests/unit/run.h"

/* --- with a daemon ------------------------------------------------------------ */

static void
keep(struct fake_daemon *f)
{
	hear(f, KEEP("2", "60000", "true"));
	say(f, RESULT("2", "{\"client\":7,\"token\":\"5c0f\"}"));
	hear(f, KEEP("3", "0", "false"));
	say(f, RESULT("3", "{\"client\":7,\"token\":null}"));
	hear(f, KEEP("4", "1", "false"));
	say(f, RESULT("4", "{\"client\":7,\"token\":7}"));
	hear(f, KEEP("5", "-1", "false"));
	say(f, REFUSED("5", "-32602", "no"));
}

START_TEST(keeping)
{
	struct fake_daemon f = {0};
	struct gentcp *g = fake_daemon_start(&f, keep);

	ck_assert_ptr_null(gentcp_token(g));
	ck_assert_int_eq(gentcp_keep(g, 60000, 1), GENTCP_OK);
	ck_assert_str_eq(gentcp_token(g), "5c0f");
	ck_assert_int_eq(gentcp_keep(g, 0, 0), GENTCP_OK);
	ck_assert_ptr_null(gentcp_token(g));
	ck_assert_int_eq(gentcp_keep(g, 1, 0), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_keep(g, -1, 0), GENTCP_ERROR);
	ck_assert_ptr_null(gentcp_token(g));
	fake_daemon_finish(&f, g);
}
END_TEST

/* A connection becomes client 7, whose events from 5 on are told. */
static void
attach(struct fake_daemon *f)
{
	meet(f, "1", "9");
	hear(f, ATTACH("2", "a\\\"b", ",\"seen\":4"));
	say(f, RESULT("2", CLIENT("7")) SEQ("5", "3", "a"));
	hear(f, SEND("3", "3", WITH("5"), "1}\na"));
	say(f, RESULT("3", "\"ok\""));
}

START_TEST(attaching)
{
	struct fake_daemon f = {0};
	struct gentcp *g = gentcp_new();
	const struct gentcp_event *e;
	static const char too_long[] = "0123456789012345678901234567890123456789"
				       "0123456789012345678901234567890123456789";

	ck_assert_int_eq(gentcp_attach(g, "/", 0, "a", 0, 0), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_attach(g, "/", 7, "", 0, 0), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_attach(g, "/", 7, too_long, 0, 0), GENTCP_INVALID);
	fake_daemon_begin(&f, attach);
	ck_assert_int_eq(gentcp_attach(g, f.path, 7, "a\"b", 4, DEADLINE), GENTCP_OK);
	ck_assert_uint_eq(gentcp_client(g), 7);
	ck_assert_uint_eq(gentcp_epoch(g), 1);
	ck_assert_str_eq(gentcp_token(g), "a\"b");
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_uint_eq(e->seq, 5);
	ck_assert_int_eq(gentcp_ack_with(g, 5), GENTCP_OK);
	ck_assert_int_eq(gentcp_send(g, 3, "a", 1), GENTCP_OK);
	ck_assert_uint_eq(g->kept.end - g->kept.first, 0);
	ck_assert_int_eq(gentcp_attach(g, f.path, 7, "a", 0, 0), GENTCP_INVALID);
	fake_daemon_finish(&f, g);
}
END_TEST

static void
refuse(struct fake_daemon *f)
{
	meet(f, "1", "9");
	hear(f, ATTACH("2", "a", ""));
	say(f, REFUSED("2", "13", "eacces"));
	hear(f, REQUEST("3", "gen_tcp.close", "{\"socket\":1}"));
	say(f, RESULT("3", "\"ok\""));
}

START_TEST(who_is_refused_is_a_new_client)
{
	struct fake_daemon f = {0};
	struct gentcp *g = gentcp_new();

	fake_daemon_begin(&f, refuse);
	ck_assert_int_eq(gentcp_attach(g, f.path, 7, "a", 0, DEADLINE), GENTCP_ERROR);
	ck_assert_str_eq(gentcp_error_reason(gentcp_error(g)), "eacces");
	ck_assert_uint_eq(gentcp_client(g), 9);
	ck_assert_ptr_null(gentcp_token(g));
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_OK);
	fake_daemon_finish(&f, g);
}
END_TEST

static void
no_answer(struct fake_daemon *f)
{
	meet(f, "1", "9");
	hear(f, ATTACH("2", "a", ""));
}

START_TEST(an_attach_has_its_time)
{
	struct fake_daemon f = {0};
	struct gentcp *g = gentcp_new();

	fake_daemon_begin(&f, no_answer);
	ck_assert_int_eq(gentcp_attach(g, f.path, 7, "a", 0, 200), GENTCP_TIMEOUT);
	ck_assert_int_eq(gentcp_fd(g), -1);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
	gentcp_free(g);
	g = gentcp_new();
	ck_assert_int_eq(gentcp_attach(g, "/nowhere/at/all", 7, "a", 0, 10), GENTCP_LOST);
	fake_daemon_finish(&f, g);
}
END_TEST

/* --- the way back ------------------------------------------------------------- */

/* Client 7, kept, with three events that were answered; two of the answers come. */
static void
three_events(struct fake_daemon *f)
{
	hear(f, KEEP("2", "60000", "true"));
	say(f, RESULT("2", "{\"client\":7,\"token\":\"5c0f\"}"));
	say(f, SEQ("1", "3", "a") SEQ("2", "3", "b") CLOSED("3", "4"));
	hear(f, SEND("3", "3", WITH("1"), "1}\na") SEND("4", "3", WITH("2"), "1}\nb"));
	hear(f, ACK("3"));
	say(f, RESULT("3", "\"ok\""));
}

static void
meet_again(struct fake_daemon *f, const char *id, const char *attach)
{
	static const char hello[] =
	    "{\"protocol\":1,\"data\":\"attached\",\"attachments\":true}";
	char line[256];

	close(f->fd);
	f->fd = accept(f->listener, NULL, NULL);
	must(f->fd >= 0);
	snprintf(line, sizeof line, REQUEST("%s", "session.hello", "%s"), id, hello);
	hear(f, line);
	hear(f, attach); /* without waiting for that to be answered */
	snprintf(line, sizeof line, RESULT("%s", CLIENT("8")), id);
	say(f, line);
}

/* The second answer was not carried out: its event comes again, and the third. */
static void
come_back(struct fake_daemon *f)
{
	three_events(f);
	meet_again(f, "5", ATTACH("6", "5c0f", ",\"seen\":1"));
	say(f, RESULT("6", CLIENT("7")));
	say(f, SEQ("2", "3", "b") CLOSED("3", "4") SEQ("4", "3", "d"));
	hear(f, SEND("7", "3", WITH("2"), "1}\nb"));
	hear(f, SEND("8", "3", WITH("4"), "1}\nd"));
	say(f, RESULT("7", "\"ok\"") RESULT("8", "\"ok\"") CLOSED("5", "3"));
	hear(f, ACK("5"));
}

static void
until(struct gentcp *g, struct program *p, const char *word)
{
	while (strstr(p->text, word) == NULL)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
}

/* An event with data is answered and acknowledged in one; a tcp_closed is not. */
static void
answer(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct program *p = ctx;

	p->with = e->type == GENTCP_EVENT_TCP;
	program_event(g, e, ctx);
}

static struct gentcp *
start(struct fake_daemon *f, void (*script)(struct fake_daemon *f), struct program *p)
{
	struct gentcp *g = fake_daemon_start(f, script);

	*p = (struct program){0};
	gentcp_on_event(g, answer, p);
	gentcp_on_state(g, program_state, p);
	gentcp_set_reconnect(g, 1, 20, GENTCP_INFINITY);
	ck_assert_int_eq(gentcp_keep(g, 60000, 1), GENTCP_OK);
	return g;
}

START_TEST(it_attaches_again)
{
	struct fake_daemon f = {0};
	struct program p;
	struct gentcp *g = start(&f, come_back, &p);

	until(g, &p, "attached");
	ck_assert_uint_eq(gentcp_client(g), 7);
	ck_assert_uint_eq(gentcp_epoch(g), 1);
	until(g, &p, "5 ");
	/* the second was in doubt, the third was handled */
	program_told(&p, "1a 2b 3 ok lost lost attached 2b 4d ok ok 5 ");
	ck_assert_uint_eq(g->kept.end - g->kept.first, 0);
	fake_daemon_finish(&f, g);
}
END_TEST

/* The second answer was carried out, but that was not heard. */
static void
come_back_with_less(struct fake_daemon *f)
{
	three_events(f);
	meet_again(f, "5", ATTACH("6", "5c0f", ",\"seen\":1"));
	say(f, RESULT("6", CLIENT("7")));
	say(f, CLOSED("3", "4") SEQ("4", "3", "d"));
	hear(f, SEND("7", "3", WITH("4"), "1}\nd"));
	say(f, RESULT("7", "\"ok\""));
}

START_TEST(what_the_daemon_did_is_not_done_again)
{
	struct fake_daemon f = {0};
	struct program p;
	struct gentcp *g = start(&f, come_back_with_less, &p);

	until(g, &p, "4d ok");
	program_told(&p, "1a 2b 3 ok lost lost attached 4d ok ");
	ck_assert_uint_eq(g->kept.end - g->kept.first, 0);
	fake_daemon_finish(&f, g);
}
END_TEST

static void
forget_it(struct fake_daemon *f)
{
	three_events(f);
	meet_again(f, "5", ATTACH("6", "5c0f", ",\"seen\":1"));
	say(f, REFUSED("6", "13", "eacces") SEQ("1", "1", "new"));
	hear(f, SEND("7", "1", WITH("1"), "3}\nnew"));
	say(f, RESULT("7", "\"ok\""));
}

START_TEST(it_may_be_too_late)
{
	struct fake_daemon f = {0};
	struct program p;
	struct gentcp *g = start(&f, forget_it, &p);

	until(g, &p, "open");
	ck_assert_uint_eq(gentcp_client(g), 8);
	ck_assert_uint_eq(gentcp_epoch(g), 2);
	ck_assert_ptr_null(gentcp_token(g));
	ck_assert_str_eq(gentcp_error_reason(gentcp_error(g)), "eacces");
	until(g, &p, "new ok");
	program_told(&p, "1a 2b 3 ok lost lost open 1new ok ");
	fake_daemon_finish(&f, g);
}
END_TEST

/* The answer gets no answer, and the next one is not even sent. */
static void
break_off(struct fake_daemon *f)
{
	hear(f, KEEP("2", "60000", "true"));
	say(f, RESULT("2", "{\"client\":7,\"token\":\"5c0f\"}"));
	say(f, SEQ("1", "3", "a"));
	hear(f, SEND("3", "3", WITH("1"), "1}\na"));
	meet_again(f, "4", ATTACH("5", "5c0f", ""));
	say(f, RESULT("5", CLIENT("7")) SEQ("1", "3", "a"));
	hear(f, SEND("6", "3", WITH("1"), "1}\na"));
	say(f, RESULT("6", "\"ok\""));
}

START_TEST(what_was_not_sent_is_to_be_answered_again)
{
	struct fake_daemon f = {0};
	struct program p;
	struct gentcp *g = start(&f, break_off, &p);
	const struct gentcp_event *e;

	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_int_eq(gentcp_ack_with(g, e->seq), GENTCP_OK);
	ck_assert_int_eq(gentcp_send(g, 3, "a", 1), GENTCP_LOST);
	ck_assert_int_eq(gentcp_ack_with(g, e->seq), GENTCP_OK);
	ck_assert_int_eq(gentcp_send(g, 3, "a", 1), GENTCP_LOST);
	until(g, &p, "ok ");
	program_told(&p, "lost attached 1a ok ");
	ck_assert_uint_eq(g->kept.end - g->kept.first, 0);
	fake_daemon_finish(&f, g);
}
END_TEST

/* Twice in vain: for want of memory, and with an answer that is none. */
static void
come_back_late(struct fake_daemon *f)
{
	hear(f, KEEP("2", "60000", "true"));
	say(f, RESULT("2", "{\"client\":7,\"token\":\"5c0f\"}"));
	meet(f, "3", "8");
	hear(f, ATTACH("4", "5c0f", ""));
	say(f, REFUSED("4", "12", "enomem"));
	meet(f, "5", "8");
	hear(f, ATTACH("6", "5c0f", ""));
	say(f, RESULT("6", "{}"));
	meet(f, "7", "8");
	hear(f, ATTACH("8", "5c0f", ""));
	say(f, RESULT("8", CLIENT("7")));
	hear(f, REQUEST("9", "gen_tcp.close", "{\"socket\":1}"));
	say(f, RESULT("9", "\"ok\""));
}

START_TEST(it_goes_on_trying)
{
	struct fake_daemon f = {0};
	struct program p;
	struct gentcp *g = start(&f, come_back_late, &p);

	until(g, &p, "attached");
	program_told(&p, "lost attached ");
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_OK);
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(so_it_does_in_blocking_calls)
{
	struct fake_daemon f = {0};
	struct program p;
	struct gentcp *g = start(&f, come_back_late, &p);

	gentcp_set_timeout(g, DEADLINE);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK); /* the loss */
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_OK);
	ck_assert_uint_eq(gentcp_client(g), 7);
	ck_assert_uint_eq(g->pending.count, 0);
	program_told(&p, "lost ");
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	program_told(&p, "attached ");
	fake_daemon_finish(&f, g);
}
END_TEST

/* --- without memory ----------------------------------------------------------- */

/* Any number of connections, each of which becomes client 7, and closes a socket. */
static void
always(struct fake_daemon *f)
{
	static char line[512], answer[128];
	ssize_t n;

	while ((f->fd = accept(f->listener, NULL, NULL)) >= 0) {
		size_t len = 0;

		while ((n = recv(f->fd, line + len, 1, 0)) == 1) {
			len += (size_t)n;
			must(len < sizeof line);
			if (line[len - 1] != '\n')
				continue;
			line[len - 1] = '\0';
			len = 0;
			n = snprintf(answer, sizeof answer,
			    RESULT("%lu", "{\"token\":\"5c0f\",\"client\":7}"),
			    strtoul(strstr(line, "\"id\":") + 5, NULL, 10));
			(void)!send(f->fd, answer, (size_t)n, MSG_NOSIGNAL);
			if (strstr(line, "gen_tcp.shutdown") != NULL)
				break; /* it hangs up */
		}
		close(f->fd);
	}
}

static struct gentcp *
attach_in_time(const struct fake_daemon *f)
{
	struct gentcp *g = gentcp_new();
	int rc;

	if (g == NULL)
		return NULL;
	gentcp_set_timeout(g, DEADLINE);
	rc = gentcp_attach(g, f->path, 7, "5c0f", 3, DEADLINE);
	if (rc == GENTCP_OK)
		return g;
	must(rc == GENTCP_NOMEM || rc == GENTCP_LOST);
	must(gentcp_fd(g) == -1 && gentcp_token(g) == NULL);
	gentcp_free(g);
	return NULL;
}

/* Whether it came to the end: the connection breaks, and is there again. */
static bool
break_once(struct gentcp *g)
{
	int rc;

	gentcp_set_reconnect(g, 1, 1, GENTCP_INFINITY);
	do /* the last that is answered */
		rc = gentcp_shutdown(g, 1, "write");
	while (rc == GENTCP_NOMEM);
	do {
		rc = gentcp_dispatch(g, DEADLINE);
		must(rc == GENTCP_OK || rc == GENTCP_NOMEM);
	} while (g->again.attach == 0 || g->again.state != RECONNECT_IDLE);
	rc = gentcp_close(g, 1);
	return rc == GENTCP_OK && gentcp_client(g) == 7 && gentcp_epoch(g) == 1;
}

START_TEST(each_allocation_fails_once)
{
	struct fake_daemon f = {0};
	struct gentcp *g;
	bool met = true, done;

	fake_daemon_begin(&f, always);
	for (size_t n = 1; met; n++) {
		no_memory_at(n, false);
		g = attach_in_time(&f);
		met = no_memory_met();
		no_memory_at(0, false);
		ck_assert(met || g != NULL);
		gentcp_free(g);
	}
	met = true;
	for (size_t n = 1; met; n++) {
		g = attach_in_time(&f);
		ck_assert_ptr_nonnull(g);
		no_memory_at(n, false);
		done = break_once(g);
		met = no_memory_met();
		no_memory_at(0, false);
		ck_assert(met || done);
		ck_assert_str_eq(gentcp_token(g), "5c0f");
		ck_assert_uint_eq(gentcp_epoch(g), 1);
		gentcp_free(g);
	}
	shutdown(f.listener, SHUT_RDWR);
	fake_daemon_finish(&f, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/attach");
	TCase *tc = tcase_create("attach");

	no_memory_init();
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, keeping);
	tcase_add_test(tc, attaching);
	tcase_add_test(tc, who_is_refused_is_a_new_client);
	tcase_add_test(tc, an_attach_has_its_time);
	tcase_add_test(tc, it_attaches_again);
	tcase_add_test(tc, what_the_daemon_did_is_not_done_again);
	tcase_add_test(tc, it_may_be_too_late);
	tcase_add_test(tc, what_was_not_sent_is_to_be_answered_again);
	tcase_add_test(tc, it_goes_on_trying);
	tcase_add_test(tc, so_it_does_in_blocking_calls);
	tcase_add_test(tc, each_allocation_fails_once);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
