/* SPDX-License-Identifier: ISC */
/* Words -> the params of a method, by its row. */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "client/cli/token.h"
#include "client/gentcp.h"
#include "proto/method.h"

struct args {
	json_t *params;	  /* own */
	const void *data; /* what is to be attached, or NULL; the tokens' */
	size_t data_len;
	char *from_file; /* own: data that -f FILE named, or NULL */
	bool with_file;	 /* file is to be passed: own */
	int file;
};

/*
 * Positional words, name=value, options, or one JSON object or array; variables
 * are replaced already.  False with a sentence in why[size]; args_fini() in both
 * cases.  The tokens must outlive args.
 */
bool args_read(struct args *args, const struct method_row *row,
    const struct token *tokens, size_t count, char *why, size_t size);
void args_fini(struct args *args);

/* Complains of why, and shows the verb's usage. */
void args_complain(const struct method_row *row, const char *why);
/* Sends the request, its file with it if it has one: as gentcp_request(). */
int args_request(struct gentcp *g, const struct method_row *row, const struct args *args,
    gentcp_reply_fn fn, void *ctx, uint64_t *id);

/* What stands behind a method's name, as usage shows it: " socket [timeout]". */
void args_put_usage(struct bytes *out, const struct method_row *row);

#endif
