/* SPDX-License-Identifier: ISC */
/*
 * connect: looks the name up, then tries its addresses one after the other,
 * each with a socket of its own, until one answers or the time is over.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/connect_thread.h"
#include "tcp/open.h"
#include "tcp/resolver.h"

/* How soon a Unix listener with a full backlog is tried again, ms. */
enum { AGAIN = 20 };

struct connector {
	TAILQ_ENTRY(connector) link;
	struct tcp_context *ctx;
	struct tcp_request *r;
	struct option_list options; /* own; plan points into it */
	struct open_plan plan;
	void *user;
	struct account *account;
	uint16_t port;
	int fd; /* passed: each attempt gets a duplicate; -1 if none */
	struct resolver_job *job;
	struct resolver_addresses addresses;
	size_t at; /* the one that is being tried */
	struct tcp_socket *s;
	struct event *event;
	int thread; /* connect_thread.h's descriptor, -1 if none */
	const struct option_row *failed;
};

/* --- the end -------------------------------------------------------------------- */

static void
stop_waiting(struct connector *c)
{
	if (c->event != NULL)
		event_free(c->event);
	c->event = NULL;
	if (c->thread == -1)
		return;
	/* frees the thread from a connect that blocks */
	(void)shutdown(c->s->fd, SHUT_RDWR);
	(void)close(c->thread);
	c->thread = -1;
}

static void
connector_free(struct connector *c)
{
	TAILQ_REMOVE(&c->ctx->connectors, c, link);
	if (c->job != NULL)
		resolver_cancel(c->ctx->resolver, c->job);
	stop_waiting(c);
	if (c->s != NULL)
		tcp_socket_end(c->s, REASON_CLOSED, false);
	tcp_discard_fd(c->ctx, c->fd, c->account);
	resolver_addresses_fini(&c->addresses);
	option_list_fini(&c->options);
	free(c);
}

/* gen_tcp:connect says badarg for every einval. */
static void
fail(struct connector *c, int reason)
{
	struct tcp_request *r = c->r;
	struct tcp_outcome o = {0};

	o.reason = reason == EINVAL ? REASON_BADARG : reason;
	o.option = c->failed;
	r->state = NULL;
	connector_free(c);
	tcp_request_finish(r, &o);
}

static void
succeed(struct connector *c)
{
	struct tcp_request *r = c->r;
	struct tcp_socket *s = c->s;
	struct tcp_outcome o = {.socket = s};

	if (!tcp_set_owner(s, c->user, c->account)) {
		fail(c, REASON_SYSTEM_LIMIT);
		return;
	}
	tcp_state_move(s, TCP_CONNECTED);
	c->s = NULL;
	r->state = NULL;
	connector_free(c);
	tcp_request_finish(r, &o);
	/* the caller may have done away with it at once */
	if (s->state == TCP_CONNECTED)
		tcp_start(s);
}

static void
expired(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_request *r = arg;

	(void)fd;
	(void)what;
	fail(r->state, REASON_TIMEOUT);
}

/* --- one attempt after the other ------------------------------------------------- */

static void proceed(struct connector *c, int result);

static bool
wait_for(struct connector *c, int fd, short what, int64_t ms, event_callback_fn callback)
{
	struct timeval tv = clock_timeval(ms);

	c->event = event_new(c->ctx->base, fd, what, callback, c);
	return c->event != NULL && event_add(c->event, ms > 0 ? &tv : NULL) == 0;
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct connector *c = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)what;
	stop_waiting(c);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	proceed(c, error);
}

static int connect_now(struct connector *c);
static int begun(struct connector *c, int error);

static void
again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stop_waiting(arg);
	proceed(arg, connect_now(arg));
}

static void
helped(evutil_socket_t fd, short what, void *arg)
{
	struct connector *c = arg;
	int error = connect_thread_result(fd);

	(void)what;
	(void)close(c->thread);
	c->thread = -1;
	stop_waiting(c);
	proceed(c, begun(c, error));
}

/*
 * What follows from connect's errno: 0 if it is connected, EINPROGRESS if that
 * is being waited for, or a reason.  A Unix socket whose listener's backlog is
 * full says EAGAIN and cannot be waited for: it is tried again, for as long as
 * the caller's time lasts.
 */
static int
begun(struct connector *c, int error)
{
	bool waits;

	if (error == EAGAIN && c->s->family == AF_LOCAL)
		waits = wait_for(c, -1, 0, AGAIN, again);
	else if (error == EINPROGRESS || error == EINTR)
		waits = wait_for(c, c->s->fd, EV_WRITE, 0, writable);
	else
		return error;
	return waits ? EINPROGRESS : ENOMEM;
}

/* As begun(). */
static int
connect_now(struct connector *c)
{
	const struct resolver_address *a = &c->addresses.list[c->at];
	int error = open_gate(c->s, &c->plan, TCP_GATE_CONNECT, &a->addr, a->len);

	if (error != 0)
		return error;
	if (!c->s->passed) {
		if (connect(c->s->fd, (const struct sockaddr *)&a->addr, a->len) == -1)
			error = errno;
		return begun(c, error);
	}
	c->thread = connect_thread_start(c->s->fd, a);
	if (c->thread == -1)
		return errno == EAGAIN ? REASON_SYSTEM_LIMIT : errno;
	return wait_for(c, c->thread, EV_READ, 0, helped) ? EINPROGRESS : ENOMEM;
}

/* An own address that does not go with local at all is badarg in gen_tcp. */
static int
bind_own(struct connector *c)
{
	const struct option_value *local = c->plan.local;
	int reason;

	if (c->s->family == AF_LOCAL && c->plan.port_given && c->plan.port != 0)
		return EINVAL;
	reason = open_bind(c->s, &c->plan, 0, false, &c->failed);
	if (reason == EAFNOSUPPORT && local != NULL &&
	    (c->s->family == AF_LOCAL || local->u.address.kind == ADDRESS_LOCAL))
		return EINVAL;
	return reason;
}

/* As connect_now(), with a new socket. */
static int
attempt(struct connector *c)
{
	int fd = -1, reason;

	c->failed = NULL;
	if (c->fd != -1) {
		fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);
		if (fd == -1)
			return errno;
	}
	reason = open_socket(
	    c->ctx, &c->plan, fd, OPTION_ACTIVE_TRUE, &c->options, &c->s, &c->failed);
	if (reason == 0)
		reason = bind_own(c);
	if (reason != 0)
		return reason;
	tcp_state_move(c->s, TCP_CONNECTING);
	return connect_now(c);
}

/*
 * Goes on with what came of an attempt: to the next address, until one is being
 * waited for, or there is an answer.  c may be gone afterwards.
 */
static void
proceed(struct connector *c, int result)
{
	while (result != 0 && result != EINPROGRESS) {
		stop_waiting(c);
		if (c->s != NULL)
			tcp_socket_end(c->s, result, false);
		c->s = NULL;
		c->at++;
		if (result == EINVAL || c->at >= c->addresses.count) {
			fail(c, result);
			return;
		}
		result = attempt(c);
	}
	if (result == 0)
		succeed(c);
}

/* --- where to ----------------------------------------------------------------------- */

static void
resolved(void *arg, int reason, struct resolver_addresses *found)
{
	struct connector *c = arg;

	c->job = NULL;
	if (reason != 0) {
		fail(c, reason);
		return;
	}
	c->addresses = *found;
	memset(found, 0, sizeof(*found));
	for (size_t i = 0; i < c->addresses.count; i++) {
		/* both ports stand at the same place */
		struct sockaddr_storage *ss = &c->addresses.list[i].addr;

		if (ss->ss_family == AF_INET6)
			((struct sockaddr_in6 *)ss)->sin6_port = htons(c->port);
		else
			((struct sockaddr_in *)ss)->sin_port = htons(c->port);
	}
	proceed(c, attempt(c));
}

static int
one_address(struct connector *c, const struct address *a)
{
	struct resolver_address *one = calloc(1, sizeof(*one));

	if (one == NULL)
		return ENOMEM;
	c->addresses.list = one;
	c->addresses.count = 1;
	return tcp_address_to_sockaddr(
	    a, a->sockaddr ? a->port : c->port, c->plan.family, &one->addr, &one->len);
}

/* *pending: the answer will come. */
static int
find_host(struct connector *c, const char *host, bool *pending)
{
	struct address a;
	int reason = tcp_host_read(host, c->plan.family, &a, pending);

	if (reason == 0 && !*pending)
		return one_address(c, &a);
	if (*pending)
		reason = resolver_lookup(c->ctx->resolver, host, c->plan.family,
		    c->account != NULL ? c->account->parent : NULL, resolved, c, &c->job);
	return reason;
}

/* A sockaddr or a path; it tells the family where nothing else did. */
static int
find_address(struct connector *c, const struct address *a)
{
	bool local = a->kind == ADDRESS_LOCAL;

	if (!c->plan.family_given && local)
		c->plan.family = AF_LOCAL;
	else if (!c->plan.family_given && a->kind == ADDRESS_INET6)
		c->plan.family = AF_INET6;
	if (a->kind != ADDRESS_INET && a->kind != ADDRESS_INET6 && !local)
		return REASON_BADARG;
	if (local != (c->plan.family == AF_LOCAL) || (local && c->port != 0))
		return REASON_BADARG;
	return one_address(c, a);
}

/* --- the beginning ------------------------------------------------------------------ */

/* Copies what must last.  Takes the descriptor over in any case. */
static int
prepare(struct connector *c, const struct tcp_open *open)
{
	struct tcp_open own = *open;

	c->fd = open->fd;
	c->user = open->user;
	c->account = open->account;
	c->port = open->port;
	if (open->options != NULL && !option_list_join(&c->options, open->options))
		return ENOMEM;
	own.options = &c->options;
	return open_plan_read(&c->plan, &own);
}

void
tcp_connect(struct tcp_context *ctx, const struct tcp_open *open, int64_t timeout,
    struct tcp_request *r)
{
	struct connector *c = calloc(1, sizeof(*c));
	bool pending = false;
	int reason;

	tcp_request_begin(r, TCP_R_CONNECT, NULL);
	if (c == NULL) {
		tcp_discard_fd(ctx, open->fd, open->account);
		tcp_request_fail(r, ENOMEM);
		return;
	}
	c->ctx = ctx;
	c->r = r;
	c->thread = c->fd = -1;
	r->state = c;
	TAILQ_INSERT_TAIL(&ctx->connectors, c, link);
	reason = prepare(c, open);
	if (reason == 0 && !tcp_request_arm(r, ctx, timeout, expired))
		reason = ENOMEM;
	if (reason == 0)
		reason = open->host != NULL ? find_host(c, open->host, &pending)
					    : find_address(c, &open->address);
	if (reason != 0)
		fail(c, reason);
	else if (!pending)
		proceed(c, attempt(c));
}

void
tcp_connector_cancel(struct tcp_request *r)
{
	struct connector *c = r->state;

	tcp_request_detach(r);
	r->state = NULL;
	if (c != NULL)
		connector_free(c);
}

void
tcp_connector_end_all(struct tcp_context *ctx)
{
	struct connector *c;

	while ((c = TAILQ_FIRST(&ctx->connectors)) != NULL)
		fail(c, REASON_CLOSED);
}
