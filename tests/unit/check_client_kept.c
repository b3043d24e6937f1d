/* SPDX-License-Identifier: ISC */
/* What of its events a kept client acknowledges, when, and with what. */
#include <check.h>
#include <string.h>

#include "client/connection.h"
#include "fake_daemon.h"
#include "kept_program.h"
#include "tests/unit/no_memory.h"
#include "tests/unit/run.h"

/* --- without I/O -------------------------------------------------------------- */

static void
feed(struct gentcp *g, const char *text)
{
	ck_assert_int_eq(gentcp_feed(g, text, strlen(text)), GENTCP_OK);
}

static void
wrote(struct gentcp *g, const char *want)
{
	size_t len;
	const void *out = gentcp_output(g, &len);

	ck_assert_uint_eq(len, strlen(want));
	ck_assert_mem_eq(out, want, len);
	gentcp_sent(g, len);
}

static struct gentcp *
begin(struct program *p)
{
	struct gentcp *g = gentcp_new();

	*p = (struct program){0};
	ck_assert_int_eq(gentcp_hello(g, NULL, NULL), GENTCP_OK);
	gentcp_sent(g, gentcp_unwritten(g));
	feed(g, RESULT("1", CLIENT("7")));
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	ck_assert_uint_eq(gentcp_epoch(g), 1);
	gentcp_on_event(g, program_event, p);
	return g;
}

static void
dispatch(struct gentcp *g)
{
	while (gentcp_dispatch(g, 0) == GENTCP_OK)
		;
}

START_TEST(each_dispatch_acknowledges_once)
{
	struct program p;
	struct gentcp *g = begin(&p);

	p.silent = true;
	feed(g, SEQ("1", "3", "a") CLOSED("2", "4"));
	feed(g,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3},"
	    "\"seq\":3,\"attached\":2}\nbc");
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	program_told(&p, "1a 2 3bc ");
	wrote(g, ACK("3"));
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_TIMEOUT);
	wrote(g, "");
	/* who has no callback drops them, which is a way to handle them */
	gentcp_on_event(g, NULL, NULL);
	feed(g, CLOSED("4", "3"));
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	wrote(g, ACK("4"));
	gentcp_free(g);
}
END_TEST

START_TEST(receive_acknowledges_before_it_waits)
{
	struct program p;
	struct gentcp *g = begin(&p);
	const struct gentcp_event *e;
	char text[128];

	feed(g, SEQ("1", "3", "a") SEQ("2", "3", "b"));
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_OK);
	ck_assert_uint_eq(e->seq, 1);
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_OK);
	ck_assert_uint_eq(e->seq, 2);
	wrote(g, "");
	ck_assert_int_eq(gentcp_next_timeout(g), 0); /* so that it will */
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_TIMEOUT);
	ck_assert_int_eq(gentcp_next_timeout(g), -1);
	wrote(g, ACK("2"));
	/* or when they are many */
	for (int i = 3; i < 70; i++) {
		snprintf(text, sizeof text, CLOSED("%d", "3"), i);
		feed(g, text);
	}
	for (int i = 3; i < 68; i++)
		ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_OK);
	wrote(g, "");
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_OK);
	ck_assert_uint_eq(e->seq, 68);
	wrote(g, ACK("67"));
	gentcp_free(g);
}
END_TEST

START_TEST(with_a_request)
{
	struct program p;
	struct gentcp *g = begin(&p);

	p.with = true;
	feed(g, SEQ("1", "3", "a") CLOSED("2", "4") SEQ("3", "3", "b"));
	dispatch(g);
	/* the second was answered by nothing, and is covered by the third */
	wrote(g, SEND("2", "3", WITH("1"), "1}\na") SEND("3", "3", WITH("3"), "1}\nb"));
	program_told(&p, "1a 2 3b ");
	feed(g, RESULT("2", "\"ok\"") RESULT("3", "\"ok\"") CLOSED("4", "4"));
	dispatch(g);
	program_told(&p, "ok ok 4 ");
	wrote(g, ACK("4"));
	ck_assert_uint_eq(g->kept.end - g->kept.first, 0);
	/* one without a callback has an id as well, so that a refusal is heard of */
	gentcp_ack_with(g, 4);
	ck_assert_int_eq(gentcp_close_async(g, 3, NULL, NULL), GENTCP_OK);
	wrote(g,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"gen_tcp.close\","
	    "\"params\":{\"socket\":3},\"ack\":4}\n");
	/* the number is for one request, and for no other than the next */
	ck_assert_int_eq(gentcp_close_async(g, 5, NULL, NULL), GENTCP_OK);
	wrote(g, NOTE("gen_tcp.close", "{\"socket\":5}"));
	gentcp_free(g);
}
END_TEST

START_TEST(what_is_refused_is_acknowledged_once_that_was_told)
{
	struct program p;
	struct gentcp *g = begin(&p);

	p.with = true;
	feed(g, SEQ("1", "3", "a"));
	dispatch(g);
	wrote(g, SEND("2", "3", WITH("1"), "1}\na"));
	feed(g, REFUSED("2", "10001", "closed"));
	dispatch(g);
	program_told(&p, "1a refused ");
	wrote(g, ACK("1"));
	/* a later one has covered it */
	feed(g, SEQ("2", "3", "b") SEQ("3", "3", "c"));
	dispatch(g);
	wrote(g, SEND("3", "3", WITH("2"), "1}\nb") SEND("4", "3", WITH("3"), "1}\nc"));
	feed(g, REFUSED("3", "12", "enomem") RESULT("4", "\"ok\""));
	dispatch(g);
	wrote(g, "");
	gentcp_free(g);

	g = begin(&p);
	p.with = p.again = true;
	feed(g, SEQ("1", "3", "a"));
	dispatch(g);
	feed(g, REFUSED("2", "12", "enomem"));
	dispatch(g);
	wrote(g, SEND("2", "3", WITH("1"), "1}\na") SEND("3", "3", WITH("1"), "1}\nB"));
	gentcp_free(g);
}
END_TEST

START_TEST(by_hand)
{
	struct program p;
	struct gentcp *g = begin(&p);

	p.silent = true;
	gentcp_set_auto_ack(g, 0);
	ck_assert_int_eq(gentcp_ack(g, 1), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_ack_with(g, 1), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_ack(g, 0), GENTCP_OK);
	feed(g, SEQ("1", "3", "a") SEQ("2", "3", "b") SEQ("3", "3", "c"));
	dispatch(g);
	wrote(g, "");
	ck_assert_int_eq(gentcp_ack(g, 2), GENTCP_OK);
	wrote(g, ACK("2"));
	ck_assert_int_eq(gentcp_ack(g, 1), GENTCP_OK);
	wrote(g, "");
	ck_assert_int_eq(gentcp_ack_with(g, 3), GENTCP_OK);
	/* not with the one that acknowledges others */
	ck_assert_int_eq(gentcp_ack(g, 2), GENTCP_OK);
	gentcp_send_async(g, 3, "x", 1, NULL, NULL);
	wrote(g, SEND("2", "3", WITH("3"), "1}\nx"));
	dispatch(g);
	wrote(g, "");
	/* from now on the library does */
	gentcp_set_auto_ack(g, 1);
	feed(g, SEQ("4", "3", "a"));
	dispatch(g);
	wrote(g, ACK("4"));
	gentcp_free(g);
}
END_TEST

START_TEST(a_request_that_was_not_queued_does_not_take_it)
{
	struct program p;
	struct gentcp *g = begin(&p);

	p.silent = true;
	feed(g, SEQ("1", "3", "a"));
	gentcp_set_auto_ack(g, 0);
	dispatch(g);
	ck_assert_int_eq(gentcp_ack_with(g, 1), GENTCP_OK);
	ck_assert_int_eq(gentcp_setopts_async(g, 1, "a=[", NULL, NULL), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_close_async(g, 3, program_reply, &p), GENTCP_OK);
	wrote(g,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"gen_tcp.close\","
	    "\"params\":{\"socket\":3},\"ack\":1}\n");
	gentcp_free(g);
}
END_TEST

START_TEST(after_a_loss_events_wait_for_the_next_connection)
{
	struct program p;
	struct gentcp *g = begin(&p);

	ck_assert_int_eq(gentcp_close_async(g, 1, program_reply, &p), GENTCP_OK);
	feed(g, SEQ("1", "3", "a") TCP("3", "no number") RESULT("2", "\"ok\""));
	ck_assert_int_eq(gentcp_feed(g, NULL, 0), GENTCP_LOST);
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_LOST);
	program_told(&p, "0no number ok ");
	ck_assert_uint_eq(g->kept.handled, 0);
	gentcp_free(g);
}
END_TEST

/* --- without memory ----------------------------------------------------------- */

/* Whether something that may fail for want of memory did not; it is done again. */
#define AGAIN(call) \
	do { \
		rc = (call); \
		must(rc != GENTCP_NOMEM || no_memory_met()); \
	} while (rc == GENTCP_NOMEM)

struct numbers {
	uint64_t given; /* in order, each once */
	int answered;
};

static void
count_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct numbers *n = ctx;

	(void)g;
	n->answered += gentcp_reply_status(r) == GENTCP_OK;
}

static void
answer_each(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct numbers *n = ctx;
	int rc;

	must(e->seq == n->given + 1);
	n->given = e->seq;
	if (e->seq % 16 == 0) /* that is left to the library */
		return;
	AGAIN(gentcp_ack_with(g, e->seq));
	AGAIN(gentcp_send_async(g, e->socket, e->data, e->len, count_reply, n));
}

/* Thirty-two events, more than there is room for at first, and their answers. */
static void
converse(struct gentcp *g, struct numbers *n)
{
	char text[128];
	int rc;

	gentcp_on_event(g, answer_each, n);
	for (int i = 1; i <= 32; i++) {
		snprintf(text, sizeof text, SEQ("%d", "3", "a"), i);
		AGAIN(gentcp_feed(g, text, strlen(text)));
	}
	do
		rc = gentcp_dispatch(g, 0);
	while (rc == GENTCP_OK || rc == GENTCP_NOMEM);
	for (int i = 2; i <= (int)g->last_id; i++) {
		snprintf(text, sizeof text, RESULT("%d", "\"ok\""), i);
		AGAIN(gentcp_feed(g, text, strlen(text)));
	}
	do
		rc = gentcp_dispatch(g, 0);
	while (rc == GENTCP_OK || rc == GENTCP_NOMEM);
	must(rc == GENTCP_TIMEOUT);
}

START_TEST(without_memory)
{
	struct program p;
	struct numbers n;
	struct gentcp *g;
	bool met = true;

	for (size_t at = 1; met; at++) {
		g = begin(&p);
		n = (struct numbers){0};
		no_memory_at(at, false);
		converse(g, &n);
		met = no_memory_met();
		no_memory_at(0, false);
		ck_assert_uint_eq(n.given, 32);
		ck_assert_int_eq(n.answered, 30);
		ck_assert_uint_eq(g->kept.end - g->kept.first, 0);
		ck_assert_uint_eq(g->kept.acked, 32);
		gentcp_free(g);
		ck_assert_uint_lt(at, 1000);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/kept");
	TCase *tc = tcase_create("kept");

	no_memory_init();
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, each_dispatch_acknowledges_once);
	tcase_add_test(tc, receive_acknowledges_before_it_waits);
	tcase_add_test(tc, with_a_request);
	tcase_add_test(tc, what_is_refused_is_acknowledged_once_that_was_told);
	tcase_add_test(tc, by_hand);
	tcase_add_test(tc, a_request_that_was_not_queued_does_not_take_it);
	tcase_add_test(tc, after_a_loss_events_wait_for_the_next_connection);
	tcase_add_test(tc, without_memory);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
