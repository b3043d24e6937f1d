/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp_world.h"
#include "tests/unit/run.h"

static struct world w;
static struct option_list list;

static void
setup(void)
{
	world_open(&w);
	memset(&list, 0, sizeof(list));
}

static void
teardown(void)
{
	option_list_fini(&list);
	world_close(&w);
}

/* Listens with what list holds, and empties it. */
static struct tcp_outcome
try_listen(uint16_t port)
{
	struct tcp_open open = world_opening(&w, &list);
	struct tcp_outcome o;

	open.port = port;
	tcp_listen(w.ctx, &open, &o);
	option_list_fini(&list);
	return o;
}

static uint16_t
port_of(const struct tcp_socket *s)
{
	struct address name;

	ck_assert_int_eq(tcp_sockname(s, &name), 0);
	return name.port;
}

static void
start_accept(struct call *call, struct tcp_socket *l, int64_t timeout)
{
	call_init(call, &w);
	call->adopt = true;
	tcp_accept(l, timeout, &call->r);
}

/* --- listen ------------------------------------------------------------------------ */

START_TEST(the_wildcard_by_default)
{
	struct tcp_outcome o = try_listen(0);
	struct address name;
	struct option_value v;

	ck_assert_int_eq(o.reason, 0);
	ck_assert(tcp_is_listener(o.socket));
	ck_assert_int_eq(tcp_sockname(o.socket, &name), 0);
	ck_assert_int_eq(name.kind, ADDRESS_INET);
	ck_assert_mem_eq(name.u.inet, "\0\0\0\0", 4);
	ck_assert_uint_ne(name.port, 0);
	ck_assert_int_eq(tcp_getopt(o.socket, OPTION_ACTIVE, &v), 0);
	ck_assert_int_eq(v.u.active.mode, OPTION_ACTIVE_TRUE);
	ck_assert_int_eq(fcntl(o.socket->fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fcntl(o.socket->fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(the_port_option_overrides)
{
	struct tcp_outcome o = try_listen(0), again;
	uint16_t port = port_of(o.socket);

	tcp_abandon(o.socket);
	put_number(&list, OPTION_PORT, port);
	put_bool(&list, OPTION_REUSEADDR, true);
	again = try_listen(1);
	ck_assert_int_eq(again.reason, 0);
	ck_assert_uint_eq(port_of(again.socket), port);
}
END_TEST

/* ifaddr's port, and what comes later */
START_TEST(a_sockaddr_brings_its_port)
{
	struct tcp_outcome o = try_listen(0), again;
	uint16_t port = port_of(o.socket);
	struct option_value v = {.id = OPTION_IFADDR};

	tcp_abandon(o.socket);
	ck_assert(address_parse("127.0.0.5", &v.u.address));
	v.u.address.sockaddr = true;
	v.u.address.port = port;
	ck_assert(option_list_add(&list, &v));
	put_address(&list, OPTION_IP, "127.0.0.6");
	again = try_listen(1);
	ck_assert_int_eq(again.reason, 0);
	ck_assert_uint_eq(port_of(again.socket), port);
	ck_assert_int_eq(tcp_sockname(again.socket, &v.u.address), 0);
	ck_assert_int_eq(v.u.address.u.inet[3], 6);

	ck_assert(option_list_add(&list, &v));
	put_number(&list, OPTION_PORT, 0);
	again = try_listen(1);
	ck_assert_int_eq(again.reason, 0);
	ck_assert_uint_ne(port_of(again.socket), port);
}
END_TEST

START_TEST(in_use)
{
	struct tcp_outcome o = try_listen(0);

	ck_assert_int_eq(try_listen(port_of(o.socket)).reason, EADDRINUSE);
	put_bool(&list, OPTION_REUSEADDR, true);
	ck_assert_int_eq(try_listen(port_of(o.socket)).reason, EADDRINUSE);
}
END_TEST

START_TEST(reuseport_on_both)
{
	struct tcp_outcome o;

	put_bool(&list, OPTION_REUSEPORT, true);
	o = try_listen(0);
	ck_assert_int_eq(o.reason, 0);
	put_bool(&list, OPTION_REUSEPORT, true);
	ck_assert_int_eq(try_listen(port_of(o.socket)).reason, 0);
}
END_TEST

START_TEST(families)
{
	struct tcp_outcome o;
	struct address name;

	/* of a family of its own */
	put_address(&list, OPTION_IP, "::1");
	o = try_listen(0);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_int_eq(tcp_sockname(o.socket, &name), 0);
	ck_assert_int_eq(name.kind, ADDRESS_INET6);

	/* the first family wins, and an address of another one is badarg */
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET6);
	put_address(&list, OPTION_IP, "::1");
	o = try_listen(0);
	ck_assert_int_eq(o.reason, REASON_BADARG);
	ck_assert_ptr_eq(o.option, option_row(OPTION_IP));
	ck_assert_ptr_null(o.socket);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET6);
	put_address(&list, OPTION_IP, "127.0.0.1");
	ck_assert_int_eq(try_listen(0).reason, REASON_BADARG);

	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET6);
	put_bool(&list, OPTION_IPV6_V6ONLY, true);
	o = try_listen(0);
	ck_assert_int_eq(o.reason, 0);
}
END_TEST

START_TEST(a_rejected_option_is_einval)
{
	struct tcp_outcome o;

	put_number(&list, OPTION_TTL, 0);
	o = try_listen(0);
	ck_assert_int_eq(o.reason, EINVAL);
	ck_assert_ptr_eq(o.option, option_row(OPTION_TTL));
	/* of two values only the last counts */
	put_number(&list, OPTION_TTL, 0);
	put_number(&list, OPTION_TTL, 5);
	ck_assert_int_eq(try_listen(0).reason, 0);
	put_address(&list, OPTION_IP, "192.0.2.1");
	ck_assert_int_eq(try_listen(0).reason, EADDRNOTAVAIL);
}
END_TEST

START_TEST(every_backlog_is_taken)
{
	static const int64_t backlogs[] = {0, -1, 1, 70000};

	put_number(&list, OPTION_BACKLOG, backlogs[_i]);
	ck_assert_int_eq(try_listen(0).reason, 0);
}
END_TEST

START_TEST(local_ones)
{
	char folder[] = "/tmp/check_listener.XXXXXX", path[64];
	struct tcp_outcome o;
	char name[120];
	int n;

	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_LOCAL);
	ck_assert_int_eq(try_listen(0).reason, EINVAL);
	memset(name, 'x', sizeof(name));
	put_local(&list, OPTION_IFADDR, name, 108);
	ck_assert_int_eq(try_listen(0).reason, EINVAL);
	put_local(&list, OPTION_IFADDR, "", 0);
	ck_assert_int_eq(try_listen(5).reason, REASON_BADARG);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	put_local(&list, OPTION_IFADDR, "", 0);
	ck_assert_int_eq(try_listen(0).reason, REASON_BADARG);

	ck_assert_ptr_nonnull(mkdtemp(folder));
	n = snprintf(path, sizeof(path), "%s/s", folder);
	put_local(&list, OPTION_IFADDR, path, (size_t)n);
	o = try_listen(0);
	ck_assert_int_eq(o.reason, 0);
	put_local(&list, OPTION_IFADDR, path, (size_t)n);
	ck_assert_int_eq(try_listen(0).reason, EADDRINUSE);
	/* the path stays, as in gen_tcp */
	tcp_abandon(o.socket);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(passive_is_told_at_the_start)
{
	struct tcp_outcome o;

	put_active(&list, OPTION_ACTIVE_N, -5);
	o = try_listen(0);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_uint_eq(w.passive, 0);
	tcp_start(o.socket);
	ck_assert_uint_eq(w.passive, 1);
}
END_TEST

START_TEST(passed_listeners)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), pipes[2], client;
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct tcp_open open;
	struct tcp_outcome o;
	struct call call;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	open = world_opening(&w, &list);
	open.fd = dup(fd);
	tcp_listen(w.ctx, &open, &o);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_uint_ne(port_of(o.socket), 0);
	ck_assert_int_eq(fcntl(open.fd, F_GETFD), FD_CLOEXEC);

	/* whoever shares it takes the flag off: nothing may block */
	ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
	start_accept(&call, o.socket, 0);
	ck_assert_int_eq(call.o.reason, REASON_TIMEOUT);
	start_accept(&call, o.socket, CLOCK_NEVER);
	ck_assert(!call.done);
	client = world_client(port_of(o.socket));
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, 0);
	ck_assert_int_eq(fcntl(call.o.socket->fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(client);
	close(fd);

	ck_assert_int_eq(pipe(pipes), 0);
	open.fd = pipes[0];
	tcp_listen(w.ctx, &open, &o);
	ck_assert_int_eq(o.reason, ENOTSOCK);
	world_closed(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* --- accept ------------------------------------------------------------------------- */

START_TEST(at_once_or_not_at_all)
{
	uint16_t port;
	struct tcp_socket *l = world_listen(&w, NULL, &port);
	struct call call;
	int fd;

	start_accept(&call, l, 0);
	ck_assert(call.done);
	ck_assert_int_eq(call.o.reason, REASON_TIMEOUT);
	fd = world_client(port);
	start_accept(&call, l, 0);
	ck_assert(call.done);
	ck_assert_int_eq(call.o.reason, 0);
	ck_assert_ptr_eq(tcp_user(call.o.socket), &call);
	ck_assert_int_eq(fcntl(call.o.socket->fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(fcntl(call.o.socket->fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}
END_TEST

START_TEST(first_come_first_served)
{
	uint16_t port;
	struct tcp_socket *l = world_listen(&w, NULL, &port);
	struct call calls[4];
	struct tcp_info info;
	int fds[3];

	for (size_t i = 0; i < 4; i++)
		start_accept(&calls[i], l, CLOCK_NEVER);
	tcp_get_info(l, &info);
	ck_assert_uint_eq(info.acceptors, 4);
	tcp_cancel(&calls[1].r);
	for (size_t i = 0; i < 3; i++) {
		const size_t turn[] = {0, 2, 3};

		fds[i] = world_client(port);
		world_until(&w, &calls[turn[i]].done);
		ck_assert_int_eq(calls[turn[i]].o.reason, 0);
		for (size_t later = turn[i] + 1; later < 4; later++)
			ck_assert(!calls[later].done);
	}
	ck_assert(!calls[1].done);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
}
END_TEST

/* semantics 7, probe 16 */
START_TEST(each_has_its_own_time)
{
	uint16_t port;
	struct tcp_socket *l = world_listen(&w, NULL, &port);
	struct call first, second, third;
	int fd;

	start_accept(&first, l, WORLD_DEADLINE);
	start_accept(&second, l, 10);
	start_accept(&third, l, CLOCK_NEVER);
	world_until(&w, &second.done);
	ck_assert_int_eq(second.o.reason, REASON_TIMEOUT);
	ck_assert(!first.done && !third.done);
	/* somebody waits already: no trying past the queue */
	fd = world_client(port);
	start_accept(&second, l, 0);
	ck_assert_int_eq(second.o.reason, REASON_TIMEOUT);
	world_until(&w, &first.done);
	ck_assert_int_eq(first.o.reason, 0);
	ck_assert(!third.done);
	tcp_abandon(l);
	ck_assert(third.done);
	ck_assert_int_eq(third.o.reason, REASON_CLOSED);
	close(fd);
}
END_TEST

START_TEST(who_cannot_accept)
{
	uint16_t port;
	struct tcp_socket *l = world_listen(&w, NULL, &port), *a;
	struct call call;
	int fd = world_client(port);

	a = world_accept(&w, l);
	start_accept(&call, a, 0);
	ck_assert_int_eq(call.o.reason, EINVAL);
	call_init(&call, &w);
	tcp_close(l, &call.r);
	world_until(&w, &call.done);
	/* accepted sockets live on */
	ck_assert(!tcp_is_gone(a));
	close(fd);
}
END_TEST

START_TEST(gone_is_closed)
{
	uint16_t port;
	struct tcp_socket *l = world_listen(&w, NULL, &port);
	struct call call;

	tcp_abandon(l);
	start_accept(&call, l, CLOCK_NEVER);
	ck_assert_int_eq(call.o.reason, REASON_CLOSED);
}
END_TEST

/* Nobody waits: connections stay in the kernel, and the loop does not spin. */
START_TEST(silent_without_waiters)
{
	uint16_t port;
	struct tcp_socket *l = world_listen(&w, NULL, &port);
	struct call call;
	int one, two;

	start_accept(&call, l, CLOCK_NEVER);
	one = world_client(port);
	two = world_client(port);
	world_until(&w, &call.done);
	world_turn(&w);
	world_turn(&w);
	ck_assert(!event_pending(l->read_event, EV_READ, NULL));
	start_accept(&call, l, 0);
	ck_assert_int_eq(call.o.reason, 0);
	start_accept(&call, l, CLOCK_NEVER);
	ck_assert(event_pending(l->read_event, EV_READ, NULL) != 0);
	tcp_cancel(&call.r);
	close(one);
	close(two);
}
END_TEST

/* The new socket may be done away with as soon as it is heard of. */
START_TEST(abandoned_within_done)
{
	uint16_t port;
	struct tcp_socket *l;
	struct call call;
	char byte;
	int fd;

	put_active(&list, OPTION_ACTIVE_TRUE, 0);
	l = world_listen(&w, &list, &port);
	call_init(&call, &w);
	call.adopt = true;
	call.abandon = true;
	tcp_accept(l, CLOCK_NEVER, &call.r);
	fd = world_client(port);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	world_until(&w, &call.done);
	ck_assert_int_eq(call.o.reason, 0);
	ck_assert_uint_eq(bytes_len(&w.data), 0);
	ck_assert_int_le(read(fd, &byte, 1), 0);
	close(fd);
}
END_TEST

/* Data that came before accept is delivered after it. */
START_TEST(early_data)
{
	uint16_t port;
	struct tcp_socket *l;
	int fd;

	put_active(&list, OPTION_ACTIVE_N, 1);
	l = world_listen(&w, &list, &port);
	fd = world_client(port);
	ck_assert_int_eq(write(fd, "early", 5), 5);
	world_accept(&w, l);
	world_count(&w, &w.passive, 1);
	ck_assert_uint_eq(bytes_len(&w.data), 5);
	close(fd);
}
END_TEST

START_TEST(no_descriptors_left)
{
	struct rlimit limit, none;
	uint16_t port;
	struct tcp_socket *l = world_listen(&w, NULL, &port);
	struct call first, second;
	int fd = world_client(port);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	start_accept(&first, l, CLOCK_NEVER);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert(first.done);
	ck_assert_int_eq(first.o.reason, EMFILE);
	/* the connection is still there for the next */
	start_accept(&second, l, 0);
	ck_assert_int_eq(second.o.reason, 0);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("listener");
	TCase *tc = tcase_create("listener");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_wildcard_by_default);
	tcase_add_test(tc, the_port_option_overrides);
	tcase_add_test(tc, a_sockaddr_brings_its_port);
	tcase_add_test(tc, in_use);
	tcase_add_test(tc, reuseport_on_both);
	if (world_has_inet6())
		tcase_add_test(tc, families);
	tcase_add_test(tc, a_rejected_option_is_einval);
	tcase_add_loop_test(tc, every_backlog_is_taken, 0, 4);
	tcase_add_test(tc, local_ones);
	tcase_add_test(tc, passive_is_told_at_the_start);
	tcase_add_test(tc, passed_listeners);
	tcase_add_test(tc, at_once_or_not_at_all);
	tcase_add_test(tc, first_come_first_served);
	tcase_add_test(tc, each_has_its_own_time);
	tcase_add_test(tc, who_cannot_accept);
	tcase_add_test(tc, gone_is_closed);
	tcase_add_test(tc, silent_without_waiters);
	tcase_add_test(tc, abandoned_within_done);
	tcase_add_test(tc, early_data);
	tcase_add_test(tc, no_descriptors_left);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
