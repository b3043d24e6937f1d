/* SPDX-License-Identifier: ISC */
/*
 * What connect, listen and fdopen have in common: which family, which own
 * address, and a socket with its options on it.  For src/tcp only.
 */
#ifndef TCP_OPEN_H
#define TCP_OPEN_H

#include "tcp/tcp_socket.h"

/* What the creation options say together. */
struct open_plan {
	int family;	   /* AF_INET, AF_INET6, AF_LOCAL */
	bool family_given; /* by a family option, an own address, a descriptor */
	const struct option_value *local; /* the last ip or ifaddr, or NULL */
	bool port_given;
	uint16_t port; /* own: port's or ifaddr's, whichever came last */
	int backlog;
	int protocol;			  /* for socket(2): 0 or IPPROTO_MPTCP */
	const struct option_value *netns; /* the last one, or NULL */
	int (*gate)(void *, enum tcp_gate, const struct address *); /* as in tcp_open */
	void *gate_ctx;
};

/*
 * Reads open's options into *plan, which points into them.  The first family
 * option wins; without one, the own address tells the family, then a passed
 * descriptor, else it is inet.  0, or why a passed descriptor will not do: ebadf
 * (no stream socket of TCP's), einval (of another family), eafnosupport (of
 * another family than the options say).
 */
int open_plan_read(struct open_plan *plan, const struct tcp_open *open);

/*
 * Makes a socket in TCP_OPEN with the options of list on it, not bound.  fd is
 * a passed descriptor, owned by this call whatever comes of it, or -1.  Of an
 * option given twice the last counts; numbers for active add up, from first to
 * last, and all of raw are set (protocol 4).  mode is active's value without one.
 * 0, or a reason, with *failed the option at fault or NULL.
 */
int open_socket(struct tcp_context *ctx, const struct open_plan *plan, int fd,
    enum option_active mode, const struct option_list *list, struct tcp_socket **socket,
    const struct option_row **failed);

/* What the plan's gate says of an address that s is about to bind or to connect to. */
int open_gate(const struct tcp_socket *s, const struct open_plan *plan,
    enum tcp_gate what, const struct sockaddr_storage *ss, unsigned len);

/*
 * Binds s as the plan says, to port if it says nothing.  wildcard: also where
 * the plan gives no address and no port.  0 or a reason, *failed as above.
 */
int open_bind(struct tcp_socket *s, const struct open_plan *plan, uint16_t port,
    bool wildcard, const struct option_row **failed);

#endif
