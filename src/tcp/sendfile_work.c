/* SPDX-License-Identifier: ISC */
/* file:sendfile in its thread. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/sendfile.h"

enum {
	PIECE = 4 * 1024 * 1024, /* bytes, then it is others' turn */
	GRACE = 1,		 /* ms for a fast peer to make room */
	COPY = 64 * 1024	 /* where the kernel cannot be asked not to wait */
};

static struct sendfile *
of_job(struct worker_job *job)
{
	return (struct sendfile *)((char *)job - offsetof(struct sendfile, job));
}

bool
sendfile_cork(int socket)
{
	int on = 0;
	socklen_t len = sizeof(on);

	if (getsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, &len) != 0 || on != 0)
		return false;
	on = 1;
	return setsockopt(socket, IPPROTO_TCP, TCP_CORK, &on, sizeof(on)) == 0;
}

void
sendfile_uncork(int socket)
{
	const int off = 0;

	(void)setsockopt(socket, IPPROTO_TCP, TCP_CORK, &off, sizeof(off));
}

void
sendfile_drop(struct worker_job *job)
{
	struct sendfile *f = of_job(job);

	(void)close(f->file);
	if (f->socket != -1)
		(void)close(f->socket);
	free(f);
}

static void
fail(struct sendfile *f, int error, bool of_file)
{
	f->end = SENDFILE_FAILED;
	f->error = error;
	f->file_error = of_file;
}

/* What the kernel said.  True if there may be more. */
static bool
advance(struct sendfile *f, ssize_t n, int error)
{
	if (n > 0) {
		f->sent += (uint64_t)n;
		if (f->left != UINT64_MAX)
			f->left -= (uint64_t)n;
		return true;
	}
	if (n == 0)
		f->end = SENDFILE_DONE; /* it is shorter than it was, or to its end */
	else if (error == EAGAIN || error == EWOULDBLOCK)
		f->end = SENDFILE_FULL;
	else if (error != EINTR)
		fail(f, error, false);
	return error == EINTR && n < 0;
}

/* Is errno, from a call that reads the file and writes the socket, the file's? */
static bool
is_files(int error)
{
	return error == EBADF || error == EINVAL || error == EIO || error == ESTALE ||
	    error == EOVERFLOW || error == EISDIR || error == EACCES || error == EPERM;
}

/* From the page cache to the socket, with no copy here. */
static bool
send_piece(struct sendfile *f, size_t size)
{
	off_t offset = f->offset;
	ssize_t n = sendfile(f->socket, f->file, &offset, size);
	int error = n < 0 ? errno : 0;

	f->offset = offset;
	if (n < 0 && is_files(error)) {
		fail(f, error, true);
		return false;
	}
	return advance(f, n, error);
}

/*
 * sendfile(2) waits or not by O_NONBLOCK alone, and whoever shares the socket may
 * have taken that off; a thread that waits for his peer would be lost to others.
 */
static bool
copy_piece(struct sendfile *f, size_t size)
{
	char buffer[COPY];
	ssize_t n, sent;

	n = pread(f->file, buffer, size < COPY ? size : COPY, f->offset);
	if (n < 0) {
		if (errno == EINTR)
			return true;
		fail(f, errno, true);
		return false;
	}
	if (n == 0)
		return advance(f, 0, 0);
	sent = send(f->socket, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent > 0)
		f->offset += sent;
	return advance(f, sent, sent < 0 ? errno : 0);
}

/*
 * After a piece, when the socket is full: a fast peer makes room at once, and that
 * is awaited here; a slow one's is awaited on the loop.
 */
static bool
makes_room(struct sendfile *f, size_t piece)
{
	struct pollfd p = {.fd = f->socket, .events = POLLOUT};

	if (f->end != SENDFILE_FULL || piece == PIECE || poll(&p, 1, GRACE) != 1)
		return false;
	f->end = SENDFILE_MORE;
	return true;
}

/* What it is, before anything is sent.  False: that is the end. */
static bool
check(struct sendfile *f)
{
	struct stat st;

	if (fstat(f->file, &st) != 0) {
		fail(f, errno, true);
		return false;
	}
	if (!S_ISREG(st.st_mode)) {
		fail(f, REASON_BADARG, true);
		return false;
	}
	f->checked = true;
	f->end = SENDFILE_DONE;
	return f->offset < st.st_size;
}

void
sendfile_work(struct worker_job *job)
{
	struct sendfile *f = of_job(job);
	size_t size, piece = PIECE;
	uint64_t before;

	if (!f->checked && !check(f))
		return;
	f->end = SENDFILE_MORE;
	while (piece > 0 && f->left > 0) {
		size = f->left < piece ? (size_t)f->left : piece;
		before = f->sent;
		if (!(f->shared ? copy_piece(f, size) : send_piece(f, size)) &&
		    !makes_room(f, piece))
			return;
		piece -= (size_t)(f->sent - before);
	}
	if (f->left == 0)
		f->end = SENDFILE_DONE;
}
