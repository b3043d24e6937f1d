/* SPDX-License-Identifier: ISC */
#include <stdarg.h>
#include <stdio.h>

#include "proto/reason.h"
#include "tests/unit/rpc_fixture.h"
#include "tests/unit/run.h"

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method \
	"\",\"params\":" params "}"

static struct stage st;
static json_int_t left, right;

static void
setup(void)
{
	stage_init(&st, NULL, getuid(), getuid());
	connect_pair(&st, &left, &right);
}

static void
teardown(void)
{
	stage_fini(&st);
}

static int
b_id(void)
{
	return (int)session_id(st.b.session);
}

/* Sends text from a's end and hears the ok. */
static void
send_left(const char *text)
{
	tellf(&st.a, REQUEST("9", "gen_tcp.send", "[%d,\"%s\"]"), (int)left, text);
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":\"ok\"}");
}

/* The next event of b is tcp with that text. */
static void
expect_data(struct client *c, json_int_t socket, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":%d,\"data\":\"%s\"}}",
	    (int)socket, text);
	expect(&st, c, line);
}

START_TEST(events_precede_the_answer_to_setopts)
{
	send_left("early");
	/* the bytes are in the kernel once b can peek at them by recv and unrecv */
	tellf(&st.b, REQUEST("1", "gen_tcp.recv", "[%d,5]"), (int)right);
	json_decref(hear(&st, &st.b));
	tellf(&st.b, REQUEST("2", "gen_tcp.unrecv", "[%d,\"early\"]"), (int)right);
	json_decref(hear(&st, &st.b));
	tellf(&st.b, REQUEST("3", "inet.setopts", "[%d,{\"active\":1}]"), (int)right);
	expect_data(&st.b, right, "early");
	expect(&st, &st.b,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_passive\",\"params\":{\"socket\":2}}");
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"ok\"}");
}
END_TEST

START_TEST(no_room_holds_the_data)
{
	st.b.no_room = true;
	tellf(&st.b, REQUEST("3", "inet.setopts", "[%d,{\"active\":true}]"), (int)right);
	json_decref(hear(&st, &st.b));
	send_left("held");
	tellf(&st.a, REQUEST("4", "gen_tcp.close", "[%d]"), (int)left);
	json_decref(hear(&st, &st.a));
	event_base_loop(st.base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(bytes_len(&st.b.out), 0);
	st.b.no_room = false;
	session_writable(st.b.session);
	expect_data(&st.b, right, "held");
	expect(&st, &st.b,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_closed\",\"params\":{\"socket\":2}}");
}
END_TEST

START_TEST(recv_waits_for_room)
{
	st.b.no_room = true;
	tellf(&st.b, REQUEST("3", "gen_tcp.recv", "[%d,4]"), (int)right);
	send_left("data");
	event_base_loop(st.base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(bytes_len(&st.b.out), 0);
	st.b.no_room = false;
	session_writable(st.b.session);
	expect(
	    &st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"data\":\"data\"}}");
}
END_TEST

START_TEST(who_may_give_it_away)
{
	tellf(&st.a, REQUEST("1", "gen_tcp.controlling_process", "[%d,%d]"), (int)right,
	    (int)session_id(st.a.session));
	expect_error(&st, &st.a, REASON_NOT_OWNER);
	tellf(&st.a, REQUEST("2", "gen_tcp.controlling_process", "[%d,%d]"), (int)right,
	    b_id());
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"ok\"}");
	tellf(
	    &st.a, REQUEST("3", "gen_tcp.controlling_process", "[%d,12345]"), (int)left);
	expect_error(&st, &st.a, REASON_BADARG);
}
END_TEST

START_TEST(what_was_collected_comes_first)
{
	send_left("third");
	tellf(&st.b,
	    REQUEST("1", "gen_tcp.controlling_process",
		"[%d,%d,[{\"method\":\"tcp\",\"params\":{\"socket\":%d,\"data\":\"first\"}},"
		"{\"method\":\"tcp\",\"params\":{\"socket\":%d,\"data\":{\"base64\":\"AP8=\"}}}],true]"),
	    (int)right, (int)session_id(st.a.session), (int)right, (int)right);
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"ok\"}");
	json_t *got = hear(&st, &st.a);
	ck_assert_str_eq(json_string_value(json_object_get(got, "method")), "tcp_owner");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json_object_get(got, "params"), "from")),
	    b_id());
	json_decref(got);
	expect_data(&st.a, right, "first");
	got = hear(&st, &st.a);
	ck_assert_str_eq(
	    json_string_value(json_object_get(
		json_object_get(json_object_get(got, "params"), "data"), "base64")),
	    "AP8=");
	json_decref(got);
	expect_data(&st.a, right, "third");
	ck_assert_uint_eq(bytes_len(&st.b.out), 0);
}
END_TEST

START_TEST(bad_messages_change_nothing)
{
	static const char *const bad[] = {
	    "[{\"method\":\"tcp\",\"params\":{\"socket\":999,\"data\":\"x\"}}]",
	    "[{\"method\":\"nothing\",\"params\":{\"socket\":2}}]",
	    "[{\"method\":\"tcp\",\"params\":{\"socket\":2}}]",
	    "[{\"method\":\"tcp\",\"params\":{\"socket\":2,\"data\":[256]}}]",
	    "[{\"method\":\"tcp_error\",\"params\":{\"socket\":2,\"reason\":\"nonsense\"}}]",
	    "[3]",
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tellf(&st.b, REQUEST("1", "gen_tcp.controlling_process", "[%d,%d,%s]"),
		    (int)right, (int)session_id(st.a.session), bad[i]);
		expect_error(&st, &st.b, REASON_BADARG);
	}
	tell(&st.b, REQUEST("2", "session.self", "[]"));
	json_t *got = hear(&st, &st.b);
	ck_assert_uint_eq(
	    json_array_size(json_object_get(json_object_get(got, "result"), "sockets")),
	    2);
	json_decref(got);
}
END_TEST

START_TEST(carried_events_wait_for_room)
{
	st.a.no_room = true;
	tellf(&st.b,
	    REQUEST("1", "gen_tcp.controlling_process",
		"[%d,%d,[{\"method\":\"tcp\",\"params\":{\"socket\":%d,\"data\":\"first\"}}],true]"),
	    (int)right, (int)session_id(st.a.session), (int)right);
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"ok\"}");
	ck_assert_uint_eq(bytes_len(&st.a.out), 0);
	/* and go back with the socket, to whom they are news */
	client_end(&st.b);
	client_start(&st, &st.b, getuid());
	tellf(&st.a, REQUEST("2", "gen_tcp.controlling_process", "[%d,%d]"), (int)right,
	    b_id());
	json_decref(hear(&st, &st.a));
	json_t *got = hear(&st, &st.b);
	ck_assert_str_eq(json_string_value(json_object_get(got, "method")), "tcp_owner");
	json_decref(got);
	expect_data(&st.b, right, "first");
	ck_assert_uint_eq(bytes_len(&st.b.out), 0);
}
END_TEST

START_TEST(sockets_close_with_their_owner)
{
	tellf(&st.a, REQUEST("1", "gen_tcp.recv", "[%d,0]"), (int)left);
	client_end(&st.b);
	expect_error(&st, &st.a, REASON_CLOSED);
	client_start(&st, &st.b, getuid());
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("owner");
	TCase *tc = tcase_create("rpc");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, events_precede_the_answer_to_setopts);
	tcase_add_test(tc, no_room_holds_the_data);
	tcase_add_test(tc, recv_waits_for_room);
	tcase_add_test(tc, who_may_give_it_away);
	tcase_add_test(tc, what_was_collected_comes_first);
	tcase_add_test(tc, bad_messages_change_nothing);
	tcase_add_test(tc, carried_events_wait_for_room);
	tcase_add_test(tc, sockets_close_with_their_owner);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
