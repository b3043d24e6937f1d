/* SPDX-License-Identifier: ISC */
/* What the configuration's access rules say of a client, and what is refused. */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "proto/address.h"
#include "proto/method.h"
#include "proto/reason.h"
#include "rpc/access.h"
#include "rpc/policy.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

#define BIT(id) (UINT64_C(1) << (id))

/* --- whose rule -------------------------------------------------------------- */

/*
 * Rules are for those who have no privilege.  One that names root, or the daemon's
 * own uid, gives it caps and receivers, and takes nothing away.
 */
static const struct access_rule *
find_rule(const struct session *s)
{
	return access_find(
	    s->rpc->config.access, s->uid, s->groups, s->ngroups, s->privileged);
}

static bool
is_admin(const struct session *s)
{
	const struct access *access = s->rpc->config.access;
	const struct access_gids groups = {s->groups, s->ngroups};

	return s->privileged ||
	    (access != NULL && access->has_admin &&
		access_has_gid(&groups, access->admin));
}

/* Who only asks may do what tells, but for handing descriptors out. */
static uint64_t
telling_methods(void)
{
	uint64_t bits = BIT(METHOD_HELLO);

	for (int id = 0; id < METHOD_COUNT; id++) {
		unsigned flags = method_row((enum method_id)id)->flags;

		if ((flags & METHOD_TELLS) != 0 && (flags & METHOD_GIVES) == 0)
			bits |= BIT(id);
	}
	return bits;
}

bool
policy_apply(struct session *s)
{
	const struct access_rule *rule = find_rule(s);
	struct uid_account *user = rpc_quota(s->rpc, s->uid, rule);

	s->rule = rule;
	s->admin = is_admin(s);
	s->methods = ACCESS_ALL_METHODS;
	if (rule != NULL && !s->privileged)
		s->methods = rule->methods | BIT(METHOD_HELLO);
	if (s->monitor)
		s->methods = telling_methods();
	if (s->guest)
		s->methods &= BIT(METHOD_HELLO) | BIT(METHOD_ATTACH);
	if (user == NULL)
		return false;
	if (user != s->user)
		account_move(&s->account, &user->account);
	s->user = user;
	return true;
}

bool
policy_method(const struct session *s, enum method_id id)
{
	return (s->methods & BIT(id)) != 0;
}

int
policy_call(struct session *s, enum method_id id, const char **detail)
{
	*detail = "this method is not for you";
	if (policy_method(s, id))
		return 0;
	if (!s->guest)
		return EACCES;
	if (session_admit(s))
		return policy_method(s, id) ? 0 : EACCES;
	*detail = "too many clients: this connection can only attach one that is kept";
	return REASON_SYSTEM_LIMIT;
}

bool
policy_gives(const struct session *s, uid_t uid)
{
	return s->uid == uid || (s->rule != NULL && access_has_uid(&s->rule->give, uid));
}

/* --- addresses ------------------------------------------------------------------ */

static bool
may_bind(const struct call *call, const struct address *a)
{
	/* a port that the kernel chooses for a connection is nothing to ask about */
	if (a->kind == ADDRESS_LOCAL || (call->row->id == METHOD_CONNECT && a->port == 0))
		return true;
	return access_nets_have(&call->session->rule->listen, a);
}

int
policy_gate(void *ctx, enum tcp_gate what, const struct address *a)
{
	static const char
	    listen[] = "the access rules do not have this own address and port",
	    connect[] = "the access rules do not have this address and port";
	struct call *call = ctx;
	const struct session *s = call->session;

	if (s->privileged || s->rule == NULL)
		return 0;
	if (what == TCP_GATE_BIND && s->rule->listen.given && !may_bind(call, a))
		call->detail = listen;
	else if (what == TCP_GATE_CONNECT && s->rule->connect.given &&
	    !access_nets_have(&s->rule->connect, a))
		call->detail = connect;
	else
		return 0;
	return EACCES;
}

/* --- refusals ----------------------------------------------------------------------- */

void
policy_note(struct rpc *rpc, const struct session *s, const char *what, int reason,
    const char *detail)
{
	uint64_t held;

	if (reason == EACCES)
		rpc->refusals.access++;
	else if (reason == REASON_SYSTEM_LIMIT)
		rpc->refusals.limit++;
	else
		return;
	if (rpc->alarm.clock == NULL ||
	    !log_gate_pass(&rpc->refusal_gate, clock_now(rpc->alarm.clock), &held))
		return;
	log_warning("access",
	    "client %llu, uid %lu, pid %ld: %s refused: %s%s%s (%llu more such)",
	    (unsigned long long)s->id, (unsigned long)s->uid, (long)s->pid, what,
	    reason_name(reason), detail != NULL ? ": " : "", detail != NULL ? detail : "",
	    (unsigned long long)held);
}
