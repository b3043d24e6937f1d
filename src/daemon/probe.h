/* SPDX-License-Identifier: ISC */
/*
 * How late the loop is: a timer, and by how much it is late when it fires.  So long
 * has anything to wait that comes meanwhile.
 */
#ifndef DAEMON_PROBE_H
#define DAEMON_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/metrics.h"

struct event;
struct event_base;

struct probe {
	const struct clock *clock;
	struct event *timer;
	uint64_t due;	/* ms */
	uint64_t turns; /* of the loop, so far */
	uint64_t seen;	/* of them when the timer last fired */
	struct metrics_histogram late;
};

/* base and clock are borrowed.  False without memory; probe_fini() is due in any case. */
bool probe_init(struct probe *p, struct event_base *base, const struct clock *clock);
void probe_fini(struct probe *p);
/* At the end of a loop turn. */
static inline void
probe_turn(struct probe *p)
{
	p->turns++;
}

#endif
