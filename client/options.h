/* SPDX-License-Identifier: ISC */
/* Options, names and values as text -> JSON.  Nothing is checked by name here:
 * the daemon knows. */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <jansson.h>
#include <stddef.h>

/*
 * "packet=line active=once binary" -> [{"packet":"line"},{"active":"once"},
 * "binary"]; text that begins with { or [ is JSON and is only read.  NULL and
 * blanks are the empty array.  A new reference, or NULL with a sentence in
 * why[size].
 */
json_t *options_read(const char *text, char *why, size_t size);

/* The same for names: "active packet" -> ["active","packet"]. */
json_t *options_read_names(const char *text, char *why, size_t size);

/*
 * One value: true, false, an integer, JSON where it begins with {, [ or ", else
 * a string.  A new reference, or NULL with a sentence in why[size].
 */
json_t *options_read_value(const char *text, size_t len, char *why, size_t size);

/*
 * How many bytes at text are the JSON value that begins there with {, [ or ";
 * 0 if it has no end.  Brackets are only counted: jansson reads it.
 */
size_t options_json_span(const char *text, size_t len);

/* Adds one option to what options_read() made.  -1 without memory. */
int options_add(json_t *options, const char *name, json_t *new_value);

#endif
