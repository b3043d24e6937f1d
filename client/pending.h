/* SPDX-License-Identifier: ISC */
/* Requests that wait for their replies, by id. */
#ifndef CLIENT_PENDING_H
#define CLIENT_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/gentcp.h"

struct pending_call {
	uint64_t id; /* 0: a free slot */
	gentcp_reply_fn fn;
	void *ctx;
};

/* A hash with linear probing; ids count up, so they are their own hash. */
struct pending {
	struct pending_call *slots;
	size_t size, count; /* size: a power of two, or 0 */
};

/* Room for one more; false without memory. */
bool pending_reserve(struct pending *p);
/* After pending_reserve(). */
void pending_add(struct pending *p, uint64_t id, gentcp_reply_fn fn, void *ctx);
/* Takes the call with that id out; false if there is none. */
bool pending_take(struct pending *p, uint64_t id, struct pending_call *call);
/* Takes the oldest out; false if there is none.  Slow: for the end. */
bool pending_take_oldest(struct pending *p, struct pending_call *call);
void pending_fini(struct pending *p);

#endif
