/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1024, LINE_SIZE = 4096, GATE_MS = 1000 };

static _Atomic enum log_level current = LOG_L_INFO;
static _Atomic uint64_t lost;

static const char *const names[] = {"error", "warning", "info", "debug"};

void
log_set_level(enum log_level level)
{
	current = level;
}

enum log_level
log_level(void)
{
	return current;
}

uint64_t
log_lost(void)
{
	return lost;
}

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

/*
 * One write for one line.  It never waits: poll() says that a pipe has PIPE_BUF
 * (4,096) bytes free, which a line never exceeds.
 */
static bool
emit(const char *line, size_t len)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t n;

	if (poll(&p, 1, 0) != 1 || (p.revents & POLLOUT) == 0)
		return false;
	do
		n = write(STDERR_FILENO, line, len);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)len;
}

void
log_write(enum log_level level, const char *subsystem, const char *format, ...)
{
	char text[TEXT_MAX], head[96], line[LINE_SIZE];
	int saved = errno, n, room;
	size_t at = 0, i;
	va_list ap;

	if (level > current)
		return;
	room = snprintf(
	    head, sizeof(head), "gentcpd: %s: %.64s: ", names[level], subsystem);
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (room < 0 || n < 0) {
		lost++;
		errno = saved;
		return;
	}
	if ((size_t)n >= sizeof(text)) /* say that it was cut */
		memcpy(text + sizeof(text) - 4, "...", 4);
	/* 4 * 93 + 4 * 1023 would be too much for a line: the end is cut then */
	for (i = 0; head[i] != '\0'; i++)
		at = put_escaped(line, at, (unsigned char)head[i]);
	for (i = 0; text[i] != '\0' && at < sizeof(line) - 5; i++)
		at = put_escaped(line, at, (unsigned char)text[i]);
	line[at++] = '\n';
	if (!emit(line, at))
		lost++;
	errno = saved;
}

int
log_gate_pass(struct log_gate *gate, uint64_t now, uint64_t *held)
{
	if (now < gate->next) {
		gate->held++;
		return 0;
	}
	gate->next = now + GATE_MS;
	*held = gate->held;
	gate->held = 0;
	return 1;
}
