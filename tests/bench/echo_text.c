/* SPDX-License-Identifier: ISC */
/*
 * An echo server behind gentcpd whose bytes travel as JSON strings both ways, as
 * for a client in a scripting language: packet 4, active true, one process for all
 * connections.  It writes its lines by hand, so that the daemon is measured and
 * not a JSON library: an event's line becomes the send's by another method.
 * Prints "port N", runs until it is killed.
 *
 *   GENTCPD_SOCKET=… echo_text
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bench_util.h"

enum { ACCEPTORS = 256, BLOCK = 256 * 1024 };

/* Bytes to be read on, or written. */
struct text {
	char *base;
	size_t len, size;
};

static const char hello[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.listen\",\"params\":"
    "{\"port\":0,\"options\":[\"binary\",{\"packet\":4},{\"active\":true},"
    "{\"nodelay\":true},{\"backlog\":4096},{\"ip\":\"127.0.0.1\"}]}}\n";
static const char event_head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",";
static const char send_head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"gen_tcp.send\",";
static const char accepted_head[] = "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":";

#define LENGTH(text) (sizeof(text) - 1)

static void
make_room(struct text *t, size_t n)
{
	if (t->size - t->len >= n)
		return;
	t->size = 2 * (t->size + n);
	t->base = realloc(t->base, t->size);
	if (t->base == NULL)
		bench_die("realloc");
}

static void
append(struct text *t, const char *data, size_t len)
{
	make_room(t, len);
	memcpy(t->base + t->len, data, len);
	t->len += len;
}

static void
drop(struct text *t, size_t n)
{
	t->len -= n;
	if (t->len > 0)
		memmove(t->base, t->base + n, t->len);
}

static void
ask_accept(struct text *out, unsigned long long listener)
{
	char line[128];
	int n = snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"gen_tcp.accept\",\"params\":"
	    "{\"socket\":%llu}}\n",
	    listener);

	append(out, line, (size_t)n);
}

static bool
begins(const char *line, size_t len, const char *head, size_t head_len)
{
	return len >= head_len && memcmp(line, head, head_len) == 0;
}

/* Answers a line: an event by a send, an accepted connection by the next accept. */
static void
answer(struct text *out, const char *line, size_t len, unsigned long long listener)
{
	if (begins(line, len, event_head, LENGTH(event_head))) {
		append(out, send_head, LENGTH(send_head));
		append(out, line + LENGTH(event_head), len - LENGTH(event_head));
	} else if (begins(line, len, accepted_head, LENGTH(accepted_head)))
		ask_accept(out, listener);
	else if (memmem(line, len, "\"error\"", 7) != NULL) {
		fprintf(stderr, "echo_text: %.*s", (int)len, line);
		exit(1);
	}
}

/* Answers all whole lines of in. */
static void
answer_all(struct text *in, struct text *out, unsigned long long listener)
{
	size_t at = 0;
	char *lf;

	while ((lf = memchr(in->base + at, '\n', in->len - at)) != NULL) {
		size_t len = (size_t)(lf - in->base) + 1 - at;

		answer(out, in->base + at, len, listener);
		at += len;
	}
	drop(in, at);
}

static bool
failed(ssize_t n)
{
	return n < 0 && errno != EAGAIN && errno != EINTR;
}

static void
turn(int fd, struct text *in, struct text *out, unsigned long long listener)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	if (out->len > 0) {
		n = send(fd, out->base, out->len, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (failed(n))
			bench_die("send");
		drop(out, n > 0 ? (size_t)n : 0);
	}
	if (out->len > 0)
		p.events |= POLLOUT;
	if (poll(&p, 1, -1) == -1 && errno != EINTR)
		bench_die("poll");
	make_room(in, BLOCK);
	n = recv(fd, in->base + in->len, in->size - in->len, MSG_DONTWAIT);
	if (n == 0)
		exit(0);
	if (failed(n))
		bench_die("recv");
	in->len += n > 0 ? (size_t)n : 0;
	answer_all(in, out, listener);
}

/* {"jsonrpc":"2.0","id":1,"result":{"port":P,"socket":N}} */
static unsigned long long
member(const char *line, const char *name)
{
	const char *p = strstr(line, name);

	if (p == NULL) {
		fprintf(stderr, "echo_text: %s", line);
		exit(1);
	}
	return strtoull(p + strlen(name), NULL, 10);
}

int
main(int argc, char **argv)
{
	const char *path = getenv("GENTCPD_SOCKET");
	struct text in = {0}, out = {0};
	unsigned long long listener;
	char line[256];
	ssize_t n;
	int fd, i;

	(void)argv;
	if (argc > 1 || path == NULL)
		bench_usage("GENTCPD_SOCKET=... echo_text");
	fd = bench_dial(path);
	bench_put(fd, hello, LENGTH(hello));
	n = recv(fd, line, sizeof(line) - 1, 0);
	if (n <= 0)
		bench_die("recv");
	line[n] = '\0';
	listener = member(line, "\"socket\":");
	for (i = 0; i < ACCEPTORS; i++)
		ask_accept(&out, listener);
	printf("port %llu\n", member(line, "\"port\":"));
	fflush(stdout);
	for (;;)
		turn(fd, &in, &out, listener);
}
