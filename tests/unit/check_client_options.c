/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client/options.h"

/* Text -> JSON text; errors as "!" and the sentence. */
static void
expect(json_t *(*read)(const char *, char *, size_t), const char *text, const char *want)
{
	char why[128] = "";
	json_t *json = read(text, why, sizeof why);
	char *got = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);

	if (*want == '!') {
		ck_assert_msg(json == NULL, "%s: taken as %s", text, got);
		ck_assert_msg(strstr(why, want + 1) != NULL, "%s: %s", text, why);
	} else {
		ck_assert_msg(json != NULL, "%s: %s", text, why);
		ck_assert_str_eq(got, want);
	}
	free(got);
	json_decref(json);
}

START_TEST(words)
{
	expect(options_read, NULL, "[]");
	expect(options_read, " \t\n", "[]");
	expect(options_read, "packet=line active=once binary",
	    "[{\"packet\":\"line\"},{\"active\":\"once\"},\"binary\"]");
	/* order and repetition are kept: they count */
	expect(options_read, "active=3 active=-2", "[{\"active\":3},{\"active\":-2}]");
	expect(options_read, "ip=127.0.0.1 ifaddr=::1",
	    "[{\"ip\":\"127.0.0.1\"},{\"ifaddr\":\"::1\"}]");
	expect(options_read, "keepalive=true nodelay=false",
	    "[{\"keepalive\":true},{\"nodelay\":false}]");
	expect(options_read, "x= y", "!x: no value");
	expect(options_read, "=1", "!no option's name");
}
END_TEST

START_TEST(numbers_and_what_looks_like_them)
{
	expect(options_read, "a=0 b=-1 c=9223372036854775807",
	    "[{\"a\":0},{\"b\":-1},{\"c\":9223372036854775807}]");
	expect(
	    options_read, "a=9223372036854775808", "[{\"a\":\"9223372036854775808\"}]");
	expect(options_read, "a=1.5 b=1x c=- d=+1 e=0x10",
	    "[{\"a\":\"1.5\"},{\"b\":\"1x\"},{\"c\":\"-\"},{\"d\":\"+1\"},{\"e\":"
	    "\"0x10\"}]");
	expect(options_read, "a=True", "[{\"a\":\"True\"}]");
}
END_TEST

START_TEST(json_values)
{
	expect(options_read, "linger=[true, 5] packet=4",
	    "[{\"linger\":[true,5]},{\"packet\":4}]");
	expect(options_read, "ip={\"local\":\"/a b]}\\\"\"} binary",
	    "[{\"ip\":{\"local\":\"/a b]}\\\"\"}},\"binary\"]");
	expect(options_read, "packet=\"4\"", "[{\"packet\":\"4\"}]");
	expect(options_read, "linger=[true,5", "!linger: no value, or it has no end");
	expect(options_read, "linger=[true,5]x", "!linger: no value, or it has no end");
	expect(options_read, "linger=[true,,5]", "!not JSON");
	expect(options_read, "ip={\"a\":1,\"a\":2}", "!not JSON");
}
END_TEST

START_TEST(whole_json)
{
	expect(options_read, "{\"packet\":4,\"active\":false}",
	    "{\"packet\":4,\"active\":false}");
	expect(
	    options_read, " [\"binary\",[\"packet\",4]]", "[\"binary\",[\"packet\",4]]");
	expect(options_read, "{\"packet\":4} binary", "!not JSON");
	expect(options_read, "{\"packet\":4,\"packet\":2}", "!not JSON");
}
END_TEST

START_TEST(names)
{
	expect(options_read_names, NULL, "[]");
	expect(options_read_names, "active packet", "[\"active\",\"packet\"]");
	expect(options_read_names, "recbuf {\"raw\": [6, 1, 4]}",
	    "[\"recbuf\",{\"raw\":[6,1,4]}]");
	expect(options_read_names, "[\"active\"]", "[\"active\"]");
	expect(options_read_names, "{\"raw\":[6", "!JSON without an end");
	expect(options_read_names, "a\xff", "!not UTF-8");
}
END_TEST

START_TEST(one_more)
{
	char why[128];
	json_t *array = options_read("binary", why, sizeof why);
	json_t *object = options_read("{\"packet\":4}", why, sizeof why);

	ck_assert_int_eq(options_add(array, "fd", json_string("passed")), 0);
	ck_assert_int_eq(options_add(object, "fd", json_string("passed")), 0);
	ck_assert_str_eq(
	    json_string_value(json_object_get(json_array_get(array, 1), "fd")), "passed");
	ck_assert_str_eq(json_string_value(json_object_get(object, "fd")), "passed");
	ck_assert_uint_eq(json_object_size(object), 2);
	json_decref(array);
	json_decref(object);
}
END_TEST

START_TEST(spans)
{
	static const struct {
		const char *text;
		size_t len;
	} cases[] = {
	    {"{}", 2},
	    {"[] x", 2},
	    {"[[1],{\"]\":2}]]", 13},
	    {"\"a\\\"b\" c", 6},
	    {"[\"\\\\\"]", 6},
	    {"[", 0},
	    {"\"abc", 0},
	    {"{\"a\\", 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		ck_assert_uint_eq(options_json_span(cases[i].text, strlen(cases[i].text)),
		    cases[i].len);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("client/options");
	TCase *tcase = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_add_test(tcase, words);
	tcase_add_test(tcase, numbers_and_what_looks_like_them);
	tcase_add_test(tcase, json_values);
	tcase_add_test(tcase, whole_json);
	tcase_add_test(tcase, names);
	tcase_add_test(tcase, one_more);
	tcase_add_test(tcase, spans);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
