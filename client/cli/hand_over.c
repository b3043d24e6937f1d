/* SPDX-License-Identifier: ISC */
/*
 * controlling_process of a session's socket: it is made passive, what of its events
 * came to this connection is collected, and all goes to the new owner in one step.
 * They are the session's no longer: they are acknowledged.  That also takes what came
 * before them; events of other sockets there are not ours to take.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/output.h"
#include "client/cli/session.h"
#include "client/cli/verb.h"
#include "proto/reason.h"

static const char verb[] = "controlling_process";

struct hand_over {
	struct cli *cli;
	uint64_t socket, client;
	json_t *active;	  /* own: its value before, NULL: nothing is to be restored */
	json_t *messages; /* own */
	uint64_t own;	  /* the seq of the last event of it that is handed over */
	uint64_t last;	  /* of the last event of it */
	uint64_t foreign; /* of the first that is another socket's; 0: none */
};

static int
failed(struct hand_over *h)
{
	return verb_failed(h->cli, verb, h->socket, gentcp_error(h->cli->g));
}

/* A member of what a method tells of the socket; NULL if it fails. */
static json_t *
ask(struct hand_over *h, const char *method, const char *more, const char *member)
{
	char params[96], *text = NULL;
	json_t *result, *value;

	snprintf(params, sizeof params, "{\"socket\":%llu%s}",
	    (unsigned long long)h->socket, more);
	if (gentcp_call(h->cli->g, method, params, &text) != GENTCP_OK)
		return NULL;
	result = json_loads(text, JSON_DECODE_ANY, NULL);
	free(text);
	value = json_incref(json_object_get(result, member));
	json_decref(result);
	return value;
}

static bool
is_ours(struct hand_over *h, const struct session *s)
{
	json_t *owner = ask(h, "inet.info", "", "owner");
	bool ours = json_is_integer(owner) &&
	    (uint64_t)json_integer_value(owner) == s->client;

	json_decref(owner);
	return ours;
}

static int
set_active(struct hand_over *h, json_t *active)
{
	json_t *options = json_pack("{s:O}", "active", active);
	char *text = json_dumps(options, JSON_COMPACT);
	int rc = text == NULL ? GENTCP_NOMEM : gentcp_setopts(h->cli->g, h->socket, text);

	free(text);
	json_decref(options);
	return rc;
}

/* --- events that came ---------------------------------------------------------- */

static bool
collect(struct hand_over *h, const struct gentcp_event *e)
{
	struct bytes text = {0};
	json_t *message;
	bool ok = true;

	if (e->type == GENTCP_EVENT_TCP_OWNER) {
		/* who owns what may be asked for */
		if (e->socket == h->socket)
			h->last = e->seq;
		return true;
	}
	if (e->socket != h->socket || e->type == GENTCP_EVENT_DOWN) {
		if (h->foreign == 0)
			h->foreign = e->seq;
		return true;
	}
	h->own = h->last = e->seq;
	output_event_json(&text, e);
	message = bytes_failed(&text)
	    ? NULL
	    : json_loadb((const char *)bytes_head(&text), bytes_len(&text), 0, NULL);
	ok = json_array_append_new(h->messages, message) == 0;
	bytes_fini(&text);
	return ok;
}

/* What is there, until a question is answered with nothing before it. */
static int
collect_all(struct hand_over *h)
{
	const struct gentcp_event *e;
	size_t count;
	int rc;

	do {
		count = 0;
		rc = gentcp_call(h->cli->g, "session.self", NULL, NULL);
		while (rc == GENTCP_OK &&
		    (rc = gentcp_receive(h->cli->g, 0, &e)) == GENTCP_OK) {
			count++;
			if (!collect(h, e))
				return GENTCP_NOMEM;
		}
	} while (rc == GENTCP_TIMEOUT && count > 0);
	return rc == GENTCP_TIMEOUT ? GENTCP_OK : rc;
}

/* --- giving --------------------------------------------------------------------- */

static int
give(struct hand_over *h)
{
	json_t *params = json_pack("{s:I, s:I}", "socket", (json_int_t)h->socket,
	    "client", (json_int_t)h->client);
	char *text;
	int rc;

	if (json_array_size(h->messages) > 0)
		json_object_set(params, "messages", h->messages);
	if (h->active != NULL)
		json_object_set(params, "active", h->active);
	text = json_dumps(params, JSON_COMPACT);
	rc = text == NULL
	    ? GENTCP_NOMEM
	    : gentcp_call(h->cli->g, "gen_tcp.controlling_process", text, NULL);
	free(text);
	json_decref(params);
	return rc;
}

static int
refuse(struct hand_over *h)
{
	cli_complain("%s: events of other sockets wait before those of socket %llu; take "
		     "them first: gentcp-cli events",
	    verb, (unsigned long long)h->socket);
	return CLI_ERROR;
}

static int
hand_over(struct hand_over *h)
{
	json_t *active = ask(h, "inet.getopts", ",\"names\":[\"active\"]", "active");
	int code = CLI_OK;

	if (active != NULL && !json_is_false(active)) {
		if (set_active(h, json_false()) == GENTCP_OK)
			h->active = json_incref(active);
		else
			code = failed(h);
	}
	json_decref(active);
	if (code == CLI_OK && collect_all(h) != GENTCP_OK)
		code = failed(h);
	if (code == CLI_OK && h->own != 0 && h->foreign != 0 && h->foreign < h->own)
		code = refuse(h);
	if (code == CLI_OK && give(h) != GENTCP_OK)
		code = failed(h);
	if (code == CLI_OK && (h->foreign == 0 || h->foreign > h->last))
		session_ack(h->cli, h->last, true);
	else if (code != CLI_OK && h->active != NULL)
		(void)set_active(h, h->active);
	return code;
}

int
session_hand_over(
    struct cli *cli, const struct session *s, uint64_t socket, uint64_t client)
{
	struct hand_over h = {.cli = cli, .socket = socket, .client = client};
	int code;

	gentcp_set_timeout(cli->g, cli->timeout >= 0 ? cli->timeout : CLI_DEADLINE);
	h.messages = json_array();
	/* not ours, or to itself: nothing is to be touched */
	if (client == s->client || !is_ours(&h, s))
		code = give(&h) == GENTCP_OK ? CLI_OK : failed(&h);
	else
		code = hand_over(&h);
	json_decref(h.active);
	json_decref(h.messages);
	return code;
}
