/* SPDX-License-Identifier: ISC */
/*
 * Formats that say their length themselves, and are delivered with their header:
 * sunrm (a fragment of ONC RPC's record marking, RFC 5531), cdr (CORBA's GIOP),
 * fcgi (a FastCGI record, without its padding), tpkt (RFC 1006).  What gen_tcp
 * looks at, no more: the magic only with the whole header, no other field.
 */
#include <string.h>

#include "packet/packet_private.h"

enum {
	SUNRM_HEADER = 4,
	SUNRM_LENGTH = INT32_MAX, /* the top bit marks the last fragment */
	CDR_HEADER = 12,
	CDR_FLAGS = 6,
	CDR_LITTLE_ENDIAN = 1,
	CDR_SIZE = 8,
	FCGI_HEADER = 8,
	FCGI_VERSION = 1,
	FCGI_CONTENT = 4,
	FCGI_PADDING = 6,
	TPKT_HEADER = 4,
	TPKT_VERSION = 3,
	TPKT_LENGTH = 2 /* with the header */
};

enum packet_status
packet_decode_sunrm(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	(void)state;
	if (!packet_header_whole(settings, SUNRM_HEADER, len))
		return packet_header_part(settings, len, span);
	return packet_known(settings, SUNRM_HEADER,
	    packet_number(data, SUNRM_HEADER) & SUNRM_LENGTH, len, span);
}

static uint32_t
little_endian(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

enum packet_status
packet_decode_cdr(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	uint32_t size;

	(void)state;
	if (!packet_header_whole(settings, CDR_HEADER, len))
		return packet_header_part(settings, len, span);
	*span = (struct packet_span){0};
	if (memcmp(data, "GIOP", 4) != 0)
		return PACKET_INVALID;
	if (data[CDR_FLAGS] & CDR_LITTLE_ENDIAN)
		size = little_endian(data + CDR_SIZE);
	else
		size = packet_number(data + CDR_SIZE, 4);
	return packet_known(settings, CDR_HEADER, size, len, span);
}

/* The limits are about content and padding, which is not delivered. */
enum packet_status
packet_decode_fcgi(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	enum packet_status status;

	(void)state;
	if (!packet_header_whole(settings, FCGI_HEADER, len))
		return packet_header_part(settings, len, span);
	*span = (struct packet_span){0};
	if (data[0] != FCGI_VERSION)
		return PACKET_INVALID;
	status = packet_known(settings, FCGI_HEADER,
	    packet_number(data + FCGI_CONTENT, 2) + data[FCGI_PADDING], len, span);
	if (status == PACKET_READY)
		packet_strip_fcgi(data, span);
	return status;
}

void
packet_strip_fcgi(const unsigned char *data, struct packet_span *span)
{
	size_t padding = span->total >= FCGI_HEADER ? data[FCGI_PADDING] : 0;

	span->offset = 0;
	span->len = span->total < padding ? 0 : span->total - padding;
}

enum packet_status
packet_decode_tpkt(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	uint32_t total;

	(void)state;
	if (!packet_header_whole(settings, TPKT_HEADER, len))
		return packet_header_part(settings, len, span);
	*span = (struct packet_span){0};
	total = packet_number(data + TPKT_LENGTH, 2);
	if (data[0] != TPKT_VERSION || total < TPKT_HEADER)
		return PACKET_INVALID;
	return packet_known(settings, TPKT_HEADER, total - TPKT_HEADER, len, span);
}
