/* SPDX-License-Identifier: ISC */
/* What needs no namespace of its own; the rest is integration/test_netns.py. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tcp/netns.h"
#include "tests/unit/run.h"

static int
asked(const char *path)
{
	int fd = -1, reason = netns_socket(path, AF_INET, 0, &fd);

	ck_assert_int_eq(fd == -1, reason != 0);
	if (fd != -1)
		close(fd);
	return reason;
}

/* This process' own: another thread of it may enter that, with the right to. */
START_TEST(own)
{
	struct stat before, after;
	int fd = -1, reason;

	ck_assert_int_eq(stat("/proc/thread-self/ns/net", &before), 0);
	reason = netns_socket("/proc/self/ns/net", AF_INET, 0, &fd);
	ck_assert_int_eq(stat("/proc/thread-self/ns/net", &after), 0);
	ck_assert(before.st_ino == after.st_ino);
	if (reason == EPERM)
		return;
	ck_assert_int_eq(reason, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	ck_assert_int_eq(netns_socket("/proc/self/ns/net", 12345, 0, &fd), EAFNOSUPPORT);
}
END_TEST

START_TEST(no_namespace)
{
	char folder[] = "/tmp/check-netns-XXXXXX", fifo[64];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(fifo, sizeof fifo, "%s/fifo", folder);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(asked(fifo), EINVAL); /* and it did not wait for a writer */
	ck_assert_int_eq(asked(folder), EINVAL);
	ck_assert_int_eq(asked("/dev/null"), EINVAL);
	ck_assert_int_eq(asked(""), ENOENT);
	ck_assert_int_eq(asked("/nowhere/at/all"), ENOENT);
	ck_assert_int_eq(asked("/dev/null/below"), ENOTDIR);
	unlink(fifo);
	rmdir(folder);
}
END_TEST

/* Of another kind: einval, or eperm where entering any is not allowed. */
START_TEST(another_kind)
{
	int reason = asked("/proc/self/ns/mnt");

	ck_assert(reason == EINVAL || reason == EPERM);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("netns");
	TCase *tcase = tcase_create("netns");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, own);
	tcase_add_test(tcase, no_namespace);
	tcase_add_test(tcase, another_kind);
	return run_suite(suite);
}
