/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "proto/payload.h"
#include "proto/reason.h"
#include "tests/unit/run.h"

static const struct payload_style style_auto = {PAYLOAD_AUTO, false, 0};
static const struct payload_style style_base64 = {PAYLOAD_BASE64, false, 0};
static const struct payload_style style_list = {PAYLOAD_AUTO, true, 0};

/* --- in ---------------------------------------------------------------- */

struct given {
	const char *json;
	int reason;
	const char *bytes;
	size_t len;
};

#define GIVES(json, bytes) \
	{ \
		json, 0, bytes, sizeof(bytes) - 1 \
	}
#define REFUSED(json) \
	{ \
		json, REASON_INVALID_PARAMS, NULL, 0 \
	}

static const struct given givens[] = {
    GIVES("\"hello\"", "hello"),
    GIVES("\"\"", ""),
    GIVES("\"caf\\u00e9 \\ud83d\\ude00\"", "caf\xc3\xa9 \xf0\x9f\x98\x80"),
    GIVES("{\"base64\":\"AAH/\"}", "\0\1\xff"),
    GIVES("{\"base64\":\"\"}", ""),
    GIVES("{\"base64\":\"/w==\"}", "\xff"),
    GIVES("[]", ""),
    GIVES("[0,1,127,128,255]", "\0\1\x7f\x80\xff"),
    GIVES("[\"a\",98,{\"base64\":\"Yw==\"},[\"d\",[101,[]]],\"\"]", "abcde"),
    GIVES("[[[[\"deep\"]]]]", "deep"),
    REFUSED("null"),
    REFUSED("true"),
    REFUSED("5"),
    REFUSED("{}"),
    REFUSED("{\"base64\":5}"),
    REFUSED("{\"base64\":\"A\"}"),
    REFUSED("{\"base64\":\"AA\"}"),
    REFUSED("{\"base64\":\"AB==\"}"),
    REFUSED("{\"base64\":\"AA==\",\"x\":1}"),
    REFUSED("{\"base16\":\"00\"}"),
    REFUSED("[256]"),
    REFUSED("[-1]"),
    REFUSED("[1.0]"),
    REFUSED("[null]"),
    REFUSED("[\"a\",{\"base64\":\"*\"}]"),
    REFUSED("[[[9223372036854775807]]]"),
};

static int
read_text(const char *text, size_t limit, struct bytes *scratch, const void **p,
    size_t *len, char why[128], json_t **json)
{
	*json = json_loads(text, JSON_DECODE_ANY, NULL);
	ck_assert_msg(*json != NULL, "%s is no JSON", text);
	why[0] = '\0';
	return payload_read(*json, limit, scratch, p, len, why, 128);
}

START_TEST(reads)
{
	const struct given *g = &givens[_i];
	struct bytes scratch = {0};
	char why[128];
	const void *p;
	json_t *json;
	size_t len;

	/* scratch may hold others' bytes, which stay */
	bytes_append_str(&scratch, "before");
	ck_assert_msg(
	    read_text(g->json, 1000, &scratch, &p, &len, why, &json) == g->reason,
	    "%s: %s", g->json, why);
	if (g->reason == 0) {
		ck_assert_uint_eq(len, g->len);
		ck_assert_ptr_nonnull(p);
		ck_assert_mem_eq(p, g->bytes, len);
		if (json_is_string(json))
			ck_assert_ptr_eq(p, json_string_value(json));
	} else {
		ck_assert_uint_eq(bytes_len(&scratch), 6);
		ck_assert_str_ne(why, "");
	}
	ck_assert_mem_eq(bytes_head(&scratch), "before", 6);
	json_decref(json);
	bytes_fini(&scratch);
}
END_TEST

START_TEST(reads_up_to_the_limit)
{
	static const char *const four[] = {"\"abcd\"", "{\"base64\":\"YWJjZA==\"}",
	    "[97,98,99,100]", "[\"ab\",[\"cd\"]]", "[\"ab\",{\"base64\":\"Y2Q=\"}]"};
	struct bytes scratch = {0};
	size_t i, len, limit;
	char why[128];
	const void *p;
	json_t *json;
	int reason;

	for (i = 0; i < sizeof four / sizeof four[0]; i++) {
		for (limit = 0; limit < 7; limit++) {
			bytes_truncate(&scratch, 0);
			bytes_append_str(&scratch, "xyz");
			reason = read_text(
			    four[i], limit, &scratch, &p, &len, why, &json);
			ck_assert_int_eq(reason, limit < 4 ? EMSGSIZE : 0);
			if (reason == 0) {
				ck_assert_uint_eq(len, 4);
				ck_assert_mem_eq(p, "abcd", 4);
			}
			json_decref(json);
		}
	}
	bytes_fini(&scratch);
}
END_TEST

START_TEST(reads_to_depth_64)
{
	struct bytes scratch = {0};
	char text[200], why[128];
	size_t depth, len;
	const void *p;
	json_t *json;

	for (depth = 63; depth <= 65; depth++) {
		memset(text, '[', depth);
		text[depth] = '7';
		memset(text + depth + 1, ']', depth);
		text[2 * depth + 1] = '\0';
		ck_assert_int_eq(read_text(text, 10, &scratch, &p, &len, why, &json),
		    depth <= 64 ? 0 : REASON_INVALID_PARAMS);
		ck_assert_uint_eq(len, depth <= 64 ? 1 : 0);
		json_decref(json);
		bytes_truncate(&scratch, 0);
	}
	bytes_fini(&scratch);
}
END_TEST

/* --- out --------------------------------------------------------------- */

/* What is written is this text. */
static void
written(struct bytes *out, const char *want)
{
	ck_assert(!bytes_failed(out));
	bytes_append_char(out, '\0');
	ck_assert_str_eq((const char *)bytes_head(out), want);
	bytes_truncate(out, 0);
}

START_TEST(writes)
{
	struct bytes out = {0};

	payload_put(&out, &style_auto, "hello", 5);
	written(&out, "\"hello\"");
	payload_put(&out, &style_auto, NULL, 0);
	written(&out, "\"\"");
	payload_put(&out, &style_auto, "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f", 14);
	written(&out, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\"");
	payload_put(&out, &style_auto, "\xc3\xa9\xe2\x80\xa8", 5);
	written(&out, "\"\xc3\xa9\xe2\x80\xa8\"");
	payload_put(&out, &style_auto, "\xff", 1);
	written(&out, "{\"base64\":\"/w==\"}");
	payload_put(&out, &style_auto, "a\0b", 3);
	written(&out, "{\"base64\":\"YQBi\"}");
	payload_put(&out, &style_auto, "\xe2\x82", 2);
	written(&out, "{\"base64\":\"4oI=\"}");
	payload_put(&out, &style_base64, "hello", 5);
	written(&out, "{\"base64\":\"aGVsbG8=\"}");
	payload_put(&out, &style_base64, NULL, 0);
	written(&out, "{\"base64\":\"\"}");
	payload_put(&out, &style_list, "\0\x09\x0a\x63\x64\xc8\xff", 7);
	written(&out, "[0,9,10,99,100,200,255]");
	payload_put(&out, &style_list, NULL, 0);
	written(&out, "[]");
	bytes_fini(&out);
}
END_TEST

struct members {
	struct payload_style style;
	const char *data;
	const char *text;
	size_t skip; /* where bytes are attached */
	bool attach;
};

static const struct members members[] = {
    {{PAYLOAD_AUTO, false, 0}, "abc", ",\"data\":\"abc\"", 3, false},
    {{PAYLOAD_AUTO, false, 0}, "", ",\"data\":\"\"", 0, false},
    {{PAYLOAD_BASE64, false, 0}, "abc", ",\"data\":{\"base64\":\"YWJj\"}", 3, false},
    {{PAYLOAD_ATTACHED, false, 0}, "abc", "", 0, true},
    {{PAYLOAD_ATTACHED, false, 0}, "", "", 0, true},
    /* a list */
    {{PAYLOAD_AUTO, true, 0}, "abc", ",\"data\":[97,98,99]", 3, false},
    {{PAYLOAD_BASE64, true, 2}, "abc", ",\"data\":[97,98,99]", 3, false},
    {{PAYLOAD_ATTACHED, true, 2}, "abc", ",\"mode\":\"list\"", 0, true},
    /* header 2, as gen_tcp: "abc", "ab", "a" */
    {{PAYLOAD_AUTO, false, 2}, "abc", ",\"header\":[97,98],\"data\":\"c\"", 3, false},
    {{PAYLOAD_AUTO, false, 2}, "ab", ",\"header\":[97,98],\"data\":\"\"", 2, false},
    {{PAYLOAD_AUTO, false, 2}, "a", ",\"header\":[97]", 1, false},
    {{PAYLOAD_AUTO, false, 2}, "", ",\"header\":[]", 0, false},
    {{PAYLOAD_BASE64, false, 2}, "abc",
	",\"header\":[97,98],\"data\":{\"base64\":\"Yw==\"}", 3, false},
    {{PAYLOAD_ATTACHED, false, 2}, "abc", ",\"header\":[97,98]", 2, true},
    {{PAYLOAD_ATTACHED, false, 2}, "ab", ",\"header\":[97,98]", 2, true},
    {{PAYLOAD_ATTACHED, false, 2}, "a", ",\"header\":[97]", 1, false},
};

START_TEST(writes_members)
{
	const struct members *m = &members[_i];
	size_t len = strlen(m->data), skip = 99;
	const char *data = len > 0 ? m->data : NULL;
	struct bytes out = {0};

	ck_assert_int_eq(
	    payload_put_members(&out, &m->style, data, len, false, &skip), m->attach);
	ck_assert_uint_eq(skip, m->skip);
	written(&out, m->text);
	skip = 99;
	ck_assert_int_eq(
	    payload_put_members(&out, &m->style, data, len, true, &skip), m->attach);
	ck_assert_uint_eq(skip, m->skip);
	written(&out, m->text[0] == ',' ? m->text + 1 : m->text);
	bytes_fini(&out);
}
END_TEST

/* What jansson makes of what was written is what was to be written. */
static void
there_and_back(const struct payload_style *style, const char *data, size_t len)
{
	struct bytes out = {0}, scratch = {0};
	char why[128];
	const void *p;
	json_t *json;
	size_t got;

	payload_put(&out, style, data, len);
	if (bytes_failed(&out))
		ck_abort_msg("no memory");
	json = json_loadb((const char *)bytes_head(&out), bytes_len(&out),
	    JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL)
		ck_abort_msg("no JSON: %.*s", (int)bytes_len(&out),
		    (const char *)bytes_head(&out));
	if (payload_read(json, len, &scratch, &p, &got, why, sizeof why) != 0)
		ck_abort_msg("not read: %s", why);
	if (got != len || (len > 0 && memcmp(p, data, len) != 0))
		ck_abort_msg("not the same: %.*s", (int)bytes_len(&out),
		    (const char *)bytes_head(&out));
	if (style->form == PAYLOAD_AUTO && !style->list &&
	    json_is_string(json) != payload_is_text(data, len))
		ck_abort_msg("not a string, or not to be one");
	json_decref(json);
	bytes_fini(&out);
	bytes_fini(&scratch);
}

START_TEST(comes_back)
{
	static const char *const parts[] = {"a", "\"", "\\", "\n", "\x01", "\x1f", "\x7f",
	    "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", " ", "some plain text"};
	struct chance c = {7};
	struct bytes text = {0};
	unsigned i, k;

	for (i = 0; i < 4000; i++) {
		bytes_truncate(&text, 0);
		for (k = chance(&c, 30); k > 0; k--)
			bytes_append_str(&text, parts[chance(&c, 12)]);
		if (chance(&c, 4) == 0)
			bytes_append_char(&text, (char)chance(&c, 256));
		there_and_back(&style_auto, (char *)bytes_head(&text), bytes_len(&text));
		there_and_back(
		    &style_base64, (char *)bytes_head(&text), bytes_len(&text));
		there_and_back(&style_list, (char *)bytes_head(&text), bytes_len(&text));
	}
	bytes_fini(&text);
}
END_TEST

/* Each byte where it might be taken for another by the eight-byte steps. */
START_TEST(every_byte_at_every_place)
{
	char text[20];
	unsigned c, at;

	for (c = 0; c < 256; c++) {
		for (at = 0; at < sizeof text; at++) {
			memset(text, '!', sizeof text);
			text[at] = (char)c;
			if (payload_is_text(text, sizeof text) != (c > 0 && c < 0x80))
				ck_abort_msg("%u at %u", c, at);
			there_and_back(&style_auto, text, sizeof text);
		}
	}
}
END_TEST

/* --- UTF-8 ------------------------------------------------------------- */

/* By decoding, and encoding again: slow, and without a table of bounds. */
static bool
is_one_character(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
	static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
	static const unsigned char bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = p[0] & bits[len];
	size_t i;

	if ((p[0] & (unsigned char)~bits[len]) != marks[len])
		return false;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c >= least[len] && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

static bool
is_text_slowly(const unsigned char *p, size_t len)
{
	size_t n;

	for (; len > 0; p += n, len -= n) {
		for (n = 1; n <= 4 && n <= len; n++)
			if (is_one_character(p, n))
				break;
		if (n > 4 || n > len)
			return false;
	}
	return true;
}

START_TEST(text_is_utf8)
{
	static const unsigned char edges[] = {0, 1, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
	    0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf3, 0xf4,
	    0xf5, 0xff};
	enum { EDGES = sizeof edges };
	unsigned char text[4];
	unsigned i, len;

	/* all of two bytes */
	for (i = 0; i < 65536; i++) {
		text[0] = (unsigned char)(i >> 8);
		text[1] = (unsigned char)i;
		if (payload_is_text(text, 2) != is_text_slowly(text, 2))
			ck_abort_msg("%02x %02x", text[0], text[1]);
	}
	/* and of three and four, those where something changes */
	for (i = 0; i < EDGES * EDGES * EDGES * EDGES; i++) {
		text[0] = edges[i / EDGES / EDGES / EDGES];
		text[1] = edges[i / EDGES / EDGES % EDGES];
		text[2] = edges[i / EDGES % EDGES];
		text[3] = edges[i % EDGES];
		for (len = 3; len <= 4; len++)
			if (payload_is_text(text, len) != is_text_slowly(text, len))
				ck_abort_msg("%02x %02x %02x %02x, %u", text[0], text[1],
				    text[2], text[3], len);
	}
	ck_assert(payload_is_text(NULL, 0));
}
END_TEST

START_TEST(strings_are_made_utf8)
{
	static const char *const pairs[][2] = {{"", "\"\""}, {"a\"\n", "\"a\\\"\\n\""},
	    {"\xc3\xa9", "\"\xc3\xa9\""}, {"a\xff", "\"a\xef\xbf\xbd\""},
	    {"\xff\xfe", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
	    {"\xc3\xa9\x80z", "\"\xc3\xa9\xef\xbf\xbdz\""},
	    {"\xe2\x82", "\"\xef\xbf\xbd\""}, {"\xe2\x82\"", "\"\xef\xbf\xbd\\\"\""},
	    {"\xe2\xc3\xa9", "\"\xef\xbf\xbd\xc3\xa9\""},
	    {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}};
	struct bytes out = {0};
	size_t i;

	for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		payload_put_string(&out, pairs[i][0], strlen(pairs[i][0]));
		written(&out, pairs[i][1]);
	}
	payload_put_string(&out, "a\0b", 3);
	written(&out, "\"a\\u0000b\"");
	bytes_fini(&out);
}
END_TEST

/* --- the rest ---------------------------------------------------------- */

START_TEST(forms_have_names)
{
	static const char *const names[] = {"auto", "base64", "attached"};
	enum payload_form form;
	unsigned i;

	for (i = PAYLOAD_AUTO; i <= PAYLOAD_ATTACHED; i++) {
		ck_assert_str_eq(payload_form_name((enum payload_form)i), names[i]);
		ck_assert(payload_form_find(names[i], &form));
		ck_assert_uint_eq(form, i);
	}
	ck_assert(!payload_form_find("Auto", &form));
	ck_assert(!payload_form_find("", &form));
}
END_TEST

/* Without memory nothing is written, and it can be told. */
START_TEST(failure_sticks)
{
	struct bytes out = {.failed = true};
	size_t skip;

	payload_put(&out, &style_auto, "abc", 3);
	payload_put(&out, &style_base64, "abc", 3);
	payload_put(&out, &style_list, "abc", 3);
	payload_put_members(&out, &style_auto, "abc", 3, true, &skip);
	ck_assert(bytes_failed(&out));
	ck_assert_uint_eq(bytes_len(&out), 0);
	bytes_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("payload");
	TCase *tcase = tcase_create("payload");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, reads, 0, sizeof givens / sizeof givens[0]);
	tcase_add_test(tcase, reads_up_to_the_limit);
	tcase_add_test(tcase, reads_to_depth_64);
	tcase_add_test(tcase, writes);
	tcase_add_loop_test(tcase, writes_members, 0, sizeof members / sizeof members[0]);
	tcase_add_test(tcase, comes_back);
	tcase_add_test(tcase, every_byte_at_every_place);
	tcase_add_test(tcase, text_is_utf8);
	tcase_add_test(tcase, strings_are_made_utf8);
	tcase_add_test(tcase, forms_have_names);
	tcase_add_test(tcase, failure_sticks);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
