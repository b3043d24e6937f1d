/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "rpc/access.h"
#include "tests/unit/run.h"

static struct address
at(const char *text, uint16_t port)
{
	struct address a;

	ck_assert_msg(address_parse(text, &a), "%s", text);
	a.port = port;
	return a;
}

static bool
has(const char *net, const char *address, uint16_t port)
{
	struct access_net one;
	const char *why = access_net_read(net, &one);
	struct access_nets nets = {.given = true, .list = &one, .count = 1};
	struct address a = at(address, port);

	ck_assert_msg(why == NULL, "%s: %s", net, why);
	return access_nets_have(&nets, &a);
}

START_TEST(networks)
{
	ck_assert(has("10.0.0.0/8", "10.255.255.255", 1));
	ck_assert(!has("10.0.0.0/8", "11.0.0.0", 1));
	ck_assert(has("10.0.0.0/9", "10.127.255.255", 1));
	ck_assert(!has("10.0.0.0/9", "10.128.0.0", 1));
	ck_assert(has("10.1.2.3", "10.1.2.3", 65535));
	ck_assert(!has("10.1.2.3/32", "10.1.2.2", 0));
	ck_assert(has("0.0.0.0/0", "255.255.255.255", 7));
	ck_assert(!has("0.0.0.0/0", "::1", 7));
	ck_assert(has("[::/0]", "fe80::1", 7));
	ck_assert(!has("[::/0]", "127.0.0.1", 7));
	ck_assert(has("[2001:db8::/33]", "2001:db8:7fff::1", 7));
	ck_assert(!has("[2001:db8::/33]", "2001:db8:8000::1", 7));
	ck_assert(has("[::1]", "::1", 7));
	ck_assert(has("*", "::1", 7));
	ck_assert(has("*", "1.2.3.4", 7));
	/* in IPv6's clothes */
	ck_assert(has("10.0.0.0/8", "::ffff:10.1.2.3", 7));
	ck_assert(!has("[::/0]", "::ffff:10.1.2.3", 7));
}
END_TEST

START_TEST(ports)
{
	ck_assert(has("*:80", "1.2.3.4", 80));
	ck_assert(!has("*:80", "1.2.3.4", 81));
	ck_assert(has("*:0", "1.2.3.4", 0));
	ck_assert(has("1.2.3.4:80-82", "1.2.3.4", 82));
	ck_assert(!has("1.2.3.4:80-82", "1.2.3.4", 83));
	ck_assert(!has("1.2.3.4:80-82", "1.2.3.4", 79));
	ck_assert(has("[::1]:65535", "::1", 65535));
	ck_assert(has("[::1/128]:1-65535", "::1", 1));
	ck_assert(!has("[::1/128]:1-65535", "::1", 0));
}
END_TEST

START_TEST(what_is_no_network)
{
	static const char *const wrong[] = {"", ":80", "10.0.0.0/", "10.0.0.0/33",
	    "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.1/8", "10.0/8", "localhost",
	    "*:", "*:65536", "*:-1", "*:1-", "*:2-1", "*:1-2-3", "*:http", "::1",
	    "::1/128", "2001:db8::/32:80", "[::1", "[::1]80", "[::1]:", "[10.0.0.1]:80",
	    "[*]", "[fe80::1%1]", "[::ffff:10.0.0.1]", "[::ffff:0.0.0.0/96]:80",
	    "[::/129]", "[::2/1]", "[]", "1.2.3.4:99999999999999999999",
	    "1111111111111111111111111111111111111111111111111111111111111111"};
	struct access_net net;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		ck_assert_msg(access_net_read(wrong[i], &net) != NULL, "%s", wrong[i]);
}
END_TEST

START_TEST(methods)
{
	ck_assert_uint_eq(access_methods("*"), ACCESS_ALL_METHODS);
	ck_assert_uint_eq(access_methods("gen_tcp.send"), UINT64_C(1) << METHOD_SEND);
	ck_assert_uint_eq(access_methods("file.*"), UINT64_C(1) << METHOD_SENDFILE);
	ck_assert_uint_eq(access_methods("gen_tcp.*") & access_methods("inet.*"), 0);
	ck_assert_uint_eq(access_methods("gen_tcp"), 0);
	ck_assert_uint_eq(access_methods("gen_tcp.s*"), 0);
	ck_assert_uint_eq(access_methods(""), 0);
	ck_assert_uint_eq(access_methods(".*"), 0);
}
END_TEST

START_TEST(the_first_rule_that_fits)
{
	uid_t seven[] = {7, 8};
	gid_t nine[] = {9};
	struct access_rule rules[3];
	struct access access = {.rules = rules, .count = 3};
	const gid_t in[] = {1, 2, 9}, out[] = {1, 2};

	for (size_t i = 0; i < 3; i++)
		access_rule_init(&rules[i]);
	rules[0].users.list = seven;
	rules[0].users.count = 2;
	rules[1].groups.list = nine;
	rules[1].groups.count = 1;
	ck_assert_ptr_eq(access_find(&access, 8, in, 3, false), &rules[0]);
	ck_assert_ptr_eq(access_find(&access, 5, in, 3, false), &rules[1]);
	ck_assert_ptr_eq(access_find(&access, 5, out, 2, false), &rules[2]);
	access.count = 2;
	ck_assert_ptr_null(access_find(&access, 5, out, 2, false));
	ck_assert_ptr_null(access_find(&access, 5, NULL, 0, false));
	ck_assert_ptr_null(access_find(NULL, 5, in, 3, false));
	/* the privileged are named, or have none */
	access.count = 3;
	ck_assert_ptr_eq(access_find(&access, 7, in, 3, true), &rules[0]);
	ck_assert_ptr_null(access_find(&access, 0, in, 3, true));
}
END_TEST

START_TEST(a_copy_is_apart)
{
	struct access from = {.count = 2, .has_admin = true, .admin = 5}, to;

	from.rules = calloc(2, sizeof(*from.rules));
	ck_assert_ptr_nonnull(from.rules);
	access_rule_init(&from.rules[0]);
	access_rule_init(&from.rules[1]);
	from.rules[1].users.list = calloc(1, sizeof(uid_t));
	from.rules[1].users.list[0] = 77;
	from.rules[1].users.count = 1;
	from.rules[1].max[LIMIT_SOCKETS] = 3;
	ck_assert(access_copy(&to, &from));
	access_fini(&from);
	ck_assert_uint_eq(to.count, 2);
	ck_assert(to.has_admin && to.admin == 5);
	ck_assert(access_has_uid(&to.rules[1].users, 77));
	ck_assert_uint_eq(to.rules[1].max[LIMIT_SOCKETS], 3);
	ck_assert_uint_eq(to.rules[0].methods, ACCESS_ALL_METHODS);
	access_fini(&to);
	ck_assert(access_copy(&to, &from));
	ck_assert_uint_eq(to.count, 0);
	access_fini(&to);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rpc/access");
	TCase *tc = tcase_create("access");

	tcase_add_test(tc, networks);
	tcase_add_test(tc, ports);
	tcase_add_test(tc, what_is_no_network);
	tcase_add_test(tc, methods);
	tcase_add_test(tc, the_first_rule_that_fits);
	tcase_add_test(tc, a_copy_is_apart);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
