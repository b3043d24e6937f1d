/* SPDX-License-Identifier: ISC */
/*
 * gentcp_free() in a callback, in each kind of it: what called returns GENTCP_FREED,
 * no other event comes, and each request that waits is answered once.  The sanitizers
 * see the rest.
 */
#include <check.h>
#include <string.h>

#include "client/connection.h"
#include "fake_daemon.h"
#include "tests/unit/run.h"

#define EVENT(name, members) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" name "\",\"params\":{\"socket\":3" members \
	"}}\n"
#define ATTACHED(name) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" name \
	"\",\"params\":{\"socket\":3},\"attached\":3}\nabc"
#define REFUSED(id) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id \
	",\"error\":{\"code\":22,\"message\":\"einval\"," \
	"\"data\":{\"rest\":\"abc\"}}}\n"

struct story {
	int events, replies, last; /* last: the status of the last reply */
};

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct story *s = ctx;
	char text[4] = "";

	s->events++;
	gentcp_free(g);
	gentcp_free(g); /* once is enough, and twice does no harm */
	/* what was given is good until the callback returns */
	if (e->len == 3)
		memcpy(text, e->data, 3);
	ck_assert(e->len != 3 || strcmp(text, "abc") == 0);
	ck_assert_uint_gt(strlen(e->name), 0);
	/* nothing more can be asked for */
	ck_assert_int_eq(gentcp_close_async(g, 1, NULL, NULL), GENTCP_LOST);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_LOST);
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct story *s = ctx;
	size_t len;

	s->replies++;
	s->last = gentcp_reply_status(r);
	gentcp_free(g);
	if (s->last == GENTCP_OK)
		ck_assert_ptr_nonnull(gentcp_reply_json(r));
	else if (s->last == GENTCP_ERROR)
		ck_assert_mem_eq(
		    gentcp_error_rest(gentcp_reply_error(r), &len), "abc", 3);
	else
		ck_assert_uint_gt(strlen(gentcp_error_reason(gentcp_reply_error(r))), 0);
}

static void
feed(struct gentcp *g, const char *text)
{
	ck_assert_int_eq(gentcp_feed(g, text, strlen(text)), GENTCP_OK);
}

/* A connection that has said hello, with two requests that wait, ids 2 and 3. */
static struct gentcp *
begin(struct story *s)
{
	struct gentcp *g = gentcp_new();

	*s = (struct story){0};
	ck_assert_int_eq(gentcp_hello(g, NULL, NULL), GENTCP_OK);
	feed(g, RESULT("1", "{\"server\":\"gentcpd/9\",\"protocol\":1,\"client\":7}"));
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	gentcp_on_event(g, on_event, s);
	ck_assert_int_eq(gentcp_recv_async(g, 3, 0, 100, on_reply, s), GENTCP_OK);
	ck_assert_int_eq(gentcp_close_async(g, 3, on_reply, s), GENTCP_OK);
	return g;
}

static const char *const events[] = {
    EVENT("tcp", ",\"data\":\"abc\""),
    EVENT("tcp", ",\"data\":{\"base64\":\"YWJj\"}"),
    EVENT("tcp", ",\"header\":[1,2],\"data\":\"abc\""),
    ATTACHED("tcp"),
    ATTACHED("port"),
    EVENT("tcp_passive", ""),
    EVENT("tcp_error", ",\"reason\":\"econnreset\""),
    EVENT("tcp_closed", ""),
    EVENT("tcp_owner", ",\"from\":5"),
    EVENT("http", ",\"http\":{\"type\":\"http_eoh\"}"),
    EVENT("down", ",\"monitor\":1,\"reason\":\"normal\""),
    EVENT("unheard_of", ""),
};
enum { EVENTS = sizeof events / sizeof *events };

START_TEST(in_an_event)
{
	struct story s;
	struct gentcp *g = begin(&s);

	feed(g, events[_i]);
	feed(g, events[_i]);
	feed(g, RESULT("2", "\"ok\""));
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_FREED);
	ck_assert_int_eq(s.events, 1);
	ck_assert_int_eq(s.replies, 2);
	ck_assert_int_eq(s.last, GENTCP_LOST);
}
END_TEST

static const char *const replies[] = {
    RESULT("2", "{\"data\":\"abc\"}"),
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{},\"attached\":3}\nabc",
    RESULT("3", "\"ok\""),
    REFUSED("2"),
};

START_TEST(in_a_reply)
{
	struct story s;
	struct gentcp *g = begin(&s);

	feed(g, replies[_i]);
	feed(g, events[0]);
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_FREED);
	ck_assert_int_eq(s.events, 0);
	ck_assert_int_eq(s.replies, 2);
	ck_assert_int_eq(s.last, GENTCP_LOST);
}
END_TEST

START_TEST(in_a_reply_while_receiving)
{
	struct story s;
	struct gentcp *g = begin(&s);
	const struct gentcp_event *e;

	feed(g, replies[_i]);
	feed(g, events[0]);
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_FREED);
	ck_assert_int_eq(s.events, 0);
	ck_assert_int_eq(s.replies, 2);
}
END_TEST

START_TEST(in_the_hello)
{
	struct story s = {0};
	struct gentcp *g = gentcp_new();

	ck_assert_int_eq(gentcp_hello(g, on_reply, &s), GENTCP_OK);
	feed(g, RESULT("1", "{\"server\":\"gentcpd/9\",\"protocol\":1,\"client\":7}"));
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_FREED);
	ck_assert_int_eq(s.replies, 1);
	ck_assert_int_eq(s.last, GENTCP_OK);
}
END_TEST

START_TEST(in_the_end_of_a_request)
{
	struct story s;
	struct gentcp *g = begin(&s);

	ck_assert_int_eq(gentcp_feed(g, NULL, 0), GENTCP_LOST);
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_FREED);
	ck_assert_int_eq(s.replies, 2); /* the other one too */
	ck_assert_int_eq(s.last, GENTCP_LOST);
	/* and where the free itself is what ends them */
	g = begin(&s);
	gentcp_free(g);
	ck_assert_int_eq(s.replies, 2);
}
END_TEST

/* --- after a blocking call ---------------------------------------------------- */

static void
answer_one(struct fake_daemon *f)
{
	hear(f, REQUEST("2", "gen_tcp.close", "{\"socket\":1}"));
	say(f, TCP("3", "abc") TCP("3", "abc") RESULT("2", "\"ok\""));
}

START_TEST(in_an_event_that_was_kept)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, answer_one);
	struct story s = {0};

	gentcp_on_event(g, on_event, &s);
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_OK);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_FREED);
	ck_assert_int_eq(s.events, 1);
	fake_daemon_finish(&f, NULL);
}
END_TEST

static void
close_and_free(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct story *s = ctx;

	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_OK);
	ck_assert_mem_eq(e->data, "abc", 3);
	on_event(g, e, s);
}

static void
answer_in_an_event(struct fake_daemon *f)
{
	say(f, TCP("4", "abc"));
	answer_one(f);
}

START_TEST(after_a_blocking_call_in_it)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, answer_in_an_event);
	struct story s = {0};

	gentcp_on_event(g, close_and_free, &s);
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_FREED);
	ck_assert_int_eq(s.events, 1);
	fake_daemon_finish(&f, NULL);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/free");
	TCase *tc = tcase_create("free");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, in_an_event, 0, EVENTS);
	tcase_add_loop_test(tc, in_a_reply, 0, 4);
	tcase_add_loop_test(tc, in_a_reply_while_receiving, 0, 4);
	tcase_add_test(tc, in_the_hello);
	tcase_add_test(tc, in_the_end_of_a_request);
	tcase_add_test(tc, in_an_event_that_was_kept);
	tcase_add_test(tc, after_a_blocking_call_in_it);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
