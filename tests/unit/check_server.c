/* SPDX-License-Identifier: ISC */
/* The socket file and who may connect; clients are processes of their own. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/server.h"
#include "fake_rpc.h"
#include "tests/unit/run.h"

enum { PATIENCE = 10000 /* ms */ };

#define ECHO "{\"do\":\"echo\"}\n"

static char dir[32], path[64], lock[80], why[512];
static struct event_base *base;
static struct event *bell;
static struct server_config config;
static struct rpc rpc;
static bool rung;

static void
ring(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static void
begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_server.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	bell = evtimer_new(base, ring, &rung);
	ck_assert_ptr_nonnull(bell);
	config = server_config_default;
	config.path = path;
	memset(&rpc, 0, sizeof(rpc));
	rpc.last_fd = -1;
	log_set_level(LOG_L_ERROR);
}

static void
end(void)
{
	event_free(bell);
	event_base_free(base);
	ck_assert_uint_eq(rpc.opened, rpc.freed);
	ck_assert_msg(rmdir(dir) == 0, "something was left in %s", dir);
}

static struct server *
serve(void)
{
	return server_new(base, &clock_monotonic, &rpc, &config, why, sizeof(why));
}

static void
refused(const char *words)
{
	ck_assert_ptr_null(serve());
	ck_assert_msg(strstr(why, words) != NULL, "said: %s", why);
}

/* A turn of at most ms.  False if they passed. */
static bool
turn(struct server *s, int64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	rung = false;
	ck_assert_int_eq(event_add(bell, &tv), 0);
	ck_assert_int_ge(event_base_loop(base, EVLOOP_ONCE), 0);
	event_del(bell);
	server_flush(s);
	return !rung;
}

static int
dial(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, path, strlen(path));
	if (fd == -1 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		return -1;
	return fd;
}

/* Reads to the end of a line or of the stream. */
static void
read_line(int fd, char *line, size_t size)
{
	size_t len = 0;

	while (len < size - 1 && read(fd, line + len, 1) == 1)
		if (line[len++] == '\n')
			break;
	line[len] = '\0';
}

static bool
echoes(int fd)
{
	char line[128];

	if (fd == -1 || write(fd, ECHO, strlen(ECHO)) != (ssize_t)strlen(ECHO))
		return false;
	read_line(fd, line, sizeof(line));
	return strcmp(line, ECHO) == 0;
}

/* --- clients, run in a process; true is well ------------------------------------ */

static bool
one_echo(void)
{
	return echoes(dial());
}

static bool
hundred_echoes(void)
{
	int fd[100], i;

	for (i = 0; i < 100; i++)
		fd[i] = dial();
	for (i = 0; i < 100; i++)
		if (!echoes(fd[i]))
			return false;
	return true;
}

static bool
second_is_refused(void)
{
	int a = dial(), b;
	char line[256];

	if (!echoes(a))
		return false;
	b = dial();
	read_line(b, line, sizeof(line));
	if (strstr(line, "\"system_limit\"") == NULL ||
	    strstr(line, "\"id\":null") == NULL)
		return false;
	return read(b, line, 1) == 0 && echoes(a);
}

static bool
with_descriptors(void)
{
	struct rlimit limit = {1024, 1024};

	/* the parent has none left: see below */
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    (limit.rlim_cur = limit.rlim_max, setrlimit(RLIMIT_NOFILE, &limit)) == 0 &&
	    one_echo();
}

static pid_t
start_client(bool (*run)(void))
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		alarm(PATIENCE / 1000);
		_exit(run() ? 0 : 1);
	}
	return pid;
}

/* Turns until the client has ended; well, it is hoped. */
static void
await_client(struct server *s, pid_t pid)
{
	uint64_t deadline = clock_deadline(&clock_monotonic, PATIENCE);
	int status;
	pid_t ended;

	while ((ended = waitpid(pid, &status, WNOHANG)) == 0) {
		ck_assert_msg(clock_left(&clock_monotonic, deadline) > 0, "no end");
		turn(s, 10);
	}
	ck_assert_int_eq(ended, pid);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
}

/* --- the socket file ---------------------------------------------------------------- */

START_TEST(mode_and_group)
{
	struct server *s;
	struct stat st;

	config.mode = 0624;
	config.group = getegid();
	umask(0777);
	s = serve();
	umask(022);
	ck_assert_msg(s != NULL, "%s", why);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_uint_eq(st.st_mode & 07777, 0624);
	ck_assert_uint_eq(st.st_gid, getegid());
	server_free(s);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(access(lock, F_OK), -1);
}
END_TEST

START_TEST(a_group_that_cannot_be)
{
	if (geteuid() == 0)
		return; /* root may give it to any */
	config.group = 0;
	refused("cannot set up");
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(a_live_daemon_is_left_alone)
{
	struct server *s = serve();

	ck_assert_msg(s != NULL, "%s", why);
	refused("another daemon");
	/* even where its lock file was removed */
	ck_assert_int_eq(unlink(lock), 0);
	refused("somebody is listening");
	await_client(s, start_client(one_echo));
	server_free(s);
}
END_TEST

START_TEST(a_dead_ones_socket_is_replaced)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct server *s;

	memcpy(addr.sun_path, path, strlen(path));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	close(fd);
	s = serve();
	ck_assert_msg(s != NULL, "%s", why);
	await_client(s, start_client(one_echo));
	server_free(s);
}
END_TEST

START_TEST(other_files_are_left_alone)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
	refused("is not a socket");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	refused("is not a socket");
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	refused("is not a socket");
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(paths)
{
	char longest[108 + 64];
	struct server *s;

	config.path = "";
	refused("empty");
	config.path = "/nowhere/at/all";
	refused("No such file");
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, path, strlen(path));
	longest[108] = '\0';
	config.path = longest;
	refused("too long");
	longest[107] = '\0';
	s = serve();
	ck_assert_msg(s != NULL, "%s", why);
	server_free(s);
	ck_assert_int_eq(access(longest, F_OK), -1);
}
END_TEST

START_TEST(only_our_own_file_is_removed)
{
	struct server *s = serve();
	int fd;

	ck_assert_msg(s != NULL, "%s", why);
	ck_assert_int_eq(unlink(path), 0);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	close(fd);
	server_free(s);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

/* --- clients --------------------------------------------------------------------------- */

START_TEST(a_client)
{
	struct server *s = serve();
	pid_t pid;

	ck_assert_msg(s != NULL, "%s", why);
	pid = start_client(one_echo);
	await_client(s, pid);
	ck_assert_int_eq(rpc.pid, pid);
	ck_assert_uint_eq(rpc.uid, geteuid());
	server_free(s);
}
END_TEST

START_TEST(a_hundred_clients)
{
	struct server *s = serve();

	ck_assert_msg(s != NULL, "%s", why);
	await_client(s, start_client(hundred_echoes));
	ck_assert_uint_eq(rpc.opened, 100);
	server_free(s);
}
END_TEST

START_TEST(one_client_too_many)
{
	struct server *s = serve();

	ck_assert_msg(s != NULL, "%s", why);
	rpc.max = 1;
	await_client(s, start_client(second_is_refused));
	server_free(s);
}
END_TEST

START_TEST(not_to_ourselves)
{
	struct server *s = serve();
	struct pollfd p = {.events = POLLIN};
	char line[256];

	ck_assert_msg(s != NULL, "%s", why);
	p.fd = dial();
	ck_assert_int_ne(p.fd, -1);
	ck_assert(turn(s, PATIENCE));
	ck_assert_int_eq(poll(&p, 1, PATIENCE), 1);
	read_line(p.fd, line, sizeof(line));
	ck_assert_ptr_nonnull(strstr(line, "\"eacces\""));
	ck_assert_int_eq(read(p.fd, line, 1), 0);
	ck_assert_uint_eq(rpc.opened, 0);
	close(p.fd);
	server_free(s);
}
END_TEST

/* Without descriptors the listener stays readable: the loop must not spin. */
START_TEST(out_of_descriptors)
{
	struct server *s = serve();
	struct rlimit limit, none;
	int turns = 0, next;
	pid_t pid;

	ck_assert_msg(s != NULL, "%s", why);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	next = dup(STDOUT_FILENO);
	ck_assert_int_ge(next, 0);
	close(next);
	none.rlim_cur = (rlim_t)next;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	pid = start_client(with_descriptors);
	ck_assert(turn(s, PATIENCE));
	while (turn(s, 300) && turns < 1000)
		turns++;
	/* 10, 20, 40, … ms: five tries, of two turns each, before 300 ms */
	ck_assert_int_le(turns, 12);
	ck_assert_uint_eq(rpc.opened, 0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	await_client(s, pid);
	ck_assert_uint_eq(rpc.opened, 1);
	server_free(s);
}
END_TEST

START_TEST(stopped)
{
	struct server *s = serve();
	int fd;

	ck_assert_msg(s != NULL, "%s", why);
	server_stop(s);
	ck_assert(server_idle(s));
	fd = dial(); /* the kernel takes it, we do not */
	ck_assert_int_ne(fd, -1);
	ck_assert(!turn(s, 50));
	close(fd);
	server_free(s);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control/server");
	TCase *tc = tcase_create("server");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, mode_and_group);
	tcase_add_test(tc, a_group_that_cannot_be);
	tcase_add_test(tc, a_live_daemon_is_left_alone);
	tcase_add_test(tc, a_dead_ones_socket_is_replaced);
	tcase_add_test(tc, other_files_are_left_alone);
	tcase_add_test(tc, paths);
	tcase_add_test(tc, only_our_own_file_is_removed);
	tcase_add_test(tc, a_client);
	tcase_add_test(tc, a_hundred_clients);
	tcase_add_test(tc, one_client_too_many);
	tcase_add_test(tc, not_to_ourselves);
	tcase_add_test(tc, out_of_descriptors);
	tcase_add_test(tc, stopped);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
