/* SPDX-License-Identifier: ISC */
/*
 * JSON <-> option values, by the type of the option's row alone, and
 * addresses.
 */
#ifndef PROTO_VALUE_H
#define PROTO_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "proto/option.h"

/* What was wrong with options, for the error's data. */
struct value_error {
	/* the option at fault: a row's name, or the name below; NULL if none */
	const char *option;
	char name[64];	/* one that is no option's, if it fits */
	char text[160]; /* a sentence */
};

/*
 * Reads options in either form of the protocol: an object, or an array of bare
 * words, one-member objects and [name, value] pairs; order is kept.  The whole
 * list is checked for names, types, ranges and for when (a mask of OPTION_AT_…)
 * before anything is returned.  NULL options is the empty list.
 * Returns 0; REASON_BADARG or REASON_EINVAL is for the caller to choose, so
 * here -1 with *e filled; ENOMEM without memory.  What was read is added to
 * list, which must be initialised (all zero is empty) and is the caller's to
 * fini; on failure it is as before.
 */
int value_read_options(
    json_t *options, unsigned when, struct option_list *list, struct value_error *e);

/* Reads one value by its row.  0, or -1 with *e filled. */
int value_read(const struct option_row *row, json_t *json, struct option_value *v,
    struct value_error *e);

/*
 * Reads [protocol, option, size or bytes], getopts' question for a raw option: u.raw
 * of *v, len the size.  0, or -1 with *e filled.
 */
int value_read_raw_name(json_t *json, struct option_value *v, struct value_error *e);
enum { VALUE_RAW_MAX = 65536 }; /* the longest raw value, and the greatest size */

/* [protocol, option, {"base64": data}]; a new reference, NULL without memory. */
json_t *value_new_raw(int level, int name, const void *data, size_t len);

/* Prints a value by its row; a new reference, NULL without memory. */
json_t *value_new(const struct option_value *v);

/*
 * An address in any of its JSON forms: "127.0.0.1", "any", {"local": …}, a
 * sockaddr object.  0, or -1 with *e filled.
 */
int value_read_address(json_t *json, struct address *a, struct value_error *e);

/*
 * An address as the protocol's sockname shows it: {"family","addr","port"} and
 * for inet6 "scope_id","flowinfo"; {"family":"local","addr":…}.  A new
 * reference, NULL without memory.
 */
json_t *value_new_sockaddr(const struct address *a);
/*
 * An IP address alone, as connect takes it: "127.0.0.1", "fe80::1%2" with its
 * scope.  A new reference, NULL without memory.
 */
json_t *value_new_host(const struct address *a);

#endif
