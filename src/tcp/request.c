/* SPDX-License-Identifier: ISC */
/* Requests that may wait: their places, their timers, their one answer. */
#include <event2/event.h>

#include "tcp/tcp_socket.h"

void
tcp_request_begin(struct tcp_request *r, enum tcp_request_kind kind, struct tcp_socket *s)
{
	r->kind = kind;
	r->socket = s;
	r->queued = r->gathered = r->framed = r->running = false;
	r->file = NULL;
	r->reason = 0;
	r->timer = NULL;
	r->deadline = UINT64_MAX;
	bytes_init(&r->held);
	r->charge = (struct charge){.kind = LIMIT_BYTES};
}

static struct tcp_request_list *
list_of(const struct tcp_request *r)
{
	return r->kind == TCP_R_ACCEPT ? &r->socket->acceptors : &r->socket->senders;
}

void
tcp_request_queue(struct tcp_request *r)
{
	TAILQ_INSERT_TAIL(list_of(r), r, link);
	r->queued = true;
}

static void
leave_socket(struct tcp_request *r)
{
	struct tcp_socket *s = r->socket;

	if (r->queued) {
		TAILQ_REMOVE(list_of(r), r, link);
		tcp_senders_leave(s, r);
	}
	r->queued = false;
	if (s == NULL)
		return;
	if (s->receiver == r)
		s->receiver = NULL;
	if (s->blocked == r)
		s->blocked = NULL;
	if (s->closer == r)
		s->closer = NULL;
}

void
tcp_request_detach(struct tcp_request *r)
{
	if (r->file != NULL)
		tcp_sendfile_free(r->socket->ctx, r->file);
	r->file = NULL;
	leave_socket(r);
	if (r->timer != NULL)
		event_free(r->timer);
	r->timer = NULL;
	bytes_fini(&r->held);
	charge_close(&r->charge);
	r->kind = TCP_R_NONE;
	r->socket = NULL;
}

void
tcp_request_finish(struct tcp_request *r, const struct tcp_outcome *o)
{
	tcp_request_detach(r);
	r->done(r, o);
}

void
tcp_request_fail(struct tcp_request *r, int reason)
{
	const struct tcp_outcome o = {.reason = reason};

	tcp_request_finish(r, &o);
}

static bool
start_timer(struct tcp_request *r, int64_t ms)
{
	const struct timeval tv = clock_timeval(ms);

	return event_add(r->timer, &tv) == 0;
}

/*
 * libevent counts by the kernel's coarse clock, from when its turn began: it may be
 * milliseconds early, and gen_tcp never is.
 */
static void
timer_over(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_request *r = arg;
	int64_t left = clock_left(r->clock, r->deadline);

	if (left <= 0 || !start_timer(r, left))
		r->expired(fd, what, r);
}

bool
tcp_request_arm(struct tcp_request *r, struct tcp_context *ctx, int64_t timeout,
    void (*fire)(int, short, void *))
{
	r->deadline = clock_deadline(ctx->clock, timeout);
	if (timeout < 0)
		return true;
	r->clock = ctx->clock;
	r->expired = fire;
	r->timer = event_new(ctx->base, -1, 0, timer_over, r);
	return r->timer != NULL && start_timer(r, timeout);
}

/* rest as in tcp_withdraw(), or NULL. */
static void
cancel(struct tcp_request *r, struct bytes *rest)
{
	switch (r->kind) {
	case TCP_R_NONE:
		break;
	case TCP_R_LOOKUP:
		tcp_lookup_cancel(r);
		break;
	case TCP_R_CONNECT:
		tcp_connector_cancel(r);
		break;
	case TCP_R_ACCEPT:
		tcp_listener_cancel(r);
		break;
	case TCP_R_SEND:
	case TCP_R_SHUTDOWN:
		if (r->gathered)
			tcp_gather_cancel(r);
		if (r->kind != TCP_R_NONE)
			tcp_senders_cancel(r, rest);
		break;
	case TCP_R_SENDFILE:
		if (r->running)
			tcp_sendfile_cancel(r);
		else
			tcp_senders_cancel(r, rest);
		break;
	case TCP_R_RECV:
		/* What has come for it stays, for the next. */
	case TCP_R_CLOSE:
		/* A close that has begun goes on by itself. */
		tcp_request_detach(r);
		break;
	}
}

void
tcp_cancel(struct tcp_request *r)
{
	cancel(r, NULL);
}

void
tcp_withdraw(struct tcp_request *r, struct bytes *rest)
{
	bytes_init(rest);
	cancel(r, rest);
}
