/* SPDX-License-Identifier: ISC */
/*
 * Closing what a stranger passed.  close(2) may block: a file is flushed by its file
 * system (FUSE, NFS), which may be the stranger's own, and a socket lingers.
 */
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp/tcp_socket.h"
#include "tcp/worker.h"

struct discard {
	struct worker_job job;
	int fd;
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
drop(struct worker_job *job)
{
	struct discard *d = of_job(job);

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
close_in_thread(struct tcp_context *ctx, int fd, const void *key)
{
	struct discard *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return false;
	d->job = (struct worker_job){
	    .run = do_nothing, .done = done, .drop = drop, .key = key, .blocks = true};
	d->fd = fd;
	if (workers_run(ctx->files, &d->job) != 0) {
		free(d);
		return false;
	}
	workers_drop(ctx->files, &d->job);
	return true;
}

static const void *
key_of(const struct account *account)
{
	return account != NULL ? account->parent : NULL;
}

void
tcp_discard_fd(struct tcp_context *ctx, int fd, const struct account *account)
{
	if (fd < 0)
		return;
	if (tcp_socket_disarm_linger(fd) || !close_in_thread(ctx, fd, key_of(account)))
		(void)close(fd);
}

static bool
lingers(int fd)
{
	struct linger linger;
	socklen_t len = sizeof(linger);

	return getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) == 0 &&
	    linger.l_onoff != 0 && linger.l_linger > 0;
}

void
tcp_release_fd(struct tcp_context *ctx, int fd, const struct account *account)
{
	if (fd < 0 || (lingers(fd) && close_in_thread(ctx, fd, key_of(account))))
		return;
	(void)tcp_socket_disarm_linger(fd);
	(void)close(fd);
}
