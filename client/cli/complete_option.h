/* SPDX-License-Identifier: ISC */
/* Options as words that may be completed, from their table. */
#ifndef CLI_COMPLETE_OPTION_H
#define CLI_COMPLETE_OPTION_H

#include "client/cli/complete.h"
#include "proto/method.h"

/* When the options of a method are given: a mask of OPTION_AT_..., 0 if it has none. */
unsigned complete_option_when(const struct method_row *row);
/* Names with their =, and bare words, of options that can be given then. */
void complete_options(struct complete *c, unsigned when);
/* Names alone. */
void complete_option_names(struct complete *c, unsigned when);
/* The values of the option in c->word, "packet=l". */
void complete_option_values(struct complete *c, unsigned when);

#endif
