/* SPDX-License-Identifier: ISC */
#include "client/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
error_fini(struct gentcp_error *e)
{
	free(e->detail);
	free(e->data);
	bytes_fini(&e->rest);
	*e = (struct gentcp_error){0};
}

int
error_set(
    struct gentcp_error *e, enum gentcp_status status, int code, const char *format, ...)
{
	va_list args;

	error_fini(e);
	e->status = status;
	e->code = code;
	va_start(args, format);
	vsnprintf(e->reason, sizeof e->reason, format, args);
	va_end(args);
	return status;
}

static void
take_rest(struct gentcp_error *e, json_t *json, const struct incoming *m)
{
	const void *rest;
	size_t len;

	if (m->attached) {
		e->has_rest = bytes_append(&e->rest, m->attachment, m->attachment_len);
		return;
	}
	if (!incoming_bytes(json, &e->rest, &rest, &len))
		return;
	/* a string's bytes are jansson's: keep them */
	e->has_rest = rest == bytes_head(&e->rest) || bytes_append(&e->rest, rest, len);
}

int
error_from(struct gentcp_error *e, const struct incoming *m)
{
	const char *reason = json_string_value(json_object_get(m->error, "message"));
	json_int_t code = json_integer_value(json_object_get(m->error, "code"));
	json_t *data = json_object_get(m->error, "data");
	const char *text;

	error_set(e, GENTCP_ERROR, (int)code, "%s", reason == NULL ? "unknown" : reason);
	text = json_string_value(json_object_get(data, "option"));
	snprintf(e->option, sizeof e->option, "%s", text == NULL ? "" : text);
	text = json_string_value(json_object_get(data, "detail"));
	if (text != NULL)
		e->detail = strdup(text);
	if (data != NULL)
		e->data = json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY);
	take_rest(e, json_object_get(data, "rest"), m);
	return GENTCP_ERROR;
}

int
error_keep_rest(struct gentcp_error *e, const struct incoming *m)
{
	e->has_rest = false;
	bytes_fini(&e->rest);
	take_rest(e, json_object_get(json_object_get(m->error, "data"), "rest"), m);
	return e->status;
}

enum gentcp_status
gentcp_error_status(const struct gentcp_error *e)
{
	return e->status;
}

int
gentcp_error_code(const struct gentcp_error *e)
{
	return e->code;
}

const char *
gentcp_error_reason(const struct gentcp_error *e)
{
	return e->reason;
}

const char *
gentcp_error_option(const struct gentcp_error *e)
{
	return *e->option == '\0' ? NULL : e->option;
}

const char *
gentcp_error_detail(const struct gentcp_error *e)
{
	return e->detail;
}

const char *
gentcp_error_data(const struct gentcp_error *e)
{
	return e->data;
}

const void *
gentcp_error_rest(const struct gentcp_error *e, size_t *len)
{
	*len = e->has_rest ? bytes_len(&e->rest) : 0;
	if (!e->has_rest)
		return NULL;
	return *len == 0 ? "" : (const void *)bytes_head(&e->rest);
}
