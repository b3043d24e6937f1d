/* SPDX-License-Identifier: ISC */
/*
 * Base64 by tables: two characters for each twelve bits, and the six bits of a
 * character in each of the four places of its group.  The libraries at hand go
 * character by character, at a tenth of the speed, and are less strict.
 */
#include <stdint.h>
#include <string.h>

#include "proto/payload.h"

/* clang-format off */
#define PAIRS(x)                                                               \
	x "A" x "B" x "C" x "D" x "E" x "F" x "G" x "H" x "I" x "J" x "K"      \
	x "L" x "M" x "N" x "O" x "P" x "Q" x "R" x "S" x "T" x "U" x "V"      \
	x "W" x "X" x "Y" x "Z" x "a" x "b" x "c" x "d" x "e" x "f" x "g"      \
	x "h" x "i" x "j" x "k" x "l" x "m" x "n" x "o" x "p" x "q" x "r"      \
	x "s" x "t" x "u" x "v" x "w" x "x" x "y" x "z" x "0" x "1" x "2"      \
	x "3" x "4" x "5" x "6" x "7" x "8" x "9" x "+" x "/"

/* "AAABAC … ///": the pair for n at 2 * n */
static const char pairs[] =
	PAIRS("A") PAIRS("B") PAIRS("C") PAIRS("D") PAIRS("E") PAIRS("F") PAIRS("G")
	PAIRS("H") PAIRS("I") PAIRS("J") PAIRS("K") PAIRS("L") PAIRS("M") PAIRS("N")
	PAIRS("O") PAIRS("P") PAIRS("Q") PAIRS("R") PAIRS("S") PAIRS("T") PAIRS("U")
	PAIRS("V") PAIRS("W") PAIRS("X") PAIRS("Y") PAIRS("Z") PAIRS("a") PAIRS("b")
	PAIRS("c") PAIRS("d") PAIRS("e") PAIRS("f") PAIRS("g") PAIRS("h") PAIRS("i")
	PAIRS("j") PAIRS("k") PAIRS("l") PAIRS("m") PAIRS("n") PAIRS("o") PAIRS("p")
	PAIRS("q") PAIRS("r") PAIRS("s") PAIRS("t") PAIRS("u") PAIRS("v") PAIRS("w")
	PAIRS("x") PAIRS("y") PAIRS("z") PAIRS("0") PAIRS("1") PAIRS("2") PAIRS("3")
	PAIRS("4") PAIRS("5") PAIRS("6") PAIRS("7") PAIRS("8") PAIRS("9") PAIRS("+")
	PAIRS("/");

#define BAD 0x80000000U /* no character of base64 */

#define SEXTET(c)                                                              \
	((c) >= 'A' && (c) <= 'Z' ? (c) - 'A' :                                \
	 (c) >= 'a' && (c) <= 'z' ? (c) - 'a' + 26 :                           \
	 (c) >= '0' && (c) <= '9' ? (c) - '0' + 52 :                           \
	 (c) == '+' ? 62 : (c) == '/' ? 63 : -1)
#define AT1(c, s)   (SEXTET(c) < 0 ? BAD : (uint32_t)SEXTET(c) << (s))
#define AT4(c, s)   AT1(c, s), AT1((c) + 1, s), AT1((c) + 2, s), AT1((c) + 3, s)
#define AT16(c, s)  AT4(c, s), AT4((c) + 4, s), AT4((c) + 8, s), AT4((c) + 12, s)
#define AT64(c, s)  AT16(c, s), AT16((c) + 16, s), AT16((c) + 32, s), AT16((c) + 48, s)
#define AT256(s)    AT64(0, s), AT64(64, s), AT64(128, s), AT64(192, s)

/* by the place in the group, then by the character */
static const uint32_t places[4][256] = {
	{AT256(18)}, {AT256(12)}, {AT256(6)}, {AT256(0)}
};
/* clang-format on */

size_t
base64_encode(const void *data, size_t len, char *out)
{
	const unsigned char *p = data;
	char *to = out;
	uint32_t bits;

	for (; len >= 3; len -= 3, p += 3, to += 4) {
		bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		memcpy(to, pairs + 2 * (bits >> 12), 2);
		memcpy(to + 2, pairs + 2 * (bits & 0xfff), 2);
	}
	if (len > 0) {
		bits = (uint32_t)p[0] << 16 | (len == 2 ? (uint32_t)p[1] << 8 : 0);
		memcpy(to, pairs + 2 * (bits >> 12), 2);
		memcpy(to + 2, pairs + 2 * (bits & 0xfff), 2);
		to[3] = '=';
		if (len == 1)
			to[2] = '=';
		to += 4;
	}
	return (size_t)(to - out);
}

/* The last group, which is padded; how many bytes it gives, 0 if it is broken. */
static size_t
decode_padded(const unsigned char *p, unsigned char *out)
{
	uint32_t bits = places[0][p[0]] | places[1][p[1]];

	out[0] = (unsigned char)(bits >> 16);
	if (p[2] == '=') /* a bit behind the byte, or BAD, stays */
		return (bits & ~UINT32_C(0xff0000)) == 0 ? 1 : 0;
	bits |= places[2][p[2]];
	if ((bits & ~UINT32_C(0xffff00)) != 0)
		return 0;
	out[1] = (unsigned char)(bits >> 8);
	return 2;
}

bool
base64_decode(const char *text, size_t len, void *out, size_t *out_len)
{
	const unsigned char *p = (const unsigned char *)text, *end;
	unsigned char *to = out;
	uint32_t bits, seen = 0;
	bool padded;
	size_t n;

	*out_len = 0;
	if (len % 4 != 0)
		return false;
	if (len == 0)
		return true;
	padded = p[len - 1] == '=';
	for (end = p + len - (padded ? 4 : 0); p < end; p += 4, to += 3) {
		bits = places[0][p[0]] | places[1][p[1]] | places[2][p[2]] |
		    places[3][p[3]];
		seen |= bits;
		to[0] = (unsigned char)(bits >> 16);
		to[1] = (unsigned char)(bits >> 8);
		to[2] = (unsigned char)bits;
	}
	if ((seen & BAD) != 0)
		return false;
	if (padded) {
		n = decode_padded(p, to);
		if (n == 0)
			return false;
		to += n;
	}
	*out_len = (size_t)(to - (unsigned char *)out);
	return true;
}
