/* SPDX-License-Identifier: ISC */
#include "tests/unit/no_memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *text);

static size_t left; /* until one fails; 0: none will */
static bool lasts, met;

static bool
fails(void)
{
	if (met && lasts)
		return true;
	if (left == 0 || --left > 0)
		return false;
	met = true;
	return true;
}

void *
__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *
__wrap_reallocarray(void *p, size_t count, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, count, size);
}

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

void
no_memory_init(void)
{
	json_set_alloc_funcs(__wrap_malloc, free);
}

void
no_memory_at(size_t n, bool lasting)
{
	left = n;
	lasts = lasting;
	met = false;
}

bool
no_memory_met(void)
{
	return met;
}
