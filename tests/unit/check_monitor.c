/* SPDX-License-Identifier: ISC */
/* Monitors where channels have no room, in batches, and at the limit. */
#include <errno.h>
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
setup_few(void)
{
	static struct rpc_config config;

	config = rpc_config_default;
	config.client_max[LIMIT_MONITORS] = 2;
	stage_init(&st, &config, getuid(), getuid());
	connect_pair(&st, &left, &right);
}

static void
teardown(void)
{
	stage_fini(&st);
}

static json_int_t
monitor(struct client *c, json_int_t socket)
{
	tellf(c, REQUEST("7", "inet.monitor", "[%d]"), (int)socket);
	return hear_number(&st, c, "monitor");
}

static void
close_socket(struct client *c, json_int_t socket)
{
	tellf(c, REQUEST("8", "gen_tcp.close", "[%d]"), (int)socket);
}

static void
expect_ok(struct client *c, int id)
{
	char line[64];

	snprintf(
	    line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"result\":\"ok\"}", id);
	expect(&st, c, line);
}

static void
expect_down(struct client *c, json_int_t m, json_int_t socket, const char *reason)
{
	char line[160];

	snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"down\",\"params\":"
	    "{\"monitor\":%d,\"socket\":%d,\"reason\":\"%s\"}}",
	    (int)m, (int)socket, reason);
	expect(&st, c, line);
}

START_TEST(down_precedes_the_answer_to_close)
{
	json_int_t m = monitor(&st.a, left);

	close_socket(&st.a, left);
	expect_down(&st.a, m, left, "normal");
	expect_ok(&st.a, 8);
}
END_TEST

START_TEST(what_found_no_room_follows_in_order)
{
	json_int_t first = monitor(&st.b, left), second = monitor(&st.b, left);
	json_int_t third = monitor(&st.b, right);

	ck_assert(first < second && second < third);
	st.b.no_room = true;
	close_socket(&st.a, left);
	expect_ok(&st.a, 8);
	session_writable(st.b.session);
	ck_assert_uint_eq(bytes_len(&st.b.out), 0);
	/* it has fired: too late to take it back */
	tellf(&st.b, REQUEST("9", "inet.cancel_monitor", "[%d]"), (int)first);
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":false}");
	st.b.no_room = false;
	/* what comes later does not overtake */
	close_socket(&st.b, right);
	expect_down(&st.b, first, left, "normal");
	expect_down(&st.b, second, left, "normal");
	expect_down(&st.b, third, right, "normal");
	expect_ok(&st.b, 8);
}
END_TEST

START_TEST(room_brings_what_is_due)
{
	json_int_t m = monitor(&st.b, left);

	st.b.no_room = true;
	close_socket(&st.a, left);
	expect_ok(&st.a, 8);
	ck_assert_uint_eq(bytes_len(&st.b.out), 0);
	st.b.no_room = false;
	session_writable(st.b.session);
	expect_down(&st.b, m, left, "normal");
}
END_TEST

/*
 * The end of a passive socket was noticed, and it becomes active without room: to its
 * owner tcp_closed has to be told, and down behind it.  Nobody else waits for that.
 */
START_TEST(down_is_the_last_of_a_socket)
{
	json_int_t mine = monitor(&st.b, right), theirs = monitor(&st.a, right);

	close_socket(&st.a, left);
	expect_ok(&st.a, 8);
	tellf(&st.b, REQUEST("3", "gen_tcp.recv", "[%d,0]"), (int)right);
	expect_error(&st, &st.b, REASON_CLOSED);
	st.b.no_room = true;
	tellf(&st.b, REQUEST("4", "inet.setopts", "[%d,{\"active\":true}]"), (int)right);
	expect_ok(&st.b, 4);
	expect_down(&st.a, theirs, right, "normal");
	/* as gone, also to its owner */
	tellf(&st.b, REQUEST("5", "inet.port", "[%d]"), (int)right);
	expect_error(&st, &st.b, EINVAL);
	ck_assert_uint_eq(bytes_len(&st.b.out), 0);
	st.b.no_room = false;
	session_writable(st.b.session);
	expect(&st, &st.b,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_closed\",\"params\":{\"socket\":2}}");
	expect_down(&st.b, mine, right, "normal");
}
END_TEST

START_TEST(a_batch_names_it_first)
{
	tellf(&st.a,
	    "[" REQUEST("1", "inet.monitor", "[%d]") "," REQUEST("2", "gen_tcp.close",
		"[%d]") "," REQUEST("3", "inet.monitor", "[%d]") "]",
	    (int)left, (int)left, (int)left);
	expect(&st, &st.a,
	    "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"monitor\":1}},"
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"ok\"},"
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"monitor\":2}}]");
	expect_down(&st.a, 1, left, "normal");
	expect_down(&st.a, 2, left, "noproc");
	/* in the order in which they went */
	tellf(&st.a,
	    "[" REQUEST("1", "inet.monitor", "[%d]") "," REQUEST(
		"2", "inet.monitor", "[99]") "," REQUEST("3", "gen_tcp.close", "[1]") "]",
	    1);
	json_decref(hear(&st, &st.a));
	expect_down(&st.a, 4, 99, "noproc");
	expect_down(&st.a, 3, 1, "normal");
	/* taken back in its own batch */
	tellf(&st.a,
	    "[" REQUEST("4", "inet.monitor", "[%d]") "," REQUEST(
		"5", "inet.cancel_monitor", "[5]") "]",
	    (int)right);
	expect(&st, &st.a,
	    "[{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"monitor\":5}},"
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":true}]");
}
END_TEST

START_TEST(there_are_so_many)
{
	json_int_t m = monitor(&st.a, left);

	monitor(&st.a, right);
	tellf(&st.a, REQUEST("1", "inet.monitor", "[%d]"), (int)left);
	expect_error(&st, &st.a, REASON_SYSTEM_LIMIT);
	/* another client has its own */
	monitor(&st.b, left);
	tellf(&st.a, REQUEST("2", "inet.cancel_monitor", "[%d]"), (int)m);
	expect(&st, &st.a, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":true}");
	ck_assert_int_gt(monitor(&st.a, left), m);
	/* what is due counts until it is told */
	st.a.no_room = true;
	close_socket(&st.b, right);
	expect_ok(&st.b, 8);
	tellf(&st.a, REQUEST("3", "inet.monitor", "[%d]"), (int)left);
	expect_error(&st, &st.a, REASON_SYSTEM_LIMIT);
	st.a.no_room = false;
	session_writable(st.a.session);
	json_decref(hear(&st, &st.a));
	monitor(&st.a, left);
}
END_TEST

START_TEST(who_monitors_is_not_idle)
{
	json_int_t m;

	close_socket(&st.b, right);
	expect_ok(&st.b, 8);
	close_socket(&st.b, 1);
	expect_ok(&st.b, 8);
	ck_assert(session_idle(st.b.session));
	m = monitor(&st.b, left);
	ck_assert(!session_idle(st.b.session));
	st.b.no_room = true;
	close_socket(&st.a, left);
	expect_ok(&st.a, 8);
	ck_assert(!session_idle(st.b.session));
	st.b.no_room = st.b.idle = false;
	session_writable(st.b.session);
	expect_down(&st.b, m, left, "normal");
	ck_assert(session_idle(st.b.session) && st.b.idle);
}
END_TEST

/* Each end with monitors of both kinds on both sides. */
START_TEST(clients_end)
{
	json_int_t m;

	monitor(&st.a, left);
	monitor(&st.a, right);
	m = monitor(&st.b, left);
	monitor(&st.b, right);
	monitor(&st.a, 99);
	client_end(&st.a);
	expect_down(&st.b, m, left, "killed");
	st.b.no_room = true;
	close_socket(&st.b, right);
	client_end(&st.b);
	client_start(&st, &st.a, getuid());
	client_start(&st, &st.b, getuid());
	ck_assert_int_eq(monitor(&st.b, right), 6);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("monitor");
	TCase *tcase = tcase_create("monitor"), *few = tcase_create("few");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, down_precedes_the_answer_to_close);
	tcase_add_test(tcase, what_found_no_room_follows_in_order);
	tcase_add_test(tcase, room_brings_what_is_due);
	tcase_add_test(tcase, down_is_the_last_of_a_socket);
	tcase_add_test(tcase, a_batch_names_it_first);
	tcase_add_test(tcase, who_monitors_is_not_idle);
	tcase_add_test(tcase, clients_end);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(few, setup_few, teardown);
	tcase_add_test(few, there_are_so_many);
	suite_add_tcase(suite, few);
	return run_suite(suite);
}
