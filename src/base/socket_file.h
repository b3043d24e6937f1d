/* SPDX-License-Identifier: ISC */
/* A listening Unix socket at a path: made, and taken away again. */
#ifndef BASE_SOCKET_FILE_H
#define BASE_SOCKET_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct socket_file {
	const char *path; /* borrowed */
	dev_t dev;
	ino_t ino;
	bool bound; /* the file is the one that we made */
};

/*
 * Listens at path, with the file's mode and group ((gid_t)-1: the process's), of which
 * nobody can make use before they are right.  A socket at which nobody listens is
 * replaced: who it was is for the caller to know (control/lock.h).  A descriptor that
 * does not block, the caller's; -1 with a sentence in why[size], and perhaps a file for
 * socket_file_remove().
 */
int socket_file_open(struct socket_file *f, const char *path, mode_t mode, gid_t group,
    char *why, size_t size);
/* Removes the file, if it is still ours. */
void socket_file_remove(struct socket_file *f);

#endif
