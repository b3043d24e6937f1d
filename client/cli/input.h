/* SPDX-License-Identifier: ISC */
/* Bytes of files and of standard input. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stddef.h>
#include <sys/types.h>

#include "client/cli/cli.h"

enum input_status {
	INPUT_OK,
	INPUT_FAILED,  /* errno says how */
	INPUT_TOO_LONG /* more than limit */
};

/* read(2) that waits: 0 at the end, -1 with errno. */
ssize_t input_read(int fd, void *room, size_t size);
/* Reads to the end.  *data, the caller's, to be freed in any case; never NULL if OK. */
enum input_status input_read_all(int fd, size_t limit, char **data, size_t *len);
/* How many bytes gentcpd takes with one message (max_attachment); connected. */
size_t input_limit(struct cli *cli);

#endif
