/* SPDX-License-Identifier: ISC */
/*
 * connect(2) in a thread of its own, for a descriptor that its sender still
 * shares: whatever is set on it, the sender can take off again between two of
 * our calls, and a connect that blocks would hold up the loop for minutes.
 */
#ifndef TCP_CONNECT_THREAD_H
#define TCP_CONNECT_THREAD_H

#include "tcp/resolver.h"

/*
 * Begins.  Returns a descriptor, the caller's to close, that becomes readable
 * when connect has returned; or -1 with errno.  fd is duplicated, so it may be
 * closed meanwhile; shutdown(2) on it first ends a connect that hangs.
 */
int connect_thread_start(int fd, const struct resolver_address *address);

/* When it is readable: what connect returned, 0 or an errno (EINPROGRESS …). */
int connect_thread_result(int readable);

#endif
