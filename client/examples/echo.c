/* SPDX-License-Identifier: ISC */
/*
 * An echo server for lines, with a pool of accepts: sixteen wait at once, so that a
 * burst of clients is not served one round trip after the other.  It waits for all
 * of its clients in one callback, and never blocks.  What comes and goes is raw
 * bytes behind the messages, attachments, without being asked for.  When the daemon
 * is started anew it listens again.
 *
 *     cc echo.c $(pkg-config --cflags --libs gentcp) -o echo
 *     ./echo 5678
 */
#include <gentcp.h>
#include <stdio.h>
#include <stdlib.h>

enum { POOL = 16 };

struct server {
	int port;
	uint64_t listener;
};

/*
 * exit_on_close=false: a client that has said all, and closed that half, still
 * gets its answers; then it is for us to close.
 */
static const char options[] =
    "packet=line active=true exit_on_close=false reuseaddr=true backlog=128";

/* One of the pool is done: another takes its place. */
static void
accepted(struct gentcp *g, const struct gentcp_reply *reply, void *ctx)
{
	struct server *server = ctx;
	const struct gentcp_error *error = gentcp_reply_error(reply);

	/* its data is on its way already: active=true is inherited */
	if (error == NULL)
		gentcp_accept_async(
		    g, server->listener, GENTCP_INFINITY, accepted, server);
	else if (gentcp_error_status(error) != GENTCP_LOST)
		fprintf(stderr, "echo: accept: %s\n", gentcp_error_reason(error));
}

static void
sent(struct gentcp *g, const struct gentcp_reply *reply, void *ctx)
{
	const struct gentcp_error *error = gentcp_reply_error(reply);

	(void)g;
	(void)ctx;
	/* the client may be gone; tcp_closed says so as well */
	if (error != NULL)
		fprintf(stderr, "echo: send: %s\n", gentcp_error_reason(error));
}

static void
event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	(void)ctx;
	if (e->type == GENTCP_EVENT_TCP)
		gentcp_send_async(g, e->socket, e->data, e->len, sent, NULL);
	else if (e->type == GENTCP_EVENT_TCP_CLOSED)
		gentcp_close_async(g, e->socket, NULL, NULL);
}

static int
serve(struct gentcp *g, struct server *server)
{
	int rc = gentcp_listen(
	    g, server->port, options, &server->listener, &server->port);

	if (rc != GENTCP_OK) {
		fprintf(
		    stderr, "echo: listen: %s\n", gentcp_error_reason(gentcp_error(g)));
		return rc;
	}
	printf("listening on port %d\n", server->port);
	fflush(stdout);
	for (int i = 0; i < POOL && rc == GENTCP_OK; i++)
		rc = gentcp_accept_async(
		    g, server->listener, GENTCP_INFINITY, accepted, server);
	return rc;
}

/* All sockets went with the old connection: it begins again, on the same port. */
static void
state(struct gentcp *g, enum gentcp_state now, void *ctx)
{
	if (now == GENTCP_STATE_OPEN)
		serve(g, ctx);
	else
		fprintf(stderr, "echo: %s\n", gentcp_error_reason(gentcp_error(g)));
}

int
main(int argc, char **argv)
{
	struct server server = {.port = argc > 1 ? atoi(argv[1]) : 0};
	struct gentcp *g = gentcp_new();
	int rc;

	if (g == NULL)
		return 1;
	gentcp_set_reconnect(g, 100, 5000, GENTCP_INFINITY);
	gentcp_on_state(g, state, &server);
	gentcp_on_event(g, event, NULL);
	rc = gentcp_open(g, NULL, 5000);
	if (rc == GENTCP_OK)
		rc = serve(g, &server);
	else
		fprintf(stderr, "echo: %s\n", gentcp_error_reason(gentcp_error(g)));
	while (rc == GENTCP_OK)
		rc = gentcp_dispatch(g, GENTCP_INFINITY);
	gentcp_free(g);
	return 1;
}
