/* SPDX-License-Identifier: ISC */
/* A channel's input: bytes and descriptors -> the session's messages. */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/channel_private.h"
#include "proto/message.h"
#include "proto/reason.h"

/* --- descriptors ------------------------------------------------------------ */

void
channel_in_drop(struct channel *ch)
{
	while (ch->nfds > 0)
		session_discard(ch->session, ch->fds[--ch->nfds].fd);
}

/* A client that goes past a limit of its connection is told so, and left. */
static void
refuse(struct channel *ch, const char *what)
{
	static const struct message_id null = {.kind = MESSAGE_ID_NULL};

	channel_in_drop(ch);
	message_put_error(&ch->out, &null, REASON_SYSTEM_LIMIT, NULL, NULL, true);
	channel_sink.commit(ch, NULL, 0);
	channel_complain(ch, what);
	channel_finish(ch);
}

/*
 * Keeps the descriptors of a read, whose bytes have been put already: they
 * belong to the message that this read ended in.
 */
static void
keep_fds(struct channel *ch, struct msghdr *msg)
{
	bool lost = (msg->msg_flags & MSG_CTRUNC) != 0;
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (ch->nfds == CHANNEL_FDS_MAX) {
				lost = true;
				session_discard(ch->session, fd);
				continue;
			}
			ch->fds[ch->nfds].fd = fd;
			ch->fds[ch->nfds++].at = wire_received(&ch->wire);
		}
	}
	/*
	 * The kernel may also have had no number left to give them (EMFILE): the
	 * message that comes with too few is refused, and that is all.
	 */
	if (lost && ch->nfds == CHANNEL_FDS_MAX)
		refuse(ch, "too many descriptors");
}

/* Takes those that came for the message that ends at end. */
static size_t
take_fds(struct channel *ch, uint64_t end, int fds[CHANNEL_FDS_MAX])
{
	size_t n = 0, i;

	while (n < ch->nfds && ch->fds[n].at <= end) {
		fds[n] = ch->fds[n].fd;
		n++;
	}
	for (i = n; n > 0 && i < ch->nfds; i++)
		ch->fds[i - n] = ch->fds[i];
	ch->nfds -= n;
	return n;
}

/* --- messages ---------------------------------------------------------------- */

void
channel_process(struct channel *ch)
{
	int fds[CHANNEL_FDS_MAX];
	struct wire_message m;
	enum wire_status status;
	uint64_t end = clock_now(ch->host->clock) + CHANNEL_TURN, looked = 0;
	size_t n;

	ch->more = false;
	while (ch->state == CHANNEL_OPEN && !ch->full && !ch->host->stopped) {
		status = wire_next(&ch->wire, &m);
		if (status == WIRE_MORE)
			break;
		n = take_fds(ch, m.end, fds);
		if (!session_receive(ch->session, status, &m, fds, n))
			channel_finish(ch);
		/* small sends are many, and cheap: no look at the clock behind each */
		if (m.send != NULL && m.end - looked < CHANNEL_LOOK)
			continue;
		looked = m.end;
		if (clock_now(ch->host->clock) >= end) {
			ch->more = true;
			channel_mark(ch);
			break;
		}
	}
	if (ch->state == CHANNEL_OPEN &&
	    !session_hold(ch->session, wire_memory(&ch->wire)))
		refuse(ch, "too many bytes");
	channel_update_reading(ch);
}

void
channel_update_reading(struct channel *ch)
{
	bool want = ch->state == CHANNEL_OPEN &&
	    (ch->eof || (!ch->full && !ch->more && !ch->host->stopped));

	if (want == ch->reading)
		return;
	ch->reading = want;
	if (!want)
		event_del(ch->read_event);
	else if (event_add(ch->read_event, NULL) != 0)
		channel_fail(ch, "out of memory");
}

/* --- the end of the stream ----------------------------------------------------- */

/* Has the client closed its connection as a whole, not only its sending side? */
static bool
hung_up(const struct channel *ch)
{
	struct pollfd p = {.fd = ch->fd};

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

/*
 * A client that only shut down its sending side (a script that pipes requests
 * in) still gets its answers and events.  From now on the descriptor is readable
 * for ever, so it is watched for changes only: the last one is the hangup.
 */
static void
end_of_stream(struct channel *ch)
{
	if (hung_up(ch)) {
		channel_fail(ch, NULL);
		return;
	}
	ch->eof = true;
	channel_in_drop(ch);
	channel_in_fini(ch);
	channel_out_fini(ch);
	ch->reading = false;
	if (!channel_in_init(ch, EV_ET) || !channel_out_init(ch, EV_ET)) {
		channel_fail(ch, "out of memory");
		return;
	}
	channel_update_reading(ch);
	if (ch->blocked && event_add(ch->write_event, NULL) != 0)
		channel_fail(ch, "out of memory");
	channel_mark(ch);
}

/* --- reading -------------------------------------------------------------------- */

/*
 * One read, as much as there is room for.  All descriptors are taken: those that are
 * not the kernel would close in here, which may wait (tcp_discard_fd()).
 */
static void
receive(struct channel *ch)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(CHANNEL_FDS_SENT * sizeof(int))];
	} control;
	size_t want = ch->last_full ? CHANNEL_READ_MAX : CHANNEL_READ_MIN, space;
	struct iovec iov = {.iov_base = wire_room(&ch->wire, want, &space)};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};
	ssize_t n;

	if (iov.iov_base == NULL) {
		channel_fail(ch, "out of memory");
		return;
	}
	iov.iov_len = space < CHANNEL_READ_MAX ? space : CHANNEL_READ_MAX;
	do
		n = recvmsg(ch->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		ch->last_full = (size_t)n == iov.iov_len;
		wire_put(&ch->wire, (size_t)n);
		keep_fds(ch, &msg);
	} else if (n == 0 || errno == ECONNRESET) {
		end_of_stream(ch);
	} else if (errno != EAGAIN) {
		channel_fail(ch, strerrorname_np(errno));
	}
}

/* One read in a turn: other channels want theirs. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;

	(void)fd;
	(void)what;
	if (ch->state != CHANNEL_OPEN)
		return;
	if (ch->eof) {
		if (hung_up(ch))
			channel_fail(ch, NULL);
		return;
	}
	if (ch->full)
		return;
	receive(ch);
	channel_process(ch);
}

bool
channel_in_init(struct channel *ch, short edges)
{
	ch->read_event = event_new(ch->host->base, ch->fd,
	    (short)(EV_READ | EV_PERSIST | edges), on_readable, ch);
	return ch->read_event != NULL;
}

void
channel_in_fini(struct channel *ch)
{
	if (ch->read_event != NULL)
		event_free(ch->read_event);
	ch->read_event = NULL;
}
