/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>

#include "base/idmap.h"
#include "tests/unit/run.h"

enum { MANY = 50000 };

static int things[MANY + 1];

START_TEST(empty)
{
	struct idmap map;
	size_t at = 0;

	idmap_init(&map);
	ck_assert_ptr_null(idmap_find(&map, 1));
	ck_assert_ptr_null(idmap_find(&map, 0));
	ck_assert_ptr_null(idmap_remove(&map, 1));
	ck_assert_ptr_null(idmap_next(&map, &at));
	idmap_fini(&map);
}
END_TEST

START_TEST(numbers_begin_at_one_and_are_not_given_again)
{
	struct idmap map;

	idmap_init(&map);
	ck_assert_uint_eq(idmap_add(&map, &things[1]), 1);
	ck_assert_uint_eq(idmap_add(&map, &things[2]), 2);
	ck_assert_ptr_eq(idmap_remove(&map, 2), &things[2]);
	ck_assert_ptr_null(idmap_remove(&map, 2));
	ck_assert_uint_eq(idmap_add(&map, &things[3]), 3);
	ck_assert_ptr_null(idmap_find(&map, 2));
	ck_assert_ptr_eq(idmap_find(&map, 3), &things[3]);
	ck_assert_ptr_null(idmap_find(&map, 0));
	ck_assert_ptr_null(idmap_find(&map, UINT64_MAX));
	ck_assert_uint_eq(map.count, 2);
	idmap_fini(&map);
}
END_TEST

START_TEST(the_last_number_is_the_end)
{
	struct idmap map;

	idmap_init(&map);
	map.last = UINT64_MAX - 1;
	ck_assert_uint_eq(idmap_add(&map, &things[0]), UINT64_MAX);
	ck_assert_uint_eq(idmap_add(&map, &things[1]), 0);
	ck_assert_ptr_eq(idmap_find(&map, UINT64_MAX), &things[0]);
	idmap_fini(&map);
}
END_TEST

/* As sockets come and go: checked against a plain array. */
START_TEST(many_come_and_go)
{
	struct idmap map;
	size_t left = MANY, i, at = 0, seen = 0;
	uint64_t id;
	int *p;

	idmap_init(&map);
	for (id = 1; id <= MANY; id++) {
		things[id] = 1;
		ck_assert_uint_eq(idmap_add(&map, &things[id]), id);
	}
	srandom(7);
	for (i = 0; i < MANY; i++) {
		id = 1 + (uint64_t)random() % MANY;
		p = idmap_remove(&map, id);
		ck_assert_ptr_eq(p, things[id] ? &things[id] : NULL);
		if (p != NULL) {
			*p = 0;
			left--;
		}
	}
	ck_assert_uint_eq(map.count, left);
	for (id = 1; id <= MANY; id++)
		ck_assert_ptr_eq(idmap_find(&map, id), things[id] ? &things[id] : NULL);
	while ((p = idmap_next(&map, &at)) != NULL) {
		ck_assert_int_eq(*p, 1);
		*p = 2;
		seen++;
	}
	ck_assert_uint_eq(seen, left);
	idmap_fini(&map);
}
END_TEST

START_TEST(memory_follows_the_number_of_entries)
{
	struct idmap map;
	uint64_t id;

	idmap_init(&map);
	for (id = 1; id <= MANY; id++)
		ck_assert_uint_ne(idmap_add(&map, &things[id]), 0);
	ck_assert_uint_le(map.size, 4 * MANY);
	for (id = 1; id <= MANY - 3; id++)
		ck_assert_ptr_eq(idmap_remove(&map, id), &things[id]);
	ck_assert_uint_le(map.size, 64);
	for (; id <= MANY; id++)
		ck_assert_ptr_eq(idmap_find(&map, id), &things[id]);
	idmap_fini(&map);
}
END_TEST

/* One old entry, and a window of young ones that moves on for a long time. */
START_TEST(a_moving_window)
{
	struct idmap map;
	uint64_t id;

	idmap_init(&map);
	ck_assert_uint_eq(idmap_add(&map, &things[0]), 1);
	for (id = 2; id <= 200000; id++) {
		ck_assert_uint_eq(idmap_add(&map, &things[id % MANY]), id);
		if (id > 10)
			ck_assert_ptr_eq(
			    idmap_remove(&map, id - 8), &things[(id - 8) % MANY]);
	}
	ck_assert_ptr_eq(idmap_find(&map, 1), &things[0]);
	ck_assert_uint_le(map.size, 64);
	idmap_fini(&map);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/idmap");
	TCase *tc = tcase_create("idmap");

	tcase_add_test(tc, empty);
	tcase_add_test(tc, numbers_begin_at_one_and_are_not_given_again);
	tcase_add_test(tc, the_last_number_is_the_end);
	tcase_add_test(tc, many_come_and_go);
	tcase_add_test(tc, memory_follows_the_number_of_entries);
	tcase_add_test(tc, a_moving_window);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
