/* SPDX-License-Identifier: ISC */
/*
 * Words to the service manager: sd_notify(3), by hand.  What cannot be said harms
 * nothing: each is a datagram that nobody waits for.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; /* -1: nobody wants to hear anything */
	struct sockaddr_un addr;
	socklen_t len;
};

/*
 * path is $NOTIFY_SOCKET, or NULL: a file's, or with @ before it an abstract name.  False
 * with a sentence in the log where there is one but it is of no use.
 */
bool notify_open(struct notify *n, const char *path);
void notify_close(struct notify *n);
/* Is somebody listening? */
static inline bool
notify_wanted(const struct notify *n)
{
	return n->fd != -1;
}
/* Says text: lines, such as READY=1.  False if it could not be said. */
bool notify_say(const struct notify *n, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * How often, in ms, WATCHDOG=1 is to be said: half of $WATCHDOG_USEC, which counts where
 * $WATCHDOG_PID is not there or is pid.  0: not at all.
 */
int64_t notify_watchdog(const char *usec, const char *pid_text, long pid);

#endif
