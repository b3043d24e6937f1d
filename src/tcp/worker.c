/* SPDX-License-Identifier: ISC */
#include "tcp/worker.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/thread.h"
#include "proto/reason.h"

enum { ANSWERS = 64 }; /* that are given in one turn of the loop */

TAILQ_HEAD(job_list, worker_job);

/* The jobs of one key; there while there are any, in whatever state. */
struct lane {
	TAILQ_ENTRY(lane) link;
	const void *key;
	struct job_list pending;
	size_t jobs, waiting, running;
};

TAILQ_HEAD(lane_list, lane);

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
	size_t threads;		 /* the most there may be */
	size_t waiting, running; /* jobs, of all lanes */
	struct lane_list lanes;	 /* whose turn is next is first */
	struct job_list finished;
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
	size_t started, max, queue_max, key_max;
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
	TAILQ_INIT(&sh->lanes);
	TAILQ_INIT(&sh->finished);
	sh->threads = threads;
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
	struct lane *lane;
	bool last;

	pthread_mutex_lock(&sh->lock);
	last = --sh->refs == 0;
	pthread_mutex_unlock(&sh->lock);
	if (!last)
		return;
	drop_all(&sh->finished);
	while ((lane = TAILQ_FIRST(&sh->lanes)) != NULL) {
		TAILQ_REMOVE(&sh->lanes, lane, link);
		drop_all(&lane->pending);
		free(lane);
	}
	(void)close(sh->eventfd);
	pthread_cond_destroy(&sh->wake);
	pthread_mutex_destroy(&sh->lock);
	free(sh);
}

/* --- lanes: all with the lock --------------------------------------------------- */

/* That of key, made if need be; NULL without memory. */
static struct lane *
lane_of(struct shared *sh, const void *key)
{
	struct lane *lane;

	TAILQ_FOREACH (lane, &sh->lanes, link)
		if (lane->key == key)
			return lane;
	lane = calloc(1, sizeof(*lane));
	if (lane == NULL)
		return NULL;
	lane->key = key;
	TAILQ_INIT(&lane->pending);
	TAILQ_INSERT_TAIL(&sh->lanes, lane, link);
	return lane;
}

static void
lane_put(struct shared *sh, struct worker_job *job)
{
	job->state = WORKER_PENDING;
	TAILQ_INSERT_TAIL(&job->lane->pending, job, link);
	job->lane->waiting++;
	sh->waiting++;
}

/* job, which is pending, is taken out. */
static void
lane_take(struct shared *sh, struct worker_job *job)
{
	TAILQ_REMOVE(&job->lane->pending, job, link);
	job->lane->waiting--;
	sh->waiting--;
}

/* job is in no list any more, and nobody's but its maker's. */
static void
lane_leave(struct shared *sh, struct worker_job *job)
{
	struct lane *lane = job->lane;

	job->lane = NULL;
	job->state = WORKER_IDLE;
	if (--lane->jobs > 0)
		return;
	TAILQ_REMOVE(&sh->lanes, lane, link);
	free(lane);
}

/*
 * May the lane have one more thread?  As many as it has already have to be left
 * for others: so it has half of them at most, and where others have some, too,
 * there is still one for somebody new.
 */
static bool
lane_may(const struct shared *sh, const struct lane *lane)
{
	if (lane->key == NULL)
		return true;
	return sh->running + 1 + lane->running <= sh->threads;
}

/* --- threads ------------------------------------------------------------------------ */

/* An eventfd's counter cannot be full, so this cannot fail. */
static void
wake_loop(const struct shared *sh)
{
	const uint64_t one = 1;

	while (write(sh->eventfd, &one, sizeof(one)) == -1 && errno == EINTR)
		continue;
}

/* With the lock. */
static void
finish(struct shared *sh, struct worker_job *job)
{
	job->state = WORKER_FINISHED;
	TAILQ_INSERT_TAIL(&sh->finished, job, link);
	wake_loop(sh);
}

/* With the lock: the first of the lane whose turn it is, which becomes the last. */
static struct worker_job *
next_pending(struct shared *sh)
{
	struct lane *lane;

	TAILQ_FOREACH (lane, &sh->lanes, link)
		if (lane->waiting > 0 && lane_may(sh, lane)) {
			TAILQ_REMOVE(&sh->lanes, lane, link);
			TAILQ_INSERT_TAIL(&sh->lanes, lane, link);
			return TAILQ_FIRST(&lane->pending);
		}
	return NULL;
}

/* With the lock, which it gives away while the job runs. */
static void
run(struct worker *w, struct worker_job *job)
{
	struct shared *sh = w->shared;

	lane_take(sh, job);
	job->lane->running++;
	sh->running++;
	job->state = WORKER_RUNNING;
	w->busy = true;
	if (!job->dropped) {
		pthread_mutex_unlock(&sh->lock);
		job->run(job);
		pthread_mutex_lock(&sh->lock);
	}
	job->lane->running--;
	sh->running--;
	if (sh->stop || job->dropped) {
		lane_leave(sh, job);
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
	if (thread_create(&w->thread, NULL, work, w) != 0) {
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
		lane_leave(sh, job);
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
	int n;

	(void)what;
	/* only resets it: the list says what there is */
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	for (n = 0; n < ANSWERS && (job = next_finished(w->shared)) != NULL; n++)
		job->done(job);
	if (n == ANSWERS)
		wake_loop(w->shared);
}

struct workers *
workers_new(struct event_base *base, unsigned threads, size_t queue_max, size_t key_max)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->max = threads > 0 ? threads : 1;
	w->queue_max = queue_max;
	w->key_max = key_max;
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

/* False: the queue is full, or its key's part.  *more: another thread would help. */
static bool
enqueue(struct workers *w, struct worker_job *job, bool *more)
{
	struct shared *sh = w->shared;
	struct lane *lane = NULL;
	bool room;

	pthread_mutex_lock(&sh->lock);
	if (sh->waiting < w->queue_max)
		lane = lane_of(sh, job->key);
	room = lane != NULL && lane->waiting < w->key_max;
	if (room) {
		job->dropped = false;
		job->lane = lane;
		lane->jobs++;
		lane_put(sh, job);
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
	lane_take(w->shared, job);
	lane_leave(w->shared, job);
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
	pthread_mutex_lock(&w->shared->lock);
	*waiting = w->shared->waiting;
	*running = w->shared->running;
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
			lane_take(sh, job);
			lane_leave(sh, job);
		}
		break;
	case WORKER_FINISHED:
		TAILQ_REMOVE(&sh->finished, job, link);
		mine = !job->blocks;
		if (mine)
			lane_leave(sh, job);
		else {
			lane_put(sh, job);
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
