/* SPDX-License-Identifier: ISC */
#include "base/metrics.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/run.h"

/* What a family of each kind looks like, in both forms. */
static char *
example(enum metrics_format format)
{
	struct metrics_text t;
	size_t len;
	char *text;

	metrics_begin(&t, format);
	metrics_single(&t, METRICS_COUNTER, "a_bytes", "Bytes.", 18446744073709551615u);
	metrics_family(&t, METRICS_GAUGE, "b", "By what.");
	metrics_sample(&t, "what", "a\"b\\c\nd", 1);
	metrics_sample(&t, "what", "", 0);
	text = metrics_end(&t, &len);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(strlen(text), len);
	return text;
}

START_TEST(prometheus)
{
	char *text = example(METRICS_PROMETHEUS);

	ck_assert_str_eq(text,
	    "# HELP a_bytes_total Bytes.\n"
	    "# TYPE a_bytes_total counter\n"
	    "a_bytes_total 18446744073709551615\n"
	    "# HELP b By what.\n"
	    "# TYPE b gauge\n"
	    "b{what=\"a\\\"b\\\\c\\nd\"} 1\n"
	    "b{what=\"\"} 0\n"
	    "# EOF\n");
	free(text);
}
END_TEST

START_TEST(openmetrics)
{
	char *text = example(METRICS_OPENMETRICS);

	ck_assert_ptr_nonnull(strstr(text,
	    "# HELP a_bytes Bytes.\n"
	    "# TYPE a_bytes counter\n"
	    "a_bytes_total 18446744073709551615\n"));
	free(text);
}
END_TEST

START_TEST(formats)
{
	enum metrics_format format = METRICS_PROMETHEUS;

	ck_assert(metrics_format_find("openmetrics", &format));
	ck_assert_int_eq(format, METRICS_OPENMETRICS);
	ck_assert(metrics_format_find("prometheus", &format));
	ck_assert_int_eq(format, METRICS_PROMETHEUS);
	ck_assert(!metrics_format_find("", &format));
	ck_assert(!metrics_format_find("prometheus ", &format));
}
END_TEST

/* A bound belongs to its bucket, and a bucket holds all below it. */
START_TEST(buckets)
{
	struct metrics_histogram h = {0};
	struct metrics_text t;
	size_t len;
	char *text;

	metrics_observe(&h, 0);
	metrics_observe(&h, 1);
	metrics_observe(&h, 2);
	metrics_observe(&h, 5000);
	metrics_observe(&h, 5001);
	metrics_begin(&t, METRICS_PROMETHEUS);
	metrics_histogram(&t, "c_seconds", "Time.", &h);
	text = metrics_end(&t, &len);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text,
	    "# TYPE c_seconds histogram\n"
	    "c_seconds_bucket{le=\"0.001\"} 2\n"
	    "c_seconds_bucket{le=\"0.002\"} 3\n"
	    "c_seconds_bucket{le=\"0.005\"} 3\n"));
	ck_assert_ptr_nonnull(strstr(text,
	    "c_seconds_bucket{le=\"1.0\"} 3\n"
	    "c_seconds_bucket{le=\"5.0\"} 4\n"
	    "c_seconds_bucket{le=\"+Inf\"} 5\n"
	    "c_seconds_sum 10.004\n"
	    "c_seconds_count 5\n"));
	free(text);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("metrics");
	TCase *tc = tcase_create("text");

	tcase_add_test(tc, prometheus);
	tcase_add_test(tc, openmetrics);
	tcase_add_test(tc, formats);
	tcase_add_test(tc, buckets);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
