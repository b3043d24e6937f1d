/* SPDX-License-Identifier: ISC */
#include "client/incoming.h"

#include <stdlib.h>
#include <string.h>

#include "proto/payload.h"

/* What the daemon may send at once; it bounds us, we do not bound it. */
enum { BYTES_IN_JSON_MAX = INT32_MAX };

static const struct event_name {
	const char *name;
	enum gentcp_event_type type;
} event_names[] = {
    {"tcp", GENTCP_EVENT_TCP},
    {"tcp_passive", GENTCP_EVENT_TCP_PASSIVE},
    {"tcp_error", GENTCP_EVENT_TCP_ERROR},
    {"tcp_closed", GENTCP_EVENT_TCP_CLOSED},
    {"tcp_owner", GENTCP_EVENT_TCP_OWNER},
    {"http", GENTCP_EVENT_HTTP},
    {"down", GENTCP_EVENT_DOWN},
    {"port", GENTCP_EVENT_PORT},
};

/* --- by hand ---------------------------------------------------------------- */

struct cursor {
	const char *at, *end;
};

/* Passes over text if it stands here. */
static bool
literal(struct cursor *c, const char *text, size_t len)
{
	if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
		return false;
	c->at += len;
	return true;
}

#define LITERAL(c, text) literal((c), (text), sizeof(text) - 1)

/* A number below 10^16, as ids and lengths are. */
static bool
number(struct cursor *c, uint64_t *value)
{
	const char *start = c->at;

	*value = 0;
	while (c->at < c->end && c->at - start < 16 && *c->at >= '0' && *c->at <= '9')
		*value = *value * 10 + (uint64_t)(*c->at++ - '0');
	return c->at > start && (c->at == c->end || *c->at < '0' || *c->at > '9');
}

/* The number of an event, if it has one. */
static bool
pass_seq(struct cursor *c, struct incoming *m)
{
	return !LITERAL(c, ",\"seq\":") || number(c, &m->event.seq);
}

static bool
attached_end(struct cursor *c, struct incoming *m)
{
	uint64_t len;

	if (!LITERAL(c, ",\"attached\":") || !number(c, &len) || len > SIZE_MAX / 2 ||
	    !LITERAL(c, "}"))
		return false;
	m->attached = true;
	m->attachment_len = (size_t)len;
	return c->at == c->end;
}

/* Data as a string without escapes, which is its bytes as they stand. */
static bool
plain_string_end(struct cursor *c, struct incoming *m)
{
	const char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
	size_t len;

	if (quote == NULL)
		return false;
	len = (size_t)(quote - c->at);
	if (memchr(c->at, '\\', len) != NULL)
		return false;
	m->event.data = c->at;
	m->event.len = len;
	c->at = quote;
	return LITERAL(c, "\"}") && pass_seq(c, m) && LITERAL(c, "}") && c->at == c->end;
}

static bool
read_tcp(struct cursor *c, struct incoming *m)
{
	m->kind = INCOMING_EVENT;
	m->event.type = GENTCP_EVENT_TCP;
	m->event.name = "tcp";
	if (!number(c, &m->event.socket))
		return false;
	if (LITERAL(c, "}"))
		return pass_seq(c, m) && attached_end(c, m);
	return LITERAL(c, ",\"data\":\"") && plain_string_end(c, m);
}

static bool
read_reply(struct cursor *c, struct incoming *m)
{
	m->kind = INCOMING_REPLY;
	if (!number(c, &m->id))
		return false;
	if (LITERAL(c, ",\"result\":\"ok\"}")) {
		m->ok = true;
		return c->at == c->end;
	}
	return LITERAL(c, ",\"result\":{}") && attached_end(c, m);
}

/* The commonest messages, exactly as the daemon writes them; false: any other. */
static bool
read_by_hand(const char *line, size_t len, struct incoming *m)
{
	struct cursor c = {line, line + len};

	if (!LITERAL(&c, "{\"jsonrpc\":\"2.0\",\""))
		return false;
	if (LITERAL(&c, "method\":\"tcp\",\"params\":{\"socket\":"))
		return read_tcp(&c, m);
	return LITERAL(&c, "id\":") && read_reply(&c, m);
}

/* --- by jansson ------------------------------------------------------------- */

bool
incoming_bytes(json_t *json, struct bytes *to, const void **p, size_t *len)
{
	char why[128];

	if (json == NULL)
		return false;
	if (payload_read(json, BYTES_IN_JSON_MAX, to, p, len, why, sizeof why) != 0)
		return false;
	if (*p == NULL)
		*p = "";
	return true;
}

static uint64_t
member_uint(json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

static enum gentcp_event_type
event_type(const char *name)
{
	for (size_t i = 0; i < sizeof event_names / sizeof *event_names; i++) {
		if (strcmp(event_names[i].name, name) == 0)
			return event_names[i].type;
	}
	return GENTCP_EVENT_OTHER;
}

/* The members of a tcp event; its data may be attached instead. */
static bool
read_data(json_t *params, struct incoming *m)
{
	struct gentcp_event *e = &m->event;
	const char *mode = json_string_value(json_object_get(params, "mode"));
	json_t *data = json_object_get(params, "data");
	const void *header;

	e->mode_list = json_is_array(data) || (mode != NULL && strcmp(mode, "list") == 0);
	if (incoming_bytes(
		json_object_get(params, "header"), &m->header, &header, &e->header_len))
		e->header = header;
	return m->attached || incoming_bytes(data, &m->data, &e->data, &e->len);
}

static enum incoming_status
read_event(json_t *params, const char *name, struct incoming *m)
{
	struct gentcp_event *e = &m->event;

	m->kind = INCOMING_EVENT;
	e->name = name;
	e->type = event_type(name);
	e->socket = member_uint(params, "socket");
	switch (e->type) {
	case GENTCP_EVENT_TCP:
	case GENTCP_EVENT_PORT:
		return read_data(params, m) ? INCOMING_READY : INCOMING_BROKEN;
	case GENTCP_EVENT_TCP_ERROR:
		e->reason = json_string_value(json_object_get(params, "reason"));
		return e->reason == NULL ? INCOMING_BROKEN : INCOMING_READY;
	case GENTCP_EVENT_DOWN:
		e->reason = json_string_value(json_object_get(params, "reason"));
		e->monitor = member_uint(params, "monitor");
		return e->reason == NULL ? INCOMING_BROKEN : INCOMING_READY;
	case GENTCP_EVENT_TCP_OWNER:
		e->from = member_uint(params, "from");
		return INCOMING_READY;
	case GENTCP_EVENT_HTTP:
	case GENTCP_EVENT_OTHER:
		m->json = params == NULL
		    ? strdup("{}")
		    : json_dumps(params, JSON_COMPACT | JSON_ENCODE_ANY);
		e->json = m->json;
		return m->json == NULL ? INCOMING_NOMEM : INCOMING_READY;
	default:
		return INCOMING_READY;
	}
}

static enum incoming_status
read_by_jansson(const char *line, size_t len, struct incoming *m)
{
	json_t *id, *attached;
	const char *method;
	json_error_t why;

	m->root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
	if (m->root == NULL && json_error_code(&why) == json_error_out_of_memory)
		return INCOMING_NOMEM;
	if (!json_is_object(m->root))
		return INCOMING_BROKEN;
	attached = json_object_get(m->root, "attached");
	m->attached = attached != NULL;
	if (m->attached) {
		json_int_t n = json_integer_value(attached);

		if (!json_is_integer(attached) || n < 0 || n > BYTES_IN_JSON_MAX)
			return INCOMING_BROKEN;
		m->attachment_len = (size_t)n;
	}
	m->fds = json_integer_value(json_object_get(m->root, "fds")) == 1;
	m->event.seq = member_uint(m->root, "seq");
	method = json_string_value(json_object_get(m->root, "method"));
	if (method != NULL)
		return read_event(json_object_get(m->root, "params"), method, m);
	m->result = json_object_get(m->root, "result");
	m->error = json_object_get(m->root, "error");
	id = json_object_get(m->root, "id");
	if (id == NULL && m->event.seq > 0) /* an event that was given away */
		return INCOMING_READY;
	m->kind = json_is_integer(id) ? INCOMING_REPLY : INCOMING_FAULT;
	m->id = member_uint(m->root, "id");
	return m->result == NULL && m->error == NULL ? INCOMING_BROKEN : INCOMING_READY;
}

/* --- a message -------------------------------------------------------------- */

static enum incoming_status
read_line(const char *line, size_t len, struct incoming *m)
{
	*m = (struct incoming){0};
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0 || read_by_hand(line, len, m))
		return INCOMING_READY;
	*m = (struct incoming){0};
	return read_by_jansson(line, len, m);
}

static void
attach(struct incoming *m, const unsigned char *bytes)
{
	m->attachment = bytes;
	if (m->kind == INCOMING_EVENT) {
		m->event.data = bytes;
		m->event.len = m->attachment_len;
	}
}

enum incoming_status
incoming_read(const unsigned char *p, size_t len, struct incoming_place *place,
    struct incoming *m, size_t *size)
{
	const unsigned char *lf;
	enum incoming_status status;
	size_t line;

	if (len <= place->scanned || len < place->need)
		return INCOMING_MORE;
	lf = memchr(p + place->scanned, '\n', len - place->scanned);
	if (lf == NULL) {
		place->scanned = len;
		return INCOMING_MORE;
	}
	line = (size_t)(lf - p);
	status = read_line((const char *)p, line, m);
	if (status == INCOMING_READY && m->attachment_len > len - line - 1) {
		place->scanned = line;
		place->need = line + 1 + m->attachment_len;
		status = INCOMING_MORE;
	}
	if (status != INCOMING_READY) {
		incoming_fini(m);
		return status;
	}
	if (m->attached)
		attach(m, lf + 1);
	*size = line + 1 + m->attachment_len;
	*place = (struct incoming_place){0};
	return INCOMING_READY;
}

void
incoming_fini(struct incoming *m)
{
	json_decref(m->root);
	bytes_fini(&m->data);
	bytes_fini(&m->header);
	free(m->json);
	*m = (struct incoming){0};
}
