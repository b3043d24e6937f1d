/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/reason.h"
#include "tests/unit/rpc_fixture.h"
#include "tests/unit/run.h"

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method \
	"\",\"params\":" params "}"

enum { HIGH = 4096 }; /* bytes of events, then the next wait */

static struct stage st;
static struct client c; /* a third connection */
static char token[128];
static json_int_t left, right; /* left is a's, active; right b's */

static void
setup(void)
{
	struct rpc_config config = rpc_config_default;
	json_t *got;

	config.replay_high = HIGH;
	stage_init(&st, &config, getuid(), getuid());
	client_start(&st, &c, getuid());
	connect_pair(&st, &left, &right);
	tell(&st.a, REQUEST("1", "session.keep", "[5000,true]"));
	got = hear(&st, &st.a);
	(void)snprintf(token, sizeof(token), "%s",
	    json_string_value(json_object_get(json_object_get(got, "result"), "token")));
	json_decref(got);
	tellf(&st.a, REQUEST("2", "inet.setopts", "[%d,{\"active\":true,\"packet\":1}]"),
	    (int)left);
	json_decref(hear(&st, &st.a));
	tellf(&st.b, REQUEST("2", "inet.setopts", "[%d,{\"packet\":1}]"), (int)right);
	json_decref(hear(&st, &st.b));
}

static void
teardown(void)
{
	rpc_stop(st.rpc);
	client_end(&c);
	stage_fini(&st);
}

/* b sends a packet of one letter, n of them. */
static void
feed(int n)
{
	for (int i = 0; i < n; i++) {
		tellf(&st.b, REQUEST("3", "gen_tcp.send", "[%d,\"%c\"]"), (int)right,
		    'a' + i % 26);
		expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"ok\"}");
	}
}

/* The next event of client is the one of that number, with that letter. */
static void
expect_event(struct client *client, int seq, char letter)
{
	char text[200];

	(void)snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":%d,"
	    "\"data\":\"%c\"}",
	    (int)left, letter);
	if (seq > 0)
		(void)snprintf(
		    text + strlen(text), sizeof(text) - strlen(text), ",\"seq\":%d", seq);
	(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "}");
	expect(&st, client, text);
}

static void
ack(struct client *client, int seq)
{
	tellf(client, "{\"jsonrpc\":\"2.0\",\"method\":\"session.ack\",\"params\":[%d]}",
	    seq);
}

static void
hang_up(void)
{
	session_leave(st.a.session);
	st.a.session = NULL;
	bytes_truncate(&st.a.out, 0);
}

static int
number_of_a(void)
{
	return (int)session_id(st.a.session);
}

/* Makes c the connection of client id. */
static void
attach(int id, int seen)
{
	tellf(&c, REQUEST("2", "session.attach", "[%d,\"%s\",%d]"), id, token, seen);
}

START_TEST(told_again_until_acknowledged)
{
	int id = number_of_a();

	feed(3);
	expect_event(&st.a, 1, 'a');
	expect_event(&st.a, 2, 'b');
	expect_event(&st.a, 3, 'c');
	ack(&st.a, 1);
	hang_up();
	attach(id, 0);
	ck_assert_int_eq(hear_number(&st, &c, "client"), id);
	expect_event(&c, 2, 'b');
	expect_event(&c, 3, 'c');
	feed(1);
	expect_event(&c, 4, 'a');
	ck_assert_uint_eq(bytes_len(&c.out), 0);
}
END_TEST

START_TEST(seen_is_an_acknowledgement)
{
	int id = number_of_a();

	feed(3);
	expect_event(&st.a, 1, 'a');
	expect_event(&st.a, 2, 'b');
	expect_event(&st.a, 3, 'c');
	attach(id, 4);
	expect_error(&st, &c, EINVAL);
	ck_assert(!st.a.taken);
	attach(id, 2);
	ck_assert_int_eq(hear_number(&st, &c, "client"), id);
	ck_assert(st.a.taken);
	expect_event(&c, 3, 'c');
}
END_TEST

/* What it was not told again goes to the new owner, what it was is nobody's any more. */
START_TEST(given_away)
{
	int id = number_of_a();
	char text[200];

	feed(3);
	expect_event(&st.a, 1, 'a');
	expect_event(&st.a, 2, 'b');
	expect_event(&st.a, 3, 'c');
	hang_up();
	c.no_room = true;
	attach(id, 1);
	ck_assert_int_eq(hear_number(&st, &c, "client"), id);
	tellf(&c, REQUEST("4", "gen_tcp.controlling_process", "[%d,%d]"), (int)left,
	    (int)session_id(st.b.session));
	expect(&st, &c, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":\"ok\"}");
	c.no_room = false;
	session_writable(c.session);
	ck_assert_uint_eq(bytes_len(&c.out), 0);
	(void)snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_owner\",\"params\":{\"socket\":%d,"
	    "\"from\":%d}}",
	    (int)left, id);
	expect(&st, &st.b, text);
	expect_event(&st.b, 0, 'b');
	expect_event(&st.b, 0, 'c');
}
END_TEST

/* Without room nothing is told again, and nothing overtakes. */
START_TEST(room_comes_bit_by_bit)
{
	int id = number_of_a();

	feed(2);
	expect_event(&st.a, 1, 'a');
	expect_event(&st.a, 2, 'b');
	hang_up();
	c.no_room = true;
	attach(id, 0);
	ck_assert_int_eq(hear_number(&st, &c, "client"), id);
	feed(1);
	ck_assert_uint_eq(bytes_len(&c.out), 0);
	/* what was not told again yet can be acknowledged, too */
	ack(&c, 1);
	c.no_room = false;
	session_writable(c.session);
	expect_event(&c, 2, 'b');
	expect_event(&c, 3, 'a');
}
END_TEST

/* How many events client is told without a word from it. */
static int
told(struct client *client)
{
	const struct timeval turn = {0, 20000};
	int n = 0;

	for (int i = 0; i < 5; i++) {
		event_base_loopexit(st.base, &turn);
		event_base_loop(st.base, 0);
		tcp_reap(st.tcp);
	}
	while (bytes_len(&client->out) > 0) {
		json_decref(hear(&st, client));
		n++;
	}
	return n;
}

START_TEST(so_much_and_no_more)
{
	int first, second;

	feed(200);
	first = told(&st.a);
	ck_assert_int_gt(first, 10);
	ck_assert_int_lt(first, HIGH / 64);
	/* half of it is to be handled first */
	ack(&st.a, 1);
	ck_assert_int_eq(told(&st.a), 0);
	ack(&st.a, first);
	second = told(&st.a);
	ck_assert_int_ge(second, first - 1);
	for (int seen = first + second; seen < 200; seen += second) {
		ack(&st.a, seen);
		second = told(&st.a);
		ck_assert_int_gt(second, 0);
	}
	tell(&st.a, REQUEST("4", "session.ack", "[200]"));
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":\"ok\"}");
	tell(&st.a, REQUEST("5", "session.ack", "[201]"));
	expect_error(&st, &st.a, EINVAL);
}
END_TEST

/* What was turned off is told to its end, and then no number is given. */
START_TEST(turned_off_half_told)
{
	int id = number_of_a();

	feed(2);
	expect_event(&st.a, 1, 'a');
	expect_event(&st.a, 2, 'b');
	hang_up();
	c.no_room = true;
	attach(id, 0);
	ck_assert_int_eq(hear_number(&st, &c, "client"), id);
	tell(&c, REQUEST("4", "session.keep", "[0]"));
	json_decref(hear(&st, &c));
	feed(1);
	c.no_room = false;
	session_writable(c.session);
	expect_event(&c, 1, 'a');
	expect_event(&c, 2, 'b');
	expect(&st, &c,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3,"
	    "\"data\":\"a\"}}");
}
END_TEST

START_TEST(refused_requests_acknowledge_nothing)
{
	int id = number_of_a();

	feed(1);
	expect_event(&st.a, 1, 'a');
	tell(&st.a,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":99,\"data\":\"x\"},\"ack\":1}");
	expect_error(&st, &st.a, REASON_CLOSED);
	tellf(&st.a,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":%d,\"data\":\"x\"},\"ack\":2}",
	    (int)left);
	expect_error(&st, &st.a, EINVAL);
	attach(id, 0);
	ck_assert_int_eq(hear_number(&st, &c, "client"), id);
	expect_event(&c, 1, 'a');
	tellf(&c,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":%d,\"data\":\"x\"},\"ack\":1}",
	    (int)left);
	expect(&st, &c, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":\"ok\"}");
	/* a send that is refused for its bytes' sake */
	feed(1);
	expect_event(&c, 2, 'a');
	tellf(&c,
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":%d,\"data\":[256]},\"ack\":2}",
	    (int)left);
	json_decref(hear(&st, &c));
	client_end(&st.a);
	client_start(&st, &st.a, getuid());
	tellf(&st.a, REQUEST("2", "session.attach", "[%d,\"%s\"]"), id, token);
	ck_assert_int_eq(hear_number(&st, &st.a, "client"), id);
	expect_event(&st.a, 2, 'a');
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("replay");
	TCase *tcase = tcase_create("replay");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, told_again_until_acknowledged);
	tcase_add_test(tcase, seen_is_an_acknowledgement);
	tcase_add_test(tcase, given_away);
	tcase_add_test(tcase, room_comes_bit_by_bit);
	tcase_add_test(tcase, so_much_and_no_more);
	tcase_add_test(tcase, turned_off_half_told);
	tcase_add_test(tcase, refused_requests_acknowledge_nothing);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
