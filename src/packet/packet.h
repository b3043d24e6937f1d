/* SPDX-License-Identifier: ISC */
/*
 * THE packet table: gen_tcp's packet types, each a row of pure functions on
 * (pointer, length).  libc only: no socket, no option table, no memory of its
 * own.
 */
#ifndef PACKET_PACKET_H
#define PACKET_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packet_id {
	PACKET_RAW,
	PACKET_1,
	PACKET_2,
	PACKET_4,
	PACKET_LINE,
	PACKET_SUNRM,
	PACKET_ASN1,
	PACKET_CDR,
	PACKET_FCGI,
	PACKET_TPKT,
	PACKET_HTTP,
	PACKET_HTTPH,
	PACKET_HTTP_BIN,
	PACKET_HTTPH_BIN,
	PACKET_COUNT
};

enum packet_status {
	PACKET_READY,  /* *span is the next packet */
	PACKET_MORE,   /* more bytes first */
	PACKET_INVALID /* framing violation: gen_tcp's emsgsize */
};

/* What the socket's options say. */
struct packet_settings {
	size_t packet_size; /* longest body; 0: no limit */
	size_t buffer;	    /* where line cuts; what a header has to fit in; never 0 */
	size_t max_packet;  /* the daemon's own limit on a body */
	unsigned char delimiter;
};

/* What a decoder remembers between calls about the same bytes. */
struct packet_state {
	/* line, http: bytes known to hold no end; asn1: of the tag */
	size_t scanned;
	/*
	 * http: headers are expected, not a start line.  This is the stream's,
	 * not the bytes': it outlives a change of settings, of the type too.
	 */
	bool headers;
};

/* Forgets the bytes: to be called before others than them are decoded. */
static inline void
packet_restart(struct packet_state *state)
{
	state->scanned = 0;
}

struct packet_span {
	size_t total;  /* bytes the packet takes, header and all */
	size_t offset; /* where what is delivered begins */
	size_t len;    /* and how long it is */
	size_t want;   /* MORE: bytes of the whole packet, 0 if not yet known */
};

enum { PACKET_HEADER_MAX = 4 };

struct packet_type {
	enum packet_id id;
	const char *name; /* as gen_tcp's option value: "0", "line" */
	/*
	 * Finds the next packet in data[0..len).  *state is all zero at first,
	 * and restarted whenever the settings changed or the bytes are not those
	 * of the last call with more behind them.  READY leaves it restarted.  A
	 * decoder never looks at a byte twice, but for a header's.  len may be 0
	 * (MORE).
	 */
	enum packet_status (*decode)(const struct packet_settings *settings,
	    struct packet_state *state, const unsigned char *data, size_t len,
	    struct packet_span *span);
	/*
	 * What is delivered of a whole packet: reads span->total and that many
	 * bytes of data, sets span->offset and len.  decode has done it already;
	 * this is for a packet whose end was found by another type, before the
	 * option changed.  Whatever the bytes are, the result lies within them.
	 */
	void (*strip)(const unsigned char *data, struct packet_span *span);
	/*
	 * Writes the header for a body of len bytes; returns its length (0 for
	 * types without one).  len is at most max_body.
	 */
	size_t (*header)(size_t len, unsigned char out[PACKET_HEADER_MAX]);
	uint64_t max_body; /* longest body its header can say */
	bool raw;	   /* no framing: recv takes a length */
	bool http;	   /* lines for packet_http_parse() */
};

const struct packet_type *packet_type(enum packet_id id);

#endif
