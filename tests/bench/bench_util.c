/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "bench_util.h"

uint64_t
bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void
bench_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

void
bench_usage(const char *text)
{
	fprintf(stderr, "usage: %s\n", text);
	exit(2);
}

long
bench_number(const char *text, long min, long max, const char *usage)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
		bench_usage(usage);
	return n;
}

void *
bench_zalloc(size_t count, size_t size)
{
	void *p = calloc(count, size);

	if (p == NULL)
		bench_die("memory");
	return p;
}

void
bench_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
bench_listen(int *port)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	socklen_t len = sizeof(a);

	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		bench_die("listen");
	*port = ntohs(a.sin_port);
	return fd;
}

/* ns -> step: below 64 itself, then 64 for each doubling. */
static unsigned
step_of(uint64_t ns)
{
	unsigned shift;

	if (ns < HISTOGRAM_STEPS)
		return (unsigned)ns;
	shift = 63U - (unsigned)__builtin_clzll(ns) - 6U;
	return (shift + 1) * HISTOGRAM_STEPS +
	    (unsigned)((ns >> shift) - HISTOGRAM_STEPS);
}

/* The middle of a step. */
static uint64_t
ns_of(unsigned step)
{
	unsigned shift = step / HISTOGRAM_STEPS;

	if (shift == 0)
		return step;
	shift--;
	return ((uint64_t)(HISTOGRAM_STEPS + step % HISTOGRAM_STEPS) << shift) +
	    ((uint64_t)1 << shift) / 2;
}

int
bench_dial(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		bench_usage("the path of the control socket is too long");
	memcpy(a.sun_path, path, strlen(path));
	if (fd == -1 || connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		bench_die("connect");
	return fd;
}

void
bench_put(int fd, const char *data, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0)
			bench_die("send");
		data += n;
		len -= (size_t)n;
	}
}

void
histogram_add(struct histogram *h, uint64_t ns)
{
	h->count[step_of(ns)]++;
	h->total++;
}

uint64_t
histogram_at(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)((double)h->total * share), seen = 0;
	unsigned i;

	for (i = 0; i < HISTOGRAM_SIZE; i++) {
		seen += h->count[i];
		if (seen > wanted)
			return ns_of(i);
	}
	return 0;
}
