/* SPDX-License-Identifier: ISC */
/* All clients and sockets, as lines of the log: SIGUSR1. */
#include <stdio.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "base/log.h"
#include "proto/address.h"
#include "rpc/ownership.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

enum { LINES_MAX = 500, END_MAX = ADDRESS_TEXT_MAX + 16 };

/* An end of a connection, "-" if it has none. */
static void
put_end(char text[END_MAX], int reason, const struct address *a)
{
	char address[ADDRESS_TEXT_MAX];

	if (reason != 0 || a->kind == ADDRESS_NONE) {
		(void)snprintf(text, END_MAX, "-");
		return;
	}
	if (a->kind == ADDRESS_LOCAL) {
		(void)snprintf(
		    text, END_MAX, "%.*s", (int)a->u.local.len, a->u.local.path);
		return;
	}
	address_format(a, address);
	(void)snprintf(text, END_MAX, a->kind == ADDRESS_INET6 ? "[%s]:%u" : "%s:%u",
	    address, (unsigned)a->port);
}

static void
log_socket(const struct session *s, const struct handle *h)
{
	char own[END_MAX], peer[END_MAX];
	struct address a;
	struct tcp_info info;

	put_end(own, tcp_sockname(h->tcp, &a), &a);
	put_end(peer, tcp_peername(h->tcp, &a), &a);
	tcp_get_info(h->tcp, &info);
	log_info("daemon",
	    "socket %llu: client %llu, uid %lu, %s, own %s, peer %s, input %zu, waiting "
	    "%zu, output waiting %zu%s",
	    (unsigned long long)h->id, (unsigned long long)s->id, (unsigned long)s->uid,
	    tcp_is_listener(h->tcp) ? "listener" : "connection", own, peer, info.input,
	    info.acceptors + info.senders + info.receivers, info.msgq,
	    info.held ? ", held back" : "");
}

static void
log_client(const struct session *s)
{
	log_info("daemon",
	    "client %llu: %s, uid %lu, pid %ld, %zu sockets, %zu waiting requests, %zu "
	    "bytes held%s",
	    (unsigned long long)s->id, s->name == NULL ? "-" : s->name,
	    (unsigned long)s->uid, (long)s->pid, s->account.used[LIMIT_SOCKETS],
	    s->account.used[LIMIT_CALLS], s->account.used[LIMIT_BYTES],
	    s->away ? ", away" : "");
}

void
rpc_log_all(const struct rpc *rpc)
{
	const struct session *s;
	const struct handle *h;
	size_t at = 0, lines = 0;

	log_info("daemon",
	    "%zu clients, %zu sockets, %zu waiting requests, %zu bytes held",
	    rpc->account.used[LIMIT_CLIENTS], rpc->account.used[LIMIT_SOCKETS],
	    rpc->account.used[LIMIT_CALLS], rpc->account.used[LIMIT_BYTES]);
	while ((s = idmap_next(&rpc->clients, &at)) != NULL) {
		if (lines++ < LINES_MAX)
			log_client(s);
		TAILQ_FOREACH (h, &s->handles, link)
			if (lines++ < LINES_MAX)
				log_socket(s, h);
	}
	if (lines > LINES_MAX)
		log_info("daemon", "and %zu more clients and sockets", lines - LINES_MAX);
}
