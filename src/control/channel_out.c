/* SPDX-License-Identifier: ISC */
/*
 * A channel's output.  Small messages are gathered and written once in a loop
 * turn.  A large payload goes out at once, straight from where it lies, and only
 * what the kernel did not take is copied.  A message with a descriptor is written
 * on its own, so that whoever reads it knows whose the descriptor is.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "control/channel_private.h"

static void
set_blocked(struct channel *ch, bool blocked)
{
	if (ch->blocked == blocked)
		return;
	ch->blocked = blocked;
	if (!blocked)
		event_del(ch->write_event);
	else if (event_add(ch->write_event, NULL) != 0)
		channel_fail(ch, "out of memory");
}

/*
 * The client reads no more.  What it sent may still have to be carried out, so
 * that is for the reading side to end.
 */
static void
go_deaf(struct channel *ch)
{
	ch->deaf = true;
	ch->full = false;
	bytes_fini(&ch->out);
	channel_out_drop(ch);
	set_blocked(ch, false);
	channel_mark(ch);
}

/* --- descriptors --------------------------------------------------------------- */

void
channel_out_drop(struct channel *ch)
{
	size_t i;

	for (i = 0; i < ch->npassed; i++)
		session_discard(ch->session, ch->passed[i].fd);
	ch->npassed = ch->handed = 0;
	ch->passing = false;
}

/* How much of the queue the next sendmsg may take, and with which descriptor. */
static size_t
portion(const struct channel *ch, int *fd)
{
	*fd = -1;
	if (ch->npassed == 0)
		return bytes_len(&ch->out);
	if (ch->passed[0].start > 0)
		return ch->passed[0].start;
	*fd = ch->passed[0].fd;
	return ch->passed[0].end;
}

/* n bytes of the queue have been written. */
static void
take(struct channel *ch, size_t n)
{
	size_t i, gone = 0;

	bytes_take(&ch->out, n);
	for (i = 0; n > 0 && i < ch->npassed; i++) {
		if (n > ch->passed[i].start && ch->passed[i].fd != -1) {
			session_discard(ch->session, ch->passed[i].fd);
			ch->passed[i].fd = -1;
		}
		ch->passed[i].start -= n < ch->passed[i].start ? n : ch->passed[i].start;
		ch->passed[i].end -= n < ch->passed[i].end ? n : ch->passed[i].end;
		gone += ch->passed[i].end == 0;
	}
	ch->npassed -= gone;
	if (gone > 0)
		memmove(
		    ch->passed, ch->passed + gone, ch->npassed * sizeof(ch->passed[0]));
}

/* Have all that were handed to the client reached it?  Then they count no more. */
static void
look_at_handed(struct channel *ch)
{
	int unread;

	if (ioctl(ch->fd, SIOCOUTQ, &unread) == 0 && unread == 0)
		ch->handed = ch->npassed;
}

static bool
sink_pass(void *ctx, int fd)
{
	struct channel *ch = ctx;

	if (ch->handed == CHANNEL_FDS_MAX)
		look_at_handed(ch);
	if (ch->state == CHANNEL_DEAD || ch->deaf || ch->handed == CHANNEL_FDS_MAX) {
		session_discard(ch->session, fd);
		return false;
	}
	ch->passed[ch->npassed].fd = fd;
	ch->passed[ch->npassed].start = bytes_len(&ch->out);
	ch->passed[ch->npassed++].end = SIZE_MAX;
	ch->handed++;
	ch->passing = true;
	return true;
}

/* --- writing --------------------------------------------------------------------- */

/*
 * One sendmsg of the queue's first bytes, with a descriptor or -1, and payload.
 * How much was taken; 0 on failure.
 */
static size_t
transmit(struct channel *ch, size_t first, int fd, const void *payload, size_t len)
{
	struct iovec iov[2] = {
	    {.iov_base = bytes_head(&ch->out), .iov_len = first},
	    {.iov_base = (void *)(uintptr_t)payload, .iov_len = len},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(fd))];
	} control;
	ssize_t n;

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
	}
	do
		n = sendmsg(ch->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n >= 0) {
		ch->moved = true;
		return (size_t)n;
	}
	if (errno == EPIPE || errno == ECONNRESET)
		go_deaf(ch);
	else if (errno != EAGAIN)
		channel_fail(ch, strerrorname_np(errno));
	return 0;
}

/* Over the mark nothing more is asked of the session, until half is left. */
static void
look_at_mark(struct channel *ch)
{
	if (ch->full || bytes_len(&ch->out) < ch->host->queue_high)
		return;
	ch->full = true;
	channel_update_reading(ch);
}

void
channel_write(struct channel *ch)
{
	size_t n, wanted;
	int fd;

	if (ch->state == CHANNEL_DEAD || ch->deaf)
		return;
	do {
		wanted = portion(ch, &fd);
		if (wanted == 0)
			return;
		n = transmit(ch, wanted, fd, NULL, 0);
		if (ch->state == CHANNEL_DEAD || ch->deaf)
			return;
		take(ch, n);
	} while (n == wanted && bytes_len(&ch->out) > 0);
	set_blocked(ch, bytes_len(&ch->out) > 0);
}

/* The queue and payload at once; what is not taken is queued. */
static void
write_with(struct channel *ch, const unsigned char *payload, size_t len)
{
	size_t queued, n = 0;

	if (ch->npassed > 0 && !ch->blocked)
		channel_write(ch);
	queued = bytes_len(&ch->out);
	if (!ch->blocked && ch->npassed == 0 && ch->state != CHANNEL_DEAD && !ch->deaf)
		n = transmit(ch, queued, -1, payload, len);
	if (ch->state == CHANNEL_DEAD || ch->deaf)
		return;
	if (n < queued) {
		bytes_take(&ch->out, n);
		n = 0;
	} else {
		bytes_take(&ch->out, queued);
		n -= queued;
	}
	bytes_append(&ch->out, payload + n, len - n);
	set_blocked(ch, bytes_len(&ch->out) > 0);
}

/* --- the session's sink ----------------------------------------------------- */

/* An idle channel holds no queue, so a turn's first message gets a useful one. */
static struct bytes *
sink_out(void *ctx)
{
	struct channel *ch = ctx;

	if (ch->out.base == NULL)
		(void)bytes_room(&ch->out, CHANNEL_OUT_MIN);
	return &ch->out;
}

static void
sink_commit(void *ctx, const void *payload, size_t len)
{
	struct channel *ch = ctx;
	size_t at_once = ch->host->queue_high;

	if (ch->state == CHANNEL_DEAD || ch->deaf) {
		bytes_truncate(&ch->out, 0);
		return;
	}
	if (bytes_failed(&ch->out)) {
		channel_fail(ch, "out of memory");
		return;
	}
	channel_mark(ch);
	if (ch->passing)
		ch->passed[ch->npassed - 1].end = bytes_len(&ch->out);
	ch->passing = false;
	if (at_once > CHANNEL_GATHER_MAX)
		at_once = CHANNEL_GATHER_MAX;
	if (len >= CHANNEL_DIRECT) {
		write_with(ch, payload, len);
	} else {
		bytes_append(&ch->out, payload, len);
		if (!ch->blocked && bytes_len(&ch->out) >= at_once)
			channel_write(ch);
	}
	if (bytes_failed(&ch->out))
		channel_fail(ch, "out of memory");
	look_at_mark(ch);
}

static bool
sink_room(void *ctx)
{
	const struct channel *ch = ctx;

	return ch->state == CHANNEL_OPEN && !ch->deaf && !ch->full;
}

static void
sink_attachments(void *ctx)
{
	struct channel *ch = ctx;

	wire_allow_attachments(&ch->wire);
}

/* One that sends no more may be done with. */
static void
sink_idle(void *ctx)
{
	struct channel *ch = ctx;

	if (ch->eof)
		channel_mark(ch);
}

static void
sink_adopt(void *ctx, struct session *s)
{
	struct channel *ch = ctx;

	ch->session = s;
}

/* What it says now is not what the client would say. */
static void
sink_taken(void *ctx, struct session *s)
{
	struct channel *ch = ctx;

	ch->session = s;
	channel_finish(ch);
}

const struct session_sink channel_sink = {
    .out = sink_out,
    .commit = sink_commit,
    .pass = sink_pass,
    .room = sink_room,
    .attachments = sink_attachments,
    .idle = sink_idle,
    .adopt = sink_adopt,
    .taken = sink_taken,
};

/* --- life --------------------------------------------------------------------- */

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;

	(void)fd;
	(void)what;
	channel_write(ch);
	channel_mark(ch);
}

bool
channel_out_init(struct channel *ch, short edges)
{
	ch->write_event = event_new(ch->host->base, ch->fd,
	    (short)(EV_WRITE | EV_PERSIST | edges), on_writable, ch);
	return ch->write_event != NULL;
}

void
channel_out_fini(struct channel *ch)
{
	if (ch->write_event != NULL)
		event_free(ch->write_event);
	ch->write_event = NULL;
}
