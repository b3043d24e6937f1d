/* SPDX-License-Identifier: ISC */
#include "tcp/resolver.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reason.h"
#include "tcp/worker.h"

struct resolver_job {
	struct worker_job job;
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

	job->done(job->arg, job->reason, &job->found);
	job_free(w);
}

static struct resolver_job *
job_new(const struct resolver *r, const char *host, int family)
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
	job->function = r->function;
	job->family = family;
	return job;
}

/* --- the resolver ------------------------------------------------------------------ */

struct resolver *
resolver_new(struct event_base *base, unsigned threads, resolver_function function)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->function = function;
	r->workers = workers_new(base, threads, RESOLVER_QUEUE_MAX);
	if (r->workers == NULL) {
		free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
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
	reason = workers_run(r->workers, &job->job);
	if (reason != 0) {
		job_free(&job->job);
		return reason;
	}
	*job_out = job;
	return 0;
}

void
resolver_cancel(struct resolver *r, struct resolver_job *job)
{
	workers_drop(r->workers, &job->job);
}

void
resolver_count(struct resolver *r, size_t *waiting, size_t *running)
{
	workers_count(r->workers, waiting, running);
}
