/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/activation.h"
#include "daemon/config.h"
#include "daemon/daemon.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

enum { EXIT_USAGE = 2, HELP_CONFIG = 256 };

static const struct option options[] = {
    {"socket", required_argument, NULL, 's'},
    {"config", required_argument, NULL, 'c'},
    {"test", no_argument, NULL, 't'},
    {"user", required_argument, NULL, 'u'},
    {"daemonize", no_argument, NULL, 'd'},
    {"pid-file", required_argument, NULL, 'p'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"help-config", no_argument, NULL, HELP_CONFIG},
    {NULL, 0, NULL, 0},
};

struct arguments {
	struct config_source from;
	struct daemon_start start;
	int show; /* 'h', 'V', 't', HELP_CONFIG, 0 */
};

static void
usage(FILE *to)
{
	fputs("usage: gentcpd [-dv] [-s SOCKET] [-c CONFIG] [-u USER] [-p FILE]\n"
	      "       gentcpd -t [-c CONFIG]\n"
	      "       gentcpd -h | -V | --help-config\n",
	    to);
}

static void
help(void)
{
	usage(stdout);
	fputs(
	    "\n"
	    "gen_tcp for every language: JSON-RPC 2.0 on a Unix socket.\n"
	    "Runs in the foreground; SIGTERM or SIGINT ends it, SIGHUP lets it read its\n"
	    "configuration anew.\n"
	    "\n"
	    "  -s, --socket SOCKET  path of the control socket; else $GENTCPD_SOCKET,\n"
	    "                       for root " CONFIG_RUN_DIR "/gentcpd.sock,\n"
	    "                       else $XDG_RUNTIME_DIR/gentcpd.sock\n"
	    "  -c, --config CONFIG  configuration file, one JSON object; else, for root,\n"
	    "                       " CONFIG_FILE " if it is there\n"
	    "  -t, --test           only look whether the configuration is right\n"
	    "  -u, --user USER      give up root's rights, but for ports below 1024\n"
	    "  -d, --daemonize      go into the background when all is ready\n"
	    "  -p, --pid-file FILE  write the process's number to FILE\n"
	    "  -v, --verbose        log all, whatever the configuration says\n"
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

	while ((c = getopt_long(argc, argv, "s:c:tu:dp:vhV", options, NULL)) != -1) {
		switch (c) {
		case 's':
			a->from.socket = optarg;
			break;
		case 'c':
			a->from.file = optarg;
			break;
		case 'u':
			a->start.user = optarg;
			break;
		case 'p':
			a->start.pid_file = optarg;
			break;
		case 'd':
			a->start.background = a->from.background = true;
			break;
		case 'v':
			a->from.verbose = true;
			break;
		case 'h':
		case 'V':
		case 't':
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

/*
 * The file that is read: also when the folder that we are in is another.  Without -c
 * root's daemon reads the system's, where there is one.
 */
static bool
find_file(struct config_source *from, char *path)
{
	if (from->file == NULL) {
		if (geteuid() == 0 && access(CONFIG_FILE, F_OK) == 0)
			from->file = CONFIG_FILE;
		return true;
	}
	if (realpath(from->file, path) == NULL) {
		log_error("config", "cannot read %s: %s", from->file, strerror(errno));
		return false;
	}
	from->file = path;
	return true;
}

/* gentcpd -t */
static int
test(const struct config_source *from)
{
	struct config_source what = *from;
	struct config config;
	char why[512];

	if (what.file == NULL)
		what.file = CONFIG_FILE;
	if (!config_build(&config, &what, why, sizeof(why))) {
		log_error("config", "%s", why);
		return EXIT_FAILURE;
	}
	config_warn(&config, what.file);
	config_fini(&config);
	printf("%s: ok\n", what.file);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A daemon in the background goes to another folder. */
static bool
paths_are_whole(const struct config *c, const struct daemon_start *start)
{
	const char *const paths[] = {c->socket, c->monitor_socket, start->pid_file};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] != NULL && *paths[i] != '/') {
			log_error(
			    "config", "--daemonize wants an absolute path: %s", paths[i]);
			return false;
		}
	return true;
}

/* Sockets of the service manager's, which has the last word on where they are. */
static bool
activate(struct config *c)
{
	const struct activation a = {.pid = getenv("LISTEN_PID"),
	    .fds = getenv("LISTEN_FDS"),
	    .names = getenv("LISTEN_FDNAMES"),
	    .first = STDERR_FILENO + 1};
	char why[512];

	if (activation_take(c, &a, (long)getpid(), why, sizeof(why)))
		return true;
	log_error("config", "%s", why);
	return false;
}

static struct config *
configure(const struct arguments *a)
{
	struct config *c = calloc(1, sizeof(*c));
	char why[512] = "out of memory";

	if (c == NULL || !config_build(c, &a->from, why, sizeof(why))) {
		log_error("config", "%s", why);
		free(c);
		return NULL;
	}
	if (!activate(c))
		goto fail;
	if (c->socket == NULL)
		log_error("config",
		    "where is the socket to be?  Give -s SOCKET, or set "
		    "GENTCPD_SOCKET or XDG_RUNTIME_DIR");
	else if (!a->start.background || paths_are_whole(c, &a->start))
		return c;
fail:
	config_fini(c);
	free(c);
	return NULL;
}

/*
 * No socket may get the number of a standard stream that is closed: a line of the log
 * would go to a peer.  What is opened here instead cannot be written to.
 */
static bool
occupy_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

int
main(int argc, char **argv)
{
	struct arguments a = {0};
	char file[PATH_MAX], *fallback;
	struct config *config;
	int status = EXIT_FAILURE;

	if (!occupy_standard())
		return EXIT_FAILURE;
	if (!read_arguments(argc, argv, &a)) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (a.show != 0 && a.show != 't')
		return show(a.show);
	if (!find_file(&a.from, file))
		return EXIT_FAILURE;
	if (a.show == 't')
		return test(&a.from);
	/* it is root's as long as we are */
	fallback = config_default_socket();
	a.from.fallback = fallback;
	config = configure(&a);
	if (config != NULL)
		status = daemon_run(config, &a.from, &a.start);
	free(fallback);
	return status;
}
