/* SPDX-License-Identifier: ISC */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/resolver.h"
#include "tcp_world.h"
#include "tests/unit/run.h"

static struct world w;
static struct option_list list;
static struct call call;
static uint16_t port;
static struct tcp_socket *l;
static int free_fd; /* bound, not listening: its port refuses */

static void
setup(void)
{
	world_open(&w);
	memset(&list, 0, sizeof(list));
	l = world_listen(&w, NULL, &port);
}

static void
teardown(void)
{
	option_list_fini(&list);
	world_close(&w);
}

static struct address
numeric(const char *text, uint16_t at)
{
	struct address a;

	memset(&a, 0, sizeof(a));
	ck_assert(address_parse(text, &a));
	a.sockaddr = true;
	a.port = at;
	return a;
}

/* A port that nobody listens on. */
static uint16_t
refusing_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);

	free_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(free_fd, (struct sockaddr *)&in, sizeof(in)), 0);
	ck_assert_int_eq(getsockname(free_fd, (struct sockaddr *)&in, &len), 0);
	return ntohs(in.sin_port);
}

static void
begin(const struct tcp_open *how, int64_t timeout)
{
	call_init(&call, &w);
	tcp_connect(w.ctx, how, timeout, &call.r);
	option_list_fini(&list);
}

/* Connects to a host with what list holds, empties it, and gives the answer. */
static int
to_host(const char *host, uint16_t at)
{
	struct tcp_open open = world_opening(&w, &list);

	open.host = host;
	open.port = at;
	open.user = &call;
	begin(&open, WORLD_DEADLINE);
	world_until(&w, &call.done);
	return call.o.reason;
}

static int
to_address(const struct address *a, uint16_t at)
{
	struct tcp_open open = world_opening(&w, &list);

	open.address = *a;
	open.port = at;
	begin(&open, WORLD_DEADLINE);
	world_until(&w, &call.done);
	return call.o.reason;
}

START_TEST(numeric_hosts)
{
	static const char *const hosts[] = {"127.0.0.1", "127.1"};
	struct option_value v;
	struct address name;

	ck_assert_int_eq(to_host(hosts[_i], port), 0);
	ck_assert_int_eq(call.o.socket->state, TCP_CONNECTED);
	ck_assert_ptr_eq(tcp_user(call.o.socket), &call);
	ck_assert_int_eq(tcp_peername(call.o.socket, &name), 0);
	ck_assert_uint_eq(name.port, port);
	ck_assert_int_eq(tcp_getopt(call.o.socket, OPTION_ACTIVE, &v), 0);
	ck_assert_int_eq(v.u.active.mode, OPTION_ACTIVE_TRUE);
	ck_assert_int_eq(fcntl(call.o.socket->fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fcntl(call.o.socket->fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

/* semantics 1.1's table */
START_TEST(hosts_that_are_none)
{
	ck_assert_int_eq(to_host("", port), REASON_BADARG);
	ck_assert_int_eq(to_host("bad host", port), REASON_BADARG);
	ck_assert_int_eq(to_host("n\303\244me", port), REASON_BADARG);
	ck_assert_int_eq(to_host("::1", port), REASON_NXDOMAIN);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET6);
	ck_assert_int_eq(to_host("127.0.0.1", port), REASON_NXDOMAIN);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET6);
	ck_assert_int_eq(to_host("127.1", port), REASON_NXDOMAIN);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_LOCAL);
	ck_assert_int_eq(to_host("localhost", 0), REASON_BADARG);
}
END_TEST

START_TEST(refused)
{
	uint16_t at = refusing_port();

	ck_assert_int_eq(to_host("127.0.0.1", at), ECONNREFUSED);
	ck_assert_ptr_null(call.o.socket);
	ck_assert_ptr_null(call.o.option);
	ck_assert_int_eq(to_host("127.0.0.1", 0), ECONNREFUSED);
	ck_assert_uint_eq(w.gone, 0);
	close(free_fd);
}
END_TEST

START_TEST(families)
{
	struct address v4 = numeric("127.0.0.1", port), v6 = numeric("::1", port);

	ck_assert_int_eq(to_address(&v4, 0), 0);
	/* it alone says inet6, and nobody is there */
	ck_assert_int_eq(to_address(&v6, 0), ECONNREFUSED);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	ck_assert_int_eq(to_address(&v6, 0), EAFNOSUPPORT);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET6);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	ck_assert_int_eq(to_address(&v4, 0), EAFNOSUPPORT);
	/* so does an own address */
	put_address(&list, OPTION_IP, "::1");
	ck_assert_int_eq(to_host("::1", port), ECONNREFUSED);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	put_address(&list, OPTION_IP, "::1");
	ck_assert_int_eq(to_host("127.0.0.1", port), EAFNOSUPPORT);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	put_local(&list, OPTION_IP, "/x", 2);
	ck_assert_int_eq(to_host("127.0.0.1", port), REASON_BADARG);
}
END_TEST

START_TEST(own_addresses)
{
	struct option_value v = {.id = OPTION_IFADDR};
	struct address name;
	uint16_t own;

	put_address(&list, OPTION_IP, "127.0.0.4");
	put_address(&list, OPTION_IP, "127.0.0.5");
	ck_assert_int_eq(to_host("127.0.0.1", port), 0);
	ck_assert_int_eq(tcp_sockname(call.o.socket, &name), 0);
	ck_assert_int_eq(name.u.inet[3], 5);

	own = refusing_port();
	close(free_fd);
	put_number(&list, OPTION_PORT, own);
	ck_assert_int_eq(to_host("127.0.0.1", port), 0);
	ck_assert_int_eq(tcp_sockname(call.o.socket, &name), 0);
	ck_assert_uint_eq(name.port, own);
	put_number(&list, OPTION_PORT, own);
	ck_assert_int_eq(to_host("127.0.0.1", port), EADDRINUSE);

	/* a sockaddr brings its port, whatever came before */
	put_number(&list, OPTION_PORT, own);
	v.u.address = numeric("127.0.0.6", 0);
	ck_assert(option_list_add(&list, &v));
	ck_assert_int_eq(to_host("127.0.0.1", port), 0);
	ck_assert_int_eq(tcp_sockname(call.o.socket, &name), 0);
	ck_assert_int_eq(name.u.inet[3], 6);
	ck_assert_uint_ne(name.port, own);

	put_address(&list, OPTION_IP, "192.0.2.1");
	ck_assert_int_eq(to_host("127.0.0.1", port), EADDRNOTAVAIL);
	ck_assert_ptr_eq(call.o.option, option_row(OPTION_IP));
}
END_TEST

START_TEST(einval_is_badarg)
{
	put_number(&list, OPTION_TTL, 0);
	ck_assert_int_eq(to_host("127.0.0.1", port), REASON_BADARG);
	ck_assert_ptr_eq(call.o.option, option_row(OPTION_TTL));
	put_number(&list, OPTION_TCLASS, 3);
	ck_assert_int_eq(to_host("127.0.0.1", port), REASON_BADARG);
	ck_assert_ptr_eq(call.o.option, option_row(OPTION_TCLASS));
}
END_TEST

START_TEST(options_are_on_it)
{
	struct option_value v;

	put_number(&list, OPTION_PACKET, OPTION_PACKET_1);
	put_number(&list, OPTION_PACKET, OPTION_PACKET_2);
	put_bool(&list, OPTION_NODELAY, true);
	put_active(&list, OPTION_ACTIVE_N, 3);
	put_active(&list, OPTION_ACTIVE_N, 2);
	ck_assert_int_eq(to_host("127.0.0.1", port), 0);
	ck_assert_int_eq(tcp_getopt(call.o.socket, OPTION_PACKET, &v), 0);
	ck_assert_int_eq(v.u.number, OPTION_PACKET_2);
	ck_assert_int_eq(tcp_getopt(call.o.socket, OPTION_NODELAY, &v), 0);
	ck_assert(v.u.on);
	ck_assert_int_eq(tcp_getopt(call.o.socket, OPTION_ACTIVE, &v), 0);
	ck_assert_int_eq(v.u.active.n, 5);
	/* told once the caller has it */
	put_active(&list, OPTION_ACTIVE_N, 0);
	ck_assert_int_eq(to_host("127.0.0.1", port), 0);
	ck_assert_uint_eq(w.passive, 1);
}
END_TEST

START_TEST(abandoned_within_done)
{
	struct tcp_open open = world_opening(&w, NULL);

	open.host = "127.0.0.1";
	open.port = port;
	call_init(&call, &w);
	call.abandon = true;
	tcp_connect(w.ctx, &open, CLOCK_NEVER, &call.r);
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, 0);
	ck_assert_uint_eq(w.gone, 0);
	world_turn(&w);
	ck_assert_ptr_eq(TAILQ_FIRST(&w.ctx->sockets), l);
	ck_assert_ptr_null(TAILQ_NEXT(l, link));
}
END_TEST

/* --- names ---------------------------------------------------------------------------- */

static struct {
	struct resolver_address list[4];
	size_t count;
	int hold[2]; /* a pipe: the lookup waits for a byte, if it is there */
} zone;

static int
from_zone(const char *host, int family, struct resolver_addresses *found)
{
	char byte;

	(void)family;
	ck_assert_str_eq(host, "some.name");
	if (zone.hold[0] != 0)
		(void)!read(zone.hold[0], &byte, 1);
	memset(found, 0, sizeof(*found));
	if (zone.count == 0)
		return REASON_NXDOMAIN;
	found->list = calloc(zone.count, sizeof(*found->list));
	if (found->list == NULL)
		return ENOMEM;
	memcpy(found->list, zone.list, zone.count * sizeof(*found->list));
	found->count = zone.count;
	return 0;
}

static void
in_zone(const char *text)
{
	struct resolver_address *a = &zone.list[zone.count++];
	struct address address;

	ck_assert(address_parse(text, &address));
	ck_assert_int_eq(
	    tcp_address_to_sockaddr(&address, 0, AF_INET, &a->addr, &a->len), 0);
}

static void
use_zone(void)
{
	resolver_free(w.ctx->resolver);
	w.ctx->resolver = resolver_new(
	    w.base, &clock_monotonic, 1, CLOCK_NEVER, from_zone);
	ck_assert_ptr_nonnull(w.ctx->resolver);
}

START_TEST(unknown_name)
{
	use_zone();
	ck_assert_int_eq(to_host("some.name", port), REASON_NXDOMAIN);
}
END_TEST

/* The listener is on 127.0.0.1 alone. */
START_TEST(one_address_after_the_other)
{
	struct address name;

	use_zone();
	in_zone("127.0.0.2");
	in_zone("127.0.0.3");
	in_zone("127.0.0.1");
	put_address(&list, OPTION_IP, "127.0.0.9");
	put_number(&list, OPTION_PACKET, OPTION_PACKET_4);
	ck_assert_int_eq(to_host("some.name", port), 0);
	ck_assert_int_eq(tcp_peername(call.o.socket, &name), 0);
	ck_assert_int_eq(name.u.inet[3], 1);
	ck_assert_int_eq(tcp_sockname(call.o.socket, &name), 0);
	ck_assert_int_eq(name.u.inet[3], 9);
	ck_assert_int_eq(call.o.socket->set.packet->id, PACKET_4);
}
END_TEST

START_TEST(the_last_error_is_the_answer)
{
	use_zone();
	in_zone("127.0.0.2");
	in_zone("255.255.255.255");
	ck_assert_int_eq(to_host("some.name", port), ENETUNREACH);
	zone.count = 0;
	in_zone("255.255.255.255");
	in_zone("127.0.0.2");
	ck_assert_int_eq(to_host("some.name", port), ECONNREFUSED);
	/* einval ends it at once */
	in_zone("127.0.0.1");
	put_number(&list, OPTION_TTL, 0);
	ck_assert_int_eq(to_host("some.name", port), REASON_BADARG);
}
END_TEST

START_TEST(the_time_covers_the_lookup)
{
	struct tcp_open open;

	use_zone();
	ck_assert_int_eq(pipe(zone.hold), 0);
	open = world_opening(&w, &list);
	open.host = "some.name";
	open.port = port;
	begin(&open, 20);
	ck_assert(!call.done);
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, REASON_TIMEOUT);
	/* cancelled: never heard of again */
	begin(&open, CLOCK_NEVER);
	tcp_cancel(&call.r);
	/* ended with the context */
	begin(&open, CLOCK_NEVER);
	tcp_connector_end_all(w.ctx);
	ck_assert(call.done);
	ck_assert_int_eq(call.o.reason, REASON_CLOSED);
	close(zone.hold[1]);
	ck_assert(TAILQ_EMPTY(&w.ctx->connectors));
}
END_TEST

/* A listener that takes no more: nobody answers a connect to it. */
struct full {
	int fd, fillers[3];
	uint16_t port;
};

static void
full_open(struct full *f)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(f->fd, (struct sockaddr *)&in, len), 0);
	ck_assert_int_eq(listen(f->fd, 0), 0);
	ck_assert_int_eq(getsockname(f->fd, (struct sockaddr *)&in, &len), 0);
	f->port = ntohs(in.sin_port);
	for (int i = 0; i < 3; i++) {
		f->fillers[i] = socket(
		    AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(f->fillers[i], (struct sockaddr *)&in, len);
	}
}

static void
full_close(struct full *f)
{
	for (int i = 0; i < 3; i++)
		close(f->fillers[i]);
	close(f->fd);
}

START_TEST(time_out_and_cancel_while_connecting)
{
	struct tcp_open open = world_opening(&w, &list);
	struct full full;

	full_open(&full);
	open.host = "127.0.0.1";
	open.port = full.port;
	begin(&open, 30);
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, REASON_TIMEOUT);
	begin(&open, CLOCK_NEVER);
	ck_assert(!call.done);
	tcp_cancel(&call.r);
	world_turn(&w);
	ck_assert(!call.done);
	ck_assert_ptr_eq(TAILQ_FIRST(&w.ctx->sockets), l);
	ck_assert_ptr_null(TAILQ_NEXT(l, link));
	full_close(&full);
}
END_TEST

/* --- Unix sockets ----------------------------------------------------------------------- */

START_TEST(local_ones)
{
	struct address a = {.kind = ADDRESS_LOCAL}, name;
	struct tcp_open open;
	struct tcp_outcome o;
	struct tcp_socket *client;
	char folder[] = "/tmp/check_connector.XXXXXX";

	ck_assert_ptr_nonnull(mkdtemp(folder));
	a.u.local.len = (size_t)snprintf(
	    a.u.local.path, sizeof(a.u.local.path), "%s/s", folder);
	ck_assert_int_eq(to_address(&a, 0), ENOENT);
	ck_assert_int_eq(to_address(&a, 5), REASON_BADARG);
	put_local(&list, OPTION_IP, a.u.local.path, a.u.local.len);
	open = world_opening(&w, &list);
	tcp_listen(w.ctx, &open, &o);
	option_list_fini(&list);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_int_eq(to_address(&a, 0), 0);
	client = call.o.socket;
	ck_assert_int_eq(tcp_peername(client, &name), 0);
	ck_assert_uint_eq(name.u.local.len, a.u.local.len);
	ck_assert_int_eq(tcp_sockname(client, &name), 0);
	ck_assert_uint_eq(name.u.local.len, 0);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	ck_assert_int_eq(to_address(&a, 0), REASON_BADARG);
	put_address(&list, OPTION_IP, NULL);
	ck_assert_int_eq(to_address(&a, 0), REASON_BADARG);

	tcp_abandon(o.socket);
	ck_assert_int_eq(to_address(&a, 0), ECONNREFUSED);
	ck_assert_int_eq(unlink(a.u.local.path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
	memset(a.u.local.path, 'x', sizeof(a.u.local.path));
	a.u.local.len = 108;
	ck_assert_int_eq(to_address(&a, 0), REASON_BADARG);
}
END_TEST

/* A full backlog is waited for. */
START_TEST(a_full_local_backlog)
{
	struct tcp_open open;
	struct tcp_outcome o;
	struct address a;
	struct call accept;

	put_local(&list, OPTION_IP, "", 0);
	put_number(&list, OPTION_BACKLOG, 0);
	open = world_opening(&w, &list);
	tcp_listen(w.ctx, &open, &o);
	option_list_fini(&list);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_int_eq(tcp_sockname(o.socket, &a), 0);
	ck_assert_int_eq(to_address(&a, 0), 0);
	open = world_opening(&w, NULL);
	open.address = a;
	begin(&open, 30);
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, REASON_TIMEOUT);
	begin(&open, WORLD_DEADLINE);
	ck_assert(!call.done);
	call_init(&accept, &w);
	accept.adopt = true;
	tcp_accept(o.socket, 0, &accept.r);
	ck_assert_int_eq(accept.o.reason, 0);
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, 0);
}
END_TEST

/* --- passed descriptors --------------------------------------------------------------------- */

static int
connect_passed(int fd)
{
	struct tcp_open open = world_opening(&w, &list);

	open.host = "127.0.0.1";
	open.port = port;
	open.fd = fd;
	begin(&open, WORLD_DEADLINE);
	world_until(&w, &call.done);
	return call.o.reason;
}

START_TEST(passed)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), fds[2];

	ck_assert_int_eq(connect_passed(fd), 0);
	/* it was owned, what goes on is another number for it */
	ck_assert_int_ne(call.o.socket->fd, fd);
	world_closed(fd);

	ck_assert_int_eq(connect_passed(world_client(port)), EISCONN);
	ck_assert_int_eq(connect_passed(socket(AF_INET, SOCK_DGRAM, 0)), EBADF);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(connect_passed(fds[0]), ENOTSOCK);
	world_closed(fds[0]);
	close(fds[1]);
	fd = socket(AF_INET6, SOCK_STREAM, 0);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	ck_assert_int_eq(connect_passed(fd), EAFNOSUPPORT);
	world_closed(fd);
}
END_TEST

START_TEST(passed_and_timed_out)
{
	struct tcp_open open = world_opening(&w, &list);
	struct full full;

	full_open(&full);
	open.host = "127.0.0.1";
	open.port = full.port;
	open.fd = socket(AF_INET, SOCK_STREAM, 0);
	begin(&open, 30);
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, REASON_TIMEOUT);
	/* withdrawn at once, perhaps before its thread has begun */
	open.fd = socket(AF_INET, SOCK_STREAM, 0);
	begin(&open, CLOCK_NEVER);
	tcp_cancel(&call.r);
	world_turn(&w);
	ck_assert(!call.done);
	full_close(&full);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("connector");
	TCase *tc = tcase_create("connect");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, numeric_hosts, 0, 2);
	tcase_add_test(tc, hosts_that_are_none);
	tcase_add_test(tc, refused);
	if (world_has_inet6())
		tcase_add_test(tc, families);
	tcase_add_test(tc, own_addresses);
	tcase_add_test(tc, einval_is_badarg);
	tcase_add_test(tc, options_are_on_it);
	tcase_add_test(tc, abandoned_within_done);
	tcase_add_test(tc, unknown_name);
	tcase_add_test(tc, one_address_after_the_other);
	tcase_add_test(tc, the_last_error_is_the_answer);
	tcase_add_test(tc, the_time_covers_the_lookup);
	tcase_add_test(tc, time_out_and_cancel_while_connecting);
	tcase_add_test(tc, local_ones);
	tcase_add_test(tc, a_full_local_backlog);
	tcase_add_test(tc, passed);
	tcase_add_test(tc, passed_and_timed_out);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
