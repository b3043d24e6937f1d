/* SPDX-License-Identifier: ISC */
/* Descriptors that go out: each with its own message, once, and none is left. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel_world.h"
#include "tests/unit/run.h"

#define PASS(n)	 "{\"do\":\"pass\",\"n\":" #n "}\n"
#define REFUSED	 "{\"refused\":true}\n"
#define PAYLOAD	 "{\"do\":\"payload\",\"n\":20000}\n"
#define ATTACHED "{\"attached\":20000}\n"

/* One recvmsg: what it brought, and how many descriptors, which are closed. */
static ssize_t
take(int from, char *to, size_t size, size_t *fds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(32 * sizeof(int))];
	} control;
	struct iovec iov = {to, size};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};
	struct cmsghdr *c;
	ssize_t n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
	size_t i;
	int fd;

	*fds = 0;
	if (n < 0)
		return n;
	ck_assert_int_eq(msg.msg_flags & MSG_CTRUNC, 0);
	for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c)) {
		*fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < *fds; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			ck_assert_int_eq(close(fd), 0);
		}
	}
	return n;
}

/* The next packet of a seqpacket client is text with that many descriptors. */
static void
expect_packet(int c, const char *text, size_t fds)
{
	static char packet[1 << 18];
	size_t got;
	ssize_t n;

	WAIT_UNTIL((n = take(c, packet, sizeof(packet), &got)) != -1);
	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_mem_eq(packet, text, (size_t)n);
	ck_assert_uint_eq(got, fds);
}

static int
open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

START_TEST(each_goes_alone_and_in_order)
{
	int c = connect_pair(SOCK_SEQPACKET), before;

	before = open_fds();
	say(c, ECHO(1) ECHO(2) PASS(3) PASS(4) ECHO(5) ECHO(6) PASS(7));
	expect_packet(c, ECHO(1) ECHO(2), 0);
	expect_packet(c, PASS(3), 1);
	expect_packet(c, PASS(4), 1);
	expect_packet(c, ECHO(5) ECHO(6), 0);
	expect_packet(c, PASS(7), 1);
	ck_assert_int_eq(open_fds(), before);
	close(c);
}
END_TEST

START_TEST(a_payload_follows_and_shares_nothing)
{
	static char packet[65536];
	int c = connect_pair(SOCK_SEQPACKET);
	size_t fds, len = 0;
	ssize_t n;

	say(c, PASS(1) PAYLOAD PASS(2));
	expect_packet(c, PASS(1), 1);
	while (len < strlen(ATTACHED) + 20000) {
		WAIT_UNTIL((n = take(c, packet, sizeof(packet), &fds)) != -1);
		ck_assert_uint_eq(fds, 0);
		len += (size_t)n;
	}
	ck_assert_uint_eq(len, strlen(ATTACHED) + 20000);
	expect_packet(c, PASS(2), 1);
	close(c);
}
END_TEST

/*
 * The client does not read until all is queued behind a full socket; then it reads
 * a few bytes at a time, so that every message is written in parts.
 */
START_TEST(once_each_however_it_is_written)
{
	static char text[1 << 21];
	size_t len = 0, fds, total = 0, wanted = 0;
	int small = 2048, i, before;
	ssize_t n;

	ck_assert_int_eq(
	    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	before = open_fds();
	say(client, "{\"do\":\"text\",\"n\":250000}\n");
	for (i = 0; i < 6; i++) {
		say(client, PASS(1) "{\"do\":\"text\",\"n\":3000}\n");
		wanted += strlen(PASS(1)) + strlen("{\"x\":\"\"}\n") + 3000;
	}
	wanted += strlen("{\"x\":\"\"}\n") + 250000;
	turns = 0;
	while (turn(20) && turns < 50)
		continue;
	while (len < wanted) {
		WAIT_UNTIL((n = take(client, text + len, 7, &fds)) != -1);
		ck_assert_int_gt(n, 0);
		len += (size_t)n;
		/* it comes with the first bytes of its own message */
		if (fds > 0) {
			ck_assert_uint_eq(fds, 1);
			ck_assert_ptr_nonnull(memchr(text + len - n, '{', (size_t)n));
		}
		total += fds;
	}
	ck_assert_uint_eq(len, wanted);
	ck_assert_uint_eq(total, 6);
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

START_TEST(no_more_than_sixteen_on_their_way)
{
	static char text[4096];
	size_t fds, total = 0, len = 0;
	size_t wanted = 16 * strlen(PASS(1)) + 2 * strlen(REFUSED);
	int i, before = open_fds();
	ssize_t n;

	for (i = 0; i < 18; i++) {
		say(client, PASS(1));
		turn(PATIENCE);
	}
	ck_assert_int_eq(open_fds(), before);
	while (len < wanted) {
		WAIT_UNTIL((n = take(client, text, sizeof(text), &fds)) != -1);
		len += (size_t)n;
		total += fds;
	}
	ck_assert_uint_eq(len, wanted);
	ck_assert_uint_eq(total, 16);
	/* all were read: there is room for as many again */
	for (i = 0; i < 16; i++) {
		say(client, PASS(2));
		expect_packet(client, PASS(2), 1);
	}
	say(client, PASS(3));
	expect_packet(client, PASS(3), 1);
}
END_TEST

START_TEST(none_is_left_when_the_client_goes)
{
	int before = open_fds(), i;

	say(client, "{\"do\":\"pump\",\"n\":8388608}\n");
	WAIT_UNTIL(rpc.sessions[0].stalled);
	/* room for a little more than the pump found */
	rpc.sessions[0].pump = 0;
	for (i = 0; i < 3; i++) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		struct session *s = &rpc.sessions[0];

		ck_assert(s->sink->pass(s->ctx, fd));
		fake_say(s, PASS(1));
	}
	ck_assert_int_eq(open_fds(), before + 3);
	close(client);
	client = -1;
	WAIT_UNTIL(rpc.freed == 1);
	ck_assert_int_eq(open_fds(), before - 2); /* both ends are closed */
}
END_TEST

START_TEST(a_client_that_reads_no_more)
{
	int before = open_fds();
	struct session *s = &rpc.sessions[0];

	say(client, "{\"do\":\"pump\",\"n\":8388608}\n");
	WAIT_UNTIL(s->stalled);
	s->pump = 0;
	ck_assert(s->sink->pass(s->ctx, open("/dev/null", O_RDONLY | O_CLOEXEC)));
	fake_say(s, PASS(1));
	ck_assert_int_eq(open_fds(), before + 1);
	ck_assert_int_eq(shutdown(client, SHUT_RD), 0);
	RUN_UNTIL(client, open_fds() == before);
	forget();
	/* and what would go to it is closed at once */
	ck_assert(!s->sink->pass(s->ctx, open("/dev/null", O_RDONLY | O_CLOEXEC)));
	ck_assert_int_eq(open_fds(), before);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control/channel: descriptors out");
	TCase *tc = tcase_create("passed");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, channel_world_begin, channel_world_end);
	tcase_add_test(tc, each_goes_alone_and_in_order);
	tcase_add_test(tc, a_payload_follows_and_shares_nothing);
	tcase_add_test(tc, once_each_however_it_is_written);
	tcase_add_test(tc, no_more_than_sixteen_on_their_way);
	tcase_add_test(tc, none_is_left_when_the_client_goes);
	tcase_add_test(tc, a_client_that_reads_no_more);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
