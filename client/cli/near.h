/* SPDX-License-Identifier: ISC */
/* Names that look like what somebody typed. */
#ifndef CLI_NEAR_H
#define CLI_NEAR_H

#include <stdbool.h>

#include "proto/bytes.h"

/* Appends "one, another" of the options, or of the verbs; false if none is near. */
bool near_options(struct bytes *out, const char *name);
bool near_verbs(struct bytes *out, const char *name);

/*
 * How many letters have to be changed, added, left out or swapped with the next
 * one to make one of the other; NEAR_FAR for more than 31 letters.
 */
enum { NEAR_FAR = 99 };
unsigned near_distance(const char *a, const char *b);

#endif
