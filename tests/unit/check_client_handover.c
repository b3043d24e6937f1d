/* SPDX-License-Identifier: ISC */
/* What is given away: sockets with their events, and descriptors. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_daemon.h"

/* --- controlling_process ---------------------------------------------------- */

static void
take_socket(struct fake_daemon *f)
{
	/* down stays with who monitors */
	say(f,
	    TCP("3", "one") TCP("4",
		"other") "{\"jsonrpc\":\"2.0\",\"method\":\"down\",\"params\":{\"monitor\":5,"
			 "\"socket\":3,\"reason\":\"noproc\"}}\n");
	hear(f, REQUEST("2", "inet.info", "{\"socket\":3}"));
	say(f, RESULT("2", "{\"socket\":3,\"owner\":7}"));
	hear(f, REQUEST("3", "inet.getopts", "{\"socket\":3,\"names\":[\"active\"]}"));
	say(f, RESULT("3", "{\"active\":5}"));
	hear(f,
	    REQUEST(
		"4", "inet.setopts", "{\"socket\":3,\"options\":[{\"active\":false}]}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3},"
	    "\"attached\":2}\n\x01\x02");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3,"
	    "\"header\":[200,0]},\"attached\":1}\nB");
	/* the new owner is told otherwise of its being one */
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_owner\",\"params\":{\"socket\":3,"
	    "\"from\":5}}\n");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_error\",\"params\":{\"socket\":3,"
	    "\"reason\":\"econnreset\"}}\n");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"http\",\"params\":{\"socket\":3,"
	    "\"http\":{\"type\":\"http_eoh\"}}}\n");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"port\",\"params\":{\"socket\":3},"
	    "\"attached\":1}\nA");
	say(f, RESULT("4", "\"ok\""));
	hear(f,
	    REQUEST("5", "gen_tcp.controlling_process",
		"{\"socket\":3,\"client\":9,\"messages\":["
		"{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":{\"base64\":\"b25l\"}}},"
		"{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":{\"base64\":\"AQI=\"}}},"
		"{\"method\":\"tcp\",\"params\":{\"socket\":3,\"header\":[200,0],"
		"\"data\":{\"base64\":\"Qg==\"}}},"
		"{\"method\":\"tcp_error\",\"params\":{\"socket\":3,\"reason\":"
		"\"econnreset\"}},"
		"{\"method\":\"http\",\"params\":{\"socket\":3,"
		"\"http\":{\"type\":\"http_eoh\"}}},"
		"{\"method\":\"port\",\"params\":{\"socket\":3,\"data\":{\"base64\":"
		"\"QQ==\"}}}],\"active\":5}"));
	say(f, RESULT("5", "\"ok\""));
}

START_TEST(what_came_goes_along)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, take_socket);
	const struct gentcp_event *e;

	ck_assert_int_eq(gentcp_controlling_process(g, 3, 9), GENTCP_OK);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_uint_eq(e->socket, 4);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_int_eq(e->type, GENTCP_EVENT_DOWN);
	ck_assert_int_eq(gentcp_receive(g, 20, &e), GENTCP_TIMEOUT);
	fake_daemon_finish(&f, g);
}
END_TEST

/* Numbered events that go along stay as numbers, to be acknowledged in their turn. */
static void
take_numbered(struct fake_daemon *f)
{
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":4,"
	    "\"data\":\"a\"},\"seq\":1}\n");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3,"
	    "\"data\":\"b\"},\"seq\":2}\n");
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":3,"
	    "\"data\":\"one\"},\"seq\":3}\n");
	hear(f, REQUEST("2", "inet.info", "{\"socket\":3}"));
	say(f, RESULT("2", "{\"socket\":3,\"owner\":7}"));
	hear(f, REQUEST("3", "inet.getopts", "{\"socket\":3,\"names\":[\"active\"]}"));
	say(f, RESULT("3", "{\"active\":false}"));
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"gen_tcp.controlling_process\","
	    "\"params\":{\"socket\":3,\"client\":9,\"messages\":["
	    "{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":{\"base64\":\"Yg==\"}}},"
	    "{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":"
	    "{\"base64\":\"b25l\"}}}]},\"ack\":1}\n");
	/* what comes behind it stays */
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":4,"
	    "\"data\":\"d\"},\"seq\":4}\n" RESULT("4", "\"ok\""));
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"session.ack\",\"params\":{\"seq\":3}}\n");
}

START_TEST(numbers_stay)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, take_numbered);
	const struct gentcp_event *e;

	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_uint_eq(e->socket, 4);
	ck_assert_int_eq(gentcp_ack_with(g, e->seq), GENTCP_OK);
	ck_assert_int_eq(gentcp_controlling_process(g, 3, 9), GENTCP_OK);
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_uint_eq(e->seq, 4);
	ck_assert_mem_eq(e->data, "d", 1);
	ck_assert_int_eq(gentcp_ack(g, 3), GENTCP_OK);
	ck_assert_int_eq(gentcp_flush(g), GENTCP_OK);
	fake_daemon_finish(&f, g);
}
END_TEST

static void
refuse_socket(struct fake_daemon *f)
{
	say(f, TCP("3", "one"));
	hear(f, REQUEST("2", "inet.info", "{\"socket\":3}"));
	say(f, RESULT("2", "{\"socket\":3,\"owner\":7}"));
	hear(f, REQUEST("3", "inet.getopts", "{\"socket\":3,\"names\":[\"active\"]}"));
	say(f, RESULT("3", "{\"active\":\"once\"}"));
	hear(f,
	    REQUEST(
		"4", "inet.setopts", "{\"socket\":3,\"options\":[{\"active\":false}]}"));
	say(f, RESULT("4", "\"ok\""));
	hear(f,
	    REQUEST("5", "gen_tcp.controlling_process",
		"{\"socket\":3,\"client\":9,\"messages\":["
		"{\"method\":\"tcp\",\"params\":{\"socket\":3,\"data\":{\"base64\":\"b25l\"}}}],"
		"\"active\":\"once\"}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":5,\"error\":{\"code\":10004,"
	    "\"message\":\"badarg\"}}\n");
	hear(f, REQUEST("6", "inet.getopts", "{\"socket\":3,\"names\":[\"active\"]}"));
	say(f, RESULT("6", "{\"active\":false}"));
	hear(f,
	    REQUEST("7", "inet.setopts",
		"{\"socket\":3,\"options\":[{\"active\":\"once\"}]}"));
	say(f, RESULT("7", "\"ok\""));
	/* of another's socket nothing is touched */
	hear(f, REQUEST("8", "inet.info", "{\"socket\":5}"));
	say(f, RESULT("8", "{\"socket\":5,\"owner\":8}"));
	hear(f,
	    REQUEST("9", "gen_tcp.controlling_process", "{\"socket\":5,\"client\":9}"));
	say(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":10003,"
	    "\"message\":\"not_owner\"}}\n");
}

START_TEST(what_is_refused_stays)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, refuse_socket);
	const struct gentcp_event *e;

	ck_assert_int_eq(gentcp_controlling_process(g, 3, 9), GENTCP_ERROR);
	ck_assert_str_eq(gentcp_error_reason(gentcp_error(g)), "badarg");
	ck_assert_int_eq(gentcp_controlling_process(g, 5, 9), GENTCP_ERROR);
	ck_assert_str_eq(gentcp_error_reason(gentcp_error(g)), "not_owner");
	ck_assert_int_eq(gentcp_receive(g, DEADLINE, &e), GENTCP_OK);
	ck_assert_mem_eq(e->data, "one", 3);
	fake_daemon_finish(&f, g);
}
END_TEST

/* --- descriptors ------------------------------------------------------------ */

static void
take_descriptor(struct fake_daemon *f)
{
	static const char want[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"gen_tcp.fdopen\",\"params\":"
	    "{\"options\":[\"binary\",{\"fd\":\"passed\"}]},\"fds\":1}\n";
	char got[512];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	struct iovec iov = {got, sizeof want - 1};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof control.space};
	struct cmsghdr *c;

	/* what was queued before goes before, without the descriptor */
	hear(f,
	    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"gen_tcp.send\","
	    "\"params\":{\"socket\":1},\"attached\":2}\nhi");
	must(recvmsg(f->fd, &msg, 0) == (ssize_t)sizeof want - 1);
	must(memcmp(got, want, sizeof want - 1) == 0);
	c = CMSG_FIRSTHDR(&msg);
	must(c != NULL && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(int)));
	memcpy(&f->passed_fd, CMSG_DATA(c), sizeof(int));
	say(f, RESULT("3", "{\"socket\":8}"));
	say(f, RESULT("2", "\"ok\""));
}

static void
count(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	(void)g;
	ck_assert_int_eq(gentcp_reply_status(r), GENTCP_OK);
	++*(int *)ctx;
}

START_TEST(a_descriptor_is_passed)
{
	struct fake_daemon f;
	struct gentcp *g = fake_daemon_start(&f, take_descriptor);
	int pair[2], sent = 0;
	uint64_t s = 0;
	char c = 0;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	ck_assert_int_eq(gentcp_send_async(g, 1, "hi", 2, count, &sent), GENTCP_OK);
	ck_assert_int_eq(gentcp_fdopen(g, pair[0], "binary", &s), GENTCP_OK);
	ck_assert_uint_eq(s, 8);
	ck_assert_int_eq(sent, 0); /* callbacks wait for dispatch */
	ck_assert_int_eq(gentcp_dispatch(g, DEADLINE), GENTCP_OK);
	ck_assert_int_eq(sent, 1);
	ck_assert_int_eq(gentcp_fdopen(g, -1, "", &s), GENTCP_INVALID);
	fake_daemon_finish(&f, g);
	/* it is the same socket, and ours is still open */
	ck_assert_int_eq(send(f.passed_fd, "x", 1, 0), 1);
	ck_assert_int_eq(recv(pair[1], &c, 1, 0), 1);
	ck_assert_int_eq(c, 'x');
	ck_assert_int_eq(close(pair[0]), 0);
	close(pair[1]);
	close(f.passed_fd);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/handover");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, what_came_goes_along);
	tcase_add_test(tcase, numbers_stay);
	tcase_add_test(tcase, what_is_refused_stays);
	tcase_add_test(tcase, a_descriptor_is_passed);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
