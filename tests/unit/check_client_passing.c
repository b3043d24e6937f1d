/* SPDX-License-Identifier: ISC */
/* Descriptors to and from the daemon, which is a thread with a script. */
#include <check.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_daemon.h"
#include "tests/unit/run.h"

#define GETFD(id, socket) REQUEST(id, "inet.getfd", "{\"socket\":" socket "}")
#define PASSED(id) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":{\"fd\":\"passed\"},\"fds\":1}\n"

#define ERROR(id, code, message) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code \
	",\"message\":\"" message "\"}}\n"

static int pipes[2][2];

/* Says text with a descriptor. */
static void
pass(struct fake_daemon *f, const char *text, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};

	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
	must(sendmsg(f->fd, &msg, MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static bool
same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_ino == y.st_ino &&
	    x.st_dev == y.st_dev;
}

static int
open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static struct gentcp *
begin(struct fake_daemon *f, void (*script)(struct fake_daemon *f))
{
	ck_assert_int_eq(pipe2(pipes[0], O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(pipes[1], O_CLOEXEC), 0);
	return fake_daemon_start(f, script);
}

static void
finish(struct fake_daemon *f, struct gentcp *g)
{
	fake_daemon_finish(f, g);
	for (int i = 0; i < 4; i++)
		close(pipes[i / 2][i % 2]);
}

static void
one_script(struct fake_daemon *f)
{
	hear(f, GETFD("2", "3"));
	pass(f, PASSED("2"), pipes[0][0]);
	hear(f, GETFD("3", "4"));
	say(f, ERROR("3", "22", "einval"));
	hear(f, GETFD("4", "5"));
	say(f, RESULT("4", "{\"fd\":\"passed\"}"));
}

START_TEST(getfd)
{
	struct fake_daemon f;
	struct gentcp *g = begin(&f, one_script);
	int fd = -1, before = open_fds();

	ck_assert_int_eq(gentcp_getfd(g, 3, &fd), GENTCP_OK);
	ck_assert(same(fd, pipes[0][0]));
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
	ck_assert_int_eq(gentcp_getfd(g, 4, &fd), GENTCP_ERROR);
	ck_assert_str_eq(gentcp_error_reason(gentcp_error(g)), "einval");
	/* a daemon that promises and does not give */
	ck_assert_int_eq(gentcp_getfd(g, 5, &fd), GENTCP_INVALID);
	ck_assert_int_eq(open_fds(), before);
	finish(&f, g);
}
END_TEST

static void
order_script(struct fake_daemon *f)
{
	hear(f, GETFD("2", "3") GETFD("3", "3") GETFD("4", "4"));
	pass(f, PASSED("2"), pipes[0][0]);
	pass(f, PASSED("3"), pipes[0][1]);
	pass(f, PASSED("4"), pipes[1][0]);
	pass(f, PASSED("99"), pipes[1][1]); /* for nobody */
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)g;
	*(int *)ctx = gentcp_reply_fd(r);
	ck_assert_int_eq(gentcp_reply_fd(r), -1);
}

static void
on_reply_untaken(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)g;
	(void)r;
	++*(int *)ctx;
}

/* The blocking call's reply comes last, and brings its own all the same. */
START_TEST(each_reply_its_own)
{
	struct fake_daemon f;
	int first = -1, second = 0, third = -1, before = open_fds();
	struct gentcp *g = begin(&f, order_script);

	ck_assert_int_eq(gentcp_request(g, "inet.getfd", "{\"socket\":3}", NULL, 0,
			     on_reply, &first, NULL),
	    GENTCP_OK);
	ck_assert_int_eq(gentcp_request(g, "inet.getfd", "{\"socket\":3}", NULL, 0,
			     on_reply_untaken, &second, NULL),
	    GENTCP_OK);
	ck_assert_int_eq(gentcp_getfd(g, 4, &third), GENTCP_OK);
	ck_assert(same(third, pipes[1][0]));
	while (second == 0)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert(same(first, pipes[0][0]));
	close(first);
	close(third);
	finish(&f, g);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

static void
take_fd(struct fake_daemon *f, const char *text)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char got[512];
	struct iovec iov = {got, sizeof got};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};
	ssize_t n = recvmsg(f->fd, &msg, MSG_CMSG_CLOEXEC);
	int fd;

	must(n == (ssize_t)strlen(text) && memcmp(got, text, (size_t)n) == 0);
	must(CMSG_FIRSTHDR(&msg) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
	must(same(fd, pipes[0][0]));
	close(fd);
}

#define SENDFILE(id, offset, bytes) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"file.sendfile\"," \
	"\"params\":{\"socket\":3,\"offset\":" offset ",\"bytes\":" bytes \
	"},\"fds\":1}\n"

static void
sendfile_script(struct fake_daemon *f)
{
	take_fd(f, SENDFILE("2", "10", "9007199254740992"));
	say(f, RESULT("2", "{\"sent\":77}"));
	take_fd(f, SENDFILE("3", "-1", "0"));
	say(f, ERROR("3", "22", "einval"));
	take_fd(f, SENDFILE("4", "0", "0"));
	say(f, RESULT("4", "{\"sent\":5}"));
}

static void
on_sent(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)g;
	ck_assert_str_eq(gentcp_reply_json(r), "{\"sent\":5}");
	ck_assert_int_eq(gentcp_reply_fd(r), -1);
	*(bool *)ctx = true;
}

START_TEST(sendfile)
{
	struct fake_daemon f;
	struct gentcp *g = begin(&f, sendfile_script);
	int64_t sent = 0;
	bool done = false;

	ck_assert_int_eq(
	    gentcp_sendfile(g, 3, pipes[0][0], 10, INT64_C(1) << 53, &sent), GENTCP_OK);
	ck_assert_int_eq(sent, 77);
	ck_assert_int_eq(gentcp_sendfile(g, 3, pipes[0][0], -1, 0, NULL), GENTCP_ERROR);
	ck_assert_int_eq(gentcp_request_fd(g, "file.sendfile",
			     "{\"socket\":3,\"offset\":0,\"bytes\":0}", pipes[0][0],
			     on_sent, &done, NULL),
	    GENTCP_OK);
	while (!done)
		ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_int_eq(gentcp_sendfile(g, 3, 987, 0, 0, NULL), GENTCP_INVALID);
	finish(&f, g);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/passing");
	TCase *tc = tcase_create("passing");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, getfd);
	tcase_add_test(tc, each_reply_its_own);
	tcase_add_test(tc, sendfile);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
