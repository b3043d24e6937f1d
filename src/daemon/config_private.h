/* SPDX-License-Identifier: ISC */
/* What config.c has from config_file.c. */
#ifndef DAEMON_CONFIG_PRIVATE_H
#define DAEMON_CONFIG_PRIVATE_H

#include <jansson.h>

#include "daemon/config.h"

/*
 * The one JSON object in the file: a new reference, or NULL with a sentence in
 * why[size] that names the file.
 */
json_t *config_load(const char *path, char *why, size_t size);

/*
 * Reads default options, in any form that the protocol has for them, into list, which
 * is empty.  when is OPTION_AT_CONNECT or OPTION_AT_LISTEN.  active is left out: it
 * is for each connect and listen to say.  False with a sentence in why[size].
 */
bool config_read_options(
    json_t *options, unsigned when, struct option_list *list, char *why, size_t size);

#endif
