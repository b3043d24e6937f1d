/* SPDX-License-Identifier: ISC */
#include "client/pending.h"

#include <stdlib.h>

enum { PENDING_MIN = 16 };

static size_t
slot_of(const struct pending *p, uint64_t id)
{
	return (size_t)id & (p->size - 1);
}

/* There is a free slot. */
static void
insert(struct pending *p, const struct pending_call *call)
{
	size_t i = slot_of(p, call->id);

	while (p->slots[i].id != 0)
		i = (i + 1) & (p->size - 1);
	p->slots[i] = *call;
	p->count++;
}

static bool
grow(struct pending *p)
{
	struct pending old = *p;
	size_t size = old.size == 0 ? PENDING_MIN : old.size * 2;

	if (size > SIZE_MAX / 2 / sizeof *p->slots)
		return false;
	p->slots = calloc(size, sizeof *p->slots);
	if (p->slots == NULL) {
		*p = old;
		return false;
	}
	p->size = size;
	p->count = 0;
	for (size_t i = 0; i < old.size; i++) {
		if (old.slots[i].id != 0)
			insert(p, &old.slots[i]);
	}
	free(old.slots);
	return true;
}

bool
pending_reserve(struct pending *p)
{
	return p->count < p->size / 2 || grow(p);
}

void
pending_add(struct pending *p, uint64_t id, gentcp_reply_fn fn, void *ctx)
{
	struct pending_call call = {id, fn, ctx};

	insert(p, &call);
}

/* Frees slot i, and moves back what probing had pushed behind it. */
static void
erase(struct pending *p, size_t i)
{
	size_t mask = p->size - 1, next = i, home;

	for (;;) {
		p->slots[i].id = 0;
		do {
			next = (next + 1) & mask;
			if (p->slots[next].id == 0) {
				p->count--;
				return;
			}
			home = slot_of(p, p->slots[next].id);
			/* may not move before its home */
		} while (((next - home) & mask) < ((next - i) & mask));
		p->slots[i] = p->slots[next];
		i = next;
	}
}

bool
pending_take(struct pending *p, uint64_t id, struct pending_call *call)
{
	size_t i;

	if (p->count == 0 || id == 0)
		return false;
	i = slot_of(p, id);
	while (p->slots[i].id != id) {
		if (p->slots[i].id == 0)
			return false;
		i = (i + 1) & (p->size - 1);
	}
	*call = p->slots[i];
	erase(p, i);
	return true;
}

bool
pending_take_oldest(struct pending *p, struct pending_call *call)
{
	uint64_t oldest = 0;

	for (size_t i = 0; i < p->size; i++) {
		if (p->slots[i].id != 0 && (oldest == 0 || p->slots[i].id < oldest))
			oldest = p->slots[i].id;
	}
	return pending_take(p, oldest, call);
}

void
pending_fini(struct pending *p)
{
	free(p->slots);
	*p = (struct pending){0};
}
