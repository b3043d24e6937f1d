/* SPDX-License-Identifier: ISC */
/* setopts and getopts. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "proto/option.h"
#include "proto/params.h"
#include "proto/value.h"
#include "rpc/calls.h"
#include "rpc/ownership.h"
#include "rpc/policy.h"
#include "rpc/reply.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

void
call_setopts(struct call *call, struct request *q)
{
	struct option_list list = {0};
	struct value_error error = {0};
	const struct option_row *failed = NULL;
	const char *detail;
	int reason;

	reason = value_read_options(q->params.value[1], OPTION_AT_SET, &list, &error);
	if (reason == ENOMEM)
		reply_error(call, ENOMEM, NULL);
	else if (reason != 0)
		reply_refused(call, EINVAL, error.option, error.text);
	else if (policy_options(call->session, &list, &detail) != 0)
		reply_refused(call, EACCES, NULL, detail);
	else {
		/* events that this sets free are told before the answer */
		reason = tcp_setopts(q->handle->tcp, &list, &failed);
		if (reason == 0)
			reply_ok(call);
		else
			reply_refused(
			    call, reason, failed == NULL ? NULL : failed->name, NULL);
	}
	option_list_fini(&list);
}

/* A name that getopts refuses.  False: the call has been answered. */
static bool
refuse_name(struct call *call, int reason, const char *name, const char *why)
{
	reply_refused(call, reason, name, why);
	return false;
}

/* Adds one option's value; false: the call has been answered. */
static bool
get_one(struct call *call, struct tcp_socket *tcp, const json_t *name, json_t *result)
{
	const struct option_row *row = option_find(
	    json_string_value(name), json_string_length(name));
	struct option_value v;
	int reason;

	if (row == NULL || (row->when & OPTION_AT_GET) == 0)
		return refuse_name(call, EINVAL,
		    row != NULL ? row->name : json_string_value(name),
		    "no option that can be asked for");
	if (row->type == OPTION_T_RAW)
		return refuse_name(
		    call, EINVAL, row->name, "write {\"raw\": [protocol, option, size]}");
	reason = tcp_getopt(tcp, row->id, &v);
	if (reason == TCP_OMIT)
		return true;
	if (reason == 0 && json_object_set_new(result, row->name, value_new(&v)) != 0)
		reason = ENOMEM;
	return reason == 0 || refuse_name(call, reason, row->name, NULL);
}

/* One more in the result's array: [protocol, option, bytes], or null. */
static int
add_raw(json_t *result, const struct option_value *ask, const unsigned char *value,
    size_t len, bool refused)
{
	json_t *list = json_object_get(result, "raw"), *one;

	if (list == NULL) {
		list = json_array();
		if (json_object_set_new(result, "raw", list) != 0)
			return ENOMEM;
	}
	one = refused ? json_null()
		      : value_new_raw(ask->u.raw.level, ask->u.raw.name, value, len);
	return json_array_append_new(list, one) == 0 ? 0 : ENOMEM;
}

static bool
get_raw(struct call *call, struct tcp_socket *tcp, json_t *question, json_t *result)
{
	unsigned char value[TCP_RAW_MAX];
	struct value_error error = {0};
	struct option_value ask;
	size_t len = 0;
	int reason;

	if (value_read_raw_name(question, &ask, &error) != 0)
		return refuse_name(call, EINVAL, error.option, error.text);
	reason = tcp_getraw(tcp, &ask, value, &len);
	if (reason == 0 || reason == TCP_OMIT)
		reason = add_raw(result, &ask, value, len, reason == TCP_OMIT);
	return reason == 0 ||
	    refuse_name(call, reason, "raw",
		reason == EACCES ? "it is not among the raw options of gentcp-protocol(7)"
				 : NULL);
}

/* By the name's form.  False: the call has been answered. */
static bool
get_named(struct call *call, struct tcp_socket *tcp, json_t *name, json_t *result)
{
	json_t *raw = json_object_get(name, "raw");
	const char *word = json_string_value(json_array_get(name, 0));

	if (json_is_string(name))
		return get_one(call, tcp, name, result);
	if (raw == NULL && word != NULL && strcmp(word, "raw") == 0)
		raw = json_array_get(name, 1);
	if (raw == NULL)
		return refuse_name(
		    call, EINVAL, word, "only raw is asked for with an argument");
	return get_raw(call, tcp, raw, result);
}

void
call_getopts(struct call *call, struct request *q)
{
	json_t *result = json_object(), *name;
	size_t i;

	json_array_foreach (q->params.value[1], i, name) {
		if (result == NULL || !get_named(call, q->handle->tcp, name, result)) {
			if (result == NULL)
				break;
			json_decref(result);
			return;
		}
	}
	reply_json(call, result);
}
