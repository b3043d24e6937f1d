/* SPDX-License-Identifier: ISC */
/*
 * The configuration file: JSON, each key a row of one table (name, type, range,
 * where it goes, help).
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "control/server.h"
#include "rpc/rpc.h"
#include "tcp/tcp.h"

#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif
/* Where the system's daemon has its socket; made by it if it is missing. */
#define CONFIG_RUN_DIR RUNSTATEDIR "/gentcpd"

struct config {
	char *socket;		     /* own; NULL: none was given, none is known */
	struct server_config server; /* its path is socket */
	struct rpc_config rpc;
	struct tcp_config tcp;
	struct option_list connect_options, listen_options; /* own; rpc has them */
};

/*
 * The built-in defaults; socket is the path that the protocol names, or NULL
 * where the environment does not tell.  False without memory.
 */
bool config_init(struct config *c);
void config_fini(struct config *c);
/*
 * Reads a file on top of *c.  False with a sentence in why[size] that names
 * file, line or key: *c is then as before.
 */
bool config_read(struct config *c, const char *path, char *why, size_t size);
/* False without memory. */
bool config_set_socket(struct config *c, const char *path);
/* Prints the table of keys to stdout. */
void config_help(void);

#endif
