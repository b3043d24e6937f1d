/* SPDX-License-Identifier: ISC */
#include "proto/quote.h"

#include <string.h>

static const char cut[] = "...\"";

/* One byte of a name as it is to be shown; returns how many characters it took. */
static size_t
put_byte(char *out, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	if (byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\') {
		out[0] = (char)byte;
		return 1;
	}
	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[byte >> 4];
	out[3] = digits[byte & 15];
	return 4;
}

struct quote
quote_name(const char *name, size_t len)
{
	struct quote q;
	char shown[4];
	size_t at = 0, n;

	q.text[at++] = '"';
	for (size_t i = 0; i < len; i++) {
		n = put_byte(shown, (unsigned char)name[i]);
		/* There is always room left for the end, cut or whole. */
		if (at + n + sizeof cut > sizeof q.text) {
			memcpy(q.text + at, cut, sizeof cut);
			return q;
		}
		memcpy(q.text + at, shown, n);
		at += n;
	}
	memcpy(q.text + at, "\"", 2);
	return q;
}
