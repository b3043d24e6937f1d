/* SPDX-License-Identifier: ISC */
#include "client/kept.h"

#include <stdlib.h>
#include <string.h>

#include "client/connection.h"
#include "proto/payload.h"

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void
kept_reset(struct kept *k)
{
	bool by_hand = k->by_hand;

	kept_fini(k);
	k->by_hand = by_hand;
}

void
kept_fini(struct kept *k)
{
	free(k->with);
	explicit_bzero(k, sizeof *k);
}

/* --- acknowledged with a request ---------------------------------------------- */

/* There is room for one more. */
static bool
reserve(struct kept *k)
{
	size_t size = k->size == 0 ? 8 : k->size * 2, count = k->end - k->first;
	struct kept_with *with;

	if (k->end < k->size)
		return true;
	if (k->first > k->size / 2) {
		memcpy(k->with, k->with + k->first, count * sizeof *k->with);
		k->first = 0;
		k->end = count;
		return true;
	}
	with = reallocarray(k->with, size, sizeof *with);
	if (with == NULL)
		return false;
	k->with = with;
	k->size = size;
	return true;
}

/* Answers come in order, nearly always: then it is the first. */
static void
forget(struct kept *k, size_t i)
{
	k->lost -= k->with[i].id == 0;
	memmove(
	    k->with + k->first + 1, k->with + k->first, (i - k->first) * sizeof *k->with);
	k->first++;
}

void
kept_went(struct kept *k, uint64_t id)
{
	uint64_t from = k->handled < k->next ? k->handled + 1 : k->next;

	k->with[k->end++] = (struct kept_with){id, from, k->next};
	k->lost += id == 0;
	k->handled = larger(k->handled, k->next);
	k->acked = larger(k->acked, k->next);
	k->next = 0;
}

void
kept_replied(struct kept *k, uint64_t id, bool refused)
{
	size_t i = k->first;

	while (
	    i < k->end && k->with[i].id < id) /* they ascend, but those that are lost */
		i++;
	if (i == k->end || k->with[i].id != id)
		return;
	/* it acknowledged nothing: that is done without it, later */
	if (refused && k->acked == k->with[i].to)
		k->acked--;
	forget(k, i);
}

int
gentcp_ack_with(struct gentcp *g, uint64_t seq)
{
	if (seq > g->kept.told)
		return connection_fail(g, GENTCP_INVALID, 0, "no such event has come");
	if (!reserve(&g->kept))
		return connection_no_memory(g);
	g->kept.next = seq;
	return GENTCP_OK;
}

/* --- events ------------------------------------------------------------------- */

/* Was the answer to it lost, so that it is to be handled once more? */
static bool
was_lost(const struct kept *k, uint64_t seq)
{
	for (size_t i = k->first; k->lost > 0 && i < k->end; i++) {
		const struct kept_with *w = &k->with[i];

		if (w->id == 0 && w->from <= seq && seq <= w->to)
			return true;
	}
	return false;
}

/* What was to be told again up to seq has been, or will not be. */
static void
forget_lost(struct kept *k, uint64_t seq)
{
	for (size_t i = k->first; k->lost > 0 && i < k->end; i++) {
		if (k->with[i].id == 0 && k->with[i].to <= seq)
			forget(k, i); /* those before it move up */
	}
}

bool
kept_skips(struct gentcp *g, struct gentcp_event *e)
{
	struct kept *k = &g->kept;
	bool again;

	if (e->seq == 0)
		return false;
	if (g->lost) {
		e->seq = 0; /* nor is it handled */
		return true;
	}
	again = was_lost(k, e->seq);
	forget_lost(k, e->seq);
	if (e->seq <= k->told)
		return !again;
	k->told = e->seq;
	return false;
}

void
kept_done(struct gentcp *g, uint64_t seq)
{
	struct kept *k = &g->kept;

	if (k->next > 0 && g->lost) /* it was meant to go, and could not */
		kept_went(k, 0);
	k->next = 0;
	if (!k->by_hand || seq <= k->claimed)
		k->handled = larger(k->handled, seq);
}

void
gentcp_set_auto_ack(struct gentcp *g, int on)
{
	g->kept.by_hand = !on;
}

/* --- acknowledging ------------------------------------------------------------ */

uint64_t
kept_owed(const struct gentcp *g)
{
	bool open = !g->lost && g->again.state == RECONNECT_IDLE;

	return open ? g->kept.handled - g->kept.acked : 0;
}

int
kept_ack(struct gentcp *g)
{
	struct kept *k = &g->kept;
	struct bytes params = {0};
	uint64_t next = k->next;
	int rc;

	if (kept_owed(g) == 0)
		return GENTCP_OK;
	bytes_append_str(&params, "{\"seq\":");
	bytes_append_uint(&params, k->handled);
	bytes_append_char(&params, '}');
	k->next = 0; /* it is not for this one */
	rc = request_put(g, "session.ack", &params, NULL, 0, REQUEST_PLAIN, NULL);
	k->next = next;
	bytes_fini(&params);
	if (rc == GENTCP_OK)
		k->acked = k->handled;
	return rc;
}

int
gentcp_ack(struct gentcp *g, uint64_t seq)
{
	struct kept *k = &g->kept;

	if (seq > k->told)
		return connection_fail(g, GENTCP_INVALID, 0, "no such event has come");
	k->claimed = larger(k->claimed, seq);
	k->handled = larger(k->handled, seq);
	return kept_ack(g);
}

/* --- keeping and attaching ---------------------------------------------------- */

const char *
gentcp_token(const struct gentcp *g)
{
	return *g->kept.token == '\0' ? NULL : g->kept.token;
}

/* False if it is none of gentcpd's. */
static bool
set_token(struct kept *k, const char *token)
{
	size_t len = token == NULL ? 0 : strlen(token);

	if (len == 0 || len >= sizeof k->token)
		return false;
	memcpy(k->token, token, len + 1);
	return true;
}

int
gentcp_keep(struct gentcp *g, int ttl, int replay)
{
	struct call c = {.g = g};
	const char *token;
	int rc;

	bytes_append_str(&c.params, "{\"ttl\":");
	bytes_append_int(&c.params, ttl);
	bytes_append_str(&c.params, replay ? ",\"replay\":true" : ",\"replay\":false");
	rc = call_wait(&c, "session.keep", CALL_NO_TIMEOUT);
	if (rc == GENTCP_OK) {
		token = json_string_value(json_object_get(c.reply.result, "token"));
		if (ttl == 0)
			*g->kept.token = '\0';
		else if (!set_token(&g->kept, token))
			rc = call_odd_result(&c);
	}
	return call_end(&c, rc);
}

void
kept_rewind(struct kept *k)
{
	k->lost = k->end - k->first;
	for (size_t i = k->first; i < k->end; i++) {
		k->with[i].id = 0;
		if (k->with[i].from <= k->handled)
			k->handled = k->with[i].from - 1;
	}
	k->acked = k->handled;
}

int
kept_put_attach(struct gentcp *g, uint64_t client, uint64_t *id)
{
	struct kept *k = &g->kept;
	struct bytes params = {0};
	uint64_t next = k->next;
	int rc;

	bytes_append_str(&params, "{\"client\":");
	bytes_append_uint(&params, client);
	bytes_append_str(&params, ",\"token\":");
	payload_put_string(&params, k->token, strlen(k->token));
	if (k->handled > 0) {
		bytes_append_str(&params, ",\"seen\":");
		bytes_append_uint(&params, k->handled);
	}
	bytes_append_char(&params, '}');
	k->next = 0;
	rc = request_put(g, "session.attach", &params, NULL, 0, REQUEST_PLAIN, id);
	k->next = next;
	bytes_fini(&params);
	return rc;
}

/* The hello was said: becomes that client. */
static int
attach(struct gentcp *g, uint64_t client, int64_t deadline)
{
	uint64_t id = 0;
	int rc = kept_put_attach(g, client, &id);

	return rc == GENTCP_OK ? open_greeted(g, id, deadline) : rc;
}

int
gentcp_attach(struct gentcp *g, const char *path, uint64_t client, const char *token,
    uint64_t seen, int timeout)
{
	int64_t deadline = transport_deadline(timeout);
	struct kept *k = &g->kept;
	int rc;

	if (client == 0 || strlen(token) >= sizeof k->token || *token == '\0')
		return connection_fail(
		    g, GENTCP_INVALID, 0, "no client's number, or no token");
	rc = gentcp_open(g, path, timeout);
	if (rc != GENTCP_OK)
		return rc;
	(void)set_token(k, token);
	k->told = k->handled = k->acked = seen;
	rc = attach(g, client, deadline);
	if (rc == GENTCP_OK)
		return rc;
	kept_reset(k);
	if (rc != GENTCP_ERROR) { /* it is not known whether we are that client */
		g->lost = true;
		g->again.state = RECONNECT_ENDED;
		transport_close(g);
	}
	return rc;
}
