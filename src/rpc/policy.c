/* SPDX-License-Identifier: ISC */
/*
 * Who may do what: the built-in rules.  The daemon may have rights that its
 * clients have not, and must not lend them (the confused deputy).
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "rpc/rpc_private.h"

enum { PORT_UNPRIVILEGED = 1024 };

bool
policy_sees(const struct session *s, uid_t uid)
{
	return s->privileged || s->uid == uid;
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
	return stat(path, &other) == 0 && stat(s->rpc->config.control_path, &own) == 0 &&
	    own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/* What binding asks for: the value may name a port, a local path, or both. */
static int
check_option(const struct option_value *v, const char **detail)
{
	bool low = false;

	switch (v->id) {
	case OPTION_PORT:
		low = v->u.number > 0 && v->u.number < PORT_UNPRIVILEGED;
		break;
	case OPTION_IP:
	case OPTION_IFADDR:
		if (v->u.address.kind == ADDRESS_LOCAL)
			break;
		low = v->u.address.sockaddr && privileged_port(v->u.address.port);
		break;
	case OPTION_FAMILY:
		break;
	default:
		return 0;
	}
	if (low) {
		*detail = "binding a port below 1024 is for root";
		return EACCES;
	}
	if ((v->id == OPTION_FAMILY && v->u.number == OPTION_FAMILY_LOCAL) ||
	    ((v->id == OPTION_IP || v->id == OPTION_IFADDR) &&
		v->u.address.kind == ADDRESS_LOCAL)) {
		*detail = "local addresses are for root";
		return EACCES;
	}
	return 0;
}

int
policy_open(const struct session *s, const struct address *address, uint16_t port,
    const struct option_list *options, const char **detail)
{
	size_t i;

	if (address != NULL && is_control(s, address)) {
		*detail = "the daemon does not connect to its own control socket";
		return EACCES;
	}
	if (s->privileged)
		return 0;
	if (privileged_port(port)) {
		*detail = "binding a port below 1024 is for root";
		return EACCES;
	}
	if (address != NULL && address->kind == ADDRESS_LOCAL) {
		*detail = "local addresses are for root";
		return EACCES;
	}
	if (address == NULL && option_list_last(options, OPTION_FD) != NULL) {
		*detail = "passing a listener's descriptor is for root";
		return EACCES;
	}
	for (i = 0; i < options->count; i++)
		if (check_option(&options->items[i], detail) != 0)
			return EACCES;
	return 0;
}
