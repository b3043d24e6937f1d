/* SPDX-License-Identifier: ISC */
/* What value.c, value_address.c and params.c share. */
#ifndef PROTO_VALUE_PRIVATE_H
#define PROTO_VALUE_PRIVATE_H

#include "proto/value.h"

/* Fills *e with a sentence; returns -1. */
int value_refuse(struct value_error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same about an option: "option \"NAME\" WHY". */
int value_refuse_option(
    struct value_error *e, const struct option_row *row, const char *why);

/* Is it just this string? */
bool value_says(const json_t *json, const char *text);

/* An integer (5.0 is none) within min..max?  *number is set only then. */
bool value_integer(const json_t *json, int64_t min, int64_t max, int64_t *number);

/*
 * A few bytes (at most VALUE_BYTES_MAX) as JSON: a string where they are text, else
 * {"base64": …}.  A new reference, NULL without memory.
 */
enum { VALUE_BYTES_MAX = 256 };
json_t *value_new_bytes(const void *data, size_t len);

/*
 * Reads [protocol, option, bytes] into v->u.raw; as a question the bytes may be a
 * size.  False if it is something else.
 */
bool value_read_raw(json_t *json, bool question, struct option_value *v);
/* Prints pktoptions; a new reference, NULL without memory. */
json_t *value_new_packet(const struct option_value *v);

/* Prints an address as a value; a new reference, NULL without memory. */
json_t *value_new_address(const struct address *a);

#endif
