/* SPDX-License-Identifier: ISC */
#include "proto/event.h"

#include <string.h>

#include "proto/message.h"
#include "proto/reason.h"

static const struct event_row rows[EVENT_COUNT] = {
    [EVENT_TCP] = {"tcp", "socket, data",
	"data came in; with the option header N its first N bytes are in header"},
    [EVENT_TCP_PASSIVE] = {"tcp_passive", "socket",
	"the count of {active, N} is used up: the socket is passive now"},
    [EVENT_TCP_ERROR] = {"tcp_error", "socket, reason",
	"the socket failed; tcp_closed follows"},
    [EVENT_TCP_CLOSED] = {"tcp_closed", "socket",
	"the peer closed, or the socket failed: no event of it follows"},
    [EVENT_TCP_OWNER] = {"tcp_owner", "socket, from",
	"the socket was given to this client by the client from"},
    [EVENT_DOWN] = {"down", "monitor, socket, reason",
	"a socket that this client monitors is gone"},
    [EVENT_HTTP] = {"http", "socket, http",
	"a line came in under one of the http packet types: what it says"},
    [EVENT_PORT] = {"port", "socket, data",
	"data came in, under deliver port: the same as tcp otherwise"},
    [EVENT_SHUTDOWN] = {"shutdown", "timeout",
	"the daemon ends: the connection is closed within that many ms"},
    [EVENT_TAKEN] = {"taken", "client",
	"another connection attached this client: this one is closed"},
};

const struct event_row *
event_row(enum event_id id)
{
	return &rows[id];
}

enum event_id
event_find(const char *name)
{
	unsigned i;

	for (i = 0; i < EVENT_COUNT; i++)
		if (strcmp(rows[i].name, name) == 0)
			break;
	return (enum event_id)i;
}

/* Up to and with the socket's number, params being left open. */
static void
open_event(struct bytes *out, enum event_id id, uint64_t socket)
{
	static const char member[] = "{\"socket\":";

	message_open_event(out, rows[id].name);
	bytes_append(out, member, sizeof member - 1);
	bytes_append_uint(out, socket);
}

/* The end of params, and what stands beside them. */
static void
close_event(struct bytes *out, uint64_t seq, uint64_t attached)
{
	bytes_append_char(out, '}');
	if (seq > 0) {
		bytes_append_str(out, ",\"seq\":");
		bytes_append_uint(out, seq);
	}
	message_close(out, attached, 0, true);
}

bool
event_put_data(struct bytes *out, enum event_id id, uint64_t socket,
    const struct payload_style *style, const void *data, size_t len, uint64_t seq,
    size_t *skip)
{
	bool attach;

	open_event(out, id, socket);
	attach = payload_put_members(out, style, data, len, false, skip);
	close_event(out, seq, attach ? len - *skip : MESSAGE_PLAIN);
	return attach;
}

void
event_open_http(struct bytes *out, uint64_t socket)
{
	static const char member[] = ",\"http\":";

	open_event(out, EVENT_HTTP, socket);
	bytes_append(out, member, sizeof member - 1);
}

void
event_close_http(struct bytes *out, uint64_t seq)
{
	close_event(out, seq, MESSAGE_PLAIN);
}

void
event_put_plain(struct bytes *out, enum event_id id, uint64_t socket, uint64_t seq)
{
	open_event(out, id, socket);
	close_event(out, seq, MESSAGE_PLAIN);
}

void
event_put_error(struct bytes *out, uint64_t socket, int reason, uint64_t seq)
{
	const char *name = reason_name(reason);

	open_event(out, EVENT_TCP_ERROR, socket);
	bytes_append_str(out, ",\"reason\":");
	payload_put_string(out, name, strlen(name));
	close_event(out, seq, MESSAGE_PLAIN);
}

void
event_put_owner(struct bytes *out, uint64_t socket, uint64_t from, uint64_t seq)
{
	open_event(out, EVENT_TCP_OWNER, socket);
	bytes_append_str(out, ",\"from\":");
	bytes_append_uint(out, from);
	close_event(out, seq, MESSAGE_PLAIN);
}

/* One that is of the connection, with a number as all that it says. */
static void
put_number(struct bytes *out, enum event_id id, const char *member, uint64_t number)
{
	message_open_event(out, rows[id].name);
	bytes_append_str(out, member);
	bytes_append_uint(out, number);
	close_event(out, 0, MESSAGE_PLAIN);
}

void
event_put_shutdown(struct bytes *out, uint64_t timeout)
{
	put_number(out, EVENT_SHUTDOWN, "{\"timeout\":", timeout);
}

void
event_put_taken(struct bytes *out, uint64_t client)
{
	put_number(out, EVENT_TAKEN, "{\"client\":", client);
}

void
event_put_down(struct bytes *out, uint64_t monitor, uint64_t socket, const char *reason,
    uint64_t seq)
{
	message_open_event(out, rows[EVENT_DOWN].name);
	bytes_append_str(out, "{\"monitor\":");
	bytes_append_uint(out, monitor);
	bytes_append_str(out, ",\"socket\":");
	bytes_append_uint(out, socket);
	bytes_append_str(out, ",\"reason\":\"");
	bytes_append_str(out, reason);
	bytes_append_char(out, '"');
	close_event(out, seq, MESSAGE_PLAIN);
}
