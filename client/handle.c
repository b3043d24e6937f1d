/* SPDX-License-Identifier: ISC */
/* Messages: from what was read to whom they are for. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/connection.h"

/* --- the message that is shown ---------------------------------------------- */

static void
release(struct gentcp *g)
{
	kept_done(g, g->shown.event.seq);
	if (g->shown_fd != -1)
		close(g->shown_fd);
	g->shown_fd = -1;
	incoming_fini(&g->shown);
	bytes_take(&g->aside, bytes_len(&g->aside));
	if (g->current > 0) {
		bytes_take(&g->in, g->current);
		g->current = 0;
	}
}

/* Lets in change while its first message is shown: the rest gets a new queue. */
static bool
set_aside(struct gentcp *g)
{
	struct bytes rest = {0};

	if (g->current == 0)
		return true;
	if (!bytes_append(
		&rest, bytes_head(&g->in) + g->current, bytes_len(&g->in) - g->current)) {
		bytes_fini(&rest);
		return false;
	}
	bytes_fini(&g->aside);
	g->aside = g->in;
	g->in = rest;
	g->current = 0;
	return true;
}

unsigned char *
connection_room(struct gentcp *g, size_t want, size_t *space)
{
	unsigned char *room = set_aside(g) ? bytes_room(&g->in, want) : NULL;

	if (room == NULL) {
		bytes_truncate(&g->in, bytes_len(&g->in)); /* it may go on later */
		return NULL;
	}
	*space = bytes_space(&g->in);
	return room;
}

void
connection_put(struct gentcp *g, size_t n)
{
	bytes_put(&g->in, n);
}

int
gentcp_feed(struct gentcp *g, const void *bytes, size_t len)
{
	unsigned char *room;
	size_t space;

	if (g->lost)
		return GENTCP_LOST;
	if (bytes == NULL)
		return connection_ended(g);
	room = connection_room(g, len, &space);
	if (room == NULL)
		return connection_no_memory(g);
	memcpy(room, bytes, len);
	connection_put(g, len);
	return GENTCP_OK;
}

static int
broken(struct gentcp *g, enum incoming_status status)
{
	if (status == INCOMING_NOMEM)
		return connection_no_memory(g);
	return connection_lose(g, 0, "gentcpd sent what is no message");
}

/* Shows the oldest held message: a copy, so that held can grow meanwhile. */
static enum incoming_status
show_held(struct gentcp *g)
{
	struct incoming_place place = {0};
	enum incoming_status status;
	size_t size;

	/* read in place first to learn its size */
	status = incoming_read(
	    bytes_head(&g->held), bytes_len(&g->held), &place, &g->shown, &size);
	if (status != INCOMING_READY)
		return status;
	incoming_fini(&g->shown);
	if (!bytes_append(&g->aside, bytes_head(&g->held), size)) {
		bytes_truncate(&g->aside, 0);
		return INCOMING_NOMEM;
	}
	status = incoming_read(bytes_head(&g->aside), size, &place, &g->shown, &size);
	if (status == INCOMING_READY) {
		bytes_take(&g->held, size);
		g->shown_fd = passing_take(g, &g->shown, true);
	}
	return status;
}

/* Shows the next message. */
static enum incoming_status
show_next(struct gentcp *g)
{
	enum incoming_status status;

	release(g);
	if (bytes_len(&g->held) > 0)
		return show_held(g);
	status = incoming_read(
	    bytes_head(&g->in), bytes_len(&g->in), &g->place, &g->shown, &g->current);
	if (status == INCOMING_READY)
		g->shown_fd = passing_take(g, &g->shown, false);
	else
		g->current = 0;
	return status;
}

/* Keeps what is the reason of the loss that follows, if m is one. */
static void
note(struct gentcp *g, const struct incoming *m)
{
	const char *text;

	if (m->kind == INCOMING_FAULT) {
		text = json_string_value(json_object_get(m->error, "message"));
		snprintf(g->fault, sizeof g->fault, "%s", text == NULL ? "" : text);
	} else if (m->kind == INCOMING_EVENT && m->event.type == GENTCP_EVENT_OTHER &&
	    strcmp(m->event.name, "taken") == 0) {
		g->taken = true;
		snprintf(g->fault, sizeof g->fault,
		    "another connection has attached this client");
	}
}

/* --- handling --------------------------------------------------------------- */

/* Gives the shown message to whom it is for. */
static void
deliver(struct gentcp *g)
{
	struct pending_call call;

	switch (g->shown.kind) {
	case INCOMING_EVENT:
		if (g->on_event != NULL)
			g->on_event(g, &g->shown.event, g->event_ctx);
		break;
	case INCOMING_REPLY:
		kept_replied(&g->kept, g->shown.id, g->shown.error != NULL);
		/* not there: a call that was given up */
		if (pending_take(&g->pending, g->shown.id, &call))
			reply_deliver(g, &call, &g->shown);
		break;
	case INCOMING_FAULT:
	case INCOMING_NOTHING:
		break;
	}
}

/* After the last message of a lost connection: all that waits is answered, once. */
static int
handle_loss(struct gentcp *g, size_t *handled)
{
	connection_end_pending(g);
	if (g->freed)
		return GENTCP_FREED;
	return reconnect_lost(g, transport_deadline(0), handled);
}

static int
handle_all(struct gentcp *g, const struct gentcp_event **e, size_t *handled)
{
	enum incoming_status status;

	while ((status = show_next(g)) == INCOMING_READY) {
		(*handled)++;
		note(g, &g->shown);
		if (kept_skips(g, &g->shown.event))
			continue;
		if (e != NULL && g->shown.kind == INCOMING_EVENT) {
			*e = &g->shown.event;
			return GENTCP_OK;
		}
		deliver(g);
		if (g->freed)
			return GENTCP_FREED;
	}
	if (status != INCOMING_MORE && broken(g, status) != GENTCP_LOST)
		return GENTCP_NOMEM;
	return g->lost ? handle_loss(g, handled) : GENTCP_OK;
}

int
connection_handle(struct gentcp *g, const struct gentcp_event **e, size_t *handled)
{
	int rc;

	if (g->dispatching)
		return connection_fail(g, GENTCP_INVALID, 0, "called in a callback");
	g->dispatching = true;
	g->woken = false;
	*handled = 0;
	if (reconnect_due(g) != INT64_MAX || g->again.owed)
		reconnect_step(g, transport_deadline(0), handled);
	rc = g->freed ? GENTCP_FREED : handle_all(g, e, handled);
	g->dispatching = false;
	if (g->freed) {
		connection_destroy(g);
		return GENTCP_FREED;
	}
	return rc;
}

/* --- for blocking calls ----------------------------------------------------- */

enum incoming_status
connection_find_reply(struct gentcp *g, uint64_t id, struct incoming *m, size_t *size)
{
	enum incoming_status status;

	if (!set_aside(g))
		return INCOMING_NOMEM;
	for (;;) {
		status = incoming_read(
		    bytes_head(&g->in), bytes_len(&g->in), &g->place, m, size);
		if (status != INCOMING_READY)
			return status;
		if (m->kind == INCOMING_REPLY && m->id == id) {
			kept_replied(&g->kept, id, m->error != NULL);
			return INCOMING_READY;
		}
		note(g, m);
		if (!bytes_append(&g->held, bytes_head(&g->in), *size)) {
			bytes_truncate(&g->held, bytes_len(&g->held));
			incoming_fini(m);
			return INCOMING_NOMEM;
		}
		passing_held(g, m);
		incoming_fini(m);
		bytes_take(&g->in, *size);
	}
}

bool
connection_hold(struct gentcp *g)
{
	struct incoming m;
	size_t size;

	/* nobody's id: nothing is found, all is held */
	return connection_find_reply(g, UINT64_MAX, &m, &size) != INCOMING_NOMEM;
}

void
connection_taken(struct gentcp *g, struct incoming *m, size_t size)
{
	int fd = passing_take(g, m, false);

	if (fd != -1) /* of a call that has no use for it */
		close(fd);
	incoming_fini(m);
	bytes_take(&g->in, size);
}

/* What is to stay of an event that is given away: its number, if it has one. */
static bool
keep_number(struct bytes *rest, uint64_t seq)
{
	if (seq == 0)
		return true;
	bytes_append_str(rest, "{\"seq\":");
	bytes_append_uint(rest, seq);
	return bytes_append_str(rest, "}\n");
}

bool
connection_held_events(struct gentcp *g, uint64_t socket, struct bytes *rest,
    connection_held_fn *fn, void *ctx)
{
	struct incoming_place place = {0};
	struct incoming m;
	size_t at = 0, size, len = bytes_len(&g->held);
	bool ok = true, ours;

	while (ok && at < len) {
		const unsigned char *p = bytes_head(&g->held) + at;

		if (incoming_read(p, len - at, &place, &m, &size) != INCOMING_READY)
			return false;
		/* down is ours as long as the monitor is, whosever the socket */
		ours = m.kind == INCOMING_EVENT && m.event.socket == socket &&
		    m.event.type != GENTCP_EVENT_DOWN;
		ok = ours ? fn(&m.event, ctx) && keep_number(rest, m.event.seq)
			  : bytes_append(rest, p, size);
		incoming_fini(&m);
		at += size;
	}
	return ok;
}

void
connection_held_replace(struct gentcp *g, size_t len, const struct bytes *rest)
{
	size_t kept = bytes_len(rest);

	bytes_take(&g->held, len - kept);
	if (kept > 0)
		memcpy(bytes_head(&g->held), bytes_head(rest), kept);
}
