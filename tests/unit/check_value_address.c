/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/value.h"
#include "tests/unit/rows.h"
#include "tests/unit/run.h"

static struct address
read_address(const char *text)
{
	json_t *json = load(text);
	struct address a;
	struct value_error e;

	ck_assert_msg(value_read_address(json, &a, &e) == 0, "%s: %s", text, e.text);
	json_decref(json);
	return a;
}

static void
refuse_address(const char *text, const char *sentence)
{
	json_t *json = load(text);
	struct address a = {.kind = ADDRESS_LOOPBACK};
	struct value_error e;

	ck_assert_msg(value_read_address(json, &a, &e) == -1, "%s", text);
	ck_assert_str_eq(e.text, sentence);
	ck_assert_ptr_null(e.option);
	ck_assert_int_eq(a.kind, ADDRESS_LOOPBACK);
	json_decref(json);
}

START_TEST(address_texts)
{
	struct address a = read_address("'127.0.0.1'");

	ck_assert_int_eq(a.kind, ADDRESS_INET);
	ck_assert(!a.sockaddr);
	ck_assert_mem_eq(a.u.inet, "\177\0\0\1", 4);
	ck_assert_int_eq(read_address("'::1'").kind, ADDRESS_INET6);
	ck_assert_int_eq(read_address("'any'").kind, ADDRESS_ANY);
	ck_assert_int_eq(read_address("'loopback'").kind, ADDRESS_LOOPBACK);
	ck_assert_uint_eq(read_address("'fe80::1%3'").u.inet6.scope_id, 3);
	refuse_address("'localhost'", "\"localhost\" is not an address");
	refuse_address("'127.1'", "\"127.1\" is not an address");
	refuse_address("''", "\"\" is not an address");
	refuse_address("'127.0.0.1\\u0000'", "\"127.0.0.1\\x00\" is not an address");
	refuse_address("'\\u001b[31m'", "\"\\x1b[31m\" is not an address");
}
END_TEST

START_TEST(address_local)
{
	struct address a = read_address("{'local': '/tmp/x'}");

	ck_assert_int_eq(a.kind, ADDRESS_LOCAL);
	ck_assert_uint_eq(a.u.local.len, 6);
	ck_assert_mem_eq(a.u.local.path, "/tmp/x", 6);
	a = read_address("{'local': {'base64': 'AGFiYw=='}}");
	ck_assert_uint_eq(a.u.local.len, 4);
	ck_assert_mem_eq(a.u.local.path, "\0abc", 4);
	ck_assert_uint_eq(read_address("{'local': ''}").u.local.len, 0);
	ck_assert_uint_eq(read_address("{'local': '\\u0000a\\u0000'}").u.local.len, 3);
	refuse_address(
	    "{'local': 1}", "a local address must be a path, or {\"base64\": text}");
	refuse_address(
	    "{'local': {}}", "a local address must be a path, or {\"base64\": text}");
	refuse_address("{'local': {'base64': 1}}",
	    "a local address must be a path, or {\"base64\": text}");
	refuse_address("{'local': {'base64': '', 'x': 1}}",
	    "a local address must be a path, or {\"base64\": text}");
	refuse_address("{'local': {'base64': 'AGF'}}",
	    "the base64 text of a local address is not valid");
	refuse_address("{'local': '/tmp/a\\u0000b'}", "a path must not contain NUL");
	refuse_address("{'local': {'base64': 'YQBi'}}", "a path must not contain NUL");
}
END_TEST

/* Both ways of writing a path, around the longest that there is room for: it is cut,
 * and still longer than any kernel takes. */
START_TEST(address_local_length)
{
	char path[300], text[420], base64[420];
	memset(path, 'p', sizeof path);
	memset(base64, 'A', sizeof base64);
	snprintf(text, sizeof text, "{'local': '%.255s'}", path);
	ck_assert_uint_eq(read_address(text).u.local.len, 255);
	snprintf(text, sizeof text, "{'local': '%.256s'}", path);
	ck_assert_uint_eq(read_address(text).u.local.len, 255);
	snprintf(text, sizeof text, "{'local': {'base64': '%.340s'}}", base64);
	ck_assert_uint_eq(read_address(text).u.local.len, 255);
	snprintf(text, sizeof text, "{'local': {'base64': '%.344s'}}", base64);
	ck_assert_uint_eq(read_address(text).u.local.len, 255);
	snprintf(text, sizeof text, "{'local': {'base64': '%.348s'}}", base64);
	ck_assert_uint_eq(read_address(text).u.local.len, 255);
}
END_TEST

START_TEST(address_sockaddr)
{
	struct address a = read_address(
	    "{'family': 'inet6', 'addr': 'fe80::1', 'port': 80, 'scope_id': 2, "
	    "'flowinfo': 4294967295}");

	ck_assert_int_eq(a.kind, ADDRESS_INET6);
	ck_assert(a.sockaddr);
	ck_assert_uint_eq(a.port, 80);
	ck_assert_uint_eq(a.u.inet6.scope_id, 2);
	ck_assert_uint_eq(a.u.inet6.flowinfo, UINT32_MAX);
	a = read_address("{'family': 'inet', 'addr': '1.2.3.4'}");
	ck_assert(a.sockaddr);
	ck_assert_uint_eq(a.port, 0);
	ck_assert_mem_eq(a.u.inet, "\1\2\3\4", 4);
	a = read_address("{'family': 'inet', 'addr': 'loopback', 'port': 65535}");
	ck_assert_int_eq(a.kind, ADDRESS_INET);
	ck_assert_uint_eq(a.port, 65535);
	ck_assert_mem_eq(a.u.inet, "\177\0\0\1", 4);
	a = read_address("{'family': 'inet6', 'addr': 'loopback'}");
	ck_assert_mem_eq(a.u.inet6.addr, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	a = read_address("{'family': 'inet6', 'addr': 'any', 'scope_id': 1}");
	ck_assert_int_eq(a.kind, ADDRESS_INET6);
	ck_assert_uint_eq(a.u.inet6.scope_id, 1);
	/* What stands in the text counts, unless the member is there. */
	ck_assert_uint_eq(
	    read_address("{'family': 'inet6', 'addr': 'fe80::1%7'}").u.inet6.scope_id, 7);
	a = read_address("{'family': 'local', 'addr': '/x'}");
	ck_assert_int_eq(a.kind, ADDRESS_LOCAL);
	ck_assert(a.sockaddr);
}
END_TEST

START_TEST(address_sockaddr_refused)
{
	refuse_address("{'family': 'ipx', 'addr': 'x'}",
	    "a sockaddr's \"family\" must be \"inet\", \"inet6\" or \"local\"");
	refuse_address("{'family': 2, 'addr': 'x'}",
	    "a sockaddr's \"family\" must be \"inet\", \"inet6\" or \"local\"");
	refuse_address("{'family': 'inet'}", "a sockaddr's \"addr\" must be a string");
	refuse_address("{'family': 'inet', 'addr': 'x'}", "\"x\" is not an address");
	refuse_address("{'family': 'inet', 'addr': '::1'}",
	    "a sockaddr's \"addr\" must be of its \"family\"");
	refuse_address("{'family': 'inet6', 'addr': '1.2.3.4'}",
	    "a sockaddr's \"addr\" must be of its \"family\"");
	refuse_address("{'family': 'inet', 'addr': '1.2.3.4', 'port': 65536}",
	    "a sockaddr's \"port\" must be an integer from 0 to 65535");
	refuse_address("{'family': 'inet', 'addr': '1.2.3.4', 'port': '80'}",
	    "a sockaddr's \"port\" must be an integer from 0 to 65535");
	refuse_address("{'family': 'inet', 'addr': '1.2.3.4', 'scope_id': 1}",
	    "unknown member \"scope_id\" in a sockaddr");
	refuse_address("{'family': 'inet6', 'addr': '::1', 'scope_id': -1}",
	    "a sockaddr's \"scope_id\" must be an integer from 0 to 4294967295");
	refuse_address("{'family': 'inet6', 'addr': '::1', 'flowinfo': 4294967296}",
	    "a sockaddr's \"flowinfo\" must be an integer from 0 to 4294967295");
	refuse_address("{'family': 'inet6', 'addr': '::1', 'x': 1}",
	    "unknown member \"x\" in a sockaddr");
	refuse_address("{'family': 'local', 'addr': '/x', 'port': 0}",
	    "unknown member \"port\" in a sockaddr");
	refuse_address(
	    "{'family': 'local', 'path': '/x'}", "unknown member \"path\" in a sockaddr");
	refuse_address("{'family': 'local'}",
	    "a local address must be a path, or {\"base64\": text}");
}
END_TEST

START_TEST(address_printed)
{
	static const char *const texts[] = {
	    "{'family':'inet','addr':'1.2.3.4','port':5}",
	    "{'family':'inet6','addr':'fe80::1','port':0,'scope_id':3,'flowinfo':4294967295}",
	    "{'family':'local','addr':'/x'}",
	    "{'family':'local','addr':''}",
	    "{'family':'local','addr':{'base64':'AGFi'}}",
	    "{'family':'local','addr':{'base64':'/w=='}}",
	};
	struct address a;

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		a = read_address(texts[i]);
		expect_json(value_new_sockaddr(&a), texts[i]);
	}
	a = read_address("'fe80::1%2'");
	expect_json(value_new_host(&a), "'fe80::1%2'");
	a.u.inet6.scope_id = 0;
	expect_json(value_new_host(&a), "'fe80::1'");
	a = read_address("'1.2.3.4'");
	expect_json(value_new_host(&a), "'1.2.3.4'");
	/* One that the kernel gave is no sockaddr of the user's. */
	a = read_address("'127.0.0.1'");
	a.port = 80;
	expect_json(
	    value_new_sockaddr(&a), "{'family':'inet','addr':'127.0.0.1','port':80}");
	/* The longest name there is. */
	memset(&a, 0xff, sizeof a);
	a.kind = ADDRESS_LOCAL;
	a.sockaddr = true;
	a.u.local.len = sizeof a.u.local.path;
	json_decref(value_new_sockaddr(&a));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("value_address");
	TCase *tcase = tcase_create("value_address");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, address_texts);
	tcase_add_test(tcase, address_local);
	tcase_add_test(tcase, address_local_length);
	tcase_add_test(tcase, address_sockaddr);
	tcase_add_test(tcase, address_sockaddr_refused);
	tcase_add_test(tcase, address_printed);
	return run_suite(suite);
}
