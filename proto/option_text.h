/* SPDX-License-Identifier: ISC */
/*
 * What a row of the option table says, in words for people: for gentcp-cli help
 * and for the manual.  Each function that writes appends to out; without memory
 * out is failed, see bytes.h.
 */
#ifndef PROTO_OPTION_TEXT_H
#define PROTO_OPTION_TEXT_H

#include "proto/bytes.h"
#include "proto/option.h"

/* How a word is written that is a string in JSON. */
enum option_quotes { OPTION_BARE_WORDS, OPTION_QUOTED };

/*
 * What values there are, with range and unit, separator between them:
 * "true, false", "0..255", "a whole number of bytes".
 */
void option_put_values(struct bytes *out, const struct option_row *row,
    const char *separator, enum option_quotes quotes);

/* Where it can be given or asked: "connect, listen, setopts, getopts". */
void option_put_when(struct bytes *out, const struct option_row *row);

/* The families that have it: "inet, inet6, local". */
void option_put_families(struct bytes *out, const struct option_row *row);

/* What accept does with the listener's value; a static text. */
const char *option_inherit_text(const struct option_row *row);

#endif
