/* SPDX-License-Identifier: ISC */
/* Numbers that look like chance and are the same in each run (xorshift). */
#ifndef TESTS_CHANCE_H
#define TESTS_CHANCE_H

#include <stdint.h>

struct chance {
	uint64_t state; /* not 0 */
};

/* A number from 0 up to below - 1. */
static inline uint32_t
chance(struct chance *c, uint32_t below)
{
	c->state ^= c->state << 13;
	c->state ^= c->state >> 7;
	c->state ^= c->state << 17;
	return (uint32_t)((c->state >> 20) % below);
}

#endif
