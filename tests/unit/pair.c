/* SPDX-License-Identifier: ISC */
#include "pair.h"
#include "packet/packet_http.h"
#include "tests/unit/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the log ------------------------------------------------------------- */

static const char *
text_of(struct bytes *b)
{
	ck_assert(bytes_append_char(b, '\0'));
	bytes_truncate(b, bytes_len(b) - 1);
	return (const char *)b->base + b->start;
}

static void
log_reason(struct pair *p, const char *what, char open, int reason)
{
	ck_assert(bytes_append_str(&p->log, what));
	if (open != '\0')
		ck_assert(bytes_append_char(&p->log, open));
	ck_assert(bytes_append_str(&p->log, reason == 0 ? "ok" : reason_name(reason)));
}

static bool
on_room(void *ctx, struct tcp_socket *s)
{
	struct pair *p = ctx;

	ck_assert_ptr_eq(s, p->s);
	p->room_asked++;
	return !p->full;
}

static bool
on_recv_room(void *ctx, struct tcp_request *r)
{
	struct pair *p = ctx;

	ck_assert_ptr_nonnull(r);
	return !p->recv_full;
}

static void
on_data(void *ctx, struct tcp_socket *s, const void *data, size_t len)
{
	struct pair *p = ctx;

	ck_assert_ptr_eq(s, p->s);
	ck_assert(!p->full);
	ck_assert(bytes_append_char(&p->log, '['));
	if (p->lengths)
		ck_assert(bytes_append_uint(&p->log, len));
	else
		ck_assert(bytes_append(&p->log, data, len));
	ck_assert(bytes_append_char(&p->log, ']'));
	if (p->on_data != NULL)
		p->on_data(p, data, len);
}

/* What tells one line from another. */
static void
on_http(void *ctx, struct tcp_socket *s, const struct packet_http *http)
{
	static const struct packet_text eoh = {"eoh", 3};
	struct pair *p = ctx;
	const struct packet_text *text = &eoh;

	ck_assert_ptr_eq(s, p->s);
	ck_assert(!p->full);
	if (http->type == PACKET_HTTP_REQUEST)
		text = &http->method;
	else if (http->type == PACKET_HTTP_RESPONSE)
		text = &http->phrase;
	else if (http->type == PACKET_HTTP_HEADER)
		text = &http->name;
	else if (http->type == PACKET_HTTP_ERROR)
		text = &http->line;
	ck_assert(bytes_append_char(&p->log, '{'));
	ck_assert(bytes_append(&p->log, text->p, text->len));
	ck_assert(bytes_append_char(&p->log, '}'));
}

static void
on_passive(void *ctx, struct tcp_socket *s)
{
	struct pair *p = ctx;

	ck_assert_ptr_eq(s, p->s);
	ck_assert(bytes_append_char(&p->log, 'P'));
}

static void
on_error(void *ctx, struct tcp_socket *s, int reason)
{
	struct pair *p = ctx;

	ck_assert_ptr_eq(s, p->s);
	log_reason(p, "E", '(', reason);
	ck_assert(bytes_append_char(&p->log, ')'));
}

static void
on_closed(void *ctx, struct tcp_socket *s)
{
	struct pair *p = ctx;

	ck_assert_ptr_eq(s, p->s);
	ck_assert(bytes_append_char(&p->log, 'C'));
}

static void
on_gone(void *ctx, struct tcp_socket *s)
{
	struct pair *p = ctx;

	ck_assert_msg(p->s == s, "gone twice");
	ck_assert(tcp_is_gone(s));
	ck_assert(bytes_append_char(&p->log, 'G'));
	/* what is flushed behind our back outlives the owner's account */
	ck_assert(tcp_set_owner(s, NULL, &p->root));
	p->s = NULL;
}

static const struct tcp_observer observer = {
    .room = on_room,
    .recv_room = on_recv_room,
    .data = on_data,
    .http = on_http,
    .passive = on_passive,
    .error = on_error,
    .closed = on_closed,
    .gone = on_gone,
};

/* --- the pair --------------------------------------------------------------- */

static void
connect_pair(int fds[2])
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(l, 0);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (struct sockaddr *)&in, &len), 0);
	fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fds[1], 0);
	ck_assert_int_eq(connect(fds[1], (struct sockaddr *)&in, sizeof(in)), 0);
	fds[0] = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_eq(close(l), 0);
}

static void
open_pair(struct pair *p, int64_t close_timeout, int family, const int fds[2])
{
	static const size_t max[LIMIT_KINDS] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};
	struct tcp_config config = tcp_config_default;

	memset(p, 0, sizeof(*p));
	account_init(&p->root, NULL, max);
	account_init(&p->account, &p->root, max);
	config.close_timeout = close_timeout;
	config.resolvers = 1;
	p->base = event_base_new();
	ck_assert_ptr_nonnull(p->base);
	p->ctx = tcp_new(p->base, &clock_monotonic, &config, &observer, p);
	ck_assert_ptr_nonnull(p->ctx);
	p->peer = fds[1];
	p->s = tcp_socket_new(p->ctx, fds[0], family);
	ck_assert_ptr_nonnull(p->s);
	p->s->active.mode = OPTION_ACTIVE_FALSE;
	ck_assert(tcp_set_owner(p->s, p, &p->account));
	ck_assert_ptr_eq(tcp_user(p->s), p);
	tcp_state_move(p->s, TCP_CONNECTED);
	tcp_start(p->s);
}

void
pair_open_timeout(struct pair *p, int64_t close_timeout)
{
	int fds[2];

	connect_pair(fds);
	open_pair(p, close_timeout, AF_INET, fds);
}

void
pair_open(struct pair *p)
{
	pair_open_timeout(p, tcp_config_default.close_timeout);
}

void
pair_open_local(struct pair *p)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_LOCAL, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	open_pair(p, tcp_config_default.close_timeout, AF_LOCAL, fds);
}

void
pair_close(struct pair *p)
{
	peer_close(p);
	tcp_free(p->ctx);
	event_base_free(p->base);
	bytes_fini(&p->log);
	ck_assert_uint_eq(p->account.used[LIMIT_BYTES], 0);
	ck_assert_uint_eq(p->root.used[LIMIT_BYTES], 0);
}

/* --- the loop ------------------------------------------------------------------ */

void
pair_turn(struct pair *p)
{
	ck_assert_int_ne(event_base_loop(p->base, EVLOOP_ONCE | EVLOOP_NONBLOCK), -1);
	tcp_reap(p->ctx);
}

static void
too_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* Turns until *what, or until the log is text; or until it is too late. */
static void
run(struct pair *p, const bool *what, const char *text)
{
	bool late = false;
	struct event *deadline = event_new(p->base, -1, 0, too_late, &late);
	struct timeval tv = clock_timeval(2 * PAIR_DEADLINE);

	ck_assert_ptr_nonnull(deadline);
	ck_assert_int_eq(event_add(deadline, &tv), 0);
	while (!late && !(what != NULL ? *what : strcmp(text_of(&p->log), text) == 0)) {
		ck_assert_int_ne(event_base_loop(p->base, EVLOOP_ONCE), -1);
		tcp_reap(p->ctx);
	}
	event_free(deadline);
}

void
pair_expect(struct pair *p, const char *text)
{
	run(p, NULL, text);
	ck_assert_str_eq(text_of(&p->log), text);
}

void
pair_quiet(struct pair *p, const char *text)
{
	for (int i = 0; i < 4; i++)
		pair_turn(p);
	ck_assert_str_eq(text_of(&p->log), text);
}

void
pair_until(struct pair *p, const bool *what)
{
	run(p, what, NULL);
	ck_assert_msg(*what, "it did not happen in time; log: %s", text_of(&p->log));
}

void
pair_forget(struct pair *p)
{
	bytes_truncate(&p->log, 0);
}

void
pair_packet(struct pair *p, enum packet_id id, size_t packet_size)
{
	p->s->set.packet = packet_type(id);
	p->s->set.framing.packet_size = packet_size;
	p->s->packet_state = (struct packet_state){0};
}

void
pair_active(struct pair *p, enum option_active mode, int n)
{
	struct option_value v = {.id = OPTION_ACTIVE, .u.active = {mode, n}};
	const struct option_list list = {&v, 1, 1};
	const struct option_row *failed;

	ck_assert_int_eq(tcp_setopts(p->s, &list, &failed), 0);
}

void
pair_open_active(struct pair *p, enum packet_id id, enum option_active mode, int n)
{
	pair_open(p);
	pair_packet(p, id, 0);
	pair_active(p, mode, n);
}

/* --- the peer -------------------------------------------------------------------- */

void
peer_send(struct pair *p, const void *data, size_t len)
{
	ck_assert_int_eq(send(p->peer, data, len, MSG_NOSIGNAL), (ssize_t)len);
}

void
peer_say(struct pair *p, const char *text)
{
	peer_send(p, text, strlen(text));
}

void
peer_close(struct pair *p)
{
	if (p->peer != -1)
		ck_assert_int_eq(close(p->peer), 0);
	p->peer = -1;
}

void
peer_shut(struct pair *p, int how)
{
	ck_assert_int_eq(shutdown(p->peer, how), 0);
}

void
peer_reset(struct pair *p)
{
	const struct linger now = {.l_onoff = 1};

	ck_assert_int_eq(
	    setsockopt(p->peer, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
	peer_close(p);
}

/* Reads once while the loop runs; as recv(2), but never EAGAIN. */
static ssize_t
peer_recv(struct pair *p, char *buffer, size_t size)
{
	uint64_t end = clock_deadline(&clock_monotonic, 2 * PAIR_DEADLINE);
	ssize_t n;

	for (;;) {
		struct pollfd fds = {.fd = p->peer, .events = POLLIN};

		pair_turn(p);
		n = recv(p->peer, buffer, size, MSG_DONTWAIT);
		if (n >= 0 || errno != EAGAIN)
			return n;
		ck_assert_msg(clock_left(&clock_monotonic, end) > 0,
		    "the peer got nothing in time");
		(void)poll(&fds, 1, 1);
	}
}

void
peer_read(struct pair *p, char c, size_t n)
{
	char buffer[65536];

	while (n > 0) {
		size_t want = n < sizeof(buffer) ? n : sizeof(buffer);
		ssize_t got = peer_recv(p, buffer, want), same = 0;

		ck_assert_int_gt(got, 0);
		/* each assertion is a message to the runner: not for each byte */
		while (same < got && buffer[same] == c)
			same++;
		ck_assert_int_eq(same, got);
		n -= (size_t)got;
	}
}

size_t
peer_read_all(struct pair *p, int *err)
{
	char buffer[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = peer_recv(p, buffer, sizeof(buffer))) > 0)
		all += (size_t)n;
	*err = n == 0 ? 0 : errno;
	return all;
}

/* --- calls ----------------------------------------------------------------------- */

static void
call_done(struct tcp_request *r, const struct tcp_outcome *o)
{
	struct call *call = (struct call *)r;

	ck_assert_msg(!call->done, "answered twice");
	call->done = true;
	call->reason = o->reason;
	ck_assert(bytes_append(&call->data, o->data, o->len));
	if (call->name != NULL)
		log_reason(call->pair, call->name, '=', o->reason);
	if (call->then != NULL)
		call->then(call);
}

void
call_init(struct call *call, struct pair *p, const char *name)
{
	memset(call, 0, sizeof(*call));
	call->r.done = call_done;
	call->r.caller = call;
	call->r.account = &p->account;
	call->pair = p;
	call->name = name;
}

void
call_fini(struct call *call)
{
	bytes_fini(&call->data);
}

struct call *
call_recv(struct call *call, size_t length, int64_t timeout)
{
	tcp_recv(call->pair->s, length, timeout, &call->r);
	return call;
}

struct call *
call_send(struct call *call, const void *data, size_t len)
{
	tcp_send(call->pair->s, data, len, &call->r);
	return call;
}

struct call *
call_say(struct call *call, const char *text)
{
	return call_send(call, text, strlen(text));
}

void
call_expect(struct call *call, int reason, const char *data)
{
	pair_until(call->pair, &call->done);
	ck_assert_msg(call->reason == reason, "%s instead of %s",
	    reason_name(call->reason), reason_name(reason));
	ck_assert_uint_eq(bytes_len(&call->data), strlen(data));
	ck_assert_str_eq(text_of(&call->data), data);
	call_fini(call);
}

void
recv_now(struct pair *p, size_t length, int reason, const char *data)
{
	struct call call;

	call_init(&call, p, NULL);
	ck_assert(call_recv(&call, length, 0)->done);
	call_expect(&call, reason, data);
}

void
say_now(struct pair *p, const char *text, int reason)
{
	struct call call;

	call_init(&call, p, NULL);
	ck_assert(call_say(&call, text)->done);
	call_expect(&call, reason, "");
}

size_t
fill_kernel(struct pair *p, size_t queued)
{
	size_t len = (size_t)16 * 1024 * 1024, sent;
	char *data = malloc(len);
	struct call call;

	ck_assert_ptr_nonnull(data);
	memset(data, 'x', len);
	call_init(&call, p, NULL);
	ck_assert(call_send(&call, data, len)->done);
	call_expect(&call, 0, "");
	sent = len - bytes_len(&p->s->out);
	ck_assert_uint_lt(sent, len);
	if (queued != FILL_ALL) {
		bytes_truncate(&p->s->out, queued);
		ck_assert(tcp_socket_charge(p->s));
	}
	free(data);
	return sent;
}

int
pair_main(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 30);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tc, tests[i]);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
