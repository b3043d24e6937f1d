/* SPDX-License-Identifier: ISC */
/* The shell's lines as words. */
#ifndef CLI_TOKEN_H
#define CLI_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/bytes.h"

enum token_kind {
	TOKEN_WORD,
	TOKEN_QUOTED,  /* bytes, escapes done: always a value */
	TOKEN_JSON,    /* begins with { or [ */
	TOKEN_VARIABLE /* $name: value is the name */
};

/* A word, or name=value. */
struct token {
	enum token_kind kind; /* of the value */
	char *name;	      /* own; NULL if it is a value alone */
	char *value;	      /* own; a NUL, not counted, is behind it */
	size_t len;
};

struct tokens {
	struct token *items; /* own */
	size_t count, size;
};

/*
 * Splits a line of the shell; a comment ends it.  False with a sentence in
 * why[size]; tokens_fini() in both cases.
 */
bool tokens_read(
    struct tokens *tokens, const char *line, size_t len, char *why, size_t size);
/*
 * Adds an argument of the command line as it stands: no escapes, no variables.
 * False without memory.
 */
bool tokens_add_argument(struct tokens *tokens, const char *argument);
void tokens_fini(struct tokens *tokens);

/* A word that is exactly text. */
bool token_is(const struct token *t, const char *text);
/* Puts another value in its place; kind is as given.  False without memory. */
bool token_replace(struct token *t, enum token_kind kind, const void *value, size_t len);

#endif
