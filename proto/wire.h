/* SPDX-License-Identifier: ISC */
/*
 * Bytes of a control connection -> messages: one line of JSON each, and the
 * attachment that its top-level member "attached" announces.  The search for
 * the LF, the limits on length, depth and values, the check of the UTF-8 and
 * the top-level members that framing depends on are one pass, which keeps its
 * place: no byte is looked at twice, however the input is split.  Whether the
 * text is JSON is for message.c (jansson) to say.  The commonest line of all is
 * tried first, in its one exact form: see message_send.h.
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
#include "proto/message_send.h"
#include "proto/utf8.h"

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
	/*
	 * "attached" or "fds" is no whole number from 0 to 2^53, or stands twice;
	 * or a top-level key is written with a backslash, and so could be either
	 */
	WIRE_BAD_ATTACHED,
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
	/*
	 * The line without its end; NULL if skipped or broken, but for an
	 * attachment over its limit: whether that one's end is known hangs on
	 * the line, so who reads it must see that it is JSON, or end here.
	 */
	const char *text;
	size_t len;
	const struct message_send *send; /* what the line says, if it is such a one */
	bool attached;			 /* it carries "attached" */
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
	/*
	 * Skipped or broken: its id as it was written, "" if unknown.  To be read
	 * as JSON, which may fail; never to be copied into an answer.
	 */
	char id[WIRE_ID_MAX];
};

/* The pass's place within a line; private to wire.c and wire_scan.c. */
struct wire_scan {
	unsigned char state, capture, member; /* see wire_scan.c */
	bool colon;			      /* a value is due in an object */
	bool has_attached, has_fds, has_id;
	struct utf8 utf8;
	enum wire_fault fault;
	size_t depth;
	uint64_t arrays;    /* bit n: nesting level n is an array */
	size_t values_left; /* how many more the line may hold */
	uint64_t attached, fds;
	size_t key_len; /* of the top-level key so far; only its start is kept */
	size_t id_len;
	char key[8];
	char id[WIRE_ID_MAX];
};

struct wire {
	struct bytes in;
	struct wire_limits limits;
	bool attachments; /* set when the connection said so */
	bool broken;
	bool line_done; /* the line is complete, its attachment is not */
	bool is_send;	/* the line was read by message_send_read(): */
	struct message_send send;
	size_t at;	 /* next byte to look at, from the queue's head */
	size_t line_len; /* with its end */
	uint64_t skip;	 /* bytes of an attachment over the limit to drop */
	size_t shown;	 /* bytes of the last message, taken at the next call */
	uint64_t offset; /* stream offset of the queue's head */
	struct wire_scan scan;
};

void wire_init(struct wire *w, const struct wire_limits *limits);
void wire_fini(struct wire *w);

/* Attachments may come from the next message on (session.hello). */
void wire_allow_attachments(struct wire *w);

/*
 * Room to read into: at least want bytes (more is offered: *space), NULL
 * without memory.  wire_put() says how many came.  Ends the last message's
 * spans.
 */
unsigned char *wire_room(struct wire *w, size_t want, size_t *space);
void wire_put(struct wire *w, size_t n);

/* The size of the wire's buffer, in bytes. */
size_t wire_memory(const struct wire *w);

/* How many bytes have been put since the beginning. */
uint64_t wire_received(const struct wire *w);

/*
 * The next message.  To be called until it returns WIRE_MORE.  Empty lines are
 * passed over; a CR before the LF is not part of the text.  A wire that returned
 * WIRE_MORE and holds no part of a message holds no memory.
 *
 * WIRE_MESSAGE  whole, with its attachment.
 * WIRE_SKIPPED  refused for m->fault; what follows is sound.  A line over a
 *               limit is reported at its LF.  An attachment over its limit is
 *               reported at once and dropped as it comes (m->end lies behind it).
 * WIRE_BROKEN   refused for m->fault, and the stream ends here: any faulty line
 *               while attachments are on, and at all times one with "attached"
 *               that is faulty or unannounced.  Returned once; from then on
 *               WIRE_MORE, and what is put is thrown away.
 */
enum wire_status wire_next(struct wire *w, struct wire_message *m);

/* A plain sentence for a fault; static. */
const char *wire_fault_text(enum wire_fault fault);

#endif
