/* SPDX-License-Identifier: ISC */
#include "client/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct gentcp *
gentcp_new(void)
{
	struct gentcp *g = calloc(1, sizeof *g);

	if (g == NULL)
		return NULL;
	g->form = "attached";
	g->max_message = SIZE_MAX;
	g->fd = g->shown_fd = -1;
	g->timeout = GENTCP_INFINITY;
	return g;
}

void
connection_end_pending(struct gentcp *g)
{
	struct pending_call call;

	while (pending_take_oldest(&g->pending, &call))
		reply_deliver(g, &call, NULL);
}

void
connection_destroy(struct gentcp *g)
{
	g->freed = true;
	if (!g->lost)
		connection_lose(g, 0, "the connection was freed");
	connection_end_pending(g);
	transport_close(g);
	passing_drop(g);
	if (g->shown_fd != -1)
		close(g->shown_fd);
	incoming_fini(&g->shown);
	bytes_fini(&g->out);
	bytes_fini(&g->in);
	bytes_fini(&g->held);
	bytes_fini(&g->aside);
	pending_fini(&g->pending);
	kept_fini(&g->kept);
	error_fini(&g->error);
	free(g);
}

void
gentcp_free(struct gentcp *g)
{
	if (g == NULL || g->freed)
		return;
	if (!g->dispatching) {
		connection_destroy(g);
		return;
	}
	g->freed = true; /* the rest when the callback has returned */
	if (!g->lost)
		connection_lose(g, 0, "the connection was freed");
}

int
connection_no_memory(struct gentcp *g)
{
	return connection_fail(g, GENTCP_NOMEM, 0, "no memory");
}

int
connection_lose(struct gentcp *g, int code, const char *why)
{
	g->lost = true;
	transport_close(g);
	connection_wake(g);
	return connection_fail(g, GENTCP_LOST, code, "%s", why);
}

int
connection_restart(struct gentcp *g)
{
	size_t space;

	/* what gentcp_receive() returned stays valid: it is set aside */
	if (connection_room(g, 1, &space) == NULL)
		return connection_no_memory(g);
	bytes_truncate(&g->in, 0);
	bytes_truncate(&g->out, 0);
	bytes_truncate(&g->held, 0);
	passing_drop(g);
	g->place = (struct incoming_place){0};
	*g->fault = '\0';
	g->hello = g->lost = g->taken = false;
	return GENTCP_OK;
}

void
connection_wake(struct gentcp *g)
{
	if (g->on_wake == NULL || g->woken || g->dispatching || g->freed)
		return;
	g->woken = true;
	g->on_wake(g, g->wake_ctx);
}

int
connection_ended(struct gentcp *g)
{
	char why[ERROR_REASON_MAX + 64];

	snprintf(why, sizeof why, "gentcpd closed the connection%s%s",
	    *g->fault == '\0' ? "" : ": ", g->fault);
	return connection_lose(g, 0, why);
}

const struct gentcp_error *
gentcp_error(const struct gentcp *g)
{
	return &g->error;
}

int
gentcp_set_name(struct gentcp *g, const char *name)
{
	if (g->hello || strlen(name) >= sizeof g->name)
		return connection_fail(
		    g, GENTCP_INVALID, 0, "name too long, or too late");
	snprintf(g->name, sizeof g->name, "%s", name);
	return GENTCP_OK;
}

int
gentcp_set_data(struct gentcp *g, const char *form)
{
	static const char *const forms[] = {"attached", "auto", "base64"};

	for (size_t i = 0; i < sizeof forms / sizeof *forms && !g->hello; i++) {
		if (strcmp(forms[i], form) == 0) {
			g->form = forms[i];
			return GENTCP_OK;
		}
	}
	return connection_fail(g, GENTCP_INVALID, 0, "unknown form of data, or too late");
}

void
gentcp_set_timeout(struct gentcp *g, int timeout)
{
	g->timeout = timeout < 0 ? GENTCP_INFINITY : timeout;
}

uint64_t
gentcp_client(const struct gentcp *g)
{
	return g->client;
}

const char *
gentcp_server(const struct gentcp *g)
{
	return g->server;
}

void
gentcp_on_event(struct gentcp *g, gentcp_event_fn fn, void *ctx)
{
	g->on_event = fn;
	g->event_ctx = ctx;
}

void
gentcp_on_wake(struct gentcp *g, gentcp_wake_fn fn, void *ctx)
{
	g->on_wake = fn;
	g->wake_ctx = ctx;
	g->woken = false;
}

uint64_t
gentcp_epoch(const struct gentcp *g)
{
	return g->epoch;
}

int
connection_greeted(struct gentcp *g, json_t *result)
{
	const char *server = json_string_value(json_object_get(result, "server"));
	json_int_t client = json_integer_value(json_object_get(result, "client"));
	json_int_t max = json_integer_value(json_object_get(result, "max_message"));

	if (client <= 0)
		return connection_lose(
		    g, 0, "this is no gentcpd: its hello names no client");
	g->client = (uint64_t)client;
	if (max > 0)
		g->max_message = (size_t)max;
	snprintf(g->server, sizeof g->server, "%s", server == NULL ? "" : server);
	return GENTCP_OK;
}

/* --- bytes ------------------------------------------------------------------ */

const void *
gentcp_output(const struct gentcp *g, size_t *len)
{
	*len = bytes_len(&g->out);
	return bytes_head(&g->out);
}

size_t
gentcp_unwritten(const struct gentcp *g)
{
	return bytes_len(&g->out);
}

void
gentcp_sent(struct gentcp *g, size_t len)
{
	bytes_take(&g->out, len);
}
