/* SPDX-License-Identifier: ISC */
/* What a word may become: for shells, and for the shell of gentcp-cli. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdbool.h>
#include <stddef.h>

#include "client/gentcp.h"
#include "proto/bytes.h"

/* Called with each candidate; a word that ends with = goes on.  help may be NULL. */
typedef void complete_fn(const char *word, const char *help, void *ctx);

struct complete {
	complete_fn *fn;
	void *ctx;
	struct gentcp *g; /* who is asked for sockets and clients; NULL: nobody */
	const char *path; /* else the daemon there is asked, if ask is set */
	bool ask;
	const char *word; /* set by the two functions */
};

/* Words behind "gentcp-cli", the last of which is to be completed. */
void complete_command_line(struct complete *c, char *const *words, size_t count);
/* Words of a line of the shell; the caller adds its variables. */
void complete_shell_line(struct complete *c, char *const *words, size_t count);

/* Offers word if it begins with what is there. */
void complete_offer(struct complete *c, const char *word, const char *help);

#endif
