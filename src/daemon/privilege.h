/* SPDX-License-Identifier: ISC */
/* From root to a user of its own. */
#ifndef DAEMON_PRIVILEGE_H
#define DAEMON_PRIVILEGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct privilege {
	uid_t uid;
	gid_t gid;
	const char *user; /* borrowed */
};

/* Looks the user up.  False with a sentence in why[size]. */
bool privilege_find(struct privilege *p, const char *user, char *why, size_t size);
/*
 * Becomes that user, with its groups, for good.  Where it was built with libcap-ng, the
 * right to bind ports below 1024 stays.  False with a sentence in why[size]: the process
 * may be neither the one nor the other, and has to end.
 */
bool privilege_drop(const struct privilege *p, char *why, size_t size);

#endif
