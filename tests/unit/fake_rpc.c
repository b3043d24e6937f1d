/* SPDX-License-Identifier: ISC */
#include "fake_rpc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PUMP = 16 * 1024 };

/* Which rpc a session is of: it lies in its array. */
static struct rpc *
rpc_of(struct session *s)
{
	return (struct rpc *)(void *)(s - s->id);
}

unsigned char
fake_pattern(size_t i)
{
	return (unsigned char)(i * 31 + (i >> 8));
}

void
fake_say(struct session *s, const char *line)
{
	struct bytes *out = s->sink->out(s->ctx);

	bytes_append_str(out, line);
	bytes_append_char(out, '\n');
	s->sink->commit(s->ctx, NULL, 0);
}

static void
say_payload(struct session *s, size_t n)
{
	struct bytes *out = s->sink->out(s->ctx);
	unsigned char *payload = malloc(n + 1);
	size_t i;

	if (payload == NULL)
		abort();
	for (i = 0; i < n; i++)
		payload[i] = fake_pattern(i);
	bytes_append_str(out, "{\"attached\":");
	bytes_append_uint(out, n);
	bytes_append_str(out, "}\n");
	s->sink->commit(s->ctx, payload, n);
	free(payload);
}

static void
say_text(struct session *s, size_t n)
{
	struct bytes *out = s->sink->out(s->ctx);
	unsigned char *room;

	bytes_append_str(out, "{\"x\":\"");
	room = bytes_room(out, n);
	if (room == NULL)
		abort();
	memset(room, 'x', n);
	bytes_put(out, n);
	bytes_append_str(out, "\"}\n");
	s->sink->commit(s->ctx, NULL, 0);
}

static void
pump(struct session *s)
{
	while (s->pump > 0) {
		s->stalled = !s->sink->room(s->ctx);
		if (s->stalled)
			return;
		say_payload(s, PUMP);
		s->pump -= s->pump < PUMP ? s->pump : PUMP;
	}
}

static void
poke(struct session *s, const char *line)
{
	struct rpc *rpc = rpc_of(s);
	size_t i;

	for (i = 0; i < FAKE_SESSIONS; i++)
		if (rpc->sessions[i].used && &rpc->sessions[i] != s)
			fake_say(&rpc->sessions[i], line);
}

struct session *
session_new(struct rpc *rpc, const struct session_sink *sink, void *ctx,
    const struct rpc_who *who)
{
	struct session *s;
	size_t i;

	for (i = 0; i < FAKE_SESSIONS && rpc->sessions[i].used; i++)
		continue;
	if (i == FAKE_SESSIONS ||
	    (rpc->max > 0 && rpc->opened - rpc->freed >= rpc->max)) {
		errno = EUSERS;
		return NULL;
	}
	s = &rpc->sessions[i];
	*s = (struct session){.sink = sink, .ctx = ctx, .id = i, .used = true};
	rpc->opened++;
	rpc->uid = who->uid;
	rpc->pid = who->pid;
	return s;
}

void
session_leave(struct session *s)
{
	struct rpc *rpc = rpc_of(s);

	if (!s->used)
		abort();
	s->used = false;
	rpc->freed++;
	/* a session may speak to others, and even to its own end, as it goes */
	if (rpc->poke_when_freed) {
		fake_say(s, "{\"to\":\"nobody\"}");
		poke(s, "{\"freed\":true}");
	}
}

static void
take_fds(struct rpc *rpc, const int *fds, size_t nfds)
{
	size_t i;

	for (i = 0; i < nfds; i++) {
		if (rpc->last_fd != -1)
			close(rpc->last_fd);
		rpc->last_fd = fds[i];
	}
}

static void
say_count(struct session *s, const struct wire_message *m, size_t nfds)
{
	struct bytes *out = s->sink->out(s->ctx);

	bytes_append_str(out, "{\"fds\":");
	bytes_append_uint(out, nfds);
	bytes_append_str(out, ",\"attached\":");
	bytes_append_uint(out, m->attachment_len);
	bytes_append_str(out, "}\n");
	s->sink->commit(s->ctx, NULL, 0);
}

static void
say_with_fd(struct session *s, const char *line)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		abort();
	if (s->sink->pass(s->ctx, fd))
		fake_say(s, line);
	else
		fake_say(s, "{\"refused\":true}");
}

static bool
does(const char *line, const char *verb)
{
	const char *at = strstr(line, "\"do\":\"");

	return at != NULL && strncmp(at + 6, verb, strlen(verb)) == 0 &&
	    at[6 + strlen(verb)] == '"';
}

bool
session_receive(struct session *s, enum wire_status status, const struct wire_message *m,
    const int *fds, size_t nfds)
{
	struct rpc *rpc = rpc_of(s);
	char *line = strndup(m->text ? m->text : "", m->len);
	const char *at;
	bool sound = true;
	size_t n = 0;

	if (line == NULL || !s->used)
		abort();
	rpc->messages++;
	take_fds(rpc, fds, nfds);
	at = strstr(line, "\"n\":");
	if (at != NULL)
		n = strtoul(at + 4, NULL, 10);
	if (status != WIRE_MESSAGE) {
		fake_say(s, "{\"fault\":true}");
		sound = status != WIRE_BROKEN;
	} else if (does(line, "count")) {
		say_count(s, m, nfds);
	} else if (does(line, "pass")) {
		say_with_fd(s, line);
	} else if (does(line, "payload")) {
		say_payload(s, n);
	} else if (does(line, "text")) {
		say_text(s, n);
	} else if (does(line, "pump")) {
		s->pump = n;
		pump(s);
	} else if (does(line, "broken")) {
		bytes_append_str(s->sink->out(s->ctx), "{\"half");
		s->sink->out(s->ctx)->failed = true;
		s->sink->commit(s->ctx, NULL, 0);
	} else if (!does(line, "eat")) {
		if (does(line, "attach"))
			s->sink->attachments(s->ctx);
		if (does(line, "poke"))
			poke(s, line);
		fake_say(s, line);
		sound = !does(line, "last");
	}
	free(line);
	return sound;
}

void
session_discard(struct session *s, int fd)
{
	(void)s;
	if (fd != -1)
		close(fd);
}

void
rpc_discard(struct rpc *rpc, uid_t uid, int fd)
{
	char nobody[4096];

	(void)rpc;
	(void)uid;
	while (recv(fd, nobody, sizeof(nobody), MSG_DONTWAIT) > 0)
		continue;
	close(fd);
}

void
session_writable(struct session *s)
{
	rpc_of(s)->writables++;
	pump(s);
}

bool
session_hold(struct session *s, size_t bytes)
{
	s->held = bytes;
	return rpc_of(s)->max_held == 0 || bytes <= rpc_of(s)->max_held;
}

bool
session_idle(const struct session *s)
{
	return s->idle;
}

uint64_t
session_id(const struct session *s)
{
	return s->id;
}
