/* SPDX-License-Identifier: ISC */
/*
 * The configuration, read anew beside the loop: names of users and groups are looked up
 * in it, and a directory service may take its time.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include <stdbool.h>

struct config;
struct config_source;
struct event_base;
struct reload;

/* next is the callee's, from the heap; or NULL, and why says why. */
typedef void (*reload_done)(void *ctx, struct config *next, const char *why);

/* base and ctx are borrowed; what from points to, too.  NULL without memory, with errno. */
struct reload *reload_new(struct event_base *base, const struct config_source *from,
    reload_done done, void *ctx);
/*
 * Reads; done() is called when that is over.  While one reading is under way, it is
 * followed by another, and only that one is told: what was changed meanwhile counts.
 */
void reload_start(struct reload *r);
/* Does not wait for a reading that hangs: its thread cleans up when it is through. */
void reload_free(struct reload *r);

#endif
