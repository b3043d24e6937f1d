/* SPDX-License-Identifier: ISC */
/* Events that may have to be told again.  For src/rpc only. */
#ifndef RPC_REPLAY_H
#define RPC_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;
struct carried_list;
struct session;
struct told;

/* From now on the events of s have numbers, and are kept.  0 or enomem. */
int replay_begin(struct session *s);
/* The contrary.  What the connection of s is still to be told again it is told. */
void replay_end(struct session *s);
/* s ends. */
void replay_fini(struct session *s);
/* May one more be kept, and was all told that was before?  s has a replay. */
bool replay_room(const struct session *s);
/* Keeps what t says.  Its number, or 0 without memory.  s has a replay. */
uint64_t replay_add(struct session *s, const struct told *t);
/*
 * Events up to seq are handled, and what s asked for until now came of them.  0, or
 * einval: there is none of that number yet.  What had waited for room may be told.
 */
int replay_ack(struct session *s, uint64_t seq);
/* s has a new connection: it is to be told all that is kept. */
void replay_rewind(struct session *s);
/* Tells what is to be told again, as far as there is room.  True: that was all. */
bool replay_resume(struct session *s);

/*
 * What s was not told yet of its socket, appended to list, whose size grows by it: it
 * is for a new owner.  False without memory.
 */
bool replay_untold(
    const struct session *s, uint64_t socket, struct carried_list *list, size_t *size);
/* The socket is no more s's, nor is what is kept of it; s heard, or handed it over. */
void replay_give(struct session *s, uint64_t socket);

/*
 * An acknowledgement that came with a request, number seq of which there is: it counts
 * where the request is not refused at once.  ack_begin(), then what the request asks for,
 * within which ack_refused() may be called, then ack_end().
 */
void ack_begin(struct session *s, const struct call *call);
void ack_refused(const struct call *call);
void ack_end(struct session *s, uint64_t ack);

#endif
