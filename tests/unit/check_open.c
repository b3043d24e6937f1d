/* SPDX-License-Identifier: ISC */
/* fdopen; the rest of open.c is seen through connect and listen. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/open.h"
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

static struct tcp_outcome
adopt(int fd)
{
	struct tcp_open open = world_opening(&w, &list);
	struct tcp_outcome o;

	open.fd = fd;
	open.user = &w;
	tcp_fdopen(w.ctx, &open, &o);
	option_list_fini(&list);
	return o;
}

START_TEST(a_connected_one)
{
	uint16_t port;
	struct tcp_outcome o;
	struct option_value v;
	struct address name;
	int fd;

	world_listen(&w, NULL, &port);
	fd = world_client(port);
	put_number(&list, OPTION_PACKET, OPTION_PACKET_2);
	o = adopt(fd);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_int_eq(o.socket->fd, fd);
	ck_assert_int_eq(o.socket->family, AF_INET);
	ck_assert_ptr_eq(tcp_user(o.socket), &w);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	ck_assert_int_eq(tcp_getopt(o.socket, OPTION_ACTIVE, &v), 0);
	ck_assert_int_eq(v.u.active.mode, OPTION_ACTIVE_FALSE);
	ck_assert_int_eq(tcp_getopt(o.socket, OPTION_PACKET, &v), 0);
	ck_assert_int_eq(v.u.number, OPTION_PACKET_2);
	ck_assert_int_eq(tcp_peername(o.socket, &name), 0);
	ck_assert_uint_eq(name.port, port);
}
END_TEST

START_TEST(half_of_a_pair_is_silent_until_the_start)
{
	struct tcp_outcome o;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_LOCAL, SOCK_STREAM, 0, fds), 0);
	ck_assert_int_eq(write(fds[1], "data", 4), 4);
	put_active(&list, OPTION_ACTIVE_N, 1);
	o = adopt(fds[0]);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_int_eq(o.socket->family, AF_LOCAL);
	world_turn(&w);
	ck_assert_uint_eq(bytes_len(&w.data), 0);
	tcp_start(o.socket);
	world_count(&w, &w.passive, 1);
	ck_assert_uint_eq(bytes_len(&w.data), 4);
	close(fds[1]);
}
END_TEST

START_TEST(what_will_not_do)
{
	int fds[2], fd;
	struct tcp_outcome o;

	ck_assert_int_eq(adopt(-1).reason, EBADF);
	/* not connected; a listener is not either */
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(adopt(fd).reason, ENOTCONN);
	world_closed(fd);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(adopt(fd).reason, ENOTCONN);
	/* no stream */
	ck_assert_int_eq(socketpair(AF_LOCAL, SOCK_DGRAM, 0, fds), 0);
	ck_assert_int_eq(adopt(fds[0]).reason, EBADF);
	world_closed(fds[0]);
	close(fds[1]);
	ck_assert_int_eq(socketpair(AF_LOCAL, SOCK_SEQPACKET, 0, fds), 0);
	ck_assert_int_eq(adopt(fds[0]).reason, EBADF);
	close(fds[1]);
	/* an option at fault */
	ck_assert_int_eq(socketpair(AF_LOCAL, SOCK_STREAM, 0, fds), 0);
	put_number(&list, OPTION_TTL, 7);
	o = adopt(fds[0]);
	ck_assert_int_eq(o.reason, EINVAL);
	ck_assert_ptr_eq(o.option, option_row(OPTION_TTL));
	ck_assert_ptr_null(o.socket);
	world_closed(fds[0]);
	close(fds[1]);
}
END_TEST

/* --- the plan ------------------------------------------------------------------------ */

START_TEST(plans)
{
	struct tcp_open open = world_opening(&w, &list);
	struct open_plan plan;

	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.family, AF_INET);
	ck_assert(!plan.family_given);
	ck_assert_ptr_null(plan.local);
	ck_assert(!plan.port_given);
	ck_assert_int_eq(plan.backlog, 5);

	/* the last own address tells the family, unless it goes with any */
	put_address(&list, OPTION_IP, "127.0.0.1");
	put_address(&list, OPTION_IFADDR, "::1");
	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.family, AF_INET6);
	ck_assert(plan.family_given);
	put_address(&list, OPTION_IP, NULL);
	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert(!plan.family_given);
	/* a family option before everything, the first one */
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_LOCAL);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.family, AF_LOCAL);
}
END_TEST

/* tcp_module is a family option among the others. */
START_TEST(modules)
{
	struct tcp_open open = world_opening(&w, &list);
	struct open_plan plan;

	put_number(&list, OPTION_TCP_MODULE, OPTION_FAMILY_INET6);
	put_number(&list, OPTION_FAMILY, OPTION_FAMILY_INET);
	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.family, AF_INET6);
	list.items[0].id = OPTION_FAMILY;
	list.items[1].id = OPTION_TCP_MODULE;
	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.family, AF_INET6);
}
END_TEST

START_TEST(protocols)
{
	struct tcp_open open = world_opening(&w, &list);
	struct open_plan plan;

	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.protocol, 0);
	put_number(&list, OPTION_PROTOCOL, OPTION_PROTOCOL_MPTCP);
	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.protocol, IPPROTO_MPTCP);
	put_number(&list, OPTION_PROTOCOL, OPTION_PROTOCOL_TCP);
	ck_assert_int_eq(open_plan_read(&plan, &open), 0);
	ck_assert_int_eq(plan.protocol, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("open");
	TCase *tc = tcase_create("open");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_connected_one);
	tcase_add_test(tc, half_of_a_pair_is_silent_until_the_start);
	tcase_add_test(tc, what_will_not_do);
	tcase_add_test(tc, plans);
	tcase_add_test(tc, modules);
	tcase_add_test(tc, protocols);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
