/* SPDX-License-Identifier: ISC */
/* Answers lines: one loop for all connections, and four accepts that wait. */
#include <gentcp.h>
#include <stdio.h>
#include <stdlib.h>

static void
accepted(struct gentcp *g, const struct gentcp_reply *r, void *listener)
{
	if (gentcp_reply_status(r) == GENTCP_OK)
		gentcp_accept_async(g, *(uint64_t *)listener, -1, accepted, listener);
}

static void
answered(struct gentcp *g, const struct gentcp_reply *r, void *socket)
{
	(void)r; /* where it failed, active is how to hear of the end */
	gentcp_setopts_async(g, (uintptr_t)socket, "active=once", NULL, NULL);
}

int
main(int argc, char **argv)
{
	const char *opt =
	    "ip=loopback packet=line active=once reuseaddr=true backlog=128";
	int port = argc > 1 ? atoi(argv[1]) : 0;
	struct gentcp *g = gentcp_new();
	const struct gentcp_event *e;
	uint64_t l;

	if (!g || gentcp_open(g, NULL, 5000) || gentcp_listen(g, port, opt, &l, &port))
		return 1;
	dprintf(1, "listening on port %d\n", port);
	for (int i = 0; i < 4; i++)
		gentcp_accept_async(g, l, GENTCP_INFINITY, accepted, &l);
	while (gentcp_receive(g, GENTCP_INFINITY, &e) == GENTCP_OK)
		if (e->type == GENTCP_EVENT_TCP) {
			gentcp_send_async(g, e->socket, "you said: ", 10, NULL, NULL);
			gentcp_send_async(g, e->socket, e->data, e->len, answered,
			    (void *)(uintptr_t)e->socket);
		}
	return 1;
}
