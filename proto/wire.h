/* SPDX-License-Identifier: ISC */
/*
 * Bytes of a control connection -> messages: one line of JSON each, and the
 * attachment that its top-level member "attached" announces.  The search for
 * the LF, the limits on length, depth and values, the check of the UTF-8 and
 * the top-level members that framing depends on are one pass, which keeps its
 * place: no byte is looked at twice, however the input is split.  Whether the
 * text is JSON is for message.c (jansson) to say.
 *
 * Framing is safe or it ends.  Where attachments are on, bytes that a stranger
 * chose travel between the lines; so after a fault that leaves the start of the
 * next message in doubt nothing more is read (WIRE_BROKEN).
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"

enum { WIRE_DEPTH_MAX = 64, WIRE_ID_MAX = 800 };

struct wire_limits {
	size_t max_message;    /* bytes in a line, LF not counted */
	size_t max_attachment; /* bytes */
	size_t max_values;     /* JSON values in a line */
};

enum wire_fault {
	WIRE_OK,
	WIRE_TOO_LONG, /* line over max_message */
	WIRE_TOO_MANY_VALUES,
	WIRE_TOO_DEEP, /* over WIRE_DEPTH_MAX */
	WIRE_BAD_UTF8,
	WIRE_BAD_ATTACHED,	   /* "attached" or "fds" is no count, or stands twice */
	WIRE_ATTACHED_UNANNOUNCED, /* "attached" while attachments are off */
	WIRE_ATTACHMENT_TOO_LONG
};

enum wire_status {
	WIRE_MORE,    /* read more first */
	WIRE_MESSAGE, /* *m is a message */
	WIRE_SKIPPED, /* a message was skipped: m->fault says why, m->id whose */
	WIRE_BROKEN   /* the same, and no next message can be found: for ever */
};

/* Spans point into the wire's buffer, valid until the next call on it. */
struct wire_message {
	const char *text; /* the line without its end; NULL if skipped */
	size_t len;
	bool attached; /* it carries "attached" */
	const unsigned char *attachment;
	size_t attachment_len;
	size_t fds; /* its "fds", 0 if absent */
	/*
	 * Where it ends in the stream, in bytes since the beginning: descriptors
	 * received by a read that ended at or before it are this message's, if
	 * they are not an earlier one's.
	 */
	uint64_t end;
	enum wire_fault fault;
	char id[WIRE_ID_MAX]; /* skipped: JSON text of its id, "" if unknown */
};

struct wire_scan { /* the pass's place; private to wire.c */
	size_t at; /* next byte to look at, from the queue's head */
	size_t values;
	unsigned depth;
	unsigned state;
	unsigned utf8; /* continuation bytes still wanted, and their bounds */
	unsigned char utf8_low, utf8_high;
	uint64_t arrays; /* bit n: nesting level n is an array */
	unsigned key;	 /* which framing member the current key is */
	size_t token;	 /* where the current top-level key or value began */
	size_t id_at, id_len;
	bool has_attached, has_fds, has_id;
	uint64_t attached, fds;
	enum wire_fault fault;
};

struct wire {
	struct bytes in;
	struct wire_limits limits;
	bool attachments; /* set when the connection said so */
	bool broken;
	bool line_done;	 /* the line is complete, its attachment is not */
	bool discarding; /* of a line over a limit: its bytes are dropped */
	size_t line_len; /* with its end */
	size_t text_len;
	uint64_t skip;	 /* bytes of an attachment over the limit to drop */
	size_t shown;	 /* bytes of the last message, taken at the next call */
	uint64_t offset; /* stream offset of the queue's head */
	struct wire_scan scan;
	char id[WIRE_ID_MAX];
};

void wire_init(struct wire *w, const struct wire_limits *limits);
void wire_fini(struct wire *w);

/* Attachments may come from the next message on (session.hello). */
void wire_allow_attachments(struct wire *w);

/*
 * Room to read into: at least want bytes (more is offered: *space), NULL
 * without memory.  wire_put() says how many came.
 */
unsigned char *wire_room(struct wire *w, size_t want, size_t *space);
void wire_put(struct wire *w, size_t n);

/* How many bytes have been put since the beginning. */
uint64_t wire_received(const struct wire *w);

/*
 * The next message.  To be called until it returns WIRE_MORE.  Empty lines are
 * passed over; a CR before the LF is not part of the text.  An idle wire holds
 * no memory.
 */
enum wire_status wire_next(struct wire *w, struct wire_message *m);

/* A plain sentence for a fault; static. */
const char *wire_fault_text(enum wire_fault fault);

#endif
