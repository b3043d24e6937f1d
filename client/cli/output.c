/* SPDX-License-Identifier: ISC */
#include "client/cli/output.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/incoming.h"
#include "proto/payload.h"

static const struct payload_style as_auto = {.form = PAYLOAD_AUTO};

/* --- JSON values ------------------------------------------------------------ */

static void
put_value(struct bytes *out, json_t *json)
{
	if (json_is_string(json))
		output_word(out, json_string_value(json), json_string_length(json));
	else
		output_json(out, json);
}

static void
put_pairs(struct bytes *out, json_t *object, char between)
{
	const char *name;
	json_t *value;
	bool first = true;

	json_object_foreach (object, name, value) {
		if (!first)
			bytes_append_char(out, between);
		first = false;
		output_word(out, name, strlen(name));
		bytes_append_char(out, '=');
		put_value(out, value);
	}
}

static void
put_rows(struct bytes *out, json_t *array)
{
	size_t i;
	json_t *row;

	json_array_foreach (array, i, row) {
		if (i > 0)
			bytes_append_char(out, '\n');
		if (json_is_object(row))
			put_pairs(out, row, ' ');
		else
			put_value(out, row);
	}
}

/* Any value: pairs, rows, or the value itself. */
static void
put_any(struct bytes *out, json_t *json, char between)
{
	json_t *first = json_array_get(json, 0);

	if (json_is_object(json))
		put_pairs(out, json, between);
	else if (json_is_object(first))
		put_rows(out, json);
	else if (json_is_string(json) && strcmp(json_string_value(json), "ok") == 0)
		bytes_append_str(out, "ok");
	else if (json_is_string(json))
		output_quoted(out, json_string_value(json), json_string_length(json));
	else
		output_json(out, json);
}

/* --- results ---------------------------------------------------------------- */

static void
put_opened(struct bytes *out, json_t *result)
{
	json_t *port = json_object_get(result, "port");

	bytes_append_str(out, "socket ");
	put_value(out, json_object_get(result, "socket"));
	if (port != NULL && !json_is_null(port)) {
		bytes_append_str(out, " port ");
		put_value(out, port);
	}
}

static void
put_number_unless_0(struct bytes *out, json_t *object, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(object, name));

	if (n == 0)
		return;
	bytes_append_char(out, ' ');
	bytes_append_str(out, name);
	bytes_append_char(out, ' ');
	bytes_append_int(out, n);
}

static void
put_address(struct bytes *out, json_t *result)
{
	const char *family = json_string_value(json_object_get(result, "family"));
	json_t *addr = json_object_get(result, "addr");
	struct bytes path = {0};
	const void *p;
	size_t len;
	char why[64];

	if (family != NULL && strcmp(family, "local") == 0) {
		bytes_append_str(out, "local ");
		if (payload_read(addr, SIZE_MAX / 4, &path, &p, &len, why, sizeof why) ==
		    0)
			output_quoted(out, p, len);
		bytes_fini(&path);
		return;
	}
	put_value(out, addr);
	bytes_append_char(out, ' ');
	put_value(out, json_object_get(result, "port"));
	put_number_unless_0(out, result, "scope_id");
	put_number_unless_0(out, result, "flowinfo");
}

static void
put_header(struct bytes *out, const void *header, size_t len)
{
	if (header == NULL)
		return;
	bytes_append_str(out, "header ");
	payload_put(out, &(struct payload_style){.form = PAYLOAD_AUTO, .list = true},
	    header, len);
	bytes_append_char(out, ' ');
}

static void
put_data(struct bytes *out, json_t *result, const struct gentcp_reply *r)
{
	json_t *http = json_object_get(result, "http");
	const void *p;
	size_t len;

	if (http != NULL) {
		bytes_append_str(out, "http ");
		output_json(out, http);
		return;
	}
	p = gentcp_reply_header(r, &len);
	put_header(out, p, len);
	p = gentcp_reply_data(r, &len);
	output_quoted(out, p, len);
}

void
output_result(
    struct bytes *out, const struct method_row *row, const struct gentcp_reply *r)
{
	const char *text = gentcp_reply_json(r);
	json_t *result = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);

	switch (row->id) {
	case METHOD_CONNECT:
	case METHOD_LISTEN:
	case METHOD_ACCEPT:
	case METHOD_FDOPEN:
		put_opened(out, result);
		break;
	case METHOD_RECV:
		put_data(out, result, r);
		break;
	case METHOD_SOCKNAME:
	case METHOD_PEERNAME:
		put_address(out, result);
		break;
	case METHOD_GETADDRS:
		put_rows(out, result);
		break;
	default:
		put_any(out, result, row->id == METHOD_INFO ? '\n' : ' ');
	}
	json_decref(result);
}

/* --- events ----------------------------------------------------------------- */

/* An event's own JSON, its "http" alone if it has one, made harmless. */
static void
put_event_json(struct bytes *out, const struct gentcp_event *e, bool http)
{
	json_t *params = e->json == NULL ? NULL
					 : json_loads(e->json, JSON_DECODE_ANY, NULL);
	json_t *packet = http ? json_object_get(params, "http") : NULL;

	if (params != NULL)
		output_json(out, packet == NULL ? params : packet);
	json_decref(params);
}

void
output_event(struct bytes *out, const struct gentcp_event *e)
{
	output_word(out, e->name, strlen(e->name));
	bytes_append_char(out, ' ');
	if (e->type == GENTCP_EVENT_OTHER) {
		put_event_json(out, e, false);
		return;
	}
	bytes_append_uint(out, e->socket);
	switch (e->type) {
	case GENTCP_EVENT_TCP:
	case GENTCP_EVENT_PORT:
		bytes_append_char(out, ' ');
		put_header(out, e->header, e->header_len);
		output_quoted(out, e->data, e->len);
		break;
	case GENTCP_EVENT_TCP_ERROR:
		bytes_append_char(out, ' ');
		output_word(out, e->reason, strlen(e->reason));
		break;
	case GENTCP_EVENT_TCP_OWNER:
		bytes_append_str(out, " from ");
		bytes_append_uint(out, e->from);
		break;
	case GENTCP_EVENT_DOWN:
		bytes_append_str(out, " monitor ");
		bytes_append_uint(out, e->monitor);
		bytes_append_char(out, ' ');
		output_word(out, e->reason, strlen(e->reason));
		break;
	case GENTCP_EVENT_HTTP:
		bytes_append_char(out, ' ');
		put_event_json(out, e, true);
		break;
	default:
		break;
	}
}

void
output_event_json(struct bytes *out, const struct gentcp_event *e)
{
	struct payload_style style = as_auto;
	size_t skip;

	bytes_append_str(out, "{\"method\":");
	payload_put_string(out, e->name, strlen(e->name));
	bytes_append_str(out, ",\"params\":");
	if (e->json != NULL) {
		put_event_json(out, e, false);
		bytes_append_char(out, '}');
		return;
	}
	bytes_append_str(out, "{\"socket\":");
	bytes_append_uint(out, e->socket);
	if (e->header != NULL) {
		bytes_append_str(out, ",\"header\":");
		style.list = true;
		payload_put(out, &style, e->header, e->header_len);
	}
	style.list = e->mode_list != 0;
	if (incoming_has_data(e))
		(void)payload_put_members(out, &style, e->data, e->len, false, &skip);
	if (e->reason != NULL) {
		bytes_append_str(out, ",\"reason\":");
		payload_put_string(out, e->reason, strlen(e->reason));
	}
	if (e->type == GENTCP_EVENT_TCP_OWNER) {
		bytes_append_str(out, ",\"from\":");
		bytes_append_uint(out, e->from);
	}
	if (e->type == GENTCP_EVENT_DOWN) {
		bytes_append_str(out, ",\"monitor\":");
		bytes_append_uint(out, e->monitor);
	}
	bytes_append_str(out, "}}");
}

/* --- errors ----------------------------------------------------------------- */

void
output_error(struct bytes *out, const struct gentcp_error *e)
{
	const char *option = gentcp_error_option(e), *detail = gentcp_error_detail(e);
	const void *rest;
	size_t len;

	output_sentence(out, gentcp_error_reason(e));
	if (option != NULL) {
		bytes_append_str(out, ": option ");
		output_sentence(out, option);
	}
	if (detail != NULL) {
		bytes_append_str(out, ": ");
		output_sentence(out, detail);
	}
	rest = gentcp_error_rest(e, &len);
	if (rest != NULL) {
		bytes_append_str(out, ": rest ");
		output_quoted(out, rest, len);
	}
}

void
output_error_json(struct bytes *out, const struct gentcp_error *e)
{
	const char *data = gentcp_error_data(e);

	bytes_append_str(out, "{\"code\":");
	bytes_append_int(out, gentcp_error_code(e));
	bytes_append_str(out, ",\"message\":");
	payload_put_string(out, gentcp_error_reason(e), strlen(gentcp_error_reason(e)));
	if (data != NULL) {
		bytes_append_str(out, ",\"data\":");
		bytes_append_str(out, data);
	}
	bytes_append_char(out, '}');
}
