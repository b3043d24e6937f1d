/* SPDX-License-Identifier: ISC */
/* How channels end, and what is still done then. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel_world.h"
#include "tests/unit/run.h"

/* --- the end ---------------------------------------------------------------------------- */

START_TEST(closing_ends_the_session)
{
	say(client, ECHO(1) "{\"do\":\"eat\"}\n{\"do\":\"eat\"}\n{\"half");
	close(client);
	client = -1;
	WAIT_UNTIL(rpc.freed == 1);
	ck_assert_uint_eq(rpc.messages, 3);
	ck_assert(TAILQ_EMPTY(&host.all));
}
END_TEST

/* Requests that were sent are carried out, though nobody hears the answers. */
START_TEST(fire_and_forget)
{
	size_t sent = 0;

	while (send(client, ECHO(123), strlen(ECHO(123)), MSG_NOSIGNAL) ==
	    (ssize_t)strlen(ECHO(123)))
		sent++;
	close(client);
	client = -1;
	ck_assert_uint_gt(sent, 100);
	WAIT_UNTIL(rpc.freed == 1);
	ck_assert_uint_ge(rpc.messages, sent);
}
END_TEST

START_TEST(a_full_channel_ends_too)
{
	say(client, "{\"do\":\"pump\",\"n\":8388608}\n");
	WAIT_UNTIL(rpc.sessions[0].stalled);
	say(client, ECHO(1));
	close(client);
	client = -1;
	WAIT_UNTIL(rpc.freed == 1);
	ck_assert_uint_eq(rpc.messages, 2);
}
END_TEST

START_TEST(half_closed_still_hears)
{
	struct session *s = &rpc.sessions[0];

	forget();
	say(client, ECHO(1) ECHO(2));
	shutdown(client, SHUT_WR);
	hear_only(ECHO(1) ECHO(2));
	turns = 0;
	while (turn(200))
		ck_assert_uint_lt(turns, 5); /* the end of the stream wakes nobody */
	ck_assert_uint_eq(rpc.freed, 0);
	fake_say(s, "{\"event\":1}");
	hear_only("{\"event\":1}\n");
	turns = 0;
	while (turn(100))
		ck_assert_uint_lt(turns, 5);
	/* … and over the mark and back */
	s->pump = 4194304;
	session_writable(s);
	ck_assert(s->stalled);
	turns = 0;
	while (turn(100))
		ck_assert_uint_lt(turns, 5);
	RUN_UNTIL(client, heard.len >= 256 * (16384 + 19));
	check_pumped(256, "");
	forget();
	close(client);
	client = -1;
	WAIT_UNTIL(rpc.freed == 1);
}
END_TEST

/* Nothing is left to be said: the client, who reads to the end, finds it. */
START_TEST(half_closed_and_idle_ends)
{
	rpc.sessions[0].idle = true;
	say(client, ECHO(1));
	shutdown(client, SHUT_WR);
	WAIT_UNTIL(rpc.freed == 1);
	hear_only(ECHO(1));
}
END_TEST

START_TEST(half_closed_and_gone_unheard)
{
	shutdown(client, SHUT_WR);
	while (turn(50))
		continue;
	ck_assert_uint_eq(rpc.freed, 0);
	rpc.sessions[0].pump = 4194304;
	session_writable(&rpc.sessions[0]);
	while (turn(50))
		continue;
	close(client);
	client = -1;
	WAIT_UNTIL(rpc.freed == 1);
}
END_TEST

START_TEST(deaf_but_not_dumb)
{
	shutdown(client, SHUT_RD);
	say(client, ECHO(1));
	WAIT_UNTIL(rpc.messages == 1);
	say(client, ECHO(2));
	WAIT_UNTIL(rpc.messages == 2);
	ck_assert_uint_eq(rpc.freed, 0);
	ck_assert(!rpc.sessions[0].sink->room(rpc.sessions[0].ctx));
	turns = 0;
	while (turn(100))
		ck_assert_uint_lt(turns, 5);
	shutdown(client, SHUT_WR);
	WAIT_UNTIL(rpc.freed == 1);
}
END_TEST

START_TEST(the_last_words_are_heard)
{
	size_t head = strlen(ECHO(1) "{\"attached\":1000000}\n"), k;

	forget();
	say(client,
	    ECHO(1) "{\"do\":\"payload\",\"n\":1000000}\n{\"do\":\"last\"}\n" ECHO(2));
	turn(PATIENCE);
	(void)send(client, ECHO(3), strlen(ECHO(3)), MSG_NOSIGNAL);
	RUN_UNTIL(client, heard.eof || heard.error != 0);
	ck_assert_int_eq(heard.error, 0); /* an end, no reset, though we said more */
	ck_assert_uint_eq(heard.len,
	    strlen(ECHO(1) "{\"attached\":1000000}\n{\"do\":\"last\"}\n") + 1000000);
	/* the kernel took a part of the payload, and the rest from a copy */
	for (k = 0; k < 1000000; k++)
		if (heard.data[head + k] != fake_pattern(k))
			ck_abort_msg("byte %zu", k);
	ck_assert_uint_eq(rpc.messages, 3);
	WAIT_UNTIL(rpc.freed == 1);
	forget();
}
END_TEST

START_TEST(last_words_have_a_deadline)
{
	uint64_t before = clock_now(&clock_monotonic);

	say(client, "{\"do\":\"payload\",\"n\":400000}\n{\"do\":\"last\"}\n");
	WAIT_UNTIL(rpc.freed == 1); /* though we never read */
	ck_assert_uint_ge(clock_now(&clock_monotonic), before + 90);
}
END_TEST

START_TEST(without_memory_it_ends)
{
	forget();
	say(client, ECHO(1) "{\"do\":\"broken\"}\n" ECHO(2));
	RUN_UNTIL(client, heard.eof || heard.error != 0);
	ck_assert_uint_eq(rpc.messages, 2);
	ck_assert_uint_eq(rpc.freed, 1);
	forget();
}
END_TEST

/* What a client makes the daemon keep is counted, and past its limit is the end. */
START_TEST(input_is_counted)
{
	char part[100000];

	memset(part, 'x', sizeof(part));
	rpc.max_held = 500000;
	say(client, "{\"long\":\"");
	ck_assert_int_eq(
	    send(client, part, sizeof(part), MSG_NOSIGNAL), (ssize_t)sizeof(part));
	WAIT_UNTIL(rpc.sessions[0].held > sizeof(part));
	ck_assert_uint_eq(rpc.freed, 0);
	say(client, "\"}\n");
	WAIT_UNTIL(rpc.messages == 1 && rpc.sessions[0].held == 0);
	forget();
	say(client, "{\"long\":\"");
	for (int i = 0; i < 6 && rpc.freed == 0; i++) {
		(void)send(client, part, sizeof(part), MSG_NOSIGNAL);
		turn(20);
	}
	RUN_UNTIL(client, heard.eof);
	ck_assert_uint_eq(rpc.freed, 1);
	ck_assert_ptr_nonnull(
	    memmem(heard.data, heard.len, "system_limit", strlen("system_limit")));
}
END_TEST

START_TEST(ends_touch_others)
{
	int other = connect_pair(SOCK_STREAM), third = connect_pair(SOCK_STREAM);

	rpc.poke_when_freed = true;
	forget();
	say(other, "{\"do\":\"poke\"}\n");
	close(other);
	close(third);
	WAIT_UNTIL(rpc.freed == 2);
	RUN_UNTIL(client,
	    heard.len >=
		strlen("{\"do\":\"poke\"}\n") + 2 * strlen("{\"freed\":true}\n"));
	talk(ECHO(1), ECHO(1));
}
END_TEST

START_TEST(caps)
{
	int p[2];

	rpc.max = 1;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p), 0);
	ck_assert_int_eq(
	    channel_open(&host, p[0], &(struct rpc_who){.uid = 1, .pid = 2}), EUSERS);
	forget();
	channel_refuse(&host, p[0], 1, EACCES);
	hear(p[1]);
	ck_assert(heard.eof);
	heard.data[heard.len] = '\0';
	ck_assert_ptr_nonnull(strstr((char *)heard.data, "\"eacces\""));
	ck_assert_int_eq(heard.data[heard.len - 1], '\n');
	close(p[1]);
	talk(ECHO(1), ECHO(1));
}
END_TEST

START_TEST(stopped)
{
	say(client, "{\"do\":\"payload\",\"n\":1000000}\n");
	WAIT_UNTIL(rpc.messages == 1);
	channel_stop_all(&host);
	say(client, ECHO(1));
	turn(50);
	ck_assert_uint_eq(rpc.messages, 1);
	ck_assert(!channel_idle_all(&host));
	forget();
	RUN_UNTIL(client, channel_idle_all(&host));
	RUN_UNTIL(client, heard.len == 1000000 + strlen("{\"attached\":1000000}\n"));
	ck_assert_uint_eq(rpc.messages, 1);
	forget();
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("control/channel, its end");
	TCase *tc = tcase_create("channel");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, channel_world_begin, channel_world_end);
	tcase_add_test(tc, closing_ends_the_session);
	tcase_add_test(tc, fire_and_forget);
	tcase_add_test(tc, a_full_channel_ends_too);
	tcase_add_test(tc, half_closed_still_hears);
	tcase_add_test(tc, half_closed_and_idle_ends);
	tcase_add_test(tc, half_closed_and_gone_unheard);
	tcase_add_test(tc, deaf_but_not_dumb);
	tcase_add_test(tc, the_last_words_are_heard);
	tcase_add_test(tc, last_words_have_a_deadline);
	tcase_add_test(tc, without_memory_it_ends);
	tcase_add_test(tc, input_is_counted);
	tcase_add_test(tc, ends_touch_others);
	tcase_add_test(tc, caps);
	tcase_add_test(tc, stopped);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
