/* SPDX-License-Identifier: ISC */
/* Events: what each says, and a client's being told.  For src/rpc only. */
#ifndef RPC_TELL_H
#define RPC_TELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/event.h"

struct packet_http;
struct session;
struct tcp_socket;

/* What an event says, apart from how a connection has it written. */
struct told {
	enum event_id event;
	uint64_t socket;
	uint64_t number; /* EVENT_TCP_OWNER: from; EVENT_DOWN: the monitor */
	int reason;	 /* EVENT_TCP_ERROR */
	const char *why; /* EVENT_DOWN; static */
	/* EVENT_TCP, EVENT_PORT: the payload; EVENT_HTTP: the packet as JSON … */
	const void *data;
	size_t len;
	const struct packet_http *http; /* … where this is NULL */
	/* how the socket has its payloads shown */
	bool list;
	unsigned header;
	const char *http_bin; /* static, or NULL */
};

/* Fills in how tcp has its payloads shown. */
void told_look(struct told *t, const struct tcp_socket *tcp);
/* May s be told an event now? */
bool session_room(const struct session *s);
/* Tells s, who has room. */
void session_tell(struct session *s, const struct told *t);
/* Writes it to the connection of s, as number seq, 0 for none. */
void tell_put(struct session *s, const struct told *t, uint64_t seq);

#endif
