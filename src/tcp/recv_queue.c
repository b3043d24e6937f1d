/* SPDX-License-Identifier: ISC */
/* recv, of which one may wait, and unrecv: semantics 1.5 and 1.13. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet/packet_http.h"
#include "proto/reason.h"
#include "tcp/tcp_socket.h"

enum { RECV_LENGTH_MAX = 64 * 1024 * 1024 };

/* Answers r with reason and what is in the buffer, which is then empty. */
static void
refuse_rest(struct tcp_socket *s, struct tcp_request *r, int reason)
{
	struct tcp_outcome o = {.reason = reason};
	struct bytes rest = s->in;

	if (bytes_len(&rest) > 0) {
		bytes_init(&s->in);
		s->lent = false;
	} else {
		bytes_init(&rest);
	}
	tcp_input_drop(s);
	if (reason != EMSGSIZE && reason != ENOMEM) {
		o.data = bytes_head(&rest);
		o.len = bytes_len(&rest);
	}
	tcp_request_finish(r, &o);
	bytes_fini(&rest);
}

/* recv on a socket that is not connected: the one-shot answers first. */
static void
refuse_unconnected(struct tcp_socket *s, struct tcp_request *r)
{
	int reason = s->recv_reset ? ECONNRESET : REASON_CLOSED;

	if (!s->recv_closed) {
		tcp_request_fail(r, ENOTCONN);
		return;
	}
	s->recv_closed = s->send_closed = s->recv_reset = false;
	refuse_rest(s, r, reason);
}

/* In gen_tcp's order. */
static int
recv_refusal(const struct tcp_socket *s, size_t length)
{
	if (s->active.mode != OPTION_ACTIVE_FALSE)
		return EINVAL;
	if (!s->set.packet->raw && length != 0)
		return EINVAL;
	if (length > RECV_LENGTH_MAX)
		return ENOMEM;
	if (s->receiver != NULL)
		return EALREADY;
	return 0;
}

void
tcp_recv(struct tcp_socket *s, size_t length, int64_t timeout, struct tcp_request *r)
{
	int reason;

	tcp_request_begin(r, TCP_R_RECV, s);
	if (tcp_is_gone(s)) {
		tcp_request_fail(r, REASON_CLOSED);
		return;
	}
	if (s->state != TCP_CONNECTED) {
		refuse_unconnected(s, r);
		return;
	}
	reason = recv_refusal(s, length);
	if (reason != 0) {
		tcp_request_fail(r, reason);
		return;
	}
	r->length = length;
	r->deadline = clock_deadline(s->ctx->clock, timeout);
	s->receiver = r;
	s->recv_held = false;
	s->eof = false;
	tcp_reader_deliver(s);
}

void
tcp_recv_answer(struct tcp_socket *s, const struct packet_span *span)
{
	struct tcp_outcome o = {
	    .data = bytes_head(&s->in) + span->offset,
	    .len = span->len,
	};
	struct packet_http http;

	if (s->set.packet->http) {
		packet_http_parse(&s->packet_state, o.data, o.len, &http);
		o.http = &http;
	}
	tcp_count_received(s, span->total);
	tcp_input_take(s, span->total);
	tcp_request_finish(s->receiver, &o);
}

void
tcp_recv_refuse(struct tcp_socket *s, int reason)
{
	if (s->receiver != NULL)
		tcp_request_fail(s->receiver, reason);
}

void
tcp_recv_refuse_rest(struct tcp_socket *s, int reason)
{
	if (s->receiver != NULL)
		refuse_rest(s, s->receiver, reason);
}

/* --- time -------------------------------------------------------------------- */

static void
timed_out(struct tcp_request *r)
{
	r->socket->awaited = 0;
	tcp_request_fail(r, REASON_TIMEOUT);
}

static void
expired(int fd, short what, void *arg)
{
	struct tcp_request *r = arg;

	(void)fd;
	(void)what;
	/* Its data may be there and only want room: tcp_resume() will see. */
	if (r->socket->recv_held)
		r->deadline = 0;
	else
		timed_out(r);
}

void
tcp_recv_watch(struct tcp_socket *s)
{
	struct tcp_request *r = s->receiver;
	int64_t left;

	if (r == NULL || s->recv_held || r->deadline == UINT64_MAX)
		return;
	left = clock_left(s->ctx->clock, r->deadline);
	if (left == 0)
		timed_out(r);
	else if (r->timer == NULL && !tcp_request_arm(r, s->ctx, left, expired))
		tcp_request_fail(r, ENOMEM);
}

/* --- unrecv ------------------------------------------------------------------- */

/* data may be what is being delivered at the moment, in this very buffer. */
static bool
push_back(struct tcp_socket *s, const void *data, size_t len)
{
	size_t before = bytes_len(&s->in);
	void *copy = malloc(len);
	bool done;

	if (copy == NULL)
		return false;
	memcpy(copy, data, len);
	done = bytes_prepend(&s->in, copy, len);
	if (!done)
		bytes_truncate(&s->in, before);
	free(copy);
	return done;
}

int
tcp_unrecv(struct tcp_socket *s, const void *data, size_t len)
{
	if (tcp_is_gone(s))
		return REASON_CLOSED;
	if (s->set.socket_backend)
		return EOPNOTSUPP;
	if (s->state != TCP_CONNECTED)
		return ENOTCONN;
	if (len > 0) {
		if (!tcp_socket_reserve(s, len))
			return ENOMEM;
		if (!push_back(s, data, len)) {
			(void)tcp_socket_charge(s);
			return ENOMEM;
		}
		packet_restart(&s->packet_state);
		s->awaited = 0;
	}
	tcp_reader_deliver(s);
	return 0;
}
