/* SPDX-License-Identifier: ISC */
/*
 * controlling_process: as gen_tcp's does, the socket is made passive, the events
 * of it that wait here are collected, and all goes to the new owner in one step.
 */
#include <stdlib.h>
#include <string.h>

#include "client/connection.h"
#include "client/options.h"
#include "proto/payload.h"

static const struct payload_style as_base64 = {.form = PAYLOAD_BASE64};

/* Is the socket ours?  If not, or if it is gone, nothing is to be touched. */
static bool
is_owner(struct gentcp *g, uint64_t socket)
{
	struct call c = {.g = g};
	json_int_t owner;

	request_open_socket(&c.params, socket);
	if (call_wait(&c, "inet.info", CALL_NO_TIMEOUT) != GENTCP_OK)
		return call_end(&c, false);
	owner = json_integer_value(json_object_get(c.reply.result, "owner"));
	return call_end(&c, owner > 0 && (uint64_t)owner == g->client);
}

/* *active: the option's value, a new reference; NULL where it cannot be told. */
static int
get_active(struct gentcp *g, uint64_t socket, json_t **active)
{
	struct call c = {.g = g};
	int rc;

	request_open_socket(&c.params, socket);
	rc = request_put_names(g, &c.params, "active");
	if (rc == GENTCP_OK)
		rc = call_wait(&c, "inet.getopts", CALL_NO_TIMEOUT);
	*active = rc == GENTCP_OK ? json_incref(json_object_get(c.reply.result, "active"))
				  : NULL;
	return call_end(&c, rc);
}

static int
set_active(struct gentcp *g, uint64_t socket, json_t *active)
{
	struct call c = {.g = g};
	int rc;

	request_open_socket(&c.params, socket);
	bytes_append_char(&c.params, ',');
	rc = request_put_options(g, &c.params, NULL, "active", json_incref(active));
	return rc == GENTCP_OK ? call_ok(&c, "inet.setopts") : call_end(&c, rc);
}

/* One event as a notification for the new owner. */
static bool
put_message(const struct gentcp_event *e, void *ctx)
{
	struct bytes *out = ctx;

	if (e->type == GENTCP_EVENT_TCP_OWNER)
		return true; /* the new owner is told otherwise */
	if (bytes_len(out) > 0)
		bytes_append_char(out, ',');
	bytes_append_str(out, "{\"method\":\"");
	bytes_append_str(out, e->name);
	bytes_append_str(out, "\",\"params\":");
	if (e->json != NULL) {
		bytes_append_str(out, e->json);
		return bytes_append_char(out, '}');
	}
	request_open_socket(out, e->socket);
	if (e->header != NULL) {
		bytes_append_str(out, ",\"header\":");
		payload_put(out,
		    &(struct payload_style){.form = PAYLOAD_AUTO, .list = true},
		    e->header, e->header_len);
	}
	if (incoming_has_data(e)) {
		bytes_append_str(out, ",\"data\":");
		payload_put(out, &as_base64, e->data, e->len);
	}
	if (e->reason != NULL) {
		bytes_append_str(out, ",\"reason\":");
		payload_put_string(out, e->reason, strlen(e->reason));
	}
	return bytes_append_str(out, "}}");
}

/* Gives it away, with what waits here. */
static int
give(struct gentcp *g, uint64_t socket, uint64_t client, json_t *active)
{
	struct call c = {.g = g};
	struct bytes messages = {0};
	int rc = GENTCP_OK;

	request_open_socket(&c.params, socket);
	bytes_append_str(&c.params, ",\"client\":");
	bytes_append_uint(&c.params, client);
	if (!connection_held_events(g, socket, false, put_message, &messages))
		rc = connection_no_memory(g);
	if (bytes_len(&messages) > 0) {
		bytes_append_str(&c.params, ",\"messages\":[");
		bytes_append(&c.params, bytes_head(&messages), bytes_len(&messages));
		bytes_append_char(&c.params, ']');
	}
	bytes_fini(&messages);
	if (rc == GENTCP_OK && active != NULL && !json_is_false(active))
		rc = request_put_json(g, &c.params, ",\"active\":", json_incref(active));
	return rc == GENTCP_OK ? call_ok(&c, "gen_tcp.controlling_process")
			       : call_end(&c, rc);
}

/* The socket stays here: it is as active as it was.  The error stays as well. */
static void
restore(struct gentcp *g, uint64_t socket, json_t *active)
{
	struct gentcp_error error = g->error;
	json_t *now;

	g->error = (struct gentcp_error){0};
	/* gentcpd may have done it: numbers would add up */
	if (get_active(g, socket, &now) == GENTCP_OK && json_is_false(now))
		(void)set_active(g, socket, active);
	json_decref(now);
	error_fini(&g->error);
	g->error = error;
}

int
gentcp_controlling_process(struct gentcp *g, uint64_t socket, uint64_t client)
{
	json_t *active = NULL;
	bool was_active;
	int rc;

	if (client == g->client || !is_owner(g, socket) ||
	    get_active(g, socket, &active) != GENTCP_OK) {
		json_decref(active);
		return g->lost ? GENTCP_LOST : give(g, socket, client, NULL);
	}
	was_active = active != NULL && !json_is_false(active);
	rc = was_active ? set_active(g, socket, json_false()) : GENTCP_OK;
	if (rc == GENTCP_OK)
		rc = give(g, socket, client, active);
	if (rc == GENTCP_OK)
		(void)connection_held_events(g, socket, true, NULL, NULL);
	else if (was_active && rc != GENTCP_LOST)
		restore(g, socket, active);
	json_decref(active);
	return rc;
}
