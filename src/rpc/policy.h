/* SPDX-License-Identifier: ISC */
/*
 * Who may do what: what is built in (policy.c), and what access rules say (policy_rule.c).
 * For src/rpc only.
 */
#ifndef RPC_POLICY_H
#define RPC_POLICY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/method.h"
#include "tcp/tcp.h"

struct access_rule;
struct option_list;
struct rpc;
struct session;

/*
 * May s open a socket so?  0, EACCES or EADDRINUSE; *detail is a sentence.  address is the
 * destination of connect (of kind ADDRESS_NONE for a name), or NULL for listen;
 * port is the one to bind by position (listen), 0 for none.  options are the client's own;
 * all has those of the configuration too, which whoever wrote it allows.
 */
int policy_open(const struct session *s, const struct address *address, uint16_t port,
    const struct option_list *options, const struct option_list *all,
    const char **detail);
/* Finds the rule of s, and what follows from it.  False without memory. */
bool policy_apply(struct session *s);
/* May s use that method at all? */
bool policy_method(const struct session *s, enum method_id id);
/*
 * The same for a call of it, for which a guest becomes a client if it can.  0, or a
 * reason; *detail is a sentence.
 */
int policy_call(struct session *s, enum method_id id, const char **detail);
/* tcp_open's gate; ctx is the call. */
int policy_gate(void *ctx, enum tcp_gate what, const struct address *a);
/* May s give a socket of its own to a client of uid? */
bool policy_gives(const struct session *s, uid_t uid);
/* If reason is a refusal: counts it, and logs it, once in a second. */
void policy_note(struct rpc *rpc, const struct session *s, const char *what, int reason,
    const char *detail);
/* May s set these options?  0 or EACCES; *detail is a sentence. */
int policy_options(
    const struct session *s, const struct option_list *options, const char **detail);
/* May s have tcp's descriptor?  0 or EACCES; *detail is a sentence. */
int policy_getfd(
    const struct session *s, const struct tcp_socket *tcp, const char **detail);
/*
 * The same for fdopen: where the descriptor is bound to is its client's own affair, so
 * only what could be set later counts.
 */
int policy_adopt(
    const struct session *s, const struct option_list *options, const char **detail);
/*
 * May it be kept, as it turned out?  A client's own connection would feed itself, for
 * ever, with nobody else to end it.
 */
int policy_adopted(
    const struct session *s, const struct tcp_socket *tcp, const char **detail);
/* May s see a socket of that uid? */
bool policy_sees(const struct session *s, uid_t uid);

#endif
