/* SPDX-License-Identifier: ISC */
/* Channels: messages, room, descriptors. */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel_world.h"
#include "proto/bytes.h"
#include "tests/unit/run.h"

/* --- messages ------------------------------------------------------------------- */

START_TEST(one_message)
{
	talk(ECHO(1), ECHO(1));
	ck_assert_uint_eq(rpc.uid, 1234);
	ck_assert_int_eq(rpc.pid, 5678);
}
END_TEST

START_TEST(many_in_one_read)
{
	talk(ECHO(1) ECHO(2) "\r\n" ECHO(3) ECHO(4), ECHO(1) ECHO(2) ECHO(3) ECHO(4));
	ck_assert_uint_eq(rpc.messages, 4);
}
END_TEST

START_TEST(one_in_many_reads)
{
	const char *text = ECHO(77);
	char one[2] = "";
	size_t i;

	for (i = 0; i + 1 < strlen(text); i++) {
		one[0] = text[i];
		say(client, one);
		ck_assert(turn(PATIENCE));
		ck_assert_uint_eq(rpc.messages, 0);
	}
	talk("\n", ECHO(77));
}
END_TEST

static void
fill(struct bytes *b, char c, size_t n)
{
	unsigned char *room = bytes_room(b, n);

	ck_assert_ptr_nonnull(room);
	memset(room, c, n);
	bytes_put(b, n);
}

START_TEST(attachments)
{
	struct bytes text = {0};

	talk("{\"do\":\"attach\"}\n", "{\"do\":\"attach\"}\n");
	bytes_append_str(&text, "{\"do\":\"count\",\"attached\":70000}\n");
	fill(&text, '\n', 70000);
	bytes_append(&text, ECHO(1), sizeof(ECHO(1)));
	talk((char *)bytes_head(&text), "{\"fds\":0,\"attached\":70000}\n" ECHO(1));
	bytes_fini(&text);
}
END_TEST

/* A seqpacket client sees each write of ours as one packet. */
START_TEST(small_ones_go_out_in_one_write)
{
	char packet[4096];
	int c = connect_pair(SOCK_SEQPACKET);
	ssize_t n;

	say(c, ECHO(1) ECHO(2) ECHO(3));
	WAIT_UNTIL((n = recv(c, packet, sizeof(packet), 0)) != -1);
	ck_assert_int_eq(n, strlen(ECHO(1) ECHO(2) ECHO(3)));
	ck_assert_mem_eq(packet, ECHO(1) ECHO(2) ECHO(3), (size_t)n);
	close(c);
}
END_TEST

START_TEST(large_ones_go_out_with_what_was_gathered)
{
	static const char head[] = ECHO(1) "{\"attached\":20000}\n";
	unsigned char packet[65536];
	int c = connect_pair(SOCK_SEQPACKET);
	size_t i;
	ssize_t n;

	say(c, ECHO(1) "{\"do\":\"payload\",\"n\":20000}\n" ECHO(2));
	WAIT_UNTIL((n = recv(c, packet, sizeof(packet), 0)) != -1);
	ck_assert_int_eq(n, sizeof(head) - 1 + 20000);
	ck_assert_mem_eq(packet, head, sizeof(head) - 1);
	for (i = 0; i < 20000; i++)
		ck_assert_uint_eq(packet[sizeof(head) - 1 + i], fake_pattern(i));
	WAIT_UNTIL((n = recv(c, packet, sizeof(packet), 0)) != -1);
	ck_assert_int_eq(n, strlen(ECHO(2)));
	close(c);
}
END_TEST

START_TEST(faults_are_the_sessions)
{
	struct bytes text = {0};
	ssize_t n;

	fill(&text, 'a', (1 << 20) + 100);
	bytes_append_str(&text, "\n" ECHO(1));
	forget();
	/* more than the socket takes at once */
	while (bytes_len(&text) > 0) {
		n = send(client, bytes_head(&text), bytes_len(&text), MSG_NOSIGNAL);
		bytes_take(&text, n > 0 ? (size_t)n : 0);
		turn(5);
	}
	bytes_fini(&text);
	RUN_UNTIL(client, heard.len >= strlen("{\"fault\":true}\n" ECHO(1)));
	ck_assert_mem_eq(heard.data, "{\"fault\":true}\n" ECHO(1), heard.len);
	forget();
}
END_TEST

/* --- room ----------------------------------------------------------------------- */

START_TEST(who_does_not_read_is_not_read)
{
	struct session *s = &rpc.sessions[0];
	size_t before;

	say(client, "{\"do\":\"pump\",\"n\":8388608}\n");
	WAIT_UNTIL(s->stalled);
	ck_assert_uint_gt(s->pump, 8388608 - 4 * HIGH - (4 << 20));
	ck_assert(!s->sink->room(s->ctx));
	/* bounded: what is left was not produced */
	ck_assert_uint_lt(bytes_len(s->sink->out(s->ctx)), HIGH + 20000);
	before = s->pump;
	say(client, ECHO(1));
	say(client, ECHO(2));
	turns = 0;
	while (turn(50))
		ck_assert_uint_lt(turns, 5); /* nothing to be done: no spinning */
	ck_assert_uint_eq(rpc.messages, 1);
	ck_assert_uint_eq(s->pump, before);
	ck_assert(!channel_idle_all(&host));
	forget();
	RUN_UNTIL(client, s->pump == 0 && rpc.messages == 3);
	before = 512 * (strlen("{\"attached\":16384}\n") + 16384) +
	    strlen(ECHO(1) ECHO(2));
	RUN_UNTIL(client, heard.len >= before);
	/* the answers came in between, as room was found; take them out */
	ck_assert_uint_eq(heard.len, before);
	ck_assert_uint_gt(rpc.writables, 0);
	ck_assert(channel_idle_all(&host));
	forget();
}
END_TEST

START_TEST(nothing_is_lost_or_reordered)
{
	say(client, "{\"do\":\"pump\",\"n\":4194304}\n");
	forget();
	RUN_UNTIL(client, heard.len >= 256 * (16384 + 19));
	check_pumped(256, "");
	talk(ECHO(9), ECHO(9));
}
END_TEST

START_TEST(requests_in_the_buffer_wait_too)
{
	struct bytes text = {0};
	size_t i, want;

	/* all in one read: 40 answers of 100 KiB, and room for three */
	for (i = 0; i < 40; i++)
		bytes_append_str(&text, "{\"do\":\"text\",\"n\":102400}\n");
	bytes_append(&text, ECHO(1), sizeof(ECHO(1)));
	say(client, (char *)bytes_head(&text));
	bytes_fini(&text);
	WAIT_UNTIL(rpc.messages > 0);
	while (turn(20))
		continue;
	ck_assert_uint_ge(rpc.messages, 3);
	ck_assert_uint_lt(rpc.messages, 20);
	forget();
	want = 40 * (102400 + strlen("{\"x\":\"\"}\n")) + strlen(ECHO(1));
	RUN_UNTIL(client, heard.len >= want);
	ck_assert_uint_eq(heard.len, want);
	ck_assert_mem_eq(heard.data + want - strlen(ECHO(1)), ECHO(1), strlen(ECHO(1)));
	ck_assert_uint_eq(rpc.messages, 41);
	forget();
}
END_TEST

START_TEST(one_slow_client_does_not_hold_up_others)
{
	int slow = connect_pair(SOCK_STREAM);

	say(slow, "{\"do\":\"pump\",\"n\":8388608}\n");
	WAIT_UNTIL(rpc.sessions[1].stalled);
	talk(ECHO(1), ECHO(1));
	close(slow);
	WAIT_UNTIL(rpc.freed == 1);
	talk(ECHO(2), ECHO(2));
}
END_TEST

START_TEST(an_idle_channel_holds_no_queue)
{
	struct session *s = &rpc.sessions[0];

	talk("{\"do\":\"text\",\"n\":3}\n", "{\"x\":\"xxx\"}\n");
	/* out() itself makes one, so look before: by what commit left */
	ck_assert_uint_eq(bytes_len(s->sink->out(s->ctx)), 0);
	ck_assert_uint_le(s->sink->out(s->ctx)->size, 4096);
}
END_TEST

/* --- descriptors -------------------------------------------------------------------- */

/* Sends text with n duplicates of fd. */
static void
send_fds(int to, const char *text, int fd, size_t n)
{
	char control[CMSG_SPACE(64 * sizeof(int))] = {0};
	struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = CMSG_SPACE(n * sizeof(int))};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	size_t i;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(n * sizeof(int));
	for (i = 0; i < n; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(to, &msg, MSG_NOSIGNAL), (ssize_t)strlen(text));
}

#define COUNT	  "{\"do\":\"count\"}\n"
#define COUNTS(n) "{\"fds\":" #n ",\"attached\":0}\n"

/* Is nobody left who could write to the pipe that p is the reading end of? */
static bool
is_closed(int p)
{
	struct pollfd pfd = {.fd = p};

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP) != 0;
}

START_TEST(fds_belong_to_their_message)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	forget();
	/* all of this may come in one turn */
	say(client, COUNT);
	send_fds(client, COUNT, p[1], 2);
	say(client, COUNT);
	send_fds(client, COUNT, p[1], 1);
	send_fds(client, COUNT, p[1], 16);
	say(client, COUNT);
	hear_only(COUNTS(0) COUNTS(2) COUNTS(0) COUNTS(1) COUNTS(16) COUNTS(0));
	ck_assert_int_ne(rpc.last_fd, -1);
	ck_assert_int_ne(fcntl(rpc.last_fd, F_GETFD) & FD_CLOEXEC, 0);
	close(p[1]);
	ck_assert(!is_closed(p[0])); /* the session has it */
	close(rpc.last_fd);
	rpc.last_fd = -1;
	ck_assert(is_closed(p[0]));
	close(p[0]);
}
END_TEST

START_TEST(fds_come_with_a_part)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	forget();
	/* behind a whole message, in its first part, its middle and its last one */
	say(client, COUNT "{\"do\"");
	turn(PATIENCE);
	send_fds(client, ":\"cou", p[1], 1);
	turn(PATIENCE);
	send_fds(client, "nt\"}\n", p[1], 2);
	say(client, COUNT);
	hear_only(COUNTS(0) COUNTS(3) COUNTS(0));
	close(p[0]);
	close(p[1]);
}
END_TEST

START_TEST(fds_without_a_message_are_closed)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	send_fds(client, "{\"do\":", p[1], 3);
	close(p[1]);
	turn(PATIENCE);
	ck_assert(!is_closed(p[0]));
	close(client);
	client = -1;
	WAIT_UNTIL(rpc.freed == 1);
	ck_assert(is_closed(p[0]));
	ck_assert_uint_eq(rpc.messages, 0);
	close(p[0]);
}
END_TEST

static void
expect_refusal(int p)
{
	forget();
	RUN_UNTIL(client, heard.eof || heard.error != 0);
	ck_assert_int_eq(heard.error, 0);
	heard.data[heard.len] = '\0';
	ck_assert_ptr_nonnull(strstr((char *)heard.data, "\"system_limit\""));
	ck_assert_ptr_nonnull(strstr((char *)heard.data, "\"id\":null"));
	WAIT_UNTIL(rpc.freed == 1);
	ck_assert(is_closed(p));
	forget();
}

START_TEST(too_many_fds_at_once)
{
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	send_fds(client, COUNT, p[1], 17);
	close(p[1]);
	expect_refusal(p[0]);
	ck_assert_uint_eq(rpc.messages, 0);
	close(p[0]);
}
END_TEST

START_TEST(too_many_fds_wait)
{
	int p[2], i;

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	for (i = 0; i < 17; i++)
		send_fds(client, " ", p[1], 1);
	close(p[1]);
	expect_refusal(p[0]);
	close(p[0]);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control/channel");
	TCase *tc = tcase_create("channel");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, channel_world_begin, channel_world_end);
	tcase_add_test(tc, one_message);
	tcase_add_test(tc, many_in_one_read);
	tcase_add_test(tc, one_in_many_reads);
	tcase_add_test(tc, attachments);
	tcase_add_test(tc, small_ones_go_out_in_one_write);
	tcase_add_test(tc, large_ones_go_out_with_what_was_gathered);
	tcase_add_test(tc, faults_are_the_sessions);
	tcase_add_test(tc, who_does_not_read_is_not_read);
	tcase_add_test(tc, nothing_is_lost_or_reordered);
	tcase_add_test(tc, requests_in_the_buffer_wait_too);
	tcase_add_test(tc, one_slow_client_does_not_hold_up_others);
	tcase_add_test(tc, an_idle_channel_holds_no_queue);
	tcase_add_test(tc, fds_belong_to_their_message);
	tcase_add_test(tc, fds_come_with_a_part);
	tcase_add_test(tc, fds_without_a_message_are_closed);
	tcase_add_test(tc, too_many_fds_at_once);
	tcase_add_test(tc, too_many_fds_wait);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
