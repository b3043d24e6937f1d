/* SPDX-License-Identifier: ISC */
/*
 * A file that is held by one process as long as it lives, and let go by the kernel
 * however that ends.
 */
#ifndef BASE_LOCK_FILE_H
#define BASE_LOCK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Opens and locks the plain file at path, which is made with mode if it is not there;
 * what is in it stays.  The descriptor, the caller's to close; or -1 with a sentence in
 * why[size] that calls the file what: somebody has it, it cannot be opened, it is a link.
 */
int lock_file_open(
    const char *path, const char *what, mode_t mode, char *why, size_t size);
/* Does path still name the file that fd is, so that it may be removed? */
bool lock_file_named(int fd, const char *path);

#endif
