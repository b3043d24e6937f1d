/* SPDX-License-Identifier: ISC */
/*
 * A socket address as gen_tcp's users write it: inet:socket_address() and the
 * sockaddr maps of inet and socket.  Words only: src/tcp/address.c makes
 * struct sockaddr of it.
 */
#ifndef PROTO_ADDRESS_H
#define PROTO_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum address_kind {
	ADDRESS_NONE,
	ADDRESS_ANY,	  /* "any": the wildcard of the socket's family */
	ADDRESS_LOOPBACK, /* "loopback" */
	ADDRESS_INET,
	ADDRESS_INET6,
	ADDRESS_LOCAL /* a path, or an abstract name that begins with NUL */
};

enum { ADDRESS_PATH_MAX = 108, ADDRESS_TEXT_MAX = 46 };

struct address {
	enum address_kind kind;
	bool sockaddr; /* written as a sockaddr object: sets the port too */
	uint16_t port; /* 0 unless given; host order */
	union {
		uint8_t inet[4];
		struct {
			uint8_t addr[16];
			uint32_t scope_id;
			uint32_t flowinfo;
		} inet6;
		struct {
			/* may be longer than the kernel takes: it is told then */
			size_t len;
			char path[256];
		} local;
	} u;
};

/*
 * Reads a numeric address, IPv4 in dotted form or IPv6 (RFC 4291, with an
 * optional %scope), as inet:parse_strict_address does.  Text must end with
 * NUL.  False if it is something else; *a is then untouched.
 */
bool address_parse(const char *text, struct address *a);

/*
 * As address_parse, and IPv4 in its short forms too ("127.1"), as
 * inet:parse_address reads host strings at connect.
 */
bool address_parse_host(const char *text, struct address *a);

/* Makes an IPv4 address in IPv6's clothes (::ffff:1.2.3.4) IPv4.  False: it is none. */
bool address_unmap(struct address *a);

/* Writes a numeric address without its port as text: "127.0.0.1", "::1". */
void address_format(const struct address *a, char text[ADDRESS_TEXT_MAX]);

#endif
