/* SPDX-License-Identifier: ISC */
/* What a client's connection brings: lines, batches, and what is no message at all. */
#include <jansson.h>
#include <stdlib.h>

#include "base/log.h"
#include "proto/message.h"
#include "proto/message_send.h"
#include "proto/reason.h"
#include "proto/wire.h"
#include "rpc/batch.h"
#include "rpc/calls.h"
#include "rpc/reply.h"
#include "rpc/rpc.h"
#include "rpc/session.h"

/* An id as wire found it in a line that was skipped. */
static void
skipped_id(const struct wire_message *m, struct message_id *id)
{
	json_t *value = NULL;

	*id = (struct message_id){.kind = MESSAGE_ID_NULL};
	if (m->id[0] != '\0')
		value = json_loads(m->id, JSON_DECODE_ANY, NULL);
	if (value != NULL)
		message_id_read(value, id);
	json_decref(value);
}

/* A message that wire did not let through. */
static bool
receive_skipped(struct session *s, enum wire_status status, const struct wire_message *m)
{
	int code = REASON_INVALID_REQUEST;
	struct message_id id;
	char why[128];
	json_t *root;

	if (m->fault == WIRE_BAD_UTF8)
		code = REASON_PARSE_ERROR;
	if (m->fault == WIRE_ATTACHMENT_TOO_LONG && m->text != NULL) {
		/* the line itself must be sound for its attachment's end to be known */
		root = message_load(m->text, m->len, why, sizeof(why));
		if (root == NULL) {
			reply_stray(s, NULL, REASON_PARSE_ERROR, why);
			return false;
		}
		json_decref(root);
	}
	skipped_id(m, &id);
	reply_stray(s, &id, code, wire_fault_text(m->fault));
	message_id_fini(&id);
	return status == WIRE_SKIPPED;
}

/* The members of a batch, in order.  False as session_receive(). */
static bool
receive_batch(struct session *s, json_t *root, const struct wire_message *m)
{
	struct batch *batch;
	json_t *member;
	bool sound = true;
	size_t i;

	if (json_array_size(root) == 0) {
		reply_stray(s, NULL, REASON_INVALID_REQUEST, "A batch must not be empty");
		return true;
	}
	batch = batch_new(s);
	if (batch == NULL) {
		reply_stray(s, NULL, REASON_INTERNAL_ERROR, "Out of memory for a batch");
		return true;
	}
	json_array_foreach (root, i, member) {
		/* bytes may follow that nobody can tell from the next message */
		if (json_object_get(member, "attached") != NULL)
			sound = false;
		dispatch(s, batch, member, m, NULL, 0);
	}
	batch_release(batch);
	return sound || !s->attachments;
}

/* A line of JSON.  False as session_receive(). */
static bool
receive_text(struct session *s, const struct wire_message *m, int *fds, size_t nfds)
{
	char why[160];
	bool sound = true;
	json_t *root;

	if (m->send != NULL && nfds == 0 && call_send_line(s, m->send, m))
		return true;
	root = message_load(m->text, m->len, why, sizeof(why));
	if (root == NULL) {
		reply_stray(s, NULL, REASON_PARSE_ERROR, why);
		return !s->attachments;
	}
	if (json_is_array(root))
		sound = receive_batch(s, root, m);
	else if (!json_is_object(root))
		reply_stray(s, NULL, REASON_INVALID_REQUEST,
		    "A message is an object, or an array of them");
	else if ((json_object_get(root, "attached") != NULL) != m->attached) {
		/* framing and JSON disagree on what follows: trust neither */
		reply_stray(s, NULL, REASON_INVALID_REQUEST, "Ambiguous \"attached\"");
		sound = !s->attachments;
	} else
		dispatch(s, NULL, root, m, fds, nfds);
	json_decref(root);
	return sound;
}

bool
session_receive(struct session *s, enum wire_status status, const struct wire_message *m,
    const int *fds, size_t nfds)
{
	int left[16];
	bool sound;
	size_t i;

	for (i = 0; i < nfds && i < 16; i++)
		left[i] = fds[i];
	if (status == WIRE_MESSAGE)
		sound = receive_text(s, m, left, nfds);
	else
		sound = receive_skipped(s, status, m);
	for (i = 0; i < nfds && i < 16; i++)
		session_discard(s, left[i]);
	if (!sound)
		log_debug("rpc", "client %llu, uid %lu: nothing more can be read from it",
		    (unsigned long long)s->id, (unsigned long)s->uid);
	if (s->vacant)
		session_free(s);
	return sound;
}
