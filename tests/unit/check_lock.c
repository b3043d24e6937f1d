/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/lock.h"
#include "tests/unit/run.h"

static char dir[32], path[64], file[80], why[256];

static void
begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_lock.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(file, sizeof(file), "%s.lock", path);
}

static void
end(void)
{
	unlink(file);
	ck_assert_int_eq(rmdir(dir), 0);
}

START_TEST(taken_once)
{
	struct lock a, b;
	struct stat st;

	ck_assert_int_eq(lock_take(&a, path, why, sizeof(why)), 0);
	ck_assert_int_eq(lstat(file, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_ne(fcntl(a.fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(lock_take(&b, path, why, sizeof(why)), -1);
	ck_assert_ptr_nonnull(strstr(why, "another daemon"));
	ck_assert_ptr_nonnull(strstr(why, file));
	ck_assert_int_eq(b.fd, -1);
	lock_drop(&b);
	lock_drop(&a);
	ck_assert_int_eq(access(file, F_OK), -1);
	ck_assert_int_eq(lock_take(&b, path, why, sizeof(why)), 0);
	lock_drop(&b);
	lock_drop(&b);
}
END_TEST

START_TEST(a_dead_ones_file_is_no_lock)
{
	struct lock a;
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(lock_take(&a, path, why, sizeof(why)) == 0 ? 0 : 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(access(file, F_OK), 0);
	ck_assert_int_eq(lock_take(&a, path, why, sizeof(why)), 0);
	lock_drop(&a);
}
END_TEST

START_TEST(another_file_there_is_left_alone)
{
	struct lock a, b;

	ck_assert_int_eq(lock_take(&a, path, why, sizeof(why)), 0);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(lock_take(&b, path, why, sizeof(why)), 0);
	lock_drop(&a);
	ck_assert_int_eq(access(file, F_OK), 0); /* it is b's */
	ck_assert_int_eq(lock_take(&a, path, why, sizeof(why)), -1);
	lock_drop(&b);
	ck_assert_int_eq(access(file, F_OK), -1);
}
END_TEST

START_TEST(links_and_other_files)
{
	struct lock a;
	char target[80];

	snprintf(target, sizeof(target), "%s/victim", dir);
	ck_assert_int_eq(symlink(target, file), 0);
	ck_assert_int_eq(lock_take(&a, path, why, sizeof(why)), -1);
	ck_assert_ptr_nonnull(strstr(why, "symbolic link"));
	ck_assert_int_eq(access(target, F_OK), -1);
	ck_assert_int_eq(unlink(file), 0);
	ck_assert_int_eq(mkfifo(file, 0600), 0);
	ck_assert_int_eq(lock_take(&a, path, why, sizeof(why)), -1);
	ck_assert_ptr_nonnull(strstr(why, "not a plain file"));
}
END_TEST

START_TEST(no_folder)
{
	struct lock a;

	ck_assert_int_eq(lock_take(&a, "/nowhere/at/all", why, sizeof(why)), -1);
	ck_assert_ptr_nonnull(strstr(why, "/nowhere/at/all.lock: No such file"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control/lock");
	TCase *tc = tcase_create("lock");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, taken_once);
	tcase_add_test(tc, a_dead_ones_file_is_no_lock);
	tcase_add_test(tc, another_file_there_is_left_alone);
	tcase_add_test(tc, links_and_other_files);
	tcase_add_test(tc, no_folder);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
