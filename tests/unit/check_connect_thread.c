/* SPDX-License-Identifier: ISC */
#include "tcp/connect_thread.h"
#include "tests/unit/run.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEADLINE = 5000, FILLERS = 3 };

/* A listener, and its address. */
static int
listener(struct resolver_address *a, int backlog)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&a->addr;
	socklen_t len = sizeof(*in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(a, 0, sizeof(*a));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)in, len), 0);
	if (backlog >= 0)
		ck_assert_int_eq(listen(fd, backlog), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)in, &len), 0);
	a->len = len;
	return fd;
}

static int
result(int readable)
{
	struct pollfd p = {.fd = readable, .events = POLLIN};
	int error;

	ck_assert_int_eq(poll(&p, 1, DEADLINE), 1);
	error = connect_thread_result(readable);
	close(readable);
	return error;
}

START_TEST(connected_and_refused)
{
	struct resolver_address a;
	int l = listener(&a, 5), fd = socket(AF_INET, SOCK_STREAM, 0), answer;

	answer = connect_thread_start(fd, &a);
	ck_assert_int_ge(answer, 0);
	ck_assert_int_eq(result(answer), 0);
	close(fd);
	close(l);

	l = listener(&a, -1);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	answer = connect_thread_start(fd, &a);
	ck_assert_int_eq(result(answer), ECONNREFUSED);
	close(fd);
	close(l);
}
END_TEST

/* With O_NONBLOCK off and nobody answering: shutdown sets the thread free. */
START_TEST(one_that_hangs)
{
	struct resolver_address a;
	struct pollfd p = {.events = POLLIN};
	int l = listener(&a, 0), fd = socket(AF_INET, SOCK_STREAM, 0), fillers[FILLERS];

	for (int i = 0; i < FILLERS; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fillers[i], (struct sockaddr *)&a.addr, a.len);
	}
	p.fd = connect_thread_start(fd, &a);
	ck_assert_int_ge(p.fd, 0);
	/* not before the thread is in connect, which is when there is a local port */
	for (struct sockaddr_in in = {0}; in.sin_port == 0;) {
		socklen_t len = sizeof(in);

		ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	}
	ck_assert_int_eq(poll(&p, 1, 0), 0);
	ck_assert_int_eq(shutdown(fd, SHUT_RDWR), 0);
	ck_assert_int_ne(result(p.fd), 0);
	for (int i = 0; i < FILLERS; i++)
		close(fillers[i]);
	close(fd);
	close(l);
}
END_TEST

/* Nobody listens to the answer any more: no signal, no trace. */
START_TEST(one_that_is_left_alone)
{
	struct resolver_address a;
	int l = listener(&a, 5), fd = socket(AF_INET, SOCK_STREAM, 0), peer;

	close(connect_thread_start(fd, &a));
	peer = accept(l, NULL, NULL);
	ck_assert_int_ge(peer, 0);
	/* both ends of ours closed: the thread's duplicate is gone too */
	close(fd);
	ck_assert_int_eq(read(peer, &(char){0}, 1), 0);
	close(peer);
	close(l);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("connect_thread");
	TCase *tc = tcase_create("threads");

	tcase_add_test(tc, connected_and_refused);
	tcase_add_test(tc, one_that_hangs);
	tcase_add_test(tc, one_that_is_left_alone);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
