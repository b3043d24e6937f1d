/* SPDX-License-Identifier: ISC */
/*
 * Bytes in JSON: gen_tcp's iodata() in, binary() or list out.
 */
#ifndef PROTO_PAYLOAD_H
#define PROTO_PAYLOAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"

/* A connection's setting for what it is sent: session.hello's data. */
enum payload_form {
	PAYLOAD_AUTO, /* a string where UTF-8 without NUL, else base64 */
	PAYLOAD_BASE64,
	PAYLOAD_ATTACHED /* raw bytes behind the line */
};

/* How a payload is to be written. */
struct payload_style {
	enum payload_form form;
	bool list;	 /* the socket's mode: an array of byte values */
	unsigned header; /* {header, N}: the first N bytes as an array */
};

/* By name: "auto", "base64", "attached".  False if it is none. */
bool payload_form_find(const char *name, enum payload_form *form);
const char *payload_form_name(enum payload_form form);

/*
 * Reads data: a string, {"base64": …}, or an array of these and of bytes,
 * nested to depth 64.  A lone string is not copied: *p points into json;
 * everything else is appended to scratch, which *p then points into.  Returns
 * 0, REASON_INVALID_PARAMS with a sentence in why[size], or ENOMEM; past
 * limit bytes EMSGSIZE.
 */
int payload_read(json_t *json, size_t limit, struct bytes *scratch, const void **p,
    size_t *len, char *why, size_t size);

/*
 * Writes bytes as a JSON value: string, {"base64": …} or array.  Not for
 * PAYLOAD_ATTACHED.
 */
void payload_put(
    struct bytes *out, const struct payload_style *style, const void *data, size_t len);

/*
 * Writes the members that a payload has in its object, each with a comma
 * before it: ,"data":… ; ,"header":[…],"data":… ; ,"mode":"list".  Returns true
 * if the bytes (from *skip on, those not in the header) are to be attached.
 * The same for an event and for recv's result; leading comma left out where
 * first.
 */
bool payload_put_members(struct bytes *out, const struct payload_style *style,
    const void *data, size_t len, bool first, size_t *skip);

/* Writes text as a JSON string in quotes; bytes that are no UTF-8 as U+FFFD. */
void payload_put_string(struct bytes *out, const char *text, size_t len);

/* Valid UTF-8 (RFC 3629) without NUL? */
bool payload_is_text(const void *data, size_t len);

/* RFC 4648 base64, strict: padding required, no other characters, no bits
 * behind the end.  Room for the result must be there: 4 * ((len + 2) / 3) and
 * 3 * (len / 4).  decode returns false if it is not base64. */
size_t base64_encode(const void *data, size_t len, char *out);
bool base64_decode(const char *text, size_t len, void *out, size_t *out_len);

#endif
