/* SPDX-License-Identifier: ISC */
/*
 * Cases that are files: data/message/{valid,invalid}/NAME.in holds what a client
 * sends, NAME.out what comes of it.  Found through srcdir, as automake sets it.
 */
#ifndef TESTS_CASES_H
#define TESTS_CASES_H

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

/* The limits that the cases are written for. */
static const struct wire_limits case_limits = {
    .max_message = 256, .max_attachment = 32, .max_values = 70};

/* All files of data/message/DIR that end in .in; globfree() when done. */
static inline void
cases_find(const char *dir, glob_t *found)
{
	const char *srcdir = getenv("srcdir");
	char pattern[512];
	int n;

	n = snprintf(pattern, sizeof pattern, "%s/data/message/%s/*.in",
	    srcdir == NULL ? "." : srcdir, dir);
	ck_assert(n > 0 && (size_t)n < sizeof pattern);
	ck_assert_msg(glob(pattern, 0, NULL, found) == 0, "no cases: %s", pattern);
}

/* A case's name, from its path. */
static inline const char *
case_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

/* A file's bytes, NUL-terminated; to be freed.  suffix stands for ".in". */
static inline char *
case_read(const char *path, const char *suffix, size_t *len)
{
	char name[512], *text;
	FILE *file;
	int n;

	n = snprintf(name, sizeof name, "%.*s%s", (int)strlen(path) - 3, path, suffix);
	ck_assert(n > 0 && (size_t)n < sizeof name);
	file = fopen(name, "rb");
	ck_assert_msg(file != NULL, "cannot open %s", name);
	text = malloc(65536);
	ck_assert_ptr_nonnull(text);
	*len = fread(text, 1, 65535, file);
	ck_assert(feof(file) != 0);
	text[*len] = '\0';
	(void)fclose(file);
	return text;
}

#endif
