/* SPDX-License-Identifier: ISC */
/*
 * Each piece of work is done again and again, with the first allocation failing,
 * the second, and so on until none does.  It must say so each time, leave nothing
 * behind (the sanitizers look), and in the end do what it does.
 */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <string.h>

#include "proto/event.h"
#include "proto/message.h"
#include "proto/payload.h"
#include "proto/value.h"
#include "proto/wire.h"
#include "tests/unit/no_memory.h"
#include "tests/unit/run.h"

enum { TRIES_MAX = 1000, BIG = 5000 };

/* True: done, and right.  False: it said that there was no memory. */
typedef bool work(void);

/* What the work found wrong: check's own allocations are not to fail. */
static int wrong;
#define EXPECT(what) ((void)(wrong = !(what) && wrong == 0 ? __LINE__ : wrong))

static void
exhaust(work *todo, bool lasting)
{
	bool done = false, met;

	for (size_t n = 1; !done; n++) {
		ck_assert_uint_lt(n, TRIES_MAX);
		no_memory_at(n, lasting);
		done = todo();
		met = no_memory_met();
		no_memory_at(0, false);
		ck_assert_msg(wrong == 0, "line %d, allocation %zu", wrong, n);
		ck_assert_msg(done != met, "allocation %zu", n);
	}
}

/* --- messages ---------------------------------------------------------------- */

static bool
read_a_message(void)
{
	static const char text[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":\"an id\",\"method\":\"m\","
	    "\"params\":[1,2.5,\"three\",[],{\"four\":null}]}";
	struct message_id copy;
	struct message m;
	char why[100] = "";
	bool good = false;
	json_t *json = message_load(text, strlen(text), why, sizeof why);

	if (json == NULL) {
		EXPECT(*why != '\0');
		return false;
	}
	if (message_read(json, &m, why, sizeof why) == 0) {
		good = message_id_copy(&copy, &m.id);
		EXPECT(copy.kind == (good ? MESSAGE_ID_STRING : MESSAGE_ID_NULL));
		EXPECT(!good || message_id_equal(&copy, &m.id));
		message_id_fini(&copy);
	} else
		EXPECT(m.id.kind == MESSAGE_ID_NULL);
	message_fini(&m);
	json_decref(json);
	return good;
}

/* Has all of this been written? */
static bool
written(struct bytes *out, const char *text)
{
	bool good = !bytes_failed(out);

	if (good) {
		EXPECT(bytes_len(out) == strlen(text) &&
		    memcmp(bytes_head(out), text, strlen(text)) == 0);
	}
	bytes_fini(out);
	return good;
}

static bool
write_replies(void)
{
	static const struct message_id id = {.kind = MESSAGE_ID_INTEGER, .number = 7};
	struct bytes out = {0};
	json_t *data = json_pack("{s:s}", "detail", "a \"word\"");
	bool good = false;

	if (data != NULL) {
		message_put_result(&out, &id, data, true);
		message_put_error(&out, &id, EINVAL, NULL, data, true);
		good = written(&out,
		    "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"detail\":\"a "
		    "\\\"word\\\"\"}}\n"
		    "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":22,\"message\":"
		    "\"einval\",\"data\":{\"detail\":\"a \\\"word\\\"\"}}}\n");
	}
	json_decref(data);
	return good;
}

static bool
write_events(void)
{
	struct bytes out = {0};

	event_put_plain(&out, EVENT_TCP_PASSIVE, 5, 0);
	event_put_error(&out, 5, ECONNRESET, 0);
	event_put_owner(&out, 5, 6, 0);
	return written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_passive\",\"params\":{\"socket\":5}}\n"
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_error\",\"params\":{\"socket\":5,"
	    "\"reason\":\"econnreset\"}}\n"
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_owner\",\"params\":{\"socket\":5,"
	    "\"from\":6}}\n");
}

START_TEST(messages)
{
	exhaust(read_a_message, _i);
	exhaust(write_replies, _i);
	exhaust(write_events, _i);
}
END_TEST

/* --- bytes -------------------------------------------------------------------- */

static unsigned char big[BIG];

static bool
grow_both_ways(void)
{
	struct bytes b = {0};
	bool good = bytes_append(&b, big, 100) && bytes_prepend(&b, big, BIG) &&
	    bytes_append(&b, big, BIG);

	EXPECT(good == !bytes_failed(&b));
	EXPECT(!good || bytes_len(&b) == 2 * BIG + 100);
	/* A failure sticks, until it is cleared. */
	EXPECT(good == bytes_append_int(&b, INT64_MIN));
	bytes_truncate(&b, 0);
	EXPECT(!bytes_failed(&b));
	bytes_fini(&b);
	return good;
}

/* Nothing is lost where there is no memory to hold it in less. */
START_TEST(trim)
{
	struct bytes b = {0};
	bool met;

	ck_assert(bytes_append(&b, big, BIG));
	bytes_take(&b, BIG - 10);
	memcpy(bytes_head(&b), "0123456789", 10);
	no_memory_at(1, true);
	bytes_trim(&b);
	met = no_memory_met();
	no_memory_at(0, false);
	ck_assert(met && !bytes_failed(&b));
	ck_assert_uint_eq(bytes_len(&b), 10);
	ck_assert_mem_eq(bytes_head(&b), "0123456789", 10);
	bytes_fini(&b);
}
END_TEST

static bool
receive(void)
{
	const struct wire_limits limits = {.max_message = 2 * BIG, .max_values = 10};
	struct wire_message m = {0};
	struct wire w;
	bool good = true;
	size_t space;

	wire_init(&w, &limits);
	for (int i = 0; good && i < 2; i++) {
		unsigned char *room = wire_room(&w, BIG, &space);

		good = room != NULL;
		EXPECT(good == (space >= BIG));
		if (!good)
			break;
		memset(room, '1', BIG);
		room[BIG - 1] = i == 0 ? '1' : '\n';
		wire_put(&w, BIG);
		EXPECT(wire_next(&w, &m) == (i == 0 ? WIRE_MORE : WIRE_MESSAGE));
	}
	EXPECT(!good || m.len == 2 * BIG - 1);
	EXPECT(!good || wire_memory(&w) >= 2 * BIG);
	wire_fini(&w);
	return good;
}

static bool
read_payloads(void)
{
	json_t *json = json_pack(
	    "[s, i, {s:s}, [s]]", "text", 47, "base64", "DQo=", "end");
	struct bytes scratch = {0};
	const void *p;
	char why[100];
	size_t len;
	int reason;

	if (json == NULL)
		return false;
	reason = payload_read(json, 100, &scratch, &p, &len, why, sizeof why);
	EXPECT(reason == 0 || reason == ENOMEM);
	EXPECT(len == (reason == 0 ? 10 : 0));
	EXPECT(reason != 0 || memcmp(p, "text/\r\nend", 10) == 0);
	EXPECT(!bytes_failed(&scratch));
	bytes_fini(&scratch);
	json_decref(json);
	return reason == 0;
}

/* One alone, each form meets memory's end as its first allocation. */
static bool
read_one(const char *form)
{
	json_t *json = json_loads(form, 0, NULL);
	struct bytes scratch = {0};
	const void *p;
	char why[100];
	size_t len;
	int reason = ENOMEM;

	if (json != NULL)
		reason = payload_read(json, 100, &scratch, &p, &len, why, sizeof why);
	EXPECT(reason == 0 || reason == ENOMEM);
	bytes_fini(&scratch);
	json_decref(json);
	return reason == 0;
}

static bool
read_base64(void)
{
	return read_one("{\"base64\":\"AAEC\"}");
}

static bool
read_byte(void)
{
	return read_one("[65]");
}

static bool
write_payloads(void)
{
	static const struct payload_style styles[] = {
	    {.form = PAYLOAD_AUTO},
	    {.form = PAYLOAD_BASE64},
	    {.form = PAYLOAD_AUTO, .list = true},
	    {.form = PAYLOAD_AUTO, .header = 2},
	};
	bool good = true;
	size_t skip;

	for (size_t i = 0; good && i < sizeof styles / sizeof *styles; i++) {
		struct bytes out = {0};

		EXPECT(!payload_put_members(&out, &styles[i], big, BIG, true, &skip));
		good = !bytes_failed(&out);
		bytes_fini(&out);
	}
	return good;
}

START_TEST(payloads)
{
	exhaust(grow_both_ways, _i);
	exhaust(receive, _i);
	exhaust(read_payloads, _i);
	exhaust(read_base64, _i);
	exhaust(read_byte, _i);
	exhaust(write_payloads, _i);
}
END_TEST

/* --- options ------------------------------------------------------------------ */

static json_t *
some_options(void)
{
	return json_pack("[s, {s:i}, {s:s}, {s:[b,i]}, [s,s], {s:{s:s}}, {s:[i]}, {s:i}, "
			 "{s:i}, {s:i}, {s:i}, {s:i}]",
	    "binary", "packet", 4, "active", "once", "linger", 1, 5, "ip", "::1",
	    "ifaddr", "local", "/path", "bind_to_device", 108, "port", 80, "header", 1,
	    "buffer", 2, "sndbuf", 3, "recbuf", 4);
}

static bool
read_options(void)
{
	struct option_list list = {0};
	struct value_error e = {0};
	json_t *json = some_options(), *printed;
	int reason;
	bool good;

	if (json == NULL)
		return false;
	reason = value_read_options(json, OPTION_AT_CONNECT, &list, &e);
	good = reason == 0;
	EXPECT(list.count == (good ? 12 : 0));
	for (size_t i = 0; i < list.count && good; i++) {
		printed = value_new(&list.items[i]);
		good = printed != NULL;
		json_decref(printed);
	}
	option_list_fini(&list);
	json_decref(json);
	return good;
}

static bool
print_addresses(void)
{
	static const struct address addresses[] = {
	    {.kind = ADDRESS_INET, .port = 1},
	    {.kind = ADDRESS_INET6, .port = 1},
	    {.kind = ADDRESS_LOCAL, .u.local = {.len = 2, .path = "/a"}},
	    {.kind = ADDRESS_ANY},
	};
	bool good = true;
	json_t *printed;

	for (size_t i = 0; good && i < sizeof addresses / sizeof *addresses; i++) {
		printed = value_new_sockaddr(&addresses[i]);
		good = printed != NULL;
		json_decref(printed);
	}
	return good;
}

static bool
print_raw(void)
{
	json_t *printed = value_new_raw(6, 1, big, 100);

	json_decref(printed);
	return printed != NULL;
}

static bool
print_packet_options(void)
{
	struct option_value v = {.id = OPTION_PKTOPTIONS};
	json_t *printed;

	v.u.packet.count = 2;
	v.u.packet.items[0].id = OPTION_TTL;
	v.u.packet.items[1].id = OPTION_TOS;
	printed = value_new(&v);
	EXPECT(printed == NULL || json_array_size(printed) == 2);
	json_decref(printed);
	return printed != NULL;
}

START_TEST(options)
{
	exhaust(read_options, _i);
	exhaust(print_addresses, _i);
	exhaust(print_raw, _i);
	exhaust(print_packet_options, _i);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("no_memory");
	TCase *tcase = tcase_create("no_memory");

	no_memory_init();
	suite_add_tcase(suite, tcase);
	tcase_add_loop_test(tcase, messages, 0, 2);
	tcase_add_loop_test(tcase, payloads, 0, 2);
	tcase_add_loop_test(tcase, options, 0, 2);
	tcase_add_test(tcase, trim);
	return run_suite(suite);
}
