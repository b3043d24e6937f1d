/* SPDX-License-Identifier: ISC */
#include "tcp/open.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/netns.h"

enum { BACKLOG = 5 };

/* --- the plan --------------------------------------------------------------- */

static int
family_of_option(int64_t value)
{
	switch (value) {
	case OPTION_FAMILY_INET6:
		return AF_INET6;
	case OPTION_FAMILY_LOCAL:
		return AF_LOCAL;
	default:
		return AF_INET;
	}
}

/* AF_UNSPEC where the address goes with any. */
static int
family_of_address(const struct address *a)
{
	switch (a->kind) {
	case ADDRESS_INET:
		return AF_INET;
	case ADDRESS_INET6:
		return AF_INET6;
	case ADDRESS_LOCAL:
		return AF_LOCAL;
	case ADDRESS_NONE:
	case ADDRESS_ANY:
	case ADDRESS_LOOPBACK:
		break;
	}
	return AF_UNSPEC;
}

static void
plan_option(struct open_plan *plan, const struct option_value *v)
{
	switch (v->id) {
	case OPTION_FAMILY:
	case OPTION_TCP_MODULE:
		if (plan->family == AF_UNSPEC)
			plan->family = family_of_option(v->u.number);
		break;
	case OPTION_IP:
	case OPTION_IFADDR:
		plan->local = v;
		if (v->u.address.sockaddr) {
			plan->port = v->u.address.port;
			plan->port_given = true;
		}
		break;
	case OPTION_PORT:
		plan->port = (uint16_t)v->u.number;
		plan->port_given = true;
		break;
	case OPTION_PROTOCOL:
		plan->protocol = v->u.number == OPTION_PROTOCOL_MPTCP ? IPPROTO_MPTCP : 0;
		break;
	case OPTION_NETNS:
		plan->netns = v;
		break;
	case OPTION_BACKLOG:
		plan->backlog = (int)v->u.number;
		break;
	default:
		break;
	}
}

static int
int_option(int fd, int name, int *value)
{
	socklen_t len = sizeof(*value);

	return getsockopt(fd, SOL_SOCKET, name, value, &len);
}

static int
check_passed(int fd, int *family)
{
	int type, protocol;

	if (int_option(fd, SO_TYPE, &type) == -1)
		return errno;
	if (type != SOCK_STREAM || int_option(fd, SO_DOMAIN, family) == -1 ||
	    int_option(fd, SO_PROTOCOL, &protocol) == -1)
		return EBADF;
	if (*family == AF_LOCAL)
		return 0;
	if (*family != AF_INET && *family != AF_INET6)
		return EINVAL;
	return protocol == IPPROTO_TCP || protocol == IPPROTO_MPTCP ? 0 : EBADF;
}

int
open_plan_read(struct open_plan *plan, const struct tcp_open *open)
{
	const struct option_list *list = open->options;
	int passed = AF_UNSPEC, reason;

	memset(plan, 0, sizeof(*plan));
	plan->family = AF_UNSPEC;
	plan->backlog = BACKLOG;
	plan->gate = open->gate;
	plan->gate_ctx = open->gate_ctx;
	for (size_t i = 0; list != NULL && i < list->count; i++)
		plan_option(plan, &list->items[i]);
	if (plan->family == AF_UNSPEC && plan->local != NULL)
		plan->family = family_of_address(&plan->local->u.address);
	if (open->fd >= 0) {
		reason = check_passed(open->fd, &passed);
		if (reason != 0)
			return reason;
		if (plan->family != AF_UNSPEC && plan->family != passed)
			return EAFNOSUPPORT;
		plan->family = passed;
	}
	plan->family_given = plan->family != AF_UNSPEC;
	if (!plan->family_given)
		plan->family = AF_INET;
	return 0;
}

/* --- the socket --------------------------------------------------------------- */

static int
apply_options(struct tcp_socket *s, const struct option_list *list,
    const struct option_row **failed)
{
	size_t last[OPTION_COUNT];
	const struct option_value *v;
	int reason;

	for (size_t i = 0; i < list->count; i++)
		last[list->items[i].id] = i;
	for (size_t i = 0; i < list->count; i++) {
		v = &list->items[i];
		if (last[v->id] != i && v->id != OPTION_ACTIVE && v->id != OPTION_RAW)
			continue;
		reason = tcp_sockopt_apply(s, v);
		if (reason != 0) {
			*failed = option_row(v->id);
			return reason;
		}
	}
	/* which inet ignores */
	if (s->set.socket_backend && s->family == AF_LOCAL &&
	    option_list_last(list, OPTION_NODELAY) != NULL) {
		*failed = option_row(OPTION_NODELAY);
		return EOPNOTSUPP;
	}
	return 0;
}

/* O_NONBLOCK may be taken off again by whoever shares it: see passed. */
static int
prepare_passed(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
		return errno;
	return 0;
}

/* Of a local socket there is but one protocol.  0 and *fd, or a reason. */
static int
new_descriptor(const struct open_plan *plan, int *fd, const struct option_row **failed)
{
	int protocol = plan->family == AF_LOCAL ? 0 : plan->protocol, reason;

	if (plan->netns == NULL) {
		*fd = socket(
		    plan->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
		return *fd == -1 ? errno : 0;
	}
	reason = netns_socket(plan->netns->u.path.name, plan->family, protocol, fd);
	if (reason != 0)
		*failed = option_row(OPTION_NETNS);
	return reason == EAGAIN ? REASON_SYSTEM_LIMIT : reason;
}

int
open_socket(struct tcp_context *ctx, const struct open_plan *plan, int fd,
    enum option_active mode, const struct option_list *list,
    struct tcp_socket **socket_out, const struct option_row **failed)
{
	bool passed = fd >= 0;
	struct tcp_socket *s;
	int reason = 0;

	*failed = NULL;
	if (passed)
		reason = prepare_passed(fd);
	else
		reason = new_descriptor(plan, &fd, failed);
	if (fd == -1)
		return reason;
	s = reason == 0 ? tcp_socket_new(ctx, fd, plan->family) : NULL;
	if (s == NULL) {
		(void)close(fd);
		return reason != 0 ? reason : ENOMEM;
	}
	s->passed = passed;
	s->active.mode = mode;
	if (list != NULL)
		reason = apply_options(s, list, failed);
	if (reason != 0) {
		tcp_socket_end(s, reason, false);
		return reason;
	}
	tcp_trace(s, "opened, descriptor %d", fd);
	*socket_out = s;
	return 0;
}

/* A passed descriptor counts as bound, unless a real address is given. */
static bool
wants_bind(const struct tcp_socket *s, const struct open_plan *plan, uint16_t port,
    bool wildcard)
{
	if (!s->passed)
		return wildcard || plan->local != NULL || plan->port_given;
	if (plan->local != NULL && plan->local->u.address.kind != ADDRESS_ANY)
		return true;
	return (plan->port_given ? plan->port : port) != 0;
}

/* Does it take IPv4, too? */
static bool
is_dual(const struct tcp_socket *s, const struct address *a)
{
	static const uint8_t any[sizeof(a->u.inet6.addr)];
	int only = 0;
	socklen_t len = sizeof(only);

	return a->kind == ADDRESS_INET6 &&
	    memcmp(a->u.inet6.addr, any, sizeof(any)) == 0 &&
	    getsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && only == 0;
}

/* What s is bound to; of kind ADDRESS_NONE where that cannot be told. */
static struct address
own_address(const struct tcp_socket *s)
{
	struct address own = {.kind = ADDRESS_NONE};

	(void)tcp_sockname(s, &own);
	return own;
}

int
open_gate(const struct tcp_socket *s, const struct open_plan *plan, enum tcp_gate what,
    const struct sockaddr_storage *ss, unsigned len)
{
	struct address a, own, inet = {.kind = ADDRESS_INET};
	int reason;

	if (plan->gate == NULL)
		return 0;
	tcp_address_from_sockaddr(ss, len, &a);
	if (what == TCP_GATE_CONNECT) {
		own = own_address(s);
		tcp_address_destination(&a, &own);
	}
	reason = plan->gate(plan->gate_ctx, what, &a);
	if (reason != 0 || what != TCP_GATE_BIND || !is_dual(s, &a))
		return reason;
	inet.port = a.port;
	return plan->gate(plan->gate_ctx, what, &inet);
}

int
open_bind(struct tcp_socket *s, const struct open_plan *plan, uint16_t port,
    bool wildcard, const struct option_row **failed)
{
	static const struct address any = {.kind = ADDRESS_ANY};
	struct sockaddr_storage ss;
	unsigned len;
	int reason;

	*failed = NULL;
	if (!wants_bind(s, plan, port, wildcard))
		return 0;
	reason = tcp_address_to_sockaddr(
	    plan->local != NULL ? &plan->local->u.address : &any,
	    plan->port_given ? plan->port : port, s->family, &ss, &len);
	if (reason == 0)
		reason = open_gate(s, plan, TCP_GATE_BIND, &ss, len);
	if (reason == 0 && bind(s->fd, (struct sockaddr *)&ss, len) == -1)
		reason = errno;
	if (plan->local != NULL &&
	    (reason == EINVAL || reason == EAFNOSUPPORT || reason == EADDRNOTAVAIL))
		*failed = option_row(plan->local->id);
	return reason;
}

/* --- fdopen ------------------------------------------------------------------- */

static int
fdopen_socket(struct tcp_context *ctx, const struct tcp_open *open, struct tcp_outcome *o)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct open_plan plan;
	int reason = open->fd >= 0 ? open_plan_read(&plan, open) : EBADF;

	if (reason == 0 && getpeername(open->fd, (struct sockaddr *)&ss, &len) == -1)
		reason = errno;
	if (reason != 0) {
		tcp_discard_fd(ctx, open->fd, open->account);
		return reason;
	}
	return open_socket(ctx, &plan, open->fd, OPTION_ACTIVE_FALSE, open->options,
	    &o->socket, &o->option);
}

void
tcp_fdopen(struct tcp_context *ctx, const struct tcp_open *open, struct tcp_outcome *o)
{
	memset(o, 0, sizeof(*o));
	o->reason = fdopen_socket(ctx, open, o);
	if (o->reason != 0)
		return;
	tcp_state_move(o->socket, TCP_CONNECTED);
	if (!tcp_set_owner(o->socket, open->user, open->account)) {
		tcp_socket_end(o->socket, REASON_SYSTEM_LIMIT, false);
		o->socket = NULL;
		o->reason = REASON_SYSTEM_LIMIT;
	}
}
