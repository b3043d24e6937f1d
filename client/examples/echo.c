/* SPDX-License-Identifier: ISC */
/*
 * An echo server for lines: what a client sends comes back.  It waits for all of
 * its clients at once, in one callback, and never blocks.
 *
 *     cc echo.c $(pkg-config --cflags --libs gentcp) -o echo
 *     ./echo 5678
 */
#include <gentcp.h>
#include <stdio.h>
#include <stdlib.h>

static void
accepted(struct gentcp *g, const struct gentcp_reply *reply, void *ctx)
{
	uint64_t *listener = ctx;

	if (gentcp_reply_status(reply) != GENTCP_OK) {
		fprintf(stderr, "echo: accept: %s\n",
		    gentcp_error_reason(gentcp_reply_error(reply)));
		return;
	}
	/* its data is on its way already: active=true is inherited */
	gentcp_accept_async(g, *listener, GENTCP_INFINITY, accepted, ctx);
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

/*
 * exit_on_close=false: a client that has said all, and closed that half, still
 * gets its answers; then it is for us to close.
 */
static const char options[] =
    "packet=line active=true exit_on_close=false reuseaddr=true";

static int
serve(struct gentcp *g, int port)
{
	uint64_t listener;
	int rc;

	rc = gentcp_open(g, NULL, 5000);
	if (rc == GENTCP_OK)
		rc = gentcp_listen(g, port, options, &listener, &port);
	if (rc != GENTCP_OK)
		return rc;
	printf("listening on port %d\n", port);
	fflush(stdout);
	gentcp_on_event(g, event, NULL);
	rc = gentcp_accept_async(g, listener, GENTCP_INFINITY, accepted, &listener);
	while (rc == GENTCP_OK)
		rc = gentcp_dispatch(g, GENTCP_INFINITY);
	return rc;
}

int
main(int argc, char **argv)
{
	struct gentcp *g = gentcp_new();

	if (g == NULL)
		return 1;
	serve(g, argc > 1 ? atoi(argv[1]) : 0);
	fprintf(stderr, "echo: %s\n", gentcp_error_reason(gentcp_error(g)));
	gentcp_free(g);
	return 1;
}
