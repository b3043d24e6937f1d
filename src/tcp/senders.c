/* SPDX-License-Identifier: ISC */
/*
 * Who waits for the writer: senders that found the socket busy, first come first
 * served, and the shutdowns and closes that wait behind sends of their own
 * caller (semantics 8.12, 8.22).  Each stays in the list until its turn comes,
 * so that it can be withdrawn at any time.
 */
#include <errno.h>

#include "proto/reason.h"
#include "tcp/tcp_socket.h"

/* gen_tcp's queue of commands to a busy port: here it bounds nothing, it is told. */
static void
enter(struct tcp_socket *s, size_t len)
{
	s->msgq += len;
	if (s->msgq >= s->set.high_msgq)
		s->msgq_busy = true;
}

bool
tcp_senders_suspend(struct tcp_request *r, const void *data, size_t len)
{
	int reason = 0;

	if (!charge_open(&r->charge, r->account, LIMIT_BYTES, len))
		reason = REASON_SYSTEM_LIMIT;
	else if (!bytes_append(&r->held, data, len))
		reason = ENOMEM;
	if (reason != 0) {
		tcp_request_fail(r, reason);
		return false;
	}
	tcp_request_queue(r);
	enter(r->socket, bytes_len(&r->held));
	return true;
}

void
tcp_senders_leave(struct tcp_socket *s, const struct tcp_request *r)
{
	s->msgq -= bytes_len(&r->held);
	if (s->msgq_busy && s->msgq <= s->set.low_msgq)
		s->msgq_busy = false;
}

/* With the backend socket nothing is queued behind a file. */
static bool
is_behind_file(const struct tcp_socket *s)
{
	return s->set.socket_backend && s->file != NULL;
}

static bool
is_taken(const struct tcp_socket *s)
{
	return s->busy || s->flushing || !TAILQ_EMPTY(&s->senders) || is_behind_file(s);
}

bool
tcp_would_wait(const struct tcp_socket *s)
{
	return is_taken(s) || s->file != NULL;
}

void
tcp_send(struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r)
{
	tcp_request_begin(r, TCP_R_SEND, s);
	if (!is_taken(s) && tcp_gather_send(s, data, len, r))
		return;
	/* what was gathered before it has been written, and may wait by now */
	if (tcp_is_gone(s) || !is_taken(s))
		tcp_writer_send(s, data, len, r);
	else if (s->set.socket_backend)
		tcp_writer_suspend(s, data, len, r);
	else
		(void)tcp_senders_suspend(r, data, len);
}

bool
tcp_senders_behind(const struct tcp_socket *s, const struct tcp_request *r)
{
	const struct tcp_request *other;

	if (s->blocked != NULL && s->blocked->caller == r->caller)
		return true;
	if (s->file != NULL && tcp_sendfile_holds(s, r))
		return true;
	TAILQ_FOREACH (other, &s->senders, link) {
		if (other == r)
			break;
		if ((other->kind == TCP_R_SEND || other->kind == TCP_R_SENDFILE) &&
		    other->caller == r->caller)
			return true;
	}
	return false;
}

/* The first, if it may run now: whoever waits, waits its turn. */
static struct tcp_request *
next_in_turn(const struct tcp_socket *s)
{
	struct tcp_request *r = TAILQ_FIRST(&s->senders);
	bool waits;

	if (r == NULL || r->reason != 0)
		return r;
	if (r->kind == TCP_R_SEND)
		waits = s->busy || is_behind_file(s);
	else if (r->kind == TCP_R_SENDFILE)
		waits = s->busy || s->file != NULL;
	else
		waits = (s->blocked != NULL && s->blocked->caller == r->caller) ||
		    (s->file != NULL && tcp_sendfile_holds(s, r));
	return waits ? NULL : r;
}

/* The copy is given back first, so that it does not count twice. */
static void
resume_send(struct tcp_socket *s, struct tcp_request *r)
{
	struct bytes held = r->held;

	bytes_init(&r->held);
	charge_close(&r->charge);
	if (r->framed)
		tcp_writer_send_framed(s, bytes_head(&held), bytes_len(&held), r);
	else
		tcp_writer_send(s, bytes_head(&held), bytes_len(&held), r);
	bytes_fini(&held);
}

static void
run(struct tcp_socket *s, struct tcp_request *r)
{
	TAILQ_REMOVE(&s->senders, r, link);
	r->queued = false;
	tcp_senders_leave(s, r);
	if (r->reason != 0)
		tcp_request_fail(r, r->reason);
	else if (r->kind == TCP_R_SEND)
		resume_send(s, r);
	else if (r->kind == TCP_R_SENDFILE)
		tcp_sendfile_run(s, r);
	else if (r->kind == TCP_R_SHUTDOWN)
		tcp_shutdown_run(s, r);
	else
		tcp_close_run(s, r);
}

void
tcp_senders_wake(struct tcp_socket *s)
{
	struct tcp_request *r;

	/* The outer loop sees what changed inside an answer. */
	if (s->waking)
		return;
	s->waking = true;
	while ((r = next_in_turn(s)) != NULL)
		run(s, r);
	s->waking = false;
}

/*
 * Of a caller that vanished, and hears of nothing: what has begun to be sent goes
 * on by itself, lest the stream be cut in the middle of a packet.
 */
static bool
goes_on(const struct tcp_socket *s, const struct tcp_request *r)
{
	return s->set.socket_backend && s->blocked == r && bytes_len(&s->out) < r->length;
}

void
tcp_senders_cancel(struct tcp_request *r, struct bytes *rest)
{
	struct tcp_socket *s = r->socket;
	struct bytes dropped = {0};

	if (r->kind == TCP_R_SEND && (rest != NULL || !goes_on(s, r)))
		tcp_writer_take_back(s, r, rest != NULL ? rest : &dropped);
	bytes_fini(&dropped);
	tcp_request_detach(r);
	tcp_senders_wake(s);
}
