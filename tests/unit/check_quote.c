/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/quote.h"
#include "tests/unit/run.h"

static void
expect(const char *name, size_t len, const char *quoted)
{
	ck_assert_str_eq(quote_name(name, len).text, quoted);
}

START_TEST(plain)
{
	expect("foo", 3, "\"foo\"");
	expect("", 0, "\"\"");
	expect("a b~", 4, "\"a b~\"");
}
END_TEST

START_TEST(escaped)
{
	expect("a\"b\\", 4, "\"a\\x22b\\x5c\"");
	expect("\033[2J", 4, "\"\\x1b[2J\"");
	expect("x\0y\n", 4, "\"x\\x00y\\x0a\"");
	expect("\177\303\244", 3, "\"\\x7f\\xc3\\xa4\"");
}
END_TEST

/* Every length near the limit, of short characters and of long ones. */
START_TEST(bounded)
{
	char name[200];

	for (unsigned fill = 0; fill < 2; fill++) {
		memset(name, fill == 0 ? 'a' : '\a', sizeof name);
		for (size_t len = 0; len <= sizeof name; len++) {
			struct quote q = quote_name(name, len);
			size_t got = strlen(q.text),
			       whole = len * (fill == 0 ? 1 : 4) + 2;

			ck_assert_uint_lt(got, QUOTE_SIZE);
			ck_assert_int_eq(q.text[0], '"');
			ck_assert_int_eq(q.text[got - 1], '"');
			if (got != whole)
				ck_assert_str_eq(q.text + got - 4, "...\"");
			if (whole <= 40)
				ck_assert_uint_eq(got, whole);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("quote");
	TCase *tcase = tcase_create("quote");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, plain);
	tcase_add_test(tcase, escaped);
	tcase_add_test(tcase, bounded);
	return run_suite(suite);
}
