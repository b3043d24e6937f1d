/* SPDX-License-Identifier: ISC */
/*
 * TCP sockets that behave as gen_tcp's: the one public face of this folder.
 * It knows descriptors, libevent, options, packets and reasons; it knows no
 * JSON and no clients.  Talk upward goes through struct tcp_observer and
 * through the done functions of requests.
 *
 * A socket is owned by its context.  It ends by tcp_close(), tcp_abandon(), or
 * by itself (the peer closed it while active); the observer's gone() is the
 * last that is heard of it, and the memory is freed at the end of the loop turn
 * (tcp_reap()).
 *
 * Results are reasons (proto/reason.h), 0 for success; where the text says
 * "as gone", a socket that is closing or gone answers what gen_tcp answers for
 * a closed port: closed, or einval from the inet functions.
 *
 * One thread: everything here is called from, and calls back on, the loop.
 */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/limits.h"
#include "proto/address.h"
#include "proto/bytes.h"
#include "proto/option.h"

struct event;
struct event_base;
struct metrics_text;
struct packet_http;
struct tcp_context;
struct tcp_request;
struct tcp_socket;

/*
 * What is heard of a socket.  All are called from within the context's
 * functions or its events; they may call tcp functions on other sockets, but
 * not end this one.
 */
struct tcp_observer {
	/*
	 * May an event of s be delivered now?  If not, s is held: it reads no
	 * more, its data stays where it is, and what there is to tell is
	 * remembered, until tcp_resume().
	 */
	bool (*room)(void *ctx, struct tcp_socket *s);
	/* The same for the answer to a waiting recv. */
	bool (*recv_room)(void *ctx, struct tcp_request *r);
	/* A packet of active mode; the span is valid during the call. */
	void (*data)(void *ctx, struct tcp_socket *s, const void *data, size_t len);
	/* The same of an http type, unless deliver is port (packet/packet_http.h). */
	void (*http)(void *ctx, struct tcp_socket *s, const struct packet_http *http);
	void (*passive)(void *ctx, struct tcp_socket *s);
	void (*error)(void *ctx, struct tcp_socket *s, int reason);
	void (*closed)(void *ctx, struct tcp_socket *s);
	/*
	 * s has come to its end while active, and is as gone to callers; what is
	 * still to be told of it (data, error, closed) follows when there is room,
	 * then gone.  May be NULL.
	 */
	void (*over)(void *ctx, struct tcp_socket *s);
	/* s is no more.  The last call about it; not after tcp_abandon(). */
	void (*gone)(void *ctx, struct tcp_socket *s);
};

struct tcp_config {
	size_t max_packet;	 /* longest body of a framed packet, bytes */
	int64_t close_timeout;	 /* ms for queued output of a closed socket */
	bool socket_backend;	 /* the default of inet_backend */
	unsigned resolvers;	 /* threads that look names up */
	int64_t resolve_timeout; /* ms for a name, with the wait for a thread */
	unsigned file_threads;	 /* that read files for sendfile */
};

extern const struct tcp_config tcp_config_default;

/*
 * base, observer, clock are borrowed and must outlive the context.  NULL
 * without memory or threads (errno tells).
 */
struct tcp_context *tcp_new(struct event_base *base, const struct clock *clock,
    const struct tcp_config *config, const struct tcp_observer *observer,
    void *observer_ctx);
/* Other settings from now on; the number of threads stays. */
void tcp_reconfigure(struct tcp_context *ctx, const struct tcp_config *config);
/* Closes everything at once (no flush) and frees it; no observer call. */
void tcp_free(struct tcp_context *ctx);
/*
 * From now on small sends are gathered: tcp_flush() at the end of a loop turn
 * writes them, with one system call for each socket, and answers them.
 */
void tcp_gather(struct tcp_context *ctx);
void tcp_flush(struct tcp_context *ctx);
/* Is there anything for tcp_flush() to do?  Then no loop turn may wait. */
bool tcp_gathering(const struct tcp_context *ctx);
/* Is no output waiting to be sent? */
bool tcp_idle(const struct tcp_context *ctx);
/* At the end of a loop turn: frees the sockets that have ended. */
void tcp_reap(struct tcp_context *ctx);

/* Writes the families that are about sockets (base/metrics.h); looks at each socket. */
void tcp_metrics(const struct tcp_context *ctx, struct metrics_text *t);

/*
 * Closes a descriptor that a client passed or was handed, without waiting for whatever
 * it is.  account is the client's, or NULL; -1 is none.
 */
void tcp_discard_fd(struct tcp_context *ctx, int fd, const struct account *account);
/*
 * The same of a client's connection; what lies unread is read first, so that the client
 * hears of no reset.  uid is the account of its user, or NULL.
 */
void tcp_discard_stream(struct tcp_context *ctx, int fd, const struct account *uid);

/* --- requests that may wait ------------------------------------------- */

struct tcp_outcome {
	int reason;		   /* 0, or why not */
	struct tcp_socket *socket; /* connect, accept, listen: the new one */
	/*
	 * recv: the data; with reason closed what gen_tcp would have thrown
	 * away (semantics: rest).  send, with reason timeout: gen_tcp's RestData.
	 * Valid during done().
	 */
	const void *data;
	size_t len;
	const struct packet_http *http;	 /* recv: what data says, of an http type */
	uint64_t sent;			 /* sendfile: bytes of the file */
	const struct option_row *option; /* connect, listen, accept: refused */
	/* getaddrs: what was found; valid during done() */
	const struct address *addresses;
	size_t count;
};

enum tcp_request_kind {
	TCP_R_NONE,
	TCP_R_LOOKUP,
	TCP_R_CONNECT,
	TCP_R_ACCEPT,
	TCP_R_RECV,
	TCP_R_SEND,
	TCP_R_SENDFILE,
	TCP_R_SHUTDOWN,
	TCP_R_CLOSE
};

/*
 * A request is its caller's memory, zeroed but for the first three members,
 * and must stay until done() is called or tcp_cancel() returns.  done() is
 * called exactly once, perhaps before the function that started it returns;
 * the memory may be freed inside it.
 */
struct tcp_request {
	void (*done)(struct tcp_request *r, const struct tcp_outcome *o);
	/*
	 * Who asks.  A later send, sendfile, shutdown or close of one caller waits
	 * behind its own waiting sends on the same socket.
	 */
	const void *caller;
	struct account *account; /* charged for bytes that wait */

	/* private to src/tcp from here on */
	enum tcp_request_kind kind;
	struct tcp_socket *socket;
	TAILQ_ENTRY(tcp_request) link;
	bool queued;   /* in a list of the socket */
	bool gathered; /* send: to be written at the end of the turn */
	bool framed;   /* send: held has its packet header already */
	int reason;    /* its answer, where that is settled already */
	struct event *timer;
	void (*expired)(int, short, void *); /* when the timer is over */
	const struct clock *clock;
	uint64_t deadline;     /* ms of the clock */
	size_t length;	       /* recv */
	int how;	       /* shutdown */
	struct bytes held;     /* send: not yet taken */
	struct charge charge;  /* for held */
	void *state;	       /* connect, getaddrs: what it is about */
	struct sendfile *file; /* sendfile: its file, until its turn comes */
	bool running;	       /* sendfile: its turn has come */
};

/*
 * Withdraws r: done() will not be called.  What a send gave is still sent, unless
 * it had not been taken yet: with the backend socket, unless no byte of it had gone
 * out.  A file is sent likewise once its turn has come; a close that has begun goes on by itself.
 */
void tcp_cancel(struct tcp_request *r);
/*
 * The same at the wish of who asked, who can be answered: with the backend socket a
 * send stops where it is, and what of it was not sent, header included, is put
 * into *rest, which is the caller's to fini.
 */
void tcp_withdraw(struct tcp_request *r, struct bytes *rest);

/* --- opening ---------------------------------------------------------- */

/* What a socket is about to do when its opener's gate is asked. */
enum tcp_gate { TCP_GATE_BIND, TCP_GATE_CONNECT };

struct tcp_open {
	const char *host;		   /* connect: name or numeric; or NULL … */
	struct address address;		   /* … and this: a sockaddr, a local path */
	uint16_t port;			   /* host order */
	const struct option_list *options; /* copied where it must last */
	int fd;				   /* passed descriptor, -1 if none; owned */
	void *user;			   /* the new socket's tcp_user() */
	struct account *account;	   /* charged for the new socket's bytes */
	/*
	 * May it bind, or connect, to a?  0, or the reason of the refusal.  Asked before
	 * each bind and each attempt to connect, so of each address of a name, while
	 * gate_ctx lives as long as the request; NULL: it may.  A socket that takes IPv4,
	 * too, at the address :: is asked for 0.0.0.0 besides.  A destination is the one
	 * that the kernel really goes to: never "any", nor IPv4 in IPv6's clothes.
	 */
	int (*gate)(void *gate_ctx, enum tcp_gate what, const struct address *a);
	void *gate_ctx;
};

/*
 * The port of a TCP service ("http"), as inet:getservbyname.  False if there is
 * none of that name.  Reads /etc/services, a local file.
 */
bool tcp_service_port(const char *name, uint16_t *port);

/*
 * inet:getaddrs: the addresses of a host of one family, in the resolver's order; a
 * numeric host is its own.  host is copied.  o->reason: einval for what cannot be
 * a name, nxdomain (also a number of the other family), timeout, system_limit, enomem.
 */
void tcp_getaddrs(
    struct tcp_context *ctx, const char *host, bool inet6, struct tcp_request *r);

/*
 * gen_tcp:connect.  timeout in ms or CLOCK_NEVER, over names and all
 * addresses.  outcome.socket is the new one; its events begin after done().
 * einval comes as badarg, with outcome.option where an option was at fault.
 */
void tcp_connect(struct tcp_context *ctx, const struct tcp_open *open, int64_t timeout,
    struct tcp_request *r);

/*
 * gen_tcp:listen, which never waits: o->reason, o->socket, o->option.  A listener made
 * with {active, N <= 0} tells tcp_passive once, from tcp_start().
 */
void tcp_listen(
    struct tcp_context *ctx, const struct tcp_open *open, struct tcp_outcome *o);

/* gen_tcp:fdopen: adopts a connected stream socket (open->fd, owned). */
void tcp_fdopen(
    struct tcp_context *ctx, const struct tcp_open *open, struct tcp_outcome *o);

/*
 * A socket made by tcp_listen() or tcp_fdopen() stays silent until this; to be
 * called when its reply is written.
 */
void tcp_start(struct tcp_socket *s);

/*
 * gen_tcp:accept: first come, first served.  The new socket's user and account
 * are given by the caller inside done() (tcp_set_owner()); its events begin
 * after done().  closed (as gone), einval (no listener), timeout, emfile, …
 */
void tcp_accept(struct tcp_socket *s, int64_t timeout, struct tcp_request *r);

/* --- data ------------------------------------------------------------- */

/*
 * gen_tcp:send.  data is taken or copied before this returns.  Where r->account
 * or the socket's has no room for what must be queued: system_limit, with
 * nothing taken.  A body too long for its packet header: emsgsize.
 */
void tcp_send(struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r);

/*
 * file:sendfile.  Sends bytes of a regular file from offset on (both 0 or more;
 * bytes 0: to its end), without a packet's header.  fd is taken in any case, and
 * neither its position nor the socket's counters move.  Output that is queued
 * goes first, what is sent meanwhile behind.  o.sent: how many there were.
 * einval (as gone), enotconn, closed, badarg (no regular file), system_limit, or
 * why the file cannot be read: with nothing sent that is all, else the stream is
 * cut, and the connection ends as by a send error.  A close ends it, and drops
 * what is behind; a shutdown waits.
 */
void tcp_sendfile(
    struct tcp_socket *s, int fd, int64_t offset, uint64_t bytes, struct tcp_request *r);

/* gen_tcp:recv.  length 0: what there is, or one packet. */
void tcp_recv(
    struct tcp_socket *s, size_t length, int64_t timeout, struct tcp_request *r);

/* Would a send, or a shutdown or close behind it, have to wait for others? */
bool tcp_would_wait(const struct tcp_socket *s);

/* gen_tcp:unrecv.  data is copied.  enotsup with the backend socket. */
int tcp_unrecv(struct tcp_socket *s, const void *data, size_t len);

enum tcp_how { TCP_READ, TCP_WRITE, TCP_READ_WRITE };

/*
 * gen_tcp:shutdown: after pending output, but answered at once.  With the backend
 * socket it is done at once, and a listener has it too.
 */
void tcp_shutdown(struct tcp_socket *s, enum tcp_how how, struct tcp_request *r);

/*
 * gen_tcp:close.  From now on everything else answers as gone.  done() after
 * the pending output, or when linger, 5 s without a byte moving, or
 * close_timeout give up waiting; always with reason 0.
 */
void tcp_close(struct tcp_socket *s, struct tcp_request *r);

/*
 * The owner is no more: closes without anybody waiting, queued output first
 * (not with linger {true, 0}).  No observer call about s follows, its waiting
 * requests get closed, and s may not be used any more.  What is still to be sent
 * stays charged: where the account goes, tcp_set_owner() first names one that
 * lasts (after a close: within gone()).
 */
void tcp_abandon(struct tcp_socket *s);

/* --- the owner -------------------------------------------------------- */

void *tcp_user(const struct tcp_socket *s);
/*
 * Who is told from now on, and whose account is charged.  False, and nothing
 * changed, if the account has no room for what the socket holds.
 */
bool tcp_set_owner(struct tcp_socket *s, void *user, struct account *account);
/* Takes over a charge that is given back when s is no more. */
void tcp_set_place(struct tcp_socket *s, struct charge *charge);
/* What clients call s: for the log (option debug). */
void tcp_set_id(struct tcp_socket *s, uint64_t id);
/* There is room again: what was held goes on. */
void tcp_resume(struct tcp_socket *s);

/* --- options and facts ------------------------------------------------ */

/*
 * inet:setopts.  The list has been checked for names, types and ranges; it is
 * applied first to last, and stops at the first failure: *failed is its row.
 * What the options set free (active) is delivered before this returns.
 */
int tcp_setopts(struct tcp_socket *s, const struct option_list *list,
    const struct option_row **failed);

enum { TCP_OMIT = -1 }; /* getopt: this socket has no such option */

/* inet:getopts for one option: 0 with *v, TCP_OMIT, or a reason. */
int tcp_getopt(struct tcp_socket *s, enum option_id id, struct option_value *v);

enum { TCP_RAW_MAX = 1024 }; /* of what a raw option gives no more is kept */

/*
 * inet:getopts for a raw option, which is ask's u.raw: 0 with *len bytes in value,
 * TCP_OMIT where the kernel refuses, or a reason: eacces where proto/raw.h has no row.
 */
int tcp_getraw(struct tcp_socket *s, const struct option_value *ask,
    unsigned char value[TCP_RAW_MAX], size_t *len);

/* 0, enotconn, ebadf (zombie sockname), einval (gone). */
int tcp_sockname(const struct tcp_socket *s, struct address *a);
int tcp_peername(const struct tcp_socket *s, struct address *a);

/*
 * inet:getfd: a duplicate of the descriptor, close-on-exec, the caller's.  From
 * now on nothing is taken for granted that its flags say.  0, einval (zombie,
 * gone), or why there is none (emfile).
 */
int tcp_getfd(struct tcp_socket *s, int *fd);

enum tcp_counter { /* in inet:getstat/1's order */
	TCP_RECV_OCT,
	TCP_RECV_CNT,
	TCP_RECV_MAX,
	TCP_RECV_AVG,
	TCP_RECV_DVI,
	TCP_SEND_OCT,
	TCP_SEND_CNT,
	TCP_SEND_MAX,
	TCP_SEND_AVG,
	TCP_SEND_PEND,
	TCP_COUNTERS
};

const char *tcp_counter_name(enum tcp_counter c);
/* TCP_COUNTERS if there is none of that name. */
enum tcp_counter tcp_counter_find(const char *name);
/* inet:getstat: all counters.  0, or einval (gone). */
int tcp_getstat(const struct tcp_socket *s, uint64_t counter[TCP_COUNTERS]);

/* How payloads of s are shown: gen_tcp's mode and header. */
bool tcp_mode_list(const struct tcp_socket *s);
/* The name of an http type whose strings Erlang has as binaries, else NULL. */
const char *tcp_http_bin(const struct tcp_socket *s);
/* Is deliver port: is data() to be told as a port's? */
bool tcp_deliver_port(const struct tcp_socket *s);
unsigned tcp_header(const struct tcp_socket *s);
bool tcp_is_listener(const struct tcp_socket *s);
/* As gone to callers: closing, or closed and not yet freed. */
bool tcp_is_gone(const struct tcp_socket *s);
/*
 * For over() and gone(): what the socket failed of while it was active (emsgsize,
 * econnreset shown, ...), which gen_tcp's port ends with.  0: closed, by
 * whichever end, or failed while passive.
 */
int tcp_end_reason(const struct tcp_socket *s);

struct tcp_info {
	unsigned states;		      /* a mask of TCP_IS_… */
	size_t memory;			      /* bytes: the socket and its buffers */
	size_t input;			      /* bytes received and not yet delivered */
	size_t acceptors, senders, receivers; /* requests that wait */
	bool held;			      /* its owner's channel has no room */
	bool socket_backend;		      /* inet_backend */
	size_t msgq;			      /* bytes of sends that wait */
	bool msgq_busy;			      /* high_msgq_watermark was passed */
};
enum { /* inet:info's states */
	TCP_IS_OPEN = 1,
	TCP_IS_CONNECTED = 2,
	TCP_IS_LISTEN = 4,
	TCP_IS_ACCEPTING = 8,
	TCP_IS_BUSY = 16,
	TCP_IS_CLOSED = 32
};
void tcp_get_info(const struct tcp_socket *s, struct tcp_info *info);

#endif
