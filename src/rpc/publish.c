/* SPDX-License-Identifier: ISC */
/*
 * Telling owners what their sockets say: the observer of src/tcp.  Nothing is
 * queued for an event.  Where the owner's channel has no room, the socket is
 * held, and remembered in its owner's list until there is.
 */
#include <stdlib.h>

#include "rpc/http.h"
#include "rpc/rpc_private.h"

/* The socket waits for room. */
static void
stall(struct handle *h)
{
	if (!h->stalled)
		TAILQ_INSERT_TAIL(&h->owner->stalled_handles, h, stall_link);
	h->stalled = true;
}

static struct bytes *
out(const struct session *s)
{
	return s->sink->out(s->sink_ctx);
}

static bool
room(const struct session *s)
{
	return s->sink->room(s->sink_ctx);
}

static void
put_data(struct handle *h, enum event_id event, const void *data, size_t len)
{
	struct session *s = h->owner;
	struct payload_style style = session_style(s, h->tcp);
	size_t skip = 0;

	if (event_put_data(out(s), event, h->id, &style, data, len, &skip))
		s->sink->commit(s->sink_ctx, (const char *)data + skip, len - skip);
	else
		s->sink->commit(s->sink_ctx, NULL, 0);
}

static void
put_http(struct handle *h, const struct packet_http *http)
{
	struct session *s = h->owner;

	event_open_http(out(s), h->id);
	http_put(out(s), s->form, http);
	http_put_type(out(s), s->form, h->tcp);
	event_close_http(out(s));
	s->sink->commit(s->sink_ctx, NULL, 0);
}

/* --- what was handed over --------------------------------------------------- */

/* Its text was looked at when it came: only memory can be missing now. */
static void
put_carried_http(struct handle *h, const struct carried *c)
{
	struct bytes texts[HTTP_TEXTS] = {0};
	struct packet_http http;
	json_t *json = message_load(
	    (const char *)bytes_head(&c->data), bytes_len(&c->data), NULL, 0);

	if (http_read(json, &http, texts))
		put_http(h, &http);
	else
		out(h->owner)->failed = true;
	for (size_t i = 0; i < HTTP_TEXTS; i++)
		bytes_fini(&texts[i]);
	json_decref(json);
}

static void
put_carried(struct handle *h, const struct carried *c)
{
	struct session *s = h->owner;

	switch (c->event) {
	case EVENT_HTTP:
		put_carried_http(h, c);
		return;
	case EVENT_TCP:
	case EVENT_PORT:
		put_data(h, c->event, bytes_head(&c->data), bytes_len(&c->data));
		return;
	case EVENT_TCP_OWNER:
		event_put_owner(out(s), h->id, c->from);
		break;
	case EVENT_TCP_ERROR:
		event_put_error(out(s), h->id, c->reason);
		break;
	default:
		event_put_plain(out(s), c->event, h->id);
		break;
	}
	s->sink->commit(s->sink_ctx, NULL, 0);
}

static void
carried_free(struct carried_list *list, struct carried *c)
{
	TAILQ_REMOVE(list, c, link);
	bytes_fini(&c->data);
	free(c);
}

void
carried_clear(struct carried_list *list)
{
	struct carried *c;

	while ((c = TAILQ_FIRST(list)) != NULL)
		carried_free(list, c);
}

bool
publish_carried(struct handle *h)
{
	struct carried *c;

	while ((c = TAILQ_FIRST(&h->carried)) != NULL) {
		if (!room(h->owner)) {
			stall(h);
			return false;
		}
		put_carried(h, c);
		carried_free(&h->carried, c);
	}
	charge_close(&h->carried_charge);
	return true;
}

void
publish_resume(struct handle *h)
{
	if (publish_carried(h))
		tcp_resume(h->tcp);
}

/* --- the observer -------------------------------------------------------------- */

static bool
on_room(void *ctx, struct tcp_socket *tcp)
{
	struct handle *h = tcp_user(tcp);

	(void)ctx;
	if (h == NULL)
		return false;
	if (!TAILQ_EMPTY(&h->carried) && !publish_carried(h))
		return false;
	if (room(h->owner))
		return true;
	stall(h);
	return false;
}

static bool
on_recv_room(void *ctx, struct tcp_request *r)
{
	struct call *call = call_of(r);

	(void)ctx;
	if (room(call->session))
		return true;
	if (!call->stalled)
		TAILQ_INSERT_TAIL(&call->session->stalled_calls, call, stall_link);
	call->stalled = true;
	return false;
}

static void
on_data(void *ctx, struct tcp_socket *tcp, const void *data, size_t len)
{
	(void)ctx;
	put_data(
	    tcp_user(tcp), tcp_deliver_port(tcp) ? EVENT_PORT : EVENT_TCP, data, len);
}

static void
on_http(void *ctx, struct tcp_socket *tcp, const struct packet_http *http)
{
	(void)ctx;
	put_http(tcp_user(tcp), http);
}

static void
put_plain(struct handle *h, enum event_id event)
{
	struct session *s = h->owner;

	event_put_plain(out(s), event, h->id);
	s->sink->commit(s->sink_ctx, NULL, 0);
}

static void
on_passive(void *ctx, struct tcp_socket *tcp)
{
	(void)ctx;
	put_plain(tcp_user(tcp), EVENT_TCP_PASSIVE);
}

static void
on_error(void *ctx, struct tcp_socket *tcp, int reason)
{
	struct handle *h = tcp_user(tcp);
	struct session *s = h->owner;

	(void)ctx;
	event_put_error(out(s), h->id, reason);
	s->sink->commit(s->sink_ctx, NULL, 0);
}

static void
on_closed(void *ctx, struct tcp_socket *tcp)
{
	(void)ctx;
	put_plain(tcp_user(tcp), EVENT_TCP_CLOSED);
}

static const char *
down_reason(const struct tcp_socket *tcp)
{
	int reason = tcp_end_reason(tcp);

	return reason == 0 ? monitor_normal : reason_name(reason);
}

static void
on_over(void *ctx, struct tcp_socket *tcp)
{
	struct handle *h = tcp_user(tcp);

	(void)ctx;
	if (h != NULL)
		monitor_over(h, down_reason(tcp));
}

static void
on_gone(void *ctx, struct tcp_socket *tcp)
{
	struct handle *h = tcp_user(tcp);

	(void)ctx;
	if (h == NULL)
		return;
	monitor_down(h, down_reason(tcp));
	ownership_remove(h);
}

const struct tcp_observer rpc_observer = {
    .room = on_room,
    .recv_room = on_recv_room,
    .data = on_data,
    .http = on_http,
    .passive = on_passive,
    .error = on_error,
    .closed = on_closed,
    .over = on_over,
    .gone = on_gone,
};
