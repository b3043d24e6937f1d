/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tcp/tcp_socket.h"
#include "tcp_world.h"
#include "tests/unit/run.h"

static struct address
numeric(const char *text)
{
	struct address a;

	memset(&a, 0, sizeof(a));
	ck_assert(address_parse(text, &a));
	return a;
}

static struct address
local(const char *name, size_t len)
{
	struct address a;

	memset(&a, 0, sizeof(a));
	a.kind = ADDRESS_LOCAL;
	a.u.local.len = len;
	memcpy(a.u.local.path, name, len);
	return a;
}

START_TEST(inet_there_and_back)
{
	struct address a = numeric("192.0.2.7"), b;
	struct sockaddr_storage ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
	unsigned len;

	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 4711, AF_INET, &ss, &len), 0);
	ck_assert_uint_eq(len, sizeof(struct sockaddr_in));
	ck_assert_int_eq(in->sin_family, AF_INET);
	ck_assert_uint_eq(ntohs(in->sin_port), 4711);
	ck_assert_uint_eq(ntohl(in->sin_addr.s_addr), 0xc0000207);
	tcp_address_from_sockaddr(&ss, len, &b);
	ck_assert_int_eq(b.kind, ADDRESS_INET);
	ck_assert(b.sockaddr);
	ck_assert_uint_eq(b.port, 4711);
	ck_assert_mem_eq(b.u.inet, a.u.inet, sizeof(a.u.inet));
}
END_TEST

START_TEST(inet6_there_and_back)
{
	struct address a = numeric("fe80::1:2"), b;
	struct sockaddr_storage ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;
	unsigned len;

	a.u.inet6.scope_id = 3;
	a.u.inet6.flowinfo = 0x12345;
	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 80, AF_INET6, &ss, &len), 0);
	ck_assert_uint_eq(len, sizeof(struct sockaddr_in6));
	ck_assert_uint_eq(in6->sin6_scope_id, 3);
	ck_assert_uint_eq(ntohl(in6->sin6_flowinfo), 0x12345);
	tcp_address_from_sockaddr(&ss, len, &b);
	ck_assert_int_eq(b.kind, ADDRESS_INET6);
	ck_assert_uint_eq(b.port, 80);
	ck_assert_uint_eq(b.u.inet6.scope_id, 3);
	ck_assert_uint_eq(b.u.inet6.flowinfo, 0x12345);
	ck_assert_mem_eq(b.u.inet6.addr, a.u.inet6.addr, 16);
}
END_TEST

START_TEST(words_are_of_the_family)
{
	const struct address any = {.kind = ADDRESS_ANY},
			     loop = {.kind = ADDRESS_LOOPBACK};
	struct sockaddr_storage ss;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&ss;
	unsigned len;

	ck_assert_int_eq(tcp_address_to_sockaddr(&any, 0, AF_INET, &ss, &len), 0);
	ck_assert_uint_eq(in->sin_addr.s_addr, htonl(INADDR_ANY));
	ck_assert_int_eq(tcp_address_to_sockaddr(&loop, 0, AF_INET, &ss, &len), 0);
	ck_assert_uint_eq(in->sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	ck_assert_int_eq(tcp_address_to_sockaddr(&any, 0, AF_INET6, &ss, &len), 0);
	ck_assert(IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr));
	ck_assert_int_eq(tcp_address_to_sockaddr(&loop, 0, AF_INET6, &ss, &len), 0);
	ck_assert(IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr));
	ck_assert_int_eq(tcp_address_to_sockaddr(&any, 0, AF_LOCAL, &ss, &len), EINVAL);
}
END_TEST

START_TEST(families_do_not_mix)
{
	struct address v4 = numeric("127.0.0.1"), v6 = numeric("::1"),
		       path = local("/x", 2);
	struct sockaddr_storage ss;
	unsigned len;

	ck_assert_int_eq(
	    tcp_address_to_sockaddr(&v4, 0, AF_INET6, &ss, &len), EAFNOSUPPORT);
	ck_assert_int_eq(
	    tcp_address_to_sockaddr(&v6, 0, AF_INET, &ss, &len), EAFNOSUPPORT);
	ck_assert_int_eq(
	    tcp_address_to_sockaddr(&path, 0, AF_INET, &ss, &len), EAFNOSUPPORT);
	ck_assert_int_eq(
	    tcp_address_to_sockaddr(&v4, 0, AF_LOCAL, &ss, &len), EAFNOSUPPORT);
	ck_assert_int_eq(
	    tcp_address_to_sockaddr(&v4, 0, AF_PACKET, &ss, &len), EAFNOSUPPORT);
}
END_TEST

START_TEST(paths_and_abstract_names)
{
	char name[ADDRESS_PATH_MAX + 1];
	struct sockaddr_storage ss;
	struct address a, b;
	unsigned len;

	a = local("/tmp/s", 6);
	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 0, AF_LOCAL, &ss, &len), 0);
	ck_assert_uint_eq(len, offsetof(struct sockaddr_un, sun_path) + 7);
	tcp_address_from_sockaddr(&ss, len, &b);
	ck_assert_int_eq(b.kind, ADDRESS_LOCAL);
	ck_assert_uint_eq(b.u.local.len, 6);
	ck_assert_mem_eq(b.u.local.path, "/tmp/s", 6);

	memset(name, 'p', sizeof(name));
	a = local(name, 107);
	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 0, AF_LOCAL, &ss, &len), 0);
	ck_assert_uint_eq(len, sizeof(struct sockaddr_un));
	a = local(name, 108);
	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 0, AF_LOCAL, &ss, &len), EINVAL);

	name[0] = '\0';
	name[3] = '\0';
	a = local(name, 108);
	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 0, AF_LOCAL, &ss, &len), 0);
	ck_assert_uint_eq(len, sizeof(struct sockaddr_un));
	tcp_address_from_sockaddr(&ss, len, &b);
	ck_assert_uint_eq(b.u.local.len, 108);
	ck_assert_mem_eq(b.u.local.path, name, 108);
	a = local(name, 109);
	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 0, AF_LOCAL, &ss, &len), EINVAL);

	/* the kernel would take the part before the NUL for the path */
	a = local("/etc\0/x", 7);
	ck_assert_int_eq(tcp_address_to_sockaddr(&a, 0, AF_LOCAL, &ss, &len), EINVAL);
}
END_TEST

/* Seen with Linux 6: connect(2) to the first, by a socket bound to the second. */
START_TEST(where_any_leads_to)
{
	static const struct {
		const char *to, *own, *there;
	} rows[] = {
	    {"192.0.2.7", NULL, "192.0.2.7"},
	    {"2001:db8::1", "::ffff:127.0.0.2", "2001:db8::1"},
	    {"::ffff:192.0.2.7", "::", "192.0.2.7"},
	    {"0.0.0.0", NULL, "127.0.0.1"},
	    {"0.0.0.0", "0.0.0.0", "127.0.0.1"},
	    {"0.0.0.0", "127.0.0.2", "127.0.0.2"},
	    {"::ffff:0.0.0.0", "::", "127.0.0.1"},
	    {"::ffff:0.0.0.0", "::ffff:127.0.0.2", "127.0.0.2"},
	    {"::", NULL, "::1"},
	    {"::", "2001:db8::1", "::1"},
	    {"::", "::ffff:127.0.0.2", "127.0.0.1"},
	};
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address a = numeric(rows[i].to), own = {.kind = ADDRESS_NONE};

		if (rows[i].own != NULL)
			own = numeric(rows[i].own);
		a.port = 80;
		tcp_address_destination(&a, &own);
		address_format(&a, text);
		ck_assert_str_eq(text, rows[i].there);
		ck_assert_uint_eq(a.port, 80);
	}
}
END_TEST

START_TEST(unnamed)
{
	struct sockaddr_storage ss = {.ss_family = AF_LOCAL};
	struct address a;

	tcp_address_from_sockaddr(&ss, sizeof(sa_family_t), &a);
	ck_assert_int_eq(a.kind, ADDRESS_LOCAL);
	ck_assert_uint_eq(a.u.local.len, 0);
	tcp_address_from_sockaddr(&ss, 0, &a);
	ck_assert_int_eq(a.kind, ADDRESS_NONE);
}
END_TEST

START_TEST(names_of_both_ends)
{
	struct world w;
	struct tcp_socket *l, *a;
	struct sockaddr_in in;
	socklen_t len = sizeof(in);
	struct address name;
	uint16_t port;
	int fd;

	world_open(&w);
	l = world_listen(&w, NULL, &port);
	ck_assert_int_eq(tcp_peername(l, &name), ENOTCONN);
	fd = world_client(port);
	a = world_accept(&w, l);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	ck_assert_int_eq(tcp_peername(a, &name), 0);
	ck_assert_uint_eq(name.port, ntohs(in.sin_port));
	ck_assert_int_eq(tcp_sockname(a, &name), 0);
	ck_assert_uint_eq(name.port, port);
	ck_assert_int_eq(name.u.inet[0], 127);

	/* a zombie has no descriptor any more, and one that is gone no name */
	tcp_socket_close_fd(a);
	tcp_state_move(a, TCP_ZOMBIE);
	ck_assert_int_eq(tcp_sockname(a, &name), EBADF);
	ck_assert_int_eq(tcp_peername(a, &name), ENOTCONN);
	tcp_socket_end(a, 0, false);
	ck_assert_int_eq(tcp_sockname(a, &name), EINVAL);
	ck_assert_int_eq(tcp_peername(a, &name), EINVAL);
	close(fd);
	world_close(&w);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tcp_address");
	TCase *tc = tcase_create("address");

	tcase_add_test(tc, inet_there_and_back);
	tcase_add_test(tc, inet6_there_and_back);
	tcase_add_test(tc, words_are_of_the_family);
	tcase_add_test(tc, families_do_not_mix);
	tcase_add_test(tc, paths_and_abstract_names);
	tcase_add_test(tc, where_any_leads_to);
	tcase_add_test(tc, unnamed);
	tcase_add_test(tc, names_of_both_ends);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
