/* SPDX-License-Identifier: ISC */
/*
 * libgentcp in a loop around poll(2): for programs that wait for connections to the
 * daemon together with descriptors of their own, or for several connections.  All
 * of it is inline: nothing more is to be linked.  gentcp_poll(3).
 *
 *	for (;;) {
 *		int timeout = -1;
 *
 *		gentcp_poll_fill(g, &fds[0], &timeout);
 *		fds[1] = ...;
 *		poll(fds, 2, timeout);
 *		if (gentcp_poll_ready(g, &fds[0]))
 *			gentcp_dispatch(g, 0);
 *		...
 *	}
 */
#ifndef GENTCP_POLL_H
#define GENTCP_POLL_H

#include <gentcp.h>
#include <poll.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Writes what is queued and can be written, sets *fd to what g waits for, and
 * shortens *timeout (ms, -1 for none) if g wants to be called before.
 */
static inline void
gentcp_poll_fill(struct gentcp *g, struct pollfd *fd, int *timeout)
{
	int own;

	(void)gentcp_flush(g); /* gentcp_dispatch() tells of what fails */
	own = gentcp_next_timeout(g);
	fd->fd = gentcp_fd(g); /* -1 where it is lost: poll(2) passes it over */
	fd->events = gentcp_poll_events(g);
	fd->revents = 0;
	if (own >= 0 && (*timeout < 0 || own < *timeout))
		*timeout = own;
}

/* After poll(2): is gentcp_dispatch() to be called, with timeout 0? */
static inline int
gentcp_poll_ready(const struct gentcp *g, const struct pollfd *fd)
{
	return fd->revents != 0 || gentcp_next_timeout(g) == 0;
}

/*
 * gentcp_dispatch() for n connections at once, of which some may be NULL; fds has
 * room for n.  Waits for at most timeout ms until there is something for any of
 * them, and dispatches those.  Returns how many these were, 0 at the timeout, or -1
 * with errno from poll(2), EINTR after a signal.
 *
 * Callbacks may free connections: of the one that they are called for the entry is
 * set to NULL here; of another one they have to do it themselves.  That one is lost
 * for good is told by gentcp_on_state(); it is passed over from then on.
 */
static inline int
gentcp_poll_all(struct gentcp **all, struct pollfd *fds, size_t n, int timeout)
{
	int done = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i].fd = -1;
		fds[i].events = fds[i].revents = 0;
		if (all[i] != NULL)
			gentcp_poll_fill(all[i], &fds[i], &timeout);
	}
	if (poll(fds, (nfds_t)n, timeout) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (all[i] == NULL || !gentcp_poll_ready(all[i], &fds[i]))
			continue;
		done++;
		if (gentcp_dispatch(all[i], 0) == GENTCP_FREED)
			all[i] = NULL;
	}
	return done;
}

#ifdef __cplusplus
}
#endif

#endif
