/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock_file.h"
#include "tests/unit/run.h"

static char dir[32], path[64], why[256];

static void
begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_lock_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
}

static void
end(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static int
open_it(void)
{
	return lock_file_open(path, "file", 0640, why, sizeof(why));
}

START_TEST(held_once)
{
	struct stat st;
	int a = open_it(), b;

	ck_assert_int_ge(a, 0);
	ck_assert_int_eq(fstat(a, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07137, 0);
	ck_assert_int_ne(fcntl(a, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(open_it(), -1);
	ck_assert_ptr_nonnull(strstr(why, "another daemon is running: it holds "));
	ck_assert_int_eq(write(a, "text", 4), 4);
	close(a);
	/* what is in it stays */
	b = open_it();
	ck_assert_int_ge(b, 0);
	ck_assert_int_eq(fstat(b, &st), 0);
	ck_assert_int_eq(st.st_size, 4);
	close(b);
}
END_TEST

START_TEST(whose_name_it_is)
{
	int a = open_it(), b;

	ck_assert(lock_file_named(a, path));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(!lock_file_named(a, path));
	b = open_it();
	ck_assert_int_ge(b, 0);
	ck_assert(!lock_file_named(a, path));
	ck_assert(lock_file_named(b, path));
	close(a);
	close(b);
}
END_TEST

START_TEST(plain_files_alone)
{
	ck_assert_int_eq(symlink("/tmp/nowhere", path), 0);
	ck_assert_int_eq(open_it(), -1);
	ck_assert_ptr_nonnull(strstr(why, "it is a symbolic link"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(open_it(), -1);
	ck_assert_ptr_nonnull(strstr(why, "is not a plain file"));
	ck_assert_int_eq(lock_file_open("/dev/null", "file", 0600, why, sizeof(why)), -1);
	ck_assert_ptr_nonnull(strstr(why, "the file /dev/null is not a plain file"));
	ck_assert_int_eq(
	    lock_file_open("/nowhere/at/all", "file", 0600, why, sizeof(why)), -1);
	ck_assert_ptr_nonnull(strstr(why, "No such file"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base/lock_file");
	TCase *tc = tcase_create("lock_file");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, held_once);
	tcase_add_test(tc, whose_name_it_is);
	tcase_add_test(tc, plain_files_alone);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
