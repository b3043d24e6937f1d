/* SPDX-License-Identifier: ISC */
/* Deadlines of the commands. */
#ifndef CLI_WAIT_H
#define CLI_WAIT_H

#include <stdint.h>
#include <time.h>

static inline int64_t
wait_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In timeout ms; INT64_MAX for a negative one. */
static inline int64_t
wait_deadline(int timeout)
{
	return timeout < 0 ? INT64_MAX : wait_now() + timeout;
}

/* What is left until then, as poll(2) wants it. */
static inline int
wait_left(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - wait_now();
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

#endif
