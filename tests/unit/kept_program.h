/* SPDX-License-Identifier: ISC */
/* A program of a kept client, and what it and its daemon say to each other. */
#ifndef KEPT_PROGRAM_H
#define KEPT_PROGRAM_H

#include <stdbool.h>

#include "client/gentcp.h"

#define SEQ(seq, socket, data) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":" socket \
	",\"data\":\"" data "\"},\"seq\":" seq "}\n"
#define CLOSED(seq, socket) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"tcp_closed\",\"params\":{\"socket\":" socket \
	"},\"seq\":" seq "}\n"
#define NOTE(method, params) \
	"{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":" params "}\n"
#define ACK(seq) NOTE("session.ack", "{\"seq\":" seq "}")
#define SEND(id, socket, ack, data) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"gen_tcp.send\"," \
	"\"params\":{\"socket\":" socket "}" ack ",\"attached\":" data
#define WITH(seq) ",\"ack\":" seq
#define KEEP(id, ttl, replay) \
	REQUEST(id, "session.keep", "{\"ttl\":" ttl ",\"replay\":" replay "}")
#define REFUSED(id, code, reason) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code \
	",\"message\":\"" reason "\"}}\n"
#define CLIENT(client) "{\"server\":\"gentcpd/0\",\"protocol\":1,\"client\":" client "}"
#define ATTACH(id, token, seen) \
	REQUEST(id, "session.attach", "{\"client\":7,\"token\":\"" token "\"" seen "}")

/* What a program does with its events, and what it was told, as text. */
struct program {
	char text[512];
	bool with;   /* it answers with the acknowledgement */
	bool silent; /* it does not answer */
	bool again;  /* it repeats a request that was refused */
};

/* An event: its number and data are noted; tcp is answered by a send of the same. */
void program_event(struct gentcp *g, const struct gentcp_event *e, void *ctx);
/* ok, refused or lost. */
void program_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx);
void program_state(struct gentcp *g, enum gentcp_state state, void *ctx);

/* It was told that; which is forgotten. */
void program_told(struct program *p, const char *want);

#endif
