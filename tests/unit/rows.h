/* SPDX-License-Identifier: ISC */
/* JSON in tables of cases, and its comparison. */
#ifndef TESTS_ROWS_H
#define TESTS_ROWS_H

#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* Rows of JSON are written with ' for ", to be readable here. */
static inline json_t *
load(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *json;

	ck_assert_ptr_nonnull(copy);
	for (char *p = copy; *p != '\0'; p++) {
		if (*p == '\'')
			*p = '"';
	}
	json = json_loads(
	    copy, JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(json != NULL, "%s: %s", text, error.text);
	free(copy);
	return json;
}

/* Prints v and compares; takes v. */
static inline void
expect_json(json_t *v, const char *text)
{
	json_t *wanted = load(text);
	char *got;

	ck_assert_ptr_nonnull(v);
	got = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
	ck_assert_msg(json_equal(v, wanted), "%s instead of %s", got, text);
	free(got);
	json_decref(v);
	json_decref(wanted);
}

#endif
