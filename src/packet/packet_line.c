/* SPDX-License-Identifier: ISC */
/*
 * line: up to and with the delimiter, in pieces of at most `buffer` bytes.
 * gen_tcp has no more than `buffer` bytes before it, so a line longer than that
 * is cut; packet_size says something only where it is shorter.
 */
#include <string.h>

#include "packet/packet_private.h"

/* Looks for the delimiter in data[0..end) where nobody has looked yet. */
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

enum packet_status
packet_decode_line(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	size_t longest = settings->packet_size == 0 ? SIZE_MAX : settings->packet_size;
	size_t n = len < settings->buffer ? len : settings->buffer, at;
	bool found = find_delimiter(settings, state, data, n, &at);

	*span = (struct packet_span){0};
	if (found)
		n = at + 1;
	if (n > longest || n > settings->max_packet)
		return PACKET_INVALID;
	if (!found && n < settings->buffer)
		return PACKET_MORE;
	state->scanned = 0;
	span->total = span->len = n;
	return PACKET_READY;
}
