/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tcp_world.h"

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

/* Sets what list holds, and empties it. */
static int
set(struct tcp_socket *on)
{
	int reason = tcp_setopts(on, &list, &failed);

	option_list_fini(&list);
	return reason;
}

static int64_t
number_of(struct tcp_socket *of, enum option_id id)
{
	struct option_value v;

	ck_assert_int_eq(tcp_getopt(of, id, &v), 0);
	ck_assert_int_eq(v.id, id);
	return v.u.number;
}

static bool
bool_of(struct tcp_socket *of, enum option_id id)
{
	struct option_value v;

	ck_assert_int_eq(tcp_getopt(of, id, &v), 0);
	return v.u.on;
}

static struct option_value
value_of(struct tcp_socket *of, enum option_id id)
{
	struct option_value v;

	ck_assert_int_eq(tcp_getopt(of, id, &v), 0);
	return v;
}

/* What the kernel says (netinet/tcp.h and tcp.h cannot be included together). */
static int
kernel_number(enum option_id id)
{
	const struct option_row *row = option_row(id);
	int number = -1;
	socklen_t len = sizeof(number);

	ck_assert_int_eq(getsockopt(s->fd, row->level, row->optname, &number, &len), 0);
	return number;
}

START_TEST(defaults)
{
	ck_assert_int_eq(value_of(s, OPTION_ACTIVE).u.active.mode, OPTION_ACTIVE_FALSE);
	ck_assert_int_eq(number_of(s, OPTION_MODE), OPTION_MODE_BINARY);
	ck_assert_int_eq(number_of(s, OPTION_PACKET), OPTION_PACKET_RAW);
	ck_assert_int_eq(number_of(s, OPTION_PACKET_SIZE), 0);
	ck_assert_int_eq(number_of(s, OPTION_HEADER), 0);
	ck_assert_int_eq(number_of(s, OPTION_BUFFER), 1460);
	ck_assert_int_eq(number_of(s, OPTION_SEND_TIMEOUT), OPTION_INFINITY);
	ck_assert_int_eq(number_of(s, OPTION_HIGH_WATERMARK), 8192);
	ck_assert_int_eq(number_of(s, OPTION_LOW_WATERMARK), 4096);
	ck_assert(bool_of(s, OPTION_EXIT_ON_CLOSE));
	ck_assert(!bool_of(s, OPTION_SEND_TIMEOUT_CLOSE));
	ck_assert(!bool_of(s, OPTION_DELAY_SEND));
	ck_assert(!bool_of(s, OPTION_SHOW_ECONNRESET));
	ck_assert(!bool_of(s, OPTION_REUSEADDR));
	ck_assert(!bool_of(s, OPTION_NODELAY));
	ck_assert(!value_of(s, OPTION_LINGER).u.linger.on);
}
END_TEST

START_TEST(user_space_there_and_back)
{
	put_number(&list, OPTION_MODE, OPTION_MODE_LIST);
	put_number(&list, OPTION_PACKET, OPTION_PACKET_4);
	put_number(&list, OPTION_PACKET_SIZE, 77);
	put_number(&list, OPTION_HEADER, 3);
	put_number(&list, OPTION_SEND_TIMEOUT, 250);
	put_bool(&list, OPTION_SEND_TIMEOUT_CLOSE, true);
	put_bool(&list, OPTION_EXIT_ON_CLOSE, false);
	put_bool(&list, OPTION_DELAY_SEND, true);
	put_bool(&list, OPTION_SHOW_ECONNRESET, true);
	put_number(&list, OPTION_LINE_DELIMITER, ';');
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_MODE), OPTION_MODE_LIST);
	ck_assert(tcp_mode_list(s));
	ck_assert_int_eq(number_of(s, OPTION_PACKET), OPTION_PACKET_4);
	ck_assert_int_eq(number_of(s, OPTION_PACKET_SIZE), 77);
	ck_assert_int_eq(number_of(s, OPTION_HEADER), 3);
	ck_assert_int_eq(number_of(s, OPTION_SEND_TIMEOUT), 250);
	ck_assert(bool_of(s, OPTION_SEND_TIMEOUT_CLOSE));
	ck_assert(!bool_of(s, OPTION_EXIT_ON_CLOSE));
	ck_assert(bool_of(s, OPTION_DELAY_SEND));
	ck_assert(bool_of(s, OPTION_SHOW_ECONNRESET));
	ck_assert_uint_eq(s->set.framing.delimiter, ';');
	put_number(&list, OPTION_SEND_TIMEOUT, OPTION_INFINITY);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_SEND_TIMEOUT), OPTION_INFINITY);
}
END_TEST

START_TEST(what_cannot_be_read)
{
	struct option_value v;

	ck_assert_int_eq(tcp_getopt(s, OPTION_LINE_DELIMITER, &v), EINVAL);
	ck_assert_int_eq(tcp_getopt(s, OPTION_BACKLOG, &v), EINVAL);
	ck_assert_int_eq(tcp_getopt(s, OPTION_BINARY, &v), EINVAL);
}
END_TEST

START_TEST(what_is_for_creation_is_refused)
{
	put_number(&list, OPTION_HEADER, 2);
	put_number(&list, OPTION_PORT, 5);
	put_number(&list, OPTION_HEADER, 4);
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_ptr_eq(failed, option_row(OPTION_PORT));
	ck_assert_int_eq(number_of(s, OPTION_HEADER), 2);
}
END_TEST

/* decision 8.2 */
START_TEST(first_to_last_until_one_fails)
{
	put_number(&list, OPTION_PACKET, OPTION_PACKET_1);
	put_number(&list, OPTION_PACKET, OPTION_PACKET_2);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_PACKET), OPTION_PACKET_2);
	put_number(&list, OPTION_HEADER, 1);
	put_number(&list, OPTION_TTL, 0);
	put_number(&list, OPTION_HEADER, 2);
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_ptr_eq(failed, option_row(OPTION_TTL));
	ck_assert_int_eq(number_of(s, OPTION_HEADER), 1);
}
END_TEST

START_TEST(watermarks_push_each_other)
{
	put_number(&list, OPTION_HIGH_WATERMARK, 10);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_LOW_WATERMARK), 10);
	put_number(&list, OPTION_LOW_WATERMARK, 5000);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_HIGH_WATERMARK), 5000);
	put_number(&list, OPTION_HIGH_WATERMARK, -1);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_HIGH_WATERMARK), 0);
	ck_assert_int_eq(number_of(s, OPTION_LOW_WATERMARK), 0);
}
END_TEST

START_TEST(msgq_watermarks_push_each_other)
{
	ck_assert_int_eq(number_of(s, OPTION_HIGH_MSGQ_WATERMARK), 8192);
	ck_assert_int_eq(number_of(s, OPTION_LOW_MSGQ_WATERMARK), 4096);
	put_number(&list, OPTION_LOW_MSGQ_WATERMARK, 10000);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_HIGH_MSGQ_WATERMARK), 10000);
	put_number(&list, OPTION_HIGH_MSGQ_WATERMARK, 100);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_HIGH_MSGQ_WATERMARK), 100);
	ck_assert_int_eq(number_of(s, OPTION_LOW_MSGQ_WATERMARK), 100);
	put_number(&list, OPTION_HIGH_MSGQ_WATERMARK, 0);
	ck_assert_int_eq(set(s), EINVAL);
	put_number(&list, OPTION_LOW_MSGQ_WATERMARK, -1);
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_int_eq(number_of(s, OPTION_HIGH_MSGQ_WATERMARK), 100);
}
END_TEST

static void
put_device(const char *name)
{
	struct option_value v = {.id = OPTION_BIND_TO_DEVICE};

	v.u.device.len = strlen(name);
	memcpy(v.u.device.name, name, v.u.device.len + 1);
	ck_assert(option_list_add(&list, &v));
}

/* The accepted sockets of a bound listener are bound by the kernel. */
START_TEST(bound_to_a_device)
{
	struct option_value v = value_of(s, OPTION_BIND_TO_DEVICE);
	struct tcp_socket *a;
	int fd, reason;

	ck_assert_uint_eq(v.u.device.len, 0);
	put_device("no-such-device");
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_ptr_eq(failed, option_row(OPTION_BIND_TO_DEVICE));
	put_device("lo");
	reason = set(l);
	if (reason != 0) {
		fputs("skipped: check_sockopt.c::bound_to_a_device: "
		      "this kernel wants a privilege for it\n",
		    stderr);
		return;
	}
	fd = world_client(port);
	a = world_accept(&w, l);
	v = value_of(a, OPTION_BIND_TO_DEVICE);
	ck_assert_uint_eq(v.u.device.len, 2);
	ck_assert_str_eq(v.u.device.name, "lo");
	close(fd);
}
END_TEST

/* semantics 7, probes 73 and 74 */
START_TEST(recbuf_raises_buffer)
{
	ck_assert(!s->set.buffer_set);
	put_number(&list, OPTION_RECBUF, 5000);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_BUFFER), 5000);
	ck_assert_int_eq(number_of(s, OPTION_RECBUF), 10000);
	ck_assert(s->set.buffer_set);
	put_number(&list, OPTION_RECBUF, 3000);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_BUFFER), 5000);
	put_number(&list, OPTION_BUFFER, 200);
	put_number(&list, OPTION_RECBUF, 6000);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_BUFFER), 200);
	put_number(&list, OPTION_BUFFER, 0);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_BUFFER), 1);
}
END_TEST

START_TEST(kernel_options_reach_the_kernel)
{
	struct option_value linger = {.id = OPTION_LINGER, .u.linger = {true, 7}};

	put_bool(&list, OPTION_NODELAY, true);
	put_bool(&list, OPTION_KEEPALIVE, true);
	put_number(&list, OPTION_KEEPCNT, 3);
	put_number(&list, OPTION_KEEPIDLE, 50);
	put_number(&list, OPTION_KEEPINTVL, 20);
	put_number(&list, OPTION_USER_TIMEOUT, 12345);
	put_number(&list, OPTION_TOS, 8);
	put_number(&list, OPTION_TTL, 33);
	put_number(&list, OPTION_SNDBUF, 10000);
	put_bool(&list, OPTION_NOPUSH, true);
	ck_assert(option_list_add(&list, &linger));
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_ne(kernel_number(OPTION_NODELAY), 0);
	ck_assert_int_ne(kernel_number(OPTION_KEEPALIVE), 0);
	ck_assert_int_eq(kernel_number(OPTION_KEEPCNT), 3);
	ck_assert_int_eq(kernel_number(OPTION_USER_TIMEOUT), 12345);
	ck_assert_int_eq(kernel_number(OPTION_TTL), 33);
	ck_assert(bool_of(s, OPTION_NODELAY));
	ck_assert(bool_of(s, OPTION_NOPUSH));
	ck_assert_int_eq(number_of(s, OPTION_KEEPIDLE), 50);
	ck_assert_int_eq(number_of(s, OPTION_KEEPINTVL), 20);
	ck_assert_int_eq(number_of(s, OPTION_TOS), 8);
	ck_assert_int_eq(number_of(s, OPTION_SNDBUF), 20000);
	ck_assert(value_of(s, OPTION_LINGER).u.linger.on);
	ck_assert_int_eq(value_of(s, OPTION_LINGER).u.linger.seconds, 7);
}
END_TEST

/* What this socket's family does not have is omitted, and einval to set. */
START_TEST(options_of_other_families)
{
	struct option_value v;

	ck_assert_int_eq(tcp_getopt(s, OPTION_TCLASS, &v), TCP_OMIT);
	ck_assert_int_eq(tcp_getopt(s, OPTION_IPV6_V6ONLY, &v), TCP_OMIT);
	ck_assert_int_eq(tcp_getopt(s, OPTION_EXCLUSIVEADDRUSE, &v), TCP_OMIT);
	put_number(&list, OPTION_TCLASS, 3);
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_ptr_eq(failed, option_row(OPTION_TCLASS));
	put_bool(&list, OPTION_EXCLUSIVEADDRUSE, true);
	ck_assert_int_eq(set(s), 0);
}
END_TEST

START_TEST(local_sockets)
{
	struct tcp_open open;
	struct tcp_outcome o;
	struct option_value v;

	put_local(&list, OPTION_IP, "", 0);
	open = world_opening(&w, &list);
	tcp_listen(w.ctx, &open, &o);
	option_list_fini(&list);
	ck_assert_int_eq(o.reason, 0);
	put_bool(&list, OPTION_NODELAY, true);
	ck_assert_int_eq(set(o.socket), 0);
	ck_assert_int_eq(tcp_getopt(o.socket, OPTION_NODELAY, &v), TCP_OMIT);
	put_bool(&list, OPTION_KEEPALIVE, true);
	ck_assert_int_eq(set(o.socket), 0);
	ck_assert(bool_of(o.socket, OPTION_KEEPALIVE));
	put_number(&list, OPTION_TTL, 3);
	ck_assert_int_eq(set(o.socket), EINVAL);
}
END_TEST

START_TEST(active_adds_up_and_runs_out)
{
	put_active(&list, OPTION_ACTIVE_N, 3);
	put_active(&list, OPTION_ACTIVE_N, 2);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(value_of(s, OPTION_ACTIVE).u.active.mode, OPTION_ACTIVE_N);
	ck_assert_int_eq(value_of(s, OPTION_ACTIVE).u.active.n, 5);
	ck_assert_uint_eq(w.passive, 0);
	put_active(&list, OPTION_ACTIVE_N, 32767);
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_ptr_eq(failed, option_row(OPTION_ACTIVE));
	ck_assert_int_eq(value_of(s, OPTION_ACTIVE).u.active.n, 5);
	put_active(&list, OPTION_ACTIVE_N, -5);
	ck_assert_int_eq(set(s), 0);
	ck_assert_uint_eq(w.passive, 1);
	ck_assert_int_eq(value_of(s, OPTION_ACTIVE).u.active.mode, OPTION_ACTIVE_FALSE);
	put_active(&list, OPTION_ACTIVE_N, 0);
	ck_assert_int_eq(set(s), 0);
	ck_assert_uint_eq(w.passive, 2);
	put_active(&list, OPTION_ACTIVE_N, 0);
	ck_assert_int_eq(set(l), 0);
	ck_assert_uint_eq(w.passive, 3);
}
END_TEST

/* What there is to read comes before setopts returns. */
START_TEST(becoming_active_delivers)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	ck_assert_int_eq(write(client, "hello", 5), 5);
	ck_assert_int_eq(poll(&p, 1, WORLD_DEADLINE), 1);
	put_active(&list, OPTION_ACTIVE_ONCE, 0);
	ck_assert_int_eq(set(s), 0);
	ck_assert_uint_eq(bytes_len(&w.data), 5);
	ck_assert_mem_eq(bytes_head(&w.data), "hello", 5);
	ck_assert_int_eq(value_of(s, OPTION_ACTIVE).u.active.mode, OPTION_ACTIVE_FALSE);
}
END_TEST

/* decision 8.6 */
START_TEST(a_waiting_recv_gets_einval)
{
	struct call call;

	call_init(&call, &w);
	tcp_recv(s, 0, CLOCK_NEVER, &call.r);
	ck_assert(!call.done);
	put_number(&list, OPTION_PACKET, OPTION_PACKET_2);
	ck_assert_int_eq(set(s), 0);
	ck_assert(!call.done);
	put_active(&list, OPTION_ACTIVE_N, 1);
	ck_assert_int_eq(set(s), 0);
	ck_assert(call.done);
	ck_assert_int_eq(call.o.reason, EINVAL);
}
END_TEST

static void
become_zombie(void)
{
	struct call call;

	close(client);
	client = -1;
	call_init(&call, &w);
	tcp_recv(s, 0, CLOCK_NEVER, &call.r);
	world_until(&w, &call.done);
	ck_assert_int_eq(s->state, TCP_ZOMBIE);
}

/* semantics 0 */
START_TEST(on_a_zombie)
{
	struct option_value v;

	become_zombie();
	put_number(&list, OPTION_PACKET, OPTION_PACKET_2);
	put_bool(&list, OPTION_NODELAY, true);
	put_bool(&list, OPTION_KEEPALIVE, true);
	put_number(&list, OPTION_RECBUF, 3000);
	ck_assert_int_eq(set(s), 0);
	ck_assert_int_eq(number_of(s, OPTION_PACKET), OPTION_PACKET_2);
	ck_assert_int_eq(tcp_getopt(s, OPTION_NODELAY, &v), TCP_OMIT);
	put_number(&list, OPTION_TOS, 1);
	ck_assert_int_eq(set(s), EINVAL);
	put_number(&list, OPTION_PRIORITY, 1);
	ck_assert_int_eq(set(s), EINVAL);
	put_active(&list, OPTION_ACTIVE_N, 0);
	ck_assert_int_eq(set(s), 0);
	ck_assert_uint_eq(w.passive, 1);
	ck_assert_uint_eq(w.closed, 0);
	put_active(&list, OPTION_ACTIVE_N, 2);
	ck_assert_int_eq(set(s), 0);
	ck_assert_uint_eq(w.closed, 1);
	ck_assert_uint_eq(w.gone, 1);
	ck_assert_int_eq(set(s), EINVAL);
	ck_assert_int_eq(tcp_getopt(s, OPTION_PACKET, &v), EINVAL);
}
END_TEST

/* --- what accept hands on ----------------------------------------------------------- */

START_TEST(inherited_from_the_listener_as_it_is_now)
{
	struct option_value linger = {.id = OPTION_LINGER, .u.linger = {true, 0}};
	int other = world_client(port);
	struct tcp_socket *a;

	/* the connection waits already when the options change */
	put_number(&list, OPTION_PACKET, OPTION_PACKET_1);
	put_number(&list, OPTION_MODE, OPTION_MODE_LIST);
	put_number(&list, OPTION_BUFFER, 300);
	put_number(&list, OPTION_LINE_DELIMITER, ';');
	put_active(&list, OPTION_ACTIVE_N, 3);
	put_bool(&list, OPTION_NODELAY, true);
	put_bool(&list, OPTION_KEEPALIVE, true);
	put_number(&list, OPTION_TTL, 40);
	put_number(&list, OPTION_TOS, 8);
	put_number(&list, OPTION_PRIORITY, 5);
	put_bool(&list, OPTION_RECVTOS, true);
	ck_assert(option_list_add(&list, &linger));
	ck_assert_int_eq(set(l), 0);
	a = world_accept(&w, l);
	ck_assert_int_eq(number_of(a, OPTION_PACKET), OPTION_PACKET_1);
	ck_assert_int_eq(number_of(a, OPTION_MODE), OPTION_MODE_LIST);
	ck_assert_int_eq(number_of(a, OPTION_BUFFER), 300);
	ck_assert_uint_eq(a->set.framing.delimiter, '\n');
	ck_assert_int_eq(value_of(a, OPTION_ACTIVE).u.active.n, 3);
	ck_assert_int_eq(value_of(l, OPTION_ACTIVE).u.active.n, 3);
	ck_assert(bool_of(a, OPTION_NODELAY));
	ck_assert(bool_of(a, OPTION_KEEPALIVE));
	ck_assert_int_eq(number_of(a, OPTION_TTL), 40);
	ck_assert_int_eq(number_of(a, OPTION_TOS), 8);
	ck_assert_int_eq(number_of(a, OPTION_PRIORITY), 5);
	ck_assert(bool_of(a, OPTION_RECVTOS));
	ck_assert(value_of(a, OPTION_LINGER).u.linger.on);
	/* that buffer was set explicitly is forgotten */
	put_number(&list, OPTION_RECBUF, 5000);
	ck_assert_int_eq(set(a), 0);
	ck_assert_int_eq(number_of(a, OPTION_BUFFER), 5000);
	close(other);
}
END_TEST

/* The kernel hands nothing on between Unix sockets. */
START_TEST(inherited_on_local_sockets)
{
	struct tcp_open open;
	struct tcp_outcome o;
	struct address name;
	struct sockaddr_storage ss;
	struct tcp_socket *a;
	unsigned len;
	int fd = socket(AF_LOCAL, SOCK_STREAM | SOCK_CLOEXEC, 0);

	put_local(&list, OPTION_IFADDR, "", 0);
	put_number(&list, OPTION_PRIORITY, 4);
	open = world_opening(&w, &list);
	tcp_listen(w.ctx, &open, &o);
	option_list_fini(&list);
	ck_assert_int_eq(o.reason, 0);
	ck_assert_int_eq(tcp_sockname(o.socket, &name), 0);
	ck_assert_int_eq(tcp_address_to_sockaddr(&name, 0, AF_LOCAL, &ss, &len), 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&ss, len), 0);
	put_bool(&list, OPTION_KEEPALIVE, true);
	ck_assert_int_eq(set(o.socket), 0);
	a = world_accept(&w, o.socket);
	ck_assert(bool_of(a, OPTION_KEEPALIVE));
	ck_assert_int_eq(number_of(a, OPTION_PRIORITY), 4);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("sockopt");
	TCase *tc = tcase_create("options");
	SRunner *runner = srunner_create(suite);
	int n_failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, user_space_there_and_back);
	tcase_add_test(tc, what_cannot_be_read);
	tcase_add_test(tc, what_is_for_creation_is_refused);
	tcase_add_test(tc, first_to_last_until_one_fails);
	tcase_add_test(tc, watermarks_push_each_other);
	tcase_add_test(tc, msgq_watermarks_push_each_other);
	tcase_add_test(tc, bound_to_a_device);
	tcase_add_test(tc, recbuf_raises_buffer);
	tcase_add_test(tc, kernel_options_reach_the_kernel);
	tcase_add_test(tc, options_of_other_families);
	tcase_add_test(tc, local_sockets);
	tcase_add_test(tc, active_adds_up_and_runs_out);
	tcase_add_test(tc, becoming_active_delivers);
	tcase_add_test(tc, a_waiting_recv_gets_einval);
	tcase_add_test(tc, on_a_zombie);
	tcase_add_test(tc, inherited_from_the_listener_as_it_is_now);
	tcase_add_test(tc, inherited_on_local_sockets);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	n_failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
