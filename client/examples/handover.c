/* SPDX-License-Identifier: ISC */
/*
 * A door and its workers: one process accepts, and gives each connection away, in
 * turn, to processes that serve it.  What the peer has said meanwhile goes along:
 * nothing is lost, and the order stays.  Each answers a line by its own number and
 * the line.
 *
 *     cc handover.c $(pkg-config --cflags --libs gentcp) -o handover
 *     ./handover 5678
 */
#include <gentcp.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 2 };

static int
failed(struct gentcp *g, const char *what)
{
	fprintf(stderr, "handover: %s: %s\n", what, gentcp_error_reason(gentcp_error(g)));
	return 1;
}

/* --- a worker ----------------------------------------------------------------- */

static void
answer(struct gentcp *g, const struct gentcp_event *e)
{
	char line[4096];
	int len = snprintf(line, sizeof line, "%" PRIu64 ": %.*s", gentcp_client(g),
	    (int)e->len, (const char *)e->data);

	if (len > 0 && (size_t)len < sizeof line)
		gentcp_send_async(g, e->socket, line, (size_t)len, NULL, NULL);
}

/* What it owns comes to it: tcp_owner first, then what was said, then the rest. */
static void
event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	(void)ctx;
	if (e->type == GENTCP_EVENT_TCP)
		answer(g, e);
	else if (e->type == GENTCP_EVENT_TCP_CLOSED)
		gentcp_close_async(g, e->socket, NULL, NULL);
}

/* Says its number through the pipe, and serves until the daemon is gone. */
static int
work(int out)
{
	struct gentcp *g = gentcp_new();
	uint64_t self;

	if (g == NULL || gentcp_open(g, NULL, 5000) != GENTCP_OK)
		return 1;
	self = gentcp_client(g);
	if (write(out, &self, sizeof self) != sizeof self)
		return 1;
	close(out);
	gentcp_on_event(g, event, NULL);
	while (gentcp_dispatch(g, GENTCP_INFINITY) == GENTCP_OK)
		;
	gentcp_free(g);
	return 0;
}

/* --- the door ----------------------------------------------------------------- */

/* Before there is any connection: the processes share none. */
static int
hire(uint64_t workers[WORKERS])
{
	int pipes[2];

	for (int i = 0; i < WORKERS; i++) {
		if (pipe(pipes) < 0)
			return -1;
		if (fork() == 0) {
			close(pipes[0]);
			_exit(work(pipes[1]));
		}
		close(pipes[1]);
		if (read(pipes[0], &workers[i], sizeof workers[i]) != sizeof workers[i])
			return -1;
		close(pipes[0]);
	}
	return 0;
}

static int
open_door(struct gentcp *g, int port, const uint64_t workers[WORKERS])
{
	uint64_t listener, s;

	if (gentcp_open(g, NULL, 5000) != GENTCP_OK)
		return failed(g, "open");
	if (gentcp_listen(g, port, "packet=line active=true reuseaddr=true", &listener,
		&port) != GENTCP_OK)
		return failed(g, "listen");
	printf("listening on port %d\n", port);
	fflush(stdout);
	for (int i = 0;; i = (i + 1) % WORKERS) {
		if (gentcp_accept(g, listener, GENTCP_INFINITY, &s) != GENTCP_OK)
			return failed(g, "accept");
		if (gentcp_controlling_process(g, s, workers[i]) != GENTCP_OK) {
			failed(g, "controlling_process");
			gentcp_close(g, s);
		}
	}
}

int
main(int argc, char **argv)
{
	uint64_t workers[WORKERS];
	struct gentcp *g;
	int rc;

	if (hire(workers) < 0 || (g = gentcp_new()) == NULL) {
		fprintf(stderr, "handover: no workers; is gentcpd running?\n");
		return 1;
	}
	rc = open_door(g, argc > 1 ? atoi(argv[1]) : 0, workers);
	gentcp_free(g);
	return rc;
}
