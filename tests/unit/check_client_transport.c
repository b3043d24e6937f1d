/* SPDX-License-Identifier: ISC */
/* The library's blocking calls against a small daemon in a thread. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_daemon.h"

enum { BIG = 8 * 1024 * 1024 };

/* --- both write at once ----------------------------------------------------- */

/* Says 8 MiB of events before it reads a byte of the client's 8 MiB. */
static void
talk_first(struct fake_daemon *f)
{
	char *block = malloc(BIG + 200), *p = block;
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":"
				   "{\"socket\":3},\"attached\":8388608}\n";

	must(block != NULL);
	memcpy(p, line, sizeof line - 1);
	memset(p + sizeof line - 1, 'd', BIG);
	/* not a byte is read before all of this is taken */
	for (size_t left = sizeof line - 1 + BIG; left > 0;) {
		ssize_t n = send(f->fd, p, left, MSG_NOSIGNAL);

		must(n > 0);
		p += n;
		left -= (size_t)n;
	}
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":3},\"attached\":8388608}\n");
	must(recv(f->fd, block, BIG, MSG_WAITALL) == BIG);
	for (size_t i = 0; i < BIG; i++)
		must(block[i] == 'c');
	free(block);
	say(f, RESULT("2", "\"ok\""));
}

START_TEST(no_deadlock_when_both_write)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, talk_first);
	const struct gentcp_event *e;
	char *data = malloc(BIG);
	size_t wrong = 0;

	memset(data, 'c', BIG);
	gentcp_set_timeout(g, DEADLINE);
	ck_assert_int_eq(gentcp_send(g, 3, data, BIG), GENTCP_OK);
	free(data);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_int_eq(e->type, GENTCP_EVENT_TCP);
	ck_assert_uint_eq(e->len, BIG);
	/* a ck_assert() for each byte takes a minute under ASan */
	for (size_t i = 0; i < BIG; i++)
		wrong += ((const char *)e->data)[i] != 'd';
	ck_assert_uint_eq(wrong, 0);
	fake_daemon_finish(&f, g);
}
END_TEST

/* --- calls ------------------------------------------------------------------ */

static void
answer_calls(struct fake_daemon *f)
{
	hear(f,
	    REQUEST("2", "gen_tcp.listen",
		"{\"port\":0,\"options\":[\"binary\",{\"packet\":4}]}"));
	say(f, RESULT("2", "{\"socket\":1,\"port\":4000}"));
	hear(f,
	    REQUEST("3", "gen_tcp.connect",
		"{\"address\":\"localhost\",\"port\":4000,\"options\":[],"
		"\"timeout\":100}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":111,"
	    "\"message\":\"econnrefused\",\"data\":{\"detail\":\"why\","
	    "\"option\":\"ip\"}}}\n");
	hear(f, REQUEST("4", "gen_tcp.recv", "{\"socket\":2,\"length\":0}"));
	say(f, TCP("3", "one")); /* for later */
	say(f, "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{},\"attached\":4}\na\n");
	/* the bytes behind may come later, or not */
	must(send(f->fd, "\0b", 2, 0) == 2);
	hear(f, REQUEST("5", "gen_tcp.recv", "{\"socket\":2,\"length\":9}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":10001,"
	    "\"message\":\"closed\"},\"attached\":4}\nrest");
	hear(f, REQUEST("6", "inet.sockname", "{\"socket\":2}"));
	say(f,
	    RESULT("6",
		"{\"family\":\"inet6\",\"addr\":\"::1\",\"port\":80,"
		"\"scope_id\":2,\"flowinfo\":0}"));
	hear(f, REQUEST("7", "inet.getopts", "{\"socket\":2,\"names\":[\"active\"]}"));
	say(f, RESULT("7", "{\"active\":false}"));
	hear(f, REQUEST("8", "inet.port", "{\"socket\":2}"));
	say(f, RESULT("8", "\"/a/path\""));
	hear(f, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"session.self\"}\n");
	say(f, RESULT("9", "{\"client\":7}"));
	hear(f, REQUEST("10", "gen_tcp.shutdown", "{\"socket\":2,\"how\":\"write\"}"));
	say(f, RESULT("10", "\"ok\""));
	hear(f,
	    REQUEST("11", "gen_tcp.recv", "{\"socket\":2,\"length\":0,\"timeout\":50}"));
	say(f, RESULT("11", "{\"http\":{\"type\":\"http_eoh\"}}"));
	hear(f, REQUEST("12", "gen_tcp.recv", "{\"socket\":2,\"length\":0}"));
	say(f, RESULT("12", "{\"data\":\"a\"}"));
	hear(f, REQUEST("13", "gen_tcp.recv", "{\"socket\":2,\"length\":0}"));
	say(f, RESULT("13", "{\"http\":{\"type\":\"http_eoh\"}}"));
	hear(f, REQUEST("14", "gen_tcp.recv", "{\"socket\":2,\"length\":0}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":14,\"error\":{\"code\":10001,"
	    "\"message\":\"closed\",\"data\":{\"rest\":\"Host: h\\r\\n\"}}}\n");
	say(f, TCP("3", "two"));
}

START_TEST(calls_and_their_results)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, answer_calls);
	const struct gentcp_error *e = gentcp_error(g);
	const struct gentcp_event *event;
	struct gentcp_address a;
	uint64_t s = 0;
	char *json = NULL;
	void *data = NULL;
	size_t len;
	int port = 0;

	ck_assert_int_eq(gentcp_listen(g, 0, "binary packet=4", &s, &port), GENTCP_OK);
	ck_assert_uint_eq(s, 1);
	ck_assert_int_eq(port, 4000);
	ck_assert_int_eq(
	    gentcp_connect(g, "localhost", 4000, NULL, 100, &s), GENTCP_ERROR);
	ck_assert_int_eq(gentcp_error_code(e), ECONNREFUSED);
	ck_assert_str_eq(gentcp_error_reason(e), "econnrefused");
	ck_assert_str_eq(gentcp_error_detail(e), "why");
	ck_assert_str_eq(gentcp_error_option(e), "ip");
	ck_assert_int_eq(gentcp_recv(g, 2, 0, GENTCP_INFINITY, &data, &len), GENTCP_OK);
	ck_assert_uint_eq(len, 4);
	ck_assert_mem_eq(data, "a\n\0b", 5);
	free(data);
	ck_assert_int_eq(
	    gentcp_recv(g, 2, 9, GENTCP_INFINITY, &data, &len), GENTCP_ERROR);
	ck_assert_mem_eq(gentcp_error_rest(e, &len), "rest", 4);
	ck_assert_uint_eq(len, 4);
	ck_assert_int_eq(gentcp_sockname(g, 2, &a), GENTCP_OK);
	ck_assert_int_eq(a.family, GENTCP_INET6);
	ck_assert_str_eq(a.addr, "::1");
	ck_assert_int_eq(a.port, 80);
	ck_assert_uint_eq(a.scope_id, 2);
	ck_assert_int_eq(gentcp_getopts(g, 2, "active", &json), GENTCP_OK);
	ck_assert_str_eq(json, "{\"active\":false}");
	free(json);
	ck_assert_int_eq(gentcp_port(g, 2, &port), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_self(g, &json), GENTCP_OK);
	ck_assert_str_eq(json, "{\"client\":7}");
	free(json);
	ck_assert_int_eq(gentcp_shutdown(g, 2, "write"), GENTCP_OK);
	ck_assert_int_eq(gentcp_recv_http(g, 2, 50, &json), GENTCP_OK);
	ck_assert_str_eq(json, "{\"type\":\"http_eoh\"}");
	free(json);
	ck_assert_int_eq(gentcp_recv_http(g, 2, GENTCP_INFINITY, &json), GENTCP_INVALID);
	ck_assert_int_eq(
	    gentcp_recv(g, 2, 0, GENTCP_INFINITY, &data, &len), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_recv_http(g, 2, GENTCP_INFINITY, &json), GENTCP_ERROR);
	ck_assert_mem_eq(gentcp_error_rest(e, &len), "Host: h\r\n", 9);
	/* what came between is still there, in order */
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &event), GENTCP_OK);
	ck_assert_mem_eq(event->data, "one", 3);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &event), GENTCP_OK);
	ck_assert_mem_eq(event->data, "two", 3);
	fake_daemon_finish(&f, g);
}
END_TEST

/* --- in a callback ---------------------------------------------------------- */

static void
three_events(struct fake_daemon *f)
{
	say(f, TCP("3", "a") TCP("3", "b") TCP("3", "c"));
	for (int i = 2; i <= 4; i++) {
		char line[128];

		snprintf(line, sizeof line,
		    REQUEST("%d", "gen_tcp.close", "{\"socket\":%d}"), i, 100 + i);
		hear(f, line);
		say(f, TCP("4", "x"));
		snprintf(line, sizeof line, RESULT("%d", "\"ok\""), i);
		say(f, line);
	}
}

static void
close_one(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	char *seen = ctx;

	if (e->socket == 3) {
		const char *data = e->data;
		size_t count = strlen(seen);

		/* while the rest of what was read is moved */
		ck_assert_int_eq(gentcp_close(g, 102 + count), GENTCP_OK);
		ck_assert_ptr_eq(data, e->data);
	}
	ck_assert_uint_eq(e->len, 1);
	strncat(seen, e->data, 1);
}

START_TEST(a_blocking_call_in_a_callback)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, three_events);
	char seen[16] = "";

	gentcp_on_event(g, close_one, seen);
	while (strlen(seen) < 6)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_str_eq(seen, "abcxxx");
	fake_daemon_finish(&f, g);
}
END_TEST

/* --- deadlines -------------------------------------------------------------- */

static void
answer_late(struct fake_daemon *f)
{
	/* cancelled in time */
	hear(f, REQUEST("2", "inet.info", "{\"socket\":1}"));
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"session.cancel\",\"params\":{\"id\":2}}\n");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":10006,"
	    "\"message\":\"cancelled\"}}\n");
	/* the answer crosses the cancel: nothing is lost */
	hear(
	    f, REQUEST("3", "gen_tcp.recv", "{\"socket\":1,\"length\":0,\"timeout\":1}"));
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"session.cancel\",\"params\":{\"id\":3}}\n");
	say(f, RESULT("3", "{\"data\":\"late\"}"));
	/* a send's rest comes with the cancel */
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":1},"
	    "\"attached\":3}\nabc");
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"session.cancel\",\"params\":{\"id\":4}}\n");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":10006,"
	    "\"message\":\"cancelled\"},\"attached\":2}\nbc");
}

START_TEST(late_answers)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, answer_late);
	const struct gentcp_event *e;
	char *json;
	void *data;
	size_t len;

	gentcp_set_timeout(g, 50);
	ck_assert_int_eq(gentcp_info(g, 1, &json), GENTCP_TIMEOUT);
	ck_assert_int_eq(gentcp_error_status(gentcp_error(g)), GENTCP_TIMEOUT);
	ck_assert_int_eq(gentcp_recv(g, 1, 0, 1, &data, &len), GENTCP_OK);
	ck_assert_str_eq(data, "late");
	free(data);
	ck_assert_int_eq(gentcp_send(g, 1, "abc", 3), GENTCP_TIMEOUT);
	ck_assert_int_eq(gentcp_error_status(gentcp_error(g)), GENTCP_TIMEOUT);
	ck_assert_mem_eq(gentcp_error_rest(gentcp_error(g), &len), "bc", 2);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(gentcp_receive(g, 10, &e), GENTCP_TIMEOUT);
	ck_assert_int_eq(gentcp_dispatch(g, 10), GENTCP_TIMEOUT);
	fake_daemon_finish(&f, g);
}
END_TEST

static void
answer_more_calls(struct fake_daemon *f)
{
	hear(f, REQUEST("2", "inet.monitor", "{\"socket\":3}"));
	say(f, RESULT("2", "{\"monitor\":5}"));
	hear(f, REQUEST("3", "inet.monitor", "{\"socket\":3}"));
	say(f, RESULT("3", "{\"monitor\":\"x\"}"));
	hear(f, REQUEST("4", "inet.cancel_monitor", "{\"monitor\":5}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"down\",\"params\":{\"monitor\":5,"
	    "\"socket\":3,\"reason\":\"normal\"}}\n" RESULT("4", "false"));
	hear(f, REQUEST("5", "inet.cancel_monitor", "{\"monitor\":6}"));
	say(f, RESULT("5", "true"));
	hear(f, REQUEST("6", "inet.getaddrs", "{\"host\":\"a\",\"family\":\"inet6\"}"));
	say(f, RESULT("6", "[\"::1\"]"));
}

START_TEST(monitors_and_addresses)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, answer_more_calls);
	const struct gentcp_event *e;
	uint64_t monitor = 0;
	char *json = NULL;
	int found = 2;

	ck_assert_int_eq(gentcp_monitor(g, 3, &monitor), GENTCP_OK);
	ck_assert_uint_eq(monitor, 5);
	ck_assert_int_eq(gentcp_monitor(g, 3, &monitor), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_cancel_monitor(g, 5, &found), GENTCP_OK);
	ck_assert_int_eq(found, 0);
	ck_assert_int_eq(gentcp_cancel_monitor(g, 6, &found), GENTCP_OK);
	ck_assert_int_eq(found, 1);
	ck_assert_int_eq(gentcp_getaddrs(g, "a", GENTCP_LOCAL, &json), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_getaddrs(g, "a", GENTCP_INET6, &json), GENTCP_OK);
	ck_assert_str_eq(json, "[\"::1\"]");
	free(json);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_int_eq(e->type, GENTCP_EVENT_DOWN);
	ck_assert_uint_eq(e->socket, 3);
	ck_assert_uint_eq(e->monitor, 5);
	ck_assert_str_eq(e->reason, "normal");
	fake_daemon_finish(&f, g);
}
END_TEST

static void
hang_up(struct fake_daemon *f)
{
	hear(f, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"inet.i\"}\n");
	say(f, TCP("1", "last"));
	shutdown(f->fd, SHUT_RDWR);
}

START_TEST(the_daemon_goes)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, hang_up);
	const struct gentcp_event *e;
	char *json;

	ck_assert_int_eq(gentcp_i(g, &json), GENTCP_LOST);
	ck_assert_int_eq(gentcp_i(g, &json), GENTCP_LOST);
	ck_assert_str_eq(
	    gentcp_error_reason(gentcp_error(g)), "gentcpd closed the connection");
	ck_assert_int_eq(gentcp_fd(g), -1);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_mem_eq(e->data, "last", 4);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_LOST);
	fake_daemon_finish(&f, g);
}
END_TEST

START_TEST(no_daemon)
{
	struct gentcp *g = gentcp_new();
	char path[200];

	ck_assert_int_eq(gentcp_open(g, "/nowhere/at/all", 100), GENTCP_LOST);
	ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), ENOENT);
	ck_assert_int_eq(gentcp_open(g, "/nowhere/at/all", 100), GENTCP_INVALID);
	gentcp_free(g);
	g = gentcp_new();
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	ck_assert_int_eq(gentcp_open(g, path, 100), GENTCP_LOST);
	ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), ENAMETOOLONG);
	gentcp_free(g);
	gentcp_free(NULL);
}
END_TEST

static void
nobody_comes(struct fake_daemon *f)
{
	(void)f;
}

START_TEST(where_the_daemon_is)
{
	struct fake_daemon f = {0};
	char path[64], user[96];

	setenv("GENTCPD_SOCKET", "/a/b", 1);
	ck_assert_int_eq(gentcp_default_path(path, sizeof path), GENTCP_OK);
	ck_assert_str_eq(path, "/a/b");
	ck_assert_int_eq(gentcp_default_path(path, 4), GENTCP_INVALID);
	unsetenv("GENTCPD_SOCKET");
	/* the user's daemon, if it is there; the system's if that is there, not missed */
	fake_daemon_begin(&f, nobody_comes);
	setenv("XDG_RUNTIME_DIR", f.dir, 1);
	snprintf(user, sizeof user, "%s/gentcpd.sock", f.dir);
	if (access("/run/gentcpd/gentcpd.sock", F_OK) != 0) {
		ck_assert_int_eq(gentcp_default_path(path, sizeof path), GENTCP_OK);
		ck_assert_str_eq(path, user);
	}
	ck_assert_int_eq(symlink(f.path, user), 0);
	ck_assert_int_eq(gentcp_default_path(path, sizeof path), GENTCP_OK);
	ck_assert_str_eq(path, user);
	unlink(user);
	fake_daemon_finish(&f, NULL);
	unsetenv("XDG_RUNTIME_DIR");
	ck_assert_int_eq(gentcp_default_path(path, sizeof path), GENTCP_OK);
	ck_assert_str_eq(path, "/run/gentcpd/gentcpd.sock");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/transport");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, no_deadlock_when_both_write);
	tcase_add_test(tcase, calls_and_their_results);
	tcase_add_test(tcase, a_blocking_call_in_a_callback);
	tcase_add_test(tcase, late_answers);
	tcase_add_test(tcase, monitors_and_addresses);
	tcase_add_test(tcase, the_daemon_goes);
	tcase_add_test(tcase, no_daemon);
	tcase_add_test(tcase, where_the_daemon_is);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
