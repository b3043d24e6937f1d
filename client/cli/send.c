/* SPDX-License-Identifier: ISC */
/* gentcp-cli send, unrecv: data of an argument, a file, or standard input. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/input.h"
#include "client/cli/listing.h"
#include "client/cli/verb.h"

enum { PIECE = 1024 * 1024 };

struct send {
	struct cli *cli;
	const struct method_row *row;
	uint64_t socket, sent;
	const char *name; /* of the file */
	int fd;
	char *piece; /* own */
};

static int
failed(struct send *s)
{
	const struct gentcp_error *e = gentcp_error(s->cli->g);
	int code = verb_failed(s->cli, cli_verb(s->row), s->socket, e);

	if (s->sent > 0)
		cli_complain("%s: %llu bytes were taken before", cli_verb(s->row),
		    (unsigned long long)s->sent);
	return code;
}

static int
put(struct send *s, const void *data, size_t len)
{
	int rc = s->row->id == METHOD_SEND
	    ? gentcp_send(s->cli->g, s->socket, data, len)
	    : gentcp_unrecv(s->cli->g, s->socket, data, len);

	if (rc != GENTCP_OK)
		return failed(s);
	s->sent += len;
	return CLI_OK;
}

/*
 * Does what is sent become a packet with a header?  Else there is no telling where
 * one piece ends and the next begins.  CLI_OK, or what it failed with.
 */
static int
ask_packet(struct send *s, bool *framed)
{
	char *text = NULL;
	json_t *options, *packet;

	if (gentcp_getopts(s->cli->g, s->socket, "packet", &text) != GENTCP_OK)
		return failed(s);
	options = json_loads(text, 0, NULL);
	free(text);
	packet = json_object_get(options, "packet");
	*framed = s->row->id == METHOD_UNRECV ||
	    (json_is_integer(packet) && json_integer_value(packet) != 0);
	json_decref(options);
	return CLI_OK;
}

static int
read_failed(const struct send *s)
{
	cli_complain("%s: %s", s->name, strerror(errno));
	return CLI_ERROR;
}

/* As it comes. */
static int
put_pieces(struct send *s)
{
	int code = CLI_OK;
	ssize_t n;

	s->piece = malloc(PIECE);
	if (s->piece == NULL) {
		cli_complain("no memory");
		return CLI_ERROR;
	}
	while (code == CLI_OK && (n = input_read(s->fd, s->piece, PIECE)) != 0)
		code = n < 0 ? read_failed(s) : put(s, s->piece, (size_t)n);
	return code;
}

/* All of it at once, if that may be. */
static int
put_whole(struct send *s)
{
	size_t limit = input_limit(s->cli), len;
	int code;

	switch (input_read_all(s->fd, limit, &s->piece, &len)) {
	case INPUT_OK:
		code = put(s, s->piece, len);
		break;
	case INPUT_TOO_LONG:
		cli_complain("%s: %s has more than %zu bytes, the most that one packet "
			     "may have here (max_attachment)",
		    cli_verb(s->row), s->name, limit);
		if (s->row->id == METHOD_SEND)
			cli_complain("with packet=0 it is sent in pieces: gentcp-cli "
				     "setopts %llu packet=0",
			    (unsigned long long)s->socket);
		code = CLI_USAGE;
		break;
	default:
		code = read_failed(s);
	}
	return code;
}

static int
put_input(struct send *s)
{
	bool framed = false;
	int code = ask_packet(s, &framed);

	if (code != CLI_OK)
		return code;
	return framed ? put_whole(s) : put_pieces(s);
}

/* --- arguments -------------------------------------------------------------- */

static bool
open_input(struct send *s, const char *name)
{
	s->name = name;
	s->fd = name == NULL ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	if (name == NULL)
		s->name = "standard input";
	if (s->fd >= 0)
		return true;
	cli_complain("%s: %s", name, strerror(errno));
	return false;
}

/* SOCKET, SOCKET -, SOCKET -f FILE; the file, NULL for standard input. */
static bool
wants_input(int argc, char **argv, const char **file)
{
	*file = NULL;
	if (argc == 1)
		return *argv[0] != '{' && *argv[0] != '[';
	if (argc == 2)
		return strcmp(argv[1], "-") == 0;
	if (argc != 3 || strcmp(argv[1], "-f") != 0)
		return false;
	*file = strcmp(argv[2], "-") == 0 ? NULL : argv[2];
	return true;
}

static int
send_input(struct send *s, const char *socket, const char *file)
{
	int code;

	s->socket = listing_socket(cli_verb(s->row), socket);
	if (s->socket == 0 || !open_input(s, file))
		return CLI_USAGE;
	code = cli_connect(s->cli, "attached");
	if (code == CLI_OK) {
		gentcp_set_timeout(s->cli->g, cli_timeout(s->cli, s->row));
		code = put_input(s);
	}
	cli_disconnect(s->cli);
	if (s->fd != STDIN_FILENO)
		close(s->fd);
	free(s->piece);
	return code;
}

int
send_command(struct cli *cli, const struct method_row *row, int argc, char **argv)
{
	struct send s = {.cli = cli, .row = row, .fd = -1};
	const char *file;

	(void)wants_input(argc, argv, &file);
	return send_input(&s, argv[0], file);
}

bool
send_wants_input(const struct method_row *row, int argc, char **argv)
{
	const char *file;

	return (row->id == METHOD_SEND || row->id == METHOD_UNRECV) &&
	    wants_input(argc, argv, &file);
}
