/* SPDX-License-Identifier: ISC */
/* send, its queue and its errors, shutdown: semantics 1.6, 1.8, 8.4, 8.12, 8.22. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.h"

static void
shut_now(struct pair *p, enum tcp_how how, int reason)
{
	struct call call;

	call_init(&call, p, NULL);
	tcp_shutdown(p->s, how, &call.r);
	ck_assert(call.done);
	call_expect(&call, reason, "");
}

static void
expect_peer(struct pair *p, const char *bytes, size_t len)
{
	char got[64];

	ck_assert_uint_le(len, sizeof(got));
	ck_assert_int_eq(recv(p->peer, got, len, MSG_WAITALL), (ssize_t)len);
	ck_assert_mem_eq(got, bytes, len);
}

static unsigned
states(const struct pair *p)
{
	struct tcp_info info;

	tcp_get_info(p->s, &info);
	return info.states;
}

/* --- straight through ----------------------------------------------------------- */

START_TEST(headers)
{
	struct pair p;

	pair_open(&p);
	say_now(&p, "raw", 0);
	say_now(&p, "", 0);
	pair_packet(&p, PACKET_1, 0);
	say_now(&p, "a", 0);
	pair_packet(&p, PACKET_2, 0);
	say_now(&p, "bc", 0);
	say_now(&p, "", 0);
	pair_packet(&p, PACKET_4, 0);
	say_now(&p, "d", 0);
	pair_packet(&p, PACKET_LINE, 0);
	say_now(&p, "e", 0);
	expect_peer(&p, "raw\1a\0\2bc\0\0\0\0\0\1de", 17);
	ck_assert_ptr_null(p.s->write_event);
	ck_assert_ptr_null(p.s->out.base);
	pair_close(&p);
}
END_TEST

/* 8.4 */
START_TEST(too_long_for_its_header)
{
	char data[256];
	struct pair p;
	struct call call;

	memset(data, 'x', sizeof(data));
	pair_open(&p);
	pair_packet(&p, PACKET_1, 0);
	call_init(&call, &p, NULL);
	call_send(&call, data, 256);
	call_expect(&call, EMSGSIZE, "");
	say_now(&p, "ok", 0);
	expect_peer(&p, "\2ok", 3);
	ck_assert_uint_eq(p.s->sent.cnt, 1);
	pair_close(&p);
}
END_TEST

START_TEST(delayed)
{
	struct pair p;
	char got;

	pair_open(&p);
	p.s->set.delay_send = true;
	say_now(&p, "xx", 0);
	ck_assert_uint_eq(bytes_len(&p.s->out), 2);
	ck_assert_int_eq(recv(p.peer, &got, 1, MSG_DONTWAIT), -1);
	say_now(&p, "x", 0);
	peer_read(&p, 'x', 3);
	ck_assert_ptr_null(p.s->out.base);
	pair_close(&p);
}
END_TEST

/* --- the queue --------------------------------------------------------------------- */

/* probes 32, 33; 8.12: in the order of their coming */
START_TEST(watermarks)
{
	struct pair p;
	struct call a, b, c;
	size_t sent;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	sent = fill_kernel(&p, 3000);
	say_now(&p, "xxx", 0);
	p.s->set.high_watermark = 3010;
	p.s->set.low_watermark = 10;
	ck_assert(!call_say(&a, "xxxxxxx")->done);
	ck_assert_uint_eq(states(&p), TCP_IS_OPEN | TCP_IS_CONNECTED | TCP_IS_BUSY);
	ck_assert(!call_say(&b, "y")->done);
	ck_assert(!call_say(&c, "yy")->done);
	ck_assert_uint_eq(bytes_len(&p.s->out), 3010);
	/* what waits for its turn is charged all the same */
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 3013);
	pair_quiet(&p, "");
	peer_read(&p, 'x', sent + 3010);
	peer_read(&p, 'y', 3);
	pair_expect(&p, "a=okb=okc=ok");
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	ck_assert_uint_eq(states(&p), TCP_IS_OPEN | TCP_IS_CONNECTED);
	pair_close(&p);
}
END_TEST

/* probe 34: a timeout gives the place free, what is queued is sent */
START_TEST(send_timeout)
{
	struct pair p;
	struct call a, b;
	size_t sent;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	p.s->set.send_timeout = 30;
	call_say(&a, "xxx");
	call_say(&b, "xxx");
	ck_assert_uint_eq(bytes_len(&p.s->out), 3003);
	pair_expect(&p, "a=timeoutb=timeout");
	ck_assert_uint_eq(bytes_len(&p.s->out), 3006);
	p.s->set.send_timeout = 0;
	say_now(&p, "x", REASON_TIMEOUT);
	say_now(&p, "x", REASON_TIMEOUT);
	peer_read(&p, 'x', sent + 3008);
	say_now(&p, "x", 0);
	peer_read(&p, 'x', 1);
	pair_close(&p);
}
END_TEST

/* probes 35, 36 */
START_TEST(send_timeout_close)
{
	struct pair p;
	struct call a, b, r;
	int err;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&r, &p, "r");
	fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	p.s->set.send_timeout = 30;
	p.s->set.send_timeout_close = true;
	call_recv(&r, 0, CLOCK_NEVER);
	call_say(&a, "x");
	call_say(&b, "x");
	pair_expect(&p, "a=timeoutr=closedb=enotconn");
	say_now(&p, "x", ENOTCONN);
	recv_now(&p, 0, ENOTCONN, "");
	ck_assert_uint_gt(peer_read_all(&p, &err), 0);
	pair_close(&p);

	pair_open_local(&p);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	fill_kernel(&p, 3000);
	p.s->set.send_timeout = 0;
	p.s->set.high_watermark = 100;
	p.s->set.send_timeout_close = true;
	say_now(&p, "x", REASON_TIMEOUT);
	tcp_resume(p.s);
	pair_quiet(&p, "");
	ck_assert_uint_eq(states(&p), 0);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_quiet(&p, "CG");
	pair_close(&p);
}
END_TEST

START_TEST(over_the_limit)
{
	static char data[600];
	struct pair p;
	struct call a, b;
	size_t sent;

	memset(data, 'x', sizeof(data));
	pair_open_local(&p);
	sent = fill_kernel(&p, 500);
	p.account.max[LIMIT_BYTES] = 1000;
	call_init(&a, &p, NULL);
	call_send(&a, data, 600);
	call_expect(&a, REASON_SYSTEM_LIMIT, "");
	ck_assert_uint_eq(bytes_len(&p.s->out), 500);
	/* the same for those who wait for their turn */
	p.s->set.high_watermark = 100;
	call_init(&a, &p, NULL);
	ck_assert(!call_send(&a, data, 100)->done);
	call_init(&b, &p, NULL);
	call_send(&b, data, 401);
	call_expect(&b, REASON_SYSTEM_LIMIT, "");
	call_init(&b, &p, NULL);
	ck_assert(!call_send(&b, data, 400)->done);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 1000);
	peer_read(&p, 'x', sent + 1000);
	call_expect(&a, 0, "");
	call_expect(&b, 0, "");
	pair_close(&p);
}
END_TEST

START_TEST(cancelled)
{
	struct pair p;
	struct call a, b, c;
	size_t sent;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_say(&b, "never sent");
	call_say(&c, "xx");
	tcp_cancel(&b.r);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 3003);
	/* taken already: it is sent all the same, and the next one's turn comes */
	tcp_cancel(&a.r);
	ck_assert_uint_eq(bytes_len(&p.s->out), 3003);
	peer_read(&p, 'x', sent + 3003);
	pair_expect(&p, "c=ok");
	pair_close(&p);
}
END_TEST

/* --- errors -------------------------------------------------------------------------- */

/* probes 40, 77 */
START_TEST(passive_errors)
{
	struct pair p;

	pair_open(&p);
	shut_now(&p, TCP_WRITE, 0);
	shut_now(&p, TCP_WRITE, 0);
	say_now(&p, "x", REASON_CLOSED);
	say_now(&p, "x", ENOTCONN);
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);

	pair_open(&p);
	p.s->set.show_econnreset = true;
	peer_reset(&p);
	say_now(&p, "x", ECONNRESET);
	say_now(&p, "x", ENOTCONN);
	recv_now(&p, 0, ECONNRESET, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);

	/* our own shutdown passes for a reset, as in erl; a pending one does not */
	pair_open(&p);
	p.s->set.show_econnreset = true;
	shut_now(&p, TCP_WRITE, 0);
	say_now(&p, "x", ECONNRESET);
	recv_now(&p, 0, ECONNRESET, "");
	pair_close(&p);
}
END_TEST

START_TEST(error_while_recv_waits)
{
	struct pair p;
	struct call r;

	pair_open(&p);
	call_init(&r, &p, "r");
	call_recv(&r, 10, CLOCK_NEVER);
	peer_say(&p, "abc");
	pair_turn(&p);
	shut_now(&p, TCP_WRITE, 0);
	say_now(&p, "x", REASON_CLOSED);
	call_expect(&r, REASON_CLOSED, "abc");
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);
}
END_TEST

static void
await_zombie(struct pair *p)
{
	uint64_t end = clock_deadline(&clock_monotonic, PAIR_DEADLINE);

	while (p->s->state == TCP_CONNECTED) {
		pair_turn(p);
		ck_assert_int_gt(clock_left(&clock_monotonic, end), 0);
	}
}

/* Nobody waits when the queue meets the reset: who sends next hears of it. */
START_TEST(error_in_the_background)
{
	struct pair p;

	pair_open(&p);
	fill_kernel(&p, FILL_ALL);
	peer_reset(&p);
	await_zombie(&p);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	say_now(&p, "x", REASON_CLOSED);
	say_now(&p, "x", ENOTCONN);
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);

	pair_open(&p);
	fill_kernel(&p, FILL_ALL);
	peer_reset(&p);
	await_zombie(&p);
	recv_now(&p, 0, REASON_CLOSED, "");
	say_now(&p, "x", ENOTCONN);
	pair_close(&p);
}
END_TEST

START_TEST(blocked_meets_reset)
{
	struct pair p;
	struct call a, b;

	pair_open(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	fill_kernel(&p, FILL_ALL);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_say(&b, "x");
	peer_reset(&p);
	pair_expect(&p, "a=closedb=enotconn");
	say_now(&p, "x", ENOTCONN);
	recv_now(&p, 0, REASON_CLOSED, "");
	pair_close(&p);
}
END_TEST

/* Whichever event comes first, the writer's answers are given. */
START_TEST(recv_and_blocked_meet_reset)
{
	struct pair p;
	struct call a, b, r;

	pair_open(&p);
	p.s->set.show_econnreset = true;
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&r, &p, "r");
	fill_kernel(&p, FILL_ALL);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_say(&b, "x");
	call_recv(&r, 0, CLOCK_NEVER);
	peer_reset(&p);
	pair_expect(&p, "r=closeda=econnresetb=enotconn");
	say_now(&p, "x", ENOTCONN);
	recv_now(&p, 0, ECONNRESET, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);
}
END_TEST

/* recv notices the end while a sender is blocked */
START_TEST(blocked_meets_end)
{
	struct pair p;
	struct call a;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	peer_shut(&p, SHUT_WR);
	recv_now(&p, 0, REASON_CLOSED, "");
	pair_expect(&p, "a=closed");
	say_now(&p, "x", ENOTCONN);
	pair_close(&p);
}
END_TEST

START_TEST(active_errors)
{
	struct pair p;
	struct call a;

	pair_open(&p);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	p.s->set.show_econnreset = true;
	peer_reset(&p);
	call_init(&a, &p, "a");
	call_say(&a, "x");
	pair_quiet(&p, "E(econnreset)Ca=econnresetG");
	pair_close(&p);

	pair_open(&p);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	p.s->set.exit_on_close = false;
	shut_now(&p, TCP_WRITE, 0);
	call_init(&a, &p, "a");
	call_say(&a, "x");
	pair_quiet(&p, "Ca=closed");
	say_now(&p, "x", ENOTCONN);
	pair_active(&p, OPTION_ACTIVE_FALSE, 0);
	recv_now(&p, 0, ENOTCONN, "");
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_quiet(&p, "Ca=closed");
	pair_close(&p);
}
END_TEST

/* --- shutdown ------------------------------------------------------------------------- */

/* probe 39 */
START_TEST(shutdown_behind_output)
{
	struct pair p;
	size_t sent;
	char got;

	pair_open_local(&p);
	sent = fill_kernel(&p, 5000);
	shut_now(&p, TCP_WRITE, 0);
	shut_now(&p, TCP_READ_WRITE, 0);
	peer_say(&p, "hello");
	recv_now(&p, 0, 0, "hello");
	peer_read(&p, 'x', sent + 5000);
	ck_assert_int_eq(recv(p.peer, &got, 1, 0), 0);
	recv_now(&p, 0, REASON_CLOSED, "");
	pair_close(&p);
}
END_TEST

/* probe 38 */
START_TEST(send_behind_shutdown)
{
	struct pair p;
	int err;
	size_t sent;

	pair_open_local(&p);
	sent = fill_kernel(&p, 5000);
	shut_now(&p, TCP_WRITE, 0);
	say_now(&p, "y", REASON_CLOSED);
	say_now(&p, "y", ENOTCONN);
	ck_assert_uint_eq(peer_read_all(&p, &err), sent);
	pair_close(&p);
}
END_TEST

/* 8.22 */
START_TEST(one_caller_in_order)
{
	struct pair p;
	struct call a, b, shut, other;
	size_t sent;
	char got;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&shut, &p, "shut");
	call_init(&other, &p, "other");
	b.r.caller = shut.r.caller = &a;
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_say(&b, "x");
	tcp_shutdown(p.s, TCP_WRITE, &shut.r);
	tcp_shutdown(p.s, TCP_READ, &other.r);
	pair_quiet(&p, "other=ok");
	peer_read(&p, 'x', sent + 3002);
	pair_expect(&p, "other=oka=okb=okshut=ok");
	ck_assert_int_eq(recv(p.peer, &got, 1, 0), 0);
	pair_close(&p);

	/* what is withdrawn holds up nobody */
	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&shut, &p, "shut");
	shut.r.caller = &a;
	fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	tcp_shutdown(p.s, TCP_READ, &shut.r);
	pair_quiet(&p, "");
	tcp_cancel(&a.r);
	pair_quiet(&p, "shut=ok");
	pair_close(&p);
}
END_TEST

START_TEST(shutdown_refused)
{
	struct pair p;

	pair_open(&p);
	shut_now(&p, TCP_READ_WRITE, 0);
	recv_now(&p, 0, REASON_CLOSED, "");
	say_now(&p, "x", REASON_CLOSED);
	shut_now(&p, TCP_READ, ENOTCONN);
	pair_close(&p);
}
END_TEST

/* --- calls from inside the answer ------------------------------------------------------ */

static void
send_more(struct call *call)
{
	call->then = NULL;
	call->done = false;
	call_say(call, "z");
}

START_TEST(reentered)
{
	struct pair p;
	struct call a, b;
	size_t sent;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	a.then = send_more;
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_say(&b, "y");
	peer_read(&p, 'x', sent + 3001);
	peer_read(&p, 'y', 1);
	peer_read(&p, 'z', 1);
	pair_expect(&p, "a=okb=oka=ok");
	pair_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    headers,
	    too_long_for_its_header,
	    delayed,
	    watermarks,
	    send_timeout,
	    send_timeout_close,
	    over_the_limit,
	    cancelled,
	    passive_errors,
	    error_while_recv_waits,
	    error_in_the_background,
	    blocked_meets_reset,
	    recv_and_blocked_meet_reset,
	    blocked_meets_end,
	    active_errors,
	    shutdown_behind_output,
	    send_behind_shutdown,
	    one_caller_in_order,
	    shutdown_refused,
	    reentered,
	};

	return pair_main("tcp/writer", tests, sizeof(tests) / sizeof(tests[0]));
}
