/* SPDX-License-Identifier: ISC */
#include "client/backoff.h"

void
backoff_set(struct backoff *b, int min, int max, int attempts, uint64_t seed)
{
	*b = (struct backoff){.min = min, .max = max, .attempts = attempts};
	b->chance = seed == 0 ? UINT64_MAX : seed;
}

void
backoff_reset(struct backoff *b)
{
	b->made = 0;
}

static uint64_t
draw(struct backoff *b)
{
	b->chance ^= b->chance << 13;
	b->chance ^= b->chance >> 7;
	b->chance ^= b->chance << 17;
	return b->chance;
}

int
backoff_next(struct backoff *b)
{
	int64_t whole = b->min;
	int64_t half;

	if (b->min == 0 || (b->attempts >= 0 && b->made >= b->attempts))
		return -1;
	for (int i = 0; i < b->made && whole < b->max; i++)
		whole *= 2;
	if (whole > b->max)
		whole = b->max;
	if (b->made < INT32_MAX)
		b->made++;
	half = whole / 2;
	return (int)(whole - half + (int64_t)(draw(b) % (uint64_t)(half + 1)));
}
