/* SPDX-License-Identifier: ISC */
#include "tcp_world.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool
on_room(void *ctx, struct tcp_socket *s)
{
	(void)ctx;
	(void)s;
	return true;
}

static bool
on_recv_room(void *ctx, struct tcp_request *r)
{
	(void)ctx;
	(void)r;
	return true;
}

static void
on_data(void *ctx, struct tcp_socket *s, const void *data, size_t len)
{
	struct world *w = ctx;

	(void)s;
	ck_assert(bytes_append(&w->data, data, len));
}

static void
on_passive(void *ctx, struct tcp_socket *s)
{
	struct world *w = ctx;

	(void)s;
	w->passive++;
}

static void
on_error(void *ctx, struct tcp_socket *s, int reason)
{
	struct world *w = ctx;

	(void)s;
	(void)reason;
	w->errors++;
}

static void
on_closed(void *ctx, struct tcp_socket *s)
{
	struct world *w = ctx;

	(void)s;
	w->closed++;
}

static void
on_gone(void *ctx, struct tcp_socket *s)
{
	struct world *w = ctx;

	(void)s;
	w->gone++;
}

static const struct tcp_observer observer = {
    .room = on_room,
    .recv_room = on_recv_room,
    .data = on_data,
    .passive = on_passive,
    .error = on_error,
    .closed = on_closed,
    .gone = on_gone,
};

void
world_open(struct world *w)
{
	static const size_t max[LIMIT_KINDS] = {SIZE_MAX, SIZE_MAX, SIZE_MAX, SIZE_MAX};

	memset(w, 0, sizeof(*w));
	account_init(&w->account, NULL, max);
	w->base = event_base_new();
	ck_assert_ptr_nonnull(w->base);
	w->ctx = tcp_new(w->base, &clock_monotonic, &tcp_config_default, &observer, w);
	ck_assert_ptr_nonnull(w->ctx);
}

void
world_closed(int fd)
{
	uint64_t until = clock_deadline(&clock_monotonic, 5000);

	while (fcntl(fd, F_GETFD) != -1) {
		ck_assert(clock_left(&clock_monotonic, until) > 0);
		usleep(1000);
	}
}

void
world_close(struct world *w)
{
	tcp_free(w->ctx);
	event_base_free(w->base);
	bytes_fini(&w->data);
	ck_assert_uint_eq(w->account.used[LIMIT_BYTES], 0);
}

static void
too_late(evutil_socket_t fd, short what, void *arg)
{
	bool *late = arg;

	(void)fd;
	(void)what;
	*late = true;
}

/* Turns of the loop until *what, or *count == n where what is NULL. */
static void
run(struct world *w, const bool *what, const unsigned *count, unsigned n)
{
	bool late = false;
	struct event *deadline = event_new(w->base, -1, 0, too_late, &late);
	struct timeval tv = clock_timeval(WORLD_DEADLINE);

	ck_assert_ptr_nonnull(deadline);
	ck_assert_int_eq(event_add(deadline, &tv), 0);
	while (!(what != NULL ? *what : *count >= n)) {
		ck_assert_msg(!late, "it did not happen in time");
		ck_assert_int_ne(event_base_loop(w->base, EVLOOP_ONCE), -1);
		tcp_reap(w->ctx);
	}
	event_free(deadline);
}

void
world_until(struct world *w, const bool *what)
{
	run(w, what, NULL, 0);
}

void
world_count(struct world *w, const unsigned *count, unsigned n)
{
	run(w, NULL, count, n);
}

void
world_turn(struct world *w)
{
	ck_assert_int_ne(event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK), -1);
	tcp_reap(w->ctx);
}

static void
call_done(struct tcp_request *r, const struct tcp_outcome *o)
{
	struct call *call = (struct call *)r;

	ck_assert_msg(!call->done, "answered twice");
	call->done = true;
	call->o = *o;
	if (o->socket != NULL && call->adopt)
		ck_assert(tcp_set_owner(o->socket, call, &call->world->account));
	if (o->socket != NULL && call->abandon)
		tcp_abandon(o->socket);
}

void
call_init(struct call *call, struct world *w)
{
	memset(call, 0, sizeof(*call));
	call->r.done = call_done;
	call->r.caller = call;
	call->r.account = &w->account;
	call->world = w;
}

void
put_bool(struct option_list *list, enum option_id id, bool on)
{
	struct option_value v = {.id = id, .u.on = on};

	ck_assert(option_list_add(list, &v));
}

void
put_number(struct option_list *list, enum option_id id, int64_t number)
{
	struct option_value v = {.id = id, .u.number = number};

	ck_assert(option_list_add(list, &v));
}

void
put_active(struct option_list *list, enum option_active mode, int n)
{
	struct option_value v = {.id = OPTION_ACTIVE, .u.active = {mode, n}};

	ck_assert(option_list_add(list, &v));
}

void
put_address(struct option_list *list, enum option_id id, const char *text)
{
	struct option_value v = {.id = id, .u.address.kind = ADDRESS_ANY};

	if (text != NULL)
		ck_assert(address_parse(text, &v.u.address));
	ck_assert(option_list_add(list, &v));
}

void
put_local(struct option_list *list, enum option_id id, const void *name, size_t len)
{
	struct option_value v = {.id = id, .u.address.kind = ADDRESS_LOCAL};

	ck_assert_uint_le(len, sizeof(v.u.address.u.local.path));
	v.u.address.u.local.len = len;
	memcpy(v.u.address.u.local.path, name, len);
	ck_assert(option_list_add(list, &v));
}

struct tcp_open
world_opening(struct world *w, const struct option_list *list)
{
	struct tcp_open open = {.fd = -1, .options = list, .account = &w->account};

	return open;
}

struct tcp_socket *
world_listen(struct world *w, const struct option_list *list, uint16_t *port)
{
	struct option_list all = {0};
	struct tcp_open open;
	struct tcp_outcome o;
	struct address name;

	put_address(&all, OPTION_IP, "127.0.0.1");
	for (size_t i = 0; list != NULL && i < list->count; i++)
		ck_assert(option_list_add(&all, &list->items[i]));
	open = world_opening(w, &all);
	tcp_listen(w->ctx, &open, &o);
	option_list_fini(&all);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_int_eq(tcp_sockname(o.socket, &name), 0);
	*port = name.port;
	tcp_start(o.socket);
	return o.socket;
}

int
world_client(uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	return fd;
}

bool
world_has_inet6(void)
{
	struct sockaddr_in6 in6 = {
	    .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool bound = fd != -1 && bind(fd, (struct sockaddr *)&in6, sizeof(in6)) == 0;

	if (fd != -1)
		close(fd);
	return bound;
}

struct tcp_socket *
world_accept(struct world *w, struct tcp_socket *listener)
{
	struct call call;

	call_init(&call, w);
	call.adopt = true;
	tcp_accept(listener, WORLD_DEADLINE, &call.r);
	world_until(w, &call.done);
	ck_assert_int_eq(call.o.reason, 0);
	return call.o.socket;
}
