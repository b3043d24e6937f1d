/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>

#include "tcp/tcp_socket.h"
#include "tests/unit/run.h"

static struct active
n_left(int count)
{
	struct active a = {OPTION_ACTIVE_N, count};

	return a;
}

START_TEST(words_replace_the_count)
{
	struct active a = n_left(7);

	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_TRUE, 0), ACTIVE_OK);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_TRUE);
	ck_assert_int_eq(a.count, 0);
	/* a number after a word starts from nothing */
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, 2), ACTIVE_OK);
	ck_assert_int_eq(a.count, 2);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_FALSE, 0), ACTIVE_OK);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_FALSE);
	ck_assert_int_eq(a.count, 0);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_ONCE, 0), ACTIVE_OK);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_ONCE);
}
END_TEST

/* semantics 7, probe 47 */
START_TEST(numbers_add_up)
{
	struct active a = {OPTION_ACTIVE_FALSE, 0};

	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, 3), ACTIVE_OK);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, 2), ACTIVE_OK);
	ck_assert_int_eq(a.count, 5);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, -1), ACTIVE_OK);
	ck_assert_int_eq(a.count, 4);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, 0), ACTIVE_OK);
	ck_assert_int_eq(a.count, 4);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_N);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, -4), ACTIVE_PASSIVE);
	ck_assert_int_eq(a.count, 0);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_FALSE);
}
END_TEST

START_TEST(nothing_left_is_told_even_when_passive)
{
	struct active a = {OPTION_ACTIVE_FALSE, 0};

	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, 0), ACTIVE_PASSIVE);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, -5), ACTIVE_PASSIVE);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_FALSE);
	a.mode = OPTION_ACTIVE_TRUE;
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, -1), ACTIVE_PASSIVE);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_FALSE);
	a = n_left(2);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, -3), ACTIVE_PASSIVE);
	ck_assert_int_eq(a.count, 0);
}
END_TEST

/* probe 48 */
START_TEST(a_sum_out_of_range_changes_nothing)
{
	struct active a = n_left(32767);

	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, 1), ACTIVE_RANGE);
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_N);
	ck_assert_int_eq(a.count, 32767);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, -32768), ACTIVE_PASSIVE);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, -32768), ACTIVE_PASSIVE);
	ck_assert_int_eq(active_set(&a, OPTION_ACTIVE_N, 32767), ACTIVE_OK);
	ck_assert_int_eq(a.count, 32767);
}
END_TEST

START_TEST(spending)
{
	struct active a = n_left(2);

	ck_assert(!active_spend(&a));
	ck_assert_int_eq(a.count, 1);
	ck_assert(active_spend(&a));
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_FALSE);
	ck_assert_int_eq(a.count, 0);

	a.mode = OPTION_ACTIVE_ONCE;
	ck_assert(!active_spend(&a));
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_FALSE);

	a.mode = OPTION_ACTIVE_TRUE;
	ck_assert(!active_spend(&a));
	ck_assert_int_eq(a.mode, OPTION_ACTIVE_TRUE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("active");
	TCase *tc = tcase_create("arithmetic");

	tcase_add_test(tc, words_replace_the_count);
	tcase_add_test(tc, numbers_add_up);
	tcase_add_test(tc, nothing_left_is_told_even_when_passive);
	tcase_add_test(tc, a_sum_out_of_range_changes_nothing);
	tcase_add_test(tc, spending);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
