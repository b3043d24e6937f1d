/* SPDX-License-Identifier: ISC */
#include "daemon/config_private.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the table ------------------------------------------------------------------ */

#define AT(member) offsetof(struct config, member)
#define KIB	   INT64_C(1024)
#define MIB	   (1024 * KIB)
#define GIB	   (1024 * MIB)
#define DAY_MS	   INT64_C(86400000)

enum { SHUTDOWN_MS = 2000 };

/* What stands in two structs is set in the first and copied by join(). */
static const struct key keys[] = {
    {"socket", KEY_PATH, KEY_START, AT(socket), 1,
	sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	"path of the control socket; its lock file is PATH.lock"},
    {"mode", KEY_MODE, KEY_START, AT(server.mode), 0, 0777,
	"mode of the socket file: who may connect"},
    {"group", KEY_GROUP, KEY_START, AT(server.group), 0, UINT32_MAX - 1,
	"group of the socket file, by name or number"},
    {"monitor_socket", KEY_PATH, KEY_START, AT(monitor_socket), 1,
	sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	"path of a second socket, where clients may only ask"},
    {"monitor_mode", KEY_MODE, KEY_START, AT(monitor.mode), 0, 0777,
	"mode of its file: who may ask"},
    {"monitor_group", KEY_GROUP, KEY_START, AT(monitor.group), 0, UINT32_MAX - 1,
	"group of its file, by name or number"},
    {"admin_group", KEY_ADMIN, KEY_LIVE, AT(access), 0, UINT32_MAX - 1,
	"group whose members are administrators, as root is"},
    {"log", KEY_LOG, KEY_LIVE, AT(log), 0, 0,
	"where the log goes; auto: the journal where stderr is it, else stderr"},
    {"log_level", KEY_LEVELS, KEY_LIVE, AT(log), 0, 0,
	"how much is logged, in all or {subsystem: level}"},
    {"access", KEY_RULES, KEY_LIVE, AT(access), 0, 0,
	"rules: which users and groups may do what"},
    {"metrics_listen", KEY_METRICS, KEY_START, AT(metrics_listen), 1,
	sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	"where GET /metrics is answered: a path, or a loopback address and a port"},
    {"max_message", KEY_SIZE, KEY_LIVE, AT(server.wire.max_message), KIB, GIB,
	"bytes in a line from a client"},
    {"max_attachment", KEY_SIZE, KEY_LIVE, AT(server.wire.max_attachment), 0, 2 * GIB,
	"bytes of an attachment from a client"},
    {"max_values", KEY_SIZE, KEY_LIVE, AT(server.wire.max_values), 64, 16 * MIB,
	"JSON values in a line from a client"},
    {"queue_high", KEY_SIZE, KEY_LIVE, AT(server.queue_high), 4 * KIB, GIB,
	"unwritten bytes of a client, then its sockets and requests wait"},
    {"max_packet", KEY_SIZE, KEY_LIVE, AT(tcp.max_packet), 1, INT32_MAX,
	"bytes in the body of a received packet"},
    {"close_timeout", KEY_MS, KEY_LIVE, AT(tcp.close_timeout), 0, DAY_MS,
	"ms for the queued output of a closed socket"},
    {"shutdown_timeout", KEY_MS, KEY_LIVE, AT(shutdown_timeout), 0, DAY_MS,
	"ms at the end for what clients and peers have still to get"},
    {"stuck_timeout", KEY_MS, KEY_LIVE, AT(server.stuck_timeout), 0, DAY_MS,
	"ms that a client may leave what it has to read unread; 0: for ever"},
    {"inet_backend", KEY_BACKEND, KEY_LIVE, AT(tcp.socket_backend), 0, 0,
	"backend of sockets whose options do not say"},
    {"resolvers", KEY_COUNT, KEY_START, AT(tcp.resolvers), 1, 64,
	"threads that look up names"},
    {"resolve_timeout", KEY_MS, KEY_START, AT(tcp.resolve_timeout), 1, DAY_MS,
	"ms for a name, with the wait for a thread"},
    {"file_threads", KEY_COUNT, KEY_START, AT(tcp.file_threads), 1, 64,
	"threads that send files"},
    {"inet_default_connect_options", KEY_CONNECT, KEY_LIVE, AT(connect_options), 0, 0,
	"options that stand before those of each connect"},
    {"inet_default_listen_options", KEY_LISTEN, KEY_LIVE, AT(listen_options), 0, 0,
	"options that stand before those of each listen"},
    {"client_sockets", KEY_CAP, KEY_LIVE, AT(rpc.client_max[LIMIT_SOCKETS]), 1, INT64_MAX,
	"sockets of a client"},
    {"client_calls", KEY_CAP, KEY_LIVE, AT(rpc.client_max[LIMIT_CALLS]), 1, INT64_MAX,
	"waiting requests of a client"},
    {"client_bytes", KEY_CAP, KEY_LIVE, AT(rpc.client_max[LIMIT_BYTES]), KIB, INT64_MAX,
	"bytes held for a client: queued output, waiting sends, partial packets"},
    {"client_monitors", KEY_CAP, KEY_LIVE, AT(rpc.client_max[LIMIT_MONITORS]), 1,
	INT64_MAX, "monitors of a client"},
    {"uid_clients", KEY_CAP, KEY_LIVE, AT(rpc.uid_max[LIMIT_CLIENTS]), 1, INT64_MAX,
	"clients of a uid"},
    {"uid_sockets", KEY_CAP, KEY_LIVE, AT(rpc.uid_max[LIMIT_SOCKETS]), 1, INT64_MAX,
	"sockets of a uid's clients"},
    {"uid_calls", KEY_CAP, KEY_LIVE, AT(rpc.uid_max[LIMIT_CALLS]), 1, INT64_MAX,
	"waiting requests of a uid's clients"},
    {"uid_bytes", KEY_CAP, KEY_LIVE, AT(rpc.uid_max[LIMIT_BYTES]), KIB, INT64_MAX,
	"bytes held for a uid's clients"},
    {"uid_input", KEY_CAP, KEY_LIVE, AT(rpc.uid_max[LIMIT_INPUT]), MIB, INT64_MAX,
	"bytes of requests that a uid's clients have not sent to their end"},
    {"uid_monitors", KEY_CAP, KEY_LIVE, AT(rpc.uid_max[LIMIT_MONITORS]), 1, INT64_MAX,
	"monitors of a uid's clients"},
    {"total_clients", KEY_CAP, KEY_LIVE, AT(rpc.total_max[LIMIT_CLIENTS]), 1, INT64_MAX,
	"clients of the daemon"},
    {"total_sockets", KEY_CAP, KEY_LIVE, AT(rpc.total_max[LIMIT_SOCKETS]), 1, INT64_MAX,
	"sockets of the daemon"},
    {"total_calls", KEY_CAP, KEY_LIVE, AT(rpc.total_max[LIMIT_CALLS]), 1, INT64_MAX,
	"waiting requests of all clients"},
    {"total_bytes", KEY_CAP, KEY_LIVE, AT(rpc.total_max[LIMIT_BYTES]), KIB, INT64_MAX,
	"bytes held for all clients"},
    {"total_input", KEY_CAP, KEY_LIVE, AT(rpc.total_max[LIMIT_INPUT]), MIB, INT64_MAX,
	"bytes of requests that clients have not sent to their end"},
    {"total_monitors", KEY_CAP, KEY_LIVE, AT(rpc.total_max[LIMIT_MONITORS]), 1, INT64_MAX,
	"monitors of all clients"},
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

const struct key *
config_key(size_t i)
{
	return i < KEYS ? &keys[i] : NULL;
}

static const char *
key_name(size_t i)
{
	return i < KEYS ? keys[i].name : NULL;
}

static const struct key *
find_key(const char *name)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* --- a config as a whole -------------------------------------------------------------- */

/* Copies what two parts have to know. */
static void
join(struct config *c)
{
	c->server.path = c->socket;
	c->monitor.path = c->monitor_socket;
	c->monitor.monitor = true;
	c->monitor.wire = c->server.wire;
	c->monitor.queue_high = c->server.queue_high;
	c->monitor.stuck_timeout = c->server.stuck_timeout;
	c->rpc.control_path = c->socket;
	c->rpc.wire = c->server.wire;
	c->rpc.access = &c->access;
	c->rpc.replay_high = c->server.queue_high;
	c->rpc.connect_options = &c->connect_options;
	c->rpc.listen_options = &c->listen_options;
}

char *
config_default_socket(void)
{
	const char *given = getenv("GENTCPD_SOCKET"), *dir = getenv("XDG_RUNTIME_DIR");
	char *path = NULL;
	int n = 0;

	if (given != NULL && *given != '\0')
		n = asprintf(&path, "%s", given);
	else if (geteuid() == 0)
		n = asprintf(&path, "%s/gentcpd.sock", CONFIG_RUN_DIR);
	else if (dir != NULL && *dir != '\0')
		n = asprintf(&path, "%s/gentcpd.sock", dir);
	return n == -1 ? NULL : path;
}

void
config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->server = c->monitor = server_config_default;
	c->shutdown_timeout = SHUTDOWN_MS;
	c->log.target = CONFIG_LOG_AUTO;
	for (size_t i = 0; i < CONFIG_SUBSYSTEMS; i++)
		c->log.levels[i] = LOG_L_INFO;
	c->rpc = rpc_config_default;
	c->tcp = tcp_config_default;
	c->rpc.uid = geteuid();
	c->metrics_fd = -1;
	c->socket = config_default_socket();
	join(c);
}

void
config_fini(struct config *c)
{
	free(c->socket);
	free(c->monitor_socket);
	free(c->log.path);
	free(c->metrics_listen);
	c->socket = c->monitor_socket = c->log.path = c->metrics_listen = NULL;
	access_fini(&c->access);
	option_list_fini(&c->connect_options);
	option_list_fini(&c->listen_options);
	join(c);
}

bool
config_set_socket(struct config *c, const char *path)
{
	char *copy = strdup(path);

	if (copy == NULL)
		return false;
	free(c->socket);
	c->socket = copy;
	join(c);
	return true;
}

/* A socket that was passed has its own name: the file's does not count for it. */
static bool
is_passed(const struct key *key, const struct config *c)
{
	return key->offset == AT(socket) && c->server.fd != -1;
}

bool
config_keep(struct config *next, struct config *now, char *names, size_t size)
{
	size_t used = 0;

	*names = '\0';
	next->server.fd = now->server.fd;
	next->metrics_fd = now->metrics_fd;
	for (size_t i = 0; i < KEYS; i++) {
		bool same;

		if (keys[i].reload != KEY_START)
			continue;
		same = config_same(&keys[i], next, now);
		/* also where it is the same: parts of the daemon point to now's */
		config_swap(&keys[i], next, now);
		if (same || is_passed(&keys[i], next))
			continue;
		used += (size_t)snprintf(names + used, size - used, "%s%s",
		    used == 0 ? "" : ", ", keys[i].name);
		if (used >= size)
			used = size - 1;
	}
	join(next);
	join(now);
	return used > 0;
}

/* path may be NULL: as it is. */
static bool
set_socket(struct config *c, const char *path, char *why, size_t size)
{
	if (path == NULL || config_set_socket(c, path))
		return true;
	(void)snprintf(why, size, "out of memory");
	return false;
}

/* Where both are it would be said that another daemon runs there. */
static bool
sockets_differ(
    const struct config *c, const struct config_source *from, char *why, size_t size)
{
	if (c->socket == NULL || c->monitor_socket == NULL ||
	    strcmp(c->socket, c->monitor_socket) != 0)
		return true;
	(void)snprintf(why, size,
	    "%s: monitor_socket must be another path than the control socket's: %s",
	    from->file, c->socket);
	return false;
}

bool
config_build(struct config *c, const struct config_source *from, char *why, size_t size)
{
	config_init(c);
	if (!set_socket(c, from->fallback, why, size) ||
	    (from->file != NULL && !config_read(c, from->file, why, size)) ||
	    !set_socket(c, from->socket, why, size) ||
	    !sockets_differ(c, from, why, size)) {
		config_fini(c);
		return false;
	}
	if (from->verbose)
		for (size_t i = 0; i < CONFIG_SUBSYSTEMS; i++)
			c->log.levels[i] = LOG_L_DEBUG;
	return true;
}

void
config_warn(const struct config *c, const char *file)
{
	if (c->exposed)
		log_warning("config",
		    "%s: every user of the machine may write to it, and so say what "
		    "clients may: chmod o-w is missing",
		    file);
}

/* --- the file ---------------------------------------------------------------------------- */

static bool
apply(const struct reading *r, json_t *root)
{
	const struct key *key;
	const char *name;
	json_t *value;

	json_object_foreach (root, name, value) {
		const struct place here = {name, SIZE_MAX, NULL};

		key = find_key(name);
		if (key == NULL)
			return config_refuse_name(
			    r, &here, "is an unknown key", name, key_name);
		if (!config_set(r, key, value))
			return false;
	}
	return true;
}

static bool
copy_text(char **to, const char *from)
{
	*to = from == NULL ? NULL : strdup(from);
	return from == NULL || *to != NULL;
}

/* A copy whose parts are its own.  False without memory. */
static bool
copy(struct config *to, const struct config *from)
{
	bool ok;

	*to = *from;
	to->socket = to->monitor_socket = to->log.path = to->metrics_listen = NULL;
	to->access = (struct access){0};
	to->connect_options = to->listen_options = (struct option_list){0};
	ok = copy_text(&to->socket, from->socket) &&
	    copy_text(&to->monitor_socket, from->monitor_socket) &&
	    copy_text(&to->log.path, from->log.path) &&
	    copy_text(&to->metrics_listen, from->metrics_listen) &&
	    access_copy(&to->access, &from->access) &&
	    option_list_join(&to->connect_options, &from->connect_options) &&
	    option_list_join(&to->listen_options, &from->listen_options);
	if (!ok)
		config_fini(to);
	return ok;
}

bool
config_read(struct config *c, const char *path, char *why, size_t size)
{
	struct config next;
	struct reading r = {.config = &next, .file = path, .why = why, .size = size};
	char *text;
	bool exposed, ok;
	json_t *root = config_load(path, &text, &r.len, &exposed, why, size);

	if (root == NULL)
		return false;
	if (!copy(&next, c)) {
		snprintf(why, size, "%s: out of memory", path);
		json_decref(root);
		free(text);
		return false;
	}
	r.text = text;
	next.exposed = exposed;
	ok = apply(&r, root);
	json_decref(root);
	free(text);
	if (!ok) {
		config_fini(&next);
		return false;
	}
	config_fini(c);
	*c = next;
	join(c);
	return true;
}
