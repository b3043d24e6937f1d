/* SPDX-License-Identifier: ISC */
/* The request of GET /metrics, and where it may be answered. */
#include "daemon/metrics_http.h"

#include <check.h>
#include <string.h>

#include "tests/unit/run.h"

static const struct {
	const char *text;
	int status; /* 0: not at its end yet */
} rows[] = {
    {"GET /metrics HTTP/1.1\r\n\r\n", 200},
    {"GET /metrics HTTP/1.0\r\n\r\n", 200},
    {"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 200},
    {"GET /metrics HTTP/1.1\n\n", 200},
    {"HEAD /metrics HTTP/1.1\r\n\r\n", 200},
    {"GET / HTTP/1.1\r\n\r\n", 404},
    {"GET /metricsx HTTP/1.1\r\n\r\n", 404},
    {"GET /../metrics HTTP/1.1\r\n\r\n", 404},
    {"GET http://a/metrics HTTP/1.1\r\n\r\n", 404},
    {"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 405},
    {"get /metrics HTTP/1.1\r\n\r\n", 405},
    {"GET /metrics HTTP/2.0\r\n\r\n", 505},
    {"GET /metrics HTTP/1.12\r\n\r\n", 400},
    {"GET /metrics HTTP/1.\r\n\r\n", 400},
    {"GET /metrics\r\n\r\n", 400},
    {"GET  HTTP/1.1\r\n\r\n", 400},
    {" /metrics HTTP/1.1\r\n\r\n", 400},
    {"\r\n\r\n", 400},
    {"{\"jsonrpc\":\"2.0\"}\n\n", 400},
    {"GET /metrics HTTP/1.1\r\nno field\r\n\r\n", 400},
    {"GET /metrics HTTP/1.1\r\n: a\r\n\r\n", 400},
    {"GET /metrics HTTP/1.1\r\nno field\r\na: b\r\n\r\n", 400},
    {"", 0},
    {"GET /metrics HTTP/1.1\r\n", 0},
    {"GET /metrics HTTP/1.1\r\nHost: a\r\n", 0},
    {"GET /metrics HTTP/1.1\r\n\r", 0},
};

START_TEST(requests)
{
	const char *text = rows[_i].text;
	struct metrics_request r;
	bool whole = metrics_request_read(text, strlen(text), &r);

	ck_assert_msg(whole == (rows[_i].status != 0), "%s", text);
	if (whole)
		ck_assert_msg(r.status == rows[_i].status, "%d: %s", r.status, text);
}
END_TEST

/* However it is cut, nothing is answered before its end. */
START_TEST(cut_anywhere)
{
	static const char text[] = "GET /metrics HTTP/1.1\r\nAccept: "
				   "application/openmetrics-text;version=1.0.0\r\n\r\n";
	struct metrics_request r;

	for (size_t len = 0; len < sizeof(text) - 2; len++)
		ck_assert(!metrics_request_read(text, len, &r));
	ck_assert(metrics_request_read(text, sizeof(text) - 1, &r));
	ck_assert_int_eq(r.status, 200);
	ck_assert_int_eq(r.format, METRICS_OPENMETRICS);
	ck_assert(!r.head);
}
END_TEST

START_TEST(too_large)
{
	static char text[METRICS_REQUEST_MAX];
	struct metrics_request r;

	memset(text, 'a', sizeof(text));
	ck_assert(!metrics_request_read(text, sizeof(text) - 1, &r));
	ck_assert(metrics_request_read(text, sizeof(text), &r));
	ck_assert_int_eq(r.status, 431);
	memset(text, '\0', sizeof(text));
	ck_assert(metrics_request_read(text, sizeof(text), &r));
	ck_assert_int_eq(r.status, 431);
	memcpy(text, "GET /metrics HTTP/1.1\r\na:\0\r\n\r\n", 31);
	ck_assert(metrics_request_read(text, 31, &r));
	ck_assert_int_eq(r.status, 400);
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
	TCase *tc = tcase_create("request");

	tcase_add_loop_test(tc, requests, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, cut_anywhere);
	tcase_add_test(tc, too_large);
	tcase_add_test(tc, addresses);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
