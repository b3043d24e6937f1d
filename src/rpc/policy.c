/* SPDX-License-Identifier: ISC */
/*
 * Who may do what: the built-in rules.  The daemon may have rights that its
 * clients have not, and must not lend them (the confused deputy).
 */
#include "rpc/policy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/idmap.h"
#include "proto/address.h"
#include "proto/option.h"
#include "proto/raw.h"
#include "rpc/access.h"
#include "rpc/ownership.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

enum { PORT_UNPRIVILEGED = 1024, PRIORITY_MAX = 6 /* without privilege: socket(7) */ };

static const char low_port[] = "binding a port below 1024 is for root";
static const char local_address[] = "local addresses are for root";
static const char foreign_netns[] = "network namespaces are for root";
static const char own_client[] = "the daemon does not become its own client";
static const char bound_device[] = "binding to a device is for root";
static const char unsafe_raw[] =
    "it is not among the raw options of gentcp-protocol(7) that can be set";
static const char root_raw[] = "setting this raw option is for root";
static const char high_priority[] = "a priority outside 0..6 is for root";

bool
policy_sees(const struct session *s, uid_t uid)
{
	return s->privileged || s->monitor || s->uid == uid;
}

int
policy_getfd(const struct session *s, const struct tcp_socket *tcp, const char **detail)
{
	*detail = NULL;
	if (!s->privileged && tcp_is_listener(tcp))
		*detail = "a listener's descriptor is for root";
	return *detail == NULL ? 0 : EACCES;
}

static bool
privileged_port(uint16_t port)
{
	return port != 0 && port < PORT_UNPRIVILEGED;
}

/* Is that the daemon's own control socket? */
static bool
is_control(const struct session *s, const struct address *a)
{
	char path[sizeof(a->u.local.path) + 1];
	struct stat own, other;

	if (a->kind != ADDRESS_LOCAL || a->u.local.len == 0 ||
	    a->u.local.path[0] == '\0' || s->rpc->config.control_path == NULL)
		return false;
	memcpy(path, a->u.local.path, a->u.local.len);
	path[a->u.local.len] = '\0';
	/* the file may be gone, or another's by now, the socket is not */
	if (strcmp(path, s->rpc->config.control_path) == 0)
		return true;
	return stat(path, &other) == 0 && stat(s->rpc->config.control_path, &own) == 0 &&
	    own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* Are the ports that s may bind those of its rule?  Then tcp's gate asks. */
static bool
has_ports(const struct session *s)
{
	return s->rule != NULL && s->rule->listen.given;
}

/* What of an option only the privileged may ask for, as a sentence; or NULL. */
static const char *
privilege(const struct session *s, const struct option_value *v)
{
	const struct address *a = &v->u.address;

	switch (v->id) {
	case OPTION_PORT:
		return v->u.number > 0 && v->u.number < PORT_UNPRIVILEGED && !has_ports(s)
		    ? low_port
		    : NULL;
	case OPTION_IP:
	case OPTION_IFADDR:
		if (a->kind == ADDRESS_LOCAL)
			return local_address;
		return a->sockaddr && privileged_port(a->port) && !has_ports(s) ? low_port
										: NULL;
	case OPTION_FAMILY:
	case OPTION_TCP_MODULE:
		return v->u.number == OPTION_FAMILY_LOCAL ? local_address : NULL;
	case OPTION_PRIORITY:
		/* the kernel would ask for CAP_NET_ADMIN, which the daemon may have */
		return v->u.number < 0 || v->u.number > PRIORITY_MAX ? high_priority
								     : NULL;
	case OPTION_NETNS:
		return foreign_netns;
	case OPTION_BIND_TO_DEVICE:
		/* to change or undo it the kernel asks for CAP_NET_RAW, likewise */
		return bound_device;
	default:
		return NULL;
	}
}

/* A raw option: the safe ones for everybody, some of them for the privileged. */
static const char *
raw_refusal(const struct session *s, const struct option_value *v)
{
	const struct raw_row *row = raw_find(v->u.raw.level, v->u.raw.name);
	int priority = 0;

	if (row == NULL || row->set == RAW_NOT)
		return unsafe_raw;
	if (s->privileged || row->set == RAW_ANYBODY)
		return NULL;
	if (row->set == RAW_ROOT)
		return root_raw;
	memcpy(&priority, v->u.raw.data, sizeof(priority));
	return priority < 0 || priority > PRIORITY_MAX ? high_priority : NULL;
}

int
policy_options(
    const struct session *s, const struct option_list *options, const char **detail)
{
	size_t i;

	*detail = NULL;
	for (i = 0; i < options->count && *detail == NULL; i++)
		if (options->items[i].id == OPTION_RAW)
			*detail = raw_refusal(s, &options->items[i]);
		else if (!s->privileged)
			*detail = privilege(s, &options->items[i]);
	return *detail == NULL ? 0 : EACCES;
}

int
policy_adopt(
    const struct session *s, const struct option_list *options, const char **detail)
{
	struct option_list one = {.count = 1};
	size_t i;
	int reason = 0;

	*detail = NULL;
	for (i = 0; i < options->count && reason == 0; i++) {
		one.items = &options->items[i];
		if ((option_row(one.items->id)->when & OPTION_AT_SET) != 0)
			reason = policy_options(s, &one, detail);
	}
	return reason;
}

int
policy_adopted(const struct session *s, const struct tcp_socket *tcp, const char **detail)
{
	struct address peer;

	*detail = NULL;
	if (tcp_peername(tcp, &peer) == 0 && is_control(s, &peer))
		*detail = own_client;
	return *detail == NULL ? 0 : EACCES;
}

static bool
is_on(const struct option_list *options, enum option_id id)
{
	const struct option_value *v = option_list_last(options, id);

	return v != NULL && v->u.on;
}

/* The port to bind, by position or by the last option that names one. */
static uint16_t
port_asked(uint16_t port, const struct option_list *options)
{
	const struct option_value *v;
	size_t i;

	for (i = 0; i < options->count; i++) {
		v = &options->items[i];
		if (v->id == OPTION_PORT)
			port = (uint16_t)v->u.number;
		else if (v->id == OPTION_IFADDR && v->u.address.sockaddr)
			port = v->u.address.port;
	}
	return port;
}

/*
 * The kernel lets sockets of one user share a port, and all are the daemon's
 * here: among clients of different users it would be one taking another's
 * connections.
 */
static bool
shares_port(const struct session *s, uint16_t port, const struct option_list *options)
{
	const struct handle *h;
	struct address name;
	size_t at = 0;

	if (!is_on(options, OPTION_REUSEPORT) && !is_on(options, OPTION_REUSEPORT_LB))
		return false;
	port = port_asked(port, options);
	while (port != 0 && (h = idmap_next(&s->rpc->sockets, &at)) != NULL)
		if (h->owner->uid != s->uid && tcp_is_listener(h->tcp) &&
		    tcp_sockname(h->tcp, &name) == 0 && name.port == port)
			return true;
	return false;
}

int
policy_open(const struct session *s, const struct address *address, uint16_t port,
    const struct option_list *options, const struct option_list *all, const char **detail)
{
	*detail = NULL;
	if (s->privileged) {
		/* only theirs are local addresses, so nobody else makes us look */
		if (policy_options(s, options, detail) == 0 && address != NULL &&
		    is_control(s, address))
			*detail = "the daemon does not connect to its own control socket";
	} else if (privileged_port(port) && !has_ports(s))
		*detail = low_port;
	else if (address != NULL && address->kind == ADDRESS_LOCAL)
		*detail = local_address;
	else if (address == NULL && option_list_last(options, OPTION_FD) != NULL)
		*detail = "passing a listener's descriptor is for root";
	else if (policy_options(s, options, detail) == 0 && shares_port(s, port, all)) {
		*detail = "another user listens there";
		return EADDRINUSE;
	}
	return *detail == NULL ? 0 : EACCES;
}
