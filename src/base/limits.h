/* SPDX-License-Identifier: ISC */
/*
 * Who may use how much.  An account counts what is used of each kind, and each
 * use counts in its account's parents too: a client's in its uid's, a uid's in
 * the daemon's.  A use is a charge, which remembers where it was counted, and
 * so can always be given back in full.
 */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#include <stdbool.h>
#include <stddef.h>

enum limit_kind {
	LIMIT_CLIENTS,
	LIMIT_SOCKETS,
	LIMIT_CALLS, /* requests that wait */
	LIMIT_BYTES, /* queued output, waiting sends, partial packets */
	LIMIT_INPUT, /* bytes of requests that are not carried out yet */
	LIMIT_MONITORS,
	LIMIT_KINDS
};

struct account {
	struct account *parent;
	size_t used[LIMIT_KINDS];
	size_t max[LIMIT_KINDS]; /* SIZE_MAX: no limit */
};

struct charge {
	struct account *account; /* NULL: nothing is charged */
	enum limit_kind kind;
	size_t amount;
};

void account_init(
    struct account *a, struct account *parent, const size_t max[LIMIT_KINDS]);

/* Makes parent the parent of a: what is used of a counts there, caps or not. */
void account_move(struct account *a, struct account *parent);

/* Charges amount; false, and an empty charge, if a limit is in the way. */
bool charge_open(
    struct charge *c, struct account *a, enum limit_kind kind, size_t amount);
/* Changes the amount; false, and nothing changed, if more is not to be had. */
bool charge_set(struct charge *c, size_t amount);
/* Moves the charge to another account; false, and as before, if it is full. */
bool charge_move(struct charge *c, struct account *to);
/* Gives it back.  An empty charge stays empty. */
void charge_close(struct charge *c);

#endif
