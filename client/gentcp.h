/* SPDX-License-Identifier: ISC */
/*
 * libgentcp: gen_tcp for C, by way of the daemon gentcpd.
 *
 * A connection (struct gentcp) is one client of the daemon: what Erlang calls a
 * process.  It owns the sockets that it connects and accepts, and gets their
 * events.  When it ends, they close.
 *
 * THREADS.  A connection is used by one thread at a time.  Different
 * connections have nothing in common; there is no global state.  No signal is
 * raised (SIGPIPE neither).
 *
 * TWO WAYS TO USE IT, which mix freely:
 *  - Blocking calls (gentcp_connect(), gentcp_recv(), ...) send a request and
 *    wait for its reply.  They read while they write, so that they cannot
 *    deadlock with a daemon that waits for its client to read.
 *  - Requests with callbacks (gentcp_request(), gentcp_send_async(), ...) are
 *    only queued.  gentcp_dispatch() writes what was queued, at once for all,
 *    reads, and calls the callbacks.  A program with a loop of its own waits
 *    for gentcp_fd() and calls gentcp_dispatch() with timeout 0.
 *
 * CALLBACKS run in gentcp_dispatch() and gentcp_receive() only (and, to end
 * requests that wait, in gentcp_free()); that of gentcp_on_wake() runs elsewhere.
 * What comes while a blocking call waits for its reply is kept, in order, until
 * then: it is the mailbox of this process, and like Erlang's it grows if it is
 * never looked at.  In a callback
 * everything is allowed but gentcp_dispatch() and gentcp_receive(): blocking
 * calls, new requests, and gentcp_free(), after which the gentcp_dispatch()
 * that called returns GENTCP_FREED.
 *
 * OWNERSHIP.  Arguments are copied or used up before a function returns.  What
 * a callback is given is the library's and valid until it returns, blocking
 * calls in it included.  Results through a "char **" or "void **" are the
 * caller's, to be released by free(3).
 *
 * ERRORS.  Functions return GENTCP_OK (0) or a negative enum gentcp_status; a
 * result is set only with GENTCP_OK.  After any other, gentcp_error() tells
 * more, until the next call on that connection.  After GENTCP_LOST the
 * connection is good for gentcp_error() and gentcp_free() only, unless
 * gentcp_set_reconnect() was called; whatever was waiting has been, or at the
 * next gentcp_dispatch() will be, answered with it.
 *
 * LIFETIMES.  A connection lives from gentcp_new() to gentcp_free().  A socket
 * lives until it is closed, is given away, or the connection to the daemon ends:
 * a new connection, by gentcp_set_reconnect() too, is a new client without any
 * sockets, unless gentcp_keep() lets the client outlive its connection.  Numbers of
 * sockets are never used twice by one daemon, but a daemon that was started anew
 * counts from the beginning.
 *
 * TIMES are milliseconds, GENTCP_INFINITY none.
 *
 * TEXTS are UTF-8 and end with NUL.  OPTIONS are text: words as
 * "packet=line active=once binary ip=127.0.0.1 linger=[true,5]", whose values
 * are true, false, integers, JSON, or else strings; or JSON as the protocol
 * has it, {"packet":"line"} or an array.  NULL and "" are no options.  NAMES
 * likewise: "active packet", or a JSON array.
 *
 * What the calls mean is said in gen_tcp's manual and in gentcp-protocol(7).
 */
#ifndef GENTCP_H
#define GENTCP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gentcp;
struct gentcp_error;
struct gentcp_reply;

#define GENTCP_INFINITY (-1)

enum gentcp_status {
	GENTCP_OK = 0,
	GENTCP_ERROR = -1,   /* the daemon said so: the reason is gen_tcp's */
	GENTCP_LOST = -2,    /* no connection to the daemon, or it broke */
	GENTCP_TIMEOUT = -3, /* the deadline of this library passed */
	GENTCP_NOMEM = -4,
	GENTCP_INVALID = -5, /* an argument; nothing was sent */
	GENTCP_FREED = -6    /* a callback freed the connection */
};

/* --- errors ----------------------------------------------------------------- */

/*
 * What failed last on a connection, or what a reply says; never NULL for a
 * connection.  Valid until the next call on the connection, or as long as the
 * reply.  All texts are valid as long as the error.
 */
const struct gentcp_error *gentcp_error(const struct gentcp *g);
enum gentcp_status gentcp_error_status(const struct gentcp_error *e);
/*
 * GENTCP_ERROR: the protocol's code: an errno, 10001 "closed", 10002 "timeout",
 * ... or a negative one of JSON-RPC.  GENTCP_LOST: an errno or 0.  Else 0.
 */
int gentcp_error_code(const struct gentcp_error *e);
/* GENTCP_ERROR: gen_tcp's atom, "econnrefused"; else a sentence. */
const char *gentcp_error_reason(const struct gentcp_error *e);
/* The members "option" and "detail" of the error's data; NULL if absent. */
const char *gentcp_error_option(const struct gentcp_error *e);
const char *gentcp_error_detail(const struct gentcp_error *e);
/* The error's data as JSON text, NULL if there is none. */
const char *gentcp_error_data(const struct gentcp_error *e);
/*
 * Bytes that came with the error: gen_tcp's RestData.  NULL if there are none.  With
 * GENTCP_TIMEOUT of a send likewise.
 */
const void *gentcp_error_rest(const struct gentcp_error *e, size_t *len);

/* --- connections ------------------------------------------------------------ */

/*
 * The path of the daemon's socket: $GENTCPD_SOCKET, $XDG_RUNTIME_DIR/gentcpd.sock
 * if that is there, else /run/gentcpd/gentcpd.sock.  GENTCP_INVALID if it does
 * not fit into size bytes.
 */
int gentcp_default_path(char *path, size_t size);

/* A connection that is not open yet.  NULL without memory. */
struct gentcp *gentcp_new(void);
/*
 * Ends it.  Requests that wait get their callbacks called, with GENTCP_LOST; on
 * g they may then call nothing.  NULL is allowed.
 */
void gentcp_free(struct gentcp *g);

/* Before gentcp_open(): a name for session.clients ("echo/1.0"); copied. */
int gentcp_set_name(struct gentcp *g, const char *name);
/*
 * Before gentcp_open(): how bytes come: "attached" (the default: raw, behind the
 * message), "auto" or "base64".  Matters for speed and for gentcp_reply_json().
 */
int gentcp_set_data(struct gentcp *g, const char *form);
/*
 * How long a blocking call waits for its reply; GENTCP_INFINITY at first.  For
 * calls with a timeout of their own it is how long the reply may come late.
 * When it passes, the request is cancelled and the call returns GENTCP_TIMEOUT,
 * or the reply if that came after all.
 */
void gentcp_set_timeout(struct gentcp *g, int timeout);

/*
 * Connects to the daemon at path (NULL: the default path) and says hello, all
 * within timeout.  Once only.  After gentcp_set_reconnect() it tries again, within
 * timeout, where the daemon is not there.
 */
int gentcp_open(struct gentcp *g, const char *path, int timeout);

/* This connection's number: gen_tcp's Pid.  0 before the hello. */
uint64_t gentcp_client(const struct gentcp *g);
/* "gentcpd/X.Y.Z", "" before the hello. */
const char *gentcp_server(const struct gentcp *g);

/* --- connecting again ------------------------------------------------------- */

/*
 * A connection that is lost connects again, to the same path: after about min ms,
 * then twice as many and so on, up to max, each time a random part of up to a half
 * less.  1 <= min <= max, else GENTCP_INVALID.  attempts in a row, GENTCP_INFINITY,
 * or 0, as it is at first: none.  At any time; not for gentcp_feed().
 *
 * In gentcp_dispatch() and gentcp_receive(): what waits is answered with
 * GENTCP_LOST, GENTCP_STATE_LOST is told, then the attempts are made, and
 * GENTCP_STATE_OPEN is told; until then requests return GENTCP_LOST.
 * gentcp_dispatch() goes on returning GENTCP_OK or GENTCP_TIMEOUT;
 * gentcp_receive() returns GENTCP_LOST once, and may be called again.
 *
 * A blocking call that finds the loss returns GENTCP_LOST; was its request carried
 * out?  It may have been.  The next blocking call connects again before it sends,
 * and waits for that as long as gentcp_set_timeout() allows, GENTCP_LOST if it is
 * in vain.  But in a callback, or as long as there are events, requests or a
 * gentcp_on_state() that have not been told of the loss, it returns GENTCP_LOST
 * at once: gentcp_dispatch() has to be called first.
 *
 * The new connection has a number of its own, no sockets, and no monitors.  But
 * after gentcp_keep() or gentcp_attach() it becomes the kept client again: then
 * GENTCP_STATE_ATTACHED is told, number, sockets and monitors are what they were,
 * and requests that waited were answered with GENTCP_LOST.  Where the daemon has
 * that client no more GENTCP_STATE_OPEN is told, as ever: gentcp_token() is NULL
 * then, and gentcp_error() says "eacces".
 *
 * Where another connection has attached that client meanwhile, of which the event
 * "taken" tells (GENTCP_EVENT_OTHER), GENTCP_STATE_ENDED is told: two programs that both
 * came back would take it from each other for ever.
 */
int gentcp_set_reconnect(struct gentcp *g, int min, int max, int attempts);

enum gentcp_state {
	GENTCP_STATE_OPEN,    /* connected again; not told after gentcp_open() */
	GENTCP_STATE_LOST,    /* lost, and what is not kept with it; to be tried again */
	GENTCP_STATE_ENDED,   /* lost for good; GENTCP_LOST is all there is */
	GENTCP_STATE_ATTACHED /* connected again, the same client as before */
};

typedef void (*gentcp_state_fn)(struct gentcp *g, enum gentcp_state state, void *ctx);
/* Who is told when that changes; gentcp_error() says why it was lost. */
void gentcp_on_state(struct gentcp *g, gentcp_state_fn fn, void *ctx);

/*
 * How many clients g has been so far: 1 after gentcp_open().  A socket is good as
 * long as it stays what it was.
 */
uint64_t gentcp_epoch(const struct gentcp *g);

/* --- events ----------------------------------------------------------------- */

enum gentcp_event_type {
	GENTCP_EVENT_TCP,	  /* data, len (header, mode_list) */
	GENTCP_EVENT_TCP_PASSIVE, /* no more of it: active is false now */
	GENTCP_EVENT_TCP_ERROR,	  /* reason */
	GENTCP_EVENT_TCP_CLOSED,
	GENTCP_EVENT_TCP_OWNER, /* the socket is ours now; it was from's */
	GENTCP_EVENT_HTTP,	/* json has the packet in "http" */
	GENTCP_EVENT_OTHER,	/* name and json say it all */
	GENTCP_EVENT_DOWN,	/* monitor, reason: a socket that we monitor is gone */
	GENTCP_EVENT_PORT	/* under deliver port: the same as TCP */
};

/* Members may be added at the end. */
struct gentcp_event {
	enum gentcp_event_type type;
	uint64_t socket;
	const void *data; /* never NULL for TCP, PORT; nothing is added behind it */
	size_t len;
	const unsigned char *header; /* option header: the first bytes, else NULL */
	size_t header_len;
	int mode_list;	    /* the socket's mode is list */
	const char *reason; /* TCP_ERROR, DOWN: an atom */
	uint64_t from;	    /* TCP_OWNER */
	const char *name;   /* "tcp_closed" */
	const char *json;   /* the params as JSON text; HTTP and OTHER only */
	uint64_t monitor;   /* DOWN */
	uint64_t seq;	    /* with replay: the event's number; else 0 */
};

typedef void (*gentcp_event_fn)(
    struct gentcp *g, const struct gentcp_event *e, void *ctx);
/* Who is called with events; NULL: they are dropped by gentcp_dispatch(). */
void gentcp_on_event(struct gentcp *g, gentcp_event_fn fn, void *ctx);

/*
 * Erlang's receive: waits for the next event and stores it in *e, valid until
 * the next gentcp_receive() or gentcp_dispatch() on g.  Replies to requests go
 * to their callbacks meanwhile.  GENTCP_TIMEOUT if none came in time.
 */
int gentcp_receive(struct gentcp *g, int timeout, const struct gentcp_event **e);

/* --- kept clients ----------------------------------------------------------- */

/*
 * Lets this client outlive its connection by ttl ms, at most a week; 0: no more.
 * With replay, events have numbers and are told again to the next connection until
 * they are acknowledged; without, those that were written to a connection that broke
 * are lost if it had not handled them.  A blocking call.
 */
int gentcp_keep(struct gentcp *g, int ttl, int replay);
/*
 * What gentcp_attach() wants beside gentcp_client(); NULL if the client is not kept.
 * Who has it, of the same user, can become this client: keep it secret.  Valid until
 * the next call on g.
 */
const char *gentcp_token(const struct gentcp *g);
/*
 * gentcp_open() as the client that was kept, in place of the connection that it has,
 * if any.  seen: events up to this number are handled; 0 where nobody knows.
 * GENTCP_ERROR: the daemon has no such client ("eacces"), or has not told it seen
 * ("einval"): g is open, but a new client.
 */
int gentcp_attach(struct gentcp *g, const char *path, uint64_t client, const char *token,
    uint64_t seen, int timeout);

/*
 * WITH REPLAY an event is handled when its callback has returned, or at the next
 * gentcp_receive() or gentcp_dispatch(): they acknowledge what is, by a notification
 * at their end.  A program that is killed between its answer to an event and that is
 * told the event again, and answers twice.  So:
 *
 * The next request, before the callback returns, acknowledges the events up to seq,
 * in one step: the daemon does both or none.  Where it is refused, they are
 * acknowledged once that was told.  seq 0: nothing, so that e->seq will always do.
 * GENTCP_INVALID for an event that has not come.
 */
int gentcp_ack_with(struct gentcp *g, uint64_t seq);
/*
 * on 0: nothing is handled until the program says so, by gentcp_ack_with(), or by
 * gentcp_ack(), which queues a notification.  It may do so for events of which the
 * callback has long returned.  A number stands for all events up to it.
 */
void gentcp_set_auto_ack(struct gentcp *g, int on);
int gentcp_ack(struct gentcp *g, uint64_t seq);

/* --- requests with callbacks ------------------------------------------------ */

/* Called once for each request that was accepted.  ctx as given with it. */
typedef void (*gentcp_reply_fn)(
    struct gentcp *g, const struct gentcp_reply *r, void *ctx);

/* GENTCP_OK, GENTCP_ERROR, or GENTCP_LOST. */
enum gentcp_status gentcp_reply_status(const struct gentcp_reply *r);
/* NULL for GENTCP_OK. */
const struct gentcp_error *gentcp_reply_error(const struct gentcp_reply *r);
/*
 * The result as JSON text; NULL unless GENTCP_OK, or without memory.  Attached
 * bytes are not in it.
 */
const char *gentcp_reply_json(const struct gentcp_reply *r);
/* The result's "socket" (connect, listen, accept), or 0. */
uint64_t gentcp_reply_socket(const struct gentcp_reply *r);
/*
 * The descriptor that came with it (inet.getfd), the caller's from now on; -1 if
 * none came, or it was taken already.  One that is not taken is closed.
 */
int gentcp_reply_fd(const struct gentcp_reply *r);
/* The result's bytes (recv), however they came; NULL if it has none. */
const void *gentcp_reply_data(const struct gentcp_reply *r, size_t *len);
/* The bytes of option header before them; NULL if it has none. */
const void *gentcp_reply_header(const struct gentcp_reply *r, size_t *len);

/*
 * Queues a request.  params is JSON text, an object or an array, or NULL.  With
 * data not NULL, its len bytes are attached: the method's data.  fn NULL: a
 * notification: it is carried out, nothing is heard of it, errors neither.
 * *id, if wanted, is for gentcp_cancel().
 */
int gentcp_request(struct gentcp *g, const char *method, const char *params,
    const void *data, size_t len, gentcp_reply_fn fn, void *ctx, uint64_t *id);

/*
 * The same with a descriptor, which is duplicated; the caller keeps it.  It goes
 * at once: what was queued is written before, which may take time.
 */
int gentcp_request_fd(struct gentcp *g, const char *method, const char *params, int fd,
    gentcp_reply_fn fn, void *ctx, uint64_t *id);

/* gen_tcp.send, gen_tcp.recv, inet.setopts, gen_tcp.close in that form. */
int gentcp_send_async(struct gentcp *g, uint64_t socket, const void *data, size_t len,
    gentcp_reply_fn fn, void *ctx);
int gentcp_recv_async(struct gentcp *g, uint64_t socket, size_t length, int timeout,
    gentcp_reply_fn fn, void *ctx);
int gentcp_accept_async(
    struct gentcp *g, uint64_t listener, int timeout, gentcp_reply_fn fn, void *ctx);
int gentcp_setopts_async(struct gentcp *g, uint64_t socket, const char *options,
    gentcp_reply_fn fn, void *ctx);
int gentcp_close_async(struct gentcp *g, uint64_t socket, gentcp_reply_fn fn, void *ctx);

/* session.cancel for a request of this connection; its callback then tells. */
int gentcp_cancel(struct gentcp *g, uint64_t id);

/* --- a program's own loop --------------------------------------------------- */

/* The descriptor to wait for; -1 if not open or lost. */
int gentcp_fd(const struct gentcp *g);
/*
 * What to wait for on it, as poll(2)'s events: POLLIN, and POLLOUT while there
 * is something unwritten.
 */
short gentcp_poll_events(const struct gentcp *g);
/*
 * How many ms may pass until gentcp_dispatch() has to be called though nothing is
 * there on the descriptor, as poll(2)'s timeout: 0 where there is something to be
 * handled already (which a blocking call read), the time of the next attempt
 * where the connection was lost, -1 if never.
 */
int gentcp_next_timeout(const struct gentcp *g);

typedef void (*gentcp_wake_fn)(struct gentcp *g, void *ctx);
/*
 * Who is called when gentcp_dispatch() is to be called soon although the
 * descriptor may not tell: a request was queued, or a loss was found.  Not in
 * callbacks, and once until the next gentcp_dispatch().  It is for a loop to take
 * note, and may not call anything on g.  NULL: nobody.
 */
void gentcp_on_wake(struct gentcp *g, gentcp_wake_fn fn, void *ctx);

/* Bytes that are queued and not yet written: for a program's own flow control. */
size_t gentcp_unwritten(const struct gentcp *g);
/* Writes what can be written without waiting. */
int gentcp_flush(struct gentcp *g);
/*
 * Handles what is there: events, replies, steps of a new connection.  If nothing
 * is there, waits for at most timeout; a signal ends the wait.  Returns GENTCP_OK
 * if anything was handled, GENTCP_TIMEOUT if not, GENTCP_LOST, GENTCP_NOMEM, or
 * GENTCP_FREED.
 */
int gentcp_dispatch(struct gentcp *g, int timeout);

/*
 * Without a descriptor: for a program that carries the bytes itself.  Instead of
 * gentcp_open(), gentcp_hello() queues the hello; gentcp_output() points to what
 * is to be written, gentcp_sent() says how much was; gentcp_feed() takes what
 * was read (NULL, 0: the end).  gentcp_dispatch() with timeout 0 then handles it.
 * Blocking calls return GENTCP_INVALID here, and descriptors do not travel.
 */
int gentcp_hello(struct gentcp *g, gentcp_reply_fn fn, void *ctx);
const void *gentcp_output(const struct gentcp *g, size_t *len);
void gentcp_sent(struct gentcp *g, size_t len);
int gentcp_feed(struct gentcp *g, const void *bytes, size_t len);

/* --- blocking calls: one for each method ------------------------------------ */

/*
 * address: a name or a number ("localhost", "::1"), or JSON of an address or
 * sockaddr object; with a sockaddr port is -1.
 */
int gentcp_connect(struct gentcp *g, const char *address, int port, const char *options,
    int timeout, uint64_t *socket);
/* port: the one that is bound; may be NULL.  0 for local sockets. */
int gentcp_listen(
    struct gentcp *g, int port, const char *options, uint64_t *listener, int *bound_port);
int gentcp_accept(struct gentcp *g, uint64_t listener, int timeout, uint64_t *socket);
/* fd, a connected TCP socket, is duplicated to the daemon; the caller keeps it. */
int gentcp_fdopen(struct gentcp *g, int fd, const char *options, uint64_t *socket);
int gentcp_send(struct gentcp *g, uint64_t socket, const void *data, size_t len);
/*
 * Sends bytes of the regular file fd from offset on, 0 for all to its end; the
 * caller keeps fd, and its position stays.  *sent, if wanted: how many there were.
 * Returns when they are with the kernel, which may be long.
 */
int gentcp_sendfile(struct gentcp *g, uint64_t socket, int fd, int64_t offset,
    int64_t bytes, int64_t *sent);
/*
 * length 0: what is there, or one packet.  A NUL, not counted, is put behind the
 * bytes.  With option header the header's bytes come first.  Not for the http
 * types (GENTCP_INVALID, with the packet taken).
 */
int gentcp_recv(struct gentcp *g, uint64_t socket, size_t length, int timeout,
    void **data, size_t *len);
/*
 * One packet of an http type, and of no other (GENTCP_INVALID, with the packet
 * taken).  *json: the packet, an object as in gentcp-protocol(7), "HTTP packets".
 */
int gentcp_recv_http(struct gentcp *g, uint64_t socket, int timeout, char **json);
int gentcp_close(struct gentcp *g, uint64_t socket);
/* how: "read", "write", "read_write". */
int gentcp_shutdown(struct gentcp *g, uint64_t socket, const char *how);
/*
 * Gives a socket away without losing, doubling or reordering anything: events of
 * it that came here and were not handled yet go to the new owner, before those
 * to come, and active stays what it was.
 */
int gentcp_controlling_process(struct gentcp *g, uint64_t socket, uint64_t client);
int gentcp_unrecv(struct gentcp *g, uint64_t socket, const void *data, size_t len);
int gentcp_setopts(struct gentcp *g, uint64_t socket, const char *options);
/* *json: an object, name -> value. */
int gentcp_getopts(struct gentcp *g, uint64_t socket, const char *names, char **json);

enum gentcp_family { GENTCP_INET = 1, GENTCP_INET6, GENTCP_LOCAL };

struct gentcp_address {
	enum gentcp_family family;
	int port;	/* 0 for local */
	char addr[256]; /* number or path; ends with NUL */
	size_t addr_len;
	uint32_t scope_id, flowinfo;
};

/* *json: an array of addresses as gentcp_connect() takes them.  inet or inet6. */
int gentcp_getaddrs(
    struct gentcp *g, const char *host, enum gentcp_family family, char **json);
int gentcp_sockname(struct gentcp *g, uint64_t socket, struct gentcp_address *a);
int gentcp_peername(struct gentcp *g, uint64_t socket, struct gentcp_address *a);
/* A local socket has none: GENTCP_INVALID. */
int gentcp_port(struct gentcp *g, uint64_t socket, int *port);
/*
 * *fd: a duplicate of the socket's descriptor, close-on-exec, the caller's.  It
 * does not block, until somebody clears O_NONBLOCK: that is all right.
 */
int gentcp_getfd(struct gentcp *g, uint64_t socket, int *fd);
/* names NULL: all counters. */
int gentcp_getstat(struct gentcp *g, uint64_t socket, const char *names, char **json);
int gentcp_info(struct gentcp *g, uint64_t socket, char **json);
int gentcp_i(struct gentcp *g, char **json);
/*
 * GENTCP_EVENT_DOWN will tell when the socket, anybody's, is gone; at once
 * ("noproc") if it is that already.
 */
int gentcp_monitor(struct gentcp *g, uint64_t socket, uint64_t *monitor);
/*
 * found (may be NULL) is 0 where there is no such monitor any more: its event has
 * come or is on its way.
 */
int gentcp_cancel_monitor(struct gentcp *g, uint64_t monitor, int *found);
int gentcp_self(struct gentcp *g, char **json);
int gentcp_clients(struct gentcp *g, char **json);

/*
 * Any method.  params as for gentcp_request(); *result, if wanted, is JSON text.
 * Bytes that came attached are not in it: use gentcp_set_data("auto") for them.
 */
int gentcp_call(struct gentcp *g, const char *method, const char *params, char **result);

#ifdef __cplusplus
}
#endif

#endif
