/* SPDX-License-Identifier: ISC */
/*
 * A client's connection: bytes <-> messages of its session.  It ends by itself;
 * whoever accepts connections keeps one channel_host for all of them.
 */
#ifndef CONTROL_CHANNEL_H
#define CONTROL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/log.h"
#include "proto/wire.h"

struct channel;
struct clock;
struct event_base;
struct metrics_text;
struct rpc;
struct rpc_who;

TAILQ_HEAD(channel_list, channel);

/* What channels share; all but the lists and gates is set by its owner. */
struct channel_host {
	struct event_base *base;
	const struct clock *clock;
	struct rpc *rpc;
	struct wire_limits wire;
	size_t queue_high;  /* unwritten bytes, then a client waits */
	int64_t last_words; /* ms to write what was said before a close */

	struct channel_list all;
	struct channel_list dirty; /* to be looked at by channel_settle_all() */
	struct log_gate gate;
	bool stopped;
	uint64_t opened, refused; /* clients that were let in, or not */
	uint64_t accept_errors;	  /* none could be accepted: set by its owner */
};

void channel_host_init(struct channel_host *host);

/*
 * Begins a session on fd, which is non-blocking.  0, and fd is the channel's;
 * or an errno (EUSERS: a cap is reached), and fd is still the caller's.
 */
int channel_open(struct channel_host *host, int fd, const struct rpc_who *who);

/*
 * The end of a loop turn: writes what was gathered, goes on with what had
 * waited for room, frees channels that have ended.  True if there is more to be
 * done in a next turn that must not wait.
 */
bool channel_settle_all(struct channel_host *host);

/*
 * Ends clients that have taken nothing for timeout ms of what there is for them.  To be
 * called now and then.
 */
void channel_check_stuck(struct channel_host *host, int64_t timeout);
/* From now on no channel reads.  For an orderly end. */
void channel_stop_all(struct channel_host *host);
/* Writes the families that are about connections (base/metrics.h). */
void channel_metrics(const struct channel_host *host, struct metrics_text *t);
/* Is nothing left to be written? */
bool channel_idle_all(const struct channel_host *host);
/* Ends all sessions and closes all connections. */
void channel_close_all(struct channel_host *host);

/*
 * Tells a stranger of uid in one line why he is not served, as far as that can be
 * done at once, and closes fd.
 */
void channel_refuse(struct channel_host *host, int fd, uid_t uid, int reason);

#endif
