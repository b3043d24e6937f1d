/* SPDX-License-Identifier: ISC */
/*
 * The daemon as a service: what it tells its administrators (metrics) and its manager
 * (notify.h), of itself and in time.
 */
#ifndef DAEMON_SERVICE_H
#define DAEMON_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "daemon/metrics_http.h"
#include "daemon/notify.h"
#include "daemon/probe.h"

struct config;
struct event;
struct event_base;
struct rpc;
struct server;
struct tcp_context;

struct service {
	/* what is reported on; borrowed */
	struct rpc *rpc;
	struct tcp_context *tcp;
	const struct server *server;

	struct notify notify;
	struct probe probe;
	struct metrics_http *http; /* NULL: none is wanted */
	struct event *watchdog;	   /* timer: WATCHDOG=1; NULL: nobody waits for it */
	struct event *status;	   /* timer: STATUS=, likewise */
	size_t clients, sockets;   /* as last told */
	uint64_t started;	   /* seconds since 1970 */
};

/*
 * To be called on zeroed memory, with the parts set, when all but this is set up.
 * False, with the reason in the log; service_fini() is due in any case.
 */
bool service_init(struct service *s, struct event_base *base, const struct clock *clock,
    const struct config *config);
/* All is set up: READY=1.  After service_reloading() again. */
void service_ready(struct service *s);
/* SIGHUP came: RELOADING=1.  service_ready() follows, whatever came of it. */
void service_reloading(struct service *s);
/* The daemon is about to end: STOPPING=1, and no more metrics.  The parts may go. */
void service_stopping(struct service *s);
/* At the end of a loop turn. */
static inline void
service_turn(struct service *s)
{
	probe_turn(&s->probe);
}
void service_fini(struct service *s);

#endif
