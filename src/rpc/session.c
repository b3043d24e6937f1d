/* SPDX-License-Identifier: ISC */
/* A client connection's state, the messages it brings, the calls it has open. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "rpc/rpc_private.h"

struct session *
session_new(
    struct rpc *rpc, const struct session_sink *sink, void *ctx, uid_t uid, pid_t pid)
{
	struct uid_account *user = rpc_uid(rpc, uid);
	struct session *s = calloc(1, sizeof(*s));
	int error = ENOMEM;

	if (user == NULL || s == NULL)
		goto fail;
	s->rpc = rpc;
	s->uid = uid;
	s->pid = pid;
	s->privileged = uid == 0 || uid == rpc->config.uid;
	s->sink = sink;
	s->sink_ctx = ctx;
	s->form = PAYLOAD_AUTO;
	s->user = user;
	TAILQ_INIT(&s->calls);
	TAILQ_INIT(&s->handles);
	TAILQ_INIT(&s->stalled_handles);
	TAILQ_INIT(&s->stalled_calls);
	TAILQ_INIT(&s->monitors);
	TAILQ_INIT(&s->downs);
	account_init(&s->account, &user->account, rpc->config.client_max);
	if (!charge_open(&s->charge, &s->account, LIMIT_CLIENTS, 1)) {
		error = EUSERS;
		goto fail;
	}
	s->id = idmap_add(&rpc->clients, s);
	if (s->id == 0) {
		charge_close(&s->charge);
		goto fail;
	}
	return s;
fail:
	free(s);
	errno = error;
	return NULL;
}

void
session_free(struct session *s)
{
	struct handle *h;
	struct call *call;

	if (s == NULL)
		return;
	s->ended = true;
	while ((call = TAILQ_FIRST(&s->calls)) != NULL)
		call_close(call);
	monitor_forget(s);
	while ((h = TAILQ_FIRST(&s->handles)) != NULL) {
		struct tcp_socket *tcp = h->tcp;

		monitor_down(h, monitor_killed);
		ownership_remove(h);
		tcp_abandon(tcp);
	}
	idmap_remove(&s->rpc->clients, s->id);
	charge_close(&s->input);
	charge_close(&s->charge);
	free(s->name);
	free(s);
}

bool
session_idle(const struct session *s)
{
	return TAILQ_EMPTY(&s->calls) && TAILQ_EMPTY(&s->handles) &&
	    TAILQ_EMPTY(&s->monitors) && TAILQ_EMPTY(&s->downs);
}

void
session_look(struct session *s)
{
	if (!s->ended && session_idle(s))
		s->sink->idle(s->sink_ctx);
}

uint64_t
session_id(const struct session *s)
{
	return s->id;
}

/* --- messages ------------------------------------------------------------ */

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
	struct message_send send;
	char why[160];
	bool sound = true;
	json_t *root;

	if (m->fds == 0 && nfds == 0 &&
	    message_send_read(m->text, m->len, m->attached, &send) &&
	    call_send_line(s, &send, m))
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
		log_info("rpc", "client %llu: nothing more can be read from it",
		    (unsigned long long)s->id);
	return sound;
}

bool
session_hold(struct session *s, size_t bytes)
{
	if (bytes == s->input.amount)
		return true;
	if (s->input.account == NULL)
		return charge_open(&s->input, &s->account, LIMIT_INPUT, bytes);
	return charge_set(&s->input, bytes);
}

void
session_discard(struct session *s, int fd)
{
	tcp_discard_fd(s->rpc->tcp, fd, &s->account);
}

void
session_writable(struct session *s)
{
	struct handle *h;
	struct call *call;

	/* who stalls again goes to the end of its list, so each gets its turn */
	while (s->sink->room(s->sink_ctx) &&
	    (call = TAILQ_FIRST(&s->stalled_calls)) != NULL) {
		TAILQ_REMOVE(&s->stalled_calls, call, stall_link);
		call->stalled = false;
		tcp_resume(call->tcp);
	}
	while (s->sink->room(s->sink_ctx) &&
	    (h = TAILQ_FIRST(&s->stalled_handles)) != NULL) {
		TAILQ_REMOVE(&s->stalled_handles, h, stall_link);
		h->stalled = false;
		publish_resume(h);
	}
	monitor_resume(s);
}

/* --- calls ------------------------------------------------------------------ */

struct call *
call_open(struct session *s, struct batch *batch, const struct method_row *row,
    struct message_id *id)
{
	struct call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->session = s;
	call->batch = batch;
	call->row = row;
	call->id = *id;
	*id = (struct message_id){.kind = MESSAGE_ID_NULL};
	if (batch != NULL)
		batch_hold(batch);
	TAILQ_INSERT_TAIL(&s->calls, call, link);
	return call;
}

void
call_close(struct call *call)
{
	struct session *s = call->session;

	tcp_cancel(&call->request);
	TAILQ_REMOVE(&s->calls, call, link);
	if (call->stalled)
		TAILQ_REMOVE(&s->stalled_calls, call, stall_link);
	charge_close(&call->charge);
	charge_close(&call->socket_charge);
	if (call->batch != NULL)
		batch_release(call->batch);
	message_id_fini(&call->id);
	free(call);
	session_look(s);
}

struct call *
call_of(struct tcp_request *r)
{
	return (struct call *)((char *)r - offsetof(struct call, request));
}

void
call_begin(
    struct call *call, void (*done)(struct tcp_request *, const struct tcp_outcome *))
{
	call->request.done = done;
	call->request.caller = call->session;
	call->request.account = &call->session->account;
}

bool
call_wait(
    struct call *call, void (*done)(struct tcp_request *, const struct tcp_outcome *))
{
	if (!charge_open(&call->charge, &call->session->account, LIMIT_CALLS, 1)) {
		reply_refused(call, REASON_SYSTEM_LIMIT, NULL, "too many requests wait");
		return false;
	}
	call_begin(call, done);
	return true;
}
