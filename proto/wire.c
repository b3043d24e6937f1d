/* SPDX-License-Identifier: ISC */
#include "proto/wire.h"

#include "proto/wire_scan.h"

/* A buffer up to this size is kept while a part of a message is in it. */
enum { WIRE_KEEP = 256 * 1024 };

void
wire_init(struct wire *w, const struct wire_limits *limits)
{
	*w = (struct wire){.limits = *limits};
	bytes_init(&w->in);
	wire_scan_begin(&w->scan, limits->max_values);
}

void
wire_fini(struct wire *w)
{
	bytes_fini(&w->in);
}

void
wire_allow_attachments(struct wire *w)
{
	w->attachments = true;
}

size_t
wire_memory(const struct wire *w)
{
	return w->in.size;
}

uint64_t
wire_received(const struct wire *w)
{
	return w->offset + bytes_len(&w->in);
}

static void
drop(struct wire *w, size_t n)
{
	bytes_take(&w->in, n);
	w->offset += n;
}

/* Drops what the caller has seen, and what nobody is to see. */
static void
release(struct wire *w)
{
	size_t n;

	drop(w, w->shown);
	w->shown = 0;
	n = bytes_len(&w->in);
	if (!w->broken && n > w->skip)
		n = (size_t)w->skip;
	drop(w, n);
	w->skip -= w->broken ? 0 : n;
}

unsigned char *
wire_room(struct wire *w, size_t want, size_t *space)
{
	unsigned char *room;

	release(w);
	room = bytes_room(&w->in, want);
	*space = room == NULL ? 0 : bytes_space(&w->in);
	return room;
}

void
wire_put(struct wire *w, size_t n)
{
	bytes_put(&w->in, n);
}

static void
begin_line(struct wire *w)
{
	wire_scan_begin(&w->scan, w->limits.max_values);
	w->at = 0;
	w->line_done = w->is_send = false;
}

/* The length of the line at the queue's head, if it is a send within all limits. */
static size_t
read_send(struct wire *w)
{
	const struct wire_limits *l = &w->limits;
	size_t len;

	if (bytes_len(&w->in) == 0 || l->max_values < MESSAGE_SEND_VALUES)
		return 0;
	len = message_send_read(
	    (const char *)bytes_head(&w->in), bytes_len(&w->in), &w->send);
	if (len == 0 || len - 1 > l->max_message || w->send.len > l->max_attachment)
		return 0;
	if (w->send.attached &&
	    (!w->attachments || w->send.announced > l->max_attachment))
		return 0;
	return len;
}

/* A line without a fault so far: what it says, if it is a send and all there. */
static void
try_send(struct wire *w)
{
	size_t len = read_send(w);

	if (len == 0)
		return;
	w->at = len;
	w->line_done = w->is_send = true;
	w->scan.has_attached = w->send.attached;
	w->scan.attached = w->send.announced;
}

/* Scans on, at first no further than a line may be long. */
static void
scan(struct wire *w)
{
	const unsigned char *head = bytes_head(&w->in);
	size_t max = w->limits.max_message, n = bytes_len(&w->in);

	if (max < n)
		n = max + 1; /* with the LF */
	w->at = (size_t)(wire_scan_run(&w->scan, head + w->at, head + n) - head);
	w->line_done = wire_scan_done(&w->scan);
	if (!w->line_done && w->at > max && w->scan.fault == WIRE_OK)
		w->scan.fault = WIRE_TOO_LONG;
}

/*
 * Looks for the end of the line; false if it is not there yet.  Of a faulty line
 * the bytes are dropped as they come.
 */
static bool
find_line(struct wire *w)
{
	bool whole = w->at == 0;

	if (whole && w->scan.fault == WIRE_OK)
		try_send(w);
	while (!w->line_done && w->at < bytes_len(&w->in)) {
		scan(w);
		if (!w->line_done && w->scan.fault != WIRE_OK) {
			drop(w, w->at);
			w->at = 0;
		}
	}
	/* one that came in pieces is a send as well */
	if (w->line_done && !whole && w->scan.fault == WIRE_OK && !w->is_send)
		try_send(w);
	w->line_len = w->at;
	return w->line_done;
}

/* The line is complete: its text, without LF and CR. */
static void
set_text(const struct wire *w, struct wire_message *m)
{
	m->text = (const char *)bytes_head(&w->in);
	m->len = w->line_len - 1;
	if (m->len > 0 && m->text[m->len - 1] == '\r')
		m->len--;
}

/* The line is complete, and no message: says why. */
static enum wire_status
refuse(struct wire *w, struct wire_message *m, enum wire_fault fault)
{
	const struct wire_scan *s = &w->scan;

	m->fault = fault;
	if (fault != WIRE_BAD_UTF8) /* no text: nothing of it is quoted */
		wire_scan_id(s, m->id);
	w->shown = w->line_len;
	if (fault == WIRE_ATTACHMENT_TOO_LONG) {
		w->skip = s->attached;
		m->end += s->attached;
		begin_line(w);
		return WIRE_SKIPPED;
	}
	m->text = NULL;
	m->len = 0;
	w->broken = w->attachments || s->has_attached || fault == WIRE_BAD_ATTACHED;
	begin_line(w);
	return w->broken ? WIRE_BROKEN : WIRE_SKIPPED;
}

/* The line is complete: is the message, too? */
static enum wire_status
finish(struct wire *w, struct wire_message *m)
{
	const struct wire_scan *s = &w->scan;
	size_t behind = bytes_len(&w->in) - w->line_len;

	m->end = w->offset + w->line_len;
	m->attached = s->has_attached;
	m->fds = s->fds < SIZE_MAX ? (size_t)s->fds : SIZE_MAX;
	if (s->fault != WIRE_OK)
		return refuse(w, m, s->fault);
	if (s->has_attached && !w->attachments)
		return refuse(w, m, WIRE_ATTACHED_UNANNOUNCED);
	if (s->attached > w->limits.max_attachment)
		return refuse(w, m, WIRE_ATTACHMENT_TOO_LONG);
	if (s->attached > behind)
		return WIRE_MORE;
	m->attachment_len = (size_t)s->attached;
	if (s->has_attached)
		m->attachment = bytes_head(&w->in) + w->line_len;
	m->end += s->attached;
	if (w->is_send)
		m->send = &w->send;
	w->shown = w->line_len + m->attachment_len;
	begin_line(w);
	return WIRE_MESSAGE;
}

/* Nothing more can be said for now: gives back memory that is not needed. */
static enum wire_status
rest(struct wire *w)
{
	size_t need = bytes_len(&w->in);

	if (w->line_done && w->scan.attached > need - w->line_len)
		need = w->line_len + (size_t)w->scan.attached;
	if (bytes_len(&w->in) == 0 || (w->in.size > WIRE_KEEP && need < w->in.size / 4))
		bytes_trim(&w->in);
	return WIRE_MORE;
}

enum wire_status
wire_next(struct wire *w, struct wire_message *m)
{
	enum wire_status status;

	m->text = NULL;
	m->len = 0;
	m->send = NULL;
	m->attached = false;
	m->attachment = NULL;
	m->attachment_len = 0;
	m->fds = 0;
	m->fault = WIRE_OK;
	m->id[0] = '\0';
	release(w);
	m->end = w->offset;
	for (;;) {
		if (w->broken || !find_line(w))
			return rest(w);
		set_text(w, m);
		if (m->len > 0 || w->scan.fault != WIRE_OK)
			break;
		drop(w, w->line_len); /* an empty line */
		begin_line(w);
	}
	status = finish(w, m);
	return status == WIRE_MORE ? rest(w) : status;
}

const char *
wire_fault_text(enum wire_fault fault)
{
	switch (fault) {
	case WIRE_OK:
		return "No fault";
	case WIRE_TOO_LONG:
		return "The line is longer than max_message";
	case WIRE_TOO_MANY_VALUES:
		return "The line has more than max_values JSON values";
	case WIRE_TOO_DEEP:
		return "The line is nested deeper than 64";
	case WIRE_BAD_UTF8:
		return "The line is not UTF-8";
	case WIRE_BAD_ATTACHED:
		return "attached or fds is no count, or stands twice, or a member's name "
		       "is written with an escape";
	case WIRE_ATTACHED_UNANNOUNCED:
		return "attached without attachments: true in session.hello";
	case WIRE_ATTACHMENT_TOO_LONG:
		return "The attachment is longer than max_attachment";
	}
	return "Unknown fault";
}
