/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/value.h"
#include "tests/unit/rows.h"
#include "tests/unit/run.h"

static void
good(const char *name, const char *text, const char *printed)
{
	const struct option_row *row = option_find(name, strlen(name));
	json_t *json = load(text);
	struct option_value v;
	struct value_error e;

	ck_assert_msg(
	    value_read(row, json, &v, &e) == 0, "%s %s: %s", name, text, e.text);
	ck_assert_int_eq(v.id, row->id);
	expect_json(value_new(&v), printed);
	json_decref(json);
}

static void
bad(const char *name, const char *text, const char *sentence)
{
	const struct option_row *row = option_find(name, strlen(name));
	json_t *json = load(text);
	struct option_value v;
	struct value_error e;

	ck_assert_msg(value_read(row, json, &v, &e) == -1, "%s %s", name, text);
	ck_assert_ptr_eq(e.option, row->name);
	ck_assert_str_eq(e.text, sentence);
	json_decref(json);
}

struct type_case {
	const char *name;
	const char *good[12]; /* each prints as it is written */
	const char *bad[20];
	const char *sentence;
};

static const struct type_case type_cases[] = {
    {"nodelay", {"true", "false"}, {"0", "1", "'true'", "null", "[]", "{}", "1.0"},
	"option \"nodelay\" must be true or false"},
    {"packet_size", {"0", "1", "2147483647"},
	{"-1", "2147483648", "1.0", "'1'", "true", "null", "[1]"},
	"option \"packet_size\" must be an integer from 0 to 2147483647"},
    {"buffer", {"0", "-5", "1460", "-2147483648"}, {"4294967303", "'a'", "2147483648"},
	"option \"buffer\" must be an integer from -2147483648 to 2147483647"},
    {"line_delimiter", {"0", "10", "255"}, {"-1", "256", "'\\n'"},
	"option \"line_delimiter\" must be an integer from 0 to 255"},
    {"header", {"0", "65535"}, {"-1", "65536", "'a'"},
	"option \"header\" must be an integer from 0 to 65535"},
    {"port", {"0", "65535"}, {"-1", "65536", "'http'"},
	"option \"port\" must be an integer from 0 to 65535"},
    {"backlog", {"0", "-1", "70000"}, {"1.5", "'5'", "true"},
	"option \"backlog\" must be an integer from -2147483648 to 2147483647"},
    {"high_watermark", {"0", "-1", "104857600"}, {"'x'", "1e3"},
	"option \"high_watermark\" must be an integer from -2147483648 to 2147483647"},
    {"send_timeout", {"0", "5000", "9007199254740992", "'infinity'"},
	{"-1", "9007199254740993", "1.5", "'a'", "true", "null", "'infinity\\u0000'"},
	"option \"send_timeout\" must be a whole number of ms, 0 or more, or \"infinity\""},
    {"mode", {"'binary'", "'list'"}, {"'foo'", "0", "true", "'binary\\u0000'", "''"},
	"option \"mode\" must be one of \"binary\", \"list\""},
    {"deliver", {"'port'", "'term'"}, {"'http'", "0", "true", "null"},
	"option \"deliver\" must be one of \"port\", \"term\""},
    {"family", {"'inet'", "'inet6'", "'local'"}, {"'ipx'", "4", "null"},
	"option \"family\" must be one of \"inet\", \"inet6\", \"local\""},
    {"packet",
	{"0", "1", "2", "4", "'line'", "'sunrm'", "'tpkt'", "'http'", "'httph_bin'"},
	{"3", "8", "-1", "'foo'", "'0'", "'1'", "1.0", "true", "null", "4294967297"},
	"option \"packet\" must be one of 0, \"raw\", 1, 2, 4, \"line\", "
	"\"sunrm\", \"asn1\", \"cdr\", \"fcgi\", \"tpkt\", "
	"\"http\", \"httph\", \"http_bin\", \"httph_bin\""},
    {"active", {"true", "false", "'once'", "0", "1", "-32768", "32767"},
	{"32768", "-32769", "1.0", "'maybe'", "'true'", "null", "[true]"},
	"option \"active\" must be true, false, \"once\", or an integer from -32768 to 32767"},
    {"linger", {"[true,5]", "[false,0]", "[true,2147483647]"},
	{"true", "[true]", "[1,2]", "[true,'a']", "[true,-1]", "[true,1,2]",
	    "[true,2147483648]", "[]", "{}", "5"},
	"option \"linger\" must be [true or false, seconds]"},
    {"inet_backend", {"'inet'", "'socket'"}, {"'inet6'", "true", "null"},
	"option \"inet_backend\" must be one of \"inet\", \"socket\""},
    {"tcp_module", {"'inet_tcp'", "'inet6_tcp'", "'local_tcp'"}, {"'inet'", "1", "null"},
	"option \"tcp_module\" must be one of \"inet_tcp\", \"inet6_tcp\", \"local_tcp\""},
    {"protocol", {"'tcp'", "'mptcp'"}, {"'udp'", "6", "null", "true"},
	"option \"protocol\" must be one of \"tcp\", \"mptcp\""},
    {"high_msgq_watermark", {"1", "-1", "2147483647"},
	{"2147483648", "4294967297", "'1'"},
	"option \"high_msgq_watermark\" must be an integer from -2147483648 to 2147483647"},
    {"fd", {"'passed'"}, {"7", "-1", "'x'", "null", "true"},
	"option \"fd\" must be \"passed\""},
    {"binary", {NULL}, {"true", "null", "'binary'"},
	"option \"binary\" takes no value: write \"mode\": \"binary\""},
    {"inet6", {NULL}, {"true"},
	"option \"inet6\" takes no value: write \"family\": \"inet6\""},
    {"ip",
	{"'127.0.0.1'", "'::1'", "'any'", "'loopback'", "{'local':'/tmp/x'}",
	    "{'local':{'base64':'AGFiYw=='}}"},
	{"{'family':'inet','addr':'127.0.0.1'}", "{'family':'local','addr':'/x'}"},
	"option \"ip\" must be an address, without a port"},
    {"ifaddr",
	{"'127.0.0.1'", "'any'", "{'local':'/tmp/x'}",
	    "{'family':'inet','addr':'1.2.3.4','port':5}",
	    "{'family':'local','addr':'/x'}"},
	{"1", "true", "[127,0,0,1]", "{}", "null", "{'local':'/x','port':0}"},
	"option \"ifaddr\": an address must be a string, {\"local\": path} or a sockaddr "
	"object"},
};

START_TEST(types)
{
	const struct type_case *c = &type_cases[_i];

	for (size_t i = 0; c->good[i] != NULL; i++)
		good(c->name, c->good[i], c->good[i]);
	for (size_t i = 0; c->bad[i] != NULL; i++)
		bad(c->name, c->bad[i], c->sentence);
}
END_TEST

static bool
takes_bytes(const struct option_row *row)
{
	return row->type == OPTION_T_DEVICE || row->type == OPTION_T_PATH;
}

/* Bytes are taken in all their forms, and shown in one. */
START_TEST(devices)
{
	static const char sentence[] =
	    "option \"bind_to_device\" must be the name of a device, 15 bytes at most and "
	    "no NUL";

	good("bind_to_device", "'lo'", "'lo'");
	good("bind_to_device", "''", "''");
	good("bind_to_device", "[]", "''");
	good("bind_to_device", "[108, 'o']", "'lo'");
	good("bind_to_device", "{'base64':'bG8='}", "'lo'");
	good("bind_to_device", "[255]", "{'base64':'/w=='}");
	good("bind_to_device", "'0123456789abcde'", "'0123456789abcde'");
	bad("bind_to_device", "'0123456789abcdef'", sentence);
	bad("bind_to_device", "['01234567', '89abcdef']", sentence);
	bad("bind_to_device", "'l\\u0000'", sentence);
	bad("bind_to_device", "7", sentence);
	bad("bind_to_device", "true", sentence);
}
END_TEST

START_TEST(paths)
{
	static const char sentence[] =
	    "option \"netns\" must be a path, 255 bytes at most and no NUL";
	char text[300];

	good("netns", "'/run/netns/blue'", "'/run/netns/blue'");
	good("netns", "['/run', ['/netns/', 98]]", "'/run/netns/b'");
	good("netns", "{'base64':'/w=='}", "{'base64':'/w=='}");
	good("netns", "''", "''");
	bad("netns", "'/run\\u0000'", sentence);
	bad("netns", "true", sentence);
	(void)snprintf(text, sizeof text, "'%0255d'", 0);
	good("netns", text, text);
	(void)snprintf(text, sizeof text, "'%0256d'", 0);
	bad("netns", text, sentence);
}
END_TEST

START_TEST(raw)
{
	static const char sentence[] = "option \"raw\" must be [protocol, option, bytes]";
	struct option_value v;
	struct value_error e;
	json_t *json;

	good("raw", "[6, 1, [1, 0, 0, 0]]", "[6,1,{'base64':'AQAAAA=='}]");
	good("raw", "[-1, 2147483647, 'ab']", "[-1,2147483647,{'base64':'YWI='}]");
	good("raw", "[6, 1, {'base64':'AQAAAA=='}]", "[6,1,{'base64':'AQAAAA=='}]");
	good("raw", "[6, 1, '']", "[6,1,{'base64':''}]");
	bad("raw", "[6, 1, 4]", sentence);
	bad("raw", "[6, 1]", sentence);
	bad("raw", "[6, 1, 'a', 'b']", sentence);
	bad("raw", "['6', 1, 'a']", sentence);
	bad("raw", "[6, 2147483648, 'a']", sentence);
	bad("raw", "[6, 1, [256]]", sentence);
	bad("raw", "{'protocol':6}", sentence);
	bad("raw", "'raw'", sentence);
	/* Of a long value the length is known, and no more is kept than there is room. */
	json = json_pack("[i, i, o]", 6, 1, json_sprintf("%1000d", 7));
	ck_assert_int_eq(value_read(option_row(OPTION_RAW), json, &v, &e), 0);
	ck_assert_uint_eq(v.u.raw.len, 1000);
	ck_assert_mem_eq(
	    v.u.raw.data, "                                ", OPTION_RAW_MAX);
	json_decref(json);
	json = json_pack("[i, i, o]", 6, 1, json_sprintf("%65537d", 7));
	ck_assert_int_eq(value_read(option_row(OPTION_RAW), json, &v, &e), -1);
	json_decref(json);
}
END_TEST

START_TEST(raw_questions)
{
	static const struct {
		const char *text;
		int result;
		size_t size;
	} rows[] = {
	    {"[6, 1, 4]", 0, 4},
	    {"[6, 1, 0]", 0, 0},
	    {"[6, 1, 65536]", 0, 65536},
	    {"[6, 1, 'abcd']", 0, 4},
	    {"[6, 1, '']", 0, 0},
	    {"[6, 1, 65537]", -1, 0},
	    {"[6, 1, -1]", -1, 0},
	    {"[6, 1, 4.0]", -1, 0},
	    {"[6, 1, true]", -1, 0},
	    {"[6, 1]", -1, 0},
	    {"[6, null, 4]", -1, 0},
	    {"6", -1, 0},
	};
	struct option_value v;
	struct value_error e;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *json = load(rows[i].text);

		ck_assert_int_eq(value_read_raw_name(json, &v, &e), rows[i].result);
		if (rows[i].result == 0)
			ck_assert_uint_eq(v.u.raw.len, rows[i].size);
		else
			ck_assert_str_eq(e.option, "raw");
		json_decref(json);
	}
}
END_TEST

START_TEST(pktoptions)
{
	struct option_value v = {.id = OPTION_PKTOPTIONS, .u.packet = {.count = 0}};

	expect_json(value_new(&v), "[]");
	v.u.packet.count = 2;
	v.u.packet.items[0].id = OPTION_TTL;
	v.u.packet.items[0].number = 77;
	v.u.packet.items[1].id = OPTION_TOS;
	v.u.packet.items[1].number = 8;
	expect_json(value_new(&v), "[{'ttl':77},{'tos':8}]");
	bad("pktoptions", "[]", "option \"pktoptions\" can only be asked for");
}
END_TEST

/* Every option takes at least its own kind, and no object of nonsense. */
START_TEST(no_option_takes_nonsense)
{
	static const char *const texts[] = {"{'a':1}", "[[]]", "1.5", "''", "null"};

	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option_id)i);

		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
			json_t *json = load(texts[k]);
			struct option_value v;
			struct value_error e = {0};

			/* no bytes are a value where bytes are taken */
			if (takes_bytes(row) && (k == 1 || k == 3)) {
				json_decref(json);
				continue;
			}

			ck_assert_msg(value_read(row, json, &v, &e) == -1, "%s %s",
			    row->name, texts[k]);
			ck_assert_ptr_eq(e.option, row->name);
			ck_assert_ptr_nonnull(strstr(e.text, row->name));
			json_decref(json);
		}
	}
}
END_TEST

START_TEST(raw_is_zero)
{
	good("packet", "'raw'", "0");
}
END_TEST

START_TEST(values_inside)
{
	static const struct {
		const char *text;
		enum option_active mode;
		int n;
	} actives[] = {
	    {"true", OPTION_ACTIVE_TRUE, 0},
	    {"false", OPTION_ACTIVE_FALSE, 0},
	    {"'once'", OPTION_ACTIVE_ONCE, 0},
	    {"-7", OPTION_ACTIVE_N, -7},
	    {"0", OPTION_ACTIVE_N, 0},
	};
	struct option_value v;
	struct value_error e;
	json_t *json;

	for (size_t i = 0; i < sizeof actives / sizeof *actives; i++) {
		json = load(actives[i].text);
		ck_assert_int_eq(value_read(option_row(OPTION_ACTIVE), json, &v, &e), 0);
		ck_assert_int_eq(v.u.active.mode, actives[i].mode);
		if (actives[i].mode == OPTION_ACTIVE_N)
			ck_assert_int_eq(v.u.active.n, actives[i].n);
		json_decref(json);
	}
	json = load("[true, 30]");
	ck_assert_int_eq(value_read(option_row(OPTION_LINGER), json, &v, &e), 0);
	ck_assert(v.u.linger.on);
	ck_assert_int_eq(v.u.linger.seconds, 30);
	json_decref(json);
	json = load("'infinity'");
	ck_assert_int_eq(value_read(option_row(OPTION_SEND_TIMEOUT), json, &v, &e), 0);
	ck_assert_int_eq(v.u.number, OPTION_INFINITY);
	json_decref(json);
}
END_TEST

/* --- lists ------------------------------------------------------------- */

/* Reads, and prints what was read as "name=json;". */
static void
expect_list(const char *text, unsigned when, const char *printed)
{
	json_t *json = text == NULL ? NULL : load(text), *value;
	struct option_list list = {0};
	struct value_error e;
	char got[1024] = "", *dump;
	size_t at = 0;

	ck_assert_msg(
	    value_read_options(json, when, &list, &e) == 0, "%s: %s", text, e.text);
	for (size_t i = 0; i < list.count; i++) {
		value = value_new(&list.items[i]);
		dump = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		at += (size_t)snprintf(got + at, sizeof got - at, "%s=%s;",
		    option_row(list.items[i].id)->name, dump);
		ck_assert_uint_lt(at, sizeof got);
		free(dump);
		json_decref(value);
	}
	ck_assert_str_eq(got, printed);
	option_list_fini(&list);
	json_decref(json);
}

static void
refuse_list(const char *text, unsigned when, const char *option, const char *sentence)
{
	json_t *json = load(text);
	struct option_value v = {.id = OPTION_BUFFER, .u.number = 42};
	struct option_list list = {0};
	struct value_error e;

	ck_assert(option_list_add(&list, &v));
	ck_assert_msg(value_read_options(json, when, &list, &e) == -1, "%s", text);
	ck_assert_str_eq(e.text, sentence);
	if (option == NULL)
		ck_assert_ptr_null(e.option);
	else
		ck_assert_str_eq(e.option, option);
	/* Nothing of it was taken. */
	ck_assert_uint_eq(list.count, 1);
	ck_assert_int_eq(list.items[0].u.number, 42);
	option_list_fini(&list);
	json_decref(json);
}

START_TEST(list_forms)
{
	expect_list(NULL, OPTION_AT_SET, "");
	expect_list("{}", OPTION_AT_SET, "");
	expect_list("[]", OPTION_AT_SET, "");
	expect_list("{'packet': 4, 'active': 'once', 'nodelay': true}", OPTION_AT_CONNECT,
	    "packet=4;active=\"once\";nodelay=true;");
	expect_list("['binary', {'packet': 4}, ['active', false], 'inet6', 'list']",
	    OPTION_AT_CONNECT,
	    "mode=\"binary\";packet=4;active=false;family=\"inet6\";mode=\"list\";");
	expect_list("[['linger', [true, 5]], {'ip': {'local': '/x'}}, 'local']",
	    OPTION_AT_LISTEN, "linger=[true,5];ip={\"local\":\"/x\"};family=\"local\";");
	expect_list("[['active', 3], ['active', 2], {'active': true}]", OPTION_AT_SET,
	    "active=3;active=2;active=true;");
	/* Any of several occasions will do. */
	expect_list("{'backlog': 7, 'nopush': true}",
	    OPTION_AT_LISTEN | OPTION_AT_CONNECT | OPTION_AT_SET,
	    "backlog=7;nopush=true;");
}
END_TEST

START_TEST(list_shapes_refused)
{
	static const char element[] =
	    "an element of options must be a name, an object with one member or [name, value]";

	refuse_list("1", OPTION_AT_SET, NULL, "options must be an object or an array");
	refuse_list(
	    "'binary'", OPTION_AT_SET, NULL, "options must be an object or an array");
	refuse_list("[1]", OPTION_AT_SET, NULL, element);
	refuse_list("[null]", OPTION_AT_SET, NULL, element);
	refuse_list("[[]]", OPTION_AT_SET, NULL, element);
	refuse_list("[{}]", OPTION_AT_SET, NULL, element);
	refuse_list("[['active']]", OPTION_AT_SET, NULL, element);
	refuse_list("[['active', true, 1]]", OPTION_AT_SET, NULL, element);
	refuse_list("[[1, 'active']]", OPTION_AT_SET, NULL, element);
	refuse_list("[{'active': true, 'packet': 1}]", OPTION_AT_SET, NULL, element);
	/* The good ones before it do not help. */
	refuse_list("['binary', {'packet': 4}, 7]", OPTION_AT_SET, NULL, element);
}
END_TEST

START_TEST(list_names_refused)
{
	refuse_list("{'foo': 1}", OPTION_AT_SET, "foo", "unknown option \"foo\"");
	refuse_list("['foo']", OPTION_AT_SET, "foo", "unknown option \"foo\"");
	refuse_list("[['fo\\u0007o', 1]]", OPTION_AT_SET, "fo\007o",
	    "unknown option \"fo\\x07o\"");
	refuse_list(
	    "['binary\\u0000']", OPTION_AT_SET, NULL, "unknown option \"binary\\x00\"");
	refuse_list("{'active': true, 'packet': 3}", OPTION_AT_SET, "packet",
	    "option \"packet\" must be one of 0, \"raw\", 1, 2, 4, \"line\", "
	    "\"sunrm\", \"asn1\", \"cdr\", \"fcgi\", \"tpkt\", "
	    "\"http\", \"httph\", \"http_bin\", \"httph_bin\"");
	refuse_list(
	    "['active']", OPTION_AT_SET, "active", "option \"active\" needs a value");
	refuse_list("{'binary': true}", OPTION_AT_SET, "binary",
	    "option \"binary\" takes no value: write \"mode\": \"binary\"");
	refuse_list("[['list', null]]", OPTION_AT_SET, "list",
	    "option \"list\" takes no value: write \"mode\": \"list\"");
}
END_TEST

START_TEST(list_when_refused)
{
	refuse_list("{'backlog': 5}", OPTION_AT_CONNECT, "backlog",
	    "option \"backlog\" cannot be given to connect");
	refuse_list("{'line_delimiter': 5}", OPTION_AT_LISTEN, "line_delimiter",
	    "option \"line_delimiter\" cannot be given to listen");
	refuse_list("['inet6']", OPTION_AT_SET, "inet6",
	    "option \"inet6\" cannot be set on a socket that exists");
	refuse_list("{'ip': '::1'}", OPTION_AT_SET, "ip",
	    "option \"ip\" cannot be set on a socket that exists");
	refuse_list("{'nopush': true}", OPTION_AT_CONNECT | OPTION_AT_LISTEN, "nopush",
	    "option \"nopush\" cannot be given here");
}
END_TEST

START_TEST(list_too_long)
{
	json_t *json = json_array();
	struct option_list list = {0};
	struct value_error e;

	for (unsigned i = 0; i < OPTION_LIST_MAX; i++)
		json_array_append_new(json, json_string("binary"));
	ck_assert_int_eq(value_read_options(json, OPTION_AT_SET, &list, &e), 0);
	ck_assert_uint_eq(list.count, OPTION_LIST_MAX);
	/* It is full: nothing more can be added to it. */
	ck_assert_int_eq(value_read_options(json, OPTION_AT_SET, &list, &e), -1);
	ck_assert_str_eq(e.text, "more than 1024 options");
	ck_assert_uint_eq(list.count, OPTION_LIST_MAX);
	option_list_fini(&list);
	json_decref(json);
}
END_TEST

/* --- without memory ---------------------------------------------------- */

static int allowed;

static void *
scarce_malloc(size_t size)
{
	return allowed-- > 0 ? malloc(size) : NULL;
}

/* NULL each time that memory ends before the value does, and nothing is lost. */
START_TEST(printing_without_memory)
{
	static const char *const texts[] = {
	    "{'ifaddr':{'family':'inet6','addr':'fe80::1','port':1}}",
	    "{'ifaddr':{'family':'local','addr':{'base64':'AGFi'}}}",
	    "{'linger':[true,5]}", "{'ip':{'local':'/x'}}", "{'packet':4}",
	    "{'packet':'line'}", "{'active':'once'}"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		json_t *json = load(texts[i]), *printed = NULL;
		struct option_list list = {0};
		struct value_error e;
		int tries;

		ck_assert_int_eq(
		    value_read_options(json, OPTION_AT_LISTEN, &list, &e), 0);
		json_set_alloc_funcs(scarce_malloc, free);
		for (tries = 0; printed == NULL && tries < 100; tries++) {
			allowed = tries;
			printed = value_new(&list.items[0]);
		}
		json_set_alloc_funcs(malloc, free);
		ck_assert_ptr_nonnull(printed);
		ck_assert_int_gt(tries, 1);
		json_decref(printed);
		option_list_fini(&list);
		json_decref(json);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("value");
	TCase *tcase = tcase_create("value");

	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, types, 0, sizeof type_cases / sizeof *type_cases);
	tcase_add_test(tcase, devices);
	tcase_add_test(tcase, paths);
	tcase_add_test(tcase, raw);
	tcase_add_test(tcase, raw_questions);
	tcase_add_test(tcase, pktoptions);
	tcase_add_test(tcase, no_option_takes_nonsense);
	tcase_add_test(tcase, raw_is_zero);
	tcase_add_test(tcase, values_inside);
	tcase_add_test(tcase, list_forms);
	tcase_add_test(tcase, list_shapes_refused);
	tcase_add_test(tcase, list_names_refused);
	tcase_add_test(tcase, list_when_refused);
	tcase_add_test(tcase, list_too_long);
	tcase_add_test(tcase, printing_without_memory);
	return run_suite(suite);
}
