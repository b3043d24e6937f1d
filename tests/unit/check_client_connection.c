/* SPDX-License-Identifier: ISC */
/* The library without I/O: bytes in, callbacks and bytes out. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/connection.h"

#define EVENT_A \
	"{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3},\"attached\":5}\n"
#define EVENT_S \
	"{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":\"hello\"}}\n"

/* What callbacks were told, as text. */
struct story {
	struct bytes text;
	struct gentcp *free_this; /* in the next callback */
};

static void tell(struct story *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void
tell(struct story *s, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	bytes_append_str(&s->text, text);
	gentcp_free(s->free_this);
	s->free_this = NULL;
}

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	(void)g;
	tell(ctx, "%s %d %d", e->name, (int)e->type, (int)e->socket);
	if (e->header != NULL)
		tell(ctx, " header=%d..%d/%zu", e->header[0],
		    e->header[e->header_len - 1], e->header_len);
	if (e->type == GENTCP_EVENT_TCP || e->type == GENTCP_EVENT_PORT)
		tell(ctx, " %zu:%.*s%s", e->len, (int)e->len, (const char *)e->data,
		    e->mode_list ? " list" : "");
	if (e->reason != NULL)
		tell(ctx, " %s", e->reason);
	if (e->from != 0)
		tell(ctx, " from %d", (int)e->from);
	if (e->monitor != 0)
		tell(ctx, " monitor %d", (int)e->monitor);
	if (e->json != NULL)
		tell(ctx, " %s", e->json);
	tell(ctx, ";");
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	const struct gentcp_error *e = gentcp_reply_error(r);
	size_t len;
	const void *data = gentcp_reply_data(r, &len);

	(void)g;
	if (e != NULL)
		tell(ctx, "error %d %d %s %s;", (int)gentcp_reply_status(r),
		    gentcp_error_code(e), gentcp_error_reason(e),
		    gentcp_error_data(e) == NULL ? "" : gentcp_error_data(e));
	else if (data != NULL)
		tell(ctx, "data %zu:%.*s;", len, (int)len, (const char *)data);
	else
		tell(ctx, "result %s socket %d;", gentcp_reply_json(r),
		    (int)gentcp_reply_socket(r));
}

/* A connection that has said hello, its output thrown away. */
static struct gentcp *
greeted(struct story *s)
{
	static const char hello[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"server\":\"gentcpd/9\","
	    "\"protocol\":1,\"client\":7,\"max_message\":2000}}\n";
	struct gentcp *g = gentcp_new();
	size_t len;

	ck_assert_int_eq(gentcp_hello(g, NULL, NULL), GENTCP_OK);
	ck_assert_int_eq(gentcp_feed(g, hello, sizeof hello - 1), GENTCP_OK);
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	ck_assert_uint_eq(gentcp_client(g), 7);
	ck_assert_str_eq(gentcp_server(g), "gentcpd/9");
	gentcp_output(g, &len);
	gentcp_sent(g, len);
	ck_assert_uint_eq(gentcp_unwritten(g), 0);
	*s = (struct story){0};
	gentcp_on_event(g, on_event, s);
	return g;
}

static void
ck_story(struct story *s, const char *want)
{
	bytes_append_char(&s->text, '\0');
	ck_assert_str_eq((char *)bytes_head(&s->text), want);
	bytes_truncate(&s->text, 0);
}

static void
ck_output(struct gentcp *g, const char *want)
{
	size_t len;
	const void *out = gentcp_output(g, &len);

	ck_assert_uint_eq(len, strlen(want));
	ck_assert_mem_eq(out, want, len);
	gentcp_sent(g, len);
}

static void
feed(struct gentcp *g, const char *text)
{
	ck_assert_int_eq(gentcp_feed(g, text, strlen(text)), GENTCP_OK);
}

/* --- output ----------------------------------------------------------------- */

START_TEST(requests_as_they_are_written)
{
	struct story s;
	struct gentcp *g = gentcp_new();

	ck_assert_int_eq(gentcp_send_async(g, 1, "x", 1, NULL, NULL), GENTCP_INVALID);
	ck_assert_int_eq(gentcp_set_name(g, "a/1"), GENTCP_OK);
	ck_assert_int_eq(gentcp_set_data(g, "auto"), GENTCP_OK);
	ck_assert_int_eq(gentcp_set_data(g, "raw"), GENTCP_INVALID);
	gentcp_hello(g, NULL, NULL);
	ck_output(g,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"session.hello\",\"params\":"
	    "{\"client\":\"a/1\",\"protocol\":1,\"data\":\"auto\",\"attachments\":true}}\n");
	ck_assert_int_eq(gentcp_hello(g, NULL, NULL), GENTCP_INVALID);
	gentcp_free(g);

	g = greeted(&s);
	gentcp_send_async(g, 3, "a\nb\0c", 5, on_reply, &s);
	gentcp_send_async(g, 3, "", 0, NULL, NULL);
	gentcp_recv_async(g, 4, 0, 100, on_reply, &s);
	gentcp_setopts_async(g, 4, "active=once", NULL, NULL);
	{
		static const char want[] =
		    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"gen_tcp.send\","
		    "\"params\":{\"socket\":3},\"attached\":5}\na\nb\0c"
		    "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\","
		    "\"params\":{\"socket\":3},\"attached\":0}\n"
		    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"gen_tcp.recv\","
		    "\"params\":{\"socket\":4,\"length\":0,\"timeout\":100}}\n"
		    "{\"jsonrpc\":\"2.0\",\"method\":\"inet.setopts\","
		    "\"params\":{\"socket\":4,\"options\":[{\"active\":\"once\"}]}}\n";
		size_t len;
		const void *out = gentcp_output(g, &len);

		ck_assert_uint_eq(len, sizeof want - 1);
		ck_assert_mem_eq(out, want, len);
	}
	gentcp_on_event(g, NULL, NULL);
	gentcp_free(g);
	ck_story(&s,
	    "error -2 0 the connection was freed ;"
	    "error -2 0 the connection was freed ;");
	bytes_fini(&s.text);
}
END_TEST

START_TEST(requests_that_are_refused)
{
	struct story s;
	struct gentcp *g = greeted(&s);
	char big[2100];

	ck_assert_int_eq(
	    gentcp_request(g, "a b", NULL, NULL, 0, NULL, NULL, NULL), GENTCP_INVALID);
	ck_assert_int_eq(
	    gentcp_request(g, "i\"", NULL, NULL, 0, NULL, NULL, NULL), GENTCP_INVALID);
	ck_assert_int_eq(
	    gentcp_request(g, "i", "{\"a\":", NULL, 0, NULL, NULL, NULL), GENTCP_INVALID);
	ck_assert_int_eq(
	    gentcp_setopts_async(g, 1, "linger=[", on_reply, &s), GENTCP_INVALID);
	/* past max_message the daemon would hang up */
	memset(big, ' ', sizeof big);
	snprintf(big, sizeof big, "[\"%01998d\"]", 0);
	ck_assert_int_eq(
	    gentcp_request(g, "i", big, NULL, 0, on_reply, &s, NULL), GENTCP_INVALID);
	/* data is not in the line */
	ck_assert_int_eq(gentcp_send_async(g, 1, big, sizeof big, NULL, NULL), GENTCP_OK);
	ck_assert_uint_gt(gentcp_unwritten(g), sizeof big);
	/* a LF in params does not end the line */
	gentcp_sent(g, gentcp_unwritten(g));
	gentcp_request(g, "i", "{\n\"a\" :\t1}", NULL, 0, NULL, NULL, NULL);
	ck_output(g, "{\"jsonrpc\":\"2.0\",\"method\":\"i\",\"params\":{\"a\":1}}\n");
	ck_assert_int_eq(gentcp_close(g, 1), GENTCP_INVALID); /* blocking */
	gentcp_free(g);
	ck_story(&s, "");
	bytes_fini(&s.text);
}
END_TEST

/* --- input ------------------------------------------------------------------ */

static const char script[] =
    "\n\r\n" EVENT_A "a\nb\0c" EVENT_S
    /* the same by jansson: other orders, escapes, CR, base64, a list, a header */
    "{\"method\":\"tcp\",\"params\":{\"data\":\"h\\u00e9\\n\",\"socket\":3}}\r\n"
    "{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":{\"base64\":\"AGE=\"}}}\n"
    "{\"method\":\"tcp\",\"params\":{\"socket\":4,\"data\":[104,105]}}\n"
    "{\"params\":{\"mode\":\"list\",\"socket\":4},\"attached\":2,\"method\":\"tcp\"}\nhi"
    "{\"method\":\"tcp\",\"params\":{\"socket\":5,\"header\":[1,2],\"data\":\"x\"}}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"ok\"}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{},\"attached\":3}\n{}\n"
    "{\"jsonrpc\":\"2.0\",\"id\":99,\"result\":\"ok\"}\n" /* whose? */
    "{\"id\":4,\"result\":{\"data\":\"abc\"},\"jsonrpc\":\"2.0\"}\n"
    "{\"id\":5,\"error\":{\"code\":10001,\"message\":\"closed\",\"data\":{\"rest\":\"r\"}}}\n"
    "{\"id\":6,\"result\":{\"socket\":9}}\n"
    "{\"method\":\"tcp_error\",\"params\":{\"socket\":3,\"reason\":\"econnreset\"}}\n"
    "{\"method\":\"tcp_closed\",\"params\":{\"socket\":3}}\n"
    "{\"method\":\"tcp_passive\",\"params\":{\"socket\":3}}\n"
    "{\"method\":\"tcp_owner\",\"params\":{\"socket\":3,\"from\":2}}\n"
    "{\"method\":\"down\",\"params\":{\"monitor\":8,\"socket\":3,\"reason\":\"normal\"}}\n"
    "{\"method\":\"http\",\"params\":{\"socket\":3,\"http\":{\"type\":\"http_eoh\"}}}\n"
    "{\"method\":\"port\",\"params\":{\"socket\":3,\"data\":{\"base64\":\"aGk=\"}}}\n"
    "{\"method\":\"news\",\"params\":{\"x\":1}}\n"
    "{\"method\":\"news\"}\n";

static const char script_story[] =
    "tcp 0 3 5:a\nb;" /* %.*s ends at the NUL */
    "tcp 0 3 5:hello;tcp 0 3 4:h\xc3\xa9\n;tcp 0 3 2:;tcp 0 4 2:hi list;"
    "tcp 0 4 2:hi list;tcp 0 5 header=1..2/2 1:x;"
    "result \"ok\" socket 0;data 3:{}\n;data 3:abc;"
    "error -1 10001 closed {\"rest\":\"r\"};result {\"socket\":9} socket 9;"
    "tcp_error 2 3 econnreset;tcp_closed 3 3;tcp_passive 1 3;tcp_owner 4 3 from 2;"
    "down 7 3 normal monitor 8;"
    "http 5 3 {\"socket\":3,\"http\":{\"type\":\"http_eoh\"}};"
    "port 8 3 2:hi;news 6 0 {\"x\":1};"
    "news 6 0 {};";

static void
expect_replies(struct gentcp *g, struct story *s, int count)
{
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(gentcp_close_async(g, 1, on_reply, s), GENTCP_OK);
}

/* Whole, and cut in two at each place. */
START_TEST(all_messages_at_every_split)
{
	struct story s;
	struct gentcp *g;

	for (size_t cut = 0; cut < sizeof script - 1; cut++) {
		g = greeted(&s);
		expect_replies(g, &s, 5);
		ck_assert_int_eq(gentcp_feed(g, script, cut), GENTCP_OK);
		ck_assert_int_ge(gentcp_dispatch(g, 0), GENTCP_TIMEOUT);
		gentcp_feed(g, script + cut, sizeof script - 1 - cut);
		ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
		ck_story(&s, script_story);
		ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_TIMEOUT);
		gentcp_free(g);
		ck_story(&s, "");
		bytes_fini(&s.text);
	}
}
END_TEST

START_TEST(byte_by_byte)
{
	struct story s;
	struct gentcp *g = greeted(&s);

	expect_replies(g, &s, 5);
	for (size_t i = 0; i < sizeof script - 1; i++) {
		gentcp_feed(g, script + i, 1);
		ck_assert_int_ge(gentcp_dispatch(g, 0), GENTCP_TIMEOUT);
	}
	ck_story(&s, script_story);
	gentcp_free(g);
	bytes_fini(&s.text);
}
END_TEST

START_TEST(what_is_no_message_ends_it)
{
	static const char *const bad[] = {
	    "[]\n",
	    "hello\n",
	    "{\"id\":2}\n",
	    "{\"id\":2,\"result\":1,\"result\":2}\n",
	    "{\"method\":\"tcp\",\"params\":{\"socket\":1}}\n", /* no data */
	    "{\"method\":\"tcp\",\"params\":{\"socket\":1},\"attached\":-1}\n",
	    "{\"method\":\"tcp\",\"params\":{\"socket\":1},\"attached\":\"1\"}\n",
	    "{\"method\":\"tcp_error\",\"params\":{\"socket\":1}}\n",
	};
	struct story s;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct gentcp *g = greeted(&s);

		gentcp_close_async(g, 1, on_reply, &s);
		feed(g, bad[i]);
		ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_LOST);
		ck_story(&s, "error -2 0 gentcpd sent what is no message ;");
		ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_LOST);
		ck_assert_int_eq(gentcp_feed(g, "x", 1), GENTCP_LOST);
		ck_assert_int_eq(gentcp_close_async(g, 1, on_reply, &s), GENTCP_LOST);
		gentcp_free(g);
		ck_story(&s, "");
		bytes_fini(&s.text);
	}
}
END_TEST

START_TEST(the_end_comes_after_what_came)
{
	struct story s;
	struct gentcp *g = greeted(&s);

	gentcp_close_async(g, 1, on_reply, &s);
	feed(g,
	    EVENT_S
	    "{\"id\":null,\"error\":{\"code\":-32700,\"message\":\"Parse error\"}}\n");
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	feed(g, EVENT_S);
	ck_assert_int_eq(gentcp_feed(g, NULL, 0), GENTCP_LOST);
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_LOST);
	ck_story(&s,
	    "tcp 0 3 5:hello;tcp 0 3 5:hello;"
	    "error -2 0 gentcpd closed the connection: Parse error ;");
	gentcp_free(g);
	bytes_fini(&s.text);
}
END_TEST

/* --- callbacks -------------------------------------------------------------- */

START_TEST(freed_in_a_callback)
{
	struct story s;
	struct gentcp *g = greeted(&s);

	gentcp_close_async(g, 1, on_reply, &s);
	s.free_this = g;
	feed(g, EVENT_S EVENT_S);
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_FREED);
	/* the rest of the first event, nothing of the second, the request's end */
	ck_story(&s, "tcp 0 3 5:hello;error -2 0 the connection was freed ;");
	bytes_fini(&s.text);
}
END_TEST

static void
dispatches(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	const struct gentcp_event *other;
	char before[8];

	memcpy(before, e->data, e->len);
	tell(ctx, "%d %d;", gentcp_dispatch(g, 0), gentcp_receive(g, 0, &other));
	/* feeding moves nothing that is shown */
	for (int i = 0; i < 3000; i++)
		gentcp_feed(g, "\n", 1);
	gentcp_send_async(g, e->socket, e->data, e->len, NULL, NULL);
	ck_assert_mem_eq(e->data, before, e->len);
}

START_TEST(what_a_callback_may_do)
{
	struct story s;
	struct gentcp *g = greeted(&s);

	gentcp_on_event(g, dispatches, &s);
	feed(g, EVENT_A "abcde" EVENT_A "fghij");
	ck_assert_int_eq(gentcp_dispatch(g, 0), GENTCP_OK);
	ck_story(&s, "-5 -5;-5 -5;");
	ck_output(g,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":3},\"attached\":5}\nabcde"
	    "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":3},\"attached\":5}\nfghij");
	gentcp_free(g);
	bytes_fini(&s.text);
}
END_TEST

START_TEST(receive_one_by_one)
{
	const struct gentcp_event *e;
	struct story s;
	struct gentcp *g = greeted(&s);

	gentcp_close_async(g, 1, on_reply, &s);
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_TIMEOUT);
	ck_assert_ptr_null(e);
	feed(g, EVENT_S "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"ok\"}\n" EVENT_A);
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_OK);
	ck_assert_mem_eq(e->data, "hello", 5);
	feed(g, "abcde"); /* e stays */
	ck_assert_mem_eq(e->data, "hello", 5);
	ck_story(&s, "");
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_OK);
	ck_assert_mem_eq(e->data, "abcde", 5);
	ck_story(&s, "result \"ok\" socket 0;");
	ck_assert_int_eq(gentcp_receive(g, 0, &e), GENTCP_TIMEOUT);
	gentcp_free(g);
	bytes_fini(&s.text);
}
END_TEST

START_TEST(cancel)
{
	struct story s;
	struct gentcp *g = greeted(&s);
	uint64_t id = 0;

	gentcp_request(g, "gen_tcp.accept", "[1]", NULL, 0, on_reply, &s, &id);
	ck_assert_uint_eq(id, 2);
	gentcp_sent(g, gentcp_unwritten(g));
	ck_assert_int_eq(gentcp_cancel(g, id), GENTCP_OK);
	ck_output(g,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"session.cancel\","
	    "\"params\":{\"id\":2}}\n");
	feed(g, "{\"id\":2,\"error\":{\"code\":10006,\"message\":\"cancelled\"}}\n");
	gentcp_dispatch(g, 0);
	ck_story(&s, "error -1 10006 cancelled ;");
	gentcp_free(g);
	bytes_fini(&s.text);
}
END_TEST

/* --- requests that wait ----------------------------------------------------- */

START_TEST(pending_finds_all)
{
	struct pending p = {0};
	struct pending_call call;
	bool there[4096] = {false};
	uint64_t next = 1;
	unsigned random = 1;
	size_t count = 0;

	for (int i = 0; i < 20000; i++) {
		random = random * 1103515245 + 12345;
		if (next < 4096 && (random >> 16) % 3 != 0) {
			ck_assert(pending_reserve(&p));
			pending_add(&p, next, NULL, &there[next]);
			there[next++] = true;
			count++;
		} else {
			uint64_t id = (random >> 8) % next;

			ck_assert_int_eq(pending_take(&p, id, &call), there[id]);
			if (there[id]) {
				ck_assert_ptr_eq(call.ctx, &there[id]);
				there[id] = false;
				count--;
			}
		}
		ck_assert_uint_eq(p.count, count);
	}
	for (uint64_t id = 1; pending_take_oldest(&p, &call); count--) {
		while (!there[id])
			id++;
		ck_assert_uint_eq(call.id, id++);
	}
	ck_assert_uint_eq(count, 0);
	pending_fini(&p);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/connection");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, requests_as_they_are_written);
	tcase_add_test(tcase, requests_that_are_refused);
	tcase_add_test(tcase, all_messages_at_every_split);
	tcase_add_test(tcase, byte_by_byte);
	tcase_add_test(tcase, what_is_no_message_ends_it);
	tcase_add_test(tcase, the_end_comes_after_what_came);
	tcase_add_test(tcase, freed_in_a_callback);
	tcase_add_test(tcase, what_a_callback_may_do);
	tcase_add_test(tcase, receive_one_by_one);
	tcase_add_test(tcase, cancel);
	tcase_add_test(tcase, pending_finds_all);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
