/* SPDX-License-Identifier: ISC */
/*
 * Monitors: inet:monitor and the event down (semantics 1.11).  A monitor is its
 * client's, not the owner's of the socket: it stays where the socket goes, and
 * ends with its client.
 *
 * Nothing is queued for the event: once its socket is gone a monitor is what
 * remains to be told, until its client's channel has room (promise 3).
 */
#include "rpc/monitor.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "proto/event.h"
#include "proto/params.h"
#include "proto/reason.h"
#include "rpc/batch.h"
#include "rpc/calls.h"
#include "rpc/ownership.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "rpc/tell.h"

const char monitor_normal[] = "normal";
const char monitor_killed[] = "killed";

struct monitor {
	TAILQ_ENTRY(monitor) link; /* of its session's monitors or downs */
	TAILQ_ENTRY(monitor) of_socket;
	struct session *session;
	struct handle *handle; /* NULL: gone … */
	const char *reason;    /* … for that, static; NULL before */
	uint64_t id, socket;
	/* those whose numbers are in the answers of a batch that are not sent yet */
	TAILQ_ENTRY(monitor) in_batch;
	struct monitor_list *unnamed; /* NULL: its number is known */
	struct charge charge;	      /* LIMIT_MONITORS */
};

/* m, in no list any more, ends. */
static void
end(struct monitor *m)
{
	(void)idmap_remove(&m->session->rpc->monitors, m->id);
	if (m->unnamed != NULL)
		TAILQ_REMOVE(m->unnamed, m, in_batch);
	charge_close(&m->charge);
	free(m);
}

static void
leave_socket(struct monitor *m)
{
	if (m->handle != NULL)
		TAILQ_REMOVE(&m->handle->monitors, m, of_socket);
	m->handle = NULL;
}

void
monitor_resume(struct session *s)
{
	struct monitor *m;

	while ((m = TAILQ_FIRST(&s->downs)) != NULL && session_room(s)) {
		session_tell(s,
		    &(struct told){.event = EVENT_DOWN,
			.socket = m->socket,
			.number = m->id,
			.why = m->reason});
		TAILQ_REMOVE(&s->downs, m, link);
		end(m);
	}
	session_look(s);
}

/* m, whose socket is gone and whose number is known, is to be told of. */
static void
put_down(struct monitor *m)
{
	struct session *s = m->session;

	TAILQ_REMOVE(&s->monitors, m, link);
	TAILQ_INSERT_TAIL(&s->downs, m, link);
}

/* m's socket is no more. */
static void
fire(struct monitor *m, const char *reason)
{
	leave_socket(m);
	m->reason = reason;
	/* from now on it cannot be cancelled, as gen_tcp's 'DOWN' in the mailbox */
	(void)idmap_remove(&m->session->rpc->monitors, m->id);
	if (m->unnamed != NULL) {
		/* in the order in which they came to this */
		TAILQ_REMOVE(m->unnamed, m, in_batch);
		TAILQ_INSERT_TAIL(m->unnamed, m, in_batch);
		return;
	}
	put_down(m);
	monitor_resume(m->session);
}

void
monitor_down(struct handle *h, const char *reason)
{
	struct monitor *m;

	while ((m = TAILQ_FIRST(&h->monitors)) != NULL)
		fire(m, reason);
}

void
monitor_over(struct handle *h, const char *reason)
{
	struct monitor *m, *next;

	for (m = TAILQ_FIRST(&h->monitors); m != NULL; m = next) {
		next = TAILQ_NEXT(m, of_socket);
		if (m->session != h->owner)
			fire(m, reason);
	}
}

size_t
monitor_count(const struct handle *h)
{
	const struct monitor *m;
	size_t n = 0;

	TAILQ_FOREACH (m, &h->monitors, of_socket)
		n++;
	return n;
}

void
monitor_known(struct session *s, struct monitor_list *unnamed)
{
	struct monitor *m;

	while ((m = TAILQ_FIRST(unnamed)) != NULL) {
		TAILQ_REMOVE(unnamed, m, in_batch);
		m->unnamed = NULL;
		if (m->reason != NULL)
			put_down(m);
	}
	if (!s->ended)
		monitor_resume(s);
}

void
monitor_forget(struct session *s)
{
	struct monitor *m;

	while ((m = TAILQ_FIRST(&s->downs)) != NULL) {
		TAILQ_REMOVE(&s->downs, m, link);
		end(m);
	}
	while ((m = TAILQ_FIRST(&s->monitors)) != NULL) {
		TAILQ_REMOVE(&s->monitors, m, link);
		leave_socket(m);
		end(m);
	}
}

/* --- the calls ---------------------------------------------------------------- */

/* A new one of s, not yet of a socket.  0, system_limit or enomem. */
static int
monitor_new(struct session *s, struct monitor **out)
{
	struct monitor *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return ENOMEM;
	if (!charge_open(&m->charge, &s->account, LIMIT_MONITORS, 1)) {
		free(m);
		return REASON_SYSTEM_LIMIT;
	}
	m->session = s;
	m->id = idmap_add(&s->rpc->monitors, m);
	if (m->id == 0) {
		charge_close(&m->charge);
		free(m);
		return ENOMEM;
	}
	TAILQ_INSERT_TAIL(&s->monitors, m, link);
	*out = m;
	return 0;
}

/* The answer that names m. */
static void
name(struct call *call, struct monitor *m)
{
	if (call->batch != NULL) {
		m->unnamed = batch_monitors(call->batch);
		TAILQ_INSERT_TAIL(m->unnamed, m, in_batch);
	}
	reply_json(call, json_pack("{s:I}", "monitor", (json_int_t)m->id));
}

/*
 * inet:monitor.  Of a socket that is gone, never was, or is not to be seen by the
 * caller the event is noproc, right behind the reply.
 */
void
call_monitor(struct call *call, struct request *q)
{
	struct session *s = call->session;
	struct monitor *m;
	int reason = monitor_new(s, &m);

	if (reason != 0) {
		reply_refused(call, reason, NULL,
		    reason == REASON_SYSTEM_LIMIT ? "too many monitors" : NULL);
		return;
	}
	m->socket = params_uint(&q->params, 0);
	m->handle = q->handle;
	if (m->handle != NULL)
		TAILQ_INSERT_TAIL(&m->handle->monitors, m, of_socket);
	name(call, m);
	if (m->handle == NULL)
		fire(m, reason_name(REASON_NOPROC));
}

/* inet:cancel_monitor. */
void
call_cancel_monitor(struct call *call, struct request *q)
{
	struct session *s = call->session;
	struct monitor *m = idmap_find(&s->rpc->monitors, params_uint(&q->params, 0));
	bool found = m != NULL && m->session == s;

	if (found) {
		TAILQ_REMOVE(&s->monitors, m, link);
		leave_socket(m);
		end(m);
	}
	reply_json(call, json_boolean(found));
}
