/* SPDX-License-Identifier: ISC */
/* The table of commands: gentcp-cli -h, its completion and main() go by it. */
#include <string.h>

#include "client/cli/cli.h"

static const struct cli_command commands[] = {
    {"call", "METHOD [JSON | ARGUMENT...]", "one request: call inet.sockname 3",
	call_command},
    {"shell", "[-e]", "lines from standard input; -e: stop at the first that fails",
	shell_command},
    {"pipe", "HOST PORT [OPTION...] | --listen PORT [OPTION...]",
	"standard input and output through a socket", pipe_command},
    {"session", "[-t SECONDS] [-S sh | csh | fish] | -k",
	"a kept client for the verbs of a script; -k: ends it", session_command},
    {"events", "[-n COUNT] [SOCKET | EVENT]...",
	"events of the session's sockets, as they come", events_command},
    {"wait-for", "SOCKET EVENT [MILLISECONDS]",
	"until that event has come; it stays for events", wait_for_command},
    {"sockets", "", "a table of all sockets", sockets_command},
    {"info", "SOCKET", "all that is known of a socket", info_command},
    {"top", "[-n COUNT] [-d SECONDS]", "what each socket receives and sends a second",
	top_command},
    {"monitor", "[-n COUNT]", "events of sockets handed to this client", monitor_command},
    {"getfd", "SOCKET COMMAND...", "a command, the socket its input and output",
	getfd_command},
    {"log", "[LEVEL [SUBSYSTEM]]", "how much gentcpd logs, changed or shown",
	log_command},
    {"metrics", "[prometheus | openmetrics]", "gentcpd's metrics, for Prometheus",
	metrics_command},
    {"introspect", "[METHOD]", "methods with their params and results",
	introspect_command},
    {"help", "[METHOD | options | option NAME]", "more about these", help_command},
    {"completion", "bash | zsh | fish", "the program by which a shell completes words",
	completion_command},
    {"complete", "WORD...", "what the last of these words may become", complete_command},
};

const struct cli_command *
cli_command(size_t i)
{
	return i < sizeof commands / sizeof *commands ? &commands[i] : NULL;
}

const struct cli_command *
cli_command_find(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

int
cli_usage(const char *name)
{
	const struct cli_command *command = cli_command_find(name);

	cli_complain("usage: gentcp-cli [FLAG...] %s %s", name,
	    command == NULL ? "" : command->usage);
	return CLI_USAGE;
}
