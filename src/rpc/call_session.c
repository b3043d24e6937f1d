/* SPDX-License-Identifier: ISC */
/* session.hello, self, clients, cancel; rpc.discover. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "proto/bytes.h"
#include "proto/message.h"
#include "proto/params.h"
#include "proto/payload.h"
#include "proto/reason.h"
#include "proto/wire.h"
#include "rpc/calls.h"
#include "rpc/keep.h"
#include "rpc/openrpc.h"
#include "rpc/ownership.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

enum { PROTOCOL_VERSION = 1, NAME_MAX_LEN = 128 };

/* Takes the client's settings.  False: the call has been answered. */
static bool
greet(struct call *call, const struct params *p)
{
	struct session *s = call->session;
	json_t *name = p->value[0], *version = p->value[1], *form = p->value[2],
	       *attachments = p->value[3];
	enum payload_form chosen = s->form;
	const char *fault = NULL;
	char *copy = NULL;

	if (name != NULL && json_string_length(name) > NAME_MAX_LEN)
		fault = "param \"client\" must be at most 128 bytes long";
	else if (version != NULL && json_integer_value(version) != PROTOCOL_VERSION)
		fault = "param \"protocol\" must be 1: no other is spoken here";
	else if (form != NULL && !payload_form_find(json_string_value(form), &chosen))
		fault = "param \"data\" must be \"auto\", \"base64\" or \"attached\"";
	else if (chosen == PAYLOAD_ATTACHED && json_is_false(attachments))
		fault = "data \"attached\" needs attachments";
	else if (s->attachments && json_is_false(attachments))
		fault = "attachments cannot be turned off again";
	else if (name != NULL && (copy = strdup(json_string_value(name))) == NULL)
		fault = "out of memory";
	if (fault != NULL) {
		reply_fault(call, REASON_INVALID_PARAMS, fault);
		return false;
	}
	if (copy != NULL) {
		free(s->name);
		s->name = copy;
	}
	s->form = chosen;
	if (!s->attachments &&
	    (json_is_true(attachments) || chosen == PAYLOAD_ATTACHED)) {
		s->attachments = true;
		s->sink->attachments(s->sink_ctx);
	}
	return true;
}

json_t *
hello_new(const struct rpc *rpc, uint64_t id)
{
	const struct wire_limits *w = &rpc->config.wire;

	return json_pack("{s:s, s:i, s:I, s:s, s:I, s:I, s:I, s:i}", "server",
	    "gentcpd/" PACKAGE_VERSION, "protocol", PROTOCOL_VERSION, "client",
	    (json_int_t)id, "instance", rpc->instance, "max_message",
	    (json_int_t)w->max_message, "max_attachment", (json_int_t)w->max_attachment,
	    "max_values", (json_int_t)w->max_values, "max_depth", WIRE_DEPTH_MAX);
}

void
call_hello(struct call *call, struct request *q)
{
	const struct session *s = call->session;

	if (greet(call, &q->params))
		reply_json(call, hello_new(s->rpc, s->id));
}

/* How long a client outlives its connection, for people; null: not at all. */
static json_t *
keep_new(const struct session *s)
{
	if (s->keep == NULL)
		return json_null();
	return json_pack("{s:I, s:o, s:b, s:I, s:I}", "ttl", (json_int_t)s->keep->ttl,
	    "left", s->away ? json_integer((json_int_t)keep_left(s)) : json_null(),
	    "replay", s->replay != NULL, "seq", (json_int_t)s->seq, "ack",
	    (json_int_t)s->acked);
}

static json_t *
client_new(const struct session *s)
{
	json_t *sockets = json_array();
	const struct handle *h;

	TAILQ_FOREACH (h, &s->handles, link)
		json_array_append_new(sockets, json_integer((json_int_t)h->id));
	return json_pack("{s:I, s:s?, s:I, s:I, s:b, s:o, s:o}", "client",
	    (json_int_t)s->id, "name", s->name, "uid", (json_int_t)s->uid, "pid",
	    (json_int_t)s->pid, "connected", !s->away, "keep", keep_new(s), "sockets",
	    sockets);
}

void
call_self(struct call *call, struct request *q)
{
	(void)q;
	reply_json(call, client_new(call->session));
}

void
call_clients(struct call *call, struct request *q)
{
	const struct rpc *rpc = call->session->rpc;
	json_t *list = json_array();
	const struct session *s;
	size_t at = 0;

	(void)q;
	while ((s = idmap_next(&rpc->clients, &at)) != NULL)
		if (call->session->monitor || s->uid == call->session->uid)
			json_array_append_new(list, client_new(s));
	reply_json(call, list);
}

void
call_cancel(struct call *call, struct request *q)
{
	struct message_id id;
	struct bytes rest;
	struct call *other;
	bool found = false;

	if (!message_id_read(q->params.value[0], &id)) {
		message_id_fini(&id);
		reply_fault(
		    call, REASON_INVALID_PARAMS, "param \"id\" must be a request's id");
		return;
	}
	TAILQ_FOREACH (other, &call->session->calls, link) {
		if (other != call && message_id_equal(&other->id, &id)) {
			tcp_withdraw(&other->request, &rest);
			reply_rest(
			    other, REASON_CANCELLED, bytes_head(&rest), bytes_len(&rest));
			bytes_fini(&rest);
			found = true;
			break;
		}
	}
	message_id_fini(&id);
	reply_json(call, json_boolean(found));
}

void
call_discover(struct call *call, struct request *q)
{
	(void)q;
	reply_text(call, openrpc_document, openrpc_len);
}
