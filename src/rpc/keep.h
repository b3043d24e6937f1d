/* SPDX-License-Identifier: ISC */
/* Kept clients.  For src/rpc only. */
#ifndef RPC_KEEP_H
#define RPC_KEEP_H

#include <stdbool.h>
#include <stdint.h>

struct session;

enum {
	KEEP_TTL_MAX = 7 * 24 * 60 * 60 * 1000, /* ms */
	KEEP_TOKEN = 32,			/* bytes */
	KEEP_TOKEN_TEXT = 2 * KEEP_TOKEN + 1
};

struct keep {
	int64_t ttl;	   /* ms without a connection, then the client ends */
	uint64_t deadline; /* ms of the alarm's clock, while it is away */
	unsigned char token[KEEP_TOKEN];
};

/* Keeps s, or changes its ttl (1..KEEP_TTL_MAX).  0, enotsup or enomem. */
int keep_begin(struct session *s, int64_t ttl);
/* s, which has a connection, ends with it again. */
void keep_end(struct session *s);
/* The token as hexadecimal text. */
void keep_token(const struct keep *keep, char text[KEEP_TOKEN_TEXT]);
/*
 * The kept client id, if it is of the same uid as s and token is its token; else
 * NULL.  Which of it was wrong neither the answer nor the time it took tells.
 */
struct session *keep_find(const struct session *s, uint64_t id, const char *token);
/*
 * The connection of s becomes that of kept, and is told again what is kept behind
 * seen, which is not higher than its last number.  s, who owns nothing, is nobody from
 * then on, and ends with session_receive() or with kept's former connection.
 */
void keep_attach(struct session *kept, struct session *s, uint64_t seen);
/* The connection of s has ended.  False: it is not kept. */
bool keep_leave(struct session *s);
/* s ends. */
void keep_fini(struct session *s);
/* Somebody of its uid did something with a socket of s, who is away, or gave it one. */
void keep_touch(struct session *s);
/* ms until s, who is away, ends. */
int64_t keep_left(const struct session *s);

#endif
