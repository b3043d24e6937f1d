/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/address.h"
#include "tests/unit/run.h"

/* Both readers, and back: text is what is read, shown what is printed. */
static void
good(const char *text, enum address_kind kind, const char *shown)
{
	struct address a, host;
	char printed[ADDRESS_TEXT_MAX];

	ck_assert_msg(address_parse(text, &a), "%s", text);
	ck_assert_int_eq(a.kind, kind);
	ck_assert(!a.sockaddr);
	ck_assert_uint_eq(a.port, 0);
	address_format(&a, printed);
	ck_assert_str_eq(printed, shown);
	ck_assert_msg(address_parse_host(text, &host), "%s", text);
	ck_assert_int_eq(host.kind, kind);
}

static void
short_form(const char *text, const char *shown)
{
	struct address a = {.kind = ADDRESS_NONE};
	char printed[ADDRESS_TEXT_MAX];

	ck_assert_msg(!address_parse(text, &a), "%s", text);
	ck_assert_int_eq(a.kind, ADDRESS_NONE);
	ck_assert_msg(address_parse_host(text, &a), "%s", text);
	address_format(&a, printed);
	ck_assert_str_eq(printed, shown);
}

static void
bad(const char *text)
{
	struct address a = {.kind = ADDRESS_LOOPBACK, .port = 77};

	ck_assert_msg(!address_parse(text, &a), "%s", text);
	ck_assert_msg(!address_parse_host(text, &a), "%s", text);
	ck_assert_int_eq(a.kind, ADDRESS_LOOPBACK);
	ck_assert_uint_eq(a.port, 77);
}

START_TEST(inet)
{
	struct address a;

	good("127.0.0.1", ADDRESS_INET, "127.0.0.1");
	good("0.0.0.0", ADDRESS_INET, "0.0.0.0");
	good("255.255.255.255", ADDRESS_INET, "255.255.255.255");
	ck_assert(address_parse("1.2.3.4", &a));
	ck_assert_mem_eq(a.u.inet, "\1\2\3\4", 4);
}
END_TEST

/* As Erlang's inet:parse_address/1 answers them. */
START_TEST(inet_short)
{
	short_form("127.1", "127.0.0.1");
	short_form("1", "0.0.0.1");
	short_form("1.2.3", "1.2.0.3");
	short_form("256", "0.0.1.0");
	short_form("0x7f.1", "127.0.0.1");
	short_form("0X7F.1", "127.0.0.1");
	short_form("0177.0.0.1", "127.0.0.1");
	short_form("00000000000000177.1", "127.0.0.1");
	short_form("01.02.03.04", "1.2.3.4");
	short_form("0xffffffff", "255.255.255.255");
	short_form("4294967295", "255.255.255.255");
	short_form("1.16777215", "1.255.255.255");
	short_form("1.2.65535", "1.2.255.255");
	short_form("00", "0.0.0.0");
	short_form("0", "0.0.0.0");
	short_form("1.0x10", "1.0.0.16");
}
END_TEST

START_TEST(inet_bad)
{
	static const char *const texts[] = {"", ".", "1.", "1..2", "1.2.3.4.5",
	    "1.2.3.4.", "256.0.0.1", "1.2.3.256", "1.16777216", "1.2.65536", "4294967296",
	    "0x100000000", "99999999999999999999999", "040000000000", "08", "0x", "0x0",
	    "1.0x0", "0x7g", "1e", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "+1", "-1",
	    "localhost", "any", "1.2.3.4%lo", "\303\251"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		bad(texts[i]);
}
END_TEST

START_TEST(inet6)
{
	struct address a;

	good("::1", ADDRESS_INET6, "::1");
	good("::", ADDRESS_INET6, "::");
	good("FE80::A", ADDRESS_INET6, "fe80::a");
	good("1:2:3:4:5:6:7:8", ADDRESS_INET6, "1:2:3:4:5:6:7:8");
	good("1:2:3:4:5:6:1.2.3.4", ADDRESS_INET6, "1:2:3:4:5:6:102:304");
	good("::ffff:1.2.3.4", ADDRESS_INET6, "::ffff:1.2.3.4");
	good("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", ADDRESS_INET6,
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	ck_assert(address_parse("102:304::f", &a));
	ck_assert_mem_eq(a.u.inet6.addr, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\17", 16);
	ck_assert_uint_eq(a.u.inet6.scope_id, 0);
	ck_assert_uint_eq(a.u.inet6.flowinfo, 0);
}
END_TEST

START_TEST(inet6_bad)
{
	static const char *const texts[] = {":", ":::", "1::2::3", "::12345", "::00001",
	    "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3",
	    "::1.2.3.4:5", "::ffff:01.2.3.4", "::g", "[::1]", " ::1", "::1 ", "::1%",
	    "::%", "::1%a b", "::1%4294967296", "::1%no_such_interface_at_all",
	    "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555555555"};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		bad(texts[i]);
}
END_TEST

START_TEST(scope)
{
	struct address a;
	struct if_nameindex *names;
	char text[64];

	good("fe80::1%2", ADDRESS_INET6, "fe80::1");
	ck_assert(address_parse("fe80::1%2", &a));
	ck_assert_uint_eq(a.u.inet6.scope_id, 2);
	ck_assert(address_parse("fe80::1%4294967295", &a));
	ck_assert_uint_eq(a.u.inet6.scope_id, UINT32_MAX);

	names = if_nameindex();
	ck_assert_ptr_nonnull(names);
	for (size_t i = 0; names[i].if_name != NULL; i++) {
		snprintf(text, sizeof text, "fe80::1%%%s", names[i].if_name);
		ck_assert(address_parse(text, &a));
		ck_assert_uint_eq(a.u.inet6.scope_id, names[i].if_index);
	}
	if_freenameindex(names);
}
END_TEST

START_TEST(words)
{
	struct address a = {.kind = ADDRESS_ANY};
	char text[ADDRESS_TEXT_MAX];

	address_format(&a, text);
	ck_assert_str_eq(text, "any");
	a.kind = ADDRESS_LOOPBACK;
	address_format(&a, text);
	ck_assert_str_eq(text, "loopback");
	a.kind = ADDRESS_LOCAL;
	address_format(&a, text);
	ck_assert_str_eq(text, "");
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("address");
	TCase *tcase = tcase_create("address");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, inet);
	tcase_add_test(tcase, inet_short);
	tcase_add_test(tcase, inet_bad);
	tcase_add_test(tcase, inet6);
	tcase_add_test(tcase, inet6_bad);
	tcase_add_test(tcase, scope);
	tcase_add_test(tcase, words);
	return run_suite(suite);
}
