/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/connection.h"
#include "proto/reason.h"

enum {
	READ_SIZE = 256 * 1024,	 /* offered to each recv */
	KEEP_SIZE = 1024 * 1024, /* an empty queue over it gives its memory back */
	CANCEL_GRACE = 1000,	 /* ms for the answer to session.cancel */
	ACK_EVERY = 64		 /* events of a gentcp_receive() that need not wait */
};

/* What turn() returns as well: a signal ended the wait. */
enum { TURN_SIGNAL = 1 };

/* --- time ------------------------------------------------------------------- */

int64_t
transport_deadline(int timeout)
{
	struct timespec now;

	if (timeout < 0)
		return INT64_MAX;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + timeout;
}

int
transport_remaining(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - transport_deadline(0);
	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

int
transport_timed_out(struct gentcp *g)
{
	return connection_fail(g, GENTCP_TIMEOUT, 0, "no answer from gentcpd in time");
}

/* --- reading and writing ---------------------------------------------------- */

void
transport_close(struct gentcp *g)
{
	if (g->fd >= 0)
		close(g->fd);
	g->fd = -1;
}

/* One recv.  *n is 0 where nothing came without waiting, or a signal did. */
static int
read_some(struct gentcp *g, int flags, size_t *n)
{
	unsigned char *room;
	size_t space;
	ssize_t got;

	*n = 0;
	room = connection_room(g, READ_SIZE, &space);
	if (room == NULL)
		return connection_no_memory(g);
	got = passing_recv(g, room, space, flags);
	if (got > 0) {
		*n = (size_t)got;
		connection_put(g, *n);
		return GENTCP_OK;
	}
	if (got == 0)
		return connection_ended(g);
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return GENTCP_OK;
	if (errno == ECONNRESET)
		return connection_ended(g);
	return connection_lose(g, errno, strerror(errno));
}

/*
 * After a failed write.  A daemon that hung up may have said why: that is to be
 * read first, and reading finds the end as well.
 */
static int
write_failed(struct gentcp *g)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS)
		return GENTCP_OK;
	if (errno == EPIPE || errno == ECONNRESET) {
		bytes_truncate(&g->out, 0);
		return GENTCP_OK;
	}
	return connection_lose(g, errno, strerror(errno));
}

int
gentcp_flush(struct gentcp *g)
{
	size_t len;
	ssize_t n;

	while ((len = bytes_len(&g->out)) > 0 && g->fd >= 0) {
		n = send(g->fd, bytes_head(&g->out), len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return write_failed(g);
		bytes_take(&g->out, (size_t)n);
		if ((size_t)n < len)
			break;
	}
	if (bytes_len(&g->out) == 0 && g->out.size > KEEP_SIZE)
		bytes_trim(&g->out);
	return g->lost ? GENTCP_LOST : GENTCP_OK;
}

int
transport_write_with(struct gentcp *g, const void *data, size_t len)
{
	size_t queued = bytes_len(&g->out), taken = 0;
	struct iovec iov[2] = {
	    {bytes_head(&g->out), queued}, {(void *)(uintptr_t)data, len}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n = sendmsg(g->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0) {
		if (write_failed(g) != GENTCP_OK)
			return GENTCP_LOST;
		if (bytes_len(&g->out) == 0) /* it hung up */
			return GENTCP_OK;
		n = 0;
	}
	if ((size_t)n > queued)
		taken = (size_t)n - queued;
	bytes_take(&g->out, (size_t)n - taken);
	if (!bytes_append(&g->out, (const unsigned char *)data + taken, len - taken))
		return connection_lose(g, ENOMEM, "no memory within a message");
	return GENTCP_OK;
}

/*
 * Waits until there is something to read, or room to write what is queued; without
 * a descriptor just until the deadline.  What turn() returns.
 */
static int
wait_ready(struct gentcp *g, int64_t deadline, bool signals)
{
	struct pollfd pfd = {.fd = g->fd, .events = gentcp_poll_events(g)};
	int left = transport_remaining(deadline);

	if (left == 0)
		return transport_timed_out(g);
	switch (poll(&pfd, 1, left)) {
	case 0:
		return transport_timed_out(g);
	case -1:
		if (errno != EINTR)
			return connection_lose(g, errno, strerror(errno));
		return signals ? TURN_SIGNAL : GENTCP_OK;
	default:
		return GENTCP_OK; /* what is there is for the next turn */
	}
}

/*
 * Writes what can be written, waits until there is something to read (or room
 * to write more), and reads once.  TIMEOUT at the deadline; TURN_SIGNAL after a
 * signal where signals is set.
 */
static int
turn(struct gentcp *g, int64_t deadline, bool signals)
{
	size_t got;
	int rc = gentcp_flush(g);

	if (rc != GENTCP_OK)
		return rc;
	if (deadline == INT64_MAX && bytes_len(&g->out) == 0) {
		rc = read_some(g, 0, &got);
		return rc == GENTCP_OK && got == 0 && signals ? TURN_SIGNAL : rc;
	}
	rc = read_some(g, MSG_DONTWAIT, &got);
	if (rc != GENTCP_OK || got > 0)
		return rc;
	return wait_ready(g, deadline, signals);
}

int
gentcp_fd(const struct gentcp *g)
{
	return g->fd;
}

short
gentcp_poll_events(const struct gentcp *g)
{
	return (short)(POLLIN | (bytes_len(&g->out) > 0 ? POLLOUT : 0));
}

/* --- waiting ---------------------------------------------------------------- */

int
transport_await_once(
    struct gentcp *g, uint64_t id, int64_t deadline, struct incoming *m, size_t *size)
{
	int rc;

	for (;;) {
		switch (connection_find_reply(g, id, m, size)) {
		case INCOMING_READY:
			return GENTCP_OK;
		case INCOMING_NOMEM:
			return connection_no_memory(g);
		case INCOMING_BROKEN:
			return connection_lose(g, 0, "gentcpd sent what is no message");
		case INCOMING_MORE:
			break;
		}
		if (g->lost)
			return GENTCP_LOST;
		rc = turn(g, deadline, false);
		if (rc != GENTCP_OK && rc != GENTCP_LOST)
			return rc;
	}
}

static bool
was_cancelled(const struct incoming *m)
{
	return json_integer_value(json_object_get(m->error, "code")) == REASON_CANCELLED;
}

int
transport_await(
    struct gentcp *g, uint64_t id, int64_t deadline, struct incoming *m, size_t *size)
{
	int rc = transport_await_once(g, id, deadline, m, size);

	if (rc != GENTCP_TIMEOUT)
		return rc;
	/* What a recv or accept got in this moment must not be thrown away. */
	rc = gentcp_cancel(g, id);
	if (rc == GENTCP_OK)
		rc = transport_await_once(
		    g, id, transport_deadline(CANCEL_GRACE), m, size);
	if (rc != GENTCP_OK || !was_cancelled(m))
		return rc;
	(void)transport_timed_out(g);
	rc = error_keep_rest(&g->error, m); /* of a send */
	connection_taken(g, m, *size);
	return rc;
}

int
transport_drain(struct gentcp *g, int64_t deadline)
{
	int rc = gentcp_flush(g);

	while (rc == GENTCP_OK && bytes_len(&g->out) > 0)
		rc = turn(g, deadline, false);
	return rc;
}

int
transport_write_fd(struct gentcp *g, int fd, int64_t deadline)
{
	struct iovec iov = {bytes_head(&g->out), bytes_len(&g->out)};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = {0}};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	struct pollfd pfd = {.fd = g->fd, .events = POLLOUT};
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	for (;;) {
		n = sendmsg(g->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n >= 0) {
			bytes_take(&g->out, (size_t)n);
			return GENTCP_OK;
		}
		if (errno == EBADF) { /* ours is good: it is the caller's */
			bytes_truncate(&g->out, 0);
			return connection_fail(
			    g, GENTCP_INVALID, EBADF, "bad descriptor");
		}
		if (write_failed(g) != GENTCP_OK)
			return GENTCP_LOST;
		if (bytes_len(&g->out) == 0)
			return GENTCP_OK;
		if (poll(&pfd, 1, transport_remaining(deadline)) == 0) {
			bytes_truncate(&g->out, 0);
			return transport_timed_out(g);
		}
	}
}

/* --- a program's turns ------------------------------------------------------ */

/*
 * After handling: what was queued goes out at once, and the acknowledgement of what
 * was handled, if that is more than spare.
 */
static int
turn_end(struct gentcp *g, int rc, uint64_t spare)
{
	if (rc == GENTCP_OK && kept_owed(g) > spare)
		rc = kept_ack(g);
	if (rc == GENTCP_OK && bytes_len(&g->out) > 0)
		rc = gentcp_flush(g);
	if (bytes_len(&g->in) == 0 && g->current == 0 && g->in.size > 2 * KEEP_SIZE)
		bytes_trim(&g->in);
	return rc;
}

/* A turn until deadline, or until a new connection has its next step before. */
static int
program_turn(struct gentcp *g, int64_t deadline)
{
	int64_t due = reconnect_due(g), until = due < deadline ? due : deadline;
	int rc = g->fd < 0 ? wait_ready(g, until, true) : turn(g, until, true);

	if (rc == TURN_SIGNAL)
		return transport_timed_out(g);
	return rc == GENTCP_TIMEOUT && until < deadline ? GENTCP_OK : rc;
}

/* Is there nothing to wait for?  Then it is for others to bring bytes. */
static bool
is_idle(const struct gentcp *g)
{
	return g->fd < 0 && reconnect_due(g) == INT64_MAX;
}

/* Is there a message that was read and not handled? */
static bool
has_message(const struct gentcp *g)
{
	size_t len = bytes_len(&g->in) - g->current;

	return bytes_len(&g->held) > 0 ||
	    (len > g->place.scanned && len >= g->place.need);
}

int
gentcp_next_timeout(const struct gentcp *g)
{
	bool lost = g->lost && g->again.state != RECONNECT_WAITING &&
	    g->again.state != RECONNECT_ENDED;

	return lost || kept_owed(g) > 0 || g->again.owed || has_message(g)
	    ? 0
	    : transport_remaining(reconnect_due(g));
}

int
gentcp_dispatch(struct gentcp *g, int timeout)
{
	int64_t deadline = transport_deadline(timeout);
	size_t handled;
	int rc;

	for (;;) {
		rc = connection_handle(g, NULL, &handled);
		if (rc == GENTCP_FREED)
			return rc;
		if (rc != GENTCP_OK || handled > 0)
			return turn_end(g, rc, 0);
		rc = kept_ack(g);
		if (rc != GENTCP_OK)
			return rc;
		if (is_idle(g))
			return GENTCP_TIMEOUT;
		rc = program_turn(g, deadline);
		if (rc != GENTCP_OK && rc != GENTCP_LOST)
			return rc;
	}
}

int
gentcp_receive(struct gentcp *g, int timeout, const struct gentcp_event **e)
{
	int64_t deadline = transport_deadline(timeout);
	enum reconnect_state was;
	size_t handled;
	int rc;

	*e = NULL;
	for (;;) {
		was = g->again.state;
		rc = connection_handle(g, e, &handled);
		if (rc == GENTCP_FREED)
			return rc;
		if (was == RECONNECT_IDLE && g->again.state == RECONNECT_WAITING)
			return GENTCP_LOST; /* to be known, though it is not the end */
		if (rc != GENTCP_OK || *e != NULL)
			return turn_end(g, rc, ACK_EVERY);
		rc = kept_ack(g); /* before it waits for what that may set free */
		if (rc != GENTCP_OK)
			return rc;
		if (is_idle(g))
			return GENTCP_TIMEOUT;
		rc = program_turn(g, deadline);
		if (rc != GENTCP_OK && rc != GENTCP_LOST)
			return rc;
	}
}
