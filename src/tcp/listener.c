/* SPDX-License-Identifier: ISC */
/* listen, and accept's queue. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/open.h"

/* Connections taken in one turn of the loop, so that others get theirs. */
enum { ACCEPTS_PER_TURN = 64 };

/* --- listen ------------------------------------------------------------------- */

/* An own address of another family is the caller's mistake, as in gen_tcp. */
static int
bind_reason(const struct open_plan *plan, int reason)
{
	if (reason == EAFNOSUPPORT && plan->local != NULL &&
	    !plan->local->u.address.sockaddr)
		return REASON_BADARG;
	return reason;
}

static int
listen_on(struct tcp_socket *s, const struct open_plan *plan, uint16_t port,
    const struct option_row **failed)
{
	int reason;

	if (s->family == AF_LOCAL && (plan->port_given ? plan->port : port) != 0)
		return REASON_BADARG;
	reason = open_bind(s, plan, port, true, failed);
	if (reason != 0)
		return bind_reason(plan, reason);
	if (listen(s->fd, plan->backlog) == -1)
		return errno;
	return 0;
}

static int
listener_open(struct tcp_context *ctx, const struct tcp_open *open, struct tcp_outcome *o)
{
	struct open_plan plan;
	struct tcp_socket *s;
	int reason = open_plan_read(&plan, open);

	if (reason != 0) {
		tcp_discard_fd(ctx, open->fd, open->account);
		return reason;
	}
	reason = open_socket(
	    ctx, &plan, open->fd, OPTION_ACTIVE_TRUE, open->options, &s, &o->option);
	if (reason != 0)
		return reason;
	reason = listen_on(s, &plan, open->port, &o->option);
	if (reason == 0 && !tcp_set_owner(s, open->user, open->account))
		reason = REASON_SYSTEM_LIMIT;
	if (reason != 0) {
		tcp_socket_end(s, reason, false);
		return reason;
	}
	tcp_state_move(s, TCP_LISTENING);
	o->socket = s;
	return 0;
}

void
tcp_listen(struct tcp_context *ctx, const struct tcp_open *open, struct tcp_outcome *o)
{
	memset(o, 0, sizeof(*o));
	o->reason = listener_open(ctx, open, o);
}

/* --- accept ------------------------------------------------------------------- */

/*
 * accept for a listener that others share: O_NONBLOCK may be off, and who polls
 * may find that another was quicker.  Where they want it off it is so again.
 */
static int
accept_shared(int listener)
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	int fd, error, flags = fcntl(listener, F_GETFL);

	if (flags == -1 || poll(&p, 1, 0) != 1) {
		errno = EAGAIN;
		return -1;
	}
	if ((flags & O_NONBLOCK) == 0)
		(void)fcntl(listener, F_SETFL, flags | O_NONBLOCK);
	fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	error = errno;
	if ((flags & O_NONBLOCK) == 0)
		(void)fcntl(listener, F_SETFL, flags);
	errno = error;
	return fd;
}

/* A new descriptor, or -1 with errno. */
static int
accept_fd(const struct tcp_socket *l)
{
	int fd;

	do
		fd = l->passed ? accept_shared(l->fd)
			       : accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (fd == -1 && errno == EINTR);
	return fd;
}

/* Takes one connection.  EAGAIN if there is none; else what to answer. */
static int
take(struct tcp_socket *l, struct tcp_outcome *o)
{
	struct tcp_socket *s;
	int reason, fd = accept_fd(l);

	memset(o, 0, sizeof(*o));
	if (fd == -1) {
		o->reason = errno == EWOULDBLOCK ? EAGAIN : errno;
		return o->reason;
	}
	s = tcp_socket_new(l->ctx, fd, l->family);
	if (s == NULL) {
		(void)close(fd);
		o->reason = ENOMEM;
		return o->reason;
	}
	reason = tcp_sockopt_inherit(l, s, &o->option);
	if (reason != 0) {
		tcp_socket_end(s, reason, false);
		o->reason = reason;
		return reason;
	}
	tcp_state_move(s, TCP_CONNECTED);
	o->socket = s;
	return 0;
}

/* The caller may do as it likes with the socket when it hears of it. */
static void
hand_over(struct tcp_request *r, const struct tcp_outcome *o)
{
	struct tcp_socket *s = o->socket;

	tcp_request_finish(r, o);
	if (s != NULL && s->state == TCP_CONNECTED)
		tcp_start(s);
}

/*
 * Once nobody waits, the event stays until it fires for nothing: a caller that
 * accepts again and again would else have it put in and out each time.
 */
static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_socket *l = arg;
	struct tcp_outcome o;

	(void)fd;
	(void)what;
	if (TAILQ_EMPTY(&l->acceptors)) {
		(void)event_del(l->read_event);
		return;
	}
	for (int n = 0; n < ACCEPTS_PER_TURN; n++) {
		if (l->state != TCP_LISTENING || TAILQ_EMPTY(&l->acceptors))
			return;
		if (take(l, &o) == EAGAIN)
			return;
		hand_over(TAILQ_FIRST(&l->acceptors), &o);
		if (o.reason != 0)
			return;
	}
}

static void
expired(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tcp_request_fail(arg, REASON_TIMEOUT);
}

static bool
wait_readable(struct tcp_socket *l)
{
	if (l->read_event == NULL)
		l->read_event = event_new(
		    l->ctx->base, l->fd, EV_READ | EV_PERSIST, readable, l);
	return l->read_event != NULL && event_add(l->read_event, NULL) == 0;
}

void
tcp_accept(struct tcp_socket *s, int64_t timeout, struct tcp_request *r)
{
	struct tcp_outcome o;

	tcp_request_begin(r, TCP_R_ACCEPT, s);
	if (tcp_is_gone(s)) {
		tcp_request_fail(r, REASON_CLOSED);
		return;
	}
	if (s->state != TCP_LISTENING) {
		tcp_request_fail(r, EINVAL);
		return;
	}
	/* whoever waits already is served first */
	if (TAILQ_EMPTY(&s->acceptors) && take(s, &o) != EAGAIN) {
		hand_over(r, &o);
		return;
	}
	if (timeout == 0) {
		tcp_request_fail(r, REASON_TIMEOUT);
		return;
	}
	if (!wait_readable(s) || !tcp_request_arm(r, s->ctx, timeout, expired)) {
		tcp_request_fail(r, ENOMEM);
		return;
	}
	tcp_request_queue(r);
}

void
tcp_listener_cancel(struct tcp_request *r)
{
	tcp_request_detach(r);
}

void
tcp_listener_close(struct tcp_socket *s)
{
	while (!TAILQ_EMPTY(&s->acceptors))
		tcp_request_fail(TAILQ_FIRST(&s->acceptors), REASON_CLOSED);
}
