/* SPDX-License-Identifier: ISC */
/* Builds the parts, joins them and runs the loop. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

struct config;

/*
 * Runs until SIGTERM or SIGINT.  Returns the exit status: 0, or 1 after an
 * error that was logged.
 */
int daemon_run(const struct config *config);

#endif
