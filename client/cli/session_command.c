/* SPDX-License-Identifier: ISC */
/* gentcp-cli session: makes a kept client, or ends it; prints what a shell evaluates. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/output.h"
#include "client/cli/session.h"

enum { TTL = 24 * 3600 * 1000 }; /* ms without use, where -t does not say */

static const char variable[] = "GENTCP_SESSION";

enum style { STYLE_SH, STYLE_CSH, STYLE_FISH, STYLE_NONE };

static enum style
find_style(const char *name)
{
	static const char *const names[] = {"sh", "csh", "fish"};

	for (int i = 0; i < STYLE_NONE; i++) {
		if (name == NULL || strcmp(names[i], name) == 0)
			return (enum style)i;
	}
	cli_complain("-S wants sh, csh or fish");
	return STYLE_NONE;
}

/* --- what the shell evaluates -------------------------------------------------- */

static void
put_quoted(struct bytes *out, enum style style, const char *value)
{
	bytes_append_char(out, '\'');
	for (; *value != '\0'; value++) {
		if (*value == '\'')
			bytes_append_str(out, style == STYLE_FISH ? "\\'" : "'\\''");
		else if ((*value == '\\' && style == STYLE_FISH) ||
		    (strchr("!\n", *value) != NULL && style == STYLE_CSH)) {
			bytes_append_char(out, '\\');
			bytes_append_char(out, *value);
		} else
			bytes_append_char(out, *value);
	}
	bytes_append_char(out, '\'');
}

/* name=value, for what the shell starts too.  value NULL: no longer. */
static void
put_variable(struct bytes *out, enum style style, const char *name, const char *value)
{
	static const char *const set[] = {"", "setenv ", "set -gx "};
	static const char *const unset[] = {"unset ", "unsetenv ", "set -e "};

	if (bytes_len(out) > 0)
		bytes_append_char(out, '\n');
	bytes_append_str(out, value == NULL ? unset[style] : set[style]);
	bytes_append_str(out, name);
	if (value != NULL) {
		bytes_append_char(out, style == STYLE_SH ? '=' : ' ');
		put_quoted(out, style, value);
	}
	if (value != NULL && style == STYLE_SH) {
		bytes_append_str(out, "; export ");
		bytes_append_str(out, name);
	}
	bytes_append_char(out, ';');
}

/* -s is for all commands of the session. */
static void
put_path(struct bytes *out, enum style style, const char *given)
{
	char *path = given == NULL ? NULL : realpath(given, NULL);

	if (path != NULL)
		put_variable(out, style, "GENTCPD_SOCKET", path);
	free(path);
}

/* --- making one ---------------------------------------------------------------- */

/* CLIENT:TOKEN:INSTANCE; NULL with everything said.  To be freed. */
static char *
keep(struct cli *cli, int *code)
{
	char params[64], *reply = NULL, *text = NULL;
	json_t *kept, *hello = cli_hello(cli);
	const char *token, *instance;

	snprintf(params, sizeof params, "{\"ttl\":%d,\"replay\":true}",
	    cli->ttl > 0 ? cli->ttl : TTL);
	if (hello == NULL ||
	    gentcp_call(cli->g, "session.keep", params, &reply) != GENTCP_OK) {
		*code = cli_failed(cli, "session", gentcp_error(cli->g));
		json_decref(hello);
		return NULL;
	}
	kept = json_loads(reply, 0, NULL);
	token = json_string_value(json_object_get(kept, "token"));
	instance = json_string_value(json_object_get(hello, "instance"));
	if (asprintf(&text, "%llu:%s:%s", (unsigned long long)gentcp_client(cli->g),
		token == NULL ? "" : token, instance == NULL ? "" : instance) < 0) {
		cli_complain("no memory");
		*code = CLI_ERROR;
		text = NULL;
	}
	free(reply);
	json_decref(kept);
	json_decref(hello);
	return text;
}

static int
begin(struct cli *cli, enum style style)
{
	struct bytes text = {0};
	char *session;
	int code = cli_connect(cli, "auto");

	if (code != CLI_OK)
		return code;
	gentcp_set_timeout(cli->g, CLI_DEADLINE);
	session = keep(cli, &code);
	if (session == NULL)
		return code;
	if (cli->json) {
		bytes_append_str(&text, "{\"session\":\"");
		bytes_append_str(&text, session);
		bytes_append_str(&text, "\"}");
	} else {
		put_variable(&text, style, variable, session);
		put_path(&text, style, cli->path);
	}
	code = cli_print(cli, &text) ? CLI_OK : CLI_ERROR;
	bytes_fini(&text);
	free(session);
	return code;
}

/* --- ending it ----------------------------------------------------------------- */

/* It ends with this connection, and its sockets close. */
static int
end_session(struct cli *cli, const struct session *s)
{
	int code = session_attach(cli, s);

	if (code == CLI_OK &&
	    gentcp_call(cli->g, "session.keep", "{\"ttl\":0}", NULL) != GENTCP_OK)
		code = cli_failed(cli, "session", gentcp_error(cli->g));
	return code;
}

static int
end(struct cli *cli, enum style style)
{
	struct session s;
	struct bytes text = {0};
	int code;

	if (!session_read(&s, "session -k"))
		return CLI_USAGE;
	code = cli_connect(cli, "auto");
	if (code == CLI_OK)
		code = end_session(cli, &s);
	/* one that is gone need not be named any more */
	if (!cli->json)
		put_variable(&text, style, variable, NULL);
	if (bytes_len(&text) > 0 && !cli_print(cli, &text) && code == CLI_OK)
		code = CLI_ERROR;
	bytes_fini(&text);
	return code;
}

int
session_command(struct cli *cli, int argc, char **argv)
{
	enum style style = find_style(cli->style);
	int code;

	(void)argv;
	if (style == STYLE_NONE || argc > 0)
		return cli_usage("session");
	code = cli->end ? end(cli, style) : begin(cli, style);
	cli_disconnect(cli);
	return code;
}
