/* SPDX-License-Identifier: ISC */
/*
 * The states of a socket and the moves between them, which nothing but
 * tcp_state_move() makes.
 */
#include <assert.h>

#include "tcp/tcp_socket.h"

#define TO(state) (1U << (state))

/* From each state: where to. */
static const unsigned moves[] = {
    [TCP_OPEN] = TO(TCP_CONNECTING) | TO(TCP_CONNECTED) | TO(TCP_LISTENING) |
	TO(TCP_GONE),
    [TCP_CONNECTING] = TO(TCP_CONNECTED) | TO(TCP_GONE),
    [TCP_CONNECTED] = TO(TCP_ZOMBIE) | TO(TCP_TOLD) | TO(TCP_CLOSING) | TO(TCP_GONE),
    [TCP_LISTENING] = TO(TCP_GONE),
    [TCP_ZOMBIE] = TO(TCP_TOLD) | TO(TCP_GONE),
    [TCP_TOLD] = TO(TCP_CLOSING) | TO(TCP_GONE),
    [TCP_CLOSING] = TO(TCP_GONE),
    [TCP_GONE] = 0,
};

static const char *const names[] = {
    [TCP_OPEN] = "open",
    [TCP_CONNECTING] = "connecting",
    [TCP_CONNECTED] = "connected",
    [TCP_LISTENING] = "listening",
    [TCP_ZOMBIE] = "ended, not closed",
    [TCP_TOLD] = "ended, to be told",
    [TCP_CLOSING] = "closing",
    [TCP_GONE] = "gone",
};

bool
tcp_state_legal(enum tcp_state from, enum tcp_state to)
{
	return (moves[from] & TO(to)) != 0;
}

void
tcp_state_move(struct tcp_socket *s, enum tcp_state to)
{
	assert(tcp_state_legal(s->state, to));
	tcp_trace(s, "%s -> %s", names[s->state], names[to]);
	s->state = to;
	s->ctx->tally.connections += to == TCP_CONNECTED;
	s->ctx->tally.listeners += to == TCP_LISTENING;
}
