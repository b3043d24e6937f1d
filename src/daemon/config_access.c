/* SPDX-License-Identifier: ISC */
/*
 * The key access: an array of rules.  Names of users and groups are looked up here, when
 * the configuration is read, and never for a client: that could keep the loop waiting
 * for a directory service.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_private.h"

enum { RULES_MAX = 1000, LIST_MAX = 1000 };

/* The member of a rule that is read. */
struct part {
	const struct reading *r;
	struct place at;
	struct access_rule *rule;
};

/* An array of at most LIST_MAX; each of its items is then given to one(). */
static bool
read_list(const struct part *p, json_t *value, void **list, size_t *count, size_t size,
    bool (*one)(const struct part *p, json_t *item, void *at))
{
	json_t *item;
	size_t i;

	if (!json_is_array(value) || json_array_size(value) > LIST_MAX)
		return config_refuse(
		    p->r, &p->at, "must be an array of at most %d", LIST_MAX);
	if (json_array_size(value) == 0)
		return true;
	*list = calloc(json_array_size(value), size);
	if (*list == NULL)
		return config_refuse(p->r, &p->at, "is too much: out of memory");
	json_array_foreach (value, i, item) {
		if (!one(p, item, (char *)*list + i * size))
			return false;
		*count = i + 1;
	}
	return true;
}

static bool
refuse_id(const struct part *p, json_t *item, const char *what, int error)
{
	if (error == ENOENT)
		return config_refuse(
		    p->r, &p->at, "names no %s: %.64s", what, json_string_value(item));
	if (error == EINVAL)
		return config_refuse(p->r, &p->at, "must have names or numbers");
	return config_refuse(p->r, &p->at, "cannot be looked up: %s", strerror(error));
}

static bool
one_user(const struct part *p, json_t *item, void *at)
{
	int error = config_uid(item, at);

	return error == 0 || refuse_id(p, item, "user", error);
}

static bool
one_group(const struct part *p, json_t *item, void *at)
{
	int error = config_gid(item, at);

	return error == 0 || refuse_id(p, item, "group", error);
}

static bool
one_net(const struct part *p, json_t *item, void *at)
{
	const char *text = json_string_value(item), *why;

	if (text == NULL)
		return config_refuse(
		    p->r, &p->at, "must have strings such as \"10.0.0.0/8:443\"");
	why = access_net_read(text, at);
	return why == NULL || config_refuse(p->r, &p->at, "has \"%.64s\": %s", text, why);
}

/* --- the members of a rule ---------------------------------------------------------- */

/* Nobody would be everybody: a rule is for all who are not named by another. */
static bool
names_some(const struct part *p, const json_t *value)
{
	return !json_is_array(value) || json_array_size(value) > 0 ||
	    config_refuse(p->r, &p->at,
		"must not be empty: a rule for everybody has neither users nor groups");
}

static bool
read_users(const struct part *p, json_t *value)
{
	struct access_uids *users = &p->rule->users;

	return names_some(p, value) &&
	    read_list(p, value, (void **)&users->list, &users->count,
		sizeof(*users->list), one_user);
}

static bool
read_groups(const struct part *p, json_t *value)
{
	struct access_gids *groups = &p->rule->groups;

	return names_some(p, value) &&
	    read_list(p, value, (void **)&groups->list, &groups->count,
		sizeof(*groups->list), one_group);
}

/* "*", or an array of users. */
static bool
read_give(const struct part *p, json_t *value)
{
	struct access_uids *give = &p->rule->give;

	if (json_is_string(value) && strcmp(json_string_value(value), "*") == 0) {
		give->all = true;
		return true;
	}
	return read_list(
	    p, value, (void **)&give->list, &give->count, sizeof(*give->list), one_user);
}

static bool
read_nets(const struct part *p, json_t *value, struct access_nets *nets)
{
	nets->given = true;
	return read_list(
	    p, value, (void **)&nets->list, &nets->count, sizeof(*nets->list), one_net);
}

static bool
read_listen(const struct part *p, json_t *value)
{
	return read_nets(p, value, &p->rule->listen);
}

static bool
read_connect(const struct part *p, json_t *value)
{
	return read_nets(p, value, &p->rule->connect);
}

static const char *
method_name(size_t i)
{
	return i < METHOD_COUNT ? method_row((enum method_id)i)->name : NULL;
}

static bool
refuse_method(const struct part *p, const char *name)
{
	char what[96];

	(void)snprintf(what, sizeof(what), "has no method: %.64s", name);
	return config_refuse_name(p->r, &p->at, what, name, method_name);
}

static bool
read_methods(const struct part *p, json_t *value)
{
	const char *text;
	json_t *item;
	uint64_t bits;
	size_t i;

	if (!json_is_array(value))
		return config_refuse(p->r, &p->at, "must be an array of names");
	p->rule->methods = 0;
	json_array_foreach (value, i, item) {
		text = json_string_value(item);
		if (text == NULL)
			return config_refuse(p->r, &p->at, "must be an array of names");
		bits = access_methods(text);
		if (bits == 0)
			return refuse_method(p, text);
		p->rule->methods |= bits;
	}
	return true;
}

static bool
read_max(const struct part *p, json_t *value, enum limit_kind kind)
{
	json_int_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0)
		return config_refuse(p->r, &p->at, "must be a whole number, 0 or more");
	p->rule->max[kind] = (size_t)n;
	return true;
}

static bool
read_sockets(const struct part *p, json_t *value)
{
	return read_max(p, value, LIMIT_SOCKETS);
}

static bool
read_clients(const struct part *p, json_t *value)
{
	return read_max(p, value, LIMIT_CLIENTS);
}

static bool
read_bytes(const struct part *p, json_t *value)
{
	return read_max(p, value, LIMIT_BYTES);
}

static const struct {
	const char *name;
	bool (*read)(const struct part *p, json_t *value);
} members[] = {
    {"users", read_users},
    {"groups", read_groups},
    {"methods", read_methods},
    {"listen", read_listen},
    {"connect", read_connect},
    {"sockets", read_sockets},
    {"clients", read_clients},
    {"bytes", read_bytes},
    {"give_to", read_give},
};

enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static const char *
member_name(size_t i)
{
	return i < MEMBERS ? members[i].name : NULL;
}

/* --- rules ------------------------------------------------------------------------------ */

/*
 * With a descriptor its client goes to wherever it likes, as the daemon to a firewall and
 * in the daemon's network: not where the rule says where to, unless it says this, too.
 */
static void
hold_descriptors(struct access_rule *rule, const json_t *value)
{
	if (json_object_get(value, "methods") == NULL &&
	    (rule->listen.given || rule->connect.given))
		rule->methods &= ~access_methods("inet.getfd");
}

static bool
read_rule(const struct part *rule, json_t *value)
{
	struct part p = *rule;
	const char *name;
	json_t *member;
	size_t i;

	if (!json_is_object(value))
		return config_refuse(p.r, &p.at, "must be an object");
	json_object_foreach (value, name, member) {
		p.at.member = name;
		for (i = 0; i < MEMBERS && strcmp(members[i].name, name) != 0; i++)
			continue;
		if (i == MEMBERS)
			return config_refuse_name(
			    p.r, &p.at, "is an unknown key", name, member_name);
		if (!members[i].read(&p, member))
			return false;
	}
	hold_descriptors(p.rule, value);
	return true;
}

bool
config_read_access(
    const struct reading *r, const char *key, json_t *value, struct access *access)
{
	struct part p = {.r = r, .at = {key, SIZE_MAX, NULL}};
	struct access next = {.has_admin = access->has_admin, .admin = access->admin};
	size_t count = json_array_size(value);
	bool ok = true;

	if (!json_is_array(value) || count > RULES_MAX)
		return config_refuse(
		    r, &p.at, "must be an array of at most %d rules", RULES_MAX);
	next.rules = calloc(count + 1, sizeof(*next.rules));
	if (next.rules == NULL)
		return config_refuse(r, &p.at, "is too much: out of memory");
	for (size_t i = 0; i < count && ok; i++) {
		p.at.item = i;
		p.rule = &next.rules[i];
		access_rule_init(p.rule);
		next.count = i + 1;
		ok = read_rule(&p, json_array_get(value, i));
	}
	if (!ok) {
		access_fini(&next);
		return false;
	}
	access_fini(access);
	*access = next;
	return true;
}
