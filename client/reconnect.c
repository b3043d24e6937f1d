/* SPDX-License-Identifier: ISC */
#include "client/reconnect.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "client/connection.h"

/* ms that a daemon has to answer the hello */
enum { HELLO_LIMIT = 10000 };

int
gentcp_set_reconnect(struct gentcp *g, int min, int max, int attempts)
{
	struct reconnect *r = &g->again;
	uint64_t seed = (uint64_t)(uintptr_t)g ^ ((uint64_t)getpid() << 32) ^
	    (uint64_t)transport_deadline(0);

	if (attempts != 0 && (min < 1 || max < min))
		return connection_fail(
		    g, GENTCP_INVALID, 0, "reconnect: 1 <= min <= max is wanted");
	backoff_set(&r->backoff, attempts == 0 ? 0 : min, max, attempts, seed);
	if (r->state == RECONNECT_WAITING) /* by the new rule */
		r->at = 0;
	return GENTCP_OK;
}

void
gentcp_on_state(struct gentcp *g, gentcp_state_fn fn, void *ctx)
{
	g->again.on_state = fn;
	g->again.state_ctx = ctx;
}

int64_t
reconnect_due(const struct gentcp *g)
{
	const struct reconnect *r = &g->again;

	return r->state == RECONNECT_WAITING || r->state == RECONNECT_GREETING
	    ? r->at
	    : INT64_MAX;
}

static void
tell(struct gentcp *g, enum gentcp_state state)
{
	if (g->again.on_state != NULL && !g->freed)
		g->again.on_state(g, state, g->again.state_ctx);
}

/* What is left of the old connection is of no use, but for what is shown. */
static void
plan(struct gentcp *g, int64_t now)
{
	struct reconnect *r = &g->again;
	int delay = *r->path == '\0' || g->taken ? -1 : backoff_next(&r->backoff);

	bytes_truncate(&g->out, 0);
	bytes_truncate(&g->in, g->current);
	g->place = (struct incoming_place){0};
	r->owed = false;
	r->state = delay < 0 ? RECONNECT_ENDED : RECONNECT_WAITING;
	r->at = now + delay;
}

int
reconnect_lost(struct gentcp *g, int64_t now, size_t *handled)
{
	struct reconnect *r = &g->again;
	enum reconnect_state was = r->state;

	if (was == RECONNECT_IDLE || was == RECONNECT_GREETING) {
		plan(g, now);
		r->owed = r->state == RECONNECT_ENDED;
		++*handled;
		if (was == RECONNECT_IDLE && !r->owed)
			tell(g, GENTCP_STATE_LOST);
	}
	if (r->state == RECONNECT_ENDED && r->owed) {
		r->owed = false;
		tell(g, GENTCP_STATE_ENDED);
	}
	return r->state == RECONNECT_ENDED ? GENTCP_LOST : GENTCP_OK;
}

/* --- an attempt --------------------------------------------------------------- */

/* There is a connection again; attached: it is the client that was kept. */
static void
connected(struct gentcp *g, bool attached)
{
	struct reconnect *r = &g->again;

	backoff_reset(&r->backoff);
	r->state = RECONNECT_IDLE;
	r->attached = attached;
	r->owed = true;
	if (attached)
		return;
	g->client = r->client;
	g->epoch++;
	kept_reset(&g->kept);
}

static void
tell_open(struct gentcp *g)
{
	g->again.owed = false;
	tell(g, g->again.attached ? GENTCP_STATE_ATTACHED : GENTCP_STATE_OPEN);
}

static int
refused(struct gentcp *g, const struct incoming *m)
{
	(void)error_from(&g->error, m);
	g->lost = true; /* the error says why */
	transport_close(g);
	return GENTCP_LOST;
}

/* What the hello was answered.  A kept client's number stays what it was. */
static int
read_hello(struct gentcp *g, const struct incoming *m)
{
	uint64_t kept = g->client;

	if (m->error != NULL)
		return refused(g, m);
	if (connection_greeted(g, m->result) != GENTCP_OK)
		return GENTCP_LOST;
	g->again.client = g->client;
	if (g->again.attach == 0)
		connected(g, false);
	else
		g->client = kept;
	return GENTCP_OK;
}

/*
 * What session.attach was answered.  Where the client is no more this is another;
 * what else may be wrong will pass.
 */
static int
read_attach(struct gentcp *g, const struct incoming *m)
{
	if (m->error == NULL) {
		if (connection_greeted(g, m->result) != GENTCP_OK)
			return GENTCP_LOST;
		connected(g, true);
		return GENTCP_OK;
	}
	if (json_integer_value(json_object_get(m->error, "code")) != EACCES)
		return refused(g, m);
	(void)error_from(&g->error, m);
	connected(g, false);
	return GENTCP_OK;
}

/* Told before the events that may come with the answer. */
static void
greeted(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)ctx;
	if (r->m != NULL && read_hello(g, r->m) == GENTCP_OK && g->again.attach == 0)
		tell_open(g);
}

static void
attached(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)ctx;
	if (r->m != NULL && !g->lost && read_attach(g, r->m) == GENTCP_OK)
		tell_open(g);
}

/* Queues what a new connection says first. */
static int
put_greeting(struct gentcp *g)
{
	struct reconnect *r = &g->again;
	int rc;

	r->attach = 0;
	rc = request_reserve(g, greeted) ? request_put_hello(g, &r->hello) : GENTCP_NOMEM;
	rc = request_expect(g, rc, r->hello, greeted, NULL);
	if (rc != GENTCP_OK || gentcp_token(g) == NULL)
		return rc;
	kept_rewind(&g->kept);
	rc = request_reserve(g, attached) ? kept_put_attach(g, g->client, &r->attach)
					  : GENTCP_NOMEM;
	return request_expect(g, rc, r->attach, attached, NULL);
}

/* Connects and queues the greeting; what fails leaves g lost. */
static void
attempt(struct gentcp *g, int64_t now)
{
	struct reconnect *r = &g->again;
	int rc = connection_restart(g);

	r->state = RECONNECT_IDLE; /* so that the greeting is let through */
	if (rc == GENTCP_OK)
		rc = open_connect(g, r->path, now);
	if (rc == GENTCP_OK)
		rc = put_greeting(g);
	r->state = RECONNECT_GREETING;
	r->at = now + HELLO_LIMIT;
	if (rc != GENTCP_OK && !g->lost)
		connection_lose(g, EAGAIN, "gentcpd could not be connected to just now");
}

void
reconnect_step(struct gentcp *g, int64_t now, size_t *handled)
{
	struct reconnect *r = &g->again;

	if (r->state == RECONNECT_WAITING && now >= r->at) {
		if (r->backoff.min == 0) {
			r->state = RECONNECT_IDLE; /* to be told: no more of it */
			return;
		}
		attempt(g, now);
		++*handled;
	} else if (r->state == RECONNECT_GREETING && !g->lost && now >= r->at)
		connection_lose(g, ETIMEDOUT, "gentcpd does not answer the hello");
	if (r->owed && !g->lost) {
		++*handled;
		tell_open(g);
	}
}

/* --- waiting for it ----------------------------------------------------------- */

/* Waits for the next attempt's time; false if deadline comes before. */
static bool
wait_until(int64_t at, int64_t deadline)
{
	int left;

	while ((left = transport_remaining(at < deadline ? at : deadline)) > 0)
		(void)poll(NULL, 0, left);
	return transport_remaining(at) == 0;
}

bool
reconnect_first(struct gentcp *g, int64_t deadline)
{
	int delay = g->error.code == ENAMETOOLONG ? -1 : backoff_next(&g->again.backoff);

	return delay >= 0 && wait_until(transport_deadline(delay), deadline) &&
	    connection_restart(g) == GENTCP_OK;
}

/*
 * A blocking call may go on only where the program has heard of the loss: numbers
 * of sockets that it still holds could be another's at a new daemon.
 */
static bool
was_told(struct gentcp *g)
{
	if (g->again.state != RECONNECT_IDLE)
		return true;
	return g->pending.count == 0 && g->again.on_state == NULL && connection_hold(g) &&
	    bytes_len(&g->held) == 0;
}

/* Waits for an answer to the greeting, if a dispatch has not had it. */
static int
await_answer(struct gentcp *g, uint64_t id, int64_t until,
    int (*read)(struct gentcp *, const struct incoming *))
{
	struct pending_call call;
	struct incoming m;
	size_t size;
	int rc;

	if (!pending_take(&g->pending, id, &call))
		return GENTCP_OK;
	rc = transport_await_once(g, id, until, &m, &size);
	if (rc != GENTCP_OK)
		return rc;
	rc = read(g, &m);
	connection_taken(g, &m, size);
	return rc;
}

/* The greeting was queued: waits for its answers.  What fails leaves g lost. */
static void
await_greeting(struct gentcp *g, int64_t deadline)
{
	struct reconnect *r = &g->again;
	int64_t until = r->at < deadline ? r->at : deadline;
	struct pending_call call;
	int rc = await_answer(g, r->hello, until, read_hello);

	if (rc == GENTCP_OK)
		rc = await_answer(g, r->attach, until, read_attach);
	(void)pending_take(&g->pending, r->attach, &call); /* which nobody hears */
	if (rc != GENTCP_OK && !g->lost) {
		g->lost = true; /* the error says why */
		transport_close(g);
	}
}

int
reconnect_await(struct gentcp *g)
{
	struct reconnect *r = &g->again;
	enum reconnect_state was = r->state;
	int64_t deadline = transport_deadline(g->timeout);

	if (r->state == RECONNECT_IDLE && !g->lost)
		return g->fd >= 0
		    ? GENTCP_OK
		    : connection_fail(g, GENTCP_INVALID, 0, "the connection is not open");
	if (g->dispatching || r->backoff.min == 0 || !was_told(g))
		return GENTCP_LOST;
	for (;;) {
		if (r->state == RECONNECT_GREETING && !g->lost)
			await_greeting(g, deadline);
		if (r->state == RECONNECT_IDLE && !g->lost)
			return GENTCP_OK;
		if (r->state != RECONNECT_WAITING && r->state != RECONNECT_ENDED)
			plan(g, transport_deadline(0));
		if (r->state == RECONNECT_ENDED && was != RECONNECT_ENDED)
			r->owed = true;
		if (r->state == RECONNECT_ENDED || !wait_until(r->at, deadline))
			return GENTCP_LOST;
		attempt(g, transport_deadline(0));
	}
}
