/* SPDX-License-Identifier: ISC */
/*
 * Without a service manager: into the background, and a file with the process's number.
 * Whoever started it waits until it is ready, and gets its exit status if it is not.
 */
#ifndef DAEMON_BACKGROUND_H
#define DAEMON_BACKGROUND_H

#include <stdbool.h>
#include <stddef.h>

struct background {
	int ready;	  /* to the process that waits; -1: none does */
	int file;	  /* of the number; -1: none */
	const char *path; /* its path; borrowed */
	bool written;	  /* the number is in it */
};

/*
 * Goes on in a process and session of its own, which returns; before there is any
 * thread.  The one that was started ends within this.  False with a sentence in why[size].
 */
bool background_fork(struct background *b, char *why, size_t size);
/*
 * Opens the file for the number, while there are the rights for it, and holds it: one
 * that another daemon has is refused.  False with a sentence in why[size].
 */
bool background_open(struct background *b, const char *path, char *why, size_t size);
/* The daemon serves: writes the number, and lets go of the terminal. */
void background_ready(struct background *b);
/* At the end: the file is removed, if that can be, or emptied.  What nobody wrote stays. */
void background_end(struct background *b);

#endif
