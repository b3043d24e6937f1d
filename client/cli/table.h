/* SPDX-License-Identifier: ISC */
/* Rows of words in columns. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/bytes.h"

enum { TABLE_COLUMNS_MAX = 16 };

struct table {
	size_t columns, cells;
	unsigned right;	   /* a mask: columns of numbers, which end together */
	struct bytes text; /* each cell ends with NUL */
	size_t widths[TABLE_COLUMNS_MAX];
};

/* Adds the next cell; one without text is a "-". */
void table_add(struct table *t, const char *text);
void table_add_bytes(struct table *t, const struct bytes *text);
void table_add_uint(struct table *t, uint64_t number);
/* Appends all rows, but for the last one's LF; at most limit of them, 0: all. */
void table_put(struct bytes *out, const struct table *t, size_t limit);
void table_fini(struct table *t);

#endif
