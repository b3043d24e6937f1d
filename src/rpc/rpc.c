/* SPDX-License-Identifier: ISC */
#include "rpc/rpc.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "base/log.h"
#include "proto/bytes.h"
#include "proto/wire.h"
#include "rpc/access.h"
#include "rpc/policy.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

#define MIB ((size_t)1024 * 1024)

const struct rpc_config rpc_config_default = {
    .wire = {.max_message = 16 * MIB, .max_attachment = 64 * MIB, .max_values = 65536},
    .client_max = {[LIMIT_CLIENTS] = 1,
	[LIMIT_SOCKETS] = 65536,
	[LIMIT_CALLS] = 4096,
	[LIMIT_BYTES] = 256 * MIB,
	[LIMIT_INPUT] = SIZE_MAX,
	[LIMIT_MONITORS] = 65536},
    .uid_max = {[LIMIT_CLIENTS] = 1024,
	[LIMIT_SOCKETS] = 131072,
	[LIMIT_CALLS] = 65536,
	[LIMIT_BYTES] = 1024 * MIB,
	[LIMIT_INPUT] = 1024 * MIB,
	[LIMIT_MONITORS] = 131072},
    .total_max = {[LIMIT_CLIENTS] = 4096,
	[LIMIT_SOCKETS] = 262144,
	[LIMIT_CALLS] = SIZE_MAX,
	[LIMIT_BYTES] = 4096 * MIB,
	[LIMIT_INPUT] = 4096 * MIB,
	[LIMIT_MONITORS] = 262144},
    .replay_high = MIB,
};

/* What tells this daemon's sockets from those of one before it. */
static bool
name_instance(struct rpc *rpc)
{
	uint64_t random;

	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
		return false;
	(void)snprintf(rpc->instance, sizeof rpc->instance, "%016" PRIx64, random);
	return true;
}

struct rpc *
rpc_new(const struct rpc_config *config)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));

	if (rpc == NULL)
		return NULL;
	if (!name_instance(rpc)) {
		free(rpc);
		return NULL;
	}
	rpc->config = *config;
	idmap_init(&rpc->sockets);
	idmap_init(&rpc->clients);
	idmap_init(&rpc->monitors);
	account_init(&rpc->account, NULL, config->total_max);
	LIST_INIT(&rpc->uids);
	LIST_INIT(&rpc->quotas);
	TAILQ_INIT(&rpc->away);
	TAILQ_INIT(&rpc->spare_calls);
	rpc->alarm_at = UINT64_MAX;
	bytes_init(&rpc->scratch);
	bytes_init(&rpc->nowhere);
	return rpc;
}

void
rpc_free(struct rpc *rpc)
{
	struct uid_account *user;

	if (rpc == NULL)
		return;
	while ((user = LIST_FIRST(&rpc->uids)) != NULL) {
		LIST_REMOVE(user, link);
		free(user);
	}
	while ((user = LIST_FIRST(&rpc->quotas)) != NULL) {
		LIST_REMOVE(user, link);
		free(user);
	}
	calls_free(rpc);
	idmap_fini(&rpc->sockets);
	idmap_fini(&rpc->clients);
	idmap_fini(&rpc->monitors);
	bytes_fini(&rpc->scratch);
	bytes_fini(&rpc->nowhere);
	free(rpc);
}

void
rpc_set_tcp(struct rpc *rpc, struct tcp_context *tcp)
{
	rpc->tcp = tcp;
}

void
rpc_discard(struct rpc *rpc, uid_t uid, int fd)
{
	const struct uid_account *user = rpc_uid(rpc, uid);

	tcp_discard_stream(rpc->tcp, fd, user != NULL ? &user->account : NULL);
}

struct uid_account *
rpc_uid(struct rpc *rpc, uid_t uid)
{
	struct uid_account *user;

	LIST_FOREACH(user, &rpc->uids, link)
	if (user->uid == uid)
		return user;
	user = calloc(1, sizeof(*user));
	if (user == NULL)
		return NULL;
	user->uid = uid;
	account_init(&user->account, &rpc->account, rpc->config.uid_max);
	LIST_INSERT_HEAD(&rpc->uids, user, link);
	return user;
}

/* --- caps of a rule ---------------------------------------------------------- */

static bool
is_used(const struct account *a)
{
	for (size_t i = 0; i < LIMIT_KINDS; i++)
		if (a->used[i] != 0)
			return true;
	return false;
}

static bool
has_caps(const struct access_rule *rule)
{
	for (size_t i = 0; rule != NULL && i < LIMIT_KINDS; i++)
		if (rule->max[i] != SIZE_MAX)
			return true;
	return false;
}

struct uid_account *
rpc_quota(struct rpc *rpc, uid_t uid, const struct access_rule *rule)
{
	struct uid_account *own = rpc_uid(rpc, uid), *quota, *spare = NULL;

	if (own == NULL || !has_caps(rule))
		return own;
	LIST_FOREACH(quota, &rpc->quotas, link)
	{
		if (quota->uid == uid && quota->rule == rule)
			return quota;
		/* what is empty may still be pointed to, but only as this uid's */
		if (quota->uid == uid && quota->rule == NULL && !is_used(&quota->account))
			spare = quota;
	}
	if (spare == NULL) {
		spare = calloc(1, sizeof(*spare));
		if (spare == NULL)
			return NULL;
		LIST_INSERT_HEAD(&rpc->quotas, spare, link);
	}
	spare->uid = uid;
	spare->rule = rule;
	account_init(&spare->account, &own->account, rule->max);
	return spare;
}

/* --- other settings ------------------------------------------------------------ */

/* The rules that they were of are no more. */
static void
forget_quotas(struct rpc *rpc)
{
	struct uid_account *quota;

	LIST_FOREACH(quota, &rpc->quotas, link)
	{
		quota->rule = NULL;
		for (size_t i = 0; i < LIMIT_KINDS; i++)
			quota->account.max[i] = SIZE_MAX;
	}
}

void
rpc_reconfigure(struct rpc *rpc, const struct rpc_config *config)
{
	const char *control_path = rpc->config.control_path;
	uid_t uid = rpc->config.uid;
	struct uid_account *user;
	struct session *s;
	size_t at = 0;

	rpc->config = *config;
	rpc->config.control_path = control_path;
	rpc->config.uid = uid;
	memcpy(rpc->account.max, config->total_max, sizeof(rpc->account.max));
	LIST_FOREACH(user, &rpc->uids, link)
	memcpy(user->account.max, config->uid_max, sizeof(user->account.max));
	forget_quotas(rpc);
	while ((s = idmap_next(&rpc->clients, &at)) != NULL) {
		memcpy(s->account.max, config->client_max, sizeof(s->account.max));
		if (!policy_apply(s))
			log_error("rpc", "client %llu: out of memory for its caps",
			    (unsigned long long)s->id);
	}
}

void
rpc_set_daemon(struct rpc *rpc, const struct rpc_daemon *daemon)
{
	rpc->daemon = *daemon;
}

const struct rpc_refusals *
rpc_refusals(const struct rpc *rpc)
{
	return &rpc->refusals;
}

size_t
rpc_used(const struct rpc *rpc, enum limit_kind kind)
{
	return rpc->account.used[kind];
}
