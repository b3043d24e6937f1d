/* SPDX-License-Identifier: ISC */
/*
 * One message from the daemon: an event or a reply.  What comes often is read
 * by hand where it is written the usual way; all else by jansson.
 */
#ifndef CLIENT_INCOMING_H
#define CLIENT_INCOMING_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/gentcp.h"
#include "proto/bytes.h"

enum incoming_kind {
	INCOMING_NOTHING, /* an empty line */
	INCOMING_EVENT,
	INCOMING_REPLY,
	INCOMING_FAULT /* an error without an id: we said something wrong */
};

/* Spans point into the bytes it was read from, or into the message itself. */
struct incoming {
	enum incoming_kind kind;
	uint64_t id;		/* REPLY */
	json_t *root;		/* own; NULL if read by hand */
	json_t *result, *error; /* REPLY, FAULT: within root */
	bool ok;		/* read by hand: the result is "ok" */
	unsigned fds;		/* how many it brings: 0 or 1 */
	bool attached;
	const unsigned char *attachment;
	size_t attachment_len;
	struct gentcp_event event;
	struct bytes data, header; /* EVENT: decoded */
	char *json;		   /* EVENT: own text of its params */
};

enum incoming_status {
	INCOMING_MORE,	 /* read more first */
	INCOMING_READY,	 /* *m is a message of *size bytes */
	INCOMING_BROKEN, /* not our protocol: nothing more can be read */
	INCOMING_NOMEM
};

/* How far the message at the head of a queue was looked at; all zero: not. */
struct incoming_place {
	size_t scanned; /* bytes without LF */
	size_t need;	/* bytes of the whole message, once known */
};

/*
 * Reads the message at p.  place is kept while INCOMING_MORE, and is zero again
 * after.  READY: incoming_fini() when done.
 */
enum incoming_status incoming_read(const unsigned char *p, size_t len,
    struct incoming_place *place, struct incoming *m, size_t *size);
void incoming_fini(struct incoming *m);

/* Is it one that brings bytes? */
static inline bool
incoming_has_data(const struct gentcp_event *e)
{
	return e->type == GENTCP_EVENT_TCP || e->type == GENTCP_EVENT_PORT;
}

/*
 * Decodes bytes in JSON, of any form that the protocol has, into *to.  *p points
 * into it or into json.  False if json is none or memory is out.
 */
bool incoming_bytes(json_t *json, struct bytes *to, const void **p, size_t *len);

#endif
