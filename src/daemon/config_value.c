/* SPDX-License-Identifier: ISC */
/* The configuration's values, by type. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_target.h"
#include "daemon/config_private.h"
#include "daemon/metrics_http.h"

/* Says what is wrong with a key's value. */
#define refuse(r, key, ...) \
	config_refuse( \
	    (r), &(const struct place){(key)->name, SIZE_MAX, NULL}, __VA_ARGS__)

static bool
read_number(const struct reading *r, const struct key *key, json_t *value, int64_t *n)
{
	if (!json_is_integer(value))
		return refuse(r, key, "must be a whole number");
	*n = json_integer_value(value);
	if (*n >= key->min && *n <= key->max)
		return true;
	if (key->max == INT64_MAX)
		return refuse(r, key, "must be at least %" PRId64, key->min);
	return refuse(r, key, "must be from %" PRId64 " to %" PRId64, key->min, key->max);
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
			return refuse(r, key, "must be a whole number or \"unlimited\"");
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
		return refuse(r, key, "must be an octal string such as \"0660\"");
	mode = strtoul(text, NULL, 8);
	if ((int64_t)mode > key->max)
		return refuse(r, key, "must be from \"0\" to \"0777\"");
	*(mode_t *)at = (mode_t)mode;
	return true;
}

/* A group by name or number; at is where its number goes. */
static bool
set_group(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	int64_t n = 0;
	int error;

	if (!json_is_string(value) && !json_is_integer(value))
		return refuse(r, key, "must be a name or a whole number");
	if (json_is_integer(value) && !read_number(r, key, value, &n))
		return false;
	error = config_gid(value, at);
	if (error == ENOENT)
		return refuse(r, key, "names no group: %.64s", json_string_value(value));
	if (error != 0)
		return refuse(r, key, "cannot be looked up: %s", strerror(error));
	return true;
}

static bool
set_admin(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	struct access *access = at;

	access->has_admin = set_group(r, key, value, &access->admin);
	return access->has_admin;
}

static bool
set_rules(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	return config_read_access(r, key->name, value, at);
}

/* "auto", "stderr", "journal", "syslog", or the path of a file. */
static bool
set_log(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	static const char *const names[] = {[CONFIG_LOG_AUTO] = "auto",
	    [LOG_TO_STDERR] = "stderr",
	    [LOG_TO_JOURNAL] = "journal",
	    [LOG_TO_SYSLOG] = "syslog"};
	const char *text = json_string_value(value);
	struct config_log *log = at;
	char *path = NULL;
	size_t i;

	for (i = 0; text != NULL && i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i] != NULL && strcmp(names[i], text) == 0)
			break;
	if (text == NULL || (i == sizeof(names) / sizeof(names[0]) && *text != '/'))
		return refuse(r, key,
		    "must be \"auto\", \"stderr\", \"journal\", \"syslog\" or an absolute "
		    "path");
	if (*text == '/') {
		i = LOG_TO_FILE;
		path = strdup(text);
		if (path == NULL)
			return refuse(r, key, "is too much: out of memory");
	}
	free(log->path);
	log->path = path;
	log->target = (int)i;
	return true;
}

static bool
read_level(json_t *value, enum log_level *level)
{
	const char *name = json_string_value(value);

	*level = name == NULL ? LOG_L_COUNT : log_level_find(name);
	return *level != LOG_L_COUNT;
}

static bool
set_level_of(const struct reading *r, const struct key *key, const char *name,
    json_t *value, struct config_log *log)
{
	const struct place here = {key->name, SIZE_MAX, name};
	enum log_level level;
	size_t i = 0;

	if (!read_level(value, &level))
		return config_refuse(
		    r, &here, "must be \"error\", \"warning\", \"info\" or \"debug\"");
	while (log_subsystem(i) != NULL && strcmp(log_subsystem(i), name) != 0)
		i++;
	if (log_subsystem(i) == NULL)
		return config_refuse_name(
		    r, &here, "is no subsystem", name, log_subsystem);
	log->levels[i] = level;
	return true;
}

/* A level for all, or an object of them by subsystem. */
static bool
set_levels(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	struct config_log *log = at;
	enum log_level level = LOG_L_INFO;
	const char *name;
	json_t *one;

	if (!json_is_object(value) && !read_level(value, &level))
		return refuse(r, key,
		    "must be \"error\", \"warning\", \"info\", \"debug\", or an object of "
		    "these by subsystem");
	for (size_t i = 0; i < CONFIG_SUBSYSTEMS; i++)
		log->levels[i] = level;
	if (json_is_object(value))
		json_object_foreach (value, name, one)
			if (!set_level_of(r, key, name, one, log))
				return false;
	return true;
}

static bool
set_path(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);
	char *copy;

	if (text == NULL || (int64_t)len < key->min || (int64_t)len > key->max)
		return refuse(r, key,
		    "must be a string of %" PRId64 " to %" PRId64 " bytes", key->min,
		    key->max);
	copy = strdup(text);
	if (copy == NULL)
		return refuse(r, key, "is too much: out of memory");
	free(*(char **)at);
	*(char **)at = copy;
	return true;
}

static bool
set_metrics(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	const char *text = json_string_value(value);

	if (text == NULL || !metrics_http_check(text))
		return refuse(r, key,
		    "must be an absolute path, or a loopback address with a port such "
		    "as \"127.0.0.1:9464\" or \"[::1]:9464\"");
	return set_path(r, key, value, at);
}

static bool
set_backend(const struct reading *r, const struct key *key, json_t *value, void *at)
{
	const char *text = json_string_value(value);

	if (text == NULL || (strcmp(text, "inet") != 0 && strcmp(text, "socket") != 0))
		return refuse(r, key, "must be \"inet\" or \"socket\"");
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
		return refuse(r, key, "cannot be that: %s", text);
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
    [KEY_METRICS] = {set_metrics, "string"},
    [KEY_BACKEND] = {set_backend, "\"inet\" or \"socket\""},
    [KEY_CONNECT] = {set_connect, "options"},
    [KEY_LISTEN] = {set_listen, "options"},
    [KEY_LOG] = {set_log, "word or path"},
    [KEY_LEVELS] = {set_levels, "word, or object of them"},
    [KEY_ADMIN] = {set_admin, "name or number"},
    [KEY_RULES] = {set_rules, "array of objects"},
};

bool
config_set(const struct reading *r, const struct key *key, json_t *value)
{
	return types[key->type].set(r, key, value, (char *)r->config + key->offset);
}

const char *
config_type_name(enum key_type type)
{
	return types[type].name;
}

/* --- two configurations ------------------------------------------------------------ */

/* Of those that a new start needs. */
static size_t
size_of(enum key_type type)
{
	switch (type) {
	case KEY_PATH:
	case KEY_METRICS:
		return sizeof(char *);
	case KEY_MODE:
		return sizeof(mode_t);
	case KEY_GROUP:
		return sizeof(gid_t);
	case KEY_COUNT:
		return sizeof(unsigned);
	case KEY_MS:
		return sizeof(int64_t);
	default:
		return sizeof(size_t);
	}
}

bool
config_same(const struct key *key, const struct config *a, const struct config *b)
{
	const void *at_a = (const char *)a + key->offset;
	const void *at_b = (const char *)b + key->offset;
	const char *text_a, *text_b;

	if (key->type != KEY_PATH && key->type != KEY_METRICS)
		return memcmp(at_a, at_b, size_of(key->type)) == 0;
	text_a = *(char *const *)at_a;
	text_b = *(char *const *)at_b;
	return text_a == text_b ||
	    (text_a != NULL && text_b != NULL && strcmp(text_a, text_b) == 0);
}

void
config_swap(const struct key *key, struct config *a, struct config *b)
{
	void *at_a = (char *)a + key->offset, *at_b = (char *)b + key->offset;
	size_t size = size_of(key->type);
	char held[sizeof(int64_t)];

	memcpy(held, at_a, size);
	memcpy(at_a, at_b, size);
	memcpy(at_b, held, size);
}
