/* SPDX-License-Identifier: ISC */
/*
 * Kept clients, on our side: which one we are, and what of its numbered events the
 * program was given, has handled, and the daemon was told of.  acked <= handled <=
 * told; what is between the last two is with the program now.
 *
 * A request that acknowledges is remembered until it is answered: if the connection
 * is lost before, only the daemon knows whether it was carried out, and tells the
 * events again if not.
 */
#ifndef CLIENT_KEPT_H
#define CLIENT_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/gentcp.h"
#include "client/incoming.h"

enum { KEPT_TOKEN_SIZE = 80 }; /* gentcpd's have 64 digits */

struct kept_with {
	uint64_t id;	   /* of a request; 0: it was lost with its connection */
	uint64_t from, to; /* the events that it is the answer to */
};

struct kept {
	char token[KEPT_TOKEN_SIZE]; /* "": the client is not kept */
	bool by_hand;		     /* the program says what is handled */
	uint64_t told;		     /* the last event that the program was given */
	uint64_t handled;	     /* up to it all are */
	uint64_t claimed;	     /* gentcp_ack() said so of it */
	uint64_t acked;		     /* up to it the daemon was told */
	uint64_t next;		     /* goes with the next request; 0: none */
	/* from first to end, in their order; there is room for next */
	struct kept_with *with;
	size_t first, end, size;
	size_t lost; /* how many of them are */
};

void kept_fini(struct kept *k);
/* Another client: nothing of the old one holds. */
void kept_reset(struct kept *k);

/* A request that acknowledges next was queued. */
void kept_went(struct kept *k, uint64_t id);
/* The reply to id has come. */
void kept_replied(struct kept *k, uint64_t id, bool refused);

/*
 * A numbered event comes up.  True if it is not for the program: it was given it
 * before, or the connection is lost, and it will be told again.
 */
bool kept_skips(struct gentcp *g, struct gentcp_event *e);
/* The program is done with a message; seq is its event's number, or 0. */
void kept_done(struct gentcp *g, uint64_t seq);

/* How many events are handled and not acknowledged. */
uint64_t kept_owed(const struct gentcp *g);
/* Queues their acknowledgement, if there is something to acknowledge. */
int kept_ack(struct gentcp *g);

/* Nothing of the lost connection will be answered: back to what is certain. */
void kept_rewind(struct kept *k);
/* Queues session.attach, with what is handled as seen. */
int kept_put_attach(struct gentcp *g, uint64_t client, uint64_t *id);

#endif
