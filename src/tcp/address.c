/* SPDX-License-Identifier: ISC */
/* struct address <-> struct sockaddr, and the names of a socket's two ends. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tcp/tcp_socket.h"

static int
to_inet(const struct address *a, uint16_t port, struct sockaddr_in *in)
{
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	switch (a->kind) {
	case ADDRESS_NONE:
	case ADDRESS_ANY:
		in->sin_addr.s_addr = htonl(INADDR_ANY);
		return 0;
	case ADDRESS_LOOPBACK:
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return 0;
	case ADDRESS_INET:
		memcpy(&in->sin_addr, a->u.inet, sizeof(in->sin_addr));
		return 0;
	case ADDRESS_INET6:
	case ADDRESS_LOCAL:
		break;
	}
	return EAFNOSUPPORT;
}

static int
to_inet6(const struct address *a, uint16_t port, struct sockaddr_in6 *in6)
{
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	switch (a->kind) {
	case ADDRESS_NONE:
	case ADDRESS_ANY:
		in6->sin6_addr = in6addr_any;
		return 0;
	case ADDRESS_LOOPBACK:
		in6->sin6_addr = in6addr_loopback;
		return 0;
	case ADDRESS_INET6:
		memcpy(&in6->sin6_addr, a->u.inet6.addr, sizeof(in6->sin6_addr));
		in6->sin6_scope_id = a->u.inet6.scope_id;
		in6->sin6_flowinfo = htonl(a->u.inet6.flowinfo);
		return 0;
	case ADDRESS_INET:
	case ADDRESS_LOCAL:
		break;
	}
	return EAFNOSUPPORT;
}

/*
 * A path ends with NUL and so has one byte less than an abstract name.  One
 * with a NUL inside would name another file than it says.
 */
static int
to_local(const struct address *a, struct sockaddr_un *un, unsigned *len)
{
	size_t n = a->u.local.len;
	bool abstract = n > 0 && a->u.local.path[0] == '\0';

	un->sun_family = AF_LOCAL;
	if (a->kind == ADDRESS_INET || a->kind == ADDRESS_INET6)
		return EAFNOSUPPORT;
	if (a->kind != ADDRESS_LOCAL)
		return EINVAL;
	if (n > sizeof(un->sun_path) - (abstract ? 0 : 1))
		return EINVAL;
	if (!abstract && memchr(a->u.local.path, '\0', n) != NULL)
		return EINVAL;
	memcpy(un->sun_path, a->u.local.path, n);
	*len = (unsigned)(offsetof(struct sockaddr_un, sun_path) + n);
	if (n > 0 && !abstract)
		*len += 1;
	return 0;
}

int
tcp_address_to_sockaddr(const struct address *a, uint16_t port, int family,
    struct sockaddr_storage *ss, unsigned *len)
{
	memset(ss, 0, sizeof(*ss));
	switch (family) {
	case AF_INET:
		*len = sizeof(struct sockaddr_in);
		return to_inet(a, port, (struct sockaddr_in *)ss);
	case AF_INET6:
		*len = sizeof(struct sockaddr_in6);
		return to_inet6(a, port, (struct sockaddr_in6 *)ss);
	case AF_LOCAL:
		return to_local(a, (struct sockaddr_un *)ss, len);
	default:
		return EAFNOSUPPORT;
	}
}

static void
from_local(const struct sockaddr_un *un, unsigned len, struct address *a)
{
	size_t n = 0;

	/* an unnamed socket has a family and nothing else */
	if (len > offsetof(struct sockaddr_un, sun_path))
		n = len - offsetof(struct sockaddr_un, sun_path);
	if (n > sizeof(un->sun_path))
		n = sizeof(un->sun_path);
	if (n > 0 && un->sun_path[0] != '\0')
		n = strnlen(un->sun_path, n);
	a->kind = ADDRESS_LOCAL;
	a->u.local.len = n;
	memcpy(a->u.local.path, un->sun_path, n);
}

void
tcp_address_from_sockaddr(
    const struct sockaddr_storage *ss, unsigned len, struct address *a)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)ss;

	memset(a, 0, sizeof(*a));
	a->sockaddr = true;
	switch (len < sizeof(ss->ss_family) ? AF_UNSPEC : ss->ss_family) {
	case AF_INET:
		a->kind = ADDRESS_INET;
		a->port = ntohs(in->sin_port);
		memcpy(a->u.inet, &in->sin_addr, sizeof(a->u.inet));
		break;
	case AF_INET6:
		a->kind = ADDRESS_INET6;
		a->port = ntohs(in6->sin6_port);
		memcpy(a->u.inet6.addr, &in6->sin6_addr, sizeof(a->u.inet6.addr));
		a->u.inet6.scope_id = in6->sin6_scope_id;
		a->u.inet6.flowinfo = ntohl(in6->sin6_flowinfo);
		break;
	case AF_LOCAL:
		from_local((const struct sockaddr_un *)ss, len, a);
		break;
	default:
		break;
	}
}

static bool
is_any(const struct address *a)
{
	static const uint8_t zeros[sizeof(a->u.inet6.addr)];

	if (a->kind == ADDRESS_INET)
		return memcmp(a->u.inet, zeros, sizeof(a->u.inet)) == 0;
	return a->kind == ADDRESS_INET6 &&
	    memcmp(a->u.inet6.addr, zeros, sizeof(zeros)) == 0;
}

void
tcp_address_destination(struct address *a, const struct address *own)
{
	static const uint8_t loopback[] = {127, 0, 0, 1};
	struct address from = *own;
	bool mapped = address_unmap(&from);

	(void)address_unmap(a);
	if (!is_any(a))
		return;
	if (a->kind == ADDRESS_INET && from.kind == ADDRESS_INET && !is_any(&from))
		memcpy(a->u.inet, from.u.inet, sizeof(a->u.inet));
	else if (a->kind == ADDRESS_INET || mapped) {
		a->kind = ADDRESS_INET;
		memcpy(a->u.inet, loopback, sizeof(loopback));
	} else
		a->u.inet6.addr[sizeof(a->u.inet6.addr) - 1] = 1;
}

int
tcp_sockname(const struct tcp_socket *s, struct address *a)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (tcp_is_gone(s))
		return EINVAL;
	if (s->fd == -1)
		return EBADF;
	if (getsockname(s->fd, (struct sockaddr *)&ss, &len) == -1)
		return errno;
	tcp_address_from_sockaddr(&ss, len, a);
	return 0;
}

int
tcp_peername(const struct tcp_socket *s, struct address *a)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (tcp_is_gone(s))
		return EINVAL;
	if (s->fd == -1)
		return ENOTCONN;
	if (getpeername(s->fd, (struct sockaddr *)&ss, &len) == -1)
		return errno;
	tcp_address_from_sockaddr(&ss, len, a);
	return 0;
}

bool
tcp_service_port(const char *name, uint16_t *port)
{
	struct servent entry, *found = NULL;
	char buffer[1024];

	if (getservbyname_r(name, "tcp", &entry, buffer, sizeof(buffer), &found) != 0 ||
	    found == NULL)
		return false;
	*port = ntohs((uint16_t)found->s_port);
	return true;
}
