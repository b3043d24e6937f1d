/* SPDX-License-Identifier: ISC */
/*
 * http, httph, http_bin, httph_bin: where a line ends.  A start line ends at its
 * newline.  A header goes on in the next line if that begins with a blank, so
 * that it is known to be whole only when the byte behind it has come; an empty
 * line is whole by itself.
 */
#include <string.h>

#include "packet/packet_private.h"

/* What gen_tcp takes for the limit, and ours above that. */
static size_t
longest_line(const struct packet_settings *settings)
{
	size_t longest = settings->packet_size;

	if (longest == 0)
		longest = settings->buffer;
	return longest < settings->max_packet ? longest : settings->max_packet;
}

enum line_end { LINE_WHOLE, LINE_FOLDED, LINE_UNKNOWN };

/* Does the header line data[0..total), which ends with a newline, end there? */
static enum line_end
header_end(const unsigned char *data, size_t len, size_t total)
{
	if (total == 1 || (total == 2 && data[0] == '\r'))
		return LINE_WHOLE;
	if (total == len)
		return LINE_UNKNOWN;
	/* gen_tcp does not fold behind a line of one byte */
	if (total > 2 && (data[total] == ' ' || data[total] == '\t'))
		return LINE_FOLDED;
	return LINE_WHOLE;
}

enum packet_status
packet_decode_http(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	size_t longest = longest_line(settings), total;
	enum line_end end = LINE_FOLDED;
	const unsigned char *p;

	*span = (struct packet_span){0};
	while (end == LINE_FOLDED && state->scanned < len) {
		p = memchr(data + state->scanned, '\n', len - state->scanned);
		if (p == NULL) {
			/* the first byte tells an empty line: it is not done with */
			state->scanned = len > 1 ? len : 0;
			break;
		}
		total = (size_t)(p - data) + 1;
		if (total > longest)
			return PACKET_INVALID;
		end = state->headers ? header_end(data, len, total) : LINE_WHOLE;
		state->scanned = end == LINE_FOLDED ? total : total - 1;
	}
	switch (end) {
	case LINE_WHOLE:
		span->total = span->len = state->scanned + 1;
		state->scanned = 0;
		return PACKET_READY;
	case LINE_UNKNOWN:
		return PACKET_MORE;
	case LINE_FOLDED:
		break;
	}
	return len >= longest && len > 0 ? PACKET_INVALID : PACKET_MORE;
}

enum packet_status
packet_decode_httph(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	/* as in gen_tcp, where nothing is looked at before a byte has come */
	if (len > 0)
		state->headers = true;
	return packet_decode_http(settings, state, data, len, span);
}
