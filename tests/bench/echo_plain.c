/* SPDX-License-Identifier: ISC */
/*
 * A plain epoll echo server without any relay: the physical limit that the
 * others are seen against.  Prints "port N", runs until it is killed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench_util.h"

enum { EVENTS = 256, BLOCK = 256 * 1024 };

struct peer {
	int fd;
	char *queue; /* what the kernel did not take back yet */
	size_t len, size;
	bool waits; /* for room; it is not read meanwhile */
};

static char block[BLOCK];

static void
watch(int ep, struct peer *p, int op)
{
	struct epoll_event e = {.events = p->waits ? EPOLLOUT : EPOLLIN, .data.ptr = p};

	if (epoll_ctl(ep, op, p->fd, &e) != 0)
		bench_die("epoll_ctl");
}

static void
end(struct peer *p)
{
	close(p->fd);
	free(p->queue);
	free(p);
}

static void
queue(struct peer *p, const char *data, size_t n)
{
	if (n > p->size) {
		free(p->queue);
		p->queue = bench_zalloc(1, n);
		p->size = n;
	}
	memmove(p->queue, data, n);
	p->len = n;
}

/* What is left is queued.  False: the peer is gone. */
static bool
give(struct peer *p, const char *data, size_t n)
{
	ssize_t sent = send(p->fd, data, n, MSG_NOSIGNAL);

	if (sent < 0 && errno != EAGAIN)
		return false;
	if (sent < 0)
		sent = 0;
	queue(p, data + sent, n - (size_t)sent);
	return true;
}

static void
serve(int ep, struct peer *p)
{
	bool before = p->waits, alive;
	ssize_t n;

	if (p->len > 0) {
		alive = give(p, p->queue, p->len);
	} else {
		n = recv(p->fd, block, sizeof(block), 0);
		alive = n > 0 ? give(p, block, (size_t)n) : n < 0 && errno == EAGAIN;
	}
	if (!alive) {
		end(p);
		return;
	}
	p->waits = p->len > 0;
	if (p->waits != before)
		watch(ep, p, EPOLL_CTL_MOD);
}

static void
let_in(int ep, int listener)
{
	struct peer *p;
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		p = bench_zalloc(1, sizeof(*p));
		p->fd = fd;
		watch(ep, p, EPOLL_CTL_ADD);
	}
}

int
main(void)
{
	struct epoll_event events[EVENTS], e = {.events = EPOLLIN};
	int port, listener = bench_listen(&port), ep = epoll_create1(EPOLL_CLOEXEC), i, n;

	bench_descriptors();
	if (ep == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e) != 0)
		bench_die("epoll");
	printf("port %d\n", port);
	fflush(stdout);
	for (;;) {
		n = epoll_wait(ep, events, EVENTS, -1);
		for (i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				let_in(ep, listener);
			else
				serve(ep, events[i].data.ptr);
		}
	}
}
