/* SPDX-License-Identifier: ISC */
/* Requests with callbacks. */
#include <stdlib.h>

#include "client/connection.h"

/*
 * A request with a callback has its place before it is queued, so that it never
 * has to be taken back.
 */
bool
request_reserve(struct gentcp *g, gentcp_reply_fn fn)
{
	if (fn == NULL || pending_reserve(&g->pending))
		return true;
	connection_no_memory(g);
	return false;
}

/* It was queued, if rc says so. */
int
request_expect(struct gentcp *g, int rc, uint64_t id, gentcp_reply_fn fn, void *ctx)
{
	if (rc == GENTCP_OK && fn != NULL)
		pending_add(&g->pending, id, fn, ctx);
	return rc;
}

/* JSON text of the caller's -> params without LF.  A status. */
int
request_read_params(struct gentcp *g, const char *text, struct bytes *params)
{
	json_error_t error;
	json_t *json;

	if (text == NULL)
		return GENTCP_OK;
	json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (json == NULL)
		return connection_fail(g, GENTCP_INVALID, 0, "params: %s", error.text);
	return request_put_json(g, params, "", json);
}

int
gentcp_request(struct gentcp *g, const char *method, const char *params, const void *data,
    size_t len, gentcp_reply_fn fn, void *ctx, uint64_t *id)
{
	struct bytes text = {0};
	uint64_t given = 0;
	int rc;

	if (!request_reserve(g, fn))
		return GENTCP_NOMEM;
	rc = request_read_params(g, params, &text);
	if (rc == GENTCP_OK)
		rc = request_put(g, method, &text, data, len,
		    data == NULL ? REQUEST_PLAIN : REQUEST_ATTACHED,
		    fn == NULL ? NULL : &given);
	bytes_fini(&text);
	rc = request_expect(g, rc, given, fn, ctx);
	if (rc == GENTCP_OK && id != NULL)
		*id = given;
	return rc;
}

int
gentcp_send_async(struct gentcp *g, uint64_t socket, const void *data, size_t len,
    gentcp_reply_fn fn, void *ctx)
{
	uint64_t id = 0;
	int rc;

	if (!request_reserve(g, fn))
		return GENTCP_NOMEM;
	rc = request_put_send(
	    g, "gen_tcp.send", socket, data, len, fn == NULL ? NULL : &id);
	return request_expect(g, rc, id, fn, ctx);
}

/* Ends params, queues, and lets go of them. */
static int
request_params(struct gentcp *g, const char *method, struct bytes *params,
    gentcp_reply_fn fn, void *ctx)
{
	uint64_t id = 0;
	int rc = GENTCP_NOMEM;

	bytes_append_char(params, '}');
	if (request_reserve(g, fn))
		rc = request_put(
		    g, method, params, NULL, 0, REQUEST_PLAIN, fn == NULL ? NULL : &id);
	bytes_fini(params);
	return request_expect(g, rc, id, fn, ctx);
}

int
gentcp_recv_async(struct gentcp *g, uint64_t socket, size_t length, int timeout,
    gentcp_reply_fn fn, void *ctx)
{
	struct bytes params = {0};

	request_open_socket(&params, socket);
	bytes_append_str(&params, ",\"length\":");
	bytes_append_uint(&params, length);
	request_put_timeout(&params, timeout);
	return request_params(g, "gen_tcp.recv", &params, fn, ctx);
}

int
gentcp_accept_async(
    struct gentcp *g, uint64_t listener, int timeout, gentcp_reply_fn fn, void *ctx)
{
	struct bytes params = {0};

	request_open_socket(&params, listener);
	request_put_timeout(&params, timeout);
	return request_params(g, "gen_tcp.accept", &params, fn, ctx);
}

int
gentcp_setopts_async(
    struct gentcp *g, uint64_t socket, const char *options, gentcp_reply_fn fn, void *ctx)
{
	struct bytes params = {0};
	int rc;

	request_open_socket(&params, socket);
	bytes_append_char(&params, ',');
	rc = request_put_options(g, &params, options, NULL, NULL);
	if (rc != GENTCP_OK) {
		bytes_fini(&params);
		return rc;
	}
	return request_params(g, "inet.setopts", &params, fn, ctx);
}

int
gentcp_close_async(struct gentcp *g, uint64_t socket, gentcp_reply_fn fn, void *ctx)
{
	struct bytes params = {0};

	request_open_socket(&params, socket);
	return request_params(g, "gen_tcp.close", &params, fn, ctx);
}

int
gentcp_cancel(struct gentcp *g, uint64_t id)
{
	struct bytes params = {0};

	bytes_append_str(&params, "{\"id\":");
	bytes_append_uint(&params, id);
	return request_params(g, "session.cancel", &params, NULL, NULL);
}

/* --- the hello of a program that carries the bytes itself ------------------- */

struct hello {
	gentcp_reply_fn fn;
	void *ctx;
};

static void
greeted(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct hello hello = *(struct hello *)ctx;

	free(ctx);
	if (r->status == GENTCP_OK && connection_greeted(g, r->m->result) == GENTCP_OK)
		g->epoch++;
	if (hello.fn != NULL)
		hello.fn(g, r, hello.ctx);
}

int
gentcp_hello(struct gentcp *g, gentcp_reply_fn fn, void *ctx)
{
	struct hello *hello = malloc(sizeof *hello);
	uint64_t id = 0;
	int rc;

	if (hello == NULL || !request_reserve(g, greeted)) {
		free(hello);
		return connection_no_memory(g);
	}
	*hello = (struct hello){fn, ctx};
	rc = request_put_hello(g, &id);
	rc = request_expect(g, rc, id, greeted, hello);
	if (rc != GENTCP_OK)
		free(hello);
	return rc;
}
