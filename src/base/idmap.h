/* SPDX-License-Identifier: ISC */
/* Numbers that are never used again -> objects. */
#ifndef BASE_IDMAP_H
#define BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct idmap_slot;

struct idmap {
	struct idmap_slot *slots;
	size_t count, size; /* size: a power of two */
	uint64_t last;	    /* the highest number given */
};

void idmap_init(struct idmap *map);
void idmap_fini(struct idmap *map);

/* Gives object the next number, from 1 on; 0 without memory. */
uint64_t idmap_add(struct idmap *map, void *object);
/* The object with that number, or NULL. */
void *idmap_find(const struct idmap *map, uint64_t id);
/* Forgets it; the number is not given again.  NULL if there is none. */
void *idmap_remove(struct idmap *map, uint64_t id);
/*
 * Walks the map: start with *at = 0; NULL at the end.  The map may not be
 * changed meanwhile.
 */
void *idmap_next(const struct idmap *map, size_t *at);

#endif
