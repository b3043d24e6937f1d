/* SPDX-License-Identifier: ISC */
/*
 * GET /metrics, for Prometheus: a few connections at a time, a small request and a
 * deadline for each, and nothing that changes anything.
 *
 * It is libevent's evhttp, which speaks the HTTP; how many connections there are, and
 * how long each may take, is held here.
 */
#ifndef DAEMON_METRICS_HTTP_H
#define DAEMON_METRICS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/metrics.h"

struct event_base;
struct metrics_http;
struct socket_file;

struct metrics_http_config {
	const char *listen; /* as metrics_http_check() wants it; borrowed */
	int fd;		    /* or this: listening, and ours now; -1: none */
	mode_t mode;	    /* of a Unix socket's file … */
	gid_t group;	    /* … and its group, (gid_t)-1: the process's */
	/* The answer, the callee's to free(); NULL without memory. */
	char *(*text)(void *ctx, enum metrics_format format, size_t *len);
	void *ctx;
};

/*
 * Is text an absolute path, or a loopback address and a port, as 127.0.0.1:9464 and
 * [::1]:9464?
 */
bool metrics_http_check(const char *text);
/* base is borrowed, config copied.  NULL with a sentence in why[size]. */
struct metrics_http *metrics_http_new(struct event_base *base,
    const struct metrics_http_config *config, char *why, size_t size);
/* Ends it, and all connections.  NULL is let pass. */
void metrics_http_free(struct metrics_http *m);

/*
 * The listening socket that config tells of (metrics_listen.c), with the file that it
 * may have in file, for socket_file_remove().  -1 with a sentence in why[size].
 */
int metrics_http_listen(const struct metrics_http_config *config,
    struct socket_file *file, char *why, size_t size);

#endif
