/* SPDX-License-Identifier: ISC */
/*
 * Closing what a stranger had a hand in.  close(2) may block: a file is flushed by its
 * file system (FUSE, NFS), which may be the stranger's own, and a socket lingers, also
 * one that lies unread in the queue of a Unix socket.  Who shares it may have it
 * linger at any time, so it is not asked whether it would.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp/tcp_socket.h"
#include "tcp/worker.h"

enum {
	DRAIN_READS = 256, /* of what lies unread … */
	DRAIN_SIZE = 8192  /* … each of so many bytes */
};

struct discard {
	struct worker_job job;
	int fd;
	bool drain;
};

static struct discard *
of_job(struct worker_job *job)
{
	return (struct discard *)((char *)job - offsetof(struct discard, job));
}

static void
do_nothing(struct worker_job *job)
{
	(void)job;
}

static void
drain(int fd)
{
	char nobody[DRAIN_SIZE];
	int i;

	for (i = 0; i < DRAIN_READS; i++)
		if (recv(fd, nobody, sizeof(nobody), MSG_DONTWAIT) <= 0)
			break;
}

static void
drop(struct worker_job *job)
{
	struct discard *d = of_job(job);

	if (d->drain)
		drain(d->fd);
	(void)close(d->fd);
	free(d);
}

/* Never called: it is dropped at once, so that nothing but drop() sees it. */
static void
done(struct worker_job *job)
{
	drop(job);
}

/* A thread is to close it.  False: there is none to be had. */
static bool
close_in_thread(struct tcp_context *ctx, int fd, const void *key, bool drain)
{
	struct discard *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return false;
	d->job = (struct worker_job){
	    .run = do_nothing, .done = done, .drop = drop, .key = key, .blocks = true};
	d->fd = fd;
	d->drain = drain;
	if (workers_run(ctx->files, &d->job) != 0) {
		free(d);
		return false;
	}
	workers_drop(ctx->files, &d->job);
	return true;
}

/*
 * Thread or not, it is closed; without one no linger time is waited for.  What is
 * nobody's shares threads like one user's.
 */
static void
discard(struct tcp_context *ctx, int fd, const struct account *uid, bool drain)
{
	if (close_in_thread(ctx, fd, uid != NULL ? (const void *)uid : ctx, drain))
		return;
	tcp_socket_disarm_linger(fd);
	(void)close(fd);
}

void
tcp_discard_fd(struct tcp_context *ctx, int fd, const struct account *account)
{
	if (fd >= 0)
		discard(ctx, fd, account != NULL ? account->parent : NULL, false);
}

void
tcp_discard_stream(struct tcp_context *ctx, int fd, const struct account *uid)
{
	discard(ctx, fd, uid, true);
}
