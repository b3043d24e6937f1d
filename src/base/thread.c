/* SPDX-License-Identifier: ISC */
#include "base/thread.h"

#include <signal.h>
#include <stddef.h>

enum { STACK = 128 * 1024 };

/* A new thread has its maker's mask. */
int
thread_create(
    pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	sigset_t all, old;
	int error;

	(void)sigfillset(&all);
	error = pthread_sigmask(SIG_SETMASK, &all, &old);
	if (error != 0)
		return error;
	error = pthread_create(thread, attr, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return error;
}

int
thread_run(void *(*run)(void *), void *arg, bool join)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error = pthread_attr_init(&attr);

	if (error != 0)
		return error;
	(void)pthread_attr_setdetachstate(
	    &attr, join ? PTHREAD_CREATE_JOINABLE : PTHREAD_CREATE_DETACHED);
	(void)pthread_attr_setstacksize(&attr, STACK);
	error = thread_create(&thread, &attr, run, arg);
	(void)pthread_attr_destroy(&attr);
	if (error == 0 && join)
		(void)pthread_join(thread, NULL);
	return error;
}
