/* SPDX-License-Identifier: ISC */
/*
 * One daemon for one socket: a lock file beside it, held while the daemon lives
 * and let go by the kernel however it ends.
 */
#ifndef CONTROL_LOCK_H
#define CONTROL_LOCK_H

#include <stddef.h>

struct lock {
	int fd; /* -1: not held */
	char *path;
};

/*
 * Takes the lock file of the socket at path, path.lock.  Returns 0; or -1 with a
 * sentence in why[size]: somebody has it, it cannot be made, ...
 */
int lock_take(struct lock *lock, const char *path, char *why, size_t size);
/* Lets go, and removes the file.  Nothing happens if it is not held. */
void lock_drop(struct lock *lock);

#endif
