/* SPDX-License-Identifier: ISC */
/*
 * The Unix socket: accepts clients and carries bytes between their connections
 * (channel.c) and their sessions.  Knows no method and no TCP.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "proto/wire.h"

struct event_base;
struct metrics_text;
struct rpc;
struct server;

struct server_config {
	const char *path; /* of the socket; its lock file is path.lock */
	/*
	 * A listening stream socket that was handed to us, from now on the server's; -1:
	 * it is made.  The file at its path, and the lock, are let alone.
	 */
	int fd;
	mode_t mode; /* of the socket file */
	gid_t group; /* of the socket file; (gid_t)-1: the process's */
	struct wire_limits wire;
	size_t queue_high; /* unwritten bytes of a client, then it waits */
	int64_t
	    stuck_timeout; /* ms without a byte read by a client that has some; 0: for ever */
	bool monitor;	   /* its clients may only ask */
};

extern const struct server_config server_config_default;

/*
 * Takes the lock file, replaces a dead daemon's socket, listens.  config is
 * copied, but for path, which is borrowed; base, clock and rpc too.  NULL with
 * a sentence in why[size]: another daemon lives there, no such folder, …
 */
struct server *server_new(struct event_base *base, const struct clock *clock,
    struct rpc *rpc, const struct server_config *config, char *why, size_t size);
/*
 * Other limits: wire's for clients that come, queue_high and stuck_timeout for all.  Here
 * and below a server that is NULL, as one that there is not, is let pass.
 */
void server_reconfigure(struct server *server, const struct server_config *config);
/*
 * The first half of an orderly end: no new clients, no further requests.  The
 * loop is then to go on until server_idle(), or until patience ends.
 */
void server_stop(struct server *server);
/* Has all that was said been written? */
bool server_idle(const struct server *server);
/* Ends every client, and removes the socket file if it is still ours. */
void server_free(struct server *server);

/* Writes the families that are about connections (base/metrics.h). */
void server_metrics(const struct server *server, struct metrics_text *t);
/* At the end of a loop turn: writes what was gathered, frees what has ended. */
void server_flush(struct server *server);

#endif
