/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "tcp/tcp_socket.h"
#include "tests/unit/run.h"

/* As the comment in tcp_socket.h draws it: from, then where to. */
static const struct {
	enum tcp_state from;
	const char *to; /* a letter for each state, in the enum's order */
} rows[] = {
    {TCP_OPEN, "-+++---+"},
    {TCP_CONNECTING, "--+----+"},
    {TCP_CONNECTED, "----++++"},
    {TCP_LISTENING, "-------+"},
    {TCP_ZOMBIE, "-----+-+"},
    {TCP_TOLD, "------++"},
    {TCP_CLOSING, "-------+"},
    {TCP_GONE, "--------"},
};

START_TEST(moves)
{
	for (unsigned to = TCP_OPEN; to <= TCP_GONE; to++)
		ck_assert_msg(tcp_state_legal(rows[_i].from, (enum tcp_state)to) ==
			(rows[_i].to[to] == '+'),
		    "from %d to %u", (int)rows[_i].from, to);
}
END_TEST

START_TEST(a_legal_move_is_made)
{
	struct tcp_context ctx = {0};
	struct tcp_socket s = {.ctx = &ctx, .state = TCP_OPEN};

	tcp_state_move(&s, TCP_CONNECTING);
	ck_assert_int_eq(s.state, TCP_CONNECTING);
	tcp_state_move(&s, TCP_CONNECTED);
	tcp_state_move(&s, TCP_ZOMBIE);
	tcp_state_move(&s, TCP_GONE);
	ck_assert_int_eq(s.state, TCP_GONE);
	ck_assert_uint_eq(ctx.tally.connections, 1);
	ck_assert_uint_eq(ctx.tally.listeners, 0);
}
END_TEST

#ifndef NDEBUG
START_TEST(an_illegal_move_is_a_bug)
{
	struct tcp_socket s = {.state = TCP_GONE};

	tcp_state_move(&s, TCP_CONNECTED);
}
END_TEST
#endif

int
main(void)
{
	Suite *suite = suite_create("state");
	TCase *tc = tcase_create("moves");

	tcase_add_loop_test(tc, moves, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, a_legal_move_is_made);
#ifndef NDEBUG
	tcase_add_test_raise_signal(tc, an_illegal_move_is_a_bug, SIGABRT);
#endif
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
