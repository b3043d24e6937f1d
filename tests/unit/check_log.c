/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/unit/run.h"

static int reader, saved;
static char said[65536];

static void
take_stderr(void)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	ck_assert_int_ge(saved, 0);
	ck_assert_int_ge(dup2(p[1], STDERR_FILENO), 0);
	close(p[1]);
	reader = p[0];
	log_set_level(LOG_L_INFO);
}

static void
give_stderr_back(void)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(reader);
}

/* What stands in the pipe now. */
static const char *
heard(void)
{
	ssize_t n = read(reader, said, sizeof(said) - 1);

	said[n > 0 ? n : 0] = '\0';
	return said;
}

START_TEST(one_line)
{
	log_info("control", "listening on %s", "/run/x");
	ck_assert_str_eq(heard(), "gentcpd: info: control: listening on /run/x\n");
	log_error("tcp", "%d", 7);
	log_warning("rpc", "w");
	ck_assert_str_eq(heard(), "gentcpd: error: tcp: 7\ngentcpd: warning: rpc: w\n");
}
END_TEST

START_TEST(levels)
{
	log_debug("a", "b");
	ck_assert_str_eq(heard(), "");
	log_set_level(LOG_L_DEBUG);
	ck_assert_int_eq(log_level_of("a"), LOG_L_DEBUG);
	log_debug("a", "b");
	ck_assert_str_eq(heard(), "gentcpd: debug: a: b\n");
	log_set_level(LOG_L_ERROR);
	log_warning("a", "b");
	ck_assert_str_eq(heard(), "");
}
END_TEST

START_TEST(nothing_raw_passes)
{
	log_info("x\ny", "\x1b[31m%s\r\n\x7f\xc3\xa4\\", "red");
	ck_assert_str_eq(heard(),
	    "gentcpd: info: x\\x0ay: "
	    "\\x1b[31mred\\x0d\\x0a\\x7f\\xc3\\xa4\\x5c\n");
}
END_TEST

START_TEST(long_lines_are_cut)
{
	char *text = malloc(10001);
	const char *line;

	ck_assert_ptr_nonnull(text);
	memset(text, 'x', 10000);
	text[10000] = '\0';
	log_info("a", "%s", text);
	line = heard();
	ck_assert_uint_le(strlen(line), PIPE_BUF);
	ck_assert_str_eq(line + strlen(line) - 5, "x...\n");
	memset(text, 1, 10000);
	log_info("a", "%s", text);
	line = heard();
	ck_assert_uint_le(strlen(line), PIPE_BUF);
	ck_assert_uint_ge(strlen(line), 3000);
	ck_assert_ptr_eq(strchr(line, '\n'), line + strlen(line) - 1);
	free(text);
}
END_TEST

START_TEST(errno_is_kept)
{
	errno = EPIPE;
	log_info("a", "b");
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

/* A reader that has stopped must not stop us: lines are counted as lost, and told of. */
START_TEST(never_waits)
{
	uint64_t before = log_lost(), i;
	int flags = fcntl(STDERR_FILENO, F_GETFL);
	char want[256];

	ck_assert_int_ge(flags, 0);
	/* a blocking pipe, as a daemon's stderr often is */
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, flags & ~O_NONBLOCK), 0);
	for (i = 0; i < 10000; i++)
		log_info("flood", "%500d", 1);
	ck_assert_uint_gt(log_lost(), before + 5000);
	ck_assert_uint_lt(log_lost(), before + 10000);
	snprintf(want, sizeof(want),
	    "gentcpd: warning: daemon: lines that could not be written: %llu\n"
	    "gentcpd: info: a: again\n",
	    (unsigned long long)(log_lost() - before));
	before = log_lost();
	while (*heard() != '\0')
		continue;
	log_info("a", "again");
	ck_assert_uint_eq(log_lost(), before);
	ck_assert_str_eq(heard(), want);
	log_info("a", "and again");
	ck_assert_str_eq(heard(), "gentcpd: info: a: and again\n");
}
END_TEST

START_TEST(gate)
{
	struct log_gate g = {0, 0};
	uint64_t held = 99;

	ck_assert(log_gate_pass(&g, 50000, &held));
	ck_assert_uint_eq(held, 0);
	ck_assert(!log_gate_pass(&g, 50001, &held));
	ck_assert(!log_gate_pass(&g, 50999, &held));
	ck_assert(log_gate_pass(&g, 51000, &held));
	ck_assert_uint_eq(held, 2);
	ck_assert(log_gate_pass(&g, 60000, &held));
	ck_assert_uint_eq(held, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base/log");
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, take_stderr, give_stderr_back);
	tcase_add_test(tc, one_line);
	tcase_add_test(tc, levels);
	tcase_add_test(tc, nothing_raw_passes);
	tcase_add_test(tc, long_lines_are_cut);
	tcase_add_test(tc, errno_is_kept);
	tcase_add_test(tc, never_waits);
	tcase_add_test(tc, gate);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
