/* SPDX-License-Identifier: ISC */
#include "tcp/resolver.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/reason.h"
#include "tests/unit/run.h"

enum { DEADLINE = 5000 };

/* --- a resolver that waits until it is let go ----------------------------------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool open;	  /* lookups go through */
	const char *pass; /* this one's does in any case */
	unsigned entered; /* lookups that have begun */
	unsigned left;
	unsigned other; /* how many had begun when one of 127.0.0.2 did */
	bool signals_blocked;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

static int
gated(const char *host, int family, struct resolver_addresses *found)
{
	sigset_t set;
	int reason;

	pthread_mutex_lock(&gate.lock);
	gate.entered++;
	if (strcmp(host, "127.0.0.2") == 0)
		gate.other = gate.entered;
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	gate.signals_blocked = sigismember(&set, SIGTERM) == 1;
	pthread_cond_broadcast(&gate.change);
	while (!gate.open && (gate.pass == NULL || strcmp(gate.pass, host) != 0))
		pthread_cond_wait(&gate.change, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
	reason = resolver_system(host, family, found);
	pthread_mutex_lock(&gate.lock);
	gate.left++;
	pthread_cond_broadcast(&gate.change);
	pthread_mutex_unlock(&gate.lock);
	return reason;
}

static void
gate_open(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.open = true;
	pthread_cond_broadcast(&gate.change);
	pthread_mutex_unlock(&gate.lock);
}

/* Waits until *count is n; SIGALRM of the test's time-out ends a hang. */
static void
gate_wait(const unsigned *count, unsigned n)
{
	pthread_mutex_lock(&gate.lock);
	while (*count < n)
		pthread_cond_wait(&gate.change, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

/* --- answers ---------------------------------------------------------------------- */

struct answer {
	unsigned count;
	int reason;
	struct resolver_address first;
	size_t addresses;
};

static void
on_answer(void *arg, int reason, struct resolver_addresses *found)
{
	struct answer *a = arg;

	a->count++;
	a->reason = reason;
	a->addresses = found->count;
	if (found->count > 0)
		a->first = found->list[0];
}

static void
too_late(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static void
until(struct event_base *base, const struct answer *a, unsigned n)
{
	bool late = false;
	struct event *deadline = event_new(base, -1, 0, too_late, &late);
	struct timeval tv = clock_timeval(DEADLINE);

	event_add(deadline, &tv);
	while (a->count < n) {
		ck_assert_msg(!late, "no answer in time");
		event_base_loop(base, EVLOOP_ONCE);
	}
	event_free(deadline);
}

START_TEST(a_numeric_name_comes_back)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(
	    base, &clock_monotonic, 2, CLOCK_NEVER, resolver_system);
	struct answer a = {0};
	struct resolver_job *job;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a.first.addr;

	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.3", AF_INET, NULL, on_answer, &a, &job), 0);
	ck_assert_uint_eq(a.count, 0);
	until(base, &a, 1);
	ck_assert_int_eq(a.reason, 0);
	ck_assert_uint_eq(a.addresses, 1);
	ck_assert_uint_eq(a.first.len, sizeof(struct sockaddr_in));
	ck_assert_uint_eq(in->sin_addr.s_addr, htonl(0x7f000003));
	resolver_free(r);
	event_base_free(base);
}
END_TEST

START_TEST(no_such_name)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(
	    base, &clock_monotonic, 1, CLOCK_NEVER, resolver_system);
	struct answer a = {0};
	struct resolver_job *job;

	/* numeric, but of the other family: no server is asked */
	ck_assert_int_eq(
	    resolver_lookup(r, "::1", AF_INET, NULL, on_answer, &a, &job), 0);
	until(base, &a, 1);
	ck_assert_int_eq(a.reason, REASON_NXDOMAIN);
	ck_assert_uint_eq(a.addresses, 0);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

START_TEST(signals_are_not_the_threads)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 1, CLOCK_NEVER, gated);
	struct answer a = {0};
	struct resolver_job *job;
	sigset_t set;

	gate_open();
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &a, &job), 0);
	until(base, &a, 1);
	ck_assert(gate.signals_blocked);
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	ck_assert_int_eq(sigismember(&set, SIGTERM), 0);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

/* Two threads hang; a third lookup waits, and is served when they are let go. */
START_TEST(many_wait_for_few)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 2, CLOCK_NEVER, gated);
	struct answer a = {0};
	struct resolver_job *job;

	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &a, &job),
		    0);
	gate_wait(&gate.entered, 2);
	ck_assert_uint_eq(gate.entered, 2);
	gate_open();
	until(base, &a, 20);
	ck_assert_uint_eq(gate.entered, 20);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 1, CLOCK_NEVER, gated);
	struct answer a = {0};
	struct resolver_job *job;

	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &a, &job), 0);
	gate_wait(&gate.entered, 1);
	for (int i = 0; i < RESOLVER_KEY_MAX; i++)
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &a, &job),
		    0);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &a, &job),
	    REASON_SYSTEM_LIMIT);
	gate_open();
	until(base, &a, RESOLVER_KEY_MAX + 1);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

/* Who asks for names that hang holds up himself. */
START_TEST(one_user_has_half_of_the_threads)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 2, CLOCK_NEVER, gated);
	struct answer a = {0}, b = {0};
	struct resolver_job *job;

	gate.pass = "127.0.0.2";
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, &a, on_answer, &a, &job), 0);
	gate_wait(&gate.entered, 1);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.2", AF_INET, &b, on_answer, &b, &job), 0);
	until(base, &b, 1);
	ck_assert_uint_eq(gate.entered, 2);
	ck_assert_uint_eq(htonl(0x7f000002),
	    ((const struct sockaddr_in *)&b.first.addr)->sin_addr.s_addr);
	gate_open();
	until(base, &a, 3);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

/* Two users make all that they may hang: a third is still served, by the last thread. */
START_TEST(somebody_new_finds_a_thread)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 4, CLOCK_NEVER, gated);
	struct answer a = {0}, b = {0}, c = {0};
	struct resolver_job *job;

	gate.pass = "127.0.0.2";
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, &a, on_answer, &a, &job), 0);
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, &b, on_answer, &b, &job), 0);
	}
	gate_wait(&gate.entered, 3);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.2", AF_INET, &c, on_answer, &c, &job), 0);
	until(base, &c, 1);
	ck_assert_uint_eq(gate.entered, 4);
	gate_open();
	until(base, &a, 10);
	until(base, &b, 10);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

/* Who has many names waiting is not served to the last before somebody else is. */
START_TEST(users_take_turns)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 1, CLOCK_NEVER, gated);
	struct answer a = {0}, b = {0};
	struct resolver_job *job;

	for (int i = 0; i < RESOLVER_KEY_MAX; i++)
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, &a, on_answer, &a, &job), 0);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.2", AF_INET, &b, on_answer, &b, &job), 0);
	gate_wait(&gate.entered, 1);
	gate_open();
	until(base, &b, 1);
	/* behind the one that was being looked up, or that and one more */
	ck_assert_uint_ge(gate.other, 2);
	ck_assert_uint_le(gate.other, 3);
	until(base, &a, RESOLVER_KEY_MAX);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

/* One user's names do not keep another's out of the queue. */
START_TEST(a_full_queue_is_ones_own)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 2, CLOCK_NEVER, gated);
	struct answer a = {0}, b = {0};
	struct resolver_job *job;
	size_t waiting, running;
	int reason = 0;

	for (int i = 0; i < RESOLVER_KEY_MAX + 2 && reason == 0; i++)
		reason = resolver_lookup(
		    r, "127.0.0.1", AF_INET, &a, on_answer, &a, &job);
	ck_assert_int_eq(reason, REASON_SYSTEM_LIMIT);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.2", AF_INET, &b, on_answer, &b, &job), 0);
	gate_wait(&gate.entered, 2);
	resolver_count(r, &waiting, &running);
	ck_assert_uint_eq(running, 2);
	ck_assert_uint_ge(waiting, RESOLVER_KEY_MAX - 1);
	resolver_free(r);
	event_base_free(base);
	gate_open();
}
END_TEST

/* One that hangs, one that waits behind it: both hear in time that they need not. */
START_TEST(a_deadline)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 1, 50, gated);
	struct answer a = {0}, b = {0};
	struct resolver_job *job;
	uint64_t began = clock_now(&clock_monotonic);

	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, &a, on_answer, &a, &job), 0);
	until(base, &a, 2);
	ck_assert_int_eq(a.reason, REASON_TIMEOUT);
	ck_assert_uint_eq(a.addresses, 0);
	ck_assert_uint_ge(clock_now(&clock_monotonic) - began, 49);
	gate_wait(&gate.entered, 1);
	/* the thread has come back: all is as before, and one in time is answered */
	gate_open();
	gate_wait(&gate.left, 1);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.2", AF_INET, &b, on_answer, &b, &job), 0);
	until(base, &b, 1);
	ck_assert_int_eq(b.reason, 0);
	ck_assert_uint_eq(a.count, 2);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

/* One that runs, one that waits, one that has its answer. */
START_TEST(cancelled_in_every_state)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 1, CLOCK_NEVER, gated);
	struct answer never = {0}, last = {0};
	struct resolver_job *running, *pending, *finished, *job;

	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &never, &running),
	    0);
	gate_wait(&gate.entered, 1);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &never, &pending),
	    0);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &never, &finished),
	    0);
	ck_assert_int_eq(
	    resolver_lookup(r, "127.0.0.2", AF_INET, NULL, on_answer, &last, &job), 0);
	resolver_cancel(r, running);
	resolver_cancel(r, pending);
	gate_open();
	/* the one thread begins on the last when it has put the other's answer down */
	gate_wait(&gate.entered, 3);
	resolver_cancel(r, finished);
	until(base, &last, 1);
	ck_assert_uint_eq(never.count, 0);
	ck_assert_int_eq(last.reason, 0);
	resolver_free(r);
	event_base_free(base);
}
END_TEST

START_TEST(freed_while_a_lookup_hangs)
{
	struct event_base *base = event_base_new();
	struct resolver *r = resolver_new(base, &clock_monotonic, 2, CLOCK_NEVER, gated);
	struct answer a = {0};
	struct resolver_job *job;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(
		    resolver_lookup(r, "127.0.0.1", AF_INET, NULL, on_answer, &a, &job),
		    0);
	gate_wait(&gate.entered, 2);
	resolver_free(r);
	event_base_free(base);
	gate_open();
	gate_wait(&gate.left, 2);
	ck_assert_uint_eq(a.count, 0);
	ck_assert_uint_eq(gate.entered, 2);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("resolver");
	TCase *tc = tcase_create("threads");

	tcase_add_test(tc, a_numeric_name_comes_back);
	tcase_add_test(tc, no_such_name);
	tcase_add_test(tc, signals_are_not_the_threads);
	tcase_add_test(tc, many_wait_for_few);
	tcase_add_test(tc, the_queue_is_bounded);
	tcase_add_test(tc, one_user_has_half_of_the_threads);
	tcase_add_test(tc, somebody_new_finds_a_thread);
	tcase_add_test(tc, users_take_turns);
	tcase_add_test(tc, a_full_queue_is_ones_own);
	tcase_add_test(tc, a_deadline);
	tcase_add_test(tc, cancelled_in_every_state);
	tcase_add_test(tc, freed_while_a_lookup_hangs);
	tcase_set_timeout(tc, 20);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
