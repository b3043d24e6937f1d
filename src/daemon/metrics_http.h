/* SPDX-License-Identifier: ISC */
/*
 * GET /metrics, for Prometheus: a few connections at a time, a small request and a
 * deadline for each, and nothing that changes anything.
 *
 * It is not libevent's evhttp, of 2.1, which bounds neither how many connections there
 * are nor how long one that trickles its request may take.
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

/* --- the request (metrics_request.c) ------------------------------------------ */

enum { METRICS_REQUEST_MAX = 4096 }; /* bytes of a request's head */

struct metrics_request {
	int status; /* 200, or why not: 400, 404, 405, 431, 505 */
	bool head;  /* HEAD, not GET */
	enum metrics_format format;
};

/* Reads a head of len bytes.  False: it is not at its end yet. */
bool metrics_request_read(const char *text, size_t len, struct metrics_request *r);
/* What the status is called.  Static. */
const char *metrics_request_reason(int status);

#endif
