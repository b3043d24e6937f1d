/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/option.h"
#include "proto/raw.h"
#include "tests/unit/run.h"

START_TEST(rows)
{
	const struct raw_row *row;
	size_t n = 0;

	for (; (row = raw_row(n)) != NULL; n++) {
		/* the first with its numbers: no two rows are of one option */
		ck_assert_ptr_eq(raw_find(row->level, row->name), row);
		ck_assert_msg(strncmp(row->text, "SOL_", 4) == 0 ||
			strncmp(row->text, "IPP", 3) == 0,
		    "%s", row->text);
		ck_assert_uint_le(row->size, OPTION_RAW_MAX);
		ck_assert_msg((row->size == 0) == (row->set == RAW_NOT), "%s", row->text);
	}
	ck_assert_uint_gt(n, 40);
	ck_assert_ptr_null(raw_row(n));
	ck_assert_ptr_null(raw_row(n + 1));
}
END_TEST

/* What must not be lent, whatever else changes. */
START_TEST(unsafe_ones_are_not_there)
{
	static const struct {
		int level, name;
	} unsafe[] = {
	    {SOL_SOCKET, SO_ERROR},
	    {SOL_SOCKET, SO_RCVTIMEO},
	    {SOL_SOCKET, SO_SNDTIMEO},
	    {SOL_SOCKET, SO_BINDTODEVICE},
	    {SOL_SOCKET, SO_SNDBUFFORCE},
	    {SOL_SOCKET, SO_RCVBUFFORCE},
	    {SOL_SOCKET, SO_ATTACH_FILTER},
	    {SOL_SOCKET, SO_ATTACH_REUSEPORT_EBPF},
	    {SOL_SOCKET, SO_TIMESTAMPING},
	    {SOL_SOCKET, SO_ZEROCOPY},
	    {IPPROTO_TCP, TCP_REPAIR},
	    {IPPROTO_TCP, TCP_ULP},
	    {IPPROTO_TCP, TCP_MD5SIG},
	    {IPPROTO_TCP, TCP_FASTOPEN_CONNECT},
	    {IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE},
	    {IPPROTO_IP, IP_TRANSPARENT},
	    {IPPROTO_IP, IP_FREEBIND},
	    {IPPROTO_IP, IP_OPTIONS},
	    {IPPROTO_IP, IP_RECVERR},
	    {IPPROTO_IPV6, IPV6_ADDRFORM},
	    {0, 0},
	    {-1, -1},
	    {6, 9999},
	};
	static const int only_asked[] = {
	    SO_REUSEPORT, SO_LINGER, SO_RCVLOWAT, SO_BINDTOIFINDEX};

	for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++)
		ck_assert_msg(raw_find(unsafe[i].level, unsafe[i].name) == NULL, "%d %d",
		    unsafe[i].level, unsafe[i].name);
	for (size_t i = 0; i < sizeof only_asked / sizeof *only_asked; i++)
		ck_assert_int_eq(raw_find(SOL_SOCKET, only_asked[i])->set, RAW_NOT);
	ck_assert_int_eq(raw_find(SOL_SOCKET, SO_MARK)->set, RAW_ROOT);
	ck_assert_int_eq(raw_find(SOL_SOCKET, SO_PRIORITY)->set, RAW_PRIORITY);
}
END_TEST

/* The numbers are the kernel's, each at its level. */
START_TEST(kernel_knows)
{
	int inet = socket(AF_INET, SOCK_STREAM, 0),
	    inet6 = socket(AF_INET6, SOCK_STREAM, 0);
	const struct raw_row *row;

	for (size_t n = 0; (row = raw_row(n)) != NULL; n++) {
		int fd = row->level == IPPROTO_IPV6 ? inet6 : inet;
		unsigned char value[1024];
		socklen_t len = sizeof value;

		/* of mptcp sockets, which not every kernel has */
		if (fd == -1 || strstr(row->text, "MPTCP") != NULL)
			continue;
		ck_assert_msg(getsockopt(fd, row->level, row->name, value, &len) == 0 ||
			errno == ENOTCONN,
		    "%s: %s", row->text, strerror(errno));
	}
	close(inet);
	if (inet6 != -1)
		close(inet6);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("raw");
	TCase *tcase = tcase_create("raw");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, rows);
	tcase_add_test(tcase, unsafe_ones_are_not_there);
	tcase_add_test(tcase, kernel_knows);
	return run_suite(suite);
}
