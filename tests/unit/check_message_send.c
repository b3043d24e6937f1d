/* SPDX-License-Identifier: ISC */
/*
 * The quick reader of send lines against the general one: what it reads must
 * mean the same, and what it does not read is none of its business.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/message.h"
#include "proto/message_send.h"
#include "tests/unit/chance.h"
#include "tests/unit/run.h"

enum { MUTANTS = 40000, LINE_MAX_LEN = 256 };

static const char *const lines[] = {
    "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3},"
    "\"attached\":64}\n",
    "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\",\"params\":{\"socket\":987654},"
    "\"attached\":0}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
    "\"data\":\"Some Data\"}}\n",
    "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
    "\"data\":\"\"}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":999999999999999,\"method\":\"gen_tcp.send\","
    "\"params\":{\"socket\":3,\"data\":\"h\xc3\xa9llo\"}}\n",
    "{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3},"
    "\"ack\":7,\"attached\":64}\n",
    "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
    "\"data\":\"x\"},\"ack\":999999999999999}\n",
};

static struct chance luck = {.state = 2026};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

/* What the general reader makes of the same text must be m. */
static void
means_the_same(const char *text, size_t len, const struct message_send *m)
{
	char why[128];
	json_t *root = message_load(text, len, why, sizeof(why)), *params, *data;
	struct message general;

	ck_assert_msg(root != NULL, "%.*s: %s", (int)len, text, why);
	ck_assert_int_eq(message_read(root, &general, why, sizeof(why)), 0);
	ck_assert_str_eq(general.method, "gen_tcp.send");
	ck_assert_int_eq(
	    general.id.kind, m->has_id ? MESSAGE_ID_INTEGER : MESSAGE_ID_NONE);
	if (m->has_id)
		ck_assert_int_eq(general.id.number, m->id);
	ck_assert(general.attached == m->attached && !general.fds);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(root, "attached")), (int64_t)m->announced);
	ck_assert_uint_eq(general.ack, m->ack);
	params = general.params;
	ck_assert_int_eq(
	    json_integer_value(json_object_get(params, "socket")), (int64_t)m->socket);
	data = json_object_get(params, "data");
	ck_assert_uint_eq(json_object_size(params), m->attached ? 1 : 2);
	ck_assert((data != NULL) == (m->data != NULL));
	if (data != NULL) {
		ck_assert_uint_eq(json_string_length(data), m->len);
		ck_assert_mem_eq(json_string_value(data), m->data, m->len);
	}
	message_fini(&general);
	json_decref(root);
}

START_TEST(reads_them)
{
	struct message_send m;

	for (size_t i = 0; i < LINES; i++) {
		size_t len = strlen(lines[i]);

		ck_assert_uint_eq(message_send_read(lines[i], len, &m), len);
		means_the_same(lines[i], len, &m);
	}
}
END_TEST

/* What stands behind a line is none of its business. */
START_TEST(one_of_many)
{
	char text[2 * LINE_MAX_LEN];
	struct message_send m;

	for (size_t i = 0; i < LINES; i++) {
		size_t len = strlen(lines[i]);

		memcpy(text, lines[i], len);
		memcpy(text + len, lines[(i + 1) % LINES], LINE_MAX_LEN / 4);
		ck_assert_uint_eq(
		    message_send_read(text, len + LINE_MAX_LEN / 4, &m), len);
		means_the_same(text, len, &m);
	}
}
END_TEST

/* Every beginning of a line is another line. */
START_TEST(no_part_of_them)
{
	struct message_send m;

	for (size_t i = 0; i < LINES; i++)
		for (size_t len = 0; len < strlen(lines[i]); len++)
			ck_assert_uint_eq(message_send_read(lines[i], len, &m), 0);
}
END_TEST

START_TEST(leaves_the_rest_alone)
{
	static const char *const others[] = {
	    "{\"jsonrpc\":\"2.0\",\"id\":012,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":"
	    "3,\"data\":\"\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":-1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":0,"
	    "\"data\":\"\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"a\\\"b\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"a\tb\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\"}} \n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\"},\"ack\":-1}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\"},\"ack\":1,\"ack\":1}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\"},\"ack\":}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1234567890123456,\"method\":\"gen_tcp.send\",\"params\":"
	    "{\"socket\":3,\"data\":\"\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\"}}\r\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\xc3\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\xed\xa0\x80\"}}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3,"
	    "\"data\":\"\"},\"attached\":1}\n",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.send\",\"params\":{\"socket\":3}}\n",
	};
	struct message_send m;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_uint_eq(message_send_read(others[i], strlen(others[i]), &m), 0);
}
END_TEST

/* One to three bytes changed, doubled or left out. */
static size_t
mutate(char *text, size_t len)
{
	static const char bytes[] = "\"\\{}[]:,0123456789abcsendtx.- \t\n\x01\xc3\xa9";
	size_t times = 1 + chance(&luck, 3), at;

	while (times-- > 0 && len > 1 && len < LINE_MAX_LEN - 1) {
		at = chance(&luck, (uint32_t)len);
		switch (chance(&luck, 3)) {
		case 0:
			text[at] = bytes[chance(&luck, (uint32_t)sizeof(bytes) - 1)];
			break;
		case 1:
			memmove(text + at + 1, text + at, len++ - at);
			break;
		default:
			memmove(text + at, text + at + 1, --len - at);
			break;
		}
	}
	return len;
}

START_TEST(mutants)
{
	char text[LINE_MAX_LEN];
	struct message_send m;
	size_t len, n, read = 0;

	for (int i = 0; i < MUTANTS; i++) {
		const char *line = lines[chance(&luck, LINES)];

		len = strlen(line);
		memcpy(text, line, len);
		len = mutate(text, len);
		n = message_send_read(text, len, &m);
		if (n == 0)
			continue;
		ck_assert_ptr_eq(memchr(text, '\n', len), text + n - 1);
		means_the_same(text, n, &m);
		read++;
	}
	ck_assert_uint_gt(read, 100);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("message_send");
	TCase *tcase = tcase_create("message_send");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, reads_them);
	tcase_add_test(tcase, one_of_many);
	tcase_add_test(tcase, no_part_of_them);
	tcase_add_test(tcase, leaves_the_rest_alone);
	tcase_add_test(tcase, mutants);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
