/* SPDX-License-Identifier: ISC */
/*
 * Prints proto/openrpc.json: what the tables of proto/ say, with the schemas of
 * results and the examples that proto/openrpc.in.json adds to them.
 *
 *     print_openrpc proto/openrpc.in.json
 *
 * A method or event without a place in that file is an error, and so is a place
 * there for none; a schema or an error that is named has to be there.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"
#include "proto/method.h"
#include "proto/option.h"
#include "proto/option_text.h"
#include "proto/raw.h"
#include "proto/reason.h"

enum { REASON_ERRNO_MAX = 256 };

static const char *const param_schemas[] = {
    [METHOD_T_SOCKET] = "SocketId",
    [METHOD_T_CLIENT] = "ClientId",
    [METHOD_T_MONITOR] = "MonitorId",
    [METHOD_T_HOST] = "Host",
    [METHOD_T_PORT] = "Port",
    [METHOD_T_OPTIONS] = "Options",
    [METHOD_T_NAMES] = "Names",
    [METHOD_T_TIMEOUT] = "Timeout",
    [METHOD_T_DATA] = "Data",
    [METHOD_T_LENGTH] = "Length",
    [METHOD_T_HOW] = "How",
    [METHOD_T_STRING] = "Text",
    [METHOD_T_INTEGER] = "Integer",
    [METHOD_T_BOOLEAN] = "Boolean",
    [METHOD_T_ARRAY] = "Messages",
    [METHOD_T_ID] = "RequestId",
    [METHOD_T_ACTIVE] = "Active",
};

static const struct {
	unsigned flag;
	const char *member;
} method_flags[] = {
    {METHOD_WAITS, "x-waits"},
    {METHOD_BYTES, "x-takes-attachment"},
    {METHOD_FDS, "x-takes-descriptor"},
    {METHOD_GIVES, "x-gives-descriptor"},
};

static _Noreturn void
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("print_openrpc: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

/* The member, borrowed; its absence is an error. */
static json_t *
need(json_t *object, const char *member, const char *of)
{
	json_t *value = json_object_get(object, member);

	if (value == NULL)
		fail("%s has no \"%s\"", of, member);
	return value;
}

static json_t *
reference(json_t *in, const char *name)
{
	need(need(in, "schemas", "the template"), name, "schemas");
	return json_pack("{s:s+}", "$ref", "#/components/schemas/", name);
}

/* Every place in there is for something that is. */
static void
no_others(json_t *places, size_t count, const char *what)
{
	if (json_object_size(places) != count)
		fail("%zu places for %zu %s", json_object_size(places), count, what);
}

/* --- errors ------------------------------------------------------------------- */

/* By its name, whose blanks (JSON-RPC's own have some) a key may not have. */
static void
add_error(json_t *errors, int reason)
{
	const char *name = reason_name(reason);
	char key[32];

	if (strcmp(name, "unknown") == 0)
		return;
	if (snprintf(key, sizeof key, "%s", name) >= (int)sizeof key)
		fail("%s is too long", name);
	for (char *blank = key; (blank = strchr(blank, ' ')) != NULL;)
		*blank = '_';
	json_object_set_new(
	    errors, key, json_pack("{s:i, s:s}", "code", reason, "message", name));
}

static json_t *
errors_new(void)
{
	json_t *errors = json_object();

	for (int i = REASON_CLOSED; i <= REASON_NOPROC; i++)
		add_error(errors, i);
	for (int i = REASON_PARSE_ERROR; i < 0; i++)
		add_error(errors, i);
	for (int i = 1; i < REASON_ERRNO_MAX; i++)
		add_error(errors, i);
	return errors;
}

static json_t *
method_errors(json_t *names, json_t *errors, const char *method)
{
	json_t *list = json_array(), *name;
	const char *text;
	size_t i;

	json_array_foreach (names, i, name) {
		text = json_string_value(name);
		if (text == NULL || json_object_get(errors, text) == NULL)
			fail("%s: no such error", method);
		json_array_append_new(
		    list, json_pack("{s:s+}", "$ref", "#/components/errors/", text));
	}
	return list;
}

/* --- methods ------------------------------------------------------------------ */

static json_t *
params_new(json_t *in, const struct method_row *row)
{
	json_t *list = json_array();

	for (size_t i = 0; i < method_arity(row); i++) {
		const struct method_param *p = &row->params[i];

		json_array_append_new(list,
		    json_pack("{s:s, s:s, s:b, s:o}", "name", p->name, "summary", p->help,
			"required", !p->optional, "schema",
			reference(in, param_schemas[p->type])));
	}
	return list;
}

/* Its params in the table's order; one that the row has not is an error. */
static json_t *
example_params(const struct method_row *row, json_t *params)
{
	json_t *list = json_array(), *value;

	for (size_t i = 0; i < method_arity(row); i++) {
		value = json_object_get(params, row->params[i].name);
		if (value != NULL)
			json_array_append_new(list,
			    json_pack("{s:s, s:O}", "name", row->params[i].name, "value",
				value));
	}
	if (json_array_size(list) != json_object_size(params))
		fail("%s: an example has a param that is none", row->name);
	return list;
}

/* What an example needs before and beside it, as extensions. */
static void
copy_extensions(json_t *in, json_t *to, json_t *from)
{
	static const char *const members[] = {"setup", "before", "by", "fds", "after"};
	char name[32] = "x-";

	for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
		strcpy(name + 2, members[i]);
		json_object_set(to, name, json_object_get(from, members[i]));
	}
	if (json_object_get(from, "setup") != NULL)
		need(need(in, "setups", "the template"),
		    json_string_value(json_object_get(from, "setup")), "setups");
}

static json_t *
method_examples(json_t *in, const struct method_row *row, json_t *examples)
{
	json_t *list = json_array(), *example;
	size_t i;

	if (json_array_size(examples) == 0)
		fail("%s has no example", row->name);
	json_array_foreach (examples, i, example) {
		json_t *made = json_pack("{s:O, s:o}", "name",
		    need(example, "name", row->name), "params",
		    example_params(row, need(example, "params", row->name)));

		if (json_object_get(example, "error") != NULL)
			json_object_set(
			    made, "x-error", json_object_get(example, "error"));
		else
			json_object_set_new(made, "result",
			    json_pack("{s:s, s:O}", "name", "result", "value",
				need(example, "result", row->name)));
		copy_extensions(in, made, example);
		json_array_append_new(list, made);
	}
	return list;
}

static json_t *
method_new(json_t *in, const struct method_row *row, json_t *errors)
{
	json_t *place = need(need(in, "methods", "the template"), row->name, "methods");
	const char *result = json_string_value(need(place, "result", row->name));
	json_t *made = json_pack("{s:s, s:s, s:s, s:o, s:{s:s, s:s, s:o}}", "name",
	    row->name, "summary", row->help, "paramStructure", "either", "params",
	    params_new(in, row), "result", "name", "result", "summary", row->result,
	    "schema", reference(in, result));

	json_object_set_new(made, "errors",
	    method_errors(need(place, "errors", row->name), errors, row->name));
	for (size_t i = 0; i < sizeof method_flags / sizeof *method_flags; i++)
		if ((row->flags & method_flags[i].flag) != 0)
			json_object_set_new(made, method_flags[i].member, json_true());
	json_object_set_new(made, "examples",
	    method_examples(in, row, need(place, "examples", row->name)));
	return made;
}

static json_t *
methods_new(json_t *in, json_t *errors)
{
	json_t *list = json_array();

	for (int i = 0; i < METHOD_COUNT; i++)
		json_array_append_new(
		    list, method_new(in, method_row((enum method_id)i), errors));
	no_others(need(in, "methods", "the template"), METHOD_COUNT, "methods");
	return list;
}

/* --- events ------------------------------------------------------------------- */

/* {"socket": "SocketId", "data?": "Data"} as a schema. */
static json_t *
event_schema(json_t *in, json_t *params)
{
	json_t *properties = json_object(), *required = json_array(), *schema;
	const char *key;

	json_object_foreach (params, key, schema) {
		char name[32];
		size_t len = strcspn(key, "?");

		if (len >= sizeof name)
			fail("a param of an event is too long");
		memcpy(name, key, len);
		name[len] = '\0';
		if (key[len] == '\0')
			json_array_append_new(required, json_string(name));
		json_object_set_new(
		    properties, name, reference(in, json_string_value(schema)));
	}
	return json_pack("{s:s, s:o, s:o}", "type", "object", "required", required,
	    "properties", properties);
}

static json_t *
event_new(json_t *in, const struct event_row *row)
{
	json_t *place = need(need(in, "events", "the template"), row->name, "events");
	json_t *examples = json_array(), *example;
	size_t i;

	json_array_foreach (need(place, "examples", row->name), i, example) {
		json_t *made = json_pack("{s:O, s:O}", "name",
		    need(example, "name", row->name), "params",
		    need(example, "params", row->name));

		copy_extensions(in, made, example);
		json_array_append_new(examples, made);
	}
	if (json_array_size(examples) == 0)
		fail("%s has no example", row->name);
	return json_pack("{s:s, s:s, s:o, s:o}", "name", row->name, "summary", row->help,
	    "params", event_schema(in, need(place, "params", row->name)), "examples",
	    examples);
}

static json_t *
events_new(json_t *in)
{
	json_t *list = json_array();

	for (int i = 0; i < EVENT_COUNT; i++)
		json_array_append_new(list, event_new(in, event_row((enum event_id)i)));
	no_others(need(in, "events", "the template"), EVENT_COUNT, "events");
	return list;
}

/* --- options ------------------------------------------------------------------ */

static json_t *
choices_new(const struct option_row *row)
{
	json_t *list = json_array();

	for (const struct option_choice *c = row->choices; c->name != NULL; c++)
		json_array_append_new(
		    list, c->number ? json_integer(atoi(c->name)) : json_string(c->name));
	return json_pack("{s:o}", "enum", list);
}

static json_t *
option_schema(json_t *in, const struct option_row *row)
{
	static const char *const schemas[] = {
	    [OPTION_T_BOOLEAN] = "Boolean",
	    [OPTION_T_TIMEOUT] = "Timeout",
	    [OPTION_T_ACTIVE] = "Active",
	    [OPTION_T_LINGER] = "Linger",
	    [OPTION_T_ADDRESS] = "Address",
	    [OPTION_T_PASSED] = "Passed",
	    [OPTION_T_DEVICE] = "Data",
	    [OPTION_T_PATH] = "Data",
	    [OPTION_T_PACKET] = "PacketOptions",
	    [OPTION_T_RAW] = "Raw",
	};

	if (row->type == OPTION_T_CHOICE)
		return choices_new(row);
	if (row->type == OPTION_T_INTEGER)
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
		    (json_int_t)row->min, "maximum", (json_int_t)row->max);
	return reference(in, schemas[row->type]);
}

/* What a function of option_text.h writes: words with ", " between, as an array. */
static json_t *
words_new(
    void (*put)(struct bytes *, const struct option_row *), const struct option_row *row)
{
	struct bytes text = {0};
	json_t *list = json_array();
	char *save = NULL;

	put(&text, row);
	bytes_append_char(&text, '\0');
	if (bytes_failed(&text))
		fail("no memory");
	for (char *word = strtok_r((char *)bytes_head(&text), ", ", &save); word != NULL;
	     word = strtok_r(NULL, ", ", &save))
		json_array_append_new(list, json_string(word));
	bytes_fini(&text);
	return list;
}

static json_t *
option_new(json_t *in, const struct option_row *row)
{
	static const char *const inherit[] = {
	    [OPTION_NOT_INHERITED] = "no",
	    [OPTION_COPIED] = "copied",
	    [OPTION_READ_AND_SET] = "set",
	    [OPTION_BY_KERNEL] = "kernel",
	};
	json_t *made = json_pack("{s:s, s:s, s:s*}", "name", row->name, "summary",
	    row->help, "description", row->note);

	if (row->type == OPTION_T_BARE) /* the value has the word's own name */
		json_object_set_new(made, "stands_for",
		    json_pack("{s:s}", option_row(row->stands_for)->name, row->name));
	else {
		json_object_set_new(made, "schema", option_schema(in, row));
		json_object_set_new(made, "default", json_string(row->initial));
	}
	if (row->unit != NULL)
		json_object_set_new(made, "unit", json_string(row->unit));
	json_object_set_new(made, "in", words_new(option_put_when, row));
	json_object_set_new(made, "families", words_new(option_put_families, row));
	if (row->type != OPTION_T_BARE)
		json_object_set_new(
		    made, "inherited", json_string(inherit[row->inherit]));
	if (row->kernel != NULL)
		json_object_set_new(made, "kernel", json_string(row->kernel));
	return made;
}

static json_t *
options_new(json_t *in)
{
	json_t *list = json_array();

	for (int i = 0; i < OPTION_COUNT; i++)
		json_array_append_new(
		    list, option_new(in, option_row((enum option_id)i)));
	return list;
}

static json_t *
raw_new(void)
{
	static const char *const who[] = {
	    [RAW_ANYBODY] = "all",
	    [RAW_NOT] = "nobody",
	    [RAW_PRIORITY] = "0 to 6 all, else root",
	    [RAW_ROOT] = "root",
	};
	json_t *list = json_array();
	const struct raw_row *row;

	for (size_t i = 0; (row = raw_row(i)) != NULL; i++)
		json_array_append_new(list,
		    json_pack("{s:s, s:i, s:i, s:I, s:s}", "name", row->text, "protocol",
			row->level, "option", row->name, "bytes", (json_int_t)row->size,
			"set_by", who[row->set]));
	return list;
}

/* --- all of it ---------------------------------------------------------------- */

static json_t *
document_new(json_t *in)
{
	json_t *errors = errors_new();

	return json_pack("{s:s, s:O, s:o, s:{s:O, s:o}, s:o, s:o, s:o, s:O}", "openrpc",
	    "1.3.2", "info", need(in, "info", "the template"), "methods",
	    methods_new(in, errors), "components", "schemas",
	    need(in, "schemas", "the template"), "errors", errors, "x-events",
	    events_new(in), "x-options", options_new(in), "x-raw-options", raw_new(),
	    "x-setups", need(in, "setups", "the template"));
}

int
main(int argc, char **argv)
{
	json_error_t error;
	json_t *in, *document;

	if (argc != 2) {
		fputs("usage: print_openrpc template\n", stderr);
		return 2;
	}
	in = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &error);
	if (in == NULL)
		fail("%s:%d: %s", argv[1], error.line, error.text);
	document = document_new(in);
	if (document == NULL ||
	    json_dumpf(document, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII) != 0 ||
	    putchar('\n') == EOF || fflush(stdout) != 0)
		fail("cannot write: %s", strerror(errno));
	json_decref(document);
	json_decref(in);
	return 0;
}
