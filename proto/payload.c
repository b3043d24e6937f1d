/* SPDX-License-Identifier: ISC */
#include "proto/payload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/reason.h"
#include "proto/utf8.h"

enum { PAYLOAD_DEPTH_MAX = 64 };

static const char *const form_names[] = {
    [PAYLOAD_AUTO] = "auto",
    [PAYLOAD_BASE64] = "base64",
    [PAYLOAD_ATTACHED] = "attached",
};

bool
payload_form_find(const char *name, enum payload_form *form)
{
	size_t i;

	for (i = 0; i < sizeof form_names / sizeof form_names[0]; i++) {
		if (strcmp(name, form_names[i]) == 0) {
			*form = (enum payload_form)i;
			return true;
		}
	}
	return false;
}

const char *
payload_form_name(enum payload_form form)
{
	return form_names[form];
}

/* --- in ---------------------------------------------------------------- */

/* One reading of data. */
struct reader {
	struct bytes *out;
	size_t before; /* bytes in out that are not ours */
	size_t limit;
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3))) static int
refuse(struct reader *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(r->why, r->size, format, args);
	va_end(args);
	return REASON_INVALID_PARAMS;
}

static size_t
left(const struct reader *r)
{
	return r->limit - (bytes_len(r->out) - r->before);
}

static int
read_base64(struct reader *r, json_t *object)
{
	json_t *text = json_object_get(object, "base64");
	size_t len, got;
	unsigned char *room;

	if (!json_is_string(text) || json_object_size(object) != 1)
		return refuse(r, "data: an object has one member, base64, a string");
	len = json_string_length(text);
	room = bytes_room(r->out, len / 4 * 3 + 1);
	if (room == NULL)
		return ENOMEM;
	if (!base64_decode(json_string_value(text), len, room, &got))
		return refuse(r, "data: base64 is not RFC 4648, with its padding");
	if (got > left(r))
		return EMSGSIZE;
	bytes_put(r->out, got);
	return 0;
}

/* Any form but an array, which read_array() sees to. */
static int
read_element(struct reader *r, json_t *json)
{
	json_int_t number;

	if (json_is_object(json))
		return read_base64(r, json);
	if (json_is_string(json)) {
		if (json_string_length(json) > left(r))
			return EMSGSIZE;
		return bytes_append(
			   r->out, json_string_value(json), json_string_length(json))
		    ? 0
		    : ENOMEM;
	}
	if (!json_is_integer(json))
		return refuse(r, "data: neither a string, base64, an array nor a byte");
	number = json_integer_value(json);
	if (number < 0 || number > 255)
		return refuse(
		    r, "data: %" JSON_INTEGER_FORMAT " is no byte, 0 to 255", number);
	if (left(r) == 0)
		return EMSGSIZE;
	return bytes_append_char(r->out, (char)number) ? 0 : ENOMEM;
}

/* An array's elements in order.  Depth is bounded, so it may call itself. */
static int
read_array(struct reader *r, json_t *array, unsigned depth)
{
	json_t *element;
	size_t i;
	int reason = 0;

	if (depth > PAYLOAD_DEPTH_MAX)
		return refuse(r, "data: nested deeper than %d", PAYLOAD_DEPTH_MAX);
	json_array_foreach (array, i, element) {
		if (json_is_array(element))
			reason = read_array(r, element, depth + 1);
		else
			reason = read_element(r, element);
		if (reason != 0)
			break;
	}
	return reason;
}

int
payload_read(json_t *json, size_t limit, struct bytes *scratch, const void **p,
    size_t *len, char *why, size_t size)
{
	struct reader r = {scratch, bytes_len(scratch), limit, why, size};
	int reason;

	*p = "";
	*len = 0;
	if (json_is_string(json)) {
		if (json_string_length(json) > limit)
			return EMSGSIZE;
		*p = json_string_value(json);
		*len = json_string_length(json);
		return 0;
	}
	if (json_is_array(json))
		reason = read_array(&r, json, 1);
	else if (json_is_object(json))
		reason = read_base64(&r, json);
	else
		reason = refuse(&r, "data: neither a string, base64 nor an array");
	if (reason != 0) {
		bytes_truncate(scratch, r.before);
		return reason;
	}
	*len = bytes_len(scratch) - r.before;
	if (*len > 0)
		*p = bytes_head(scratch) + r.before;
	return 0;
}

/* --- out --------------------------------------------------------------- */

bool
payload_is_text(const void *data, size_t len)
{
	const unsigned char *p = data, *end = len > 0 ? p + len : p;
	struct utf8 place = {0};
	uint64_t word, flags;

	while (p < end) {
		for (; end - p >= 8; p += 8) {
			word = utf8_word(p);
			flags = (UTF8_IS(word, 0) | word) & UTF8_FLAGS;
			if (flags != 0) {
				p += utf8_first(flags);
				break;
			}
		}
		if (p == end)
			break;
		if (*p == 0)
			return false;
		if (*p < 0x80)
			p++;
		else if ((p = utf8_run(&place, p, end)) == NULL)
			return false;
	}
	return place.wanted == 0;
}

/* To the first byte that a JSON string escapes. */
static const unsigned char *
pass_unescaped(const unsigned char *p, const unsigned char *end)
{
	uint64_t word, flags;

	for (; end - p >= 8; p += 8) {
		word = utf8_word(p);
		flags = UTF8_IS(word, '"') | UTF8_IS(word, '\\') | UTF8_BELOW(word, ' ');
		flags &= ~word & UTF8_FLAGS;
		if (flags != 0)
			return p + utf8_first(flags);
	}
	while (p < end && *p != '"' && *p != '\\' && *p >= ' ')
		p++;
	return p;
}

static void
put_escape(struct bytes *out, unsigned char c)
{
	static const char letters[] = {
	    ['\b'] = 'b',
	    ['\t'] = 't',
	    ['\n'] = 'n',
	    ['\f'] = 'f',
	    ['\r'] = 'r',
	    ['"'] = '"',
	    ['\\'] = '\\',
	};
	static const char digits[] = "0123456789abcdef";
	char text[6] = {'\\', letters[c], '0', '0', 0, 0};

	if (letters[c] != 0) {
		bytes_append(out, text, 2);
		return;
	}
	text[1] = 'u';
	text[4] = digits[c >> 4];
	text[5] = digits[c & 15];
	bytes_append(out, text, 6);
}

/* What stands between the quotes, for bytes that are UTF-8. */
static void
put_escaped(struct bytes *out, const unsigned char *p, size_t len)
{
	const unsigned char *end, *from;

	if (len == 0)
		return; /* p may be NULL */
	for (end = p + len;;) {
		from = p;
		p = pass_unescaped(p, end);
		bytes_append(out, from, (size_t)(p - from));
		if (p == end)
			return;
		put_escape(out, *p++);
	}
}

/*
 * Passes one sequence of UTF-8 in [p, end); *good is false where it is none,
 * and what is passed then is what stands for one U+FFFD.
 */
static const unsigned char *
pass_sequence(const unsigned char *p, const unsigned char *end, bool *good)
{
	const unsigned char *from = p;
	struct utf8 place = {0};

	do {
		if (*p >= 0x80 && utf8_run(&place, p, p + 1) == NULL) {
			*good = false;
			return p == from ? p + 1 : p;
		}
		p++;
	} while (place.wanted > 0 && p < end && *p >= 0x80);
	*good = place.wanted == 0;
	return p;
}

void
payload_put_string(struct bytes *out, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len, *from = p;
	const unsigned char *next;
	bool good;

	bytes_append_char(out, '"');
	for (; p < end; p = next) {
		next = pass_sequence(p, end, &good);
		if (good)
			continue;
		put_escaped(out, from, (size_t)(p - from));
		bytes_append_str(out, "\xef\xbf\xbd");
		from = next;
	}
	put_escaped(out, from, (size_t)(p - from));
	bytes_append_char(out, '"');
}

static void
put_base64(struct bytes *out, const void *data, size_t len)
{
	static const char open[] = "{\"base64\":\"", close[] = "\"}";
	unsigned char *room;

	if (len > SIZE_MAX / 4) {
		out->failed = true;
		return;
	}
	bytes_append(out, open, sizeof open - 1);
	room = bytes_room(out, (len + 2) / 3 * 4 + sizeof close);
	if (room == NULL)
		return;
	bytes_put(out, base64_encode(data, len, (char *)room));
	bytes_append(out, close, sizeof close - 1);
}

static void
put_array(struct bytes *out, const unsigned char *p, size_t len)
{
	unsigned char *room, *to;
	size_t i;

	room = len > SIZE_MAX / 8 ? NULL : bytes_room(out, 4 * len + 2);
	if (room == NULL) {
		out->failed = true;
		return;
	}
	to = room;
	*to++ = '[';
	for (i = 0; i < len; i++) {
		if (i > 0)
			*to++ = ',';
		if (p[i] >= 100)
			*to++ = (unsigned char)('0' + p[i] / 100);
		if (p[i] >= 10)
			*to++ = (unsigned char)('0' + p[i] / 10 % 10);
		*to++ = (unsigned char)('0' + p[i] % 10);
	}
	*to++ = ']';
	bytes_put(out, (size_t)(to - room));
}

void
payload_put(
    struct bytes *out, const struct payload_style *style, const void *data, size_t len)
{
	if (style->list) {
		put_array(out, data, len);
	} else if (style->form == PAYLOAD_AUTO && payload_is_text(data, len)) {
		/* room for it as it is spares the queue to grow in steps */
		(void)bytes_room(out, len);
		bytes_append_char(out, '"');
		put_escaped(out, data, len);
		bytes_append_char(out, '"');
	} else {
		put_base64(out, data, len);
	}
}

bool
payload_put_members(struct bytes *out, const struct payload_style *style,
    const void *data, size_t len, bool first, size_t *skip)
{
	static const char mode_list[] = ",\"mode\":\"list\"",
			  header[] = ",\"header\":", body[] = ",\"data\":";
	bool attach = style->form == PAYLOAD_ATTACHED;
	size_t comma = first ? 1 : 0, head = 0;

	*skip = 0;
	if (style->list) {
		if (attach) {
			bytes_append(
			    out, mode_list + comma, sizeof mode_list - 1 - comma);
			return true;
		}
	} else if (style->header > 0) {
		head = style->header < len ? style->header : len;
		bytes_append(out, header + comma, sizeof header - 1 - comma);
		put_array(out, data, head);
		comma = 0;
		*skip = head;
		if (head < style->header) /* gen_tcp: a list of them, and no more */
			return false;
	}
	if (attach)
		return true;
	bytes_append(out, body + comma, sizeof body - 1 - comma);
	payload_put(
	    out, style, head > 0 ? (const unsigned char *)data + head : data, len - head);
	*skip = len;
	return false;
}
