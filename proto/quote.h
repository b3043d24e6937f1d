/* SPDX-License-Identifier: ISC */
/*
 * Names that a stranger chose, made fit for a sentence: short, and nothing in
 * it that a terminal or a log would act upon.
 */
#ifndef PROTO_QUOTE_H
#define PROTO_QUOTE_H

#include <stddef.h>

enum { QUOTE_SIZE = 56 };

struct quote {
	char text[QUOTE_SIZE];
};

/*
 * Puts name in double quotes; what is not printable ASCII, a quote or a
 * backslash becomes \xNN.  A name too long is cut and ends in "...".
 */
struct quote quote_name(const char *name, size_t len);

#endif
