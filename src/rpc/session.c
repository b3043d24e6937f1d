/* SPDX-License-Identifier: ISC */
/* A client: what it owns, and the calls it has open. */
#include "rpc/session.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "base/log.h"
#include "proto/bytes.h"
#include "proto/message.h"
#include "proto/method.h"
#include "proto/payload.h"
#include "proto/reason.h"
#include "rpc/batch.h"
#include "rpc/calls.h"
#include "rpc/keep.h"
#include "rpc/monitor.h"
#include "rpc/ownership.h"
#include "rpc/policy.h"
#include "rpc/publish.h"
#include "rpc/replay.h"
#include "rpc/reply.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/tell.h"
#include "tcp/tcp.h"

enum { ADMIN_PLACES = 8 };

/* --- nobody: the sink of a session without a connection ---------------------- */

static struct bytes *
nobody_out(void *ctx)
{
	const struct session *s = ctx;

	return &s->rpc->nowhere;
}

static void
nobody_commit(void *ctx, const void *payload, size_t len)
{
	const struct session *s = ctx;

	(void)payload;
	(void)len;
	bytes_fini(&s->rpc->nowhere);
}

static bool
nobody_pass(void *ctx, int fd)
{
	session_discard(ctx, fd);
	return false;
}

static bool
nobody_room(void *ctx)
{
	(void)ctx;
	return false;
}

static void
nobody_hears(void *ctx)
{
	(void)ctx;
}

static void
nobody_gets(void *ctx, struct session *s)
{
	(void)ctx;
	(void)s;
}

static const struct session_sink nobody = {
    .out = nobody_out,
    .commit = nobody_commit,
    .pass = nobody_pass,
    .room = nobody_room,
    .attachments = nobody_hears,
    .idle = nobody_hears,
    .adopt = nobody_gets,
    .taken = nobody_gets,
};

/* --- life --------------------------------------------------------------------- */

/* Who it is.  False without memory. */
static bool
introduce(struct session *s, const struct rpc_who *who)
{
	s->uid = who->uid;
	s->pid = who->pid;
	s->monitor = who->monitor;
	s->privileged = who->uid == 0 || who->uid == s->rpc->config.uid;
	if (who->ngroups > 0) {
		s->groups = calloc(who->ngroups, sizeof(*s->groups));
		if (s->groups == NULL)
			return false;
		memcpy(s->groups, who->groups, who->ngroups * sizeof(*s->groups));
		s->ngroups = who->ngroups;
	}
	account_init(&s->account, NULL, s->rpc->config.client_max);
	return policy_apply(s);
}

/* The last places of all are for administrators, who may have to see what is wrong. */
static bool
is_kept_free(const struct session *s)
{
	const struct account *all = &s->rpc->account;
	size_t max = all->max[LIMIT_CLIENTS];
	size_t last = max / 8 < ADMIN_PLACES ? max / 8 : ADMIN_PLACES;

	return !s->admin && all->used[LIMIT_CLIENTS] >= max - last;
}

/* The place of one more client.  False: the caps are reached. */
static bool
take_place(struct session *s)
{
	return !is_kept_free(s) && charge_open(&s->charge, &s->account, LIMIT_CLIENTS, 1);
}

/*
 * Where the caps are reached a connection can still become that of a kept client of its
 * uid, which has a place: one for each of these.
 */
static bool
may_be_guest(const struct session *s)
{
	const struct session *other;
	size_t kept = 0, guests = 0, at = 0;

	while ((other = idmap_next(&s->rpc->clients, &at)) != NULL) {
		if (other->uid != s->uid)
			continue;
		kept += other->keep != NULL;
		guests += other->guest;
	}
	return guests < kept && policy_method(s, METHOD_ATTACH);
}

static bool
find_place(struct session *s)
{
	if (take_place(s))
		return true;
	s->guest = may_be_guest(s);
	return s->guest && policy_apply(s);
}

bool
session_admit(struct session *s)
{
	if (!take_place(s))
		return false;
	s->guest = false;
	return policy_apply(s);
}

struct session *
session_new(struct rpc *rpc, const struct session_sink *sink, void *ctx,
    const struct rpc_who *who)
{
	struct session *s = calloc(1, sizeof(*s));
	int error = ENOMEM;

	if (s == NULL)
		goto fail;
	s->rpc = rpc;
	s->sink = sink;
	s->sink_ctx = ctx;
	s->form = PAYLOAD_AUTO;
	TAILQ_INIT(&s->calls);
	TAILQ_INIT(&s->handles);
	TAILQ_INIT(&s->stalled_handles);
	TAILQ_INIT(&s->stalled_calls);
	TAILQ_INIT(&s->monitors);
	TAILQ_INIT(&s->downs);
	if (!introduce(s, who))
		goto fail;
	if (!find_place(s)) {
		policy_note(
		    rpc, s, "a connection", REASON_SYSTEM_LIMIT, "too many clients");
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
	if (s != NULL)
		free(s->groups);
	free(s);
	errno = error;
	return NULL;
}

/*
 * What was asked for before the last acknowledgement came of events that are not told
 * again: it is still done, unanswered, if it is done to a socket's output.
 */
static void
go_on_silently(struct session *s)
{
	struct call *call, *next;

	for (call = TAILQ_FIRST(&s->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->number > s->covered || !call_puts_out(call))
			continue;
		call->silent = true;
		if (call->batch != NULL)
			batch_release(call->batch);
		call->batch = NULL;
		message_id_fini(&call->id);
		call->id.kind = MESSAGE_ID_NONE;
		TAILQ_REMOVE(&s->calls, call, link);
		TAILQ_INSERT_HEAD(&s->calls, call, link);
	}
}

void
session_part(struct session *s)
{
	struct call *call;

	s->sink = &nobody;
	s->sink_ctx = s;
	if (!s->ended)
		go_on_silently(s);
	while ((call = TAILQ_LAST(&s->calls, call_list)) != NULL &&
	    (s->ended || !call->silent))
		call_close(call);
	charge_close(&s->input);
}

void
session_leave(struct session *s)
{
	if (s != NULL && !keep_leave(s))
		session_free(s);
}

void
session_free(struct session *s)
{
	struct handle *h;

	s->ended = true;
	session_part(s);
	keep_fini(s);
	replay_fini(s);
	monitor_forget(s);
	while ((h = TAILQ_FIRST(&s->handles)) != NULL) {
		struct tcp_socket *tcp = h->tcp;

		monitor_down(h, monitor_killed);
		ownership_remove(h);
		tcp_abandon(tcp);
	}
	/* one whose connection became another's has left it already */
	(void)idmap_remove(&s->rpc->clients, s->id);
	charge_close(&s->charge);
	free(s->groups);
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

bool
session_hold(struct session *s, size_t bytes)
{
	if (bytes == s->input.amount)
		return true;
	if (s->input.account == NULL
		? charge_open(&s->input, &s->account, LIMIT_INPUT, bytes)
		: charge_set(&s->input, bytes))
		return true;
	s->rpc->tally.input_refused++;
	return false;
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
	if (s->replay != NULL && !replay_resume(s))
		return;
	while (session_room(s) && (h = TAILQ_FIRST(&s->stalled_handles)) != NULL) {
		TAILQ_REMOVE(&s->stalled_handles, h, stall_link);
		h->stalled = false;
		publish_resume(h);
	}
	monitor_resume(s);
}
