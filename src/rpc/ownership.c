/* SPDX-License-Identifier: ISC */
/* Whose a socket is, and who may see it. */
#include "rpc/ownership.h"

#include <stdlib.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "base/log.h"
#include "proto/reason.h"
#include "rpc/keep.h"
#include "rpc/policy.h"
#include "rpc/publish.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

struct handle *
ownership_find(struct session *s, uint64_t id)
{
	struct handle *h = idmap_find(&s->rpc->sockets, id);

	if (h == NULL || !policy_sees(s, h->owner->uid) || tcp_is_gone(h->tcp))
		return NULL;
	if (h->owner->away && h->owner->uid == s->uid)
		keep_touch(h->owner);
	return h;
}

struct handle *
ownership_add(struct session *s, struct tcp_socket *tcp, struct charge *charge)
{
	struct handle *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->id = idmap_add(&s->rpc->sockets, h);
	if (h->id == 0) {
		free(h);
		return NULL;
	}
	h->tcp = tcp;
	h->owner = s;
	TAILQ_INIT(&h->carried);
	TAILQ_INIT(&h->monitors);
	TAILQ_INSERT_TAIL(&s->handles, h, link);
	h->charge = *charge;
	*charge = (struct charge){0};
	/* a socket that has just been made holds nothing that could not fit */
	tcp_set_owner(tcp, h, &s->account);
	tcp_set_id(tcp, h->id);
	log_debug("rpc", "socket %llu: opened, client %llu, uid %lu",
	    (unsigned long long)h->id, (unsigned long long)s->id, (unsigned long)s->uid);
	return h;
}

/* Out of its owner's lists. */
static void
leave(struct handle *h)
{
	TAILQ_REMOVE(&h->owner->handles, h, link);
	if (h->stalled)
		TAILQ_REMOVE(&h->owner->stalled_handles, h, stall_link);
	h->stalled = false;
}

void
ownership_remove(struct handle *h)
{
	struct session *owner = h->owner;

	log_debug("rpc", "socket %llu: closed, client %llu, uid %lu",
	    (unsigned long long)h->id, (unsigned long long)owner->id,
	    (unsigned long)owner->uid);
	/* output that is still to be flushed outlives the client's account */
	tcp_set_owner(h->tcp, NULL, &h->owner->user->account);
	idmap_remove(&h->owner->rpc->sockets, h->id);
	leave(h);
	carried_clear(&h->carried);
	charge_close(&h->carried_charge);
	/* it counts as long as its descriptor is open */
	(void)charge_move(&h->charge, &h->owner->user->account);
	tcp_set_place(h->tcp, &h->charge);
	free(h);
	session_look(owner);
}

int
ownership_move(struct handle *h, struct session *to)
{
	struct session *from = h->owner;

	if (!charge_move(&h->charge, &to->account))
		return REASON_SYSTEM_LIMIT;
	if (!charge_move(&h->carried_charge, &to->account) ||
	    !tcp_set_owner(h->tcp, h, &to->account)) {
		charge_move(&h->carried_charge, &from->account);
		charge_move(&h->charge, &from->account);
		return REASON_SYSTEM_LIMIT;
	}
	log_debug("rpc",
	    "socket %llu: given to client %llu, uid %lu, by client %llu, uid %lu",
	    (unsigned long long)h->id, (unsigned long long)to->id, (unsigned long)to->uid,
	    (unsigned long long)from->id, (unsigned long)from->uid);
	leave(h);
	h->owner = to;
	TAILQ_INSERT_TAIL(&to->handles, h, link);
	return 0;
}
