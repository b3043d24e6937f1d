/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reason.h"
#include "tests/unit/run.h"

START_TEST(posix)
{
	static const struct {
		int reason;
		const char *name;
	} rows[] = {
	    {ECONNREFUSED, "econnrefused"},
	    {EINVAL, "einval"},
	    {EALREADY, "ealready"},
	    {ENOTCONN, "enotconn"},
	    {ECONNRESET, "econnreset"},
	    {EMSGSIZE, "emsgsize"},
	    {EBADF, "ebadf"},
	    {EACCES, "eacces"},
	    {ENOMEM, "enomem"},
	    {E2BIG, "e2big"},
	    {EADDRNOTAVAIL, "eaddrnotavail"},
	    {EAFNOSUPPORT, "eafnosupport"},
	    {EPROTONOSUPPORT, "eprotonosupport"},
	    {ETIMEDOUT, "etimedout"},
	    {ENAMETOOLONG, "enametoolong"},
	    {EISCONN, "eisconn"},
	    {ENOTSUP, "enotsup"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_str_eq(reason_name(rows[i].reason), rows[i].name);
		ck_assert_int_eq(reason_from_name(rows[i].name), rows[i].reason);
	}
}
END_TEST

/* Whatever errno the C library can name has an atom, which leads back. */
START_TEST(all_errnos)
{
	unsigned named = 0;

	for (int e = 1; e < 4096; e++) {
		const char *c_name = strerrorname_np(e), *name = reason_name(e);

		if (c_name == NULL) {
			ck_assert_str_eq(name, "unknown");
			continue;
		}
		named++;
		ck_assert_int_eq(name[0], 'e');
		ck_assert_int_eq(reason_from_name(name), e);
		if (e != ENOTSUP) /* for which C has another name */
			ck_assert_int_eq(strcasecmp(name, c_name), 0);
	}
	ck_assert_uint_gt(named, 100);
}
END_TEST

START_TEST(aliases)
{
	ck_assert_int_eq(reason_from_name("eopnotsupp"), EOPNOTSUPP);
	ck_assert_int_eq(reason_from_name("ewouldblock"), EWOULDBLOCK);
	ck_assert_int_eq(reason_from_name("edeadlock"), EDEADLOCK);
}
END_TEST

START_TEST(own)
{
	static const struct {
		int reason, number;
		const char *name;
	} rows[] = {
	    {REASON_CLOSED, 10001, "closed"},
	    {REASON_TIMEOUT, 10002, "timeout"},
	    {REASON_NOT_OWNER, 10003, "not_owner"},
	    {REASON_BADARG, 10004, "badarg"},
	    {REASON_SYSTEM_LIMIT, 10005, "system_limit"},
	    {REASON_CANCELLED, 10006, "cancelled"},
	    {REASON_NXDOMAIN, 10007, "nxdomain"},
	    {REASON_NOPROC, 10008, "noproc"},
	    {REASON_OK, 0, "ok"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_int_eq(rows[i].reason, rows[i].number);
		ck_assert_str_eq(reason_name(rows[i].reason), rows[i].name);
		ck_assert_int_eq(reason_from_name(rows[i].name), rows[i].reason);
	}
}
END_TEST

START_TEST(json_rpc)
{
	ck_assert_str_eq(reason_name(-32700), "Parse error");
	ck_assert_str_eq(reason_name(-32600), "Invalid Request");
	ck_assert_str_eq(reason_name(-32601), "Method not found");
	ck_assert_str_eq(reason_name(-32602), "Invalid params");
	ck_assert_str_eq(reason_name(-32603), "Internal error");
	/* They are no atoms. */
	ck_assert_int_eq(reason_from_name("Parse error"), -1);
}
END_TEST

START_TEST(unknown)
{
	static const int numbers[] = {
	    -1, -32604, 41, 4095, 10000, 10009, 2147483647, -2147483647 - 1};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		ck_assert_str_eq(reason_name(numbers[i]), "unknown");
	ck_assert_int_eq(reason_from_name("unknown"), -1);
	ck_assert_int_eq(reason_from_name(""), -1);
	ck_assert_int_eq(reason_from_name("EINVAL"), -1);
	ck_assert_int_eq(reason_from_name("einva"), -1);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("reason");
	TCase *tcase = tcase_create("reason");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, posix);
	tcase_add_test(tcase, all_errnos);
	tcase_add_test(tcase, aliases);
	tcase_add_test(tcase, own);
	tcase_add_test(tcase, json_rpc);
	tcase_add_test(tcase, unknown);
	return run_suite(suite);
}
