/* SPDX-License-Identifier: ISC */
/*
 * An echo server whose connection to gentcpd breaks, and not the server: it attaches
 * again by itself.  Run by integration/test_library_kept.py.  Prints its port, the
 * number of its client and the token, and at its end how often it came back.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "client/gentcp.h"

static volatile sig_atomic_t stop;

struct count {
	uint64_t listener, attached, seq, again;
};

static void
on_signal(int number)
{
	stop = number;
}

static void
event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct count *count = ctx;

	count->again += e->seq > 0 && e->seq <= count->seq;
	count->seq = e->seq > count->seq ? e->seq : count->seq;
	if (e->type == GENTCP_EVENT_TCP) {
		gentcp_ack_with(g, e->seq);
		gentcp_send_async(g, e->socket, e->data, e->len, NULL, NULL);
	} else if (e->type == GENTCP_EVENT_TCP_CLOSED)
		gentcp_close_async(g, e->socket, NULL, NULL);
}

static void
accepted(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct count *count = ctx;

	if (gentcp_reply_status(r) == GENTCP_OK)
		gentcp_accept_async(g, count->listener, GENTCP_INFINITY, accepted, ctx);
}

static void
state(struct gentcp *g, enum gentcp_state now, void *ctx)
{
	struct count *count = ctx;

	if (now == GENTCP_STATE_ATTACHED) {
		count->attached++;
		gentcp_accept_async(g, count->listener, GENTCP_INFINITY, accepted, ctx);
	} else if (now != GENTCP_STATE_LOST)
		stop = 1; /* which must not be */
}

int
main(void)
{
	/* without SA_RESTART: it ends the wait */
	struct sigaction action = {.sa_handler = on_signal};
	struct count count = {0};
	struct gentcp *g = gentcp_new();
	int port, rc;

	sigaction(SIGTERM, &action, NULL);
	gentcp_on_event(g, event, &count);
	gentcp_on_state(g, state, &count);
	gentcp_set_reconnect(g, 1, 10, 500);
	rc = gentcp_open(g, NULL, 5000);
	if (rc == GENTCP_OK)
		rc = gentcp_listen(g, 0, "active=true exit_on_close=false backlog=128",
		    &count.listener, &port);
	if (rc == GENTCP_OK)
		rc = gentcp_keep(g, 60000, 1);
	if (rc != GENTCP_OK)
		return 1;
	gentcp_accept_async(g, count.listener, GENTCP_INFINITY, accepted, &count);
	printf("%d %" PRIu64 " %s\n", port, gentcp_client(g), gentcp_token(g));
	fflush(stdout);
	while (rc == GENTCP_OK && !stop) /* a signal makes it time out */
		rc = gentcp_dispatch(g, GENTCP_INFINITY);
	printf("%" PRIu64 " %" PRIu64 "\n", count.attached, count.again);
	fflush(stdout);
	gentcp_set_timeout(g, 5000);
	gentcp_keep(g, 0, 0);
	gentcp_free(g);
	return stop == SIGTERM ? 0 : 1;
}
