/* SPDX-License-Identifier: ISC */
#include "tcp/resolver.h"

#include <errno.h>
#include <event2/event.h>
#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "proto/reason.h"
#include "tcp/worker.h"

enum { ANSWERS = 64 }; /* of those that are late, in one turn of the loop */

TAILQ_HEAD(answer_list, resolver_job);

struct resolver_job {
	struct worker_job job;
	TAILQ_ENTRY(resolver_job) link; /* the loop's, as is: */
	struct resolver *resolver;
	uint64_t deadline; /* ms */
	resolver_function function;
	char *host;
	int family;
	resolver_done done;
	void *arg;
	int reason;
	struct resolver_addresses found;
};

struct resolver {
	struct workers *workers;
	resolver_function function;
	const struct clock *clock;
	int64_t timeout;
	struct event *timer;	    /* for the first of: */
	struct answer_list waiting; /* for an answer; the first deadline first */
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

static struct resolver_job *
job_of(struct worker_job *job)
{
	return (struct resolver_job *)((char *)job - offsetof(struct resolver_job, job));
}

/* In a thread. */
static void
run(struct worker_job *w)
{
	struct resolver_job *job = job_of(w);

	job->reason = job->function(job->host, job->family, &job->found);
}

static void
job_free(struct worker_job *w)
{
	struct resolver_job *job = job_of(w);

	resolver_addresses_fini(&job->found);
	free(job->host);
	free(job);
}

static void
answer(struct worker_job *w)
{
	struct resolver_job *job = job_of(w);

	TAILQ_REMOVE(&job->resolver->waiting, job, link);
	job->done(job->arg, job->reason, &job->found);
	job_free(w);
}

static struct resolver_job *
job_new(struct resolver *r, const char *host, int family)
{
	struct resolver_job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->host = strdup(host);
	if (job->host == NULL) {
		free(job);
		return NULL;
	}
	job->job.run = run;
	job->job.done = answer;
	job->job.drop = job_free;
	job->resolver = r;
	job->function = r->function;
	job->family = family;
	return job;
}

/* --- the resolver ------------------------------------------------------------------ */

/* The timer is for the first deadline.  False without memory. */
static bool
watch(struct resolver *r)
{
	const struct resolver_job *first = TAILQ_FIRST(&r->waiting);
	struct timeval tv;

	if (r->timeout == CLOCK_NEVER || first == NULL || evtimer_pending(r->timer, NULL))
		return true;
	tv = clock_timeval(clock_left(r->clock, first->deadline));
	return event_add(r->timer, &tv) == 0;
}

/* Those whose time is over are told so; a thread that hangs is left to itself. */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct resolver_addresses none = {0};
	struct resolver *r = arg;
	struct resolver_job *job;
	resolver_done done;
	void *done_arg;

	(void)fd;
	(void)what;
	for (int n = 0; n < ANSWERS && (job = TAILQ_FIRST(&r->waiting)) != NULL &&
	     clock_left(r->clock, job->deadline) == 0;
	     n++) {
		done = job->done;
		done_arg = job->arg;
		resolver_cancel(r, job);
		done(done_arg, REASON_TIMEOUT, &none);
	}
	(void)watch(r); /* the next lookup tries it again */
}

struct resolver *
resolver_new(struct event_base *base, const struct clock *clock, unsigned threads,
    int64_t timeout, resolver_function function)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	TAILQ_INIT(&r->waiting);
	r->function = function;
	r->clock = clock;
	r->timeout = timeout;
	r->timer = evtimer_new(base, on_timer, r);
	r->workers = workers_new(base, threads, RESOLVER_QUEUE_MAX, RESOLVER_KEY_MAX);
	if (r->workers == NULL || r->timer == NULL) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	if (r->timer != NULL)
		event_free(r->timer);
	workers_free(r->workers);
	free(r);
}

int
resolver_lookup(struct resolver *r, const char *host, int family, const void *key,
    resolver_done done, void *arg, struct resolver_job **job_out)
{
	struct resolver_job *job = job_new(r, host, family);
	int reason;

	if (job == NULL)
		return ENOMEM;
	job->job.key = key;
	job->done = done;
	job->arg = arg;
	job->deadline = clock_deadline(r->clock, r->timeout);
	TAILQ_INSERT_TAIL(&r->waiting, job, link);
	reason = watch(r) ? workers_run(r->workers, &job->job) : ENOMEM;
	if (reason != 0) {
		TAILQ_REMOVE(&r->waiting, job, link);
		job_free(&job->job);
		return reason;
	}
	*job_out = job;
	return 0;
}

void
resolver_cancel(struct resolver *r, struct resolver_job *job)
{
	TAILQ_REMOVE(&r->waiting, job, link);
	workers_drop(r->workers, &job->job);
}

void
resolver_count(struct resolver *r, size_t *waiting, size_t *running)
{
	workers_count(r->workers, waiting, running);
}
