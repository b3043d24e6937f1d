/* SPDX-License-Identifier: ISC */
/* A batch: its answers are gathered, and sent as one array when all are in. */
#include "rpc/batch.h"

#include <stdlib.h>

#include "base/limits.h"
#include "proto/bytes.h"
#include "proto/reason.h"
#include "proto/wire.h"
#include "rpc/monitor.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"

struct batch {
	struct session *session;
	struct bytes out;     /* "[" and answers, a comma before each but the first */
	struct charge charge; /* for out, which may wait long for its last member */
	size_t users;
	struct monitor_list monitors;
};

struct batch *
batch_new(struct session *s)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->session = s;
	b->users = 1;
	TAILQ_INIT(&b->monitors);
	/* cannot fail: it is nothing yet */
	(void)charge_open(&b->charge, &s->account, LIMIT_BYTES, 0);
	return b;
}

bool
batch_full(struct batch *b)
{
	return !charge_set(&b->charge, bytes_len(&b->out)) ||
	    bytes_len(&b->out) > b->session->rpc->config.wire.max_message;
}

struct bytes *
batch_out(struct batch *b)
{
	bytes_append_char(&b->out, bytes_len(&b->out) == 0 ? '[' : ',');
	return &b->out;
}

struct monitor_list *
batch_monitors(struct batch *b)
{
	return &b->monitors;
}

void
batch_hold(struct batch *b)
{
	b->users++;
}

void
batch_release(struct batch *b)
{
	struct session *s = b->session;

	if (--b->users > 0)
		return;
	if (!s->ended && bytes_failed(&b->out))
		reply_stray(s, NULL, REASON_INTERNAL_ERROR, "Out of memory for a batch");
	else if (!s->ended && bytes_len(&b->out) > 0) {
		struct bytes *out = s->sink->out(s->sink_ctx);

		bytes_append_str(&b->out, "]\n");
		bytes_append(out, bytes_head(&b->out), bytes_len(&b->out));
		s->sink->commit(s->sink_ctx, NULL, 0);
	}
	monitor_known(s, &b->monitors);
	charge_close(&b->charge);
	bytes_fini(&b->out);
	free(b);
}
