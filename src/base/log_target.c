/* SPDX-License-Identifier: ISC */
#include "base/log_target.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_file.h"

enum {
	LINE_SIZE = LOG_FILE_LINE, /* PIPE_BUF: a pipe takes it as a whole */
	HEAD_SIZE = 128,
	CLOSE_MS = 1000,
	FACILITY = 3 << 3 /* syslog's daemon */
};

/* The process's, see log.h.  Set by one thread, before there are others or by the loop's. */
static struct {
	enum log_target target;
	char *path;
	struct log_file *file;
	int syslog;  /* -1: to be connected */
	bool torn;   /* stderr's last line lacks its end */
	bool beside; /* errors go to stderr, too */
} to = {.target = LOG_TO_STDERR, .syslog = -1};

/* By level, as syslog(3) and journald number them. */
static const int priorities[LOG_L_COUNT] = {3, 4, 6, 7};

/* --- targets -------------------------------------------------------------------- */

/*
 * One write for one line.  It never waits: poll() says that a pipe has PIPE_BUF
 * (4,096) bytes free, which a line never exceeds.
 */
static ssize_t
write_stderr(const char *text, size_t len)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n;

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
		return 0;
	do
		n = write(STDERR_FILENO, text, len);
	while (n == -1 && errno == EINTR);
	return n;
}

/* If it is a file, a disk that is full takes part of a line: see log_file.c. */
static bool
put_stderr(const char *line, size_t len)
{
	ssize_t n;

	if (to.torn && write_stderr("\n", 1) != 1)
		return false;
	n = write_stderr(line, len);
	to.torn = n > 0 && n < (ssize_t)len;
	return n == (ssize_t)len;
}

static bool
connect_syslog(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *path = to.path == NULL ? "/dev/log" : to.path;

	if (strlen(path) >= sizeof(addr.sun_path))
		return false;
	memcpy(addr.sun_path, path, strlen(path));
	to.syslog = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (to.syslog != -1 &&
	    connect(to.syslog, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return true;
	if (to.syslog != -1)
		(void)close(to.syslog);
	to.syslog = -1;
	return false;
}

/* A syslog that was started anew is found again. */
static bool
put_syslog(const char *line, size_t len)
{
	for (int tries = 0; tries < 2; tries++) {
		if (to.syslog == -1 && !connect_syslog())
			return false;
		if (send(to.syslog, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		    (ssize_t)len)
			return true;
		if (errno == EAGAIN || errno == ENOBUFS)
			return false;
		(void)close(to.syslog);
		to.syslog = -1;
	}
	return false;
}

/* --- lines ------------------------------------------------------------------------ */

/* Appends c, escaped where it could do harm to a terminal or to a reader. */
static size_t
put_escaped(char *line, size_t at, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	if (c >= 0x20 && c < 0x7f && c != '\\') {
		line[at++] = (char)c;
		return at;
	}
	line[at++] = '\\';
	line[at++] = 'x';
	line[at++] = hex[c >> 4];
	line[at++] = hex[c & 15];
	return at;
}

/* What stands before the level: who may read it knows the time, or not. */
static int
put_head(char head[HEAD_SIZE], enum log_target target, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char when[32];

	switch (target) {
	case LOG_TO_JOURNAL:
		return snprintf(head, HEAD_SIZE, "<%d>", priorities[level]);
	case LOG_TO_SYSLOG:
		clock_wall(&now);
		if (localtime_r(&now.tv_sec, &tm) == NULL ||
		    strftime(when, sizeof(when), "%b %e %T", &tm) == 0)
			return -1;
		return snprintf(head, HEAD_SIZE,
		    "<%d>%s gentcpd[%ld]: ", FACILITY | priorities[level], when,
		    (long)getpid());
	case LOG_TO_FILE:
		clock_wall(&now);
		if (gmtime_r(&now.tv_sec, &tm) == NULL ||
		    strftime(when, sizeof(when), "%FT%T", &tm) == 0)
			return -1;
		return snprintf(head, HEAD_SIZE, "%s.%03ldZ gentcpd: %s: ", when,
		    now.tv_nsec / 1000000, log_level_name(level));
	case LOG_TO_STDERR:
		break;
	}
	return snprintf(head, HEAD_SIZE, "gentcpd: %s: ", log_level_name(level));
}

static size_t
put_text(char *line, size_t at, size_t size, const char *text)
{
	for (size_t i = 0; text[i] != '\0' && at < size - 5; i++)
		at = put_escaped(line, at, (unsigned char)text[i]);
	return at;
}

/* A whole line for the target; its length, or 0. */
static size_t
put_line(char line[LINE_SIZE], enum log_target target, enum log_level level,
    const char *subsystem, const char *text)
{
	int n = put_head(line, target, level);
	size_t at;

	if (n < 0)
		return 0;
	/* the longest text, all escaped, would be too much: its end is cut then */
	at = put_text(line, (size_t)n, (size_t)n + 4 * 64, subsystem);
	line[at++] = ':';
	line[at++] = ' ';
	at = put_text(line, at, LINE_SIZE, text);
	if (target != LOG_TO_SYSLOG)
		line[at++] = '\n';
	return at;
}

/* The line that tells of so many lost ones. */
static size_t
put_notice(char line[LINE_SIZE], enum log_target target, uint64_t lines)
{
	char text[64];

	(void)snprintf(
	    text, sizeof(text), "lines that could not be written: %" PRIu64, lines);
	return put_line(line, target, LOG_L_WARNING, "daemon", text);
}

static size_t
file_notice(char *line, uint64_t lines)
{
	return put_notice(line, LOG_TO_FILE, lines);
}

static bool
put_out(const char *line, size_t len)
{
	if (to.target == LOG_TO_SYSLOG)
		return put_syslog(line, len);
	return put_stderr(line, len);
}

/* Before the next line: what is lost is not passed over. */
static bool
tell_lost(void)
{
	char line[LINE_SIZE];
	uint64_t lines = log_take_untold();
	size_t len;

	if (lines == 0)
		return true;
	len = put_notice(line, to.target, lines);
	if (len > 0 && put_out(line, len))
		return true;
	log_give_untold(lines);
	return false;
}

/* On stderr, where that is not the log. */
static void
put_beside(const char *subsystem, const char *text)
{
	char line[LINE_SIZE];
	size_t len;

	if (to.target != LOG_TO_FILE && to.target != LOG_TO_SYSLOG)
		return;
	len = put_line(line, log_target_guess(), LOG_L_ERROR, subsystem, text);
	if (len > 0)
		(void)put_stderr(line, len);
}

void
log_errors_beside(bool on)
{
	to.beside = on;
}

bool
log_target_put(enum log_level level, const char *subsystem, const char *text)
{
	char line[LINE_SIZE];
	size_t len = put_line(line, to.target, level, subsystem, text);

	if (to.beside && level == LOG_L_ERROR)
		put_beside(subsystem, text);
	if (len == 0)
		return false;
	if (to.target == LOG_TO_FILE)
		return log_file_put(to.file, line, len);
	return tell_lost() && put_out(line, len);
}

/* --- the choice --------------------------------------------------------------------- */

static void
leave(int ms)
{
	if (to.file != NULL)
		log_file_close(to.file, ms);
	if (to.syslog != -1)
		(void)close(to.syslog);
	free(to.path);
	to.file = NULL;
	to.syslog = -1;
	to.path = NULL;
	to.target = LOG_TO_STDERR;
}

bool
log_open(enum log_target target, const char *path, char *why, size_t size)
{
	struct log_file *file = NULL;
	char *copy = path == NULL ? NULL : strdup(path);

	if (path != NULL && copy == NULL) {
		(void)snprintf(why, size, "out of memory");
		return false;
	}
	if (target == LOG_TO_FILE && (file = log_file_open(path, file_notice)) == NULL) {
		(void)snprintf(
		    why, size, "cannot open the log %s: %s", path, strerror(errno));
		free(copy);
		return false;
	}
	leave(0);
	to.target = target;
	to.path = copy;
	to.file = file;
	return true;
}

bool
log_reopen(char *why, size_t size)
{
	int error = to.file == NULL ? 0 : log_file_reopen(to.file, to.path);

	if (error == 0)
		return true;
	(void)snprintf(
	    why, size, "cannot open the log %s anew: %s", to.path, strerror(error));
	/* the file that is still written may have been removed: nobody reads it there */
	put_beside("daemon", why);
	return false;
}

void
log_close(void)
{
	leave(CLOSE_MS);
}

enum log_target
log_target_guess(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return LOG_TO_STDERR;
	dev = strtoull(stream, &end, 10);
	if (*end != ':')
		return LOG_TO_STDERR;
	ino = strtoull(end + 1, &end, 10);
	return *end == '\0' && dev == st.st_dev && ino == st.st_ino ? LOG_TO_JOURNAL
								    : LOG_TO_STDERR;
}
