/* SPDX-License-Identifier: ISC */
/*
 * Sessions that do as a line tells them, for tests of src/control without
 * src/rpc.  A line is {"do":"VERB","n":N}; each has an answer unless it says
 * otherwise:
 *   echo     the line itself
 *   count    {"fds":number of descriptors,"attached":length of the attachment}
 *   payload  {"attached":N} and N bytes of a pattern
 *   pass     echo, with a descriptor of /dev/null; or {"refused":true}
 *   text     {"x":"N bytes"}
 *   pump     no answer: from now on while there is room, and until N bytes are
 *            out, payloads of 16 KiB
 *   eat      no answer
 *   attach   echo; attachments are on
 *   last     echo; nothing more can be read
 *   broken   a message for which memory ran out
 *   poke     echo to every other session too
 */
#ifndef TESTS_FAKE_RPC_H
#define TESTS_FAKE_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rpc/rpc.h"

enum { FAKE_SESSIONS = 128 };

struct session {
	const struct session_sink *sink;
	void *ctx;
	uint64_t id;
	size_t pump;
	bool stalled; /* found no room */
	bool idle;    /* what session_idle() says */
	size_t held;  /* session_hold()'s last word */
	bool used;
};

struct rpc {
	struct session sessions[FAKE_SESSIONS];
	size_t max;	      /* sessions at a time; 0: no limit */
	size_t max_held;      /* what session_hold() allows; 0: all */
	size_t opened, freed; /* sessions */
	size_t messages;      /* received */
	size_t writables;     /* calls of session_writable() */
	uid_t uid;	      /* the last client's */
	pid_t pid;
	bool poke_when_freed;
	int last_fd; /* the last descriptor received, open; -1 */
};

/* Byte i of the pattern. */
unsigned char fake_pattern(size_t i);
/* One line to the session's client, at once. */
void fake_say(struct session *s, const char *line);

#endif
