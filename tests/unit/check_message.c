/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "proto/message.h"
#include "proto/reason.h"
#include "tests/unit/run.h"

static json_t *
load(const char *text, char why[128])
{
	why[0] = '\0';
	return message_load(text, strlen(text), why, 128);
}

/* --- the cases that are files -------------------------------------------- */

/* What becomes of one message: how far it comes. */
enum outcome { AT_WIRE, AT_LOAD, AT_READ, GOOD };

static enum outcome
read_root(json_t *root)
{
	enum outcome outcome = GOOD;
	struct message m;
	json_t *member;
	char why[128];
	size_t i;

	if (!json_is_array(root)) {
		if (message_read(root, &m, why, sizeof why) != 0)
			outcome = AT_READ;
		message_fini(&m);
		return outcome;
	}
	if (json_array_size(root) == 0)
		return AT_READ; /* an empty batch is the session's to refuse */
	json_array_foreach (root, i, member)
		if (json_is_array(member) || read_root(member) != GOOD)
			outcome = AT_READ;
	return outcome;
}

static enum outcome
outcome_of(enum wire_status status, const struct wire_message *m)
{
	enum outcome outcome;
	char why[128];
	json_t *root;

	if (status != WIRE_MESSAGE)
		return AT_WIRE;
	root = message_load(m->text, m->len, why, sizeof why);
	if (root == NULL) {
		ck_assert_str_ne(why, "");
		return AT_LOAD;
	}
	outcome = read_root(root);
	json_decref(root);
	return outcome;
}

/* What becomes of a case's first message; first and last must have come. */
static void
check_case(const char *path, enum outcome want)
{
	enum outcome outcome = GOOD;
	struct wire_message m;
	enum wire_status status;
	unsigned n = 0;
	unsigned char *room;
	struct wire w;
	size_t len, space;
	char *in;

	in = case_read(path, ".in", &len);
	wire_init(&w, &case_limits);
	wire_allow_attachments(&w);
	room = wire_room(&w, len, &space);
	ck_assert_ptr_nonnull(room);
	memcpy(room, in, len);
	wire_put(&w, len);
	while ((status = wire_next(&w, &m)) != WIRE_MORE) {
		outcome = outcome_of(status, &m);
		ck_assert_msg(outcome == want || (want != GOOD && n > 0),
		    "%s: message %u comes to %d", case_name(path), n, (int)outcome);
		n++;
	}
	ck_assert_uint_gt(n, 0);
	/* the last line of a case is good */
	if (want == AT_LOAD || want == AT_READ)
		ck_assert_int_eq(outcome, GOOD);
	wire_fini(&w);
	free(in);
}

START_TEST(valid_cases)
{
	glob_t found;
	size_t i;

	cases_find("valid", &found);
	for (i = 0; i < found.gl_pathc; i++)
		check_case(found.gl_pathv[i], GOOD);
	globfree(&found);
}
END_TEST

/* Their names say who refuses them. */
START_TEST(invalid_cases)
{
	enum outcome want = GOOD;
	const char *name;
	glob_t found;
	size_t i;

	cases_find("invalid", &found);
	for (i = 0; i < found.gl_pathc; i++) {
		name = case_name(found.gl_pathv[i]);
		if (strncmp(name, "wire_", 5) == 0)
			want = AT_WIRE;
		else if (strncmp(name, "parse_", 6) == 0)
			want = AT_LOAD;
		else if (strncmp(name, "request_", 8) == 0)
			want = AT_READ;
		else
			ck_abort_msg("%s: whose case is it?", name);
		check_case(found.gl_pathv[i], want);
	}
	globfree(&found);
}
END_TEST

/* --- loading ------------------------------------------------------------- */

START_TEST(load_says_why_and_where)
{
	char why[128];

	ck_assert_ptr_null(load("{\"a\":1,\"a\":2}", why));
	ck_assert_ptr_nonnull(strstr(why, "duplicate"));
	ck_assert_ptr_null(load("[1,2,}", why));
	ck_assert_int_eq(strncmp(why, "Byte 6: ", 8), 0);
	ck_assert_ptr_null(load("{\"a\\u0000b\":1}", why));
	ck_assert_ptr_nonnull(strstr(why, "NUL"));
	ck_assert_ptr_null(load("", why));
	ck_assert_str_ne(why, "");
	ck_assert_ptr_null(message_load("[1]\0", 4, why, sizeof why));
	ck_assert_str_ne(why, "");
	/* a short buffer is not overrun */
	why[4] = 'x';
	ck_assert_ptr_null(message_load("{", 1, why, 4));
	ck_assert_uint_eq(strlen(why), 3);
	ck_assert_int_eq(why[4], 'x');
}
END_TEST

/* --- ids ----------------------------------------------------------------- */

struct id_case {
	const char *json;
	bool good;
	enum message_id_kind kind;
};

#define TEN "xxxxxxxxxx"
static const struct id_case id_cases[] = {
    {"null", true, MESSAGE_ID_NULL},
    {"0", true, MESSAGE_ID_INTEGER},
    {"-1", true, MESSAGE_ID_INTEGER},
    {"9007199254740992", true, MESSAGE_ID_INTEGER},
    {"-9007199254740992", true, MESSAGE_ID_INTEGER},
    {"\"\"", true, MESSAGE_ID_STRING},
    {"\"a\\\"\xc3\xa9\\\\\"", true, MESSAGE_ID_STRING},
    {"\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "12345678\"", true,
	MESSAGE_ID_STRING},
    {"\"" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "123456789\"", false,
	MESSAGE_ID_NULL},
    {"9007199254740993", false, MESSAGE_ID_NULL},
    {"-9007199254740993", false, MESSAGE_ID_NULL},
    {"1.0", false, MESSAGE_ID_NULL},
    {"1e3", false, MESSAGE_ID_NULL},
    {"true", false, MESSAGE_ID_NULL},
    {"[]", false, MESSAGE_ID_NULL},
    {"{}", false, MESSAGE_ID_NULL},
};

/* Read, copied and printed: the same comes out. */
START_TEST(ids)
{
	const struct id_case *c = &id_cases[_i];
	json_t *json = json_loads(c->json, JSON_DECODE_ANY, NULL), *back;
	struct message_id id, copy;
	struct bytes out = {0};

	ck_assert_ptr_nonnull(json);
	ck_assert_int_eq(message_id_read(json, &id), c->good);
	ck_assert_int_eq(id.kind, c->kind);
	ck_assert(message_id_copy(&copy, &id));
	ck_assert(message_id_equal(&id, &copy));
	message_id_fini(&id);
	ck_assert_int_eq(id.kind, MESSAGE_ID_NULL);
	ck_assert_int_eq(message_id_equal(&id, &copy), copy.kind == MESSAGE_ID_NULL);
	message_put_id(&out, &copy);
	back = json_loadb(
	    (const char *)bytes_head(&out), bytes_len(&out), JSON_DECODE_ANY, NULL);
	if (c->good)
		ck_assert(json_equal(back, json));
	else
		ck_assert(json_is_null(back));
	json_decref(back);
	json_decref(json);
	message_id_fini(&copy);
	bytes_fini(&out);
}
END_TEST

START_TEST(ids_differ)
{
	char a[] = "1", b[] = "2";
	const struct message_id all[] = {{.kind = MESSAGE_ID_NONE},
	    {.kind = MESSAGE_ID_NULL}, {.kind = MESSAGE_ID_INTEGER, .number = 1},
	    {.kind = MESSAGE_ID_INTEGER, .number = 2},
	    {.kind = MESSAGE_ID_STRING, .string = a},
	    {.kind = MESSAGE_ID_STRING, .string = b}};
	size_t i, k;

	for (i = 0; i < 6; i++)
		for (k = 0; k < 6; k++)
			ck_assert_int_eq(message_id_equal(&all[i], &all[k]), i == k);
}
END_TEST

/* --- reading ------------------------------------------------------------- */

#define HEAD "{\"jsonrpc\":\"2.0\","

START_TEST(reads_a_request)
{
	struct message m;
	char why[128];
	json_t *json;

	json = load(HEAD "\"id\":7,\"method\":\"m\",\"params\":[1],\"fds\":1}", why);
	ck_assert_int_eq(message_read(json, &m, why, sizeof why), 0);
	ck_assert_int_eq(m.id.kind, MESSAGE_ID_INTEGER);
	ck_assert_int_eq(m.id.number, 7);
	ck_assert_str_eq(m.method, "m");
	ck_assert_ptr_eq(m.params, json_object_get(json, "params"));
	ck_assert(m.fds && !m.attached);
	message_fini(&m);
	json_decref(json);

	json = load(HEAD "\"method\":\"m\",\"attached\":5}", why);
	ck_assert_int_eq(message_read(json, &m, why, sizeof why), 0);
	ck_assert_int_eq(m.id.kind, MESSAGE_ID_NONE);
	ck_assert_ptr_null(m.params);
	ck_assert(m.attached && !m.fds);
	message_fini(&m);
	json_decref(json);

	json = load(HEAD "\"method\":\"m\",\"ack\":9007199254740992}", why);
	ck_assert_int_eq(message_read(json, &m, why, sizeof why), 0);
	ck_assert_uint_eq(m.ack, UINT64_C(1) << 53);
	message_fini(&m);
	json_decref(json);

	json = load(HEAD "\"id\":null,\"method\":\"m\"}", why);
	ck_assert_int_eq(message_read(json, &m, why, sizeof why), 0);
	ck_assert_int_eq(m.id.kind, MESSAGE_ID_NULL);
	ck_assert_uint_eq(m.ack, 0);
	message_fini(&m);
	json_decref(json);
}
END_TEST

struct refusal {
	const char *json;
	enum message_id_kind id; /* for the answer */
	const char *why;	 /* a part of the sentence */
};

static const struct refusal refusals[] = {
    {"5", MESSAGE_ID_NULL, "object"},
    {"[]", MESSAGE_ID_NULL, "object"},
    {"{\"id\":1,\"method\":\"m\"}", MESSAGE_ID_INTEGER, "jsonrpc"},
    {"{\"jsonrpc\":\"2\",\"id\":1,\"method\":\"m\"}", MESSAGE_ID_INTEGER, "jsonrpc"},
    {"{\"jsonrpc\":2,\"id\":\"x\",\"method\":\"m\"}", MESSAGE_ID_STRING, "jsonrpc"},
    {HEAD "\"id\":1}", MESSAGE_ID_INTEGER, "method"},
    {HEAD "\"id\":1,\"method\":null}", MESSAGE_ID_INTEGER, "method"},
    {HEAD "\"id\":1,\"method\":\"m\",\"params\":1}", MESSAGE_ID_INTEGER, "params"},
    {HEAD "\"id\":1,\"method\":\"m\",\"params\":null}", MESSAGE_ID_INTEGER, "params"},
    {HEAD "\"id\":1,\"method\":\"m\",\"nonsense\":1}", MESSAGE_ID_INTEGER, "nonsense"},
    {HEAD "\"id\":1,\"result\":\"ok\"}", MESSAGE_ID_INTEGER, "reply"},
    {HEAD "\"id\":1,\"error\":{}}", MESSAGE_ID_INTEGER, "reply"},
    {HEAD "\"id\":1,\"method\":\"m\",\"result\":1}", MESSAGE_ID_INTEGER, "result"},
    {HEAD "\"id\":1,\"method\":\"m\",\"ack\":-1}", MESSAGE_ID_INTEGER, "ack"},
    {HEAD "\"id\":1,\"method\":\"m\",\"ack\":9007199254740993}", MESSAGE_ID_INTEGER,
	"ack"},
    {HEAD "\"id\":1,\"method\":\"m\",\"ack\":null}", MESSAGE_ID_INTEGER, "ack"},
    {HEAD "\"id\":1,\"method\":\"m\",\"ack\":\"1\"}", MESSAGE_ID_INTEGER, "ack"},
    {HEAD "\"id\":{},\"method\":\"m\"}", MESSAGE_ID_NULL, "id"},
    {HEAD "\"id\":1.5,\"method\":\"m\"}", MESSAGE_ID_NULL, "id"},
    /* no id, but no good notification either: answered with null */
    {HEAD "\"method\":5}", MESSAGE_ID_NULL, "method"},
};

START_TEST(refuses)
{
	const struct refusal *r = &refusals[_i];
	struct message m;
	char why[128];
	json_t *json = load(r->json, why);

	ck_assert_ptr_nonnull(json);
	ck_assert_int_eq(message_read(json, &m, why, sizeof why), REASON_INVALID_REQUEST);
	ck_assert_int_eq(m.id.kind, r->id);
	ck_assert_msg(strstr(why, r->why) != NULL, "%s", why);
	message_fini(&m);
	json_decref(json);
}
END_TEST

/* In a refused request too it is seen that it brought bytes. */
START_TEST(refused_with_attachment)
{
	struct message m;
	char why[128];
	json_t *json = load("{\"attached\":1,\"fds\":1,\"id\":[]}", why);

	ck_assert_int_eq(message_read(json, &m, why, sizeof why), REASON_INVALID_REQUEST);
	ck_assert(m.attached && m.fds);
	message_fini(&m);
	json_decref(json);
}
END_TEST

/* --- writing ------------------------------------------------------------- */

static void
written(struct bytes *out, const char *want)
{
	ck_assert(!bytes_failed(out));
	bytes_append_char(out, '\0');
	ck_assert_str_eq((const char *)bytes_head(out), want);
	bytes_truncate(out, 0);
}

START_TEST(results)
{
	char name[] = "a\"b";
	const struct message_id number = {.kind = MESSAGE_ID_INTEGER, .number = -5};
	const struct message_id string = {.kind = MESSAGE_ID_STRING, .string = name};
	const struct message_id null = {.kind = MESSAGE_ID_NULL};
	json_t *json = json_pack("{s:[i,s,n]}", "a", 1, "\xc3\xa9");
	struct bytes out = {0};

	message_put_ok(&out, &number, true);
	written(&out, HEAD "\"id\":-5,\"result\":\"ok\"}\n");
	message_put_ok(&out, &string, false);
	written(&out, HEAD "\"id\":\"a\\\"b\",\"result\":\"ok\"}");
	message_put_result(&out, &null, json, true);
	written(&out, HEAD "\"id\":null,\"result\":{\"a\":[1,\"\xc3\xa9\",null]}}\n");
	message_open_result(&out, &number);
	bytes_append_str(&out, "{}");
	message_close(&out, 0, 1, true);
	written(&out, HEAD "\"id\":-5,\"result\":{},\"attached\":0,\"fds\":1}\n");
	json_decref(json);
	bytes_fini(&out);
}
END_TEST

START_TEST(scalar_results)
{
	const struct message_id id = {.kind = MESSAGE_ID_INTEGER, .number = 1};
	struct bytes out = {0};

	message_put_result(&out, &id, json_true(), true);
	written(&out, HEAD "\"id\":1,\"result\":true}\n");
	/* what could not be made, for want of memory, is no result */
	message_put_result(&out, &id, NULL, true);
	ck_assert(bytes_failed(&out));
	bytes_fini(&out);
}
END_TEST

START_TEST(errors)
{
	const struct message_id id = {.kind = MESSAGE_ID_INTEGER, .number = 1};
	json_t *data = json_pack("{s:s}", "option", "packet");
	struct bytes out = {0};

	message_put_error(&out, &id, REASON_CLOSED, NULL, NULL, true);
	written(
	    &out, HEAD "\"id\":1,\"error\":{\"code\":10001,\"message\":\"closed\"}}\n");
	message_put_error(&out, &id, EINVAL, NULL, data, false);
	written(&out,
	    HEAD "\"id\":1,\"error\":{\"code\":22,\"message\":\"einval\","
		 "\"data\":{\"option\":\"packet\"}}}");
	message_put_error(
	    &out, &id, REASON_INVALID_REQUEST, "near \"\xff\"\n", NULL, true);
	written(&out,
	    HEAD "\"id\":1,\"error\":{\"code\":-32600,"
		 "\"message\":\"near \\\"\xef\xbf\xbd\\\"\\n\"}}\n");
	message_open_error(&out, &id, REASON_TIMEOUT, NULL);
	bytes_append_char(&out, '}');
	message_close(&out, 12, 0, true);
	written(&out,
	    HEAD "\"id\":1,\"error\":{\"code\":10002,\"message\":\"timeout\"},"
		 "\"attached\":12}\n");
	json_decref(data);
	bytes_fini(&out);
}
END_TEST

START_TEST(events)
{
	struct bytes out = {0};

	message_open_event(&out, "tcp_closed");
	bytes_append_str(&out, "{}");
	message_close(&out, MESSAGE_PLAIN, 0, true);
	written(&out, HEAD "\"method\":\"tcp_closed\",\"params\":{}}\n");
	bytes_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("message");
	TCase *tcase = tcase_create("message");

	tcase_add_test(tcase, valid_cases);
	tcase_add_test(tcase, invalid_cases);
	tcase_add_test(tcase, load_says_why_and_where);
	tcase_add_loop_test(tcase, ids, 0, sizeof id_cases / sizeof id_cases[0]);
	tcase_add_test(tcase, ids_differ);
	tcase_add_test(tcase, reads_a_request);
	tcase_add_loop_test(tcase, refuses, 0, sizeof refusals / sizeof refusals[0]);
	tcase_add_test(tcase, refused_with_attachment);
	tcase_add_test(tcase, results);
	tcase_add_test(tcase, scalar_results);
	tcase_add_test(tcase, errors);
	tcase_add_test(tcase, events);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
