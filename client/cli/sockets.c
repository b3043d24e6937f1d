/* SPDX-License-Identifier: ISC */
/* gentcp-cli sockets, info. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/listing.h"
#include "client/cli/output.h"
#include "client/cli/table.h"

/* --- sockets ---------------------------------------------------------------- */

static void
put_table(struct bytes *out, const struct listing *l)
{
	static const char *const heads[] = {"SOCKET", "STATE", "RECV-Q", "SEND-Q",
	    "LOCAL", "PEER", "PACKET", "ACTIVE", "OWNER"};
	struct table t = {.columns = sizeof heads / sizeof *heads,
	    .right = 1U << 0 | 1U << 2 | 1U << 3 | 1U << 8};

	for (size_t i = 0; i < t.columns; i++)
		table_add(&t, heads[i]);
	for (size_t i = 0; i < l->count; i++) {
		const struct listing_row *row = &l->rows[i];

		table_add_uint(&t, row->socket);
		table_add(&t, row->state);
		table_add_uint(&t, listing_number(row, "input"));
		table_add_uint(&t, listing_number_of(row, "counters", "send_pend"));
		listing_add_address(&t, row->local);
		listing_add_address(&t, row->peer);
		table_add(&t, row->packet);
		table_add(&t, row->active);
		table_add_uint(&t, row->owner);
	}
	table_put(out, &t, 0);
	table_fini(&t);
}

/* A reference to json, or to null. */
static json_t *
or_null(json_t *json)
{
	return json == NULL ? json_null() : json_incref(json);
}

static void
put_json(struct bytes *out, const struct listing_row *row)
{
	json_t *json = json_pack("{s:I, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:I}",
	    "socket", (json_int_t)row->socket, "state", row->state, "recv_q",
	    (json_int_t)listing_number(row, "input"), "send_q",
	    (json_int_t)listing_number_of(row, "counters", "send_pend"), "local",
	    or_null(row->local), "peer", or_null(row->peer), "packet",
	    or_null(json_object_get(row->options, "packet")), "active",
	    or_null(json_object_get(row->options, "active")), "owner",
	    (json_int_t)row->owner);

	output_json(out, json);
	json_decref(json);
}

static bool
print_list(struct cli *cli, const struct listing *l)
{
	struct bytes text = {0};
	bool ok;

	if (!cli->json)
		put_table(&text, l);
	for (size_t i = 0; i < l->count && cli->json; i++) {
		if (i > 0)
			bytes_append_char(&text, '\n');
		put_json(&text, &l->rows[i]);
	}
	ok = (cli->json && l->count == 0) || cli_print(cli, &text);
	bytes_fini(&text);
	return ok;
}

int
sockets_command(struct cli *cli, int argc, char **argv)
{
	struct listing l = {0};
	int code;

	(void)argv;
	if (argc > 0)
		return cli_usage("sockets");
	code = cli_connect(cli, "auto");
	if (code == CLI_OK)
		code = listing_read(cli, &l, 0);
	if (code == CLI_OK && !print_list(cli, &l))
		code = CLI_ERROR;
	cli_disconnect(cli);
	listing_fini(&l);
	return code;
}

/* --- info ------------------------------------------------------------------- */

/* What the list of members begins with, and their names in the columns. */
static void
put_members(struct bytes *out, const char *label, json_t *object)
{
	enum { LABEL = 10, WIDTH = 72 };
	size_t line = 0, len;
	const char *name, *begin = label;
	json_t *value;
	struct bytes pair = {0};

	json_object_foreach (object, name, value) {
		bytes_truncate(&pair, 0);
		output_word(&pair, name, strlen(name));
		bytes_append_char(&pair, '=');
		if (json_is_string(value))
			output_word(
			    &pair, json_string_value(value), json_string_length(value));
		else
			output_json(&pair, value);
		len = bytes_len(&pair);
		if (line == 0 || line + 1 + len > WIDTH) {
			bytes_append_char(out, '\n');
			bytes_append_str(out, begin);
			for (size_t i = strlen(begin); i < LABEL; i++)
				bytes_append_char(out, ' ');
			begin = "";
			line = LABEL;
		} else {
			bytes_append_char(out, ' ');
			line++;
		}
		bytes_append(out, bytes_head(&pair), len);
		line += len;
	}
	bytes_fini(&pair);
}

static void
put_info(struct bytes *out, const struct listing_row *row)
{
	static const char *const objects[] = {"waiting", "msgq", "counters", "options"};
	json_t *rest = json_copy(row->info), *states = json_object_get(rest, "states");
	json_t *state;
	size_t i;

	bytes_append_str(out, "socket    ");
	bytes_append_uint(out, row->socket);
	bytes_append_str(out, "\nstates    ");
	json_array_foreach (states, i, state) {
		if (i > 0)
			bytes_append_char(out, ' ');
		output_word(out, json_string_value(state), json_string_length(state));
	}
	bytes_append_str(out, "\nowner     client ");
	bytes_append_uint(out, row->owner);
	if (row->local != NULL) {
		bytes_append_str(out, "\nlocal     ");
		listing_put_address(out, row->local);
	}
	if (row->peer != NULL) {
		bytes_append_str(out, "\npeer      ");
		listing_put_address(out, row->peer);
	}
	json_object_del(rest, "socket");
	json_object_del(rest, "states");
	json_object_del(rest, "owner");
	for (i = 0; i < sizeof objects / sizeof *objects; i++)
		json_object_del(rest, objects[i]);
	put_members(out, "more", rest);
	for (i = 0; i < sizeof objects / sizeof *objects; i++)
		put_members(out, objects[i], json_object_get(row->info, objects[i]));
	json_decref(rest);
}

static void
put_info_json(struct bytes *out, const struct listing_row *row)
{
	json_t *json = json_copy(row->info);

	json_object_set_new(json, "local", or_null(row->local));
	json_object_set_new(json, "peer", or_null(row->peer));
	output_json(out, json);
	json_decref(json);
}

static int
print_info(struct cli *cli, const struct listing *l, uint64_t socket)
{
	struct bytes text = {0};
	int code;

	if (l->count == 0) {
		cli_complain("info: no socket of yours is %llu; gentcp-cli sockets "
			     "lists them",
		    (unsigned long long)socket);
		return CLI_CLOSED;
	}
	if (cli->json)
		put_info_json(&text, &l->rows[0]);
	else
		put_info(&text, &l->rows[0]);
	code = cli_print(cli, &text) ? CLI_OK : CLI_ERROR;
	bytes_fini(&text);
	return code;
}

int
info_command(struct cli *cli, int argc, char **argv)
{
	struct listing l = {0};
	uint64_t socket;
	int code;

	if (argc != 1)
		return cli_usage("info");
	socket = listing_socket("info", argv[0]);
	if (socket == 0)
		return CLI_USAGE;
	code = cli_connect(cli, "auto");
	if (code == CLI_OK)
		code = listing_read(cli, &l, socket);
	if (code == CLI_OK)
		code = print_info(cli, &l, socket);
	cli_disconnect(cli);
	listing_fini(&l);
	return code;
}
