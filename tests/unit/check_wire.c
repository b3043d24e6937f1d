/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "chance.h"
#include "proto/wire.h"
#include "tests/unit/run.h"

/* Ways to cut the input; mutants of each case. */
enum { SPLITS = 12, MUTANTS = 60 };

/* As ck_assert, which is slow, for what is asked a million times. */
#define MUST(condition) \
	do { \
		if (!(condition)) \
			ck_abort_msg("%s", #condition); \
	} while (0)

/* --- what comes out of a wire, as text --------------------------------------- */

struct script {
	char *text;
	size_t len, size;
};

static void
make_room(struct script *s, size_t n)
{
	if (s->size - s->len > n)
		return;
	s->size = s->size * 2 + n + 4096;
	s->text = realloc(s->text, s->size);
	MUST(s->text != NULL);
}

static void
note_text(struct script *s, const char *text)
{
	size_t n = strlen(text);

	make_room(s, n);
	memcpy(s->text + s->len, text, n + 1);
	s->len += n;
}

__attribute__((format(printf, 2, 3))) static void
note(struct script *s, const char *format, ...)
{
	va_list args;
	int n;

	make_room(s, 1024);
	va_start(args, format);
	n = vsnprintf(s->text + s->len, 1024, format, args);
	va_end(args);
	MUST(n >= 0 && n < 1024);
	s->len += (size_t)n;
}

static void
note_bytes(struct script *s, const void *data, size_t len)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < len; i++) {
		if (p[i] >= ' ' && p[i] < 0x7f)
			note(s, "%c", p[i]);
		else
			note(s, "<%02x>", p[i]);
	}
	note(s, "\n");
}

static const char *
fault_name(enum wire_fault fault)
{
	static const char *const names[] = {"ok", "too-long", "too-many-values",
	    "too-deep", "bad-utf8", "bad-attached", "unannounced", "attachment-too-long"};

	MUST(fault < sizeof names / sizeof names[0]);
	return names[fault];
}

/* A line is a send if and only if it reads as one, whole or in pieces. */
static void
check_send(const struct wire_message *m)
{
	struct message_send send = {0};
	bool is_send = m->text[m->len] == '\n' &&
	    message_send_read(m->text, m->len + 1, &send) > 0 &&
	    send.len <= case_limits.max_attachment;

	MUST((m->send != NULL) == is_send);
	if (is_send) {
		MUST(m->send->socket == send.socket && m->send->ack == send.ack);
		MUST(m->send->attached == m->attached && m->send->data == send.data);
		MUST(send.announced == m->attachment_len);
	}
}

static void
note_message(struct script *s, enum wire_status status, const struct wire_message *m)
{
	switch (status) {
	case WIRE_MESSAGE:
		MUST(m->fault == WIRE_OK);
		MUST(m->text != NULL);
		MUST(m->len > 0);
		check_send(m);
		note(s, "message ");
		note_bytes(s, m->text, m->len);
		if (m->attached) {
			note(s, "  attached %zu: ", m->attachment_len);
			note_bytes(s, m->attachment, m->attachment_len);
		} else {
			MUST(m->attachment_len == 0);
			MUST(m->attachment == NULL);
		}
		if (m->fds > 0)
			note(s, "  fds %zu\n", m->fds);
		break;
	case WIRE_SKIPPED:
	case WIRE_BROKEN:
		note(s, "%s %s", status == WIRE_SKIPPED ? "skipped" : "broken",
		    fault_name(m->fault));
		if (m->id[0] != '\0')
			note(s, " id ");
		note_bytes(s, m->id, strlen(m->id));
		MUST(m->fault != WIRE_OK);
		MUST((m->text != NULL) == (m->fault == WIRE_ATTACHMENT_TOO_LONG));
		break;
	default:
		ck_abort_msg("no message");
	}
	note(s, "  end %llu\n", (unsigned long long)m->end);
}

/* Puts n bytes. */
static void
put(struct wire *w, const void *data, size_t n)
{
	size_t space;
	unsigned char *room = wire_room(w, n, &space);

	MUST(room != NULL);
	MUST(space >= n);
	if (n > 0)
		memcpy(room, data, n);
	wire_put(w, n);
}

/* Takes all there is, and sees that an idle wire holds no memory. */
static void
take_all(struct wire *w, struct script *s)
{
	struct wire_message m;
	enum wire_status status;

	while ((status = wire_next(w, &m)) != WIRE_MORE)
		note_message(s, status, &m);
	MUST(bytes_len(&w->in) > 0 || w->in.base == NULL);
}

/* How the input is cut: 0 not at all, 1 into bytes, 2 and more by chance. */
static size_t
cut(unsigned how, struct chance *c, size_t left)
{
	size_t n = how == 0 ? left : how == 1 ? 1 : 1 + chance(c, how % 2 == 0 ? 7 : 60);

	return n < left ? n : left;
}

static char *
play(const void *data, size_t len, const struct wire_limits *limits, bool attachments,
    unsigned how)
{
	struct chance c = {0x9e3779b97f4a7c15u * (how + 1)};
	struct script s = {NULL, 0, 0};
	const char *p = data;
	struct wire w;
	size_t n, at;

	wire_init(&w, limits);
	if (attachments)
		wire_allow_attachments(&w);
	note_text(&s, "");
	for (at = 0; at < len; at += n) {
		n = cut(how, &c, len - at);
		put(&w, p + at, n);
		MUST(wire_received(&w) == at + n);
		take_all(&w, &s);
		MUST(wire_received(&w) == at + n);
	}
	if (bytes_len(&w.in) > 0 || w.skip > 0)
		note(&s, "more\n");
	wire_fini(&w);
	return s.text;
}

/* However the input is cut, the same comes out. */
static char *
play_all_ways(const char *name, const void *data, size_t len,
    const struct wire_limits *limits, bool attachments)
{
	char *whole = play(data, len, limits, attachments, 0), *text;
	unsigned how;

	for (how = 1; how < SPLITS; how++) {
		text = play(data, len, limits, attachments, how);
		if (strcmp(whole, text) != 0)
			ck_abort_msg(
			    "%s, cut %u, gives\n%s\nnot\n%s", name, how, text, whole);
		free(text);
	}
	return whole;
}

/* --- cases ------------------------------------------------------------------- */

static void
check_cases(const char *dir)
{
	char *in, *want, *text;
	struct script got;
	size_t i, len, want_len;
	glob_t found;
	int on;

	cases_find(dir, &found);
	for (i = 0; i < found.gl_pathc; i++) {
		in = case_read(found.gl_pathv[i], ".in", &len);
		want = case_read(found.gl_pathv[i], ".out", &want_len);
		got = (struct script){NULL, 0, 0};
		for (on = 0; on <= 1; on++) {
			text = play_all_ways(
			    case_name(found.gl_pathv[i]), in, len, &case_limits, on == 1);
			note(&got, "attachments %s\n", on == 1 ? "on" : "off");
			note_text(&got, text);
			free(text);
		}
		ck_assert_msg(strcmp(got.text, want) == 0, "%s gives\n%s\nnot\n%s",
		    case_name(found.gl_pathv[i]), got.text, want);
		free(got.text);
		free(want);
		free(in);
	}
	globfree(&found);
}

START_TEST(valid_cases)
{
	check_cases("valid");
}
END_TEST

START_TEST(invalid_cases)
{
	check_cases("invalid");
}
END_TEST

/* --- broken on purpose ---------------------------------------------------------- */

/* What wire lets through and jansson takes for JSON must be framed as it says. */
static void
check_framing(const char *text, size_t len)
{
	static const struct wire_limits limits = {1000, 1000, 100};
	struct wire_message m;
	struct wire w;
	json_t *root;

	wire_init(&w, &limits);
	wire_allow_attachments(&w);
	put(&w, text, len);
	while (wire_next(&w, &m) == WIRE_MESSAGE) {
		root = json_loadb(m.text, m.len, JSON_REJECT_DUPLICATES, NULL);
		if (root != NULL) {
			ck_assert_int_eq(
			    m.attached, json_object_get(root, "attached") != NULL);
			ck_assert_uint_eq(m.attachment_len,
			    (size_t)json_integer_value(
				json_object_get(root, "attached")));
			ck_assert_uint_eq(m.fds,
			    (size_t)json_integer_value(json_object_get(root, "fds")));
		}
		json_decref(root);
	}
	wire_fini(&w);
}

/* One to three bytes of a case become others that mean something. */
static void
mutate(struct chance *c, char *text, size_t len)
{
	static const char bytes[] =
	    "\"\\{}[]:,\n\r 0159-eEatchdfs\x80\xc3\xa9\xf0\xe2\xff";
	unsigned n;

	for (n = 1 + chance(c, 3); n > 0; n--)
		text[chance(c, (uint32_t)len)] = bytes[chance(c, sizeof bytes - 1)];
}

START_TEST(mutants_are_framed_alike)
{
	const char *const dirs[] = {"valid", "invalid"};
	struct chance c = {77};
	char *in, *mutant;
	size_t i, k, len;
	unsigned dir;
	glob_t found;

	for (dir = 0; dir < 2; dir++) {
		cases_find(dirs[dir], &found);
		for (i = 0; i < found.gl_pathc; i++) {
			in = case_read(found.gl_pathv[i], ".in", &len);
			mutant = malloc(len);
			ck_assert_ptr_nonnull(mutant);
			for (k = 0; k < MUTANTS; k++) {
				memcpy(mutant, in, len);
				mutate(&c, mutant, len);
				check_framing(mutant, len);
				free(play_all_ways(case_name(found.gl_pathv[i]), mutant,
				    len, &case_limits, k % 2 == 0));
			}
			free(mutant);
			free(in);
		}
		globfree(&found);
	}
}
END_TEST

/* --- payloads are never read as messages ----------------------------------------- */

START_TEST(a_payload_is_no_message)
{
	static const char evil[] =
	    "\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"evil\",\"attached\":2}\n\"}]\n\n";
	static const struct wire_limits limits = {100, 80, 10};
	struct chance c = {4711};
	struct script s = {NULL, 0, 0};
	struct bytes in = {0};
	unsigned i, whole = 0, over = 0;
	size_t n, at;
	const char *p;
	struct wire w;

	for (i = 0; i < 400; i++) {
		n = chance(&c, 100);
		bytes_append_str(&in, "{\"good\":1,\"attached\":");
		bytes_append_uint(&in, n);
		bytes_append_str(&in, "}\n");
		for (at = 0; at < n; at++)
			bytes_append_char(&in, evil[at % (sizeof evil - 1)]);
		*(n <= 80 ? &whole : &over) += 1;
	}
	wire_init(&w, &limits);
	wire_allow_attachments(&w);
	for (at = 0; at < bytes_len(&in); at += n) {
		n = cut(3, &c, bytes_len(&in) - at);
		put(&w, bytes_head(&in) + at, n);
		take_all(&w, &s);
	}
	ck_assert_uint_eq(bytes_len(&w.in), 0);
	ck_assert_uint_eq(w.skip, 0);
	for (p = s.text; (p = strstr(p, "message {\"good\":1,")) != NULL; p++)
		whole--;
	for (p = s.text; (p = strstr(p, "skipped attachment-too-long\n")) != NULL; p++)
		over--;
	ck_assert_uint_eq(whole, 0);
	ck_assert_uint_eq(over, 0);
	ck_assert_ptr_null(strstr(s.text, "message {\"json"));
	ck_assert_ptr_null(strstr(s.text, "broken"));
	wire_fini(&w);
	bytes_fini(&in);
	free(s.text);
}
END_TEST

START_TEST(a_hello_counts_from_the_next_line)
{
	static const char in[] =
	    "{\"hello\":1}\n{\"attached\":2}\n{}{\"attached\":0}\n{}\n";
	static const struct wire_limits limits = {100, 100, 10};
	struct wire_message m;
	struct wire w;

	wire_init(&w, &limits);
	put(&w, in, sizeof in - 1);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MESSAGE);
	ck_assert(!m.attached);
	wire_allow_attachments(&w);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MESSAGE);
	ck_assert_uint_eq(m.attachment_len, 2);
	ck_assert_mem_eq(m.attachment, "{}", 2);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MESSAGE);
	ck_assert(m.attached);
	ck_assert_ptr_nonnull(m.attachment);
	ck_assert_uint_eq(m.attachment_len, 0);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MESSAGE);
	ck_assert_uint_eq(m.end, sizeof in - 1);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
	wire_fini(&w);
}
END_TEST

START_TEST(broken_is_said_once)
{
	static const char in[] = "{\"attached\":2}\n{}\n{}\n";
	struct wire_message m;
	struct wire w;

	wire_init(&w, &case_limits);
	put(&w, in, sizeof in - 1);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_BROKEN);
	ck_assert_int_eq(m.fault, WIRE_ATTACHED_UNANNOUNCED);
	ck_assert_ptr_null(m.text);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
	ck_assert_ptr_null(w.in.base);
	put(&w, in, sizeof in - 1);
	ck_assert_uint_eq(wire_received(&w), 2 * (sizeof in - 1));
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
	ck_assert_ptr_null(w.in.base);
	ck_assert_uint_eq(wire_received(&w), 2 * (sizeof in - 1));
	wire_fini(&w);
}
END_TEST

/* --- memory ------------------------------------------------------------------------ */

START_TEST(a_line_over_the_limit_costs_no_memory)
{
	static const struct wire_limits limits = {1000, 1000, 10};
	char part[10000];
	struct wire_message m;
	struct wire w;
	unsigned i;

	memset(part, 'x', sizeof part);
	wire_init(&w, &limits);
	put(&w, "{\"id\":\"mine\",\"x\":\"", 18);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
	for (i = 0; i < 500; i++) {
		put(&w, part, sizeof part);
		ck_assert_uint_le(w.in.size, 4 * sizeof part);
		ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
		ck_assert_ptr_null(w.in.base);
	}
	put(&w, "\"}\n{}\n", 6);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_SKIPPED);
	ck_assert_int_eq(m.fault, WIRE_TOO_LONG);
	ck_assert_str_eq(m.id, "\"mine\"");
	ck_assert_uint_eq(m.end, 18 + 500 * sizeof part + 3);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MESSAGE);
	ck_assert_uint_eq(m.len, 2);
	wire_fini(&w);
}
END_TEST

START_TEST(a_large_message_gives_its_memory_back)
{
	static const struct wire_limits limits = {1000, 4 * 1024 * 1024, 10};
	enum { PART = 64 * 1024, PARTS = 40 };
	char *part = malloc(PART);
	struct wire_message m;
	struct wire w;
	unsigned i;
	size_t at;

	ck_assert_ptr_nonnull(part);
	wire_init(&w, &limits);
	wire_allow_attachments(&w);
	put(&w, "{\"attached\":2621440}\n", 21);
	for (i = 0; i < PARTS; i++) {
		ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
		memset(part, (int)i, PART);
		put(&w, part, PART);
	}
	put(&w, "{\"a\"", 4);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MESSAGE);
	ck_assert_uint_eq(m.attachment_len, PARTS * PART);
	for (at = 0; at < m.attachment_len; at++)
		if (m.attachment[at] != at / PART)
			ck_abort_msg("byte %zu is %d", at, m.attachment[at]);
	ck_assert_uint_le(w.in.size, 2 * PARTS * PART);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
	ck_assert_uint_le(w.in.size, PART);
	put(&w, ":1}\n", 4);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MESSAGE);
	ck_assert_uint_eq(m.len, 7);
	ck_assert_mem_eq(m.text, "{\"a\":1}", 7);
	ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
	ck_assert_ptr_null(w.in.base);
	wire_fini(&w);
	free(part);
}
END_TEST

/* The longest id is kept in a line that is skipped, a longer one is not. */
START_TEST(ids_of_skipped_lines)
{
	static const struct wire_limits limits = {10, 10, 10};
	char text[WIRE_ID_MAX + 32];
	struct wire_message m;
	struct wire w;
	size_t len;

	wire_init(&w, &limits);
	for (len = WIRE_ID_MAX - 3; len <= WIRE_ID_MAX; len++) {
		memset(text, 'x', sizeof text);
		memcpy(text, "{\"id\":\"", 7);
		memcpy(text + 6 + len - 1, "\",\"a\":1}\n", 9);
		put(&w, text, len + 14);
		ck_assert_int_eq(wire_next(&w, &m), WIRE_SKIPPED);
		ck_assert_int_eq(m.fault, WIRE_TOO_LONG);
		ck_assert_uint_eq(strlen(m.id), len < WIRE_ID_MAX ? len : 0);
		ck_assert_int_eq(wire_next(&w, &m), WIRE_MORE);
		ck_assert_uint_eq(bytes_len(&w.in), 0);
	}
	wire_fini(&w);
}
END_TEST

START_TEST(faults_have_sentences)
{
	unsigned a, b;

	for (a = WIRE_OK; a <= WIRE_ATTACHMENT_TOO_LONG; a++) {
		ck_assert_uint_gt(strlen(wire_fault_text((enum wire_fault)a)), 5);
		for (b = WIRE_OK; b < a; b++)
			ck_assert_str_ne(wire_fault_text((enum wire_fault)a),
			    wire_fault_text((enum wire_fault)b));
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("wire");
	TCase *tcase = tcase_create("wire");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, valid_cases);
	tcase_add_test(tcase, invalid_cases);
	tcase_add_test(tcase, mutants_are_framed_alike);
	tcase_add_test(tcase, a_payload_is_no_message);
	tcase_add_test(tcase, a_hello_counts_from_the_next_line);
	tcase_add_test(tcase, broken_is_said_once);
	tcase_add_test(tcase, a_line_over_the_limit_costs_no_memory);
	tcase_add_test(tcase, a_large_message_gives_its_memory_back);
	tcase_add_test(tcase, ids_of_skipped_lines);
	tcase_add_test(tcase, faults_have_sentences);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
