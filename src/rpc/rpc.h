/* SPDX-License-Identifier: ISC */
/*
 * JSON-RPC over sessions: the public face of this folder.  A session is a client:
 * what it owns and what it waits for.  Whoever holds its connection gives it messages
 * and takes what it says through a sink.  A session may outlive its connection, and
 * a connection may become another session's.  No descriptor, no libevent.
 */
#ifndef RPC_RPC_H
#define RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "base/metrics.h"
#include "proto/bytes.h"
#include "proto/wire.h"

struct access;
struct clock;
struct option_list;
struct rpc;
struct session;
struct tcp_context;
struct tcp_observer;

struct rpc_config {
	struct wire_limits wire; /* told by session.hello */
	/* caps: of one client, of all clients of one uid, of the daemon */
	size_t client_max[LIMIT_KINDS];
	size_t uid_max[LIMIT_KINDS];
	size_t total_max[LIMIT_KINDS];
	uid_t uid;		  /* the daemon's own */
	const char *control_path; /* never connected to; borrowed */
	/* gen_tcp's default options, borrowed; NULL for none */
	const struct option_list *connect_options, *listen_options;
	/* bytes of events that a client has yet to acknowledge, then the next wait */
	size_t replay_high;
	const struct access *access; /* rules, borrowed; NULL: what is built in */
};

/* Who a client is, as the kernel told it when its connection was made. */
struct rpc_who {
	uid_t uid;
	pid_t pid;
	const gid_t *groups; /* of its process; copied */
	size_t ngroups;
	bool
	    monitor; /* by the socket where questions are asked, and nothing else is done */
};

/* What was refused since the start, of requests and of connections. */
struct rpc_refusals {
	uint64_t access; /* eacces */
	uint64_t limit;	 /* system_limit */
};

/* What the methods daemon.* need of the daemon. */
struct rpc_daemon {
	const char *config;	      /* path of its configuration, or NULL; borrowed */
	int64_t last_words;	      /* ms for what was said before the end */
	uint64_t (*lived)(void *ctx); /* ms since the start */
	/* Reads the configuration anew; rpc_reloaded() is called when that is done. */
	void (*reload)(void *ctx);
	/* Ends, in order, as SIGTERM does. */
	void (*shutdown)(void *ctx);
	void *ctx;
};

extern const struct rpc_config rpc_config_default;

/* Where a session's messages go: the connection. */
struct session_sink {
	/* The queue that the next message is written to; never NULL. */
	struct bytes *(*out)(void *ctx);
	/*
	 * The message in out() is whole.  payload (may be of length 0) is its
	 * attachment; it is valid during the call only.
	 */
	void (*commit)(void *ctx, const void *payload, size_t len);
	/*
	 * The message that is written next, up to its commit(), goes with fd,
	 * alone.  fd is the sink's, also where it is refused: false, as too many
	 * that the client was handed are still on their way to it.
	 */
	bool (*pass)(void *ctx, int fd);
	/* Fewer than queue_high bytes are unwritten. */
	bool (*room)(void *ctx);
	/* The client said that it speaks attachments. */
	void (*attachments)(void *ctx);
	/* session_idle() has become true, perhaps without a word said. */
	void (*idle)(void *ctx);
	/* From now on the connection is that session's; the former is rpc's to end. */
	void (*adopt)(void *ctx, struct session *s);
	/*
	 * Another connection has become that of the session.  What this one has now
	 * is s, which nobody knows: nothing more is to be read from it, and it is to be
	 * closed when what was said has been written.
	 */
	void (*taken)(void *ctx, struct session *s);
};

/* Who wakes this folder when time has passed. */
struct rpc_alarm {
	const struct clock *clock;
	/* rpc_wake() is to be called in so many ms, and no more at an earlier wish. */
	void (*set)(void *ctx, int64_t ms);
	void *ctx;
};

/* Who knows the metrics of the daemon as a whole. */
struct rpc_report {
	/* The text, its taker's to free(); NULL without memory. */
	char *(*text)(void *ctx, enum metrics_format format, size_t *len);
	void *ctx;
};

/* config is copied.  NULL without memory. */
struct rpc *rpc_new(const struct rpc_config *config);
/* After all connections and the tcp context are gone, and rpc_stop(). */
void rpc_free(struct rpc *rpc);
/* Copied.  Without one no client can be kept (enotsup). */
void rpc_set_alarm(struct rpc *rpc, const struct rpc_alarm *alarm);
/* Copied; ctx is borrowed.  Without one daemon.reload and daemon.shutdown are enotsup. */
void rpc_set_daemon(struct rpc *rpc, const struct rpc_daemon *daemon);
/*
 * Other caps, defaults and rules from now on, for clients that are there as well; what
 * one has already past a new cap stays.  uid and control_path stay.  config is copied.
 */
void rpc_reconfigure(struct rpc *rpc, const struct rpc_config *config);
/* The configuration was read, or why it was not: who asked for it is answered. */
void rpc_reloaded(struct rpc *rpc, const char *why);
/* Tells all clients that the daemon ends. */
void rpc_say_shutdown(struct rpc *rpc);
/* Writes a line of the log for each client and each socket, up to some hundreds. */
void rpc_log_all(const struct rpc *rpc);
const struct rpc_refusals *rpc_refusals(const struct rpc *rpc);
/* How many clients and sockets there are. */
size_t rpc_used(const struct rpc *rpc, enum limit_kind kind);
/* Copied.  Without one daemon.metrics is enotsup. */
void rpc_set_report(struct rpc *rpc, const struct rpc_report *report);
/* Writes the families that are about clients and their requests, for a report. */
void rpc_metrics(const struct rpc *rpc, struct metrics_text *t);
/* Ends the clients whose time without a connection is over. */
void rpc_wake(struct rpc *rpc);
/*
 * From now on no client outlives its connection, and those that did end now: what
 * they own closes as in session_leave().
 */
void rpc_stop(struct rpc *rpc);
/* The tcp layer to use; its observer is rpc_observer() with rpc as context. */
void rpc_set_tcp(struct rpc *rpc, struct tcp_context *tcp);
extern const struct tcp_observer rpc_observer;

/*
 * Closes the connection of a client of uid, perhaps of one that was refused.  No
 * session uses it any more; what lies unread may hold descriptors, too, so this does
 * not wait for its end.
 */
void rpc_discard(struct rpc *rpc, uid_t uid, int fd);

/*
 * A client connected; sink and ctx outlive the session.  NULL where the caps
 * are reached or memory is out: errno is EUSERS or ENOMEM.
 */
struct session *session_new(struct rpc *rpc, const struct session_sink *sink, void *ctx,
    const struct rpc_who *who);
/*
 * The connection ended: the client's waiting requests vanish and its sockets close.
 * If it is kept (session.keep) they stay, and so does the client, without a sink.
 * s may not be used any more by whoever held the connection.  NULL is let pass.
 */
void session_leave(struct session *s);

/*
 * A message, as wire_next() gave it (status is WIRE_MESSAGE, _SKIPPED or
 * _BROKEN), with the descriptors that came with it; they are the session's now.
 * False: nothing more can be read from this connection; it is to be closed when
 * what was said has been written.  s may be gone afterwards, if the sink was told to
 * adopt() another.
 */
bool session_receive(struct session *s, enum wire_status status,
    const struct wire_message *m, const int *fds, size_t nfds);

/*
 * The connection holds so many bytes of input that are not carried out yet.
 * False: more than its uid's clients, or all, may have.  (One client's is bounded
 * by the wire's limits.)
 */
bool session_hold(struct session *s, size_t bytes);

/*
 * Closes a descriptor that the client has, or had, too: without waiting for what
 * it is, or for what was done with it.
 */
void session_discard(struct session *s, int fd);

/* The sink has room again. */
void session_writable(struct session *s);

/*
 * Neither a request waits nor is a socket owned or monitored: nothing more will
 * be said unless more is asked.
 */
bool session_idle(const struct session *s);

/* For logs: the client's number. */
uint64_t session_id(const struct session *s);

#endif
