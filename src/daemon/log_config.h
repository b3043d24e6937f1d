/* SPDX-License-Identifier: ISC */
/* The log, as the configuration wants it. */
#ifndef DAEMON_LOG_CONFIG_H
#define DAEMON_LOG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

struct config_log;

/*
 * Its levels count from now on, and lines go where it says; in the background auto is
 * syslog.  False with a sentence in why[size]: all is as before.
 */
bool log_config_begin(
    const struct config_log *c, bool background, char *why, size_t size);
/* The same where now is in force: nothing is closed that stays. */
bool log_config_change(const struct config_log *now, const struct config_log *next,
    bool background, char *why, size_t size);

#endif
