/* SPDX-License-Identifier: ISC */
/* A socket from its making to its end, and its owner. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/tcp_socket.h"

struct tcp_socket *
tcp_socket_new(struct tcp_context *ctx, int fd, int family)
{
	struct tcp_socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->ctx = ctx;
	s->state = TCP_OPEN;
	s->fd = fd;
	s->family = family;
	s->active.mode = OPTION_ACTIVE_FALSE;
	s->shut_pending = -1;
	s->charge = (struct charge){.kind = LIMIT_BYTES};
	tcp_settings_init(&s->set, &ctx->config);
	TAILQ_INIT(&s->senders);
	TAILQ_INIT(&s->gathering);
	TAILQ_INIT(&s->acceptors);
	TAILQ_INSERT_TAIL(&ctx->sockets, s, link);
	return s;
}

void
tcp_socket_free(struct tcp_socket *s)
{
	bytes_fini(&s->in);
	bytes_fini(&s->out);
	bytes_fini(&s->gathered);
	free(s->netns);
	free(s);
}

static void
drop_event(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

/*
 * With a linger time close(2) waits on Linux, even for a descriptor that does
 * not block.  Whoever is to wait has done so in close.c.
 */
void
tcp_socket_disarm_linger(int fd)
{
	struct linger linger;
	socklen_t len = sizeof(linger);

	if (getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) != 0 ||
	    linger.l_onoff == 0 || linger.l_linger == 0)
		return;
	linger = (struct linger){0};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void
tcp_socket_close_fd(struct tcp_socket *s)
{
	drop_event(&s->read_event);
	drop_event(&s->write_event);
	if (s->fd < 0)
		return;
	tcp_socket_disarm_linger(s->fd);
	/* a listener's name is to be free again when its close is answered */
	if ((s->passed || s->family == AF_LOCAL) && s->state != TCP_LISTENING)
		tcp_discard_fd(s->ctx, s->fd, s->charge.account);
	else
		(void)close(s->fd);
	s->fd = -1;
}

/* An answer may start a call anew: by now that is refused, not queued. */
void
tcp_socket_fail_waiting(struct tcp_socket *s, int reason)
{
	struct tcp_request *r;

	s->busy = false;
	tcp_recv_refuse(s, reason);
	if (s->blocked != NULL)
		tcp_request_fail(s->blocked, reason);
	while ((r = TAILQ_FIRST(&s->senders)) != NULL) {
		if (r->kind == TCP_R_CLOSE)
			tcp_request_fail(r, 0);
		else
			tcp_request_fail(r, r->reason != 0 ? r->reason : reason);
	}
}

void
tcp_socket_tell_gone(struct tcp_socket *s)
{
	bool told = s->silent;

	s->silent = true;
	if (!told)
		s->ctx->observer->gone(s->ctx->observer_ctx, s);
}

void
tcp_socket_end(struct tcp_socket *s, int reason, bool tell)
{
	bool listening = s->state == TCP_LISTENING;
	struct tcp_request *file;

	if (s->state == TCP_GONE)
		return;
	tcp_trace(s, "ends: %s", reason == 0 ? "closed" : reason_name(reason));
	if (!tell)
		s->silent = true;
	tcp_gather_flush(s);
	if (s->state == TCP_GONE)
		return;
	file = tcp_sendfile_end(s);
	tcp_socket_close_fd(s);
	tcp_close_drop(s);
	tcp_state_move(s, TCP_GONE);
	TAILQ_REMOVE(&s->ctx->sockets, s, link);
	TAILQ_INSERT_TAIL(&s->ctx->ended, s, link);
	s->notices = 0;
	bytes_fini(&s->out);
	tcp_input_drop(s);
	charge_close(&s->charge);
	if (listening)
		tcp_listener_close(s);
	if (file != NULL)
		tcp_request_fail(file, reason);
	tcp_socket_fail_waiting(s, reason);
	tcp_socket_tell_gone(s);
	charge_close(&s->place);
	if (s->closer != NULL)
		tcp_request_fail(s->closer, 0);
}

/* --- what its bytes cost ------------------------------------------------ */

/* Input that is not delivered, output that is not sent. */
static size_t
bytes_held(const struct tcp_socket *s)
{
	return bytes_len(&s->in) + bytes_len(&s->out);
}

bool
tcp_socket_charge(struct tcp_socket *s)
{
	size_t amount = bytes_held(s);

	return amount == s->charge.amount || charge_set(&s->charge, amount);
}

bool
tcp_socket_reserve(struct tcp_socket *s, size_t more)
{
	size_t held = bytes_held(s);

	return more <= SIZE_MAX - held && charge_set(&s->charge, held + more);
}

/* --- its owner ------------------------------------------------------------- */

void *
tcp_user(const struct tcp_socket *s)
{
	return s->user;
}

bool
tcp_set_owner(struct tcp_socket *s, void *user, struct account *account)
{
	if (!charge_move(&s->charge, account))
		return false;
	s->user = user;
	return true;
}

void
tcp_set_place(struct tcp_socket *s, struct charge *charge)
{
	s->place = *charge;
	*charge = (struct charge){0};
	if (s->state == TCP_GONE)
		charge_close(&s->place);
}

void
tcp_start(struct tcp_socket *s)
{
	s->started = true;
	tcp_reader_deliver(s);
}

void
tcp_resume(struct tcp_socket *s)
{
	s->held = s->recv_held = false;
	tcp_reader_deliver(s);
}

/* --- facts -------------------------------------------------------------------- */

bool
tcp_is_gone(const struct tcp_socket *s)
{
	return s->state >= TCP_TOLD;
}

int
tcp_getfd(struct tcp_socket *s, int *fd)
{
	if (tcp_is_gone(s) || s->fd < 0)
		return EINVAL;
	*fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	s->passed = true;
	return 0;
}

int
tcp_end_reason(const struct tcp_socket *s)
{
	return s->end_reason;
}

bool
tcp_is_listener(const struct tcp_socket *s)
{
	return s->state == TCP_LISTENING;
}

bool
tcp_deliver_port(const struct tcp_socket *s)
{
	return s->set.deliver_port;
}

bool
tcp_mode_list(const struct tcp_socket *s)
{
	return s->set.list;
}

const char *
tcp_http_bin(const struct tcp_socket *s)
{
	enum packet_id id = s->set.packet->id;

	return id == PACKET_HTTP_BIN || id == PACKET_HTTPH_BIN ? s->set.packet->name
							       : NULL;
}

unsigned
tcp_header(const struct tcp_socket *s)
{
	return s->set.header;
}

static unsigned
states(const struct tcp_socket *s)
{
	if (tcp_is_gone(s))
		return TCP_IS_CLOSED;
	switch (s->state) {
	case TCP_LISTENING:
		return TCP_IS_OPEN | TCP_IS_LISTEN |
		    (TAILQ_EMPTY(&s->acceptors) ? 0u : (unsigned)TCP_IS_ACCEPTING);
	case TCP_CONNECTED:
		return TCP_IS_OPEN | TCP_IS_CONNECTED |
		    (s->busy ? (unsigned)TCP_IS_BUSY : 0u);
	case TCP_ZOMBIE:
		return 0;
	default:
		return TCP_IS_OPEN;
	}
}

static size_t
count_list(const struct tcp_request_list *list)
{
	const struct tcp_request *r;
	size_t n = 0;

	TAILQ_FOREACH (r, list, link)
		n++;
	return n;
}

void
tcp_get_info(const struct tcp_socket *s, struct tcp_info *info)
{
	size_t events = 0;

	events += s->read_event != NULL;
	events += s->write_event != NULL;
	events += s->flush != NULL;
	info->states = states(s);
	info->memory = sizeof(*s) + s->in.size + s->out.size +
	    events * event_get_struct_event_size();
	info->input = bytes_len(&s->in);
	info->acceptors = count_list(&s->acceptors);
	info->senders = count_list(&s->senders) + (s->blocked != NULL) +
	    (s->file != NULL);
	info->receivers = s->receiver != NULL;
	info->held = s->held;
	info->socket_backend = s->set.socket_backend;
	info->msgq = s->msgq;
	info->msgq_busy = s->msgq_busy;
}
