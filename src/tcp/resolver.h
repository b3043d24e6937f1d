/* SPDX-License-Identifier: ISC */
/*
 * Names -> addresses, by threads (worker.h), because getaddrinfo(3) blocks.
 */
#ifndef TCP_RESOLVER_H
#define TCP_RESOLVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct clock;
struct event_base;
struct resolver;
struct resolver_job;

enum {
	RESOLVER_QUEUE_MAX = 16384, /* names that wait for a thread … */
	RESOLVER_KEY_MAX = 4096	    /* … of one key */
};

struct resolver_address {
	struct sockaddr_storage addr;
	unsigned len;
};

struct resolver_addresses {
	struct resolver_address *list; /* own */
	size_t count;
};

/*
 * Looks host up, in a thread: 0 with at least one address in *found, in the
 * system's order, or a reason with none.
 */
typedef int (*resolver_function)(
    const char *host, int family, struct resolver_addresses *found);

/* The system's: getaddrinfo(3). */
int resolver_system(const char *host, int family, struct resolver_addresses *found);

void resolver_addresses_fini(struct resolver_addresses *found);

/*
 * Up to threads threads, which start when they are needed.  timeout, in ms or
 * CLOCK_NEVER, is how long an answer may take, with the wait for a thread.  base and
 * clock are borrowed.  NULL with errno.
 */
struct resolver *resolver_new(struct event_base *base, const struct clock *clock,
    unsigned threads, int64_t timeout, resolver_function function);
/*
 * Ends it, without a word to those who wait.  Does not wait for a lookup that
 * hangs: its thread cleans up when it is through.
 */
void resolver_free(struct resolver *r);

/* The answer, or reason timeout; found is the callee's to empty if it wants to keep it. */
typedef void (*resolver_done)(void *arg, int reason, struct resolver_addresses *found);

/*
 * Asks.  key says for whom: see struct worker_job.  0, and done() will be called from
 * the loop, once, with *job gone then; or system_limit (the queue is full, no thread
 * can be had) or ENOMEM.
 */
int resolver_lookup(struct resolver *r, const char *host, int family, const void *key,
    resolver_done done, void *arg, struct resolver_job **job);
/* How many lookups wait for a thread, and how many threads are at one. */
void resolver_count(struct resolver *r, size_t *waiting, size_t *running);
/* done() will not be called; the answer, when it comes, is dropped. */
void resolver_cancel(struct resolver *r, struct resolver_job *job);

#endif
