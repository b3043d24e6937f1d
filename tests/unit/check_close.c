/* SPDX-License-Identifier: ISC */
/* close, and an owner that is no more: semantics 1.7, 4.5, 8.7. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.h"

static void
set_linger(struct pair *p, int seconds)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = seconds};

	ck_assert_int_eq(
	    setsockopt(p->s->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
}

/* Starts a close and returns when. */
static uint64_t
close_it(struct pair *p, struct call *call)
{
	call_init(call, p, "c");
	tcp_close(p->s, &call->r);
	return clock_now(&clock_monotonic);
}

static uint64_t
since(uint64_t start)
{
	return clock_now(&clock_monotonic) - start;
}

START_TEST(nothing_pending)
{
	struct pair p;
	struct call c, again;
	struct tcp_socket *s;
	int err;

	pair_open(&p);
	s = p.s;
	close_it(&p, &c);
	call_init(&again, &p, "again");
	tcp_close(s, &again.r);
	pair_quiet(&p, "Gc=okagain=ok");
	ck_assert_uint_eq(peer_read_all(&p, &err), 0);
	ck_assert_int_eq(err, 0);
	pair_close(&p);
}
END_TEST

START_TEST(active_hears_nothing)
{
	struct pair p;
	struct call c;

	pair_open(&p);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	peer_say(&p, "unread");
	close_it(&p, &c);
	pair_quiet(&p, "Gc=ok");
	pair_close(&p);
}
END_TEST

START_TEST(zombie)
{
	struct pair p;
	struct call c;

	pair_open(&p);
	peer_close(&p);
	recv_now(&p, 0, REASON_CLOSED, "");
	close_it(&p, &c);
	pair_quiet(&p, "Gc=ok");
	pair_close(&p);
}
END_TEST

/* probe 42 */
START_TEST(waits_for_output)
{
	struct pair p;
	struct call c, r;
	struct tcp_socket *s;
	size_t sent;
	int err;

	pair_open_local(&p);
	s = p.s;
	sent = fill_kernel(&p, 100000);
	close_it(&p, &c);
	pair_quiet(&p, "");
	ck_assert(tcp_is_gone(s));
	recv_now(&p, 0, REASON_CLOSED, "");
	say_now(&p, "x", REASON_CLOSED);
	call_init(&r, &p, NULL);
	tcp_close(s, &r.r);
	call_expect(&r, 0, "");
	ck_assert_uint_eq(peer_read_all(&p, &err), sent + 100000);
	ck_assert_int_eq(err, 0);
	pair_expect(&p, "Gc=ok");
	pair_close(&p);
}
END_TEST

/* probe 43 */
START_TEST(linger_zero)
{
	struct pair p;
	struct call c;
	size_t sent;
	int err;

	pair_open(&p);
	sent = fill_kernel(&p, FILL_ALL);
	set_linger(&p, 0);
	close_it(&p, &c);
	pair_quiet(&p, "Gc=ok");
	ck_assert_uint_le(peer_read_all(&p, &err), sent);
	ck_assert_int_eq(err, ECONNRESET);
	pair_close(&p);
}
END_TEST

/* probe 44; the rest goes out behind the caller's back */
START_TEST(linger_time)
{
	struct pair p;
	struct call c;
	size_t sent;
	uint64_t start;
	int err;

	pair_open_local(&p);
	sent = fill_kernel(&p, 100000);
	set_linger(&p, 1);
	start = close_it(&p, &c);
	pair_expect(&p, "Gc=ok");
	ck_assert_uint_ge(since(start), 990);
	ck_assert_uint_lt(since(start), 4000);
	ck_assert_uint_eq(peer_read_all(&p, &err), sent + 100000);
	pair_quiet(&p, "Gc=ok");
	pair_close(&p);
}
END_TEST

/* probe 89 */
START_TEST(nothing_moves)
{
	struct pair p;
	struct call c;
	size_t sent;
	uint64_t start;
	int err;

	pair_open_local(&p);
	sent = fill_kernel(&p, 100000);
	start = close_it(&p, &c);
	pair_expect(&p, "Gc=ok");
	ck_assert_uint_ge(since(start), 4990);
	/* the owner's account is its own again, the daemon's still counts */
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	ck_assert_uint_eq(p.root.used[LIMIT_BYTES], 100000);
	ck_assert_uint_eq(peer_read_all(&p, &err), sent + 100000);
	ck_assert_int_eq(err, 0);
	pair_close(&p);
}
END_TEST

START_TEST(time_is_up)
{
	struct pair p;
	struct call c;
	uint64_t start;
	int err;

	pair_open_timeout(&p, 50);
	fill_kernel(&p, FILL_ALL);
	start = close_it(&p, &c);
	pair_expect(&p, "Gc=ok");
	ck_assert_uint_ge(since(start), 50);
	(void)peer_read_all(&p, &err);
	ck_assert_int_eq(err, ECONNRESET);
	pair_close(&p);
}
END_TEST

START_TEST(peer_resets_meanwhile)
{
	struct pair p;
	struct call c;

	pair_open(&p);
	fill_kernel(&p, FILL_ALL);
	close_it(&p, &c);
	peer_reset(&p);
	pair_expect(&p, "Gc=ok");
	pair_close(&p);
}
END_TEST

/* Where a descriptor with a linger time is closed, the loop does not wait. */
START_TEST(linger_blocks_nobody)
{
	struct pair p;
	struct call c;
	uint64_t start;

	pair_open_local(&p);
	fill_kernel(&p, 0);
	set_linger(&p, 3);
	start = close_it(&p, &c);
	pair_quiet(&p, "Gc=ok");
	ck_assert_uint_lt(since(start), 1000);
	pair_close(&p);
}
END_TEST

/* 8.7 */
START_TEST(others_get_closed)
{
	struct pair p;
	struct call r, a, b, shut, c;
	int err;

	pair_open_local(&p);
	call_init(&r, &p, "r");
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&shut, &p, "shut");
	shut.r.caller = &b;
	fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_recv(&r, 0, CLOCK_NEVER);
	call_say(&a, "x");
	call_say(&b, "y");
	tcp_shutdown(p.s, TCP_READ, &shut.r);
	close_it(&p, &c);
	pair_quiet(&p, "r=closeda=closedb=closedshut=closed");
	(void)peer_read_all(&p, &err);
	pair_expect(&p, "r=closeda=closedb=closedshut=closedGc=ok");
	pair_close(&p);
}
END_TEST

/* 8.22: a caller that pipelines loses nothing */
START_TEST(behind_own_sends)
{
	struct pair p;
	struct call a, b, c;
	size_t sent;
	int err;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	b.r.caller = c.r.caller = &a;
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_say(&b, "x");
	tcp_close(p.s, &c.r);
	pair_quiet(&p, "");
	ck_assert(!tcp_is_gone(p.s));
	ck_assert_uint_eq(peer_read_all(&p, &err), sent + 3002);
	pair_expect(&p, "a=okb=okGc=ok");
	pair_close(&p);

	/* somebody else's close ends all that; the close that waited is done too */
	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&c, &p, "c");
	c.r.caller = &a;
	fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	tcp_close(p.s, &c.r);
	call_init(&b, &p, "b");
	tcp_close(p.s, &b.r);
	pair_quiet(&p, "a=closedc=ok");
	(void)peer_read_all(&p, &err);
	pair_expect(&p, "a=closedc=okGb=ok");
	pair_close(&p);
}
END_TEST

START_TEST(cancelled)
{
	struct pair p;
	struct call a, c;
	size_t sent;
	int err;

	/* begun: goes on by itself */
	pair_open_local(&p);
	sent = fill_kernel(&p, 3000);
	close_it(&p, &c);
	tcp_cancel(&c.r);
	ck_assert_uint_eq(peer_read_all(&p, &err), sent + 3000);
	pair_quiet(&p, "G");
	pair_close(&p);

	/* not begun: withdrawn */
	pair_open_local(&p);
	call_init(&a, &p, "a");
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_init(&c, &p, "c");
	c.r.caller = &a;
	tcp_close(p.s, &c.r);
	tcp_cancel(&c.r);
	peer_read(&p, 'x', sent + 3001);
	pair_expect(&p, "a=ok");
	ck_assert(!tcp_is_gone(p.s));
	pair_close(&p);
}
END_TEST

/* --- the owner is no more ------------------------------------------------------- */

/* probe 45 */
START_TEST(abandoned)
{
	struct pair p;
	struct call r, a;
	size_t sent;
	int err;

	pair_open_local(&p);
	call_init(&r, &p, "r");
	call_init(&a, &p, "a");
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_recv(&r, 0, CLOCK_NEVER);
	call_say(&a, "x");
	ck_assert(tcp_set_owner(p.s, NULL, &p.root));
	tcp_abandon(p.s);
	pair_quiet(&p, "r=closeda=closed");
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	ck_assert_uint_eq(peer_read_all(&p, &err), sent + 3001);
	ck_assert_int_eq(err, 0);
	pair_quiet(&p, "r=closeda=closed");
	ck_assert_uint_eq(p.root.used[LIMIT_BYTES], 0);
	pair_close(&p);

	pair_open(&p);
	fill_kernel(&p, FILL_ALL);
	set_linger(&p, 0);
	ck_assert(tcp_set_owner(p.s, NULL, &p.root));
	tcp_abandon(p.s);
	(void)peer_read_all(&p, &err);
	ck_assert_int_eq(err, ECONNRESET);
	pair_quiet(&p, "");
	pair_close(&p);

	pair_open_timeout(&p, 50);
	fill_kernel(&p, FILL_ALL);
	ck_assert(tcp_set_owner(p.s, NULL, &p.root));
	tcp_abandon(p.s);
	while (p.root.used[LIMIT_BYTES] > 0)
		pair_turn(&p);
	(void)peer_read_all(&p, &err);
	ck_assert_int_eq(err, ECONNRESET);
	pair_quiet(&p, "");
	pair_close(&p);
}
END_TEST

START_TEST(abandoned_while_closing)
{
	struct pair p;
	struct call c;
	size_t sent;
	int err;

	pair_open_local(&p);
	sent = fill_kernel(&p, 3000);
	close_it(&p, &c);
	tcp_abandon(p.s);
	pair_quiet(&p, "c=ok");
	ck_assert_uint_eq(peer_read_all(&p, &err), sent + 3000);
	pair_quiet(&p, "c=ok");
	pair_close(&p);
}
END_TEST

static void
abandon(struct call *call)
{
	struct tcp_socket *s = call->pair->s;

	call->then = NULL;
	tcp_abandon(s);
}

static void
close_again(struct call *call)
{
	static struct call again;

	close_it(call->pair, &again);
}

/* The answer to one may end what the others wait for. */
START_TEST(reentered)
{
	struct pair p;
	struct call r, a, c;
	int err;

	pair_open_local(&p);
	call_init(&r, &p, "r");
	call_init(&a, &p, "a");
	r.then = abandon;
	fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_recv(&r, 0, CLOCK_NEVER);
	call_say(&a, "x");
	close_it(&p, &c);
	pair_quiet(&p, "r=closedc=oka=closed");
	(void)peer_read_all(&p, &err);
	pair_quiet(&p, "r=closedc=oka=closed");
	pair_close(&p);

	pair_open(&p);
	call_init(&r, &p, "r");
	r.then = close_again;
	call_recv(&r, 0, CLOCK_NEVER);
	peer_say(&p, "abc");
	pair_expect(&p, "r=okGc=ok");
	call_expect(&r, 0, "abc");
	pair_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    nothing_pending,
	    active_hears_nothing,
	    zombie,
	    waits_for_output,
	    linger_zero,
	    linger_time,
	    nothing_moves,
	    time_is_up,
	    peer_resets_meanwhile,
	    linger_blocks_nobody,
	    others_get_closed,
	    behind_own_sends,
	    cancelled,
	    abandoned,
	    abandoned_while_closing,
	    reentered,
	};

	return pair_main("tcp/close", tests, sizeof(tests) / sizeof(tests[0]));
}
