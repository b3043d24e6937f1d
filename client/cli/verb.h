/* SPDX-License-Identifier: ISC */
/* Methods as commands. */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include <stdbool.h>
#include <stdint.h>

#include "client/cli/cli.h"

/* May it be a command?  Some methods are of no use on a connection that ends. */
bool verb_is_useful(const struct method_row *row);
/*
 * Complains of an error in doing verb, with what to do next; socket: whose it was,
 * or 0.  The exit code: CLI_CLOSED where that is the reason.
 */
int verb_failed(
    struct cli *cli, const char *verb, uint64_t socket, const struct gentcp_error *e);

/* Is that SOCKET, SOCKET - or SOCKET -f FILE of send or unrecv? */
bool send_wants_input(const struct method_row *row, int argc, char **argv);
/*
 * It then: sends what standard input or the file has.  A socket with packet 0 gets it in pieces, however much it is; with another packet
 * type it is one packet, which has to fit into one message.
 */
int send_command(struct cli *cli, const struct method_row *row, int argc, char **argv);

#endif
