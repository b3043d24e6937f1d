/* SPDX-License-Identifier: ISC */
#include "rpc/call.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/method.h"
#include "proto/reason.h"
#include "rpc/batch.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"

/*
 * Calls come and go in hundreds each turn; so many are kept for the next, which
 * costs less than malloc().  None where a tool watches over what is freed.
 */
#ifdef __SANITIZE_ADDRESS__
static const size_t spares_max = 0;
#else
static const size_t spares_max = 512;
#endif

/* A call, all zero; NULL without memory. */
static struct call *
take(struct rpc *rpc)
{
	struct call *call = TAILQ_FIRST(&rpc->spare_calls);

	if (call == NULL)
		return calloc(1, sizeof(*call));
	TAILQ_REMOVE(&rpc->spare_calls, call, link);
	rpc->spares--;
	memset(call, 0, sizeof(*call));
	return call;
}

static void
give_back(struct rpc *rpc, struct call *call)
{
	if (rpc->spares >= spares_max) {
		free(call);
		return;
	}
	TAILQ_INSERT_HEAD(&rpc->spare_calls, call, link);
	rpc->spares++;
}

void
calls_free(struct rpc *rpc)
{
	struct call *call;

	while ((call = TAILQ_FIRST(&rpc->spare_calls)) != NULL) {
		TAILQ_REMOVE(&rpc->spare_calls, call, link);
		free(call);
	}
}

struct call *
call_open(struct session *s, struct batch *batch, const struct method_row *row,
    struct message_id *id)
{
	struct call *call = take(s->rpc);

	if (call == NULL)
		return NULL;
	call->session = s;
	call->number = ++s->opened;
	if (row != NULL)
		s->rpc->tally.requests[row->id]++;
	call->batch = batch;
	call->row = row;
	call->id = *id;
	*id = (struct message_id){.kind = MESSAGE_ID_NULL};
	if (batch != NULL)
		batch_hold(batch);
	TAILQ_INSERT_TAIL(&s->calls, call, link);
	return call;
}

void
call_close(struct call *call)
{
	struct session *s = call->session;

	tcp_cancel(&call->request);
	TAILQ_REMOVE(&s->calls, call, link);
	if (call->stalled)
		TAILQ_REMOVE(&s->stalled_calls, call, stall_link);
	charge_close(&call->charge);
	charge_close(&call->socket_charge);
	if (call->batch != NULL)
		batch_release(call->batch);
	message_id_fini(&call->id);
	give_back(s->rpc, call);
	session_look(s);
}

struct call *
call_of(struct tcp_request *r)
{
	return (struct call *)((char *)r - offsetof(struct call, request));
}

void
call_begin(
    struct call *call, void (*done)(struct tcp_request *, const struct tcp_outcome *))
{
	call->request.done = done;
	call->request.caller = call->session;
	call->request.account = &call->session->account;
}

bool
call_wait(
    struct call *call, void (*done)(struct tcp_request *, const struct tcp_outcome *))
{
	if (!charge_open(&call->charge, &call->session->account, LIMIT_CALLS, 1)) {
		reply_refused(call, REASON_SYSTEM_LIMIT, NULL, "too many requests wait");
		return false;
	}
	call_begin(call, done);
	return true;
}
