/* SPDX-License-Identifier: ISC */
#include "proto/params.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/message.h"
#include "proto/quote.h"
#include "proto/reason.h"
#include "proto/value_private.h"

/* What JSON numbers can say exactly everywhere. */
#define EXACT_MAX (INT64_C(1) << 53)

static int __attribute__((format(printf, 3, 4)))
refuse(char *why, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, size, format, args);
	va_end(args);
	return REASON_INVALID_PARAMS;
}

static bool
integer_within(const json_t *v, int64_t min, int64_t max)
{
	return json_is_integer(v) && json_integer_value(v) >= min &&
	    json_integer_value(v) <= max;
}

/* A NUL inside would hide what follows it from C. */
const char *
params_text(const json_t *value)
{
	const char *text = json_string_value(value);

	return text != NULL && strlen(text) == json_string_length(value) ? text : NULL;
}

static bool
is_text(const json_t *v)
{
	return params_text(v) != NULL;
}

/* A name, or one with what it is asked about: {"raw": …}, ["raw", …]. */
static bool
is_name(const json_t *v)
{
	return json_is_string(v) || json_object_size(v) == 1 ||
	    (json_array_size(v) == 2 && json_is_string(json_array_get(v, 0)));
}

static bool
is_names(const json_t *v)
{
	if (!json_is_array(v))
		return false;
	for (size_t i = 0; i < json_array_size(v); i++) {
		if (!is_name(json_array_get(v, i)))
			return false;
	}
	return true;
}

static bool
is_id(const json_t *v)
{
	if (json_is_string(v))
		return json_string_length(v) <= MESSAGE_ID_STRING_MAX;
	return json_is_null(v) || integer_within(v, -EXACT_MAX, EXACT_MAX);
}

static bool
is_active(json_t *v)
{
	struct option_value value;
	struct value_error error;

	return value_read(option_row(OPTION_ACTIVE), v, &value, &error) == 0;
}

/* What a value of each type must be, for the sentence. */
static const char *const wanted[] = {
    [METHOD_T_SOCKET] = "a positive integer",
    [METHOD_T_CLIENT] = "a positive integer",
    [METHOD_T_MONITOR] = "a positive integer",
    [METHOD_T_HOST] = "a name or an address (a string or an object)",
    [METHOD_T_PORT] = "an integer from 0 to 65535, or the name of a service",
    [METHOD_T_OPTIONS] = "an object or an array of options",
    [METHOD_T_NAMES] = "an array of names",
    [METHOD_T_TIMEOUT] = "a whole number of ms, 0 or more, or \"infinity\"",
    [METHOD_T_DATA] = "a string, {\"base64\": text}, or an array of these and of bytes",
    [METHOD_T_LENGTH] = "an integer, 0 or more",
    [METHOD_T_HOW] = "\"read\", \"write\" or \"read_write\"",
    [METHOD_T_STRING] = "a string without NUL",
    [METHOD_T_INTEGER] = "an integer",
    [METHOD_T_BOOLEAN] = "true or false",
    [METHOD_T_ARRAY] = "an array",
    [METHOD_T_ID] = "the id of a request: a string, an integer, or null",
    [METHOD_T_ACTIVE] = "true, false, \"once\", or an integer from -32768 to 32767",
};

static bool
fits(enum method_type type, json_t *v)
{
	switch (type) {
	case METHOD_T_SOCKET:
	case METHOD_T_CLIENT:
	case METHOD_T_MONITOR:
		return integer_within(v, 1, INT64_MAX);
	case METHOD_T_HOST:
		return is_text(v) || json_is_object(v);
	case METHOD_T_PORT:
		return integer_within(v, 0, UINT16_MAX) ||
		    (is_text(v) && json_string_length(v) > 0);
	case METHOD_T_OPTIONS:
		return json_is_object(v) || json_is_array(v);
	case METHOD_T_NAMES:
		return is_names(v);
	case METHOD_T_TIMEOUT:
		return integer_within(v, 0, EXACT_MAX) || value_says(v, "infinity");
	case METHOD_T_DATA:
		return json_is_string(v) || json_is_array(v) || json_is_object(v);
	case METHOD_T_LENGTH:
		return integer_within(v, 0, INT64_MAX);
	case METHOD_T_HOW:
		return value_says(v, "read") || value_says(v, "write") ||
		    value_says(v, "read_write");
	case METHOD_T_STRING:
		return is_text(v);
	case METHOD_T_INTEGER:
		return json_is_integer(v);
	case METHOD_T_BOOLEAN:
		return json_is_boolean(v);
	case METHOD_T_ARRAY:
		return json_is_array(v);
	case METHOD_T_ID:
		return is_id(v);
	case METHOD_T_ACTIVE:
		return is_active(v);
	}
	return false;
}

/* null is the same as not given, but for an id: null is one. */
static json_t *
given(const struct method_param *param, json_t *v)
{
	return json_is_null(v) && param->type != METHOD_T_ID ? NULL : v;
}

static int
sort_by_position(const struct method_row *row, json_t *params, struct params *p,
    char *why, size_t size)
{
	size_t arity = method_arity(row);

	if (json_array_size(params) > arity)
		return refuse(
		    why, size, "too many params: %s takes %zu", row->name, arity);
	for (size_t i = 0; i < json_array_size(params); i++)
		p->value[i] = given(&row->params[i], json_array_get(params, i));
	return 0;
}

static int
sort_by_name(const struct method_row *row, json_t *params, struct params *p, char *why,
    size_t size)
{
	size_t arity = method_arity(row), len, i;
	const char *name;

	for (void *at = json_object_iter(params); at != NULL;
	     at = json_object_iter_next(params, at)) {
		name = json_object_iter_key(at);
		len = strlen(name);
		for (i = 0; i < arity; i++) {
			if (strcmp(name, row->params[i].name) == 0)
				break;
		}
		if (i == arity)
			return refuse(
			    why, size, "unknown param %s", quote_name(name, len).text);
		p->value[i] = given(&row->params[i], json_object_iter_value(at));
	}
	return 0;
}

/* Settles what the attachment stands for. */
static int
check_attached(
    const struct method_row *row, const struct params *p, char *why, size_t size)
{
	if (!(row->flags & METHOD_BYTES))
		return refuse(why, size, "%s takes no attachment", row->name);
	for (size_t i = 0; i < method_arity(row); i++) {
		if (row->params[i].type == METHOD_T_DATA && p->value[i] != NULL)
			return refuse(why, size, "param \"%s\" beside an attachment",
			    row->params[i].name);
	}
	return 0;
}

static int
check_values(const struct method_row *row, bool attached, const struct params *p,
    char *why, size_t size)
{
	const struct method_param *param;

	for (size_t i = 0; i < method_arity(row); i++) {
		param = &row->params[i];
		if (p->value[i] == NULL) {
			if (param->optional || (attached && param->type == METHOD_T_DATA))
				continue;
			return refuse(why, size, "missing param \"%s\"", param->name);
		}
		if (!fits(param->type, p->value[i]))
			return refuse(why, size, "param \"%s\" must be %s", param->name,
			    wanted[param->type]);
	}
	return 0;
}

int
params_read(const struct method_row *row, json_t *params, bool attached, struct params *p,
    char *why, size_t size)
{
	int reason = 0;

	*p = (struct params){0};
	if (json_is_object(params))
		reason = sort_by_name(row, params, p, why, size);
	else if (json_is_array(params))
		reason = sort_by_position(row, params, p, why, size);
	else if (params != NULL)
		reason = refuse(why, size, "params must be an object or an array");
	if (reason == 0 && attached)
		reason = check_attached(row, p, why, size);
	if (reason == 0)
		reason = check_values(row, attached, p, why, size);
	return reason;
}

uint64_t
params_uint(const struct params *p, size_t i)
{
	return (uint64_t)json_integer_value(p->value[i]);
}

int64_t
params_timeout(const struct params *p, size_t i)
{
	return json_is_integer(p->value[i]) ? json_integer_value(p->value[i]) : -1;
}

const char *
params_string(const struct params *p, size_t i, size_t *len)
{
	if (len != NULL)
		*len = json_string_length(p->value[i]);
	return json_string_value(p->value[i]);
}
