/* SPDX-License-Identifier: ISC */
/* Monitors of sockets.  For src/rpc only. */
#ifndef RPC_MONITOR_H
#define RPC_MONITOR_H

#include <stddef.h>
#include <sys/queue.h>

struct handle;
struct monitor;
struct session;

TAILQ_HEAD(monitor_list, monitor);

extern const char monitor_normal[]; /* closed, by whichever end */
extern const char monitor_killed[]; /* its owner's connection ended */

/* h is about to be no more: whoever monitors it is told, now or when there is room. */
void monitor_down(struct handle *h, const char *reason);
/*
 * h is as gone, but its owner has yet to be told of it: the others do not wait
 * for that.
 */
void monitor_over(struct handle *h, const char *reason);
/* How many there are of h. */
size_t monitor_count(const struct handle *h);
/* Tells s what found no room, as far as there is room now. */
void monitor_resume(struct session *s);
/*
 * The answers of a batch are sent, or s ends: the numbers of these monitors are known.
 * Empties the list.
 */
void monitor_known(struct session *s, struct monitor_list *unnamed);
/* s ends, and its monitors with it. */
void monitor_forget(struct session *s);

#endif
