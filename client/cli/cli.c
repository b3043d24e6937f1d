/* SPDX-License-Identifier: ISC */
/* What the commands share. */
#include "client/cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/near.h"
#include "client/cli/output.h"
#include "proto/option.h"
#include "proto/reason.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

void
cli_complain(const char *format, ...)
{
	va_list args;

	fputs("gentcp-cli: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

const struct method_row *
cli_method(const char *name)
{
	for (int id = 0; id < METHOD_COUNT; id++) {
		const struct method_row *row = method_row((enum method_id)id);

		if (strcmp(cli_verb(row), name) == 0)
			return row;
	}
	return method_find(name);
}

const char *
cli_verb(const struct method_row *row)
{
	const char *dot = strrchr(row->name, '.');

	/* what administrators do has its whole name: shutdown is gen_tcp's */
	return dot == NULL || strncmp(row->name, "daemon.", 7) == 0 ? row->name : dot + 1;
}

int
cli_timeout(const struct cli *cli, const struct method_row *row)
{
	if (cli->timeout >= 0)
		return cli->timeout;
	switch (row->id) {
	case METHOD_SEND:  /* while the queue is full */
	case METHOD_CLOSE: /* while there is output in it */
	case METHOD_SHUTDOWN:
		return GENTCP_INFINITY;
	default:
		return row->flags & METHOD_WAITS ? GENTCP_INFINITY : CLI_DEADLINE;
	}
}

/* What to do next, of reasons that do not say it themselves. */
static const struct {
	const char *reason, *hint;
} hints[] = {
    {"eacces",
	"root's clients may, or gentcpd's configuration has to allow it: gentcpd.conf(5)"},
    {"not_owner",
	"only the client that owns it may: gentcp-cli sockets tells who that is"},
    {"system_limit", "a limit is reached: gentcpd.conf(5), Caps"},
    {"eaddrinuse", "another socket has it: gentcp-cli sockets, or ss -ltn, tells which"},
};

static void
give_hint(const struct gentcp_error *e)
{
	const char *option = gentcp_error_option(e);
	const char *reason = gentcp_error_reason(e);
	struct bytes near = {0};

	for (size_t i = 0; i < sizeof hints / sizeof *hints; i++) {
		if (strcmp(reason, hints[i].reason) == 0)
			cli_complain("%s", hints[i].hint);
	}
	if (option == NULL)
		return;
	if (option_find(option, strlen(option)) != NULL)
		cli_complain("gentcp-cli help option %s tells more", option);
	else if (near_options(&near, option))
		cli_complain("did you mean %.*s?", (int)bytes_len(&near),
		    (char *)bytes_head(&near));
	else
		cli_complain("gentcp-cli help options lists them");
	bytes_fini(&near);
}

int
cli_failed(struct cli *cli, const char *what, const struct gentcp_error *e)
{
	struct bytes text = {0};
	int code = CLI_ERROR;

	if (cli->late > 0 && gentcp_error_code(e) == REASON_CANCELLED)
		return cli_late(cli, what, cli->late - 1);
	switch (gentcp_error_status(e)) {
	case GENTCP_LOST:
		return cli_lost(cli);
	case GENTCP_INVALID:
		code = CLI_USAGE;
		break;
	case GENTCP_TIMEOUT:
		code = CLI_TIMEOUT;
		break;
	default:
		break;
	}
	if (cli->quiet)
		return code;
	output_error(&text, e);
	cli_complain("%s: %.*s", what, (int)bytes_len(&text), (char *)bytes_head(&text));
	bytes_fini(&text);
	give_hint(e);
	return code;
}

int
cli_no_method(const char *name)
{
	struct bytes near = {0};

	if (near_verbs(&near, name))
		cli_complain("unknown method %s; did you mean %.*s?", name,
		    (int)bytes_len(&near), (char *)bytes_head(&near));
	else
		cli_complain("unknown method %s; gentcp-cli help lists them", name);
	bytes_fini(&near);
	return CLI_USAGE;
}

int
cli_late(const struct cli *cli, const char *what, int timeout)
{
	if (!cli->brief)
		cli_complain("%s: no reply within %g s", what, timeout / 1000.0);
	return CLI_TIMEOUT;
}

static bool
write_all(const unsigned char *p, size_t len)
{
	struct pollfd pfd = {.fd = STDOUT_FILENO, .events = POLLOUT};
	ssize_t n;

	while (len > 0) {
		n = write(STDOUT_FILENO, p, len);
		if (n >= 0) {
			p += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN)
			(void)poll(&pfd, 1, -1);
		else if (errno != EINTR)
			return false;
	}
	return true;
}

bool
cli_print(struct cli *cli, struct bytes *text)
{
	bytes_append_char(text, '\n');
	if (!bytes_failed(text))
		return cli_write(cli, bytes_head(text), bytes_len(text));
	cli_complain("no memory");
	return false;
}

bool
cli_write(struct cli *cli, const void *data, size_t len)
{
	if (write_all(data, len))
		return true;
	/* a reader that has gone wants to hear nothing of it */
	if (errno != EPIPE && !cli->output_failed)
		cli_complain("standard output: %s", strerror(errno));
	cli->output_failed = true;
	return false;
}

/* --- the daemon ------------------------------------------------------------- */

static const char *
path_of(const struct cli *cli, char *path, size_t size)
{
	if (cli->path != NULL)
		return cli->path;
	return gentcp_default_path(path, size) == GENTCP_OK ? path : "(path too long)";
}

int
cli_lost(struct cli *cli)
{
	char path[256];

	if (cli->leaving)
		return CLI_NO_DAEMON;
	cli_complain("lost gentcpd at %s: %s", path_of(cli, path, sizeof path),
	    gentcp_error_reason(gentcp_error(cli->g)));
	return CLI_NO_DAEMON;
}

static int
no_daemon(struct cli *cli)
{
	const struct gentcp_error *e = gentcp_error(cli->g);
	const char *hint = "is gentcpd running? start one by: gentcpd &   "
			   "or name another by -s SOCKET or $GENTCPD_SOCKET";
	char path[256];

	if (gentcp_error_status(e) == GENTCP_TIMEOUT) {
		cli_complain(
		    "no answer from gentcpd at %s", path_of(cli, path, sizeof path));
		return CLI_TIMEOUT;
	}
	if (gentcp_error_code(e) == EACCES)
		hint = "its mode and group decide who may connect";
	cli_complain("cannot connect to %s: %s", path_of(cli, path, sizeof path),
	    gentcp_error_reason(e));
	cli_complain("%s", hint);
	return CLI_NO_DAEMON;
}

int
cli_connect(struct cli *cli, const char *form)
{
	int timeout = cli->timeout >= 0 ? cli->timeout : CLI_DEADLINE;

	cli->g = gentcp_new();
	if (cli->g == NULL) {
		cli_complain("no memory");
		return CLI_ERROR;
	}
	(void)gentcp_set_name(cli->g, "gentcp-cli/" PACKAGE_VERSION);
	(void)gentcp_set_data(cli->g, form);
	cli->form = form;
	if (gentcp_open(cli->g, cli->path, timeout) != GENTCP_OK)
		return no_daemon(cli);
	return CLI_OK;
}

json_t *
cli_hello(struct cli *cli)
{
	char params[128], *text = NULL;
	json_t *hello;

	snprintf(params, sizeof params,
	    "{\"client\":\"gentcp-cli/%s\",\"data\":\"%s\",\"attachments\":true}",
	    PACKAGE_VERSION, cli->form);
	if (gentcp_call(cli->g, "session.hello", params, &text) != GENTCP_OK)
		return NULL;
	hello = json_loads(text, 0, NULL);
	free(text);
	return hello;
}

void
cli_disconnect(struct cli *cli)
{
	cli->leaving = true;
	gentcp_free(cli->g);
	cli->g = NULL;
}
