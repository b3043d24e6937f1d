/* SPDX-License-Identifier: ISC */
/* The http packets of section "Events" of the protocol, written and read. */
#ifndef RPC_HTTP_H
#define RPC_HTTP_H

#include <jansson.h>
#include <stdbool.h>

#include "packet/packet_http.h"
#include "proto/bytes.h"
#include "proto/payload.h"
#include "tcp/tcp.h"

/*
 * Appends http as a JSON object.  What Erlang has atoms for are JSON strings;
 * what it has strings for are bytes as form has them, PAYLOAD_ATTACHED as
 * PAYLOAD_AUTO.
 */
void http_put(struct bytes *out, enum payload_form form, const struct packet_http *http);

/*
 * Appends ,"packet":"http_bin" where name, tcp_http_bin()'s, is such a type and form
 * is PAYLOAD_ATTACHED, that of bindings: what they make of the texts depends on it.
 */
void http_put_type(struct bytes *out, enum payload_form form, const char *name);

enum { HTTP_TEXTS = 3 }; /* the most strings that a packet has */

/*
 * Reads such an object, of whatever form.  *http points into json and into
 * texts, HTTP_TEXTS queues which are the caller's to free in any case.  False:
 * it is none (or memory is out).
 */
bool http_read(json_t *json, struct packet_http *http, struct bytes *texts);

#endif
