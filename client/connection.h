/* SPDX-License-Identifier: ISC */
/*
 * A connection's inside.  connection.c: its life and settings.  handle.c: messages
 * that came; neither does I/O.  request.c and async.c
 * writes requests, reply.c shows replies, transport.c has the descriptor,
 * calls.c and handover.c are the blocking calls.
 */
#ifndef CLIENT_CONNECTION_H
#define CLIENT_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/error.h"
#include "client/gentcp.h"
#include "client/incoming.h"
#include "client/kept.h"
#include "client/pending.h"
#include "client/reconnect.h"
#include "proto/bytes.h"

enum {
	CONNECTION_NAME_MAX = 64,
	CONNECTION_FDS_MAX = 16 /* descriptors that wait for their messages */
};

struct gentcp {
	struct bytes out;	     /* to be written */
	struct bytes in;	     /* read, not looked at */
	struct incoming_place place; /* in the message at the head of in */
	struct bytes held;	     /* whole messages, older than those of in */

	/*
	 * The message that a callback is looking at, or that gentcp_receive()
	 * returned.  It lies in aside, or it is the first current bytes of in.
	 */
	struct incoming shown;
	struct bytes aside;
	size_t current;
	int shown_fd; /* that it brought and nobody took; -1 */

	/* in the order of the messages, of which those in held are the first */
	int fds[CONNECTION_FDS_MAX];
	size_t nfds, held_fds;

	struct pending pending;
	uint64_t last_id;
	bool dispatching;
	bool hello; /* it was queued */
	bool lost, freed;
	bool taken; /* another connection is this client now: not to be taken back */

	gentcp_event_fn on_event;
	void *event_ctx;
	gentcp_wake_fn on_wake;
	void *wake_ctx;
	bool woken; /* since the last gentcp_dispatch() */
	struct reconnect again;
	struct kept kept;
	struct gentcp_error error;

	char fault[ERROR_REASON_MAX]; /* what the daemon said before it hung up */
	char name[CONNECTION_NAME_MAX], server[CONNECTION_NAME_MAX];
	const char *form; /* session.hello's data; static */
	uint64_t client, epoch;
	size_t max_message;

	int fd; /* -1: none; blocking, but only ever used without waiting */
	int timeout;
};

/* What a reply callback is given. */
struct gentcp_reply {
	enum gentcp_status status;
	const struct gentcp_error *error;
	const struct incoming *m; /* NULL if the connection was lost */
	struct reply_text {	  /* made when asked for */
		char *json;
		struct bytes data, header;
		int *fd; /* the connection's shown_fd, or NULL */
	} * text;
};

/* --- connection.c ----------------------------------------------------------- */

/* Sets the connection's error and returns status. */
#define connection_fail(g, ...) error_set(&(g)->error, __VA_ARGS__)
int connection_no_memory(struct gentcp *g);
/* No more bytes come or go; the error says why.  Returns GENTCP_LOST. */
int connection_lose(struct gentcp *g, int code, const char *why);
/* The daemon ended the connection. */
int connection_ended(struct gentcp *g);
/* Answers all that waits.  Callbacks may still make requests: they are refused. */
void connection_end_pending(struct gentcp *g);
/* Forgets the lost connection's bytes, for a new one on the same g.  A status. */
int connection_restart(struct gentcp *g);
/* Something waits for gentcp_dispatch(): calls on_wake, once and not in callbacks. */
void connection_wake(struct gentcp *g);
/* What gentcp_free() does, once no callback runs. */
void connection_destroy(struct gentcp *g);

/* --- handle.c --------------------------------------------------------------- */

/* Room for bytes that are read; connection_put() says how many came. */
unsigned char *connection_room(struct gentcp *g, size_t want, size_t *space);
void connection_put(struct gentcp *g, size_t n);

/*
 * Handles all messages that are there; at most one event if e is not NULL, which
 * it then shows.  *handled counts them.  GENTCP_OK, or what ends the work.
 */
int connection_handle(struct gentcp *g, const struct gentcp_event **e, size_t *handled);

/*
 * Looks for the reply to request id in what was read; other messages on the way
 * are held.  INCOMING_READY: *m is the reply, until connection_taken().
 */
enum incoming_status connection_find_reply(
    struct gentcp *g, uint64_t id, struct incoming *m, size_t *size);
void connection_taken(struct gentcp *g, struct incoming *m, size_t size);

/* Holds all whole messages that were read; false without memory. */
bool connection_hold(struct gentcp *g);

/* Reads what session.hello was answered. */
int connection_greeted(struct gentcp *g, json_t *result);

/*
 * Held events of that socket: calls fn for each, in order (false ends it).  *rest is
 * what would be held without them.  False if fn said so or memory is out.
 */
typedef bool connection_held_fn(const struct gentcp_event *e, void *ctx);
bool connection_held_events(struct gentcp *g, uint64_t socket, struct bytes *rest,
    connection_held_fn *fn, void *ctx);
/* Puts rest in place of the oldest len bytes that are held; needs no memory. */
void connection_held_replace(struct gentcp *g, size_t len, const struct bytes *rest);

/* --- request.c -------------------------------------------------------------- */

/* What travels with a request. */
enum request_with { REQUEST_PLAIN, REQUEST_ATTACHED, REQUEST_FD };

/*
 * Queues a request; params is JSON text without LF, or NULL.  *id is set to its
 * id; it is a notification where id is NULL.
 */
int request_put(struct gentcp *g, const char *method, const struct bytes *params,
    const void *data, size_t len, enum request_with with, uint64_t *id);
/* gen_tcp.send as the daemon reads it fastest. */
int request_put_send(struct gentcp *g, const char *method, uint64_t socket,
    const void *data, size_t len, uint64_t *id);
/* {"socket":S, without the brace at the end. */
void request_open_socket(struct bytes *params, uint64_t socket);
/* ,"timeout":N if there is one. */
void request_put_timeout(struct bytes *params, int timeout);
/* Appends a name and JSON, and lets go of that. */
int request_put_json(
    struct gentcp *g, struct bytes *params, const char *name, json_t *json);
/* "options":[...] ; extra, if not NULL, is added (its reference is taken). */
int request_put_options(struct gentcp *g, struct bytes *params, const char *options,
    const char *extra, json_t *extra_value);
int request_put_names(struct gentcp *g, struct bytes *params, const char *names);
int request_put_hello(struct gentcp *g, uint64_t *id);

/* --- async.c ---------------------------------------------------------------- */

/* Room for a callback; false without memory.  Before request_put(). */
bool request_reserve(struct gentcp *g, gentcp_reply_fn fn);
/* Appends JSON text to params, checked and without LF. */
int request_read_params(struct gentcp *g, const char *text, struct bytes *params);
/* After it: fn waits for the reply to id, if rc is GENTCP_OK.  Passes rc on. */
int request_expect(struct gentcp *g, int rc, uint64_t id, gentcp_reply_fn fn, void *ctx);

/* --- reply.c ---------------------------------------------------------------- */

/* Calls the callback with the reply m, or NULL where the connection was lost. */
void reply_deliver(
    struct gentcp *g, const struct pending_call *call, const struct incoming *m);

/* --- passing.c -------------------------------------------------------------- */

/* recvmsg(2), which keeps the descriptors that come. */
ssize_t passing_recv(struct gentcp *g, void *room, size_t space, int flags);
/* A message of in becomes one of held. */
void passing_held(struct gentcp *g, const struct incoming *m);
/*
 * Takes the descriptor of m, the first message of held or else of in; -1 if it
 * brings none.  It is the caller's.
 */
int passing_take(struct gentcp *g, struct incoming *m, bool held);
/* Closes what waits. */
void passing_drop(struct gentcp *g);

/* --- open.c ----------------------------------------------------------------- */

/* Connects to path; GENTCP_TIMEOUT where the backlog is full until deadline. */
int open_connect(struct gentcp *g, const char *path, int64_t deadline);
/*
 * Waits until deadline for the answer to the greeting id, session.hello or .attach, and
 * reads it.  GENTCP_OK, or what went wrong.
 */
int open_greeted(struct gentcp *g, uint64_t id, int64_t deadline);

/* --- transport.c ------------------------------------------------------------ */

/* Now and in timeout ms on the monotonic clock; INT64_MAX for GENTCP_INFINITY. */
int64_t transport_deadline(int timeout);
/* What is left until then, as poll(2) wants it. */
int transport_remaining(int64_t deadline);
/* Sets that error; GENTCP_TIMEOUT. */
int transport_timed_out(struct gentcp *g);
/*
 * Waits for the reply to id, reading and writing meanwhile.  GENTCP_OK:
 * connection_taken() when done with m.  Else the error is set.  At the deadline
 * transport_await() cancels the request, transport_await_once() leaves it.
 */
int transport_await_once(
    struct gentcp *g, uint64_t id, int64_t deadline, struct incoming *m, size_t *size);
int transport_await(
    struct gentcp *g, uint64_t id, int64_t deadline, struct incoming *m, size_t *size);
/*
 * Writes what is queued and then data, of which only what the kernel does not
 * take is copied.
 */
int transport_write_with(struct gentcp *g, const void *data, size_t len);
/* Writes all that is queued, reading meanwhile. */
int transport_drain(struct gentcp *g, int64_t deadline);
/* Writes what is queued with a descriptor, which goes with its first byte. */
int transport_write_fd(struct gentcp *g, int fd, int64_t deadline);
/* Closes the descriptor. */
void transport_close(struct gentcp *g);

/* --- calls.c ---------------------------------------------------------------- */

/* A blocking call: a request and its answer. */
struct call {
	struct gentcp *g;
	struct bytes params;
	struct incoming reply;
	size_t size; /* of the reply; 0: none yet */
};

/*
 * Sends and waits; own_timeout is the call's own, or CALL_NO_TIMEOUT.  params is
 * closed by it if it was opened.  call_end() in any case; rc is passed through.
 */
enum { CALL_NO_TIMEOUT = -2 };
int call_wait(struct call *c, const char *method, int own_timeout);
int call_wait_id(struct call *c, uint64_t id, int own_timeout);
int call_end(struct call *c, int rc);
/* The result as text for the caller. */
int call_json(struct call *c, char **json);
/* The whole of a call with that result: params so far are c's. */
int call_text(struct call *c, const char *method, char **json);
/* The whole of a call whose result is of no interest. */
int call_ok(struct call *c, const char *method);
/* For a result that is not what the protocol says. */
int call_odd_result(struct call *c);

#endif
