/* SPDX-License-Identifier: ISC */
#include "tcp/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/thread.h"

TAILQ_HEAD(job_list, worker_job);

/*
 * What the loop and the threads share, under lock.  It lives as long as any of
 * them: a thread may come back from a job long after workers_free().
 */
struct shared {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned refs; /* the workers and each thread */
	bool stop;
	int eventfd; /* tells the loop of finished jobs */
	unsigned idle;
	size_t share;	/* of threads for one key */
	size_t waiting; /* length of pending */
	struct job_list pending, running, finished;
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	bool busy;   /* under the lock, as is: */
	bool orphan; /* the workers have gone without it */
};

struct workers {
	struct shared *shared;
	struct event *event;
	size_t started, max, queue_max;
	/* each by itself, because a thread may outlive the workers */
	struct worker **workers;
};

/* --- what is shared ---------------------------------------------------------------- */

static struct shared *
shared_new(unsigned threads)
{
	struct shared *sh = calloc(1, sizeof(*sh));

	if (sh == NULL)
		return NULL;
	sh->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (sh->eventfd == -1) {
		free(sh);
		return NULL;
	}
	/* with no attributes these only set their memory */
	(void)pthread_mutex_init(&sh->lock, NULL);
	(void)pthread_cond_init(&sh->wake, NULL);
	TAILQ_INIT(&sh->pending);
	TAILQ_INIT(&sh->running);
	TAILQ_INIT(&sh->finished);
	sh->share = (threads + 1) / 2;
	sh->refs = 1;
	return sh;
}

static void
drop_all(struct job_list *list)
{
	struct worker_job *job;

	while ((job = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, job, link);
		job->drop(job);
	}
}

static void
shared_unref(struct shared *sh)
{
	bool last;

	pthread_mutex_lock(&sh->lock);
	last = --sh->refs == 0;
	pthread_mutex_unlock(&sh->lock);
	if (!last)
		return;
	drop_all(&sh->pending);
	drop_all(&sh->finished);
	(void)close(sh->eventfd);
	pthread_cond_destroy(&sh->wake);
	pthread_mutex_destroy(&sh->lock);
	free(sh);
}

/* --- threads ------------------------------------------------------------------------ */

/* With the lock.  An eventfd's counter cannot be full, so this cannot fail. */
static void
finish(struct shared *sh, struct worker_job *job)
{
	const uint64_t one = 1;

	job->state = WORKER_FINISHED;
	TAILQ_INSERT_TAIL(&sh->finished, job, link);
	while (write(sh->eventfd, &one, sizeof(one)) == -1 && errno == EINTR)
		continue;
}

/* With the lock: the first whose key has not its share of the threads yet. */
static struct worker_job *
next_pending(const struct shared *sh)
{
	struct worker_job *job, *other;
	size_t same;

	TAILQ_FOREACH (job, &sh->pending, link) {
		same = 0;
		TAILQ_FOREACH (other, &sh->running, link)
			same += job->key != NULL && other->key == job->key;
		if (same < sh->share)
			return job;
	}
	return NULL;
}

/* With the lock, which it gives away while the job runs. */
static void
run(struct worker *w, struct worker_job *job)
{
	struct shared *sh = w->shared;

	TAILQ_REMOVE(&sh->pending, job, link);
	TAILQ_INSERT_TAIL(&sh->running, job, link);
	sh->waiting--;
	job->state = WORKER_RUNNING;
	w->busy = true;
	if (!job->dropped) {
		pthread_mutex_unlock(&sh->lock);
		job->run(job);
		pthread_mutex_lock(&sh->lock);
	}
	TAILQ_REMOVE(&sh->running, job, link);
	if (sh->stop || job->dropped) {
		pthread_mutex_unlock(&sh->lock);
		job->drop(job);
		pthread_mutex_lock(&sh->lock);
	} else
		finish(sh, job);
	w->busy = false;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->shared;
	struct worker_job *job;
	bool orphan;

	pthread_mutex_lock(&sh->lock);
	while (!sh->stop) {
		job = next_pending(sh);
		if (job != NULL) {
			run(w, job);
			continue;
		}
		sh->idle++;
		pthread_cond_wait(&sh->wake, &sh->lock);
		sh->idle--;
	}
	orphan = w->orphan;
	pthread_mutex_unlock(&sh->lock);
	if (orphan)
		free(w);
	shared_unref(sh);
	return NULL;
}

static bool
start_worker(struct workers *ws)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return false;
	w->shared = ws->shared;
	pthread_mutex_lock(&ws->shared->lock);
	ws->shared->refs++;
	pthread_mutex_unlock(&ws->shared->lock);
	if (tcp_thread_create(&w->thread, NULL, work, w) != 0) {
		shared_unref(ws->shared);
		free(w);
		return false;
	}
	ws->workers[ws->started++] = w;
	return true;
}

/* An idle thread ends at once and is waited for; a busy one is left to itself. */
static void
stop_worker(struct worker *w)
{
	struct shared *sh = w->shared;

	pthread_mutex_lock(&sh->lock);
	if (w->busy) {
		w->orphan = true;
		(void)pthread_detach(w->thread);
		pthread_mutex_unlock(&sh->lock);
		return;
	}
	pthread_mutex_unlock(&sh->lock);
	(void)pthread_join(w->thread, NULL);
	free(w);
}

/* --- the loop's side ---------------------------------------------------------------- */

static struct worker_job *
next_finished(struct shared *sh)
{
	struct worker_job *job;

	pthread_mutex_lock(&sh->lock);
	job = TAILQ_FIRST(&sh->finished);
	if (job != NULL) {
		TAILQ_REMOVE(&sh->finished, job, link);
		job->state = WORKER_IDLE;
	}
	pthread_mutex_unlock(&sh->lock);
	return job;
}

static void
answered(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;
	struct worker_job *job;
	uint64_t count;

	(void)what;
	/* only resets it: the list says what there is */
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	while ((job = next_finished(w->shared)) != NULL)
		job->done(job);
}

struct workers *
workers_new(struct event_base *base, unsigned threads, size_t queue_max)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->max = threads > 0 ? threads : 1;
	w->queue_max = queue_max;
	w->workers = calloc(w->max, sizeof(struct worker *));
	if (w->workers != NULL)
		w->shared = shared_new((unsigned)w->max);
	if (w->shared == NULL) {
		free(w->workers);
		free(w);
		return NULL;
	}
	w->event = event_new(base, w->shared->eventfd, EV_READ | EV_PERSIST, answered, w);
	if (w->event == NULL || event_add(w->event, NULL) == -1) {
		workers_free(w);
		errno = ENOMEM;
		return NULL;
	}
	return w;
}

void
workers_free(struct workers *w)
{
	struct shared *sh;

	if (w == NULL)
		return;
	sh = w->shared;
	if (w->event != NULL)
		event_free(w->event);
	pthread_mutex_lock(&sh->lock);
	sh->stop = true;
	pthread_cond_broadcast(&sh->wake);
	pthread_mutex_unlock(&sh->lock);
	for (size_t i = 0; i < w->started; i++)
		stop_worker(w->workers[i]);
	shared_unref(sh);
	free(w->workers);
	free(w);
}

/* False: the queue is full.  *more: another thread would help. */
static bool
enqueue(struct workers *w, struct worker_job *job, bool *more)
{
	struct shared *sh = w->shared;
	bool room;

	pthread_mutex_lock(&sh->lock);
	room = sh->waiting < w->queue_max;
	if (room) {
		job->state = WORKER_PENDING;
		job->dropped = false;
		TAILQ_INSERT_TAIL(&sh->pending, job, link);
		sh->waiting++;
		*more = sh->waiting > sh->idle && w->started < w->max;
		pthread_cond_signal(&sh->wake);
	}
	pthread_mutex_unlock(&sh->lock);
	return room;
}

/* Takes back what no thread will ever look at. */
static void
take_back(struct workers *w, struct worker_job *job)
{
	pthread_mutex_lock(&w->shared->lock);
	TAILQ_REMOVE(&w->shared->pending, job, link);
	w->shared->waiting--;
	job->state = WORKER_IDLE;
	pthread_mutex_unlock(&w->shared->lock);
}

int
workers_run(struct workers *w, struct worker_job *job)
{
	bool more;

	if (!enqueue(w, job, &more))
		return REASON_SYSTEM_LIMIT;
	if (more && !start_worker(w) && w->started == 0) {
		take_back(w, job);
		return REASON_SYSTEM_LIMIT;
	}
	return 0;
}

void
workers_count(struct workers *w, size_t *waiting, size_t *running)
{
	const struct worker_job *job;

	*running = 0;
	pthread_mutex_lock(&w->shared->lock);
	*waiting = w->shared->waiting;
	TAILQ_FOREACH (job, &w->shared->running, link)
		++*running;
	pthread_mutex_unlock(&w->shared->lock);
}

void
workers_drop(struct workers *w, struct worker_job *job)
{
	struct shared *sh = w->shared;
	bool mine = true;

	pthread_mutex_lock(&sh->lock);
	switch (job->state) {
	case WORKER_PENDING:
		mine = !job->blocks;
		if (mine) {
			TAILQ_REMOVE(&sh->pending, job, link);
			sh->waiting--;
		}
		break;
	case WORKER_FINISHED:
		TAILQ_REMOVE(&sh->finished, job, link);
		mine = !job->blocks;
		if (!mine) {
			job->state = WORKER_PENDING;
			TAILQ_INSERT_TAIL(&sh->pending, job, link);
			sh->waiting++;
			pthread_cond_signal(&sh->wake);
		}
		break;
	case WORKER_RUNNING:
		mine = false;
		break;
	case WORKER_IDLE:
		break;
	}
	job->dropped = !mine;
	pthread_mutex_unlock(&sh->lock);
	if (mine)
		job->drop(job);
}
