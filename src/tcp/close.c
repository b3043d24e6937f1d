/* SPDX-License-Identifier: ISC */
/*
 * shutdown and close: semantics 1.7 and 1.8.  A closed socket with output goes
 * on by itself until that is out, or until close_timeout; who closed it waits
 * for that too, but less long.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "proto/reason.h"
#include "tcp/tcp_socket.h"

/* Whoever waits for the output looks as often whether any of it has moved. */
enum { CLOSE_LOOK = 5000 };

/* --- shutdown ------------------------------------------------------------------- */

static int
shutdown_now(struct tcp_socket *s, int how)
{
	if (shutdown(s->fd, how) == 0)
		return 0;
	s->shut_failed = how != SHUT_RD;
	return errno;
}

/*
 * Is the output a send's whose caller waits for it?  Only with the backend socket:
 * nothing is queued there, and shutdown and close do not wait for it.
 */
static bool
is_being_sent(const struct tcp_socket *s)
{
	return s->set.socket_backend && s->blocked != NULL;
}

void
tcp_shutdown_run(struct tcp_socket *s, struct tcp_request *r)
{
	int reason = 0, how = r->how;

	if (tcp_is_gone(s))
		reason = REASON_CLOSED;
	else if (s->state == TCP_LISTENING && s->set.socket_backend)
		reason = shutdown_now(s, how);
	else if (s->state != TCP_CONNECTED)
		reason = ENOTCONN;
	else if (how == SHUT_RD || (bytes_len(&s->out) == 0 && s->file == NULL) ||
	    is_being_sent(s))
		reason = shutdown_now(s, how);
	else if (s->shut_pending != SHUT_RDWR)
		s->shut_pending = how;
	tcp_request_fail(r, reason);
	/* a local socket would not wake the writer for it */
	if (s->state == TCP_CONNECTED && how != SHUT_RD && reason == 0 &&
	    is_being_sent(s))
		tcp_writer_failed(s, REASON_CLOSED, NULL);
}

void
tcp_shutdown(struct tcp_socket *s, enum tcp_how how, struct tcp_request *r)
{
	static const int hows[] = {
	    [TCP_READ] = SHUT_RD,
	    [TCP_WRITE] = SHUT_WR,
	    [TCP_READ_WRITE] = SHUT_RDWR,
	};

	tcp_gather_flush(s);
	tcp_request_begin(r, TCP_R_SHUTDOWN, s);
	r->how = hows[how];
	if (tcp_senders_behind(s, r))
		tcp_request_queue(r);
	else
		tcp_shutdown_run(s, r);
}

/* --- the end of a close ---------------------------------------------------------- */

/* The closer waits no longer; what is left of the output goes on. */
static void
release(struct tcp_socket *s)
{
	tcp_socket_tell_gone(s);
	if (s->closer != NULL)
		tcp_request_fail(s->closer, 0);
}

/* Time is up: a reset, and what is left is lost. */
static void
abort_output(struct tcp_socket *s)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	tcp_socket_end(s, REASON_CLOSED, true);
}

/* A shutdown or a close may have waited for it. */
void
tcp_close_flushed(struct tcp_socket *s)
{
	int how = s->shut_pending, err;

	if (s->state == TCP_CLOSING) {
		tcp_socket_end(s, REASON_CLOSED, true);
		return;
	}
	s->shut_pending = -1;
	if (how == -1)
		return;
	err = shutdown_now(s, how);
	if (err != 0)
		tcp_writer_failed(s, err, NULL);
}

/* --- while the output is flushed ------------------------------------------------- */

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

struct flush {
	struct event *timer;
	uint64_t deadline; /* of all of it */
	uint64_t wait;	   /* of the closer, who may wait less long: linger's */
	uint64_t look;	   /* when to see next whether anything moves */
	size_t pending;	   /* output when the wait began */
};

void
tcp_close_drop(struct tcp_socket *s)
{
	if (s->flush == NULL)
		return;
	if (s->flush->timer != NULL)
		event_free(s->flush->timer);
	free(s->flush);
	s->flush = NULL;
}

/* Sets the timer to whatever comes first. */
static bool
arm(struct tcp_socket *s)
{
	uint64_t next = s->flush->deadline;
	struct timeval tv;

	/* Once gone() was told only the deadline of the flush is left. */
	if (!s->silent)
		next = sooner(next, sooner(s->flush->wait, s->flush->look));
	tv = clock_timeval(clock_left(s->ctx->clock, next));
	return event_add(s->flush->timer, &tv) == 0;
}

/* Is it time for the closer to give up? */
static bool
gives_up(struct tcp_socket *s, uint64_t now)
{
	if (now >= s->flush->wait)
		return true;
	if (now < s->flush->look)
		return false;
	s->flush->look = now + CLOSE_LOOK;
	return bytes_len(&s->out) == s->flush->pending;
}

static void
look(evutil_socket_t fd, short what, void *arg)
{
	struct tcp_socket *s = arg;
	uint64_t now = clock_now(s->ctx->clock);

	(void)fd;
	(void)what;
	if (now >= s->flush->deadline) {
		abort_output(s);
		return;
	}
	if (!s->silent && gives_up(s, now))
		release(s);
	if (s->state == TCP_CLOSING && !arm(s))
		abort_output(s);
}

/* Begins the wait; wait is the closer's own limit in ms. */
static bool
start_flush(struct tcp_socket *s, int64_t wait)
{
	const struct clock *clock = s->ctx->clock;
	struct flush *f = calloc(1, sizeof(*f));

	s->flush = f;
	if (f == NULL)
		return false;
	f->deadline = clock_deadline(clock, s->ctx->config.close_timeout);
	f->wait = clock_deadline(clock, wait);
	f->look = clock_deadline(clock, CLOSE_LOOK);
	f->pending = bytes_len(&s->out);
	f->timer = event_new(s->ctx->base, -1, 0, look, s);
	return f->timer != NULL && arm(s);
}

/* --- close ------------------------------------------------------------------------ */

/* linger's time in ms: 0 to drop the output, CLOCK_NEVER if it is off. */
static int64_t
linger_time(const struct tcp_socket *s)
{
	struct linger linger;
	socklen_t len = sizeof(linger);

	if (getsockopt(s->fd, SOL_SOCKET, SO_LINGER, &linger, &len) != 0 ||
	    linger.l_onoff == 0 || linger.l_linger < 0)
		return CLOCK_NEVER;
	return (int64_t)linger.l_linger * 1000;
}

/* With output: flushes it.  s->closer waits, or nobody. */
static void
begin_flush(struct tcp_socket *s, int64_t wait)
{
	tcp_state_move(s, TCP_CLOSING);
	s->notices = 0;
	if (s->read_event != NULL)
		(void)event_del(s->read_event);
	tcp_input_drop(s);
	(void)tcp_socket_charge(s);
	if (!start_flush(s, wait)) {
		abort_output(s);
		return;
	}
	tcp_socket_fail_waiting(s, REASON_CLOSED);
}

/* Half a file is nothing to be flushed, nor what is behind it; what is before it is. */
static void
drop_file(struct tcp_socket *s)
{
	size_t before = s->file_before;
	struct tcp_request *r;

	if (before == 0) {
		tcp_writer_drop(s, REASON_CLOSED);
		return;
	}
	r = tcp_sendfile_end(s);
	bytes_truncate(&s->out, before);
	if (r != NULL)
		tcp_request_fail(r, REASON_CLOSED);
}

/* Closes s, which is not gone; s->closer waits, or nobody. */
static void
begin(struct tcp_socket *s)
{
	int64_t wait = CLOCK_NEVER;

	s->notices = 0;
	if (s->file != NULL)
		drop_file(s);
	if (s->state == TCP_CONNECTED && bytes_len(&s->out) > 0)
		wait = linger_time(s);
	/* In TCP_TOLD only notices waited: they are not told now. */
	if (bytes_len(&s->out) == 0 || wait == 0 || is_being_sent(s))
		tcp_socket_end(s, REASON_CLOSED, true);
	else
		begin_flush(s, wait);
}

void
tcp_close_run(struct tcp_socket *s, struct tcp_request *r)
{
	if (tcp_is_gone(s) && s->state != TCP_TOLD) {
		tcp_request_fail(r, 0);
		return;
	}
	s->closer = r;
	begin(s);
}

void
tcp_close(struct tcp_socket *s, struct tcp_request *r)
{
	tcp_gather_flush(s);
	tcp_request_begin(r, TCP_R_CLOSE, s);
	if (tcp_senders_behind(s, r))
		tcp_request_queue(r);
	else
		tcp_close_run(s, r);
}

void
tcp_abandon(struct tcp_socket *s)
{
	tcp_gather_flush(s);
	s->silent = true;
	if (!tcp_is_gone(s) || s->state == TCP_TOLD)
		begin(s);
	else if (s->closer != NULL)
		tcp_request_fail(s->closer, 0);
}
