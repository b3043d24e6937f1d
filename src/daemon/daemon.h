/* SPDX-License-Identifier: ISC */
/* Builds the parts, joins them and runs the loop. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>

struct config;
struct config_source;

/* What the command line says beside the configuration. */
struct daemon_start {
	const char *user;     /* to become, or NULL */
	const char *pid_file; /* or NULL */
	bool background;
};

/*
 * Runs until SIGTERM or SIGINT, or until an administrator's daemon.shutdown.  config is
 * from the heap, and the daemon's from now on; from says where it is read anew.
 * Returns the exit status: 0, or 1 after an error that was logged.
 */
int daemon_run(struct config *config, const struct config_source *from,
    const struct daemon_start *start);

#endif
