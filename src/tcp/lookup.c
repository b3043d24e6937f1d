/* SPDX-License-Identifier: ISC */
/* Hosts: what is a number, what a name, and inet:getaddrs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/reason.h"
#include "tcp/resolver.h"
#include "tcp/tcp_socket.h"

struct lookup {
	TAILQ_ENTRY(lookup) link;
	struct tcp_context *ctx;
	struct tcp_request *r;
	struct resolver_job *job;
};

/* As inet:visible_string/1: what cannot be a name is not even looked up. */
static bool
is_visible(const char *host)
{
	if (*host == '\0')
		return false;
	for (; *host != '\0'; host++)
		if (*host <= ' ' || *host > '~')
			return false;
	return true;
}

int
tcp_host_read(const char *host, int family, struct address *a, bool *name)
{
	*name = false;
	if (!is_visible(host) || family == AF_LOCAL)
		return REASON_BADARG;
	if (address_parse_host(host, a))
		return (a->kind == ADDRESS_INET6) == (family == AF_INET6)
		    ? 0
		    : REASON_NXDOMAIN;
	if (strchr(host, ':') != NULL)
		return REASON_NXDOMAIN;
	*name = true;
	return 0;
}

/* --- getaddrs ------------------------------------------------------------------- */

static void
lookup_free(struct lookup *l)
{
	TAILQ_REMOVE(&l->ctx->lookups, l, link);
	if (l->job != NULL)
		resolver_cancel(l->ctx->resolver, l->job);
	l->r->state = NULL;
	free(l);
}

static void
finish(struct lookup *l, const struct tcp_outcome *o)
{
	struct tcp_request *r = l->r;

	lookup_free(l);
	tcp_request_finish(r, o);
}

static void
resolved(void *arg, int reason, struct resolver_addresses *found)
{
	struct tcp_outcome o = {.reason = reason};
	struct lookup *l = arg;
	struct address *list = NULL;

	l->job = NULL;
	if (reason == 0) {
		list = calloc(found->count, sizeof(*list));
		o.reason = list == NULL ? ENOMEM : 0;
	}
	for (size_t i = 0; list != NULL && i < found->count; i++)
		tcp_address_from_sockaddr(
		    &found->list[i].addr, found->list[i].len, &list[i]);
	o.addresses = list;
	o.count = list == NULL ? 0 : found->count;
	finish(l, &o);
	free(list);
}

void
tcp_getaddrs(struct tcp_context *ctx, const char *host, bool inet6, struct tcp_request *r)
{
	struct lookup *l = calloc(1, sizeof(*l));
	int family = inet6 ? AF_INET6 : AF_INET;
	struct tcp_outcome o = {0};
	struct address one;
	bool name = false;

	tcp_request_begin(r, TCP_R_LOOKUP, NULL);
	if (l == NULL) {
		tcp_request_fail(r, ENOMEM);
		return;
	}
	l->ctx = ctx;
	l->r = r;
	r->state = l;
	TAILQ_INSERT_TAIL(&ctx->lookups, l, link);
	o.reason = tcp_host_read(host, family, &one, &name);
	if (o.reason == REASON_BADARG)
		o.reason = EINVAL;
	o.addresses = &one;
	o.count = o.reason == 0;
	if (name)
		o.reason = resolver_lookup(ctx->resolver, host, family,
		    r->account != NULL ? r->account->parent : NULL, resolved, l, &l->job);
	if (!name || o.reason != 0)
		finish(l, &o);
}

void
tcp_lookup_cancel(struct tcp_request *r)
{
	struct lookup *l = r->state;

	tcp_request_detach(r);
	if (l != NULL)
		lookup_free(l);
}

void
tcp_lookup_end_all(struct tcp_context *ctx)
{
	const struct tcp_outcome o = {.reason = REASON_CLOSED};
	struct lookup *l;

	while ((l = TAILQ_FIRST(&ctx->lookups)) != NULL)
		finish(l, &o);
}
