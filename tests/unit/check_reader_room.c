/* SPDX-License-Identifier: ISC */
/* Room for events, and what changes meanwhile: protocol section 6, semantics 4. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "pair.h"

/* --- room ------------------------------------------------------------------------ */

START_TEST(held)
{
	struct pair p;
	struct tcp_info info;
	int ready;

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_TRUE, 0);
	p.full = true;
	peer_say(&p, "a\nb\n");
	pair_quiet(&p, "");
	/* not even read */
	ck_assert_int_eq(ioctl(p.s->fd, FIONREAD, &ready), 0);
	ck_assert_int_eq(ready, 4);
	tcp_get_info(p.s, &info);
	ck_assert(info.held);
	p.full = false;
	p.room_asked = 0;
	pair_quiet(&p, "");
	ck_assert_uint_eq(p.room_asked, 0);
	tcp_resume(p.s);
	pair_quiet(&p, "[a\n][b\n]");
	pair_close(&p);
}
END_TEST

static void
fill_up(struct pair *p, const void *data, size_t len)
{
	ck_assert_ptr_nonnull(data);
	ck_assert_uint_gt(len, 0);
	p->full = true;
}

/* Room for one event at a time: all come in order, none is lost. */
START_TEST(one_at_a_time)
{
	struct pair p;

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_N, 2);
	p.on_data = fill_up;
	peer_say(&p, "a\nb\nc\n");
	peer_close(&p);
	pair_expect(&p, "[a\n]");
	for (int i = 0; i < 2; i++) {
		pair_quiet(&p, i == 0 ? "[a\n]" : "[a\n][b\n]");
		p.full = false;
		tcp_resume(p.s);
	}
	pair_expect(&p, "[a\n][b\n]P");
	p.full = true;
	pair_active(&p, OPTION_ACTIVE_N, 0);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_quiet(&p, "[a\n][b\n]P");
	p.full = false;
	tcp_resume(p.s);
	pair_quiet(&p, "[a\n][b\n]PP[c\n]");
	p.full = false;
	tcp_resume(p.s);
	pair_expect(&p, "[a\n][b\n]PP[c\n]CG");
	pair_close(&p);
}
END_TEST

static void
fail_and_fill(struct pair *p, const void *data, size_t len)
{
	fill_up(p, data, len);
	peer_reset(p);
}

/* An end that finds no room is remembered; the socket is gone for all others. */
START_TEST(told_later)
{
	struct pair p;
	struct call call;
	uint64_t counters[TCP_COUNTERS];
	struct tcp_socket *s;
	struct tcp_info info;

	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_TRUE, 0);
	p.s->set.show_econnreset = true;
	p.on_data = fail_and_fill;
	peer_say(&p, "a");
	pair_expect(&p, "[a]");
	pair_quiet(&p, "[a]");
	/* a send meets the reset */
	say_now(&p, "x", ECONNRESET);
	ck_assert_int_eq((int)p.s->state, TCP_TOLD);
	ck_assert(tcp_is_gone(p.s));
	recv_now(&p, 0, REASON_CLOSED, "");
	say_now(&p, "x", REASON_CLOSED);
	ck_assert_int_eq(tcp_getstat(p.s, counters), EINVAL);
	ck_assert_int_eq(tcp_unrecv(p.s, "x", 1), REASON_CLOSED);
	tcp_get_info(p.s, &info);
	ck_assert_uint_eq(info.states, TCP_IS_CLOSED);
	p.full = false;
	tcp_resume(p.s);
	pair_quiet(&p, "[a]E(econnreset)CG");
	pair_close(&p);

	/* close is a barrier: nothing is told after it */
	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_TRUE, 0);
	s = p.s;
	p.on_data = fail_and_fill;
	peer_say(&p, "a");
	pair_expect(&p, "[a]");
	say_now(&p, "x", REASON_CLOSED);
	call_init(&call, &p, "c");
	tcp_close(s, &call.r);
	pair_quiet(&p, "[a]Gc=ok");
	pair_close(&p);
}
END_TEST

/* What came before a send fails is told before the end, room or not. */
START_TEST(data_before_send_error)
{
	struct pair p;

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_TRUE, 0);
	p.full = true;
	peer_say(&p, "a\nb\nc");
	pair_quiet(&p, "");
	peer_reset(&p);
	say_now(&p, "x", REASON_CLOSED);
	p.full = false;
	tcp_resume(p.s);
	pair_quiet(&p, "[a\n][b\n]CG");
	pair_close(&p);
}
END_TEST

START_TEST(not_started)
{
	struct pair p;

	pair_open(&p);
	p.s->started = false;
	peer_say(&p, "early");
	pair_active(&p, OPTION_ACTIVE_N, 1);
	pair_quiet(&p, "");
	tcp_start(p.s);
	pair_quiet(&p, "[early]P");
	pair_close(&p);
}
END_TEST

/* --- changes -------------------------------------------------------------------- */

/* probes 54, 55 */
START_TEST(kept_across_changes)
{
	struct pair p;

	pair_open_active(&p, PACKET_2, OPTION_ACTIVE_TRUE, 0);
	peer_send(&p, "\0\6abc", 5);
	pair_quiet(&p, "");
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 5);
	pair_active(&p, OPTION_ACTIVE_FALSE, 0);
	peer_say(&p, "def");
	recv_now(&p, 0, 0, "abcdef");
	pair_close(&p);

	pair_open(&p);
	pair_packet(&p, PACKET_LINE, 0);
	peer_say(&p, "l1\nBODY");
	recv_now(&p, 0, 0, "l1\n");
	pair_packet(&p, PACKET_RAW, 0);
	recv_now(&p, 0, 0, "BODY");
	pair_close(&p);
}
END_TEST

START_TEST(partial_over_the_limit)
{
	static char data[2000];
	struct pair p;

	pair_open_active(&p, PACKET_2, OPTION_ACTIVE_TRUE, 0);
	p.account.max[LIMIT_BYTES] = 1000;
	data[0] = 0x10;
	peer_send(&p, data, sizeof(data));
	pair_expect(&p, "E(enomem)CG");
	pair_close(&p);
}
END_TEST

START_TEST(owner_changes)
{
	static const size_t max[LIMIT_KINDS] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, 4};
	struct pair p;
	struct account small, other;

	pair_open_active(&p, PACKET_2, OPTION_ACTIVE_TRUE, 0);
	account_init(&small, &p.root, max);
	account_init(&other, &p.root, max);
	other.max[LIMIT_BYTES] = 5;
	peer_send(&p, "\0\6abc", 5);
	pair_quiet(&p, "");
	ck_assert(!tcp_set_owner(p.s, &small, &small));
	ck_assert_ptr_eq(tcp_user(p.s), &p);
	ck_assert(tcp_set_owner(p.s, &other, &other));
	ck_assert_ptr_eq(tcp_user(p.s), &other);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	ck_assert_uint_eq(other.used[LIMIT_BYTES], 5);
	peer_say(&p, "def");
	pair_expect(&p, "[abcdef]");
	ck_assert_uint_eq(other.used[LIMIT_BYTES], 0);
	pair_close(&p);
}
END_TEST

/* --- calls from inside the callback ----------------------------------------------- */

static struct call nested;

static void
close_it(struct pair *p, const void *data, size_t len)
{
	char first = *(const char *)data;

	call_init(&nested, p, "c");
	tcp_close(p->s, &nested.r);
	/* the bytes are still there */
	ck_assert_int_eq(*(const char *)data, first);
	ck_assert_uint_gt(len, 0);
}

static void
unrecv_it(struct pair *p, const void *data, size_t len)
{
	p->on_data = NULL;
	ck_assert_int_eq(tcp_unrecv(p->s, data, len), 0);
}

static void
go_passive(struct pair *p, const void *data, size_t len)
{
	ck_assert_ptr_nonnull(data);
	ck_assert_uint_gt(len, 0);
	pair_active(p, OPTION_ACTIVE_FALSE, 0);
	call_init(&nested, p, "r");
	call_recv(&nested, 0, CLOCK_NEVER);
}

START_TEST(reentered)
{
	struct pair p;

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_TRUE, 0);
	p.on_data = close_it;
	peer_say(&p, "a\nb\n");
	pair_expect(&p, "[a\n]Gc=ok");
	pair_close(&p);

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_TRUE, 0);
	p.on_data = unrecv_it;
	peer_say(&p, "a\nb\n");
	pair_expect(&p, "[a\n][a\n][b\n]");
	pair_close(&p);

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_TRUE, 0);
	p.on_data = go_passive;
	peer_say(&p, "a\nb\n");
	pair_expect(&p, "[a\n]r=ok");
	call_expect(&nested, 0, "b\n");
	pair_close(&p);
}
END_TEST
int
main(void)
{
	const TTest *const tests[] = {
	    held,
	    one_at_a_time,
	    told_later,
	    data_before_send_error,
	    not_started,
	    kept_across_changes,
	    partial_over_the_limit,
	    owner_changes,
	    reentered,
	};

	return pair_main("tcp/reader room", tests, sizeof(tests) / sizeof(tests[0]));
}
