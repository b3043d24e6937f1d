/* SPDX-License-Identifier: ISC */
/* A loop, a host of channels, and clients at the other ends of socketpairs. */
#ifndef TESTS_CHANNEL_WORLD_H
#define TESTS_CHANNEL_WORLD_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "control/channel.h"
#include "fake_rpc.h"

enum { PATIENCE = 10000, /* ms */ HIGH = 256 * 1024 /* queue_high */ };

extern struct rpc rpc;
extern struct channel_host host;
extern int client;   /* the first client's end; -1 once a test closed it */
extern size_t turns; /* of the loop, so far */

/* The fixture; the end checks that nothing is left. */
void channel_world_begin(void);
void channel_world_end(void);

/* A client, connected to a new channel; returns its end, non-blocking. */
int connect_pair(int type);
/* One turn of the daemon's loop, of ms at most.  False if they passed. */
bool turn(int64_t ms);

/* What clients have read since forget(). */
struct heard {
	unsigned char *data;
	size_t len, size;
	bool eof;
	int error;
};
extern struct heard heard;

/* Reads all that fd has now. */
void hear(int fd);
void forget(void);
void say(int fd, const char *text);
/* The client says text, and hears exactly answer. */
void talk(const char *text, const char *answer);
/* The client hears exactly answer, from forget() on. */
void hear_only(const char *answer);
/* The client heard that many payloads of 16 KiB, and then behind. */
void check_pumped(size_t payloads, const char *behind);

/* Runs the loop until cond; the client's end of fd is read meanwhile. */
#define RUN_UNTIL(fd, cond) \
	do { \
		uint64_t end_ = clock_deadline(&clock_monotonic, PATIENCE); \
		for (;;) { \
			hear(fd); \
			if (cond) \
				break; \
			ck_assert_msg(clock_left(&clock_monotonic, end_) > 0, \
			    "waited in vain for " #cond); \
			turn(20); \
		} \
	} while (0)

/* The same, but the client does not read. */
#define WAIT_UNTIL(cond) \
	do { \
		uint64_t end_ = clock_deadline(&clock_monotonic, PATIENCE); \
		while (!(cond)) { \
			ck_assert_msg(clock_left(&clock_monotonic, end_) > 0, \
			    "waited in vain for " #cond); \
			turn(20); \
		} \
	} while (0)

#define ECHO(n) "{\"do\":\"echo\",\"n\":" #n "}\n"

#endif
