/* SPDX-License-Identifier: ISC */
/*
 * Events: the notifications of section "Events" of the protocol, written by
 * hand into a byte queue.  No json_t is built on this path.
 *
 * seq is the event's number, which stands beside params; 0 for none.
 */
#ifndef PROTO_EVENT_H
#define PROTO_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/payload.h"

enum event_id {
	EVENT_TCP,
	EVENT_TCP_PASSIVE,
	EVENT_TCP_ERROR,
	EVENT_TCP_CLOSED,
	EVENT_TCP_OWNER,
	EVENT_DOWN,
	EVENT_HTTP,
	EVENT_PORT,
	EVENT_SHUTDOWN,
	EVENT_TAKEN,
	EVENT_COUNT
};

struct event_row {
	const char *name;    /* "tcp_closed" */
	const char *members; /* for people: "socket, reason" */
	const char *help;
};

const struct event_row *event_row(enum event_id id);
/* EVENT_COUNT if there is none of that name. */
enum event_id event_find(const char *name);

/*
 * tcp, port: writes the whole line.  Returns true if the bytes from *skip on are
 * to follow it as its attachment, which the line then announces.
 */
bool event_put_data(struct bytes *out, enum event_id id, uint64_t socket,
    const struct payload_style *style, const void *data, size_t len, uint64_t seq,
    size_t *skip);
/* http: up to and with "http":; the caller puts the packet and ends the line. */
void event_open_http(struct bytes *out, uint64_t socket);
void event_close_http(struct bytes *out, uint64_t seq);
/* tcp_passive, tcp_closed. */
void event_put_plain(struct bytes *out, enum event_id id, uint64_t socket, uint64_t seq);
void event_put_error(struct bytes *out, uint64_t socket, int reason, uint64_t seq);
void event_put_owner(struct bytes *out, uint64_t socket, uint64_t from, uint64_t seq);
/* shutdown: the daemon ends, in timeout ms at the latest. */
void event_put_shutdown(struct bytes *out, uint64_t timeout);
/* taken: another connection is that client now. */
void event_put_taken(struct bytes *out, uint64_t client);
/* reason is a word of ours: nothing in it is escaped. */
void event_put_down(struct bytes *out, uint64_t monitor, uint64_t socket,
    const char *reason, uint64_t seq);

#endif
