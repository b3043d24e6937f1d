/* SPDX-License-Identifier: ISC */
/* Small sends of one turn: written together, answered as each alone would be. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pair.h"

enum { CALLS = 64 };

static struct pair p;
static struct call calls[CALLS];

static void
begin(void)
{
	pair_open(&p);
	tcp_gather(p.ctx);
}

static void
end(void)
{
	pair_close(&p);
}

/* The first n calls each say text; none of them is answered yet. */
static void
say(int n, const char *text)
{
	for (int i = 0; i < n; i++) {
		call_init(&calls[i], &p, NULL);
		call_say(&calls[i], text);
		ck_assert(!calls[i].done);
	}
}

static void
expect_all(int n, int reason)
{
	for (int i = 0; i < n; i++) {
		ck_assert(calls[i].done);
		ck_assert_int_eq(calls[i].reason, reason);
	}
}

static void
peer_hears(const char *text, size_t len)
{
	char got[1024];

	ck_assert_uint_le(len, sizeof(got));
	ck_assert_int_eq(recv(p.peer, got, len, MSG_WAITALL), (ssize_t)len);
	ck_assert_mem_eq(got, text, len);
}

static void
peer_hears_nothing(void)
{
	char got;

	ck_assert_int_eq(recv(p.peer, &got, 1, MSG_DONTWAIT), -1);
}

START_TEST(written_together)
{
	begin();
	pair_packet(&p, PACKET_2, 0);
	say(3, "ab");
	peer_hears_nothing();
	tcp_flush(p.ctx);
	expect_all(3, 0);
	peer_hears("\0\2ab\0\2ab\0\2ab", 12);
	ck_assert_uint_eq(p.s->sent.cnt, 3);
	ck_assert_uint_eq(p.s->sent.oct, 12);
	ck_assert_ptr_null(p.s->gathered.base);
	tcp_flush(p.ctx);
	end();
}
END_TEST

/* What is too long, empty or delayed goes its own way, behind what came before. */
START_TEST(order_with_others)
{
	char large[16 * 1024];
	struct call call;

	begin();
	memset(large, 'l', sizeof(large));
	say(2, "ab");
	call_init(&call, &p, NULL);
	call_send(&call, large, sizeof(large));
	call_expect(&call, 0, "");
	expect_all(2, 0);
	peer_hears("abab", 4);
	peer_read(&p, 'l', sizeof(large));
	say(1, "c");
	say_now(&p, "", 0);
	expect_all(1, 0);
	peer_hears("c", 1);
	end();
}
END_TEST

START_TEST(before_anything_else)
{
	struct option_list list = {0};
	const struct option_row *failed;
	struct call call;

	begin();
	say(1, "a");
	ck_assert_int_eq(tcp_setopts(p.s, &list, &failed), 0);
	expect_all(1, 0);
	say(1, "b");
	ck_assert(tcp_gathering(p.ctx));
	tcp_flush(p.ctx);
	ck_assert(!tcp_gathering(p.ctx));
	expect_all(1, 0);
	say(1, "c");
	call_init(&call, &p, NULL);
	call_recv(&call, 1, 0);
	expect_all(1, 0);
	say(1, "d");
	call_init(&call, &p, NULL);
	tcp_shutdown(p.s, TCP_WRITE, &call.r);
	expect_all(1, 0);
	peer_hears("abcd", 4);
	end();
}
END_TEST

START_TEST(close_flushes)
{
	struct call call;

	begin();
	say(2, "last");
	call_init(&call, &p, "close");
	tcp_close(p.s, &call.r);
	expect_all(2, 0);
	peer_hears("lastlast", 8);
	pair_expect(&p, "Gclose=ok");
	end();
}
END_TEST

START_TEST(owner_gone_flushes)
{
	begin();
	say(2, "last");
	tcp_abandon(p.s);
	p.s = NULL;
	expect_all(2, 0);
	peer_hears("lastlast", 8);
	end();
}
END_TEST

/* probe 77: the first is told, the others meet the zombie */
START_TEST(a_failure_is_the_first_ones)
{
	begin();
	peer_reset(&p);
	/* the reset is there when a poll says so, and nobody has read it yet */
	say(3, "x");
	tcp_flush(p.ctx);
	ck_assert(calls[0].done && calls[1].done && calls[2].done);
	ck_assert_int_eq(calls[0].reason, REASON_CLOSED);
	ck_assert_int_eq(calls[1].reason, ENOTCONN);
	ck_assert_int_eq(calls[2].reason, ENOTCONN);
	end();
}
END_TEST

/* The same where one of them is empty, and line has no header either. */
START_TEST(a_failure_with_an_empty_one)
{
	begin();
	pair_packet(&p, PACKET_LINE, 0);
	peer_reset(&p);
	say(1, "x");
	call_init(&calls[1], &p, NULL);
	call_say(&calls[1], "");
	call_init(&calls[2], &p, NULL);
	call_say(&calls[2], "x");
	tcp_flush(p.ctx);
	ck_assert_int_eq(calls[0].reason, REASON_CLOSED);
	ck_assert(calls[0].done && calls[1].done && calls[2].done);
	ck_assert_int_eq(calls[1].reason, ENOTCONN);
	ck_assert_int_eq(calls[2].reason, ENOTCONN);
	end();
}
END_TEST

/* The kernel takes no more: as if each had been tried by itself. */
START_TEST(a_full_kernel)
{
	static char body[4000];
	int ok = 0;
	size_t n;

	pair_open_local(&p);
	tcp_gather(p.ctx);
	memset(body, 'x', sizeof(body));
	p.s->set.high_watermark = 3 * sizeof(body);
	p.s->set.low_watermark = 0;
	do {
		for (n = 0; n < 12; n++) {
			call_init(&calls[n], &p, NULL);
			call_send(&calls[n], body, sizeof(body));
		}
		tcp_flush(p.ctx);
		ok += 12;
	} while (!p.s->busy);
	for (n = 0; n < 12 && calls[n].done; n++)
		ck_assert_int_eq(calls[n].reason, 0);
	ck_assert_uint_lt(n, 12);
	/* the blocked one and the suspended ones behind it */
	ck_assert_uint_ge(bytes_len(&p.s->out), p.s->set.high_watermark);
	ck_assert_uint_lt(bytes_len(&p.s->out), 4 * sizeof(body));
	ck_assert_ptr_eq(p.s->blocked, &calls[n].r);
	peer_read(&p, 'x', (size_t)ok * sizeof(body));
	expect_all(12, 0);
	end();
}
END_TEST

/* A large send behind gathered ones that fill the kernel finds the socket busy. */
START_TEST(behind_a_flush_that_blocks)
{
	static char body[4000], large[16 * 1024];
	struct call last;
	size_t n, sent = 0;

	pair_open_local(&p);
	tcp_gather(p.ctx);
	memset(body, 'x', sizeof(body));
	memset(large, 'x', sizeof(large));
	p.s->set.high_watermark = sizeof(body);
	do {
		for (n = 0; n < 12; n++) {
			call_init(&calls[n], &p, NULL);
			call_send(&calls[n], body, sizeof(body));
		}
		call_init(&last, &p, NULL);
		call_send(&last, large, sizeof(large));
		tcp_flush(p.ctx);
		sent += 12 * sizeof(body) + sizeof(large);
	} while (!p.s->busy);
	ck_assert(!last.done);
	peer_read(&p, 'x', sent);
	expect_all(12, 0);
	call_expect(&last, 0, "");
	end();
}
END_TEST

START_TEST(withdrawn)
{
	begin();
	say(3, "ab");
	tcp_cancel(&calls[1].r);
	expect_all(1, 0);
	ck_assert(!calls[1].done);
	ck_assert(calls[2].done);
	peer_hears("ababab", 6);
	end();
}
END_TEST

START_TEST(no_room_in_the_account)
{
	begin();
	p.account.max[LIMIT_BYTES] = 5;
	say(3, "abc");
	tcp_flush(p.ctx);
	/* each alone would have fitted */
	peer_hears("abcabcabc", 9);
	expect_all(3, 0);
	p.account.max[LIMIT_BYTES] = 2;
	say(2, "abc");
	tcp_flush(p.ctx);
	expect_all(2, REASON_SYSTEM_LIMIT);
	p.account.max[LIMIT_BYTES] = SIZE_MAX;
	end();
}
END_TEST

START_TEST(bounded)
{
	static char body[7000];

	begin();
	memset(body, 'x', sizeof(body));
	for (int i = 0; i < 10; i++) {
		call_init(&calls[i], &p, NULL);
		call_send(&calls[i], body, sizeof(body));
	}
	/* over 64 KiB it did not wait for the end of the turn */
	expect_all(10, 0);
	peer_read(&p, 'x', 10 * sizeof(body));
	end();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    written_together,
	    order_with_others,
	    before_anything_else,
	    close_flushes,
	    owner_gone_flushes,
	    a_failure_is_the_first_ones,
	    a_failure_with_an_empty_one,
	    a_full_kernel,
	    behind_a_flush_that_blocks,
	    withdrawn,
	    no_room_in_the_account,
	    bounded,
	};

	return pair_main("tcp/gather", tests, sizeof(tests) / sizeof(tests[0]));
}
