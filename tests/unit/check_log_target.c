/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log_target.h"
#include "tests/unit/run.h"

static char dir[32], path[64], moved[64], why[256], said[1 << 20];

static void
begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_log.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/log", dir);
	snprintf(moved, sizeof(moved), "%s/log.1", dir);
}

static void
end(void)
{
	log_close();
	unlink(path);
	unlink(moved);
	ck_assert_int_eq(rmdir(dir), 0);
}

static const char *
content(const char *name)
{
	FILE *f = fopen(name, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	fclose(f);
	return said;
}

START_TEST(a_file)
{
	struct stat st;

	ck_assert_msg(log_open(LOG_TO_FILE, path, why, sizeof(why)), "%s", why);
	log_info("tcp", "one\n%s", "two");
	log_close();
	content(path);
	/* 2026-11-28T10:00:00.000Z */
	ck_assert_uint_gt(strlen(said), 25);
	ck_assert_int_eq(said[10], 'T');
	ck_assert_str_eq(said + 23, "Z gentcpd: info: tcp: one\\x0atwo\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	/* what is there stays */
	ck_assert(log_open(LOG_TO_FILE, path, why, sizeof(why)));
	log_info("tcp", "three");
	log_close();
	ck_assert_ptr_nonnull(strstr(content(path), "two\n"));
	ck_assert_ptr_nonnull(strstr(said, "three\n"));
}
END_TEST

START_TEST(a_file_that_was_moved)
{
	ck_assert(log_open(LOG_TO_FILE, path, why, sizeof(why)));
	log_info("tcp", "before");
	/* on its way to the file before it is moved, or to the moved one: never lost */
	ck_assert_int_eq(rename(path, moved), 0);
	ck_assert(log_reopen(why, sizeof(why)));
	log_info("tcp", "after");
	log_close();
	ck_assert_ptr_nonnull(strstr(content(path), "after\n"));
}
END_TEST

START_TEST(a_file_that_cannot_be)
{
	ck_assert(log_open(LOG_TO_FILE, path, why, sizeof(why)));
	ck_assert(!log_open(LOG_TO_FILE, "/no/such/folder/log", why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "/no/such/folder/log"));
	log_info("tcp", "still here");
	log_close();
	ck_assert_ptr_nonnull(strstr(content(path), "still here"));
	ck_assert(log_open(LOG_TO_STDERR, NULL, why, sizeof(why)));
	ck_assert(log_reopen(why, sizeof(why)));
}
END_TEST

START_TEST(a_full_disk)
{
	uint64_t before = log_lost();

	ck_assert(log_open(LOG_TO_FILE, "/dev/full", why, sizeof(why)));
	for (int i = 0; i < 10; i++)
		log_error("tcp", "%d", i);
	log_close();
	ck_assert_uint_eq(log_lost(), before + 10);
	close(creat(path, 0600));
}
END_TEST

/*
 * The process's files may not become larger: as a disk that is full, or is not any more.
 * Meanwhile nothing may be asserted, of which check keeps a file.
 */
static bool
limit_files(rlim_t size)
{
	struct rlimit limit;

	(void)signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_FSIZE, &limit) != 0)
		return false;
	limit.rlim_cur = size;
	return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

enum { ROOM = 520, LINES = 50, FIT = 10 /* of a file's lines */ };

/* More than there is room for; how many were lost, or 0 if there was no such limit. */
static int
fill(uint64_t least)
{
	uint64_t before = log_lost();
	bool full = limit_files(ROOM);

	for (int i = 0; i < LINES; i++)
		log_info("tcp", "= %d.", i);
	for (int i = 0; i < 1000 && log_lost() - before < least; i++)
		(void)poll(NULL, 0, 10);
	return limit_files(RLIM_INFINITY) && full ? (int)(log_lost() - before) : 0;
}

static bool
told(const char *notice)
{
	for (int i = 0; i < 500; i++) {
		if (strstr(content(path), notice) != NULL)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

/* Each line is there, or is lost and counted; none is mixed with another. */
static void
check_lines(int lost)
{
	int seen = 0, number;

	content(path);
	for (char *line = strtok(said, "\n"); line != NULL; line = strtok(NULL, "\n"))
		if (sscanf(line + strcspn(line, "="), "= %d.", &number) == 1 &&
		    line[strlen(line) - 1] == '.')
			ck_assert_int_eq(number, seen++);
	ck_assert_int_eq(seen + lost, LINES);
}

/* The file says by itself how many it lacks, as soon as there is room again. */
START_TEST(a_disk_with_room_again)
{
	char notice[128];
	int lost;

	ck_assert(log_open(LOG_TO_FILE, path, why, sizeof(why)));
	lost = fill(LINES - FIT);
	ck_assert_int_eq(lost, LINES - FIT);
	snprintf(notice, sizeof(notice),
	    "Z gentcpd: warning: daemon: lines that could not be written: %d\n", lost);
	ck_assert(told(notice));
	ck_assert_int_eq(content(path)[ROOM], '\n'); /* behind a part of one */
	log_info("tcp", "after");
	log_close();
	ck_assert_ptr_nonnull(strstr(content(path), "tcp: after\n"));
	check_lines(lost);
}
END_TEST

/* stderr may be such a file: the next line tells. */
START_TEST(a_stderr_with_room_again)
{
	int saved = dup(STDERR_FILENO),
	    fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char want[256];
	int lost;

	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	lost = fill(0);
	log_info("tcp", "after");
	dup2(saved, STDERR_FILENO);
	ck_assert_int_gt(lost, LINES / 2);
	snprintf(want, sizeof(want),
	    "\ngentcpd: warning: daemon: lines that could not be written: %d\n"
	    "gentcpd: info: tcp: after\n",
	    lost);
	ck_assert_ptr_nonnull(strstr(content(path), want));
	check_lines(lost);
	close(fd);
}
END_TEST

/* More than the queue takes is lost and counted; nothing waits. */
START_TEST(a_reader_that_stops)
{
	uint64_t before = log_lost(), after;
	int fd;

	ck_assert_int_eq(mkfifo(path, 0600), 0);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert(log_open(LOG_TO_FILE, path, why, sizeof(why)));
	for (int i = 0; i < 10000; i++)
		log_error("tcp", "%200d", i);
	log_close();
	after = log_lost();
	ck_assert_uint_gt(after, before + 5000);
	ck_assert_uint_lt(after, before + 10000);
	close(fd);
}
END_TEST

static int
listen_at(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, strlen(path));
	unlink(path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static const char *
received(int fd)
{
	ssize_t n = recv(fd, said, sizeof(said) - 1, 0);

	ck_assert_int_gt(n, 0);
	said[n] = '\0';
	return said;
}

START_TEST(syslog_lines)
{
	uint64_t before = log_lost();
	char tail[64];
	int fd = listen_at();

	ck_assert(log_open(LOG_TO_SYSLOG, path, why, sizeof(why)));
	log_warning("rpc", "mind\x01");
	snprintf(tail, sizeof(tail), " gentcpd[%ld]: rpc: mind\\x01", (long)getpid());
	ck_assert_int_eq(strncmp(received(fd), "<28>", 4), 0);
	ck_assert_str_eq(said + strlen(said) - strlen(tail), tail);
	/* gone: lost; back: found */
	close(fd);
	log_error("rpc", "nobody");
	ck_assert_uint_eq(log_lost(), before + 1);
	fd = listen_at();
	log_error("rpc", "again");
	ck_assert_ptr_nonnull(
	    strstr(received(fd), "daemon: lines that could not be written: 1"));
	ck_assert_ptr_nonnull(strstr(received(fd), "rpc: again"));
	/* one that does not read keeps nobody */
	for (int i = 0; i < 10000; i++)
		log_error("rpc", "%d", i);
	ck_assert_uint_gt(log_lost(), before + 1000);
	close(fd);
}
END_TEST

START_TEST(journal_lines)
{
	int p[2], saved = dup(STDERR_FILENO);
	char stream[64];
	struct stat st;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
	ck_assert_int_eq(log_target_guess(), LOG_TO_STDERR);
	ck_assert_int_ge(dup2(p[1], STDERR_FILENO), 0);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
	    (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	ck_assert_int_eq(log_target_guess(), LOG_TO_JOURNAL);
	setenv("JOURNAL_STREAM", "1:2", 1);
	ck_assert_int_eq(log_target_guess(), LOG_TO_STDERR);
	setenv("JOURNAL_STREAM", "x", 1);
	ck_assert_int_eq(log_target_guess(), LOG_TO_STDERR);
	ck_assert(log_open(LOG_TO_JOURNAL, NULL, why, sizeof(why)));
	log_error("tcp", "e");
	log_info("tcp", "i");
	dup2(saved, STDERR_FILENO);
	said[read(p[0], said, sizeof(said) - 1)] = '\0';
	ck_assert_str_eq(said, "<3>tcp: e\n<6>tcp: i\n");
	close(creat(path, 0600));
}
END_TEST

START_TEST(a_closed_stderr)
{
	uint64_t before = log_lost();
	int saved = dup(STDERR_FILENO);

	close(STDERR_FILENO);
	log_error("tcp", "e");
	dup2(saved, STDERR_FILENO);
	ck_assert_uint_eq(log_lost(), before + 1);
	close(creat(path, 0600));
}
END_TEST

START_TEST(levels_by_subsystem)
{
	ck_assert(log_open(LOG_TO_FILE, path, why, sizeof(why)));
	log_set_level(LOG_L_WARNING);
	ck_assert(log_set_level_of("tcp", LOG_L_DEBUG));
	ck_assert(!log_set_level_of("tpc", LOG_L_DEBUG));
	ck_assert_int_eq(log_level_of("tcp"), LOG_L_DEBUG);
	ck_assert_int_eq(log_level_of("tpc"), LOG_L_WARNING);
	log_debug("tcp", "shown");
	log_info("rpc", "hidden");
	log_set_level(LOG_L_INFO);
	ck_assert_int_eq(log_level_of("tcp"), LOG_L_INFO);
	log_close();
	ck_assert_ptr_nonnull(strstr(content(path), "shown"));
	ck_assert_ptr_null(strstr(said, "hidden"));
	for (size_t i = 0; log_subsystem(i) != NULL; i++)
		ck_assert(log_set_level_of(log_subsystem(i), LOG_L_INFO));
	ck_assert_int_eq(log_level_find("debug"), LOG_L_DEBUG);
	ck_assert_int_eq(log_level_find("loud"), LOG_L_COUNT);
	ck_assert_str_eq(log_level_name(LOG_L_ERROR), "error");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/log_target");
	TCase *tc = tcase_create("log_target");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, a_file);
	tcase_add_test(tc, a_file_that_was_moved);
	tcase_add_test(tc, a_file_that_cannot_be);
	tcase_add_test(tc, a_full_disk);
	tcase_add_test(tc, a_disk_with_room_again);
	tcase_add_test(tc, a_stderr_with_room_again);
	tcase_add_test(tc, a_reader_that_stops);
	tcase_add_test(tc, syslog_lines);
	tcase_add_test(tc, journal_lines);
	tcase_add_test(tc, a_closed_stderr);
	tcase_add_test(tc, levels_by_subsystem);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
