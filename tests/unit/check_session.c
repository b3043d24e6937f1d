/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

#include "proto/reason.h"
#include "tests/unit/rpc_fixture.h"
#include "tests/unit/run.h"

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method \
	"\",\"params\":" params "}"

static struct stage st;

static void
setup(void)
{
	stage_init(&st, NULL, getuid(), getuid());
}

static void
teardown(void)
{
	stage_fini(&st);
}

START_TEST(faults)
{
	ck_assert(tell(&st.a, "{\"jsonrpc\":\"2.0\","));
	expect_error(&st, &st.a, REASON_PARSE_ERROR);
	ck_assert(tell(&st.a, "7"));
	expect_error(&st, &st.a, REASON_INVALID_REQUEST);
	ck_assert(
	    tell(&st.a, "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"session.self\"}"));
	expect_error(&st, &st.a, REASON_INVALID_REQUEST);
	ck_assert(tell(&st.a, REQUEST("1", "gen_tcp.nothing", "{}")));
	expect_error(&st, &st.a, REASON_METHOD_NOT_FOUND);
	ck_assert(
	    tell(&st.a, REQUEST("1", "gen_tcp.send", "{\"socket\":1,\"dat\":\"\"}")));
	expect_error(&st, &st.a, REASON_INVALID_PARAMS);
	ck_assert(tell(&st.a, REQUEST("1", "gen_tcp.send", "[77,\"x\"]")));
	expect(&st, &st.a,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":10001,\"message\":\"closed\"}}");
	ck_assert(tell(&st.a, REQUEST("1", "inet.setopts", "[77,{}]")));
	expect_error(&st, &st.a, 22);
	ck_assert(tell(&st.a, REQUEST("\"x\"", "gen_tcp.close", "[77]")));
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":\"ok\"}");
}
END_TEST

START_TEST(notifications_are_silent)
{
	ck_assert(tell(
	    &st.a, "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.close\",\"params\":[9]}"));
	ck_assert(tell(&st.a, "{\"jsonrpc\":\"2.0\",\"method\":\"nothing\"}"));
	ck_assert_uint_eq(bytes_len(&st.a.out), 0);
}
END_TEST

START_TEST(hello_sets_the_connection)
{
	json_t *got;

	tell(&st.a, REQUEST("1", "session.hello", "{\"client\":\"t/1\",\"protocol\":1}"));
	got = hear(&st, &st.a);
	ck_assert_int_eq(json_integer_value(json_object_get(
			     json_object_get(got, "result"), "max_message")),
	    16 * 1024 * 1024);
	json_decref(got);
	ck_assert(!st.a.attachments);
	tell(&st.a, REQUEST("1", "session.hello", "{\"protocol\":2}"));
	expect_error(&st, &st.a, REASON_INVALID_PARAMS);
	tell(&st.a, REQUEST("1", "session.hello", "{\"data\":\"attached\"}"));
	json_decref(hear(&st, &st.a));
	ck_assert(st.a.attachments);
	/* a broken line may now hide a payload: nothing more is read */
	ck_assert(!tell(&st.a, "{"));
	expect_error(&st, &st.a, REASON_PARSE_ERROR);
}
END_TEST

START_TEST(batches)
{
	tell(&st.a, "[]");
	expect_error(&st, &st.a, REASON_INVALID_REQUEST);
	tell(&st.a,
	    "[" REQUEST("1", "gen_tcp.close",
		"[5]") ",3,"
		       "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.close\",\"params\":[5]}]");
	json_t *got = hear(&st, &st.a);
	ck_assert_uint_eq(json_array_size(got), 2);
	ck_assert_str_eq(
	    json_string_value(json_object_get(json_array_get(got, 0), "result")), "ok");
	ck_assert(json_is_null(json_object_get(json_array_get(got, 1), "id")));
	json_decref(got);
	tell(&st.a, "[" REQUEST("4", "gen_tcp.recv", "[5,0]") "]");
	got = hear(&st, &st.a);
	ck_assert_int_eq(json_integer_value(json_object_get(
			     json_object_get(json_array_get(got, 0), "error"), "code")),
	    REASON_INVALID_REQUEST);
	json_decref(got);
	/* notifications only: nothing is said */
	tell(
	    &st.a, "[{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.close\",\"params\":[5]}]");
	ck_assert_uint_eq(bytes_len(&st.a.out), 0);
}
END_TEST

START_TEST(data_goes_both_ways)
{
	json_int_t left, right;

	connect_pair(&st, &left, &right);
	tellf(&st.a,
	    REQUEST(
		"5", "gen_tcp.send", "[%d,[\"So\",[109,101],{\"base64\":\"IERhdGE=\"}]]"),
	    (int)left);
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":\"ok\"}");
	tellf(&st.b, REQUEST("6", "gen_tcp.recv", "[%d,9,2000]"), (int)right);
	expect(&st, &st.b,
	    "{\"jsonrpc\":\"2.0\",\"id\":6,\"result\":{\"data\":\"Some Data\"}}");
	tellf(&st.a, REQUEST("7", "gen_tcp.send", "[%d,\"abc\"]"), (int)left);
	json_decref(hear(&st, &st.a));
	tellf(&st.a, REQUEST("8", "gen_tcp.close", "[%d]"), (int)left);
	json_decref(hear(&st, &st.a));
	tellf(&st.b, REQUEST("9", "gen_tcp.recv", "[%d,10]"), (int)right);
	expect(&st, &st.b,
	    "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":10001,"
	    "\"message\":\"closed\",\"data\":{\"rest\":\"abc\"}}}");
}
END_TEST

START_TEST(attached_data)
{
	json_int_t left, right;

	connect_pair(&st, &left, &right);
	tell(&st.a, REQUEST("1", "session.hello", "{\"data\":\"attached\"}"));
	json_decref(hear(&st, &st.a));
	tellf(&st.b, REQUEST("2", "gen_tcp.recv", "[%d,3]"), (int)right);
	char line[200];
	snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"gen_tcp.send\",\"params\":[%d],"
	    "\"attached\":3}",
	    (int)left);
	tell_attached(&st.a, line, "a\0b", 3);
	json_decref(hear(&st, &st.a));
	expect(&st, &st.b,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"data\":{\"base64\":\"YQBi\"}}}");
	tellf(&st.b, REQUEST("4", "gen_tcp.send", "[%d,\"xyz\"]"), (int)right);
	json_decref(hear(&st, &st.b));
	tellf(&st.a, REQUEST("5", "gen_tcp.recv", "[%d,3]"), (int)left);
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{},\"attached\":3}");
	ck_assert_uint_eq(bytes_len(&st.a.out), 3);
	ck_assert_mem_eq(bytes_head(&st.a.out), "xyz", 3);
	/* beside data it is refused */
	bytes_take(&st.a.out, 3);
	snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"gen_tcp.send\",\"params\":[%d,\"x\"],"
	    "\"attached\":3}",
	    (int)left);
	ck_assert(tell_attached(&st.a, line, "abc", 3));
	expect_error(&st, &st.a, REASON_INVALID_PARAMS);
}
END_TEST

START_TEST(cancel)
{
	json_int_t left, right;

	connect_pair(&st, &left, &right);
	tellf(&st.b, REQUEST("50", "gen_tcp.recv", "[%d,0]"), (int)right);
	tell(&st.b, REQUEST("51", "session.cancel", "[49]"));
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":51,\"result\":false}");
	tell(&st.b, REQUEST("52", "session.cancel", "[50]"));
	expect_error(&st, &st.b, REASON_CANCELLED);
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":52,\"result\":true}");
	tellf(&st.b, REQUEST("53", "gen_tcp.recv", "[%d,0,0]"), (int)right);
	expect_error(&st, &st.b, REASON_TIMEOUT);
	/* of those that are about no socket, before the loop has turned */
	tell(&st.b, REQUEST("54", "inet.getaddrs", "[\"localhost\"]"));
	tell(&st.b, REQUEST("55", "gen_tcp.connect", "[\"localhost\",1]"));
	tell(&st.b, REQUEST("56", "session.cancel", "[54]"));
	expect_error(&st, &st.b, REASON_CANCELLED);
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":56,\"result\":true}");
	tell(&st.b, REQUEST("57", "session.cancel", "[55]"));
	expect_error(&st, &st.b, REASON_CANCELLED);
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":57,\"result\":true}");
}
END_TEST

START_TEST(options)
{
	json_int_t left, right;

	connect_pair(&st, &left, &right);
	tellf(&st.a, REQUEST("1", "inet.setopts", "[%d,{\"packet\":2,\"foo\":1}]"),
	    (int)left);
	json_t *got = hear(&st, &st.a), *error = json_object_get(got, "error");
	ck_assert_str_eq(json_string_value(json_object_get(error, "message")), "einval");
	ck_assert_ptr_nonnull(strstr(
	    json_string_value(json_object_get(json_object_get(error, "data"), "detail")),
	    "foo"));
	json_decref(got);
	tellf(&st.a, REQUEST("2", "inet.setopts", "[%d,[\"list\",{\"packet\":2}]]"),
	    (int)left);
	json_decref(hear(&st, &st.a));
	tellf(&st.a,
	    REQUEST("3", "inet.getopts", "[%d,[\"mode\",\"packet\",\"active\"]]"),
	    (int)left);
	expect(&st, &st.a,
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"mode\":\"list\","
	    "\"packet\":2,\"active\":false}}");
	tellf(&st.a, REQUEST("4", "inet.getopts", "[%d,[\"binary\"]]"), (int)left);
	expect_error(&st, &st.a, 22);
	tellf(&st.a, REQUEST("5", "inet.getstat", "[%d,[\"recv_cnt\"]]"), (int)left);
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"recv_cnt\":0}}");
	tellf(&st.a, REQUEST("6", "inet.info", "[%d]"), (int)left);
	got = hear(&st, &st.a);
	json_t *states = json_object_get(json_object_get(got, "result"), "states");
	ck_assert_uint_eq(json_array_size(states), 2);
	json_decref(got);
	tell(&st.a, REQUEST("7", "inet.info", "[999]"));
	expect(&st, &st.a,
	    "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"states\":[\"closed\"]}}");
}
END_TEST

START_TEST(descriptors)
{
	json_int_t left, right;

	connect_pair(&st, &left, &right);
	tellf(&st.a, REQUEST("1", "inet.getfd", "[%d]"), (int)left);
	expect(&st, &st.a,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"fd\":\"passed\"},\"fds\":1}");
	ck_assert_int_ne(st.a.fd, -1);
	ck_assert_int_ne(fcntl(st.a.fd, F_GETFD) & FD_CLOEXEC, 0);
	st.a.refuses_fds = true;
	tellf(&st.a, REQUEST("2", "inet.getfd", "[%d]"), (int)left);
	expect_error(&st, &st.a, 10005);
	tell(&st.a, REQUEST("3", "inet.getfd", "[999]"));
	expect_error(&st, &st.a, 22);
	tellf(&st.a,
	    "[{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"inet.getfd\",\"params\":[%d]}]",
	    (int)left);
	expect(&st, &st.a,
	    "[{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32600,\"message\":"
	    "\"Not in a batch: a method that waits, an attachment or descriptors\"}}]");
}
END_TEST

START_TEST(waiting_requests_are_limited)
{
	struct rpc_config config = rpc_config_default;
	json_int_t left, right;

	stage_fini(&st);
	config.client_max[LIMIT_CALLS] = 2;
	config.client_max[LIMIT_SOCKETS] = 3;
	stage_init(&st, &config, getuid(), getuid());
	connect_pair(&st, &left, &right);
	tellf(&st.b, REQUEST("1", "gen_tcp.recv", "[%d,0]"), (int)right);
	tellf(&st.b, REQUEST("2", "gen_tcp.recv", "[%d,0]"), (int)right);
	expect_error(&st, &st.b, 114); /* ealready */
	tell(&st.b, REQUEST("3", "gen_tcp.listen", "[0,{\"ip\":\"127.0.0.1\"}]"));
	json_int_t listener = hear_number(&st, &st.b, "socket");
	tellf(&st.b, REQUEST("4", "gen_tcp.accept", "[%d]"), (int)listener);
	expect_error(&st, &st.b, REASON_SYSTEM_LIMIT);
}
END_TEST

START_TEST(strangers_see_nothing)
{
	json_int_t left, right;

	stage_fini(&st);
	stage_init(&st, NULL, 4001, 4001);
	connect_pair(&st, &left, &right);
	client_end(&st.b);
	client_start(&st, &st.b, 4002);
	tellf(&st.b, REQUEST("1", "gen_tcp.send", "[%d,\"x\"]"), (int)left);
	expect_error(&st, &st.b, REASON_CLOSED);
	tell(&st.b, REQUEST("2", "gen_tcp.listen", "[80]"));
	expect_error(&st, &st.b, 13);
	tell(&st.b, REQUEST("2", "gen_tcp.listen", "[0,{\"port\":1023}]"));
	expect_error(&st, &st.b, 13);
	tell(&st.b,
	    REQUEST("3", "gen_tcp.listen",
		"[0,[\"local\",{\"ifaddr\":{\"local\":\"/tmp/x\"}}]]"));
	expect_error(&st, &st.b, 13);
	tell(&st.b, REQUEST("4", "gen_tcp.connect", "[{\"local\":\"/tmp/x\"},0]"));
	expect_error(&st, &st.b, 13);
	tellf(&st.a, REQUEST("5", "gen_tcp.controlling_process", "[%d,%llu]"), (int)left,
	    (unsigned long long)session_id(st.b.session));
	expect_error(&st, &st.a, 13);
	tell(&st.b, REQUEST("6", "gen_tcp.listen", "[0,{\"priority\":7}]"));
	expect_error(&st, &st.b, 13);
	tellf(&st.a, REQUEST("6", "inet.setopts", "[%d,{\"priority\":7}]"), (int)left);
	expect_error(&st, &st.a, 13);
	tellf(&st.a, REQUEST("6", "inet.setopts", "[%d,{\"priority\":6}]"), (int)left);
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":6,\"result\":\"ok\"}");
	tell(&st.b, REQUEST("6", "session.clients", "[]"));
	json_t *got = hear(&st, &st.b);
	ck_assert_uint_eq(json_array_size(json_object_get(got, "result")), 1);
	json_decref(got);
}
END_TEST

/* reuseport is for the sockets of one user, and all are the daemon's here. */
START_TEST(strangers_share_no_port)
{
	json_int_t port;

	stage_fini(&st);
	stage_init(&st, NULL, 4001, 4002);
	tell(&st.a, REQUEST("1", "gen_tcp.listen", "[0,{\"reuseport\":true}]"));
	port = hear_number(&st, &st.a, "port");
	tellf(&st.b, REQUEST("2", "gen_tcp.listen", "[%d,{\"reuseport_lb\":true}]"),
	    (int)port);
	expect_error(&st, &st.b, 98); /* eaddrinuse */
	tellf(&st.b,
	    REQUEST("2", "gen_tcp.listen", "[0,{\"port\":%d,\"reuseport\":true}]"),
	    (int)port);
	expect_error(&st, &st.b, 98);
	tellf(&st.a, REQUEST("3", "gen_tcp.listen", "[%d,{\"reuseport\":true}]"),
	    (int)port);
	ck_assert_int_eq(hear_number(&st, &st.a, "port"), port);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("rpc");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, faults);
	tcase_add_test(tc, notifications_are_silent);
	tcase_add_test(tc, hello_sets_the_connection);
	tcase_add_test(tc, batches);
	tcase_add_test(tc, data_goes_both_ways);
	tcase_add_test(tc, attached_data);
	tcase_add_test(tc, cancel);
	tcase_add_test(tc, options);
	tcase_add_test(tc, descriptors);
	tcase_add_test(tc, waiting_requests_are_limited);
	tcase_add_test(tc, strangers_see_nothing);
	tcase_add_test(tc, strangers_share_no_port);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
