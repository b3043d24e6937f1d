/* SPDX-License-Identifier: ISC */
/*
 * send: straight to the kernel from the caller's memory while nothing is queued,
 * else through the output queue and its watermarks: semantics 1.6.
 *
 * With inet_backend socket (semantics 6) the queue holds what the kernel did not
 * take of one send, whose caller waits until it is empty; all others wait their
 * turn, and send_timeout is for them too.
 */
#include <errno.h>
#include <event2/event.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "proto/reason.h"
#include "tcp/tcp_socket.h"

/* One message: its header and its body. */
struct parcel {
	unsigned char header[PACKET_HEADER_MAX];
	size_t header_len;
	const unsigned char *body;
	size_t body_len;
};

static size_t
parcel_len(const struct parcel *p)
{
	return p->header_len + p->body_len;
}

/* --- waiting for the kernel --------------------------------------------------- */

static void writable(evutil_socket_t fd, short what, void *arg);

/* Is there anything that room in the kernel would set free? */
static bool
wants_room(const struct tcp_socket *s)
{
	return s->file != NULL ? tcp_sendfile_waits(s) : bytes_len(&s->out) > 0;
}

bool
tcp_writer_update(struct tcp_socket *s)
{
	if (!wants_room(s))
		return s->write_event == NULL || event_del(s->write_event) == 0;
	if (s->write_event == NULL)
		s->write_event = event_new(
		    s->ctx->base, s->fd, EV_WRITE | EV_PERSIST, writable, s);
	if (s->write_event == NULL)
		return false;
	return event_pending(s->write_event, EV_WRITE, NULL) ||
	    event_add(s->write_event, NULL) == 0;
}

void
tcp_writer_drop(struct tcp_socket *s, int reason)
{
	struct tcp_request *r = tcp_sendfile_end(s);

	bytes_fini(&s->out);
	(void)tcp_writer_update(s);
	(void)tcp_socket_charge(s);
	s->shut_pending = -1;
	s->busy = false;
	if (r != NULL)
		tcp_request_fail(r, reason);
	if (s->blocked != NULL)
		tcp_request_fail(s->blocked, reason);
}

/* Down to which the queue is to be for senders to go on. */
static size_t
low_mark(const struct tcp_socket *s)
{
	return s->set.socket_backend ? 0 : s->set.low_watermark;
}

/* The queue is short enough again. */
static void
unblock(struct tcp_socket *s)
{
	s->busy = false;
	if (s->blocked != NULL)
		tcp_request_fail(s->blocked, 0);
}

/* The queue has run empty. */
static void
drained(struct tcp_socket *s)
{
	bytes_fini(&s->out);
	(void)tcp_writer_update(s);
	tcp_close_flushed(s);
}

/* Some of the queue is out, or a file that was before it. */
static void
shrunk(struct tcp_socket *s)
{
	if (bytes_len(&s->out) > 0)
		bytes_trim(&s->out);
	else if (s->file == NULL)
		drained(s);
	(void)tcp_socket_charge(s);
	if (s->busy && bytes_len(&s->out) <= low_mark(s))
		unblock(s);
	tcp_senders_wake(s);
}

void
tcp_writer_resume(struct tcp_socket *s)
{
	if (s->state == TCP_CONNECTED && s->file == NULL)
		shrunk(s);
}

static void
writable(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_socket *s = arg;
	size_t len = s->file != NULL ? s->file_before : bytes_len(&s->out);
	ssize_t n;

	(void)what;
	if (s->file != NULL && len == 0) {
		tcp_reader_clear_errors(s);
		tcp_sendfile_go(s);
		return;
	}
	n = send(fd, bytes_head(&s->out), len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			tcp_writer_failed(s, errno, NULL);
		else
			tcp_reader_clear_errors(s);
		return;
	}
	bytes_take(&s->out, (size_t)n);
	if (s->file != NULL) {
		s->file_before -= (size_t)n;
		if (s->file_before == 0)
			tcp_sendfile_go(s);
	}
	shrunk(s);
}

/* --- failing -------------------------------------------------------------------- */

/* The state after a send error; what gen_tcp answers from then on. */
static void
fail_socket(struct tcp_socket *s, bool shown, bool answered)
{
	bool active = s->active.mode != OPTION_ACTIVE_FALSE;

	if (active) {
		/* The owner is slow, perhaps: what has come is still its own. */
		tcp_input_rescue(s);
		tcp_notice_closed(s, shown ? ECONNRESET : 0);
	} else {
		s->recv_closed = true;
		s->recv_reset = shown;
		s->send_closed = s->send_closed || !answered;
	}
	if (active && s->set.exit_on_close)
		tcp_notice_over(s);
	else
		tcp_state_move(s, TCP_ZOMBIE);
	tcp_socket_close_fd(s);
	bytes_fini(&s->out);
	(void)tcp_socket_charge(s);
	s->shut_pending = -1;
	s->busy = false;
}

/* r's answer is settled; it comes after what the owner is told. */
static void
settle(struct tcp_socket *s, struct tcp_request *r, int reason)
{
	if (s->blocked == r)
		s->blocked = NULL;
	if (r->reason == 0) /* a sendfile's is perhaps another */
		r->reason = reason;
	TAILQ_INSERT_HEAD(&s->senders, r, link);
	r->queued = true;
}

void
tcp_writer_failed(struct tcp_socket *s, int err, struct tcp_request *r)
{
	/* gen_tcp: EPIPE is a reset, but behind a shutdown that the kernel refused */
	bool reset = err == ECONNRESET || (err == EPIPE && !s->shut_failed);
	bool shown = reset && s->set.show_econnreset;
	struct tcp_request *file = tcp_sendfile_end(s);

	tcp_trace(s, "output failed: %s", reason_name(err));
	if (s->state != TCP_CONNECTED) {
		/* closing: nobody is left to be told, but for a sender */
		tcp_socket_end(s, REASON_CLOSED, true);
		if (r != NULL)
			tcp_request_fail(r, REASON_CLOSED);
		return;
	}
	if (r == NULL)
		r = s->blocked;
	fail_socket(s, shown, r != NULL || file != NULL);
	if (file != NULL)
		settle(s, file, REASON_CLOSED);
	if (r != NULL)
		settle(s, r, shown ? ECONNRESET : REASON_CLOSED);
	if (s->state == TCP_ZOMBIE)
		tcp_recv_refuse_rest(s, REASON_CLOSED);
	tcp_reader_deliver(s);
	tcp_senders_wake(s);
}

/* --- sending -------------------------------------------------------------------- */

/* How many bytes the kernel took; -1 with errno if it takes none ever. */
static ssize_t
send_direct(const struct tcp_socket *s, struct parcel *p)
{
	struct iovec iov[2] = {
	    {p->header, p->header_len},
	    {(void *)(uintptr_t)p->body, p->body_len},
	};
	const struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	do
		n = sendmsg(s->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	return n;
}

/* Queues p but for its first n bytes; all or nothing. */
static bool
enqueue(struct tcp_socket *s, const struct parcel *p, size_t n)
{
	size_t before = bytes_len(&s->out);
	size_t head = n < p->header_len ? n : p->header_len, body = n - head;

	if (bytes_append(&s->out, p->header + head, p->header_len - head) &&
	    (body == p->body_len ||
		bytes_append(&s->out, p->body + body, p->body_len - body)) &&
	    tcp_writer_update(s))
		return true;
	bytes_truncate(&s->out, before);
	return false;
}

/* Out of the list of those who wait their turn, with what it holds. */
static void
take_held(struct tcp_socket *s, struct tcp_request *r, struct bytes *rest)
{
	TAILQ_REMOVE(&s->senders, r, link);
	r->queued = false;
	tcp_senders_leave(s, r);
	if (!s->set.socket_backend)
		return;
	*rest = r->held;
	bytes_init(&r->held);
}

void
tcp_writer_take_back(struct tcp_socket *s, struct tcp_request *r, struct bytes *rest)
{
	if (r->queued) {
		take_held(s, r, rest);
		return;
	}
	if (s->blocked != r)
		return;
	s->busy = false;
	if (!s->set.socket_backend)
		return;
	*rest = s->out;
	bytes_init(&s->out);
	(void)tcp_writer_update(s);
	(void)tcp_socket_charge(s);
	s->sent.oct -= bytes_len(rest);
}

/*
 * send_timeout_close: the connection ends, and nobody is told.  Whose file was on
 * its way, if anybody's, is to be answered.
 */
static struct tcp_request *
end_silently(struct tcp_socket *s)
{
	struct tcp_request *file = tcp_sendfile_end(s);

	s->busy = false;
	tcp_state_move(s, TCP_ZOMBIE);
	tcp_socket_close_fd(s);
	bytes_fini(&s->out);
	tcp_input_drop(s);
	(void)tcp_socket_charge(s);
	s->shut_pending = -1;
	return file;
}

/*
 * send_timeout: r gives up waiting, though what it gave is queued and will be
 * sent; with the backend socket it gets that back.  With send_timeout_close the
 * connection ends.
 */
static void
expire(struct tcp_socket *s, struct tcp_request *r)
{
	struct tcp_outcome o = {.reason = REASON_TIMEOUT};
	bool close = s->set.send_timeout_close;
	struct tcp_request *file = NULL;
	struct bytes rest = {0};

	if (close)
		file = end_silently(s);
	else
		tcp_writer_take_back(s, r, &rest);
	o.data = bytes_head(&rest);
	o.len = bytes_len(&rest);
	tcp_request_finish(r, &o);
	bytes_fini(&rest);
	if (file != NULL)
		tcp_request_fail(file, REASON_CLOSED);
	if (close && s->blocked != NULL)
		tcp_request_fail(s->blocked, REASON_CLOSED);
	if (close)
		tcp_recv_refuse(s, REASON_CLOSED);
	tcp_senders_wake(s);
}

static void
expired(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_request *r = arg;

	(void)fd;
	(void)what;
	expire(r->socket, r);
}

/*
 * Keeps r until the queue has shrunk to the low mark.  Its time runs already where
 * it has waited its turn.
 */
static void
block(struct tcp_socket *s, struct tcp_request *r)
{
	int64_t timeout = s->set.send_timeout;
	bool timed = r->timer != NULL;

	s->busy = true;
	s->blocked = r;
	if (timeout == 0 && !timed) {
		expire(s, r);
		return;
	}
	/* What is queued will be sent: without a timer it is good enough. */
	if (!timed && !tcp_request_arm(r, s->ctx, timeout, expired) &&
	    !s->set.socket_backend)
		unblock(s);
}

/* Why a send is refused before anything is taken, or 0. */
static int
send_refusal(struct tcp_socket *s, size_t len)
{
	if (tcp_is_gone(s))
		return REASON_CLOSED;
	if (s->state != TCP_CONNECTED && s->send_closed) {
		s->send_closed = false;
		return s->recv_reset ? ECONNRESET : REASON_CLOSED;
	}
	if (s->state != TCP_CONNECTED)
		return ENOTCONN;
	if (len > s->set.packet->max_body)
		return EMSGSIZE;
	return 0;
}

/* The kernel or the queue takes p.  Where not, r has its answer. */
static bool
take(struct tcp_socket *s, struct parcel *p, struct tcp_request *r)
{
	size_t total = parcel_len(p);
	ssize_t n = 0;

	if (bytes_len(&s->out) == 0 && s->file == NULL && !s->set.delay_send && total > 0)
		n = send_direct(s, p);
	if (n < 0) {
		tcp_writer_failed(s, errno, r);
		return false;
	}
	if ((size_t)n == total || enqueue(s, p, (size_t)n))
		return true;
	if (n > 0) {
		/* A hole in the stream cannot be mended. */
		tcp_writer_failed(s, ENOMEM, r);
		return false;
	}
	(void)tcp_socket_charge(s);
	tcp_request_fail(r, ENOMEM);
	return false;
}

/* r sends p; it may be refused, as the socket is by now. */
static void
admit(struct tcp_socket *s, struct parcel *p, struct tcp_request *r)
{
	size_t before = bytes_len(&s->out), total = parcel_len(p);
	bool behind = before > 0 || s->file != NULL;

	if (s->shut_pending != -1) {
		/* Its own fault, and no reset; once shut down it would be one. */
		tcp_writer_failed(s, REASON_CLOSED, r);
		return;
	}
	/* Before the kernel is tried: what it leaves could not be refused any more. */
	if (!tcp_socket_reserve(s, total)) {
		tcp_request_fail(r, REASON_SYSTEM_LIMIT);
		return;
	}
	tcp_count_sent(s, total);
	if (!take(s, p, r))
		return;
	(void)tcp_socket_charge(s);
	r->length = total;
	if (s->set.socket_backend ? bytes_len(&s->out) > 0
				  : behind && before + total >= s->set.high_watermark)
		block(s, r);
	else
		tcp_request_fail(r, 0);
}

void
tcp_writer_send(struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r)
{
	struct parcel p = {.body = data, .body_len = len};
	int reason = send_refusal(s, len);

	if (reason != 0) {
		tcp_request_fail(r, reason);
		return;
	}
	p.header_len = s->set.packet->header(len, p.header);
	admit(s, &p, r);
}

void
tcp_writer_send_framed(
    struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r)
{
	struct parcel p = {.body = data, .body_len = len};
	int reason = send_refusal(s, 0); /* its length was good with its header */

	if (reason != 0)
		tcp_request_fail(r, reason);
	else
		admit(s, &p, r);
}

void
tcp_writer_suspend(
    struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r)
{
	unsigned char header[PACKET_HEADER_MAX];
	int reason = send_refusal(s, len);

	if (reason == 0 &&
	    !bytes_append(&r->held, header, s->set.packet->header(len, header)))
		reason = ENOMEM;
	if (reason != 0) {
		tcp_request_fail(r, reason);
		return;
	}
	r->framed = true;
	if (!tcp_senders_suspend(r, data, len))
		return;
	if (s->set.send_timeout == 0)
		expire(s, r);
	else if (!tcp_request_arm(r, s->ctx, s->set.send_timeout, expired))
		tcp_request_fail(r, ENOMEM);
}
