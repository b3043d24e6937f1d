/* SPDX-License-Identifier: ISC */
#include "control/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/lock_file.h"

int
lock_take(struct lock *lock, const char *path, char *why, size_t size)
{
	lock->fd = -1;
	if (asprintf(&lock->path, "%s.lock", path) == -1) {
		lock->path = NULL;
		snprintf(why, size, "out of memory");
		return -1;
	}
	lock->fd = lock_file_open(lock->path, "lock file", 0600, why, size);
	if (lock->fd != -1)
		return 0;
	free(lock->path);
	lock->path = NULL;
	return -1;
}

void
lock_drop(struct lock *lock)
{
	if (lock->fd == -1)
		return;
	if (lock_file_named(lock->fd, lock->path))
		(void)unlink(lock->path);
	close(lock->fd);
	free(lock->path);
	lock->fd = -1;
	lock->path = NULL;
}
