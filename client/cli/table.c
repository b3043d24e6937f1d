/* SPDX-License-Identifier: ISC */
#include "client/cli/table.h"

#include <string.h>

static void
add(struct table *t, const void *text, size_t len)
{
	size_t column = t->cells++ % t->columns;

	if (len == 0) {
		text = "-";
		len = 1;
	}
	if (len > t->widths[column])
		t->widths[column] = len;
	bytes_append(&t->text, text, len);
	bytes_append_char(&t->text, '\0');
}

void
table_add(struct table *t, const char *text)
{
	add(t, text, text == NULL ? 0 : strlen(text));
}

void
table_add_bytes(struct table *t, const struct bytes *text)
{
	add(t, bytes_head(text), bytes_len(text));
}

void
table_add_uint(struct table *t, uint64_t number)
{
	struct bytes text = {0};

	bytes_append_uint(&text, number);
	table_add_bytes(t, &text);
	bytes_fini(&text);
}

static void
put_blanks(struct bytes *out, size_t count)
{
	while (count-- > 0)
		bytes_append_char(out, ' ');
}

void
table_put(struct bytes *out, const struct table *t, size_t limit)
{
	const char *text = (const char *)bytes_head(&t->text);
	size_t cells = t->cells, column, len, pad;

	if (bytes_failed(&t->text))
		return;
	if (limit > 0 && cells > limit * t->columns)
		cells = limit * t->columns;
	for (size_t i = 0; i < cells; i++, text += len + 1) {
		column = i % t->columns;
		len = strlen(text);
		pad = t->widths[column] - len;
		if (column > 0)
			bytes_append_str(out, "  ");
		else if (i > 0)
			bytes_append_char(out, '\n');
		if (t->right & 1U << column)
			put_blanks(out, pad);
		bytes_append(out, text, len);
		if (!(t->right & 1U << column) && column + 1 < t->columns)
			put_blanks(out, pad);
	}
}

void
table_fini(struct table *t)
{
	bytes_fini(&t->text);
}
