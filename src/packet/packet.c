/* SPDX-License-Identifier: ISC */
#include "packet/packet_private.h"

/* clang-format off */
static const struct packet_type types[PACKET_COUNT] = {
    {PACKET_RAW, "0", packet_decode_raw, packet_strip_none, packet_header_none, UINT64_MAX, true, false},
    {PACKET_1, "1", packet_decode_1, packet_strip_1, packet_header_1, UINT8_MAX, false, false},
    {PACKET_2, "2", packet_decode_2, packet_strip_2, packet_header_2, UINT16_MAX, false, false},
    {PACKET_4, "4", packet_decode_4, packet_strip_4, packet_header_4, UINT32_MAX, false, false},
    {PACKET_LINE, "line", packet_decode_line, packet_strip_none, packet_header_none, UINT64_MAX, false, false},
    {PACKET_SUNRM, "sunrm", packet_decode_sunrm, packet_strip_none, packet_header_none, UINT64_MAX, false, false},
    {PACKET_ASN1, "asn1", packet_decode_asn1, packet_strip_none, packet_header_none, UINT64_MAX, false, false},
    {PACKET_CDR, "cdr", packet_decode_cdr, packet_strip_none, packet_header_none, UINT64_MAX, false, false},
    {PACKET_FCGI, "fcgi", packet_decode_fcgi, packet_strip_fcgi, packet_header_none, UINT64_MAX, false, false},
    {PACKET_TPKT, "tpkt", packet_decode_tpkt, packet_strip_none, packet_header_none, UINT64_MAX, false, false},
    {PACKET_HTTP, "http", packet_decode_http, packet_strip_none, packet_header_none, UINT64_MAX, false, true},
    {PACKET_HTTPH, "httph", packet_decode_httph, packet_strip_none, packet_header_none, UINT64_MAX, false, true},
    {PACKET_HTTP_BIN, "http_bin", packet_decode_http, packet_strip_none, packet_header_none, UINT64_MAX, false, true},
    {PACKET_HTTPH_BIN, "httph_bin", packet_decode_httph, packet_strip_none, packet_header_none, UINT64_MAX, false, true},
};
/* clang-format on */

const struct packet_type *
packet_type(enum packet_id id)
{
	return (unsigned)id < PACKET_COUNT ? &types[id] : NULL;
}

/*
 * gen_tcp reads a header into a buffer of `buffer` bytes, which grows once, to
 * packet_size.  One that is not complete then is emsgsize; so an asn1 tag that
 * never ends takes no more memory than that.
 */
size_t
packet_header_limit(const struct packet_settings *settings)
{
	return settings->packet_size > settings->buffer ? settings->packet_size
							: settings->buffer;
}

bool
packet_header_whole(const struct packet_settings *settings, size_t header, size_t len)
{
	return len >= header && packet_header_limit(settings) >= header;
}

enum packet_status
packet_header_part(
    const struct packet_settings *settings, size_t len, struct packet_span *span)
{
	*span = (struct packet_span){0};
	return len < packet_header_limit(settings) ? PACKET_MORE : PACKET_INVALID;
}

enum packet_status
packet_known(const struct packet_settings *settings, size_t header, uint64_t body,
    size_t len, struct packet_span *span)
{
	size_t total;

	*span = (struct packet_span){0};
	if (settings->packet_size > 0 && body > settings->packet_size)
		return PACKET_INVALID;
	if (body > settings->max_packet || header > PACKET_TOTAL_MAX ||
	    body > PACKET_TOTAL_MAX - header)
		return PACKET_INVALID;
	total = header + (size_t)body;
	if (len < total) {
		span->want = total;
		return PACKET_MORE;
	}
	span->total = span->len = total;
	return PACKET_READY;
}

uint32_t
packet_number(const unsigned char *data, size_t len)
{
	uint32_t number = 0;
	size_t i;

	for (i = 0; i < len; i++)
		number = number << 8 | data[i];
	return number;
}

void
packet_strip_none(const unsigned char *data, struct packet_span *span)
{
	(void)data;
	span->offset = 0;
	span->len = span->total;
}
