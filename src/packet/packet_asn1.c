/* SPDX-License-Identifier: ISC */
/*
 * asn1: tag, length, value, by the basic encoding rules (X.690), delivered
 * whole.  As gen_tcp has it: a length is 1 to 4 bytes at most, and the indefinite
 * form, 0x80, is a length of 0.  An unknown form is refused only when all its
 * bytes have come.
 */
#include "packet/packet_private.h"

enum {
	TAG_LONG = 0x1f, /* all five bits: the tag goes on */
	TAG_MORE = 0x80, /* ... and on behind this byte */
	LENGTH_LONG = 0x80,
	LENGTH_MAX = 4
};

/*
 * Where the tag ends.  state->scanned is how much of a long one is known to go
 * on, so 0 for a short one.
 */
static bool
find_tag_end(
    struct packet_state *state, const unsigned char *data, size_t len, size_t *end)
{
	if (len < 2)
		return false;
	if (state->scanned == 0 && (data[0] & TAG_LONG) != TAG_LONG) {
		*end = 1;
		return true;
	}
	if (state->scanned == 0)
		state->scanned = 1;
	while (state->scanned < len && data[state->scanned] & TAG_MORE)
		state->scanned++;
	*end = state->scanned + 1;
	return len > *end;
}

/*
 * The header in data[0..len): how long it is, and the body.  READY, MORE, or
 * INVALID.
 */
static enum packet_status
read_header(struct packet_state *state, const unsigned char *data, size_t len,
    size_t *header, uint64_t *body)
{
	size_t at, count;

	if (!find_tag_end(state, data, len, &at))
		return PACKET_MORE;
	count = data[at++] & (LENGTH_LONG - 1);
	*header = at;
	*body = count;
	if (!(data[at - 1] & LENGTH_LONG))
		return PACKET_READY;
	if (len - at < count)
		return PACKET_MORE;
	if (count > LENGTH_MAX)
		return PACKET_INVALID;
	*header = at + count;
	*body = packet_number(data + at, count);
	return PACKET_READY;
}

enum packet_status
packet_decode_asn1(const struct packet_settings *settings, struct packet_state *state,
    const unsigned char *data, size_t len, struct packet_span *span)
{
	size_t limit = packet_header_limit(settings), header;
	enum packet_status status;
	uint64_t body;

	*span = (struct packet_span){0};
	status = read_header(state, data, len < limit ? len : limit, &header, &body);
	if (status == PACKET_MORE)
		return packet_header_part(settings, len, span);
	if (status == PACKET_READY)
		status = packet_known(settings, header, body, len, span);
	if (status == PACKET_READY)
		state->scanned = 0;
	return status;
}
