/* SPDX-License-Identifier: ISC */
/* What the benches share: time, errors, a histogram of durations. */
#ifndef BENCH_UTIL_H
#define BENCH_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Monotonic time in ns. */
uint64_t bench_now(void);

/* Says what failed (with errno's text) and ends with status 1. */
_Noreturn void bench_die(const char *what);
/* The same for a usage error: status 2. */
_Noreturn void bench_usage(const char *text);

/* A whole number from min to max, or the end by bench_usage(). */
long bench_number(const char *text, long min, long max, const char *usage);

/* Zeroed memory, or the end. */
void *bench_zalloc(size_t count, size_t size);

/* Asks for as many descriptors as may be had. */
void bench_descriptors(void);

/* A non-blocking socket with TCP_NODELAY that listens on 127.0.0.1; *port is it. */
int bench_listen(int *port);

/* A stream connected to the Unix socket at path. */
int bench_dial(const char *path);
/* Sends all of it, waiting where it has to. */
void bench_put(int fd, const char *data, size_t len);

/*
 * Durations in 64 steps for each doubling: an error of at most 1.6 %.  Of
 * fixed size, so that a sample costs a few instructions.
 */
enum { HISTOGRAM_STEPS = 64, HISTOGRAM_SIZE = 64 * HISTOGRAM_STEPS };

struct histogram {
	uint64_t count[HISTOGRAM_SIZE];
	uint64_t total;
};

void histogram_add(struct histogram *h, uint64_t ns);
/* The duration in ns below which that share (0..1) of the samples lies. */
uint64_t histogram_at(const struct histogram *h, double share);

#endif
