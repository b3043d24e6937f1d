/* SPDX-License-Identifier: ISC */
#include "client/cli/listing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/output.h"
#include "client/cli/wait.h"
#include "proto/payload.h"

enum { ASKED_MAX = 3 * 256 }; /* requests that wait at once */

uint64_t
listing_number(const struct listing_row *row, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(row->info, name));
}

uint64_t
listing_number_of(const struct listing_row *row, const char *object, const char *name)
{
	return (uint64_t)json_integer_value(
	    json_object_get(json_object_get(row->info, object), name));
}

uint64_t
listing_socket(const char *verb, const char *text)
{
	char *end;
	uint64_t socket;

	errno = 0;
	socket = strtoull(text, &end, 10);
	if (*text >= '1' && *text <= '9' && *end == '\0' && errno == 0)
		return socket;
	cli_complain("%s: socket wants a number; gentcp-cli sockets lists them", verb);
	return 0;
}

/* --- addresses -------------------------------------------------------------- */

static void
put_path(struct bytes *out, json_t *addr)
{
	struct bytes scratch = {0};
	const void *path;
	size_t len;
	char why[64];

	if (payload_read(addr, SIZE_MAX / 4, &scratch, &path, &len, why, sizeof why) ==
		0 &&
	    len > 0)
		output_word(out, path, len);
	bytes_fini(&scratch);
}

void
listing_put_address(struct bytes *out, json_t *sockaddr)
{
	const char *family = json_string_value(json_object_get(sockaddr, "family"));
	json_t *addr = json_object_get(sockaddr, "addr");
	json_int_t scope = json_integer_value(json_object_get(sockaddr, "scope_id"));
	bool inet6 = family != NULL && strcmp(family, "inet6") == 0;

	if (family == NULL)
		return;
	if (strcmp(family, "local") == 0) {
		put_path(out, addr);
		return;
	}
	if (inet6)
		bytes_append_char(out, '[');
	output_word(out, json_string_value(addr), json_string_length(addr));
	if (inet6 && scope != 0) {
		bytes_append_char(out, '%');
		bytes_append_int(out, scope);
	}
	bytes_append_str(out, inet6 ? "]:" : ":");
	bytes_append_int(out, json_integer_value(json_object_get(sockaddr, "port")));
}

void
listing_add_address(struct table *t, json_t *sockaddr)
{
	struct bytes text = {0};

	listing_put_address(&text, sockaddr);
	table_add_bytes(t, &text);
	bytes_fini(&text);
}

/* --- rows ------------------------------------------------------------------- */

/* One whose connection has ended, and that its owner has not closed, has none. */
static const char *
state_of(json_t *states)
{
	static const char *const known[] = {"listen", "connected", "open", "closed"};
	json_t *state;
	size_t i;

	for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
		json_array_foreach (states, i, state) {
			if (json_is_string(state) &&
			    strcmp(json_string_value(state), known[k]) == 0)
				return known[k];
		}
	}
	return "ended";
}

static int
compare(const void *a, const void *b)
{
	const struct listing_row *one = a, *other = b;

	return one->socket < other->socket ? -1 : one->socket > other->socket;
}

/* info: an inet.info row, a new reference, which is taken. */
static void
add_row(struct listing *l, json_t *info)
{
	struct listing_row *row = &l->rows[l->count];

	*row = (struct listing_row){.info = info};
	row->socket = listing_number(row, "socket");
	row->owner = listing_number(row, "owner");
	row->state = state_of(json_object_get(info, "states"));
	if (row->socket != 0)
		l->count++;
	else
		json_decref(info);
}

static bool
add_rows(struct listing *l, json_t *list)
{
	size_t count = json_is_array(list) ? json_array_size(list) : 1;
	json_t *info;
	size_t i;

	l->rows = calloc(count + 1, sizeof *l->rows);
	if (l->rows == NULL)
		return false;
	if (!json_is_array(list))
		add_row(l, json_incref(list));
	json_array_foreach (list, i, info) {
		add_row(l, json_incref(info));
	}
	qsort(l->rows, l->count, sizeof *l->rows, compare);
	return true;
}

/* --- what is asked of each --------------------------------------------------- */

/* What a callback needs; it frees it. */
struct question {
	struct listing *l; /* NULL: it is gone */
	json_t **answer;
	struct question *next, *previous;
};

static void
link_question(struct question *q)
{
	q->next = q->l->asked;
	if (q->next != NULL)
		q->next->previous = q;
	q->l->asked = q;
	q->l->waiting++;
}

static void
unlink_question(struct question *q)
{
	if (q->next != NULL)
		q->next->previous = q->previous;
	if (q->previous != NULL)
		q->previous->next = q->next;
	else
		q->l->asked = q->next;
	q->l->waiting--;
}

static void
on_answer(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct question *q = ctx;
	const char *text = gentcp_reply_json(r);

	(void)g;
	if (q->l != NULL) {
		if (text != NULL)
			*q->answer = json_loads(text, JSON_DECODE_ANY, NULL);
		unlink_question(q);
	}
	free(q);
}

static int
ask(struct cli *cli, struct listing *l, const struct listing_row *row, const char *method,
    const char *more, json_t **answer)
{
	struct question *q = malloc(sizeof *q);
	char params[128];
	int rc;

	if (q == NULL)
		return GENTCP_NOMEM;
	*q = (struct question){.l = l, .answer = answer};
	snprintf(params, sizeof params, "{\"socket\":%llu%s}",
	    (unsigned long long)row->socket, more);
	rc = gentcp_request(cli->g, method, params, NULL, 0, on_answer, q, NULL);
	if (rc == GENTCP_OK)
		link_question(q);
	else
		free(q);
	return rc;
}

static int
ask_all(struct cli *cli, struct listing *l, struct listing_row *row)
{
	int rc = ask(cli, l, row, "inet.sockname", "", &row->local);

	if (rc == GENTCP_OK)
		rc = ask(cli, l, row, "inet.peername", "", &row->peer);
	if (rc == GENTCP_OK)
		rc = ask(cli, l, row, "inet.getopts",
		    ",\"names\":[\"packet\",\"active\"]", &row->options);
	return rc;
}

/* Waits until no more than most requests do. */
static int
settle(struct cli *cli, struct listing *l, size_t most, int64_t deadline)
{
	int rc = GENTCP_OK;

	while (rc == GENTCP_OK && l->waiting > most)
		rc = gentcp_dispatch(cli->g, wait_left(deadline));
	return rc;
}

static int
complete(struct cli *cli, struct listing *l, int64_t deadline)
{
	int rc = GENTCP_OK;

	for (size_t i = 0; i < l->count && rc == GENTCP_OK; i++) {
		rc = settle(cli, l, ASKED_MAX, deadline);
		if (rc == GENTCP_OK)
			rc = ask_all(cli, l, &l->rows[i]);
	}
	return rc == GENTCP_OK ? settle(cli, l, 0, deadline) : rc;
}

static void
put_word(char word[LISTING_WORD], json_t *value)
{
	struct bytes text = {0};

	if (json_is_string(value))
		output_sentence(&text, json_string_value(value));
	else if (value != NULL)
		output_json(&text, value);
	snprintf(word, LISTING_WORD, "%.*s", (int)bytes_len(&text),
	    (const char *)bytes_head(&text));
	bytes_fini(&text);
}

static int
read_list(struct cli *cli, struct listing *l, uint64_t only)
{
	char *text = NULL;
	json_t *list;
	int rc;

	rc = only == 0 ? gentcp_i(cli->g, &text) : gentcp_info(cli->g, only, &text);
	if (rc != GENTCP_OK)
		return rc;
	list = json_loads(text, 0, NULL);
	free(text);
	if (list == NULL || !add_rows(l, list))
		rc = GENTCP_NOMEM;
	json_decref(list);
	return rc;
}

int
listing_read(struct cli *cli, struct listing *l, uint64_t only)
{
	int timeout = cli->timeout >= 0 ? cli->timeout : CLI_DEADLINE, rc;

	*l = (struct listing){0};
	gentcp_set_timeout(cli->g, timeout);
	rc = read_list(cli, l, only);
	if (rc == GENTCP_OK)
		rc = complete(cli, l, wait_deadline(timeout));
	for (size_t i = 0; i < l->count; i++) {
		struct listing_row *row = &l->rows[i];

		put_word(row->packet, json_object_get(row->options, "packet"));
		put_word(row->active, json_object_get(row->options, "active"));
	}
	if (rc == GENTCP_TIMEOUT)
		return cli->quiet ? CLI_TIMEOUT : cli_late(cli, "sockets", timeout);
	return rc == GENTCP_OK ? CLI_OK
			       : cli_failed(cli, "sockets", gentcp_error(cli->g));
}

void
listing_fini(struct listing *l)
{
	for (struct question *q = l->asked; q != NULL; q = q->next)
		q->l = NULL;
	for (size_t i = 0; i < l->count; i++) {
		json_decref(l->rows[i].info);
		json_decref(l->rows[i].local);
		json_decref(l->rows[i].peer);
		json_decref(l->rows[i].options);
	}
	free(l->rows);
	*l = (struct listing){0};
}
