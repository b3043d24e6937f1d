/* SPDX-License-Identifier: ISC */
#include "control/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file's name may have been given to a new file: then try again. */
enum { TRIES = 10 };

/* Does path still name the file that fd is? */
static bool
still_named(int fd, const char *path)
{
	struct stat have, named;

	return fstat(fd, &have) == 0 && lstat(path, &named) == 0 &&
	    have.st_dev == named.st_dev && have.st_ino == named.st_ino;
}

static int
open_file(const char *path, char *why, size_t size)
{
	int fd = open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	struct stat st;

	if (fd == -1) {
		snprintf(why, size, "cannot open the lock file %s: %s", path,
		    errno == ELOOP ? "it is a symbolic link" : strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		snprintf(why, size, "the lock file %s is not a plain file", path);
		close(fd);
		return -1;
	}
	return fd;
}

/* Returns the locked file, or -1 with why. */
static int
open_and_lock(const char *path, char *why, size_t size)
{
	int fd, try;

	for (try = 0; try < TRIES; try++) {
		fd = open_file(path, why, size);
		if (fd == -1)
			return -1;
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			if (errno == EWOULDBLOCK)
				snprintf(why, size,
				    "another daemon is running: it holds %s", path);
			else
				snprintf(why, size, "cannot lock %s: %s", path,
				    strerror(errno));
			close(fd);
			return -1;
		}
		if (still_named(fd, path))
			return fd;
		close(fd); /* its last holder has removed it meanwhile */
	}
	snprintf(why, size, "the lock file %s is replaced again and again", path);
	return -1;
}

int
lock_take(struct lock *lock, const char *path, char *why, size_t size)
{
	lock->fd = -1;
	if (asprintf(&lock->path, "%s.lock", path) == -1) {
		lock->path = NULL;
		snprintf(why, size, "out of memory");
		return -1;
	}
	lock->fd = open_and_lock(lock->path, why, size);
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
	if (still_named(lock->fd, lock->path))
		(void)unlink(lock->path);
	close(lock->fd);
	free(lock->path);
	lock->fd = -1;
	lock->path = NULL;
}
