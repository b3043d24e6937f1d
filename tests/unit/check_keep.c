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

enum { TTL = 5000 };

static struct stage st;
static struct client c; /* a third connection */
static char token[128];
static json_int_t left, right; /* left is a's, right b's */

static void
setup(void)
{
	stage_init(&st, NULL, getuid(), getuid());
	client_start(&st, &c, getuid());
	connect_pair(&st, &left, &right);
}

static void
teardown(void)
{
	rpc_stop(st.rpc);
	client_end(&c);
	stage_fini(&st);
}

/* Keeps a; its token is in token.  Returns its number. */
static int
keep(int ttl)
{
	json_t *got, *result;
	int id;

	tellf(&st.a, REQUEST("1", "session.keep", "[%d]"), ttl);
	got = hear(&st, &st.a);
	result = json_object_get(got, "result");
	ck_assert_ptr_nonnull(json_string_value(json_object_get(result, "token")));
	(void)snprintf(token, sizeof(token), "%s",
	    json_string_value(json_object_get(result, "token")));
	id = (int)json_integer_value(json_object_get(result, "client"));
	json_decref(got);
	return id;
}

/* The connection of a ends. */
static void
hang_up(struct client *client)
{
	session_leave(client->session);
	client->session = NULL;
	bytes_fini(&client->out);
}

static void
attach(struct client *client, int id)
{
	tellf(client, REQUEST("2", "session.attach", "[%d,\"%s\"]"), id, token);
}

static void
expect_attached(struct client *client, int id)
{
	ck_assert_int_eq(hear_number(&st, client, "client"), id);
	ck_assert_uint_eq(session_id(client->session), (uint64_t)id);
}

/* Is the socket left there for b? */
static bool
is_there(void)
{
	json_t *got;
	bool there;

	tellf(&st.b, REQUEST("3", "inet.port", "[%d]"), (int)left);
	got = hear(&st, &st.b);
	there = json_object_get(got, "result") != NULL;
	json_decref(got);
	return there;
}

START_TEST(it_outlives_its_connection)
{
	int id = keep(TTL);

	hang_up(&st.a);
	ck_assert_int_eq(st.alarm, TTL);
	attach(&c, id);
	expect_attached(&c, id);
	tellf(&c, REQUEST("3", "gen_tcp.send", "[%d,\"x\"]"), (int)left);
	expect(&st, &c, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"ok\"}");
	ck_assert(!c.taken);
	/* attached it does not end, however late it gets */
	st.now += 10 * TTL;
	rpc_wake(st.rpc);
	ck_assert(is_there());
}
END_TEST

START_TEST(time_runs_out)
{
	int id = keep(TTL);

	hang_up(&st.a);
	st.now += TTL - 1;
	rpc_wake(st.rpc);
	ck_assert_int_eq(st.alarm, 1);
	attach(&c, id);
	expect_attached(&c, id);
	hang_up(&c);
	/* the alarm that was set comes first, and sets the right one */
	st.now += 1;
	rpc_wake(st.rpc);
	ck_assert_int_eq(st.alarm, TTL - 1);
	st.now += TTL - 1;
	rpc_wake(st.rpc);
	ck_assert(!is_there());
	client_start(&st, &c, getuid());
	attach(&c, id);
	expect_error(&st, &c, EACCES);
}
END_TEST

START_TEST(a_call_lets_time_begin_anew)
{
	keep(TTL);
	hang_up(&st.a);
	st.now += TTL - 1;
	ck_assert(is_there());
	st.now += TTL - 1;
	rpc_wake(st.rpc);
	ck_assert_int_eq(st.alarm, 1);
	st.now += 1;
	rpc_wake(st.rpc);
	ck_assert(!is_there());
}
END_TEST

START_TEST(a_gift_lets_time_begin_anew)
{
	int id = keep(TTL);

	hang_up(&st.a);
	st.now += TTL - 1;
	tellf(&st.b, REQUEST("3", "gen_tcp.controlling_process", "[%d,%d]"), (int)right,
	    id);
	expect(&st, &st.b, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":\"ok\"}");
	st.now += TTL - 1;
	rpc_wake(st.rpc);
	ck_assert_int_eq(st.alarm, 1);
	attach(&c, id);
	expect_attached(&c, id);
	expect(&st, &c,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_owner\",\"params\":{\"socket\":2,"
	    "\"from\":2}}");
}
END_TEST

START_TEST(the_alarm_is_for_the_next_one)
{
	keep(TTL);
	hang_up(&st.a);
	tell(&st.b, REQUEST("1", "session.keep", "[1000]"));
	json_decref(hear(&st, &st.b));
	hang_up(&st.b);
	ck_assert_int_eq(st.alarm, 1000);
	st.now += 1000;
	rpc_wake(st.rpc);
	ck_assert_int_eq(st.alarm, TTL - 1000);
}
END_TEST

START_TEST(no_longer_kept)
{
	keep(TTL);
	tell(&st.a, REQUEST("2", "session.keep", "[0]"));
	json_decref(hear(&st, &st.a));
	hang_up(&st.a);
	ck_assert_int_eq(st.alarm, -1);
	ck_assert(!is_there());
}
END_TEST

START_TEST(stopped_nobody_stays)
{
	keep(TTL);
	hang_up(&st.a);
	rpc_stop(st.rpc);
	ck_assert(!is_there());
	/* and from now on not either */
	tell(&c, REQUEST("1", "session.keep", "[1000]"));
	json_decref(hear(&st, &c));
	hang_up(&c);
	ck_assert_int_eq(st.alarm, TTL);
}
END_TEST

START_TEST(without_an_alarm)
{
	rpc_set_alarm(st.rpc, &(struct rpc_alarm){0});
	tell(&st.a, REQUEST("1", "session.keep", "[1000]"));
	expect_error(&st, &st.a, ENOTSUP);
}
END_TEST

START_TEST(one_connection_takes_it_from_another)
{
	int id = keep(TTL);
	uint64_t other = session_id(c.session);
	char said[96];

	tellf(&st.a, REQUEST("7", "gen_tcp.recv", "[%d,1]"), (int)left);
	attach(&c, id);
	expect_attached(&c, id);
	ck_assert(st.a.taken);
	ck_assert_uint_eq(session_id(st.a.session), other);
	/* and is told of it, so that it does not take it back */
	snprintf(said, sizeof said,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"taken\",\"params\":{\"client\":%d}}", id);
	expect(&st, &st.a, said);
	ck_assert_uint_eq(bytes_len(&st.a.out), 0);
	/* its end is not the client's */
	hang_up(&st.a);
	ck_assert(is_there());
	/* nobody waits in its place */
	tellf(&st.b, REQUEST("3", "gen_tcp.send", "[%d,\"x\"]"), (int)right);
	json_decref(hear(&st, &st.b));
	tellf(&c, REQUEST("3", "gen_tcp.recv", "[%d,1]"), (int)left);
	expect(&st, &c, "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"data\":\"x\"}}");
}
END_TEST

START_TEST(nothing_is_said_to_nobody)
{
	int id = keep(TTL);

	tellf(&st.a, REQUEST("3", "inet.setopts", "[%d,{\"active\":true}]"), (int)left);
	json_decref(hear(&st, &st.a));
	tellf(&st.a, REQUEST("4", "inet.monitor", "[%d]"), (int)right);
	json_decref(hear(&st, &st.a));
	hang_up(&st.a);
	tellf(&st.b, REQUEST("3", "gen_tcp.send", "[%d,\"x\"]"), (int)right);
	json_decref(hear(&st, &st.b));
	tellf(&st.b, REQUEST("4", "gen_tcp.close", "[%d]"), (int)right);
	json_decref(hear(&st, &st.b));
	attach(&c, id);
	expect_attached(&c, id);
	expect(&st, &c,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"down\",\"params\":{\"monitor\":1,"
	    "\"socket\":2,\"reason\":\"normal\"}}");
	expect(&st, &c,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3,"
	    "\"data\":\"x\"}}");
	expect(&st, &c,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_closed\",\"params\":{\"socket\":3}}");
}
END_TEST

START_TEST(wrong_tokens)
{
	char right_token[sizeof(token)];
	int id = keep(TTL);
	size_t i;

	(void)snprintf(right_token, sizeof(right_token), "%s", token);
	for (i = 0; i < strlen(right_token); i += 7) {
		token[i] = token[i] == 'a' ? 'b' : 'a';
		attach(&c, id);
		expect_error(&st, &c, EACCES);
		token[i] = right_token[i];
	}
	token[strlen(token) - 1] = '\0';
	attach(&c, id);
	expect_error(&st, &c, EACCES);
	token[0] = '\0';
	attach(&c, id);
	expect_error(&st, &c, EACCES);
	/* the token of one who is not kept is that of nobody */
	(void)snprintf(token, sizeof(token), "%064d", 0);
	attach(&c, (int)session_id(st.b.session));
	expect_error(&st, &c, EACCES);
	attach(&c, 4711);
	expect_error(&st, &c, EACCES);
	(void)snprintf(token, sizeof(token), "%s", right_token);
	attach(&c, id);
	expect_attached(&c, id);
}
END_TEST

START_TEST(another_uid)
{
	struct client stranger;
	int id = keep(TTL);

	client_start(&st, &stranger, getuid() + 1);
	attach(&stranger, id);
	expect_error(&st, &stranger, EACCES);
	client_end(&stranger);
}
END_TEST

START_TEST(as_a_notification)
{
	int id = keep(TTL);

	hang_up(&st.a);
	tellf(&c,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"session.attach\",\"params\":[%d,\"%s\"]}",
	    id, token);
	ck_assert_uint_eq(bytes_len(&c.out), 0);
	ck_assert_uint_eq(session_id(c.session), (uint64_t)id);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("keep");
	TCase *tcase = tcase_create("keep");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, it_outlives_its_connection);
	tcase_add_test(tcase, time_runs_out);
	tcase_add_test(tcase, a_call_lets_time_begin_anew);
	tcase_add_test(tcase, a_gift_lets_time_begin_anew);
	tcase_add_test(tcase, the_alarm_is_for_the_next_one);
	tcase_add_test(tcase, no_longer_kept);
	tcase_add_test(tcase, stopped_nobody_stays);
	tcase_add_test(tcase, without_an_alarm);
	tcase_add_test(tcase, one_connection_takes_it_from_another);
	tcase_add_test(tcase, nothing_is_said_to_nobody);
	tcase_add_test(tcase, wrong_tokens);
	tcase_add_test(tcase, another_uid);
	tcase_add_test(tcase, as_a_notification);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
