/* SPDX-License-Identifier: ISC */
/*
 * Descriptors: those that came and wait for their messages, and the calls that
 * pass them.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/connection.h"

/* --- descriptors that came ---------------------------------------------------- */

/* Keeps what a read brought; what nobody could have been promised is closed. */
static void
keep(struct gentcp *g, struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (g->nfds < CONNECTION_FDS_MAX)
				g->fds[g->nfds++] = fd;
			else
				close(fd);
		}
	}
}

ssize_t
passing_recv(struct gentcp *g, void *room, size_t space, int flags)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(CONNECTION_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {room, space};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};
	ssize_t n = recvmsg(g->fd, &msg, flags | MSG_CMSG_CLOEXEC);

	if (n > 0)
		keep(g, &msg);
	return n;
}

void
passing_held(struct gentcp *g, const struct incoming *m)
{
	if (m->fds > 0 && g->held_fds < g->nfds)
		g->held_fds++;
}

int
passing_take(struct gentcp *g, struct incoming *m, bool held)
{
	size_t at = held ? 0 : g->held_fds;
	int fd;

	if (m->fds == 0 || at >= g->nfds)
		return -1;
	m->fds = 0;
	fd = g->fds[at];
	g->nfds--;
	memmove(g->fds + at, g->fds + at + 1, (g->nfds - at) * sizeof g->fds[0]);
	if (held && g->held_fds > 0)
		g->held_fds--;
	return fd;
}

void
passing_drop(struct gentcp *g)
{
	while (g->nfds > 0)
		close(g->fds[--g->nfds]);
	g->held_fds = 0;
}

/* --- requests that bring one --------------------------------------------------- */

/* Writes a request with fd; *id as for request_put(). */
static int
put_with_fd(struct gentcp *g, const char *method, const struct bytes *params, int fd,
    int64_t deadline, uint64_t *id)
{
	int rc;

	if (g->fd < 0 && !g->lost)
		return connection_fail(
		    g, GENTCP_INVALID, 0, "the connection is not open");
	rc = transport_drain(g, deadline);
	if (rc == GENTCP_OK)
		rc = request_put(g, method, params, NULL, 0, REQUEST_FD, id);
	return rc == GENTCP_OK ? transport_write_fd(g, fd, deadline) : rc;
}

int
gentcp_request_fd(struct gentcp *g, const char *method, const char *params, int fd,
    gentcp_reply_fn fn, void *ctx, uint64_t *id)
{
	struct bytes text = {0};
	uint64_t given = 0;
	int rc;

	if (!request_reserve(g, fn))
		return GENTCP_NOMEM;
	rc = request_read_params(g, params, &text);
	if (rc == GENTCP_OK)
		rc = put_with_fd(g, method, &text, fd, transport_deadline(g->timeout),
		    fn == NULL ? NULL : &given);
	bytes_fini(&text);
	rc = request_expect(g, rc, given, fn, ctx);
	if (rc == GENTCP_OK && id != NULL)
		*id = given;
	return rc;
}

/* The whole of a call that passes fd, up to its reply. */
static int
call_with_fd(struct call *c, const char *method, int fd)
{
	uint64_t id = 0;
	int rc = reconnect_await(c->g);

	if (rc == GENTCP_OK)
		rc = put_with_fd(
		    c->g, method, &c->params, fd, transport_deadline(c->g->timeout), &id);
	return rc == GENTCP_OK ? call_wait_id(c, id, CALL_NO_TIMEOUT) : rc;
}

int
gentcp_fdopen(struct gentcp *g, int fd, const char *options, uint64_t *socket)
{
	struct call c = {.g = g};
	int rc;

	bytes_append_char(&c.params, '{');
	rc = request_put_options(g, &c.params, options, "fd", json_string("passed"));
	bytes_append_char(&c.params, '}');
	if (rc == GENTCP_OK)
		rc = call_with_fd(&c, "gen_tcp.fdopen", fd);
	if (rc == GENTCP_OK) {
		*socket = (uint64_t)json_integer_value(
		    json_object_get(c.reply.result, "socket"));
		if (*socket == 0)
			rc = call_odd_result(&c);
	}
	return call_end(&c, rc);
}

int
gentcp_sendfile(struct gentcp *g, uint64_t socket, int fd, int64_t offset, int64_t bytes,
    int64_t *sent)
{
	struct call c = {.g = g};
	json_t *n;
	int rc;

	request_open_socket(&c.params, socket);
	bytes_append_str(&c.params, ",\"offset\":");
	bytes_append_int(&c.params, offset);
	bytes_append_str(&c.params, ",\"bytes\":");
	bytes_append_int(&c.params, bytes);
	bytes_append_char(&c.params, '}');
	rc = call_with_fd(&c, "file.sendfile", fd);
	if (rc == GENTCP_OK) {
		n = json_object_get(c.reply.result, "sent");
		if (!json_is_integer(n))
			rc = call_odd_result(&c);
		else if (sent != NULL)
			*sent = json_integer_value(n);
	}
	return call_end(&c, rc);
}

int
gentcp_getfd(struct gentcp *g, uint64_t socket, int *fd)
{
	struct call c = {.g = g};
	int rc;

	request_open_socket(&c.params, socket);
	rc = call_wait(&c, "inet.getfd", CALL_NO_TIMEOUT);
	if (rc == GENTCP_OK) {
		*fd = passing_take(g, &c.reply, false);
		if (*fd == -1)
			rc = call_odd_result(&c);
	}
	return call_end(&c, rc);
}
