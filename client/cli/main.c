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

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static const char usage[] =
    "usage: gentcp-cli [-j] [-s SOCKET] [-T SECONDS] COMMAND [ARGUMENT...]\n"
    "       gentcp-cli -h | -V\n"
    "\n"
    "  call METHOD [JSON | ARGUMENT...]  one request: call inet.sockname 3\n"
    "  shell [-e]                        lines from standard input; -e: stop at the\n"
    "                                    first that fails\n"
    "  pipe HOST PORT [OPTION...]        standard input and output through a socket\n"
    "  monitor [-n COUNT]                events of sockets handed to this client\n"
    "  getfd SOCKET COMMAND...           a command, the socket its input and output\n"
    "  help [METHOD | options | option NAME]   more about these\n"
    "\n"
    "  -s SOCKET   gentcpd's socket, else $GENTCPD_SOCKET,\n"
    "              $XDG_RUNTIME_DIR/gentcpd.sock, /run/gentcpd/gentcpd.sock\n"
    "  -T SECONDS  how long to wait for gentcpd, for each reply and each event\n"
    "  -j          JSON\n"
    "\n"
    "exit status: 0 ok, 1 an error from gentcpd, 2 usage, 3 no gentcpd, 4 no reply in "
    "time\n";

static const struct command {
	const char *name;
	int (*run)(struct cli *cli, int argc, char **argv);
} commands[] = {
    {"call", call_command},
    {"shell", shell_command},
    {"pipe", pipe_command},
    {"monitor", monitor_command},
    {"getfd", getfd_command},
    {"help", help_command},
};

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

/* -1: go on; else the exit code. */
static int
read_flag(struct cli *cli, int flag)
{
	switch (flag) {
	case 'j':
		cli->json = true;
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
	case 'h':
		fputs(usage, stdout);
		return CLI_OK;
	case 'V':
		puts("gentcp-cli " PACKAGE_VERSION);
		return CLI_OK;
	default:
		fputs(usage, stderr);
		return CLI_USAGE;
	}
}

static int
read_flags(struct cli *cli, int argc, char **argv)
{
	int flag, code = -1;

	while (code < 0 && (flag = getopt(argc, argv, "+jes:T:n:hV")) != -1)
		code = read_flag(cli, flag);
	return code;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	int code = read_flags(cli, argc, argv);
	const char *name;

	if (code >= 0)
		return code;
	if (optind >= argc) {
		fputs(usage, stderr);
		return CLI_USAGE;
	}
	name = argv[optind];
	argc -= optind;
	argv += optind;
	optind = 1;
	code = read_flags(cli, argc, argv);
	if (code >= 0)
		return code;
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].run(cli, argc - optind, argv + optind);
	}
	cli_complain("unknown command %s; gentcp-cli -h lists them", name);
	return CLI_USAGE;
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
	struct cli cli = {.timeout = -1};
	int code;

	if (!occupy_standard())
		return CLI_ERROR;
	/* a reader that has gone is an error of write(2) */
	(void)signal(SIGPIPE, SIG_IGN);
	code = run(&cli, argc, argv);
	cli_disconnect(&cli);
	return cli.output_failed && code == CLI_OK ? CLI_ERROR : code;
}
