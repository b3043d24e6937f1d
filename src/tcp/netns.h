/* SPDX-License-Identifier: ISC */
/* Sockets in another network namespace: the option netns. */
#ifndef TCP_NETNS_H
#define TCP_NETNS_H

/*
 * socket(2) inside the namespace that path names, as "ip netns" has them or
 * /proc/PID/ns/net.  The caller's own namespace stays what it is.  0 and *fd (with
 * SOCK_NONBLOCK and SOCK_CLOEXEC), or an errno: ENOENT and others of open(2), EINVAL
 * (the file is no network namespace), EPERM (no right to enter it), EAGAIN (no more
 * threads), those of socket(2).  Nothing but a namespace's file is opened for
 * reading, so no device or fifo hears of it.
 */
int netns_socket(const char *path, int family, int protocol, int *fd);

#endif
