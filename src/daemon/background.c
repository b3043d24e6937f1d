/* SPDX-License-Identifier: ISC */
#include "daemon/background.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/lock_file.h"
#include "base/log.h"

/* The daemon says one byte when it is ready; else its exit status is ours. */
static void
wait_for(int fd, pid_t child)
{
	int status = 0;
	ssize_t n;
	char byte;

	do
		n = read(fd, &byte, 1);
	while (n == -1 && errno == EINTR);
	if (n == 1)
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &status, 0) == -1 && errno == EINTR)
		continue;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

bool
background_fork(struct background *b, char *why, size_t size)
{
	int p[2];
	pid_t child;

	if (pipe2(p, O_CLOEXEC) != 0) {
		(void)snprintf(why, size, "cannot make a pipe: %s", strerror(errno));
		return false;
	}
	child = fork();
	if (child == -1) {
		(void)snprintf(why, size, "cannot fork: %s", strerror(errno));
		(void)close(p[0]);
		(void)close(p[1]);
		return false;
	}
	if (child > 0) {
		(void)close(p[1]);
		wait_for(p[0], child);
	}
	(void)close(p[0]);
	(void)setsid(); /* cannot fail: a child leads no group */
	b->ready = p[1];
	return true;
}

bool
background_open(struct background *b, const char *path, char *why, size_t size)
{
	b->file = lock_file_open(path, "pid file", 0644, why, size);
	b->path = path;
	return b->file != -1;
}

static void
let_go(struct background *b)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null != -1) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			(void)close(null);
	}
	if (chdir("/") != 0)
		log_warning("daemon", "cannot go to /: %s", strerror(errno));
	if (write(b->ready, "r", 1) != 1)
		log_debug("daemon", "whoever started this daemon has not waited");
	(void)close(b->ready);
	b->ready = -1;
}

void
background_ready(struct background *b)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	b->written = b->file != -1;
	if (b->file != -1 &&
	    (ftruncate(b->file, 0) != 0 || write(b->file, text, (size_t)n) != n))
		log_warning("daemon", "cannot write %s: %s", b->path, strerror(errno));
	if (b->ready != -1)
		let_go(b);
}

/* Nobody's number is in it: it was made for a start that came to nothing. */
static bool
is_empty(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_size == 0;
}

static void
remove_file(struct background *b)
{
	if (b->file == -1 || !(b->written || is_empty(b->file)))
		return;
	/* the folder may be root's, and we are it no more */
	if (!lock_file_named(b->file, b->path) || unlink(b->path) != 0)
		(void)!ftruncate(b->file, 0);
}

void
background_end(struct background *b)
{
	remove_file(b);
	if (b->file != -1)
		(void)close(b->file);
	if (b->ready != -1)
		(void)close(b->ready);
	b->file = b->ready = -1;
}
