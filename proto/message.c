/* SPDX-License-Identifier: ISC */
#include "proto/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/payload.h"
#include "proto/reason.h"

/* Whole numbers that every JSON library can tell apart. */
#define NUMBER_MAX (INT64_C(1) << 53)

/* --- ids --------------------------------------------------------------- */

bool
message_id_copy(struct message_id *to, const struct message_id *from)
{
	*to = *from;
	if (from->kind != MESSAGE_ID_STRING)
		return true;
	to->string = strdup(from->string);
	if (to->string != NULL)
		return true;
	to->kind = MESSAGE_ID_NULL;
	return false;
}

void
message_id_fini(struct message_id *id)
{
	if (id->kind == MESSAGE_ID_STRING)
		free(id->string);
	*id = (struct message_id){.kind = MESSAGE_ID_NULL};
}

bool
message_id_equal(const struct message_id *a, const struct message_id *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == MESSAGE_ID_INTEGER)
		return a->number == b->number;
	return a->kind != MESSAGE_ID_STRING || strcmp(a->string, b->string) == 0;
}

bool
message_id_read(json_t *value, struct message_id *id)
{
	json_int_t number = json_integer_value(value);

	*id = (struct message_id){.kind = MESSAGE_ID_NULL};
	if (json_is_integer(value)) {
		if (number < -NUMBER_MAX || number > NUMBER_MAX)
			return false;
		id->kind = MESSAGE_ID_INTEGER;
		id->number = number;
		return true;
	}
	if (!json_is_string(value))
		return json_is_null(value);
	if (json_string_length(value) > MESSAGE_ID_STRING_MAX ||
	    memchr(json_string_value(value), 0, json_string_length(value)) != NULL)
		return false;
	id->string = strdup(json_string_value(value));
	if (id->string == NULL)
		return false;
	id->kind = MESSAGE_ID_STRING;
	return true;
}

/* --- reading ----------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static int
refuse(char *why, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, size, format, args);
	va_end(args);
	return REASON_INVALID_REQUEST;
}

json_t *
message_load(const char *text, size_t len, char *why, size_t size)
{
	json_error_t error;
	json_t *json;

	json = json_loadb(
	    text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	if (json == NULL)
		refuse(why, size, "Byte %d: %s", error.position, error.text);
	return json;
}

/* The members that a request may have. */
enum member {
	MEMBER_JSONRPC,
	MEMBER_ID,
	MEMBER_METHOD,
	MEMBER_PARAMS,
	MEMBER_ATTACHED,
	MEMBER_FDS,
	MEMBER_ACK,
	MEMBER_UNKNOWN
};

static enum member
member_find(const char *name)
{
	static const char *const names[] = {
	    "jsonrpc", "id", "method", "params", "attached", "fds", "ack"};
	unsigned i;

	for (i = 0; i < MEMBER_UNKNOWN; i++)
		if (strcmp(name, names[i]) == 0)
			break;
	return (enum member)i;
}

/* Sorts the members; the first unknown one's name goes to *unknown. */
static void
sort_members(json_t *object, json_t *members[MEMBER_UNKNOWN + 1], const char **unknown)
{
	enum member member;
	const char *name;
	json_t *value;

	json_object_foreach (object, name, value) {
		member = member_find(name);
		if (member == MEMBER_UNKNOWN && *unknown == NULL)
			*unknown = name;
		members[member] = value;
	}
}

static bool
is_ack(const json_t *value)
{
	return value == NULL ||
	    (json_is_integer(value) && json_integer_value(value) >= 0 &&
		json_integer_value(value) <= NUMBER_MAX);
}

/* What is wrong with the members, but for the id; 0 if nothing is. */
static int
check_members(json_t *const members[], const char *unknown, char *why, size_t size)
{
	const char *version = json_string_value(members[MEMBER_JSONRPC]);
	json_t *params = members[MEMBER_PARAMS];

	if (version == NULL || strcmp(version, "2.0") != 0)
		return refuse(why, size, "jsonrpc must be \"2.0\"");
	if (members[MEMBER_METHOD] == NULL && unknown != NULL &&
	    (strcmp(unknown, "result") == 0 || strcmp(unknown, "error") == 0))
		return refuse(why, size, "A reply, where a request was expected");
	if (unknown != NULL)
		return refuse(
		    why, size, "A request has no member \"%.64s\" at its top", unknown);
	if (!json_is_string(members[MEMBER_METHOD]) ||
	    strlen(json_string_value(members[MEMBER_METHOD])) !=
		json_string_length(members[MEMBER_METHOD]))
		return refuse(why, size, "method must be a string without NUL");
	if (params != NULL && !json_is_object(params) && !json_is_array(params))
		return refuse(why, size, "params must be an object or an array");
	if (!is_ack(members[MEMBER_ACK]))
		return refuse(why, size, "ack must be an integer from 0 to 2^53");
	return 0;
}

int
message_read(json_t *object, struct message *m, char *why, size_t size)
{
	json_t *members[MEMBER_UNKNOWN + 1] = {NULL}, *id;
	const char *unknown = NULL;
	int reason;

	*m = (struct message){.id = {.kind = MESSAGE_ID_NULL}};
	if (!json_is_object(object))
		return refuse(why, size, "A request must be an object");
	sort_members(object, members, &unknown);
	m->attached = members[MEMBER_ATTACHED] != NULL;
	m->fds = members[MEMBER_FDS] != NULL;
	id = members[MEMBER_ID];
	if (id != NULL && !message_id_read(id, &m->id))
		return refuse(why, size,
		    "id must be a string of at most %d bytes, an integer within 2^53, or "
		    "null",
		    MESSAGE_ID_STRING_MAX);
	reason = check_members(members, unknown, why, size);
	if (reason != 0)
		return reason;
	if (id == NULL)
		m->id.kind = MESSAGE_ID_NONE;
	m->method = json_string_value(members[MEMBER_METHOD]);
	m->params = members[MEMBER_PARAMS];
	m->ack = (uint64_t)json_integer_value(members[MEMBER_ACK]);
	return 0;
}

void
message_fini(struct message *m)
{
	message_id_fini(&m->id);
	m->method = NULL;
	m->params = NULL;
}

/* --- writing ----------------------------------------------------------- */

/* Appends fixed text. */
#define PUT(out, text) ((void)bytes_append(out, text, sizeof(text) - 1))

static int
dump(const char *text, size_t len, void *out)
{
	return bytes_append(out, text, len) ? 0 : -1;
}

static void
put_json(struct bytes *out, json_t *json)
{
	if (json_dump_callback(json, dump, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		out->failed = true;
}

void
message_put_id(struct bytes *out, const struct message_id *id)
{
	if (id->kind == MESSAGE_ID_INTEGER)
		bytes_append_int(out, id->number);
	else if (id->kind == MESSAGE_ID_STRING)
		payload_put_string(out, id->string, strlen(id->string));
	else
		PUT(out, "null");
}

void
message_open_result(struct bytes *out, const struct message_id *id)
{
	PUT(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	message_put_id(out, id);
	PUT(out, ",\"result\":");
}

void
message_close(struct bytes *out, uint64_t attached, unsigned fds, bool lf)
{
	if (attached != MESSAGE_PLAIN) {
		PUT(out, ",\"attached\":");
		bytes_append_uint(out, attached);
	}
	if (fds > 0) {
		PUT(out, ",\"fds\":");
		bytes_append_uint(out, fds);
	}
	bytes_append(out, "}\n", lf ? 2 : 1);
}

void
message_put_ok(struct bytes *out, const struct message_id *id, bool lf)
{
	message_open_result(out, id);
	PUT(out, "\"ok\"");
	message_close(out, MESSAGE_PLAIN, 0, lf);
}

void
message_put_result(
    struct bytes *out, const struct message_id *id, json_t *result, bool lf)
{
	message_open_result(out, id);
	put_json(out, result);
	message_close(out, MESSAGE_PLAIN, 0, lf);
}

void
message_open_error(
    struct bytes *out, const struct message_id *id, int reason, const char *text)
{
	if (text == NULL)
		text = reason_name(reason);
	PUT(out, "{\"jsonrpc\":\"2.0\",\"id\":");
	message_put_id(out, id);
	PUT(out, ",\"error\":{\"code\":");
	bytes_append_int(out, reason);
	PUT(out, ",\"message\":");
	payload_put_string(out, text, strlen(text));
}

void
message_put_error(struct bytes *out, const struct message_id *id, int reason,
    const char *text, json_t *data, bool lf)
{
	message_open_error(out, id, reason, text);
	if (data != NULL) {
		PUT(out, ",\"data\":");
		put_json(out, data);
	}
	bytes_append_char(out, '}');
	message_close(out, MESSAGE_PLAIN, 0, lf);
}

void
message_open_event(struct bytes *out, const char *method)
{
	PUT(out, "{\"jsonrpc\":\"2.0\",\"method\":\"");
	bytes_append_str(out, method);
	PUT(out, "\",\"params\":");
}
