/* SPDX-License-Identifier: ISC */
/*
 * The params of a request, by name or by position, checked against the row of
 * its method: what is missing, unknown or of the wrong type is named.
 */
#ifndef PROTO_PARAMS_H
#define PROTO_PARAMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/method.h"

struct params {
	/* borrowed, in the row's order; NULL where not given */
	json_t *value[METHOD_PARAMS_MAX];
};

/*
 * Sorts params (object, array or NULL) into *p.  attached: an attachment stands
 * for the DATA param, which then must be absent, and which there must be.
 * null is the same as not given (but for an ID, where it is one).
 * Returns 0, or REASON_INVALID_PARAMS with a sentence in why[size].
 */
int params_read(const struct method_row *row, json_t *params, bool attached,
    struct params *p, char *why, size_t size);

/* The text of a string that holds no NUL; NULL for any other value. */
const char *params_text(const json_t *value);

/* A checked SOCKET or CLIENT: its number.  LENGTH, INTEGER likewise. */
uint64_t params_uint(const struct params *p, size_t i);
/* A checked TIMEOUT: ms, or -1 for "infinity" and for one not given. */
int64_t params_timeout(const struct params *p, size_t i);
/* A checked string (NUL-terminated, with its length where len is not NULL). */
const char *params_string(const struct params *p, size_t i, size_t *len);

#endif
