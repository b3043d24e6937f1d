/* SPDX-License-Identifier: ISC */
/*
 * What there is of this folder: its configuration, its maps and its accounts.
 * For src/rpc only.
 */
#ifndef RPC_RPC_PRIVATE_H
#define RPC_RPC_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "base/log.h"
#include "proto/bytes.h"
#include "proto/event.h"
#include "proto/method.h"
#include "rpc/rpc.h"

struct access_rule;
struct session;
struct tcp_context;

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

#endif
