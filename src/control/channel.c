/* SPDX-License-Identifier: ISC */
/*
 * A channel's life.  Its end is a state: whoever finds it out, perhaps deep in a
 * call that the channel itself began, marks it, and the memory goes at the end
 * of the loop turn.
 */
#include "control/channel.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/channel_private.h"
#include "proto/message.h"

enum {
	ROUNDS = 4, /* of settling in one turn */
};

void
channel_host_init(struct channel_host *host)
{
	TAILQ_INIT(&host->all);
	TAILQ_INIT(&host->dirty);
	host->gate = (struct log_gate){0, 0};
	host->stopped = false;
	host->opened = host->refused = host->accept_errors = 0;
}

void
channel_mark(struct channel *ch)
{
	if (!ch->dirty)
		TAILQ_INSERT_TAIL(&ch->host->dirty, ch, dirty_link);
	ch->dirty = true;
}

void
channel_complain(struct channel *ch, const char *why)
{
	struct channel_host *host = ch->host;
	uint64_t held;

	if (log_gate_pass(&host->gate, clock_now(host->clock), &held))
		log_warning("control",
		    "client %llu, uid %lu: closed: %s (%llu more such)",
		    (unsigned long long)(ch->session ? session_id(ch->session) : 0),
		    (unsigned long)ch->uid, why, (unsigned long long)held);
}

void
channel_fail(struct channel *ch, const char *why)
{
	if (ch->state == CHANNEL_DEAD)
		return;
	if (why != NULL)
		channel_complain(ch, why);
	ch->state = CHANNEL_DEAD;
	channel_update_reading(ch);
	if (ch->write_event != NULL)
		event_del(ch->write_event);
	channel_mark(ch);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	channel_fail(arg, NULL);
}

void
channel_finish(struct channel *ch)
{
	struct timeval tv = clock_timeval(ch->host->last_words);

	if (ch->state != CHANNEL_OPEN)
		return;
	ch->state = CHANNEL_LAST;
	channel_update_reading(ch);
	channel_mark(ch);
	ch->timer = evtimer_new(ch->host->base, on_timer, ch);
	if (ch->timer == NULL || event_add(ch->timer, &tv) != 0)
		channel_fail(ch, "out of memory");
}

/*
 * Closes fd without harm to what was written: unread input would make the kernel
 * tell the client of a reset instead of an orderly end.
 */
static void
close_gently(struct rpc *rpc, uid_t uid, int fd)
{
	int unread = 0;

	(void)shutdown(fd, SHUT_RD);
	if (ioctl(fd, SIOCINQ, &unread) == 0 && unread == 0)
		(void)close(fd);
	else
		rpc_discard(rpc, uid, fd);
}

static void
channel_free(struct channel *ch)
{
	if (ch->session != NULL) {
		log_debug("control", "client %llu: connection closed",
		    (unsigned long long)session_id(ch->session));
		channel_in_drop(ch);
		channel_out_drop(ch);
		session_leave(ch->session);
	}
	if (ch->dirty)
		TAILQ_REMOVE(&ch->host->dirty, ch, dirty_link);
	channel_in_fini(ch);
	channel_out_fini(ch);
	if (ch->timer != NULL)
		event_free(ch->timer);
	wire_fini(&ch->wire);
	bytes_fini(&ch->out);
	free(ch);
}

int
channel_open(struct channel_host *host, int fd, const struct rpc_who *who)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	int error = ENOMEM;

	if (ch == NULL)
		return ENOMEM;
	ch->host = host;
	ch->fd = fd;
	ch->uid = who->uid;
	wire_init(&ch->wire, &host->wire);
	bytes_init(&ch->out);
	if (channel_in_init(ch, 0) && channel_out_init(ch, 0)) {
		ch->session = session_new(host->rpc, &channel_sink, ch, who);
		if (ch->session == NULL)
			error = errno;
	}
	if (ch->session == NULL) {
		channel_free(ch);
		return error;
	}
	log_debug("control", "client %llu: uid %lu, pid %ld",
	    (unsigned long long)session_id(ch->session), (unsigned long)who->uid,
	    (long)who->pid);
	TAILQ_INSERT_TAIL(&host->all, ch, link);
	host->opened++;
	channel_update_reading(ch);
	return 0;
}

/* --- the end of a turn ---------------------------------------------------------- */

/* There is room again: first for what waited, then for new requests. */
static void
relieve(struct channel *ch)
{
	ch->full = false;
	session_writable(ch->session);
	channel_process(ch);
}

static void
end(struct channel *ch)
{
	struct rpc *rpc = ch->host->rpc;
	uid_t uid = ch->uid;
	int fd = ch->fd;

	ch->state = CHANNEL_DEAD;
	TAILQ_REMOVE(&ch->host->all, ch, link);
	channel_free(ch);
	close_gently(rpc, uid, fd);
}

static void
settle(struct channel *ch)
{
	if (!ch->blocked)
		channel_write(ch);
	if (ch->state == CHANNEL_OPEN && ch->full &&
	    bytes_len(&ch->out) <= ch->host->queue_high / 2)
		relieve(ch);
	else if (ch->state == CHANNEL_OPEN && ch->more && !ch->full)
		channel_process(ch);
	/* nobody listens; what was sent before is still carried out */
	if (ch->deaf && ch->state == CHANNEL_OPEN)
		channel_process(ch);
	if (ch->state == CHANNEL_LAST && (ch->deaf || bytes_len(&ch->out) == 0))
		ch->state = CHANNEL_DEAD;
	/* it sends no more, and waits for nothing that could still be said */
	if (ch->state == CHANNEL_OPEN && ch->eof && !ch->more &&
	    bytes_len(&ch->out) == 0 && session_idle(ch->session))
		ch->state = CHANNEL_DEAD;
	if (ch->state == CHANNEL_DEAD || (ch->deaf && ch->eof && !ch->more))
		end(ch);
	else if (bytes_len(&ch->out) == 0)
		bytes_trim(&ch->out);
}

bool
channel_settle_all(struct channel_host *host)
{
	struct channel_list turn = TAILQ_HEAD_INITIALIZER(turn);
	struct channel *ch;
	int round;

	for (round = 0; round < ROUNDS && !TAILQ_EMPTY(&host->dirty); round++) {
		TAILQ_CONCAT(&turn, &host->dirty, dirty_link);
		while ((ch = TAILQ_FIRST(&turn)) != NULL) {
			TAILQ_REMOVE(&turn, ch, dirty_link);
			ch->dirty = false;
			settle(ch);
		}
	}
	return !TAILQ_EMPTY(&host->dirty);
}

void
channel_check_stuck(struct channel_host *host, int64_t timeout)
{
	uint64_t now = clock_now(host->clock);
	struct channel *ch;

	TAILQ_FOREACH (ch, &host->all, link) {
		if (!ch->blocked || ch->moved || ch->since == 0) {
			ch->moved = false;
			ch->since = now;
		} else if (now - ch->since >= (uint64_t)timeout)
			channel_fail(ch, "it reads nothing (stuck_timeout)");
	}
}

void
channel_stop_all(struct channel_host *host)
{
	struct channel *ch;

	host->stopped = true;
	TAILQ_FOREACH (ch, &host->all, link)
		channel_update_reading(ch);
}

bool
channel_idle_all(const struct channel_host *host)
{
	const struct channel *ch;

	TAILQ_FOREACH (ch, &host->all, link)
		if (ch->state != CHANNEL_DEAD && bytes_len(&ch->out) > 0)
			return false;
	return true;
}

void
channel_close_all(struct channel_host *host)
{
	struct channel *ch;

	while ((ch = TAILQ_FIRST(&host->all)) != NULL) {
		channel_write(ch);
		end(ch);
	}
}

void
channel_refuse(struct channel_host *host, int fd, uid_t uid, int reason)
{
	static const struct message_id null = {.kind = MESSAGE_ID_NULL};
	struct bytes out;

	host->refused++;
	bytes_init(&out);
	message_put_error(&out, &null, reason, NULL, NULL, true);
	if (!bytes_failed(&out))
		(void)send(
		    fd, bytes_head(&out), bytes_len(&out), MSG_DONTWAIT | MSG_NOSIGNAL);
	bytes_fini(&out);
	close_gently(host->rpc, uid, fd);
}
