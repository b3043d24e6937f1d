/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/params.h"
#include "proto/reason.h"
#include "tests/unit/rows.h"
#include "tests/unit/run.h"

/* Keeps json alive while its values are looked at. */
struct kept {
	json_t *json;
	struct params p;
};

static struct kept
good(enum method_id id, const char *text, bool attached)
{
	struct kept k = {.json = text == NULL ? NULL : load(text)};
	char why[160] = "";

	ck_assert_msg(
	    params_read(method_row(id), k.json, attached, &k.p, why, sizeof why) == 0,
	    "%s: %s", text, why);
	return k;
}

static void
bad_attached(enum method_id id, const char *text, bool attached, const char *sentence)
{
	json_t *json = text == NULL ? NULL : load(text);
	struct params p;
	char why[160] = "";

	ck_assert_int_eq(params_read(method_row(id), json, attached, &p, why, sizeof why),
	    REASON_INVALID_PARAMS);
	ck_assert_str_eq(why, sentence);
	json_decref(json);
}

static void
bad(enum method_id id, const char *text, const char *sentence)
{
	bad_attached(id, text, false, sentence);
}

START_TEST(by_name)
{
	struct kept k = good(
	    METHOD_RECV, "{'timeout': 5, 'length': 7, 'socket': 12}", false);

	ck_assert_uint_eq(params_uint(&k.p, 0), 12);
	ck_assert_uint_eq(params_uint(&k.p, 1), 7);
	ck_assert_int_eq(params_timeout(&k.p, 2), 5);
	ck_assert_ptr_null(k.p.value[3]);
	json_decref(k.json);

	k = good(METHOD_RECV, "{'socket': 9223372036854775807, 'length': 0}", false);
	ck_assert_uint_eq(params_uint(&k.p, 0), INT64_MAX);
	ck_assert_int_eq(params_timeout(&k.p, 2), -1);
	json_decref(k.json);
}
END_TEST

START_TEST(by_position)
{
	struct kept k = good(METHOD_RECV, "[12, 7, 'infinity']", false);

	ck_assert_uint_eq(params_uint(&k.p, 0), 12);
	ck_assert_uint_eq(params_uint(&k.p, 1), 7);
	ck_assert_int_eq(params_timeout(&k.p, 2), -1);
	json_decref(k.json);

	k = good(METHOD_RECV, "[12, 7, null]", false);
	ck_assert_ptr_null(k.p.value[2]);
	json_decref(k.json);
	bad(METHOD_RECV, "[12, 7, 1, 1]", "too many params: gen_tcp.recv takes 3");
	bad(METHOD_RECV, "[12]", "missing param \"length\"");
	bad(METHOD_RECV, "[null, 7]", "missing param \"socket\"");
	bad(METHOD_SELF, "[null]", "too many params: session.self takes 0");
}
END_TEST

START_TEST(none)
{
	good(METHOD_SELF, NULL, false);
	json_decref(good(METHOD_SELF, "{}", false).json);
	json_decref(good(METHOD_SELF, "[]", false).json);
	good(METHOD_HELLO, NULL, false);
	bad(METHOD_CLOSE, NULL, "missing param \"socket\"");
	bad(METHOD_CLOSE, "{}", "missing param \"socket\"");
	bad(METHOD_CLOSE, "[]", "missing param \"socket\"");
	bad(METHOD_CLOSE, "1", "params must be an object or an array");
	bad(METHOD_CLOSE, "null", "params must be an object or an array");
	bad(METHOD_SELF, "'x'", "params must be an object or an array");
}
END_TEST

START_TEST(unknown_names)
{
	bad(METHOD_CLOSE, "{'socket': 1, 'foo': 2}", "unknown param \"foo\"");
	bad(METHOD_CLOSE, "{'socket': 1, 'Socket': 2}", "unknown param \"Socket\"");
	bad(METHOD_CLOSE, "{'socket': 1, '': 2}", "unknown param \"\"");
	bad(METHOD_CLOSE, "{'sock': 1}", "unknown param \"sock\"");
	bad(METHOD_SELF, "{'x': null}", "unknown param \"x\"");
	bad(METHOD_CLOSE, "{'\\u001b[2J\\n': 1}", "unknown param \"\\x1b[2J\\x0a\"");
	bad(METHOD_CLOSE,
	    "{'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa': 1}",
	    "unknown param \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"");
}
END_TEST

/* A sentence that does not fit is cut, and nothing else is touched. */
START_TEST(short_room)
{
	json_t *json = load("{'foo': 1}");
	struct params p;
	char why[12] = "...........";

	ck_assert_int_eq(params_read(method_row(METHOD_CLOSE), json, false, &p, why, 8),
	    REASON_INVALID_PARAMS);
	ck_assert_str_eq(why, "unknown");
	ck_assert_int_eq(why[8], '.');
	json_decref(json);
}
END_TEST

/* For one param of a method: values that are taken, and values that are not. */
struct type_case {
	enum method_id method;
	const char *format;   /* params, with a %s for the value */
	const char *sentence; /* for the bad ones */
	const char *good[12], *bad[20];
};

static const struct type_case type_cases[] = {
    {METHOD_CLOSE, "{'socket': %s}", "param \"socket\" must be a positive integer",
	{"1", "4294967296", "9223372036854775807"},
	{"0", "-1", "1.0", "5e0", "'1'", "true", "[]", "{}"}},
    {METHOD_CANCEL_MONITOR, "[%s]", "param \"monitor\" must be a positive integer", {"1"},
	{"0", "-1", "1.5", "'c'", "false"}},
    {METHOD_CONTROLLING_PROCESS, "[1, %s]", "param \"client\" must be a positive integer",
	{"1"}, {"0", "-1", "1.5", "'c'", "false"}},
    {METHOD_CONNECT, "{'address': %s, 'port': 1}",
	"param \"address\" must be a name or an address (a string or an object)",
	{"'localhost'", "'::1'", "''", "{'local': '/x'}", "{}"},
	{"1", "true", "['localhost']", "'a\\u0000b'"}},
    {METHOD_LISTEN, "[%s]",
	"param \"port\" must be an integer from 0 to 65535, or the name of a service",
	{"0", "65535", "'http'"},
	{"-1", "65536", "80.0", "''", "true", "{}", "'a\\u0000'"}},
    {METHOD_LISTEN, "[0, %s]",
	"param \"options\" must be an object or an array of options",
	{"{}", "[]", "['list']", "{'x': 1}"}, {"1", "'list'", "true"}},
    {METHOD_GETOPTS, "[1, %s]", "param \"names\" must be an array of names",
	{"[]", "['active', 'x']", "['active', {'raw': [6, 1, 4]}]",
	    "[['raw', [6, 1, 4]]]"},
	{"'active'", "{}", "1", "[1]", "['a', null]", "[{}]", "[{'a': 1, 'b': 2}]",
	    "[['raw']]", "[[1, 2]]"}},
    {METHOD_ACCEPT, "[1, %s]",
	"param \"timeout\" must be a whole number of ms, 0 or more, or \"infinity\"",
	{"0", "1", "9007199254740992", "'infinity'"},
	{"-1", "9007199254740993", "0.0", "1.5", "'Infinity'", "''", "true", "[]",
	    "'infinity\\u0000'"}},
    {METHOD_SEND, "[1, %s]",
	"param \"data\" must be a string, {\"base64\": text}, or an array of these and of bytes",
	{"''", "'x'", "'\\u0000'", "[]", "[1, 'a']", "{'base64': ''}"},
	{"1", "1.5", "true", "false"}},
    {METHOD_RECV, "[1, %s]", "param \"length\" must be an integer, 0 or more",
	{"0", "67108865", "9223372036854775807"}, {"-1", "0.0", "'1'", "true", "[]"}},
    {METHOD_SHUTDOWN, "[1, %s]",
	"param \"how\" must be \"read\", \"write\" or \"read_write\"",
	{"'read'", "'write'", "'read_write'"},
	{"'both'", "'READ'", "''", "1", "true", "'read\\u0000'"}},
    {METHOD_HELLO, "{'client': %s}", "param \"client\" must be a string without NUL",
	{"''", "'me/1.0'"}, {"1", "true", "{}", "'me\\u0000'"}},
    {METHOD_HELLO, "{'protocol': %s}", "param \"protocol\" must be an integer",
	{"1", "-1", "0"}, {"1.0", "'1'", "true"}},
    {METHOD_HELLO, "{'attachments': %s}", "param \"attachments\" must be true or false",
	{"true", "false"}, {"0", "1", "'true'", "[]"}},
    {METHOD_CONTROLLING_PROCESS, "[1, 2, %s]", "param \"messages\" must be an array",
	{"[]", "[{}]"}, {"{}", "''", "1", "true"}},
    {METHOD_CONTROLLING_PROCESS, "{'socket': 1, 'client': 2, 'active': %s}",
	"param \"active\" must be true, false, \"once\", or an integer from -32768 to 32767",
	{"true", "false", "'once'", "0", "-32768", "32767"},
	{"32768", "-32769", "1.0", "'true'", "'n'", "[]"}},
    {METHOD_CANCEL, "{'id': %s}",
	"param \"id\" must be the id of a request: a string, an integer, or null",
	{"'a'", "''", "0", "-9007199254740992", "9007199254740992", "null"},
	{"1.5", "true", "[]", "{}", "9007199254740993"}},
};

START_TEST(types)
{
	const struct type_case *c = &type_cases[_i];
	char text[256];

	for (size_t i = 0; c->good[i] != NULL; i++) {
		snprintf(text, sizeof text, c->format, c->good[i]);
		json_decref(good(c->method, text, false).json);
	}
	for (size_t i = 0; c->bad[i] != NULL; i++) {
		snprintf(text, sizeof text, c->format, c->bad[i]);
		bad(c->method, text, c->sentence);
	}
}
END_TEST

START_TEST(nulls)
{
	struct kept k = good(METHOD_CONNECT,
	    "{'address': {}, 'port': null, 'options': null, 'timeout': null}", false);

	ck_assert_ptr_nonnull(k.p.value[0]);
	ck_assert_ptr_null(k.p.value[1]);
	ck_assert_ptr_null(k.p.value[2]);
	ck_assert_ptr_null(k.p.value[3]);
	json_decref(k.json);
	bad(METHOD_CLOSE, "{'socket': null}", "missing param \"socket\"");
	/* An id can be null. */
	k = good(METHOD_CANCEL, "[null]", false);
	ck_assert(json_is_null(k.p.value[0]));
	json_decref(k.json);
	bad(METHOD_CANCEL, "[]", "missing param \"id\"");
}
END_TEST

START_TEST(id_length)
{
	json_t *params = json_object();
	struct params p;
	char why[160], id[130];

	memset(id, 'i', sizeof id);
	json_object_set_new(params, "id", json_stringn(id, 128));
	ck_assert_int_eq(
	    params_read(method_row(METHOD_CANCEL), params, false, &p, why, sizeof why),
	    0);
	json_object_set_new(params, "id", json_stringn(id, 129));
	ck_assert_int_eq(
	    params_read(method_row(METHOD_CANCEL), params, false, &p, why, sizeof why),
	    REASON_INVALID_PARAMS);
	json_decref(params);
}
END_TEST

START_TEST(attachments)
{
	struct kept k = good(METHOD_SEND, "{'socket': 3}", true);

	ck_assert_ptr_null(k.p.value[1]);
	json_decref(k.json);
	json_decref(good(METHOD_SEND, "[3]", true).json);
	json_decref(good(METHOD_UNRECV, "[3, null]", true).json);
	bad_attached(
	    METHOD_SEND, "[3, 'x']", true, "param \"data\" beside an attachment");
	bad_attached(METHOD_SEND, "{'socket': 3, 'data': ''}", true,
	    "param \"data\" beside an attachment");
	bad_attached(METHOD_SEND, NULL, true, "missing param \"socket\"");
	bad_attached(METHOD_CLOSE, "[3]", true, "gen_tcp.close takes no attachment");
	bad_attached(
	    METHOD_HELLO, "{'data': 'auto'}", true, "session.hello takes no attachment");
	bad(METHOD_SEND, "[3]", "missing param \"data\"");
}
END_TEST

START_TEST(strings)
{
	struct kept k = good(METHOD_HELLO, "{'client': 'me/1', 'data': ''}", false);
	size_t len = 99;

	ck_assert_str_eq(params_string(&k.p, 0, &len), "me/1");
	ck_assert_uint_eq(len, 4);
	ck_assert_str_eq(params_string(&k.p, 2, &len), "");
	ck_assert_uint_eq(len, 0);
	ck_assert_str_eq(params_string(&k.p, 0, NULL), "me/1");
	json_decref(k.json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("params");
	TCase *tcase = tcase_create("params");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, by_name);
	tcase_add_test(tcase, by_position);
	tcase_add_test(tcase, none);
	tcase_add_test(tcase, unknown_names);
	tcase_add_test(tcase, short_room);
	tcase_add_loop_test(tcase, types, 0, sizeof type_cases / sizeof *type_cases);
	tcase_add_test(tcase, nulls);
	tcase_add_test(tcase, id_length);
	tcase_add_test(tcase, attachments);
	tcase_add_test(tcase, strings);
	return run_suite(suite);
}
