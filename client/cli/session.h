/* SPDX-License-Identifier: ISC */
/* The kept client of a script, which $GENTCP_SESSION names. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "client/cli/cli.h"

struct session {
	uint64_t client;
	char token[128], instance[64]; /* instance: which gentcpd, "" if it is not said */
};

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
/* This connection becomes the kept client.  The same. */
int session_attach(struct cli *cli, const struct session *s);

#endif
