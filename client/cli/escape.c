/* SPDX-License-Identifier: ISC */
/* Bytes and JSON as text that no terminal acts upon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/output.h"

/*
 * The length of the character at p, its code in *code; 0 if that is no UTF-8
 * (RFC 3629).
 */
static size_t
character(const unsigned char *p, size_t left, uint32_t *code)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (len == 0 || *p > 0xf4 || len > left)
		return 0;
	*code = len == 1 ? *p : *p & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (p[i] & 0x3fU);
	}
	if (*code < least[len] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000))
		return 0;
	return len;
}

/* Would a terminal act upon it, or show text otherwise than it is? */
static bool
is_harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
	    (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff0 && c <= 0xfffb) ||
	    (c >= 0xe0000 && c <= 0xe0fff);
}

static void
put_escaped(struct bytes *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	char text[4] = {'\\', 'x', digits[c >> 4], digits[c & 15]};

	switch (c) {
	case '\n':
		bytes_append_str(out, "\\n");
		break;
	case '\r':
		bytes_append_str(out, "\\r");
		break;
	case '\t':
		bytes_append_str(out, "\\t");
		break;
	default:
		bytes_append(out, text, sizeof text);
	}
}

/* quotes: " and \ are escaped too. */
static void
put_harmless(struct bytes *out, const void *data, size_t len, bool quotes)
{
	const unsigned char *p = data;
	size_t n;
	uint32_t code = 0;

	for (size_t i = 0; i < len; i += n) {
		n = character(p + i, len - i, &code);
		if (n == 0 || is_harmful(code)) {
			n = n == 0 ? 1 : n;
			for (size_t k = 0; k < n; k++)
				put_escaped(out, p[i + k]);
			continue;
		}
		if (quotes && (code == '"' || code == '\\'))
			bytes_append_char(out, '\\');
		bytes_append(out, p + i, n);
	}
}

void
output_quoted(struct bytes *out, const void *data, size_t len)
{
	bytes_append_char(out, '"');
	put_harmless(out, data, len, true);
	bytes_append_char(out, '"');
}

void
output_word(struct bytes *out, const char *text, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_.:/+-%@,";
	size_t i = 0;

	while (i < len && text[i] != '\0' && strchr(plain, text[i]) != NULL)
		i++;
	if (i == len && len > 0)
		bytes_append(out, text, len);
	else
		output_quoted(out, text, len);
}

void
output_sentence(struct bytes *out, const char *text)
{
	put_harmless(out, text, strlen(text), false);
}

/* A character as JSON's escape, or pair of escapes. */
static void
put_u(struct bytes *out, uint32_t code)
{
	char text[16];

	if (code < 0x10000)
		snprintf(text, sizeof text, "\\u%04x", (unsigned)code);
	else
		snprintf(text, sizeof text, "\\u%04x\\u%04x",
		    0xd800U + (unsigned)((code - 0x10000) >> 10),
		    0xdc00U + (unsigned)(code & 0x3ff));
	bytes_append_str(out, text);
}

void
output_json(struct bytes *out, json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	size_t len = text == NULL ? 0 : strlen(text), n;
	uint32_t code = 0;

	/* jansson escapes what JSON must: DEL, C1 and the like are left */
	for (size_t i = 0; i < len; i += n) {
		n = character((const unsigned char *)text + i, len - i, &code);
		if (n == 0)
			break;
		if (is_harmful(code))
			put_u(out, code);
		else
			bytes_append(out, text + i, n);
	}
	free(text);
}
