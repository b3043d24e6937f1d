/* SPDX-License-Identifier: ISC */
/* The functions of the packet types.  For src/packet only. */
#ifndef PACKET_PACKET_PRIVATE_H
#define PACKET_PACKET_PRIVATE_H

#include "packet/packet.h"

/* gen_tcp counts a whole packet in an int. */
enum { PACKET_TOTAL_MAX = INT32_MAX };

/* packet_length.c: no framing, and a big-endian length of 1, 2 or 4 bytes */
enum packet_status packet_decode_raw(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
enum packet_status packet_decode_1(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
enum packet_status packet_decode_2(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
enum packet_status packet_decode_4(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
size_t packet_header_none(size_t len, unsigned char out[PACKET_HEADER_MAX]);
size_t packet_header_1(size_t len, unsigned char out[PACKET_HEADER_MAX]);
size_t packet_header_2(size_t len, unsigned char out[PACKET_HEADER_MAX]);
size_t packet_header_4(size_t len, unsigned char out[PACKET_HEADER_MAX]);

/* packet_line.c */
enum packet_status packet_decode_line(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);

#endif
