/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/event.h"
#include "proto/reason.h"
#include "tests/unit/run.h"

/* One line is written, it is JSON, and it is this. */
static void
written(struct bytes *out, const char *want)
{
	json_t *json;

	ck_assert(!bytes_failed(out));
	json = json_loadb(
	    (const char *)bytes_head(out), bytes_len(out), JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(json);
	json_decref(json);
	bytes_append_char(out, '\0');
	ck_assert_str_eq((const char *)bytes_head(out), want);
	bytes_truncate(out, 0);
}

START_TEST(rows)
{
	static const char *const names[] = {"tcp", "tcp_passive", "tcp_error",
	    "tcp_closed", "tcp_owner", "down", "http", "port", "shutdown", "taken"};
	unsigned i;

	for (i = 0; i < EVENT_COUNT; i++) {
		ck_assert_str_eq(event_row((enum event_id)i)->name, names[i]);
		ck_assert_uint_eq(event_find(names[i]), i);
		ck_assert_uint_gt(strlen(event_row((enum event_id)i)->help), 5);
		ck_assert_int_eq(
		    strstr(event_row((enum event_id)i)->members, "socket") != NULL,
		    i != EVENT_SHUTDOWN && i != EVENT_TAKEN);
	}
	ck_assert_uint_eq(event_find("tcp_"), EVENT_COUNT);
	ck_assert_uint_eq(event_find(""), EVENT_COUNT);
}
END_TEST

START_TEST(plain)
{
	struct bytes out = {0};

	event_put_plain(&out, EVENT_TCP_PASSIVE, 1, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_passive\",\"params\":{\"socket\":1}}\n");
	event_put_plain(&out, EVENT_TCP_CLOSED, 9007199254740992, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_closed\",\"params\":{\"socket\":"
	    "9007199254740992}}\n");
	event_put_owner(&out, 7, 12, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_owner\",\"params\":{\"socket\":7,"
	    "\"from\":12}}\n");
	event_put_error(&out, 3, ECONNRESET, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_error\",\"params\":{\"socket\":3,"
	    "\"reason\":\"econnreset\"}}\n");
	event_put_shutdown(&out, 2000);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"shutdown\",\"params\":{"
	    "\"timeout\":2000}}\n");
	event_put_down(&out, 9, 3, "normal", 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"down\",\"params\":{\"monitor\":9,"
	    "\"socket\":3,\"reason\":\"normal\"}}\n");
	event_put_error(&out, 3, REASON_TIMEOUT, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_error\",\"params\":{\"socket\":3,"
	    "\"reason\":\"timeout\"}}\n");
	event_open_http(&out, 4);
	bytes_append_str(&out, "\"eoh\"");
	event_close_http(&out, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"http\",\"params\":{\"socket\":4,"
	    "\"http\":\"eoh\"}}\n");
	bytes_fini(&out);
}
END_TEST

START_TEST(numbered)
{
	struct payload_style style = {PAYLOAD_ATTACHED, false, 0};
	struct bytes out = {0};
	size_t skip;

	event_put_plain(&out, EVENT_TCP_CLOSED, 1, 9007199254740992);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp_closed\",\"params\":{\"socket\":1},"
	    "\"seq\":9007199254740992}\n");
	event_put_down(&out, 9, 3, "normal", 1);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"down\",\"params\":{\"monitor\":9,"
	    "\"socket\":3,\"reason\":\"normal\"},\"seq\":1}\n");
	event_open_http(&out, 4);
	bytes_append_str(&out, "\"eoh\"");
	event_close_http(&out, 2);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"http\",\"params\":{\"socket\":4,"
	    "\"http\":\"eoh\"},\"seq\":2}\n");
	ck_assert(event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 3, &skip));
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5},\"seq\":3,"
	    "\"attached\":3}\n");
	bytes_fini(&out);
}
END_TEST

START_TEST(data_in_the_line)
{
	struct payload_style style = {PAYLOAD_AUTO, false, 0};
	struct bytes out = {0};
	size_t skip;

	ck_assert(!event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 0, &skip));
	ck_assert_uint_eq(skip, 3);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5,"
	    "\"data\":\"hi\\n\"}}\n");
	style.header = 1;
	ck_assert(!event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 0, &skip));
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5,"
	    "\"header\":[104],\"data\":\"i\\n\"}}\n");
	style.list = true;
	ck_assert(!event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 0, &skip));
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5,"
	    "\"data\":[104,105,10]}}\n");
	style = (struct payload_style){PAYLOAD_BASE64, false, 0};
	ck_assert(!event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 0, &skip));
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5,"
	    "\"data\":{\"base64\":\"aGkK\"}}}\n");
	bytes_fini(&out);
}
END_TEST

START_TEST(http_and_port)
{
	struct payload_style style = {PAYLOAD_AUTO, false, 0};
	struct bytes out = {0};
	size_t skip;

	event_open_http(&out, 5);
	bytes_append_str(&out, "{\"type\":\"http_eoh\"}");
	event_close_http(&out, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"http\",\"params\":{\"socket\":5,"
	    "\"http\":{\"type\":\"http_eoh\"}}}\n");
	ck_assert(!event_put_data(&out, EVENT_PORT, 5, &style, "hi", 2, 0, &skip));
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"port\",\"params\":{\"socket\":5,"
	    "\"data\":\"hi\"}}\n");
	style.form = PAYLOAD_ATTACHED;
	ck_assert(event_put_data(&out, EVENT_PORT, 5, &style, "hi", 2, 0, &skip));
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"port\",\"params\":{\"socket\":5},"
	    "\"attached\":2}\n");
	bytes_fini(&out);
}
END_TEST

START_TEST(data_attached)
{
	struct payload_style style = {PAYLOAD_ATTACHED, false, 0};
	struct bytes out = {0};
	size_t skip = 9;

	ck_assert(event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 0, &skip));
	ck_assert_uint_eq(skip, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5},"
	    "\"attached\":3}\n");
	ck_assert(event_put_data(&out, EVENT_TCP, 5, &style, NULL, 0, 0, &skip));
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5},"
	    "\"attached\":0}\n");
	style.header = 2;
	ck_assert(event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 0, &skip));
	ck_assert_uint_eq(skip, 2);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5,"
	    "\"header\":[104,105]},\"attached\":1}\n");
	style.list = true;
	ck_assert(event_put_data(&out, EVENT_TCP, 5, &style, "hi\n", 3, 0, &skip));
	ck_assert_uint_eq(skip, 0);
	written(&out,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"tcp\",\"params\":{\"socket\":5,"
	    "\"mode\":\"list\"},\"attached\":3}\n");
	bytes_fini(&out);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("event");
	TCase *tcase = tcase_create("event");

	tcase_add_test(tcase, rows);
	tcase_add_test(tcase, plain);
	tcase_add_test(tcase, numbered);
	tcase_add_test(tcase, data_in_the_line);
	tcase_add_test(tcase, data_attached);
	tcase_add_test(tcase, http_and_port);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
