/* SPDX-License-Identifier: ISC */
/* The blocking calls: one for each method. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/connection.h"
#include "proto/payload.h"

/* --- the shape of a call ---------------------------------------------------- */

int
call_end(struct call *c, int rc)
{
	if (c->size > 0)
		connection_taken(c->g, &c->reply, c->size);
	bytes_fini(&c->params);
	return rc;
}

/* How long to wait here; a call's own timeout is the daemon's to keep. */
static int64_t
deadline_of(const struct gentcp *g, int own_timeout)
{
	if (own_timeout == CALL_NO_TIMEOUT)
		return transport_deadline(g->timeout);
	if (own_timeout < 0 || g->timeout < 0 || own_timeout > INT_MAX - g->timeout)
		return INT64_MAX;
	return transport_deadline(own_timeout + g->timeout);
}

int
call_wait_id(struct call *c, uint64_t id, int own_timeout)
{
	int rc = transport_await(
	    c->g, id, deadline_of(c->g, own_timeout), &c->reply, &c->size);

	if (rc != GENTCP_OK) {
		c->size = 0;
		return rc;
	}
	return c->reply.error == NULL ? GENTCP_OK : error_from(&c->g->error, &c->reply);
}

int
call_wait(struct call *c, const char *method, int own_timeout)
{
	uint64_t id = 0;
	int rc = reconnect_await(c->g);

	if (rc != GENTCP_OK)
		return rc;
	if (bytes_len(&c->params) > 0)
		bytes_append_char(&c->params, '}');
	rc = request_put(c->g, method, &c->params, NULL, 0, REQUEST_PLAIN, &id);
	return rc == GENTCP_OK ? call_wait_id(c, id, own_timeout) : rc;
}

int
call_odd_result(struct call *c)
{
	return connection_fail(
	    c->g, GENTCP_INVALID, 0, "gentcpd answered with something unexpected");
}

int
call_json(struct call *c, char **json)
{
	if (c->reply.result == NULL)
		*json = strdup(c->reply.ok ? "\"ok\"" : "{}");
	else
		*json = json_dumps(c->reply.result, JSON_COMPACT | JSON_ENCODE_ANY);
	return *json == NULL ? connection_no_memory(c->g) : GENTCP_OK;
}

int
call_ok(struct call *c, const char *method)
{
	return call_end(c, call_wait(c, method, CALL_NO_TIMEOUT));
}

int
call_text(struct call *c, const char *method, char **json)
{
	int rc = call_wait(c, method, CALL_NO_TIMEOUT);

	return call_end(c, rc == GENTCP_OK ? call_json(c, json) : rc);
}

/* The whole of a call that makes a socket. */
static int
call_socket(struct call *c, const char *method, int own_timeout, uint64_t *socket)
{
	int rc = call_wait(c, method, own_timeout);
	json_int_t s;

	if (rc == GENTCP_OK) {
		s = json_integer_value(json_object_get(c->reply.result, "socket"));
		if (s > 0)
			*socket = (uint64_t)s;
		else
			rc = call_odd_result(c);
	}
	return call_end(c, rc);
}

static void
put_text(struct bytes *params, const char *name, const char *text)
{
	bytes_append_str(params, name);
	payload_put_string(params, text, strlen(text));
}

/* --- opening ---------------------------------------------------------------- */

static int
put_address(struct call *c, const char *address)
{
	json_error_t error;
	json_t *json;

	if (*address != '{') {
		put_text(&c->params, "{\"address\":", address);
		return GENTCP_OK;
	}
	json = json_loads(address, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		return connection_fail(
		    c->g, GENTCP_INVALID, 0, "address: not JSON: %s", error.text);
	return request_put_json(c->g, &c->params, "{\"address\":", json);
}

int
gentcp_connect(struct gentcp *g, const char *address, int port, const char *options,
    int timeout, uint64_t *socket)
{
	struct call c = {.g = g};
	int rc = put_address(&c, address);

	if (rc != GENTCP_OK)
		return call_end(&c, rc);
	if (port >= 0) {
		bytes_append_str(&c.params, ",\"port\":");
		bytes_append_int(&c.params, port);
	}
	bytes_append_char(&c.params, ',');
	rc = request_put_options(g, &c.params, options, NULL, NULL);
	if (rc != GENTCP_OK)
		return call_end(&c, rc);
	request_put_timeout(&c.params, timeout);
	return call_socket(&c, "gen_tcp.connect", timeout, socket);
}

int
gentcp_listen(
    struct gentcp *g, int port, const char *options, uint64_t *listener, int *bound_port)
{
	struct call c = {.g = g};
	json_int_t s, p;
	int rc;

	bytes_append_str(&c.params, "{\"port\":");
	bytes_append_int(&c.params, port);
	bytes_append_char(&c.params, ',');
	rc = request_put_options(g, &c.params, options, NULL, NULL);
	if (rc == GENTCP_OK)
		rc = call_wait(&c, "gen_tcp.listen", CALL_NO_TIMEOUT);
	if (rc != GENTCP_OK)
		return call_end(&c, rc);
	s = json_integer_value(json_object_get(c.reply.result, "socket"));
	p = json_integer_value(json_object_get(c.reply.result, "port"));
	if (s <= 0 || p < 0 || p > UINT16_MAX)
		return call_end(&c, call_odd_result(&c));
	*listener = (uint64_t)s;
	if (bound_port != NULL)
		*bound_port = (int)p;
	return call_end(&c, GENTCP_OK);
}

int
gentcp_accept(struct gentcp *g, uint64_t listener, int timeout, uint64_t *socket)
{
	struct call c = {.g = g};

	request_open_socket(&c.params, listener);
	request_put_timeout(&c.params, timeout);
	return call_socket(
	    &c, "gen_tcp.accept", timeout < 0 ? GENTCP_INFINITY : timeout, socket);
}

/* --- data ------------------------------------------------------------------- */

static int
call_with_data(
    struct gentcp *g, const char *method, uint64_t socket, const void *data, size_t len)
{
	struct call c = {.g = g};
	uint64_t id = 0;
	int rc = reconnect_await(g);

	if (rc == GENTCP_OK)
		rc = request_put_send(g, method, socket, data, len, &id);
	if (rc == GENTCP_OK)
		rc = call_wait_id(&c, id, CALL_NO_TIMEOUT);
	return call_end(&c, rc);
}

int
gentcp_send(struct gentcp *g, uint64_t socket, const void *data, size_t len)
{
	return call_with_data(g, "gen_tcp.send", socket, data, len);
}

int
gentcp_unrecv(struct gentcp *g, uint64_t socket, const void *data, size_t len)
{
	return call_with_data(g, "gen_tcp.unrecv", socket, data, len);
}

/* The reply's bytes, its header before them, in memory of the caller's. */
static int
copy_data(struct call *c, void **data, size_t *len)
{
	struct gentcp_reply r = {GENTCP_OK, NULL, &c->reply, NULL};
	struct reply_text text = {0};
	const void *header, *body;
	size_t header_len, body_len;
	char *copy;

	r.text = &text;
	header = gentcp_reply_header(&r, &header_len);
	body = gentcp_reply_data(&r, &body_len);
	copy = body == NULL || body_len > SIZE_MAX / 2 - header_len
	    ? NULL
	    : malloc(header_len + body_len + 1);
	if (copy != NULL) {
		if (header_len > 0)
			memcpy(copy, header, header_len);
		memcpy(copy + header_len, body, body_len);
		copy[header_len + body_len] = '\0';
		*data = copy;
		*len = header_len + body_len;
	}
	bytes_fini(&text.data);
	bytes_fini(&text.header);
	if (body == NULL)
		return call_odd_result(c);
	return copy == NULL ? connection_no_memory(c->g) : GENTCP_OK;
}

static int
call_recv(struct call *c, uint64_t socket, size_t length, int timeout)
{
	request_open_socket(&c->params, socket);
	bytes_append_str(&c->params, ",\"length\":");
	bytes_append_uint(&c->params, length);
	request_put_timeout(&c->params, timeout);
	return call_wait(c, "gen_tcp.recv", timeout < 0 ? GENTCP_INFINITY : timeout);
}

int
gentcp_recv(struct gentcp *g, uint64_t socket, size_t length, int timeout, void **data,
    size_t *len)
{
	struct call c = {.g = g};
	int rc = call_recv(&c, socket, length, timeout);

	return call_end(&c, rc == GENTCP_OK ? copy_data(&c, data, len) : rc);
}

int
gentcp_recv_http(struct gentcp *g, uint64_t socket, int timeout, char **json)
{
	struct call c = {.g = g};
	int rc = call_recv(&c, socket, 0, timeout);
	json_t *http = json_object_get(c.reply.result, "http");

	if (rc == GENTCP_OK && !json_is_object(http)) {
		rc = call_odd_result(&c);
	} else if (rc == GENTCP_OK) {
		*json = json_dumps(http, JSON_COMPACT);
		if (*json == NULL)
			rc = connection_no_memory(g);
	}
	return call_end(&c, rc);
}

int
gentcp_close(struct gentcp *g, uint64_t socket)
{
	struct call c = {.g = g};

	request_open_socket(&c.params, socket);
	return call_ok(&c, "gen_tcp.close");
}

int
gentcp_shutdown(struct gentcp *g, uint64_t socket, const char *how)
{
	struct call c = {.g = g};

	request_open_socket(&c.params, socket);
	put_text(&c.params, ",\"how\":", how);
	return call_ok(&c, "gen_tcp.shutdown");
}

/* --- any method ------------------------------------------------------------- */

int
gentcp_call(struct gentcp *g, const char *method, const char *params, char **result)
{
	struct call c = {.g = g};
	json_error_t error;
	uint64_t id = 0;
	json_t *json;
	int rc = reconnect_await(g);

	if (rc != GENTCP_OK)
		return rc;
	if (params != NULL) {
		json = json_loads(params, JSON_REJECT_DUPLICATES, &error);
		rc = json == NULL
		    ? connection_fail(g, GENTCP_INVALID, 0, "params: %s", error.text)
		    : request_put_json(g, &c.params, "", json);
	}
	if (rc == GENTCP_OK)
		rc = request_put(g, method, &c.params, NULL, 0, REQUEST_PLAIN, &id);
	if (rc == GENTCP_OK)
		rc = call_wait_id(&c, id, CALL_NO_TIMEOUT);
	if (rc == GENTCP_OK && result != NULL)
		rc = call_json(&c, result);
	return call_end(&c, rc);
}
