/* SPDX-License-Identifier: ISC */
#include "client/cli/session.h"

#include <stdlib.h>
#include <string.h>

static const char how[] = "start one: eval \"$(gentcp-cli session)\"";

bool
session_read(struct session *s, const char *verb)
{
	const char *text = getenv("GENTCP_SESSION");
	char *end;

	*s = (struct session){0};
	if (text == NULL || *text == '\0') {
		cli_complain("%s needs a session, which keeps its socket; %s", verb, how);
		cli_complain("for one program alone there are gentcp-cli shell and pipe");
		return false;
	}
	s->client = strtoull(text, &end, 10);
	if (*text < '1' || *text > '9' || *end != ':') {
		cli_complain(
		    "%s: $GENTCP_SESSION is not what gentcp-cli session says; %s", verb,
		    how);
		return false;
	}
	return true;
}

int
session_check(struct cli *cli, const struct session *s)
{
	(void)cli;
	(void)s;
	return CLI_OK;
}

int
session_give(struct cli *cli, const struct session *s, uint64_t socket)
{
	gentcp_set_timeout(cli->g, CLI_DEADLINE);
	if (gentcp_controlling_process(cli->g, socket, s->client) == GENTCP_OK)
		return CLI_OK;
	return cli_failed(cli, "session", gentcp_error(cli->g));
}

int
session_attach(struct cli *cli, const struct session *s)
{
	(void)cli;
	(void)s;
	return CLI_OK;
}
