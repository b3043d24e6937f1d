/* SPDX-License-Identifier: ISC */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "chance.h"
#include "proto/payload.h"
#include "tests/unit/run.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Decodes text into out, with a guard behind the room that is asked for. */
static bool
decode(const char *text, size_t len, unsigned char out[256], size_t *out_len)
{
	unsigned char *exact = malloc(3 * (len / 4) + 1);
	bool good;

	ck_assert_ptr_nonnull(exact);
	exact[3 * (len / 4)] = 0xa5;
	good = base64_decode(text, len, exact, out_len);
	ck_assert_uint_eq(exact[3 * (len / 4)], 0xa5);
	ck_assert_uint_le(*out_len, 3 * (len / 4));
	if (good)
		memcpy(out, exact, *out_len);
	free(exact);
	return good;
}

/* RFC 4648, section 10. */
START_TEST(vectors)
{
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
	    {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
	    {"foobar", "Zm9vYmFy"}, {"\xff\xff\xff\xfe", "/////g=="},
	    {"\xfb\xef\xbe", "++++"}};
	unsigned char out[256];
	char text[64];
	size_t i, len;

	for (i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		len = base64_encode(pairs[i][0], strlen(pairs[i][0]), text);
		ck_assert_uint_eq(len, strlen(pairs[i][1]));
		ck_assert_mem_eq(text, pairs[i][1], len);
		ck_assert(decode(text, len, out, &len));
		ck_assert_uint_eq(len, strlen(pairs[i][0]));
		ck_assert_mem_eq(out, pairs[i][0], len);
	}
}
END_TEST

/* Six bits at a time, as the RFC tells it. */
static size_t
encode_slowly(const unsigned char *p, size_t len, char *out)
{
	size_t bit, n = 0, i;
	unsigned six;

	for (bit = 0; bit < 8 * len; bit += 6) {
		for (six = 0, i = bit; i < bit + 6; i++)
			six = six << 1 |
			    (i < 8 * len ? (unsigned)p[i / 8] >> (7 - i % 8) & 1U : 0);
		out[n++] = alphabet[six];
	}
	while (n % 4 != 0)
		out[n++] = '=';
	return n;
}

START_TEST(there_and_back)
{
	unsigned char data[64], out[256];
	char text[128], want[128];
	struct chance c = {31};
	size_t len, i, got, n;
	unsigned round;

	for (round = 0; round < 20; round++) {
		for (len = 0; len < sizeof data; len++) {
			for (i = 0; i < len; i++)
				data[i] = (unsigned char)chance(&c, 256);
			n = base64_encode(data, len, text);
			ck_assert_uint_eq(n, 4 * ((len + 2) / 3));
			ck_assert_uint_eq(encode_slowly(data, len, want), n);
			ck_assert_mem_eq(text, want, n);
			ck_assert(decode(text, n, out, &got));
			ck_assert_uint_eq(got, len);
			ck_assert_mem_eq(out, data, len);
		}
	}
}
END_TEST

/* Every pair of twelve bits comes from the table. */
START_TEST(every_twelve_bits)
{
	unsigned char data[3], out[256];
	unsigned bits;
	char text[4];
	size_t n;

	for (bits = 0; bits < 4096; bits++) {
		data[0] = (unsigned char)(bits >> 4);
		data[1] = (unsigned char)((bits & 15) << 4 | bits >> 8);
		data[2] = (unsigned char)bits;
		if (base64_encode(data, 3, text) != 4 || text[0] != alphabet[bits >> 6] ||
		    text[1] != alphabet[bits & 63] || text[2] != alphabet[bits >> 6] ||
		    text[3] != alphabet[bits & 63])
			ck_abort_msg("%u gives %.4s", bits, text);
		if (!base64_decode(text, 4, out, &n) || n != 3 ||
		    memcmp(out, data, 3) != 0)
			ck_abort_msg("%.4s does not give %u back", text, bits);
	}
}
END_TEST

/* Any character of base64 may stand in any place, and nothing else. */
START_TEST(every_character_in_every_place)
{
	unsigned char out[256];
	char text[8];
	unsigned c, at;
	bool good;
	size_t n;

	for (c = 0; c < 256; c++) {
		good = c != 0 && strchr(alphabet, (int)c) != NULL;
		for (at = 0; at < 8; at++) {
			memcpy(text, "AAAAAAAA", 8);
			text[at] = (char)c;
			/* one "=" at the end is padding */
			ck_assert_msg(
			    decode(text, 8, out, &n) == (good || (c == '=' && at == 7)),
			    "%u at %u", c, at);
		}
	}
}
END_TEST

START_TEST(refused)
{
	static const char *const bad[] = {"A", "AA", "AAA", "A===", "====", "=AAA",
	    "A=AA", "AA=A", "AA==AAAA", "AAA=AAAA", "AAAA=", "AAAA==", "AAAA===",
	    "AAAA====", "AAAAA===", "AB==", "AP==", "AAB=", "AAD=", "//==", "///=", "AAA",
	    "AA=", "AA= ", " AAA", "AA\nA", "AAAA\n", "AAAA\r\n\r\n", "-_-_", "AA A",
	    "AA.="};
	unsigned char out[256];
	size_t i, n;

	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_msg(
		    !decode(bad[i], strlen(bad[i]), out, &n), "%s is taken", bad[i]);
	ck_assert(!decode("AAAAAA\0A", 8, out, &n));
	ck_assert(decode("AA==", 4, out, &n));
	ck_assert(decode("AAE=", 4, out, &n));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("base64");
	TCase *tcase = tcase_create("base64");

	tcase_add_test(tcase, vectors);
	tcase_add_test(tcase, there_and_back);
	tcase_add_test(tcase, every_twelve_bits);
	tcase_add_test(tcase, every_character_in_every_place);
	tcase_add_test(tcase, refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
