/* SPDX-License-Identifier: ISC */
/* Threads for the few calls that the loop's own thread cannot make. */
#ifndef TCP_THREAD_H
#define TCP_THREAD_H

#include <stdbool.h>

/*
 * Calls run(arg) in a new thread with a small stack and all signals blocked.  join:
 * waits for its end, so it has to be short; else it goes on by itself.  0 or an errno
 * (EAGAIN: no more threads); run() was not called then.
 */
int tcp_thread_run(void *(*run)(void *), void *arg, bool join);

#endif
