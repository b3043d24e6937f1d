/* SPDX-License-Identifier: ISC */
/*
 * line: up to and with the delimiter, in pieces of at most `buffer` bytes.
 * gen_tcp has no more than `buffer` bytes before it, so a line longer than that
 * is cut; packet_size says something only where it is shorter.
 */
#include <string.h>

#include "packet/packet_private.h"

/* Looks for the delimiter in data[0..end), from where the last look ended. */
static bool
find_delimiter(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t end, size_t *at)
{
	const unsigned char *p;

	if (end <= state->scanned)
		return false;
	p = memchr(data + state->scanned, settings->delimiter, end - state->scanned);
	*at = p != NULL ? (size_t)(p - data) : end;
	state->scanned = *at;
	return p != NULL;
}

/* The packet is data[0..n): what was seen behind it stays known. */
static enum packet_status
ready(struct packet_state *state, size_t n, struct packet_span *span)
{
	state->scanned = state->scanned > n ? state->scanned - n : 0;
	span->total = span->len = n;
	return PACKET_READY;
}

enum packet_status
packet_decode_line(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	size_t longest = settings->packet_size == 0 ? SIZE_MAX : settings->packet_size;
	size_t piece = settings->buffer == 0 ? SIZE_MAX : settings->buffer;
	size_t n = len < piece ? len : piece, at;
	bool found = find_delimiter(settings, state, data, n, &at);

	*span = (struct packet_span){0};
	if (found)
		n = at + 1;
	if (n > longest || n > settings->max_packet)
		return PACKET_INVALID;
	return found || n == piece ? ready(state, n, span) : PACKET_MORE;
}
