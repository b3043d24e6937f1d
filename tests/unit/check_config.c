/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log_target.h"
#include "daemon/config.h"
#include "tests/unit/run.h"

static char dir[32], file[64], why[512];
static struct config c;

static void
begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/check_config.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/conf", dir);
	ck_assert_int_eq(setenv("GENTCPD_SOCKET", "/tmp/from-the-environment", 1), 0);
	config_init(&c);
}

static void
end(void)
{
	config_fini(&c);
	unlink(file);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
write_file(const char *text)
{
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static bool
reads(const char *text)
{
	write_file(text);
	why[0] = '\0';
	return config_read(&c, file, why, sizeof(why));
}

/* Text is refused with words about it, and leaves all as it was. */
static void
refused(const char *text, const char *words)
{
	struct config before = c;

	ck_assert_msg(!reads(text), "taken: %s", text);
	ck_assert_msg(strstr(why, words) != NULL, "%s: said: %s", text, why);
	ck_assert_msg(strncmp(why, file, strlen(file)) == 0, "no file named: %s", why);
	ck_assert_mem_eq(&before, &c, sizeof(c));
}

START_TEST(defaults)
{
	const size_t mib = 1024 * 1024;

	ck_assert_str_eq(c.socket, "/tmp/from-the-environment");
	ck_assert_ptr_eq(c.server.path, c.socket);
	ck_assert_ptr_eq(c.rpc.control_path, c.socket);
	ck_assert_uint_eq(c.server.mode, 0660);
	ck_assert_uint_eq(c.server.group, (gid_t)-1);
	ck_assert_uint_eq(c.server.wire.max_message, 16 * mib);
	ck_assert_uint_eq(c.server.wire.max_attachment, 64 * mib);
	ck_assert_uint_eq(c.server.wire.max_values, 65536);
	ck_assert_mem_eq(&c.server.wire, &c.rpc.wire, sizeof(c.rpc.wire));
	ck_assert_uint_eq(c.server.queue_high, mib);
	ck_assert_uint_eq(c.tcp.max_packet, 64 * mib);
	ck_assert_int_eq(c.tcp.close_timeout, 180000);
	ck_assert(!c.tcp.socket_backend);
	ck_assert_uint_eq(c.rpc.client_max[LIMIT_SOCKETS], 65536);
	ck_assert_uint_eq(c.rpc.client_max[LIMIT_CALLS], 4096);
	ck_assert_uint_eq(c.rpc.client_max[LIMIT_BYTES], 256 * mib);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_CLIENTS], 1024);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_SOCKETS], 131072);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_CALLS], 65536);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_BYTES], 1024 * mib);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_INPUT], 1024 * mib);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_INPUT], 4096 * mib);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_CLIENTS], 4096);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_SOCKETS], 262144);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_CALLS], SIZE_MAX);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_BYTES], 4096 * mib);
	ck_assert_uint_eq(c.rpc.uid, geteuid());
}
END_TEST

START_TEST(where_the_socket_is)
{
	struct config d;

	ck_assert_int_eq(unsetenv("GENTCPD_SOCKET"), 0);
	ck_assert_int_eq(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
	config_init(&d);
	if (geteuid() == 0)
		ck_assert_str_eq(d.socket, RUNSTATEDIR "/gentcpd/gentcpd.sock");
	else
		ck_assert_str_eq(d.socket, "/run/user/7/gentcpd.sock");
	config_fini(&d);
	ck_assert_int_eq(unsetenv("XDG_RUNTIME_DIR"), 0);
	ck_assert_int_eq(setenv("GENTCPD_SOCKET", "", 1), 0);
	config_init(&d);
	if (geteuid() != 0)
		ck_assert_ptr_null(d.socket);
	ck_assert(config_set_socket(&d, "/x"));
	ck_assert_str_eq(d.server.path, "/x");
	ck_assert_str_eq(d.rpc.control_path, "/x");
	config_fini(&d);
}
END_TEST

START_TEST(nothing_and_everything)
{
	ck_assert_msg(reads("{}"), "%s", why);
	ck_assert_str_eq(c.socket, "/tmp/from-the-environment");
	ck_assert_msg(
	    reads("{\"socket\":\"/tmp/a b\",\"mode\":\"0600\",\"group\":0,"
		  "\"max_message\":2048,\"max_attachment\":0,\"max_values\":100,"
		  "\"queue_high\":8192,\"max_packet\":77,\"close_timeout\":5,"
		  "\"inet_backend\":\"socket\","
		  "\"resolvers\":3,\"client_sockets\":1,\"client_calls\":2,"
		  "\"client_bytes\":3000,\"uid_clients\":4,\"uid_sockets\":5,"
		  "\"uid_calls\":6,\"uid_bytes\":7000,\"total_clients\":8,"
		  "\"total_sockets\":9,\"total_calls\":10,"
		  "\"total_bytes\":\"unlimited\"}"),
	    "%s", why);
	ck_assert_str_eq(c.socket, "/tmp/a b");
	ck_assert_ptr_eq(c.server.path, c.socket);
	ck_assert_uint_eq(c.server.mode, 0600);
	ck_assert_uint_eq(c.server.group, 0);
	ck_assert_uint_eq(c.server.wire.max_message, 2048);
	ck_assert_uint_eq(c.rpc.wire.max_message, 2048);
	ck_assert_uint_eq(c.rpc.wire.max_attachment, 0);
	ck_assert_uint_eq(c.rpc.wire.max_values, 100);
	ck_assert_uint_eq(c.server.queue_high, 8192);
	ck_assert_uint_eq(c.tcp.max_packet, 77);
	ck_assert_int_eq(c.tcp.close_timeout, 5);
	ck_assert(c.tcp.socket_backend);
	ck_assert_uint_eq(c.tcp.resolvers, 3);
	ck_assert_uint_eq(c.rpc.client_max[LIMIT_SOCKETS], 1);
	ck_assert_uint_eq(c.rpc.client_max[LIMIT_CALLS], 2);
	ck_assert_uint_eq(c.rpc.client_max[LIMIT_BYTES], 3000);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_CLIENTS], 4);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_SOCKETS], 5);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_CALLS], 6);
	ck_assert_uint_eq(c.rpc.uid_max[LIMIT_BYTES], 7000);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_CLIENTS], 8);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_SOCKETS], 9);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_CALLS], 10);
	ck_assert_uint_eq(c.rpc.total_max[LIMIT_BYTES], SIZE_MAX);
	ck_assert_msg(reads("{\"group\":\"root\"}"), "%s", why);
	ck_assert_uint_eq(c.server.group, 0);
}
END_TEST

START_TEST(wrong_values)
{
	refused(
	    "{\"max_pakcet\":5}", ":1: max_pakcet is an unknown key: is it max_packet?");
	refused("{\"max_packet\":\"5\"}", "max_packet must be a whole number");
	refused("{\"max_packet\":5.0}", "max_packet must be a whole number");
	refused("{\"max_packet\":null}", "max_packet must be a whole number");
	refused("{\"max_packet\":0}", "max_packet must be from 1 to 2147483647");
	refused("{\"max_packet\":2147483648}", "must be from 1 to");
	refused(
	    "{\"inet_backend\":\"x\"}", "inet_backend must be \"inet\" or \"socket\"");
	refused("{\"close_timeout\":-1}", "close_timeout must be from 0");
	refused("{\"client_calls\":0}", "client_calls must be at least 1");
	refused("{\"client_calls\":\"many\"}", "or \"unlimited\"");
	refused("{\"max_values\":\"unlimited\"}", "max_values must be a whole number");
	refused("{\"mode\":660}", "octal");
	refused("{\"mode\":\"0680\"}", "octal");
	refused("{\"mode\":\"\"}", "octal");
	refused("{\"mode\":\"4755\"}", "\"0777\"");
	refused("{\"mode\":\"-660\"}", "octal");
	refused("{\"group\":\"no such group here\"}", "no such group here");
	refused("{\"group\":-1}", "group must be from 0");
	refused("{\"group\":4294967295}", "group must be from 0");
	refused("{\"group\":[]}", "group must be a name or a whole number");
	refused("{\"socket\":\"\"}", "socket must be a string");
	refused("{\"socket\":5}", "socket must be a string");
	refused("{\"socket\":\"/123456789/123456789/123456789/123456789/123456789/"
		"123456789/123456789/123456789/123456789/123456789/12345678\"}",
	    "1 to 107");
}
END_TEST

static int64_t
number_in(const struct option_list *list, enum option_id id)
{
	const struct option_value *v = option_list_last(list, id);

	ck_assert_ptr_nonnull(v);
	return v->u.number;
}

/* In each form; active is not kept. */
START_TEST(default_options)
{
	ck_assert_uint_eq(c.connect_options.count, 0);
	ck_assert_ptr_eq(c.rpc.connect_options, &c.connect_options);
	ck_assert_ptr_eq(c.rpc.listen_options, &c.listen_options);
	ck_assert_msg(
	    reads("{\"inet_default_connect_options\":{\"packet\":4,\"active\":\"once\","
		  "\"mode\":\"list\"},"
		  "\"inet_default_listen_options\":[\"list\",{\"active\":3},[\"active\","
		  "2],[\"backlog\",77],{\"raw\":[6,1,[1,0,0,0]]}]}"),
	    "%s", why);
	ck_assert_uint_eq(c.connect_options.count, 2);
	ck_assert_int_eq(number_in(&c.connect_options, OPTION_PACKET), OPTION_PACKET_4);
	ck_assert_int_eq(number_in(&c.connect_options, OPTION_MODE), OPTION_MODE_LIST);
	ck_assert_uint_eq(c.listen_options.count, 3);
	ck_assert_int_eq(number_in(&c.listen_options, OPTION_BACKLOG), 77);
	/* they stay where a later file does not name them, and are replaced where it does */
	ck_assert_msg(reads("{\"inet_default_connect_options\":{}}"), "%s", why);
	ck_assert_uint_eq(c.connect_options.count, 0);
	ck_assert_uint_eq(c.listen_options.count, 3);
	ck_assert_ptr_eq(c.rpc.listen_options, &c.listen_options);
	ck_assert_msg(reads("{\"inet_default_listen_options\":[]}"), "%s", why);
	ck_assert_uint_eq(c.listen_options.count, 0);
}
END_TEST

START_TEST(wrong_default_options)
{
	refused("{\"inet_default_connect_options\":{\"colour\":1}}",
	    "inet_default_connect_options cannot be that: unknown option \"colour\"");
	refused("{\"inet_default_listen_options\":{\"packet\":3}}",
	    "inet_default_listen_options cannot be that: option \"packet\" must be one of");
	refused("{\"inet_default_connect_options\":{\"backlog\":3}}",
	    "option \"backlog\" cannot be given to connect");
	refused("{\"inet_default_listen_options\":{\"line_delimiter\":3}}",
	    "option \"line_delimiter\" cannot be given to listen");
	refused("{\"inet_default_listen_options\":{\"fd\":\"passed\"}}",
	    "option \"fd\" cannot be a default");
	refused("{\"inet_default_listen_options\":{\"raw\":[6,9999,\"abcd\"]}}",
	    "option \"raw\" is not one that can be set");
	refused("{\"inet_default_connect_options\":5}", "must be an object or an array");
	refused(
	    "{\"inet_default_connect_options\":null}", "must be an object or an array");
	refused("{\"inet_default_connect_options\":{\"packet\":4},\"resolvers\":0}",
	    "resolvers");
	ck_assert_uint_eq(c.connect_options.count, 0);
}
END_TEST

START_TEST(all_or_nothing)
{
	refused("{\"socket\":\"/elsewhere\",\"max_packet\":9,\"resolvers\":0}",
	    "resolvers must be from 1");
	ck_assert_str_eq(c.socket, "/tmp/from-the-environment");
	ck_assert_uint_ne(c.tcp.max_packet, 9);
}
END_TEST

/* The line is that of the value, whatever stands around it. */
START_TEST(lines)
{
	refused("{\n\n\"resolvers\": 0}", ":3: resolvers must be");
	refused("{\"log\": \"a\\\"\\u0022}{\",\n\"resolvers\": 0}", ":1: log must be");
	refused("{\"access\": [], \"log\": \"stderr\",\n\"queue_high\":\n7}",
	    ":3: queue_high must be");
	refused("{\"access\": [{},\n{\"users\": [0],\n\"groups\": [[[{}]]]}]}",
	    ":3: access rule 2: groups must have");
	refused("{\"access\": [[], {\"a\":\n1}]}", ":1: access rule 1 must be an object");
	refused("{\"access\": [{\"users\": [1, {\"x\": [true, 1e5]}],\n\"a\": 1}]}",
	    ":1: access rule 1: users must have");
	refused(
	    "{\"inet_default_connect_options\": [[\"packet\", 4], {\"nodelay\": true}],\n"
	    "\"log_level\": {\"tcp\": \"info\",\n\"rpc\": 7}}",
	    ":3: log_level: rpc must be");
}
END_TEST

START_TEST(rules)
{
	const struct access_rule *rule;

	ck_assert_msg(
	    reads("{\"admin_group\": 12, \"access\": [{\"users\": [\"root\", 7],"
		  "\"groups\": [\"root\"], \"methods\": [\"inet.i\", \"file.*\"],"
		  "\"listen\": [], \"connect\": [\"*:1\", \"[::1]\"],"
		  "\"sockets\": 1, \"clients\": 2, \"bytes\": 3,"
		  "\"give_to\": \"*\"}, {}]}"),
	    "%s", why);
	ck_assert_ptr_eq(c.rpc.access, &c.access);
	ck_assert(c.access.has_admin && c.access.admin == 12);
	ck_assert_uint_eq(c.access.count, 2);
	rule = &c.access.rules[0];
	ck_assert(access_has_uid(&rule->users, 0) && access_has_uid(&rule->users, 7));
	ck_assert(access_has_gid(&rule->groups, 0));
	ck_assert_uint_eq(
	    rule->methods, UINT64_C(1) << METHOD_I | UINT64_C(1) << METHOD_SENDFILE);
	ck_assert(rule->listen.given && rule->listen.count == 0);
	ck_assert_uint_eq(rule->connect.count, 2);
	ck_assert_uint_eq(rule->max[LIMIT_SOCKETS], 1);
	ck_assert_uint_eq(rule->max[LIMIT_CLIENTS], 2);
	ck_assert_uint_eq(rule->max[LIMIT_BYTES], 3);
	ck_assert(rule->give.all);
	rule = &c.access.rules[1];
	ck_assert(!rule->listen.given && !rule->connect.given && !rule->give.all);
	ck_assert_uint_eq(rule->methods, ACCESS_ALL_METHODS);
	/* a descriptor leads past the addresses: it is handed out where that is said */
	ck_assert_msg(reads("{\"access\": [{\"listen\": []}, {\"connect\": []},"
			    "{\"methods\": [\"inet.*\"], \"connect\": []}, {}]}"),
	    "%s", why);
	for (size_t i = 0; i < 4; i++)
		ck_assert((c.access.rules[i].methods & access_methods("inet.getfd")) ==
		    (i < 2 ? 0 : access_methods("inet.getfd")));
	ck_assert_msg(reads("{\"access\": [{}, {}]}"), "%s", why);
	/* wrong ones leave them, others replace them */
	refused("{\"access\": [{\"users\": [\"root\"]}, 5]}", "rule 2 must be");
	refused("{\"access\": [{\"give_to\": \"root\"}]}", "give_to must be an array");
	refused("{\"access\": [{\"bytes\": -1}]}", "bytes must be a whole number");
	refused("{\"access\": [{\"users\": [4294967295]}]}", "users must have");
	refused("{\"access\": [{\"users\": []}]}", "users must not be empty");
	refused("{\"access\": [{\"users\": [1], \"groups\": []}]}",
	    "groups must not be empty: a rule for everybody has neither");
	ck_assert_uint_eq(c.access.count, 2);
	ck_assert_msg(reads("{\"access\": []}"), "%s", why);
	ck_assert_uint_eq(c.access.count, 0);
	ck_assert(c.access.has_admin);
}
END_TEST

START_TEST(the_log)
{
	ck_assert_int_eq(c.log.target, CONFIG_LOG_AUTO);
	ck_assert_msg(reads("{\"log\": \"/tmp/x\", \"log_level\": {\"tcp\": \"debug\"}}"),
	    "%s", why);
	ck_assert_int_eq(c.log.target, LOG_TO_FILE);
	ck_assert_str_eq(c.log.path, "/tmp/x");
	for (size_t i = 0; log_subsystem(i) != NULL; i++)
		ck_assert_int_eq(c.log.levels[i],
		    strcmp(log_subsystem(i), "tcp") == 0 ? LOG_L_DEBUG : LOG_L_INFO);
	ck_assert_msg(
	    reads("{\"log\": \"syslog\", \"log_level\": \"error\"}"), "%s", why);
	ck_assert_int_eq(c.log.target, LOG_TO_SYSLOG);
	ck_assert_ptr_null(c.log.path);
	ck_assert_int_eq(c.log.levels[0], LOG_L_ERROR);
	refused("{\"log\": 5}", "log must be");
}
END_TEST

/* What needs a new start stays as it is, and is named. */
START_TEST(what_stays)
{
	struct config_source from = {.file = file, .socket = "/s"};
	struct config now, next;
	char names[64];
	char *path;

	write_file("{\"resolvers\": 2, \"max_packet\": 5}");
	ck_assert(config_build(&now, &from, why, sizeof(why)));
	write_file("{\"resolvers\": 2, \"max_packet\": 6}");
	ck_assert(config_build(&next, &from, why, sizeof(why)));
	path = now.socket;
	ck_assert(!config_keep(&next, &now, names, sizeof(names)));
	ck_assert_ptr_eq(next.socket, path); /* which others point to */
	ck_assert_ptr_eq(next.server.path, path);
	ck_assert_uint_eq(next.tcp.max_packet, 6);
	config_fini(&now);
	now = next;
	write_file("{\"resolvers\": 3, \"monitor_socket\": \"/m\", \"mode\": \"0600\"}");
	ck_assert(config_build(&next, &from, why, sizeof(why)));
	ck_assert(config_keep(&next, &now, names, sizeof(names)));
	ck_assert_str_eq(names, "mode, monitor_socket, resolvers");
	ck_assert_uint_eq(next.tcp.resolvers, 2);
	ck_assert_ptr_null(next.monitor_socket);
	config_fini(&now);
	config_fini(&next);
	write_file("{\"resolvers\": 0}");
	ck_assert(!config_build(&next, &from, why, sizeof(why)));
}
END_TEST

START_TEST(broken_files)
{
	char name[96];

	snprintf(name, sizeof(name), "%s:3:", file);
	refused("{\n\"max_packet\":5,\n\"resolvers\" 2}", name);
	refused("{\"resolvers\":2,\"resolvers\":3}", "duplicate");
	refused("{\"resolvers\":2} x", ":1:");
	refused("[]", "one JSON object");
	refused("", ":1:");
	refused("{\"socket\":\"a\\u0000b\"}", ":1:");
}
END_TEST

START_TEST(unreadable_files)
{
	FILE *f;
	long i;

	ck_assert(!config_read(&c, "/nowhere/at/all", why, sizeof(why)));
	ck_assert_str_eq(why, "cannot read /nowhere/at/all: No such file or directory");
	ck_assert(!config_read(&c, dir, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "Is a directory"));
	ck_assert_int_eq(mkfifo(file, 0600), 0);
	ck_assert(!config_read(&c, file, why, sizeof(why)));
	ck_assert_int_eq(unlink(file), 0);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	for (i = 0; i < 1024 * 1024; i++)
		putc(' ', f);
	fputs("{}", f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert(!config_read(&c, file, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "longer than a megabyte"));
	ck_assert_int_eq(truncate(file, 1024 * 1024 - 2), 0);
	f = fopen(file, "a");
	ck_assert_ptr_nonnull(f);
	fputs("{}", f);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_msg(config_read(&c, file, why, sizeof(why)), "%s", why);
}
END_TEST

/* Each key has its place in the help, with its default. */
START_TEST(help)
{
	static char text[16384];
	FILE *f;
	size_t n;
	int saved;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	ck_assert_ptr_nonnull(freopen(file, "w", stdout));
	config_help();
	fflush(stdout);
	ck_assert_int_ge(dup2(saved, STDOUT_FILENO), 0);
	close(saved);
	f = fopen(file, "r");
	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "  socket "));
	ck_assert_ptr_nonnull(strstr(text, "default /tmp/from-the-environment\n"));
	ck_assert_ptr_nonnull(strstr(text, "  close_timeout "));
	ck_assert_ptr_nonnull(
	    strstr(text, "milliseconds, from 0 to 86400000; default 180000\n"));
	ck_assert_ptr_nonnull(strstr(text, "default \"0660\"\n"));
	ck_assert_ptr_nonnull(strstr(text, "default unlimited\n"));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("daemon/config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, where_the_socket_is);
	tcase_add_test(tc, nothing_and_everything);
	tcase_add_test(tc, wrong_values);
	tcase_add_test(tc, default_options);
	tcase_add_test(tc, wrong_default_options);
	tcase_add_test(tc, all_or_nothing);
	tcase_add_test(tc, lines);
	tcase_add_test(tc, rules);
	tcase_add_test(tc, the_log);
	tcase_add_test(tc, what_stays);
	tcase_add_test(tc, broken_files);
	tcase_add_test(tc, unreadable_files);
	tcase_add_test(tc, help);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
