/* SPDX-License-Identifier: ISC */
/*
 * Threads for what blocks.  They know nothing but this file: they take jobs from
 * a bounded queue, and what is done comes back to the loop through an eventfd.
 */
#ifndef TCP_WORKER_H
#define TCP_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct event_base;
struct lane;
struct workers;

enum worker_state { WORKER_IDLE, WORKER_PENDING, WORKER_RUNNING, WORKER_FINISHED };

/* To be embedded in what the job is about; zeroed but for the first members. */
struct worker_job {
	/* In a thread: does it. */
	void (*run)(struct worker_job *job);
	/* From the loop, once, when it was done; the job is its maker's again. */
	void (*done)(struct worker_job *job);
	/* It was dropped, or the workers ended: frees it, in any thread. */
	void (*drop)(struct worker_job *job);
	/*
	 * Whose it is.  Keys take turns, and the jobs of one have no more threads at a
	 * time than are left for others: half of them, and fewer where others have
	 * some, so that one who makes them hang holds up himself.  NULL: nobody's, who
	 * has as many as there are.
	 */
	const void *key;
	/* drop() may block, too: a thread is to call it. */
	bool blocks;

	/* private to worker.c, under its lock, from here on */
	TAILQ_ENTRY(worker_job) link;
	struct lane *lane; /* of its key; NULL in WORKER_IDLE */
	enum worker_state state;
	bool dropped;
};

/*
 * Up to threads threads (at least one), which start when they are needed; no
 * more than queue_max jobs wait, and key_max of one key.  base is borrowed.  NULL
 * with errno.
 */
struct workers *workers_new(
    struct event_base *base, unsigned threads, size_t queue_max, size_t key_max);
/*
 * Ends them, without a word to those who wait.  Does not wait for a job that
 * hangs: its thread cleans up when it is through.
 */
void workers_free(struct workers *w);

/*
 * Has a job done.  0, and done() will be called, unless it is dropped before; or
 * system_limit (the queue is full, or its key's part; no thread or memory can be
 * had), and the job is still
 * its maker's.
 */
int workers_run(struct workers *w, struct worker_job *job);
/* How many jobs wait for a thread, and how many threads are at work. */
void workers_count(struct workers *w, size_t *waiting, size_t *running);
/* done() will not be called; the job is freed by drop(), now or later. */
void workers_drop(struct workers *w, struct worker_job *job);

#endif
