/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "client/connection.h"

void
reply_deliver(struct gentcp *g, const struct pending_call *call, const struct incoming *m)
{
	struct reply_text text = {.fd = m == NULL ? NULL : &g->shown_fd};
	struct gentcp_error error = {0};
	struct gentcp_reply r = {GENTCP_OK, NULL, m, &text};

	if (m == NULL) {
		error_set(&error, GENTCP_LOST, g->error.code, "%s", g->error.reason);
		r.status = GENTCP_LOST;
	} else if (m->error != NULL) {
		error_from(&error, m);
		r.status = GENTCP_ERROR;
	}
	if (r.status != GENTCP_OK)
		r.error = &error;
	if (call->fn != NULL)
		call->fn(g, &r, call->ctx);
	free(text.json);
	bytes_fini(&text.data);
	bytes_fini(&text.header);
	error_fini(&error);
}

enum gentcp_status
gentcp_reply_status(const struct gentcp_reply *r)
{
	return r->status;
}

const struct gentcp_error *
gentcp_reply_error(const struct gentcp_reply *r)
{
	return r->error;
}

const char *
gentcp_reply_json(const struct gentcp_reply *r)
{
	if (r->status != GENTCP_OK)
		return NULL;
	if (r->m->root == NULL)
		return r->m->ok ? "\"ok\"" : "{}";
	if (r->text->json == NULL)
		r->text->json = json_dumps(r->m->result, JSON_COMPACT | JSON_ENCODE_ANY);
	return r->text->json;
}

int
gentcp_reply_fd(const struct gentcp_reply *r)
{
	int fd = -1;

	if (r->text->fd != NULL) {
		fd = *r->text->fd;
		*r->text->fd = -1;
	}
	return fd;
}

uint64_t
gentcp_reply_socket(const struct gentcp_reply *r)
{
	json_int_t socket;

	if (r->status != GENTCP_OK)
		return 0;
	socket = json_integer_value(json_object_get(r->m->result, "socket"));
	return socket > 0 ? (uint64_t)socket : 0;
}

/* A member's bytes, decoded at first asking. */
static const void *
member_bytes(
    const struct gentcp_reply *r, const char *name, struct bytes *to, size_t *len)
{
	const void *p;

	*len = 0;
	if (r->status != GENTCP_OK)
		return NULL;
	bytes_truncate(to, 0);
	if (!incoming_bytes(json_object_get(r->m->result, name), to, &p, len)) {
		*len = 0;
		return NULL;
	}
	return p;
}

const void *
gentcp_reply_data(const struct gentcp_reply *r, size_t *len)
{
	if (r->status == GENTCP_OK && r->m->attached) {
		*len = r->m->attachment_len;
		return r->m->attachment;
	}
	return member_bytes(r, "data", &r->text->data, len);
}

const void *
gentcp_reply_header(const struct gentcp_reply *r, size_t *len)
{
	return member_bytes(r, "header", &r->text->header, len);
}
