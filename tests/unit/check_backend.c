/* SPDX-License-Identifier: ISC */
/* inet_backend socket (semantics 6): sends that wait for the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/reason.h"
#include "tests/unit/pair.h"
#include "tests/unit/run.h"

enum { BIG = 4 * 1024 * 1024 };

static void
open_backend(struct pair *p)
{
	pair_open_local(p);
	p->s->set.socket_backend = true;
}

/* Fills the kernel with 'x' and tells how many it took. */
static size_t
stuff(struct pair *p)
{
	char data[4096];
	size_t sent = 0;
	ssize_t n;

	memset(data, 'x', sizeof(data));
	while ((n = send(p->s->fd, data, sizeof(data), MSG_DONTWAIT)) > 0)
		sent += (size_t)n;
	return sent;
}

/* A send of BIG bytes, all 'x', which does not find room at once. */
static void
call_big(struct call *call)
{
	char *data = malloc(BIG);

	ck_assert_ptr_nonnull(data);
	memset(data, 'x', BIG);
	ck_assert(!call_send(call, data, BIG)->done);
	free(data);
}

static uint64_t
counter(struct pair *p, enum tcp_counter c)
{
	uint64_t counters[TCP_COUNTERS];

	ck_assert_int_eq(tcp_getstat(p->s, counters), 0);
	return counters[c];
}

static void
ck_rest(const struct call *call, const void *rest, size_t len)
{
	ck_assert_uint_eq(bytes_len(&call->data), len);
	ck_assert_mem_eq(bytes_head(&call->data), rest, len);
}

START_TEST(ok_is_that_the_kernel_has_it)
{
	struct pair p;
	struct call a, b, c;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	say_now(&p, "xx", 0);
	call_big(&a);
	ck_assert(!call_say(&b, "y")->done);
	ck_assert(!call_say(&c, "zz")->done);
	ck_assert_uint_eq(counter(&p, TCP_SEND_PEND), 0);
	ck_assert_uint_eq(counter(&p, TCP_SEND_CNT), 2);
	peer_read(&p, 'x', 2 + BIG / 2);
	pair_quiet(&p, "");
	peer_read(&p, 'x', BIG / 2);
	peer_read(&p, 'y', 1);
	peer_read(&p, 'z', 2);
	pair_expect(&p, "a=okb=okc=ok");
	ck_assert_uint_eq(counter(&p, TCP_SEND_OCT), 5 + BIG);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	pair_close(&p);
}
END_TEST

/* Nothing waits for the end of the turn: that would be an answer too early. */
START_TEST(not_gathered)
{
	struct pair p;
	struct call a;

	open_backend(&p);
	tcp_gather(p.ctx);
	say_now(&p, "xxx", 0);
	ck_assert(!tcp_gathering(p.ctx));
	peer_read(&p, 'x', 3);
	p.s->set.delay_send = true;
	stuff(&p);
	p.s->set.send_timeout = 0;
	call_init(&a, &p, NULL);
	call_say(&a, "y");
	call_expect(&a, REASON_TIMEOUT, "y");
	call_fini(&a);
	pair_close(&p);
}
END_TEST

START_TEST(timeout_gives_the_rest_back)
{
	struct pair p;
	struct call a, b;
	size_t sent;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	p.s->set.send_timeout = 30;
	call_big(&a);
	pair_expect(&p, "a=timeout");
	sent = BIG - bytes_len(&a.data);
	ck_assert_uint_gt(sent, 0);
	ck_assert_uint_gt(bytes_len(&a.data), 0);
	ck_assert_uint_eq(counter(&p, TCP_SEND_OCT), sent);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	/* none of it is queued */
	peer_read(&p, 'x', sent);
	pair_forget(&p);
	say_now(&p, "y", 0);
	peer_read(&p, 'y', 1);
	call_fini(&a);
	call_fini(&b);
	pair_close(&p);
}
END_TEST

START_TEST(the_header_is_part_of_the_rest)
{
	struct pair p;
	struct call a, b;
	size_t sent;

	open_backend(&p);
	pair_packet(&p, PACKET_4, 0);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	sent = stuff(&p);
	p.s->set.send_timeout = 30;
	call_say(&a, "abc");
	/* its turn does not come, and its time runs as well */
	call_say(&b, "de");
	/* as it was when the send was asked for */
	pair_packet(&p, PACKET_RAW, 0);
	pair_expect(&p, "a=timeoutb=timeout");
	ck_rest(&a, "\0\0\0\3abc", 7);
	ck_rest(&b, "\0\0\0\2de", 6);
	call_fini(&a);
	call_fini(&b);
	call_init(&a, &p, NULL);
	p.s->set.send_timeout = 0;
	call_say(&a, "abc");
	call_expect(&a, REASON_TIMEOUT, "abc");
	ck_assert_uint_eq(counter(&p, TCP_SEND_OCT), 0);
	peer_read(&p, 'x', sent);
	say_now(&p, "x", 0);
	peer_read(&p, 'x', 1);
	call_fini(&a);
	pair_close(&p);
}
END_TEST

/* The kernel took half of the header. */
START_TEST(a_part_of_the_header)
{
	struct pair p;
	struct call a, b;

	open_backend(&p);
	pair_packet(&p, PACKET_4, 0);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	(void)stuff(&p);
	p.s->set.send_timeout = 30;
	call_say(&a, "abc");
	bytes_take(&p.s->out, 2);
	pair_expect(&p, "a=timeout");
	ck_rest(&a, "\0\3abc", 5);
	ck_assert_uint_eq(counter(&p, TCP_SEND_OCT), 2);
	call_fini(&a);
	/* who vanishes now would cut the stream */
	p.s->set.send_timeout = CLOCK_NEVER;
	call_say(&b, "abc");
	bytes_take(&p.s->out, 2);
	tcp_cancel(&b.r);
	ck_assert_uint_eq(bytes_len(&p.s->out), 5);
	pair_close(&p);
}
END_TEST

START_TEST(the_time_runs_on_when_the_turn_comes)
{
	struct pair p;
	struct call a, b;
	uint64_t deadline;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_big(&a);
	p.s->set.send_timeout = 100000;
	call_big(&b);
	deadline = b.r.deadline;
	p.s->set.send_timeout = 0;
	peer_read(&p, 'x', BIG);
	pair_expect(&p, "a=ok");
	ck_assert_ptr_eq(p.s->blocked, &b.r);
	ck_assert_uint_eq(b.r.deadline, deadline);
	peer_read(&p, 'x', BIG);
	pair_expect(&p, "a=okb=ok");
	pair_close(&p);
}
END_TEST

START_TEST(send_timeout_close)
{
	struct pair p;
	struct call a, b, c;
	int err;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	call_big(&a);
	p.s->set.send_timeout = 30;
	p.s->set.send_timeout_close = true;
	call_say(&b, "y");
	p.s->set.send_timeout = 100000;
	call_say(&c, "y");
	pair_expect(&p, "b=timeouta=closedc=enotconn");
	ck_assert_uint_eq(bytes_len(&b.data), 0);
	say_now(&p, "x", ENOTCONN);
	ck_assert_uint_gt(peer_read_all(&p, &err), 0);
	pair_close(&p);
}
END_TEST

/* A caller that is gone hears nothing: what has begun is sent to its end. */
START_TEST(a_vanished_caller_does_not_cut_the_stream)
{
	struct pair p;
	struct call a, b, c;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	call_big(&a);
	ck_assert(!call_say(&b, "b")->done);
	ck_assert(!call_say(&c, "y")->done);
	tcp_cancel(&a.r);
	tcp_cancel(&b.r);
	pair_quiet(&p, "");
	peer_read(&p, 'x', BIG);
	peer_read(&p, 'y', 1);
	pair_expect(&p, "c=ok");
	pair_close(&p);
}
END_TEST

START_TEST(what_has_not_begun_is_dropped)
{
	struct pair p;
	struct call a, b;
	size_t sent;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	sent = stuff(&p);
	ck_assert(!call_say(&a, "a")->done);
	ck_assert(!call_say(&b, "y")->done);
	tcp_cancel(&a.r);
	peer_read(&p, 'x', sent);
	peer_read(&p, 'y', 1);
	pair_expect(&p, "b=ok");
	pair_close(&p);
}
END_TEST

START_TEST(withdrawn)
{
	struct pair p;
	struct call a, b, c;
	struct bytes rest;
	size_t sent;

	open_backend(&p);
	pair_packet(&p, PACKET_2, 0);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	sent = stuff(&p);
	call_say(&a, "aaa");
	call_say(&b, "bb");
	call_say(&c, "xxx");
	tcp_withdraw(&b.r, &rest);
	ck_assert_uint_eq(bytes_len(&rest), 4);
	ck_assert_mem_eq(bytes_head(&rest), "\0\2bb", 4);
	bytes_fini(&rest);
	tcp_withdraw(&a.r, &rest);
	ck_assert_uint_eq(bytes_len(&rest), 5);
	bytes_fini(&rest);
	peer_read(&p, 'x', sent);
	pair_expect(&p, "c=ok");
	pair_packet(&p, PACKET_RAW, 0);
	peer_read(&p, '\0', 1);
	peer_read(&p, '\3', 1);
	peer_read(&p, 'x', 3);
	/* a part of it has gone */
	call_init(&a, &p, "a");
	call_big(&a);
	tcp_withdraw(&a.r, &rest);
	ck_assert_uint_gt(bytes_len(&rest), 0);
	peer_read(&p, 'x', BIG - bytes_len(&rest));
	bytes_fini(&rest);
	ck_assert_uint_eq(p.account.used[LIMIT_BYTES], 0);
	pair_close(&p);
}
END_TEST

/* With inet nothing is given back. */
START_TEST(withdrawn_from_inet)
{
	struct pair p;
	struct call a, b;
	struct bytes rest;
	size_t sent;

	pair_open_local(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	sent = fill_kernel(&p, 3000);
	p.s->set.high_watermark = 100;
	call_say(&a, "x");
	call_say(&b, "b");
	tcp_withdraw(&b.r, &rest);
	ck_assert_uint_eq(bytes_len(&rest), 0);
	tcp_withdraw(&a.r, &rest);
	ck_assert_uint_eq(bytes_len(&rest), 0);
	peer_read(&p, 'x', sent + 3001);
	say_now(&p, "y", 0);
	peer_read(&p, 'y', 1);
	pair_close(&p);
}
END_TEST

START_TEST(shutdown_is_immediate)
{
	struct pair p;
	struct call a, b, c;
	size_t got;
	int err;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	call_big(&a);
	call_say(&b, "b");
	tcp_shutdown(p.s, TCP_WRITE, &c.r);
	ck_assert(c.done);
	pair_expect(&p, "c=oka=closedb=enotconn");
	got = peer_read_all(&p, &err);
	ck_assert(err == 0 && got > 0 && got < BIG);
	pair_close(&p);
}
END_TEST

/* What goes on for nobody is not cut by a shutdown either. */
START_TEST(shutdown_behind_a_vanished_caller)
{
	struct pair p;
	struct call a, b;
	int err;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_big(&a);
	tcp_cancel(&a.r);
	tcp_shutdown(p.s, TCP_WRITE, &b.r);
	ck_assert(b.done);
	call_init(&a, &p, "a");
	ck_assert(!call_say(&a, "y")->done);
	ck_assert_uint_eq(peer_read_all(&p, &err), BIG);
	ck_assert_int_eq(err, 0);
	pair_expect(&p, "b=oka=closed");
	pair_close(&p);
}
END_TEST

START_TEST(close_is_immediate)
{
	struct pair p;
	struct call a, b, c;
	size_t got;
	int err;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_init(&c, &p, "c");
	call_big(&a);
	call_say(&b, "b");
	tcp_close(p.s, &c.r);
	pair_expect(&p, "a=closedb=closedGc=ok");
	got = peer_read_all(&p, &err);
	ck_assert(err == 0 && got > 0 && got < BIG);
	pair_close(&p);
}
END_TEST

/* The owner ends in the middle of its own send. */
START_TEST(abandoned)
{
	struct pair p;
	struct call a;
	int err;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_big(&a);
	tcp_cancel(&a.r);
	tcp_abandon(p.s);
	p.s = NULL;
	ck_assert_uint_eq(peer_read_all(&p, &err), BIG);
	ck_assert_int_eq(err, 0);
	pair_close(&p);
}
END_TEST

START_TEST(one_caller_in_order)
{
	struct pair p;
	struct call a, b;
	int err;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	b.r.caller = a.r.caller;
	call_big(&a);
	tcp_close(p.s, &b.r);
	pair_quiet(&p, "");
	ck_assert_uint_eq(peer_read_all(&p, &err), BIG);
	pair_expect(&p, "a=okGb=ok");
	pair_close(&p);
}
END_TEST

START_TEST(blocked_meets_end)
{
	struct pair p;
	struct call a, b;

	open_backend(&p);
	call_init(&a, &p, "a");
	call_init(&b, &p, "b");
	call_big(&a);
	call_say(&b, "b");
	peer_close(&p);
	pair_expect(&p, "a=closedb=enotconn");
	pair_close(&p);
}
END_TEST

START_TEST(unrecv_is_not_there)
{
	struct pair p;

	open_backend(&p);
	ck_assert_int_eq(tcp_unrecv(p.s, "x", 1), EOPNOTSUPP);
	pair_close(&p);
}
END_TEST

START_TEST(over_the_limit)
{
	struct pair p;
	struct call a, b;

	open_backend(&p);
	p.account.max[LIMIT_BYTES] = BIG + 2;
	call_init(&a, &p, NULL);
	call_init(&b, &p, NULL);
	call_big(&a);
	p.account.max[LIMIT_BYTES] = p.account.used[LIMIT_BYTES] + 2;
	call_say(&b, "xxx");
	call_expect(&b, REASON_SYSTEM_LIMIT, "");
	peer_read(&p, 'x', BIG);
	pair_until(&p, &a.done);
	pair_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    ok_is_that_the_kernel_has_it,
	    not_gathered,
	    timeout_gives_the_rest_back,
	    the_header_is_part_of_the_rest,
	    a_part_of_the_header,
	    the_time_runs_on_when_the_turn_comes,
	    send_timeout_close,
	    a_vanished_caller_does_not_cut_the_stream,
	    what_has_not_begun_is_dropped,
	    withdrawn,
	    withdrawn_from_inet,
	    shutdown_is_immediate,
	    shutdown_behind_a_vanished_caller,
	    close_is_immediate,
	    abandoned,
	    one_caller_in_order,
	    blocked_meets_end,
	    unrecv_is_not_there,
	    over_the_limit,
	};

	return pair_main("tcp/backend", tests, sizeof(tests) / sizeof(tests[0]));
}
