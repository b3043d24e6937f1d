/* SPDX-License-Identifier: ISC */
/*
 * Runs the cases of this folder by libgentcp; see README.  What goes wrong ends the
 * program, with a sentence.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "gentcp.h"

enum { DEADLINE = 20000 }; /* ms */

_Noreturn void die(const char *what, json_t *about);

/* --- values.c ---------------------------------------------------------------- */

/* {"base64": …} of bytes. */
json_t *from_bytes(const void *data, size_t len);
/* The bytes of data in any of the protocol's forms; free(3) them. */
void *to_bytes(json_t *value, size_t *len);
/* value with each "$name" replaced by what that stands for. */
json_t *fill(json_t *names, json_t *value);
/*
 * Does real match what is shown?  A name that stands for nothing yet stands for what is
 * there from then on.  member: of which member they are the values, or NULL.
 */
bool match(json_t *names, json_t *shown, json_t *real, const char *member);

/* --- calls.c ----------------------------------------------------------------- */

/* {"error": …} as a reply has it. */
json_t *from_error(const struct gentcp_error *e);
/*
 * Calls by the library's function for the method, or where params are not what that
 * takes by gentcp_request(), and waits: {"result": …} or {"error": …}.  fd: a descriptor
 * to pass, or -1.
 */
json_t *call(struct gentcp *g, const char *method, json_t *params, int fd);
/* {"result": …} or {"error": …} of a reply. */
json_t *from_reply(const struct gentcp_reply *r);

#endif
