/* SPDX-License-Identifier: ISC */
/*
 * What the case files cannot say of http: where we differ from Erlang, what is
 * remembered, and that no bytes whatever lead astray or take long.
 */
#include <check.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chance.h"
#include "packet/packet.h"
#include "packet/packet_http.h"
#include "tests/unit/run.h"

static const struct packet_settings plain = {0, 1460, 64 << 20, '\n'};

static struct packet_http
parse(bool headers, const char *line)
{
	struct packet_state state = {.headers = headers};
	struct packet_http http;

	packet_http_parse(&state, (const unsigned char *)line, strlen(line), &http);
	return http;
}

/* --- numbers ---------------------------------------------------------------- */

/* Erlang wraps these: semantics 8.3. */
START_TEST(numbers_too_large)
{
	static const char *const lines[] = {
	    "HTTP/1.1 2147483648 OK\r\n",
	    "HTTP/1.1 99999999999 OK\r\n",
	    "HTTP/1.1 18446744073709551617 OK\r\n",
	    "HTTP/1.1 99999999999999999999999999999999999999999 OK\r\n",
	    "HTTP/2147483648.1 200 OK\r\n",
	    "HTTP/1.2147483648 200 OK\r\n",
	    "GET / HTTP/1.99999999999\r\n",
	    "GET / HTTP/4294967297.1\r\n",
	    "GET http://h:2147483648/ HTTP/1.1\r\n",
	    "GET https://h:99999999999999999999\r\n",
	};
	const char *line = lines[_i];
	struct packet_http http = parse(false, line);

	ck_assert_int_eq(http.type, PACKET_HTTP_ERROR);
	ck_assert_uint_eq(http.line.len, strlen(line));
	ck_assert_ptr_eq(http.line.p, line);
}
END_TEST

START_TEST(numbers_as_large_as_can_be)
{
	struct packet_http http = parse(false, "HTTP/2147483647.0 2147483647 x\n");

	ck_assert_int_eq(http.type, PACKET_HTTP_RESPONSE);
	ck_assert_int_eq(http.major, INT_MAX);
	ck_assert_int_eq(http.minor, 0);
	ck_assert_int_eq(http.status, INT_MAX);
	http = parse(false, "GET http://h:0002147483647 HTTP/0.000000000000000001\n");
	ck_assert_int_eq(http.type, PACKET_HTTP_REQUEST);
	ck_assert_int_eq(http.uri.port, INT_MAX);
	ck_assert_int_eq(http.minor, 1);
}
END_TEST

/*
 * Without an end: of a packet whose length was known before packet became http.
 */
START_TEST(no_end)
{
	struct packet_http http = parse(true, "Host: h");

	ck_assert_int_eq(http.type, PACKET_HTTP_HEADER);
	ck_assert_int_eq(http.bit, 14);
	ck_assert_uint_eq(http.value.len, 1);
	ck_assert_int_eq(parse(true, "Host").type, PACKET_HTTP_ERROR);
	ck_assert_int_eq(parse(true, "").type, PACKET_HTTP_EOH);
	ck_assert_int_eq(parse(true, "\n").type, PACKET_HTTP_EOH);
	ck_assert_int_eq(parse(false, "").type, PACKET_HTTP_ERROR);
	ck_assert_int_eq(parse(false, "GET").type, PACKET_HTTP_ERROR);
	ck_assert_int_eq(parse(false, "HTTP/").type, PACKET_HTTP_ERROR);
	ck_assert_int_eq(parse(false, "HTTP/1.1 200").type, PACKET_HTTP_RESPONSE);
}
END_TEST

/* --- words ------------------------------------------------------------------ */

START_TEST(words)
{
	ck_assert(packet_http_method("GET", 3));
	ck_assert(packet_http_method("TRACE", 5));
	ck_assert(!packet_http_method("GET", 2));
	ck_assert(!packet_http_method("get", 3));
	ck_assert(!packet_http_method("", 0));
	ck_assert_int_eq(packet_http_bit("Cache-Control", 13), 1);
	ck_assert_int_eq(packet_http_bit("Proxy-Connection", 16), PACKET_HTTP_BITS);
	ck_assert_int_eq(packet_http_bit("host", 4), 0);
	ck_assert_int_eq(packet_http_bit("", 0), 0);
}
END_TEST

/* --- what is remembered ------------------------------------------------------- */

static void
expect(const struct packet_type *type, struct packet_state *state, const char *text,
    enum packet_status want, size_t total)
{
	struct packet_span span;

	ck_assert_int_eq(
	    type->decode(&plain, state, (const unsigned char *)text, strlen(text), &span),
	    want);
	ck_assert_uint_eq(span.total, total);
	ck_assert_uint_eq(span.len, total);
	ck_assert_uint_eq(span.want, 0);
}

START_TEST(a_start_line_is_followed_by_headers)
{
	const struct packet_type *type = packet_type(PACKET_HTTP);
	struct packet_state state = {0};
	struct packet_http http;

	expect(type, &state, "GET /\n a", PACKET_READY, 6);
	ck_assert(!state.headers);
	packet_http_parse(&state, (const unsigned char *)"@\n", 2, &http);
	ck_assert(!state.headers);
	packet_http_parse(&state, (const unsigned char *)"GET /\n", 6, &http);
	ck_assert(state.headers);
	expect(type, &state, "A: b\n c\nd", PACKET_READY, 8);
	packet_restart(&state);
	ck_assert(state.headers);
	packet_http_parse(&state, (const unsigned char *)"@\n", 2, &http);
	ck_assert(state.headers);
	packet_http_parse(&state, (const unsigned char *)"\n", 1, &http);
	ck_assert_int_eq(http.type, PACKET_HTTP_EOH);
	ck_assert(!state.headers);
	/* of httph a partial line is enough, but nothing is not */
	type = packet_type(PACKET_HTTPH_BIN);
	expect(type, &state, "", PACKET_MORE, 0);
	ck_assert(!state.headers);
	expect(type, &state, "x", PACKET_MORE, 0);
	ck_assert(state.headers);
}
END_TEST

START_TEST(max_packet_is_a_limit_too)
{
	struct packet_settings set = {100, 1460, 10, '\n'};
	const struct packet_type *type = packet_type(PACKET_HTTP);
	struct packet_state state = {0};
	struct packet_span span;
	const unsigned char *line = (const unsigned char *)"GET /45678\n";

	ck_assert_int_eq(type->decode(&set, &state, line, 9, &span), PACKET_MORE);
	ck_assert_int_eq(type->decode(&set, &state, line, 10, &span), PACKET_INVALID);
	set.max_packet = 11;
	packet_restart(&state);
	ck_assert_int_eq(type->decode(&set, &state, line, 11, &span), PACKET_READY);
	set = (struct packet_settings){0, 11, SIZE_MAX, '\n'};
	packet_restart(&state);
	ck_assert_int_eq(type->decode(&set, &state, line, 11, &span), PACKET_READY);
	set.buffer = 10;
	packet_restart(&state);
	ck_assert_int_eq(type->decode(&set, &state, line, 11, &span), PACKET_INVALID);
}
END_TEST

/* --- any bytes ---------------------------------------------------------------- */

/* Is text within the line, or one of ours (of which there are few)? */
static void
inside(const struct packet_http *http, const struct packet_text *text,
    const unsigned char *line, size_t len)
{
	const char *begin = (const char *)line, *end = begin + len;

	if (text->len == 0 || text->p == http->normal)
		return;
	if (text->p >= begin && text->p < end)
		ck_assert_uint_le(text->len, (size_t)(end - text->p));
	else
		ck_assert_uint_eq(text->len, strlen(text->p));
}

static void
check_packet(const struct packet_http *http, const unsigned char *line, size_t len)
{
	inside(http, &http->method, line, len);
	inside(http, &http->uri.scheme, line, len);
	inside(http, &http->uri.host, line, len);
	inside(http, &http->uri.path, line, len);
	inside(http, &http->uri.rest, line, len);
	inside(http, &http->phrase, line, len);
	inside(http, &http->name, line, len);
	inside(http, &http->field, line, len);
	inside(http, &http->value, line, len);
	ck_assert_uint_eq(http->name.len, http->field.len);
	ck_assert(http->major >= 0 && http->minor >= 0 && http->status >= 0);
	ck_assert(http->uri.port >= 0);
	ck_assert(http->bit >= 0 && http->bit <= PACKET_HTTP_BITS);
	if (http->type == PACKET_HTTP_ERROR) {
		ck_assert_ptr_eq(http->line.p, line);
		ck_assert_uint_eq(http->line.len, len);
	}
}

/* Bytes, and pieces that are likely to get far. */
static size_t
random_input(struct chance *c, unsigned char *out, size_t size)
{
	static const char *const pieces[] = {"GET ", "HTTP/1.1", " ", "\t", "\r\n", "\n",
	    "\r", ":", "/", "http://", "https://", "h:80", "*", "200", "99999999999",
	    "Host", "content-length", "-", " HTTP/1.0\r\n", "\r\n\r\n", ": v\r\n",
	    "HTTP/"};
	size_t len = 0, n, count = sizeof pieces / sizeof *pieces;
	const char *piece;

	while (len < size && chance(c, 60) > 0) {
		if (chance(c, 4) == 0) {
			out[len++] = (unsigned char)chance(c, 256);
			continue;
		}
		piece = pieces[chance(c, (uint32_t)count)];
		n = strlen(piece);
		if (n > size - len)
			n = size - len;
		memcpy(out + len, piece, n);
		len += n;
	}
	return len;
}

/* Everything READY in data, fed in pieces of random sizes; returns how much. */
static size_t
drain(struct chance *c, const struct packet_type *type, const struct packet_settings *set,
    const unsigned char *data, size_t len, bool whole)
{
	struct packet_state state = {0};
	enum packet_status status = PACKET_MORE;
	struct packet_http http;
	struct packet_span span;
	unsigned char *copy;
	size_t start = 0, seen = 0;

	while (seen < len && status != PACKET_INVALID) {
		seen = whole ? len : seen + 1 + chance(c, (uint32_t)(len - seen));
		do {
			copy = malloc(seen - start + 1);
			ck_assert_ptr_nonnull(copy);
			memcpy(copy, data + start, seen - start);
			status = type->decode(set, &state, copy, seen - start, &span);
			if (status == PACKET_READY) {
				ck_assert_uint_eq(copy[span.total - 1], '\n');
				packet_http_parse(&state, copy, span.len, &http);
				check_packet(&http, copy, span.len);
				start += span.total;
			}
			free(copy);
		} while (status == PACKET_READY && start < seen);
	}
	return status == PACKET_INVALID ? SIZE_MAX - start : start;
}

START_TEST(any_bytes)
{
	static const enum packet_id ids[] = {PACKET_HTTP, PACKET_HTTPH};
	struct chance c = {20260725};
	struct packet_settings set = plain;
	unsigned char data[400];
	size_t len, got;

	for (int round = 0; round < 30000; round++) {
		const struct packet_type *type = packet_type(ids[round % 2]);

		set.packet_size = round % 3 == 0 ? 1 + chance(&c, 60) : 0;
		len = random_input(&c, data, sizeof data);
		got = drain(&c, type, &set, data, len, true);
		ck_assert_uint_eq(drain(&c, type, &set, data, len, false), got);
	}
}
END_TEST

/* --- time ----------------------------------------------------------------------- */

/* Feeds a line of size bytes in pieces of 1 KiB; seconds of the processor. */
static double
time_of(size_t size, const char *unit)
{
	struct packet_settings set = {INT_MAX, 1460, INT_MAX, '\n'};
	const struct packet_type *type = packet_type(PACKET_HTTPH);
	struct packet_state state = {0};
	struct packet_http http;
	struct packet_span span;
	unsigned char *line = malloc(size + 2);
	size_t seen, n = strlen(unit);
	struct timespec from, to;

	ck_assert_ptr_nonnull(line);
	for (size_t i = 0; i < size; i++)
		line[i] = (unsigned char)unit[i % n];
	memcpy(line, "A: ", 3);
	memcpy(line + size - 1, "\nB", 2);
	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from), 0);
	for (seen = 1024; seen < size; seen += 1024)
		ck_assert_int_eq(
		    type->decode(&set, &state, line, seen, &span), PACKET_MORE);
	ck_assert_int_eq(type->decode(&set, &state, line, size + 1, &span), PACKET_READY);
	ck_assert_uint_eq(span.total, size);
	packet_http_parse(&state, line, span.len, &http);
	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to), 0);
	ck_assert_int_eq(http.type, PACKET_HTTP_HEADER);
	/* all but the name and the end, of which the last \r is a part */
	ck_assert_uint_ge(http.value.len, size - 5);
	free(line);
	return (double)(to.tv_sec - from.tv_sec) +
	    (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

/*
 * 16 MiB are looked at once: it takes milliseconds.  A second look at all that
 * came for each KiB would be 128 GiB, and minutes.
 */
START_TEST(long_lines)
{
	static const char *const units[] = {"v", "vvvvvvv\n ", "v\n\t", "\r"};

	ck_assert_double_lt(time_of(16 << 20, units[_i]), 5);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("packet_http");
	TCase *tc = tcase_create("packet_http");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, numbers_too_large, 0, 10);
	tcase_add_test(tc, numbers_as_large_as_can_be);
	tcase_add_test(tc, no_end);
	tcase_add_test(tc, words);
	tcase_add_test(tc, a_start_line_is_followed_by_headers);
	tcase_add_test(tc, max_packet_is_a_limit_too);
	tcase_add_test(tc, any_bytes);
	tcase_add_loop_test(tc, long_lines, 0, 4);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
