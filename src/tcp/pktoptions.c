/* SPDX-License-Identifier: ISC */
/*
 * The option pktoptions: what recvtos, recvttl and recvtclass made the kernel keep
 * of the last packets.  It comes as control messages, in the kernel's order; what
 * has no name in gen_tcp is left out.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "tcp/settings.h"

enum { CONTROL_MAX = 512 };

/* The option that a control message tells of; OPTION_COUNT if none. */
static enum option_id
option_of(const struct cmsghdr *c)
{
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
		return OPTION_TOS;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL)
		return OPTION_TTL;
	if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
		return OPTION_TCLASS;
	return OPTION_COUNT;
}

/* Its number: an int, or one byte (a tos).  False if it is neither. */
static bool
number_of(const struct cmsghdr *c, int *number)
{
	unsigned char byte;

	if (c->cmsg_len == CMSG_LEN(sizeof(byte))) {
		memcpy(&byte, CMSG_DATA(c), sizeof(byte));
		*number = byte;
		return true;
	}
	if (c->cmsg_len < CMSG_LEN(sizeof(*number)))
		return false;
	memcpy(number, CMSG_DATA(c), sizeof(*number));
	return true;
}

int
tcp_pktoptions_get(const struct tcp_socket *s, struct option_value *v)
{
	/* CMSG_NXTHDR wants it aligned */
	_Alignas(struct cmsghdr) unsigned char control[CONTROL_MAX] = {0};
	struct msghdr m = {.msg_control = control};
	socklen_t len = sizeof(control);
	bool inet6 = s->family == AF_INET6;
	enum option_id id;
	int number;

	v->u.packet.count = 0;
	if (s->family == AF_LOCAL)
		return EINVAL;
	if (s->fd == -1 ||
	    getsockopt(s->fd, inet6 ? IPPROTO_IPV6 : IPPROTO_IP,
		inet6 ? IPV6_2292PKTOPTIONS : IP_PKTOPTIONS, control, &len) == -1)
		return TCP_OMIT;
	m.msg_controllen = len;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
		id = option_of(c);
		if (id == OPTION_COUNT || !number_of(c, &number) ||
		    v->u.packet.count == OPTION_PACKET_OPTIONS)
			continue;
		v->u.packet.items[v->u.packet.count].id = id;
		v->u.packet.items[v->u.packet.count++].number = number;
	}
	return 0;
}
