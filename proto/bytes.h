/* SPDX-License-Identifier: ISC */
/*
 * A growable queue of bytes: put in at the end, taken from the front, always
 * contiguous.  The currency between layers: a socket's input and output, a
 * channel's input and output, and every text that is written are one of these.
 *
 * Errors stick: when memory runs out, the queue is marked failed, further
 * appends do nothing, and the writer of a long text asks once, at its end, by
 * bytes_failed().
 */
#ifndef PROTO_BYTES_H
#define PROTO_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	unsigned char *base; /* the allocation, NULL while there is none */
	size_t start;	     /* first byte that is queued */
	size_t end;	     /* one past the last */
	size_t size;	     /* of the allocation */
	bool failed;
};

/* An empty queue without memory.  All zero is the same. */
void bytes_init(struct bytes *b);
/* Gives the memory back; the queue is empty afterwards and can be used again. */
void bytes_fini(struct bytes *b);

static inline size_t
bytes_len(const struct bytes *b)
{
	return b->end - b->start;
}

/* The first queued byte; valid until the queue is next changed. */
static inline unsigned char *
bytes_head(const struct bytes *b)
{
	return b->base == NULL ? NULL : b->base + b->start;
}

static inline bool
bytes_failed(const struct bytes *b)
{
	return b->failed;
}

/*
 * Room for at least want bytes behind the queue, or NULL without memory (the
 * queue then is failed and otherwise as before).  What is written there counts
 * once bytes_put() says so.  bytes_space() tells how much room there really is.
 */
unsigned char *bytes_room(struct bytes *b, size_t want);

static inline size_t
bytes_space(const struct bytes *b)
{
	return b->size - b->end;
}

/* The first n bytes of the room are now queued. */
static inline void
bytes_put(struct bytes *b, size_t n)
{
	b->end += n;
}

/* Drops n bytes from the front.  An emptied queue keeps its memory. */
void bytes_take(struct bytes *b, size_t n);
/* Shortens the queue to its first len bytes, and clears a failure. */
void bytes_truncate(struct bytes *b, size_t len);
/*
 * Gives memory back: all of it if the queue is empty, the excess if less than
 * a quarter is in use.
 */
void bytes_trim(struct bytes *b);

/* bytes_append() where there is no room. */
bool bytes_append_more(struct bytes *b, const void *data, size_t len);

/*
 * Each appends and returns false, with the queue failed, without memory.  Texts
 * are written in many small pieces: where there is room it takes no call.
 */
static inline bool
bytes_append(struct bytes *b, const void *data, size_t len)
{
	if (b->failed || len > bytes_space(b))
		return bytes_append_more(b, data, len);
	if (len > 0)
		memcpy(b->base + b->end, data, len);
	b->end += len;
	return true;
}

static inline bool
bytes_append_str(struct bytes *b, const char *text)
{
	return bytes_append(b, text, strlen(text));
}

static inline bool
bytes_append_char(struct bytes *b, char c)
{
	return bytes_append(b, &c, 1);
}

bool bytes_append_uint(struct bytes *b, uint64_t number);
bool bytes_append_int(struct bytes *b, int64_t number);

/* Puts data before the first byte: gen_tcp's unrecv.  False without memory. */
bool bytes_prepend(struct bytes *b, const void *data, size_t len);

#endif
