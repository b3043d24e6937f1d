/* SPDX-License-Identifier: ISC */
/* A daemon for tests of the library: a thread that follows a script. */
#ifndef FAKE_DAEMON_H
#define FAKE_DAEMON_H

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/gentcp.h"

enum { DEADLINE = 20000 };

/* A daemon that follows a script: it has one client. */
struct fake_daemon {
	char dir[64], path[96];
	int listener, fd; /* -1: none */
	pthread_t thread;
	void (*script)(struct fake_daemon *f);
	void (*then)(struct fake_daemon *f); /* what fake_daemon_start() was given */
	int passed_fd;
};

/* In the thread a failed check would end it only: the process is to end. */
#define must(condition) \
	do { \
		if (!(condition)) { \
			fprintf( \
			    stderr, "fake daemon: line %d: %s\n", __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* Sends text; reads exactly that text, or the process ends. */
void say(struct fake_daemon *f, const char *text);
void hear(struct fake_daemon *f, const char *text);

/*
 * Accepts the next connection and answers its hello, whose request has that id,
 * with that number of a client.  What was f->fd is closed.
 */
void meet(struct fake_daemon *f, const char *id, const char *client);

#define REQUEST(id, method, params) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method \
	"\",\"params\":" params "}\n"
#define RESULT(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}\n"
#define TCP(socket, data) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":" socket \
	",\"data\":\"" data "\"}}\n"

/* Makes its socket and starts it; the first hello is its script's, by meet(). */
void fake_daemon_begin(struct fake_daemon *f, void (*script)(struct fake_daemon *f));
/* Starts it, and opens a connection to it; the hello is done. */
struct gentcp *fake_daemon_start(
    struct fake_daemon *f, void (*script)(struct fake_daemon *f));
/* Frees g; nothing more may have been said to the daemon than was expected. */
void fake_daemon_finish(struct fake_daemon *f, struct gentcp *g);

#endif
