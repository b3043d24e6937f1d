/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tests/unit/run.h"

/* a daemon with two uids, the first with two clients */
static struct account total, uid1, uid2, a, b;

static void
family(void)
{
	const size_t all[LIMIT_KINDS] = {10, 10, SIZE_MAX, 100};
	const size_t uid[LIMIT_KINDS] = {10, 10, SIZE_MAX, 60};
	const size_t one[LIMIT_KINDS] = {10, 3, SIZE_MAX, 50};

	account_init(&total, NULL, all);
	account_init(&uid1, &total, uid);
	account_init(&uid2, &total, uid);
	account_init(&a, &uid1, one);
	account_init(&b, &uid1, one);
}

static void
expect(size_t in_a, size_t in_b, size_t in_uid1, size_t in_uid2, size_t in_total)
{
	ck_assert_uint_eq(a.used[LIMIT_BYTES], in_a);
	ck_assert_uint_eq(b.used[LIMIT_BYTES], in_b);
	ck_assert_uint_eq(uid1.used[LIMIT_BYTES], in_uid1);
	ck_assert_uint_eq(uid2.used[LIMIT_BYTES], in_uid2);
	ck_assert_uint_eq(total.used[LIMIT_BYTES], in_total);
}

START_TEST(counts_in_all_above)
{
	struct charge c;

	ck_assert(charge_open(&c, &a, LIMIT_BYTES, 30));
	expect(30, 0, 30, 0, 30);
	ck_assert_uint_eq(a.used[LIMIT_SOCKETS], 0);
	charge_close(&c);
	expect(0, 0, 0, 0, 0);
	charge_close(&c);
	expect(0, 0, 0, 0, 0);
}
END_TEST

START_TEST(any_level_may_refuse)
{
	struct charge c, d, e;

	ck_assert(!charge_open(&c, &a, LIMIT_BYTES, 51)); /* the client's */
	expect(0, 0, 0, 0, 0);
	ck_assert_ptr_null(c.account);
	ck_assert(charge_open(&c, &a, LIMIT_BYTES, 50));
	ck_assert(!charge_open(&d, &b, LIMIT_BYTES, 11)); /* the uid's */
	ck_assert(charge_open(&d, &b, LIMIT_BYTES, 10));
	ck_assert(!charge_open(&e, &uid2, LIMIT_BYTES, 41)); /* the daemon's */
	ck_assert(charge_open(&e, &uid2, LIMIT_BYTES, 40));
	expect(50, 10, 60, 40, 100);
	charge_close(&e);
	charge_close(&c);
	charge_close(&d);
	expect(0, 0, 0, 0, 0);
}
END_TEST

START_TEST(grows_and_shrinks)
{
	struct charge c;

	ck_assert(charge_open(&c, &a, LIMIT_BYTES, 0));
	ck_assert(charge_set(&c, 50));
	ck_assert(!charge_set(&c, 51));
	ck_assert_uint_eq(c.amount, 50);
	expect(50, 0, 50, 0, 50);
	ck_assert(charge_set(&c, 7));
	expect(7, 0, 7, 0, 7);
	charge_close(&c);
	expect(0, 0, 0, 0, 0);
}
END_TEST

START_TEST(moves_or_stays)
{
	struct charge c, d;

	ck_assert(charge_open(&c, &a, LIMIT_BYTES, 50));
	/* between clients of one uid that could not hold it twice */
	ck_assert(charge_move(&c, &b));
	expect(0, 50, 50, 0, 50);
	ck_assert(charge_open(&d, &uid2, LIMIT_BYTES, 20));
	ck_assert(!charge_move(&c, &uid2));
	expect(0, 50, 50, 20, 70);
	ck_assert_ptr_eq(c.account, &b);
	charge_close(&d);
	ck_assert(charge_move(&c, &uid2));
	expect(0, 0, 0, 50, 50);
	charge_close(&c);
	expect(0, 0, 0, 0, 0);
}
END_TEST

START_TEST(nobody_pays_until_moved)
{
	struct charge c;

	ck_assert(charge_open(&c, NULL, LIMIT_BYTES, 1000));
	ck_assert(!charge_move(&c, &a));
	ck_assert(charge_set(&c, 5));
	ck_assert(charge_move(&c, &a));
	expect(5, 0, 5, 0, 5);
	charge_close(&c);
	expect(0, 0, 0, 0, 0);
}
END_TEST

START_TEST(no_limit_and_no_overflow)
{
	struct charge c, d;

	ck_assert(charge_open(&c, &a, LIMIT_CALLS, SIZE_MAX));
	ck_assert(!charge_open(&d, &a, LIMIT_CALLS, 1));
	ck_assert(!charge_open(&d, &b, LIMIT_CALLS, SIZE_MAX));
	charge_close(&c);
	ck_assert_uint_eq(total.used[LIMIT_CALLS], 0);
}
END_TEST

START_TEST(nothing_is_always_to_be_had)
{
	struct charge c, d;

	ck_assert(charge_open(&c, &a, LIMIT_BYTES, 50));
	a.max[LIMIT_BYTES] = 10; /* lowered while more is in use */
	ck_assert(charge_open(&d, &a, LIMIT_BYTES, 0));
	ck_assert(!charge_set(&d, 1));
	ck_assert(charge_set(&c, 49));
	charge_close(&c);
	charge_close(&d);
	expect(0, 0, 0, 0, 0);
}
END_TEST

/* All that is used goes along, past caps, too; charges give back what they took. */
START_TEST(another_parent)
{
	const size_t few[LIMIT_KINDS] = {1, 1, 1, 1, 1, 1},
		     many[LIMIT_KINDS] = {9, 9, 9, 9, 9, 9};
	struct account top, one, two, own;
	struct charge c, d;

	account_init(&top, NULL, many);
	account_init(&one, &top, many);
	account_init(&two, &top, few);
	account_init(&own, &one, many);
	ck_assert(charge_open(&c, &own, LIMIT_SOCKETS, 3));
	account_move(&own, &two);
	ck_assert_uint_eq(one.used[LIMIT_SOCKETS], 0);
	ck_assert_uint_eq(two.used[LIMIT_SOCKETS], 3);
	ck_assert_uint_eq(top.used[LIMIT_SOCKETS], 3);
	ck_assert(!charge_open(&d, &own, LIMIT_SOCKETS, 1));
	ck_assert(charge_set(&c, 2));
	charge_close(&c);
	ck_assert_uint_eq(two.used[LIMIT_SOCKETS], 0);
	ck_assert_uint_eq(top.used[LIMIT_SOCKETS], 0);
	ck_assert(charge_open(&d, &own, LIMIT_SOCKETS, 1));
	account_move(&own, NULL);
	ck_assert_uint_eq(top.used[LIMIT_SOCKETS], 0);
	charge_close(&d);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/limits");
	TCase *tc = tcase_create("limits");

	tcase_add_checked_fixture(tc, family, NULL);
	tcase_add_test(tc, counts_in_all_above);
	tcase_add_test(tc, any_level_may_refuse);
	tcase_add_test(tc, grows_and_shrinks);
	tcase_add_test(tc, moves_or_stays);
	tcase_add_test(tc, nobody_pays_until_moved);
	tcase_add_test(tc, no_limit_and_no_overflow);
	tcase_add_test(tc, nothing_is_always_to_be_had);
	tcase_add_test(tc, another_parent);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
