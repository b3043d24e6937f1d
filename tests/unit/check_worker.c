/* SPDX-License-Identifier: ISC */
#include "tcp/worker.h"

#include <check.h>
#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "proto/reason.h"
#include "tests/unit/run.h"

enum { DEADLINE = 5000, JOBS = 12 };

/* Jobs that say where they are, and wait to be let go where they are told to. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t change;
	bool open;
	unsigned running, most, ran, dropped;
	pthread_t dropped_by;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .change = PTHREAD_COND_INITIALIZER};

struct job {
	struct worker_job job;
	unsigned done;
	bool waits, in_thread;
};

static struct job jobs[JOBS];
static struct event_base *base;
static struct workers *workers;
static char mine, yours;

static struct job *
of(struct worker_job *w)
{
	return (struct job *)((char *)w - offsetof(struct job, job));
}

static void
run_job(struct worker_job *w)
{
	pthread_mutex_lock(&gate.lock);
	gate.ran++;
	if (++gate.running > gate.most)
		gate.most = gate.running;
	pthread_cond_broadcast(&gate.change);
	while (of(w)->waits && !gate.open)
		pthread_cond_wait(&gate.change, &gate.lock);
	gate.running--;
	pthread_mutex_unlock(&gate.lock);
}

static void
on_done(struct worker_job *w)
{
	of(w)->done++;
}

static void
on_drop(struct worker_job *w)
{
	(void)w;
	pthread_mutex_lock(&gate.lock);
	gate.dropped++;
	gate.dropped_by = pthread_self();
	pthread_cond_broadcast(&gate.change);
	pthread_mutex_unlock(&gate.lock);
}

/* Waits for the threads; the time-out of the test ends a hang. */
static void
gate_wait(const unsigned *count, unsigned n)
{
	pthread_mutex_lock(&gate.lock);
	while (*count < n)
		pthread_cond_wait(&gate.change, &gate.lock);
	pthread_mutex_unlock(&gate.lock);
}

static void
gate_open(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.open = true;
	pthread_cond_broadcast(&gate.change);
	pthread_mutex_unlock(&gate.lock);
}

static unsigned
now(const unsigned *count)
{
	unsigned n;

	pthread_mutex_lock(&gate.lock);
	n = *count;
	pthread_mutex_unlock(&gate.lock);
	return n;
}

static void
begin(unsigned threads, size_t queue_max)
{
	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	workers = workers_new(base, threads, queue_max, queue_max);
	ck_assert_ptr_nonnull(workers);
	for (size_t i = 0; i < JOBS; i++)
		jobs[i] = (struct job){.job = {.run = run_job,
					   .done = on_done,
					   .drop = on_drop,
					   .key = &mine},
		    .waits = true};
}

static void
end(void)
{
	workers_free(workers);
	event_base_free(base);
}

static void
turn_until_done(struct job *job)
{
	uint64_t until = clock_deadline(&clock_monotonic, DEADLINE);

	while (job->done == 0) {
		const struct timeval tick = {0, 10000};

		ck_assert(clock_left(&clock_monotonic, until) > 0);
		event_base_loopexit(base, &tick);
		event_base_loop(base, EVLOOP_ONCE);
	}
	ck_assert_uint_eq(job->done, 1);
}

START_TEST(done_comes_from_the_loop)
{
	begin(1, 10);
	jobs[0].waits = false;
	ck_assert_int_eq(workers_run(workers, &jobs[0].job), 0);
	gate_wait(&gate.ran, 1);
	ck_assert_uint_eq(jobs[0].done, 0);
	turn_until_done(&jobs[0]);
	/* and again: it is its maker's */
	jobs[0].done = 0;
	ck_assert_int_eq(workers_run(workers, &jobs[0].job), 0);
	turn_until_done(&jobs[0]);
	end();
	ck_assert_uint_eq(gate.dropped, 0);
}
END_TEST

START_TEST(nobody_has_more_than_half)
{
	begin(4, 100);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(workers_run(workers, &jobs[i].job), 0);
	gate_wait(&gate.running, 2);
	/* mine hang; yours come through, though they came later */
	for (size_t i = 6; i < 8; i++) {
		jobs[i].job.key = &yours;
		jobs[i].waits = false;
		ck_assert_int_eq(workers_run(workers, &jobs[i].job), 0);
		turn_until_done(&jobs[i]);
	}
	ck_assert_uint_eq(now(&gate.running), 2);
	gate_open();
	for (size_t i = 0; i < 6; i++)
		turn_until_done(&jobs[i]);
	ck_assert_uint_le(gate.most, 3);
	end();
}
END_TEST

START_TEST(nobodys_jobs_have_all)
{
	begin(4, 100);
	for (size_t i = 0; i < 6; i++) {
		jobs[i].job.key = NULL;
		ck_assert_int_eq(workers_run(workers, &jobs[i].job), 0);
	}
	gate_wait(&gate.running, 4);
	gate_open();
	for (size_t i = 0; i < 6; i++)
		turn_until_done(&jobs[i]);
	ck_assert_uint_eq(gate.most, 4);
	end();
}
END_TEST

START_TEST(the_queue_is_bounded)
{
	begin(1, 2);
	ck_assert_int_eq(workers_run(workers, &jobs[0].job), 0);
	gate_wait(&gate.running, 1);
	ck_assert_int_eq(workers_run(workers, &jobs[1].job), 0);
	ck_assert_int_eq(workers_run(workers, &jobs[2].job), 0);
	ck_assert_int_eq(workers_run(workers, &jobs[3].job), REASON_SYSTEM_LIMIT);
	gate_open();
	for (size_t i = 0; i < 3; i++)
		turn_until_done(&jobs[i]);
	ck_assert_uint_eq(gate.dropped, 0);
	end();
}
END_TEST

/* i: 0 a plain job, 1 one whose drop may block */
START_TEST(dropped_before_it_runs)
{
	begin(1, 10);
	jobs[1].job.blocks = _i == 1;
	ck_assert_int_eq(workers_run(workers, &jobs[0].job), 0);
	gate_wait(&gate.running, 1);
	ck_assert_int_eq(workers_run(workers, &jobs[1].job), 0);
	workers_drop(workers, &jobs[1].job);
	ck_assert_uint_eq(now(&gate.dropped), _i == 1 ? 0 : 1);
	gate_open();
	gate_wait(&gate.dropped, 1);
	ck_assert_int_eq(pthread_equal(gate.dropped_by, pthread_self()) != 0, _i == 0);
	turn_until_done(&jobs[0]);
	ck_assert_uint_eq(jobs[1].done, 0);
	ck_assert_uint_eq(gate.ran, 1);
	end();
}
END_TEST

START_TEST(dropped_while_it_runs)
{
	begin(1, 10);
	ck_assert_int_eq(workers_run(workers, &jobs[0].job), 0);
	gate_wait(&gate.running, 1);
	workers_drop(workers, &jobs[0].job);
	ck_assert_uint_eq(now(&gate.dropped), 0);
	gate_open();
	gate_wait(&gate.dropped, 1);
	ck_assert(!pthread_equal(gate.dropped_by, pthread_self()));
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(jobs[0].done, 0);
	end();
	ck_assert_uint_eq(gate.dropped, 1);
}
END_TEST

START_TEST(dropped_when_it_is_done)
{
	begin(1, 10);
	jobs[0].waits = jobs[1].waits = false;
	jobs[0].job.blocks = _i == 1;
	ck_assert_int_eq(workers_run(workers, &jobs[0].job), 0);
	ck_assert_int_eq(workers_run(workers, &jobs[1].job), 0);
	gate_wait(&gate.ran, 2); /* so the first one is finished, and not told */
	workers_drop(workers, &jobs[0].job);
	gate_wait(&gate.dropped, 1);
	ck_assert_int_eq(pthread_equal(gate.dropped_by, pthread_self()) != 0, _i == 0);
	turn_until_done(&jobs[1]);
	ck_assert_uint_eq(jobs[0].done, 0);
	ck_assert_uint_eq(gate.ran, 2);
	end();
	ck_assert_uint_eq(gate.dropped, 1);
}
END_TEST

START_TEST(the_end_frees_all)
{
	begin(2, 100);
	for (size_t i = 0; i < 5; i++) {
		jobs[i].job.key = NULL;
		ck_assert_int_eq(workers_run(workers, &jobs[i].job), 0);
	}
	gate_wait(&gate.running, 2);
	end(); /* two hang, and are left to themselves */
	ck_assert_uint_eq(now(&gate.ran), 2);
	gate_open();
	gate_wait(&gate.dropped, 5);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(jobs[i].done, 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("tcp/worker");
	TCase *tc = tcase_create("worker");

	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, done_comes_from_the_loop);
	tcase_add_test(tc, nobody_has_more_than_half);
	tcase_add_test(tc, nobodys_jobs_have_all);
	tcase_add_test(tc, the_queue_is_bounded);
	tcase_add_loop_test(tc, dropped_before_it_runs, 0, 2);
	tcase_add_test(tc, dropped_while_it_runs);
	tcase_add_loop_test(tc, dropped_when_it_is_done, 0, 2);
	tcase_add_test(tc, the_end_frees_all);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
