/* SPDX-License-Identifier: ISC */
/* gentcp-cli: what its commands share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/gentcp.h"
#include "proto/bytes.h"
#include "proto/method.h"

/* Exit codes; part of the interface. */
enum {
	CLI_OK = 0,
	CLI_ERROR = 1, /* the daemon said so, or standard output failed */
	CLI_USAGE = 2,
	CLI_NO_DAEMON = 3,
	CLI_TIMEOUT = 4,
	CLI_CLOSED = 5 /* a verb's socket is closed, or there is none */
};

enum { CLI_DEADLINE = 5000 }; /* ms, where nothing should wait */

struct cli {
	bool json;
	bool stop_at_error; /* -e */
	uint64_t count;	    /* -n; 0: no limit */
	const char *path;   /* -s, or NULL */
	int timeout;	    /* -T in ms, or -1: not given */
	int interval;	    /* -d likewise */
	int ttl;	    /* -t likewise */
	bool listen;	    /* -l */
	bool end;	    /* -k */
	const char *style;  /* -S, or NULL */
	const char *form;   /* of bytes, as said to g; static */
	struct gentcp *g;
	bool output_failed;
	bool taken;   /* another command is the session's client now */
	bool leaving; /* requests that end now are of no interest */
	bool brief;   /* -q: an end and a timeout are told by the exit code alone */
	bool quiet;   /* cli_failed() says nothing */
	int late;     /* the ms after which what is answered now was cancelled */
};

/* "gentcp-cli: ..." on standard error, peers' bytes escaped by the caller. */
void cli_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * Connects and says hello; form as for gentcp_set_data().  CLI_OK, or the code
 * to exit with, everything said.
 */
int cli_connect(struct cli *cli, const char *form);
/* What session.hello says once more: a new reference, NULL with the error in g. */
json_t *cli_hello(struct cli *cli);
/* Ends the connection; callbacks of what still waits are called now. */
void cli_disconnect(struct cli *cli);
/* The daemon is gone: says so.  CLI_NO_DAEMON. */
int cli_lost(struct cli *cli);
/* Complains of an error of the library or the daemon in doing what. */
int cli_failed(struct cli *cli, const char *what, const struct gentcp_error *e);
/* Complains that no reply came.  CLI_TIMEOUT. */
int cli_late(const struct cli *cli, const char *what, int timeout);
/* Complains of a method that is none, and names what is near.  CLI_USAGE. */
int cli_no_method(const char *name);

/* Writes bytes to standard output, at once.  False, and it is said, if it is closed. */
bool cli_write(struct cli *cli, const void *data, size_t len);
/* Writes text and a LF to standard output, at once.  False if it is closed. */
bool cli_print(struct cli *cli, struct bytes *text);
/* The same with an event, as a line or as JSON. */
bool cli_print_event(struct cli *cli, const struct gentcp_event *e);

/* The -T to keep for a request: of that method. */
int cli_timeout(const struct cli *cli, const struct method_row *row);
/* "gen_tcp.connect" or "connect" -> its row; NULL if there is none. */
const struct method_row *cli_method(const char *name);
/* "connect" of "gen_tcp.connect". */
const char *cli_verb(const struct method_row *row);

/* --- commands.c ------------------------------------------------------------- */

struct cli_command {
	const char *name;
	const char *usage; /* what stands behind the name */
	const char *help;  /* one line */
	int (*run)(struct cli *cli, int argc, char **argv);
};

/* The i-th, or NULL behind the last; the one of that name, or NULL. */
const struct cli_command *cli_command(size_t i);
const struct cli_command *cli_command_find(const char *name);
/* Complains of how a command was called, and says how it is.  CLI_USAGE. */
int cli_usage(const char *name);

/* --- the commands; each returns the exit code ------------------------------- */

int call_command(struct cli *cli, int argc, char **argv);
int shell_command(struct cli *cli, int argc, char **argv);
int pipe_command(struct cli *cli, int argc, char **argv);
int monitor_command(struct cli *cli, int argc, char **argv);
int getfd_command(struct cli *cli, int argc, char **argv);
int log_command(struct cli *cli, int argc, char **argv);
int metrics_command(struct cli *cli, int argc, char **argv);
int help_command(struct cli *cli, int argc, char **argv);
int sockets_command(struct cli *cli, int argc, char **argv);
int info_command(struct cli *cli, int argc, char **argv);
int top_command(struct cli *cli, int argc, char **argv);
int introspect_command(struct cli *cli, int argc, char **argv);
int session_command(struct cli *cli, int argc, char **argv);
int events_command(struct cli *cli, int argc, char **argv);
int wait_for_command(struct cli *cli, int argc, char **argv);
int completion_command(struct cli *cli, int argc, char **argv);
int complete_command(struct cli *cli, int argc, char **argv);
/* A method as a command: connect, send, recv, ... */
int verb_command(struct cli *cli, const struct method_row *row, int argc, char **argv);

/*
 * Appends what help says: of all verbs (topic NULL), of a method, of all options
 * (topic "options", name NULL) or of the option name.  False where there is no
 * such thing.
 */
bool help_about(struct bytes *out, const char *topic, const char *name);

#endif
