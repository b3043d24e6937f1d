/* SPDX-License-Identifier: ISC */
/*
 * The configuration file: JSON, each key a row of one table (name, type, range,
 * where it goes, help).
 */
#ifndef DAEMON_CONFIG_H
#define DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/log.h"
#include "control/server.h"
#include "rpc/access.h"
#include "rpc/rpc.h"
#include "tcp/tcp.h"

#ifndef RUNSTATEDIR
#define RUNSTATEDIR "/run"
#endif
/* Where the system's daemon has its socket; made by it if it is missing. */
#define CONFIG_RUN_DIR RUNSTATEDIR "/gentcpd"
#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
/* The configuration of the system's daemon. */
#define CONFIG_FILE SYSCONFDIR "/gentcpd/gentcpd.conf"

enum {
	CONFIG_LOG_AUTO = 4,   /* beside enum log_target */
	CONFIG_SUBSYSTEMS = 16 /* at least those of the log */
};

struct config_log {
	int target; /* enum log_target, or CONFIG_LOG_AUTO */
	char *path; /* own; LOG_TO_FILE */
	enum log_level levels[CONFIG_SUBSYSTEMS]; /* as log_subsystem() numbers them */
};

/* Where a configuration comes from: the command line. */
struct config_source {
	const char *file;     /* or NULL */
	const char *socket;   /* has the last word; or NULL */
	const char *fallback; /* where nothing else says it; NULL: as config_init() */
	bool verbose;	      /* all is logged, whatever the file says */
	bool background;      /* auto is syslog, for stderr will be gone */
};

struct config {
	char *socket;		     /* own; NULL: none was given, none is known */
	char *monitor_socket;	     /* own; NULL: none */
	struct server_config server; /* its path is socket */
	struct server_config monitor;
	struct config_log log;
	struct access access;	  /* own; rpc has it */
	int64_t shutdown_timeout; /* ms */
	struct rpc_config rpc;
	struct tcp_config tcp;
	char *metrics_listen; /* own; NULL: nowhere */
	int metrics_fd;	      /* or on this one, that was passed; -1: none */
	struct option_list connect_options, listen_options; /* own; rpc has them */
	bool exposed; /* everybody may write to the file that it was read from */
};

/*
 * The path that the protocol names, to be freed; NULL where the environment does not
 * tell, or without memory.
 */
char *config_default_socket(void);
/* The built-in defaults; socket is config_default_socket(). */
void config_init(struct config *c);
void config_fini(struct config *c);
/*
 * Reads a file on top of *c.  False with a sentence in why[size] that names
 * file, line or key: *c is then as before.
 */
bool config_read(struct config *c, const char *path, char *why, size_t size);
/*
 * All of it: defaults, file, command line.  False with a sentence in why[size], and
 * nothing in *c then.  Touches nothing else: another thread may do it.
 */
bool config_build(
    struct config *c, const struct config_source *from, char *why, size_t size);
/*
 * For a daemon that runs with now and is to go on with next: what it cannot change
 * stays as it is.  True if that differed: names[size] tells the keys.
 */
bool config_keep(struct config *next, struct config *now, char *names, size_t size);
/* Logs what is no error, and not as whoever wrote file (or NULL) will have meant it. */
void config_warn(const struct config *c, const char *file);
/* False without memory. */
bool config_set_socket(struct config *c, const char *path);
/* Prints the table of keys to stdout. */
void config_help(void);

#endif
