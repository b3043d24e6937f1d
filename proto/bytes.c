/* SPDX-License-Identifier: ISC */
#include "proto/bytes.h"

#include <stdlib.h>
#include <string.h>

enum {
	BYTES_MIN = 256,		/* smallest allocation */
	BYTES_DOUBLE_MAX = 1024 * 1024, /* beyond it growth is by a half */
	BYTES_DIGITS = 20		/* of UINT64_MAX */
};

/* No queue holds more; so sums of two lengths cannot overflow. */
#define BYTES_LIMIT ((size_t)PTRDIFF_MAX)

void
bytes_init(struct bytes *b)
{
	*b = (struct bytes){0};
}

void
bytes_fini(struct bytes *b)
{
	free(b->base);
	bytes_init(b);
}

/* How much to allocate where need bytes are wanted: amortised growth. */
static size_t
grown_size(const struct bytes *b, size_t need)
{
	size_t size = b->size > BYTES_DOUBLE_MAX ? b->size + b->size / 2 : b->size * 2;

	if (size < BYTES_MIN)
		size = BYTES_MIN;
	if (size > BYTES_LIMIT)
		size = BYTES_LIMIT;
	return size < need ? need : size;
}

/* Moves the queue into a new allocation of size bytes, start bytes from its front. */
static bool
move_to(struct bytes *b, size_t size, size_t start)
{
	size_t len = bytes_len(b);
	unsigned char *base;

	if (b->start == 0 && start == 0) {
		base = realloc(b->base, size);
		if (base == NULL)
			return false;
	} else {
		base = malloc(size);
		if (base == NULL)
			return false;
		if (len > 0)
			memcpy(base + start, b->base + b->start, len);
		free(b->base);
	}
	b->base = base;
	b->start = start;
	b->end = start + len;
	b->size = size;
	return true;
}

/* The same within the present allocation. */
static void
slide_to(struct bytes *b, size_t start)
{
	size_t len = bytes_len(b);

	if (len > 0)
		memmove(b->base + start, b->base + b->start, len);
	b->start = start;
	b->end = start + len;
}

unsigned char *
bytes_room(struct bytes *b, size_t want)
{
	size_t len = bytes_len(b);

	if (b->failed)
		return NULL;
	if (b->base != NULL && want <= bytes_space(b))
		return b->base + b->end;
	if (want > BYTES_LIMIT - len) {
		b->failed = true;
		return NULL;
	}
	/* Sliding pays only if at least as much was taken as has to move. */
	if (b->base != NULL && b->start >= len && len + want <= b->size)
		slide_to(b, 0);
	else if (!move_to(b, grown_size(b, len + want), 0)) {
		b->failed = true;
		return NULL;
	}
	return b->base + b->end;
}

void
bytes_take(struct bytes *b, size_t n)
{
	if (n >= bytes_len(b))
		b->start = b->end = 0;
	else
		b->start += n;
}

void
bytes_truncate(struct bytes *b, size_t len)
{
	b->failed = false;
	if (len == 0)
		b->start = b->end = 0;
	else if (len < bytes_len(b))
		b->end = b->start + len;
}

void
bytes_trim(struct bytes *b)
{
	size_t len = bytes_len(b);

	if (len == 0) {
		free(b->base);
		b->base = NULL;
		b->start = b->end = b->size = 0;
	} else if (b->size > BYTES_MIN && len < b->size / 4) {
		slide_to(b, 0);
		/* Without memory for less there is nothing to be done. */
		(void)move_to(b, len, 0);
	}
}

bool
bytes_append_more(struct bytes *b, const void *data, size_t len)
{
	unsigned char *room = bytes_room(b, len);

	if (room == NULL)
		return false;
	memcpy(room, data, len);
	bytes_put(b, len);
	return true;
}

bool
bytes_append_uint(struct bytes *b, uint64_t number)
{
	char text[BYTES_DIGITS];
	size_t at = sizeof text;

	do {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return bytes_append(b, text + at, sizeof text - at);
}

bool
bytes_append_int(struct bytes *b, int64_t number)
{
	if (number >= 0)
		return bytes_append_uint(b, (uint64_t)number);
	/* In unsigned arithmetic: INT64_MIN has no positive counterpart. */
	return bytes_append_char(b, '-') && bytes_append_uint(b, 0 - (uint64_t)number);
}

bool
bytes_prepend(struct bytes *b, const void *data, size_t len)
{
	size_t queued = bytes_len(b), size;

	if (b->failed || len == 0)
		return !b->failed;
	if (b->start < len || b->base == NULL) {
		if (len > BYTES_LIMIT - queued) {
			b->failed = true;
			return false;
		}
		/* What is spare goes half before, half behind: either may grow. */
		if (b->base != NULL && (b->size - queued) / 2 >= len)
			slide_to(b, len + (b->size - queued - len) / 2);
		else {
			size = grown_size(b, queued + len);
			if (!move_to(b, size, len + (size - queued - len) / 2)) {
				b->failed = true;
				return false;
			}
		}
	}
	b->start -= len;
	memcpy(b->base + b->start, data, len);
	return true;
}
