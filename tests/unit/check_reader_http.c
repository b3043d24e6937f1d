/* SPDX-License-Identifier: ISC */
/* The http types through a socket, and deliver: semantics 3.2, 4, 8.5. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet_http.h"
#include "pair.h"

static void
set(struct pair *p, enum option_id id, int64_t number)
{
	struct option_value v = {.id = id, .u.number = number};
	const struct option_list list = {&v, 1, 1};
	const struct option_row *failed;

	ck_assert_int_eq(tcp_setopts(p->s, &list, &failed), 0);
}

START_TEST(lines)
{
	struct pair p;
	uint64_t counters[TCP_COUNTERS];

	pair_open_active(&p, PACKET_HTTP, OPTION_ACTIVE_TRUE, 0);
	peer_say(&p, "PUT / HTTP/1.1\r\nhost: h\r\n folded\r\n@\n\nHTTP/1.1 200 OK\n");
	pair_expect(&p, "{PUT}{Host}{@\n}{eoh}{OK}");
	ck_assert_int_eq(tcp_getstat(p.s, counters), 0);
	ck_assert_uint_eq(counters[TCP_RECV_CNT], 5);
	ck_assert_uint_eq(counters[TCP_RECV_OCT], 53);
	ck_assert_uint_eq(counters[TCP_RECV_MAX], 18);
	peer_say(&p, "A: b\n");
	pair_quiet(&p, "{PUT}{Host}{@\n}{eoh}{OK}");
	peer_close(&p);
	pair_expect(&p, "{PUT}{Host}{@\n}{eoh}{OK}CG");
	pair_close(&p);
}
END_TEST

START_TEST(counted)
{
	struct pair p;

	pair_open_active(&p, PACKET_HTTP_BIN, OPTION_ACTIVE_N, 2);
	peer_say(&p, "GET /\nA: b\nC: d\n\nbody");
	pair_expect(&p, "{GET}{A}P");
	pair_active(&p, OPTION_ACTIVE_ONCE, 0);
	pair_quiet(&p, "{GET}{A}P{C}");
	recv_now(&p, 0, 0, "\n");
	set(&p, OPTION_PACKET, PACKET_RAW);
	recv_now(&p, 4, 0, "body");
	pair_close(&p);
}
END_TEST

/* Without room nothing is looked at, and what is expected next stays. */
START_TEST(held)
{
	struct pair p;

	pair_open_active(&p, PACKET_HTTP, OPTION_ACTIVE_TRUE, 0);
	peer_say(&p, "GET /\n");
	pair_expect(&p, "{GET}");
	p.full = true;
	peer_say(&p, "HEAD: x\n\nHEAD /\n");
	pair_quiet(&p, "{GET}");
	set(&p, OPTION_PACKET_SIZE, 100);
	set(&p, OPTION_PACKET, PACKET_LINE);
	set(&p, OPTION_PACKET, PACKET_HTTP);
	p.full = false;
	tcp_resume(p.s);
	pair_quiet(&p, "{GET}{Head}{eoh}{HEAD}");
	pair_close(&p);
}
END_TEST

/* --- recv --------------------------------------------------------------------- */

struct asked {
	struct tcp_request r;
	enum packet_http_type type;
	char text[32];
	int reason;
	bool done;
};

static void
answered(struct tcp_request *r, const struct tcp_outcome *o)
{
	struct asked *a = (struct asked *)(void *)r;
	const struct packet_text *text;

	a->done = true;
	a->reason = o->reason;
	if (o->http == NULL)
		return;
	a->type = o->http->type;
	text = a->type == PACKET_HTTP_HEADER ? &o->http->name : &o->http->line;
	ck_assert_uint_lt(text->len, sizeof(a->text));
	if (text->len > 0)
		memcpy(a->text, text->p, text->len);
	/* the line itself is there as well */
	ck_assert(o->len > 0 && ((const char *)o->data)[o->len - 1] == '\n');
}

static struct asked *
ask(struct pair *p, struct asked *a)
{
	*a = (struct asked){.r = {.done = answered, .account = &p->account}};
	tcp_recv(p->s, 0, 2 * PAIR_DEADLINE, &a->r);
	return a;
}

START_TEST(by_recv)
{
	struct pair p;
	struct asked a;

	pair_open(&p);
	pair_packet(&p, PACKET_HTTPH, 0);
	ask(&p, &a);
	peer_say(&p, "x-abc: 1\n");
	for (int i = 0; i < 4; i++)
		pair_turn(&p);
	ck_assert(!a.done);
	peer_say(&p, "\t2\n?\n\n");
	pair_until(&p, &a.done);
	ck_assert_int_eq(a.type, PACKET_HTTP_HEADER);
	ck_assert_str_eq(a.text, "X-Abc");
	ck_assert(ask(&p, &a)->done);
	ck_assert_int_eq(a.type, PACKET_HTTP_ERROR);
	ck_assert_str_eq(a.text, "?\n");
	/* deliver is nothing to recv */
	set(&p, OPTION_DELIVER, OPTION_DELIVER_PORT);
	ck_assert(ask(&p, &a)->done);
	ck_assert_int_eq(a.type, PACKET_HTTP_EOH);
	ck_assert_int_eq(a.reason, 0);
	peer_say(&p, "y: 1\n");
	peer_close(&p);
	ask(&p, &a);
	pair_until(&p, &a.done);
	ck_assert_int_eq(a.reason, REASON_CLOSED);
	pair_close(&p);
}
END_TEST

START_TEST(too_long)
{
	struct pair p;

	pair_open_active(&p, PACKET_HTTP, OPTION_ACTIVE_TRUE, 0);
	set(&p, OPTION_BUFFER, 10);
	peer_say(&p, "GET /\nA: 3456789\n\n");
	pair_expect(&p, "{GET}E(emsgsize)CG");
	pair_close(&p);
}
END_TEST

/* --- deliver -------------------------------------------------------------------- */

START_TEST(deliver_port)
{
	struct option_value v = {.id = OPTION_DELIVER};
	struct pair p;

	pair_open_active(&p, PACKET_HTTP, OPTION_ACTIVE_TRUE, 0);
	ck_assert(!tcp_deliver_port(p.s));
	set(&p, OPTION_DELIVER, OPTION_DELIVER_PORT);
	ck_assert(tcp_deliver_port(p.s));
	ck_assert_int_eq(tcp_getopt(p.s, OPTION_DELIVER, &v), 0);
	ck_assert_int_eq((int)v.u.number, OPTION_DELIVER_PORT);
	peer_say(&p, "GET /\nA: b\n c\n\n");
	pair_expect(&p, "[GET /\n][A: b\n][ c\n][\n]");
	pair_forget(&p);
	set(&p, OPTION_DELIVER, OPTION_DELIVER_TERM);
	ck_assert_int_eq(tcp_getopt(p.s, OPTION_DELIVER, &v), 0);
	ck_assert_int_eq((int)v.u.number, OPTION_DELIVER_TERM);
	peer_say(&p, "GET /\n");
	pair_expect(&p, "{GET}");
	pair_close(&p);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    lines,
	    counted,
	    held,
	    by_recv,
	    too_long,
	    deliver_port,
	};

	return pair_main("tcp/reader http", tests, sizeof(tests) / sizeof(tests[0]));
}
