/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/option.h"
#include "tests/unit/run.h"

static const struct option_row *
find(const char *name)
{
	return option_find(name, strlen(name));
}

START_TEST(complete)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option_id)i);

		ck_assert_msg(row->name != NULL, "row %d", i);
		ck_assert_int_eq(row->id, i);
		ck_assert_msg(
		    row->help != NULL && strlen(row->help) > 5, "%s", row->name);
		ck_assert_msg(strchr(row->help, '\n') == NULL, "%s", row->name);
		ck_assert_msg(
		    row->initial != NULL && *row->initial != '\0', "%s", row->name);
		ck_assert_msg(row->families != 0, "%s", row->name);
		ck_assert_msg(row->when != 0, "%s", row->name);
		ck_assert_msg(row->min <= row->max, "%s", row->name);
		ck_assert_int_eq(row->choices != NULL, row->type == OPTION_T_CHOICE);
		/* What only the kernel knows has a number there. */
		if (row->inherit == OPTION_BY_KERNEL ||
		    row->inherit == OPTION_READ_AND_SET)
			ck_assert_msg(
			    row->optname != 0 || i == OPTION_RAW, "%s", row->name);
		if (row->optname != 0)
			ck_assert_msg(row->inherit != OPTION_COPIED, "%s", row->name);
	}
}
END_TEST

START_TEST(found_by_name)
{
	char text[64];

	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option_id)i);
		size_t len = strlen(row->name);

		ck_assert_ptr_eq(option_find(row->name, len), row);
		/* The name need not end where the text does. */
		ck_assert_uint_lt(len + 2, sizeof text);
		memcpy(text, row->name, len);
		memcpy(text + len, "xx", 2);
		ck_assert_ptr_eq(option_find(text, len), row);
		ck_assert_ptr_null(option_find(text, len + 1));
		ck_assert_ptr_null(option_find("", 0));
	}
	/* Beginnings of names, and names that other names begin with. */
	ck_assert_ptr_eq(find("inet"), option_row(OPTION_INET));
	ck_assert_ptr_eq(find("packet"), option_row(OPTION_PACKET));
	ck_assert_ptr_null(find("inet66"));
	ck_assert_ptr_null(find("pack"));
	ck_assert_ptr_null(find("a"));
	ck_assert_ptr_null(find("zzz"));
	ck_assert_ptr_null(find("ACTIVE"));
	ck_assert_ptr_null(option_find("active\0", 7));
	ck_assert_ptr_null(option_find("acti\0ve", 7));
	ck_assert_ptr_null(option_find("\0", 1));
}
END_TEST

START_TEST(bare_words)
{
	static const struct {
		const char *name;
		enum option_id id;
		int value;
	} words[] = {
	    {"binary", OPTION_MODE, OPTION_MODE_BINARY},
	    {"list", OPTION_MODE, OPTION_MODE_LIST},
	    {"inet", OPTION_FAMILY, OPTION_FAMILY_INET},
	    {"inet6", OPTION_FAMILY, OPTION_FAMILY_INET6},
	    {"local", OPTION_FAMILY, OPTION_FAMILY_LOCAL},
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		const struct option_row *row = find(words[i].name);

		ck_assert_int_eq(row->type, OPTION_T_BARE);
		ck_assert_int_eq(row->stands_for, words[i].id);
		ck_assert_int_eq(row->stands_value, words[i].value);
		/* A word has no value that could be asked for. */
		ck_assert_uint_eq(row->when & OPTION_AT_GET, 0);
		ck_assert_uint_eq(row->when, option_row(row->stands_for)->when & ~8U);
	}
}
END_TEST

START_TEST(when)
{
	enum {
		C = OPTION_AT_CONNECT,
		L = OPTION_AT_LISTEN,
		S = OPTION_AT_SET,
		G = OPTION_AT_GET
	};
	static const struct {
		const char *name;
		unsigned when;
	} rows[] = {
	    {"active", C | L | S | G},
	    {"mode", C | L | S | G},
	    {"packet", C | L | S | G},
	    {"line_delimiter", C | S},
	    {"buffer", C | L | S | G},
	    {"backlog", L},
	    {"ip", C | L},
	    {"ifaddr", C | L},
	    {"port", C | L},
	    {"fd", C | L},
	    {"tcp_module", C | L},
	    {"protocol", C | L},
	    {"inet_backend", C | L},
	    {"high_msgq_watermark", C | L | S | G},
	    {"bind_to_device", C | L | S | G},
	    {"debug", C | L | S | G},
	    {"raw", C | L | S | G},
	    {"netns", C | L | S | G},
	    {"pktoptions", G},
	    {"dontroute", C | L | S | G},
	    {"ipv6_v6only", C | L | S | G},
	    {"nopush", S | G},
	    {"recbuf", C | L | S | G},
	    {"reuseport", C | L | S | G},
	    {"keepidle", C | L | S | G},
	    {"inet6", C | L},
	    {"list", C | L | S},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(
		    find(rows[i].name)->when == rows[i].when, "%s", rows[i].name);
}
END_TEST

START_TEST(kernel_options)
{
	static const struct {
		const char *name;
		int level, optname;
		enum option_inherit inherit;
		unsigned families;
	} rows[] = {
	    {"reuseaddr", SOL_SOCKET, SO_REUSEADDR, OPTION_BY_KERNEL, OPTION_ON_ALL},
	    {"reuseport", SOL_SOCKET, SO_REUSEPORT, OPTION_BY_KERNEL, OPTION_ON_IP},
	    {"reuseport_lb", SOL_SOCKET, SO_REUSEPORT, OPTION_BY_KERNEL, OPTION_ON_IP},
	    {"keepalive", SOL_SOCKET, SO_KEEPALIVE, OPTION_READ_AND_SET, OPTION_ON_ALL},
	    {"linger", SOL_SOCKET, SO_LINGER, OPTION_READ_AND_SET, OPTION_ON_ALL},
	    {"nodelay", IPPROTO_TCP, TCP_NODELAY, OPTION_READ_AND_SET, OPTION_ON_IP},
	    {"tos", IPPROTO_IP, IP_TOS, OPTION_READ_AND_SET, OPTION_ON_IP},
	    {"tclass", IPPROTO_IPV6, IPV6_TCLASS, OPTION_READ_AND_SET, OPTION_ON_INET6},
	    {"ipv6_v6only", IPPROTO_IPV6, IPV6_V6ONLY, OPTION_NOT_INHERITED,
		OPTION_ON_INET6},
	    {"user_timeout", IPPROTO_TCP, TCP_USER_TIMEOUT, OPTION_BY_KERNEL,
		OPTION_ON_IP},
	    {"exclusiveaddruse", 0, 0, OPTION_NOT_INHERITED, OPTION_ON_IP},
	    {"active", 0, 0, OPTION_COPIED, OPTION_ON_ALL},
	    {"low_msgq_watermark", 0, 0, OPTION_COPIED, OPTION_ON_ALL},
	    {"debug", 0, 0, OPTION_NOT_INHERITED, OPTION_ON_ALL},
	    {"bind_to_device", SOL_SOCKET, SO_BINDTODEVICE, OPTION_BY_KERNEL,
		OPTION_ON_IP},
	    {"line_delimiter", 0, 0, OPTION_NOT_INHERITED, OPTION_ON_ALL},
	    {"buffer", 0, 0, OPTION_COPIED, OPTION_ON_ALL},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct option_row *row = find(rows[i].name);

		ck_assert_int_eq(row->level, rows[i].level);
		ck_assert_int_eq(row->optname, rows[i].optname);
		ck_assert_int_eq(row->inherit, rows[i].inherit);
		ck_assert_uint_eq(row->families, rows[i].families);
	}
}
END_TEST

/* The kernel has each of them, under the number and for the families given. */
START_TEST(kernel_knows)
{
	static const struct {
		int domain;
		unsigned family;
	} domains[] = {{AF_INET, OPTION_ON_INET}, {AF_UNIX, OPTION_ON_LOCAL}};

	for (size_t d = 0; d < 2; d++) {
		int fd = socket(domains[d].domain, SOCK_STREAM, 0);

		ck_assert_int_ge(fd, 0);
		for (int i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = option_row((enum option_id)i);
			unsigned char value[64];
			socklen_t len = sizeof value;

			if (row->optname == 0 || !(row->families & domains[d].family))
				continue;
			ck_assert_msg(
			    getsockopt(fd, row->level, row->optname, value, &len) == 0,
			    "%s", row->name);
			if (row->type != OPTION_T_DEVICE && row->type != OPTION_T_PACKET)
				ck_assert_uint_eq(len,
				    row->type == OPTION_T_LINGER ? sizeof(struct linger)
								 : sizeof(int));
		}
		close(fd);
	}
}
END_TEST

/* No two choices are written alike; each value has one way to be printed. */
START_TEST(choices)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_choice *c = option_row((enum option_id)i)->choices;

		for (; c != NULL && c->name != NULL; c++) {
			unsigned printed = 0;

			for (const struct option_choice *o =
				 option_row((enum option_id)i)->choices;
			     o->name != NULL; o++) {
				ck_assert(o == c || strcmp(o->name, c->name) != 0);
				printed += o->value == c->value && !o->alias;
			}
			ck_assert_uint_eq(printed, 1);
			if (c->number)
				ck_assert_uint_eq(
				    strspn(c->name, "0123456789"), strlen(c->name));
		}
	}
}
END_TEST

static struct option_value
number(enum option_id id, int64_t n)
{
	return (struct option_value){.id = id, .u.number = n};
}

START_TEST(list_order)
{
	struct option_list list = {0};
	struct option_value v;

	ck_assert_ptr_null(option_list_last(&list, OPTION_PACKET));
	for (int i = 0; i < 100; i++) {
		v = number(i % 2 == 0 ? OPTION_PACKET : OPTION_BUFFER, i);
		ck_assert(option_list_add(&list, &v));
	}
	ck_assert_uint_eq(list.count, 100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(list.items[i].u.number, i);
	ck_assert_int_eq(option_list_last(&list, OPTION_PACKET)->u.number, 98);
	ck_assert_int_eq(option_list_last(&list, OPTION_BUFFER)->u.number, 99);
	ck_assert_ptr_null(option_list_last(&list, OPTION_IP));
	option_list_fini(&list);
	ck_assert_ptr_null(list.items);
	ck_assert_uint_eq(list.count, 0);
	option_list_fini(&list);
}
END_TEST

START_TEST(lists_joined)
{
	struct option_list list = {0}, more = {0};
	struct option_value v;

	for (int i = 0; i < 20; i++) {
		v = number(OPTION_BUFFER, i);
		ck_assert(option_list_add(i < 5 ? &list : &more, &v));
	}
	ck_assert(option_list_join(&list, &more));
	ck_assert_uint_eq(list.count, 20);
	ck_assert_uint_eq(more.count, 15);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(list.items[i].u.number, i);
	while (option_list_add(&more, &v))
		continue;
	ck_assert(!option_list_join(&list, &more));
	option_list_fini(&list);
	option_list_fini(&more);
	ck_assert(option_list_join(&list, &more));
	ck_assert_uint_eq(list.count, 0);
}
END_TEST

START_TEST(list_limit)
{
	struct option_list list = {0};
	struct option_value v = number(OPTION_BUFFER, 1);
	unsigned added = 0;

	while (added <= OPTION_LIST_MAX && option_list_add(&list, &v))
		added++;
	ck_assert_uint_eq(added, OPTION_LIST_MAX);
	ck_assert_uint_eq(list.count, OPTION_LIST_MAX);
	option_list_fini(&list);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("option");
	TCase *tcase = tcase_create("option");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, complete);
	tcase_add_test(tcase, found_by_name);
	tcase_add_test(tcase, bare_words);
	tcase_add_test(tcase, when);
	tcase_add_test(tcase, kernel_options);
	tcase_add_test(tcase, kernel_knows);
	tcase_add_test(tcase, choices);
	tcase_add_test(tcase, list_order);
	tcase_add_test(tcase, lists_joined);
	tcase_add_test(tcase, list_limit);
	return run_suite(suite);
}
