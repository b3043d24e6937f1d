/* SPDX-License-Identifier: ISC */
#include "proto/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/payload.h"
#include "proto/value_private.h"

int
value_refuse(struct value_error *e, const char *format, ...)
{
	va_list args;

	e->option = NULL;
	va_start(args, format);
	(void)vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	return -1;
}

int
value_refuse_option(struct value_error *e, const struct option_row *row, const char *why)
{
	(void)value_refuse(e, "option \"%s\" %s", row->name, why);
	e->option = row->name;
	return -1;
}

bool
value_says(const json_t *json, const char *text)
{
	size_t len = strlen(text);

	return json_is_string(json) && json_string_length(json) == len &&
	    memcmp(json_string_value(json), text, len) == 0;
}

bool
value_integer(const json_t *json, int64_t min, int64_t max, int64_t *number)
{
	if (!json_is_integer(json) || json_integer_value(json) < min ||
	    json_integer_value(json) > max)
		return false;
	*number = json_integer_value(json);
	return true;
}

/* --- reading values ---------------------------------------------------- */

static bool
read_choice(const struct option_row *row, const json_t *json, int64_t *number)
{
	for (const struct option_choice *c = row->choices; c->name != NULL; c++) {
		if (c->number ? json_is_integer(json) &&
			    json_integer_value(json) == strtoll(c->name, NULL, 10)
			      : value_says(json, c->name)) {
			*number = c->value;
			return true;
		}
	}
	return false;
}

static bool
read_active(const struct option_row *row, const json_t *json, struct option_value *v)
{
	int64_t n;

	if (json_is_boolean(json))
		v->u.active.mode = json_is_true(json) ? OPTION_ACTIVE_TRUE
						      : OPTION_ACTIVE_FALSE;
	else if (value_says(json, "once"))
		v->u.active.mode = OPTION_ACTIVE_ONCE;
	else if (value_integer(json, row->min, row->max, &n)) {
		v->u.active.mode = OPTION_ACTIVE_N;
		v->u.active.n = (int)n;
	} else
		return false;
	return true;
}

static bool
read_linger(const struct option_row *row, const json_t *json, struct option_value *v)
{
	const json_t *on = json_array_get(json, 0);
	int64_t seconds;

	if (json_array_size(json) != 2 || !json_is_boolean(on) ||
	    !value_integer(json_array_get(json, 1), row->min, row->max, &seconds))
		return false;
	v->u.linger.on = json_is_true(on);
	v->u.linger.seconds = (int)seconds;
	return true;
}

/* At most max bytes in any form, no NUL among them; text has room for one more. */
static bool
read_text(json_t *json, char *text, size_t max, size_t *len)
{
	struct bytes scratch;
	const void *p = NULL;
	char why[160];
	bool good;

	bytes_init(&scratch);
	good = payload_read(json, max, &scratch, &p, len, why, sizeof why) == 0 &&
	    *len <= max && (*len == 0 || memchr(p, '\0', *len) == NULL);
	if (good && *len > 0)
		memcpy(text, p, *len);
	if (good)
		text[*len] = '\0';
	bytes_fini(&scratch);
	return good;
}

/* What the choices are, as JSON. */
static int
refuse_choice(const struct option_row *row, struct value_error *e)
{
	char text[sizeof e->text] = "must be one of ";
	size_t at = strlen(text);
	int n;

	for (const struct option_choice *c = row->choices; c->name != NULL; c++) {
		n = snprintf(text + at, sizeof text - at, c->number ? "%s%s" : "%s\"%s\"",
		    c == row->choices ? "" : ", ", c->name);
		if (n < 0 || (size_t)n >= sizeof text - at)
			break;
		at += (size_t)n;
	}
	return value_refuse_option(e, row, text);
}

static int
refuse_value(const struct option_row *row, struct value_error *e)
{
	char text[sizeof e->text];

	switch (row->type) {
	case OPTION_T_BOOLEAN:
		return value_refuse_option(e, row, "must be true or false");
	case OPTION_T_INTEGER:
		(void)snprintf(text, sizeof text, "must be an integer from %lld to %lld",
		    (long long)row->min, (long long)row->max);
		return value_refuse_option(e, row, text);
	case OPTION_T_TIMEOUT:
		return value_refuse_option(
		    e, row, "must be a whole number of ms, 0 or more, or \"infinity\"");
	case OPTION_T_CHOICE:
		return refuse_choice(row, e);
	case OPTION_T_ACTIVE:
		(void)snprintf(text, sizeof text,
		    "must be true, false, \"once\", or an integer from %lld to %lld",
		    (long long)row->min, (long long)row->max);
		return value_refuse_option(e, row, text);
	case OPTION_T_LINGER:
		return value_refuse_option(e, row, "must be [true or false, seconds]");
	case OPTION_T_ADDRESS:
		return value_refuse_option(e, row, "must be an address, without a port");
	case OPTION_T_PASSED:
		return value_refuse_option(e, row, "must be \"passed\"");
	case OPTION_T_DEVICE:
		(void)snprintf(text, sizeof text,
		    "must be the name of a device, %d bytes at most and no NUL",
		    OPTION_DEVICE_MAX);
		return value_refuse_option(e, row, text);
	case OPTION_T_PATH:
		(void)snprintf(text, sizeof text,
		    "must be a path, %d bytes at most and no NUL", OPTION_PATH_MAX);
		return value_refuse_option(e, row, text);
	case OPTION_T_PACKET:
		return value_refuse_option(e, row, "can only be asked for");
	case OPTION_T_RAW:
		return value_refuse_option(e, row, "must be [protocol, option, bytes]");
	case OPTION_T_BARE:
		(void)snprintf(text, sizeof text, "takes no value: write \"%s\": \"%s\"",
		    option_row(row->stands_for)->name, row->name);
		return value_refuse_option(e, row, text);
	}
	return value_refuse_option(e, row, "is not known");
}

static int
read_address_option(const struct option_row *row, json_t *json, struct option_value *v,
    struct value_error *e)
{
	struct value_error inner;

	if (value_read_address(json, &v->u.address, &inner) == -1) {
		(void)value_refuse(e, "option \"%s\": %.*s", row->name,
		    (int)sizeof e->text - 32, inner.text);
		e->option = row->name;
		return -1;
	}
	if (v->u.address.sockaddr && row->id != OPTION_IFADDR)
		return refuse_value(row, e);
	return 0;
}

int
value_read(const struct option_row *row, json_t *json, struct option_value *v,
    struct value_error *e)
{
	bool good = false;

	*v = (struct option_value){.id = row->id};
	switch (row->type) {
	case OPTION_T_BOOLEAN:
		v->u.on = json_is_true(json);
		good = json_is_boolean(json);
		break;
	case OPTION_T_TIMEOUT:
		v->u.number = OPTION_INFINITY;
		good = value_says(json, "infinity") ||
		    value_integer(json, row->min, row->max, &v->u.number);
		break;
	case OPTION_T_INTEGER:
		good = value_integer(json, row->min, row->max, &v->u.number);
		break;
	case OPTION_T_CHOICE:
		good = read_choice(row, json, &v->u.number);
		break;
	case OPTION_T_ACTIVE:
		good = read_active(row, json, v);
		break;
	case OPTION_T_LINGER:
		good = read_linger(row, json, v);
		break;
	case OPTION_T_ADDRESS:
		return read_address_option(row, json, v, e);
	case OPTION_T_PASSED:
		good = value_says(json, "passed");
		break;
	case OPTION_T_DEVICE:
		good = read_text(
		    json, v->u.device.name, OPTION_DEVICE_MAX, &v->u.device.len);
		break;
	case OPTION_T_PATH:
		good = read_text(json, v->u.path.name, OPTION_PATH_MAX, &v->u.path.len);
		break;
	case OPTION_T_RAW:
		good = value_read_raw(json, false, v);
		break;
	case OPTION_T_PACKET:
	case OPTION_T_BARE:
		break;
	}
	return good ? 0 : refuse_value(row, e);
}

/* --- printing ---------------------------------------------------------- */

static json_t *
new_choice(const struct option_row *row, int64_t number)
{
	for (const struct option_choice *c = row->choices; c->name != NULL; c++) {
		if (c->value == number && !c->alias)
			return c->number ? json_integer(strtoll(c->name, NULL, 10))
					 : json_string(c->name);
	}
	return json_null();
}

static json_t *
new_active(const struct option_value *v)
{
	switch (v->u.active.mode) {
	case OPTION_ACTIVE_FALSE:
		return json_false();
	case OPTION_ACTIVE_TRUE:
		return json_true();
	case OPTION_ACTIVE_ONCE:
		return json_string("once");
	case OPTION_ACTIVE_N:
		break;
	}
	return json_integer(v->u.active.n);
}

json_t *
value_new(const struct option_value *v)
{
	const struct option_row *row = option_row(v->id);

	switch (row->type) {
	case OPTION_T_BOOLEAN:
		return json_boolean(v->u.on);
	case OPTION_T_TIMEOUT:
		if (v->u.number == OPTION_INFINITY)
			return json_string("infinity");
		return json_integer(v->u.number);
	case OPTION_T_INTEGER:
		return json_integer(v->u.number);
	case OPTION_T_CHOICE:
		return new_choice(row, v->u.number);
	case OPTION_T_ACTIVE:
		return new_active(v);
	case OPTION_T_LINGER:
		return json_pack("[b, i]", (int)v->u.linger.on, v->u.linger.seconds);
	case OPTION_T_ADDRESS:
		return value_new_address(&v->u.address);
	case OPTION_T_PASSED:
		return json_string("passed");
	case OPTION_T_DEVICE:
		return value_new_bytes(v->u.device.name, v->u.device.len);
	case OPTION_T_PATH:
		return value_new_bytes(v->u.path.name, v->u.path.len);
	case OPTION_T_PACKET:
		return value_new_packet(v);
	case OPTION_T_RAW:
		return value_new_raw(v->u.raw.level, v->u.raw.name, v->u.raw.data,
		    v->u.raw.len < OPTION_RAW_MAX ? v->u.raw.len : OPTION_RAW_MAX);
	case OPTION_T_BARE:
		break;
	}
	return json_null();
}
