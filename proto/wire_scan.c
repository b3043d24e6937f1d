/* SPDX-License-Identifier: ISC */
#include "proto/wire_scan.h"

#include <string.h>

/* Where in the text the pass stands. */
enum {
	SCAN_GAP,    /* between two tokens */
	SCAN_STRING, /* in a string or key */
	SCAN_ESCAPE, /* in one, behind its backslash */
	SCAN_SCALAR, /* in a number, true, false, null, or what is none of them */
	SCAN_DONE
};

/* What of the present token is kept. */
enum { CAPTURE_NOTHING, CAPTURE_KEY, CAPTURE_COUNT, CAPTURE_ID };

/* The top-level key whose value is due. */
enum { MEMBER_OTHER, MEMBER_ATTACHED, MEMBER_FDS, MEMBER_ID };

/* Whole numbers that every JSON library can tell apart. */
#define COUNT_MAX (UINT64_C(1) << 53)

/* What a byte outside of strings is; a scalar's bytes are all the rest. */
enum { C_SCALAR, C_BLANK, C_LF, C_OPEN, C_CLOSE, C_COMMA, C_COLON, C_QUOTE };

static const unsigned char class[256] = {
    ['\t'] = C_BLANK,
    ['\r'] = C_BLANK,
    [' '] = C_BLANK,
    ['\n'] = C_LF,
    ['{'] = C_OPEN,
    ['['] = C_OPEN,
    ['}'] = C_CLOSE,
    [']'] = C_CLOSE,
    [','] = C_COMMA,
    [':'] = C_COLON,
    ['"'] = C_QUOTE,
};

void
wire_scan_begin(struct wire_scan *s, size_t max_values)
{
	/* not the whole: the id's text is long, and counted by id_len */
	memset(s, 0, offsetof(struct wire_scan, key));
	s->values_left = max_values;
}

bool
wire_scan_done(const struct wire_scan *s)
{
	return s->state == SCAN_DONE;
}

void
wire_scan_id(const struct wire_scan *s, char id[WIRE_ID_MAX])
{
	size_t len = s->id_len < WIRE_ID_MAX ? s->id_len : 0;

	memcpy(id, s->id, len);
	id[len] = '\0';
}

/* The first fault is told; but one that puts the message's end in doubt, always. */
static void
fault(struct wire_scan *s, enum wire_fault what)
{
	if (s->fault == WIRE_OK || what == WIRE_BAD_ATTACHED)
		s->fault = what;
}

/* No id is known, and none will be: len is past what fits. */
static void
forget_id(struct wire_scan *s)
{
	s->id_len = WIRE_ID_MAX;
}

/* One more byte of the digits of attached or fds. */
static void
add_digit(struct wire_scan *s, unsigned char c)
{
	uint64_t *count = s->member == MEMBER_FDS ? &s->fds : &s->attached;

	*count = *count * 10 + (uint64_t)(c - '0');
	if (c < '0' || c > '9' || *count > COUNT_MAX)
		fault(s, WIRE_BAD_ATTACHED); /* for good: it may wrap later */
}

/* Keeps n bytes of the present token, if it is one that matters. */
static void
keep(struct wire_scan *s, const unsigned char *p, size_t n)
{
	size_t i;

	switch (s->capture) {
	case CAPTURE_KEY:
		if (s->key_len > sizeof s->key || n > sizeof s->key - s->key_len) {
			s->key_len = sizeof s->key + 1;
		} else {
			memcpy(s->key + s->key_len, p, n);
			s->key_len += n;
		}
		break;
	case CAPTURE_COUNT:
		for (i = 0; i < n; i++)
			add_digit(s, p[i]);
		break;
	case CAPTURE_ID:
		if (s->id_len >= WIRE_ID_MAX || n >= WIRE_ID_MAX - s->id_len) {
			forget_id(s);
		} else {
			memcpy(s->id + s->id_len, p, n);
			s->id_len += n;
		}
		break;
	default:
		break;
	}
}

/* A top-level key is complete. */
static void
end_key(struct wire_scan *s)
{
	s->member = MEMBER_OTHER;
	if (s->key_len == 8 && memcmp(s->key, "attached", 8) == 0) {
		s->member = MEMBER_ATTACHED;
		if (s->has_attached)
			fault(s, WIRE_BAD_ATTACHED);
		s->has_attached = true;
	} else if (s->key_len == 3 && memcmp(s->key, "fds", 3) == 0) {
		s->member = MEMBER_FDS;
		if (s->has_fds)
			fault(s, WIRE_BAD_ATTACHED);
		s->has_fds = true;
	} else if (s->key_len == 2 && memcmp(s->key, "id", 2) == 0) {
		s->member = MEMBER_ID;
		if (s->has_id)
			forget_id(s);
		s->has_id = true;
	}
}

/* A value begins with c: counts it, and sees whether it is to be kept. */
static void
begin_value(struct wire_scan *s, unsigned char c)
{
	if (s->values_left == 0)
		fault(s, WIRE_TOO_MANY_VALUES);
	else
		s->values_left--;
	s->colon = false;
	s->capture = CAPTURE_NOTHING;
	if (s->member == MEMBER_OTHER)
		return;
	if (s->member == MEMBER_ID) {
		if (class[c] == C_OPEN)
			forget_id(s);
		else
			s->capture = CAPTURE_ID;
	} else if (class[c] == C_SCALAR) {
		s->capture = CAPTURE_COUNT;
	} else {
		fault(s, WIRE_BAD_ATTACHED);
	}
}

static void
end_token(struct wire_scan *s)
{
	if (s->capture == CAPTURE_KEY)
		end_key(s);
	else if (s->capture != CAPTURE_NOTHING)
		s->member = MEMBER_OTHER; /* its value is over */
	s->capture = CAPTURE_NOTHING;
	s->state = SCAN_GAP;
}

static void
open_level(struct wire_scan *s, unsigned char c)
{
	uint64_t bit;

	begin_value(s, c);
	if (s->depth < WIRE_DEPTH_MAX) {
		bit = UINT64_C(1) << s->depth;
		s->arrays = c == '[' ? s->arrays | bit : s->arrays & ~bit;
	} else {
		fault(s, WIRE_TOO_DEEP);
	}
	s->depth++;
}

/* A key has no colon before it and stands in no array; past the depth all do. */
static bool
is_key(const struct wire_scan *s)
{
	if (s->colon || s->depth == 0 || s->depth > WIRE_DEPTH_MAX)
		return false;
	return (s->arrays >> (s->depth - 1) & 1) == 0;
}

static void
open_string(struct wire_scan *s)
{
	static const unsigned char quote = '"';

	s->state = SCAN_STRING;
	if (!is_key(s)) {
		begin_value(s, quote);
		keep(s, &quote, 1);
	} else if (s->depth == 1) {
		s->capture = CAPTURE_KEY;
		s->key_len = 0;
	}
}

/* Bytes from 0x80 on: checks them until one has been found bad. */
static const unsigned char *
pass_utf8(struct wire_scan *s, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *next = NULL;

	if (s->fault != WIRE_BAD_UTF8)
		next = utf8_run(&s->utf8, p, end);
	if (next != NULL)
		return next;
	fault(s, WIRE_BAD_UTF8);
	while (p < end && *p >= 0x80)
		p++;
	return p;
}

/* Behind a backslash: passes what it escapes, but not the line's end. */
static const unsigned char *
pass_escaped(struct wire_scan *s, const unsigned char *p, const unsigned char *end)
{
	if (s->capture == CAPTURE_KEY)
		fault(s, WIRE_BAD_ATTACHED); /* it could be any */
	s->state = p < end ? SCAN_STRING : SCAN_ESCAPE;
	return p < end && *p != '\n' && *p < 0x80 ? p + 1 : p;
}

/* Within a string, up to and with its end or the line's. */
static const unsigned char *
pass_string(struct wire_scan *s, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *from = p;

	while ((p = utf8_plain(p, end)) < end) {
		if (*p == '"') {
			if (s->capture != CAPTURE_KEY)
				p++;
			keep(s, from, (size_t)(p - from));
			if (s->capture == CAPTURE_KEY)
				p++;
			end_token(s);
			return p;
		}
		if (*p == '\\')
			p = pass_escaped(s, p + 1, end);
		else if (*p == '\n')
			break; /* a string cannot go on: the gap sees it */
		else if (*p < 0x80)
			p++; /* no JSON: not for us to say */
		else
			p = pass_utf8(s, p, end);
	}
	keep(s, from, (size_t)(p - from));
	if (p < end)
		end_token(s);
	return p;
}

/* Within a number or a word; what ends it belongs to the gap. */
static const unsigned char *
pass_scalar(struct wire_scan *s, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *from = p;

	while (p < end && class[*p] == C_SCALAR) {
		if (*p < 0x80)
			p++;
		else
			p = pass_utf8(s, p, end);
	}
	keep(s, from, (size_t)(p - from));
	if (p < end)
		end_token(s);
	return p;
}

/* Between tokens, up to the next string or scalar, or past the line's end. */
static const unsigned char *
pass_gap(struct wire_scan *s, const unsigned char *p, const unsigned char *end)
{
	for (; p < end; p++) {
		switch (class[*p]) {
		case C_BLANK:
			break;
		case C_LF:
			s->state = SCAN_DONE;
			return p + 1;
		case C_OPEN:
			open_level(s, *p);
			break;
		case C_CLOSE:
			if (s->depth > 0)
				s->depth--;
			break;
		case C_COMMA:
			s->colon = false;
			break;
		case C_COLON:
			s->colon = true;
			break;
		case C_QUOTE:
			open_string(s);
			return p + 1;
		default:
			begin_value(s, *p);
			s->state = SCAN_SCALAR;
			return p;
		}
	}
	return p;
}

/* A sequence of UTF-8 was cut: its other half belongs to the same token. */
static const unsigned char *
pass_rest(struct wire_scan *s, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *from = p;

	p = pass_utf8(s, p, end);
	keep(s, from, (size_t)(p - from));
	return p;
}

const unsigned char *
wire_scan_run(struct wire_scan *s, const unsigned char *p, const unsigned char *end)
{
	const unsigned char *from;

	if (s->utf8.wanted > 0)
		p = pass_rest(s, p, end);
	while (p < end && s->state != SCAN_DONE) {
		switch (s->state) {
		case SCAN_ESCAPE:
			from = p;
			p = pass_escaped(s, p, end);
			keep(s, from, (size_t)(p - from));
			break;
		case SCAN_STRING:
			p = pass_string(s, p, end);
			break;
		case SCAN_SCALAR:
			p = pass_scalar(s, p, end);
			break;
		default:
			p = pass_gap(s, p, end);
			break;
		}
	}
	return p;
}
