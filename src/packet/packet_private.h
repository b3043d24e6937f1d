/* SPDX-License-Identifier: ISC */
/* The functions of the packet types.  For src/packet only. */
#ifndef PACKET_PACKET_PRIVATE_H
#define PACKET_PACKET_PRIVATE_H

#include "packet/packet.h"

/* gen_tcp counts a whole packet in an int. */
enum { PACKET_TOTAL_MAX = INT32_MAX };

/* packet.c: what types with a length in their header share */

/* How many bytes a header may take: those that gen_tcp's buffer can hold. */
size_t packet_header_limit(const struct packet_settings *settings);

/* Can a header of that many bytes be read, of len that are there? */
bool packet_header_whole(
    const struct packet_settings *settings, size_t header, size_t len);

/*
 * It cannot.  MORE, or INVALID if no more of it would be read.  *span becomes all
 * zero.
 */
enum packet_status packet_header_part(
    const struct packet_settings *settings, size_t len, struct packet_span *span);

/*
 * The header says how long the body is.  READY with the whole packet as what is
 * delivered, MORE with what is wanted, INVALID past a limit: the limits are
 * looked at as soon as the header can be read, as gen_tcp does, so that nobody
 * waits for a body that would be refused.
 */
enum packet_status packet_known(const struct packet_settings *settings, size_t header,
    uint64_t body, size_t len, struct packet_span *span);

/* The first len (at most 4) bytes as a big-endian number. */
uint32_t packet_number(const unsigned char *data, size_t len);

/* The whole packet is delivered. */
void packet_strip_none(const unsigned char *data, struct packet_span *span);

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
void packet_strip_1(const unsigned char *data, struct packet_span *span);
void packet_strip_2(const unsigned char *data, struct packet_span *span);
void packet_strip_4(const unsigned char *data, struct packet_span *span);
size_t packet_header_none(size_t len, unsigned char out[PACKET_HEADER_MAX]);
size_t packet_header_1(size_t len, unsigned char out[PACKET_HEADER_MAX]);
size_t packet_header_2(size_t len, unsigned char out[PACKET_HEADER_MAX]);
size_t packet_header_4(size_t len, unsigned char out[PACKET_HEADER_MAX]);

/* packet_http.c: a line, its continuations; httph: always a header */
enum packet_status packet_decode_http(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
enum packet_status packet_decode_httph(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);

/* packet_line.c */
enum packet_status packet_decode_line(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);

/* packet_record.c: formats that say their length themselves */
enum packet_status packet_decode_sunrm(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
enum packet_status packet_decode_cdr(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
enum packet_status packet_decode_fcgi(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
enum packet_status packet_decode_tpkt(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);
void packet_strip_fcgi(const unsigned char *data, struct packet_span *span);

/* packet_asn1.c */
enum packet_status packet_decode_asn1(const struct packet_settings *settings,
    struct packet_state *state, const unsigned char *data, size_t len,
    struct packet_span *span);

#endif
