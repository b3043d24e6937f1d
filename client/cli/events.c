/* SPDX-License-Identifier: ISC */
/* gentcp-cli events, wait-for: what comes for the sockets of the session. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/listing.h"
#include "client/cli/output.h"
#include "client/cli/session.h"
#include "client/cli/wait.h"
#include "proto/event.h"

enum { FILTER_MAX = 64 };

/* What is wanted; an empty list is everything. */
struct filter {
	uint64_t sockets[FILTER_MAX];
	const char *names[FILTER_MAX];
	size_t socket_count, name_count;
};

static bool
read_filter(struct filter *f, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (f->socket_count == FILTER_MAX || f->name_count == FILTER_MAX) {
			cli_complain("events: more than %d are too many", FILTER_MAX);
			return false;
		}
		if (event_find(argv[i]) != EVENT_COUNT)
			f->names[f->name_count++] = argv[i];
		else {
			f->sockets[f->socket_count] = listing_socket("events", argv[i]);
			if (f->sockets[f->socket_count++] == 0)
				return false;
		}
	}
	return true;
}

static bool
is_wanted(const struct filter *f, const struct gentcp_event *e)
{
	bool socket = f->socket_count == 0, name = f->name_count == 0;

	for (size_t i = 0; i < f->socket_count && !socket; i++)
		socket = f->sockets[i] == e->socket;
	for (size_t i = 0; i < f->name_count && !name; i++)
		name = strcmp(f->names[i], e->name) == 0;
	return socket && name;
}

/* Waits for an event: GENTCP_OK, GENTCP_TIMEOUT, or GENTCP_LOST and the like. */
static int
receive(struct cli *cli, int64_t deadline, const struct gentcp_event **e)
{
	int rc;

	for (;;) {
		rc = gentcp_receive(cli->g, wait_left(deadline), e);
		if (rc == GENTCP_OK && strcmp((*e)->name, "taken") == 0)
			cli->taken = true; /* it is no socket's, and the end follows */
		else if (rc != GENTCP_TIMEOUT || wait_left(deadline) == 0)
			return rc;
	}
}

static int
receive_failed(struct cli *cli, const char *what)
{
	if (!cli->taken)
		return cli_failed(cli, what, gentcp_error(cli->g));
	cli_complain(
	    "%s: another command attached to the session: one may at a time", what);
	return CLI_NO_DAEMON;
}

/* --- events ------------------------------------------------------------------- */

/* No event within the time: that is an end unless some are missing. */
static int
in_time(const struct cli *cli, uint64_t seen)
{
	if (cli->count == 0)
		return CLI_OK;
	if (!cli->brief)
		cli_complain("events: %llu of %llu within %g s", (unsigned long long)seen,
		    (unsigned long long)cli->count, cli->timeout / 1000.0);
	return CLI_TIMEOUT;
}

/* Each is acknowledged when it was printed: a command that is killed loses none. */
static int
print_events(struct cli *cli, const struct filter *f)
{
	int64_t deadline = wait_deadline(cli->timeout);
	const struct gentcp_event *e;
	uint64_t seen = 0, last = 0;
	int rc = GENTCP_OK, code = CLI_OK;

	while (code == CLI_OK && (cli->count == 0 || seen < cli->count)) {
		rc = receive(cli, deadline, &e);
		if (rc != GENTCP_OK)
			break;
		if (is_wanted(f, e)) {
			seen++;
			if (!cli_print_event(cli, e))
				return CLI_ERROR;
		}
		last = e->seq;
		session_ack(cli, last, false);
	}
	if (rc == GENTCP_OK || rc == GENTCP_TIMEOUT)
		session_ack(cli, last, true);
	if (rc == GENTCP_TIMEOUT)
		return in_time(cli, seen);
	return rc == GENTCP_OK ? code : receive_failed(cli, "events");
}

int
events_command(struct cli *cli, int argc, char **argv)
{
	struct filter f = {0};
	struct session s;
	int code;

	if (!read_filter(&f, argc, argv))
		return cli_usage("events");
	if (!session_read(&s, "events"))
		return CLI_USAGE;
	code = cli_connect(cli, "attached");
	if (code == CLI_OK)
		code = session_attach(cli, &s);
	if (code == CLI_OK)
		code = print_events(cli, &f);
	cli_disconnect(cli);
	return code;
}

/* --- wait-for ----------------------------------------------------------------- */

struct wait_for {
	struct cli *cli;
	uint64_t socket;
	const char *name;
	int timeout;
	size_t passed; /* bytes of events that are not it */
};

static int
closed(const struct wait_for *w)
{
	if (!w->cli->brief)
		cli_complain("wait-for: socket %llu is closed: no %s will come",
		    (unsigned long long)w->socket, w->name);
	return CLI_CLOSED;
}

static int
late(const struct wait_for *w)
{
	enum { MUCH = 512 * 1024 };

	if (!w->cli->brief) {
		cli_complain("wait-for: no %s within %g s", w->name, w->timeout / 1000.0);
		if (w->passed >= MUCH)
			cli_complain("much waits before it; take it: gentcp-cli events");
	}
	return CLI_TIMEOUT;
}

/* 1: it came; 0: not yet; -1: it will not. */
static int
look_at(struct wait_for *w, const struct gentcp_event *e)
{
	w->passed += e->len + sizeof *e;
	if (e->socket != w->socket)
		return 0;
	if (strcmp(e->name, w->name) == 0)
		return 1;
	return e->type == GENTCP_EVENT_TCP_CLOSED ? -1 : 0;
}

/* Nothing is acknowledged: all of it stays for events. */
static int
wait_until(struct wait_for *w, int64_t deadline)
{
	const struct gentcp_event *e;
	int rc, found = 0;

	while (found == 0) {
		rc = receive(w->cli, deadline, &e);
		if (rc == GENTCP_TIMEOUT)
			return late(w);
		if (rc != GENTCP_OK)
			return receive_failed(w->cli, "wait-for");
		found = look_at(w, e);
	}
	return found > 0 ? CLI_OK : closed(w);
}

/* Is it there?  Events that came before the answer are held until they are asked for. */
static int
wait_for_it(struct wait_for *w)
{
	int64_t deadline = wait_deadline(w->timeout);
	const struct gentcp_event *e;
	char *text = NULL;
	bool gone;
	int found = 0;

	if (gentcp_info(w->cli->g, w->socket, &text) != GENTCP_OK)
		return cli_failed(w->cli, "wait-for", gentcp_error(w->cli->g));
	gone = strstr(text, "\"socket\"") == NULL;
	free(text);
	while (gone && found == 0 && gentcp_receive(w->cli->g, 0, &e) == GENTCP_OK)
		found = look_at(w, e);
	if (gone)
		return found > 0 ? CLI_OK : closed(w);
	return wait_until(w, deadline);
}

/* A monitor of our own tells that: no session is needed. */
static int
wait_for_down(struct wait_for *w)
{
	uint64_t monitor;

	if (gentcp_monitor(w->cli->g, w->socket, &monitor) != GENTCP_OK)
		return cli_failed(w->cli, "wait-for", gentcp_error(w->cli->g));
	return wait_until(w, wait_deadline(w->timeout));
}

/* ms, or infinity. */
static bool
read_timeout(struct wait_for *w, const char *text)
{
	char *end;
	long ms;

	errno = 0;
	ms = strtol(text, &end, 10);
	w->timeout = GENTCP_INFINITY;
	if (strcmp(text, "infinity") == 0)
		return true;
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || ms > INT32_MAX) {
		cli_complain("wait-for: a timeout is a number of ms, or infinity");
		return false;
	}
	w->timeout = (int)ms;
	return true;
}

static bool
read_arguments(struct wait_for *w, int argc, char **argv)
{
	if (argc < 2 || argc > 3)
		return false;
	w->socket = listing_socket("wait-for", argv[0]);
	w->name = argv[1];
	if (w->socket == 0)
		return false;
	if (event_find(w->name) == EVENT_COUNT) {
		cli_complain("wait-for: there is no event %s", w->name);
		return false;
	}
	return argc < 3 || read_timeout(w, argv[2]);
}

int
wait_for_command(struct cli *cli, int argc, char **argv)
{
	struct wait_for w = {.cli = cli, .timeout = cli->timeout};
	struct session s;
	bool down;
	int code;

	if (!read_arguments(&w, argc, argv))
		return cli_usage("wait-for");
	down = strcmp(w.name, "down") == 0;
	if (!down && !session_read(&s, "wait-for"))
		return CLI_USAGE;
	code = cli_connect(cli, "attached");
	if (code == CLI_OK && !down)
		code = session_attach(cli, &s);
	if (code == CLI_OK) {
		gentcp_set_timeout(cli->g, CLI_DEADLINE);
		code = down ? wait_for_down(&w) : wait_for_it(&w);
	}
	cli_disconnect(cli);
	return code;
}
