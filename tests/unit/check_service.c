/* SPDX-License-Identifier: ISC */
/* What is said to a service manager, what it hands over, and how late the loop is. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/activation.h"
#include "daemon/config.h"
#include "daemon/notify.h"
#include "daemon/probe.h"
#include "tests/unit/run.h"

/* --- notify --------------------------------------------------------------------- */

static int
manager_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, strlen(path));
	if (*path == '@')
		addr.sun_path[0] = '\0';
	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&addr,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
	    0);
	return fd;
}

START_TEST(an_abstract_name)
{
	struct notify n;
	char path[64], text[64] = "";
	int fd;

	snprintf(path, sizeof(path), "@gentcpd-check-%ld", (long)getpid());
	fd = manager_at(path);
	ck_assert(notify_open(&n, path));
	ck_assert(notify_wanted(&n));
	ck_assert(notify_say(&n, "READY=%d\n", 1));
	ck_assert_int_eq(recv(fd, text, sizeof(text) - 1, 0), 8);
	ck_assert_str_eq(text, "READY=1\n");
	/* nobody is there any more, or nobody reads: nothing waits, nothing breaks */
	for (int i = 0; i < 10000; i++)
		if (!notify_say(&n, "WATCHDOG=1\n"))
			break;
	close(fd);
	ck_assert(!notify_say(&n, "WATCHDOG=1\n"));
	notify_close(&n);
}
END_TEST

START_TEST(no_manager)
{
	static const char too_long[] =
	    "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	static const char *const bad[] = {
	    "run/notify", "/", "@", "vsock:2:1234", too_long};
	struct notify n;

	ck_assert(notify_open(&n, NULL));
	ck_assert(!notify_wanted(&n));
	ck_assert(notify_say(&n, "READY=1\n"));
	ck_assert(notify_open(&n, ""));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(!notify_open(&n, bad[i]), "%s", bad[i]);
		ck_assert(!notify_wanted(&n));
	}
}
END_TEST

START_TEST(how_often_the_watchdog)
{
	ck_assert_int_eq(notify_watchdog("30000000", NULL, 7), 15000);
	ck_assert_int_eq(notify_watchdog("30000000", "7", 7), 15000);
	ck_assert_int_eq(notify_watchdog("30000000", "8", 7), 0);
	ck_assert_int_eq(notify_watchdog("1", NULL, 7), 1);
	ck_assert_int_eq(notify_watchdog(NULL, NULL, 7), 0);
	ck_assert_int_eq(notify_watchdog("0", NULL, 7), 0);
	ck_assert_int_eq(notify_watchdog("-1", NULL, 7), 0);
	ck_assert_int_eq(notify_watchdog("30s", NULL, 7), 0);
	ck_assert_int_eq(notify_watchdog("18446744073709551615", NULL, 7), 0);
}
END_TEST

/* --- activation ------------------------------------------------------------------- */

enum { FIRST = 100 }; /* where a test puts what it passes */

/* A Unix socket as descriptor at, listening or not, with an abstract name. */
static void
pass_unix(int at, int type, bool listening)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "gentcpd-%ld-%d",
	    (long)getpid(), at);

	ck_assert_int_eq(
	    bind(fd, (struct sockaddr *)&addr,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)len),
	    0);
	if (listening)
		ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(dup2(fd, at), at);
	close(fd);
}

static bool
take(struct config *c, const char *pid, const char *fds, const char *names, char *why)
{
	const struct activation a = {pid, fds, names, FIRST};

	config_init(c);
	return activation_take(c, &a, 7, why, 256);
}

START_TEST(nothing_is_passed)
{
	static const char *const rows[][2] = {
	    {NULL, NULL}, {"7", NULL}, {NULL, "1"}, {"8", "1"}, {"x", "1"}, {"7", "0"}};
	struct config c;
	char why[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert(take(&c, rows[i][0], rows[i][1], NULL, why));
		ck_assert_int_eq(c.server.fd, -1);
		ck_assert_int_eq(c.metrics_fd, -1);
		config_fini(&c);
	}
}
END_TEST

START_TEST(two_sockets)
{
	struct config c, next;
	char why[256], path[64];

	pass_unix(FIRST, SOCK_STREAM, true);
	pass_unix(FIRST + 1, SOCK_STREAM, true);
	ck_assert_msg(take(&c, "7", "2", "metrics:control", why), "%s", why);
	ck_assert_int_eq(c.metrics_fd, FIRST);
	ck_assert_int_eq(c.server.fd, FIRST + 1);
	snprintf(path, sizeof(path), "@gentcpd-%ld-%d", (long)getpid(), FIRST + 1);
	ck_assert_str_eq(c.socket, path);
	ck_assert_str_eq(c.server.path, path);
	ck_assert_int_eq(fcntl(FIRST, F_GETFD), FD_CLOEXEC);
	ck_assert_int_ne(fcntl(FIRST + 1, F_GETFL) & O_NONBLOCK, 0);
	/* a configuration that is read anew changes nothing of it */
	config_init(&next);
	ck_assert(config_set_socket(&next, "/nowhere"));
	ck_assert(!config_keep(&next, &c, why, sizeof(why)));
	ck_assert_int_eq(next.metrics_fd, FIRST);
	ck_assert_int_eq(next.server.fd, FIRST + 1);
	ck_assert_str_eq(next.server.path, path);
	config_fini(&next);
	config_fini(&c);
	/* one alone may be called as it likes */
	ck_assert(take(&c, "7", "1", NULL, why));
	ck_assert_int_eq(c.server.fd, FIRST);
	config_fini(&c);
	ck_assert(take(&c, "7", "1", "whatever", why));
	ck_assert_int_eq(c.server.fd, FIRST);
	config_fini(&c);
	ck_assert(take(&c, "7", "1", "metrics", why));
	ck_assert_int_eq(c.metrics_fd, FIRST);
	config_fini(&c);
	close(FIRST);
	close(FIRST + 1);
}
END_TEST

START_TEST(what_is_no_such_socket)
{
	static const struct {
		const char *fds, *names, *why;
	} rows[] = {
	    {"x", NULL, "LISTEN_FDS is x"},
	    {"3", "a:b:c", "LISTEN_FDS is 3"},
	    {"-1", NULL, "LISTEN_FDS is -1"},
	    {"1", NULL, "100 (): is not a listening stream socket"}, /* a datagram's */
	    {"2", "control:control", "100 (control): is not a listening"},
	    {"2", "other:control", "100 is called other"},
	};
	struct config c;
	char why[256];

	pass_unix(FIRST, SOCK_DGRAM, false);
	pass_unix(FIRST + 1, SOCK_STREAM, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert(!take(&c, "7", rows[i].fds, rows[i].names, why));
		ck_assert_msg(strstr(why, rows[i].why) != NULL, "%s", why);
		config_fini(&c);
	}
	close(FIRST);
	/* closed; then not listening; then both by one name */
	ck_assert(!take(&c, "7", "1", NULL, why));
	config_fini(&c);
	pass_unix(FIRST, SOCK_STREAM, false);
	ck_assert(!take(&c, "7", "1", NULL, why));
	config_fini(&c);
	close(FIRST);
	pass_unix(FIRST, SOCK_STREAM, true);
	ck_assert(!take(&c, "7", "2", "control:control", why));
	ck_assert_ptr_nonnull(strstr(why, "more than one"));
	config_fini(&c);
	close(FIRST);
	close(FIRST + 1);
}
END_TEST

/* TCP will do for metrics, and not for clients. */
START_TEST(a_tcp_socket)
{
	struct config c;
	char why[256];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(dup2(fd, FIRST), FIRST);
	ck_assert(!take(&c, "7", "1", NULL, why));
	ck_assert_ptr_nonnull(strstr(why, "is not a Unix socket"));
	config_fini(&c);
	ck_assert(take(&c, "7", "1", "metrics", why));
	config_fini(&c);
	close(FIRST);
	close(fd);
}
END_TEST

/* --- the probe ---------------------------------------------------------------------- */

static uint64_t
fake_now(void *ctx)
{
	return *(uint64_t *)ctx;
}

START_TEST(how_late)
{
	struct event_base *base = event_base_new();
	uint64_t now = 1000;
	const struct clock clock = {fake_now, &now, NULL};
	struct probe p;

	ck_assert(probe_init(&p, base, &clock));
	now = 2000; /* in time */
	ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
	probe_turn(&p);
	now = 3007; /* 7 ms late; then 5 more turns, so it looks soon again */
	for (int i = 0; i < 5; i++)
		probe_turn(&p);
	ck_assert_int_eq(event_base_loop(base, EVLOOP_ONCE), 0);
	ck_assert_uint_eq(p.due, 3007 + 20);
	ck_assert_uint_eq(p.late.count[0], 1);
	ck_assert_uint_eq(p.late.count[3], 1);
	ck_assert_uint_eq(p.late.sum, 7);
	probe_fini(&p);
	event_base_free(base);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("service");
	TCase *tc = tcase_create("manager");

	tcase_add_test(tc, an_abstract_name);
	tcase_add_test(tc, no_manager);
	tcase_add_test(tc, how_often_the_watchdog);
	tcase_add_test(tc, nothing_is_passed);
	tcase_add_test(tc, two_sockets);
	tcase_add_test(tc, what_is_no_such_socket);
	tcase_add_test(tc, a_tcp_socket);
	tcase_add_test(tc, how_late);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
