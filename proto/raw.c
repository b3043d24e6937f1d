/* SPDX-License-Identifier: ISC */
#include "proto/raw.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* Where the system's headers are older than its kernel: Linux's numbers. */
#ifndef TCP_IS_MPTCP
#define TCP_IS_MPTCP 43
#endif
#ifndef SOL_MPTCP
#define SOL_MPTCP 284
#endif
#ifndef MPTCP_INFO
#define MPTCP_INFO 1
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif

/* Each makes its own text: an argument handed on would be a number by then. */
#define ROW(level, name, set, size) \
	{ \
		level, name, #level " " #name, set, size \
	}
#define NUMBER(level, name) \
	{ \
		level, name, #level " " #name, RAW_ANYBODY, sizeof(int) \
	}
#define ASKED(level, name) \
	{ \
		level, name, #level " " #name, RAW_NOT, 0 \
	}

/*
 * What is not here, and why: SO_ERROR takes the error that the loop waits for;
 * SO_RCVTIMEO, SO_SNDTIMEO and SO_LINGER (but for the option) can make a call wait;
 * SO_REUSEPORT and IP_TRANSPARENT steal connections; SO_RCVLOWAT and
 * TCP_FASTOPEN_CONNECT change what "readable" and "connected" mean; IP_RECVERR,
 * SO_TIMESTAMPING and SO_ZEROCOPY fill a queue that nobody reads; TCP_REPAIR, TCP_ULP,
 * TCP_MD5SIG and SO_ATTACH_FILTER make another thing of the socket;
 * TCP_ZEROCOPY_RECEIVE has a pointer in its value.
 */
static const struct raw_row rows[] = {
    NUMBER(SOL_SOCKET, SO_REUSEADDR),
    NUMBER(SOL_SOCKET, SO_KEEPALIVE),
    NUMBER(SOL_SOCKET, SO_DONTROUTE),
    NUMBER(SOL_SOCKET, SO_OOBINLINE),
    NUMBER(SOL_SOCKET, SO_SNDBUF),
    NUMBER(SOL_SOCKET, SO_RCVBUF),
    ROW(SOL_SOCKET, SO_MAX_PACING_RATE, RAW_ANYBODY, 8),
    ROW(SOL_SOCKET, SO_PRIORITY, RAW_PRIORITY, sizeof(int)),
    ROW(SOL_SOCKET, SO_MARK, RAW_ROOT, sizeof(int)),
    ASKED(SOL_SOCKET, SO_TYPE),
    ASKED(SOL_SOCKET, SO_DOMAIN),
    ASKED(SOL_SOCKET, SO_PROTOCOL),
    ASKED(SOL_SOCKET, SO_ACCEPTCONN),
    ASKED(SOL_SOCKET, SO_REUSEPORT),
    ASKED(SOL_SOCKET, SO_LINGER),
    ASKED(SOL_SOCKET, SO_RCVLOWAT),
    ASKED(SOL_SOCKET, SO_BINDTOIFINDEX),
    ASKED(SOL_SOCKET, SO_INCOMING_CPU),
    ASKED(SOL_SOCKET, SO_MEMINFO),
    ASKED(SOL_SOCKET, SO_COOKIE),
    NUMBER(IPPROTO_TCP, TCP_NODELAY),
    NUMBER(IPPROTO_TCP, TCP_CORK),
    NUMBER(IPPROTO_TCP, TCP_QUICKACK),
    NUMBER(IPPROTO_TCP, TCP_MAXSEG),
    NUMBER(IPPROTO_TCP, TCP_SYNCNT),
    NUMBER(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    NUMBER(IPPROTO_TCP, TCP_WINDOW_CLAMP),
    NUMBER(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    NUMBER(IPPROTO_TCP, TCP_KEEPIDLE),
    NUMBER(IPPROTO_TCP, TCP_KEEPINTVL),
    NUMBER(IPPROTO_TCP, TCP_KEEPCNT),
    NUMBER(IPPROTO_TCP, TCP_USER_TIMEOUT),
    NUMBER(IPPROTO_TCP, TCP_LINGER2),
    NUMBER(IPPROTO_TCP, TCP_FASTOPEN),
    NUMBER(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
    /* without a privilege only some are allowed: the daemon's right is not lent */
    ROW(IPPROTO_TCP, TCP_CONGESTION, RAW_ROOT, 16),
    ASKED(IPPROTO_TCP, TCP_INFO),
    ASKED(IPPROTO_TCP, TCP_CC_INFO),
    ASKED(IPPROTO_TCP, TCP_TIMESTAMP),
    ASKED(IPPROTO_TCP, TCP_IS_MPTCP),
    ASKED(SOL_MPTCP, MPTCP_INFO),
    NUMBER(IPPROTO_IP, IP_TOS),
    NUMBER(IPPROTO_IP, IP_TTL),
    NUMBER(IPPROTO_IP, IP_RECVTOS),
    NUMBER(IPPROTO_IP, IP_RECVTTL),
    NUMBER(IPPROTO_IP, IP_MINTTL),
    NUMBER(IPPROTO_IP, IP_MTU_DISCOVER),
    NUMBER(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    ASKED(IPPROTO_IP, IP_MTU),
    NUMBER(IPPROTO_IPV6, IPV6_V6ONLY),
    NUMBER(IPPROTO_IPV6, IPV6_TCLASS),
    NUMBER(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
    NUMBER(IPPROTO_IPV6, IPV6_RECVTCLASS),
    NUMBER(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
    NUMBER(IPPROTO_IPV6, IPV6_MINHOPCOUNT),
    NUMBER(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    NUMBER(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL),
    ASKED(IPPROTO_IPV6, IPV6_MTU),
};

enum { ROWS = sizeof rows / sizeof *rows };

const struct raw_row *
raw_find(int level, int name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].level == level && rows[i].name == name)
			return &rows[i];
	}
	return NULL;
}

const struct raw_row *
raw_row(size_t index)
{
	return index < ROWS ? &rows[index] : NULL;
}
