/* SPDX-License-Identifier: ISC */
/* gentcp-cli: lines as words, words as params, bytes as text. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/args.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/cli/shell.h"
#include "client/cli/token.h"

/* --- lines ------------------------------------------------------------------ */

/* W:word Q:quoted J:json V:variable, name= before it; "!" and why. */
static void
expect_tokens_n(const char *line, size_t line_len, const char *want)
{
	struct tokens tokens;
	struct bytes got = {0};
	char why[128];

	if (!tokens_read(&tokens, line, line_len, why, sizeof why)) {
		bytes_append_char(&got, '!');
		bytes_append_str(&got, why);
	} else {
		for (size_t i = 0; i < tokens.count; i++) {
			const struct token *t = &tokens.items[i];

			bytes_append_str(&got, i == 0 ? "" : " ");
			if (t->name != NULL) {
				bytes_append_str(&got, t->name);
				bytes_append_char(&got, '=');
			}
			bytes_append_char(&got, "WQJV"[t->kind]);
			bytes_append_char(&got, ':');
			output_quoted(&got, t->value, t->len);
		}
	}
	tokens_fini(&tokens);
	bytes_append_char(&got, '\0');
	ck_assert_str_eq((char *)bytes_head(&got), want);
	bytes_fini(&got);
}

static void
expect_tokens(const char *line, const char *want)
{
	expect_tokens_n(line, strlen(line), want);
}

START_TEST(words)
{
	expect_tokens("", "");
	expect_tokens("  # all of it", "");
	expect_tokens(" a  b\tc\r\n", "W:\"a\" W:\"b\" W:\"c\"");
	expect_tokens("a#b #c", "W:\"a#b\"");
	expect_tokens("s = accept $l &", "W:\"s\" W:\"=\" W:\"accept\" V:\"l\" W:\"&\"");
	expect_tokens("packet=line x= _1=2 1x=2",
	    "packet=W:\"line\" x=W:\"\" _1=W:\"2\" W:\"1x=2\"");
	expect_tokens("socket=$s $ 5$", "socket=V:\"s\" W:\"$\" W:\"5$\"");
	expect_tokens("$a.b", "!no blank behind a quote, a variable or JSON");
	expect_tokens("$1", "!no name behind $; \"$\" is a dollar");
	expect_tokens_n("a\0b c", 5, "W:\"a\\x00b\" W:\"c\"");
}
END_TEST

START_TEST(quotes)
{
	expect_tokens("\"\" \"a b\" '$x # \\n' x=\"1\"",
	    "Q:\"\" Q:\"a b\" Q:\"$x # \\\\n\" x=Q:\"1\"");
	expect_tokens("\"\\\"\\\\\\'\\n\\r\\t\\0\\a\\b\\e\\f\\v\\x41\\xfF\"",
	    "Q:\"\\\"\\\\'\\n\\r\\t\\x00\\x07\\x08\\x1b\\x0c\\x0bA\\xff\"");
	expect_tokens("\"$s\" \"a=b\"", "Q:\"$s\" Q:\"a=b\"");
	expect_tokens("\"abc", "!a quote without an end");
	expect_tokens("'abc\\'d'", "!no blank behind a quote, a variable or JSON");
	expect_tokens("\"a\"b", "!no blank behind a quote, a variable or JSON");
	expect_tokens("\"\\q\"", "!unknown escape; \\\\ is a backslash");
	expect_tokens("\"\\x4\"", "!\\x wants two hexadecimal digits");
	expect_tokens("\"\\x4", "!\\x wants two hexadecimal digits");
	expect_tokens("\"\\", "!a backslash at the end");
	expect_tokens_n("\"\\\0\"", 4, "!unknown escape; \\\\ is a backslash");
}
END_TEST

START_TEST(json_in_lines)
{
	expect_tokens("linger=[true, 5] {\"a\": \"}\" } # x",
	    "linger=J:\"[true, 5]\" J:\"{\\\"a\\\": \\\"}\\\" }\"");
	expect_tokens("[1", "!JSON without an end");
	expect_tokens("[1]2", "!no blank behind a quote, a variable or JSON");
}
END_TEST

/* What is printed in quotes is read as the same bytes. */
START_TEST(escapes_go_both_ways)
{
	char bytes[512];
	struct bytes line = {0};
	struct tokens tokens;
	char why[64];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i < 256 ? i : i * 7 + i / 3);
	output_quoted(&line, bytes, sizeof bytes);
	for (size_t i = 0; i < bytes_len(&line); i++) {
		unsigned char c = bytes_head(&line)[i];

		ck_assert(c >= 0x20 && c != 0x7f);
	}
	ck_assert(tokens_read(
	    &tokens, (char *)bytes_head(&line), bytes_len(&line), why, sizeof why));
	ck_assert_uint_eq(tokens.count, 1);
	ck_assert_uint_eq(tokens.items[0].len, sizeof bytes);
	ck_assert_mem_eq(tokens.items[0].value, bytes, sizeof bytes);
	tokens_fini(&tokens);
	bytes_fini(&line);
}
END_TEST

/* --- params ----------------------------------------------------------------- */

static void
expect_args(const char *line, const char *want)
{
	struct tokens tokens;
	struct args args;
	struct bytes got = {0};
	char why[256];
	char *text;

	ck_assert(tokens_read(&tokens, line, strlen(line), why, sizeof why));
	if (args_read(&args, cli_method(tokens.items[0].value), tokens.items + 1,
		tokens.count - 1, why, sizeof why)) {
		text = json_dumps(args.params, JSON_COMPACT);
		bytes_append_str(&got, text);
		free(text);
		if (args.data != NULL) {
			bytes_append_str(&got, " + ");
			output_quoted(&got, args.data, args.data_len);
		}
	} else {
		bytes_append_char(&got, '!');
		bytes_append_str(&got, why);
	}
	bytes_append_char(&got, '\0');
	ck_assert_str_eq((char *)bytes_head(&got), want);
	bytes_fini(&got);
	args_fini(&args);
	tokens_fini(&tokens);
}

START_TEST(positional_and_named)
{
	expect_args("recv 3 0", "{\"socket\":3,\"length\":0}");
	expect_args("recv 3 0 100", "{\"socket\":3,\"length\":0,\"timeout\":100}");
	expect_args("recv length=0 timeout=infinity socket=3",
	    "{\"length\":0,\"timeout\":\"infinity\",\"socket\":3}");
	expect_args("recv socket=3 7", "{\"socket\":3,\"length\":7}");
	expect_args("gen_tcp.close 9", "{\"socket\":9}");
	expect_args("i", "{}");
	expect_args("recv 3", "!length is missing");
	expect_args("recv x 0", "!socket wants a number");
	expect_args("recv 3 -1", "!length wants a number");
	expect_args("recv 3 0 1 2", "!2 is one argument too many");
	expect_args("recv 3 0 socket=3", "!socket is given twice");
	expect_args(
	    "recv 3 0 foo=3", "!foo is no parameter of it (quote a word that has a =)");
	expect_args("shutdown 3 write", "{\"socket\":3,\"how\":\"write\"}");
	expect_args("cancel 7", "{\"id\":7}");
	expect_args("cancel \"7\"", "{\"id\":\"7\"}");
	expect_args("controlling_process 3 4 active=once",
	    "{\"socket\":3,\"client\":4,\"active\":\"once\"}");
}
END_TEST

START_TEST(options_among_them)
{
	expect_args("connect localhost 5678 packet=line active=once binary 3000",
	    "{\"address\":\"localhost\",\"port\":5678,\"options\":[{\"packet\":\"line\"},"
	    "{\"active\":\"once\"},\"binary\"],\"timeout\":3000}");
	expect_args("connect localhost http infinity",
	    "{\"address\":\"localhost\",\"port\":\"http\",\"timeout\":\"infinity\"}");
	expect_args("connect local 1", "{\"address\":\"local\",\"port\":1}");
	expect_args("connect {\"family\":\"inet\",\"addr\":\"::\",\"port\":1} binary",
	    "{\"address\":{\"family\":\"inet\",\"addr\":\"::\",\"port\":1},"
	    "\"options\":[\"binary\"]}");
	expect_args("listen 0 {\"packet\":4} active=false inet6",
	    "{\"port\":0,\"options\":{\"packet\":4,\"active\":false,\"inet6\":true}}");
	expect_args("listen 0 [[\"packet\",4]] packet=\"4\"",
	    "{\"port\":0,\"options\":[[\"packet\",4],{\"packet\":\"4\"}]}");
	expect_args("listen 0 options=\"packet=1 binary\"",
	    "{\"port\":0,\"options\":[{\"packet\":1},\"binary\"]}");
	expect_args("listen 0 new_option=1", /* the daemon knows */
	    "{\"port\":0,\"options\":[{\"new_option\":1}]}");
	expect_args("listen 0 bogus", "!bogus is no option");
	expect_args("setopts 3", "!options is missing");
	expect_args("setopts 3 linger=[true,5]",
	    "{\"socket\":3,\"options\":[{\"linger\":[true,5]}]}");
}
END_TEST

START_TEST(names_and_data)
{
	expect_args("getopts 3 active packet",
	    "{\"socket\":3,\"names\":[\"active\",\"packet\"]}");
	expect_args("getopts 3 {\"raw\":[6,1,4]} active",
	    "{\"socket\":3,\"names\":[{\"raw\":[6,1,4]},\"active\"]}");
	expect_args("getopts 3 [\"active\"]", "{\"socket\":3,\"names\":[\"active\"]}");
	expect_args("getopts 3 names=\"active packet\"",
	    "{\"socket\":3,\"names\":[\"active\",\"packet\"]}");
	expect_args("getopts 3", "!names is missing");
	expect_args("getstat 3", "{\"socket\":3}");
	expect_args("send 3 42", "{\"socket\":3} + \"42\"");
	expect_args("send 3 \"a=\\x00\\xff\"", "{\"socket\":3} + \"a=\\x00\\xff\"");
	expect_args("send 3 data=true", "{\"socket\":3} + \"true\"");
	expect_args("send 3 \"\"", "{\"socket\":3} + \"\"");
	expect_args("send 3 {\"base64\":\"AA==\"}",
	    "{\"socket\":3,\"data\":{\"base64\":\"AA==\"}}");
	expect_args("send 3 [104,\"i\"]", "{\"socket\":3,\"data\":[104,\"i\"]}");
	expect_args("send 3", "!data is missing");
	expect_args("send 3 a data=b", "!data is given twice");
}
END_TEST

START_TEST(params_as_one)
{
	expect_args("recv {\"socket\":3,\"length\":0}", "{\"socket\":3,\"length\":0}");
	expect_args("recv [3,0]", "[3,0]");
	expect_args("i {}", "{}");
	expect_args("fdopen [\"binary\"]", "{\"options\":[\"binary\"]}");
}
END_TEST

/* --- bytes ------------------------------------------------------------------ */

static void
expect_quoted(const char *text, const char *want)
{
	struct bytes got = {0};

	output_quoted(&got, text, strlen(text));
	bytes_append_char(&got, '\0');
	ck_assert_str_eq((char *)bytes_head(&got), want);
	bytes_fini(&got);
}

START_TEST(nothing_reaches_the_terminal)
{
	expect_quoted("plain text", "\"plain text\"");
	expect_quoted("\x1b[2J\x7f", "\"\\x1b[2J\\x7f\"");
	expect_quoted("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
	    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	expect_quoted("\xc2\x9b", "\"\\xc2\\x9b\"");		       /* C1: CSI */
	expect_quoted("\xe2\x80\xae", "\"\\xe2\\x80\\xae\"");	       /* right to left */
	expect_quoted("\xe2\x80\x8b", "\"\\xe2\\x80\\x8b\"");	       /* zero width */
	expect_quoted("\xf3\xa0\x81\x81", "\"\\xf3\\xa0\\x81\\x81\""); /* a tag */
	/* no UTF-8: overlong, surrogate, past the end, cut */
	expect_quoted("\xc0\xaf", "\"\\xc0\\xaf\"");
	expect_quoted("\xe0\x80\x80", "\"\\xe0\\x80\\x80\"");
	expect_quoted("\xed\xa0\x80", "\"\\xed\\xa0\\x80\"");
	expect_quoted("\xf4\x90\x80\x80", "\"\\xf4\\x90\\x80\\x80\"");
	expect_quoted("\xf5", "\"\\xf5\"");
	expect_quoted("a\xe2\x82", "\"a\\xe2\\x82\"");
}
END_TEST

static void
expect_event(const struct gentcp_event *e, const char *text, const char *json)
{
	struct bytes got = {0};

	output_event(&got, e);
	bytes_append_char(&got, '\0');
	ck_assert_str_eq((char *)bytes_head(&got), text);
	bytes_truncate(&got, 0);
	output_event_json(&got, e);
	bytes_append_char(&got, '\0');
	ck_assert_str_eq((char *)bytes_head(&got), json);
	bytes_fini(&got);
}

START_TEST(events)
{
	static const unsigned char header[] = {1, 2};
	struct gentcp_event e = {.type = GENTCP_EVENT_TCP,
	    .name = "tcp",
	    .socket = 3,
	    .data = "a\n",
	    .len = 2};

	expect_event(&e, "tcp 3 \"a\\n\"",
	    "{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":\"a\\n\"}}");
	e.header = header;
	e.header_len = 2;
	expect_event(&e, "tcp 3 header [1,2] \"a\\n\"",
	    "{\"method\":\"tcp\",\"params\":{\"socket\":3,\"header\":[1,2],"
	    "\"data\":\"a\\n\"}}");
	e.header = NULL;
	e.mode_list = 1;
	expect_event(&e, "tcp 3 \"a\\n\"",
	    "{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":[97,10]}}");
	e = (struct gentcp_event){
	    .type = GENTCP_EVENT_TCP_CLOSED, .name = "tcp_closed", .socket = 3};
	expect_event(
	    &e, "tcp_closed 3", "{\"method\":\"tcp_closed\",\"params\":{\"socket\":3}}");
	e = (struct gentcp_event){.type = GENTCP_EVENT_TCP_ERROR,
	    .name = "tcp_error",
	    .socket = 3,
	    .reason = "econnreset"};
	expect_event(&e, "tcp_error 3 econnreset",
	    "{\"method\":\"tcp_error\",\"params\":{\"socket\":3,"
	    "\"reason\":\"econnreset\"}}");
	e = (struct gentcp_event){
	    .type = GENTCP_EVENT_TCP_OWNER, .name = "tcp_owner", .socket = 3, .from = 2};
	expect_event(&e, "tcp_owner 3 from 2",
	    "{\"method\":\"tcp_owner\",\"params\":{\"socket\":3,\"from\":2}}");
	e = (struct gentcp_event){.type = GENTCP_EVENT_DOWN,
	    .name = "down",
	    .socket = 3,
	    .monitor = 5,
	    .reason = "normal"};
	expect_event(&e, "down 3 monitor 5 normal",
	    "{\"method\":\"down\",\"params\":{\"socket\":3,\"reason\":\"normal\","
	    "\"monitor\":5}}");
	e = (struct gentcp_event){
	    .type = GENTCP_EVENT_OTHER, .name = "ne\nws", .json = "{\"x\":\"\xc2\x9b\"}"};
	expect_event(&e, "\"ne\\nws\" {\"x\":\"\\u009b\"}",
	    "{\"method\":\"ne\\nws\",\"params\":{\"x\":\"\\u009b\"}}");
}
END_TEST

START_TEST(events_of_http_and_port)
{
	static const char packet[] =
	    "{\"socket\":3,\"http\":{\"type\":\"http_error\",\"line\":\"\xc2\x9b\"}}";
	struct gentcp_event e = {.type = GENTCP_EVENT_PORT,
	    .socket = 3,
	    .name = "port",
	    .data = "a\n",
	    .len = 2};

	expect_event(&e, "port 3 \"a\\n\"",
	    "{\"method\":\"port\",\"params\":{\"socket\":3,\"data\":\"a\\n\"}}");
	e = (struct gentcp_event){
	    .type = GENTCP_EVENT_HTTP, .socket = 3, .name = "http", .json = packet};
	expect_event(&e, "http 3 {\"type\":\"http_error\",\"line\":\"\\u009b\"}",
	    "{\"method\":\"http\",\"params\":{\"socket\":3,\"http\":"
	    "{\"type\":\"http_error\",\"line\":\"\\u009b\"}}}");
}
END_TEST

/* --- the shell's memory ----------------------------------------------------- */

/* What wait leaves in a variable. */
static void
expect_seen(const struct gentcp_event *e, enum token_kind kind, const char *text)
{
	static struct memory m;
	struct seen_event *seen;

	memory_see(&m, e);
	seen = memory_take(&m, e->name, e->socket);
	ck_assert_ptr_nonnull(seen);
	ck_assert_int_eq(seen->kind, kind);
	ck_assert_uint_eq(bytes_len(&seen->data), strlen(text));
	if (*text != '\0') /* memcmp() takes no NULL */
		ck_assert_mem_eq(bytes_head(&seen->data), text, strlen(text));
	memory_event_free(seen);
}

START_TEST(events_leave_their_packet_data_or_socket)
{
	expect_seen(&(struct gentcp_event){.type = GENTCP_EVENT_HTTP,
			.name = "http",
			.socket = 3,
			.json = "{\"socket\":3,\"http\":{\"type\":\"http_eoh\"}}"},
	    TOKEN_JSON, "{\"type\":\"http_eoh\"}");
	expect_seen(&(struct gentcp_event){.type = GENTCP_EVENT_PORT,
			.name = "port",
			.socket = 3,
			.data = "a b",
			.len = 3},
	    TOKEN_QUOTED, "a b");
	expect_seen(
	    &(struct gentcp_event){
		.type = GENTCP_EVENT_TCP_CLOSED, .name = "tcp_closed", .socket = 3},
	    TOKEN_WORD, "");
}
END_TEST

START_TEST(events_are_taken_once_oldest_first)
{
	static struct memory m;
	struct gentcp_event e = {
	    .type = GENTCP_EVENT_TCP, .name = "tcp", .data = "xy", .len = 2};
	struct seen_event *seen;

	for (e.socket = 1; e.socket <= 3000; e.socket++) {
		e.name = e.socket % 2 == 0 ? "tcp" : "tcp_closed";
		e.type = e.socket % 2 == 0 ? GENTCP_EVENT_TCP : GENTCP_EVENT_TCP_CLOSED;
		memory_see(&m, &e);
	}
	ck_assert_uint_eq(m.count, MEMORY_EVENTS);
	ck_assert_ptr_null(memory_take(&m, "tcp", 1976)); /* forgotten */
	seen = memory_take(&m, "tcp", 2500);
	ck_assert_uint_eq(seen->socket, 2500);
	ck_assert_uint_eq(bytes_len(&seen->data), 2);
	memory_event_free(seen);
	ck_assert_ptr_null(memory_take(&m, "tcp", 2500));
	for (uint64_t want = 1978; want <= 3000; want += 2) {
		if (want == 2500)
			continue;
		seen = memory_take(&m, "tcp", 0);
		ck_assert_uint_eq(seen->socket, want);
		memory_event_free(seen);
	}
	ck_assert_ptr_null(memory_take(&m, "tcp", 0));
	ck_assert_uint_eq(m.bytes, 0);
	memory_fini(&m);
}
END_TEST

START_TEST(variables)
{
	static struct memory m;
	struct tokens tokens;
	char why[64];
	static const char line[] = "$a x=$a $b";

	ck_assert(memory_set(&m, "a", TOKEN_WORD, "12", 2));
	ck_assert(memory_set(&m, "a", TOKEN_WORD, "13", 2));
	ck_assert(tokens_read(&tokens, line, sizeof line - 1, why, sizeof why));
	ck_assert(memory_replace(&m, &tokens.items[0], why, sizeof why));
	ck_assert(memory_replace(&m, &tokens.items[1], why, sizeof why));
	ck_assert_str_eq(tokens.items[0].value, "13");
	ck_assert_int_eq(tokens.items[1].kind, TOKEN_WORD);
	ck_assert_str_eq(tokens.items[1].name, "x");
	ck_assert(!memory_replace(&m, &tokens.items[2], why, sizeof why));
	ck_assert_str_eq(why, "$b has no value");
	tokens_fini(&tokens);
	memory_fini(&m);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/cli");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, words);
	tcase_add_test(tcase, quotes);
	tcase_add_test(tcase, json_in_lines);
	tcase_add_test(tcase, escapes_go_both_ways);
	tcase_add_test(tcase, positional_and_named);
	tcase_add_test(tcase, options_among_them);
	tcase_add_test(tcase, names_and_data);
	tcase_add_test(tcase, params_as_one);
	tcase_add_test(tcase, nothing_reaches_the_terminal);
	tcase_add_test(tcase, events);
	tcase_add_test(tcase, events_of_http_and_port);
	tcase_add_test(tcase, events_leave_their_packet_data_or_socket);
	tcase_add_test(tcase, events_are_taken_once_oldest_first);
	tcase_add_test(tcase, variables);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
