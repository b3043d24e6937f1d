/* SPDX-License-Identifier: ISC */
/* Answers: each ends its call.  For src/rpc only. */
#ifndef RPC_REPLY_H
#define RPC_REPLY_H

#include <jansson.h>
#include <stddef.h>

#include "proto/payload.h"

struct call;
struct message_id;
struct packet_http;
struct session;
struct tcp_socket;

void reply_ok(struct call *call);
/* result is the callee's now; NULL is answered with enomem. */
void reply_json(struct call *call, json_t *result);
/* data (an object, or NULL) is the callee's now. */
void reply_error(struct call *call, int reason, json_t *data);
/* The same with data {"option":…,"detail":…}; each may be NULL. */
void reply_refused(struct call *call, int reason, const char *option, const char *detail);
/* One of JSON-RPC's own errors; text is a sentence. */
void reply_fault(struct call *call, int code, const char *text);
/* The result is this text, which is JSON without a line's end in it. */
void reply_text(struct call *call, const char *text, size_t len);
/* {"fd":"passed"} with fd, which is the callee's now. */
void reply_fd(struct call *call, int fd);
/* recv's result. */
void reply_data(struct call *call, const void *data, size_t len);
void reply_http(struct call *call, const struct packet_http *http);
/*
 * reason with bytes that are given back, if any: what gen_tcp would have thrown
 * away, or the RestData of a send.
 */
void reply_rest(struct call *call, int reason, const void *data, size_t len);
/* An error that belongs to no call. */
void reply_stray(
    struct session *s, const struct message_id *id, int code, const char *text);
/* How payloads of tcp are shown to s. */
struct payload_style session_style(const struct session *s, const struct tcp_socket *tcp);

#endif
