/* SPDX-License-Identifier: ISC */
/*
 * A channel's output.  Small messages are gathered and written once in a loop
 * turn.  A large payload goes out at once, straight from where it lies, and only
 * what the kernel did not take is copied.
 */
#include <errno.h>
#include <event2/event.h>
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
	set_blocked(ch, false);
	channel_mark(ch);
}

/* One sendmsg of the queue and payload.  How much was taken; 0 on failure. */
static size_t
transmit(struct channel *ch, const void *payload, size_t len)
{
	struct iovec iov[2] = {
	    {.iov_base = bytes_head(&ch->out), .iov_len = bytes_len(&ch->out)},
	    {.iov_base = (void *)(uintptr_t)payload, .iov_len = len},
	};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = len > 0 ? 2 : 1};
	ssize_t n;

	do
		n = sendmsg(ch->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	if (n >= 0)
		return (size_t)n;
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
	size_t n;

	if (ch->state == CHANNEL_DEAD || ch->deaf || bytes_len(&ch->out) == 0)
		return;
	n = transmit(ch, NULL, 0);
	if (ch->state == CHANNEL_DEAD || ch->deaf)
		return;
	bytes_take(&ch->out, n);
	set_blocked(ch, bytes_len(&ch->out) > 0);
}

/* The queue and payload at once; what is not taken is queued. */
static void
write_with(struct channel *ch, const unsigned char *payload, size_t len)
{
	size_t queued = bytes_len(&ch->out), n = 0;

	if (!ch->blocked)
		n = transmit(ch, payload, len);
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

const struct session_sink channel_sink = {
    .out = sink_out,
    .commit = sink_commit,
    .room = sink_room,
    .attachments = sink_attachments,
    .idle = sink_idle,
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
