/* SPDX-License-Identifier: ISC */
/* raw, and the types whose header is the length of the body: 1, 2, 4. */
#include "packet/packet_private.h"

enum packet_status
packet_decode_raw(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	(void)settings;
	(void)state;
	(void)data;
	*span = (struct packet_span){.total = len, .len = len};
	return len > 0 ? PACKET_READY : PACKET_MORE;
}

static void
strip(size_t header, struct packet_span *span)
{
	span->offset = span->total < header ? span->total : header;
	span->len = span->total - span->offset;
}

static enum packet_status
decode_length(const struct packet_settings *settings, size_t header,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	enum packet_status status;

	if (!packet_header_whole(settings, header, len))
		return packet_header_part(settings, len, span);
	status = packet_known(settings, header, packet_number(data, header), len, span);
	strip(header, span);
	return status;
}

enum packet_status
packet_decode_1(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	(void)state;
	return decode_length(settings, 1, data, len, span);
}

enum packet_status
packet_decode_2(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	(void)state;
	return decode_length(settings, 2, data, len, span);
}

enum packet_status
packet_decode_4(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	(void)state;
	return decode_length(settings, 4, data, len, span);
}

void
packet_strip_1(const unsigned char *data, struct packet_span *span)
{
	(void)data;
	strip(1, span);
}

void
packet_strip_2(const unsigned char *data, struct packet_span *span)
{
	(void)data;
	strip(2, span);
}

void
packet_strip_4(const unsigned char *data, struct packet_span *span)
{
	(void)data;
	strip(4, span);
}

size_t
packet_header_none(size_t len, unsigned char out[PACKET_HEADER_MAX])
{
	(void)len;
	(void)out;
	return 0;
}

size_t
packet_header_1(size_t len, unsigned char out[PACKET_HEADER_MAX])
{
	out[0] = (unsigned char)(len & 0xff);
	return 1;
}

size_t
packet_header_2(size_t len, unsigned char out[PACKET_HEADER_MAX])
{
	out[0] = (unsigned char)(len >> 8 & 0xff);
	out[1] = (unsigned char)(len & 0xff);
	return 2;
}

size_t
packet_header_4(size_t len, unsigned char out[PACKET_HEADER_MAX])
{
	out[0] = (unsigned char)(len >> 24 & 0xff);
	out[1] = (unsigned char)(len >> 16 & 0xff);
	out[2] = (unsigned char)(len >> 8 & 0xff);
	out[3] = (unsigned char)(len & 0xff);
	return 4;
}
