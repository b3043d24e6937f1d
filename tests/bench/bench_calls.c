/* SPDX-License-Identifier: ISC */
/*
 * Requests per second on one control connection: the same request over and
 * over, some of them in flight.  Prints one line of JSON.
 *
 *   bench_calls SOCKET [IN_FLIGHT [SECONDS]]
 *
 * The request is inet.getopts of a listener.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bench_util.h"

static const char usage[] = "bench_calls SOCKET [IN_FLIGHT [SECONDS]]";

enum { BLOCK = 65536 };

static const char hello[] =
    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"gen_tcp.listen\",\"params\":"
    "{\"port\":0,\"options\":{\"ip\":\"127.0.0.1\"}}}\n";

/* Reads once; how many lines ended.  Any error reply is the end. */
static size_t
get(int fd, char *block)
{
	ssize_t n = recv(fd, block, BLOCK, 0);
	size_t lines = 0;
	char *p = block, *end;

	if (n <= 0)
		bench_die("recv");
	block[n] = '\0';
	if (strstr(block, "\"error\"") != NULL) {
		fprintf(stderr, "bench_calls: %s\n", block);
		exit(1);
	}
	for (end = block + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		lines++;
	return lines;
}

/* The listener's number, from the reply. */
static unsigned long long
open_listener(int fd, char *block)
{
	const char *p;

	bench_put(fd, hello, sizeof(hello) - 1);
	if (get(fd, block) != 1 || (p = strstr(block, "\"socket\":")) == NULL) {
		fprintf(stderr, "bench_calls: %s\n", block);
		exit(1);
	}
	return strtoull(p + 9, NULL, 10);
}

static void
measure(int fd, char *block, size_t in_flight, long seconds)
{
	char line[256], *lines;
	uint64_t begin, now, calls = 0, until;
	size_t len, i, n;

	len = (size_t)snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"inet.getopts\",\"params\":"
	    "{\"socket\":%llu,\"names\":[\"active\",\"packet\",\"nodelay\"]}}\n",
	    open_listener(fd, block));
	lines = bench_zalloc(in_flight, len);
	for (i = 0; i < in_flight; i++)
		memcpy(lines + i * len, line, len);
	bench_put(fd, lines, in_flight * len);
	begin = now = bench_now();
	until = begin + (uint64_t)seconds * 1000000000U;
	while (now < until) {
		n = get(fd, block);
		calls += n;
		bench_put(fd, lines, n * len);
		now = bench_now();
	}
	printf("{\"seconds\":%.3f,\"calls\":%llu,\"per_second\":%.0f}\n",
	    (double)(now - begin) / 1e9, (unsigned long long)calls,
	    (double)calls * 1e9 / (double)(now - begin));
}

int
main(int argc, char **argv)
{
	long in_flight = argc > 2 ? bench_number(argv[2], 1, 4000, usage) : 64;
	long seconds = argc > 3 ? bench_number(argv[3], 1, 60, usage) : 3;

	if (argc < 2 || argc > 4)
		bench_usage(usage);
	measure(
	    bench_dial(argv[1]), bench_zalloc(1, BLOCK + 1), (size_t)in_flight, seconds);
	return 0;
}
