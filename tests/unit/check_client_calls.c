/* SPDX-License-Identifier: ISC */
/*
 * Each blocking call and each request, against a daemon that answers whatever it is
 * told to: what is good, what is refused, what no gentcpd would say; and with each
 * of its allocations failing once, after which the connection is as good as before.
 */
#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_daemon.h"
#include "tests/unit/no_memory.h"
#include "tests/unit/run.h"

#define HELLO \
	"{\"server\":\"gentcpd/0\",\"protocol\":1,\"client\":7,\"max_message\":4096}"
#define SOCKADDR \
	"{\"family\":\"inet6\",\"addr\":\"fe80::1\",\"port\":1,\"scope_id\":2,\"flowinfo\":3}"

/* --- a daemon that says what it is told to ------------------------------------ */

/* Set before a request is sent, which it does not overtake. */
static struct {
	const char *member; /* "result" or "error" */
	const char *text;
	const char *before; /* said first */
} answer;

static void
answer_line(struct fake_daemon *f, const char *line)
{
	const char *id = strstr(line, "\"id\":");
	bool hello = strstr(line, "\"session.hello\"") != NULL;
	static char out[1024];

	if (id == NULL || id > line + 20)
		return; /* a notification */
	snprintf(out, sizeof out, "%s{\"jsonrpc\":\"2.0\",\"id\":%lu,\"%s\":%s}\n",
	    hello || answer.before == NULL ? "" : answer.before,
	    strtoul(id + 5, NULL, 10), hello ? "result" : answer.member,
	    hello ? HELLO : answer.text);
	(void)!send(f->fd, out, strlen(out), MSG_NOSIGNAL);
}

/* Reads a line without its LF; false at the end. */
static bool
read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && recv(fd, line + len, 1, 0) == 1) {
		if (line[len] == '\n') {
			line[len] = '\0';
			return true;
		}
		len++;
	}
	return false;
}

static void
parrot(struct fake_daemon *f)
{
	static char line[8192], skipped[4096];
	const char *attached;

	/* one connection after the other, until the listener is shut down */
	while ((f->fd = accept(f->listener, NULL, NULL)) >= 0) {
		while (read_line(f->fd, line, sizeof line)) {
			attached = strstr(line, "\"attached\":");
			if (attached != NULL)
				(void)!recv(f->fd, skipped,
				    strtoul(attached + 11, NULL, 10), MSG_WAITALL);
			answer_line(f, line);
		}
		close(f->fd);
	}
}

static struct gentcp *
open_to(struct fake_daemon *f)
{
	struct gentcp *g = gentcp_new();

	ck_assert_int_eq(gentcp_open(g, f->path, DEADLINE), GENTCP_OK);
	gentcp_set_timeout(g, DEADLINE);
	return g;
}

static void
end(struct fake_daemon *f, struct gentcp *g)
{
	shutdown(f->listener, SHUT_RDWR);
	fake_daemon_finish(f, g);
}

/* --- the calls ---------------------------------------------------------------- */

static uint64_t number;
static int small, descriptor = -1;
static int64_t large;
static char *json;
static void *data;
static size_t length;
static struct gentcp_address address;
static const char file[] = "/dev/null";

#define CALL(name, call) \
	static int name(struct gentcp *g) \
	{ \
		return call; \
	}
CALL(c_connect, gentcp_connect(g, "h", 1, "packet=line active=once", 5, &number))
CALL(c_sockaddr, gentcp_connect(g, "{\"family\":\"inet\"}", -1, NULL, 5, &number))
CALL(c_listen, gentcp_listen(g, 0, "{\"packet\":1}", &number, &small))
CALL(c_accept, gentcp_accept(g, 1, GENTCP_INFINITY, &number))
CALL(c_send, gentcp_send(g, 1, "abc", 3))
CALL(c_unrecv, gentcp_unrecv(g, 1, "abc", 3))
CALL(c_recv, gentcp_recv(g, 1, 0, 100, &data, &length))
CALL(c_recv_http, gentcp_recv_http(g, 1, GENTCP_INFINITY, &json))
CALL(c_close, gentcp_close(g, 1))
CALL(c_shutdown, gentcp_shutdown(g, 1, "write"))
CALL(c_controlling, gentcp_controlling_process(g, 1, 9))
CALL(c_setopts, gentcp_setopts(g, 1, "active=once linger=[true,5]"))
CALL(c_getopts, gentcp_getopts(g, 1, "active packet", &json))
CALL(c_getaddrs, gentcp_getaddrs(g, "h", GENTCP_INET, &json))
CALL(c_sockname, gentcp_sockname(g, 1, &address))
CALL(c_peername, gentcp_peername(g, 1, &address))
CALL(c_port, gentcp_port(g, 1, &small))
CALL(c_getstat, gentcp_getstat(g, 1, "recv_cnt", &json))
CALL(c_stats, gentcp_getstat(g, 1, NULL, &json))
CALL(c_info, gentcp_info(g, 1, &json))
CALL(c_i, gentcp_i(g, &json))
CALL(c_monitor, gentcp_monitor(g, 1, &number))
CALL(c_cancel_monitor, gentcp_cancel_monitor(g, 1, &small))
CALL(c_self, gentcp_self(g, &json))
CALL(c_clients, gentcp_clients(g, &json))
CALL(c_call, gentcp_call(g, "any.thing", "{\"a\":[1]}", &json))
CALL(c_keep, gentcp_keep(g, 1000, 1))
CALL(c_getfd, gentcp_getfd(g, 1, &descriptor))

static int
with_file(struct gentcp *g, bool fdopen)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC), rc;

	rc = fdopen ? gentcp_fdopen(g, fd, "binary", &number)
		    : gentcp_sendfile(g, 1, fd, 0, 0, &large);
	close(fd);
	return rc;
}
CALL(c_fdopen, with_file(g, true))
CALL(c_sendfile, with_file(g, false))

static const struct row {
	const char *name;
	int (*call)(struct gentcp *g);
	const char *good, *odd; /* odd NULL: anything will do */
} rows[] = {
    {"connect", c_connect, "{\"socket\":5}", "{\"socket\":-1}"},
    {"connect to a sockaddr", c_sockaddr, "{\"socket\":5}", "[]"},
    {"listen", c_listen, "{\"socket\":5,\"port\":80}", "{\"socket\":5,\"port\":65536}"},
    {"accept", c_accept, "{\"socket\":5}", "{}"},
    {"send", c_send, "\"ok\"", NULL},
    {"unrecv", c_unrecv, "\"ok\"", NULL},
    {"recv", c_recv, "{\"data\":\"abc\",\"header\":[1,2]}", "{\"http\":{}}"},
    {"recv_http", c_recv_http, "{\"http\":{\"type\":\"http_eoh\"}}",
	"{\"data\":\"abc\"}"},
    {"close", c_close, "\"ok\"", NULL},
    {"shutdown", c_shutdown, "\"ok\"", NULL},
    {"controlling_process", c_controlling, "{\"owner\":7,\"active\":true}", NULL},
    {"setopts", c_setopts, "\"ok\"", NULL},
    {"getopts", c_getopts, "{\"active\":false,\"packet\":\"line\"}", NULL},
    {"getaddrs", c_getaddrs, "[\"127.0.0.1\"]", NULL},
    {"sockname", c_sockname, SOCKADDR, "{\"family\":\"inet\"}"},
    {"peername", c_peername, "{\"family\":\"local\",\"addr\":{\"base64\":\"AGFi\"}}",
	"[]"},
    {"port", c_port, "80", "\"/path\""},
    {"getstat", c_getstat, "{\"recv_cnt\":1}", NULL},
    {"getstat of all", c_stats, "{\"recv_cnt\":1}", NULL},
    {"info", c_info, "{\"owner\":7}", NULL},
    {"i", c_i, "[]", NULL},
    {"monitor", c_monitor, "{\"monitor\":5}", "{\"monitor\":0}"},
    {"cancel_monitor", c_cancel_monitor, "true", NULL},
    {"self", c_self, "{\"client\":7}", NULL},
    {"clients", c_clients, "[{\"client\":7}]", NULL},
    {"keep", c_keep, "{\"client\":7,\"token\":\"5c0f\"}", "{\"token\":\"\"}"},
    {"call", c_call, "{\"a\":1}", NULL},
    {"getfd", c_getfd, NULL, "{\"fd\":\"passed\"}"}, /* passed none */
    {"fdopen", c_fdopen, "{\"socket\":5}", "{\"socket\":\"x\"}"},
    {"sendfile", c_sendfile, "{\"sent\":77}", "{\"sent\":\"all\"}"},
};
enum { ROWS = sizeof rows / sizeof *rows };

static int
run(struct gentcp *g, const struct row *row, const char *member, const char *text)
{
	int rc;

	answer.member = member;
	answer.text = text;
	json = NULL;
	data = NULL;
	rc = row->call(g);
	/*
	 * A result is there with GENTCP_OK only.  (Not ck_assert(): check allocates
	 * in it, which must not be what fails.)
	 */
	must(rc == GENTCP_OK || (json == NULL && data == NULL));
	free(json);
	free(data);
	return rc;
}

START_TEST(each_answer)
{
	struct fake_daemon f = {0};
	struct gentcp *g;
	const struct row *row = &rows[_i];

	fake_daemon_begin(&f, parrot);
	g = open_to(&f);
	if (row->good != NULL)
		ck_assert_int_eq(run(g, row, "result", row->good), GENTCP_OK);
	if (row->odd != NULL) {
		ck_assert_int_eq(run(g, row, "result", row->odd), GENTCP_INVALID);
		ck_assert_uint_gt(strlen(gentcp_error_reason(gentcp_error(g))), 0);
	}
	ck_assert_int_eq(
	    run(g, row, "error", "{\"code\":22,\"message\":\"einval\"}"), GENTCP_ERROR);
	ck_assert_int_eq(gentcp_error_code(gentcp_error(g)), 22);
	ck_assert_str_eq(gentcp_error_reason(gentcp_error(g)), "einval");
	ck_assert_ptr_null(gentcp_error_option(gentcp_error(g)));
	ck_assert_ptr_null(gentcp_error_data(gentcp_error(g)));
	if (row->good != NULL)
		ck_assert_int_eq(run(g, row, "result", row->good), GENTCP_OK);
	end(&f, g);
	/* nor is anything to be had before it is open, or after the loss */
	g = gentcp_new();
	ck_assert_int_eq(run(g, row, "", ""), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_open(g, "/nowhere/at/all", 10), GENTCP_LOST);
	ck_assert_int_eq(run(g, row, "", ""), GENTCP_LOST);
	gentcp_free(g);
}
END_TEST

START_TEST(arguments_that_are_wrong)
{
	struct fake_daemon f = {0};
	struct gentcp *g;
	static char long_text[5000];

	memset(long_text, 'x', sizeof long_text - 1);
	fake_daemon_begin(&f, parrot);
	g = open_to(&f);
	ck_assert_int_eq(gentcp_connect(g, "{\"a\"", 1, "", 1, &number), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_connect(g, "h", 1, "{\"a\"", 1, &number), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_listen(g, 1, "[1", &number, NULL), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_setopts(g, 1, "a=[1"), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_setopts_async(g, 1, "a=[1", NULL, NULL), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_getopts(g, 1, "[1", &json), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_getstat(g, 1, "[1", &json), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_fdopen(g, 0, "[1", &number), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_call(g, "a.b", "{", &json), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_call(g, "a b", NULL, &json), GENTCP_INVALID);
	ck_assert_int_eq(
	    gentcp_request(g, "a.b", "{", NULL, 0, NULL, NULL, NULL), GENTCP_INVALID);
	/* longer than the daemon takes */
	ck_assert_int_eq(gentcp_connect(g, long_text, 1, "", 1, &number), GENTCP_INVALID);
	ck_assert_ptr_nonnull(strstr(gentcp_error_reason(gentcp_error(g)), "4096 bytes"));
	ck_assert_int_eq(gentcp_set_name(g, "late"), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_hello(g, NULL, NULL), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_open(g, f.path, 1), GENTCP_INVALID);
	/* and nothing of it was sent */
	ck_assert_uint_eq(gentcp_unwritten(g), 0);
	ck_assert_int_eq(run(g, &rows[0], "result", rows[0].good), GENTCP_OK);
	ck_assert_uint_eq(number, 5);
	end(&f, g);
}
END_TEST

/* --- without memory ----------------------------------------------------------- */

START_TEST(each_allocation_fails_once)
{
	struct fake_daemon f = {0};
	struct gentcp *g;
	const struct row *row = &rows[_i];
	bool met = true;
	int rc;

	if (row->good == NULL)
		return;
	fake_daemon_begin(&f, parrot);
	/* an event that waits goes along with controlling_process, and is kept else */
	answer.before = TCP("1", "abc");
	g = open_to(&f);
	for (size_t n = 1; met; n++) {
		no_memory_at(n, false);
		rc = run(g, row, "result", row->good);
		met = no_memory_met();
		no_memory_at(0, false);
		ck_assert_uint_lt(n, 10000);
		if (!met)
			ck_assert_int_eq(rc, GENTCP_OK);
		/* options without memory are no options; jansson does not say */
		ck_assert(rc == GENTCP_OK || rc == GENTCP_NOMEM || rc == GENTCP_LOST ||
		    rc == GENTCP_INVALID);
		if (rc == GENTCP_LOST) { /* only where a message is cut off by it */
			gentcp_free(g);
			g = open_to(&f);
		}
		ck_assert_int_eq(run(g, row, "result", row->good), GENTCP_OK);
		while ((rc = gentcp_dispatch(g, 0)) == GENTCP_OK)
			;
		ck_assert_int_eq(rc, GENTCP_TIMEOUT);
	}
	answer.before = NULL;
	end(&f, g);
}
END_TEST

/*
 * Events that went along with a socket do not stay as well, whatever fails.  The last
 * one comes with the last answer, when they are on their way.
 */
START_TEST(what_goes_along_does_not_stay)
{
	struct fake_daemon f = {0};
	struct gentcp *g;
	const struct gentcp_event *e;
	int rc, events, given = 0;
	bool met = true;

	fake_daemon_begin(&f, parrot);
	answer.member = "result";
	answer.text = "{\"owner\":7,\"active\":true}";
	answer.before = TCP("1", "abc") TCP("2", "abc");
	for (size_t n = 1; met; n++) {
		g = open_to(&f);
		no_memory_at(n, false);
		rc = gentcp_controlling_process(g, 1, 9);
		met = no_memory_met();
		no_memory_at(0, false);
		events = 0;
		while (gentcp_receive(g, 0, &e) == GENTCP_OK)
			events += e->socket == 1;
		ck_assert(rc != GENTCP_OK || events == 1);
		ck_assert(rc == GENTCP_OK || met);
		given += rc == GENTCP_OK;
		gentcp_free(g);
	}
	ck_assert_int_ge(given, 1);
	answer.before = NULL;
	g = open_to(&f);
	end(&f, g);
}
END_TEST

struct count {
	int asked, told, events;
};

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct count *c = ctx;
	size_t len;

	(void)g;
	c->told++;
	if (gentcp_reply_status(r) == GENTCP_OK) {
		(void)gentcp_reply_json(r);
		(void)gentcp_reply_data(r, &len);
		(void)gentcp_reply_header(r, &len);
	}
}

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct count *c = ctx;

	(void)g;
	(void)e;
	c->events++;
}

static void
feed(struct gentcp *g, const char *text)
{
	int rc = gentcp_feed(g, text, strlen(text));

	if (rc == GENTCP_NOMEM) /* nothing was taken of it */
		rc = gentcp_feed(g, text, strlen(text));
	must(rc == GENTCP_OK || rc == GENTCP_LOST);
}

static void
dispatch(struct gentcp *g)
{
	int rc;

	do
		rc = gentcp_dispatch(g, 0);
	while (rc == GENTCP_OK || rc == GENTCP_NOMEM);
	must(rc == GENTCP_TIMEOUT || rc == GENTCP_LOST);
}

/* A conversation; each request that was taken is answered once. */
static struct count
converse(void)
{
	struct count c = {0};
	struct gentcp *g = gentcp_new();

	must(g != NULL);
	gentcp_on_event(g, on_event, &c);
	c.asked += gentcp_hello(g, on_reply, &c) == GENTCP_OK;
	feed(g, RESULT("1", HELLO));
	dispatch(g);
	for (int i = 0; i < 20; i++) /* more than there is room for at first */
		c.asked += gentcp_close_async(g, 1, on_reply, &c) == GENTCP_OK;
	c.asked += gentcp_send_async(g, 1, "abc", 3, on_reply, &c) == GENTCP_OK;
	c.asked += gentcp_recv_async(g, 1, 0, 5, on_reply, &c) == GENTCP_OK;
	c.asked += gentcp_setopts_async(g, 1, "a=1 b", on_reply, &c) == GENTCP_OK;
	c.asked += gentcp_request(g, "a.b", "[1]", "abc", 3, on_reply, &c, NULL) ==
	    GENTCP_OK;
	(void)gentcp_cancel(g, 2);
	feed(g,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"http\",\"params\":{\"socket\":1,"
	    "\"http\":{\"type\":\"http_eoh\"}}}\n");
	feed(g, RESULT("2", "{\"data\":\"abc\",\"header\":[1,2]}"));
	feed(g,
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":22,\"message\":\"einval\","
	    "\"data\":{\"detail\":\"d\",\"option\":\"o\",\"rest\":{\"base64\":\"YWJj\"}}}}\n");
	dispatch(g);
	gentcp_free(g);
	return c;
}

START_TEST(a_conversation_without_memory)
{
	struct count c;
	bool met = true;

	for (size_t n = 1; met; n++) {
		no_memory_at(n, false);
		c = converse();
		met = no_memory_met();
		no_memory_at(0, false);
		ck_assert_int_eq(c.told, c.asked);
		ck_assert_uint_lt(n, 10000);
	}
	ck_assert_int_eq(c.asked, 25);
	ck_assert_int_eq(c.events, 1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/calls");
	TCase *tc = tcase_create("calls");

	no_memory_init();
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, each_answer, 0, ROWS);
	tcase_add_test(tc, arguments_that_are_wrong);
	tcase_add_loop_test(tc, each_allocation_fails_once, 0, ROWS);
	tcase_add_test(tc, what_goes_along_does_not_stay);
	tcase_add_test(tc, a_conversation_without_memory);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
