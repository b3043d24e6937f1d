/* SPDX-License-Identifier: ISC */
/* Who asks for the metrics, and goes on as nobody should; and where it may be. */
#include "daemon/metrics_http.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "tests/unit/run.h"

enum {
	CONNECTIONS = 8,  /* that it lets in … */
	PATIENCE = 5000,  /* … and for how long, in ms */
	DEADLINE = 15000, /* ms */
	LARGE = 2 << 20	  /* bytes: more than a socket takes */
};

#define GET "GET /metrics HTTP/1.1\r\n\r\n"

static char dir[40], path[64], why[512];
static struct event_base *base;
static struct metrics_http *http;
static size_t text_len; /* 0: there is no memory for it */
static size_t fds;	/* before it was there */

static size_t
count_fds(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert_ptr_nonnull(folder);
	while (readdir(folder) != NULL)
		n++;
	closedir(folder);
	return n;
}

static char *
text(void *ctx, enum metrics_format format, size_t *len)
{
	char *body = text_len > 0 ? malloc(text_len) : NULL;

	ck_assert_ptr_eq(ctx, &text_len);
	if (body != NULL)
		memset(body, format == METRICS_OPENMETRICS ? 'o' : 'p', text_len);
	*len = text_len;
	return body;
}

static void
begin(void)
{
	struct metrics_http_config config = {
	    .fd = -1, .mode = 0600, .group = (gid_t)-1, .text = text, .ctx = &text_len};

	log_set_level(LOG_L_ERROR);
	(void)signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "/tmp/check_metrics_http.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	config.listen = path;
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	text_len = 5;
	fds = count_fds();
	http = metrics_http_new(base, &config, why, sizeof(why));
	ck_assert_msg(http != NULL, "%s", why);
}

static void
end(void)
{
	metrics_http_free(http);
	ck_assert_uint_eq(count_fds(), fds);
	event_base_free(base);
	ck_assert_msg(rmdir(dir) == 0, "something was left in %s", dir);
}

static void
ring(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* The loop goes on for ms; how many turns it took. */
static unsigned
run(int64_t ms)
{
	struct timeval tv = clock_timeval(ms);
	bool rung = false;
	struct event *bell = evtimer_new(base, ring, &rung);
	unsigned turns = 0;

	ck_assert_ptr_nonnull(bell);
	ck_assert_int_eq(evtimer_add(bell, &tv), 0);
	while (!rung) {
		ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
		turns++;
	}
	event_free(bell);
	return turns;
}

static int
dial(const char *request)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	memcpy(addr.sun_path, path, strlen(path));
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(send(fd, request, strlen(request), 0), (ssize_t)strlen(request));
	return fd;
}

/* All that comes until the end, which is closed: its length, and its begin in got. */
static size_t
read_all(int fd, char got[256])
{
	uint64_t end_time = clock_now(&clock_monotonic) + DEADLINE;
	char buffer[65536];
	size_t len = 0, part;
	ssize_t n;

	do {
		ck_assert_msg(clock_now(&clock_monotonic) < end_time, "no end");
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		n = recv(fd, buffer, sizeof(buffer), 0);
		part = n > 0 && len < 255 ? (size_t)n : 0;
		if (part > 255 - len)
			part = 255 - len;
		memcpy(got + len, buffer, part);
		if (part > 0)
			got[len + part] = '\0';
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n == -1 && errno == EAGAIN));
	(void)close(fd);
	return len;
}

/* What is answered begins so. */
static void
says(const char *request, const char *answer)
{
	char got[256] = "";

	(void)read_all(dial(request), got);
	ck_assert_msg(
	    strncmp(got, answer, strlen(answer)) == 0, "%.64s: %s", request, got);
}

static const struct {
	const char *request, *answer;
} rows[] = {
    {GET, "HTTP/1.1 200 OK\r\n"},
    {"GET /metrics HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\n"},
    {"GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.0 200 OK\r\n"},
    {"GET /metrics HTTP/1.1\r\nConnection: keep-alive\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
    {"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
    {"GET /metrics HTTP/1.1\n\n", "HTTP/1.1 200 OK\r\n"},
    {"GET http://a/metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
    {"HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
    {GET GET GET, "HTTP/1.1 200 OK\r\n"},
    {"GET /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
    {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
    {"GET /metricsx HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
    {"GET /metrics/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
    {"GET /../metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 404 "},
    {"get /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 501 "},
    {"DELETE /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 501 "},
    {"POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 501 "},
    {"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 413 "},
    {"GET /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 413 "},
    {"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n", "HTTP/1.1 413 "},
    {"GET /metrics HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n",
	"HTTP/1.1 413 "},
    {"GET /metrics HTTP/1.1\r\nExpect: a\r\nContent-Length: 3\r\n\r\n", "HTTP/1.1 417 "},
    {"GET /metrics HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
    {"GET /metrics HTTP/2.0\r\n\r\n", "HTTP/1.1 400 "},
    {"GET /metrics HTTP/1.\r\n\r\n", "HTTP/1.1 400 "},
    {"GET /metrics\r\n\r\n", "HTTP/1.1 400 "},
    {"GET  HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
    {"\r\n\r\n", "HTTP/1.1 400 "},
    {"{\"jsonrpc\":\"2.0\",\"id\":1}\n\n", "HTTP/1.1 400 "},
    {"GET /metrics HTTP/1.1\r\nno field\r\n\r\n", "HTTP/1.1 400 "},
    {"GET /metrics HTTP/1.1\r\n folded\r\n\r\n", "HTTP/1.1 400 "},
};

START_TEST(answers)
{
	says(rows[_i].request, rows[_i].answer);
}
END_TEST

/* However it is cut, nothing is answered before its end; then it is, in OpenMetrics. */
START_TEST(cut_anywhere)
{
	static const char request[] =
	    "GET /metrics HTTP/1.1\r\naccept: "
	    "a, application/OpenMetrics-text;version=1.0.0\r\n\r\n";
	char got[256] = "";
	int fd = dial("");

	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		ck_assert_int_eq(send(fd, request + i, 1, 0), 1);
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		if (i < sizeof(request) - 2)
			ck_assert_int_eq(recv(fd, got, 1, MSG_PEEK), -1);
	}
	(void)read_all(fd, got);
	ck_assert_ptr_nonnull(strstr(got, "Content-Type: application/openmetrics-text"));
	ck_assert_ptr_nonnull(strstr(got, "\r\n\r\nooooo"));
	(void)read_all(dial(GET), got);
	ck_assert_ptr_nonnull(strstr(got, "Content-Type: text/plain; version=0.0.4"));
	ck_assert_ptr_nonnull(strstr(got, "\r\nContent-Length: 5\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "\r\nConnection: close\r\n"));
	ck_assert_ptr_nonnull(strstr(got, "\r\n\r\nppppp"));
	(void)read_all(dial("HEAD /metrics HTTP/1.1\r\n\r\n"), got);
	ck_assert_ptr_nonnull(strstr(got, "\r\nContent-Length: 5\r\n"));
	ck_assert_str_eq(got + strlen(got) - 4, "\r\n\r\n");
}
END_TEST

START_TEST(head_too_large)
{
	static char request[15000];

	memset(request, 'a', sizeof(request) - 1);
	says(request, "HTTP/1.1 400 ");
	memcpy(request, "GET /metrics HTTP/1.1\r\na:", 25);
	says(request, "HTTP/1.1 400 ");
	for (size_t i = 23; i + 3 < sizeof(request); i += 3)
		memcpy(request + i, "a:\n", 3);
	says(request, "HTTP/1.1 400 ");
}
END_TEST

START_TEST(no_memory_for_the_text)
{
	text_len = 0;
	says(GET, "HTTP/1.1 503 ");
	text_len = 5;
	says(GET, "HTTP/1.1 200 ");
}
END_TEST

/* It is larger than what a socket takes, and comes as a whole. */
START_TEST(a_large_text)
{
	char got[256] = "";
	int fd = dial(GET);

	text_len = LARGE;
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
	ck_assert_uint_gt(read_all(fd, got), LARGE);
}
END_TEST

/* Nobody's time lasts longer, whatever it did with it. */
START_TEST(all_have_a_deadline)
{
	static const char *const requests[CONNECTIONS] = {"", "GET /met",
	    "GET /metrics HTTP/1.1\r\nA: b\r\n", GET,
	    "GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
	    "GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: "
	    "100-continue\r\n\r\n",
	    "CONNECT a:1 HTTP/1.1\r\n\r\n", GET GET};
	int clients[CONNECTIONS], late;
	char got[256] = "";

	text_len = LARGE;
	for (size_t i = 0; i < CONNECTIONS; i++)
		clients[i] = dial(requests[i]);
	run(100);
	late = dial(GET);
	ck_assert_uint_eq(count_fds(), fds + 1 + 2 * CONNECTIONS + 1);
	for (int64_t ms = 0; ms < PATIENCE - 1500; ms += 500) {
		(void)send(clients[0], "G", 1, 0);
		ck_assert_uint_lt(run(500), 20);
	}
	ck_assert_uint_eq(count_fds(), fds + 1 + 2 * CONNECTIONS + 1);
	ck_assert_int_eq(recv(late, got, 1, 0), -1);
	run(3000);
	/* the late one alone is left, and the eight are ours */
	ck_assert_uint_eq(count_fds(), fds + 1 + CONNECTIONS + 2);
	ck_assert_uint_gt(read_all(late, got), LARGE);
	for (size_t i = 0; i < CONNECTIONS; i++) {
		ck_assert_uint_lt(read_all(clients[i], got), LARGE);
	}
}
END_TEST

/* A chunk's length that does not end is not kept. */
START_TEST(an_endless_length)
{
	static char zeros[16384];
	char got[256] = "";
	int fd = dial("GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");

	memset(zeros, '0', sizeof(zeros));
	run(10);
	ck_assert_int_gt(send(fd, zeros, 8000, 0), 0);
	ck_assert_uint_lt(run(200), 20);
	ck_assert_uint_eq(count_fds(), fds + 1 + 2);
	ck_assert_int_gt(send(fd, zeros, sizeof(zeros), 0), 0);
	run(200);
	ck_assert_uint_eq(count_fds(), fds + 1 + 1);
	ck_assert_uint_eq(read_all(fd, got), 0);
}
END_TEST

/* More than it lets in at a time: each gets its answer. */
START_TEST(one_after_the_other)
{
	int clients[2 * CONNECTIONS];
	char got[256] = "";

	text_len = LARGE;
	for (size_t i = 0; i < 2 * CONNECTIONS; i++)
		clients[i] = dial(GET);
	run(100);
	ck_assert_uint_eq(count_fds(), fds + 1 + 3 * CONNECTIONS);
	for (size_t i = 0; i < 2 * CONNECTIONS; i++)
		ck_assert_uint_gt(read_all(clients[i], got), LARGE);
}
END_TEST

/* Those who leave at once, or in the middle, take no place. */
START_TEST(those_who_leave)
{
	static const char *const requests[] = {
	    "", "GET /met", "\r\n", GET, "CONNECT a:1 HTTP/1.1\r\n\r\n"};

	text_len = LARGE;
	for (size_t i = 0; i < 300; i++) {
		int fd = dial(requests[i % 5]);

		run((int64_t)(i % 3 == 0));
		(void)close(fd);
	}
	text_len = 5;
	says(GET, "HTTP/1.1 200 OK\r\n");
	run(20);
	ck_assert_uint_eq(count_fds(), fds + 1);
}
END_TEST

/* Without descriptors it waits, and does not spin. */
START_TEST(no_descriptors)
{
	struct rlimit limit, none;
	char got[256] = "";
	int fd = dial(GET);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = (rlim_t)fd + 1;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_uint_lt(run(2500), 20);
	ck_assert_int_eq(recv(fd, got, 1, 0), -1);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_gt(read_all(fd, got), 5);
	ck_assert_int_eq(strncmp(got, "HTTP/1.1 200 ", 13), 0);
}
END_TEST

/* It ends while connections are at each stage; end() looks at what is left. */
START_TEST(its_end)
{
	int clients[CONNECTIONS + 2];

	text_len = LARGE;
	for (size_t i = 0; i < CONNECTIONS + 2; i++) {
		clients[i] = dial(i % 2 == 0 ? "GET /" : GET);
		for (int turns = _i; turns > 0; turns--)
			(void)event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
	}
	metrics_http_free(http);
	http = NULL;
	for (size_t i = 0; i < CONNECTIONS + 2; i++)
		(void)close(clients[i]);
	run(10);
}
END_TEST

START_TEST(addresses)
{
	static const char *const good[] = {
	    "/run/gentcpd/metrics.sock", "127.0.0.1:9464", "127.1.2.3:1", "[::1]:65535"};
	static const char *const bad[] = {"", "metrics", "127.0.0.1",
	    "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:1x",
	    "127.0.0.1:-1", ":9464", "0.0.0.0:9464", "10.0.0.1:9464", "[::]:9464",
	    "[::1]", "::1:9464", "localhost:9464", "[127.0.0.1]:9464", "[]:1",
	    "127.0.0.1:99999999999999999999999"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(metrics_http_check(good[i]), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!metrics_http_check(bad[i]), "%s", bad[i]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics_http");
	TCase *tc = tcase_create("http"), *where = tcase_create("where");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_set_timeout(tc, 2 * DEADLINE / 1000);
	tcase_add_loop_test(tc, answers, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, head_too_large);
	tcase_add_test(tc, no_memory_for_the_text);
	tcase_add_test(tc, a_large_text);
	tcase_add_test(tc, all_have_a_deadline);
	tcase_add_test(tc, an_endless_length);
	tcase_add_test(tc, one_after_the_other);
	tcase_add_test(tc, those_who_leave);
	tcase_add_test(tc, no_descriptors);
	tcase_add_loop_test(tc, its_end, 0, 4);
	suite_add_tcase(suite, tc);
	tcase_add_test(where, addresses);
	suite_add_tcase(suite, where);
	return run_suite(suite);
}
