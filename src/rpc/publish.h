/* SPDX-License-Identifier: ISC */
/*
 * What sockets have for their owners: the way from tcp's observer to tell.h.
 * For src/rpc only.
 */
#ifndef RPC_PUBLISH_H
#define RPC_PUBLISH_H

#include <stdbool.h>

#include "proto/event.h"

struct carried;
struct carried_list;
struct handle;

/* Tells what is carried, as far as there is room.  True when none is left. */
bool publish_carried(struct handle *h);
/* The owner has room again. */
void publish_resume(struct handle *h);
/* Appends an entry; NULL without memory. */
struct carried *carried_new(struct carried_list *list, enum event_id event);
/* Frees what is carried and was not told. */
void carried_clear(struct carried_list *list);

#endif
