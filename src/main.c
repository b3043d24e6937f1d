/* SPDX-License-Identifier: ISC */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/daemon.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

enum { EXIT_USAGE = 2, HELP_CONFIG = 256 };

static const struct option options[] = {
    {"socket", required_argument, NULL, 's'},
    {"config", required_argument, NULL, 'c'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"help-config", no_argument, NULL, HELP_CONFIG},
    {NULL, 0, NULL, 0},
};

struct arguments {
	const char *socket, *config;
	bool verbose;
	int show; /* 'h', 'V', HELP_CONFIG, 0 */
};

static void
usage(FILE *to)
{
	fputs("usage: gentcpd [-s SOCKET] [-c CONFIG] [-v]\n"
	      "       gentcpd -h | -V | --help-config\n",
	    to);
}

static void
help(void)
{
	usage(stdout);
	fputs("\n"
	      "gen_tcp for every language: JSON-RPC 2.0 on a Unix socket.\n"
	      "Runs in the foreground and logs to stderr; SIGTERM or SIGINT ends it.\n"
	      "\n"
	      "  -s, --socket SOCKET  path of the control socket; else $GENTCPD_SOCKET,\n"
	      "                       for root " CONFIG_RUN_DIR "/gentcpd.sock,\n"
	      "                       else $XDG_RUNTIME_DIR/gentcpd.sock\n"
	      "  -c, --config CONFIG  configuration file, one JSON object\n"
	      "  -v, --verbose        log more\n"
	      "  -h, --help           show this\n"
	      "  -V, --version        show the version\n"
	      "      --help-config    show the keys of the configuration file\n",
	    stdout);
}

/* False on an argument that is none. */
static bool
read_arguments(int argc, char **argv, struct arguments *a)
{
	int c;

	while ((c = getopt_long(argc, argv, "s:c:vhV", options, NULL)) != -1) {
		switch (c) {
		case 's':
			a->socket = optarg;
			break;
		case 'c':
			a->config = optarg;
			break;
		case 'v':
			a->verbose = true;
			break;
		case 'h':
		case 'V':
		case HELP_CONFIG:
			a->show = c;
			break;
		default:
			return false;
		}
	}
	if (optind == argc)
		return true;
	fprintf(stderr, "gentcpd: no operands are taken: %s\n", argv[optind]);
	return false;
}

static int
show(int what)
{
	if (what == 'h')
		help();
	else if (what == 'V')
		puts("gentcpd " PACKAGE_VERSION);
	else
		config_help();
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	perror("gentcpd: stdout");
	return EXIT_FAILURE;
}

/* The file first, so that the command line has the last word. */
static bool
configure(struct config *c, const struct arguments *a)
{
	char why[512];

	if (a->config != NULL && !config_read(c, a->config, why, sizeof(why))) {
		log_error("config", "%s", why);
		return false;
	}
	if (a->socket != NULL && !config_set_socket(c, a->socket)) {
		log_error("config", "out of memory");
		return false;
	}
	if (c->socket == NULL)
		log_error("config",
		    "where is the socket to be?  Give -s SOCKET, or set "
		    "GENTCPD_SOCKET or XDG_RUNTIME_DIR");
	return c->socket != NULL;
}

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	struct config config;
	int status = EXIT_FAILURE;

	if (!read_arguments(argc, argv, &a)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (a.show != 0)
		return show(a.show);
	if (a.verbose)
		log_set_level(LOG_L_DEBUG);
	if (!config_init(&config)) {
		log_error("config", "out of memory");
		return EXIT_FAILURE;
	}
	if (configure(&config, &a))
		status = daemon_run(&config);
	config_fini(&config);
	return status;
}
