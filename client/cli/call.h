/* SPDX-License-Identifier: ISC */
/* One request of the command line. */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "client/cli/args.h"
#include "client/cli/cli.h"

/* Arguments as tokens; false without memory, which is said. */
bool call_read_arguments(struct tokens *tokens, int argc, char **argv);
/*
 * Makes a request and waits until fn has set *done.  CLI_OK then, else the exit
 * code, all said.
 */
int call_request(struct cli *cli, const struct method_row *row, const struct args *args,
    gentcp_reply_fn fn, void *ctx, const bool *done);

#endif
