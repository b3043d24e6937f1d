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

/*
 * The limits are looked at as soon as the header can be read, as gen_tcp does:
 * nobody waits for a body that would be refused.
 */
static enum packet_status
decode_length(const struct packet_settings *settings, size_t header,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	uint64_t body = 0;
	size_t i, total;

	*span = (struct packet_span){0};
	if (len < header)
		return PACKET_MORE;
	for (i = 0; i < header; i++)
		body = body << 8 | data[i];
	if (settings->packet_size > 0 && body > settings->packet_size)
		return PACKET_INVALID;
	if (body > settings->max_packet || body > PACKET_TOTAL_MAX - header)
		return PACKET_INVALID;
	total = header + (size_t)body;
	if (len < total) {
		span->want = total;
		return PACKET_MORE;
	}
	span->total = total;
	span->offset = header;
	span->len = (size_t)body;
	return PACKET_READY;
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
