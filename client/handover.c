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

/* *ours: is it?  If not, or if it is gone, nothing is to be touched. */
static int
ask_owner(struct gentcp *g, uint64_t socket, bool *ours)
{
	struct call c = {.g = g};
	json_int_t owner;
	int rc;

	request_open_socket(&c.params, socket);
	rc = call_wait(&c, "inet.info", CALL_NO_TIMEOUT);
	owner = json_integer_value(json_object_get(c.reply.result, "owner"));
	*ours = rc == GENTCP_OK && owner > 0 && (uint64_t)owner == g->client;
	return call_end(&c, rc);
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

/* The params of giving it away with these messages. */
static int
put_params(struct gentcp *g, struct bytes *params, uint64_t socket, uint64_t client,
    const struct bytes *messages, json_t *active)
{
	request_open_socket(params, socket);
	bytes_append_str(params, ",\"client\":");
	bytes_append_uint(params, client);
	if (bytes_len(messages) > 0) {
		bytes_append_str(params, ",\"messages\":[");
		bytes_append(params, bytes_head(messages), bytes_len(messages));
		bytes_append_char(params, ']');
	}
	if (active == NULL || json_is_false(active))
		return GENTCP_OK;
	return request_put_json(g, params, ",\"active\":", json_incref(active));
}

/*
 * Gives it away, with what waits here; ours: then that is not ours any more.  What
 * stays is made before, as all that is with the daemon's answer cannot be undone.
 * *ack goes with it; it is 0 then.
 */
static int
give(struct gentcp *g, uint64_t socket, uint64_t client, json_t *active, bool ours,
    uint64_t *ack)
{
	struct call c = {.g = g};
	struct bytes messages = {0}, rest = {0};
	size_t len = bytes_len(&g->held);
	int rc = GENTCP_OK;

	if (ours && !connection_held_events(g, socket, &rest, put_message, &messages))
		rc = connection_no_memory(g);
	if (rc == GENTCP_OK)
		rc = put_params(g, &c.params, socket, client, &messages, active);
	g->kept.next = *ack;
	rc = rc == GENTCP_OK ? call_ok(&c, "gen_tcp.controlling_process")
			     : call_end(&c, rc);
	*ack = g->kept.next;
	g->kept.next = 0;
	if (rc == GENTCP_OK && ours)
		connection_held_replace(g, len, &rest);
	bytes_fini(&messages);
	bytes_fini(&rest);
	return rc;
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

/* It is ours: the whole. */
static int
give_all(
    struct gentcp *g, uint64_t socket, uint64_t client, json_t *active, uint64_t *ack)
{
	bool was_active = active != NULL && !json_is_false(active);
	int rc = was_active ? set_active(g, socket, json_false()) : GENTCP_OK;

	if (rc == GENTCP_OK)
		rc = give(g, socket, client, active, true, ack);
	if (rc != GENTCP_OK && rc != GENTCP_LOST && was_active)
		restore(g, socket, active);
	return rc;
}

static int
control(struct gentcp *g, uint64_t socket, uint64_t client, uint64_t *ack)
{
	json_t *active = NULL;
	bool ours = false;
	int rc = GENTCP_OK;

	if (client != g->client)
		rc = ask_owner(g, socket, &ours);
	if (rc == GENTCP_OK && ours)
		rc = get_active(g, socket, &active);
	if (rc == GENTCP_OK && ours)
		rc = give_all(g, socket, client, active, ack);
	else if (rc == GENTCP_OK ||
	    rc == GENTCP_ERROR) /* the daemon says what is wrong */
		rc = give(g, socket, client, NULL, false, ack);
	json_decref(active);
	return rc;
}

int
gentcp_controlling_process(struct gentcp *g, uint64_t socket, uint64_t client)
{
	uint64_t ack = g->kept.next; /* for the last of its requests */
	int rc;

	g->kept.next = 0;
	rc = control(g, socket, client, &ack);
	g->kept.next = ack;
	return rc;
}
