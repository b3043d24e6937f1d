/* SPDX-License-Identifier: ISC */
/*
 * THE option table: one row for each gen_tcp option.  Everything that can be
 * said of an option without doing it stands in its row; value.c reads and
 * prints values by the row's type, tcp/sockopt.c applies them by id; the manual,
 * gentcp-cli's help (both by option_text.c) and tests/integration/option_rows.py
 * are fed from it.
 */
#ifndef PROTO_OPTION_H
#define PROTO_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/address.h"

enum option_id {
	/* user space: gen_tcp's own */
	OPTION_ACTIVE,
	OPTION_MODE,
	OPTION_PACKET,
	OPTION_PACKET_SIZE,
	OPTION_LINE_DELIMITER,
	OPTION_HEADER,
	OPTION_DELIVER,
	OPTION_BUFFER,
	OPTION_EXIT_ON_CLOSE,
	OPTION_SEND_TIMEOUT,
	OPTION_SEND_TIMEOUT_CLOSE,
	OPTION_DELAY_SEND,
	OPTION_HIGH_WATERMARK,
	OPTION_LOW_WATERMARK,
	OPTION_SHOW_ECONNRESET,
	OPTION_HIGH_MSGQ_WATERMARK,
	OPTION_LOW_MSGQ_WATERMARK,
	OPTION_DEBUG,
	/* at creation only */
	OPTION_BACKLOG,
	OPTION_IP,
	OPTION_IFADDR,
	OPTION_PORT,
	OPTION_FD,
	OPTION_FAMILY,
	OPTION_TCP_MODULE,
	OPTION_PROTOCOL,
	OPTION_NETNS,
	OPTION_INET_BACKEND,
	/* the kernel's */
	OPTION_REUSEADDR,
	OPTION_REUSEPORT,
	OPTION_REUSEPORT_LB,
	OPTION_EXCLUSIVEADDRUSE,
	OPTION_KEEPALIVE,
	OPTION_KEEPCNT,
	OPTION_KEEPIDLE,
	OPTION_KEEPINTVL,
	OPTION_USER_TIMEOUT,
	OPTION_DONTROUTE,
	OPTION_LINGER,
	OPTION_NODELAY,
	OPTION_NOPUSH,
	OPTION_PRIORITY,
	OPTION_TOS,
	OPTION_TTL,
	OPTION_TCLASS,
	OPTION_RECVTOS,
	OPTION_RECVTTL,
	OPTION_RECVTCLASS,
	OPTION_SNDBUF,
	OPTION_RECBUF,
	OPTION_IPV6_V6ONLY,
	OPTION_BIND_TO_DEVICE,
	OPTION_PKTOPTIONS,
	OPTION_RAW,
	/* bare words that stand for another option with a value */
	OPTION_BINARY,
	OPTION_LIST,
	OPTION_INET,
	OPTION_INET6,
	OPTION_LOCAL,
	OPTION_COUNT
};

enum option_type {
	OPTION_T_BOOLEAN, /* true, false */
	OPTION_T_INTEGER, /* min..max */
	OPTION_T_TIMEOUT, /* whole ms >= 0, or "infinity" */
	OPTION_T_CHOICE,  /* one of the row's choices */
	OPTION_T_ACTIVE,  /* true, false, "once", -32768..32767 */
	OPTION_T_LINGER,  /* [boolean, seconds] */
	OPTION_T_ADDRESS, /* ip: an address; ifaddr: or a sockaddr */
	OPTION_T_PASSED,  /* "passed": the message's descriptor */
	OPTION_T_DEVICE,  /* a network device's name, as bytes */
	OPTION_T_PATH,	  /* a file's name, as bytes */
	OPTION_T_PACKET,  /* what came with packets: only to be asked for */
	OPTION_T_RAW,	  /* [protocol, option, bytes] */
	OPTION_T_BARE	  /* a word without a value */
};

/* When an option can be given or asked; a mask. */
enum {
	OPTION_AT_CONNECT = 1,
	OPTION_AT_LISTEN = 2,
	OPTION_AT_SET = 4,
	OPTION_AT_GET = 8
};

/* What accept does with the listener's value. */
enum option_inherit {
	OPTION_NOT_INHERITED,
	OPTION_COPIED,	     /* user-space state */
	OPTION_READ_AND_SET, /* read from the listener, set on the new socket */
	OPTION_BY_KERNEL     /* the kernel does it */
};

/* Families whose sockets have the option; a mask. */
enum {
	OPTION_ON_INET = 1,
	OPTION_ON_INET6 = 2,
	OPTION_ON_LOCAL = 4,
	OPTION_ON_IP = OPTION_ON_INET | OPTION_ON_INET6,
	OPTION_ON_ALL = OPTION_ON_IP | OPTION_ON_LOCAL
};

/* A choice: a word, or a number as gen_tcp's packet 0, 1, 2, 4. */
struct option_choice {
	const char *name; /* "line"; "1" for the number 1 */
	bool number;	  /* written as a JSON number */
	int value;
	bool alias; /* taken, never printed: "raw" reads back as 0 */
};

struct option_row {
	enum option_id id;
	const char *name;
	enum option_type type;
	const struct option_choice *choices; /* ends with a NULL name */
	int64_t min, max;
	unsigned when;
	enum option_inherit inherit;
	unsigned families;
	int level, optname;	   /* for [gs]etsockopt(2); optname 0: user space */
	const char *kernel;	   /* their names, "SOL_SOCKET SO_LINGER"; or NULL */
	const char *unit;	   /* of a number, "bytes"; or NULL */
	enum option_id stands_for; /* a bare word's option … */
	int stands_value;	   /* … and the value it gives it */
	const char *initial;	   /* default, as text for people */
	const char *help;	   /* one line, which goes on a sentence "NAME: …" */
	const char *note;	   /* more, in whole sentences; or NULL */
};

/* Values of the choice options; the words are in the table. */
enum { OPTION_MODE_BINARY, OPTION_MODE_LIST };
enum { OPTION_DELIVER_TERM, OPTION_DELIVER_PORT };
enum { OPTION_BACKEND_INET, OPTION_BACKEND_SOCKET };
enum { OPTION_FAMILY_INET = 1, OPTION_FAMILY_INET6, OPTION_FAMILY_LOCAL };
enum { OPTION_PROTOCOL_TCP, OPTION_PROTOCOL_MPTCP };
/* In the order of packet/packet.h, which cannot be included here. */
enum option_packet {
	OPTION_PACKET_RAW,
	OPTION_PACKET_1,
	OPTION_PACKET_2,
	OPTION_PACKET_4,
	OPTION_PACKET_LINE,
	OPTION_PACKET_SUNRM,
	OPTION_PACKET_ASN1,
	OPTION_PACKET_CDR,
	OPTION_PACKET_FCGI,
	OPTION_PACKET_TPKT,
	OPTION_PACKET_HTTP,
	OPTION_PACKET_HTTPH,
	OPTION_PACKET_HTTP_BIN,
	OPTION_PACKET_HTTPH_BIN
};

enum option_active {
	OPTION_ACTIVE_FALSE,
	OPTION_ACTIVE_TRUE,
	OPTION_ACTIVE_ONCE,
	OPTION_ACTIVE_N
};

enum { OPTION_INFINITY = -1 };	 /* a timeout that never ends */
enum { OPTION_DEVICE_MAX = 15 }; /* bytes of a device's name */
enum { OPTION_RAW_MAX = 32 };	 /* bytes of a raw value that are kept */
enum { OPTION_PATH_MAX = 255 };	 /* bytes of a file's name */
enum { OPTION_PACKET_OPTIONS = 8 };

struct option_value {
	enum option_id id; /* never that of a bare word */
	union {
		bool on;	/* BOOLEAN */
		int64_t number; /* INTEGER, CHOICE; TIMEOUT in ms or OPTION_INFINITY */
		struct {
			enum option_active mode;
			int n; /* for OPTION_ACTIVE_N */
		} active;
		struct {
			bool on;
			int seconds;
		} linger;
		struct address address;
		struct {
			size_t len; /* 0: none */
			char name[OPTION_DEVICE_MAX + 1];
		} device; /* the name ends with NUL too */
		struct {
			size_t len;
			char name[OPTION_PATH_MAX + 1];
		} path; /* ends with NUL too */
		struct {
			unsigned count;
			struct {
				enum option_id id;
				int number;
			} items[OPTION_PACKET_OPTIONS];
		} packet;
		struct {
			int level, name;
			size_t len; /* as given: may be more than is kept */
			unsigned char data[OPTION_RAW_MAX];
		} raw; /* or a question: len is the size asked for */
	} u;
};

/* Values in the order they were given. */
struct option_list {
	struct option_value *items; /* own */
	size_t count, size;
};

enum { OPTION_LIST_MAX = 1024 };

/* The row of an id; a static row. */
const struct option_row *option_row(enum option_id id);
/* The row with that name, or NULL.  len need not include a NUL. */
const struct option_row *option_find(const char *name, size_t len);

/* --- option_list.c --- */

/* Appends a copy.  False without memory or past OPTION_LIST_MAX. */
bool option_list_add(struct option_list *list, const struct option_value *v);
/* Appends copies of all of more.  False as above; what fits has been added. */
bool option_list_join(struct option_list *list, const struct option_list *more);
/* The last value of id in the list (gen_tcp: a later one wins), or NULL. */
const struct option_value *option_list_last(
    const struct option_list *list, enum option_id id);
void option_list_fini(struct option_list *list);

#endif
