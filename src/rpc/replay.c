/* SPDX-License-Identifier: ISC */
/*
 * Replay: the events of a client that asked for it have numbers, and stay here until
 * they are acknowledged, so that the next connection can be told again what the last
 * one may not have heard of.
 *
 * What is kept is what an event says, not its text: the next connection may want it
 * in another form.  So much is kept as replay_high, and the event that goes past it;
 * then no event is told until half is left, and all waits as behind a full channel.
 */
#include "rpc/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "proto/bytes.h"
#include "proto/event.h"
#include "proto/payload.h"
#include "rpc/http.h"
#include "rpc/ownership.h"
#include "rpc/publish.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "rpc/tell.h"

struct past {
	TAILQ_ENTRY(past) link;
	uint64_t seq;
	struct told told; /* its data, if any, lie behind */
	unsigned char data[];
};

struct replay {
	TAILQ_HEAD(, past) list; /* not acknowledged */
	struct past *next; /* the first that this connection was not told; NULL: none */
	struct charge charge; /* LIMIT_BYTES */
	size_t bytes;
	bool full;
	bool ending; /* it ends with the last that is to be told again */
};

int
replay_begin(struct session *s)
{
	if (s->replay == NULL)
		s->replay = calloc(1, sizeof(*s->replay));
	if (s->replay == NULL)
		return ENOMEM;
	s->replay->ending = false;
	if (s->replay->charge.account != NULL)
		return 0;
	TAILQ_INIT(&s->replay->list);
	/* cannot fail: it is nothing yet */
	(void)charge_open(&s->replay->charge, &s->account, LIMIT_BYTES, 0);
	return 0;
}

static size_t
size_of(const struct past *p)
{
	return sizeof(*p) + p->told.len;
}

static void
forget(struct replay *r, struct past *p)
{
	if (r->next == p)
		r->next = TAILQ_NEXT(p, link);
	TAILQ_REMOVE(&r->list, p, link);
	r->bytes -= size_of(p);
	free(p);
}

void
replay_fini(struct session *s)
{
	struct past *p;

	if (s->replay == NULL)
		return;
	while ((p = TAILQ_FIRST(&s->replay->list)) != NULL)
		forget(s->replay, p);
	charge_close(&s->replay->charge);
	free(s->replay);
	s->replay = NULL;
}

void
replay_end(struct session *s)
{
	if (s->replay == NULL)
		return;
	s->replay->ending = true;
	if (s->replay->next == NULL)
		replay_fini(s);
}

bool
replay_room(const struct session *s)
{
	return !s->replay->full && s->replay->next == NULL;
}

/* The number of bytes has changed. */
static void
settle(const struct session *s)
{
	struct replay *r = s->replay;
	size_t high = s->rpc->config.replay_high;

	if (!charge_set(&r->charge, r->bytes) || r->bytes >= high)
		r->full = true;
	else if (r->bytes <= high / 2)
		r->full = false;
}

/* A copy of t, which lasts. */
static struct past *
past_new(const struct told *t, const void *data, size_t len)
{
	struct past *p = malloc(sizeof(*p) + len);

	if (p == NULL)
		return NULL;
	p->told = *t;
	p->told.http = NULL;
	p->told.data = p->data;
	p->told.len = len;
	if (len > 0)
		memcpy(p->data, data, len);
	return p;
}

/* A packet of HTTP lies in its socket's buffer: what lasts is its JSON. */
static struct past *
past_new_http(const struct told *t)
{
	struct bytes text = {0};
	struct past *p = NULL;

	http_put(&text, PAYLOAD_AUTO, t->http);
	if (!bytes_failed(&text))
		p = past_new(t, bytes_head(&text), bytes_len(&text));
	bytes_fini(&text);
	return p;
}

uint64_t
replay_add(struct session *s, const struct told *t)
{
	struct past *p = t->http != NULL ? past_new_http(t)
					 : past_new(t, t->data, t->len);

	if (p == NULL)
		return 0;
	p->seq = ++s->seq;
	TAILQ_INSERT_TAIL(&s->replay->list, p, link);
	s->replay->bytes += size_of(p);
	settle(s);
	return p->seq;
}

int
replay_ack(struct session *s, uint64_t seq)
{
	struct replay *r = s->replay;
	struct past *p;
	bool room;

	if (seq > s->seq)
		return EINVAL;
	if (seq > 0)
		s->covered = s->opened;
	if (seq > s->acked)
		s->acked = seq;
	if (r == NULL)
		return 0;
	room = replay_room(s);
	while ((p = TAILQ_FIRST(&r->list)) != NULL && p->seq <= seq)
		forget(r, p);
	settle(s);
	if (!room && replay_room(s))
		session_writable(s);
	return 0;
}

void
replay_rewind(struct session *s)
{
	if (s->replay != NULL)
		s->replay->next = TAILQ_FIRST(&s->replay->list);
}

bool
replay_resume(struct session *s)
{
	struct replay *r = s->replay;
	struct past *p;

	while ((p = r->next) != NULL) {
		if (!s->sink->room(s->sink_ctx))
			return false;
		r->next = TAILQ_NEXT(p, link);
		tell_put(s, &p->told, p->seq);
	}
	if (r->ending)
		replay_fini(s);
	return true;
}

/* --- another owner -------------------------------------------------------------- */

/* A monitor's event is its client's, whoever has the socket. */
static bool
is_of(const struct past *p, uint64_t socket)
{
	return p->told.socket == socket && p->told.event != EVENT_DOWN;
}

bool
replay_untold(
    const struct session *s, uint64_t socket, struct carried_list *list, size_t *size)
{
	const struct past *p = s->replay == NULL ? NULL : s->replay->next;
	struct carried *c;

	for (; p != NULL; p = TAILQ_NEXT(p, link)) {
		if (!is_of(p, socket) || p->told.event == EVENT_TCP_OWNER)
			continue;
		c = carried_new(list, p->told.event);
		if (c == NULL || !bytes_append(&c->data, p->told.data, p->told.len))
			return false;
		c->reason = p->told.reason;
		*size += sizeof(*c) + c->data.size;
	}
	return true;
}

void
replay_give(struct session *s, uint64_t socket)
{
	struct replay *r = s->replay;
	struct past *p, *next;
	bool room;

	if (r == NULL)
		return;
	room = replay_room(s);
	for (p = TAILQ_FIRST(&r->list); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		if (is_of(p, socket))
			forget(r, p);
	}
	settle(s);
	if (!room && replay_room(s))
		session_writable(s);
}

/* --- acknowledged with a request ---------------------------------------------- */

void
ack_begin(struct session *s, const struct call *call)
{
	s->running = call->number;
	s->refused = false;
}

void
ack_refused(const struct call *call)
{
	if (call->number == call->session->running)
		call->session->refused = true;
}

void
ack_end(struct session *s, uint64_t ack)
{
	s->running = 0;
	if (ack > 0 && !s->refused)
		(void)replay_ack(s, ack); /* it has been looked at before */
}
