/* SPDX-License-Identifier: ISC */
#include "proto/message_send.h"

#include <string.h>

#include "proto/utf8.h"

/* So many digits fit an int64_t and 2^53, whatever they are. */
enum { DIGITS_MAX = 15 };

struct cursor {
	const char *at, *end;
};

/* Passes text, if it comes next. */
static bool
skip(struct cursor *c, const char *text, size_t len)
{
	if ((size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0)
		return false;
	c->at += len;
	return true;
}

#define SKIP(c, text) skip(c, text, sizeof(text) - 1)

/* A whole number >= 0 as JSON writes it: no sign, no leading zero. */
static bool
number(struct cursor *c, uint64_t *value)
{
	const char *from = c->at;

	*value = 0;
	while (c->at < c->end && *c->at >= '0' && *c->at <= '9' &&
	    c->at - from <= DIGITS_MAX)
		*value = *value * 10 + (uint64_t)(*c->at++ - '0');
	if (c->at == from || c->at - from > DIGITS_MAX)
		return false;
	return *from != '0' || c->at - from == 1;
}

/* A string without escapes, up to and with its closing quote. */
static bool
plain_string(struct cursor *c, struct message_send *m)
{
	const unsigned char *p = (const unsigned char *)c->at;
	const unsigned char *end = (const unsigned char *)c->end;
	struct utf8 place = {0};

	while ((p = utf8_plain(p, end)) < end && *p >= 0x80)
		if ((p = utf8_run(&place, p, end)) == NULL)
			return false;
	m->data = c->at;
	m->len = (size_t)((const char *)p - c->at);
	c->at = (const char *)p;
	return SKIP(c, "\"");
}

/* What stands behind the members of params: their end, and the rest of the line. */
static bool
end(struct cursor *c, struct message_send *m)
{
	if (!SKIP(c, "}"))
		return false;
	m->ack = 0;
	if (SKIP(c, ",\"ack\":") && !number(c, &m->ack))
		return false;
	m->announced = 0;
	if (m->attached && (!SKIP(c, ",\"attached\":") || !number(c, &m->announced)))
		return false;
	return SKIP(c, "}\n");
}

size_t
message_send_read(const char *text, size_t len, struct message_send *m)
{
	struct cursor c = {text, text + len};
	uint64_t value = 0;

	if (!SKIP(&c, "{\"jsonrpc\":\"2.0\","))
		return 0;
	m->has_id = SKIP(&c, "\"id\":");
	if (m->has_id && (!number(&c, &value) || !SKIP(&c, ",")))
		return 0;
	m->id = (int64_t)value;
	if (!SKIP(&c, "\"method\":\"gen_tcp.send\",\"params\":{\"socket\":") ||
	    !number(&c, &m->socket) || m->socket == 0)
		return 0;
	m->attached = !SKIP(&c, ",\"data\":\"");
	if (m->attached) {
		m->data = NULL;
		m->len = 0;
	} else if (!plain_string(&c, m))
		return 0;
	return end(&c, m) ? (size_t)(c.at - text) : 0;
}
