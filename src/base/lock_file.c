/* SPDX-License-Identifier: ISC */
#include "base/lock_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file's name may have been given to a new file: then try again. */
enum { TRIES = 10 };

bool
lock_file_named(int fd, const char *path)
{
	struct stat have, named;

	return fstat(fd, &have) == 0 && lstat(path, &named) == 0 &&
	    have.st_dev == named.st_dev && have.st_ino == named.st_ino;
}

static int
open_file(const char *path, const char *what, mode_t mode, char *why, size_t size)
{
	int fd = open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, mode);
	struct stat st;

	if (fd == -1) {
		snprintf(why, size, "cannot open the %s %s: %s", what, path,
		    errno == ELOOP ? "it is a symbolic link" : strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		snprintf(why, size, "the %s %s is not a plain file", what, path);
		close(fd);
		return -1;
	}
	return fd;
}

int
lock_file_open(const char *path, const char *what, mode_t mode, char *why, size_t size)
{
	int fd, try;

	for (try = 0; try < TRIES; try++) {
		fd = open_file(path, what, mode, why, size);
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
		if (lock_file_named(fd, path))
			return fd;
		close(fd); /* its last holder has removed it meanwhile */
	}
	snprintf(why, size, "the %s %s is replaced again and again", what, path);
	return -1;
}
