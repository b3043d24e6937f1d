/* SPDX-License-Identifier: ISC */
/* A file's turn in the output stream. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pair.h"

enum { FILE_SIZE = 700 * 1000 };

/* A file of so many bytes, all 'f'. */
static int
make_file(size_t size)
{
	char block[1000];
	int fd = memfd_create("sendfile", MFD_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	memset(block, 'f', sizeof(block));
	for (; size > 0; size -= (size_t)n) {
		n = write(fd, block, size < sizeof(block) ? size : sizeof(block));
		ck_assert_int_gt(n, 0);
	}
	return fd;
}

static struct call *
call_file(struct call *call, size_t size, int64_t offset, uint64_t bytes)
{
	call->done = false;
	tcp_sendfile(call->pair->s, make_file(size), offset, bytes, &call->r);
	return call;
}

static int
open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

/* A thread that was busy at the end closes what it has a little later. */
static void
fds_settle(int wanted)
{
	for (int i = 0; i < 500 && open_fds() != wanted; i++)
		usleep(10000);
	ck_assert_int_eq(open_fds(), wanted);
}

START_TEST(in_its_place)
{
	struct pair p;
	struct call file, second, after;
	size_t sent;

	pair_open_local(&p);
	call_init(&file, &p, "file");
	call_init(&second, &p, "second");
	call_init(&after, &p, "after");
	sent = fill_kernel(&p, 3000);
	call_file(&file, FILE_SIZE, 0, 0);
	say_now(&p, "a", 0);
	call_file(&second, 10, 4, 0);
	call_say(&after, "z"); /* waits: a file is before it in line */
	pair_quiet(&p, "");
	peer_read(&p, 'x', sent + 3000);
	peer_read(&p, 'f', FILE_SIZE);
	peer_read(&p, 'a', 1);
	peer_read(&p, 'f', 6);
	peer_read(&p, 'z', 1);
	pair_expect(&p, "file=okafter=oksecond=ok");
	pair_close(&p);
}
END_TEST

START_TEST(withdrawn)
{
	struct pair p;
	struct call file, waiting;
	size_t sent;
	int before = open_fds();

	/* while output is before it */
	pair_open_local(&p);
	call_init(&file, &p, "file");
	call_init(&waiting, &p, "waiting");
	sent = fill_kernel(&p, 3000);
	call_file(&file, FILE_SIZE, 0, 0);
	call_file(&waiting, FILE_SIZE, 0, 0);
	tcp_cancel(&waiting.r);
	tcp_cancel(&file.r);
	say_now(&p, "a", 0);
	peer_read(&p, 'x', sent + 3000);
	peer_read(&p, 'a', 1);
	/* when it has begun */
	call_file(&file, FILE_SIZE, 0, 0);
	peer_read(&p, 'f', 1);
	say_now(&p, "b", 0);
	tcp_cancel(&file.r);
	peer_read(&p, 'f', FILE_SIZE - 1);
	peer_read(&p, 'b', 1);
	pair_quiet(&p, "");
	pair_close(&p);
	fds_settle(before);
}
END_TEST

START_TEST(failures_of_the_file)
{
	struct pair p;
	struct call file;
	int pipes[2];

	pair_open(&p);
	call_init(&file, &p, NULL);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	tcp_sendfile(p.s, pipes[0], 0, 1, &file.r);
	pair_until(&p, &file.done);
	ck_assert_int_eq(file.reason, REASON_BADARG);
	file.done = false;
	tcp_sendfile(p.s, pipes[1], 0, 1, &file.r);
	pair_until(&p, &file.done);
	ck_assert_int_eq(file.reason, REASON_BADARG);
	say_now(&p, "well", 0);
	pair_close(&p);
}
END_TEST

START_TEST(the_peer_resets)
{
	struct pair p;
	struct call file, shut;

	pair_open(&p);
	call_init(&file, &p, "file");
	call_init(&shut, &p, "shut");
	shut.r.caller = &file;
	call_file(&file, 64 * FILE_SIZE, 0, 0);
	pair_quiet(&p, "");
	tcp_shutdown(p.s, TCP_WRITE, &shut.r);
	pair_quiet(&p, "");
	peer_reset(&p);
	pair_expect(&p, "file=closedshut=enotconn");
	recv_now(&p, 0, REASON_CLOSED, "");
	recv_now(&p, 0, ENOTCONN, "");
	pair_close(&p);
}
END_TEST

START_TEST(a_timed_send_ends_it)
{
	struct pair p;
	struct call file, blocked;

	pair_open_local(&p);
	call_init(&file, &p, "file");
	call_init(&blocked, &p, "blocked");
	p.s->set.send_timeout = 20;
	p.s->set.send_timeout_close = true;
	p.s->set.high_watermark = 1;
	call_file(&file, 64 * FILE_SIZE, 0, 0);
	pair_quiet(&p, "");
	call_say(&blocked, "x");
	pair_expect(&p, "blocked=timeoutfile=closed");
	pair_close(&p);
}
END_TEST

START_TEST(closed_while_it_runs)
{
	struct pair p;
	struct call file, close;
	int before = open_fds();

	pair_open_local(&p);
	call_init(&file, &p, "file");
	call_init(&close, &p, "close");
	close.r.caller = &close;
	call_file(&file, 64 * FILE_SIZE, 0, 0);
	say_now(&p, "behind", 0);
	tcp_close(p.s, &close.r);
	pair_expect(&p, "file=closedGclose=ok");
	pair_close(&p);

	/* and the whole context, with one at work and one that waits */
	pair_open_local(&p);
	call_init(&file, &p, "file");
	call_init(&close, &p, "second");
	call_file(&file, 64 * FILE_SIZE, 0, 0);
	call_file(&close, FILE_SIZE, 0, 0);
	pair_close(&p);
	fds_settle(before);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
	    in_its_place,
	    withdrawn,
	    failures_of_the_file,
	    the_peer_resets,
	    a_timed_send_ends_it,
	    closed_while_it_runs,
	};

	return pair_main("tcp/sendfile", tests, sizeof(tests) / sizeof(tests[0]));
}
