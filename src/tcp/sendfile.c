/* SPDX-License-Identifier: ISC */
/*
 * file:sendfile: a file's turn in the output stream, semantics 1.14.  What was
 * queued before goes first, what is sent meanwhile is queued and goes behind; a
 * thread sends it piece by piece, and between pieces the socket waits for room
 * on the loop, so that a slow peer costs no thread.
 *
 * While s->file is set nothing else is written once s->file_before is 0.
 */
#include "tcp/sendfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/tcp_socket.h"

static struct sendfile *
of_job(struct worker_job *job)
{
	return (struct sendfile *)((char *)job - offsetof(struct sendfile, job));
}

/* --- the end ----------------------------------------------------------------------- */

static void
do_nothing(struct worker_job *job)
{
	(void)job;
}

/* Closing a file may take long, so a thread does that too, if one can be had. */
void
tcp_sendfile_free(struct tcp_context *ctx, struct sendfile *f)
{
	if (!f->working) {
		/* the peer is to see the end though all threads are busy */
		if (f->socket != -1 && !f->shared && f->s->family != AF_LOCAL) {
			(void)close(f->socket);
			f->socket = -1;
		}
		f->job.run = do_nothing;
		if (workers_run(ctx->files, &f->job) != 0) {
			sendfile_drop(&f->job);
			return;
		}
	}
	workers_drop(ctx->files, &f->job);
}

struct tcp_request *
tcp_sendfile_end(struct tcp_socket *s)
{
	struct sendfile *f = s->file;
	struct tcp_request *r;

	if (f == NULL)
		return NULL;
	r = f->r;
	if (r != NULL)
		r->running = false;
	s->file = NULL;
	s->file_before = 0;
	if (f->corked)
		sendfile_uncork(f->socket);
	tcp_sendfile_free(s->ctx, f);
	return r;
}

/* Its place in the stream is another's. */
static void
leave(struct tcp_socket *s, int reason, uint64_t sent)
{
	const struct tcp_outcome o = {.reason = reason, .sent = sent};
	struct tcp_request *r = tcp_sendfile_end(s);

	tcp_trace(s, "file: %" PRIu64 " bytes, %s", sent,
	    reason == 0 ? "ok" : reason_name(reason));
	if (!tcp_writer_update(s)) {
		tcp_writer_failed(s, ENOMEM, r);
		return;
	}
	if (r != NULL)
		tcp_request_finish(r, &o);
	tcp_writer_resume(s);
}

/* --- pieces ------------------------------------------------------------------------ */

static void
failed(struct tcp_socket *s, struct sendfile *f)
{
	struct tcp_request *r;
	int error = f->error;
	bool of_file;

	/* nothing was sent, and nothing is wrong with the connection */
	if (f->file_error && f->sent == 0) {
		leave(s, error, 0);
		return;
	}
	/* the stream cannot go on behind half a file */
	of_file = f->file_error;
	r = tcp_sendfile_end(s);
	if (r != NULL) /* a reset is not shown here */
		r->reason = of_file ? error : REASON_CLOSED;
	tcp_writer_failed(s, error, r);
}

static void
piece_done(struct worker_job *job)
{
	struct sendfile *f = of_job(job);
	struct tcp_socket *s = f->s;

	f->working = false;
	s->ctx->tally.file_bytes += f->sent - f->told;
	f->told = f->sent;
	if (f->end == SENDFILE_FAILED)
		failed(s, f);
	else if (f->end == SENDFILE_DONE)
		leave(s, 0, f->sent);
	else if (f->end == SENDFILE_MORE)
		tcp_sendfile_go(s);
	else if (!tcp_writer_update(s))
		tcp_writer_failed(s, ENOMEM, tcp_sendfile_end(s));
}

void
tcp_sendfile_go(struct tcp_socket *s)
{
	struct sendfile *f = s->file;

	f->shared = s->passed;
	if (f->socket == -1) {
		f->socket = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
		if (f->socket == -1) {
			leave(s, errno, 0);
			return;
		}
		f->corked = s->family != AF_LOCAL && sendfile_cork(f->socket);
	}
	f->working = true;
	if (workers_run(s->ctx->files, &f->job) != 0) {
		f->working = false;
		if (f->sent == 0)
			leave(s, REASON_SYSTEM_LIMIT, 0);
		else
			tcp_writer_failed(s, ENOMEM, tcp_sendfile_end(s));
	} else if (!tcp_writer_update(s))
		tcp_writer_failed(s, ENOMEM, tcp_sendfile_end(s));
}

bool
tcp_sendfile_waits(const struct tcp_socket *s)
{
	return s->file_before > 0 || !s->file->working;
}

bool
tcp_sendfile_holds(const struct tcp_socket *s, const struct tcp_request *r)
{
	if (r->kind == TCP_R_SHUTDOWN && r->how != SHUT_RD)
		return true;
	return s->file->r != NULL && s->file->r->caller == r->caller;
}

/* --- the request ------------------------------------------------------------------- */

void
tcp_sendfile_run(struct tcp_socket *s, struct tcp_request *r)
{
	int reason = 0;

	if (tcp_is_gone(s))
		reason = EINVAL;
	else if (s->state != TCP_CONNECTED)
		reason = ENOTCONN;
	if (reason != 0) {
		tcp_request_fail(r, reason);
		return;
	}
	if (s->shut_pending != -1) {
		tcp_writer_failed(s, REASON_CLOSED, r); /* as a send behind it */
		return;
	}
	s->file = r->file;
	r->file = NULL;
	r->running = true;
	s->file_before = bytes_len(&s->out);
	if (s->file_before == 0)
		tcp_sendfile_go(s);
}

void
tcp_sendfile(
    struct tcp_socket *s, int fd, int64_t offset, uint64_t bytes, struct tcp_request *r)
{
	struct sendfile *f = calloc(1, sizeof(*f));

	tcp_request_begin(r, TCP_R_SENDFILE, s);
	if (f == NULL) {
		(void)close(fd);
		tcp_request_fail(r, ENOMEM);
		return;
	}
	f->job.run = sendfile_work;
	f->job.done = piece_done;
	f->job.drop = sendfile_drop;
	f->job.key = r->account != NULL ? r->account->parent : NULL;
	f->job.blocks = true;
	f->r = r;
	f->s = s;
	f->file = fd;
	f->socket = -1;
	f->offset = offset;
	f->left = bytes > 0 ? bytes : UINT64_MAX;
	r->file = f;
	tcp_gather_flush(s);
	if (!tcp_is_gone(s) && tcp_would_wait(s))
		tcp_request_queue(r);
	else
		tcp_sendfile_run(s, r);
}

void
tcp_sendfile_cancel(struct tcp_request *r)
{
	struct tcp_socket *s = r->socket;
	struct sendfile *f = s->file;

	r->running = false;
	f->r = NULL;
	tcp_request_detach(r);
	/* once it has begun it goes on by itself, as what a send gave */
	if (f->socket == -1)
		leave(s, 0, 0);
}
