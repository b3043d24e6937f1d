/* SPDX-License-Identifier: ISC */
/*
 * Sessions on a real tcp context, with sinks that gather what is said: the
 * stage for the tests of src/rpc.
 */
#ifndef TESTS_RPC_FIXTURE_H
#define TESTS_RPC_FIXTURE_H

#include <check.h>
#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rpc/rpc.h"
#include "tcp/tcp.h"

struct client {
	struct session *session;
	struct bytes out;
	bool no_room;
	bool attachments;
	bool idle;
	int fd; /* the last one passed; -1 if none */
	bool refuses_fds;
	bool taken; /* the session was taken from it */
};

struct stage {
	struct event_base *base;
	struct rpc *rpc;
	struct tcp_context *tcp;
	struct client a, b;
	/* time, which a test moves, and rpc_wake() as it was asked for */
	uint64_t now;
	struct clock clock;
	int64_t alarm;
};

static struct bytes *
client_out(void *ctx)
{
	return &((struct client *)ctx)->out;
}

static inline void
client_commit(void *ctx, const void *payload, size_t len)
{
	struct client *c = ctx;

	ck_assert(!bytes_failed(&c->out));
	bytes_append(&c->out, payload, len);
}

static inline bool
client_pass(void *ctx, int fd)
{
	struct client *c = ctx;

	if (c->refuses_fds)
		close(fd);
	else {
		if (c->fd != -1)
			close(c->fd);
		c->fd = fd;
	}
	return !c->refuses_fds;
}

static inline bool
client_room(void *ctx)
{
	return !((struct client *)ctx)->no_room;
}

static inline void
client_attachments(void *ctx)
{
	((struct client *)ctx)->attachments = true;
}

static void
client_idle(void *ctx)
{
	((struct client *)ctx)->idle = true;
}

static inline void
client_adopt(void *ctx, struct session *s)
{
	((struct client *)ctx)->session = s;
}

static inline void
client_taken(void *ctx, struct session *s)
{
	((struct client *)ctx)->session = s;
	((struct client *)ctx)->taken = true;
}

static const struct session_sink client_sink = {.out = client_out,
    .commit = client_commit,
    .pass = client_pass,
    .room = client_room,
    .attachments = client_attachments,
    .idle = client_idle,
    .adopt = client_adopt,
    .taken = client_taken};

static inline uint64_t
stage_now(void *ctx)
{
	return ((struct stage *)ctx)->now;
}

static inline void
stage_alarm(void *ctx, int64_t ms)
{
	((struct stage *)ctx)->alarm = ms;
}

static inline void
client_start(struct stage *st, struct client *c, uid_t uid)
{
	memset(c, 0, sizeof(*c));
	c->fd = -1;
	c->session = session_new(
	    st->rpc, &client_sink, c, &(struct rpc_who){.uid = uid, .pid = getpid()});
	ck_assert_ptr_nonnull(c->session);
}

static inline void
client_end(struct client *c)
{
	session_leave(c->session);
	c->session = NULL;
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	bytes_fini(&c->out);
}

static inline void
stage_init(struct stage *st, const struct rpc_config *config, uid_t a, uid_t b)
{
	st->base = event_base_new();
	st->rpc = rpc_new(config == NULL ? &rpc_config_default : config);
	ck_assert(st->base != NULL && st->rpc != NULL);
	st->tcp = tcp_new(
	    st->base, &clock_monotonic, &tcp_config_default, &rpc_observer, st->rpc);
	ck_assert_ptr_nonnull(st->tcp);
	rpc_set_tcp(st->rpc, st->tcp);
	st->now = 1000;
	st->alarm = -1;
	st->clock = (struct clock){stage_now, st, NULL};
	rpc_set_alarm(st->rpc, &(struct rpc_alarm){&st->clock, stage_alarm, st});
	client_start(st, &st->a, a);
	client_start(st, &st->b, b);
}

static inline void
stage_fini(struct stage *st)
{
	rpc_stop(st->rpc);
	client_end(&st->a);
	client_end(&st->b);
	tcp_free(st->tcp);
	rpc_free(st->rpc);
	event_base_free(st->base);
}

/* Gives the session a line as the wire would; returns session_receive(). */
static inline bool
tell(struct client *c, const char *line)
{
	struct wire_message m = {.text = line, .len = strlen(line)};

	return session_receive(c->session, WIRE_MESSAGE, &m, NULL, 0);
}

static inline bool
tell_attached(struct client *c, const char *line, const void *data, size_t len)
{
	struct wire_message m = {.text = line,
	    .len = strlen(line),
	    .attached = true,
	    .attachment = data,
	    .attachment_len = len};

	return session_receive(c->session, WIRE_MESSAGE, &m, NULL, 0);
}

/* The next line that was said, or NULL after two seconds of loop turns. */
static inline json_t *
hear(struct stage *st, struct client *c)
{
	const struct timeval turn = {0, 20000};
	uint64_t until = clock_deadline(&clock_monotonic, 2000);
	json_t *json;
	char *end;

	while (bytes_len(&c->out) == 0 ||
	    (end = memchr(bytes_head(&c->out), '\n', bytes_len(&c->out))) == NULL) {
		if (clock_left(&clock_monotonic, until) == 0)
			return NULL;
		event_base_loopexit(st->base, &turn);
		event_base_loop(st->base, EVLOOP_ONCE);
		tcp_reap(st->tcp);
	}
	json = json_loadb((char *)bytes_head(&c->out),
	    (size_t)(end - (char *)bytes_head(&c->out)), 0, NULL);
	ck_assert_ptr_nonnull(json);
	bytes_take(&c->out, (size_t)(end - (char *)bytes_head(&c->out)) + 1);
	return json;
}

/* What is said next must be this JSON. */
static inline void
expect(struct stage *st, struct client *c, const char *text)
{
	json_t *wanted = json_loads(text, 0, NULL), *got = hear(st, c);
	char *shown = got == NULL ? NULL : json_dumps(got, JSON_COMPACT);

	ck_assert_ptr_nonnull(wanted);
	ck_assert_msg(got != NULL, "nothing was said; wanted %s", text);
	ck_assert_msg(json_equal(wanted, got), "said %s; wanted %s", shown, text);
	free(shown);
	json_decref(wanted);
	json_decref(got);
}

/* What is said next must be an error with that code. */
static inline void
expect_error(struct stage *st, struct client *c, int code)
{
	json_t *got = hear(st, c);

	ck_assert_ptr_nonnull(got);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(json_object_get(got, "error"), "code")),
	    code);
	json_decref(got);
}

/* The next answer's result, as a number member (or the result itself if NULL). */
static inline json_int_t
hear_number(struct stage *st, struct client *c, const char *member)
{
	json_t *got = hear(st, c), *value;
	json_int_t number;

	ck_assert_ptr_nonnull(got);
	value = json_object_get(got, "result");
	if (member != NULL)
		value = json_object_get(value, member);
	ck_assert(json_is_integer(value));
	number = json_integer_value(value);
	json_decref(got);
	return number;
}

__attribute__((format(printf, 2, 3))) static inline bool
tellf(struct client *c, const char *format, ...)
{
	char line[1024];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	ck_assert(n > 0 && (size_t)n < sizeof(line));
	return tell(c, line);
}

/* A connected pair: *left is of a, *right of b.  Raw, passive. */
static inline void
connect_pair(struct stage *st, json_int_t *left, json_int_t *right)
{
	json_int_t listener, port;
	json_t *got;

	tell(&st->b,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.listen\","
	    "\"params\":[0,{\"active\":false,\"ip\":\"127.0.0.1\"}]}");
	got = hear(st, &st->b);
	listener = json_integer_value(
	    json_object_get(json_object_get(got, "result"), "socket"));
	port = json_integer_value(
	    json_object_get(json_object_get(got, "result"), "port"));
	ck_assert(listener > 0 && port > 0);
	json_decref(got);
	tellf(&st->b,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"gen_tcp.accept\",\"params\":"
	    "[%d]}",
	    (int)listener);
	tellf(&st->a,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.connect\",\"params\":"
	    "[\"127.0.0.1\",%d,{\"active\":false}]}",
	    (int)port);
	*left = hear_number(st, &st->a, "socket");
	*right = hear_number(st, &st->b, "socket");
}

#endif
