/* SPDX-License-Identifier: ISC */
#include "daemon/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/config.h"

enum { SOCKETS_MAX = 2 }; /* that we know what to do with */

/* A whole decimal number from 0 to 2^31-1, or -1. */
static long
read_number(const char *text)
{
	char *end;
	long n;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	n = strtol(text, &end, 10);
	return *end == '\0' && errno == 0 && n <= 0x7fffffff ? n : -1;
}

/* An int of the socket's, or -1. */
static int
ask(int fd, int option)
{
	socklen_t len = sizeof(int);
	int value = -1;

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

static bool
check(int fd, bool local, const char *name, char *why, size_t size)
{
	const char *what = NULL;
	int flags = fcntl(fd, F_GETFL), domain = ask(fd, SO_DOMAIN);

	if (ask(fd, SO_TYPE) != SOCK_STREAM || ask(fd, SO_ACCEPTCONN) != 1)
		what = "is not a listening stream socket";
	else if (local && domain != AF_UNIX)
		what = "is not a Unix socket";
	else if (domain != AF_UNIX && domain != AF_INET && domain != AF_INET6)
		/* evhttp ends the process when it cannot name a peer */
		what = "is neither a Unix socket nor one of IP";
	else if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || flags == -1 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		what = strerror(errno);
	if (what != NULL)
		snprintf(
		    why, size, "the passed descriptor %d (%.64s): %s", fd, name, what);
	return what == NULL;
}

/* c->socket becomes what fd is bound to; an abstract name as @name. */
static bool
take_name(struct config *c, int fd, char *why, size_t size)
{
	/* a byte more than the kernel fills, which ends it in any case */
	union {
		struct sockaddr_un addr;
		char room[sizeof(struct sockaddr_un) + 1];
	} name = {0};
	socklen_t len = sizeof(name.addr);
	const char *path = name.room + offsetof(struct sockaddr_un, sun_path);

	if (getsockname(fd, (struct sockaddr *)&name.addr, &len) != 0) {
		snprintf(why, size, "the passed socket: %s", strerror(errno));
		return false;
	}
	if (len > offsetof(struct sockaddr_un, sun_path) && *path == '\0')
		name.room[offsetof(struct sockaddr_un, sun_path)] = '@';
	if (config_set_socket(c, path))
		return true;
	snprintf(why, size, "out of memory");
	return false;
}

/* The next of the names, which are parted by colons, into name[size]. */
static const char *
next_name(const char *names, char *name, size_t size)
{
	size_t len = names == NULL ? 0 : strcspn(names, ":");

	snprintf(name, size, "%.*s", (int)len, len > 0 ? names : "");
	return names != NULL && names[len] == ':' ? names + len + 1 : NULL;
}

static bool
take(struct config *c, int fd, const char *name, bool alone, char *why, size_t size)
{
	bool metrics = strcmp(name, "metrics") == 0;
	int *to = metrics ? &c->metrics_fd : &c->server.fd;

	if (!metrics && !alone && strcmp(name, "control") != 0 &&
	    strcmp(name, "gentcpd.socket") != 0) {
		snprintf(why, size,
		    "the passed descriptor %d is called %.64s: only control (or "
		    "gentcpd.socket) and metrics are known",
		    fd, name);
		return false;
	}
	if (*to != -1) {
		snprintf(why, size, "more than one descriptor is called %.64s", name);
		return false;
	}
	if (!check(fd, !metrics, name, why, size))
		return false;
	*to = fd;
	return metrics || take_name(c, fd, why, size);
}

bool
activation_take(
    struct config *c, const struct activation *a, long own_pid, char *why, size_t size)
{
	const char *names = a->names;
	char name[256];
	long count;

	if (a->pid == NULL || a->fds == NULL || read_number(a->pid) != own_pid)
		return true;
	count = read_number(a->fds);
	if (count < 0 || count > SOCKETS_MAX) {
		snprintf(why, size, "LISTEN_FDS is %.32s: from 0 to %d are taken", a->fds,
		    SOCKETS_MAX);
		return false;
	}
	for (int i = 0; i < count; i++) {
		names = next_name(names, name, sizeof(name));
		if (!take(c, a->first + i, name, count == 1, why, size))
			return false;
	}
	return true;
}
