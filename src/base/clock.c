/* SPDX-License-Identifier: ISC */
#include "base/clock.h"

#include <time.h>

/* ms, of which the last is over when ns more have passed. */
static uint64_t
monotonic(uint64_t ns)
{
	struct timespec ts;

	/* cannot fail: the clock exists and ts is ours */
	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ((uint64_t)ts.tv_nsec + ns) / 1000000;
}

static uint64_t
monotonic_now(void *ctx)
{
	(void)ctx;
	return monotonic(0);
}

static uint64_t
monotonic_next(void *ctx)
{
	(void)ctx;
	return monotonic(999999);
}

const struct clock clock_monotonic = {monotonic_now, NULL, monotonic_next};

uint64_t
clock_now(const struct clock *clock)
{
	return clock->now(clock->ctx);
}

uint64_t
clock_deadline(const struct clock *clock, int64_t timeout)
{
	uint64_t now;

	if (timeout < 0)
		return UINT64_MAX;
	/* 0 is over already, and else no ms may be short */
	if (timeout == 0 || clock->next == NULL)
		now = clock_now(clock);
	else
		now = clock->next(clock->ctx);
	/* the last value means never; a sum never reaches it */
	if ((uint64_t)timeout >= UINT64_MAX - now)
		return UINT64_MAX - 1;
	return now + (uint64_t)timeout;
}

int64_t
clock_left(const struct clock *clock, uint64_t deadline)
{
	uint64_t now;

	if (deadline == UINT64_MAX)
		return CLOCK_NEVER;
	now = clock_now(clock);
	if (deadline <= now)
		return 0;
	return deadline - now > INT64_MAX ? INT64_MAX : (int64_t)(deadline - now);
}

struct timeval
clock_timeval(int64_t ms)
{
	struct timeval tv = {0, 0};

	if (ms > 0) {
		tv.tv_sec = (time_t)(ms / 1000);
		tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	}
	return tv;
}

void
clock_wall(struct timespec *now)
{
	/* cannot fail: the clock exists and now is ours */
	(void)clock_gettime(CLOCK_REALTIME, now);
}
