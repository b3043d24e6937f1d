/* SPDX-License-Identifier: ISC */
/* sockname, peername, port, getstat, info, i: facts about sockets. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/idmap.h"
#include "proto/address.h"
#include "proto/option.h"
#include "proto/params.h"
#include "proto/value.h"
#include "rpc/calls.h"
#include "rpc/monitor.h"
#include "rpc/ownership.h"
#include "rpc/policy.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

static void
reply_name(struct call *call, int reason, const struct address *a)
{
	if (reason == 0)
		reply_json(call, value_new_sockaddr(a));
	else
		reply_error(call, reason, NULL);
}

void
call_sockname(struct call *call, struct request *q)
{
	struct address a;
	int reason = tcp_sockname(q->handle->tcp, &a);

	reply_name(call, reason, &a);
}

void
call_peername(struct call *call, struct request *q)
{
	struct address a;
	int reason = tcp_peername(q->handle->tcp, &a);

	reply_name(call, reason, &a);
}

void
call_port(struct call *call, struct request *q)
{
	struct address a;
	int reason = tcp_sockname(q->handle->tcp, &a);
	json_t *name, *path;

	if (reason != 0)
		reply_error(call, reason, NULL);
	else if (a.kind != ADDRESS_LOCAL)
		reply_json(call, json_integer(a.port));
	else {
		name = value_new_sockaddr(&a);
		path = json_incref(json_object_get(name, "addr"));
		json_decref(name);
		reply_json(call, path);
	}
}

void
call_getfd(struct call *call, struct request *q)
{
	const char *detail;
	int fd = -1, reason;

	reason = policy_getfd(call->session, q->handle->tcp, &detail);
	if (reason == 0)
		reason = tcp_getfd(q->handle->tcp, &fd);
	if (reason == 0)
		reply_fd(call, fd);
	else
		reply_refused(call, reason, NULL, detail);
}

/* A counter as JSON: past 2^63 it would not fit, and no counter gets there. */
static json_t *
counter_new(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *
counters_new(struct tcp_socket *tcp)
{
	uint64_t counter[TCP_COUNTERS];
	json_t *result = json_object();
	enum tcp_counter c;

	if (tcp_getstat(tcp, counter) != 0)
		return result;
	for (c = 0; c < TCP_COUNTERS; c++)
		json_object_set_new(result, tcp_counter_name(c), counter_new(counter[c]));
	return result;
}

void
call_getstat(struct call *call, struct request *q)
{
	json_t *names = q->params.value[1], *result, *name;
	uint64_t counter[TCP_COUNTERS];
	const char *text;
	enum tcp_counter c;
	size_t i;

	if (tcp_getstat(q->handle->tcp, counter) != 0) {
		reply_error(call, EINVAL, NULL);
		return;
	}
	if (names == NULL) {
		reply_json(call, counters_new(q->handle->tcp));
		return;
	}
	result = json_object();
	json_array_foreach (names, i, name) {
		text = params_text(name);
		c = text != NULL ? tcp_counter_find(text) : TCP_COUNTERS;
		if (c == TCP_COUNTERS) {
			json_decref(result);
			reply_refused(call, EINVAL, text, "no counter of that name");
			return;
		}
		json_object_set_new(result, tcp_counter_name(c), counter_new(counter[c]));
	}
	reply_json(call, result);
}

/* --- info ----------------------------------------------------------------- */

/* In the order in which inet:info lists them. */
static const struct {
	unsigned flag;
	const char *name;
} states[] = {
    {TCP_IS_BUSY, "busy"},
    {TCP_IS_ACCEPTING, "accepting"},
    {TCP_IS_CONNECTED, "connected"},
    {TCP_IS_LISTEN, "listen"},
    {TCP_IS_OPEN, "open"},
    {TCP_IS_CLOSED, "closed"},
};

static json_t *
states_new(unsigned mask)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if ((mask & states[i].flag) != 0)
			json_array_append_new(list, json_string(states[i].name));
	return list;
}

static json_t *
options_new(struct tcp_socket *tcp)
{
	json_t *result = json_object();
	const struct option_row *row;
	struct option_value v;
	unsigned id;

	for (id = 0; id < OPTION_COUNT; id++) {
		row = option_row((enum option_id)id);
		if ((row->when & OPTION_AT_GET) != 0 && tcp_getopt(tcp, row->id, &v) == 0)
			json_object_set_new(result, row->name, value_new(&v));
	}
	return result;
}

/* What inet.info says of a socket, without its options. */
static json_t *
info_new(const struct handle *h)
{
	struct tcp_info info;

	tcp_get_info(h->tcp, &info);
	return json_pack(
	    "{s:I, s:I, s:o, s:o, s:I, s:I, s:b, s:s, s:I, s:{s:I, s:I, s:I}, "
	    "s:{s:I, s:b}}",
	    "socket", (json_int_t)h->id, "owner", (json_int_t)h->owner->id, "states",
	    states_new(info.states), "counters", counters_new(h->tcp), "memory",
	    (json_int_t)info.memory, "input", (json_int_t)info.input, "held", info.held,
	    "inet_backend", info.socket_backend ? "socket" : "inet", "monitors",
	    (json_int_t)monitor_count(h), "waiting", "accept", (json_int_t)info.acceptors,
	    "recv", (json_int_t)info.receivers, "send", (json_int_t)info.senders, "msgq",
	    "bytes", (json_int_t)info.msgq, "busy", info.msgq_busy);
}

void
call_info(struct call *call, struct request *q)
{
	json_t *result;

	if (q->handle == NULL) {
		reply_json(call, json_pack("{s:[s]}", "states", "closed"));
		return;
	}
	result = info_new(q->handle);
	if (result != NULL)
		json_object_set_new(result, "options", options_new(q->handle->tcp));
	reply_json(call, result);
}

void
call_i(struct call *call, struct request *q)
{
	struct session *s = call->session;
	json_t *list = json_array();
	struct handle *h;
	size_t at = 0;

	(void)q;
	while ((h = idmap_next(&s->rpc->sockets, &at)) != NULL)
		if (policy_sees(s, h->owner->uid) && !tcp_is_gone(h->tcp))
			json_array_append_new(list, info_new(h));
	reply_json(call, list);
}

/* --- getaddrs --------------------------------------------------------------- */

static void
looked_up(struct tcp_request *r, const struct tcp_outcome *o)
{
	struct call *call = call_of(r);
	json_t *list;
	size_t i;

	if (o->reason != 0) {
		reply_error(call, o->reason, NULL);
		return;
	}
	list = json_array();
	for (i = 0; i < o->count; i++)
		json_array_append_new(list, value_new_host(&o->addresses[i]));
	reply_json(call, list);
}

/* inet:getaddrs; its own answer to a family that it does not know is einval. */
void
call_getaddrs(struct call *call, struct request *q)
{
	const char *host = params_string(&q->params, 0, NULL);
	const char *family = params_string(&q->params, 1, NULL);
	bool inet6 = family != NULL && strcmp(family, "inet6") == 0;

	if (family != NULL && !inet6 && strcmp(family, "inet") != 0)
		reply_refused(
		    call, EINVAL, NULL, "the family must be \"inet\" or \"inet6\"");
	else if (call_wait(call, looked_up))
		tcp_getaddrs(call->session->rpc->tcp, host, inet6, &call->request);
}
