/* SPDX-License-Identifier: ISC */
/* recv and unrecv: semantics 1.5, 1.13, 8.1, 8.5, 8.11. */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.h"

enum { MIB = 1024 * 1024 };

START_TEST(order_of_checks)
{
	struct pair p;
	struct call first;

	pair_open(&p);
	recv_now(&p, 0, REASON_TIMEOUT, "");
	call_init(&first, &p, NULL);
	call_recv(&first, 64 * MIB, CLOCK_NEVER);
	recv_now(&p, 64 * MIB + 1, ENOMEM, "");
	recv_now(&p, 0, EALREADY, "");
	pair_packet(&p, PACKET_LINE, 0);
	recv_now(&p, 3, EINVAL, "");
	recv_now(&p, 64 * MIB + 1, EINVAL, "");
	ck_assert(!first.done);
	tcp_cancel(&first.r);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	recv_now(&p, 0, EINVAL, "");
	pair_close(&p);
}
END_TEST

/* probes 21, 85: what is not asked for stays in the kernel */
START_TEST(exact)
{
	struct pair p;

	pair_open(&p);
	peer_say(&p, "abcdef");
	recv_now(&p, 1, 0, "a");
	peer_say(&p, "XYZ");
	recv_now(&p, 0, 0, "bcdefXYZ");
	peer_say(&p, "abc");
	recv_now(&p, 10, REASON_TIMEOUT, "");
	peer_say(&p, "def");
	/* what was read comes first and alone */
	recv_now(&p, 0, 0, "abc");
	recv_now(&p, 2, 0, "de");
	pair_close(&p);
}
END_TEST

START_TEST(waits)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	call_init(&call, &p, NULL);
	ck_assert(!call_recv(&call, 6, 2 * PAIR_DEADLINE)->done);
	peer_say(&p, "abc");
	pair_turn(&p);
	ck_assert(!call.done);
	peer_say(&p, "def");
	call_expect(&call, 0, "abcdef");
	call_init(&call, &p, NULL);
	call_recv(&call, 1, 30);
	call_expect(&call, REASON_TIMEOUT, "");
	pair_close(&p);
}
END_TEST

struct late {
	struct call call;
	uint64_t before;
};

/* Asks when the turn, and with it the loop's idea of the time, is 20 ms old. */
static void
ask_late(int fd, short what, void *arg)
{
	struct late *late = arg;
	uint64_t start = clock_now(&clock_monotonic);

	(void)fd;
	(void)what;
	do
		late->before = clock_now(&clock_monotonic);
	while (late->before - start < 20);
	call_recv(&late->call, 1, 10);
}

START_TEST(never_early)
{
	const struct timeval now = {0, 0};
	struct pair p;
	struct late late;

	pair_open(&p);
	call_init(&late.call, &p, NULL);
	ck_assert_int_eq(
	    event_base_once(p.base, -1, EV_TIMEOUT, ask_late, &late, &now), 0);
	call_expect(&late.call, REASON_TIMEOUT, "");
	ck_assert_uint_ge(clock_now(&clock_monotonic) - late.before, 10);
	pair_close(&p);
}
END_TEST

static void
expect_lengths(struct pair *p, size_t length, size_t expected)
{
	struct call call;

	call_init(&call, p, NULL);
	ck_assert(call_recv(&call, length, 0)->done);
	ck_assert_int_eq(call.reason, 0);
	ck_assert_uint_eq(bytes_len(&call.data), expected);
	call_fini(&call);
}

/* probes 22, 23 and 8.15 */
START_TEST(how_much_at_once)
{
	static char data[100 * 1024];
	struct pair p;

	pair_open(&p);
	peer_send(&p, data, sizeof(data));
	expect_lengths(&p, 0, 64 * 1024);
	expect_lengths(&p, 0, 36 * 1024);
	p.s->set.buffer_set = true;
	p.s->set.framing.buffer = 1460;
	peer_send(&p, data, 5000);
	expect_lengths(&p, 0, 1460);
	expect_lengths(&p, 2000, 2000);
	expect_lengths(&p, 0, 1460);
	expect_lengths(&p, 0, 80);
	pair_close(&p);
}
END_TEST

START_TEST(large)
{
	size_t len = 3 * MIB;
	char *data = calloc(1, len);
	struct pair p;
	struct call call;
	size_t sent = 0;

	ck_assert_ptr_nonnull(data);
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(i * 7 >> 3);
	pair_open(&p);
	call_init(&call, &p, NULL);
	call_recv(&call, len, CLOCK_NEVER);
	while (!call.done) {
		ssize_t n = send(p.peer, data + sent, len - sent, MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		pair_turn(&p);
	}
	ck_assert_int_eq(call.reason, 0);
	ck_assert_uint_eq(bytes_len(&call.data), len);
	ck_assert_mem_eq(bytes_head(&call.data), data, len);
	ck_assert_uint_eq(p.s->in.size, 0);
	call_fini(&call);
	free(data);
	pair_close(&p);
}
END_TEST

/* An idle socket holds no buffer, one with something left just that. */
START_TEST(memory)
{
	struct pair p;
	struct tcp_info info;

	pair_open(&p);
	peer_say(&p, "abc");
	recv_now(&p, 10, REASON_TIMEOUT, "");
	tcp_get_info(p.s, &info);
	ck_assert_uint_eq(info.input, 3);
	ck_assert_uint_le(p.s->in.size, 256);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 3);
	recv_now(&p, 3, 0, "abc");
	ck_assert_uint_eq(p.s->in.size, 0);
	tcp_get_info(p.s, &info);
	ck_assert_uint_le(info.memory, 1024);
	ck_assert_uint_eq(info.states, TCP_IS_OPEN | TCP_IS_CONNECTED);
	pair_close(&p);
}
END_TEST

/* --- the end of the stream -------------------------------------------------- */

/* probe 29 */
START_TEST(peer_closes)
{
	struct pair p;

	pair_open(&p);
	peer_say(&p, "12345");
	peer_close(&p);
	recv_now(&p, 0, 0, "12345");
	recv_now(&p, 0, REASON_CLOSED, "");
	ck_assert_int_eq((int)p.s->state, TCP_ZOMBIE);
	recv_now(&p, 0, ENOTCONN, "");
	say_now(&p, "x", REASON_CLOSED);
	say_now(&p, "x", ENOTCONN);
	ck_assert_int_eq(tcp_unrecv(p.s, "x", 1), ENOTCONN);
	pair_quiet(&p, "");
	pair_close(&p);
}
END_TEST

/* probe 28, but nothing is lost: 8.1 */
START_TEST(rest)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	call_init(&call, &p, NULL);
	call_recv(&call, 10, CLOCK_NEVER);
	peer_say(&p, "12345");
	peer_close(&p);
	call_expect(&call, REASON_CLOSED, "12345");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);

	pair_open(&p);
	pair_packet(&p, PACKET_LINE, 0);
	peer_say(&p, "line\nno end");
	peer_close(&p);
	recv_now(&p, 0, 0, "line\n");
	recv_now(&p, 0, REASON_CLOSED, "no end");
	pair_close(&p);
}
END_TEST

/* probe 30 */
START_TEST(half_close)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	p.s->set.exit_on_close = false;
	call_init(&call, &p, NULL);
	peer_say(&p, "bye");
	peer_shut(&p, SHUT_WR);
	call_recv(&call, 10, CLOCK_NEVER);
	call_expect(&call, REASON_CLOSED, "bye");
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, REASON_CLOSED, "");
	say_now(&p, "yyy", 0);
	peer_read(&p, 'y', 3);
	ck_assert_int_eq(tcp_unrecv(p.s, "abc", 3), 0);
	recv_now(&p, 0, 0, "abc");
	recv_now(&p, 0, REASON_CLOSED, "");
	pair_close(&p);
}
END_TEST

START_TEST(reset)
{
	struct pair p;

	pair_open(&p);
	peer_reset(&p);
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);

	pair_open(&p);
	p.s->set.show_econnreset = true;
	peer_say(&p, "data");
	peer_reset(&p);
	recv_now(&p, 0, 0, "data");
	recv_now(&p, 0, ECONNRESET, "");
	recv_now(&p, 0, ENOTCONN, "");
	say_now(&p, "x", ENOTCONN);
	pair_close(&p);
}
END_TEST

/* As 25 does: closed, closed, and send twice closed. */
START_TEST(reset_half_open)
{
	struct pair p;

	pair_open(&p);
	p.s->set.exit_on_close = false;
	peer_reset(&p);
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, REASON_CLOSED, "");
	say_now(&p, "x", REASON_CLOSED);
	say_now(&p, "x", REASON_CLOSED);
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);
}
END_TEST

START_TEST(framing_violation)
{
	struct pair p;

	pair_open(&p);
	pair_packet(&p, PACKET_4, 3);
	peer_send(&p, "\0\0\0\3abc\0\0\0\4", 11);
	recv_now(&p, 0, 0, "abc");
	recv_now(&p, 0, EMSGSIZE, "");
	recv_now(&p, 0, ENOTCONN, "");
	say_now(&p, "x", ENOTCONN);
	pair_close(&p);

	/* with exit_on_close false it goes on, as in 25 */
	pair_open(&p);
	p.s->set.exit_on_close = false;
	pair_packet(&p, PACKET_2, 3);
	peer_send(&p, "\0\4abcd", 6);
	recv_now(&p, 0, EMSGSIZE, "");
	recv_now(&p, 0, REASON_TIMEOUT, "");
	say_now(&p, "", 0);
	peer_send(&p, "\0\1x", 3);
	recv_now(&p, 0, 0, "x");
	pair_close(&p);
}
END_TEST

START_TEST(closed_meanwhile)
{
	struct pair p;
	struct call call, close;

	pair_open(&p);
	call_init(&call, &p, "r");
	call_init(&close, &p, "c");
	call_recv(&call, 0, CLOCK_NEVER);
	ck_assert(!call.done);
	tcp_close(p.s, &close.r);
	pair_expect(&p, "r=closedGc=ok");
	pair_close(&p);

	pair_open(&p);
	call_init(&call, &p, "r");
	call_init(&close, &p, "s");
	call_recv(&call, 0, CLOCK_NEVER);
	tcp_shutdown(p.s, TCP_READ, &close.r);
	pair_expect(&p, "s=okr=closed");
	say_now(&p, "x", REASON_CLOSED);
	pair_close(&p);
}
END_TEST

/* --- unrecv ----------------------------------------------------------------- */

START_TEST(unrecv)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	peer_say(&p, "world");
	ck_assert_int_eq(tcp_unrecv(p.s, "hello ", 6), 0);
	recv_now(&p, 0, 0, "hello ");
	recv_now(&p, 0, 0, "world");
	ck_assert_int_eq(tcp_unrecv(p.s, "B", 1), 0);
	ck_assert_int_eq(tcp_unrecv(p.s, "A", 1), 0);
	ck_assert_int_eq(tcp_unrecv(p.s, "", 0), 0);
	recv_now(&p, 0, 0, "AB");

	pair_packet(&p, PACKET_2, 0);
	ck_assert_int_eq(tcp_unrecv(p.s, "\0\3x", 3), 0);
	call_init(&call, &p, NULL);
	ck_assert(!call_recv(&call, 0, CLOCK_NEVER)->done);
	peer_say(&p, "yz");
	call_expect(&call, 0, "xyz");

	/* it answers a recv that waits */
	call_init(&call, &p, NULL);
	ck_assert(!call_recv(&call, 0, CLOCK_NEVER)->done);
	ck_assert_int_eq(tcp_unrecv(p.s, "\0\1!", 3), 0);
	ck_assert(call.done);
	call_expect(&call, 0, "!");
	pair_close(&p);
}
END_TEST

START_TEST(unrecv_active)
{
	struct pair p;

	pair_open(&p);
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	ck_assert_int_eq(tcp_unrecv(p.s, "act", 3), 0);
	pair_quiet(&p, "[act]");
	ck_assert_int_eq((int)p.s->active.mode, OPTION_ACTIVE_FALSE);
	pair_close(&p);
}
END_TEST

/* --- who waits, and for how long ---------------------------------------------- */

START_TEST(no_room_for_the_answer)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	p.recv_full = true;
	peer_say(&p, "abc");
	call_init(&call, &p, NULL);
	call_recv(&call, 0, 20);
	/* the time runs out while there is no room */
	pair_until(&p, (bool[]){true});
	while (clock_left(&clock_monotonic, call.r.deadline) > 0)
		pair_turn(&p);
	pair_turn(&p);
	ck_assert(!call.done);
	recv_now(&p, 0, EALREADY, "");
	p.recv_full = false;
	tcp_resume(p.s);
	ck_assert(call.done);
	call_expect(&call, 0, "abc");

	/* and where there is nothing, resuming says so */
	p.recv_full = true;
	call_init(&call, &p, NULL);
	call_recv(&call, 0, 0);
	ck_assert(!call.done);
	p.recv_full = false;
	tcp_resume(p.s);
	call_expect(&call, REASON_TIMEOUT, "");
	pair_close(&p);
}
END_TEST

/* 8.5 */
START_TEST(cancelled)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	call_init(&call, &p, NULL);
	call_recv(&call, 5, CLOCK_NEVER);
	peer_say(&p, "abc");
	pair_turn(&p);
	tcp_cancel(&call.r);
	tcp_cancel(&call.r);
	peer_say(&p, "de");
	recv_now(&p, 5, 0, "abcde");
	ck_assert(!call.done);
	pair_close(&p);
}
END_TEST

START_TEST(turns_active)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	call_init(&call, &p, "r");
	call_recv(&call, 5, CLOCK_NEVER);
	peer_say(&p, "abc");
	pair_turn(&p);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_expect(&p, "r=einval[abc]");
	pair_close(&p);
}
END_TEST

static void
recv_again(struct call *call)
{
	static int times = 3;

	if (--times == 0)
		return;
	call->done = false;
	call_recv(call, 2, CLOCK_NEVER);
}

/* done() may start the next recv, with the very same memory. */
START_TEST(started_inside_done)
{
	struct pair p;
	struct call call;

	pair_open(&p);
	call_init(&call, &p, "r");
	call.then = recv_again;
	call_recv(&call, 2, CLOCK_NEVER);
	peer_say(&p, "aabbcc");
	pair_expect(&p, "r=okr=okr=ok");
	call_expect(&call, 0, "aabbcc");
	pair_close(&p);
}
END_TEST

/* protocol.md section 7: a partial packet that cannot grow */
START_TEST(over_the_limit)
{
	static char data[1000];
	struct pair p;
	struct call call;

	pair_open(&p);
	p.account.max[LIMIT_BYTES] = 500;
	ck_assert_int_eq(tcp_unrecv(p.s, data, 501), ENOMEM);
	call_init(&call, &p, NULL);
	call_recv(&call, 2000, CLOCK_NEVER);
	peer_send(&p, data, sizeof(data));
	call_expect(&call, ENOMEM, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);

	/* complete ones that only wait to be fetched are no such packets */
	pair_open(&p);
	pair_packet(&p, PACKET_1, 0);
	p.account.max[LIMIT_BYTES] = 3;
	peer_send(&p, "\1a\1b\1c\1d", 8);
	recv_now(&p, 0, 0, "a");
	recv_now(&p, 0, 0, "b");
	recv_now(&p, 0, 0, "c");
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 2);
	recv_now(&p, 0, 0, "d");
	pair_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    order_of_checks,
	    exact,
	    waits,
	    never_early,
	    how_much_at_once,
	    large,
	    memory,
	    peer_closes,
	    rest,
	    half_close,
	    reset,
	    reset_half_open,
	    framing_violation,
	    closed_meanwhile,
	    unrecv,
	    unrecv_active,
	    no_room_for_the_answer,
	    cancelled,
	    turns_active,
	    started_inside_done,
	    over_the_limit,
	};

	return pair_main("tcp/recv", tests, sizeof(tests) / sizeof(tests[0]));
}
