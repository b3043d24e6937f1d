/* SPDX-License-Identifier: ISC */
/*
 * THE method table: one row for each method of the control protocol.  params.c
 * checks requests by it, rpc/dispatch has one handler for each row, gentcp-cli
 * takes its verbs, usage and help from it.
 */
#ifndef PROTO_METHOD_H
#define PROTO_METHOD_H

#include <stdbool.h>
#include <stddef.h>

enum method_id {
	METHOD_CONNECT,
	METHOD_LISTEN,
	METHOD_ACCEPT,
	METHOD_FDOPEN,
	METHOD_SEND,
	METHOD_RECV,
	METHOD_CLOSE,
	METHOD_SHUTDOWN,
	METHOD_CONTROLLING_PROCESS,
	METHOD_UNRECV,
	METHOD_SETOPTS,
	METHOD_GETOPTS,
	METHOD_SOCKNAME,
	METHOD_PEERNAME,
	METHOD_PORT,
	METHOD_GETSTAT,
	METHOD_INFO,
	METHOD_I,
	METHOD_GETFD,
	METHOD_MONITOR,
	METHOD_CANCEL_MONITOR,
	METHOD_GETADDRS,
	METHOD_SENDFILE,
	METHOD_HELLO,
	METHOD_SELF,
	METHOD_CLIENTS,
	METHOD_CANCEL,
	METHOD_KEEP,
	METHOD_ATTACH,
	METHOD_ACK,
	METHOD_DISCOVER,
	METHOD_STATUS,
	METHOD_RELOAD,
	METHOD_STOP,
	METHOD_LOG_LEVEL,
	METHOD_METRICS,
	METHOD_COUNT
};

enum method_type {
	METHOD_T_SOCKET,  /* a positive integer */
	METHOD_T_CLIENT,  /* a positive integer */
	METHOD_T_MONITOR, /* a positive integer */
	METHOD_T_HOST,	  /* a name or address, or a sockaddr object */
	METHOD_T_PORT,	  /* 0..65535, or a service name */
	METHOD_T_OPTIONS, /* value.h */
	METHOD_T_NAMES,	  /* an array of option or counter names */
	METHOD_T_TIMEOUT, /* whole ms >= 0, or "infinity" */
	METHOD_T_DATA,	  /* payload.h, or the attachment */
	METHOD_T_LENGTH,  /* a whole number >= 0 */
	METHOD_T_HOW,	  /* "read", "write", "read_write" */
	METHOD_T_STRING,
	METHOD_T_INTEGER,
	METHOD_T_BOOLEAN,
	METHOD_T_ARRAY,
	METHOD_T_ID,	/* a request's id */
	METHOD_T_ACTIVE /* a value of the option active */
};

struct method_param {
	const char *name;
	enum method_type type;
	bool optional;
	const char *help; /* one line */
};

enum { METHOD_PARAMS_MAX = 5 };

enum {
	METHOD_WAITS = 1,  /* may wait: refused in a batch */
	METHOD_BYTES = 2,  /* an attachment may stand for its data */
	METHOD_FDS = 4,	   /* may bring descriptors */
	METHOD_TELLS = 8,  /* does nothing but answer */
	METHOD_GIVES = 16, /* answers with a descriptor: refused in a batch */
	METHOD_ALONE = 32  /* refused in a batch */
};

struct method_row {
	enum method_id id;
	const char *name;			       /* "gen_tcp.connect" */
	struct method_param params[METHOD_PARAMS_MAX]; /* to a NULL name */
	unsigned flags;
	const char *result; /* its shape, for people */
	const char *help;   /* one line */
};

const struct method_row *method_row(enum method_id id);
/* The row with that name, or NULL. */
const struct method_row *method_find(const char *name);
/* How many params the row has. */
size_t method_arity(const struct method_row *row);

#endif
