/* SPDX-License-Identifier: ISC */
/*
 * An echo server behind gentcpd, by libgentcp: packet 4, active true, one
 * process for all connections.  Prints "port N", runs until it is killed.
 *
 *   GENTCPD_SOCKET=… echo_gentcp
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "gentcp.h"

enum { ACCEPTORS = 256 };

static _Noreturn void
die(struct gentcp *g, const char *what)
{
	const struct gentcp_error *e = gentcp_error(g);

	fprintf(stderr, "echo_gentcp: %s: %s\n", what, gentcp_error_reason(e));
	exit(1);
}

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	(void)ctx;
	if (e->type == GENTCP_EVENT_TCP &&
	    gentcp_send_async(g, e->socket, e->data, e->len, NULL, NULL) != GENTCP_OK)
		die(g, "send");
}

static void
on_accept(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	const uint64_t *listener = ctx;

	(void)r;
	if (gentcp_accept_async(g, *listener, GENTCP_INFINITY, on_accept, ctx) !=
	    GENTCP_OK)
		die(g, "accept");
}

int
main(void)
{
	struct gentcp *g = gentcp_new();
	uint64_t listener;
	int port, i;

	if (g == NULL) {
		fprintf(stderr, "echo_gentcp: out of memory\n");
		return 1;
	}
	gentcp_on_event(g, on_event, NULL);
	if (gentcp_set_data(g, "attached") != GENTCP_OK ||
	    gentcp_open(g, NULL, 5000) != GENTCP_OK)
		die(g, "open");
	if (gentcp_listen(g, 0,
		"binary packet=4 active=true nodelay=true backlog=4096 ip=127.0.0.1",
		&listener, &port) != GENTCP_OK)
		die(g, "listen");
	for (i = 0; i < ACCEPTORS; i++)
		if (gentcp_accept_async(
			g, listener, GENTCP_INFINITY, on_accept, &listener) != GENTCP_OK)
			die(g, "accept");
	printf("port %d\n", port);
	fflush(stdout);
	while (gentcp_dispatch(g, GENTCP_INFINITY) == GENTCP_OK)
		;
	die(g, "dispatch");
}
