/* SPDX-License-Identifier: ISC */
/*
 * Reasons: gen_tcp's error atoms as numbers.  A reason is 0 for success, an
 * errno for a POSIX atom ("econnrefused" is ECONNREFUSED), or one of the codes
 * below; the number is the JSON-RPC code of the error as well.
 */
#ifndef PROTO_REASON_H
#define PROTO_REASON_H

enum {
	REASON_OK = 0,
	REASON_CLOSED = 10001,
	REASON_TIMEOUT = 10002,
	REASON_NOT_OWNER = 10003,
	REASON_BADARG = 10004,
	REASON_SYSTEM_LIMIT = 10005,
	REASON_CANCELLED = 10006,
	REASON_NXDOMAIN = 10007,
	REASON_NOPROC = 10008,

	/* JSON-RPC 2.0, section 5.1 */
	REASON_PARSE_ERROR = -32700,
	REASON_INVALID_REQUEST = -32600,
	REASON_METHOD_NOT_FOUND = -32601,
	REASON_INVALID_PARAMS = -32602,
	REASON_INTERNAL_ERROR = -32603
};

/*
 * The atom of a reason ("closed", "econnrefused"); "unknown" for a number
 * without a name.  A static string.  JSON-RPC's own codes have a plain
 * sentence ("Invalid params").
 */
const char *reason_name(int reason);

/* The reason with that atom, or -1. */
int reason_from_name(const char *name);

#endif
