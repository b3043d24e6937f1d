/* SPDX-License-Identifier: ISC */
#include "daemon/reload.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "daemon/config.h"

/* One reading: the thread's until it is over, then the loop's. */
struct reading_job {
	struct config_source from; /* its texts are own */
	struct config *next;	   /* NULL: it failed */
	char why[512];
	int done; /* eventfd: the thread's duplicate */
};

struct reload {
	struct config_source from;
	reload_done done;
	void *ctx;
	struct event_base *base;
	struct event *event;
	int fd; /* eventfd of the reading under way, or -1 */
	/* shared with the thread by the lock */
	struct shared *shared;
	bool again;
};

struct shared {
	pthread_mutex_t lock;
	unsigned users;
	struct reading_job *ready;
};

static void
job_free(struct reading_job *job)
{
	if (job == NULL)
		return;
	if (job->next != NULL)
		config_fini(job->next);
	free(job->next);
	free((void *)(uintptr_t)job->from.file);
	free((void *)(uintptr_t)job->from.socket);
	free((void *)(uintptr_t)job->from.fallback);
	if (job->done != -1)
		(void)close(job->done);
	free(job);
}

static void
shared_drop(struct shared *s)
{
	bool last;

	(void)pthread_mutex_lock(&s->lock);
	last = --s->users == 0;
	(void)pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	job_free(s->ready);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- the thread -------------------------------------------------------------- */

struct start {
	struct shared *shared;
	struct reading_job *job;
};

static void *
run(void *arg)
{
	struct start *start = arg;
	struct shared *shared = start->shared;
	struct reading_job *job = start->job;
	uint64_t one = 1;
	int done = job->done;

	free(start);
	job->done = -1;
	job->next = calloc(1, sizeof(*job->next));
	if (job->next == NULL)
		memcpy(job->why, "out of memory", sizeof("out of memory"));
	else if (!config_build(job->next, &job->from, job->why, sizeof(job->why))) {
		free(job->next);
		job->next = NULL;
	}
	(void)pthread_mutex_lock(&shared->lock);
	shared->ready = job;
	(void)pthread_mutex_unlock(&shared->lock);
	if (write(done, &one, sizeof(one)) != (ssize_t)sizeof(one)) {
		/* cannot be: nobody else writes to it */
	}
	(void)close(done);
	shared_drop(shared);
	return NULL;
}

static char *
copy(const char *text, bool *ok)
{
	char *to = text == NULL ? NULL : strdup(text);

	*ok = *ok && (text == NULL || to != NULL);
	return to;
}

static struct reading_job *
job_new(const struct reload *r)
{
	struct reading_job *job = calloc(1, sizeof(*job));
	bool ok = true;

	if (job == NULL)
		return NULL;
	job->from = r->from;
	job->from.file = copy(r->from.file, &ok);
	job->from.socket = copy(r->from.socket, &ok);
	job->from.fallback = copy(r->from.fallback, &ok);
	job->done = fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	if (ok && job->done != -1)
		return job;
	job_free(job);
	return NULL;
}

/* With a stack of the usual size: directories are asked by whatever library there is. */
static bool
start_thread(struct start *start)
{
	pthread_t thread;

	if (thread_create(&thread, NULL, run, start) != 0)
		return false;
	(void)pthread_detach(thread);
	return true;
}

/* --- the loop ------------------------------------------------------------------ */

static void
stop_waiting(struct reload *r)
{
	if (r->event != NULL)
		event_free(r->event);
	if (r->fd != -1)
		(void)close(r->fd);
	r->event = NULL;
	r->fd = -1;
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	struct reload *r = arg;
	struct reading_job *job;
	struct config *next;

	(void)fd;
	(void)what;
	(void)pthread_mutex_lock(&r->shared->lock);
	job = r->shared->ready;
	r->shared->ready = NULL;
	(void)pthread_mutex_unlock(&r->shared->lock);
	stop_waiting(r);
	if (r->again) {
		r->again = false;
		job_free(job);
		reload_start(r);
		return;
	}
	next = job->next;
	job->next = NULL;
	r->done(r->ctx, next, job->why);
	job_free(job);
}

static bool
begin(struct reload *r)
{
	struct start *start = calloc(1, sizeof(*start));

	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (start == NULL || r->fd == -1)
		goto fail;
	r->event = event_new(r->base, r->fd, EV_READ, on_done, r);
	start->shared = r->shared;
	start->job = job_new(r);
	if (r->event == NULL || start->job == NULL || event_add(r->event, NULL) != 0)
		goto fail;
	r->shared->users++; /* no thread is there yet that could read it */
	if (start_thread(start))
		return true;
	r->shared->users--;
fail:
	if (start != NULL)
		job_free(start->job);
	free(start);
	stop_waiting(r);
	return false;
}

void
reload_start(struct reload *r)
{
	if (r->fd != -1)
		r->again = true;
	else if (!begin(r))
		r->done(r->ctx, NULL, "no memory, descriptor or thread for it");
}

struct reload *
reload_new(struct event_base *base, const struct config_source *from, reload_done done,
    void *ctx)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->shared = calloc(1, sizeof(*r->shared))) == NULL) {
		free(r);
		return NULL;
	}
	(void)pthread_mutex_init(&r->shared->lock, NULL);
	r->shared->users = 1;
	r->from = *from;
	r->done = done;
	r->ctx = ctx;
	r->base = base;
	r->fd = -1;
	return r;
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	stop_waiting(r);
	shared_drop(r->shared);
	free(r);
}
