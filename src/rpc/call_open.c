/* SPDX-License-Identifier: ISC */
/* connect, listen, accept, fdopen: requests that make sockets. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "proto/address.h"
#include "proto/option.h"
#include "proto/params.h"
#include "proto/reason.h"
#include "proto/value.h"
#include "rpc/calls.h"
#include "rpc/ownership.h"
#include "rpc/policy.h"
#include "rpc/reply.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

/* What an opening request says, read from its params. */
struct opening {
	struct tcp_open open;
	struct option_list own;	    /* the client's */
	struct option_list options; /* those of the configuration before them, if any */
};

static void
opening_fini(struct session *s, struct opening *o)
{
	option_list_fini(&o->own);
	option_list_fini(&o->options);
	session_discard(s, o->open.fd);
}

/* A port: a number, or a service's name. */
static bool
read_port(json_t *json, uint16_t *port)
{
	*port = 0;
	if (json_is_string(json))
		return tcp_service_port(json_string_value(json), port);
	if (json_is_integer(json))
		*port = (uint16_t)json_integer_value(json);
	return true;
}

static bool
is_family(enum option_id id)
{
	return id == OPTION_FAMILY || id == OPTION_TCP_MODULE;
}

/*
 * The configuration's options come first, so that the client's win: of most a later
 * one does.  Of families the first does, so a default one makes way.
 */
static bool
add_defaults(struct opening *o, const struct option_list *defaults)
{
	bool family;

	o->open.options = &o->own;
	if (defaults == NULL || defaults->count == 0)
		return true;
	o->open.options = &o->options;
	family = option_list_last(&o->own, OPTION_FAMILY) != NULL ||
	    option_list_last(&o->own, OPTION_TCP_MODULE) != NULL;

	for (size_t i = 0; i < defaults->count; i++) {
		if (!(family && is_family(defaults->items[i].id)) &&
		    !option_list_add(&o->options, &defaults->items[i]))
			return false;
	}
	return option_list_join(&o->options, &o->own);
}

/*
 * Reads options and the passed descriptor.  False: the call has been answered,
 * wrong options by badarg, as gen_tcp exits.
 */
static bool
read_options(struct call *call, struct request *q, json_t *json, unsigned when,
    const struct option_list *defaults, struct opening *o)
{
	struct value_error error = {0};
	int result = value_read_options(json, when, &o->own, &error);

	if (result == 0 && !add_defaults(o, defaults))
		result = ENOMEM;
	if (result != 0) {
		reply_refused(call, result == ENOMEM ? ENOMEM : REASON_BADARG,
		    error.option, result == ENOMEM ? NULL : error.text);
		return false;
	}
	o->open.fd = q->fd;
	q->fd = -1;
	o->open.account = &call->session->account;
	o->open.gate = policy_gate;
	o->open.gate_ctx = call;
	if ((option_list_last(&o->own, OPTION_FD) != NULL) != (o->open.fd != -1)) {
		reply_refused(call, EBADF, "fd",
		    "the option fd and a passed descriptor go together");
		return false;
	}
	return true;
}

/* Charges for the socket to come.  False: the call has been answered. */
static bool
charge_socket(struct call *call)
{
	if (charge_open(&call->socket_charge, &call->session->account, LIMIT_SOCKETS, 1))
		return true;
	reply_refused(call, REASON_SYSTEM_LIMIT, NULL, "too many sockets");
	return false;
}

/* The policy's answer.  False: the call has been answered. */
static bool
allowed(
    struct call *call, const struct address *to, uint16_t port, const struct opening *o)
{
	const char *detail = NULL;
	int reason = policy_open(
	    call->session, to, port, &o->own, o->open.options, &detail);

	if (reason != 0)
		reply_refused(call, reason, NULL, detail);
	return reason == 0;
}

/* A socket was made, or was not: the end of connect, accept, listen, fdopen. */
static void
opened(struct call *call, const struct tcp_outcome *o, json_t *more)
{
	struct handle *h;
	json_t *result;

	if (o->reason != 0) {
		json_decref(more);
		reply_refused(call, o->reason, o->option == NULL ? NULL : o->option->name,
		    o->reason == EACCES ? call->detail : NULL);
		return;
	}
	h = ownership_add(call->session, o->socket, &call->socket_charge);
	result = more != NULL ? more : json_object();
	if (h == NULL || result == NULL ||
	    json_object_set_new(result, "socket", json_integer((json_int_t)h->id)) != 0) {
		if (h != NULL)
			ownership_remove(h);
		tcp_abandon(o->socket);
		json_decref(result);
		result = NULL;
	}
	reply_json(call, result);
}

static void
opened_later(struct tcp_request *r, const struct tcp_outcome *o)
{
	opened(call_of(r), o, NULL);
}

/* connect's destination.  False: the call has been answered. */
static bool
read_destination(struct call *call, struct request *q, struct opening *o)
{
	json_t *host = q->params.value[0], *port = q->params.value[1];
	struct value_error error = {0};

	if (!read_port(port, &o->open.port)) {
		reply_refused(call, REASON_BADARG, NULL, "no service of that name");
		return false;
	}
	if (json_is_string(host)) {
		if (port == NULL || json_is_null(port)) {
			reply_fault(call, REASON_INVALID_PARAMS,
			    "param \"port\" is missing; only a sockaddr brings its own");
			return false;
		}
		o->open.host = json_string_value(host);
		return true;
	}
	if (value_read_address(host, &o->open.address, &error) != 0) {
		reply_refused(call, REASON_BADARG, NULL, error.text);
		return false;
	}
	if (o->open.address.sockaddr && port != NULL && !json_is_null(port)) {
		reply_fault(call, REASON_INVALID_PARAMS,
		    "param \"port\" must be null where the address is a sockaddr");
		return false;
	}
	if (o->open.address.kind == ADDRESS_LOCAL && o->open.port != 0) {
		reply_fault(call, REASON_INVALID_PARAMS,
		    "param \"port\" must be 0 or null for a local address");
		return false;
	}
	if (o->open.address.sockaddr)
		o->open.port = o->open.address.port;
	return true;
}

/* Hands o's descriptor to a tcp function. */
static struct tcp_open
hand_out(struct opening *o)
{
	struct tcp_open open = o->open;

	o->open.fd = -1;
	return open;
}

void
call_connect(struct call *call, struct request *q)
{
	struct session *s = call->session;
	struct opening o = {.open = {.fd = -1}};
	int64_t timeout = params_timeout(&q->params, 3);
	struct tcp_open open;

	if (read_options(call, q, q->params.value[2], OPTION_AT_CONNECT,
		call->session->rpc->config.connect_options, &o) &&
	    read_destination(call, q, &o) && allowed(call, &o.open.address, 0, &o) &&
	    charge_socket(call) && call_wait(call, opened_later)) {
		open = hand_out(&o);
		tcp_connect(call->session->rpc->tcp, &open, timeout, &call->request);
	}
	opening_fini(s, &o);
}

void
call_listen(struct call *call, struct request *q)
{
	struct session *s = call->session;
	struct opening o = {.open = {.fd = -1}};
	struct tcp_outcome outcome = {0};
	struct tcp_context *tcp = call->session->rpc->tcp;
	struct tcp_open open;
	struct address name;
	json_t *more = NULL;

	if (!read_options(call, q, q->params.value[1], OPTION_AT_LISTEN,
		call->session->rpc->config.listen_options, &o))
		goto out;
	if (!read_port(q->params.value[0], &o.open.port)) {
		reply_refused(call, REASON_BADARG, NULL, "no service of that name");
		goto out;
	}
	if (!allowed(call, NULL, o.open.port, &o) || !charge_socket(call))
		goto out;
	open = hand_out(&o);
	tcp_listen(tcp, &open, &outcome);
	if (outcome.reason == 0) {
		more = json_object();
		if (tcp_sockname(outcome.socket, &name) == 0 &&
		    name.kind != ADDRESS_LOCAL)
			json_object_set_new(more, "port", json_integer(name.port));
	}
	opened(call, &outcome, more);
	if (outcome.reason == 0)
		tcp_start(outcome.socket);
out:
	opening_fini(s, &o);
}

void
call_accept(struct call *call, struct request *q)
{
	int64_t timeout = params_timeout(&q->params, 1);

	if (charge_socket(call) && call_wait(call, opened_later))
		tcp_accept(q->handle->tcp, timeout, &call->request);
}

void
call_fdopen(struct call *call, struct request *q)
{
	struct session *s = call->session;
	struct opening o = {.open = {.fd = -1}};
	struct tcp_outcome outcome = {0};
	struct tcp_open open;
	const char *detail;

	/* as in gen_tcp, it has no defaults */
	if (!read_options(call, q, q->params.value[0], OPTION_AT_CONNECT, NULL, &o))
		goto out;
	if (o.open.fd == -1) {
		reply_refused(call, EBADF, "fd", "fdopen needs {\"fd\": \"passed\"}");
		goto out;
	}
	if (policy_adopt(call->session, &o.own, &detail) != 0) {
		reply_refused(call, EACCES, NULL, detail);
		goto out;
	}
	if (!charge_socket(call))
		goto out;
	open = hand_out(&o);
	tcp_fdopen(call->session->rpc->tcp, &open, &outcome);
	if (outcome.reason == 0 && policy_adopted(s, outcome.socket, &detail) != 0) {
		tcp_abandon(outcome.socket);
		reply_refused(call, EACCES, "fd", detail);
		goto out;
	}
	opened(call, &outcome, NULL);
	if (outcome.reason == 0)
		tcp_start(outcome.socket);
out:
	opening_fini(s, &o);
}
