/* SPDX-License-Identifier: ISC */
/*
 * Events as a session's connection is told them.  What an event says is apart
 * from how it is written, which is the connection's to choose.
 */
#include "rpc/tell.h"

#include <jansson.h>

#include "base/log.h"
#include "packet/packet_http.h"
#include "proto/bytes.h"
#include "proto/event.h"
#include "proto/message.h"
#include "proto/payload.h"
#include "rpc/http.h"
#include "rpc/keep.h"
#include "rpc/replay.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

void
told_look(struct told *t, const struct tcp_socket *tcp)
{
	t->list = tcp_mode_list(tcp);
	t->header = tcp_header(tcp);
	t->http_bin = tcp_http_bin(tcp);
}

bool
session_room(const struct session *s)
{
	return s->sink->room(s->sink_ctx) && (s->replay == NULL || replay_room(s));
}

static void
put_data(struct session *s, struct bytes *out, const struct told *t, uint64_t seq)
{
	const struct payload_style style = {
	    .form = s->form, .list = t->list, .header = t->header};
	size_t skip = 0;

	if (event_put_data(out, t->event, t->socket, &style, t->data, t->len, seq, &skip))
		s->sink->commit(s->sink_ctx, (const char *)t->data + skip, t->len - skip);
	else
		s->sink->commit(s->sink_ctx, NULL, 0);
}

static void
put_http(const struct session *s, struct bytes *out, const struct told *t,
    const struct packet_http *http, uint64_t seq)
{
	event_open_http(out, t->socket);
	http_put(out, s->form, http);
	http_put_type(out, s->form, t->http_bin);
	event_close_http(out, seq);
}

/* Its text was looked at when it came: only memory can be missing now. */
static void
put_http_text(
    const struct session *s, struct bytes *out, const struct told *t, uint64_t seq)
{
	struct bytes texts[HTTP_TEXTS] = {0};
	struct packet_http http;
	json_t *json = message_load(t->data, t->len, NULL, 0);

	if (http_read(json, &http, texts))
		put_http(s, out, t, &http, seq);
	else
		out->failed = true;
	for (size_t i = 0; i < HTTP_TEXTS; i++)
		bytes_fini(&texts[i]);
	json_decref(json);
}

void
tell_put(struct session *s, const struct told *t, uint64_t seq)
{
	struct bytes *out = s->sink->out(s->sink_ctx);

	switch (t->event) {
	case EVENT_TCP:
	case EVENT_PORT:
		put_data(s, out, t, seq);
		return;
	case EVENT_HTTP:
		if (t->http != NULL)
			put_http(s, out, t, t->http, seq);
		else
			put_http_text(s, out, t, seq);
		break;
	case EVENT_TCP_OWNER:
		event_put_owner(out, t->socket, t->number, seq);
		break;
	case EVENT_TCP_ERROR:
		event_put_error(out, t->socket, t->reason, seq);
		break;
	case EVENT_DOWN:
		event_put_down(out, t->number, t->socket, t->why, seq);
		break;
	default:
		event_put_plain(out, t->event, t->socket, seq);
		break;
	}
	s->sink->commit(s->sink_ctx, NULL, 0);
}

/* An event cannot be kept: nothing is missing unnoticed if the client ends. */
static void
fail(struct session *s)
{
	log_error("rpc", "client %llu: out of memory for its events",
	    (unsigned long long)s->id);
	keep_end(s);
	s->sink->out(s->sink_ctx)->failed = true;
}

void
session_tell(struct session *s, const struct told *t)
{
	uint64_t seq = 0;

	s->rpc->tally.events[t->event]++;
	if (s->replay != NULL && (seq = replay_add(s, t)) == 0)
		fail(s);
	tell_put(s, t, seq);
}
