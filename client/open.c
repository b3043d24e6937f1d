/* SPDX-License-Identifier: ISC */
/* Where the daemon is, and the way to it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/connection.h"

enum {
	SOCKET_BUFFER = 1 << 20, /* asked of the kernel; it may give less */
	CONNECT_RETRY = 10	 /* ms, while the daemon's backlog is full */
};

static int
copy_path(char *path, size_t size, const char *dir, const char *name)
{
	int n = snprintf(path, size, "%s%s", dir, name);

	return n > 0 && (size_t)n < size ? GENTCP_OK : GENTCP_INVALID;
}

int
gentcp_default_path(char *path, size_t size)
{
	static const char system_path[] = "/run/gentcpd/gentcpd.sock";
	const char *given = getenv("GENTCPD_SOCKET"), *dir = getenv("XDG_RUNTIME_DIR");

	if (given != NULL && *given != '\0')
		return copy_path(path, size, given, "");
	if (dir == NULL || *dir == '\0')
		return copy_path(path, size, system_path, "");
	if (copy_path(path, size, dir, "/gentcpd.sock") == GENTCP_OK &&
	    access(path, F_OK) == 0)
		return GENTCP_OK;
	/* neither there: the user's is the likelier one to be missed */
	if (access(system_path, F_OK) == 0)
		return copy_path(path, size, system_path, "");
	return copy_path(path, size, dir, "/gentcpd.sock");
}

static int
set_up(struct gentcp *g)
{
	int size = SOCKET_BUFFER, flags = fcntl(g->fd, F_GETFL);

	/* less is as good, only slower */
	(void)setsockopt(g->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(g->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (flags < 0 || fcntl(g->fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return connection_lose(g, errno, strerror(errno));
	return GENTCP_OK;
}

int
open_connect(struct gentcp *g, const char *path, int64_t deadline)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	if (copy_path(sun.sun_path, sizeof sun.sun_path, path, "") != GENTCP_OK)
		return connection_lose(g, ENAMETOOLONG, strerror(ENAMETOOLONG));
	g->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (g->fd < 0)
		return connection_lose(g, errno, strerror(errno));
	while (connect(g->fd, (struct sockaddr *)&sun, sizeof sun) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return connection_lose(g, errno, strerror(errno));
		/* A full backlog; nothing tells when that changes. */
		if (transport_remaining(deadline) == 0)
			return transport_timed_out(g);
		(void)poll(NULL, 0, CONNECT_RETRY);
	}
	return set_up(g);
}

int
open_greeted(struct gentcp *g, uint64_t id, int64_t deadline)
{
	struct incoming m;
	size_t size;
	int rc = transport_await_once(g, id, deadline, &m, &size);

	if (rc != GENTCP_OK)
		return rc;
	rc = m.error != NULL ? error_from(&g->error, &m)
			     : connection_greeted(g, m.result);
	connection_taken(g, &m, size);
	return rc;
}

static int
say_hello(struct gentcp *g, int64_t deadline)
{
	uint64_t id = 0;
	int rc = request_put_hello(g, &id);

	if (rc == GENTCP_OK)
		rc = open_greeted(g, id, deadline);
	g->epoch += rc == GENTCP_OK;
	return rc;
}

/* One attempt; if it fails g is lost. */
static int
open_once(struct gentcp *g, int64_t deadline)
{
	int rc = open_connect(g, g->again.path, deadline);

	if (rc == GENTCP_OK)
		rc = say_hello(g, deadline);
	if (rc != GENTCP_OK) {
		g->lost = true;
		transport_close(g);
	}
	return rc;
}

int
gentcp_open(struct gentcp *g, const char *path, int timeout)
{
	int64_t deadline = transport_deadline(timeout);
	char *to = g->again.path;
	size_t size = sizeof g->again.path;
	int rc;

	if (g->hello || g->lost)
		return connection_fail(g, GENTCP_INVALID, 0, "a connection opens once");
	rc = path == NULL ? gentcp_default_path(to, size) : copy_path(to, size, path, "");
	rc = rc == GENTCP_OK ? open_once(g, deadline)
			     : connection_lose(g, ENAMETOOLONG, strerror(ENAMETOOLONG));
	while (rc != GENTCP_OK && reconnect_first(g, deadline))
		rc = open_once(g, deadline);
	if (rc == GENTCP_OK) {
		backoff_reset(&g->again.backoff);
		return GENTCP_OK;
	}
	g->lost = true;
	g->again.state = RECONNECT_ENDED;
	return rc;
}
