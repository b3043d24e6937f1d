/* SPDX-License-Identifier: ISC */
/*
 * Sockets that the service manager made for us: sd_listen_fds(3), by hand.
 */
#ifndef DAEMON_ACTIVATION_H
#define DAEMON_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

struct config;

/* What the manager said, from the environment; each may be NULL. */
struct activation {
	const char *pid, *fds, *names; /* LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES */
	int first;		       /* the first descriptor: 3 */
};

/*
 * Takes the sockets over into *c: the control socket, with whose name c->socket becomes
 * what it is bound to, and one named metrics.  A socket that is alone is the control
 * socket, whatever its name, but for metrics.  True, and nothing done, where there are
 * none for the process own_pid.  False with a sentence in why[size].
 */
bool activation_take(
    struct config *c, const struct activation *a, long own_pid, char *why, size_t size);

#endif
