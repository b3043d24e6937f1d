/* SPDX-License-Identifier: ISC */
/* Threads for the few calls that the loop's own thread cannot make. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * pthread_create(3) with all signals blocked in the new thread: they are the loop's.
 * 0 or an errno (EAGAIN: no more threads).
 */
int thread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg);

/*
 * Calls run(arg) in a new thread with a small stack, made as above.  join:
 * waits for its end, so it has to be short; else it goes on by itself.  0 or an errno
 * (EAGAIN: no more threads); run() was not called then.
 */
int thread_run(void *(*run)(void *), void *arg, bool join);

#endif
