/* SPDX-License-Identifier: ISC */
/*
 * One connection by libgentcp, packet 4: prints "port N", accepts, and
 *
 *   binding receive SECONDS BYTES    counts what its peer sends
 *   binding send SECONDS BYTES       sends, and waits for each
 *   binding pipeline SECONDS BYTES   sends, IN_FLIGHT at a time
 *
 * and prints how many there were in a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_util.h"
#include "gentcp.h"

enum { IN_FLIGHT = 64 };

struct work {
	uint64_t socket, done;
	uint64_t begun, end; /* ns */
	const char *packet;
	size_t bytes;
	bool over;
};

static const char usage[] = "binding receive|send|pipeline SECONDS BYTES";

static void
check(struct gentcp *g, int rc)
{
	if (rc == GENTCP_OK)
		return;
	fprintf(stderr, "binding: %s\n", gentcp_error_reason(gentcp_error(g)));
	exit(1);
}

static void
begin(struct work *w, long seconds)
{
	w->begun = bench_now();
	w->end = w->begun + (uint64_t)seconds * 1000000000U;
}

static void
receive(struct gentcp *g, struct work *w, long seconds)
{
	const struct gentcp_event *e;

	for (; !w->over; w->over = w->done > 0 && bench_now() >= w->end) {
		check(g, gentcp_receive(g, GENTCP_INFINITY, &e));
		if (e->type != GENTCP_EVENT_TCP)
			continue;
		if (w->done++ == 0)
			begin(w, seconds);
	}
}

static void
sent(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct work *w = ctx;

	if (w->over) /* of those that are still in flight nothing is wanted */
		return;
	if (gentcp_reply_status(r) != GENTCP_OK) {
		fprintf(
		    stderr, "binding: %s\n", gentcp_error_reason(gentcp_reply_error(r)));
		exit(1);
	}
	w->done++;
	w->over = bench_now() >= w->end;
	if (!w->over)
		check(g, gentcp_send_async(g, w->socket, w->packet, w->bytes, sent, w));
}

static void
pipeline(struct gentcp *g, struct work *w)
{
	int i;

	for (i = 0; i < IN_FLIGHT; i++)
		check(g, gentcp_send_async(g, w->socket, w->packet, w->bytes, sent, w));
	while (!w->over)
		check(g, gentcp_dispatch(g, GENTCP_INFINITY));
}

static void
send_each(struct gentcp *g, struct work *w)
{
	for (; bench_now() < w->end; w->done++)
		check(g, gentcp_send(g, w->socket, w->packet, w->bytes));
}

int
main(int argc, char **argv)
{
	struct gentcp *g = gentcp_new();
	struct work w = {0};
	uint64_t listener;
	long seconds;
	int port;

	if (argc != 4 || g == NULL)
		bench_usage(usage);
	seconds = bench_number(argv[2], 1, 60, usage);
	w.bytes = (size_t)bench_number(argv[3], 1, 1 << 20, usage);
	w.packet = bench_zalloc(1, w.bytes);
	check(g, gentcp_open(g, NULL, 5000));
	check(
	    g, gentcp_listen(g, 0, "packet=4 active=true ip=loopback", &listener, &port));
	printf("port %d\n", port);
	fflush(stdout);
	check(g, gentcp_accept(g, listener, GENTCP_INFINITY, &w.socket));
	begin(&w, seconds);
	if (strcmp(argv[1], "receive") == 0)
		receive(g, &w, seconds);
	else if (strcmp(argv[1], "send") == 0)
		send_each(g, &w);
	else if (strcmp(argv[1], "pipeline") == 0)
		pipeline(g, &w);
	else
		bench_usage(usage);
	printf("%.0f\n", (double)w.done * 1e9 / (double)(bench_now() - w.begun));
	gentcp_free(g);
	return 0;
}
