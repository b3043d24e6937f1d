/* SPDX-License-Identifier: ISC */
#include "rpc/access.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(METHOD_COUNT < 64, "a bit for each method");

/* --- rules ---------------------------------------------------------------------- */

void
access_rule_init(struct access_rule *rule)
{
	memset(rule, 0, sizeof(*rule));
	rule->methods = ACCESS_ALL_METHODS;
	for (size_t i = 0; i < LIMIT_KINDS; i++)
		rule->max[i] = SIZE_MAX;
}

void
access_rule_fini(struct access_rule *rule)
{
	free(rule->users.list);
	free(rule->groups.list);
	free(rule->listen.list);
	free(rule->connect.list);
	free(rule->give.list);
	access_rule_init(rule);
}

void
access_fini(struct access *access)
{
	for (size_t i = 0; i < access->count; i++)
		access_rule_fini(&access->rules[i]);
	free(access->rules);
	*access = (struct access){0};
}

/* A copy of count things of a size at from; NULL for none, and without memory. */
static void *
copy_list(const void *from, size_t count, size_t size, bool *ok)
{
	void *to = count == 0 ? NULL : calloc(count, size);

	if (to != NULL)
		memcpy(to, from, count * size);
	*ok = *ok && (count == 0 || to != NULL);
	return to;
}

static bool
copy_rule(struct access_rule *to, const struct access_rule *from)
{
	bool ok = true;

	*to = *from;
#define COPY(member) \
	to->member.list = copy_list( \
	    from->member.list, from->member.count, sizeof(*from->member.list), &ok)
	COPY(users);
	COPY(groups);
	COPY(listen);
	COPY(connect);
	COPY(give);
#undef COPY
	return ok;
}

bool
access_copy(struct access *to, const struct access *from)
{
	bool ok = true;

	*to = *from;
	to->rules = copy_list(from->rules, from->count, sizeof(*from->rules), &ok);
	if (!ok) {
		*to = (struct access){0};
		return false;
	}
	for (size_t i = 0; i < from->count; i++)
		ok = copy_rule(&to->rules[i], &from->rules[i]) && ok;
	if (!ok)
		access_fini(to);
	return ok;
}

bool
access_has_uid(const struct access_uids *uids, uid_t uid)
{
	for (size_t i = 0; i < uids->count; i++)
		if (uids->list[i] == uid)
			return true;
	return uids->all;
}

bool
access_has_gid(const struct access_gids *gids, gid_t gid)
{
	for (size_t i = 0; i < gids->count; i++)
		if (gids->list[i] == gid)
			return true;
	return false;
}

static bool
is_for(const struct access_rule *rule, uid_t uid, const gid_t *groups, size_t ngroups)
{
	bool everybody = rule->users.count == 0 && rule->groups.count == 0;

	if (everybody || access_has_uid(&rule->users, uid))
		return true;
	for (size_t i = 0; i < ngroups; i++)
		if (access_has_gid(&rule->groups, groups[i]))
			return true;
	return false;
}

const struct access_rule *
access_find(const struct access *access, uid_t uid, const gid_t *groups, size_t ngroups,
    bool named)
{
	const struct access_rule *rule;

	for (size_t i = 0; access != NULL && i < access->count; i++) {
		rule = &access->rules[i];
		if (named ? rule->users.count > 0 && access_has_uid(&rule->users, uid)
			  : is_for(rule, uid, groups, ngroups))
			return rule;
	}
	return NULL;
}

/* --- networks --------------------------------------------------------------------- */

/* A decimal number up to max, and nothing else, between text and end. */
static bool
read_number(const char *text, const char *end, unsigned max, unsigned *n)
{
	if (text == end)
		return false;
	for (*n = 0; text < end; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*n = *n * 10 + (unsigned)(*text - '0');
		if (*n > max)
			return false;
	}
	return true;
}

static const char *
read_ports(const char *text, struct access_net *net)
{
	static const char wrong[] = "a port is 0..65535, or two of them: 8000-8999";
	const char *end = text + strlen(text), *dash = strchr(text, '-');
	unsigned low, high;

	if (!read_number(text, dash != NULL ? dash : end, UINT16_MAX, &low))
		return wrong;
	high = low;
	if (dash != NULL && !read_number(dash + 1, end, UINT16_MAX, &high))
		return wrong;
	if (low > high)
		return wrong;
	net->low = (uint16_t)low;
	net->high = (uint16_t)high;
	return NULL;
}

/* Are all bits from the given one on 0? */
static bool
ends_in_zeros(const uint8_t *addr, unsigned from, unsigned bits)
{
	for (unsigned i = from; i < bits; i++)
		if ((addr[i / 8] & (0x80 >> i % 8)) != 0)
			return false;
	return true;
}

static const char *
read_network(char *text, struct access_net *net)
{
	char *slash = strchr(text, '/');
	unsigned max, bits;
	struct address a;

	if (strcmp(text, "*") == 0) {
		net->kind = ADDRESS_ANY;
		return NULL;
	}
	if (slash != NULL)
		*slash = '\0';
	if (!address_parse(text, &a) ||
	    (a.kind != ADDRESS_INET && a.kind != ADDRESS_INET6))
		return "it does not begin with a numeric address or *";
	if (strchr(text, '%') != NULL)
		return "an address has no scope here";
	if (address_unmap(&a))
		return "an IPv4 address is written as one: 10.0.0.0/8";
	net->kind = a.kind;
	max = bits = a.kind == ADDRESS_INET ? 32 : 128;
	memcpy(net->addr, a.kind == ADDRESS_INET ? a.u.inet : a.u.inet6.addr, max / 8);
	if (slash != NULL &&
	    !read_number(slash + 1, slash + 1 + strlen(slash + 1), max, &bits))
		return "behind / stands how many bits of the address count";
	if (!ends_in_zeros(net->addr, bits, max))
		return "behind the bits that count the address has zeros only";
	net->bits = bits;
	return NULL;
}

const char *
access_net_read(const char *text, struct access_net *net)
{
	char copy[64], *network = copy, *ports;
	size_t len = strlen(text);
	const char *why;

	*net = (struct access_net){.high = UINT16_MAX};
	if (len >= sizeof(copy))
		return "it is too long";
	memcpy(copy, text, len + 1);
	if (*copy == '[') {
		network++;
		ports = strchr(network, ']');
		if (ports == NULL || (ports[1] != '\0' && ports[1] != ':'))
			return "behind ] stands nothing, or : and ports";
		*ports++ = '\0';
	} else
		ports = strchr(copy, ':');
	why = NULL;
	if (ports != NULL && *ports != '\0') {
		*ports = '\0';
		why = read_ports(ports + 1, net);
	}
	if (why == NULL)
		why = read_network(network, net);
	if (why == NULL && (*copy == '[') != (net->kind == ADDRESS_INET6))
		why = "an IPv6 address stands in brackets, others do not";
	return why;
}

static bool
has(const struct access_net *net, enum address_kind kind, const uint8_t *addr,
    uint16_t port)
{
	unsigned bytes = net->bits / 8, rest = net->bits % 8;

	if (port < net->low || port > net->high)
		return false;
	if (net->kind == ADDRESS_ANY)
		return true;
	return net->kind == kind && memcmp(net->addr, addr, bytes) == 0 &&
	    (rest == 0 || ((net->addr[bytes] ^ addr[bytes]) >> (8 - rest)) == 0);
}

bool
access_nets_have(const struct access_nets *nets, const struct address *a)
{
	struct address plain = *a;
	const uint8_t *addr = plain.u.inet;

	(void)address_unmap(&plain);
	if (plain.kind == ADDRESS_INET6)
		addr = plain.u.inet6.addr;
	else if (plain.kind != ADDRESS_INET)
		return false;
	for (size_t i = 0; i < nets->count; i++)
		if (has(&nets->list[i], plain.kind, addr, a->port))
			return true;
	return false;
}

/* --- methods ------------------------------------------------------------------------ */

uint64_t
access_methods(const char *pattern)
{
	size_t len = strlen(pattern);
	bool prefix = len > 0 && pattern[len - 1] == '*' &&
	    (len == 1 || pattern[len - 2] == '.');
	uint64_t bits = 0;
	const char *name;

	for (int id = 0; id < METHOD_COUNT; id++) {
		name = method_row((enum method_id)id)->name;
		if (prefix ? strncmp(name, pattern, len - 1) == 0
			   : strcmp(name, pattern) == 0)
			bits |= UINT64_C(1) << id;
	}
	return bits;
}
