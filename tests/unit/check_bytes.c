/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/bytes.h"
#include "tests/unit/run.h"

/* More than any machine has: malloc says no, where a sanitizer would abort. */
#define TOO_MUCH (SIZE_MAX / 4)

const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
expect(const struct bytes *b, const char *text)
{
	ck_assert_uint_eq(bytes_len(b), strlen(text));
	if (*text != '\0')
		ck_assert_mem_eq(bytes_head(b), text, strlen(text));
}

START_TEST(empty)
{
	struct bytes b;

	bytes_init(&b);
	ck_assert_uint_eq(bytes_len(&b), 0);
	ck_assert_ptr_null(bytes_head(&b));
	ck_assert_uint_eq(bytes_space(&b), 0);
	ck_assert(bytes_append(&b, NULL, 0));
	ck_assert_ptr_null(b.base);
	bytes_take(&b, 0);
	bytes_trim(&b);
	bytes_truncate(&b, 0);
	ck_assert_ptr_nonnull(bytes_room(&b, 0));
	bytes_fini(&b);
	ck_assert_ptr_null(b.base);
	bytes_fini(&b);
}
END_TEST

START_TEST(append_take)
{
	struct bytes b = {0};

	ck_assert(bytes_append_str(&b, "hello "));
	ck_assert(bytes_append(&b, "wor\0ld", 3));
	ck_assert(bytes_append_char(&b, 'l'));
	ck_assert(bytes_append_str(&b, ""));
	expect(&b, "hello worl");
	bytes_take(&b, 6);
	expect(&b, "worl");
	bytes_take(&b, 4);
	expect(&b, "");
	ck_assert_uint_eq(b.start, 0);
	ck_assert_ptr_nonnull(b.base);
	bytes_append_str(&b, "again");
	bytes_take(&b, 100);
	expect(&b, "");
	bytes_fini(&b);
}
END_TEST

START_TEST(numbers)
{
	static const uint64_t unsigneds[] = {0, 7, 10, 65535, UINT64_MAX - 1, UINT64_MAX};
	static const int64_t signeds[] = {0, -1, 1, -10, INT64_MAX, INT64_MIN};
	struct bytes b = {0};
	char text[32];

	for (size_t i = 0; i < 6; i++) {
		snprintf(text, sizeof text, "%" PRIu64, unsigneds[i]);
		ck_assert(bytes_append_uint(&b, unsigneds[i]));
		expect(&b, text);
		bytes_truncate(&b, 0);
		snprintf(text, sizeof text, "%" PRId64, signeds[i]);
		ck_assert(bytes_append_int(&b, signeds[i]));
		expect(&b, text);
		bytes_truncate(&b, 0);
	}
	bytes_fini(&b);
}
END_TEST

START_TEST(room_and_put)
{
	struct bytes b = {0};
	unsigned char *room = bytes_room(&b, 1000);

	ck_assert_ptr_nonnull(room);
	ck_assert_uint_ge(bytes_space(&b), 1000);
	memset(room, 'x', bytes_space(&b));
	bytes_put(&b, 3);
	expect(&b, "xxx");
	/* What room there is does not move. */
	ck_assert_ptr_eq(bytes_room(&b, bytes_space(&b)), room + 3);
	bytes_fini(&b);
}
END_TEST

/* A queue that is fed and drained keeps its bytes in order, and its size small. */
START_TEST(steady_stream)
{
	struct bytes b = {0};
	unsigned char in = 0, out = 0, *room;
	size_t largest = 0, wrong = 0;

	for (unsigned round = 0; round < 20000; round++) {
		size_t n = (round * 37) % 300 + 1;

		room = bytes_room(&b, n);
		if (room == NULL)
			break;
		for (size_t i = 0; i < n; i++)
			room[i] = in++;
		bytes_put(&b, n);
		n = bytes_len(&b) > 500 ? bytes_len(&b) - 100 : bytes_len(&b) / 3;
		for (size_t i = 0; i < n; i++)
			wrong += bytes_head(&b)[i] != out++;
		bytes_take(&b, n);
		if (b.size > largest)
			largest = b.size;
	}
	ck_assert(!bytes_failed(&b));
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_le(largest, 4096);
	bytes_fini(&b);
}
END_TEST

START_TEST(growth_is_amortised)
{
	struct bytes b = {0};
	const unsigned char *base = NULL;
	unsigned moves = 0;

	for (size_t i = 0; i < 3 * 1024 * 1024; i++) {
		(void)bytes_append_char(&b, (char)i);
		if (b.size != 0 && b.base + b.size != base) {
			base = b.base + b.size;
			moves++;
		}
	}
	ck_assert_uint_lt(moves, 40);
	ck_assert_uint_eq(bytes_len(&b), 3 * 1024 * 1024);
	for (size_t i = 0; i < bytes_len(&b); i += 99991)
		ck_assert_uint_eq(bytes_head(&b)[i], (unsigned char)i);
	bytes_fini(&b);
}
END_TEST

/* Half a queue taken, then more room: what is queued moves to the front. */
START_TEST(compaction)
{
	struct bytes b = {0};
	size_t size;

	memset(bytes_room(&b, 256), 'a', 256);
	bytes_put(&b, 256);
	size = b.size;
	ck_assert_uint_eq(size, 256);
	bytes_take(&b, 246);
	ck_assert(bytes_append(&b, "0123456789", 10));
	expect(&b, "aaaaaaaaaa0123456789");
	ck_assert_uint_eq(b.size, size);
	/* Not where the whole would not fit even so. */
	bytes_take(&b, 19);
	memset(bytes_room(&b, 300), 'b', 300);
	ck_assert_uint_ge(bytes_space(&b), 300);
	bytes_put(&b, 300);
	ck_assert_uint_eq(bytes_head(&b)[0], '9');
	ck_assert_uint_eq(bytes_head(&b)[300], 'b');
	bytes_fini(&b);
}
END_TEST

START_TEST(truncate_queue)
{
	struct bytes b = {0};

	bytes_append_str(&b, "0123456789");
	bytes_take(&b, 2);
	bytes_truncate(&b, 100);
	expect(&b, "23456789");
	bytes_truncate(&b, 3);
	expect(&b, "234");
	bytes_append_str(&b, "x");
	expect(&b, "234x");
	bytes_truncate(&b, 0);
	expect(&b, "");
	bytes_fini(&b);
}
END_TEST

START_TEST(trim)
{
	struct bytes b = {0};

	memset(bytes_room(&b, 100000), 'z', 100000);
	bytes_put(&b, 100000);
	bytes_take(&b, 10);
	bytes_trim(&b);
	ck_assert_uint_ge(b.size, 100000);
	bytes_take(&b, 99000);
	ck_assert_uint_eq(bytes_len(&b), 990);
	bytes_trim(&b);
	ck_assert_uint_lt(b.size, 2000);
	ck_assert_uint_eq(bytes_len(&b), 990);
	for (size_t i = 0; i < 990; i++)
		ck_assert_uint_eq(bytes_head(&b)[i], 'z');
	bytes_take(&b, 990);
	bytes_trim(&b);
	ck_assert_ptr_null(b.base);
	ck_assert_uint_eq(b.size, 0);
	ck_assert(bytes_append_str(&b, "still usable"));
	expect(&b, "still usable");
	bytes_fini(&b);
}
END_TEST

START_TEST(prepend)
{
	struct bytes b = {0};

	ck_assert(bytes_prepend(&b, "c", 1));
	ck_assert(bytes_prepend(&b, "ab", 2));
	ck_assert(bytes_prepend(&b, NULL, 0));
	ck_assert(bytes_append_str(&b, "def"));
	expect(&b, "abcdef");
	bytes_take(&b, 4);
	/* Into what was taken. */
	ck_assert(bytes_prepend(&b, "ABCD", 4));
	expect(&b, "ABCDef");
	bytes_fini(&b);
}
END_TEST

/* Both ends in turn, against a plain array. */
START_TEST(prepend_many)
{
	enum { ROUNDS = 5000 };
	static char model[4 * ROUNDS];
	struct bytes b = {0};
	size_t low = 2 * ROUNDS, high = low;

	for (size_t i = 0; i < ROUNDS; i++) {
		char c = (char)('a' + i % 26);

		if (i % 3 == 0) {
			ck_assert(bytes_append_char(&b, c));
			model[high++] = c;
		} else {
			ck_assert(bytes_prepend(&b, &c, 1));
			model[--low] = c;
		}
	}
	ck_assert_uint_eq(bytes_len(&b), high - low);
	ck_assert_mem_eq(bytes_head(&b), model + low, high - low);
	ck_assert_uint_lt(b.size, 8 * ROUNDS);
	bytes_fini(&b);
}
END_TEST

static void
fail_by(struct bytes *b, size_t want)
{
	bytes_append_str(b, "kept");
	ck_assert_ptr_null(bytes_room(b, want));
	ck_assert(bytes_failed(b));
	expect(b, "kept");
	/* It sticks, even where there is room. */
	ck_assert(!bytes_append_str(b, "x"));
	ck_assert(!bytes_append(b, NULL, 0));
	ck_assert(!bytes_append_char(b, 'x'));
	ck_assert(!bytes_append_uint(b, 1));
	ck_assert(!bytes_append_int(b, -1));
	ck_assert(!bytes_prepend(b, "x", 1));
	expect(b, "kept");
	bytes_truncate(b, 4);
	ck_assert(!bytes_failed(b));
	ck_assert(bytes_append_str(b, "!"));
	expect(b, "kept!");
	bytes_fini(b);
	ck_assert(!bytes_failed(b));
}

START_TEST(failure_sticks)
{
	struct bytes b = {0};

	fail_by(&b, TOO_MUCH);
	fail_by(&b, SIZE_MAX);
	fail_by(&b, (size_t)PTRDIFF_MAX);
}
END_TEST

START_TEST(failed_prepend)
{
	struct bytes b = {0};

	bytes_append_str(&b, "kept");
	ck_assert(!bytes_prepend(&b, "", SIZE_MAX));
	ck_assert(bytes_failed(&b));
	expect(&b, "kept");
	bytes_truncate(&b, bytes_len(&b));
	ck_assert(!bytes_prepend(&b, "", TOO_MUCH));
	ck_assert(bytes_failed(&b));
	expect(&b, "kept");
	bytes_fini(&b);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("bytes");
	TCase *tcase = tcase_create("bytes");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, empty);
	tcase_add_test(tcase, append_take);
	tcase_add_test(tcase, numbers);
	tcase_add_test(tcase, room_and_put);
	tcase_add_test(tcase, steady_stream);
	tcase_add_test(tcase, growth_is_amortised);
	tcase_add_test(tcase, compaction);
	tcase_add_test(tcase, truncate_queue);
	tcase_add_test(tcase, trim);
	tcase_add_test(tcase, prepend);
	tcase_add_test(tcase, prepend_many);
	tcase_add_test(tcase, failure_sticks);
	tcase_add_test(tcase, failed_prepend);
	return run_suite(suite);
}
