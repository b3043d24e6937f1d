/* SPDX-License-Identifier: ISC */
/* gentcp-cli call, monitor: one request; events. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/call.h"
#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "client/cli/wait.h"

enum { CANCEL_GRACE = 1000 }; /* ms for the answer to a cancel */

struct call_state {
	struct cli *cli;
	const struct method_row *row;
	bool done;
	int code;
};

static void
print_reply(struct call_state *s, const struct gentcp_reply *r)
{
	const struct gentcp_error *e = gentcp_reply_error(r);
	struct bytes text = {0};

	if (e != NULL && (!s->cli->json || gentcp_error_status(e) != GENTCP_ERROR)) {
		s->code = cli_failed(s->cli, cli_verb(s->row), e);
		return;
	}
	if (e != NULL) {
		output_error_json(&text, e);
		fprintf(
		    stderr, "%.*s\n", (int)bytes_len(&text), (char *)bytes_head(&text));
		s->code = CLI_ERROR;
	} else {
		if (s->cli->json)
			bytes_append_str(&text, gentcp_reply_json(r));
		else
			output_result(&text, s->row, r);
		s->code = cli_print(s->cli, &text) ? CLI_OK : CLI_ERROR;
	}
	bytes_fini(&text);
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct call_state *s = ctx;

	(void)g;
	s->done = true;
	print_reply(s, r);
}

int
call_request(struct cli *cli, const struct method_row *row, const struct args *args,
    gentcp_reply_fn fn, void *ctx, const bool *done)
{
	int timeout = cli_timeout(cli, row), rc;
	int64_t deadline = wait_deadline(timeout);
	uint64_t id;

	rc = args_request(cli->g, row, args, fn, ctx, &id);
	while (rc == GENTCP_OK && !*done) {
		rc = gentcp_dispatch(cli->g, wait_left(deadline));
		if (rc != GENTCP_TIMEOUT)
			continue;
		rc = GENTCP_OK; /* a signal, at least */
		if (wait_left(deadline) > 0)
			continue;
		/* what it has taken already must not be lost */
		if (cli->late > 0)
			return cli_late(cli, cli_verb(row), timeout);
		cli->late = timeout + 1;
		deadline = wait_deadline(CANCEL_GRACE);
		rc = gentcp_cancel(cli->g, id);
	}
	return *done ? CLI_OK : cli_failed(cli, cli_verb(row), gentcp_error(cli->g));
}

bool
call_read_arguments(struct tokens *tokens, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!tokens_add_argument(tokens, argv[i])) {
			cli_complain("no memory");
			return false;
		}
	}
	return true;
}

int
call_command(struct cli *cli, int argc, char **argv)
{
	struct call_state s = {.cli = cli};
	struct tokens tokens = {0};
	struct args args = {0};
	char why[256];
	int code = CLI_USAGE;

	if (argc == 0)
		return cli_usage("call");
	s.row = cli_method(argv[0]);
	if (s.row == NULL)
		return cli_no_method(argv[0]);
	if (call_read_arguments(&tokens, argc - 1, argv + 1)) {
		if (!args_read(&args, s.row, tokens.items, tokens.count, why, sizeof why))
			args_complain(s.row, why);
		else if ((code = cli_connect(cli, "auto")) == CLI_OK)
			code = call_request(cli, s.row, &args, on_reply, &s, &s.done);
		if (s.done)
			code = s.code;
	}
	cli_disconnect(cli);
	args_fini(&args);
	tokens_fini(&tokens);
	return code;
}

int
log_command(struct cli *cli, int argc, char **argv)
{
	char method[] = "daemon.log_level";
	char *words[] = {method, argv[0], argc > 1 ? argv[1] : NULL};

	if (argc > 2)
		return cli_usage("log");
	return call_command(cli, argc + 1, words);
}

/* --- getfd ------------------------------------------------------------------ */

/* Becomes the command, whose standard input and output fd is. */
static int
become(int fd, char **argv)
{
	int flags = fcntl(fd, F_GETFL);

	/* commands count on it; gentcpd does not mind */
	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1 ||
	    dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1) {
		cli_complain("%s", strerror(errno));
		return CLI_ERROR;
	}
	(void)signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	cli_complain("%s: %s", argv[0], strerror(errno));
	return CLI_ERROR;
}

int
getfd_command(struct cli *cli, int argc, char **argv)
{
	uint64_t socket;
	char *end;
	int fd, code;

	if (argc < 2)
		return cli_usage("getfd");
	socket = strtoull(argv[0], &end, 10);
	if (*argv[0] < '1' || *argv[0] > '9' || *end != '\0') {
		cli_complain("getfd: socket wants a number");
		return CLI_USAGE;
	}
	code = cli_connect(cli, "auto");
	if (code != CLI_OK)
		return code;
	gentcp_set_timeout(cli->g, cli->timeout >= 0 ? cli->timeout : CLI_DEADLINE);
	if (gentcp_getfd(cli->g, socket, &fd) != GENTCP_OK)
		return cli_failed(cli, "getfd", gentcp_error(cli->g));
	cli_disconnect(cli);
	return become(fd, argv + 1);
}

/* --- monitor ---------------------------------------------------------------- */

static bool
print_client(struct cli *cli)
{
	struct bytes text = {0};
	bool ok;

	bytes_append_str(&text, cli->json ? "{\"client\":" : "client ");
	bytes_append_uint(&text, gentcp_client(cli->g));
	if (cli->json)
		bytes_append_char(&text, '}');
	ok = cli_print(cli, &text);
	bytes_fini(&text);
	return ok;
}

bool
cli_print_event(struct cli *cli, const struct gentcp_event *e)
{
	struct bytes text = {0};
	bool ok;

	if (cli->json)
		output_event_json(&text, e);
	else
		output_event(&text, e);
	ok = cli_print(cli, &text);
	bytes_fini(&text);
	return ok;
}

int
monitor_command(struct cli *cli, int argc, char **argv)
{
	const struct gentcp_event *e;
	uint64_t seen = 0;
	int64_t deadline;
	int rc, code;

	(void)argv;
	if (argc > 0)
		return cli_usage("monitor");
	code = cli_connect(cli, "auto");
	if (code != CLI_OK)
		return code;
	if (!print_client(cli))
		return CLI_ERROR;
	while (cli->count == 0 || seen < cli->count) {
		deadline = wait_deadline(cli->timeout);
		do
			rc = gentcp_receive(cli->g, wait_left(deadline), &e);
		while (rc == GENTCP_TIMEOUT && wait_left(deadline) != 0);
		if (rc == GENTCP_TIMEOUT) {
			cli_complain("no event within %g s", cli->timeout / 1000.0);
			return CLI_TIMEOUT;
		}
		if (rc != GENTCP_OK)
			return cli_failed(cli, "monitor", gentcp_error(cli->g));
		seen++;
		if (!cli_print_event(cli, e))
			return CLI_ERROR;
	}
	return CLI_OK;
}
