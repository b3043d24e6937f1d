/* SPDX-License-Identifier: ISC */
/*
 * An echo server behind gentcpd, by libgentcp: packet 4, active true, one
 * process for all connections.  Prints "port N", runs until it is killed.
 *
 *   echo_gentcp [attached | auto]
 *
 * auto: bytes travel as JSON strings both ways, as for a client in a scripting
 * language.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gentcp.h"

enum { ACCEPTORS = 256, TEXT_MAX = 1 << 20 };

struct echo {
	uint64_t listener;
	bool text;
	char *params; /* room for a send's params */
};

static _Noreturn void
die(struct gentcp *g, const char *what)
{
	const struct gentcp_error *e = gentcp_error(g);

	fprintf(stderr, "echo_gentcp: %s: %s\n", what, gentcp_error_reason(e));
	exit(1);
}

static bool
plain(const char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (data[i] < 0x20 || data[i] > 0x7e || data[i] == '"' || data[i] == '\\')
			return false;
	return len < TEXT_MAX;
}

/* {"socket":N,"data":"…"} for bytes that need no escape. */
static int
send_text(struct gentcp *g, const struct echo *echo, const struct gentcp_event *e)
{
	int n = snprintf(echo->params, 64, "{\"socket\":%llu,\"data\":\"",
	    (unsigned long long)e->socket);

	memcpy(echo->params + n, e->data, e->len);
	memcpy(echo->params + (size_t)n + e->len, "\"}", 3);
	return gentcp_request(g, "gen_tcp.send", echo->params, NULL, 0, NULL, NULL, NULL);
}

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	const struct echo *echo = ctx;
	int status;

	if (e->type != GENTCP_EVENT_TCP)
		return;
	if (echo->text && plain(e->data, e->len))
		status = send_text(g, echo, e);
	else
		status = gentcp_send_async(g, e->socket, e->data, e->len, NULL, NULL);
	if (status != GENTCP_OK)
		die(g, "send");
}

static void
on_accept(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	const struct echo *echo = ctx;

	(void)r;
	if (gentcp_accept_async(g, echo->listener, GENTCP_INFINITY, on_accept, ctx) !=
	    GENTCP_OK)
		die(g, "accept");
}

int
main(int argc, char **argv)
{
	const char *data = argc > 1 ? argv[1] : "attached";
	struct gentcp *g = gentcp_new();
	struct echo echo = {.text = strcmp(data, "attached") != 0};
	int port, i;

	echo.params = malloc(TEXT_MAX + 128);
	if (argc > 2 || (echo.text && strcmp(data, "auto") != 0)) {
		fprintf(stderr, "usage: echo_gentcp [attached | auto]\n");
		return 2;
	}
	if (g == NULL || echo.params == NULL) {
		fprintf(stderr, "echo_gentcp: out of memory\n");
		return 1;
	}
	gentcp_on_event(g, on_event, &echo);
	if (gentcp_set_data(g, data) != GENTCP_OK ||
	    gentcp_open(g, NULL, 5000) != GENTCP_OK)
		die(g, "open");
	if (gentcp_listen(g, 0,
		"binary packet=4 active=true nodelay=true backlog=4096 ip=127.0.0.1",
		&echo.listener, &port) != GENTCP_OK)
		die(g, "listen");
	for (i = 0; i < ACCEPTORS; i++)
		if (gentcp_accept_async(
			g, echo.listener, GENTCP_INFINITY, on_accept, &echo) != GENTCP_OK)
			die(g, "accept");
	printf("port %d\n", port);
	fflush(stdout);
	while (gentcp_dispatch(g, GENTCP_INFINITY) == GENTCP_OK)
		;
	die(g, "dispatch");
}
