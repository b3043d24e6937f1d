/* SPDX-License-Identifier: ISC */
/* daemon.status, reload, shutdown, log_level: for administrators. */
#include <errno.h>
#include <jansson.h>
#include <unistd.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "base/log.h"
#include "proto/event.h"
#include "proto/method.h"
#include "proto/params.h"
#include "proto/reason.h"
#include "rpc/access.h"
#include "rpc/calls.h"
#include "rpc/reply.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"

bool
call_is_for_admin(struct call *call)
{
	if (call->session->admin)
		return true;
	reply_refused(call, EACCES, NULL, "this method is for administrators");
	return false;
}

/* --- status ---------------------------------------------------------------------- */

static json_t *
levels_new(void)
{
	json_t *levels = json_object();
	const char *name;

	for (size_t i = 0; (name = log_subsystem(i)) != NULL; i++)
		json_object_set_new(
		    levels, name, json_string(log_level_name(log_level_of(name))));
	return levels;
}

static json_t *
used_new(const struct account *a)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "clients",
	    (json_int_t)a->used[LIMIT_CLIENTS], "sockets",
	    (json_int_t)a->used[LIMIT_SOCKETS], "calls", (json_int_t)a->used[LIMIT_CALLS],
	    "bytes", (json_int_t)a->used[LIMIT_BYTES], "input",
	    (json_int_t)a->used[LIMIT_INPUT], "monitors",
	    (json_int_t)a->used[LIMIT_MONITORS]);
}

/* Those that have something. */
static json_t *
users_new(const struct rpc *rpc)
{
	json_t *users = json_array(), *one;
	const struct uid_account *user;
	size_t i;

	LIST_FOREACH(user, &rpc->uids, link)
	{
		for (i = 0; i < LIMIT_KINDS && user->account.used[i] == 0; i++)
			continue;
		if (i == LIMIT_KINDS)
			continue;
		one = used_new(&user->account);
		json_object_set_new(one, "uid", json_integer((json_int_t)user->uid));
		json_array_append_new(users, one);
	}
	return users;
}

void
call_status(struct call *call, struct request *q)
{
	const struct rpc *rpc = call->session->rpc;
	const struct rpc_daemon *d = &rpc->daemon;

	(void)q;
	if (!call->session->monitor && !call_is_for_admin(call))
		return;
	reply_json(call,
	    json_pack("{s:s, s:I, s:s, s:I, s:s?, s:o, s:o, s:{s:I, s:I}, s:{s:I, s:o}}",
		"version", PACKAGE_VERSION, "pid", (json_int_t)getpid(), "instance",
		rpc->instance, "uptime",
		(json_int_t)(d->lived == NULL ? 0 : d->lived(d->ctx)), "config",
		d->config, "used", used_new(&rpc->account), "users", users_new(rpc),
		"refused", "access", (json_int_t)rpc->refusals.access, "limit",
		(json_int_t)rpc->refusals.limit, "log", "lost", (json_int_t)log_lost(),
		"levels", levels_new()));
}

/* --- reload, shutdown -------------------------------------------------------------- */

void
call_reload(struct call *call, struct request *q)
{
	const struct rpc_daemon *d = &call->session->rpc->daemon;

	(void)q;
	if (!call_is_for_admin(call))
		return;
	if (d->reload == NULL)
		reply_error(call, ENOTSUP, NULL);
	else if (call_wait(call, NULL))
		d->reload(d->ctx);
}

/* The first of them, of any client, that waits since a reload began; or NULL. */
static struct call *
reload_waiting(const struct rpc *rpc)
{
	const struct session *s;
	struct call *call;
	size_t at = 0;

	while ((s = idmap_next(&rpc->clients, &at)) != NULL)
		TAILQ_FOREACH (call, &s->calls, link)
			if (call->row != NULL && call->row->id == METHOD_RELOAD)
				return call;
	return NULL;
}

void
rpc_reloaded(struct rpc *rpc, const char *why)
{
	struct call *call;

	/* an answer may end its session, so each look begins anew */
	while ((call = reload_waiting(rpc)) != NULL) {
		if (why == NULL)
			reply_ok(call);
		else
			reply_refused(call, EINVAL, NULL, why);
	}
}

void
call_stop(struct call *call, struct request *q)
{
	const struct rpc_daemon *d = &call->session->rpc->daemon;
	const struct session *s = call->session;

	(void)q;
	if (!call_is_for_admin(call))
		return;
	if (d->shutdown == NULL) {
		reply_error(call, ENOTSUP, NULL);
		return;
	}
	log_info("daemon", "client %llu, uid %lu: shutdown", (unsigned long long)s->id,
	    (unsigned long)s->uid);
	d->shutdown(d->ctx);
	reply_ok(call);
}

void
rpc_say_shutdown(struct rpc *rpc)
{
	struct session *s;
	size_t at = 0;

	while ((s = idmap_next(&rpc->clients, &at)) != NULL) {
		if (s->away)
			continue;
		/* it is of the connection, so it has no number */
		event_put_shutdown(
		    s->sink->out(s->sink_ctx), (uint64_t)rpc->daemon.last_words);
		s->sink->commit(s->sink_ctx, NULL, 0);
	}
}

/* --- the log -------------------------------------------------------------------------- */

void
call_log_level(struct call *call, struct request *q)
{
	const char *name = params_string(&q->params, 0, NULL);
	const char *subsystem = params_string(&q->params, 1, NULL);
	enum log_level level = name == NULL ? LOG_L_COUNT : log_level_find(name);
	bool known = true;

	if (!call_is_for_admin(call))
		return;
	if (name == NULL ? subsystem != NULL : level == LOG_L_COUNT) {
		reply_fault(call, REASON_INVALID_PARAMS,
		    "param \"level\" must be \"error\", \"warning\", \"info\" or \"debug\"");
		return;
	}
	if (name != NULL && subsystem == NULL)
		log_set_level(level);
	else if (name != NULL)
		known = log_set_level_of(subsystem, level);
	if (known)
		reply_json(call, levels_new());
	else
		reply_fault(call, REASON_INVALID_PARAMS,
		    "param \"subsystem\" names no part of the daemon");
}
