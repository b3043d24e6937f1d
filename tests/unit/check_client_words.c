/* SPDX-License-Identifier: ISC */
/* gentcp-cli: names that are near, tables, and what words may become. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/complete.h"
#include "client/cli/near.h"
#include "client/cli/table.h"

/* --- names that are near ------------------------------------------------------ */

START_TEST(distances)
{
	ck_assert_uint_eq(near_distance("packet", "packet"), 0);
	ck_assert_uint_eq(near_distance("pakcet", "packet"), 1);
	ck_assert_uint_eq(near_distance("paket", "packet"), 1);
	ck_assert_uint_eq(near_distance("packett", "packet"), 1);
	ck_assert_uint_eq(near_distance("racket", "packet"), 1);
	ck_assert_uint_eq(near_distance("", "abc"), 3);
	ck_assert_uint_eq(near_distance("abc", "xyz"), 3);
	ck_assert_uint_eq(
	    near_distance("a name of more letters than any of ours", "packet"), NEAR_FAR);
}
END_TEST

START_TEST(near_names)
{
	struct bytes out = {0};

	ck_assert(near_options(&out, "pakcet"));
	ck_assert_uint_eq(bytes_len(&out), strlen("packet"));
	ck_assert_mem_eq(bytes_head(&out), "packet", strlen("packet"));
	bytes_truncate(&out, 0);
	ck_assert(!near_options(&out, "x"));
	ck_assert(!near_options(&out, ""));
	ck_assert(!near_verbs(&out, "a name of more letters than any of ours"));
	ck_assert_uint_eq(bytes_len(&out), 0);
	bytes_fini(&out);
}
END_TEST

/* --- tables ------------------------------------------------------------------- */

START_TEST(tables)
{
	struct table t = {.columns = 2, .right = 2};
	struct bytes out = {0};

	table_add(&t, "A");
	table_add(&t, "BB");
	table_add(&t, "long");
	table_add_uint(&t, 1);
	table_add(&t, NULL);
	table_add_uint(&t, 222);
	table_put(&out, &t, 0);
	bytes_append_char(&out, '\0');
	ck_assert_str_eq((const char *)bytes_head(&out),
	    "A      BB\n"
	    "long    1\n"
	    "-     222");
	bytes_truncate(&out, 0);
	table_put(&out, &t, 1);
	ck_assert_uint_eq(bytes_len(&out), strlen("A      BB"));
	table_fini(&t);
	bytes_fini(&out);
}
END_TEST

/* --- completion --------------------------------------------------------------- */

static void
put_offer(const char *word, const char *help, void *ctx)
{
	struct bytes *out = ctx;

	(void)help;
	bytes_append_str(out, word);
	bytes_append_char(out, ' ');
}

/* line: words with single blanks between them. */
static void
completes(const char *line, const char *want)
{
	char copy[128], *words[16], *at = copy;
	struct bytes out = {0};
	struct complete c = {.fn = put_offer, .ctx = &out};
	size_t count = 0;

	snprintf(copy, sizeof copy, "%s", line);
	while (at != NULL && count < 16)
		words[count++] = strsep(&at, " ");
	complete_shell_line(&c, words, count);
	bytes_append_char(&out, '\0');
	ck_assert_str_eq((const char *)bytes_head(&out), want);
	bytes_fini(&out);
}

START_TEST(lines_of_the_shell)
{
	completes("wai", "wait ");
	completes("s = geto", "getopts ");
	completes("s = connect h 1 active=t", "active=true ");
	completes("wait tcp", "tcp tcp_passive tcp_error tcp_closed tcp_owner ");
	completes("help option backl", "backlog ");
	completes("shutdown 1 read", "read read_write ");
	completes("listen 0 ip=l", "ip=loopback ");
	completes("nosuch ", "");
	completes("recv ", ""); /* nobody is to be asked */
	completes("setopts 1 nosuch=", "");
	completes("setopts 1 backlog", ""); /* not there */
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/cli: words");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, distances);
	tcase_add_test(tcase, near_names);
	tcase_add_test(tcase, tables);
	tcase_add_test(tcase, lines_of_the_shell);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
