/* SPDX-License-Identifier: ISC */
#include "daemon/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

bool
notify_open(struct notify *n, const char *path)
{
	size_t len = path == NULL ? 0 : strlen(path);

	memset(n, 0, sizeof(*n));
	n->fd = -1;
	if (len == 0)
		return true;
	if ((*path != '/' && *path != '@') || len < 2 ||
	    len >= sizeof(n->addr.sun_path)) {
		log_warning("daemon",
		    "NOTIFY_SOCKET is neither a path nor an abstract "
		    "name: the service manager is told nothing");
		return false;
	}
	n->addr.sun_family = AF_UNIX;
	memcpy(n->addr.sun_path, path, len);
	if (*path == '@')
		n->addr.sun_path[0] = '\0';
	n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (n->fd == -1)
		log_warning(
		    "daemon", "the service manager is told nothing: %s", strerror(errno));
	return n->fd != -1;
}

void
notify_close(struct notify *n)
{
	if (n->fd != -1)
		(void)close(n->fd);
	n->fd = -1;
}

bool
notify_say(const struct notify *n, const char *format, ...)
{
	char text[512];
	va_list ap;
	int len;

	if (n->fd == -1)
		return true;
	va_start(ap, format);
	len = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= sizeof(text))
		return false;
	if (sendto(n->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&n->addr, n->len) == (ssize_t)len)
		return true;
	log_warning(
	    "daemon", "cannot tell the service manager %.16s: %s", text, strerror(errno));
	return false;
}

/* A decimal number that is not 0; else 0. */
static unsigned long long
read_number(const char *text)
{
	unsigned long long n;
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0 ? n : 0;
}

int64_t
notify_watchdog(const char *usec, const char *pid_text, long pid)
{
	unsigned long long n = read_number(usec);

	if (n == 0 || n > INT64_MAX ||
	    (pid_text != NULL && read_number(pid_text) != (unsigned long long)pid))
		return 0;
	/* no timer is finer */
	return n < 2000 ? 1 : (int64_t)(n / 2000);
}
