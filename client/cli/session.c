/* SPDX-License-Identifier: ISC */
#include "client/cli/session.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char how[] = "start one: eval \"$(gentcp-cli session)\"";

/* --- CLIENT:TOKEN:INSTANCE ---------------------------------------------------- */

/* The letters up to the next colon; false if there are none, or odd ones, or many. */
static bool
read_part(const char **at, char *part, size_t size)
{
	size_t len = strspn(*at, "0123456789abcdefABCDEF");

	if (len == 0 || len >= size || ((*at)[len] != ':' && (*at)[len] != '\0'))
		return false;
	memcpy(part, *at, len);
	part[len] = '\0';
	*at += len + ((*at)[len] == ':');
	return true;
}

static bool
read_text(struct session *s, const char *text)
{
	char *end;

	errno = 0;
	s->client = strtoull(text, &end, 10);
	if (*text < '1' || *text > '9' || *end != ':' || errno != 0)
		return false;
	text = end + 1;
	return read_part(&text, s->token, sizeof s->token) &&
	    read_part(&text, s->instance, sizeof s->instance) && *text == '\0';
}

bool
session_there(void)
{
	const char *text = getenv("GENTCP_SESSION");

	return text != NULL && *text != '\0';
}

bool
session_read(struct session *s, const char *verb)
{
	*s = (struct session){0};
	if (!session_there()) {
		cli_complain("%s needs a session, which keeps sockets between two "
			     "commands; %s",
		    verb, how);
		cli_complain("for one program alone there are gentcp-cli shell and pipe");
		return false;
	}
	if (read_text(s, getenv("GENTCP_SESSION")))
		return true;
	cli_complain(
	    "%s: $GENTCP_SESSION is not what gentcp-cli session says; %s", verb, how);
	return false;
}

/* --- is it still there? ------------------------------------------------------- */

static int
gone(const struct session *s, const char *why)
{
	cli_complain("session %llu is gone: %s", (unsigned long long)s->client, why);
	cli_complain("%s", how);
	return CLI_ERROR;
}

static int
gone_in_time(const struct session *s)
{
	return gone(s, "it was ended, or not used for as long as it lives (-t)");
}

/* Clients have the same numbers in the next daemon. */
static int
check_instance(struct cli *cli, const struct session *s)
{
	json_t *hello = cli_hello(cli);
	const char *instance = json_string_value(json_object_get(hello, "instance"));
	int code = CLI_OK;

	if (hello == NULL)
		code = cli_failed(cli, "session", gentcp_error(cli->g));
	else if (instance == NULL || strcmp(instance, s->instance) != 0)
		code = gone(s, "it was another gentcpd's");
	json_decref(hello);
	return code;
}

static bool
is_kept(json_t *clients, uint64_t number)
{
	json_t *client;
	size_t i;

	json_array_foreach (clients, i, client) {
		json_int_t n = json_integer_value(json_object_get(client, "client"));

		if (n > 0 && (uint64_t)n == number)
			return json_is_object(json_object_get(client, "keep"));
	}
	return false;
}

int
session_check(struct cli *cli, const struct session *s)
{
	char *text = NULL;
	json_t *clients;
	int code;

	gentcp_set_timeout(cli->g, CLI_DEADLINE);
	code = check_instance(cli, s);
	if (code != CLI_OK)
		return code;
	if (gentcp_clients(cli->g, &text) != GENTCP_OK)
		return cli_failed(cli, "session", gentcp_error(cli->g));
	clients = json_loads(text, 0, NULL);
	free(text);
	if (!is_kept(clients, s->client))
		code = gone_in_time(s);
	json_decref(clients);
	return code;
}

int
session_give(struct cli *cli, const struct session *s, uint64_t socket)
{
	gentcp_set_timeout(cli->g, CLI_DEADLINE);
	if (gentcp_controlling_process(cli->g, socket, s->client) == GENTCP_OK)
		return CLI_OK;
	/* the only thing that can be wrong with it, unless gentcpd is gone */
	if (gentcp_error_status(gentcp_error(cli->g)) == GENTCP_ERROR)
		return gone_in_time(s);
	return cli_failed(cli, "session", gentcp_error(cli->g));
}

int
session_attach(struct cli *cli, const struct session *s)
{
	char params[256];
	int code;

	gentcp_set_timeout(cli->g, CLI_DEADLINE);
	/* session_ack() says what was handled, for what is printed may be lost */
	gentcp_set_auto_ack(cli->g, 0);
	code = check_instance(cli, s);
	if (code != CLI_OK)
		return code;
	snprintf(params, sizeof params, "{\"client\":%llu,\"token\":\"%s\"}",
	    (unsigned long long)s->client, s->token);
	if (gentcp_call(cli->g, "session.attach", params, NULL) == GENTCP_OK)
		return CLI_OK;
	if (gentcp_error_code(gentcp_error(cli->g)) == EACCES)
		return gone_in_time(s);
	return cli_failed(cli, "session", gentcp_error(cli->g));
}

void
session_ack(struct cli *cli, uint64_t seq, bool wait)
{
	char params[48];

	if (seq == 0)
		return;
	snprintf(params, sizeof params, "{\"seq\":%llu}", (unsigned long long)seq);
	if (wait)
		(void)gentcp_call(cli->g, "session.ack", params, NULL);
	else
		(void)gentcp_request(
		    cli->g, "session.ack", params, NULL, 0, NULL, NULL, NULL);
}
