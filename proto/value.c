/* SPDX-License-Identifier: ISC */
#include "proto/value.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/quote.h"
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

static int
refuse_option(struct value_error *e, const struct option_row *row, const char *why)
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
	return refuse_option(e, row, text);
}

static int
refuse_value(const struct option_row *row, struct value_error *e)
{
	char text[sizeof e->text];

	switch (row->type) {
	case OPTION_T_BOOLEAN:
		return refuse_option(e, row, "must be true or false");
	case OPTION_T_INTEGER:
		(void)snprintf(text, sizeof text, "must be an integer from %lld to %lld",
		    (long long)row->min, (long long)row->max);
		return refuse_option(e, row, text);
	case OPTION_T_TIMEOUT:
		return refuse_option(
		    e, row, "must be a whole number of ms, 0 or more, or \"infinity\"");
	case OPTION_T_CHOICE:
		return refuse_choice(row, e);
	case OPTION_T_ACTIVE:
		(void)snprintf(text, sizeof text,
		    "must be true, false, \"once\", or an integer from %lld to %lld",
		    (long long)row->min, (long long)row->max);
		return refuse_option(e, row, text);
	case OPTION_T_LINGER:
		return refuse_option(e, row, "must be [true or false, seconds]");
	case OPTION_T_ADDRESS:
		return refuse_option(e, row, "must be an address, without a port");
	case OPTION_T_PASSED:
		return refuse_option(e, row, "must be \"passed\"");
	case OPTION_T_BARE:
		(void)snprintf(text, sizeof text, "takes no value: write \"%s\": \"%s\"",
		    option_row(row->stands_for)->name, row->name);
		return refuse_option(e, row, text);
	}
	return refuse_option(e, row, "is not known");
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
	case OPTION_T_BARE:
		break;
	}
	return good ? 0 : refuse_value(row, e);
}

/* --- reading lists ----------------------------------------------------- */

/* Where a list is read to, and what for. */
struct reader {
	unsigned when;
	struct option_list *list;
	struct value_error *e;
};

static int
refuse_when(const struct reader *r, const struct option_row *row)
{
	switch (r->when) {
	case OPTION_AT_CONNECT:
		return refuse_option(r->e, row, "cannot be given to connect");
	case OPTION_AT_LISTEN:
		return refuse_option(r->e, row, "cannot be given to listen");
	case OPTION_AT_SET:
		return refuse_option(r->e, row, "cannot be set on a socket that exists");
	default:
		return refuse_option(r->e, row, "cannot be given here");
	}
}

/* There is no option of that name. */
static int
refuse_name(struct value_error *e, const char *name, size_t len)
{
	(void)value_refuse(e, "unknown option %s", quote_name(name, len).text);
	if (len < sizeof(e->name) && memchr(name, '\0', len) == NULL) {
		memcpy(e->name, name, len);
		e->name[len] = '\0';
		e->option = e->name;
	}
	return -1;
}

/* One option; json is NULL where its name stands alone. */
static int
read_named(const struct reader *r, const char *name, size_t len, json_t *json)
{
	const struct option_row *row = option_find(name, len);
	struct option_value v;

	if (row == NULL)
		return refuse_name(r->e, name, len);
	if ((row->when & r->when) == 0)
		return refuse_when(r, row);
	if (json != NULL) {
		if (value_read(row, json, &v, r->e) == -1)
			return -1;
	} else if (row->type == OPTION_T_BARE)
		v = (struct option_value){
		    .id = row->stands_for, .u.number = row->stands_value};
	else
		return refuse_option(r->e, row, "needs a value");
	if (r->list->count == OPTION_LIST_MAX)
		return value_refuse(r->e, "more than %d options", OPTION_LIST_MAX);
	return option_list_add(r->list, &v) ? 0 : ENOMEM;
}

static int
read_object(const struct reader *r, json_t *object)
{
	const char *name;
	int reason = 0;

	for (void *at = json_object_iter(object); at != NULL && reason == 0;
	     at = json_object_iter_next(object, at)) {
		name = json_object_iter_key(at);
		reason = read_named(r, name, strlen(name), json_object_iter_value(at));
	}
	return reason;
}

static int
read_element(const struct reader *r, json_t *element)
{
	json_t *name = element;

	if (json_object_size(element) == 1)
		return read_object(r, element);
	if (json_array_size(element) == 2)
		name = json_array_get(element, 0);
	if (!json_is_string(name))
		return value_refuse(r->e,
		    "an element of options must be a name, an object with one member or "
		    "[name, value]");
	return read_named(r, json_string_value(name), json_string_length(name),
	    json_array_get(element, 1));
}

int
value_read_options(
    json_t *options, unsigned when, struct option_list *list, struct value_error *e)
{
	struct reader r = {when, list, e};
	size_t before = list->count;
	int reason = 0;

	if (json_is_object(options))
		reason = read_object(&r, options);
	else if (json_is_array(options)) {
		for (size_t i = 0; i < json_array_size(options) && reason == 0; i++)
			reason = read_element(&r, json_array_get(options, i));
	} else if (options != NULL)
		reason = value_refuse(e, "options must be an object or an array");
	if (reason != 0)
		list->count = before;
	return reason;
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
	case OPTION_T_BARE:
		break;
	}
	return json_null();
}
