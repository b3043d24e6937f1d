/* SPDX-License-Identifier: ISC */
/* What a row of the packet table has besides its decoder: header and strip. */
#include <check.h>
#include <limits.h>
#include <string.h>

#include "packet/packet.h"
#include "tests/unit/run.h"

START_TEST(rows)
{
	for (int id = 0; id < PACKET_COUNT; id++) {
		const struct packet_type *type = packet_type((enum packet_id)id);

		ck_assert_int_eq(type->id, id);
		ck_assert_ptr_nonnull(type->name);
		ck_assert_int_eq(type->raw, id == PACKET_RAW);
	}
	ck_assert_ptr_null(packet_type(PACKET_COUNT));
	ck_assert_ptr_null(packet_type((enum packet_id)INT_MAX));
}
END_TEST

START_TEST(headers)
{
	static const struct {
		enum packet_id id;
		size_t len, header;
		unsigned char out[PACKET_HEADER_MAX];
	} cases[] = {
	    {PACKET_1, 0, 1, {0}},
	    {PACKET_1, 255, 1, {255}},
	    {PACKET_2, 0, 2, {0, 0}},
	    {PACKET_2, 0x1234, 2, {0x12, 0x34}},
	    {PACKET_2, 0xffff, 2, {0xff, 0xff}},
	    {PACKET_4, 5, 4, {0, 0, 0, 5}},
	    {PACKET_4, 0x12345678, 4, {0x12, 0x34, 0x56, 0x78}},
	    {PACKET_4, 0xfffffffe, 4, {0xff, 0xff, 0xff, 0xfe}},
	};
	unsigned char out[PACKET_HEADER_MAX];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct packet_type *type = packet_type(cases[i].id);

		ck_assert_uint_le(cases[i].len, type->max_body);
		ck_assert_uint_eq(type->header(cases[i].len, out), cases[i].header);
		ck_assert_mem_eq(out, cases[i].out, cases[i].header);
	}
	ck_assert_uint_eq(packet_type(PACKET_1)->max_body, 0xff);
	ck_assert_uint_eq(packet_type(PACKET_2)->max_body, 0xffff);
	ck_assert_uint_eq(packet_type(PACKET_4)->max_body, 0xffffffff);
}
END_TEST

/* The others send what they are given. */
START_TEST(no_headers)
{
	unsigned char out[PACKET_HEADER_MAX] = {7, 7, 7, 7};

	for (int id = 0; id < PACKET_COUNT; id++) {
		const struct packet_type *type = packet_type((enum packet_id)id);

		if (type->max_body != UINT64_MAX)
			continue;
		ck_assert_uint_eq(type->header(1000, out), 0);
		ck_assert_int_eq(out[0], 7);
	}
}
END_TEST

/* An fcgi record of 3 bytes with 5 of padding. */
static const unsigned char record[16] = {1, 5, 0, 1, 0, 3, 5, 0, 'a', 'b', 'c'};

START_TEST(stripped)
{
	static const struct {
		enum packet_id id;
		size_t total, offset, len;
	} cases[] = {
	    {PACKET_RAW, 16, 0, 16},
	    {PACKET_1, 16, 1, 15},
	    {PACKET_1, 1, 1, 0},
	    {PACKET_2, 16, 2, 14},
	    {PACKET_4, 16, 4, 12},
	    {PACKET_4, 4, 4, 0},
	    {PACKET_LINE, 16, 0, 16},
	    {PACKET_TPKT, 16, 0, 16},
	    {PACKET_FCGI, 16, 0, 11},
	    {PACKET_FCGI, 8, 0, 3},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct packet_span span = {.total = cases[i].total};

		packet_type(cases[i].id)->strip(record, &span);
		ck_assert_uint_eq(span.offset, cases[i].offset);
		ck_assert_uint_eq(span.len, cases[i].len);
	}
}
END_TEST

/* Found by another type, a packet may be anything: what is left lies within it. */
START_TEST(stripped_within)
{
	unsigned char data[16];

	for (int id = 0; id < PACKET_COUNT; id++) {
		for (size_t total = 0; total <= sizeof data; total++) {
			struct packet_span span = {.total = total};

			memset(data, 0xff, sizeof data);
			packet_type((enum packet_id)id)->strip(data, &span);
			ck_assert_uint_le(span.offset, total);
			ck_assert_uint_le(span.len, total - span.offset);
		}
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("packet_type");
	TCase *tcase = tcase_create("packet_type");

	suite_add_tcase(suite, tcase);
	tcase_add_test(tcase, rows);
	tcase_add_test(tcase, headers);
	tcase_add_test(tcase, no_headers);
	tcase_add_test(tcase, stripped);
	tcase_add_test(tcase, stripped_within);
	return run_suite(suite);
}
