/* SPDX-License-Identifier: ISC */
/* Active mode, notices and the end of the stream: semantics 4, 3, 8.8, 8.15. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "pair.h"

enum { KIB = 1024 };

START_TEST(several_in_one_read)
{
	struct pair p;

	pair_open_active(&p, PACKET_2, OPTION_ACTIVE_TRUE, 0);
	peer_send(&p, "\0\1a\0\2bc\0\0\0\3d", 12);
	pair_expect(&p, "[a][bc][]");
	peer_say(&p, "ef");
	pair_expect(&p, "[a][bc][][def]");
	ck_assert_uint_eq(p.s->in.size, 0);
	pair_close(&p);
}
END_TEST

START_TEST(once)
{
	struct pair p;

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_ONCE, 0);
	peer_say(&p, "a\nb\nc\n");
	pair_expect(&p, "[a\n]");
	pair_quiet(&p, "[a\n]");
	ck_assert_int_eq((int)p.s->active.mode, OPTION_ACTIVE_FALSE);
	recv_now(&p, 0, 0, "b\n");
	/* what is there is delivered before setopts returns */
	pair_forget(&p);
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	pair_quiet(&p, "[c\n]");
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	pair_close(&p);

	pair_open(&p);
	peer_say(&p, "there");
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	pair_quiet(&p, "[there]");
	pair_close(&p);
}
END_TEST

/* probe 49 */
START_TEST(counted)
{
	struct pair p;

	pair_open(&p);
	pair_packet(&p, PACKET_1, 0);
	peer_send(&p, "\1a\1b\1c\1d", 8);
	pair_active(&p, OPTION_ACTIVE_N, 3);
	pair_quiet(&p, "[a][b][c]P");
	recv_now(&p, 0, 0, "d");
	pair_active(&p, OPTION_ACTIVE_N, 0);
	pair_quiet(&p, "[a][b][c]PP");
	pair_close(&p);
}
END_TEST

/* probe 50 */
START_TEST(packet_and_end)
{
	struct pair p;

	pair_open(&p);
	pair_packet(&p, PACKET_1, 0);
	peer_send(&p, "\1a", 2);
	peer_close(&p);
	pair_active(&p, OPTION_ACTIVE_N, 1);
	pair_quiet(&p, "[a]P");
	pair_active(&p, OPTION_ACTIVE_N, 1);
	pair_expect(&p, "[a]PCG");
	pair_close(&p);
}
END_TEST

/* 8.15 */
START_TEST(raw_lengths)
{
	static char data[100 * KIB];
	struct pair p;

	pair_open(&p);
	p.lengths = true;
	peer_send(&p, data, sizeof(data));
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_expect(&p, "[65536][36864]");
	pair_forget(&p);
	p.s->set.buffer_set = true;
	p.s->set.framing.buffer = 1460;
	peer_send(&p, data, 2000);
	pair_expect(&p, "[1460][540]");
	pair_close(&p);
}
END_TEST

START_TEST(large_packets)
{
	size_t len = 1024 * KIB, sent = 0;
	unsigned char *data = calloc(1, 4 + len);
	struct pair p;

	ck_assert_ptr_nonnull(data);
	data[1] = 0x10;
	pair_open_active(&p, PACKET_4, OPTION_ACTIVE_TRUE, 0);
	p.lengths = true;
	for (int round = 0; round < 3; round++) {
		for (sent = 0; bytes_len(&p.log) == 0;) {
			ssize_t n = send(
			    p.peer, data + sent, 4 + len - sent, MSG_DONTWAIT);

			if (n > 0)
				sent += (size_t)n;
			pair_turn(&p);
			/* memory grows with what came, not with what is due */
			if (p.s->in.size > 0)
				ck_assert_uint_le(p.s->in.size, 4 * sent + 256 * KIB);
		}
		pair_quiet(&p, "[1048576]");
		pair_forget(&p);
		ck_assert_uint_eq(p.s->in.size, 0);
		ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	}
	free(data);
	pair_close(&p);
}
END_TEST

/* One socket does not keep the loop for itself. */
START_TEST(bounded_turn)
{
	size_t len = 8 * 1024 * KIB;
	char *data = calloc(1, len);
	int buffer = (int)len, ready = 0;
	struct pair p;
	ssize_t n;

	ck_assert_ptr_nonnull(data);
	pair_open(&p);
	ck_assert_int_eq(
	    setsockopt(p.s->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
	n = send(p.peer, data, len, MSG_DONTWAIT);
	ck_assert_int_gt(n, 300 * KIB);
	ck_assert_int_eq(ioctl(p.s->fd, FIONREAD, &ready), 0);
	if (ready > 300 * KIB) {
		p.lengths = true;
		pair_active(&p, OPTION_ACTIVE_TRUE, 0);
		pair_turn(&p);
		ck_assert_uint_le(p.s->received.oct, 2 * (256 + 64) * KIB);
	}
	while (p.s->received.oct < (uint64_t)n)
		pair_turn(&p);
	free(data);
	pair_close(&p);
}
END_TEST

/* --- the end ------------------------------------------------------------------ */

START_TEST(peer_closes)
{
	struct pair p;

	pair_open_active(&p, PACKET_LINE, OPTION_ACTIVE_TRUE, 0);
	peer_say(&p, "a\nlost");
	peer_close(&p);
	pair_expect(&p, "[a\n]CG");
	pair_close(&p);
}
END_TEST

/* probe 51, 4.4 */
START_TEST(exit_on_close_false)
{
	struct pair p;

	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_TRUE, 0);
	p.s->set.exit_on_close = false;
	peer_say(&p, "x");
	peer_shut(&p, SHUT_WR);
	pair_expect(&p, "[x]C");
	say_now(&p, "y", 0);
	peer_read(&p, 'y', 1);
	ck_assert_int_eq((int)p.s->active.mode, OPTION_ACTIVE_TRUE);
	pair_active(&p, OPTION_ACTIVE_FALSE, 0);
	recv_now(&p, 0, REASON_CLOSED, "");
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_quiet(&p, "[x]C");
	pair_close(&p);
}
END_TEST

START_TEST(half_close_noticed_late)
{
	struct pair p;

	pair_open(&p);
	p.s->set.exit_on_close = false;
	peer_shut(&p, SHUT_WR);
	recv_now(&p, 0, REASON_CLOSED, "");
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	pair_quiet(&p, "C");
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	pair_quiet(&p, "C");
	pair_close(&p);
}
END_TEST

/* exit_on_close counts as it is when the end is met again. */
START_TEST(half_close_met_again)
{
	struct pair p;

	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_ONCE, 0);
	p.s->set.exit_on_close = false;
	peer_shut(&p, SHUT_WR);
	pair_expect(&p, "C");
	p.s->set.exit_on_close = true;
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	pair_quiet(&p, "C");
	say_now(&p, "x", 0);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_expect(&p, "CG");
	pair_close(&p);

	pair_open(&p);
	p.s->set.exit_on_close = false;
	peer_shut(&p, SHUT_WR);
	recv_now(&p, 0, REASON_CLOSED, "");
	p.s->set.exit_on_close = true;
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);
}
END_TEST

START_TEST(reset)
{
	struct pair p;

	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_TRUE, 0);
	peer_reset(&p);
	pair_expect(&p, "CG");
	pair_close(&p);

	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_TRUE, 0);
	p.s->set.show_econnreset = true;
	peer_reset(&p);
	pair_expect(&p, "E(econnreset)CG");
	pair_close(&p);

	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_TRUE, 0);
	p.s->set.show_econnreset = true;
	p.s->set.exit_on_close = false;
	peer_reset(&p);
	pair_expect(&p, "E(econnreset)C");
	pair_close(&p);
}
END_TEST

/* probe 52 as 8.8 has it, and 06's exit_on_close false */
START_TEST(framing_violation)
{
	struct pair p;

	pair_open_active(&p, PACKET_2, OPTION_ACTIVE_TRUE, 0);
	p.s->set.framing.packet_size = 10;
	peer_send(&p, "\0\3abc\0\13x", 8);
	pair_expect(&p, "[abc]E(emsgsize)CG");
	pair_close(&p);

	pair_open_active(&p, PACKET_2, OPTION_ACTIVE_ONCE, 0);
	p.s->set.framing.packet_size = 10;
	p.s->set.exit_on_close = false;
	peer_send(&p, "\0\13", 2);
	pair_expect(&p, "E(emsgsize)C");
	say_now(&p, "", 0);
	ck_assert_int_eq((int)p.s->active.mode, OPTION_ACTIVE_ONCE);
	pair_close(&p);
}
END_TEST

START_TEST(own_shutdown)
{
	struct pair p;
	struct call call;

	pair_open_active(&p, PACKET_RAW, OPTION_ACTIVE_TRUE, 0);
	call_init(&call, &p, NULL);
	tcp_shutdown(p.s, TCP_READ, &call.r);
	call_expect(&call, 0, "");
	pair_expect(&p, "CG");
	pair_close(&p);
}
END_TEST

/* probes 31, 86 */
START_TEST(zombie_activated)
{
	struct pair p;

	pair_open(&p);
	peer_close(&p);
	recv_now(&p, 0, REASON_CLOSED, "");
	pair_active(&p, OPTION_ACTIVE_N, 0);
	pair_quiet(&p, "P");
	pair_active(&p, OPTION_ACTIVE_N, 2);
	pair_expect(&p, "PCG");
	pair_close(&p);
}
END_TEST

/* The first of a list that sets it free tells the end, and is the last that counts. */
START_TEST(zombie_activated_in_a_list)
{
	const struct option_row *failed;
	struct option_value items[] = {
	    {.id = OPTION_ACTIVE, .u.active = {OPTION_ACTIVE_N, 0}},
	    {.id = OPTION_ACTIVE, .u.active = {OPTION_ACTIVE_N, -1}},
	    {.id = OPTION_ACTIVE, .u.active = {OPTION_ACTIVE_ONCE, 0}},
	    {.id = OPTION_ACTIVE, .u.active = {OPTION_ACTIVE_FALSE, 0}},
	    {.id = OPTION_ACTIVE, .u.active = {OPTION_ACTIVE_N, 0}},
	};
	struct option_list list = {.items = items, .count = 5};
	struct pair p;

	pair_open(&p);
	peer_close(&p);
	recv_now(&p, 0, REASON_CLOSED, "");
	ck_assert_int_eq(tcp_setopts(p.s, &list, &failed), 0);
	pair_expect(&p, "PPCG");
	pair_close(&p);
}
END_TEST

/* A reset that a send has met, passive, is told by the next activation. */
START_TEST(zombie_with_reset)
{
	struct pair p;

	pair_open(&p);
	p.s->set.show_econnreset = true;
	peer_reset(&p);
	say_now(&p, "x", ECONNRESET);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_expect(&p, "E(econnreset)CG");
	pair_close(&p);

	/* and told once */
	pair_open(&p);
	p.s->set.show_econnreset = true;
	p.s->set.exit_on_close = false;
	peer_reset(&p);
	say_now(&p, "x", ECONNRESET);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_quiet(&p, "E(econnreset)C");
	pair_active(&p, OPTION_ACTIVE_FALSE, 0);
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	say_now(&p, "x", ENOTCONN);
	pair_active(&p, OPTION_ACTIVE_TRUE, 0);
	pair_quiet(&p, "E(econnreset)C");
	pair_close(&p);
}
END_TEST

/* A packet whose end is known ends there, whatever packet is by then. */
START_TEST(packet_in_progress)
{
	struct pair p;

	pair_open_active(&p, PACKET_1, OPTION_ACTIVE_TRUE, 0);
	peer_say(&p, "\4a\n");
	pair_quiet(&p, "");
	ck_assert_uint_eq(p.s->awaited, 5);
	pair_packet(&p, PACKET_LINE, 2);
	pair_quiet(&p, "");
	peer_say(&p, "cde\n");
	pair_expect(&p, "[\4a\ncd][e\n]");
	pair_close(&p);
}
END_TEST

/* asn1 remembers a long tag: not beyond its packet. */
START_TEST(what_was_scanned_is_forgotten)
{
	struct pair p;

	pair_open_active(&p, PACKET_ASN1, OPTION_ACTIVE_TRUE, 0);
	p.lengths = true;
	peer_send(&p, "\x1f\x81\x81\1\2x", 6);
	pair_quiet(&p, "");
	ck_assert_uint_eq(p.s->packet_state.scanned, 3);
	peer_send(&p, "y\5\0", 3);
	pair_expect(&p, "[7][2]");
	pair_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    several_in_one_read,
	    once,
	    counted,
	    packet_and_end,
	    raw_lengths,
	    large_packets,
	    bounded_turn,
	    peer_closes,
	    exit_on_close_false,
	    half_close_noticed_late,
	    half_close_met_again,
	    reset,
	    framing_violation,
	    own_shutdown,
	    zombie_activated,
	    zombie_activated_in_a_list,
	    zombie_with_reset,
	    packet_in_progress,
	    what_was_scanned_is_forgotten,
	};

	return pair_main("tcp/reader", tests, sizeof(tests) / sizeof(tests[0]));
}
