/* SPDX-License-Identifier: ISC */
/*
 * The one pass over a line: see wire.h.  Private to wire.c.
 *
 * For JSON it is exact.  For what is no JSON it finds the LF and stays within
 * the limits; what it then says of the line's members is a guess.
 */
#ifndef PROTO_WIRE_SCAN_H
#define PROTO_WIRE_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/wire.h"

/* To the beginning of a line, which may hold max_values values. */
void wire_scan_begin(struct wire_scan *s, size_t max_values);

/*
 * Looks at the bytes from p on, up to and with the LF that ends the line or up
 * to end; returns the place reached.  The first fault goes to s->fault, before
 * which WIRE_BAD_ATTACHED takes precedence; the pass goes on to the LF all the
 * same.
 */
const unsigned char *wire_scan_run(
    struct wire_scan *s, const unsigned char *p, const unsigned char *end);

/* Was the LF reached? */
bool wire_scan_done(const struct wire_scan *s);

/*
 * Copies the text of the line's id as it was written (a number, a string, a
 * word), not checked any further; "" if there is none, or two, or it is an
 * object or array, or longer than fits.
 */
void wire_scan_id(const struct wire_scan *s, char id[WIRE_ID_MAX]);

#endif
