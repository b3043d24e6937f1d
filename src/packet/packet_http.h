/* SPDX-License-Identifier: ISC */
/*
 * What a line of the http packet types says: the terms that gen_tcp gives for
 * http, httph, http_bin and httph_bin, as spans of the line.
 */
#ifndef PACKET_PACKET_HTTP_H
#define PACKET_PACKET_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct packet_state;

enum packet_http_type {
	PACKET_HTTP_REQUEST,
	PACKET_HTTP_RESPONSE,
	PACKET_HTTP_HEADER,
	PACKET_HTTP_EOH, /* the empty line behind the headers */
	PACKET_HTTP_ERROR
};

enum packet_uri_type {
	PACKET_URI_STAR,
	PACKET_URI_ABS_PATH, /* path */
	PACKET_URI_ABSOLUTE, /* scheme (http or https), host, port, path */
	PACKET_URI_SCHEME,   /* scheme, rest */
	PACKET_URI_STRING    /* rest */
};

/* Any bytes, which need not be text. */
struct packet_text {
	const char *p;
	size_t len;
};

struct packet_uri {
	enum packet_uri_type type;
	struct packet_text scheme, host, path, rest;
	int port; /* 0: undefined */
};

enum {
	PACKET_HTTP_NAME_MAX = 50, /* longer names are not normalised */
	PACKET_HTTP_BITS = 52	   /* known headers are 1..52 */
};

/*
 * One line.  Not to be copied: name may point into it.  Where Erlang has atoms
 * (known is set; the scheme of PACKET_URI_ABSOLUTE), the texts are words of ours.
 */
struct packet_http {
	enum packet_http_type type;
	int major, minor;	   /* REQUEST, RESPONSE */
	bool known;		   /* REQUEST: the method; HEADER: the name */
	struct packet_text method; /* REQUEST */
	struct packet_uri uri;
	int status; /* RESPONSE */
	struct packet_text phrase;
	int bit;		  /* HEADER: the place of a known name, else 0 */
	struct packet_text name;  /* Content-Type, however it was written */
	struct packet_text field; /* as it was written */
	struct packet_text value; /* with the line ends within, where folded */
	struct packet_text line;  /* ERROR: all of it */
	char normal[PACKET_HTTP_NAME_MAX];
};

/*
 * Reads a line that a decoder of these types has found, with its end.  Cannot
 * fail: what is no HTTP is PACKET_HTTP_ERROR.  state says what is expected, and
 * is brought on: a start line is followed by headers, those by a start line.
 * *http points into line.  As erlang:decode_packet/3; but numbers that it would
 * wrap (above 2^31 - 1) make the line an error.
 */
void packet_http_parse(struct packet_state *state, const unsigned char *line, size_t len,
    struct packet_http *http);

/* Is it one of the seven methods that Erlang has atoms for?  Case counts. */
bool packet_http_method(const char *name, size_t len);
/* The place of a header's normalised name, 1..PACKET_HTTP_BITS, or 0. */
int packet_http_bit(const char *name, size_t len);

#endif
