/* SPDX-License-Identifier: ISC */
/*
 * A room to talk in, by lines, in a loop of libevent: what one says all others
 * hear.  The loop has the signals, and ends in order.
 *
 *     cc chat.c $(pkg-config --cflags --libs gentcp libevent_core) -o chat
 *     ./chat 5678
 */
#include <event2/event.h>
#include <gentcp.h>
#include <gentcp_libevent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEATS = 64 };

struct room {
	struct event_base *base;
	uint64_t listener, seats[SEATS]; /* 0: free */
};

static void
say(struct gentcp *g, struct room *room, uint64_t from, const char *text, int len)
{
	char line[2048];
	int n = snprintf(line, sizeof line, "%" PRIu64 ": %.*s", from, len, text);

	if (n < 0 || (size_t)n >= sizeof line)
		return;
	for (int i = 0; i < SEATS; i++) {
		if (room->seats[i] != 0 && room->seats[i] != from)
			gentcp_send_async(g, room->seats[i], line, (size_t)n, NULL, NULL);
	}
}

/* Puts a socket in the place of another; 0 is nobody.  False: there is none. */
static int
seat(struct room *room, uint64_t was, uint64_t now)
{
	for (int i = 0; i < SEATS; i++) {
		if (room->seats[i] == was) {
			room->seats[i] = now;
			return 1;
		}
	}
	return 0;
}

static void
come(struct gentcp *g, const struct gentcp_reply *reply, void *ctx)
{
	struct room *room = ctx;
	uint64_t s = gentcp_reply_socket(reply);

	if (gentcp_reply_status(reply) != GENTCP_OK)
		return;
	if (seat(room, 0, s))
		say(g, room, s, "came\n", 5);
	else
		gentcp_close_async(g, s, NULL, NULL);
	gentcp_accept_async(g, room->listener, GENTCP_INFINITY, come, room);
}

static void
event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct room *room = ctx;

	if (e->type == GENTCP_EVENT_TCP) {
		say(g, room, e->socket, e->data, (int)e->len);
	} else if (e->type == GENTCP_EVENT_TCP_CLOSED && seat(room, e->socket, 0)) {
		say(g, room, e->socket, "left\n", 5);
		gentcp_close_async(g, e->socket, NULL, NULL);
	}
}

static void
state(struct gentcp *g, enum gentcp_state now, void *ctx)
{
	struct room *room = ctx;

	(void)now; /* ENDED: it was not told to connect again */
	fprintf(stderr, "chat: %s\n", gentcp_error_reason(gentcp_error(g)));
	event_base_loopbreak(room->base);
}

static void
stop(evutil_socket_t signal, short what, void *ctx)
{
	struct room *room = ctx;

	(void)signal;
	(void)what;
	event_base_loopbreak(room->base);
}

static int
open_room(struct gentcp *g, struct room *room, int port)
{
	int rc = gentcp_open(g, NULL, 5000);

	gentcp_on_event(g, event, room);
	gentcp_on_state(g, state, room);
	if (rc == GENTCP_OK)
		rc = gentcp_listen(g, port,
		    "packet=line packet_size=1024 active=true reuseaddr=true",
		    &room->listener, &port);
	if (rc == GENTCP_OK)
		rc = gentcp_accept_async(g, room->listener, GENTCP_INFINITY, come, room);
	if (rc == GENTCP_OK)
		printf("listening on port %d\n", port);
	else
		fprintf(stderr, "chat: %s\n", gentcp_error_reason(gentcp_error(g)));
	fflush(stdout);
	return rc;
}

int
main(int argc, char **argv)
{
	struct room room = {.base = event_base_new()};
	struct gentcp *g = gentcp_new();
	struct gentcp_libevent *adapter;
	struct event term;
	int rc;

	if (room.base == NULL || g == NULL ||
	    (adapter = gentcp_libevent_new(g, room.base)) == NULL)
		return 1;
	event_assign(&term, room.base, SIGTERM, EV_SIGNAL | EV_PERSIST, stop, &room);
	event_add(&term, NULL);
	rc = open_room(g, &room, argc > 1 ? atoi(argv[1]) : 0);
	if (rc == GENTCP_OK)
		event_base_dispatch(room.base);
	event_del(&term);
	gentcp_libevent_free(adapter);
	gentcp_free(g);
	event_base_free(room.base);
	return rc == GENTCP_OK ? 0 : 1;
}
