/* SPDX-License-Identifier: ISC */
#include "packet/packet_private.h"

static const struct packet_type types[PACKET_COUNT] = {
    {PACKET_RAW, "0", packet_decode_raw, packet_header_none, UINT64_MAX, true},
    {PACKET_1, "1", packet_decode_1, packet_header_1, UINT8_MAX, false},
    {PACKET_2, "2", packet_decode_2, packet_header_2, UINT16_MAX, false},
    {PACKET_4, "4", packet_decode_4, packet_header_4, UINT32_MAX, false},
    {PACKET_LINE, "line", packet_decode_line, packet_header_none, UINT64_MAX, false},
};

const struct packet_type *
packet_type(enum packet_id id)
{
	return (unsigned)id < PACKET_COUNT ? &types[id] : NULL;
}
