/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "proto/method.h"
#include "tests/unit/run.h"

START_TEST(complete)
{
	for (int i = 0; i < METHOD_COUNT; i++) {
		const struct method_row *row = method_row((enum method_id)i);
		bool bytes = false, optional = false;

		ck_assert_msg(row->name != NULL, "row %d", i);
		ck_assert_int_eq(row->id, i);
		ck_assert_ptr_nonnull(strchr(row->name, '.'));
		ck_assert_msg(
		    row->help != NULL && row->help[strlen(row->help) - 1] == '.', "%s",
		    row->name);
		ck_assert_msg(
		    row->result != NULL && *row->result != '\0', "%s", row->name);
		ck_assert_uint_eq(row->flags & ~63U, 0);
		for (size_t k = 0; k < method_arity(row); k++) {
			const struct method_param *param = &row->params[k];

			ck_assert_msg(param->help != NULL && *param->help != '\0',
			    "%s: %s", row->name, param->name);
			for (size_t j = 0; j < k; j++)
				ck_assert_str_ne(param->name, row->params[j].name);
			bytes = bytes || param->type == METHOD_T_DATA;
			/* By position nothing that must be given follows what need not. */
			if (i != METHOD_CONNECT)
				ck_assert_msg(
				    !optional || param->optional, "%s", row->name);
			optional = optional || param->optional;
		}
		ck_assert_int_eq(bytes, (row->flags & METHOD_BYTES) != 0);
	}
}
END_TEST

START_TEST(found_by_name)
{
	for (int i = 0; i < METHOD_COUNT; i++) {
		const struct method_row *row = method_row((enum method_id)i);

		ck_assert_ptr_eq(method_find(row->name), row);
	}
	ck_assert_ptr_null(method_find(""));
	ck_assert_ptr_null(method_find("gen_tcp"));
	ck_assert_ptr_null(method_find("gen_tcp.sen"));
	ck_assert_ptr_null(method_find("gen_tcp.sendx"));
	ck_assert_ptr_null(method_find("GEN_TCP.SEND"));
	ck_assert_ptr_null(method_find("zzz"));
}
END_TEST

/* The params in the protocol's order; ? marks those that need not be given. */
START_TEST(shapes)
{
	static const struct {
		const char *name, *params;
		unsigned flags;
	} rows[] = {
	    {"gen_tcp.connect", "address port? options? timeout?",
		METHOD_WAITS | METHOD_FDS},
	    {"gen_tcp.listen", "port options?", METHOD_FDS},
	    {"gen_tcp.accept", "socket timeout?", METHOD_WAITS},
	    {"gen_tcp.fdopen", "options", METHOD_FDS},
	    {"gen_tcp.send", "socket data", METHOD_BYTES},
	    {"gen_tcp.recv", "socket length timeout?", METHOD_WAITS},
	    {"gen_tcp.close", "socket", 0},
	    {"gen_tcp.shutdown", "socket how", 0},
	    {"gen_tcp.controlling_process", "socket client messages? active?", 0},
	    {"gen_tcp.unrecv", "socket data", METHOD_BYTES},
	    {"inet.setopts", "socket options", 0},
	    {"inet.getopts", "socket names", METHOD_TELLS},
	    {"inet.sockname", "socket", METHOD_TELLS},
	    {"inet.peername", "socket", METHOD_TELLS},
	    {"inet.port", "socket", METHOD_TELLS},
	    {"inet.getstat", "socket names?", METHOD_TELLS},
	    {"inet.info", "socket", METHOD_TELLS},
	    {"inet.i", "", METHOD_TELLS},
	    {"inet.getfd", "socket", METHOD_TELLS | METHOD_GIVES},
	    {"inet.monitor", "socket", 0},
	    {"inet.cancel_monitor", "monitor", 0},
	    {"inet.getaddrs", "host family?", METHOD_WAITS},
	    {"file.sendfile", "socket offset bytes", METHOD_WAITS | METHOD_FDS},
	    {"session.hello", "client? protocol? data? attachments?", 0},
	    {"session.self", "", METHOD_TELLS},
	    {"session.clients", "", METHOD_TELLS},
	    {"session.cancel", "id", 0},
	    {"session.keep", "ttl replay?", 0},
	    {"session.attach", "client token seen?", METHOD_ALONE},
	    {"session.ack", "seq", 0},
	    {"rpc.discover", "", METHOD_TELLS},
	    {"daemon.status", "", METHOD_TELLS},
	    {"daemon.reload", "", METHOD_WAITS},
	    {"daemon.shutdown", "", 0},
	    {"daemon.log_level", "level? subsystem?", 0},
	    {"daemon.metrics", "format?", METHOD_TELLS},
	};

	ck_assert_uint_eq(sizeof rows / sizeof *rows, METHOD_COUNT);
	for (size_t i = 0; i < METHOD_COUNT; i++) {
		const struct method_row *row = method_find(rows[i].name);
		char text[128] = "";

		ck_assert_ptr_nonnull(row);
		for (size_t k = 0; k < method_arity(row); k++) {
			strncat(text, k == 0 ? "" : " ", sizeof text - strlen(text) - 1);
			strncat(
			    text, row->params[k].name, sizeof text - strlen(text) - 1);
			strncat(text, row->params[k].optional ? "?" : "",
			    sizeof text - strlen(text) - 1);
		}
		ck_assert_str_eq(text, rows[i].params);
		ck_assert_uint_eq(row->flags, rows[i].flags);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("method");
	TCase *tcase = tcase_create("method");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, complete);
	tcase_add_test(tcase, found_by_name);
	tcase_add_test(tcase, shapes);
	return run_suite(suite);
}
