/* SPDX-License-Identifier: ISC */
/*
 * UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing past U+10FFFF) as
 * it comes, in pieces; and the arithmetic for looking at eight bytes at a time.
 * Private to proto/.
 */
#ifndef PROTO_UTF8_H
#define PROTO_UTF8_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The place within a sequence; all zero between two. */
struct utf8 {
	unsigned char wanted;	 /* continuation bytes still to come */
	unsigned char low, high; /* bounds of the next one */
};

/*
 * Takes the sequences that begin at p, or goes on with the one that u is in,
 * up to the first ASCII byte or to end, and returns the place reached.  At end
 * a sequence may be incomplete: u->wanted then is not 0.  NULL where the bytes
 * are no UTF-8; u then is between two sequences.
 */
const unsigned char *utf8_run(
    struct utf8 *u, const unsigned char *p, const unsigned char *end);

/*
 * To the first byte that does not stand for itself in a JSON string (a quote, a
 * backslash, a control character) or is not ASCII, or to end.
 */
const unsigned char *utf8_plain(const unsigned char *p, const unsigned char *end);

/*
 * In a word of eight bytes, the lowest flag (bit 7 of a byte) that these leave
 * under UTF8_FLAGS is at the first byte that is meant; flags above it may lie,
 * as a borrow goes upwards.  Bytes from 0x80 on are never meant by UTF8_IS and
 * UTF8_BELOW, but may be flagged: add or mask them.
 */
#define UTF8_EACH(c)	 ((uint64_t)(c)*0x0101010101010101U)
#define UTF8_FLAGS	 UTF8_EACH(0x80)
#define UTF8_IS(word, c) (((word) ^ UTF8_EACH(c)) - UTF8_EACH(1))
/* c is at most 0x80 */
#define UTF8_BELOW(word, c) ((word)-UTF8_EACH(c))

/* Eight bytes, the first the least. */
static inline uint64_t
utf8_word(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof word);
	return le64toh(word);
}

/* The index of the first flagged byte; flags are not 0. */
static inline unsigned
utf8_first(uint64_t flags)
{
	return (unsigned)__builtin_ctzll(flags) / 8;
}

#endif
