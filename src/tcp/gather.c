/* SPDX-License-Identifier: ISC */
/*
 * Small sends of one loop turn, written by one system call for each socket.
 * Each sender has the answer that it would have had alone: what the kernel took
 * is ok, also where it took a part; a failure is the first one's; whoever the
 * kernel left nothing for goes the way of a send behind a queue.
 *
 * Before anything else is done with the socket its sends are written, so that
 * all takes effect in the order it was asked for.
 */
#include <errno.h>
#include <sys/socket.h>

#include "proto/reason.h"
#include "tcp/tcp_socket.h"

enum {
	GATHER_BODY = 8 * 1024,	  /* larger ones go straight to the kernel */
	GATHER_MIN = 2 * 1024,	  /* of a queue that is not empty */
	GATHER_BYTES = 64 * 1024, /* of a socket, then it is written */
	GATHER_SENDS = 1024	  /* of all sockets, then all are written */
};

void
tcp_gather(struct tcp_context *ctx)
{
	ctx->gathers = true;
}

/*
 * An empty one is not worth it, and each that is gathered has an end of its own
 * in the bytes.
 */
static bool
can_gather(const struct tcp_socket *s, size_t len)
{
	return s->ctx->gathers && !s->flushing && s->state == TCP_CONNECTED && len > 0 &&
	    len < GATHER_BODY && len <= s->set.packet->max_body &&
	    bytes_len(&s->out) == 0 && s->file == NULL && !s->busy &&
	    TAILQ_EMPTY(&s->senders) && s->shut_pending == -1 && !s->set.delay_send &&
	    !s->set.socket_backend;
}

/* Appends header and body; all or nothing. */
static bool
append(struct tcp_socket *s, const void *data, size_t len)
{
	unsigned char header[PACKET_HEADER_MAX];
	size_t before = bytes_len(&s->gathered), n = s->set.packet->header(len, header);

	if (s->gathered.base == NULL)
		(void)bytes_room(&s->gathered, GATHER_MIN);
	if (bytes_append(&s->gathered, header, n) &&
	    bytes_append(&s->gathered, data, len))
		return true;
	bytes_truncate(&s->gathered, before);
	return false;
}

bool
tcp_gather_send(struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r)
{
	struct tcp_context *ctx = s->ctx;

	if (!can_gather(s, len) || !append(s, data, len)) {
		tcp_gather_flush(s);
		return false;
	}
	if (TAILQ_EMPTY(&s->gathering))
		TAILQ_INSERT_TAIL(&ctx->gathered, s, gather_link);
	TAILQ_INSERT_TAIL(&s->gathering, r, link);
	r->gathered = r->queued = true;
	r->length = bytes_len(&s->gathered);
	ctx->gather_sends++;
	if (r->length >= GATHER_BYTES)
		tcp_gather_flush(s);
	else if (ctx->gather_sends >= GATHER_SENDS)
		tcp_flush(ctx);
	return true;
}

/* Takes r out of the list; it waits for nothing then. */
static void
leave(struct tcp_socket *s, struct tcp_request *r)
{
	TAILQ_REMOVE(&s->gathering, r, link);
	r->gathered = r->queued = false;
	s->ctx->gather_sends--;
}

/* What the kernel takes of it all, 0 if nothing at the moment, -1 with errno. */
static ssize_t
write_all(struct tcp_socket *s)
{
	size_t len = bytes_len(&s->gathered);
	ssize_t n;

	if (len == 0)
		return 0;
	do
		n = send(
		    s->fd, bytes_head(&s->gathered), len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : n;
}

/* Nothing of r was written: it goes on as a send that comes now. */
static void
hand_on(struct tcp_socket *s, struct tcp_request *r, const void *data, size_t len)
{
	if (s->busy) {
		r->framed = true;
		(void)tcp_senders_suspend(r, data, len);
	} else
		tcp_writer_send_framed(s, data, len, r);
}

/*
 * Where the last one ends that something was written of, or that the error err
 * is for.
 */
static size_t
written_to(const struct tcp_socket *s, size_t n, int err)
{
	const struct tcp_request *r;
	size_t at = 0;

	TAILQ_FOREACH (r, &s->gathering, link) {
		if (at >= n && (at > 0 || err == 0))
			break;
		at = r->length;
	}
	return at;
}

/* The answers, when n of the bytes in data were written, or err came of it. */
static void
answer(struct tcp_socket *s, const unsigned char *data, size_t n, int err)
{
	size_t at = written_to(s, n, err), start = 0, len;
	struct tcp_request *r;
	bool hole = false;

	/* before any answer, each of which may do anything with the socket */
	if (at > n && err == 0)
		hole = !bytes_append(&s->out, data + n, at - n) || !tcp_writer_update(s);
	(void)tcp_socket_charge(s);
	while ((r = TAILQ_FIRST(&s->gathering)) != NULL) {
		len = r->length - start;
		start += len;
		leave(s, r);
		if (start > at) {
			hand_on(s, r, data + start - len, len);
			continue;
		}
		tcp_count_sent(s, len);
		if (err != 0)
			tcp_writer_failed(s, err, r);
		else if (hole && start > n) /* it cannot be mended */
			tcp_writer_failed(s, ENOMEM, r);
		else
			tcp_request_fail(r, 0);
	}
}

void
tcp_gather_flush(struct tcp_socket *s)
{
	struct bytes data;
	ssize_t n = 0;
	int err = 0;

	if (TAILQ_EMPTY(&s->gathering) || s->flushing)
		return;
	TAILQ_REMOVE(&s->ctx->gathered, s, gather_link);
	/* without room for what may have to be queued each is judged alone */
	if (tcp_socket_reserve(s, bytes_len(&s->gathered))) {
		n = write_all(s);
		if (n < 0) {
			err = errno;
			n = 0;
		}
	}
	data = s->gathered;
	bytes_init(&s->gathered);
	s->flushing = true;
	answer(s, bytes_head(&data), (size_t)n, err);
	s->flushing = false;
	bytes_fini(&data);
	tcp_senders_wake(s);
}

static void
unheard(struct tcp_request *r, const struct tcp_outcome *o)
{
	(void)r;
	(void)o;
}

void
tcp_gather_cancel(struct tcp_request *r)
{
	struct tcp_socket *s = r->socket;

	r->done = unheard;
	tcp_gather_flush(s);
	if (r->gathered) /* within the flush: its bytes are on their way */
		leave(s, r);
}

bool
tcp_gathering(const struct tcp_context *ctx)
{
	return !TAILQ_EMPTY(&ctx->gathered);
}

void
tcp_flush(struct tcp_context *ctx)
{
	struct tcp_socket *s;

	while ((s = TAILQ_FIRST(&ctx->gathered)) != NULL)
		tcp_gather_flush(s);
}
