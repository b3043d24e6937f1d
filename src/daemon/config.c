/* SPDX-License-Identifier: ISC */
#include "daemon/config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* --- the table ------------------------------------------------------------------ */

enum key_type {
	KEY_SIZE,    /* size_t */
	KEY_CAP,     /* size_t, or "unlimited" */
	KEY_MS,	     /* int64_t */
	KEY_COUNT,   /* unsigned */
	KEY_MODE,    /* mode_t, as an octal string */
	KEY_GROUP,   /* gid_t, a name or a number */
	KEY_PATH,    /* char *, own */
	KEY_BACKEND, /* bool: socket, else inet */
	KEY_CONNECT, /* struct option_list, own: options of connect … */
	KEY_LISTEN   /* … and of listen */
};

struct key {
	const char *name;
	enum key_type type;
	size_t offset; /* in struct config */
	int64_t min, max;
	const char *help;
};

#define AT(member) offsetof(struct config, member)
#define KIB	   INT64_C(1024)
#define MIB	   (1024 * KIB)
#define GIB	   (1024 * MIB)
#define DAY_MS	   INT64_C(86400000)

/* What stands in two structs is set in the first and copied by join(). */
static const struct key keys[] = {
    {"socket", KEY_PATH, AT(socket), 1, sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	"path of the control socket; its lock file is PATH.lock"},
    {"mode", KEY_MODE, AT(server.mode), 0, 0777,
	"mode of the socket file: who may connect"},
    {"group", KEY_GROUP, AT(server.group), 0, UINT32_MAX - 1,
	"group of the socket file, by name or number"},
    {"max_message", KEY_SIZE, AT(server.wire.max_message), KIB, GIB,
	"bytes in a line from a client"},
    {"max_attachment", KEY_SIZE, AT(server.wire.max_attachment), 0, 2 * GIB,
	"bytes of an attachment from a client"},
    {"max_values", KEY_SIZE, AT(server.wire.max_values), 64, 16 * MIB,
	"JSON values in a line from a client"},
    {"queue_high", KEY_SIZE, AT(server.queue_high), 4 * KIB, GIB,
	"unwritten bytes of a client, then its sockets and requests wait"},
    {"max_packet", KEY_SIZE, AT(tcp.max_packet), 1, INT32_MAX,
	"bytes in the body of a received packet"},
    {"close_timeout", KEY_MS, AT(tcp.close_timeout), 0, DAY_MS,
	"ms for the queued output of a closed socket"},
    {"inet_backend", KEY_BACKEND, AT(tcp.socket_backend), 0, 0,
	"backend of sockets whose options do not say"},
    {"resolvers", KEY_COUNT, AT(tcp.resolvers), 1, 64, "threads that look up names"},
    {"file_threads", KEY_COUNT, AT(tcp.file_threads), 1, 64, "threads that send files"},
    {"inet_default_connect_options", KEY_CONNECT, AT(connect_options), 0, 0,
	"options that stand before those of each connect"},
    {"inet_default_listen_options", KEY_LISTEN, AT(listen_options), 0, 0,
	"options that stand before those of each listen"},
    {"client_sockets", KEY_CAP, AT(rpc.client_max[LIMIT_SOCKETS]), 1, INT64_MAX,
	"sockets of a client"},
    {"client_calls", KEY_CAP, AT(rpc.client_max[LIMIT_CALLS]), 1, INT64_MAX,
	"waiting requests of a client"},
    {"client_bytes", KEY_CAP, AT(rpc.client_max[LIMIT_BYTES]), KIB, INT64_MAX,
	"bytes held for a client: queued output, waiting sends, partial packets"},
    {"client_monitors", KEY_CAP, AT(rpc.client_max[LIMIT_MONITORS]), 1, INT64_MAX,
	"monitors of a client"},
    {"uid_clients", KEY_CAP, AT(rpc.uid_max[LIMIT_CLIENTS]), 1, INT64_MAX,
	"clients of a uid"},
    {"uid_sockets", KEY_CAP, AT(rpc.uid_max[LIMIT_SOCKETS]), 1, INT64_MAX,
	"sockets of a uid's clients"},
    {"uid_calls", KEY_CAP, AT(rpc.uid_max[LIMIT_CALLS]), 1, INT64_MAX,
	"waiting requests of a uid's clients"},
    {"uid_bytes", KEY_CAP, AT(rpc.uid_max[LIMIT_BYTES]), KIB, INT64_MAX,
	"bytes held for a uid's clients"},
    {"uid_input", KEY_CAP, AT(rpc.uid_max[LIMIT_INPUT]), MIB, INT64_MAX,
	"bytes of requests that a uid's clients have not sent to their end"},
    {"uid_monitors", KEY_CAP, AT(rpc.uid_max[LIMIT_MONITORS]), 1, INT64_MAX,
	"monitors of a uid's clients"},
    {"total_clients", KEY_CAP, AT(rpc.total_max[LIMIT_CLIENTS]), 1, INT64_MAX,
	"clients of the daemon"},
    {"total_sockets", KEY_CAP, AT(rpc.total_max[LIMIT_SOCKETS]), 1, INT64_MAX,
	"sockets of the daemon"},
    {"total_calls", KEY_CAP, AT(rpc.total_max[LIMIT_CALLS]), 1, INT64_MAX,
	"waiting requests of all clients"},
    {"total_bytes", KEY_CAP, AT(rpc.total_max[LIMIT_BYTES]), KIB, INT64_MAX,
	"bytes held for all clients"},
    {"total_input", KEY_CAP, AT(rpc.total_max[LIMIT_INPUT]), MIB, INT64_MAX,
	"bytes of requests that clients have not sent to their end"},
    {"total_monitors", KEY_CAP, AT(rpc.total_max[LIMIT_MONITORS]), 1, INT64_MAX,
	"monitors of all clients"},
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

static const struct key *
find_key(const char *name)
{
	size_t i;

	for (i = 0; i < KEYS; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* --- values ----------------------------------------------------------------------- */

struct reading {
	struct config *config;
	const char *file;
	char *why;
	size_t size;
};

static bool refuse(const struct reading *r, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says what is wrong with a key's value. */
static bool
refuse(const struct reading *r, const char *key, const char *format, ...)
{
	char text[384];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	snprintf(r->why, r->size, "%s: %s %s", r->file, key, text);
	return false;
}

static bool
read_number(const struct reading *r, const struct key *key, json_t *value, int64_t *n)
{
	if (!json_is_integer(value))
		return refuse(r, key->name, "must be a whole number");
	*n = json_integer_value(value);
	if (*n >= key->min && *n <= key->max)
		return true;
	if (key->max == INT64_MAX)
		return refuse(r, key->name, "must be at least %" PRId64, key->min);
	return refuse(
	    r, key->name, "must be from %" PRId64 " to %" PRId64, key->min, key->max);
}

static bool
set_size(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	int64_t n = 0;

	if (!read_number(r, key, value, &n))
		return false;
	*(size_t *)at = (size_t)n;
	return true;
}

static bool
set_cap(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	if (json_is_string(value)) {
		if (strcmp(json_string_value(value), "unlimited") != 0)
			return refuse(
			    r, key->name, "must be a whole number or \"unlimited\"");
		*(size_t *)at = SIZE_MAX;
		return true;
	}
	return set_size(r, key, value, at);
}

static bool
set_ms(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	return read_number(r, key, value, at);
}

static bool
set_count(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	int64_t n = 0;

	if (!read_number(r, key, value, &n))
		return false;
	*(unsigned *)at = (unsigned)n;
	return true;
}

static bool
set_mode(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	const char *text = json_string_value(value);
	unsigned long mode;

	/* a JSON number would be decimal, and nobody means that */
	if (text == NULL || *text == '\0' || strlen(text) > 4 ||
	    text[strspn(text, "01234567")] != '\0')
		return refuse(r, key->name, "must be an octal string such as \"0660\"");
	mode = strtoul(text, NULL, 8);
	if ((int64_t)mode > key->max)
		return refuse(r, key->name, "must be from \"0\" to \"0777\"");
	*(mode_t *)at = (mode_t)mode;
	return true;
}

static bool
set_group(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	const struct group *group;
	int64_t n = 0;

	if (!json_is_string(value)) {
		if (!json_is_integer(value))
			return refuse(r, key->name, "must be a name or a whole number");
		if (!read_number(r, key, value, &n))
			return false;
		*(gid_t *)at = (gid_t)n;
		return true;
	}
	group = getgrnam(json_string_value(value));
	if (group == NULL)
		return refuse(
		    r, key->name, "names no group: %.64s", json_string_value(value));
	*(gid_t *)at = group->gr_gid;
	return true;
}

static bool
set_path(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	char *copy;

	if (text == NULL || (int64_t)len < key->min || (int64_t)len > key->max)
		return refuse(r, key->name,
		    "must be a string of %" PRId64 " to %" PRId64 " bytes", key->min,
		    key->max);
	copy = strdup(text);
	if (copy == NULL)
		return refuse(r, key->name, "is too much: out of memory");
	free(*(char **)at);
	*(char **)at = copy;
	return true;
}

static bool
set_backend(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	const char *text = json_string_value(value);

	if (text == NULL || (strcmp(text, "inet") != 0 && strcmp(text, "socket") != 0))
		return refuse(r, key->name, "must be \"inet\" or \"socket\"");
	*(bool *)at = strcmp(text, "socket") == 0;
	return true;
}

static bool
set_options(const struct reading *r, const struct key *key, json_t *value, unsigned when,
    void *at)
{
	struct option_list list = {0};
	char text[256];

	if (!config_read_options(value, when, &list, text, sizeof(text)))
		return refuse(r, key->name, "cannot be that: %s", text);
	option_list_fini(at);
	*(struct option_list *)at = list;
	return true;
}

static bool
set_connect(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	return set_options(r, key, value, OPTION_AT_CONNECT, at);
}

static bool
set_listen(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	return set_options(r, key, value, OPTION_AT_LISTEN, at);
}

/* By type: how a value is read and what it is for people. */
static const struct {
	bool (*set)(const struct reading *, const struct key *, json_t *, void *);
	const char *name;
} types[] = {
    [KEY_SIZE] = {set_size, "number"},
    [KEY_CAP] = {set_cap, "number or \"unlimited\""},
    [KEY_MS] = {set_ms, "milliseconds"},
    [KEY_COUNT] = {set_count, "number"},
    [KEY_MODE] = {set_mode, "octal string"},
    [KEY_GROUP] = {set_group, "name or number"},
    [KEY_PATH] = {set_path, "string"},
    [KEY_BACKEND] = {set_backend, "\"inet\" or \"socket\""},
    [KEY_CONNECT] = {set_connect, "options"},
    [KEY_LISTEN] = {set_listen, "options"},
};

/* --- a config as a whole -------------------------------------------------------------- */

/* Copies what two parts have to know. */
static void
join(struct config *c)
{
	c->server.path = c->socket;
	c->rpc.control_path = c->socket;
	c->rpc.wire = c->server.wire;
	c->rpc.connect_options = &c->connect_options;
	c->rpc.listen_options = &c->listen_options;
}

bool
config_init(struct config *c)
{
	const char *given = getenv("GENTCPD_SOCKET"), *dir = getenv("XDG_RUNTIME_DIR");
	int ok = 0;

	memset(c, 0, sizeof(*c));
	c->server = server_config_default;
	c->rpc = rpc_config_default;
	c->tcp = tcp_config_default;
	c->rpc.uid = geteuid();
	if (given != NULL && *given != '\0')
		ok = asprintf(&c->socket, "%s", given);
	else if (geteuid() == 0)
		ok = asprintf(&c->socket, "%s/gentcpd.sock", CONFIG_RUN_DIR);
	else if (dir != NULL && *dir != '\0')
		ok = asprintf(&c->socket, "%s/gentcpd.sock", dir);
	if (ok == -1)
		c->socket = NULL;
	join(c);
	return ok != -1;
}

void
config_fini(struct config *c)
{
	free(c->socket);
	c->socket = NULL;
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

/* --- the file ---------------------------------------------------------------------------- */

static bool
apply(const struct reading *r, json_t *root)
{
	const struct key *key;
	const char *name;
	json_t *value;

	json_object_foreach (root, name, value) {
		key = find_key(name);
		if (key == NULL) {
			snprintf(r->why, r->size, "%s: unknown key %.64s", r->file, name);
			return false;
		}
		if (!types[key->type].set(r, key, value, (char *)r->config + key->offset))
			return false;
	}
	return true;
}

/* A copy whose parts are its own.  False without memory. */
static bool
copy(struct config *to, const struct config *from)
{
	bool ok;

	*to = *from;
	to->socket = from->socket == NULL ? NULL : strdup(from->socket);
	to->connect_options = to->listen_options = (struct option_list){0};
	ok = (from->socket == NULL || to->socket != NULL) &&
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
	struct reading r = {&next, path, why, size};
	json_t *root = config_load(path, why, size);
	bool ok;

	if (root == NULL)
		return false;
	if (!copy(&next, c)) {
		snprintf(why, size, "%s: out of memory", path);
		json_decref(root);
		return false;
	}
	ok = apply(&r, root);
	json_decref(root);
	if (!ok) {
		config_fini(&next);
		return false;
	}
	config_fini(c);
	*c = next;
	join(c);
	return true;
}

/* --- help ---------------------------------------------------------------------------------- */

static void
print_default(const struct config *c, const struct key *key)
{
	const void *at = (const char *)c + key->offset;
	const char *path;

	switch (key->type) {
	case KEY_CAP:
	case KEY_SIZE:
		if (*(const size_t *)at == SIZE_MAX)
			fputs("unlimited", stdout);
		else
			printf("%zu", *(const size_t *)at);
		break;
	case KEY_MS:
		printf("%" PRId64, *(const int64_t *)at);
		break;
	case KEY_COUNT:
		printf("%u", *(const unsigned *)at);
		break;
	case KEY_MODE:
		printf("\"%04o\"", (unsigned)*(const mode_t *)at);
		break;
	case KEY_GROUP:
		fputs("the daemon's", stdout);
		break;
	case KEY_BACKEND:
		fputs(*(const bool *)at ? "socket" : "inet", stdout);
		break;
	case KEY_PATH:
		path = *(char *const *)at;
		if (path == NULL)
			path = "none";
		printf("%s", path);
		break;
	case KEY_CONNECT:
	case KEY_LISTEN:
		fputs("none", stdout);
		break;
	}
}

void
config_help(void)
{
	struct config c;
	size_t i;

	if (!config_init(&c))
		return;
	puts("The configuration file is one JSON object.  Its keys, all optional:\n");
	for (i = 0; i < KEYS; i++) {
		/* a name that is too long for the column has a line of its own */
		printf("  %-16s%s%*s%s\n%19s%s", keys[i].name,
		    strlen(keys[i].name) > 16 ? "\n" : "",
		    strlen(keys[i].name) > 16 ? 19 : 1, "", keys[i].help, "",
		    types[keys[i].type].name);
		if (keys[i].type < KEY_MODE) {
			printf(", from %" PRId64, keys[i].min);
			if (keys[i].max != INT64_MAX)
				printf(" to %" PRId64, keys[i].max);
		}
		fputs("; default ", stdout);
		print_default(&c, &keys[i]);
		putchar('\n');
	}
	config_fini(&c);
}
