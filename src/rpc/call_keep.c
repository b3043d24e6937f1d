/* SPDX-License-Identifier: ISC */
/* session.keep, attach, ack: clients that outlive their connection. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "proto/params.h"
#include "proto/reason.h"
#include "rpc/calls.h"
#include "rpc/keep.h"
#include "rpc/replay.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"

static const char no_such_event[] = "no event has been given that number yet";

/* Keeps s as long as that; replay may be NULL: as it was. */
static int
begin(struct session *s, int64_t ttl, const json_t *replay)
{
	bool kept = s->keep != NULL;
	int reason = keep_begin(s, ttl);

	if (reason == 0 && json_is_true(replay))
		reason = replay_begin(s);
	else if (reason == 0 && json_is_false(replay))
		replay_end(s);
	if (reason != 0 && !kept)
		keep_end(s);
	return reason;
}

void
call_keep(struct call *call, struct request *q)
{
	struct session *s = call->session;
	uint64_t ttl = params_uint(&q->params, 0);
	char token[KEEP_TOKEN_TEXT];
	int reason;

	if (ttl > KEEP_TTL_MAX) {
		reply_fault(call, REASON_INVALID_PARAMS,
		    "param \"ttl\" must be at most 604800000 ms, which is a week");
		return;
	}
	if (ttl == 0) {
		keep_end(s);
		reply_json(
		    call, json_pack("{s:I, s:n}", "client", (json_int_t)s->id, "token"));
		return;
	}
	reason = begin(s, (int64_t)ttl, q->params.value[1]);
	if (reason != 0) {
		reply_error(call, reason, NULL);
		return;
	}
	keep_token(s->keep, token);
	reply_json(
	    call, json_pack("{s:I, s:s}", "client", (json_int_t)s->id, "token", token));
	explicit_bzero(token, sizeof(token));
}

/* Has the client of call nothing that would be lost, but for call itself? */
static bool
owns_nothing(const struct call *call)
{
	const struct session *s = call->session;

	return s->keep == NULL && TAILQ_EMPTY(&s->handles) && TAILQ_EMPTY(&s->monitors) &&
	    TAILQ_EMPTY(&s->downs) && TAILQ_FIRST(&s->calls) == call &&
	    TAILQ_NEXT(call, link) == NULL;
}

void
call_attach(struct call *call, struct request *q)
{
	struct session *s = call->session, *kept;
	uint64_t seen = params_uint(&q->params, 2);
	json_t *hello;

	if (!owns_nothing(call)) {
		reply_refused(call, EALREADY, NULL,
		    "this connection's client is kept, or has sockets, monitors or "
		    "waiting requests");
		return;
	}
	kept = keep_find(
	    s, params_uint(&q->params, 0), params_string(&q->params, 1, NULL));
	if (kept == NULL) {
		reply_refused(
		    call, EACCES, NULL, "no client is kept under this number and token");
		return;
	}
	if (seen > kept->seq) {
		reply_refused(call, EINVAL, NULL, no_such_event);
		return;
	}
	hello = hello_new(s->rpc, kept->id);
	if (hello == NULL) {
		reply_error(call, ENOMEM, NULL);
		return;
	}
	/* the answer goes first, then what the client is told */
	reply_json(call, hello);
	keep_attach(kept, s, seen);
}

void
call_ack(struct call *call, struct request *q)
{
	int reason = replay_ack(call->session, params_uint(&q->params, 0));

	if (reason == 0)
		reply_ok(call);
	else
		reply_refused(call, reason, NULL, no_such_event);
}
