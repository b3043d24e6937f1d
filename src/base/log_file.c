/* SPDX-License-Identifier: ISC */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"

enum { QUEUE = 256 * 1024, FILE_MODE = 0640 };

/* Two queues: one is filled, the thread writes the other. */
struct log_file {
	pthread_mutex_t lock;
	pthread_cond_t filled, ended;
	char *fill, *drain;
	size_t len;  /* of fill */
	int next;    /* a descriptor to go on with, or -1 */
	bool closed; /* nothing more comes */
	bool left;   /* nobody waits for the thread's end: it frees all */
	bool over;   /* the thread has ended */
	/* the thread's alone */
	log_file_notice *notice;
	int fd;
	bool torn; /* the last line lacks its end */
	bool owes; /* the disk lacks lines, and does not say so yet */
};

static void
file_free(struct log_file *f)
{
	(void)pthread_mutex_destroy(&f->lock);
	(void)pthread_cond_destroy(&f->filled);
	(void)pthread_cond_destroy(&f->ended);
	if (f->next != -1)
		(void)close(f->next);
	if (f->fd != -1)
		(void)close(f->fd);
	free(f->fill);
	free(f->drain);
	free(f);
}

/* --- the thread ------------------------------------------------------------- */

/* A disk that is full takes part of a line: the next one begins a line of its own. */
static void
mend(struct log_file *f)
{
	if (f->torn && write(f->fd, "\n", 1) == 1)
		f->torn = false;
}

static size_t
lines(const char *text, size_t len)
{
	size_t n = 0;

	while (len-- > 0)
		n += *text++ == '\n';
	return n;
}

/* How much of it the disk does not take. */
static size_t
put(struct log_file *f, const char *at, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(f->fd, at, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += n;
		len -= (size_t)n;
		f->torn = at[-1] != '\n';
	}
	return len;
}

/* A line for those that were lost; false: there is no room for it yet. */
static bool
tell_lost(struct log_file *f)
{
	char line[LOG_FILE_LINE];
	uint64_t lost;

	mend(f);
	lost = log_take_untold();
	f->owes = f->torn || (lost > 0 && put(f, line, f->notice(line, lost)) > 0);
	if (f->owes)
		log_give_untold(lost);
	return !f->owes;
}

/* Writes all of it, or counts what was lost. */
static void
drain(struct log_file *f, size_t len)
{
	size_t left = tell_lost(f) ? put(f, f->drain, len) : len;

	if (left > 0) {
		log_lose(lines(f->drain + len - left, left));
		f->owes = true;
	}
}

/* Until there is something to do; a second at most, where the disk lacks lines. */
static void
wait_filled(struct log_file *f)
{
	struct timespec until;

	clock_wall(&until);
	until.tv_sec++;
	while (f->len == 0 && f->next == -1 && !f->closed)
		if (!f->owes)
			(void)pthread_cond_wait(&f->filled, &f->lock);
		else if (pthread_cond_timedwait(&f->filled, &f->lock, &until) != 0)
			break;
}

/* Takes what there is to do; false at the end. */
static bool
take(struct log_file *f, size_t *len)
{
	char *full;

	wait_filled(f);
	if (f->next != -1) {
		(void)close(f->fd);
		f->fd = f->next;
		f->next = -1;
		f->torn = false;
	}
	full = f->fill;
	f->fill = f->drain;
	f->drain = full;
	*len = f->len;
	f->len = 0;
	return *len > 0 || !f->closed;
}

static void *
run(void *arg)
{
	struct log_file *f = arg;
	size_t len;
	bool left;

	(void)pthread_mutex_lock(&f->lock);
	while (take(f, &len)) {
		(void)pthread_mutex_unlock(&f->lock);
		drain(f, len);
		(void)pthread_mutex_lock(&f->lock);
	}
	f->over = true;
	left = f->left;
	(void)pthread_cond_signal(&f->ended);
	(void)pthread_mutex_unlock(&f->lock);
	if (left)
		file_free(f);
	return NULL;
}

/* --- the others --------------------------------------------------------------- */

static int
open_file(const char *path)
{
	/* not to hang on a fifo without a reader */
	return open(path,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, FILE_MODE);
}

struct log_file *
log_file_open(const char *path, log_file_notice *notice)
{
	struct log_file *f = calloc(1, sizeof(*f));
	int error = ENOMEM;

	if (f == NULL)
		return NULL;
	(void)pthread_mutex_init(&f->lock, NULL);
	(void)pthread_cond_init(&f->filled, NULL);
	(void)pthread_cond_init(&f->ended, NULL);
	f->notice = notice;
	f->next = f->fd = -1;
	f->fill = malloc(QUEUE);
	f->drain = malloc(QUEUE);
	if (f->fill != NULL && f->drain != NULL) {
		f->fd = open_file(path);
		error = f->fd == -1 ? errno : thread_run(run, f, false);
	}
	if (error == 0)
		return f;
	file_free(f);
	errno = error;
	return NULL;
}

int
log_file_reopen(struct log_file *f, const char *path)
{
	int fd = open_file(path);

	if (fd == -1)
		return errno;
	(void)pthread_mutex_lock(&f->lock);
	if (f->next != -1)
		(void)close(f->next);
	f->next = fd;
	(void)pthread_cond_signal(&f->filled);
	(void)pthread_mutex_unlock(&f->lock);
	return 0;
}

bool
log_file_put(struct log_file *f, const char *line, size_t len)
{
	bool fits;

	(void)pthread_mutex_lock(&f->lock);
	fits = len <= QUEUE - f->len;
	if (fits) {
		memcpy(f->fill + f->len, line, len);
		f->len += len;
		(void)pthread_cond_signal(&f->filled);
	}
	(void)pthread_mutex_unlock(&f->lock);
	return fits;
}

void
log_file_close(struct log_file *f, int ms)
{
	struct timespec until;
	bool over;

	clock_wall(&until);
	until.tv_sec += ms / 1000;
	(void)pthread_mutex_lock(&f->lock);
	f->closed = true;
	(void)pthread_cond_signal(&f->filled);
	while (!f->over && pthread_cond_timedwait(&f->ended, &f->lock, &until) == 0)
		continue;
	over = f->over;
	f->left = !over;
	(void)pthread_mutex_unlock(&f->lock);
	if (over)
		file_free(f);
}
