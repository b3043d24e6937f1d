/* SPDX-License-Identifier: ISC */
/* Batches: several requests, and one array of answers.  For src/rpc only. */
#ifndef RPC_BATCH_H
#define RPC_BATCH_H

#include <stdbool.h>

struct batch;
struct bytes;
struct monitor_list;
struct session;

/* NULL without memory. */
struct batch *batch_new(struct session *s);
/* The queue for a member's answer, its separator written. */
struct bytes *batch_out(struct batch *b);
/* The monitors whose numbers are in its answers. */
struct monitor_list *batch_monitors(struct batch *b);
/* Have the answers grown so large that results are refused (system_limit)? */
bool batch_full(struct batch *b);
/* One more user: a member that is being worked on, or the one who fills it. */
void batch_hold(struct batch *b);
/* One fewer.  The last one sends what was gathered. */
void batch_release(struct batch *b);

#endif
