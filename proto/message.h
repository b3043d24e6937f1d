/* SPDX-License-Identifier: ISC */
/*
 * JSON-RPC 2.0 messages (https://www.jsonrpc.org/specification): parsing what a
 * client sent, and writing what it is answered.  Writers append to a byte queue
 * by hand; results that are seldom and small may be json_t.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"

enum message_id_kind {
	MESSAGE_ID_NONE, /* a notification */
	MESSAGE_ID_NULL,
	MESSAGE_ID_INTEGER,
	MESSAGE_ID_STRING
};

enum { MESSAGE_ID_STRING_MAX = 128 };

struct message_id {
	enum message_id_kind kind;
	int64_t number;
	char *string; /* own; NUL-terminated */
};

/* False without memory; to is then MESSAGE_ID_NULL. */
bool message_id_copy(struct message_id *to, const struct message_id *from);
void message_id_fini(struct message_id *id);
bool message_id_equal(const struct message_id *a, const struct message_id *b);
/*
 * Reads a JSON value as an id: a string of at most 128 bytes, an integer within
 * ±2^53, or null.  False if it is none; *id is then MESSAGE_ID_NULL.  A string
 * is copied; message_id_fini() when done.
 */
bool message_id_read(json_t *value, struct message_id *id);

/* One request or notification; borrows from the json_t it was read from. */
struct message {
	struct message_id id; /* own */
	const char *method;
	json_t *params; /* object, array, or NULL */
	bool attached;	/* the member "attached" is there */
	bool fds;	/* the member "fds" is there */
	uint64_t ack;	/* the member "ack": events up to it are handled; 0 if absent */
};

/*
 * Parses a line.  Returns a new reference (an object, a batch array, or another
 * value, which is JSON but no message: message_read() refuses it), or NULL with
 * a sentence in why[size].  Duplicate keys, broken UTF-8, numbers out of range,
 * NUL in a key and anything behind the value are refused (RFC 8259, and
 * jansson's JSON_REJECT_DUPLICATES).  \u0000 in a string is JSON, and data may
 * hold it: who takes a string for a name must see that none is in it.
 */
json_t *message_load(const char *text, size_t len, char *why, size_t size);

/*
 * Reads one request object.  Returns 0, or REASON_INVALID_REQUEST with a
 * sentence in why[size]; m->id is set as far as it is known (MESSAGE_ID_NULL
 * where it is not, also where there is none), for the answer.  message_fini()
 * in both cases.
 */
int message_read(json_t *object, struct message *m, char *why, size_t size);
void message_fini(struct message *m);

/* Appends an id as JSON. */
void message_put_id(struct bytes *out, const struct message_id *id);

/*
 * A reply, in pieces: message_open_result() writes up to and with "result":,
 * the caller the value, message_close() the end of the object, with "attached"
 * where attached is not MESSAGE_PLAIN and "fds" where fds > 0, and the LF (not
 * within a batch).
 */
#define MESSAGE_PLAIN UINT64_MAX
void message_open_result(struct bytes *out, const struct message_id *id);
void message_close(struct bytes *out, uint64_t attached, unsigned fds, bool lf);

/* Whole replies.  result is borrowed. */
void message_put_ok(struct bytes *out, const struct message_id *id, bool lf);
void message_put_result(
    struct bytes *out, const struct message_id *id, json_t *result, bool lf);
/*
 * An error: its code is reason, its message text or, if NULL, the reason's
 * atom.  data, an object or NULL, is borrowed.
 */
void message_put_error(struct bytes *out, const struct message_id *id, int reason,
    const char *text, json_t *data, bool lf);

/*
 * The same in pieces: up to and with its message, the object "error" left open.
 * The caller may put ,"data":{…}, then puts the error's closing brace and calls
 * message_close().
 */
void message_open_error(
    struct bytes *out, const struct message_id *id, int reason, const char *text);

/* A notification up to and with "params":; closed by message_close(). */
void message_open_event(struct bytes *out, const char *method);

#endif
