/* SPDX-License-Identifier: ISC */
/*
 * Access rules, as the configuration has them: what the clients of some users and
 * groups may do, instead of what is built in (policy.c).  Data, and questions about
 * them that need nothing else.
 */
#ifndef RPC_ACCESS_H
#define RPC_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/limits.h"
#include "proto/address.h"
#include "proto/method.h"

/* Addresses of one network, or all, with some ports. */
struct access_net {
	enum address_kind kind; /* ADDRESS_INET, ADDRESS_INET6; ADDRESS_ANY: of both */
	uint8_t addr[16];
	unsigned bits; /* of addr that count */
	uint16_t low, high;
};

struct access_nets {
	bool given; /* else what is built in */
	struct access_net *list;
	size_t count;
};

struct access_uids {
	bool all;
	uid_t *list;
	size_t count;
};

struct access_gids {
	gid_t *list;
	size_t count;
};

struct access_rule {
	/* whom it is for; without both for everybody who is not privileged */
	struct access_uids users;
	struct access_gids groups;
	uint64_t methods; /* a bit for each that is allowed */
	struct access_nets listen, connect;
	struct access_uids give; /* whose clients sockets may be given to */
	size_t max[LIMIT_KINDS]; /* for each uid; SIZE_MAX: none of its own */
};

struct access {
	struct access_rule
	    *rules; /* own, with what is in them; the first that fits counts */
	size_t count;
	bool has_admin;
	gid_t admin; /* the group whose members may daemon.* */
};

#define ACCESS_ALL_METHODS ((UINT64_C(1) << METHOD_COUNT) - 1)

/* A rule that changes nothing. */
void access_rule_init(struct access_rule *rule);
/* Frees what is in it. */
void access_rule_fini(struct access_rule *rule);
void access_fini(struct access *access);
/* to, which is empty, gets all that is in from.  False without memory. */
bool access_copy(struct access *to, const struct access *from);

/*
 * The rule for a client of uid in these groups, or NULL.  named: only one that names
 * uid among its users.
 */
const struct access_rule *access_find(const struct access *access, uid_t uid,
    const gid_t *groups, size_t ngroups, bool named);
bool access_has_uid(const struct access_uids *uids, uid_t uid);
bool access_has_gid(const struct access_gids *gids, gid_t gid);

/*
 * Reads "ADDRESS[/BITS][:PORT[-PORT]]", with an IPv6 ADDRESS[/BITS] in brackets and *
 * for all addresses.  NULL, or what is wrong, as a sentence.
 */
const char *access_net_read(const char *text, struct access_net *net);
/* Is a, with its port, in one of them?  An IPv4 address in IPv6's clothes is IPv4. */
bool access_nets_have(const struct access_nets *nets, const struct address *a);

/* The bits of "gen_tcp.send", "inet.*" or "*"; 0 where there is no such method. */
uint64_t access_methods(const char *pattern);

#endif
