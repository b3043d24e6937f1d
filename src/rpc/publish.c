/* SPDX-License-Identifier: ISC */
/*
 * Telling owners what their sockets say: the observer of src/tcp.  Nothing is
 * queued for an event.  Where the owner's channel has no room, the socket is
 * held, and remembered in its owner's list until there is.
 */
#include "rpc/publish.h"

#include <stdlib.h>

#include "base/limits.h"
#include "packet/packet_http.h"
#include "proto/bytes.h"
#include "proto/event.h"
#include "proto/reason.h"
#include "rpc/monitor.h"
#include "rpc/ownership.h"
#include "rpc/rpc.h"
#include "rpc/session.h"
#include "rpc/tell.h"
#include "tcp/tcp.h"

/* The socket waits for room. */
static void
stall(struct handle *h)
{
	if (!h->stalled)
		TAILQ_INSERT_TAIL(&h->owner->stalled_handles, h, stall_link);
	h->stalled = true;
}

/* --- what was handed over --------------------------------------------------- */

static void
tell_carried(struct handle *h, const struct carried *c)
{
	struct told t = {.event = c->event,
	    .socket = h->id,
	    .number = c->from,
	    .reason = c->reason,
	    .data = bytes_head(&c->data),
	    .len = bytes_len(&c->data)};

	told_look(&t, h->tcp);
	session_tell(h->owner, &t);
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
		if (!session_room(h->owner)) {
			stall(h);
			return false;
		}
		tell_carried(h, c);
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
	if (session_room(h->owner))
		return true;
	stall(h);
	return false;
}

static bool
on_recv_room(void *ctx, struct tcp_request *r)
{
	struct call *call = call_of(r);

	(void)ctx;
	if (call->session->sink->room(call->session->sink_ctx))
		return true;
	if (!call->stalled)
		TAILQ_INSERT_TAIL(&call->session->stalled_calls, call, stall_link);
	call->stalled = true;
	return false;
}

static void
on_data(void *ctx, struct tcp_socket *tcp, const void *data, size_t len)
{
	struct handle *h = tcp_user(tcp);
	struct told t = {.event = tcp_deliver_port(tcp) ? EVENT_PORT : EVENT_TCP,
	    .socket = h->id,
	    .data = data,
	    .len = len};

	(void)ctx;
	told_look(&t, tcp);
	session_tell(h->owner, &t);
}

static void
on_http(void *ctx, struct tcp_socket *tcp, const struct packet_http *http)
{
	struct handle *h = tcp_user(tcp);
	struct told t = {.event = EVENT_HTTP, .socket = h->id, .http = http};

	(void)ctx;
	told_look(&t, tcp);
	session_tell(h->owner, &t);
}

static void
tell_plain(struct handle *h, enum event_id event)
{
	session_tell(h->owner, &(struct told){.event = event, .socket = h->id});
}

static void
on_passive(void *ctx, struct tcp_socket *tcp)
{
	(void)ctx;
	tell_plain(tcp_user(tcp), EVENT_TCP_PASSIVE);
}

static void
on_error(void *ctx, struct tcp_socket *tcp, int reason)
{
	struct handle *h = tcp_user(tcp);

	(void)ctx;
	session_tell(h->owner,
	    &(struct told){.event = EVENT_TCP_ERROR, .socket = h->id, .reason = reason});
}

static void
on_closed(void *ctx, struct tcp_socket *tcp)
{
	(void)ctx;
	tell_plain(tcp_user(tcp), EVENT_TCP_CLOSED);
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
