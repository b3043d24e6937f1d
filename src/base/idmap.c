/* SPDX-License-Identifier: ISC */
/*
 * Open addressing with linear probing.  A removal moves later entries of the
 * run back into the gap, so there are no tombstones and a map that was once
 * large is as fast as a new one.
 */
#include "base/idmap.h"

#include <stdlib.h>

struct idmap_slot {
	uint64_t id; /* 0: free */
	void *object;
};

enum { SIZE_MIN = 16 };

void
idmap_init(struct idmap *map)
{
	map->slots = NULL;
	map->count = map->size = 0;
	map->last = 0;
}

void
idmap_fini(struct idmap *map)
{
	free(map->slots);
	idmap_init(map);
}

/* Where id would stand if nothing were in its way; size is a power of two. */
static size_t
home(const struct idmap *map, uint64_t id)
{
	/* 2^64 / golden ratio: consecutive ids land far apart */
	return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & (map->size - 1);
}

/* The slot that holds id, or the free one where it would be put. */
static size_t
probe(const struct idmap *map, uint64_t id)
{
	size_t i = home(map, id);

	while (map->slots[i].id != 0 && map->slots[i].id != id)
		i = (i + 1) & (map->size - 1);
	return i;
}

static bool
resize(struct idmap *map, size_t size)
{
	struct idmap old = *map;
	size_t i;

	map->slots = calloc(size, sizeof(*map->slots));
	if (map->slots == NULL) {
		map->slots = old.slots;
		return false;
	}
	map->size = size;
	for (i = 0; i < old.size; i++)
		if (old.slots[i].id != 0)
			map->slots[probe(map, old.slots[i].id)] = old.slots[i];
	free(old.slots);
	return true;
}

/* Keeps at least a quarter of the slots free. */
static bool
make_room(struct idmap *map)
{
	if (map->size == 0)
		return resize(map, SIZE_MIN);
	if (map->count < map->size / 4 * 3)
		return true;
	if (map->size > SIZE_MAX / 2)
		return false;
	return resize(map, map->size * 2);
}

uint64_t
idmap_add(struct idmap *map, void *object)
{
	struct idmap_slot *slot;

	if (map->last == UINT64_MAX || !make_room(map))
		return 0;
	map->last++;
	slot = &map->slots[probe(map, map->last)];
	slot->id = map->last;
	slot->object = object;
	map->count++;
	return map->last;
}

void *
idmap_find(const struct idmap *map, uint64_t id)
{
	size_t i;

	if (map->count == 0 || id == 0)
		return NULL;
	i = probe(map, id);
	return map->slots[i].id == id ? map->slots[i].object : NULL;
}

/* Closes the gap at hole: what probing would no longer reach moves back. */
static void
close_gap(struct idmap *map, size_t hole)
{
	size_t mask = map->size - 1, i, distance;

	for (i = (hole + 1) & mask; map->slots[i].id != 0; i = (i + 1) & mask) {
		distance = (i - home(map, map->slots[i].id)) & mask;
		if (distance < ((i - hole) & mask))
			continue;
		map->slots[hole] = map->slots[i];
		hole = i;
	}
	map->slots[hole].id = 0;
	map->slots[hole].object = NULL;
}

void *
idmap_remove(struct idmap *map, uint64_t id)
{
	void *object;
	size_t i;

	if (map->count == 0 || id == 0)
		return NULL;
	i = probe(map, id);
	if (map->slots[i].id != id)
		return NULL;
	object = map->slots[i].object;
	close_gap(map, i);
	map->count--;
	/* where memory for a smaller table is not to be had the large one stays */
	if (map->size > SIZE_MIN && map->count < map->size / 8)
		(void)resize(map, map->size / 2);
	return object;
}

void *
idmap_next(const struct idmap *map, size_t *at)
{
	while (*at < map->size) {
		const struct idmap_slot *slot = &map->slots[(*at)++];

		if (slot->id != 0)
			return slot->object;
	}
	return NULL;
}
