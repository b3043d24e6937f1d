/* SPDX-License-Identifier: ISC */
#include "tcp/connect_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"

/* The thread's alone, from its start. */
struct job {
	int fd;
	int answer; /* the pipe's other end may be closed by now */
	struct resolver_address address;
};

static void
job_free(struct job *job)
{
	if (job->fd != -1)
		(void)close(job->fd);
	(void)close(job->answer);
	free(job);
}

static void *
run(void *arg)
{
	struct job *job = arg;
	int error = 0;

	if (connect(job->fd, (const struct sockaddr *)&job->address.addr,
		job->address.len) == -1)
		error = errno;
	/* nobody to hear it: EPIPE, and a signal that this thread has blocked */
	(void)!write(job->answer, &error, sizeof(error));
	job_free(job);
	return NULL;
}

int
connect_thread_start(int fd, const struct resolver_address *address)
{
	struct job *job = malloc(sizeof(*job));
	int pipes[2], error;

	if (job == NULL)
		return -1;
	if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) == -1) {
		free(job);
		return -1;
	}
	job->answer = pipes[1];
	job->address = *address;
	job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	error = job->fd == -1 ? errno : thread_run(run, job, false);
	if (error == 0)
		return pipes[0];
	job_free(job);
	(void)close(pipes[0]);
	errno = error;
	return -1;
}

int
connect_thread_result(int readable)
{
	int error;

	return read(readable, &error, sizeof(error)) == sizeof(error) ? error : EIO;
}
