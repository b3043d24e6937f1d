/* SPDX-License-Identifier: ISC */
/* setopts and getopts. */
#include <errno.h>

#include "proto/value.h"
#include "rpc/rpc_private.h"

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

/* Adds one option's value; false: the call has been answered. */
static bool
get_one(struct call *call, struct tcp_socket *tcp, json_t *name, json_t *result)
{
	const struct option_row *row = NULL;
	struct option_value v;
	int reason = EINVAL;

	if (json_is_string(name))
		row = option_find(json_string_value(name), json_string_length(name));
	if (row != NULL && (row->when & OPTION_AT_GET) != 0)
		reason = tcp_getopt(tcp, row->id, &v);
	if (reason == TCP_OMIT)
		return true;
	if (reason == 0 && json_object_set_new(result, row->name, value_new(&v)) != 0)
		reason = ENOMEM;
	if (reason == 0)
		return true;
	reply_refused(call, reason, row != NULL ? row->name : json_string_value(name),
	    row == NULL || (row->when & OPTION_AT_GET) == 0
		? "no option that can be asked for"
		: NULL);
	return false;
}

void
call_getopts(struct call *call, struct request *q)
{
	json_t *result = json_object(), *name;
	size_t i;

	json_array_foreach (q->params.value[1], i, name) {
		if (result == NULL || !get_one(call, q->handle->tcp, name, result)) {
			if (result == NULL)
				break;
			json_decref(result);
			return;
		}
	}
	reply_json(call, result);
}
