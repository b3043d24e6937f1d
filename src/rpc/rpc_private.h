/* SPDX-License-Identifier: ISC */
/*
 * What a session, a call and a socket's handle are made of.  For src/rpc only.
 */
#ifndef RPC_RPC_PRIVATE_H
#define RPC_RPC_PRIVATE_H

#include <jansson.h>
#include <sys/queue.h>

#include "base/idmap.h"
#include "base/log.h"
#include "proto/event.h"
#include "proto/message.h"
#include "proto/message_send.h"
#include "proto/method.h"
#include "proto/params.h"
#include "proto/payload.h"
#include "proto/reason.h"
#include "rpc/access.h"
#include "rpc/rpc.h"
#include "tcp/tcp.h"

/*
 * One uid's account, or that of its clients under a rule with caps of its own, whose
 * parent the former is.  Kept once made, so that what is left to flush has one.
 */
struct uid_account {
	LIST_ENTRY(uid_account) link;
	uid_t uid;
	const struct access_rule *rule; /* of the latter; NULL: its rule is no more */
	struct account account;
};

enum {
	TALLY_RPC = 0,			 /* JSON-RPC's own codes … */
	TALLY_OWN = 5,			 /* … then 10001 to 10011 … */
	TALLY_ERRNO = 16,		 /* … then by errno, from 1 on */
	TALLY_OTHER = TALLY_ERRNO + 160, /* what none of these is */
	TALLY_REASONS
};

/* What metrics.c tells. */
struct rpc_tally {
	uint64_t requests[METHOD_COUNT];
	uint64_t events[EVENT_COUNT];
	uint64_t errors[TALLY_REASONS];
	uint64_t input_refused; /* connections that went past LIMIT_INPUT */
};

struct rpc {
	struct rpc_config config;
	struct rpc_tally tally;
	struct rpc_report report;
	struct tcp_context *tcp;
	struct idmap sockets;	/* -> struct handle */
	struct idmap clients;	/* -> struct session */
	struct idmap monitors;	/* -> struct monitor */
	struct account account; /* the daemon's */
	LIST_HEAD(, uid_account) uids, quotas;
	struct rpc_daemon daemon;
	struct rpc_refusals refusals;
	struct log_gate refusal_gate;
	struct rpc_alarm alarm;
	uint64_t
	    alarm_at; /* ms of its clock: when rpc_wake() is due, UINT64_MAX: never */
	TAILQ_HEAD(, session) away;	/* kept clients without a connection */
	bool stopped;			/* nobody is kept any more */
	TAILQ_HEAD(, call) spare_calls; /* ended ones, for the next */
	size_t spares;
	struct bytes scratch;			 /* for payloads that must be decoded */
	struct bytes nowhere;			 /* what is said to nobody */
	char instance[2 * sizeof(uint64_t) + 1]; /* this run of the daemon */
};

/* An error is answered: counts it by its reason. */
void tally_error(struct rpc *rpc, int reason);
struct uid_account *rpc_uid(struct rpc *rpc, uid_t uid); /* NULL: no memory */
/* The account of a client of uid under rule, or without one. */
struct uid_account *rpc_quota(
    struct rpc *rpc, uid_t uid, const struct access_rule *rule); /* NULL: no memory */

/* --- sockets as clients know them (ownership.c) --------------------------- */

/* An event that the old owner had and handed over: controlling_process. */
struct carried {
	TAILQ_ENTRY(carried) link;
	enum event_id event;
	uint64_t from;	   /* EVENT_TCP_OWNER */
	int reason;	   /* EVENT_TCP_ERROR */
	struct bytes data; /* of EVENT_HTTP: the packet as JSON */
};

TAILQ_HEAD(carried_list, carried);

struct monitor;

TAILQ_HEAD(monitor_list, monitor);

struct handle {
	uint64_t id;
	struct tcp_socket *tcp;
	struct session *owner;
	TAILQ_ENTRY(handle) link;	/* of its owner's sockets */
	TAILQ_ENTRY(handle) stall_link; /* of its owner's stalled sockets */
	bool stalled;
	struct charge charge;	      /* LIMIT_SOCKETS */
	struct carried_list carried;  /* to be told before anything else */
	struct charge carried_charge; /* LIMIT_BYTES */
	struct monitor_list monitors;
};

/* The socket with that id if s may see it, else NULL. */
struct handle *ownership_find(struct session *s, uint64_t id);
/*
 * A new socket of s; takes over what charge holds.  Becomes tcp's user and
 * account.  NULL without memory; tcp is then still the caller's.
 */
struct handle *ownership_add(
    struct session *s, struct tcp_socket *tcp, struct charge *charge);
/* The handle is no more; its socket goes on (or is gone) without it. */
void ownership_remove(struct handle *h);
/* Makes to the owner.  0, or REASON_SYSTEM_LIMIT and nothing changed. */
int ownership_move(struct handle *h, struct session *to);

struct batch;

/* --- events (tell.c) -------------------------------------------------------- */

/* What an event says, apart from how a connection has it written. */
struct told {
	enum event_id event;
	uint64_t socket;
	uint64_t number; /* EVENT_TCP_OWNER: from; EVENT_DOWN: the monitor */
	int reason;	 /* EVENT_TCP_ERROR */
	const char *why; /* EVENT_DOWN; static */
	/* EVENT_TCP, EVENT_PORT: the payload; EVENT_HTTP: the packet as JSON … */
	const void *data;
	size_t len;
	const struct packet_http *http; /* … where this is NULL */
	/* how the socket has its payloads shown */
	bool list;
	unsigned header;
	const char *http_bin; /* static, or NULL */
};

/* Fills in how tcp has its payloads shown. */
void told_look(struct told *t, const struct tcp_socket *tcp);
/* May s be told an event now? */
bool session_room(const struct session *s);
/* Tells s, who has room. */
void session_tell(struct session *s, const struct told *t);
/* Writes it to the connection of s, as number seq, 0 for none. */
void tell_put(struct session *s, const struct told *t, uint64_t seq);

/* --- events that may have to be told again (replay.c) ------------------------- */

struct call;
struct replay;

/* From now on the events of s have numbers, and are kept.  0 or enomem. */
int replay_begin(struct session *s);
/* The contrary.  What the connection of s is still to be told again it is told. */
void replay_end(struct session *s);
/* s ends. */
void replay_fini(struct session *s);
/* May one more be kept, and was all told that was before?  s has a replay. */
bool replay_room(const struct session *s);
/* Keeps what t says.  Its number, or 0 without memory.  s has a replay. */
uint64_t replay_add(struct session *s, const struct told *t);
/*
 * Events up to seq are handled, and what s asked for until now came of them.  0, or
 * einval: there is none of that number yet.  What had waited for room may be told.
 */
int replay_ack(struct session *s, uint64_t seq);
/* s has a new connection: it is to be told all that is kept. */
void replay_rewind(struct session *s);
/* Tells what is to be told again, as far as there is room.  True: that was all. */
bool replay_resume(struct session *s);

/*
 * What s was not told yet of its socket, appended to list, whose size grows by it: it
 * is for a new owner.  False without memory.
 */
bool replay_untold(
    const struct session *s, uint64_t socket, struct carried_list *list, size_t *size);
/* The socket is no more s's, nor is what is kept of it; s heard, or handed it over. */
void replay_give(struct session *s, uint64_t socket);

/*
 * An acknowledgement that came with a request, number seq of which there is: it counts
 * where the request is not refused at once.  ack_begin(), then what the request asks for,
 * within which ack_refused() may be called, then ack_end().
 */
void ack_begin(struct session *s, const struct call *call);
void ack_refused(const struct call *call);
void ack_end(struct session *s, uint64_t ack);

/* --- telling owners (publish.c) --------------------------------------------- */

/* Tells what is carried, as far as there is room.  True when none is left. */
bool publish_carried(struct handle *h);
/* The owner has room again. */
void publish_resume(struct handle *h);
/* Appends an entry; NULL without memory. */
struct carried *carried_new(struct carried_list *list, enum event_id event);
/* Frees what is carried and was not told. */
void carried_clear(struct carried_list *list);

/* --- monitors (monitor.c) --------------------------------------------------- */

extern const char monitor_normal[]; /* closed, by whichever end */
extern const char monitor_killed[]; /* its owner's connection ended */

/* h is about to be no more: whoever monitors it is told, now or when there is room. */
void monitor_down(struct handle *h, const char *reason);
/*
 * h is as gone, but its owner has yet to be told of it: the others do not wait
 * for that.
 */
void monitor_over(struct handle *h, const char *reason);
/* How many there are of h. */
size_t monitor_count(const struct handle *h);
/* Tells s what found no room, as far as there is room now. */
void monitor_resume(struct session *s);
/*
 * The answers of a batch are sent, or s ends: the numbers of these monitors are known.
 * Empties the list.
 */
void monitor_known(struct session *s, struct monitor_list *unnamed);
/* s ends, and its monitors with it. */
void monitor_forget(struct session *s);

/* --- kept clients (keep.c) ---------------------------------------------------- */

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

/* --- sessions and calls (session.c) ------------------------------------------ */

TAILQ_HEAD(call_list, call);
TAILQ_HEAD(handle_list, handle);

struct session {
	struct rpc *rpc;
	uint64_t id;
	uid_t uid;
	pid_t pid;
	gid_t *groups; /* own */
	size_t ngroups;
	bool privileged; /* root, or the daemon's own uid */
	bool admin;	 /* it, or one of the configured group: may daemon.* */
	bool monitor;	 /* may only ask, but of everything */
	bool
	    guest; /* has no place of its own: attaches a kept client, or waits for one */
	const struct access_rule *rule; /* NULL: what is built in */
	uint64_t methods;		/* a bit for each that is allowed */
	bool ended;			/* nobody is there to read an answer */
	bool vacant;			/* its connection became another's: to be freed */
	bool away;			/* kept, and without a connection */
	TAILQ_ENTRY(session) away_link;
	struct keep *keep;     /* NULL: it ends with its connection */
	struct replay *replay; /* NULL: its events are told once, without numbers */
	uint64_t seq, acked;   /* of events: last one given, last one acknowledged */
	uint64_t opened;       /* calls so far */
	uint64_t covered;      /* so many of them were there when the last ack came */
	uint64_t running;      /* the call that ack_begin() was told of, or 0 */
	bool refused;
	char *name; /* from session.hello; NULL before */
	const struct session_sink *sink;
	void *sink_ctx;
	enum payload_form form;
	bool attachments;
	struct uid_account *user;
	struct account account;
	struct charge charge; /* LIMIT_CLIENTS */
	struct charge input;  /* LIMIT_INPUT */
	struct call_list calls;
	struct handle_list handles;
	struct handle_list stalled_handles;
	struct call_list stalled_calls; /* recvs whose answer found no room */
	struct monitor_list monitors;
	struct monitor_list downs; /* of sockets that are gone: to be told */
};

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

/* Makes a guest a client like others.  False: there is still no place for one. */
bool session_admit(struct session *s);
/* s, whose connection is gone or has been taken from it, ends. */
void session_free(struct session *s);
/*
 * s has no connection any more: its waiting requests vanish, and what it is told goes
 * nowhere, for which there is never room.
 */
void session_part(struct session *s);
/* A call or a socket of s is gone: tells the sink where it was the last. */
void session_look(struct session *s);

/* --- calls (call.c) -------------------------------------------------------- */

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

/* --- answers (reply.c): each ends the call ------------------------------------ */

void reply_ok(struct call *call);
/* result is the callee's now; NULL is answered with enomem. */
void reply_json(struct call *call, json_t *result);
/* data (an object, or NULL) is the callee's now. */
void reply_error(struct call *call, int reason, json_t *data);
/* The same with data {"option":…,"detail":…}; each may be NULL. */
void reply_refused(struct call *call, int reason, const char *option, const char *detail);
/* One of JSON-RPC's own errors; text is a sentence. */
void reply_fault(struct call *call, int code, const char *text);
/* The result is this text, which is JSON without a line's end in it. */
void reply_text(struct call *call, const char *text, size_t len);
/* {"fd":"passed"} with fd, which is the callee's now. */
void reply_fd(struct call *call, int fd);
/* recv's result. */
void reply_data(struct call *call, const void *data, size_t len);
void reply_http(struct call *call, const struct packet_http *http);
/*
 * reason with bytes that are given back, if any: what gen_tcp would have thrown
 * away, or the RestData of a send.
 */
void reply_rest(struct call *call, int reason, const void *data, size_t len);
/* An error that belongs to no call. */
void reply_stray(
    struct session *s, const struct message_id *id, int code, const char *text);
/* How payloads of tcp are shown to s. */
struct payload_style session_style(const struct session *s, const struct tcp_socket *tcp);

/* --- batches (batch.c) ---------------------------------------------------------- */

/* NULL without memory. */
struct batch *batch_new(struct session *s);
/* The queue for a member's answer, its separator written. */
struct bytes *batch_out(struct batch *b);
/* The monitors whose numbers are in its answers. */
struct monitor_list *batch_monitors(struct batch *b);
/* Have the answers grown so large that results are refused (system_limit)? */
bool batch_full(struct batch *b);
/* One more user: a member that is being worked on, or the one who fills it. */
void batch_hold(struct batch *b);
/* One fewer.  The last one sends what was gathered. */
void batch_release(struct batch *b);

/* --- dispatch (dispatch.c) and handlers (call_*.c) ------------------------------- */

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

/* --- who may (policy.c) ------------------------------------------------------------ */

/*
 * May s open a socket so?  0, EACCES or EADDRINUSE; *detail is a sentence.  address is the
 * destination of connect (of kind ADDRESS_NONE for a name), or NULL for listen;
 * port is the one to bind by position (listen), 0 for none.  options are the client's own;
 * all has those of the configuration too, which whoever wrote it allows.
 */
int policy_open(const struct session *s, const struct address *address, uint16_t port,
    const struct option_list *options, const struct option_list *all,
    const char **detail);
/* Finds the rule of s, and what follows from it.  False without memory. */
bool policy_apply(struct session *s);
/* May s use that method at all? */
bool policy_method(const struct session *s, enum method_id id);
/* The same for a call of it, for which a guest becomes a client if it can.  0, or a
 * reason; *detail is a sentence. */
int policy_call(struct session *s, enum method_id id, const char **detail);
/* tcp_open's gate; ctx is the call. */
int policy_gate(void *ctx, enum tcp_gate what, const struct address *a);
/* May s give a socket of its own to a client of uid? */
bool policy_gives(const struct session *s, uid_t uid);
/* If reason is a refusal: counts it, and logs it, once in a second. */
void policy_note(struct rpc *rpc, const struct session *s, const char *what, int reason,
    const char *detail);
/* May s set these options?  0 or EACCES; *detail is a sentence. */
int policy_options(
    const struct session *s, const struct option_list *options, const char **detail);
/* May s have tcp's descriptor?  0 or EACCES; *detail is a sentence. */
int policy_getfd(
    const struct session *s, const struct tcp_socket *tcp, const char **detail);
/*
 * The same for fdopen: where the descriptor is bound to is its client's own affair, so
 * only what could be set later counts.
 */
int policy_adopt(
    const struct session *s, const struct option_list *options, const char **detail);
/*
 * May it be kept, as it turned out?  A client's own connection would feed itself, for
 * ever, with nobody else to end it.
 */
int policy_adopted(
    const struct session *s, const struct tcp_socket *tcp, const char **detail);
/* May s see a socket of that uid? */
bool policy_sees(const struct session *s, uid_t uid);

#endif
