/* SPDX-License-Identifier: ISC */
/*
 * Kept clients: sessions that outlive their connection, and the connections that
 * become theirs.
 *
 * A session without a connection is told nothing, for there is never room: what is
 * for it stays in its sockets, or is remembered as state, as behind a full channel.
 * All that is done here beside that is to count its time, and to let in who knows
 * its token.
 */
#include "rpc/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/idmap.h"
#include "base/log.h"
#include "proto/event.h"
#include "rpc/policy.h"
#include "rpc/replay.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"

/* --- the token ---------------------------------------------------------------- */

void
keep_token(const struct keep *keep, char text[KEEP_TOKEN_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < KEEP_TOKEN; i++) {
		text[2 * i] = digits[keep->token[i] >> 4];
		text[2 * i + 1] = digits[keep->token[i] & 15];
	}
	text[2 * KEEP_TOKEN] = '\0';
}

/* Are they the same?  The time that this takes does not depend on where they differ. */
static bool
same_text(const char *a, const char *b, size_t len)
{
	unsigned differ = 0;
	size_t i;

	for (i = 0; i < len; i++)
		differ |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return differ == 0;
}

struct session *
keep_find(const struct session *s, uint64_t id, const char *token)
{
	static const struct keep none;
	struct session *kept = idmap_find(&s->rpc->clients, id);
	bool there = kept != NULL && kept->keep != NULL && kept->uid == s->uid;
	char wanted[KEEP_TOKEN_TEXT], given[KEEP_TOKEN_TEXT] = {0};
	size_t len = strlen(token);

	/* who is not there has a token, too, so that the same is done for it */
	keep_token(there ? kept->keep : &none, wanted);
	memcpy(given, token, len < KEEP_TOKEN_TEXT ? len : KEEP_TOKEN_TEXT - 1);
	there &= same_text(wanted, given, KEEP_TOKEN_TEXT - 1);
	there &= len == KEEP_TOKEN_TEXT - 1;
	explicit_bzero(wanted, sizeof(wanted));
	return there ? kept : NULL;
}

/* --- time --------------------------------------------------------------------- */

/* rpc_wake() is due at deadline, if not earlier. */
static void
wake_at(struct rpc *rpc, uint64_t deadline)
{
	if (deadline >= rpc->alarm_at)
		return;
	rpc->alarm_at = deadline;
	rpc->alarm.set(rpc->alarm.ctx, clock_left(rpc->alarm.clock, deadline));
}

void
keep_touch(struct session *s)
{
	/* later than before: the alarm comes too early, and looks again */
	s->keep->deadline = clock_deadline(s->rpc->alarm.clock, s->keep->ttl);
}

int64_t
keep_left(const struct session *s)
{
	int64_t left = clock_left(s->rpc->alarm.clock, s->keep->deadline);

	/* the ms that had begun is not its own */
	return left < s->keep->ttl ? left : s->keep->ttl;
}

void
rpc_wake(struct rpc *rpc)
{
	struct session *s, *next;
	uint64_t earliest = UINT64_MAX;

	for (s = TAILQ_FIRST(&rpc->away); s != NULL; s = next) {
		next = TAILQ_NEXT(s, away_link);
		if (keep_left(s) == 0) {
			log_debug("rpc", "client %llu: not attached for %lld ms: ended",
			    (unsigned long long)s->id, (long long)s->keep->ttl);
			session_free(s);
		} else if (s->keep->deadline < earliest)
			earliest = s->keep->deadline;
	}
	rpc->alarm_at = UINT64_MAX;
	wake_at(rpc, earliest);
}

void
rpc_set_alarm(struct rpc *rpc, const struct rpc_alarm *alarm)
{
	rpc->alarm = *alarm;
}

void
rpc_stop(struct rpc *rpc)
{
	struct session *s;

	rpc->stopped = true;
	while ((s = TAILQ_FIRST(&rpc->away)) != NULL)
		session_free(s);
}

/* --- keeping ------------------------------------------------------------------ */

static void
free_keep(struct session *s)
{
	if (s->keep != NULL)
		explicit_bzero(s->keep, sizeof(*s->keep));
	free(s->keep);
	s->keep = NULL;
}

int
keep_begin(struct session *s, int64_t ttl)
{
	if (s->rpc->alarm.set == NULL)
		return ENOTSUP;
	if (s->keep == NULL) {
		s->keep = calloc(1, sizeof(*s->keep));
		/* rpc_new() had random bytes: the kernel does not make us wait for these */
		if (s->keep == NULL ||
		    getrandom(s->keep->token, KEEP_TOKEN, 0) != KEEP_TOKEN) {
			free_keep(s);
			return ENOMEM;
		}
	}
	s->keep->ttl = ttl;
	return 0;
}

void
keep_end(struct session *s)
{
	replay_end(s);
	free_keep(s);
}

static void
come_back(struct session *s)
{
	if (s->away)
		TAILQ_REMOVE(&s->rpc->away, s, away_link);
	s->away = false;
}

void
keep_fini(struct session *s)
{
	come_back(s);
	free_keep(s);
}

bool
keep_leave(struct session *s)
{
	struct rpc *rpc = s->rpc;

	if (s->keep == NULL || rpc->stopped)
		return false;
	session_part(s);
	s->away = true;
	TAILQ_INSERT_TAIL(&rpc->away, s, away_link);
	keep_touch(s);
	wake_at(rpc, s->keep->deadline);
	log_debug("rpc", "client %llu: kept for %lld ms", (unsigned long long)s->id,
	    (long long)s->keep->ttl);
	return true;
}

/* --- attaching ---------------------------------------------------------------- */

/* Who made the connection of s is who kept is now: what he may, it may. */
static void
take_groups(struct session *kept, struct session *s)
{
	gid_t *groups = kept->groups;
	size_t ngroups = kept->ngroups;

	kept->groups = s->groups;
	kept->ngroups = s->ngroups;
	s->groups = groups;
	s->ngroups = ngroups;
	if (!policy_apply(kept))
		log_error("rpc", "client %llu: out of memory for its caps",
		    (unsigned long long)kept->id);
}

/* What the connection of s was told holds for kept. */
static void
take_settings(struct session *kept, struct session *s)
{
	take_groups(kept, s);
	kept->pid = s->pid;
	kept->form = s->form;
	kept->attachments = s->attachments;
	if (s->name == NULL)
		return;
	free(kept->name);
	kept->name = s->name;
	s->name = NULL;
}

void
keep_attach(struct session *kept, struct session *s, uint64_t seen)
{
	const struct session_sink *former = kept->sink, *sink = s->sink;
	void *former_ctx = kept->sink_ctx, *ctx = s->sink_ctx;
	bool away = kept->away;

	log_debug("rpc", "client %llu: attached, was client %llu",
	    (unsigned long long)kept->id, (unsigned long long)s->id);
	session_part(kept);
	session_part(s);
	(void)idmap_remove(&s->rpc->clients, s->id);
	come_back(kept);
	take_settings(kept, s);
	(void)replay_ack(kept, seen);
	replay_rewind(kept);
	kept->sink = sink;
	kept->sink_ctx = ctx;
	sink->adopt(ctx, kept);
	if (away)
		s->vacant = true;
	else {
		/* else two programs that both come back would take it from each other */
		event_put_taken(former->out(former_ctx), kept->id);
		former->commit(former_ctx, NULL, 0);
		s->sink = former;
		s->sink_ctx = former_ctx;
		former->taken(former_ctx, s);
	}
	session_writable(kept);
}
