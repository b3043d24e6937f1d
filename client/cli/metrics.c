/* SPDX-License-Identifier: ISC */
/* gentcp-cli metrics: the daemon's figures as Prometheus reads them. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"

/* The text in the result of daemon.metrics.  False: there is none. */
static bool
put_text(struct bytes *out, const char *result)
{
	json_t *root = json_loads(result, 0, NULL), *text = json_object_get(root, "text");
	size_t len = json_string_length(text);
	bool ok = len > 0;

	/* its last newline is cli_print()'s */
	if (ok)
		bytes_append(out, json_string_value(text), len - 1);
	json_decref(root);
	return ok;
}

int
metrics_command(struct cli *cli, int argc, char **argv)
{
	const char *format = argc > 0 ? argv[0] : "prometheus";
	struct bytes text = {0};
	char params[64], *result;
	int code;

	if (argc > 1 ||
	    (strcmp(format, "prometheus") != 0 && strcmp(format, "openmetrics") != 0)) {
		cli_complain("usage: gentcp-cli metrics [prometheus | openmetrics]");
		return CLI_USAGE;
	}
	code = cli_connect(cli, "auto");
	if (code != CLI_OK)
		return code;
	gentcp_set_timeout(cli->g, cli->timeout >= 0 ? cli->timeout : CLI_DEADLINE);
	(void)snprintf(params, sizeof params, "{\"format\":\"%.16s\"}", format);
	if (gentcp_call(cli->g, "daemon.metrics", params, &result) != GENTCP_OK)
		return cli_failed(cli, "metrics", gentcp_error(cli->g));
	if (cli->json)
		bytes_append_str(&text, result);
	else if (!put_text(&text, result)) {
		cli_complain("metrics: gentcpd's answer is none");
		code = CLI_ERROR;
	}
	free(result);
	if (code == CLI_OK && !cli_print(cli, &text))
		code = CLI_ERROR;
	bytes_fini(&text);
	return code;
}
