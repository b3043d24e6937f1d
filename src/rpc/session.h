/* SPDX-License-Identifier: ISC */
/* A client, and what it owns.  For src/rpc only. */
#ifndef RPC_SESSION_H
#define RPC_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/limits.h"
#include "proto/payload.h"
#include "rpc/call.h"
#include "rpc/monitor.h"
#include "rpc/ownership.h"

struct access_rule;
struct keep;
struct replay;
struct rpc;
struct session_sink;
struct uid_account;

TAILQ_HEAD(call_list, call);

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
	bool guest;	 /* no place was left for it: it can attach a kept client */
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

#endif
