/* SPDX-License-Identifier: ISC */
#include "tcp/resolver.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "proto/reason.h"

enum job_state { JOB_PENDING, JOB_RUNNING, JOB_FINISHED };

struct resolver_job {
	TAILQ_ENTRY(resolver_job) link;
	enum job_state state;
	bool dropped; /* cancelled while it ran: freed when it is through */
	char *host;
	int family;
	resolver_done done;
	void *arg;
	int reason;
	struct resolver_addresses found;
};

TAILQ_HEAD(job_list, resolver_job);

/*
 * What the loop and the threads share, under lock.  It lives as long as any of
 * them: a thread may come back from a lookup long after resolver_free().
 */
struct shared {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned refs; /* the resolver and each thread */
	bool stop;
	int eventfd; /* tells the loop of finished jobs */
	unsigned idle;
	size_t waiting; /* length of pending */
	struct job_list pending, finished;
	resolver_function function;
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	bool busy;   /* under the lock, as is: */
	bool orphan; /* the resolver has gone without it */
};

struct resolver {
	struct shared *shared;
	struct event *event;
	size_t started, max;
	/* each by itself, because a thread may outlive the resolver */
	struct worker **workers;
};

/* --- getaddrinfo --------------------------------------------------------------- */

static int
reason_of(int error, int err)
{
	switch (error) {
	case EAI_MEMORY:
		return ENOMEM;
	case EAI_SYSTEM:
		return err != 0 ? err : REASON_NXDOMAIN;
	default:
		return REASON_NXDOMAIN;
	}
}

static int
copy_addresses(const struct addrinfo *list, struct resolver_addresses *found)
{
	size_t n = 0;

	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next)
		n++;
	if (n == 0)
		return REASON_NXDOMAIN;
	found->list = calloc(n, sizeof(*found->list));
	if (found->list == NULL)
		return ENOMEM;
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		if (ai->ai_addrlen > sizeof(found->list->addr))
			continue;
		memcpy(&found->list[found->count].addr, ai->ai_addr, ai->ai_addrlen);
		found->list[found->count++].len = ai->ai_addrlen;
	}
	return found->count > 0 ? 0 : REASON_NXDOMAIN;
}

int
resolver_system(const char *host, int family, struct resolver_addresses *found)
{
	struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	int error, reason;

	memset(found, 0, sizeof(*found));
	errno = 0;
	error = getaddrinfo(host, NULL, &hints, &list);
	if (error != 0)
		return reason_of(error, errno);
	reason = copy_addresses(list, found);
	freeaddrinfo(list);
	if (reason != 0)
		resolver_addresses_fini(found);
	return reason;
}

void
resolver_addresses_fini(struct resolver_addresses *found)
{
	free(found->list);
	memset(found, 0, sizeof(*found));
}

/* --- jobs ------------------------------------------------------------------------ */

static void
job_free(struct resolver_job *job)
{
	resolver_addresses_fini(&job->found);
	free(job->host);
	free(job);
}

static struct resolver_job *
job_new(const char *host, int family, resolver_done done, void *arg)
{
	struct resolver_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->host = strdup(host);
	if (job->host == NULL) {
		free(job);
		return NULL;
	}
	job->family = family;
	job->done = done;
	job->arg = arg;
	return job;
}

static void
jobs_free(struct job_list *list)
{
	struct resolver_job *job;

	while ((job = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, job, link);
		job_free(job);
	}
}

/* --- what is shared ---------------------------------------------------------------- */

static struct shared *
shared_new(resolver_function function)
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
	TAILQ_INIT(&sh->finished);
	sh->function = function;
	sh->refs = 1;
	return sh;
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
	jobs_free(&sh->pending);
	jobs_free(&sh->finished);
	(void)close(sh->eventfd);
	pthread_cond_destroy(&sh->wake);
	pthread_mutex_destroy(&sh->lock);
	free(sh);
}

/* --- threads ------------------------------------------------------------------------ */

/* With the lock.  An eventfd's counter cannot be full, so this cannot fail. */
static void
finish(struct shared *sh, struct resolver_job *job)
{
	const uint64_t one = 1;

	if (sh->stop || job->dropped) {
		job_free(job);
		return;
	}
	job->state = JOB_FINISHED;
	TAILQ_INSERT_TAIL(&sh->finished, job, link);
	while (write(sh->eventfd, &one, sizeof(one)) == -1 && errno == EINTR)
		continue;
}

/* With the lock, which it gives away while the lookup runs. */
static void
run(struct worker *w, struct resolver_job *job)
{
	struct shared *sh = w->shared;

	TAILQ_REMOVE(&sh->pending, job, link);
	sh->waiting--;
	job->state = JOB_RUNNING;
	w->busy = true;
	pthread_mutex_unlock(&sh->lock);
	job->reason = sh->function(job->host, job->family, &job->found);
	pthread_mutex_lock(&sh->lock);
	w->busy = false;
	finish(sh, job);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct shared *sh = w->shared;
	bool orphan;

	pthread_mutex_lock(&sh->lock);
	while (!sh->stop) {
		if (!TAILQ_EMPTY(&sh->pending)) {
			run(w, TAILQ_FIRST(&sh->pending));
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

/* Signals are the loop's: a thread is born with all of them blocked. */
static int
create_thread(struct worker *w)
{
	sigset_t all, old;
	int error;

	(void)sigfillset(&all);
	error = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (error != 0)
		return error;
	error = pthread_create(&w->thread, NULL, work, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

static bool
start_worker(struct resolver *r)
{
	struct worker *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return false;
	w->shared = r->shared;
	pthread_mutex_lock(&r->shared->lock);
	r->shared->refs++;
	pthread_mutex_unlock(&r->shared->lock);
	if (create_thread(w) != 0) {
		shared_unref(r->shared);
		free(w);
		return false;
	}
	r->workers[r->started++] = w;
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

static struct resolver_job *
next_finished(struct shared *sh)
{
	struct resolver_job *job;

	pthread_mutex_lock(&sh->lock);
	job = TAILQ_FIRST(&sh->finished);
	if (job != NULL)
		TAILQ_REMOVE(&sh->finished, job, link);
	pthread_mutex_unlock(&sh->lock);
	return job;
}

static void
answered(evutil_socket_t fd, short what, void *arg)
{
	struct resolver *r = arg;
	struct resolver_job *job;
	uint64_t count;

	(void)what;
	/* only resets it: the list says what there is */
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	while ((job = next_finished(r->shared)) != NULL) {
		job->done(job->arg, job->reason, &job->found);
		job_free(job);
	}
}

struct resolver *
resolver_new(struct event_base *base, unsigned threads, resolver_function function)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->max = threads > 0 ? threads : 1;
	r->workers = calloc(r->max, sizeof(*r->workers));
	if (r->workers != NULL)
		r->shared = shared_new(function);
	if (r->shared == NULL) {
		free(r->workers);
		free(r);
		return NULL;
	}
	r->event = event_new(base, r->shared->eventfd, EV_READ | EV_PERSIST, answered, r);
	if (r->event == NULL || event_add(r->event, NULL) == -1) {
		resolver_free(r);
		errno = ENOMEM;
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	struct shared *sh;

	if (r == NULL)
		return;
	sh = r->shared;
	if (r->event != NULL)
		event_free(r->event);
	pthread_mutex_lock(&sh->lock);
	sh->stop = true;
	pthread_cond_broadcast(&sh->wake);
	pthread_mutex_unlock(&sh->lock);
	for (size_t i = 0; i < r->started; i++)
		stop_worker(r->workers[i]);
	shared_unref(sh);
	free(r->workers);
	free(r);
}

/* True if another thread would help. */
static bool
enqueue(struct resolver *r, struct resolver_job *job)
{
	struct shared *sh = r->shared;
	bool more;

	pthread_mutex_lock(&sh->lock);
	TAILQ_INSERT_TAIL(&sh->pending, job, link);
	sh->waiting++;
	more = sh->waiting > sh->idle && r->started < r->max;
	pthread_cond_signal(&sh->wake);
	pthread_mutex_unlock(&sh->lock);
	return more;
}

static bool
is_full(struct shared *sh)
{
	bool full;

	pthread_mutex_lock(&sh->lock);
	full = sh->waiting >= RESOLVER_QUEUE_MAX;
	pthread_mutex_unlock(&sh->lock);
	return full;
}

int
resolver_lookup(struct resolver *r, const char *host, int family, resolver_done done,
    void *arg, struct resolver_job **job_out)
{
	struct resolver_job *job;

	if (is_full(r->shared))
		return REASON_SYSTEM_LIMIT;
	job = job_new(host, family, done, arg);
	if (job == NULL)
		return ENOMEM;
	if (enqueue(r, job) && !start_worker(r) && r->started == 0) {
		resolver_cancel(r, job);
		return REASON_SYSTEM_LIMIT;
	}
	*job_out = job;
	return 0;
}

void
resolver_cancel(struct resolver *r, struct resolver_job *job)
{
	struct shared *sh = r->shared;
	bool mine = true;

	pthread_mutex_lock(&sh->lock);
	switch (job->state) {
	case JOB_PENDING:
		TAILQ_REMOVE(&sh->pending, job, link);
		sh->waiting--;
		break;
	case JOB_FINISHED:
		TAILQ_REMOVE(&sh->finished, job, link);
		break;
	case JOB_RUNNING:
		job->dropped = true;
		mine = false;
		break;
	}
	pthread_mutex_unlock(&sh->lock);
	if (mine)
		job_free(job);
}
