/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "proto/wire_scan.h"
#include "tests/unit/run.h"

enum { RANDOM_OBJECTS = 6000 };

/* --- the scanner against jansson ---------------------------------------------- */

/* Random JSON; what it must be found to be is asked of jansson. */
struct author {
	struct chance chance;
	struct bytes out;
	bool escaped; /* a top-level key has a backslash */
};

static void
write_blank(struct author *a)
{
	static const char *const blanks[] = {" ", "\t", "  ", "\r", " \t \r "};

	if (chance(&a->chance, 6) == 0)
		bytes_append_str(&a->out, blanks[chance(&a->chance, 5)]);
}

/* Each is at most 9 bytes, and many of them would mislead a careless reader. */
static void
write_string(struct author *a, bool key, unsigned depth)
{
	static const char *const parts[] = {"a", "id", "attached", "fds", "\\\"", "\\\\",
	    "{", "}", "[", "]", ":", ",", "\\n", "\\u0061", "\xc3\xa9",
	    "\xf0\x9f\x98\x80", "\xe2\x82\xac", "\\ud83d\\ude00", "\\/", " ", "0", "\x7f",
	    "plain text of some length"};
	static const char *const keys[] = {"attached", "fds", "id", "attachedx",
	    "attache", "ids", "a", "Attached", "method", "", "fd"};
	unsigned i, n, part;

	bytes_append_char(&a->out, '"');
	if (key && chance(&a->chance, 8) != 0) {
		bytes_append_str(&a->out, keys[chance(&a->chance, 11)]);
	} else {
		n = chance(&a->chance, 5);
		for (i = 0; i < n; i++) {
			part = chance(&a->chance, 23);
			bytes_append_str(&a->out, parts[part]);
			if (key && depth == 1 && parts[part][0] == '\\')
				a->escaped = true;
		}
	}
	bytes_append_char(&a->out, '"');
}

static void write_value(struct author *a, unsigned depth);

static void
write_members(struct author *a, char kind, unsigned depth)
{
	unsigned i, n = chance(&a->chance, depth == 1 ? 7 : 4);

	bytes_append_char(&a->out, kind);
	for (i = 0; i < n; i++) {
		if (i > 0)
			bytes_append_char(&a->out, ',');
		write_blank(a);
		if (kind == '{') {
			write_string(a, true, depth);
			write_blank(a);
			bytes_append_char(&a->out, ':');
			write_blank(a);
		}
		write_value(a, depth + 1);
		write_blank(a);
	}
	write_blank(a);
	bytes_append_char(&a->out, kind == '{' ? '}' : ']');
}

static void
write_value(struct author *a, unsigned depth)
{
	static const char *const words[] = {"true", "false", "null", "0", "7", "-1",
	    "12.5", "1e3", "1234567", "9007199254740992", "9007199254740993", "5", "31"};
	unsigned i = chance(&a->chance, 24);

	if (i < 13)
		bytes_append_str(&a->out, words[i]);
	else if (i < 17 || depth > 6)
		write_string(a, false, depth);
	else
		write_members(a, i < 21 ? '{' : '[', depth);
}

static size_t
count_values(json_t *json)
{
	size_t i, n = 1;
	const char *name;
	json_t *value;

	json_object_foreach (json, name, value)
		n += count_values(value);
	if (json_is_array(json))
		json_array_foreach (json, i, value)
			n += count_values(value);
	return n;
}

static bool
is_count(json_t *json)
{
	return json_is_integer(json) && json_integer_value(json) >= 0 &&
	    json_integer_value(json) <= INT64_C(1) << 53;
}

static void
check_id(const struct wire_scan *s, json_t *id)
{
	char text[WIRE_ID_MAX];
	json_t *read;

	wire_scan_id(s, text);
	if (id == NULL || json_is_object(id) || json_is_array(id)) {
		ck_assert_str_eq(text, "");
		return;
	}
	read = json_loads(text, JSON_DECODE_ANY, NULL);
	ck_assert_msg(json_equal(read, id), "id %s", text);
	json_decref(read);
}

/* Runs the scanner over a line, cut by chance. */
static void
scan_line(struct wire_scan *s, struct chance *c, const struct bytes *line)
{
	const unsigned char *p = bytes_head(line), *end = p + bytes_len(line), *stop;
	bool whole = chance(c, 2) == 0;

	wire_scan_begin(s, 1000);
	while (p < end) {
		stop = whole ? end : p + 1 + chance(c, 9);
		if (stop > end)
			stop = end;
		ck_assert(!wire_scan_done(s));
		ck_assert_ptr_eq(wire_scan_run(s, p, stop), stop);
		p = stop;
	}
	ck_assert(wire_scan_done(s));
}

static void
compare(const struct wire_scan *s, const struct author *a, json_t *root)
{
	json_t *attached = json_object_get(root, "attached");
	json_t *fds = json_object_get(root, "fds");
	bool good = !a->escaped && (attached == NULL || is_count(attached)) &&
	    (fds == NULL || is_count(fds));

	ck_assert_uint_eq(1000 - s->values_left, count_values(root));
	ck_assert_uint_eq(s->depth, 0);
	ck_assert_int_eq(s->fault, good ? WIRE_OK : WIRE_BAD_ATTACHED);
	check_id(s, json_object_get(root, "id"));
	if (a->escaped)
		return;
	ck_assert_int_eq(s->has_attached, attached != NULL);
	ck_assert_int_eq(s->has_fds, fds != NULL);
	if (good && attached != NULL)
		ck_assert_uint_eq(s->attached, (uint64_t)json_integer_value(attached));
	if (good && fds != NULL)
		ck_assert_uint_eq(s->fds, (uint64_t)json_integer_value(fds));
}

START_TEST(sees_what_jansson_sees)
{
	struct author a = {.chance = {20240229}};
	unsigned i, compared = 0, framed = 0;
	struct wire_scan s;
	json_t *root;

	for (i = 0; i < RANDOM_OBJECTS; i++) {
		bytes_truncate(&a.out, 0);
		a.escaped = false;
		write_members(&a, chance(&a.chance, 10) == 0 ? '[' : '{', 1);
		root = json_loadb((const char *)bytes_head(&a.out), bytes_len(&a.out),
		    JSON_REJECT_DUPLICATES, NULL);
		if (root == NULL)
			continue; /* a key stands twice */
		bytes_append_char(&a.out, '\n');
		scan_line(&s, &a.chance, &a.out);
		compare(&s, &a, root);
		compared++;
		framed += s.has_attached || s.has_fds || s.has_id;
		json_decref(root);
	}
	/* else the text is not what it is meant to be */
	ck_assert_uint_gt(compared, RANDOM_OBJECTS / 2);
	ck_assert_uint_gt(framed, RANDOM_OBJECTS / 4);
	bytes_fini(&a.out);
}
END_TEST

/* --- the rest ----------------------------------------------------------------- */

static void
scan_text(struct wire_scan *s, size_t max_values, const char *text)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);

	wire_scan_begin(s, max_values);
	ck_assert_ptr_eq(wire_scan_run(s, p, end), end);
	ck_assert(wire_scan_done(s));
}

/* depth arrays in one another, and a key that is not at the top. */
static void
nest(struct bytes *out, size_t depth, const char *kind)
{
	size_t i;

	bytes_truncate(out, 0);
	for (i = 0; i < depth; i++)
		bytes_append_str(out, kind[0] == '[' ? "[" : "{\"attached\":");
	bytes_append_str(out, "1");
	for (i = 0; i < depth; i++)
		bytes_append_char(out, kind[1]);
	bytes_append(out, "\n", 2);
}

START_TEST(depth)
{
	struct bytes text = {0};
	struct wire_scan s;

	nest(&text, WIRE_DEPTH_MAX, "[]");
	scan_text(&s, 1000, (const char *)bytes_head(&text));
	ck_assert_int_eq(s.fault, WIRE_OK);
	ck_assert_uint_eq(s.values_left, 1000 - WIRE_DEPTH_MAX - 1);
	nest(&text, WIRE_DEPTH_MAX + 1, "[]");
	scan_text(&s, 1000, (const char *)bytes_head(&text));
	ck_assert_int_eq(s.fault, WIRE_TOO_DEEP);
	ck_assert_uint_eq(s.depth, 0);
	nest(&text, 900, "[]");
	scan_text(&s, 1000, (const char *)bytes_head(&text));
	ck_assert_int_eq(s.fault, WIRE_TOO_DEEP);
	nest(&text, WIRE_DEPTH_MAX + 9, "{}");
	scan_text(&s, 1000, (const char *)bytes_head(&text));
	ck_assert_int_eq(s.fault, WIRE_BAD_ATTACHED);
	ck_assert_uint_eq(s.depth, 0);
	bytes_fini(&text);
}
END_TEST

START_TEST(values)
{
	static const char text[] = "{\"a\":[1,\"x\",{}],\"b\":{\"c\":null,\"d\":[[]]}}\n";
	struct wire_scan s;

	scan_text(&s, 9, text);
	ck_assert_int_eq(s.fault, WIRE_OK);
	ck_assert_uint_eq(s.values_left, 0);
	scan_text(&s, 8, text);
	ck_assert_int_eq(s.fault, WIRE_TOO_MANY_VALUES);
	scan_text(&s, 0, "\n");
	ck_assert_int_eq(s.fault, WIRE_OK);
}
END_TEST

/* A line's end ends it wherever it stands; the next begins behind it. */
START_TEST(lf)
{
	static const char *const lines[] = {"\n", "{\n", "[\"\n", "[\"a\\\n", "[12\n",
	    "{\"attached\n", "{\"id\":\"x\n", "{\"a\":\"\\u00\n", "]]]\n", "\\\n",
	    ",:\n"};
	const unsigned char *p;
	struct wire_scan s;
	size_t i, len;

	for (i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		scan_text(&s, 100, lines[i]);
		ck_assert_int_eq(s.fault, WIRE_OK);
		len = strlen(lines[i]);
		wire_scan_begin(&s, 100);
		p = (const unsigned char *)lines[i];
		ck_assert_ptr_eq(wire_scan_run(&s, p, p + len - 1), p + len - 1);
		ck_assert(!wire_scan_done(&s));
		ck_assert_ptr_eq(wire_scan_run(&s, p + len - 1, p + len), p + len);
		ck_assert(wire_scan_done(&s));
	}
}
END_TEST

/* What is no JSON is at least not taken for something harmless. */
START_TEST(broken_json)
{
	static const char *const attached[] = {"{\"a\":,\"attached\":5}\n",
	    "{\"a\" \"attached\":5}\n", "{,\"attached\":5\n", "{}{\"attached\":5}\n",
	    "]{\"attached\":5}\n"};
	char id[WIRE_ID_MAX];
	struct wire_scan s;
	size_t i;

	for (i = 0; i < sizeof attached / sizeof attached[0]; i++) {
		scan_text(&s, 100, attached[i]);
		ck_assert_msg(s.has_attached, "%s", attached[i]);
		ck_assert_uint_eq(s.attached, 5);
	}
	scan_text(&s, 100, "{\"id\":1 2}\n");
	wire_scan_id(&s, id);
	ck_assert_str_eq(id, "1");
}
END_TEST

/* Each byte where it might be taken for another by the eight-byte steps. */
START_TEST(every_byte_at_every_place)
{
	char text[64];
	struct wire_scan s;
	unsigned c, at;

	for (c = 1; c < 256; c++) {
		for (at = 2; at < 40; at++) {
			memset(text, 'x', sizeof text);
			memcpy(text, "[\"", 2);
			memcpy(text + 40, "\\\"\",\"\"]\n", 9);
			text[at] = (char)c;
			if (c == '\n')
				text[at + 1] = '\0';
			scan_text(&s, 100, text);
			ck_assert_msg(s.fault == (c < 0x80 ? WIRE_OK : WIRE_BAD_UTF8),
			    "byte %u at %u", c, at);
			if (c != '\n' && c != '"' && c != '\\')
				ck_assert_uint_eq(s.values_left, 97);
		}
	}
}
END_TEST

/* UTF-8 (RFC 3629), and what only looks like it, after n plain bytes. */
START_TEST(utf8)
{
	static const char *const good[] = {"\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
	    "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
	    "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
	    "\xc2x", "\xdf\xc0", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xef\xbf",
	    "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
	    "\xfe", "\xff", "\xc3\xa9\x80"};
	struct bytes text = {0};
	struct wire_scan s;
	size_t i, n, k;

	for (i = 0; i < 26; i++) {
		for (n = 0; n < 10; n++) {
			bytes_truncate(&text, 0);
			bytes_append_str(&text, "[\"");
			for (k = 0; k < n; k++)
				bytes_append_char(&text, 'x');
			bytes_append_str(&text, i < 8 ? good[i] : bad[i - 8]);
			bytes_append(&text, "\"]\n", 4);
			scan_text(&s, 10, (const char *)bytes_head(&text));
			ck_assert_msg(s.fault == (i < 8 ? WIRE_OK : WIRE_BAD_UTF8),
			    "case %zu after %zu", i, n);
		}
	}
	bytes_fini(&text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wire_scan");
	TCase *tcase = tcase_create("wire_scan");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, sees_what_jansson_sees);
	tcase_add_test(tcase, depth);
	tcase_add_test(tcase, values);
	tcase_add_test(tcase, lf);
	tcase_add_test(tcase, broken_json);
	tcase_add_test(tcase, every_byte_at_every_place);
	tcase_add_test(tcase, utf8);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
