/* SPDX-License-Identifier: ISC */
#include "proto/utf8.h"

#include <stdbool.h>
#include <stddef.h>

/* Begins a sequence (RFC 3629, section 4); false if c begins none. */
static bool
lead(struct utf8 *u, unsigned char c)
{
	u->low = 0x80;
	u->high = 0xbf;
	if (c < 0xc2 || c > 0xf4)
		return false;
	if (c < 0xe0) {
		u->wanted = 1;
	} else if (c < 0xf0) {
		u->wanted = 2;
		if (c == 0xe0)
			u->low = 0xa0; /* else overlong */
		else if (c == 0xed)
			u->high = 0x9f; /* else a surrogate */
	} else {
		u->wanted = 3;
		if (c == 0xf0)
			u->low = 0x90; /* else overlong */
		else if (c == 0xf4)
			u->high = 0x8f; /* else past U+10FFFF */
	}
	return true;
}

const unsigned char *
utf8_run(struct utf8 *u, const unsigned char *p, const unsigned char *end)
{
	struct utf8 now = *u;

	*u = (struct utf8){0};
	for (; p < end; p++) {
		if (now.wanted > 0) {
			if (*p < now.low || *p > now.high)
				return NULL;
			now.low = 0x80;
			now.high = 0xbf;
			now.wanted--;
		} else if (*p < 0x80) {
			break;
		} else if (!lead(&now, *p)) {
			return NULL;
		}
	}
	*u = now;
	return p;
}

const unsigned char *
utf8_plain(const unsigned char *p, const unsigned char *end)
{
	uint64_t word, flags;

	for (; end - p >= 8; p += 8) {
		word = utf8_word(p);
		flags = UTF8_IS(word, '"') | UTF8_IS(word, '\\') | UTF8_BELOW(word, ' ');
		flags = (flags | word) & UTF8_FLAGS;
		if (flags != 0)
			return p + utf8_first(flags);
	}
	while (p < end && *p != '"' && *p != '\\' && *p >= ' ' && *p < 0x80)
		p++;
	return p;
}
