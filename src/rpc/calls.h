/* SPDX-License-Identifier: ISC */
/*
 * Requests: which handler carries one out, and the handlers (call_*.c).
 * For src/rpc only.
 */
#ifndef RPC_CALLS_H
#define RPC_CALLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/params.h"

struct batch;
struct call;
struct handle;
struct message_send;
struct rpc;
struct session;
struct wire_message;

/* A checked request, as handlers get it. */
struct request {
	struct params params;
	struct handle *handle; /* params[0], for methods on a socket */
	const void *attachment;
	size_t attachment_len;
	bool attached;
	int fd; /* a passed descriptor or -1; who takes it sets -1 */
};

/* Carries out one request object, alone or in a batch.  fds stay the caller's;
 * one that was taken is set to -1. */
void dispatch(struct session *s, struct batch *batch, json_t *object,
    const struct wire_message *m, int *fds, size_t nfds);

/* Is it one of those that wait behind sends, and change what a peer gets? */
bool call_puts_out(const struct call *call);

typedef void call_handler(struct call *call, struct request *q);
call_handler call_connect, call_listen, call_accept, call_fdopen;
call_handler call_send, call_recv, call_close_socket, call_shutdown, call_unrecv;
call_handler call_setopts, call_getopts;
call_handler call_sockname, call_peername, call_port, call_getstat, call_info, call_i;
call_handler call_getfd, call_sendfile;
call_handler call_controlling_process;
call_handler call_getaddrs;
call_handler call_monitor, call_cancel_monitor;
call_handler call_hello, call_self, call_clients, call_cancel;
call_handler call_keep, call_attach, call_ack;
call_handler call_metrics;

/* What session.hello and session.attach answer to client id. */
json_t *hello_new(const struct rpc *rpc, uint64_t id);
call_handler call_discover;

/*
 * Carries out a send that was read by message_send_read().  False: nothing was
 * done, and the general way is to be taken (it has the words for what is wrong).
 */
bool call_send_line(
    struct session *s, const struct message_send *send, const struct wire_message *m);

call_handler call_status, call_reload, call_stop, call_log_level;
/* For root, the daemon's user and the administrators' group.  False: call is answered. */
bool call_is_for_admin(struct call *call);

#endif
