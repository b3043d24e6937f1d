/* SPDX-License-Identifier: ISC */
/*
 * The input buffer.  An idle socket has none: the context owns one large buffer,
 * the spare, which is lent to the socket that reads at the moment.  What is left
 * behind (a partial packet, packets that nobody wants yet) is copied to a buffer
 * of just its size, unless it fills most of the spare: then the socket keeps
 * that, and the context makes another when it needs one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tcp/tcp_socket.h"

enum {
	INPUT_STEP = 64 * 1024,		   /* a buffer grows by as much at a time */
	INPUT_SPARE = 2 * INPUT_STEP + 64, /* two packets of 64 KiB with headers */
	INPUT_SPARE_MAX = 1024 * 1024,	   /* one that grew larger is not kept */
	INPUT_FDS = 253			   /* Linux's SCM_MAX_FD */
};

/* Gives s the spare for its own buffer, with what that holds. */
static void
lend(struct tcp_socket *s)
{
	struct bytes *spare = &s->ctx->spare;

	if (spare->base == NULL && bytes_room(spare, INPUT_SPARE) == NULL) {
		bytes_truncate(spare, 0);
		return;
	}
	if (!bytes_append(spare, bytes_head(&s->in), bytes_len(&s->in))) {
		bytes_truncate(spare, 0);
		return;
	}
	bytes_fini(&s->in);
	s->in = *spare;
	bytes_init(spare);
	s->lent = true;
}

/* How much room to ask for: it grows with what has come, not with what is due. */
static size_t
step(size_t len, size_t want)
{
	size_t most = len > INPUT_STEP ? len : INPUT_STEP;

	return want > most ? most : want;
}

/* Descriptors that a local socket's peer sends along: to let go of them may wait. */
static void
discard_rights(struct tcp_socket *s, struct msghdr *msg)
{
	struct cmsghdr *c;
	size_t i, n;
	int fd;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(fd);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			tcp_discard_fd(s->ctx, fd, s->charge.account);
		}
	}
}

static ssize_t
receive_local(struct tcp_socket *s, void *at, size_t size)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(INPUT_FDS * sizeof(int))];
	} control;
	struct iovec iov = {.iov_base = at, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.space,
	    .msg_controllen = sizeof(control.space)};
	ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		discard_rights(s, &msg);
	return n;
}

ssize_t
tcp_input_receive(struct tcp_socket *s, void *at, size_t size)
{
	ssize_t n;

	do
		n = s->family == AF_LOCAL ? receive_local(s, at, size)
					  : recv(s->fd, at, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n;
}

unsigned char *
tcp_input_room(struct tcp_socket *s, size_t want, size_t *space)
{
	size_t len = bytes_len(&s->in);
	unsigned char *room;

	if (!s->lent && len <= INPUT_STEP)
		lend(s);
	room = bytes_room(&s->in, step(len, want));
	if (room == NULL) {
		bytes_truncate(&s->in, len);
		return NULL;
	}
	*space = bytes_space(&s->in);
	return room;
}

/* What is left moves out of the spare; false if it is to stay there. */
static bool
move_out(struct tcp_socket *s, struct bytes *own)
{
	size_t len = bytes_len(&s->in);

	if (len > s->in.size / 2)
		return false;
	if (bytes_append(own, bytes_head(&s->in), len))
		return true;
	bytes_fini(own);
	return false;
}

void
tcp_input_take(struct tcp_socket *s, size_t total)
{
	bytes_take(&s->in, total);
	packet_restart(&s->packet_state);
	s->awaited = 0;
}

void
tcp_input_settle(struct tcp_socket *s)
{
	struct bytes own = {0}, *spare = &s->ctx->spare;

	if (!s->lent) {
		bytes_trim(&s->in);
		return;
	}
	s->lent = false;
	if (!move_out(s, &own))
		return;
	bytes_truncate(&s->in, 0);
	if (spare->base == NULL && s->in.size <= INPUT_SPARE_MAX)
		*spare = s->in;
	else
		bytes_fini(&s->in);
	s->in = own;
}

void
tcp_input_drop(struct tcp_socket *s)
{
	bytes_truncate(&s->in, 0);
	packet_restart(&s->packet_state);
	s->awaited = 0;
	s->partial = false;
	/* What is being delivered may still be looked at. */
	if (!s->delivering)
		tcp_input_settle(s);
}

void
tcp_input_rescue(struct tcp_socket *s)
{
	unsigned char *room;
	size_t len = bytes_len(&s->in);
	ssize_t n;
	int ready = 0;

	if (s->fd < 0 || s->delivering || ioctl(s->fd, FIONREAD, &ready) != 0 ||
	    ready <= 0)
		return;
	room = bytes_room(&s->in, (size_t)ready);
	if (room == NULL) {
		bytes_truncate(&s->in, len);
		return;
	}
	n = tcp_input_receive(s, room, (size_t)ready);
	if (n > 0)
		bytes_put(&s->in, (size_t)n);
}
