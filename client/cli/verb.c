/* SPDX-License-Identifier: ISC */
/*
 * A method as a command: gentcp-cli send 3 "Some Data".  As call, but what is
 * printed is bare, for scripts; and a socket that it opens goes to the kept client
 * of $GENTCP_SESSION, or it would close as this connection ends.
 */
#include "client/cli/verb.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/call.h"
#include "client/cli/output.h"
#include "client/cli/session.h"
#include "proto/reason.h"

struct verb {
	struct cli *cli;
	const struct method_row *row;
	struct session session; /* where it is needed */
	size_t names;		/* how many were asked for */
	json_t *later;		/* own: what session_open_passive() gave, or NULL */
	uint64_t socket;
	bool done;
	int code;
};

/* --- errors ----------------------------------------------------------------- */

/* Is there still such a socket?  Its peer may have closed it. */
static bool
socket_exists(struct cli *cli, uint64_t socket)
{
	char *text = NULL;
	json_t *info;
	bool exists;

	gentcp_set_timeout(cli->g, CLI_DEADLINE);
	if (gentcp_info(cli->g, socket, &text) != GENTCP_OK)
		return true; /* nothing is to be said of it */
	info = json_loads(text, 0, NULL);
	free(text);
	exists = json_object_get(info, "socket") != NULL;
	json_decref(info);
	return exists;
}

int
verb_failed(
    struct cli *cli, const char *verb, uint64_t socket, const struct gentcp_error *e)
{
	int reason = gentcp_error_code(e), code;
	bool daemon = gentcp_error_status(e) == GENTCP_ERROR;

	if (daemon && cli->brief && reason == REASON_CLOSED)
		return CLI_CLOSED;
	if (daemon && cli->brief && reason == REASON_TIMEOUT)
		return CLI_TIMEOUT;
	code = cli_failed(cli, verb, e);
	if (!daemon)
		return code;
	if (socket != 0 && (reason == REASON_CLOSED || reason == EINVAL) &&
	    !socket_exists(cli, socket)) {
		cli_complain("there is no socket %llu (any more); gentcp-cli sockets "
			     "lists them",
		    (unsigned long long)socket);
		return CLI_CLOSED;
	}
	return reason == REASON_CLOSED ? CLI_CLOSED
	    : reason == REASON_TIMEOUT ? CLI_TIMEOUT
				       : code;
}

/* --- what is printed -------------------------------------------------------- */

/* Bytes as they are; on a terminal as the shell writes them. */
static bool
print_bytes(struct cli *cli, const void *data, size_t len)
{
	struct bytes text = {0};
	bool ok;

	if (!isatty(STDOUT_FILENO))
		return cli_write(cli, data, len);
	output_quoted(&text, data, len);
	ok = cli_print(cli, &text);
	bytes_fini(&text);
	return ok;
}

static bool
print_received(struct verb *v, const struct gentcp_reply *r)
{
	const void *header, *data;
	size_t header_len = 0, len;
	struct bytes text = {0};
	json_t *result;
	bool ok;

	header = gentcp_reply_header(r, &header_len);
	data = gentcp_reply_data(r, &len);
	if (data != NULL)
		return (header == NULL || print_bytes(v->cli, header, header_len)) &&
		    print_bytes(v->cli, data, len);
	result = json_loads(gentcp_reply_json(r), JSON_DECODE_ANY, NULL);
	output_json(&text, json_object_get(result, "http"));
	json_decref(result);
	ok = cli_print(v->cli, &text);
	bytes_fini(&text);
	return ok;
}

/* name=value a line; of one that was asked for, its value. */
static void
put_values(struct bytes *out, const struct verb *v, json_t *result)
{
	const char *name;
	json_t *value;
	bool first = true;

	json_object_foreach (result, name, value) {
		if (!first)
			bytes_append_char(out, '\n');
		first = false;
		if (v->names != 1) {
			output_word(out, name, strlen(name));
			bytes_append_char(out, '=');
		}
		if (json_is_string(value))
			output_word(
			    out, json_string_value(value), json_string_length(value));
		else
			output_json(out, value);
	}
}

static bool
is_ok(json_t *result)
{
	return json_is_string(result) && strcmp(json_string_value(result), "ok") == 0;
}

static bool
print_result(struct verb *v, const struct gentcp_reply *r)
{
	json_t *result = json_loads(gentcp_reply_json(r), JSON_DECODE_ANY, NULL);
	json_t *chosen = json_object_get(result, "socket");
	struct bytes text = {0};
	bool ok = true;

	if (v->row->id == METHOD_GETOPTS || v->row->id == METHOD_GETSTAT)
		put_values(&text, v, result);
	else if (v->socket == 0 && chosen != NULL) /* it opened one */
		output_json(&text, chosen);
	else if (v->row->id == METHOD_SENDFILE)
		output_json(&text, json_object_get(result, "sent"));
	else if (json_is_string(result) && !is_ok(result))
		output_word(&text, json_string_value(result), json_string_length(result));
	else if (!is_ok(result))
		output_result(&text, v->row, r);
	if (bytes_len(&text) > 0 || !is_ok(result))
		ok = cli_print(v->cli, &text);
	bytes_fini(&text);
	json_decref(result);
	return ok;
}

static bool
print_reply(struct verb *v, const struct gentcp_reply *r)
{
	struct bytes text = {0};
	bool ok;

	if (!v->cli->json)
		return v->row->id == METHOD_RECV ? print_received(v, r)
						 : print_result(v, r);
	bytes_append_str(&text, gentcp_reply_json(r));
	ok = cli_print(v->cli, &text);
	bytes_fini(&text);
	return ok;
}

/* --- the reply -------------------------------------------------------------- */

static bool
opens(const struct method_row *row)
{
	return row->id == METHOD_CONNECT || row->id == METHOD_LISTEN ||
	    row->id == METHOD_ACCEPT || row->id == METHOD_FDOPEN;
}

/* What only the owner of a socket may do. */
static bool
is_owners(const struct method_row *row)
{
	return row->id == METHOD_CONTROLLING_PROCESS || row->id == METHOD_SENDFILE;
}

static bool
needs_session(const struct method_row *row)
{
	return opens(row) || is_owners(row);
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct verb *v = ctx;
	const struct gentcp_error *e = gentcp_reply_error(r);
	const void *rest;
	size_t len;

	(void)g;
	v->done = true;
	if (e != NULL) {
		/* a last line without its end is a line all the same */
		rest = v->row->id == METHOD_RECV ? gentcp_error_rest(e, &len) : NULL;
		if (rest != NULL && !v->cli->json)
			(void)print_bytes(v->cli, rest, len);
		v->code = verb_failed(v->cli, cli_verb(v->row), v->socket, e);
		return;
	}
	/* here, before any event of it is looked at */
	if (opens(v->row))
		v->code = session_give(v->cli, &v->session, gentcp_reply_socket(r));
	if (v->code == CLI_OK && v->later != NULL && v->row->id != METHOD_LISTEN)
		v->code = session_activate(v->cli, gentcp_reply_socket(r), v->later);
	if (v->code == CLI_OK && !print_reply(v, r))
		v->code = CLI_ERROR;
}

/* --- the request ------------------------------------------------------------ */

static bool
has_length(const struct tokens *tokens)
{
	if (tokens->count != 1)
		for (size_t i = 0, words = 0; i < tokens->count; i++) {
			if (tokens->items[i].name == NULL
				? ++words == 2
				: strcmp(tokens->items[i].name, "length") == 0)
				return true;
		}
	return tokens->count == 0 ||
	    (tokens->count == 1 && tokens->items[0].kind == TOKEN_JSON);
}

/* The socket that it is about, which is the first param; 0: none, or no number. */
static uint64_t
socket_of(const struct method_row *row, json_t *params)
{
	json_t *socket = json_is_array(params) ? json_array_get(params, 0)
					       : json_object_get(params, "socket");
	json_int_t number = json_integer_value(socket);

	if (row->params[0].type != METHOD_T_SOCKET || number < 0)
		return 0;
	return (uint64_t)number;
}

/* Looks at what was asked, for what is said of the answer. */
static void
remember(struct verb *v, const struct args *args)
{
	json_t *names = json_object_get(args->params, "names");

	if (v->row->id != METHOD_ACCEPT)
		v->socket = socket_of(v->row, args->params);
	v->names = json_array_size(names);
}

/* controlling_process as gen_tcp has it: without what only the protocol knows. */
static bool
is_plain_give_away(const struct method_row *row, const struct args *args)
{
	return row->id == METHOD_CONTROLLING_PROCESS &&
	    json_object_size(args->params) == 2;
}

static int
give_away(struct verb *v, const struct args *args)
{
	json_int_t client = json_integer_value(json_object_get(args->params, "client"));
	struct bytes text = {0};
	int code = session_hand_over(v->cli, &v->session, v->socket, (uint64_t)client);

	if (code == CLI_OK && v->cli->json) {
		bytes_append_str(&text, "\"ok\"");
		code = cli_print(v->cli, &text) ? CLI_OK : CLI_ERROR;
		bytes_fini(&text);
	}
	return code;
}

/* Sees to it that the session gets all that comes for what is opened. */
static int
prepare(struct verb *v, const struct args *args)
{
	int code = session_check(v->cli, &v->session);

	if (code != CLI_OK)
		return code;
	if (v->row->id == METHOD_ACCEPT)
		return session_check_listener(v->cli, socket_of(v->row, args->params));
	v->later = session_open_passive(v->row, args->params);
	if (v->later == NULL) {
		cli_complain("no memory");
		return CLI_ERROR;
	}
	return CLI_OK;
}

static int
request(struct verb *v, const struct args *args)
{
	bool raw = v->row->id == METHOD_RECV && !v->cli->json;
	int code = cli_connect(v->cli, raw ? "attached" : "auto");

	if (code == CLI_OK && opens(v->row))
		code = prepare(v, args);
	if (code == CLI_OK && is_owners(v->row))
		code = session_attach(v->cli, &v->session);
	remember(v, args);
	if (code == CLI_OK && is_plain_give_away(v->row, args))
		return give_away(v, args);
	if (code == CLI_OK)
		code = call_request(v->cli, v->row, args, on_reply, v, &v->done);
	return v->done ? v->code : code;
}

bool
verb_is_useful(const struct method_row *row)
{
	switch (row->id) {
	case METHOD_HELLO:
	case METHOD_CANCEL:
	case METHOD_CANCEL_MONITOR:
	case METHOD_KEEP:
	case METHOD_ATTACH:
	case METHOD_ACK:
		return false;
	default:
		return true;
	}
}

int
verb_command(struct cli *cli, const struct method_row *row, int argc, char **argv)
{
	struct verb v = {.cli = cli, .row = row};
	struct tokens tokens = {0};
	struct args args = {0};
	char why[256];
	int code = CLI_USAGE;

	if (!verb_is_useful(row)) {
		cli_complain("%s is of use on a connection that stays: gentcp-cli shell",
		    cli_verb(row));
		return CLI_USAGE;
	}
	if (needs_session(row) && !session_read(&v.session, cli_verb(row)))
		return CLI_USAGE;
	if (send_wants_input(row, argc, argv))
		return send_command(cli, row, argc, argv);
	if (call_read_arguments(&tokens, argc, argv)) {
		if (row->id == METHOD_RECV && !has_length(&tokens))
			(void)tokens_add_argument(&tokens, "length=0");
		if (args_read(&args, row, tokens.items, tokens.count, why, sizeof why))
			code = request(&v, &args);
		else
			args_complain(row, why);
	}
	cli_disconnect(cli);
	json_decref(v.later);
	args_fini(&args);
	tokens_fini(&tokens);
	return code;
}
