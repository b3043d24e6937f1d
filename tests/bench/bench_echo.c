/* SPDX-License-Identifier: ISC */
/*
 * Load for echo servers on 127.0.0.1: frames of packet 4 on many connections,
 * some of them in flight on each.  One thread, epoll.  Every byte that comes
 * back is compared.  Prints one line of JSON.
 *
 *   echo    -c connections with -f frames of -b bytes in flight, for -s seconds
 *           after -w ms of warming up; -i further connections do nothing
 *   churn   -c connections at a time are opened, echo one frame, and are closed
 *   idle    -c connections echo one frame and stay, until standard input ends
 *
 * Connections come from many addresses 127.0.0.x, so that ports suffice.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_util.h"

static const char usage[] = "bench_echo echo|churn|idle -p PORT [-c CONNS] [-f FRAMES] "
			    "[-b BYTES] [-s SECONDS] [-w MS] [-i IDLE]";

enum { EVENTS = 512, BLOCK = 1 << 20, SOURCES = 240, QUIET_MS = 10000 };

struct conn {
	int fd;
	bool connecting, blocked;
	size_t owed;	  /* bytes still to be written */
	size_t sent, got; /* position in the frames, for both ways */
	size_t partial;	  /* bytes of the frame that is coming in */
	uint64_t *times;  /* when each frame in flight was queued, a ring */
	size_t first;	  /* the oldest in it */
};

struct bench {
	int ep, port, source;
	long conns, frames, bytes, seconds, warm_ms, idle;
	size_t frame;  /* 4 + bytes */
	size_t period; /* bytes in wire: frames, or one for churn */
	char *wire;    /* the frames twice over, so that any span is there */
	char *block;
	bool counting, churn;
	uint64_t messages, opened;
	struct histogram *h;
	struct conn *conn;
};

/* --- connections ------------------------------------------------------------ */

static void
watch(struct bench *b, struct conn *c, int op)
{
	struct epoll_event e = {.data.ptr = c};

	e.events = EPOLLIN | (c->connecting || c->blocked ? EPOLLOUT : 0U);
	if (epoll_ctl(b->ep, op, c->fd, &e) != 0)
		bench_die("epoll_ctl");
}

static int
open_from_next_source(struct bench *b)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

	from.sin_addr.s_addr = htonl(0x7f000002U + (unsigned)(b->source++ % SOURCES));
	if (fd == -1 ||
	    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0)
		bench_die("socket");
	return fd;
}

static void
start(struct bench *b, struct conn *c)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)b->port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	c->fd = open_from_next_source(b);
	if (connect(c->fd, (struct sockaddr *)&to, sizeof(to)) != 0 &&
	    errno != EINPROGRESS)
		bench_die("connect");
	c->connecting = true;
	c->blocked = false;
	c->owed = c->sent = c->got = c->partial = c->first = 0;
	watch(b, c, EPOLL_CTL_ADD);
}

/* --- frames ----------------------------------------------------------------- */

/* Writes what is owed, as far as it goes. */
static void
put(struct bench *b, struct conn *c)
{
	bool before = c->blocked;
	ssize_t n;

	c->blocked = false;
	while (c->owed > 0) {
		n = send(c->fd, b->wire + c->sent,
		    c->owed < b->period ? c->owed : b->period, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			c->blocked = true;
			break;
		}
		if (n < 0)
			bench_die("send");
		c->sent = (c->sent + (size_t)n) % b->period;
		c->owed -= (size_t)n;
	}
	if (c->blocked != before)
		watch(b, c, EPOLL_CTL_MOD);
}

/* Queues n frames more. */
static void
owe(struct bench *b, struct conn *c, size_t n, uint64_t now)
{
	size_t i, frames = b->period / b->frame, in_flight;

	/* the ring's free places begin behind those in flight */
	in_flight = frames - n;
	for (i = 0; i < n; i++)
		c->times[(c->first + in_flight + i) % frames] = now;
	c->owed += n * b->frame;
	put(b, c);
}

static void
connected(struct bench *b, struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		errno = error != 0 ? error : errno;
		bench_die("connect");
	}
	c->connecting = false;
	watch(b, c, EPOLL_CTL_MOD);
	b->opened++;
	owe(b, c, b->period / b->frame, bench_now());
}

/* Compares n bytes with what was sent. */
static void
compare(struct bench *b, struct conn *c, const char *data, size_t n)
{
	size_t span;

	while (n > 0) {
		span = n < b->period ? n : b->period;
		if (memcmp(data, b->wire + c->got, span) != 0) {
			fprintf(stderr, "bench_echo: other bytes came back\n");
			exit(1);
		}
		c->got = (c->got + span) % b->period;
		data += span;
		n -= span;
	}
}

/* Takes the frames that are complete with n bytes more; how many. */
static size_t
take(struct bench *b, struct conn *c, size_t n, uint64_t now)
{
	size_t frames = (c->partial + n) / b->frame, ring = b->period / b->frame, i;

	c->partial = (c->partial + n) % b->frame;
	for (i = 0; i < frames; i++) {
		if (b->counting)
			histogram_add(b->h, now - c->times[c->first]);
		c->first = (c->first + 1) % ring;
	}
	b->messages += frames;
	return frames;
}

/* Reads what there is; how many frames that completed. */
static size_t
get(struct bench *b, struct conn *c, uint64_t *now)
{
	ssize_t n = recv(c->fd, b->block, BLOCK, 0);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		if (n == 0)
			errno = ECONNRESET;
		bench_die("recv");
	}
	*now = bench_now();
	compare(b, c, b->block, (size_t)n);
	return take(b, c, (size_t)n, *now);
}

/* --- turns ------------------------------------------------------------------ */

/* What happened on a connection; how many frames came back. */
static size_t
handle(struct bench *b, struct conn *c, unsigned events, uint64_t *now)
{
	if (c->connecting) {
		connected(b, c);
		return 0;
	}
	if ((events & EPOLLOUT) != 0)
		put(b, c);
	if ((events & ~(unsigned)EPOLLOUT) == 0)
		return 0;
	return get(b, c, now);
}

static int
turn(struct bench *b, struct epoll_event *events)
{
	int n = epoll_wait(b->ep, events, EVENTS, QUIET_MS);

	if (n == 0) {
		fprintf(stderr, "bench_echo: nothing came back for %d ms\n", QUIET_MS);
		exit(1);
	}
	if (n < 0)
		bench_die("epoll_wait");
	return n;
}

/* Runs until the time is over (0: until each connection has echoed once). */
static void
run(struct bench *b, uint64_t until)
{
	struct epoll_event events[EVENTS];
	uint64_t now = bench_now(), wanted = b->messages + (uint64_t)b->conns;
	size_t frames;
	int i, n;

	while (until != 0 ? now < until : b->messages < wanted) {
		n = turn(b, events);
		for (i = 0; i < n; i++) {
			struct conn *c = events[i].data.ptr;

			frames = handle(b, c, events[i].events, &now);
			if (frames == 0 || until == 0)
				continue;
			if (b->churn) {
				close(c->fd);
				start(b, c);
			} else
				owe(b, c, frames, now);
		}
		now = bench_now();
	}
}

/* --- the three kinds -------------------------------------------------------- */

/* Connections that have echoed a frame and then do nothing. */
static void
settle(struct bench *b, long count)
{
	struct bench idle = *b;
	long done, i;

	idle.period = b->frame;
	for (done = 0; done < count; done += idle.conns) {
		idle.conns = count - done < 500 ? count - done : 500;
		idle.conn = bench_zalloc((size_t)idle.conns, sizeof(*idle.conn));
		for (i = 0; i < idle.conns; i++) {
			idle.conn[i].times = bench_zalloc(1, sizeof(uint64_t));
			start(&idle, &idle.conn[i]);
		}
		run(&idle, 0);
	}
	b->source = idle.source;
}

static void
report(const struct bench *b, double seconds)
{
	double rate = (double)b->messages / seconds;

	printf("{\"seconds\":%.3f,\"messages\":%llu,\"per_second\":%.0f,"
	       "\"mb_per_second\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f}\n",
	    seconds, (unsigned long long)b->messages, rate, rate * (double)b->bytes / 1e6,
	    (double)histogram_at(b->h, 0.5) / 1e3,
	    (double)histogram_at(b->h, 0.99) / 1e3);
}

static void
measure(struct bench *b)
{
	uint64_t begin;
	long i;

	b->conn = bench_zalloc((size_t)b->conns, sizeof(*b->conn));
	for (i = 0; i < b->conns; i++) {
		b->conn[i].times = bench_zalloc((size_t)b->frames, sizeof(uint64_t));
		start(b, &b->conn[i]);
	}
	run(b, bench_now() + (uint64_t)b->warm_ms * 1000000U);
	b->messages = 0;
	b->counting = true;
	begin = bench_now();
	run(b, begin + (uint64_t)b->seconds * 1000000000U);
	report(b, (double)(bench_now() - begin) / 1e9);
}

static void
prepare(struct bench *b)
{
	uint32_t length = htonl((uint32_t)b->bytes);
	size_t i, j, frames;

	b->frame = 4 + (size_t)b->bytes;
	b->period = (size_t)b->frames * b->frame;
	b->wire = bench_zalloc(2, b->period);
	b->block = bench_zalloc(1, BLOCK);
	b->h = bench_zalloc(1, sizeof(*b->h));
	frames = 2 * (size_t)b->frames;
	for (i = 0; i < frames; i++) {
		memcpy(b->wire + i * b->frame, &length, 4);
		for (j = 4; j < b->frame; j++) /* letters: no escape in JSON */
			b->wire[i * b->frame + j] = (char)('a' +
			    (i % (size_t)b->frames * 7 + j) % 26);
	}
}

static void
arguments(struct bench *b, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "p:c:f:b:s:w:i:")) != -1) {
		switch (opt) {
		case 'p':
			b->port = (int)bench_number(optarg, 1, 65535, usage);
			break;
		case 'c':
			b->conns = bench_number(optarg, 1, 200000, usage);
			break;
		case 'f':
			b->frames = bench_number(optarg, 1, 10000, usage);
			break;
		case 'b':
			b->bytes = bench_number(optarg, 0, 1 << 24, usage);
			break;
		case 's':
			b->seconds = bench_number(optarg, 1, 60, usage);
			break;
		case 'w':
			b->warm_ms = bench_number(optarg, 0, 60000, usage);
			break;
		case 'i':
			b->idle = bench_number(optarg, 0, 200000, usage);
			break;
		default:
			bench_usage(usage);
		}
	}
	if (b->port == 0 || optind != argc - 1)
		bench_usage(usage);
}

int
main(int argc, char **argv)
{
	struct bench b = {.conns = 1,
	    .frames = 1,
	    .bytes = 64,
	    .seconds = 3,
	    .warm_ms = 500,
	    .ep = epoll_create1(EPOLL_CLOEXEC)};
	const char *kind;

	arguments(&b, argc, argv);
	kind = argv[optind];
	if (b.ep == -1)
		bench_die("epoll");
	bench_descriptors();
	b.churn = strcmp(kind, "churn") == 0;
	if (b.churn)
		b.frames = 1;
	prepare(&b);
	if (strcmp(kind, "idle") == 0) {
		settle(&b, b.conns);
		printf("idle\n");
		fflush(stdout);
		while (getchar() != EOF)
			;
	} else if (b.churn || strcmp(kind, "echo") == 0) {
		settle(&b, b.idle);
		measure(&b);
	} else
		bench_usage(usage);
	return 0;
}
