/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>

#include "base/clock.h"
#include "tests/unit/run.h"

static uint64_t
played(void *ctx)
{
	return *(uint64_t *)ctx;
}

START_TEST(deadline_is_now_plus_timeout)
{
	uint64_t t = 1000;
	struct clock c = {played, &t, NULL};
	uint64_t d = clock_deadline(&c, 250);

	ck_assert_uint_eq(clock_now(&c), 1000);
	ck_assert_uint_eq(d, 1250);
	ck_assert_int_eq(clock_left(&c, d), 250);
	t = 1249;
	ck_assert_int_eq(clock_left(&c, d), 1);
	t = 1250;
	ck_assert_int_eq(clock_left(&c, d), 0);
	t = 99999;
	ck_assert_int_eq(clock_left(&c, d), 0);
}
END_TEST

static uint64_t
begun(void *ctx)
{
	return played(ctx) + 1;
}

/* In the middle of a ms: a timeout that counted it would be over too early. */
START_TEST(a_ms_that_has_begun_does_not_count)
{
	uint64_t t = 1000;
	struct clock c = {played, &t, begun};

	ck_assert_uint_eq(clock_deadline(&c, 15), 1016);
	ck_assert_uint_eq(clock_deadline(&c, 0), 1000);
	ck_assert_uint_ge(clock_monotonic.next(NULL), clock_monotonic.now(NULL));
}
END_TEST

START_TEST(never_does_not_end)
{
	uint64_t t = 5;
	struct clock c = {played, &t, NULL};
	uint64_t d = clock_deadline(&c, CLOCK_NEVER);

	ck_assert_uint_eq(d, UINT64_MAX);
	ck_assert_int_eq(clock_left(&c, d), CLOCK_NEVER);
}
END_TEST

START_TEST(sums_do_not_wrap)
{
	uint64_t t = UINT64_MAX - 10;
	struct clock c = {played, &t, NULL};
	uint64_t d = clock_deadline(&c, INT64_MAX);

	ck_assert_uint_eq(d, UINT64_MAX - 1);
	ck_assert_int_eq(clock_left(&c, d), 9);
	t = 0;
	ck_assert_int_eq(clock_left(&c, d), INT64_MAX);
	ck_assert_int_eq(clock_left(&c, clock_deadline(&c, INT64_MAX)), INT64_MAX);
}
END_TEST

START_TEST(timeval_of_ms)
{
	struct timeval tv = clock_timeval(12345);

	ck_assert_int_eq(tv.tv_sec, 12);
	ck_assert_int_eq(tv.tv_usec, 345000);
	tv = clock_timeval(0);
	ck_assert_int_eq(tv.tv_sec, 0);
	ck_assert_int_eq(tv.tv_usec, 0);
	tv = clock_timeval(CLOCK_NEVER);
	ck_assert_int_eq(tv.tv_sec, 0);
	ck_assert_int_eq(tv.tv_usec, 0);
}
END_TEST

START_TEST(monotonic_does_not_go_back)
{
	uint64_t last = clock_now(&clock_monotonic), next;
	int i;

	ck_assert_uint_gt(last, 0);
	for (i = 0; i < 1000; i++) {
		next = clock_now(&clock_monotonic);
		ck_assert_uint_ge(next, last);
		last = next;
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/clock");
	TCase *tc = tcase_create("clock");

	tcase_add_test(tc, deadline_is_now_plus_timeout);
	tcase_add_test(tc, a_ms_that_has_begun_does_not_count);
	tcase_add_test(tc, never_does_not_end);
	tcase_add_test(tc, sums_do_not_wrap);
	tcase_add_test(tc, timeval_of_ms);
	tcase_add_test(tc, monotonic_does_not_go_back);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
