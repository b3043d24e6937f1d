/* SPDX-License-Identifier: ISC */
/* Lists of options, in each form that the protocol has for them. */
#include <errno.h>
#include <string.h>

#include "proto/quote.h"
#include "proto/value_private.h"

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
		return value_refuse_option(r->e, row, "cannot be given to connect");
	case OPTION_AT_LISTEN:
		return value_refuse_option(r->e, row, "cannot be given to listen");
	case OPTION_AT_SET:
		return value_refuse_option(
		    r->e, row, "cannot be set on a socket that exists");
	default:
		return value_refuse_option(r->e, row, "cannot be given here");
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
		return value_refuse_option(r->e, row, "needs a value");
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
