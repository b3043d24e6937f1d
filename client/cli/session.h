/* SPDX-License-Identifier: ISC */
/* The kept client of a script, which $GENTCP_SESSION names. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "client/cli/cli.h"

struct session {
	uint64_t client;
	char token[128], instance[64]; /* instance: which gentcpd */
};

/* Is $GENTCP_SESSION set? */
bool session_there(void);
/*
 * Reads $GENTCP_SESSION.  False where there is none that can be read: said, with
 * how to get one, in the name of verb.
 */
bool session_read(struct session *s, const char *verb);
/*
 * Connected: is that the daemon, and does it keep that client still?  CLI_OK, or
 * CLI_ERROR with everything said.
 */
int session_check(struct cli *cli, const struct session *s);
/* Gives it a socket of this connection, with all events that came.  The same. */
int session_give(struct cli *cli, const struct session *s, uint64_t socket);
/*
 * This connection becomes the kept client, which is told again all that was not
 * acknowledged.  The same.
 */
int session_attach(struct cli *cli, const struct session *s);
/* Attached: events up to seq are handled.  At the next write; wait: now. */
void session_ack(struct cli *cli, uint64_t seq, bool wait);

/* --- session_open.c ------------------------------------------------------------ */

/*
 * Changes the params of connect, listen or fdopen so that the socket opens passive.
 * What was said of active is returned, a new array of options; NULL without memory.
 */
json_t *session_open_passive(const struct method_row *row, json_t *params);
/* Does what they said, or gen_tcp's default; the exit code, everything said. */
int session_activate(struct cli *cli, uint64_t socket, json_t *later);
/* Are sockets that this listener accepts passive?  CLI_OK, or it is said. */
int session_check_listener(struct cli *cli, uint64_t listener);

/* --- hand_over.c ------------------------------------------------------------- */

/*
 * Attached: gives a socket of the session to client, with the events of it that
 * came here, as gentcp_controlling_process() does; they are acknowledged then.  The
 * exit code, with everything said.
 */
int session_hand_over(
    struct cli *cli, const struct session *s, uint64_t socket, uint64_t client);

#endif
