/* SPDX-License-Identifier: ISC */
#include "base/limits.h"

#include <string.h>

void
account_init(struct account *a, struct account *parent, const size_t max[LIMIT_KINDS])
{
	a->parent = parent;
	memset(a->used, 0, sizeof(a->used));
	memcpy(a->max, max, sizeof(a->max));
}

/* Is there room for amount in a and in all above it? */
static bool
has_room(const struct account *a, enum limit_kind kind, size_t amount)
{
	if (amount == 0)
		return true;
	for (; a != NULL; a = a->parent)
		if (a->used[kind] > a->max[kind] || amount > a->max[kind] - a->used[kind])
			return false;
	return true;
}

static void
count_up(struct account *a, enum limit_kind kind, size_t amount)
{
	for (; a != NULL; a = a->parent)
		a->used[kind] += amount;
}

static void
count_down(struct account *a, enum limit_kind kind, size_t amount)
{
	for (; a != NULL; a = a->parent)
		a->used[kind] -= amount;
}

void
account_move(struct account *a, struct account *parent)
{
	size_t i;

	for (i = 0; i < LIMIT_KINDS; i++) {
		if (a->parent != NULL)
			count_down(a->parent, (enum limit_kind)i, a->used[i]);
		if (parent != NULL)
			count_up(parent, (enum limit_kind)i, a->used[i]);
	}
	a->parent = parent;
}

bool
charge_open(struct charge *c, struct account *a, enum limit_kind kind, size_t amount)
{
	c->account = NULL;
	c->kind = kind;
	c->amount = 0;
	if (!has_room(a, kind, amount))
		return false;
	count_up(a, kind, amount);
	c->account = a;
	c->amount = amount;
	return true;
}

bool
charge_set(struct charge *c, size_t amount)
{
	if (amount > c->amount) {
		if (!has_room(c->account, c->kind, amount - c->amount))
			return false;
		count_up(c->account, c->kind, amount - c->amount);
	} else {
		count_down(c->account, c->kind, c->amount - amount);
	}
	c->amount = amount;
	return true;
}

bool
charge_move(struct charge *c, struct account *to)
{
	/* given back first: a parent of both is not counted twice */
	count_down(c->account, c->kind, c->amount);
	if (!has_room(to, c->kind, c->amount)) {
		count_up(c->account, c->kind, c->amount);
		return false;
	}
	count_up(to, c->kind, c->amount);
	c->account = to;
	return true;
}

void
charge_close(struct charge *c)
{
	count_down(c->account, c->kind, c->amount);
	c->account = NULL;
	c->amount = 0;
}
