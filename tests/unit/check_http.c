/* SPDX-License-Identifier: ISC */
/* http packets as JSON: what is written, and that it is read as what it was. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet.h"
#include "rpc/http.h"
#include "tests/unit/run.h"

static const struct {
	bool headers;
	const char *line, *as_auto, *as_base64;
} rows[] = {
    {false, "GET /a?b HTTP/1.1\r\n",
	"{'type':'http_request','method':'GET','uri':{'type':'abs_path','path':'/a?b'},"
	"'version':[1,1]}",
	"{'type':'http_request','method':'GET','uri':{'type':'abs_path',"
	"'path':{'base64':'L2E/Yg=='}},'version':[1,1]}"},
    {false, "get *\n",
	"{'type':'http_request','method':'get','uri':{'type':'*'},'version':[0,9]}",
	"{'type':'http_request','method':{'base64':'Z2V0'},'uri':{'type':'*'},"
	"'version':[0,9]}"},
    {false, "PUT HTTPS://h:81 HTTP/12.34\n",
	"{'type':'http_request','method':'PUT','uri':{'type':'absoluteURI',"
	"'scheme':'https','host':'h','port':81,'path':'/'},'version':[12,34]}",
	"{'type':'http_request','method':'PUT','uri':{'type':'absoluteURI',"
	"'scheme':'https','host':{'base64':'aA=='},'port':81,"
	"'path':{'base64':'Lw=='}},'version':[12,34]}"},
    {false, "PUT http:// HTTP/1.0\n",
	"{'type':'http_request','method':'PUT','uri':{'type':'absoluteURI',"
	"'scheme':'http','host':'','port':null,'path':'/'},'version':[1,0]}",
	"{'type':'http_request','method':'PUT','uri':{'type':'absoluteURI',"
	"'scheme':'http','host':{'base64':''},'port':null,"
	"'path':{'base64':'Lw=='}},'version':[1,0]}"},
    {false, "PUT \xff:\xc3\xa9\n",
	"{'type':'http_request','method':'PUT','uri':{'type':'scheme',"
	"'scheme':{'base64':'/w=='},'string':'\xc3\xa9'},'version':[0,9]}",
	"{'type':'http_request','method':'PUT','uri':{'type':'scheme',"
	"'scheme':{'base64':'/w=='},'string':{'base64':'w6k='}},'version':[0,9]}"},
    {false, "PUT foo\n",
	"{'type':'http_request','method':'PUT','uri':{'type':'string','string':'foo'},"
	"'version':[0,9]}",
	"{'type':'http_request','method':'PUT','uri':{'type':'string',"
	"'string':{'base64':'Zm9v'}},'version':[0,9]}"},
    {false, "HTTP/1.1 404 Not\tFound\n",
	"{'type':'http_response','version':[1,1],'status':404,'phrase':'Not\\tFound'}",
	"{'type':'http_response','version':[1,1],'status':404,"
	"'phrase':{'base64':'Tm90CUZvdW5k'}}"},
    {true, "host: h\n b\n",
	"{'type':'http_header','bit':14,'name':'Host','field':'host','value':'h\\n b'}",
	"{'type':'http_header','bit':14,'name':'Host','field':{'base64':'aG9zdA=='},"
	"'value':{'base64':'aAogYg=='}}"},
    {true, ":\n", "{'type':'http_header','bit':0,'name':'','field':'','value':''}",
	"{'type':'http_header','bit':0,'name':{'base64':''},'field':{'base64':''},"
	"'value':{'base64':''}}"},
    {true, "\n", "{'type':'http_eoh'}", "{'type':'http_eoh'}"},
    {true, "\"\n", "{'type':'http_error','line':'\\\"\\n'}",
	"{'type':'http_error','line':{'base64':'Igo='}}"},
};

/* text with double quotes for single ones, as JSON has it. */
static void
expect(struct bytes *out, const char *text)
{
	char *copy = strdup(text);

	ck_assert_ptr_nonnull(copy);
	for (char *p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	ck_assert(bytes_append_char(out, '\0'));
	ck_assert_str_eq((const char *)bytes_head(out), copy);
	bytes_truncate(out, 0);
	free(copy);
}

/* What was written in one form is read, and written in both. */
static void
read_again(const char *text, size_t len, const char *as_auto, const char *as_base64)
{
	json_t *json = json_loadb(text, len, 0, NULL);
	struct bytes texts[HTTP_TEXTS] = {0}, out = {0};
	struct packet_http http;

	ck_assert_ptr_nonnull(json);
	ck_assert(http_read(json, &http, texts));
	http_put(&out, PAYLOAD_ATTACHED, &http);
	expect(&out, as_auto);
	http_put(&out, PAYLOAD_BASE64, &http);
	expect(&out, as_base64);
	for (size_t i = 0; i < HTTP_TEXTS; i++)
		bytes_fini(&texts[i]);
	bytes_fini(&out);
	json_decref(json);
}

START_TEST(there_and_back)
{
	struct packet_state state = {.headers = rows[_i].headers};
	struct bytes out = {0}, written = {0};
	struct packet_http http;

	packet_http_parse(
	    &state, (const unsigned char *)rows[_i].line, strlen(rows[_i].line), &http);
	http_put(&out, PAYLOAD_BASE64, &http);
	http_put(&written, PAYLOAD_AUTO, &http);
	read_again((const char *)bytes_head(&out), bytes_len(&out), rows[_i].as_auto,
	    rows[_i].as_base64);
	read_again((const char *)bytes_head(&written), bytes_len(&written),
	    rows[_i].as_auto, rows[_i].as_base64);
	expect(&written, rows[_i].as_auto);
	expect(&out, rows[_i].as_base64);
	bytes_fini(&written);
	bytes_fini(&out);
}
END_TEST

/* --- what is none --------------------------------------------------------------- */

/* Is json read? */
static bool
is_read(json_t *json)
{
	struct bytes texts[HTTP_TEXTS] = {0};
	struct packet_http http;
	bool good = http_read(json, &http, texts);

	for (size_t i = 0; i < HTTP_TEXTS; i++)
		bytes_fini(&texts[i]);
	return good;
}

/* A member that may be missing, or is what another says. */
static bool
is_free(const char *name)
{
	return strcmp(name, "bit") == 0 || strcmp(name, "port") == 0;
}

/* Members whose strings are words, of which an array is none. */
static bool
is_word(const char *name, json_t *object)
{
	return strcmp(name, "type") == 0 ||
	    (strcmp(name, "scheme") == 0 && json_object_get(object, "host") != NULL);
}

/* object, root or within it, without each of its members, and with wrong ones. */
static void
spoil(json_t *root, json_t *object)
{
	static const char *const wrong[] = {
	    "true", "{}", "-1", "2147483648", "{\"base64\":1}", "\"none\\u0000\"", "[]"};
	json_t *whole = json_deep_copy(object);
	const char *name;
	json_t *value;

	json_object_foreach (whole, name, value) {
		ck_assert_int_eq(json_object_del(object, name), 0);
		ck_assert_int_eq(is_read(root), is_free(name));
		for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
			/* any string, and an array, are bytes */
			bool bytes = i >= 5 && !is_word(name, whole) &&
			    (json_is_string(value) || json_object_get(value, "base64"));

			json_object_set_new(object, name,
			    json_loads(wrong[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
			ck_assert_msg(is_read(root) == (bytes || !strcmp(name, "bit")),
			    "%s: %s", name, wrong[i]);
		}
		json_object_set(object, name, value);
		ck_assert(is_read(root));
	}
	json_decref(whole);
}

START_TEST(what_is_none)
{
	char *text = strdup(rows[_i].as_auto);
	json_t *json, *version;

	ck_assert_ptr_nonnull(text);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(text, 0, NULL);
	free(text);
	ck_assert_ptr_nonnull(json);
	spoil(json, json);
	if (json_object_get(json, "uri") != NULL)
		spoil(json, json_object_get(json, "uri"));
	version = json_object_get(json, "version");
	for (size_t i = 0; i < json_array_size(version); i++) {
		json_array_set_new(version, i, json_integer(-1));
		ck_assert(!is_read(json));
		json_array_set_new(version, i, json_integer(1));
		ck_assert(is_read(json));
	}
	if (version != NULL) {
		json_array_append_new(version, json_integer(1));
		ck_assert(!is_read(json));
	}
	json_decref(json);
	ck_assert(!is_read(NULL));
	json = json_pack("{s:s%}", "type", "http_eoh", (size_t)9);
	ck_assert_ptr_nonnull(json);
	ck_assert(!is_read(json));
	json_decref(json);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("rpc/http");
	TCase *tc = tcase_create("http");
	int count = (int)(sizeof rows / sizeof *rows);

	tcase_add_loop_test(tc, there_and_back, 0, count);
	tcase_add_loop_test(tc, what_is_none, 0, count);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
