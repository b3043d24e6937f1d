/* SPDX-License-Identifier: ISC */
/*
 * A socket of src/tcp that is connected to a plain one, and a log of all that is
 * heard of it, in order: data as [abc], http packets as {Host}, tcp_passive as P,
 * tcp_error as E(reason), tcp_closed as C, gone() as G; answers of calls that have a name as
 * name=reason.
 */
#ifndef TESTS_UNIT_PAIR_H
#define TESTS_UNIT_PAIR_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "proto/reason.h"
#include "tcp/tcp_socket.h"

enum { PAIR_DEADLINE = 5000 /* ms: what has not happened by then, fails */ };

struct pair {
	struct event_base *base;
	struct tcp_context *ctx;
	struct account root, account; /* account is root's child */
	struct tcp_socket *s;	      /* NULL once gone() was told */
	int peer;
	struct bytes log;
	bool full, recv_full; /* no room for events, for recv's answers */
	bool lengths;	      /* log data as [length] */
	unsigned room_asked;
	/* called at each data event, if not NULL */
	void (*on_data)(struct pair *p, const void *data, size_t len);
};

struct call {
	struct tcp_request r;
	struct pair *pair;
	const char *name; /* for the log; NULL: only remembered here */
	bool done;
	int reason;
	struct bytes data;
	void (*then)(struct call *call); /* called inside done(), if not NULL */
};

/* A TCP pair on loopback, s passive, binary, raw, started. */
void pair_open(struct pair *p);
/* The same, framed and active. */
void pair_open_active(struct pair *p, enum packet_id id, enum option_active mode, int n);
/* The same with a close_timeout. */
void pair_open_timeout(struct pair *p, int64_t close_timeout);
/*
 * A pair of local sockets, whose buffers have no will of their own: full is
 * full until the peer reads.
 */
void pair_open_local(struct pair *p);
/* Ends all; fails if any byte is still charged. */
void pair_close(struct pair *p);

/* One turn of the loop that does not wait. */
void pair_turn(struct pair *p);
/* Runs the loop until the log is text; fails if that takes too long. */
void pair_expect(struct pair *p, const char *text);
/* Some turns in which the log must stay as it is. */
void pair_quiet(struct pair *p, const char *text);
/* Runs the loop until *what. */
void pair_until(struct pair *p, const bool *what);
void pair_forget(struct pair *p); /* empties the log */

void pair_packet(struct pair *p, enum packet_id id, size_t packet_size);
/* As setopts {active, …} does. */
void pair_active(struct pair *p, enum option_active mode, int n);

void peer_send(struct pair *p, const void *data, size_t len);
void peer_say(struct pair *p, const char *text);
void peer_close(struct pair *p);
void peer_shut(struct pair *p, int how);
void peer_reset(struct pair *p);
/* Reads n bytes, all of them c, while the loop runs. */
void peer_read(struct pair *p, char c, size_t n);
/*
 * Reads to the end while the loop runs: how many bytes came; *err is 0 for an
 * orderly end, else an errno.
 */
size_t peer_read_all(struct pair *p, int *err);

void call_init(struct call *call, struct pair *p, const char *name);
void call_fini(struct call *call);
/* Each starts the call, and returns it. */
struct call *call_recv(struct call *call, size_t length, int64_t timeout);
struct call *call_send(struct call *call, const void *data, size_t len);
struct call *call_say(struct call *call, const char *text);
/* The answer is there, at once or later. */
void call_expect(struct call *call, int reason, const char *data);

/* recv and send whose answers are there at once. */
void recv_now(struct pair *p, size_t length, int reason, const char *data);
void say_now(struct pair *p, const char *text, int reason);
#define FILL_ALL SIZE_MAX
/*
 * Sends more than the kernel takes, all 'x': how many bytes it took.  Of the
 * others so many stay queued, so that a test need not read them all, or
 * FILL_ALL.
 */
size_t fill_kernel(struct pair *p, size_t queued);

/* main() of a test: runs them all. */
int pair_main(const char *suite, const TTest *const *tests, size_t count);

#endif
