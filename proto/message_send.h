/* SPDX-License-Identifier: ISC */
/*
 * A reader for the one line that is sent far more often than all others, as
 * compact writers write it:
 *
 *	{"jsonrpc":"2.0","id":12,"method":"gen_tcp.send","params":{"socket":3},"attached":64}
 *
 * without "id" for a notification, with "data":"…" behind the socket in place of the
 * attachment, and with "ack":7 behind params where it acknowledges events.  At the
 * first byte that is something else it gives up, and the general way is taken, by
 * wire_scan.h's pass and message_load(): what it does read means the same either way.
 */
#ifndef PROTO_MESSAGE_SEND_H
#define PROTO_MESSAGE_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* JSON values in such a line, at most. */
enum { MESSAGE_SEND_VALUES = 8 };

struct message_send {
	bool has_id, attached;
	int64_t id;
	uint64_t socket;
	uint64_t ack;	    /* 0 if absent */
	uint64_t announced; /* "attached", 0 if absent */
	const char *data;   /* within the text; NULL: the attachment */
	size_t len;
};

/*
 * Reads the line at text, of which len bytes are there, or more than the line.
 * Returns its length with its LF; 0 if it is another line, or not yet whole.
 */
size_t message_send_read(const char *text, size_t len, struct message_send *m);

#endif
