/* SPDX-License-Identifier: ISC */
/* The one place that reads the clock; a test may hand in its own. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
#include <time.h>

struct clock {
	uint64_t (*now)(
	    void *ctx); /* ms, monotonic; the one that has begun does not count */
	void *ctx;
	uint64_t (*next)(void *ctx); /* it counts; NULL: now is exact */
};

enum { CLOCK_NEVER = -1 }; /* a timeout that does not end */

/* The machine's monotonic clock. */
extern const struct clock clock_monotonic;

uint64_t clock_now(const struct clock *clock);

/*
 * When timeout ms from now have passed, all of them; UINT64_MAX for CLOCK_NEVER.
 */
uint64_t clock_deadline(const struct clock *clock, int64_t timeout);
/* Milliseconds left until deadline, 0 if it has passed, CLOCK_NEVER if none. */
int64_t clock_left(const struct clock *clock, uint64_t deadline);
/* A timeout as libevent takes it. */
struct timeval clock_timeval(int64_t ms);

/* The time of day, for people to read. */
void clock_wall(struct timespec *now);

#endif
