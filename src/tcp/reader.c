/* SPDX-License-Identifier: ISC */
/*
 * From the kernel to whoever wants it: the owner of an active socket, the
 * waiting recv of a passive one.  A socket reads only when its bytes are wanted
 * and there is room for what they become; all else stays in the kernel.
 *
 * Everything goes through tcp_reader_deliver(), a loop of small steps, which
 * looks at the socket afresh after each callback: a callback may set options,
 * start a recv or a send, or close the socket.
 */
#include <errno.h>
#include <event2/event.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "packet/packet_http.h"
#include "proto/reason.h"
#include "tcp/tcp_socket.h"

enum {
	READER_RAW = 64 * 1024,	  /* longest raw delivery while buffer is not set */
	READER_TURN = 256 * 1024, /* read of one socket before others have theirs */
	READER_NOTES = 64,	  /* of its error queue at a time */
	READER_SOME = 4096	  /* room while a packet's length is not known */
};

/* What one run of the loop may still do. */
struct turn {
	size_t left; /* bytes to read */
	bool dry;    /* the kernel has no more */
};

static bool
is_active(const struct tcp_socket *s)
{
	return s->active.mode != OPTION_ACTIVE_FALSE;
}

void
tcp_reader_activated(struct tcp_socket *s, enum option_active before)
{
	if (!is_active(s))
		return;
	tcp_recv_refuse(s, EINVAL);
	if (s->active.mode != before)
		s->eof = false;
}

void
tcp_reader_woken(struct tcp_socket *s)
{
	tcp_input_drop(s);
	if (!s->closed_told) {
		tcp_notice_closed(s, s->recv_reset ? ECONNRESET : 0);
		s->recv_reset = false; /* told: to recv it is but closed */
	}
	if (s->set.exit_on_close)
		tcp_notice_over(s);
}

/* --- the end of the input -------------------------------------------------- */

/*
 * Nothing more can be read: the peer has closed (REASON_CLOSED), or an error.
 * Output that waits is dropped with the descriptor, as gen_tcp does: to serve
 * peers that close their half early is what exit_on_close false is for.
 */
static void
input_ended(struct tcp_socket *s, int reason)
{
	bool active = is_active(s), last = s->set.exit_on_close;
	bool blocked = s->blocked != NULL;

	/* A blocked sender hears of it now, else the next one does, once. */
	if (reason == REASON_CLOSED && !blocked)
		s->send_closed = true;
	if (active)
		tcp_notice_closed(s, reason == REASON_CLOSED ? 0 : reason);
	if (last) {
		if (active && reason != REASON_CLOSED)
			s->end_reason = reason;
		if (active)
			tcp_notice_over(s);
		else
			tcp_state_move(s, TCP_ZOMBIE);
		tcp_socket_close_fd(s);
	} else {
		s->eof = reason == REASON_CLOSED;
		s->deaf = active && !s->eof;
	}
	if (last || blocked)
		tcp_writer_drop(s, REASON_CLOSED);
	if (!active)
		tcp_recv_refuse_rest(s, reason);
	tcp_input_drop(s);
	(void)tcp_socket_charge(s);
	tcp_senders_wake(s);
}

/*
 * A reset passes for an orderly end unless the user wants to know.  Output that
 * waits has failed in the same moment, and gen_tcp hears of that first.
 */
static void
read_failed(struct tcp_socket *s, int err)
{
	bool hidden = err == ECONNRESET && !s->set.show_econnreset;

	if (err == ECONNRESET && (bytes_len(&s->out) > 0 || s->file != NULL)) {
		tcp_writer_failed(s, err, NULL);
		return;
	}
	input_ended(s, hidden ? REASON_CLOSED : err);
}

/* --- reading ------------------------------------------------------------------ */

/* gen_tcp cuts at buffer's 1460 always; here only where buffer was asked for. */
static size_t
raw_limit(const struct tcp_socket *s)
{
	return s->set.buffer_set ? s->set.framing.buffer : READER_RAW;
}

/* recv(socket, N): that many bytes and no others. */
static size_t
exact_length(const struct tcp_socket *s)
{
	return is_active(s) || s->receiver == NULL ? 0 : s->receiver->length;
}

static enum packet_status
next_raw(const struct tcp_socket *s, struct packet_span *span)
{
	size_t len = bytes_len(&s->in), limit = raw_limit(s);

	*span = (struct packet_span){0};
	span->total = span->len = len < limit ? len : limit;
	return len > 0 ? PACKET_READY : PACKET_MORE;
}

/* Where it ends is known, whatever packet has become since. */
static enum packet_status
next_known(const struct tcp_socket *s, size_t total, struct packet_span *span)
{
	*span = (struct packet_span){0};
	if (bytes_len(&s->in) < total) {
		span->want = total;
		return PACKET_MORE;
	}
	span->total = total;
	s->set.packet->strip(bytes_head(&s->in), span);
	return PACKET_READY;
}

static enum packet_status
next_framed(struct tcp_socket *s, struct packet_span *span)
{
	enum packet_status status;

	*span = (struct packet_span){0};
	if (bytes_len(&s->in) == 0)
		return PACKET_MORE;
	status = s->set.packet->decode(&s->set.framing, &s->packet_state,
	    bytes_head(&s->in), bytes_len(&s->in), span);
	if (status == PACKET_MORE)
		s->awaited = span->want;
	return status;
}

/* What is to be delivered next, by the socket's packet type as it is now. */
static enum packet_status
next_packet(struct tcp_socket *s, struct packet_span *span)
{
	enum packet_status status;
	size_t exact = exact_length(s);

	if (exact > 0)
		s->awaited = 0;
	if (exact > 0 || s->awaited > 0)
		status = next_known(s, exact > 0 ? exact : s->awaited, span);
	else if (s->set.packet->raw)
		status = next_raw(s, span);
	else
		status = next_framed(s, span);
	s->partial = status == PACKET_MORE && bytes_len(&s->in) > 0;
	return status;
}

/*
 * How much to read.  raw: what makes one delivery, or just what is missing, so
 * that the rest waits in the kernel.  Framed: whatever fits.
 */
static size_t
read_size(struct tcp_socket *s, size_t want, size_t *room)
{
	size_t len = bytes_len(&s->in);

	if (want > 0)
		*room = want - len;
	else
		*room = s->set.packet->raw ? raw_limit(s) : (size_t)READER_SOME;
	if (*room > READER_TURN)
		*room = READER_TURN;
	/* More than a packet only where the account has room for it. */
	if (s->set.packet->raw || !tcp_socket_reserve(s, READER_TURN))
		return *room;
	return SIZE_MAX;
}

static ssize_t
read_some(struct tcp_socket *s, size_t want, bool *whole)
{
	size_t room, space, size = read_size(s, want, &room);
	unsigned char *at = tcp_input_room(s, room, &space);
	ssize_t n;

	if (at == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (size > space)
		size = space;
	n = tcp_input_receive(s, at, size);
	if (n > 0)
		bytes_put(&s->in, (size_t)n);
	*whole = n >= 0 && (size_t)n == size;
	return n;
}

/*
 * An error queue that is not empty makes a socket readable for ever.  Whoever shares
 * it can have the kernel put notes there (zero copy, time stamps): nobody but us
 * wakes for them.
 */
void
tcp_reader_clear_errors(const struct tcp_socket *s)
{
	struct msghdr msg = {0};
	int i;

	for (i = 0; s->passed && i < READER_NOTES; i++)
		if (recvmsg(s->fd, &msg, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
}

/* Reads once.  False if the loop is to end: nothing there, or the turn is over. */
static bool
fill(struct tcp_socket *s, size_t want, struct turn *turn)
{
	bool whole = false;
	ssize_t n;

	if (turn->left == 0 || turn->dry)
		return false;
	n = read_some(s, want, &whole);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		turn->dry = true;
		tcp_reader_clear_errors(s);
		return false;
	}
	if (n < 0) {
		read_failed(s, errno);
	} else if (n == 0) {
		input_ended(s, REASON_CLOSED);
	} else {
		/* Less than asked for: the kernel has no more, no need to ask. */
		turn->dry = !whole;
		turn->left -= (size_t)n < turn->left ? (size_t)n : turn->left;
	}
	return true;
}

/* --- the steps ------------------------------------------------------------- */

/* A line of an http type is told as what it says; not under deliver port. */
static void
observe(struct tcp_socket *s, const unsigned char *data, size_t len)
{
	const struct tcp_context *ctx = s->ctx;
	struct packet_http http;

	if (s->set.packet->http && !s->set.deliver_port) {
		packet_http_parse(&s->packet_state, data, len, &http);
		ctx->observer->http(ctx->observer_ctx, s, &http);
		return;
	}
	ctx->observer->data(ctx->observer_ctx, s, data, len);
}

/* One packet to the owner; it counts against {active, N} before it is seen. */
static void
deliver(struct tcp_socket *s, const struct packet_span *span)
{
	const unsigned char *data = bytes_head(&s->in) + span->offset;

	tcp_count_received(s, span->total);
	if (active_spend(&s->active))
		s->notices |= NOTICE_PASSIVE;
	tcp_input_take(s, span->total);
	observe(s, data, span->len);
}

static bool
active_step(struct tcp_socket *s, struct turn *turn)
{
	struct packet_span span;

	/* What found no room goes first. */
	if (s->notices != 0)
		return tcp_notice_tell(s, NOTICE_ERROR | NOTICE_CLOSED);
	if (!s->started || !tcp_notice_room(s))
		return false;
	switch (next_packet(s, &span)) {
	case PACKET_READY:
		deliver(s, &span);
		return true;
	case PACKET_INVALID:
		input_ended(s, EMSGSIZE);
		return true;
	case PACKET_MORE:
		break;
	}
	if (!s->eof && !s->deaf)
		return fill(s, span.want, turn);
	tcp_notice_closed(s, 0);
	return s->notices != 0;
}

static bool
recv_step(struct tcp_socket *s, struct turn *turn)
{
	const struct tcp_context *ctx = s->ctx;
	struct packet_span span;

	if (s->receiver == NULL)
		return false;
	/* Before reading, too: what is not read yet the peer can still keep. */
	s->recv_held = !ctx->observer->recv_room(ctx->observer_ctx, s->receiver);
	if (s->recv_held)
		return false;
	switch (next_packet(s, &span)) {
	case PACKET_READY:
		tcp_recv_answer(s, &span);
		return true;
	case PACKET_INVALID:
		input_ended(s, EMSGSIZE);
		return true;
	case PACKET_MORE:
		break;
	}
	if (!s->eof && !s->deaf)
		return fill(s, span.want, turn);
	tcp_recv_refuse_rest(s, REASON_CLOSED);
	return true;
}

/* The descriptor is closed; data that came before that goes first. */
static bool
last_step(struct tcp_socket *s)
{
	struct packet_span span;

	if (s->notices & NOTICE_PASSIVE)
		return false;
	if (s->notices != 0 && is_active(s) && next_packet(s, &span) == PACKET_READY) {
		if (!s->started || !tcp_notice_room(s))
			return false;
		deliver(s, &span);
		return true;
	}
	if (s->notices != 0)
		return tcp_notice_tell(s, NOTICE_ERROR | NOTICE_CLOSED);
	if (s->state == TCP_TOLD)
		tcp_socket_end(s, REASON_CLOSED, true);
	return false;
}

/* One thing that can be done now.  False if there is none. */
static bool
step(struct tcp_socket *s, struct turn *turn)
{
	if (tcp_notice_tell(s, NOTICE_PASSIVE))
		return true;
	switch (s->state) {
	case TCP_CONNECTED:
		if (is_active(s))
			return active_step(s, turn);
		return tcp_notice_tell(s, NOTICE_ERROR | NOTICE_CLOSED) ||
		    recv_step(s, turn);
	case TCP_ZOMBIE:
	case TCP_TOLD:
		return last_step(s);
	default:
		return false;
	}
}

/* --- the loop ------------------------------------------------------------------ */

/* Is there anybody for what could be read? */
static bool
wanted(const struct tcp_socket *s)
{
	if (s->state != TCP_CONNECTED || s->eof || s->deaf)
		return false;
	if (is_active(s))
		return s->started && !s->held;
	return s->receiver != NULL && !s->recv_held;
}

/*
 * When input is no more wanted the event stays until it fires for nothing: a
 * socket that is set active once again and again, or asked recv after recv,
 * would else have it put in and out each time.
 */
static void
readable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_socket *s = arg;

	(void)fd;
	(void)what;
	if (wanted(s))
		tcp_reader_deliver(s);
	else
		(void)event_del(s->read_event);
}

static bool
wait_readable(struct tcp_socket *s)
{
	if (!wanted(s))
		return true;
	if (s->read_event == NULL)
		s->read_event = event_new(
		    s->ctx->base, s->fd, EV_READ | EV_PERSIST, readable, s);
	if (s->read_event == NULL)
		return false;
	return event_pending(s->read_event, EV_READ, NULL) ||
	    event_add(s->read_event, NULL) == 0;
}

/* All steps that can be taken; again: a callback may have set more free. */
static void
run(struct tcp_socket *s, struct turn *turn)
{
	s->delivering = true;
	do
		s->again = false;
	while (step(s, turn) || s->again);
	s->delivering = false;
	tcp_input_settle(s);
}

/* Can s go on?  A partial packet that the account has no room for cannot. */
static bool
can_go_on(struct tcp_socket *s)
{
	if (s->state != TCP_CONNECTED)
		return true;
	if (!tcp_socket_charge(s) && s->partial)
		return false;
	return wait_readable(s);
}

/* Is nothing there, so that no event will come for it? */
static bool
kernel_is_empty(const struct tcp_socket *s)
{
	int ready = 0;

	return s->fd >= 0 && ioctl(s->fd, FIONREAD, &ready) == 0 && ready == 0;
}

void
tcp_reader_deliver(struct tcp_socket *s)
{
	struct turn turn = {.left = READER_TURN};

	tcp_gather_flush(s);
	if (s->delivering) {
		s->again = true;
		return;
	}
	if (s->silent)
		return;
	run(s, &turn);
	while (!can_go_on(s)) {
		input_ended(s, ENOMEM);
		run(s, &turn);
	}
	/* With the turn over there may be more, and then the event brings it. */
	if (turn.dry || turn.left > 0 || kernel_is_empty(s))
		tcp_recv_watch(s);
}
