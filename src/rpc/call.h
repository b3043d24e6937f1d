/* SPDX-License-Identifier: ISC */
/* A request from its arrival to its answer (call.c).  For src/rpc only. */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/limits.h"
#include "proto/message.h"
#include "tcp/tcp.h"

struct batch;
struct method_row;
struct rpc;
struct session;

/* A request that is being worked on. */
struct call {
	TAILQ_ENTRY(call) link;
	TAILQ_ENTRY(call) stall_link;
	bool stalled;
	bool silent;	 /* it goes on although its connection has ended */
	uint64_t number; /* of its session's, from 1 on */
	struct session *session;
	struct batch *batch; /* NULL: not in one */
	const struct method_row *row;
	struct message_id id;
	struct tcp_socket *tcp; /* the socket it is about, or NULL */
	struct tcp_request request;
	struct charge charge;	     /* LIMIT_CALLS while it may wait */
	struct charge socket_charge; /* LIMIT_SOCKETS for the one it makes */
	const char *detail;	     /* why the policy refused an address; static */
};

/* NULL without memory.  Takes over what is in id. */
struct call *call_open(struct session *s, struct batch *batch,
    const struct method_row *row, struct message_id *id);
/* Withdraws it from tcp if it waits there, and frees it. */
void call_close(struct call *call);
/* Frees those that are kept for the next. */
void calls_free(struct rpc *rpc);
struct call *call_of(struct tcp_request *r);
/* Readies call->request for a tcp function, answered by done. */
void call_begin(
    struct call *call, void (*done)(struct tcp_request *, const struct tcp_outcome *));
/*
 * The same for one that is to wait, perhaps long.  False: too many do, and the
 * call has been answered and is gone.
 */
bool call_wait(
    struct call *call, void (*done)(struct tcp_request *, const struct tcp_outcome *));

#endif
