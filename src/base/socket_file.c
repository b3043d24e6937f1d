/* SPDX-License-Identifier: ISC */
#include "base/socket_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Is somebody listening at addr?  An errno otherwise: ECONNREFUSED if not. */
static int
probe(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd == -1)
		return errno;
	error = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0
									       : errno;
	close(fd);
	return error == EAGAIN ? 0 : error; /* its queue is full: it lives */
}

/*
 * Makes way for our socket file.  Only a socket at which nobody listens is
 * removed.
 */
static bool
clear_path(const struct sockaddr_un *addr, char *why, size_t size)
{
	const char *path = addr->sun_path;
	struct stat st;
	int error;

	if (lstat(path, &st) != 0) {
		if (errno == ENOENT)
			return true;
		snprintf(why, size, "cannot look at %s: %s", path, strerror(errno));
		return false;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, size, "%s exists and is not a socket", path);
		return false;
	}
	error = probe(addr);
	if (error != ECONNREFUSED) {
		snprintf(why, size, "cannot replace %s: %s", path,
		    error == 0 ? "somebody is listening there" : strerror(error));
		return false;
	}
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	snprintf(
	    why, size, "cannot remove the dead socket %s: %s", path, strerror(errno));
	return false;
}

/*
 * Binds.  Until listen() nobody can connect, so owner and mode are right before
 * anybody can; and they are narrow from the first moment, because a socket file
 * takes its mode from the descriptor.
 */
static bool
bind_file(struct socket_file *f, int fd, const struct sockaddr_un *addr, mode_t mode,
    gid_t group, char *why, size_t size)
{
	const char *path = addr->sun_path;
	struct stat st;

	if (fchmod(fd, 0600) != 0 ||
	    bind(fd, (const struct sockaddr *)addr, sizeof(*addr)) != 0) {
		snprintf(why, size, "cannot bind %s: %s", path, strerror(errno));
		return false;
	}
	if (lstat(path, &st) == 0) {
		f->dev = st.st_dev;
		f->ino = st.st_ino;
		f->bound = true;
	}
	if (f->bound && group != (gid_t)-1 && lchown(path, (uid_t)-1, group) != 0) {
		snprintf(why, size, "cannot give %s to the group %lu: %s", path,
		    (unsigned long)group,
		    errno == EPERM ? "we are neither root nor in it" : strerror(errno));
		return false;
	}
	if (f->bound && chmod(path, mode) == 0 && listen(fd, SOMAXCONN) == 0)
		return true;
	snprintf(why, size, "cannot set up %s: %s", path, strerror(errno));
	return false;
}

int
socket_file_open(struct socket_file *f, const char *path, mode_t mode, gid_t group,
    char *why, size_t size)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd;

	*f = (struct socket_file){.path = path};
	if (len == 0) {
		snprintf(why, size, "the socket's path is empty");
		return -1;
	}
	if (len >= sizeof(addr.sun_path)) {
		snprintf(why, size,
		    "the socket's path is too long (%zu of at most %zu): %s", len,
		    sizeof(addr.sun_path) - 1, path);
		return -1;
	}
	memcpy(addr.sun_path, path, len);
	if (!clear_path(&addr, why, size))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		snprintf(why, size, "cannot bind %s: %s", path, strerror(errno));
	else if (!bind_file(f, fd, &addr, mode, group, why, size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void
socket_file_remove(struct socket_file *f)
{
	struct stat st;

	if (f->bound && lstat(f->path, &st) == 0 && st.st_dev == f->dev &&
	    st.st_ino == f->ino)
		(void)unlink(f->path);
	f->bound = false;
}
