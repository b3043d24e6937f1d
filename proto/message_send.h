/* SPDX-License-Identifier: ISC */
/*
 * A reader for the one line that is sent far more often than all others, as
 * compact writers write it:
 *
 *	{"jsonrpc":"2.0","id":12,"method":"gen_tcp.send","params":{"socket":3},"attached":64}
 *
 * without "id" for a notification, with "data":"…" behind the socket in place of the
 * attachment, and with "ack":7 behind params where it acknowledges events.  At the first byte that is something else it gives up, and
 * message_load() is asked: what it does read means the same either way.
 */
#ifndef PROTO_MESSAGE_SEND_H
#define PROTO_MESSAGE_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message_send {
	bool has_id;
	int64_t id;
	uint64_t socket;
	uint64_t ack;	  /* 0 if absent */
	const char *data; /* within the text; NULL: the attachment */
	size_t len;
};

/*
 * Reads text[0..len), a line that wire_next() gave (so its UTF-8 is valid, and
 * "attached" is what wire_message.attached says).  False: it is another line, or
 * looks like one.
 */
bool message_send_read(
    const char *text, size_t len, bool attached, struct message_send *m);

#endif
