/* SPDX-License-Identifier: ISC */
#include "proto/option.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum {
	AT_OPEN = OPTION_AT_CONNECT | OPTION_AT_LISTEN,
	AT_CHANGE = OPTION_AT_SET | OPTION_AT_GET,
	AT_ALL = AT_OPEN | AT_CHANGE
};

/* What JSON numbers can say exactly everywhere. */
#define MS_MAX (INT64_C(1) << 53)

static const struct option_choice modes[] = {
    {"binary", false, OPTION_MODE_BINARY, false},
    {"list", false, OPTION_MODE_LIST, false},
    {0},
};

static const struct option_choice delivers[] = {
    {"port", false, OPTION_DELIVER_PORT, false},
    {"term", false, OPTION_DELIVER_TERM, false},
    {0},
};

static const struct option_choice packets[] = {
    {"0", true, OPTION_PACKET_RAW, false},
    {"raw", false, OPTION_PACKET_RAW, true},
    {"1", true, OPTION_PACKET_1, false},
    {"2", true, OPTION_PACKET_2, false},
    {"4", true, OPTION_PACKET_4, false},
    {"line", false, OPTION_PACKET_LINE, false},
    {"sunrm", false, OPTION_PACKET_SUNRM, false},
    {"asn1", false, OPTION_PACKET_ASN1, false},
    {"cdr", false, OPTION_PACKET_CDR, false},
    {"fcgi", false, OPTION_PACKET_FCGI, false},
    {"tpkt", false, OPTION_PACKET_TPKT, false},
    {"http", false, OPTION_PACKET_HTTP, false},
    {"httph", false, OPTION_PACKET_HTTPH, false},
    {"http_bin", false, OPTION_PACKET_HTTP_BIN, false},
    {"httph_bin", false, OPTION_PACKET_HTTPH_BIN, false},
    {0},
};

/* Both say it: the family options, and gen_tcp's tcp_module. */
static const struct option_choice families[] = {
    {"inet", false, OPTION_FAMILY_INET, false},
    {"inet6", false, OPTION_FAMILY_INET6, false},
    {"local", false, OPTION_FAMILY_LOCAL, false},
    {0},
};

static const struct option_choice tcp_modules[] = {
    {"inet_tcp", false, OPTION_FAMILY_INET, false},
    {"inet6_tcp", false, OPTION_FAMILY_INET6, false},
    {"local_tcp", false, OPTION_FAMILY_LOCAL, false},
    {0},
};

static const struct option_choice backends[] = {
    {"inet", false, OPTION_BACKEND_INET, false},
    {"socket", false, OPTION_BACKEND_SOCKET, false},
    {0},
};

static const struct option_choice protocols[] = {
    {"tcp", false, OPTION_PROTOCOL_TCP, false},
    {"mptcp", false, OPTION_PROTOCOL_MPTCP, false},
    {0},
};

/*
 * What rows share.  The kernel's integers are not checked here beyond what an
 * int holds: it knows best, and its einval is reported.
 */
#define ID(id_, name_)	  .id = (id_), .name = (name_)
#define BOOLEAN		  .type = OPTION_T_BOOLEAN, .max = 1
#define INTEGER(low, up)  .type = OPTION_T_INTEGER, .min = (low), .max = (up)
#define ANY_INT		  INTEGER(INT32_MIN, INT32_MAX)
#define CHOICE(c)	  .type = OPTION_T_CHOICE, .choices = (c)
#define KERNEL(lvl, name) .level = (lvl), .optname = (name), .kernel = #lvl " " #name
#define UNIT(name)	  .unit = (name)
#define COPIED		  .inherit = OPTION_COPIED
#define READ_AND_SET	  .inherit = OPTION_READ_AND_SET
#define BY_KERNEL	  .inherit = OPTION_BY_KERNEL
#define ON(f)		  .families = OPTION_ON_##f
#define WHEN(mask)	  .when = (mask)
#define WORD(option, value) \
	.type = OPTION_T_BARE, .stands_for = (option), .stands_value = (value), \
	.initial = "-"

/* clang-format off */
static const struct option_row rows[] = {
	/* --- user space --------------------------------------------------- */
	[OPTION_ACTIVE] = {ID(OPTION_ACTIVE, "active"),
	    .type = OPTION_T_ACTIVE, .min = INT16_MIN, .max = INT16_MAX,
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "true",
	    .help = "whether data comes as events: true always, false never (recv asks for it), "
		"\"once\" one, N so many, then tcp_passive",
	    .note = "N is added to the count that there is; a sum out of -32768..32767 is einval, one of 0 or "
		"less makes the socket passive. Under true a fast peer can flood its client, so prefer "
		"once or N. A listener only keeps it for the sockets that it accepts."},
	[OPTION_MODE] = {ID(OPTION_MODE, "mode"), CHOICE(modes),
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "binary",
	    .help = "how data is given: binary as a string or base64, list as an array of byte values",
	    .note = "The default of gen_tcp is list."},
	[OPTION_PACKET] = {ID(OPTION_PACKET, "packet"), CHOICE(packets),
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "0",
	    .help = "what a packet is: 0 or raw whatever arrives, 1, 2, 4 a body behind a length of "
		"so many bytes, line up to line_delimiter, sunrm, asn1, cdr, fcgi, tpkt a record of "
		"that format, http, httph, http_bin, httph_bin a line of HTTP and what it says",
	    .note = "Bytes that are no packet, and packets past a limit, are emsgsize."},
	[OPTION_PACKET_SIZE] = {ID(OPTION_PACKET_SIZE, "packet_size"), INTEGER(0, INT32_MAX),
	    WHEN(AT_ALL), COPIED, ON(ALL), UNIT("bytes"), .initial = "0",
	    .help = "longest packet body to take; 0 for no limit but that of the daemon",
	    .note = "A longer packet is emsgsize, and ends the connection. Under line the delimiter "
		"counts, under fcgi the padding; under the http types it is the longest line, with "
		"its continuations, and 0 means buffer. "
		"Raw data has no packets and no limit."},
	[OPTION_LINE_DELIMITER] = {ID(OPTION_LINE_DELIMITER, "line_delimiter"),
	    INTEGER(0, UINT8_MAX),
	    WHEN(OPTION_AT_CONNECT | OPTION_AT_SET), ON(ALL), .initial = "10",
	    .help = "byte that ends a line under packet line",
	    .note = "It cannot be asked for, and an accepted socket starts with 10, as in gen_tcp."},
	[OPTION_HEADER] = {ID(OPTION_HEADER, "header"), INTEGER(0, UINT16_MAX),
	    WHEN(AT_ALL), COPIED, ON(ALL), UNIT("bytes"), .initial = "0",
	    .help = "how much of the beginning of each packet stands apart, in the member header, an array",
	    .note = "Under mode list it does nothing."},
	[OPTION_DELIVER] = {ID(OPTION_DELIVER, "deliver"), CHOICE(delivers),
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "term",
	    .help = "what active data comes as: term as events tcp, or http, port as events port",
	    .note = "Under port a line of an http type is bytes like any other. All else is the same, "
		"recv too. The form of data is as mode says, of accepted sockets too, to which gen_tcp "
		"then gives lists."},
	[OPTION_BUFFER] = {ID(OPTION_BUFFER, "buffer"), ANY_INT,
	    WHEN(AT_ALL), COPIED, ON(ALL), UNIT("bytes"), .initial = "1460",
	    .help = "size of the input buffer: the most that one raw read gives, and where a long line is cut",
	    .note = "Below 1 is 1. As long as neither it nor recbuf was set, one raw read gives up to 65536. "
		"Setting recbuf raises it, unless it was set itself."},
	[OPTION_EXIT_ON_CLOSE] = {ID(OPTION_EXIT_ON_CLOSE, "exit_on_close"), BOOLEAN,
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "true",
	    .help = "whether the socket closes when its peer does; false to go on sending",
	    .note = "With false, a send that is blocked when the peer's end is noticed gets closed, and "
		"what is queued is dropped, as in gen_tcp; a high_watermark that is not "
		"reached spares both."},
	[OPTION_SEND_TIMEOUT] = {ID(OPTION_SEND_TIMEOUT, "send_timeout"),
	    .type = OPTION_T_TIMEOUT, .max = MS_MAX,
	    WHEN(AT_ALL), COPIED, ON(ALL), UNIT("ms"), .initial = "infinity",
	    .help = "longest wait of a send behind a full queue",
	    .note = "Then the send is answered timeout; its data stays queued and will be sent."},
	[OPTION_SEND_TIMEOUT_CLOSE] = {ID(OPTION_SEND_TIMEOUT_CLOSE, "send_timeout_close"), BOOLEAN,
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "false",
	    .help = "whether the connection is closed when send_timeout is over"},
	[OPTION_DELAY_SEND] = {ID(OPTION_DELAY_SEND, "delay_send"), BOOLEAN,
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "false",
	    .help = "whether a send is queued first, so that several go out in one write"},
	[OPTION_HIGH_WATERMARK] = {ID(OPTION_HIGH_WATERMARK, "high_watermark"), ANY_INT,
	    WHEN(AT_ALL), COPIED, ON(ALL), UNIT("bytes"), .initial = "8192",
	    .help = "queued output from which senders wait",
	    .note = "Negative is 0. Set below low_watermark it takes that one along."},
	[OPTION_LOW_WATERMARK] = {ID(OPTION_LOW_WATERMARK, "low_watermark"), ANY_INT,
	    WHEN(AT_ALL), COPIED, ON(ALL), UNIT("bytes"), .initial = "4096",
	    .help = "queued output down to which waiting senders go on",
	    .note = "Negative is 0. Set above high_watermark it takes that one along."},
	[OPTION_SHOW_ECONNRESET] = {ID(OPTION_SHOW_ECONNRESET, "show_econnreset"), BOOLEAN,
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "false",
	    .help = "whether a reset by the peer is told as econnreset, instead of closed"},
	[OPTION_HIGH_MSGQ_WATERMARK] = {ID(OPTION_HIGH_MSGQ_WATERMARK, "high_msgq_watermark"),
	    ANY_INT,
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "8192",
	    UNIT("bytes"),
	    .help = "sends that wait while the socket is busy, from which inet.info calls its msgq busy",
	    .note = "Nobody is refused above it: who sends waits, in any case. Set below "
		"low_msgq_watermark it takes that along. Below 1 is einval."},
	[OPTION_LOW_MSGQ_WATERMARK] = {ID(OPTION_LOW_MSGQ_WATERMARK, "low_msgq_watermark"),
	    ANY_INT,
	    WHEN(AT_ALL), COPIED, ON(ALL), .initial = "4096",
	    UNIT("bytes"),
	    .help = "sends that wait, down to which inet.info calls its msgq busy",
	    .note = "Set above high_msgq_watermark it takes that along. Below 1 is einval."},
	[OPTION_DEBUG] = {ID(OPTION_DEBUG, "debug"), BOOLEAN,
	    WHEN(AT_ALL), ON(ALL), .initial = "false",
	    .help = "whether the log tells what the socket does: states, options, sizes, its end",
	    .note = "Where the daemon logs that much (gentcpd -v), and a thousand lines in a "
		"second at most."},

	/* --- at creation only --------------------------------------------- */
	[OPTION_BACKLOG] = {ID(OPTION_BACKLOG, "backlog"), ANY_INT,
	    WHEN(OPTION_AT_LISTEN), ON(ALL), UNIT("connections"), .initial = "5",
	    .help = "how many may wait to be accepted",
	    .note = "The kernel has a limit of its own, net.core.somaxconn, and cuts it silently."},
	[OPTION_IP] = {ID(OPTION_IP, "ip"), .type = OPTION_T_ADDRESS,
	    WHEN(AT_OPEN), ON(ALL), .initial = "any",
	    .help = "own address to bind to: numeric, \"any\", \"loopback\", or {\"local\": path}",
	    .note = "An IPv6 or local address chooses the family, unless that was said. The last one counts."},
	[OPTION_IFADDR] = {ID(OPTION_IFADDR, "ifaddr"), .type = OPTION_T_ADDRESS,
	    WHEN(AT_OPEN), ON(ALL), .initial = "any",
	    .help = "as ip; or address and port in one, as a sockaddr object",
	    .note = "A sockaddr replaces an earlier ip and port; a later ip or port replaces its part of it."},
	[OPTION_PORT] = {ID(OPTION_PORT, "port"), INTEGER(0, UINT16_MAX),
	    WHEN(AT_OPEN), ON(ALL), .initial = "0",
	    .help = "own port to bind to; 0 for one that is free",
	    .note = "In listen it overrides the argument. A local socket has port 0."},
	[OPTION_FD] = {ID(OPTION_FD, "fd"), .type = OPTION_T_PASSED,
	    WHEN(AT_OPEN), ON(ALL), .initial = "none",
	    .help = "use the descriptor that comes with the message",
	    .note = "It is a duplicate of the client's, and is closed with the socket."},
	[OPTION_FAMILY] = {ID(OPTION_FAMILY, "family"), CHOICE(families),
	    WHEN(AT_OPEN), ON(ALL), .initial = "inet",
	    .help = "address family; the words inet, inet6 and local say the same",
	    .note = "The first one counts. Where none is given, it is that of ip, ifaddr or the address."},
	[OPTION_TCP_MODULE] = {ID(OPTION_TCP_MODULE, "tcp_module"), CHOICE(tcp_modules),
	    WHEN(AT_OPEN), ON(ALL), .initial = "inet_tcp",
	    .help = "address family, by the name of gen_tcp's module for it",
	    .note = "The first counts, of this and family."},
	[OPTION_PROTOCOL] = {ID(OPTION_PROTOCOL, "protocol"), CHOICE(protocols),
	    WHEN(AT_OPEN), ON(IP), .initial = "tcp",
	    .help = "TCP, or mptcp: TCP over several paths, where both ends have it",
	    .note = "A kernel without it says eprotonosupport. Of an mptcp socket Linux has no "
		"ttl, user_timeout, recvtos, recvttl, recvtclass, tclass and pktoptions: setting them "
		"is einval and getopts leaves them out, unless the peer spoke plain tcp."},
	[OPTION_NETNS] = {ID(OPTION_NETNS, "netns"), .type = OPTION_T_PATH,
	    WHEN(AT_ALL), ON(ALL), .initial = "none",
	    .help = "file of a network namespace to make the socket in, as /run/netns/NAME or "
		"/proc/PID/ns/net",
	    .note = "Names are looked up in the daemon's own. A file that is none is einval. "
		"getopts leaves it out while it is not set; to set it later is taken and does nothing. "
		"Only for clients of root and of the daemon's own user, else eacces."},
	[OPTION_INET_BACKEND] = {ID(OPTION_INET_BACKEND, "inet_backend"), CHOICE(backends),
	    WHEN(AT_OPEN), COPIED, ON(ALL), .initial = "inet",
	    .help = "whether a send is answered when its data is queued (inet), or when the kernel "
		"has all of it (socket)",
	    .note = "The configuration can have the other as default. inet.info tells it. "
		"The section Backends says what differs."},

	/* --- the kernel's ------------------------------------------------- */
	[OPTION_REUSEADDR] = {ID(OPTION_REUSEADDR, "reuseaddr"), BOOLEAN,
	    KERNEL(SOL_SOCKET, SO_REUSEADDR),
	    WHEN(AT_ALL), BY_KERNEL, ON(ALL), .initial = "false",
	    .help = "whether a port can be bound while old connections of it linger on",
	    .note = "Both the old and the new listener need it."},
	[OPTION_REUSEPORT] = {ID(OPTION_REUSEPORT, "reuseport"), BOOLEAN,
	    KERNEL(SOL_SOCKET, SO_REUSEPORT),
	    WHEN(AT_ALL), BY_KERNEL, ON(IP), .initial = "false",
	    .help = "whether several listeners of one user may share a port; the kernel spreads connections "
		"over them",
	    .note = "All of them have to say so before they bind. reuseport_lb is the same option here."},
	[OPTION_REUSEPORT_LB] = {ID(OPTION_REUSEPORT_LB, "reuseport_lb"), BOOLEAN,
	    KERNEL(SOL_SOCKET, SO_REUSEPORT),
	    WHEN(AT_ALL), BY_KERNEL, ON(IP), .initial = "false",
	    .help = "the same option as reuseport here: off in one is off in both"},
	[OPTION_EXCLUSIVEADDRUSE] = {ID(OPTION_EXCLUSIVEADDRUSE, "exclusiveaddruse"), BOOLEAN,
	    WHEN(AT_ALL), ON(IP), .initial = "false",
	    .help = "taken and ignored: an option of Windows",
	    .note = "getopts leaves it out."},
	[OPTION_KEEPALIVE] = {ID(OPTION_KEEPALIVE, "keepalive"), BOOLEAN,
	    KERNEL(SOL_SOCKET, SO_KEEPALIVE),
	    WHEN(AT_ALL), READ_AND_SET, ON(ALL), .initial = "false",
	    .help = "whether an idle connection is probed, so that a vanished peer is noticed",
	    .note = "See keepidle, keepintvl and keepcnt."},
	[OPTION_KEEPCNT] = {ID(OPTION_KEEPCNT, "keepcnt"), ANY_INT,
	    KERNEL(IPPROTO_TCP, TCP_KEEPCNT),
	    WHEN(AT_ALL), BY_KERNEL, ON(IP), UNIT("probes"), .initial = "the system's",
	    .help = "how many unanswered keepalive probes end the connection",
	    .note = "The kernel takes 1 to 127."},
	[OPTION_KEEPIDLE] = {ID(OPTION_KEEPIDLE, "keepidle"), ANY_INT,
	    KERNEL(IPPROTO_TCP, TCP_KEEPIDLE),
	    WHEN(AT_ALL), BY_KERNEL, ON(IP), UNIT("seconds"), .initial = "the system's",
	    .help = "silence before the first keepalive probe",
	    .note = "The kernel takes 1 to 32767."},
	[OPTION_KEEPINTVL] = {ID(OPTION_KEEPINTVL, "keepintvl"), ANY_INT,
	    KERNEL(IPPROTO_TCP, TCP_KEEPINTVL),
	    WHEN(AT_ALL), BY_KERNEL, ON(IP), UNIT("seconds"), .initial = "the system's",
	    .help = "time between keepalive probes",
	    .note = "The kernel takes 1 to 32767."},
	[OPTION_USER_TIMEOUT] = {ID(OPTION_USER_TIMEOUT, "user_timeout"), INTEGER(0, INT32_MAX),
	    KERNEL(IPPROTO_TCP, TCP_USER_TIMEOUT),
	    WHEN(AT_ALL), BY_KERNEL, ON(IP), UNIT("ms"), .initial = "0",
	    .help = "how long sent data may stay unacknowledged before the connection is ended; 0 for the "
		"system's way"},
	[OPTION_DONTROUTE] = {ID(OPTION_DONTROUTE, "dontroute"), BOOLEAN,
	    KERNEL(SOL_SOCKET, SO_DONTROUTE),
	    WHEN(AT_ALL), BY_KERNEL, ON(ALL), .initial = "false",
	    .help = "whether to send to directly connected hosts only, past the routing table",
	    .note = "gen_tcp takes it in setopts alone."},
	[OPTION_LINGER] = {ID(OPTION_LINGER, "linger"),
	    .type = OPTION_T_LINGER, .max = INT32_MAX, KERNEL(SOL_SOCKET, SO_LINGER),
	    WHEN(AT_ALL), READ_AND_SET, ON(ALL), UNIT("seconds"), .initial = "[false, 0]",
	    .help = "[true, seconds]: how long close waits for queued output; [true, 0] throws it away and "
		"resets the connection",
	    .note = "[false, N] is as [false, 0]: close then waits as long as output moves, "
		"see gen_tcp.close."},
	[OPTION_NODELAY] = {ID(OPTION_NODELAY, "nodelay"), BOOLEAN,
	    KERNEL(IPPROTO_TCP, TCP_NODELAY),
	    WHEN(AT_ALL), READ_AND_SET, ON(IP), .initial = "false",
	    .help = "whether small segments go out at once (no Nagle's algorithm)",
	    .note = "On a local socket it is taken and ignored, and getopts leaves it out."},
	[OPTION_NOPUSH] = {ID(OPTION_NOPUSH, "nopush"), BOOLEAN,
	    KERNEL(IPPROTO_TCP, TCP_CORK),
	    WHEN(AT_CHANGE), BY_KERNEL, ON(IP), .initial = "false",
	    .help = "whether only full segments go out, until it is false again",
	    .note = "The kernel sends what it holds after 200 ms all the same."},
	[OPTION_PRIORITY] = {ID(OPTION_PRIORITY, "priority"), ANY_INT,
	    KERNEL(SOL_SOCKET, SO_PRIORITY),
	    WHEN(AT_ALL), READ_AND_SET, ON(ALL), .initial = "0",
	    .help = "priority of outgoing packets in the kernel's queues",
	    .note = "Outside 0 to 6 it is for root's clients. Setting tos changes it too."},
	[OPTION_TOS] = {ID(OPTION_TOS, "tos"), ANY_INT, KERNEL(IPPROTO_IP, IP_TOS),
	    WHEN(AT_ALL), READ_AND_SET, ON(IP), .initial = "0",
	    .help = "type of service in outgoing IPv4 headers",
	    .note = "The kernel keeps the low 8 bits, without the last two: 255 reads back as 252. It can "
		"change priority too."},
	[OPTION_TTL] = {ID(OPTION_TTL, "ttl"), ANY_INT, KERNEL(IPPROTO_IP, IP_TTL),
	    WHEN(AT_ALL), READ_AND_SET, ON(IP), .initial = "the system's",
	    .help = "time to live in outgoing IPv4 headers: 1 to 255; -1 for the system's",
	    .note = "Anything else is einval."},
	[OPTION_TCLASS] = {ID(OPTION_TCLASS, "tclass"), ANY_INT,
	    KERNEL(IPPROTO_IPV6, IPV6_TCLASS),
	    WHEN(AT_ALL), READ_AND_SET, ON(INET6), .initial = "0",
	    .help = "traffic class in outgoing IPv6 headers: 0 to 255; -1 for the system's"},
	[OPTION_RECVTOS] = {ID(OPTION_RECVTOS, "recvtos"), BOOLEAN,
	    KERNEL(IPPROTO_IP, IP_RECVTOS),
	    WHEN(AT_ALL), READ_AND_SET, ON(IP), .initial = "false",
	    .help = "whether the kernel keeps the tos of what is received"},
	[OPTION_RECVTTL] = {ID(OPTION_RECVTTL, "recvttl"), BOOLEAN,
	    KERNEL(IPPROTO_IP, IP_RECVTTL),
	    WHEN(AT_ALL), READ_AND_SET, ON(IP), .initial = "false",
	    .help = "whether the kernel keeps the ttl of what is received"},
	[OPTION_RECVTCLASS] = {ID(OPTION_RECVTCLASS, "recvtclass"), BOOLEAN,
	    KERNEL(IPPROTO_IPV6, IPV6_RECVTCLASS),
	    WHEN(AT_ALL), READ_AND_SET, ON(INET6), .initial = "false",
	    .help = "whether the kernel keeps the tclass of what is received"},
	[OPTION_SNDBUF] = {ID(OPTION_SNDBUF, "sndbuf"), ANY_INT,
	    KERNEL(SOL_SOCKET, SO_SNDBUF),
	    WHEN(AT_ALL), BY_KERNEL, ON(ALL), UNIT("bytes"), .initial = "the system's",
	    .help = "size of the kernel's send buffer",
	    .note = "Linux doubles what is asked, gives at least 4608, and at most net.core.wmem_max twice."},
	[OPTION_RECBUF] = {ID(OPTION_RECBUF, "recbuf"), ANY_INT,
	    KERNEL(SOL_SOCKET, SO_RCVBUF),
	    WHEN(AT_ALL), BY_KERNEL, ON(ALL), UNIT("bytes"), .initial = "the system's",
	    .help = "size of the kernel's receive buffer",
	    .note = "Linux doubles what is asked, gives at least 2304, and at most net.core.rmem_max twice. "
		"It raises buffer to what was asked, unless buffer was set itself."},
	[OPTION_IPV6_V6ONLY] = {ID(OPTION_IPV6_V6ONLY, "ipv6_v6only"), BOOLEAN,
	    KERNEL(IPPROTO_IPV6, IPV6_V6ONLY),
	    WHEN(AT_ALL), ON(INET6), .initial = "the system's",
	    .help = "whether an IPv6 socket leaves IPv4 alone",
	    .note = "Only before bind; later it is einval. The kernel sets it by itself where the "
		"address is not any."},
	[OPTION_BIND_TO_DEVICE] = {ID(OPTION_BIND_TO_DEVICE, "bind_to_device"),
	    .type = OPTION_T_DEVICE, KERNEL(SOL_SOCKET, SO_BINDTODEVICE),
	    WHEN(AT_ALL), BY_KERNEL, ON(IP), .initial = "\"\"",
	    .help = "network device that all packets go through, by name, in any form of bytes",
	    .note = "Empty for any. An unknown one is einval. Only for clients of root and of "
		"the daemon's own user, else eacces."},
	[OPTION_PKTOPTIONS] = {ID(OPTION_PKTOPTIONS, "pktoptions"), .type = OPTION_T_PACKET,
	    KERNEL(IPPROTO_IP, IP_PKTOPTIONS),
	    WHEN(OPTION_AT_GET), ON(IP), .initial = "[]",
	    .help = "what the kernel has kept of received packets, as recvtos, recvttl and "
		"recvtclass say: [{\"ttl\": 64}, {\"tos\": 8}]",
	    .note = "In the kernel's order. Of an IPv6 socket it is IPV6_2292PKTOPTIONS, of a "
		"local one einval."},
	[OPTION_RAW] = {ID(OPTION_RAW, "raw"), .type = OPTION_T_RAW,
	    WHEN(AT_ALL), BY_KERNEL, ON(ALL), .initial = "none",
	    .help = "one of the kernel's own options by its numbers, with its bytes in any form",
	    .note = "Several are all set, in their order. "
		"getopts asks for one by {\"raw\": [protocol, option, size]}; the size is 65536 "
		"at most, or bytes stand for it. Its result has raw, an array: for each that was asked "
		"for [protocol, option, {\"base64\": bytes}], or null where the kernel refused. "
		"Only those of gentcp-protocol(7), Raw options; others are eacces, for everybody."},

	/* --- bare words --------------------------------------------------- */
	[OPTION_BINARY] = {ID(OPTION_BINARY, "binary"), WORD(OPTION_MODE, OPTION_MODE_BINARY),
	    WHEN(AT_OPEN | OPTION_AT_SET), ON(ALL), .help = "the same as mode binary"},
	[OPTION_LIST] = {ID(OPTION_LIST, "list"), WORD(OPTION_MODE, OPTION_MODE_LIST),
	    WHEN(AT_OPEN | OPTION_AT_SET), ON(ALL), .help = "the same as mode list"},
	[OPTION_INET] = {ID(OPTION_INET, "inet"), WORD(OPTION_FAMILY, OPTION_FAMILY_INET),
	    WHEN(AT_OPEN), ON(ALL), .help = "an IPv4 socket"},
	[OPTION_INET6] = {ID(OPTION_INET6, "inet6"), WORD(OPTION_FAMILY, OPTION_FAMILY_INET6),
	    WHEN(AT_OPEN), ON(ALL), .help = "an IPv6 socket"},
	[OPTION_LOCAL] = {ID(OPTION_LOCAL, "local"), WORD(OPTION_FAMILY, OPTION_FAMILY_LOCAL),
	    WHEN(AT_OPEN), ON(ALL), .help = "a Unix socket; its path is given by ip or ifaddr"},
};
/* clang-format on */

static_assert(
    COUNT(rows) == OPTION_COUNT, "one row for each option, in the order of ids");

/* Rows in the order of their names, for option_find(). */
static const enum option_id by_name[] = {
    OPTION_ACTIVE,
    OPTION_BACKLOG,
    OPTION_BINARY,
    OPTION_BIND_TO_DEVICE,
    OPTION_BUFFER,
    OPTION_DEBUG,
    OPTION_DELAY_SEND,
    OPTION_DELIVER,
    OPTION_DONTROUTE,
    OPTION_EXCLUSIVEADDRUSE,
    OPTION_EXIT_ON_CLOSE,
    OPTION_FAMILY,
    OPTION_FD,
    OPTION_HEADER,
    OPTION_HIGH_MSGQ_WATERMARK,
    OPTION_HIGH_WATERMARK,
    OPTION_IFADDR,
    OPTION_INET,
    OPTION_INET6,
    OPTION_INET_BACKEND,
    OPTION_IP,
    OPTION_IPV6_V6ONLY,
    OPTION_KEEPALIVE,
    OPTION_KEEPCNT,
    OPTION_KEEPIDLE,
    OPTION_KEEPINTVL,
    OPTION_LINE_DELIMITER,
    OPTION_LINGER,
    OPTION_LIST,
    OPTION_LOCAL,
    OPTION_LOW_MSGQ_WATERMARK,
    OPTION_LOW_WATERMARK,
    OPTION_MODE,
    OPTION_NETNS,
    OPTION_NODELAY,
    OPTION_NOPUSH,
    OPTION_PACKET,
    OPTION_PACKET_SIZE,
    OPTION_PKTOPTIONS,
    OPTION_PORT,
    OPTION_PRIORITY,
    OPTION_PROTOCOL,
    OPTION_RAW,
    OPTION_RECBUF,
    OPTION_RECVTCLASS,
    OPTION_RECVTOS,
    OPTION_RECVTTL,
    OPTION_REUSEADDR,
    OPTION_REUSEPORT,
    OPTION_REUSEPORT_LB,
    OPTION_SEND_TIMEOUT,
    OPTION_SEND_TIMEOUT_CLOSE,
    OPTION_SHOW_ECONNRESET,
    OPTION_SNDBUF,
    OPTION_TCLASS,
    OPTION_TCP_MODULE,
    OPTION_TOS,
    OPTION_TTL,
    OPTION_USER_TIMEOUT,
};

static_assert(COUNT(by_name) == OPTION_COUNT, "every option can be found");

const struct option_row *
option_row(enum option_id id)
{
	return &rows[id];
}

struct option_key {
	const char *name;
	size_t len;
};

static int
compare_name(const void *a, const void *b)
{
	const struct option_key *key = a;
	const char *name = rows[*(const enum option_id *)b].name;
	int order = strncmp(key->name, name, key->len);

	/* Alike as far as the key goes: the longer one is the greater. */
	return order != 0 || name[key->len] == '\0' ? order : -1;
}

const struct option_row *
option_find(const char *name, size_t len)
{
	const struct option_key key = {name, len};
	const enum option_id *found;

	if (len == 0 || memchr(name, '\0', len) != NULL)
		return NULL;
	found = bsearch(&key, by_name, COUNT(by_name), sizeof *by_name, compare_name);
	return found == NULL ? NULL : &rows[*found];
}
