/* SPDX-License-Identifier: ISC */
/*
 * libgentcp in a loop of libevent: a connection that is attached to an event_base
 * has its callbacks called by that.  All of it is inline, so that libgentcp itself
 * does not need libevent: a program links libevent_core besides.
 * gentcp_libevent(3).
 *
 *	struct gentcp_libevent *l = gentcp_libevent_new(g, base);
 *
 *	gentcp_on_event(g, on_event, ctx);
 *	gentcp_send_async(g, socket, "hello", 5, NULL, NULL);
 *	event_base_dispatch(base);
 */
#ifndef GENTCP_LIBEVENT_H
#define GENTCP_LIBEVENT_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <gentcp.h>
#include <poll.h>
#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Its members are nobody else's. */
struct gentcp_libevent {
	struct gentcp *g;
	struct event_base *base;
	struct event io, timer;
	int fd; /* that io is for, with those events, in that epoch; -1: none */
	short events;
	uint64_t epoch;
	int running; /* gentcp_dispatch() runs */
	int ended;   /* gentcp_libevent_free() was called in it */
};

static inline void gentcp_libevent_turn(evutil_socket_t fd, short what, void *ctx);

static inline void
gentcp_libevent_watch(struct gentcp_libevent *l)
{
	short events = (gentcp_poll_events(l->g) & POLLOUT) != 0 ? EV_READ | EV_WRITE
								 : EV_READ;
	int fd = gentcp_fd(l->g);

	/* a new descriptor may have the old one's number */
	if (fd == l->fd && events == l->events && gentcp_epoch(l->g) == l->epoch)
		return;
	if (l->fd >= 0)
		event_del(&l->io);
	l->fd = fd;
	l->events = events;
	l->epoch = gentcp_epoch(l->g);
	if (fd >= 0) {
		event_assign(&l->io, l->base, fd, (short)(events | EV_PERSIST),
		    gentcp_libevent_turn, l);
		event_add(&l->io, NULL);
	}
}

static inline void
gentcp_libevent_update(struct gentcp_libevent *l)
{
	int ms = gentcp_next_timeout(l->g);
	struct timeval timeout;

	gentcp_libevent_watch(l);
	if (ms < 0) {
		event_del(&l->timer);
		return;
	}
	timeout.tv_sec = ms / 1000;
	timeout.tv_usec = ms % 1000 * 1000;
	event_add(&l->timer, &timeout);
}

static inline void
gentcp_libevent_end(struct gentcp_libevent *l)
{
	if (l->fd >= 0)
		event_del(&l->io);
	event_del(&l->timer);
	free(l);
}

static inline void
gentcp_libevent_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct gentcp_libevent *l = (struct gentcp_libevent *)ctx;
	int rc;

	(void)fd;
	(void)what;
	l->running = 1;
	rc = gentcp_dispatch(l->g, 0);
	l->running = 0;
	if (rc == GENTCP_FREED || l->ended)
		gentcp_libevent_end(l);
	else
		gentcp_libevent_update(l);
}

/* What the program queued goes out in the loop's next turn, all at once. */
static inline void
gentcp_libevent_wake(struct gentcp *g, void *ctx)
{
	struct gentcp_libevent *l = (struct gentcp_libevent *)ctx;

	(void)g;
	event_active(&l->timer, EV_TIMEOUT, 0);
}

/*
 * Attaches g, open or yet to be, to base; gentcp_on_wake() is the adapter's from then
 * on.  Both stay the caller's.  When g is lost for good gentcp_on_state() tells.
 * Ended by gentcp_free(g) in a callback of g, or else by gentcp_libevent_free(),
 * which has to come before gentcp_free(g).  NULL without memory.
 */
static inline struct gentcp_libevent *
gentcp_libevent_new(struct gentcp *g, struct event_base *base)
{
	struct gentcp_libevent *l = (struct gentcp_libevent *)calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	l->g = g;
	l->base = base;
	l->fd = -1;
	event_assign(&l->timer, base, -1, 0, gentcp_libevent_turn, l);
	gentcp_on_wake(g, gentcp_libevent_wake, l);
	gentcp_libevent_update(l);
	/* what was queued, or came, before */
	event_active(&l->timer, EV_TIMEOUT, 0);
	return l;
}

/* Detaches; g is as it was before.  Also in a callback; NULL is allowed. */
static inline void
gentcp_libevent_free(struct gentcp_libevent *l)
{
	if (l == NULL || l->ended)
		return;
	gentcp_on_wake(l->g, NULL, NULL);
	if (l->running)
		l->ended = 1;
	else
		gentcp_libevent_end(l);
}

#ifdef __cplusplus
}
#endif

#endif
