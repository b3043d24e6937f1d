/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <string.h>

#include "proto/option_text.h"
#include "tests/unit/run.h"

static const struct option_row *
find(const char *name)
{
	const struct option_row *row = option_find(name, strlen(name));

	ck_assert_msg(row != NULL, "%s", name);
	return row;
}

/* What was put, as a string, against what it should be. */
static void
is(struct bytes *out, const char *name, const char *wanted)
{
	bytes_append_char(out, '\0');
	ck_assert(!bytes_failed(out));
	ck_assert_msg(strcmp((const char *)bytes_head(out), wanted) == 0, "%s: \"%s\"",
	    name, (const char *)bytes_head(out));
	bytes_fini(out);
}

START_TEST(values)
{
	static const struct {
		const char *name, *plain, *quoted;
	} rows[] = {
	    {"nodelay", "true, false", "true | false"},
	    {"port", "0..65535", "0..65535"},
	    {"packet_size", "0..2147483647 bytes", "0..2147483647 bytes"},
	    {"buffer", "a whole number of bytes", "a whole number of bytes"},
	    {"tos", "a whole number", "a whole number"},
	    {"send_timeout", "milliseconds from 0 on, infinity",
		"milliseconds from 0 on | \"infinity\""},
	    {"mode", "binary, list", "\"binary\" | \"list\""},
	    {"active", "true, false, once, -32768..32767",
		"true | false | \"once\" | -32768..32767"},
	    {"linger", "[true, seconds], [false, seconds]",
		"[true, seconds] | [false, seconds]"},
	    {"ip", "an address", "an address"},
	    {"fd", "passed", "\"passed\""},
	    {"inet6", "none, the word alone", "none, the word alone"},
	};
	struct bytes out = {0};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		option_put_values(&out, find(rows[i].name), ", ", OPTION_BARE_WORDS);
		is(&out, rows[i].name, rows[i].plain);
		option_put_values(&out, find(rows[i].name), " | ", OPTION_QUOTED);
		is(&out, rows[i].name, rows[i].quoted);
	}
	/* Numbers among the choices stand without quotes. */
	option_put_values(&out, find("packet"), "|", OPTION_QUOTED);
	bytes_truncate(&out, strlen("0|\"raw\"|1|2|4|"));
	is(&out, "packet", "0|\"raw\"|1|2|4|");
}
END_TEST

START_TEST(when_and_families)
{
	struct bytes out = {0};

	option_put_when(&out, find("active"));
	is(&out, "active", "connect, listen, setopts, getopts");
	option_put_when(&out, find("nopush"));
	is(&out, "nopush", "setopts, getopts");
	option_put_when(&out, find("backlog"));
	is(&out, "backlog", "listen");
	option_put_families(&out, find("active"));
	is(&out, "active", "inet, inet6, local");
	option_put_families(&out, find("tclass"));
	is(&out, "tclass", "inet6");
}
END_TEST

START_TEST(inheritance)
{
	ck_assert_str_eq(option_inherit_text(find("mode")), "hands it to the new socket");
	ck_assert_str_eq(
	    option_inherit_text(find("tos")), "asks the listener's and sets it");
	ck_assert_str_eq(option_inherit_text(find("sndbuf")), "the kernel hands it on");
	ck_assert_str_eq(option_inherit_text(find("backlog")), "does not hand it on");
}
END_TEST

/* Each row has words for all of it, which fit where they are printed. */
START_TEST(every_row)
{
	struct bytes out = {0};

	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option_id)i);

		option_put_values(&out, row, ", ", OPTION_BARE_WORDS);
		ck_assert_msg(bytes_len(&out) > 0, "%s: values", row->name);
		bytes_fini(&out);
		option_put_when(&out, row);
		ck_assert_msg(bytes_len(&out) > 0, "%s: when", row->name);
		bytes_fini(&out);
		option_put_families(&out, row);
		ck_assert_msg(bytes_len(&out) > 0, "%s: families", row->name);
		bytes_fini(&out);
		ck_assert_ptr_nonnull(option_inherit_text(row));
		ck_assert_msg(
		    (row->kernel != NULL) == (row->optname != 0), "%s", row->name);
		/* help goes on a line, note is of whole sentences */
		ck_assert_msg(row->help[strlen(row->help) - 1] != '.', "%s", row->name);
		ck_assert_msg(
		    row->note == NULL || row->note[strlen(row->note) - 1] == '.', "%s",
		    row->name);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("option_text");
	TCase *tcase = tcase_create("option_text");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, values);
	tcase_add_test(tcase, when_and_families);
	tcase_add_test(tcase, inheritance);
	tcase_add_test(tcase, every_row);
	return run_suite(suite);
}
