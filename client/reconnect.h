/* SPDX-License-Identifier: ISC */
/*
 * Connecting again.  A lost connection goes round
 *
 *	IDLE -> WAITING -> GREETING -> IDLE
 *	           ^__________|
 *
 * where struct gentcp's lost is set in WAITING only, and ENDED is the end.  In
 * gentcp_dispatch() it is a step at a time, in a blocking call it is waited for.
 * The time is an argument everywhere.
 */
#ifndef CLIENT_RECONNECT_H
#define CLIENT_RECONNECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "client/backoff.h"
#include "client/gentcp.h"

enum reconnect_state {
	RECONNECT_IDLE,	    /* connected; or the loss was not told yet */
	RECONNECT_WAITING,  /* until at */
	RECONNECT_GREETING, /* hello was queued; it is to be answered until at */
	RECONNECT_ENDED	    /* lost for good */
};

struct reconnect {
	struct backoff backoff;
	enum reconnect_state state;
	int64_t at;	 /* ms on the monotonic clock */
	uint64_t hello;	 /* GREETING: the request's id */
	uint64_t attach; /* GREETING: that of session.attach; 0: the client is not kept */
	uint64_t client; /* the number of the new connection's own client */
	bool attached;	 /* the last one is the client that was kept */
	char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* "": never opened */
	bool owed; /* a blocking call came to OPEN, ATTACHED or ENDED: to be told */
	gentcp_state_fn on_state;
	void *state_ctx;
};

/* When the state moves by itself; INT64_MAX: never. */
int64_t reconnect_due(const struct gentcp *g);

/* Does what is due at now.  Adds what it did to *handled. */
void reconnect_step(struct gentcp *g, int64_t now, size_t *handled);

/*
 * g is lost and all that waited was answered: tells the program of the loss, once,
 * and plans the next attempt.  GENTCP_OK if there will be one, else GENTCP_LOST.
 */
int reconnect_lost(struct gentcp *g, int64_t now, size_t *handled);

/*
 * The first attempt failed: waits for the next, at most until deadline.  False if
 * there is none.
 */
bool reconnect_first(struct gentcp *g, int64_t deadline);

/*
 * Before a blocking call: GENTCP_OK if there is a connection, if need be a new
 * one, for which it waits as long as gentcp_set_timeout() allows.
 */
int reconnect_await(struct gentcp *g);

#endif
