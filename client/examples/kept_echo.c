/* SPDX-License-Identifier: ISC */
/*
 * An echo server that can be killed at any moment, kill -9 too, and started anew: its
 * clients do not notice, and get every byte back once.  The daemon keeps its sockets
 * for a minute, and the events that it has not answered.  Each answer takes the
 * acknowledgement of its event along, so that the daemon does both or none.
 *
 * Who it was stands in a file, which holds a secret: with it any program of this user
 * can take its place, as the next one does at once if this one still runs.
 *
 *     cc kept_echo.c $(pkg-config --cflags --libs gentcp) -o kept_echo
 *     while :; do ./kept_echo echo.state 5678; sleep 1; done
 *
 * With a third argument, "lossy", it does without replay: what had come to it and was
 * not answered when it is killed is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <gentcp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { POOL = 16, TTL = 60000 };

struct server {
	const char *file;
	int port, replay;
	uint64_t client, listener;
	char token[80];
};

static const char options[] =
    "active=true exit_on_close=false reuseaddr=true backlog=128";

/* --- who it was --------------------------------------------------------------- */

/* Whether there is such a file, and all of it. */
static int
load(struct server *s)
{
	FILE *in = fopen(s->file, "re");
	int n;

	if (in == NULL)
		return 0;
	n = fscanf(in, "%" SCNu64 " %79s %" SCNu64 " %d", &s->client, s->token,
	    &s->listener, &s->port);
	fclose(in);
	return n == 4;
}

/* The old file or the new one is there at any moment, for nobody else to read. */
static int
save(const struct server *s)
{
	char name[4096];
	FILE *out;
	int fd, n = snprintf(name, sizeof name, "%s.new", s->file), ok;

	if (n < 0 || (size_t)n >= sizeof name)
		return 0;
	unlink(name);
	fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (out == NULL)
		return 0;
	ok = fprintf(out, "%" PRIu64 " %s %" PRIu64 " %d\n", s->client, s->token,
		 s->listener, s->port) > 0;
	return fclose(out) == 0 && ok && rename(name, s->file) == 0;
}

/* --- serving ------------------------------------------------------------------ */

static void
say(const struct gentcp_error *error, const char *what)
{
	fprintf(stderr, "kept_echo: %s: %s\n", what, gentcp_error_reason(error));
}

/* One of the pool is done: another takes its place. */
static void
accepted(struct gentcp *g, const struct gentcp_reply *reply, void *ctx)
{
	struct server *s = ctx;

	if (gentcp_reply_status(reply) == GENTCP_OK)
		gentcp_accept_async(g, s->listener, GENTCP_INFINITY, accepted, s);
	else
		say(gentcp_reply_error(reply), "accept");
}

static void
event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	(void)ctx;
	/* that it was handled, and what came of it: one step */
	gentcp_ack_with(g, e->seq);
	if (e->type == GENTCP_EVENT_TCP)
		gentcp_send_async(g, e->socket, e->data, e->len, NULL, NULL);
	else if (e->type == GENTCP_EVENT_TCP_CLOSED)
		gentcp_close_async(g, e->socket, NULL, NULL);
}

/* A new client: the file is written when all that it tells of is there. */
static int
begin(struct gentcp *g, struct server *s)
{
	int rc = gentcp_listen(g, s->port, options, &s->listener, &s->port);

	if (rc == GENTCP_OK)
		rc = gentcp_keep(g, TTL, s->replay);
	if (rc != GENTCP_OK) {
		say(gentcp_error(g), "listen");
		return rc;
	}
	s->client = gentcp_client(g);
	snprintf(s->token, sizeof s->token, "%s", gentcp_token(g));
	if (save(s))
		return GENTCP_OK;
	fprintf(stderr, "kept_echo: %s: %s\n", s->file, strerror(errno));
	gentcp_keep(g, 0, 0);
	return GENTCP_INVALID;
}

/* The client of the file, or a new one. */
static int
start(struct gentcp *g, struct server *s)
{
	int known = load(s), rc;

	if (known) {
		rc = gentcp_attach(g, NULL, s->client, s->token, 0, 5000);
		if (rc != GENTCP_ERROR) /* else its time was over */
			return rc;
		say(gentcp_error(g), "attach");
	} else {
		rc = gentcp_open(g, NULL, 5000);
		if (rc != GENTCP_OK)
			return rc;
	}
	return begin(g, s);
}

int
main(int argc, char **argv)
{
	struct server s = {.replay = argc < 4 || strcmp(argv[3], "lossy") != 0};
	struct gentcp *g = gentcp_new();
	int rc;

	if (argc < 3 || g == NULL) {
		fprintf(stderr, "usage: kept_echo file port [lossy]\n");
		return 2;
	}
	s.file = argv[1];
	s.port = atoi(argv[2]);
	gentcp_on_event(g, event, NULL);
	rc = start(g, &s);
	for (int i = 0; i < POOL && rc == GENTCP_OK; i++)
		rc = gentcp_accept_async(g, s.listener, GENTCP_INFINITY, accepted, &s);
	if (rc == GENTCP_OK) {
		printf("listening on port %d\n", s.port);
		fflush(stdout);
	}
	while (rc == GENTCP_OK)
		rc = gentcp_dispatch(g, GENTCP_INFINITY);
	say(gentcp_error(g), "the end");
	gentcp_free(g);
	return 1;
}
