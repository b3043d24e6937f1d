/* SPDX-License-Identifier: ISC */
/*
 * Sockets as clients know them: whose each is, and what goes with it.
 * For src/rpc only.
 */
#ifndef RPC_OWNERSHIP_H
#define RPC_OWNERSHIP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/limits.h"
#include "proto/bytes.h"
#include "proto/event.h"
#include "rpc/monitor.h"

struct session;
struct tcp_socket;

/* An event that the old owner had and handed over: controlling_process. */
struct carried {
	TAILQ_ENTRY(carried) link;
	enum event_id event;
	uint64_t from;	   /* EVENT_TCP_OWNER */
	int reason;	   /* EVENT_TCP_ERROR */
	struct bytes data; /* of EVENT_HTTP: the packet as JSON */
};

TAILQ_HEAD(carried_list, carried);

struct handle {
	uint64_t id;
	struct tcp_socket *tcp;
	struct session *owner;
	TAILQ_ENTRY(handle) link;	/* of its owner's sockets */
	TAILQ_ENTRY(handle) stall_link; /* of its owner's stalled sockets */
	bool stalled;
	struct charge charge;	      /* LIMIT_SOCKETS */
	struct carried_list carried;  /* to be told before anything else */
	struct charge carried_charge; /* LIMIT_BYTES */
	struct monitor_list monitors;
};

TAILQ_HEAD(handle_list, handle);

/* The socket with that id if s may see it, else NULL. */
struct handle *ownership_find(struct session *s, uint64_t id);
/*
 * A new socket of s; takes over what charge holds.  Becomes tcp's user and
 * account.  NULL without memory; tcp is then still the caller's.
 */
struct handle *ownership_add(
    struct session *s, struct tcp_socket *tcp, struct charge *charge);
/* The handle is no more; its socket goes on (or is gone) without it. */
void ownership_remove(struct handle *h);
/* Makes to the owner.  0, or REASON_SYSTEM_LIMIT and nothing changed. */
int ownership_move(struct handle *h, struct session *to);

#endif
