/* SPDX-License-Identifier: ISC */
/*
 * What the owner is told but for data.  A notice is state, not a queued event:
 * it is remembered until the owner's channel has room for it.
 */
#include "proto/reason.h"
#include "tcp/tcp_socket.h"

bool
tcp_notice_room(struct tcp_socket *s)
{
	struct tcp_context *ctx = s->ctx;
	bool before = s->held;

	s->held = !ctx->observer->room(ctx->observer_ctx, s);
	ctx->tally.holds += s->held && !before;
	return !s->held;
}

bool
tcp_notice_tell(struct tcp_socket *s, unsigned mask)
{
	const struct tcp_observer *o = s->ctx->observer;
	void *ctx = s->ctx->observer_ctx;
	unsigned due = s->notices & mask;

	if (due == 0 || !s->started || !tcp_notice_room(s))
		return false;
	if (due & NOTICE_PASSIVE) {
		s->notices &= ~(unsigned)NOTICE_PASSIVE;
		o->passive(ctx, s);
	} else if (due & NOTICE_ERROR) {
		s->notices &= ~(unsigned)NOTICE_ERROR;
		o->error(ctx, s, s->notice_reason);
	} else {
		s->notices &= ~(unsigned)NOTICE_CLOSED;
		o->closed(ctx, s);
	}
	return true;
}

void
tcp_notice_closed(struct tcp_socket *s, int reason)
{
	if (s->closed_told)
		return;
	tcp_trace(s, "the connection is over%s%s", reason == 0 ? "" : ": ",
	    reason == 0 ? "" : reason_name(reason));
	s->closed_told = true;
	s->notices |= NOTICE_CLOSED;
	if (reason != 0) {
		s->notices |= NOTICE_ERROR;
		s->notice_reason = reason;
	}
}

void
tcp_notice_over(struct tcp_socket *s)
{
	const struct tcp_observer *o = s->ctx->observer;

	tcp_state_move(s, TCP_TOLD);
	if (!s->silent && o->over != NULL)
		o->over(s->ctx->observer_ctx, s);
}
