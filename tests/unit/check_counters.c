/* SPDX-License-Identifier: ISC */
#include <errno.h>

#include "pair.h"

static uint64_t
counter(const struct pair *p, enum tcp_counter c)
{
	uint64_t all[TCP_COUNTERS];

	ck_assert_int_eq(tcp_getstat(p->s, all), 0);
	return all[c];
}

START_TEST(names)
{
	ck_assert_str_eq(tcp_counter_name(TCP_RECV_OCT), "recv_oct");
	ck_assert_str_eq(tcp_counter_name(TCP_SEND_PEND), "send_pend");
	for (enum tcp_counter c = 0; c < TCP_COUNTERS; c++)
		ck_assert_int_eq((int)tcp_counter_find(tcp_counter_name(c)), (int)c);
	ck_assert_int_eq((int)tcp_counter_find("recv"), TCP_COUNTERS);
	ck_assert_int_eq((int)tcp_counter_find(""), TCP_COUNTERS);
}
END_TEST

/* semantics 1.12's worked example */
START_TEST(worked_example)
{
	struct pair p;

	pair_open(&p);
	peer_say(&p, "12123123456789a");
	recv_now(&p, 2, 0, "12");
	recv_now(&p, 3, 0, "123");
	recv_now(&p, 10, 0, "123456789a");
	ck_assert_uint_eq(counter(&p, TCP_RECV_OCT), 15);
	ck_assert_uint_eq(counter(&p, TCP_RECV_CNT), 3);
	ck_assert_uint_eq(counter(&p, TCP_RECV_MAX), 10);
	ck_assert_uint_eq(counter(&p, TCP_RECV_AVG), 5);
	ck_assert_uint_eq(counter(&p, TCP_RECV_DVI), 1);
	ck_assert_uint_eq(counter(&p, TCP_SEND_CNT), 0);
	pair_close(&p);
}
END_TEST

/* probe 69: the header counts on both sides */
START_TEST(headers_count)
{
	struct pair p;

	pair_open(&p);
	pair_packet(&p, PACKET_2, 0);
	say_now(&p, "abc", 0);
	ck_assert_uint_eq(counter(&p, TCP_SEND_OCT), 5);
	ck_assert_uint_eq(counter(&p, TCP_SEND_MAX), 5);
	peer_send(&p, "\0\3abc", 5);
	recv_now(&p, 0, 0, "abc");
	ck_assert_uint_eq(counter(&p, TCP_RECV_OCT), 5);
	ck_assert_uint_eq(counter(&p, TCP_RECV_MAX), 5);
	pair_close(&p);
}
END_TEST

/* What waits in the buffer was not delivered; what is queued is pending. */
START_TEST(undelivered_and_pending)
{
	struct pair p;
	size_t sent;

	pair_open_local(&p);
	pair_packet(&p, PACKET_LINE, 0);
	peer_say(&p, "a\nbc\n");
	recv_now(&p, 0, 0, "a\n");
	ck_assert_uint_eq(counter(&p, TCP_RECV_OCT), 2);
	ck_assert_int_eq(tcp_unrecv(p.s, "a\n", 2), 0);
	recv_now(&p, 0, 0, "a\n");
	ck_assert_uint_eq(counter(&p, TCP_RECV_CNT), 2);
	say_now(&p, "", 0);
	ck_assert_uint_eq(counter(&p, TCP_SEND_CNT), 1);
	sent = fill_kernel(&p, 1000);
	ck_assert_uint_eq(counter(&p, TCP_SEND_PEND), 1000);
	ck_assert_uint_gt(counter(&p, TCP_SEND_OCT), sent);
	ck_assert_uint_eq(counter(&p, TCP_SEND_CNT), 2);
	pair_close(&p);
}
END_TEST

START_TEST(gone)
{
	struct pair p;
	struct call close;
	uint64_t all[TCP_COUNTERS];
	struct tcp_socket *s;

	pair_open(&p);
	s = p.s;
	call_init(&close, &p, NULL);
	tcp_close(s, &close.r);
	ck_assert_int_eq(tcp_getstat(s, all), EINVAL);
	call_expect(&close, 0, "");
	pair_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    names,
	    worked_example,
	    headers_count,
	    undelivered_and_pending,
	    gone,
	};

	return pair_main("tcp/counters", tests, sizeof(tests) / sizeof(tests[0]));
}
