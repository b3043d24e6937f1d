/* SPDX-License-Identifier: ISC */
/* How long to wait before the next attempt.  It reads no clock. */
#ifndef CLIENT_BACKOFF_H
#define CLIENT_BACKOFF_H

#include <stdint.h>

struct backoff {
	int min, max; /* ms; min 0: there is no next attempt */
	int attempts; /* in a row; negative: without end */
	int made;
	uint64_t chance; /* the state of xorshift64, never 0 */
};

/* Sets it up, with no attempt made.  Any seed will do. */
void backoff_set(struct backoff *b, int min, int max, int attempts, uint64_t seed);

/* An attempt succeeded: it begins with min again. */
void backoff_reset(struct backoff *b);

/*
 * Counts an attempt and returns how many ms to wait before it: from the half of
 * min * 2^n to the whole, n attempts having been made, and never over max; by
 * chance, so that those who were cut off together do not come back together.
 * -1: no attempt is left.
 */
int backoff_next(struct backoff *b);

#endif
