/* SPDX-License-Identifier: ISC */
/* raw, pktoptions and netns on sockets: src/tcp/raw.c, pktoptions.c, sockopt.c. */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp_world.h"
#include "tests/unit/run.h"

/* netinet/tcp.h and tcp.h cannot be included together */
enum { NODELAY = 1, CORK = 3, INFO = 11, ZEROCOPY_RECEIVE = 35 };

static struct world w;
static struct tcp_socket *l, *s;
static struct option_list list;
static const struct option_row *failed;
static uint16_t port;
static int client;

static void
setup(void)
{
	world_open(&w);
	memset(&list, 0, sizeof(list));
	put_active(&list, OPTION_ACTIVE_FALSE, 0);
	l = world_listen(&w, &list, &port);
	option_list_fini(&list);
	client = world_client(port);
	s = world_accept(&w, l);
}

static void
teardown(void)
{
	option_list_fini(&list);
	close(client);
	world_close(&w);
}

static void
put_raw(int level, int name, const void *data, size_t len)
{
	struct option_value v = {.id = OPTION_RAW};

	v.u.raw.level = level;
	v.u.raw.name = name;
	v.u.raw.len = len;
	memcpy(v.u.raw.data, data, len < OPTION_RAW_MAX ? len : OPTION_RAW_MAX);
	ck_assert(option_list_add(&list, &v));
}

static void
put_int(int level, int name, int number)
{
	put_raw(level, name, &number, sizeof(number));
}

static int
set(struct tcp_socket *on)
{
	int reason = tcp_setopts(on, &list, &failed);

	option_list_fini(&list);
	return reason;
}

/* What is asked for, with size bytes of room: a reason; *len of the answer. */
static int
ask(int level, int name, size_t size, unsigned char value[TCP_RAW_MAX], size_t *len)
{
	struct option_value v = {.id = OPTION_RAW};

	v.u.raw.level = level;
	v.u.raw.name = name;
	v.u.raw.len = size;
	*len = 9999;
	return tcp_getraw(s, &v, value, len);
}

START_TEST(there_and_back)
{
	unsigned char value[TCP_RAW_MAX];
	struct option_value v;
	size_t len;
	int number;

	put_int(IPPROTO_TCP, NODELAY, 1);
	put_int(IPPROTO_IP, IP_TTL, 77);
	put_int(IPPROTO_IP, IP_TTL, 78);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(tcp_getopt(s, OPTION_NODELAY, &v), 0);
	ck_assert(v.u.on);
	ck_assert_int_eq(tcp_getopt(s, OPTION_TTL, &v), 0);
	ck_assert_int_eq(v.u.number, 78);
	ck_assert_int_eq(ask(IPPROTO_IP, IP_TTL, 4, value, &len), 0);
	ck_assert_uint_eq(len, 4);
	memcpy(&number, value, sizeof(number));
	ck_assert_int_eq(number, 78);
	ck_assert_int_eq(ask(IPPROTO_TCP, NODELAY, 2, value, &len), 0);
	ck_assert_uint_eq(len, 2);
	ck_assert_int_eq(ask(IPPROTO_TCP, NODELAY, 0, value, &len), 0);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(ask(IPPROTO_TCP, INFO, 65536, value, &len), 0);
	ck_assert_uint_ge(len, 104);
	ck_assert_uint_le(len, TCP_RAW_MAX);
	/* by its own name it is no option that can be asked for */
	ck_assert_int_eq(tcp_getopt(s, OPTION_RAW, &v), TCP_OMIT);
}
END_TEST

START_TEST(refused)
{
	unsigned char value[TCP_RAW_MAX];
	size_t len;

	put_int(6, 9999, 1);
	ck_assert_int_eq(set(s), EACCES);
	ck_assert_ptr_eq(failed, option_row(OPTION_RAW));
	put_int(SOL_SOCKET, SO_REUSEPORT, 1);
	ck_assert_int_eq(set(s), EACCES);
	put_raw(IPPROTO_TCP, NODELAY, "", 0);
	ck_assert_int_eq(set(s), EINVAL);
	put_raw(IPPROTO_TCP, NODELAY, "12345", 5);
	ck_assert_int_eq(set(s), EINVAL);
	put_raw(IPPROTO_TCP, NODELAY, "1", 1);
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_int_eq(ask(IPPROTO_TCP, ZEROCOPY_RECEIVE, 64, value, &len), EACCES);
	ck_assert_int_eq(ask(SOL_SOCKET, SO_ERROR, 4, value, &len), EACCES);
	ck_assert_int_eq(ask(SOL_SOCKET, SO_REUSEPORT, 4, value, &len), 0);
	ck_assert_int_eq(ask(IPPROTO_IPV6, IPV6_TCLASS, 4, value, &len), TCP_OMIT);
}
END_TEST

/* What the kernel does not hand on accept does, whatever name it was set by. */
START_TEST(inherited)
{
	struct tcp_socket *a;
	struct option_value v;
	int fd;

	put_int(SOL_SOCKET, SO_PRIORITY, 4);
	ck_assert_int_eq(set(l), 0);
	fd = world_client(port);
	a = world_accept(&w, l);
	ck_assert_int_eq(tcp_getopt(a, OPTION_PRIORITY, &v), 0);
	ck_assert_int_eq(v.u.number, 4);
	close(fd);
}
END_TEST

START_TEST(on_a_zombie)
{
	unsigned char value[TCP_RAW_MAX];
	struct option_value v;
	size_t len;

	tcp_state_move(s, TCP_ZOMBIE);
	tcp_socket_close_fd(s);
	put_int(IPPROTO_TCP, NODELAY, 1);
	ck_assert_int_eq(set(s), 0);
	put_int(6, 9999, 1);
	ck_assert_int_eq(set(s), EACCES);
	ck_assert_int_eq(ask(IPPROTO_TCP, NODELAY, 4, value, &len), TCP_OMIT);
	ck_assert_int_eq(tcp_getopt(s, OPTION_PKTOPTIONS, &v), TCP_OMIT);
}
END_TEST

START_TEST(what_came_with_packets)
{
	struct option_value v;
	const int tos = 8, ttl = 77;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct tcp_socket *a;

	ck_assert_int_eq(tcp_getopt(s, OPTION_PKTOPTIONS, &v), 0);
	ck_assert_uint_eq(v.u.packet.count, 0);
	put_bool(&list, OPTION_RECVTOS, true);
	put_bool(&list, OPTION_RECVTTL, true);
	ck_assert_int_eq(set(l), 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl)), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	a = world_accept(&w, l);
	ck_assert_int_eq(tcp_getopt(a, OPTION_PKTOPTIONS, &v), 0);
	ck_assert_uint_eq(v.u.packet.count, 2);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(v.u.packet.items[i].number,
		    v.u.packet.items[i].id == OPTION_TTL ? ttl : tos);
	ck_assert_int_ne(v.u.packet.items[0].id, v.u.packet.items[1].id);
	close(fd);
}
END_TEST

START_TEST(a_namespace_is_remembered)
{
	struct option_value v = {.id = OPTION_NETNS}, got;

	ck_assert_int_eq(tcp_getopt(s, OPTION_NETNS, &got), TCP_OMIT);
	for (int i = 0; i < 2; i++) {
		v.u.path.len = (size_t)snprintf(
		    v.u.path.name, sizeof(v.u.path.name), "/nowhere/%d", i);
		ck_assert(option_list_add(&list, &v));
		ck_assert_int_eq(set(s), 0);
		ck_assert_int_eq(tcp_getopt(s, OPTION_NETNS, &got), 0);
		ck_assert_uint_eq(got.u.path.len, v.u.path.len);
		ck_assert_str_eq(got.u.path.name, v.u.path.name);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tcp/raw");
	TCase *tc = tcase_create("raw");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, there_and_back);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, inherited);
	tcase_add_test(tc, on_a_zombie);
	tcase_add_test(tc, what_came_with_packets);
	tcase_add_test(tc, a_namespace_is_remembered);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
