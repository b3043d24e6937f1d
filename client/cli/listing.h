/* SPDX-License-Identifier: ISC */
/* What gentcpd tells of sockets, put together for tables. */
#ifndef CLI_LISTING_H
#define CLI_LISTING_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "client/cli/cli.h"
#include "client/cli/table.h"

enum { LISTING_WORD = 24 };

struct listing_row {
	uint64_t socket, owner;
	const char *state;		/* static: listen, connected, open, closed */
	json_t *info;			/* own: inet.info's result */
	json_t *local, *peer, *options; /* own: sockname's, ...; NULL if it has none */
	char packet[LISTING_WORD], active[LISTING_WORD];
};

struct question;

struct listing {
	struct listing_row *rows; /* own; in the order of sockets */
	size_t count;
	size_t waiting;		/* for replies */
	struct question *asked; /* what they will answer */
};

/* A number of info, or of an object in it; 0 if it is not there. */
uint64_t listing_number(const struct listing_row *row, const char *name);
uint64_t listing_number_of(
    const struct listing_row *row, const char *object, const char *name);
/* "127.0.0.1:80", "[::1%2]:80", a local socket's path; nothing of NULL. */
void listing_put_address(struct bytes *out, json_t *sockaddr);
void listing_add_address(struct table *t, json_t *sockaddr);

/*
 * Asks for all sockets that the connection may see, or for one.  CLI_OK, or the
 * exit code with everything said.  A socket that closes meanwhile has less to
 * tell.  listing_fini() in both cases.
 */
int listing_read(struct cli *cli, struct listing *l, uint64_t only);
/* Answers that still come are for nobody. */
void listing_fini(struct listing *l);

/* "3" -> 3; 0, and it is said, if that is no number. */
uint64_t listing_socket(const char *verb, const char *text);

#endif
