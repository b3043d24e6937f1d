/* SPDX-License-Identifier: ISC */
#include "tcp/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/thread.h"

struct job {
	int ns, family, protocol;
	int fd, error;
};

/*
 * setns(2) is of one thread.  This one ends with it, so that there is no way back
 * that could fail and leave the loop in a foreign namespace.
 */
static void *
make(void *arg)
{
	struct job *job = arg;

	if (setns(job->ns, CLONE_NEWNET) == 0)
		job->fd = socket(job->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    job->protocol);
	if (job->fd == -1)
		job->error = errno;
	return NULL;
}

/* What path names, opened anew once it is known to be a namespace; -1 with errno. */
static int
open_namespace(const char *path)
{
	char again[64];
	struct statfs fs;
	int fd = -1, name = open(path, O_PATH | O_CLOEXEC), error;

	if (name == -1)
		return -1;
	if (fstatfs(name, &fs) == -1)
		error = errno;
	else if (fs.f_type != NSFS_MAGIC)
		error = EINVAL;
	else {
		(void)snprintf(again, sizeof(again), "/proc/self/fd/%d", name);
		fd = open(again, O_RDONLY | O_CLOEXEC);
		error = errno;
	}
	(void)close(name);
	errno = error;
	return fd;
}

int
netns_socket(const char *path, int family, int protocol, int *fd)
{
	struct job job = {.family = family, .protocol = protocol, .fd = -1};
	int error;

	job.ns = open_namespace(path);
	if (job.ns == -1)
		return errno;
	error = thread_run(make, &job, true);
	(void)close(job.ns);
	if (error != 0)
		return error;
	*fd = job.fd;
	return job.error;
}
