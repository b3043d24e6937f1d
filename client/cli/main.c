/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/cli.h"
#include "client/cli/near.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static const char flags_usage[] =
    "\n"
    "  -s SOCKET   gentcpd's socket, else $GENTCPD_SOCKET,\n"
    "              $XDG_RUNTIME_DIR/gentcpd.sock, /run/gentcpd/gentcpd.sock\n"
    "  -T SECONDS  how long to wait for gentcpd, for each reply and each event\n"
    "  -j          JSON\n"
    "\n"
    "exit status: 0 ok, 1 an error from gentcpd, 2 usage, 3 no gentcpd, 4 nothing in\n"
    "             time, 5 the socket is closed\n";

static void
print_usage(FILE *to)
{
	const struct cli_command *command;

	fputs(
	    "usage: gentcp-cli [-j] [-s SOCKET] [-T SECONDS] COMMAND [ARGUMENT...]\n"
	    "       gentcp-cli -h | -V\n\n"
	    "  VERB [ARGUMENT...]\n"
	    "      a method of gen_tcp, for scripts: connect, listen, accept, send, recv,\n"
	    "      close, ...; gentcp-cli help lists them\n",
	    to);
	for (size_t i = 0; (command = cli_command(i)) != NULL; i++)
		fprintf(to, "  %s %s\n      %s\n", command->name, command->usage,
		    command->help);
	fputs(flags_usage, to);
}

/* --- the command line ------------------------------------------------------- */

/* Seconds as "2" or "0.5" -> ms; -1 if it is neither. */
static int
read_seconds(const char *text)
{
	char *end;
	double seconds;

	if (*text < '0' || *text > '9')
		return -1;
	seconds = strtod(text, &end);
	return *end == '\0' && seconds <= 1e6 ? (int)(seconds * 1000) : -1;
}

static bool
read_count(const char *text, uint64_t *count)
{
	char *end;

	errno = 0;
	*count = strtoull(text, &end, 10);
	return *text >= '1' && *text <= '9' && *end == '\0' && errno == 0;
}

/* -1: go on; else the exit code.  name: whose flag it is, NULL before a command. */
static int
read_flag(struct cli *cli, int flag, const char *name)
{
	switch (flag) {
	case 'j':
		cli->json = true;
		return -1;
	case 'q':
		cli->brief = true;
		return -1;
	case 'e':
		cli->stop_at_error = true;
		return -1;
	case 's':
		cli->path = optarg;
		return -1;
	case 'T':
		cli->timeout = read_seconds(optarg);
		if (cli->timeout >= 0)
			return -1;
		cli_complain("-T wants seconds");
		return CLI_USAGE;
	case 'n':
		if (read_count(optarg, &cli->count))
			return -1;
		cli_complain("-n wants a number");
		return CLI_USAGE;
	case 'd':
		cli->interval = read_seconds(optarg);
		if (cli->interval > 0)
			return -1;
		cli_complain("-d wants seconds");
		return CLI_USAGE;
	case 't':
		cli->ttl = read_seconds(optarg);
		if (cli->ttl > 0)
			return -1;
		cli_complain("-t wants seconds");
		return CLI_USAGE;
	case 'k':
		cli->end = true;
		return -1;
	case 'S':
		cli->style = optarg;
		return -1;
	case 'h':
		print_usage(stdout);
		return CLI_OK;
	case 'V':
		puts("gentcp-cli " PACKAGE_VERSION);
		return CLI_OK;
	case 'l':
		cli->listen = true;
		return -1;
	default:
		if (name != NULL && cli_command_find(name) != NULL)
			return cli_usage(name);
		print_usage(stderr);
		return CLI_USAGE;
	}
}

static int
read_flags(struct cli *cli, int argc, char **argv, const char *name)
{
	static const struct option longs[] = {{"listen", no_argument, NULL, 'l'}, {0}};
	int flag, code = -1;

	while (code < 0 &&
	    (flag = getopt_long(argc, argv, "+jqes:T:n:d:t:kS:lhV", longs, NULL)) != -1)
		code = read_flag(cli, flag, name);
	return code;
}

static int
unknown(const char *name)
{
	struct bytes near = {0};

	if (near_verbs(&near, name))
		cli_complain("unknown command %s; did you mean %.*s?", name,
		    (int)bytes_len(&near), (char *)bytes_head(&near));
	else
		cli_complain("unknown command %s; gentcp-cli -h lists them", name);
	bytes_fini(&near);
	return CLI_USAGE;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	int code = read_flags(cli, argc, argv, NULL);
	const struct cli_command *command;
	const struct method_row *row;
	const char *name;

	if (code >= 0)
		return code;
	if (optind >= argc) {
		print_usage(stderr);
		return CLI_USAGE;
	}
	name = argv[optind];
	argc -= optind;
	argv += optind;
	optind = 1;
	code = read_flags(cli, argc, argv, name);
	if (code >= 0)
		return code;
	command = cli_command_find(name);
	if (command != NULL)
		return command->run(cli, argc - optind, argv + optind);
	row = cli_method(name);
	if (row != NULL)
		return verb_command(cli, row, argc - optind, argv + optind);
	return unknown(name);
}

/*
 * No connection may get the number of a standard stream that is closed: what is
 * opened here instead cannot be written to.
 */
static bool
occupy_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int
main(int argc, char **argv)
{
	struct cli cli = {.timeout = -1, .interval = -1, .ttl = -1};
	int code;

	if (!occupy_standard())
		return CLI_ERROR;
	/* a reader that has gone is an error of write(2) */
	(void)signal(SIGPIPE, SIG_IGN);
	code = run(&cli, argc, argv);
	cli_disconnect(&cli);
	return cli.output_failed && code == CLI_OK ? CLI_ERROR : code;
}
