/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/shell.h"
#include "client/incoming.h"

static struct variable *
find(const struct memory *m, const char *name)
{
	struct variable *v = m->variables;

	while (v != NULL && strcmp(v->name, name) != 0)
		v = v->next;
	return v;
}

static struct variable *
add(struct memory *m, const char *name)
{
	struct variable *v = calloc(1, sizeof *v);

	if (v == NULL || (v->name = strdup(name)) == NULL) {
		free(v);
		return NULL;
	}
	v->next = m->variables;
	m->variables = v;
	return v;
}

bool
memory_set(struct memory *m, const char *name, enum token_kind kind, const void *value,
    size_t len)
{
	struct variable *v = find(m, name);
	struct bytes copy = {0};

	if (!bytes_append(&copy, value, len) ||
	    (v == NULL && (v = add(m, name)) == NULL)) {
		bytes_fini(&copy);
		return false;
	}
	bytes_fini(&v->value);
	v->value = copy;
	v->kind = kind;
	return true;
}

static bool
set_json(struct memory *m, const char *name, json_t *json)
{
	char *text;
	bool ok;

	if (json_is_string(json))
		return memory_set(m, name, TOKEN_QUOTED, json_string_value(json),
		    json_string_length(json));
	text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL)
		return false;
	ok = memory_set(m, name,
	    json_is_object(json) || json_is_array(json) ? TOKEN_JSON : TOKEN_WORD, text,
	    strlen(text));
	free(text);
	return ok;
}

static json_t *
load(const char *text)
{
	return text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
}

bool
memory_set_result(struct memory *m, const char *name, const struct gentcp_reply *r)
{
	const char *text = gentcp_reply_json(r);
	json_t *result, *chosen;
	const void *data;
	size_t len;
	bool ok;

	data = gentcp_reply_data(r, &len);
	if (data != NULL)
		return memory_set(m, name, TOKEN_QUOTED, data, len);
	result = load(text);
	chosen = json_object_get(result, "socket");
	if (chosen == NULL)
		chosen = json_object_get(result, "client");
	if (chosen == NULL)
		chosen = json_object_get(result, "monitor");
	if (chosen == NULL)
		chosen = json_object_get(result, "http");
	ok = result != NULL && set_json(m, name, chosen == NULL ? result : chosen);
	json_decref(result);
	return ok;
}

bool
memory_replace(const struct memory *m, struct token *t, char *why, size_t size)
{
	const struct variable *v;

	if (t->kind != TOKEN_VARIABLE)
		return true;
	v = find(m, t->value);
	if (v == NULL) {
		snprintf(why, size, "$%s has no value", t->value);
		return false;
	}
	if (token_replace(t, v->kind, bytes_head(&v->value), bytes_len(&v->value)))
		return true;
	snprintf(why, size, "no memory");
	return false;
}

void
memory_complete(const struct memory *m, struct complete *c, const char *word)
{
	char name[128];

	c->word = word;
	for (const struct variable *v = m->variables; v != NULL; v = v->next) {
		snprintf(name, sizeof name, "$%s", v->name);
		complete_offer(c, name, NULL);
	}
}

/* --- events ----------------------------------------------------------------- */

void
memory_event_free(struct seen_event *e)
{
	if (e == NULL)
		return;
	bytes_fini(&e->data);
	free(e);
}

/* Takes the i-th event out of the ring. */
static struct seen_event *
take(struct memory *m, size_t i)
{
	struct seen_event *e = m->events[(m->first + i) % MEMORY_EVENTS];

	for (; i > 0; i--)
		m->events[(m->first + i) % MEMORY_EVENTS] =
		    m->events[(m->first + i - 1) % MEMORY_EVENTS];
	m->first = (m->first + 1) % MEMORY_EVENTS;
	m->count--;
	m->bytes -= bytes_len(&e->data);
	return e;
}

/* An http packet, as the event's JSON has it. */
static void
keep_packet(struct seen_event *seen, const struct gentcp_event *e)
{
	json_t *params = load(e->json);
	char *text = json_dumps(json_object_get(params, "http"), JSON_COMPACT);

	if (text != NULL)
		(void)bytes_append_str(&seen->data, text);
	free(text);
	json_decref(params);
}

void
memory_see(struct memory *m, const struct gentcp_event *e)
{
	struct seen_event *seen = calloc(1, sizeof *seen);

	if (seen == NULL)
		return;
	snprintf(seen->name, sizeof seen->name, "%s", e->name);
	seen->socket = e->socket;
	seen->kind = TOKEN_WORD;
	if (incoming_has_data(e)) {
		seen->kind = TOKEN_QUOTED;
		(void)bytes_append(&seen->data, e->data, e->len);
	} else if (e->type == GENTCP_EVENT_HTTP) {
		seen->kind = TOKEN_JSON;
		keep_packet(seen, e);
	}
	m->bytes += bytes_len(&seen->data);
	while (m->count > 0 && (m->count == MEMORY_EVENTS || m->bytes > MEMORY_BYTES))
		memory_event_free(take(m, 0));
	m->events[(m->first + m->count++) % MEMORY_EVENTS] = seen;
}

struct seen_event *
memory_take(struct memory *m, const char *name, uint64_t socket)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct seen_event *e = m->events[(m->first + i) % MEMORY_EVENTS];

		if (strcmp(e->name, name) == 0 && (socket == 0 || e->socket == socket))
			return take(m, i);
	}
	return NULL;
}

void
memory_fini(struct memory *m)
{
	struct variable *v;

	while (m->count > 0)
		memory_event_free(take(m, 0));
	while ((v = m->variables) != NULL) {
		m->variables = v->next;
		free(v->name);
		bytes_fini(&v->value);
		free(v);
	}
}
