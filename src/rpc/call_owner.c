/* SPDX-License-Identifier: ISC */
/*
 * controlling_process: a socket is given away in one step.  What was not yet
 * written to the old owner goes to the new one by itself, since nothing is
 * queued; what the old owner had, it can send along (messages), and the new
 * one is told that first.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "packet/packet_http.h"
#include "proto/bytes.h"
#include "proto/event.h"
#include "proto/message.h"
#include "proto/option.h"
#include "proto/params.h"
#include "proto/payload.h"
#include "proto/reason.h"
#include "proto/value.h"
#include "rpc/calls.h"
#include "rpc/http.h"
#include "rpc/keep.h"
#include "rpc/ownership.h"
#include "rpc/policy.h"
#include "rpc/publish.h"
#include "rpc/replay.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

struct carried *
carried_new(struct carried_list *list, enum event_id event)
{
	struct carried *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->event = event;
	TAILQ_INSERT_TAIL(list, c, link);
	return c;
}

/* Appends what a member of a tcp notification holds. */
static int
read_bytes(json_t *json, struct bytes *data)
{
	const void *p = NULL;
	size_t len = 0;
	int reason;

	if (json == NULL)
		return 0;
	reason = payload_read(json, SIZE_MAX, data, &p, &len, NULL, 0);
	if (reason == 0 && json_is_string(json) && !bytes_append(data, p, len))
		reason = ENOMEM;
	return reason;
}

/* The packet of an http notification, as text that http_read() takes. */
static int
read_http(json_t *json, struct bytes *data)
{
	struct bytes texts[HTTP_TEXTS] = {0};
	struct packet_http http;
	char *text = NULL;
	int reason = 0;

	if (!http_read(json, &http, texts))
		reason = REASON_BADARG;
	else if ((text = json_dumps(json, JSON_COMPACT)) == NULL ||
	    !bytes_append(data, text, strlen(text)))
		reason = ENOMEM;
	free(text);
	for (size_t i = 0; i < HTTP_TEXTS; i++)
		bytes_fini(&texts[i]);
	return reason;
}

/* One notification of socket id, as its owner got it. */
static int
read_message(json_t *json, uint64_t id, struct carried_list *list)
{
	json_t *params = json_object_get(json, "params");
	const char *method = params_text(json_object_get(json, "method")), *reason;
	json_t *socket = json_object_get(params, "socket"), *data;
	enum event_id event = method == NULL ? EVENT_COUNT : event_find(method);
	struct carried *c;

	/* down is the monitor's, not the socket's: whoever monitors keeps it */
	if (event == EVENT_COUNT || event == EVENT_DOWN || event == EVENT_SHUTDOWN ||
	    event == EVENT_TAKEN || !json_is_integer(socket) ||
	    (uint64_t)json_integer_value(socket) != id)
		return REASON_BADARG;
	if (event == EVENT_TCP_OWNER) /* an older change of owner: of no use now */
		return 0;
	c = carried_new(list, event);
	if (c == NULL)
		return ENOMEM;
	if (event == EVENT_TCP_ERROR) {
		reason = params_text(json_object_get(params, "reason"));
		c->reason = reason != NULL ? reason_from_name(reason) : -1;
		return c->reason <= 0 ? REASON_BADARG : 0;
	}
	if (event == EVENT_HTTP)
		return read_http(json_object_get(params, "http"), &c->data);
	if (event != EVENT_TCP && event != EVENT_PORT)
		return 0;
	data = json_object_get(params, "data");
	if (data == NULL && json_object_get(params, "header") == NULL)
		return REASON_BADARG;
	if (read_bytes(json_object_get(params, "header"), &c->data) != 0 ||
	    read_bytes(data, &c->data) != 0)
		return REASON_BADARG;
	return 0;
}

/* All of messages.  0, badarg, or enomem; *size gets the bytes they hold. */
static int
read_messages(json_t *messages, uint64_t id, struct carried_list *list, size_t *size)
{
	const struct carried *c;
	json_t *message;
	size_t i;
	int reason;

	json_array_foreach (messages, i, message) {
		reason = read_message(message, id, list);
		if (reason != 0)
			return reason;
	}
	*size = 0;
	TAILQ_FOREACH (c, list, link)
		*size += sizeof(*c) + c->data.size;
	return 0;
}

/* Whose it may become: 0 and *to, or a reason. */
static int
find_target(struct call *call, struct request *q, struct session **to)
{
	struct session *from = q->handle->owner, *s = call->session;

	*to = idmap_find(&s->rpc->clients, params_uint(&q->params, 1));
	if (*to != NULL && *to == from)
		return 0;
	if (from != s)
		return REASON_NOT_OWNER;
	if (*to == NULL)
		return REASON_BADARG;
	return policy_gives(s, (*to)->uid) && !(*to)->monitor ? 0 : EACCES;
}

/* Drops what an owner was to be told of earlier changes and never was. */
static void
forget_owners(struct carried_list *list)
{
	struct carried *c, *next;

	for (c = TAILQ_FIRST(list); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->event == EVENT_TCP_OWNER) {
			TAILQ_REMOVE(list, c, link);
			free(c);
		}
	}
}

/*
 * Makes to the owner, who is told in this order: tcp_owner, list, and what the
 * old owner was not told yet.  size is what list holds; list is empty
 * afterwards.  0, or a reason and nothing changed.
 */
static int
hand_over(struct handle *h, struct session *to, struct carried_list *list, size_t size)
{
	struct session *from = h->owner;
	struct charge charge = {0};
	struct carried *owner = calloc(1, sizeof(*owner));
	int reason = 0;

	if (owner == NULL)
		return ENOMEM;
	if (to != from && !replay_untold(from, h->id, list, &size)) {
		free(owner);
		return ENOMEM;
	}
	owner->event = EVENT_TCP_OWNER;
	owner->from = from->id;
	size += h->carried_charge.amount + sizeof(*owner);
	if (!charge_open(&charge, &to->account, LIMIT_BYTES, size))
		reason = REASON_SYSTEM_LIMIT;
	else if (to != from)
		reason = ownership_move(h, to);
	if (reason != 0) {
		charge_close(&charge);
		free(owner);
		return reason;
	}
	charge_close(&h->carried_charge);
	h->carried_charge = charge;
	forget_owners(&h->carried);
	TAILQ_CONCAT(list, &h->carried, link);
	TAILQ_CONCAT(&h->carried, list, link);
	if (to != from) {
		TAILQ_INSERT_HEAD(&h->carried, owner, link);
		replay_give(from, h->id);
	} else
		free(owner);
	if (to->away)
		keep_touch(to);
	return 0;
}

/*
 * The socket is another uid's now: whose requests wait at it and who does not see it
 * any more gets einval.
 */
static void
dismiss(struct rpc *rpc, const struct handle *h)
{
	struct session *s;
	struct call *call, *next;
	struct bytes rest;
	size_t at = 0;

	while ((s = idmap_next(&rpc->clients, &at)) != NULL) {
		if (policy_sees(s, h->owner->uid))
			continue;
		for (call = TAILQ_FIRST(&s->calls); call != NULL; call = next) {
			next = TAILQ_NEXT(call, link);
			if (call->tcp != h->tcp || call->request.done == NULL)
				continue;
			tcp_withdraw(&call->request, &rest);
			reply_rest(call, EINVAL, bytes_head(&rest), bytes_len(&rest));
			bytes_fini(&rest);
		}
	}
}

/* {"active": A} as setopts takes it. */
static int
read_active(json_t *json, struct option_list *list, struct value_error *error)
{
	struct option_value v;

	if (json == NULL)
		return 0;
	if (value_read(option_row(OPTION_ACTIVE), json, &v, error) != 0)
		return REASON_BADARG;
	return option_list_add(list, &v) ? 0 : ENOMEM;
}

void
call_controlling_process(struct call *call, struct request *q)
{
	struct carried_list list = TAILQ_HEAD_INITIALIZER(list);
	struct option_list active = {0};
	struct value_error error = {0};
	struct handle *h = q->handle;
	const struct option_row *failed;
	struct session *to = NULL;
	size_t size = 0;
	int reason;

	reason = find_target(call, q, &to);
	if (reason == 0 && to == h->owner &&
	    (q->params.value[2] == NULL || to != call->session)) {
		reply_ok(call);
		return;
	}
	if (reason == 0)
		reason = read_active(q->params.value[3], &active, &error);
	if (reason == 0)
		reason = read_messages(q->params.value[2], h->id, &list, &size);
	if (reason == 0)
		reason = hand_over(h, to, &list, size);
	if (reason == 0) {
		if (to->uid != call->session->uid)
			dismiss(to->rpc, h);
		publish_resume(h);
		/* the socket may end in this, when it had been closed meanwhile */
		if (active.count > 0)
			tcp_setopts(call->tcp, &active, &failed);
		reply_ok(call);
	} else
		reply_refused(call, reason, error.option,
		    reason == REASON_BADARG && error.option == NULL && to != NULL
			? "messages must be notifications of this socket"
			: NULL);
	carried_clear(&list);
	option_list_fini(&active);
}
