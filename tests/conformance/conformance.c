/* SPDX-License-Identifier: ISC */
/*
 * Runs files of this folder, each a new connection of libgentcp for each client:
 *
 *     conformance file...
 *
 * and says how many steps there were.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/conformance.h"

enum { CLIENTS = 4, LATER = 8 };

struct client {
	struct gentcp *g; /* NULL: not there, or gone */
	json_t *events;	  /* that came before they were waited for */
};

struct later {
	const char *name;
	struct gentcp *g;
	uint64_t id;
	json_t *told; /* NULL until the reply comes */
};

struct runner {
	json_t *names;
	struct client client[CLIENTS]; /* a, b, c, … */
	struct later later[LATER];
	size_t n_later;
};

_Noreturn void
die(const char *what, json_t *about)
{
	char *text = json_dumps(about, JSON_ENCODE_ANY);

	fprintf(stderr, "%s: %s\n", what, text != NULL ? text : "nothing");
	exit(1);
}

static void
check(bool right, const char *what, json_t *step, json_t *told)
{
	if (right)
		return;
	die(what, json_pack("{s:O,s:O*}", "step", step, "told", told));
}

/* --- events ---------------------------------------------------------------------- */

static json_t *
from_event(const struct gentcp_event *e)
{
	json_t *p = e->json != NULL ? json_loads(e->json, JSON_ALLOW_NUL, NULL)
				    : json_object();

	if (e->type == GENTCP_EVENT_DOWN)
		json_object_set_new(p, "monitor", json_integer((json_int_t)e->monitor));
	else
		json_object_set_new(p, "socket", json_integer((json_int_t)e->socket));
	if (e->data != NULL)
		json_object_set_new(p, "data", from_bytes(e->data, e->len));
	if (e->header != NULL)
		json_object_set_new(p, "header", from_bytes(e->header, e->header_len));
	if (e->reason != NULL)
		json_object_set_new(p, "reason", json_string(e->reason));
	if (e->type == GENTCP_EVENT_TCP_OWNER)
		json_object_set_new(p, "from", json_integer((json_int_t)e->from));
	return json_pack("{s:s,s:o}", "event", e->name, "params", p);
}

static void
keep_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct client *c = ctx;

	(void)g;
	json_array_append_new(c->events, from_event(e));
}

/* Is it of the socket or monitor that the step is about, or, of tcp_owner, one? */
static bool
is_about(json_t *event, json_t *step, json_t *wanted)
{
	static const char *const whose[] = {"monitor", "socket"};
	const char *name = json_string_value(json_object_get(step, "event"));
	json_t *id;
	int i;

	if (strcmp(name, "tcp_owner") == 0)
		return json_equal(
		    json_object_get(event, "event"), json_object_get(step, "event"));
	if (strcmp(json_string_value(json_object_get(event, "event")), "tcp_owner") == 0)
		return false;
	for (i = 0; i < 2; i++) {
		id = json_object_get(wanted, whose[i]);
		if (id != NULL)
			return json_equal(id,
			    json_object_get(json_object_get(event, "params"), whose[i]));
	}
	return false;
}

/* The first such event of those that came before; NULL if there is none. */
static json_t *
take_kept(struct client *c, json_t *step, json_t *wanted)
{
	json_t *event;
	size_t i;

	json_array_foreach (c->events, i, event) {
		if (is_about(event, step, wanted)) {
			json_incref(event);
			json_array_remove(c->events, i);
			return event;
		}
	}
	return NULL;
}

/*
 * By gentcp_receive(), one at a time: what has not been received yet goes along with a
 * socket that is given away.
 */
static void
run_event(struct runner *r, struct client *c, json_t *step)
{
	static const char *const whose[] = {"socket", "monitor"};
	json_t *params = json_object_get(step, "params"), *wanted = json_object(), *event,
	       *id;
	const struct gentcp_event *e;
	bool owner = strcmp(json_string_value(json_object_get(step, "event")),
			 "tcp_owner") == 0;
	int i;

	for (i = 0; i < 2 && !owner; i++) {
		id = json_object_get(params, whose[i]);
		if (id != NULL)
			json_object_set_new(wanted, whose[i], fill(r->names, id));
	}
	while ((event = take_kept(c, step, wanted)) == NULL) {
		check(gentcp_receive(c->g, DEADLINE, &e) == GENTCP_OK, "no event", step,
		    NULL);
		keep_event(c->g, e, c);
	}
	check(match(r->names, json_object_get(step, "event"),
		  json_object_get(event, "event"), NULL) &&
		match(r->names, params, json_object_get(event, "params"), NULL),
	    "another event", step, event);
	json_decref(event);
	json_decref(wanted);
}

static void
run_silent(struct runner *r, struct client *c, json_t *step)
{
	json_t *socket = fill(r->names, json_object_get(step, "silent")), *event;
	const struct gentcp_event *e;
	char *self;
	size_t i;

	/* what was there before the answer is here behind it */
	check(gentcp_self(c->g, &self) == GENTCP_OK, "no answer", step, NULL);
	free(self);
	while (gentcp_receive(c->g, 0, &e) == GENTCP_OK)
		keep_event(c->g, e, c);
	json_array_foreach (c->events, i, event) {
		json_t *of = json_object_get(json_object_get(event, "params"), "socket");

		check(!json_equal(of, socket), "an event", step, event);
	}
	json_decref(socket);
}

/* --- calls ----------------------------------------------------------------------- */

static void
answered(json_t *names, json_t *step, json_t *told)
{
	json_t *result = json_object_get(step, "result");
	const char *which = result != NULL ? "result" : "error";

	check(match(names, json_object_get(step, which), json_object_get(told, which),
		  NULL),
	    "another answer", step, told);
	json_decref(told);
}

/* The descriptor that a step passes; -1 for none. */
static int
descriptor(struct runner *r, json_t *fds)
{
	const char *text = json_string_value(json_object_get(fds, "file"));
	struct sockaddr_in to = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	json_t *port;
	int fd;

	if (text != NULL) {
		fd = memfd_create("file", MFD_CLOEXEC);
		if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
			die("memfd", fds);
		return fd;
	}
	if (json_object_get(fds, "connect") == NULL)
		return -1;
	port = fill(r->names, json_object_get(fds, "connect"));
	to.sin_port = htons((uint16_t)json_integer_value(port));
	json_decref(port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("connect", fds);
	return fd;
}

static void
came(struct gentcp *g, const struct gentcp_reply *reply, void *ctx)
{
	struct later *l = ctx;

	(void)g;
	l->told = from_reply(reply);
}

static void
run_call(struct runner *r, struct client *c, json_t *step)
{
	const char *method = json_string_value(json_object_get(step, "call"));
	json_t *params = fill(r->names, json_object_get(step, "params"));
	struct later *l = &r->later[r->n_later];
	char *json;
	int fd;

	if (json_object_get(step, "later") == NULL) {
		fd = descriptor(r, json_object_get(step, "fds"));
		answered(r->names, step, call(c->g, method, params, fd));
		if (fd != -1)
			close(fd);
	} else {
		check(r->n_later < LATER, "too many", step, NULL);
		*l = (struct later){
		    .name = json_string_value(json_object_get(step, "later")), .g = c->g};
		json = json_dumps(params, 0);
		check(gentcp_request(c->g, method, json, NULL, 0, came, l, &l->id) ==
			    GENTCP_OK &&
			gentcp_flush(c->g) == GENTCP_OK,
		    "not sent", step, NULL);
		free(json);
		r->n_later++;
	}
	json_decref(params);
}

static struct later *
find_later(struct runner *r, json_t *step, const char *member)
{
	const char *name = json_string_value(json_object_get(step, member));
	size_t i;

	for (i = 0; i < r->n_later; i++) {
		if (strcmp(r->later[i].name, name) == 0)
			return &r->later[i];
	}
	die("there is no such call", step);
}

static void
run_reply(struct runner *r, json_t *step)
{
	struct later *l = find_later(r, step, "reply");

	while (l->told == NULL)
		check(
		    gentcp_dispatch(l->g, DEADLINE) == GENTCP_OK, "no reply", step, NULL);
	answered(r->names, step, l->told);
	l->told = NULL;
}

static void
run_cancel(struct runner *r, json_t *step)
{
	struct later *l = find_later(r, step, "cancel");

	check(gentcp_cancel(l->g, l->id) == GENTCP_OK, "not sent", step, NULL);
}

/* --- steps ----------------------------------------------------------------------- */

static struct client *
client_of(struct runner *r, json_t *step)
{
	json_t *by = json_object_get(step, "by");
	const char *name = by != NULL ? json_string_value(by) : "a";
	struct client *c = &r->client[name[0] - 'a'];
	char id[8];

	check(c < r->client + CLIENTS, "too many clients", step, NULL);
	if (c->g == NULL) {
		c->g = gentcp_new();
		c->events = json_array();
		check(c->g != NULL && gentcp_open(c->g, NULL, DEADLINE) == GENTCP_OK,
		    "no connection", step, NULL);
		gentcp_on_event(c->g, keep_event, c);
		snprintf(id, sizeof(id), "$%c:id", name[0]);
		json_object_set_new(
		    r->names, id, json_integer((json_int_t)gentcp_client(c->g)));
	}
	return c;
}

static void
end(struct client *c)
{
	gentcp_free(c->g);
	json_decref(c->events);
	*c = (struct client){0};
}

static void
run_step(struct runner *r, json_t *step)
{
	struct client *c = client_of(r, step);

	if (json_object_get(step, "call") != NULL)
		run_call(r, c, step);
	else if (json_object_get(step, "reply") != NULL)
		run_reply(r, step);
	else if (json_object_get(step, "cancel") != NULL)
		run_cancel(r, step);
	else if (json_object_get(step, "event") != NULL)
		run_event(r, c, step);
	else if (json_object_get(step, "silent") != NULL)
		run_silent(r, c, step);
	else if (json_object_get(step, "end") != NULL)
		end(c);
	else
		die("no step", step);
}

static size_t
run_case(json_t *steps)
{
	struct runner r = {.names = json_object()};
	json_t *step;
	size_t i;

	json_array_foreach (steps, i, step) {
		run_step(&r, step);
	}
	for (i = 0; i < CLIENTS; i++)
		if (r.client[i].g != NULL)
			end(&r.client[i]);
	json_decref(r.names);
	return json_array_size(steps);
}

int
main(int argc, char **argv)
{
	size_t steps = 0, j;
	json_t *cases, *one;
	int i;

	for (i = 1; i < argc; i++) {
		cases = json_load_file(argv[i], JSON_ALLOW_NUL, NULL);
		if (!json_is_array(cases))
			die("no cases", json_pack("s", argv[i]));
		json_array_foreach (cases, j, one) {
			steps += run_case(json_object_get(one, "steps"));
		}
		json_decref(cases);
	}
	printf("%zu steps\n", steps);
	return 0;
}
