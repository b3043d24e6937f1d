/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "client/connection.h"
#include "client/options.h"
#include "proto/payload.h"

/* Shorter data is copied, to be written with what else there is. */
enum { DIRECT_MIN = 16 * 1024 };

/* May a request be queued now? */
static int
ready(struct gentcp *g)
{
	if (g->lost)
		return GENTCP_LOST;
	if (g->again.state == RECONNECT_GREETING)
		return connection_fail(
		    g, GENTCP_LOST, 0, "the new connection is not ready");
	if (!g->hello)
		return connection_fail(
		    g, GENTCP_INVALID, 0, "the connection is not open");
	return GENTCP_OK;
}

static void
put_head(struct gentcp *g, const char *method, uint64_t *id)
{
	bytes_append_str(&g->out, "{\"jsonrpc\":\"2.0\",");
	if (id != NULL) {
		*id = ++g->last_id;
		bytes_append_str(&g->out, "\"id\":");
		bytes_append_uint(&g->out, *id);
		bytes_append_char(&g->out, ',');
	}
	bytes_append_str(&g->out, "\"method\":\"");
	bytes_append_str(&g->out, method);
	bytes_append_char(&g->out, '"');
}

/* One that acknowledges has an id in any case, so that a refusal is heard of. */
static uint64_t *
id_for(const struct gentcp *g, uint64_t *id, uint64_t *own)
{
	return id == NULL && g->kept.next > 0 ? own : id;
}

/*
 * Ends the line that began at mark, or takes it back.  Long data goes out from
 * where it is.
 */
static int
finish(struct gentcp *g, size_t mark, const void *data, size_t len,
    enum request_with with, const uint64_t *id)
{
	bool direct = with == REQUEST_ATTACHED && len >= DIRECT_MIN && g->fd >= 0;
	size_t line;

	if (g->kept.next > 0) {
		bytes_append_str(&g->out, ",\"ack\":");
		bytes_append_uint(&g->out, g->kept.next);
	}
	if (with == REQUEST_ATTACHED) {
		bytes_append_str(&g->out, ",\"attached\":");
		bytes_append_uint(&g->out, len);
	} else if (with == REQUEST_FD)
		bytes_append_str(&g->out, ",\"fds\":1");
	bytes_append_char(&g->out, '}');
	line = bytes_len(&g->out) - mark;
	bytes_append_char(&g->out, '\n');
	if (with == REQUEST_ATTACHED && !direct)
		bytes_append(&g->out, data, len);
	if (bytes_failed(&g->out)) {
		bytes_truncate(&g->out, mark);
		return connection_no_memory(g);
	}
	if (line > g->max_message) {
		bytes_truncate(&g->out, mark);
		return connection_fail(g, GENTCP_INVALID, 0,
		    "the request is longer than gentcpd takes (%zu bytes)",
		    g->max_message);
	}
	if (g->kept.next > 0)
		kept_went(&g->kept, *id);
	connection_wake(g);
	return direct ? transport_write_with(g, data, len) : GENTCP_OK;
}

static bool
is_method(const char *method)
{
	size_t len = strlen(method);

	return len > 0 && len < 256 &&
	    strspn(method,
		"abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

int
request_put(struct gentcp *g, const char *method, const struct bytes *params,
    const void *data, size_t len, enum request_with with, uint64_t *id)
{
	size_t mark = bytes_len(&g->out);
	uint64_t own, *given = id_for(g, id, &own);
	int rc = ready(g);

	if (rc != GENTCP_OK)
		return rc;
	if (!is_method(method))
		return connection_fail(g, GENTCP_INVALID, 0, "no method's name");
	if (params != NULL && bytes_failed(params))
		return connection_no_memory(g);
	put_head(g, method, given);
	if (params != NULL && bytes_len(params) > 0) {
		bytes_append_str(&g->out, ",\"params\":");
		bytes_append(&g->out, bytes_head(params), bytes_len(params));
	}
	return finish(g, mark, data, len, with, given);
}

int
request_put_send(struct gentcp *g, const char *method, uint64_t socket, const void *data,
    size_t len, uint64_t *id)
{
	size_t mark = bytes_len(&g->out);
	uint64_t own, *given = id_for(g, id, &own);
	int rc = ready(g);

	if (rc != GENTCP_OK)
		return rc;
	put_head(g, method, given);
	bytes_append_str(&g->out, ",\"params\":{\"socket\":");
	bytes_append_uint(&g->out, socket);
	bytes_append_char(&g->out, '}');
	return finish(g, mark, data, len, REQUEST_ATTACHED, given);
}

void
request_open_socket(struct bytes *params, uint64_t socket)
{
	bytes_append_str(params, "{\"socket\":");
	bytes_append_uint(params, socket);
}

void
request_put_timeout(struct bytes *params, int timeout)
{
	if (timeout < 0)
		return;
	bytes_append_str(params, ",\"timeout\":");
	bytes_append_uint(params, (uint64_t)timeout);
}

int
request_put_json(struct gentcp *g, struct bytes *params, const char *name, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);

	json_decref(json);
	if (text == NULL)
		return connection_no_memory(g);
	bytes_append_str(params, name);
	bytes_append_str(params, text);
	free(text);
	return GENTCP_OK;
}

int
request_put_options(struct gentcp *g, struct bytes *params, const char *options,
    const char *extra, json_t *extra_value)
{
	char why[128] = "no memory";
	json_t *json = options_read(options, why, sizeof why);

	if (json == NULL) {
		json_decref(extra_value);
		return connection_fail(g, GENTCP_INVALID, 0, "options: %s", why);
	}
	if (extra != NULL && options_add(json, extra, extra_value) < 0) {
		json_decref(json);
		return connection_no_memory(g);
	}
	return request_put_json(g, params, "\"options\":", json);
}

int
request_put_names(struct gentcp *g, struct bytes *params, const char *names)
{
	char why[128] = "no memory";
	json_t *json = options_read_names(names, why, sizeof why);

	if (json == NULL)
		return connection_fail(g, GENTCP_INVALID, 0, "names: %s", why);
	return request_put_json(g, params, ",\"names\":", json);
}

int
request_put_hello(struct gentcp *g, uint64_t *id)
{
	struct bytes params = {0};
	int rc;

	if (g->hello)
		return connection_fail(g, GENTCP_INVALID, 0, "hello was said");
	bytes_append_char(&params, '{');
	if (*g->name != '\0') {
		bytes_append_str(&params, "\"client\":");
		payload_put_string(&params, g->name, strlen(g->name));
		bytes_append_char(&params, ',');
	}
	bytes_append_str(&params, "\"protocol\":1,\"data\":\"");
	bytes_append_str(&params, g->form);
	bytes_append_str(&params, "\",\"attachments\":true}");
	g->hello = true;
	rc = request_put(g, "session.hello", &params, NULL, 0, REQUEST_PLAIN, id);
	g->hello = rc == GENTCP_OK;
	bytes_fini(&params);
	return rc;
}
