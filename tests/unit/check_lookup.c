/* SPDX-License-Identifier: ISC */
/* inet:getaddrs, with a resolver that waits until it is let go. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/reason.h"
#include "tcp/resolver.h"
#include "tests/unit/run.h"
#include "tests/unit/tcp_world.h"

static struct world w;
static int gate[2]; /* a byte lets one lookup through */

static int
gated(const char *host, int family, struct resolver_addresses *found)
{
	static const char *const names[] = {"192.0.2.1", "192.0.2.2", "fe80::1"};
	struct address a;
	char byte;

	memset(found, 0, sizeof(*found));
	if (read(gate[0], &byte, 1) != 1 || strcmp(host, "some.name") != 0)
		return REASON_NXDOMAIN;
	found->list = calloc(2, sizeof(*found->list));
	if (found->list == NULL)
		return ENOMEM;
	for (size_t i = family == AF_INET6 ? 2 : 0; i < (family == AF_INET6 ? 3u : 2u);
	     i++) {
		struct resolver_address *to = &found->list[found->count++];

		if (!address_parse(names[i], &a))
			return ENOMEM;
		if (family == AF_INET6)
			a.u.inet6.scope_id = 7;
		(void)tcp_address_to_sockaddr(&a, 0, family, &to->addr, &to->len);
	}
	return 0;
}

static void
setup(void)
{
	world_open(&w);
	ck_assert_int_eq(pipe(gate), 0);
	resolver_free(w.ctx->resolver);
	w.ctx->resolver = resolver_new(w.base, &clock_monotonic, 1, CLOCK_NEVER, gated);
	ck_assert_ptr_nonnull(w.ctx->resolver);
}

static void
teardown(void)
{
	/* a lookup that hangs is let go */
	close(gate[1]);
	world_close(&w);
	close(gate[0]);
}

/* An answer, written down while it is valid. */
struct answer {
	struct tcp_request r;
	bool done;
	int reason;
	size_t count;
	struct address list[4];
};

static void
answered(struct tcp_request *r, const struct tcp_outcome *o)
{
	struct answer *a = (struct answer *)r;

	ck_assert(!a->done);
	a->done = true;
	a->reason = o->reason;
	a->count = o->count;
	ck_assert_uint_le(o->count, 4);
	for (size_t i = 0; i < o->count; i++)
		a->list[i] = o->addresses[i];
}

static void
ask(struct answer *a, const char *host, bool inet6)
{
	memset(a, 0, sizeof(*a));
	a->r.done = answered;
	tcp_getaddrs(w.ctx, host, inet6, &a->r);
}

static void
let_through(void)
{
	ck_assert_int_eq(write(gate[1], "x", 1), 1);
}

static void
ck_address(const struct address *a, const char *text)
{
	char shown[ADDRESS_TEXT_MAX];

	address_format(a, shown);
	ck_assert_str_eq(shown, text);
}

START_TEST(numbers_are_answered_at_once)
{
	struct answer a;

	ask(&a, "127.1", false);
	ck_assert(a.done && a.reason == 0 && a.count == 1);
	ck_address(&a.list[0], "127.0.0.1");
	ask(&a, "::1", true);
	ck_assert(a.done && a.reason == 0 && a.count == 1);
	ck_address(&a.list[0], "::1");
	ask(&a, "::1", false);
	ck_assert(a.done && a.reason == REASON_NXDOMAIN && a.count == 0);
	ask(&a, "127.0.0.1", true);
	ck_assert(a.done && a.reason == REASON_NXDOMAIN);
	ask(&a, "", false);
	ck_assert(a.done && a.reason == EINVAL);
	ask(&a, "a b", true);
	ck_assert(a.done && a.reason == EINVAL);
	ck_assert(TAILQ_EMPTY(&w.ctx->lookups));
}
END_TEST

START_TEST(names_wait)
{
	struct answer a, b;

	ask(&a, "some.name", false);
	ask(&b, "some.name", true);
	world_turn(&w);
	ck_assert(!a.done && !b.done);
	let_through();
	world_until(&w, &a.done);
	ck_assert_int_eq(a.reason, 0);
	ck_assert_uint_eq(a.count, 2);
	ck_address(&a.list[0], "192.0.2.1");
	ck_address(&a.list[1], "192.0.2.2");
	let_through();
	world_until(&w, &b.done);
	ck_assert_uint_eq(b.count, 1);
	ck_assert_uint_eq(b.list[0].u.inet6.scope_id, 7);
	ask(&a, "other.name", false);
	let_through();
	world_until(&w, &a.done);
	ck_assert_int_eq(a.reason, REASON_NXDOMAIN);
}
END_TEST

START_TEST(one_is_withdrawn)
{
	struct answer a, b;

	ask(&a, "some.name", false);
	ask(&b, "some.name", false);
	world_turn(&w);
	tcp_cancel(&a.r);
	let_through();
	let_through();
	world_until(&w, &b.done);
	ck_assert(!a.done && b.count == 2);
	ck_assert(TAILQ_EMPTY(&w.ctx->lookups));
}
END_TEST

START_TEST(the_context_ends)
{
	struct answer a;
	struct tcp_context *ctx = w.ctx;

	ask(&a, "some.name", false);
	world_turn(&w);
	w.ctx = tcp_new(w.base, &clock_monotonic, &tcp_config_default, ctx->observer, &w);
	ck_assert_ptr_nonnull(w.ctx);
	tcp_free(ctx);
	ck_assert(a.done && a.reason == REASON_CLOSED && a.count == 0);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("lookup");
	TCase *tcase = tcase_create("lookup");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, numbers_are_answered_at_once);
	tcase_add_test(tcase, names_wait);
	tcase_add_test(tcase, one_is_withdrawn);
	tcase_add_test(tcase, the_context_ends);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
