/* SPDX-License-Identifier: ISC */
/*
 * gentcp-cli pipe: standard input and output through a socket.  The socket is
 * passive, and little is asked for or sent before what was is done: so whoever
 * is slow slows the others, and nothing piles up.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/call.h"
#include "client/cli/output.h"
#include "proto/reason.h"

enum {
	CHUNK = 64 * 1024,	 /* of standard input, a send each */
	SENDS_MAX = 8,		 /* not yet answered */
	OUTPUT_MAX = 256 * 1024, /* waiting for standard output: no more recv */
	WRITE_MAX = 4096	 /* a pipe that poll says is writable takes it at once */
};

struct pipe {
	struct cli *cli;
	uint64_t socket;
	const char *opening; /* how: connect, listen */
	bool finished;	     /* doing so */
	struct bytes output;
	unsigned sends;
	bool receiving, input_ended, peer_closed;
	bool send_failed, output_is_file;
	int code;
};

static void
fail(struct pipe *p, const char *what, const struct gentcp_error *e)
{
	int code = cli_failed(p->cli, what, e);

	if (p->code == CLI_OK)
		p->code = code;
}

/* --- connect ---------------------------------------------------------------- */

static void
on_opened(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct pipe *p = ctx;

	(void)g;
	p->finished = true;
	p->socket = gentcp_reply_socket(r);
	if (p->socket == 0 && gentcp_reply_error(r) != NULL)
		fail(p, p->opening, gentcp_reply_error(r));
}

/* Behind the user's options, as a later one wins. */
static bool
add_options(struct tokens *tokens)
{
	return tokens_add_argument(tokens, "binary") &&
	    tokens_add_argument(tokens, "active=false") &&
	    tokens_add_argument(tokens, "exit_on_close=false");
}

/* Connects to gentcpd and asks for what opens a socket: row's. */
static int
open_socket(struct pipe *p, const struct method_row *row, int argc, char **argv)
{
	struct tokens tokens = {0};
	struct args args = {0};
	char why[256];
	int code = CLI_USAGE;

	p->opening = cli_verb(row);
	if (call_read_arguments(&tokens, argc, argv) && add_options(&tokens)) {
		if (!args_read(&args, row, tokens.items, tokens.count, why, sizeof why))
			cli_complain("pipe: %s", why);
		else if ((code = cli_connect(p->cli, "attached")) == CLI_OK)
			code = call_request(
			    p->cli, row, &args, on_opened, p, &p->finished);
	}
	args_fini(&args);
	tokens_fini(&tokens);
	return code == CLI_OK ? p->code : code;
}

/* --- listen, accept ---------------------------------------------------------- */

/* The port may be whatever was free. */
static int
tell_port(struct pipe *p)
{
	int port;

	if (gentcp_port(p->cli->g, p->socket, &port) == GENTCP_OK)
		cli_complain("listening on port %d", port);
	else if (gentcp_error_status(gentcp_error(p->cli->g)) != GENTCP_INVALID)
		return cli_failed(p->cli, "port", gentcp_error(p->cli->g));
	return CLI_OK;
}

/* One connection; then nobody else may call. */
static int
accept_one(struct pipe *p)
{
	uint64_t listener = p->socket;
	int code = tell_port(p);

	if (code != CLI_OK)
		return code;
	if (gentcp_accept(p->cli->g, listener, p->cli->timeout, &p->socket) !=
	    GENTCP_OK) {
		if (gentcp_error_code(gentcp_error(p->cli->g)) == REASON_TIMEOUT)
			return cli_late(p->cli, "accept", p->cli->timeout);
		return cli_failed(p->cli, "accept", gentcp_error(p->cli->g));
	}
	if (gentcp_close(p->cli->g, listener) != GENTCP_OK)
		return cli_failed(p->cli, "close", gentcp_error(p->cli->g));
	return CLI_OK;
}

static int
open_either(struct pipe *p, int argc, char **argv)
{
	int code;

	if (!p->cli->listen)
		return open_socket(p, method_row(METHOD_CONNECT), argc, argv);
	code = open_socket(p, method_row(METHOD_LISTEN), argc, argv);
	return code == CLI_OK ? accept_one(p) : code;
}

/* --- from the socket -------------------------------------------------------- */

static void
on_received(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct pipe *p = ctx;
	const struct gentcp_error *e = gentcp_reply_error(r);
	const void *data;
	size_t len;

	(void)g;
	p->receiving = false;
	if (e == NULL) {
		data = gentcp_reply_data(r, &len);
		if (data == NULL) {
			cli_complain("recv: no bytes; pipe is not for http packets");
			p->code = CLI_USAGE;
		}
	} else {
		/* a last line without its end is a line all the same */
		data = gentcp_error_rest(e, &len);
		p->peer_closed = true;
		if (strcmp(gentcp_error_reason(e), "closed") != 0 &&
		    gentcp_error_status(e) != GENTCP_LOST)
			fail(p, "recv", e);
	}
	if (data != NULL)
		(void)bytes_append(&p->output, data, len);
}

static void
receive(struct pipe *p)
{
	if (p->receiving || p->peer_closed || bytes_len(&p->output) >= OUTPUT_MAX)
		return;
	p->receiving = gentcp_recv_async(p->cli->g, p->socket, 0, GENTCP_INFINITY,
			   on_received, p) == GENTCP_OK;
}

static bool
output_failed(struct pipe *p)
{
	if (errno == EAGAIN || errno == EINTR)
		return false;
	if (errno != EPIPE)
		cli_complain("standard output: %s", strerror(errno));
	p->cli->output_failed = true;
	p->code = CLI_ERROR;
	return true;
}

/* What standard output takes without waiting. */
static void
write_output(struct pipe *p)
{
	size_t len = bytes_len(&p->output);
	ssize_t n;

	if (len > WRITE_MAX && !p->output_is_file)
		len = WRITE_MAX;
	n = write(STDOUT_FILENO, bytes_head(&p->output), len);
	if (n >= 0)
		bytes_take(&p->output, (size_t)n);
	else
		(void)output_failed(p);
}

/* --- to the socket ---------------------------------------------------------- */

static void
on_sent(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct pipe *p = ctx;
	const struct gentcp_error *e = gentcp_reply_error(r);

	(void)g;
	p->sends--;
	if (e == NULL || p->send_failed || gentcp_error_status(e) == GENTCP_LOST)
		return;
	p->send_failed = true;
	fail(p, "send", e);
}

static void
on_shut_down(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct pipe *p = ctx;
	const struct gentcp_error *e = gentcp_reply_error(r);

	(void)g;
	p->sends--;
	/* of a connection that is closed there is no half left to close */
	if (e != NULL && !p->peer_closed && !p->send_failed &&
	    strcmp(gentcp_error_reason(e), "enotconn") != 0 &&
	    strcmp(gentcp_error_reason(e), "closed") != 0 &&
	    gentcp_error_status(e) != GENTCP_LOST)
		fail(p, "shutdown", e);
}

static void
end_input(struct pipe *p)
{
	char params[96];

	p->input_ended = true;
	if (p->send_failed)
		return;
	snprintf(params, sizeof params, "{\"socket\":%llu,\"how\":\"write\"}",
	    (unsigned long long)p->socket);
	if (gentcp_request(p->cli->g, "gen_tcp.shutdown", params, NULL, 0, on_shut_down,
		p, NULL) == GENTCP_OK)
		p->sends++;
}

static void
read_input(struct pipe *p)
{
	char chunk[CHUNK];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		end_input(p);
		return;
	}
	if (gentcp_send_async(p->cli->g, p->socket, chunk, (size_t)n, on_sent, p) ==
	    GENTCP_OK)
		p->sends++;
}

static bool
wants_input(const struct pipe *p)
{
	return !p->input_ended && !p->send_failed && p->sends < SENDS_MAX;
}

/* --- both ways -------------------------------------------------------------- */

static bool
has_input_now(void)
{
	struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&pfd, 1, 0) > 0;
}

/* The peer is done, all is written and answered, and nothing more to send. */
static bool
is_done(const struct pipe *p)
{
	if (!p->peer_closed || p->receiving || p->sends > 0 || bytes_len(&p->output) > 0)
		return false;
	return p->input_ended || p->send_failed || !has_input_now();
}

/* Waits for one of the three, and does what it allows; a gentcp_status. */
static int
turn(struct pipe *p)
{
	struct gentcp *g = p->cli->g;
	bool output = bytes_len(&p->output) > 0;
	struct pollfd pfds[3] = {{.fd = gentcp_fd(g), .events = gentcp_poll_events(g)},
	    {.fd = wants_input(p) ? STDIN_FILENO : -1, .events = POLLIN},
	    {.fd = STDOUT_FILENO, .events = output ? POLLOUT : 0}};
	int rc;

	(void)poll(pfds, 3, -1);
	if (!output && pfds[2].revents & (POLLERR | POLLHUP)) {
		errno = EPIPE;
		(void)output_failed(p);
		return GENTCP_OK;
	}
	if (output && pfds[2].revents != 0)
		write_output(p);
	if (pfds[1].revents != 0)
		read_input(p);
	do
		rc = gentcp_dispatch(g, 0);
	while (rc == GENTCP_OK && bytes_len(&p->output) < OUTPUT_MAX);
	return rc == GENTCP_TIMEOUT ? GENTCP_OK : rc;
}

static int
copy(struct pipe *p)
{
	int rc;

	for (;;) {
		receive(p);
		rc = gentcp_flush(p->cli->g);
		if (rc == GENTCP_OK && is_done(p))
			return p->code;
		if (rc == GENTCP_OK)
			rc = turn(p);
		if (rc != GENTCP_OK)
			return cli_failed(p->cli, "gentcpd", gentcp_error(p->cli->g));
		if (bytes_failed(&p->output)) {
			cli_complain("no memory");
			return CLI_ERROR;
		}
		if (p->cli->output_failed || p->code == CLI_USAGE)
			return p->code;
	}
}

int
pipe_command(struct cli *cli, int argc, char **argv)
{
	struct pipe p = {.cli = cli};
	struct stat st;
	int code;

	if (argc < (cli->listen ? 1 : 2))
		return cli_usage("pipe");
	code = open_either(&p, argc, argv);
	p.output_is_file = fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode);
	if (code == CLI_OK)
		code = copy(&p);
	cli_disconnect(cli); /* while p lives */
	bytes_fini(&p.output);
	return code;
}
