/* SPDX-License-Identifier: ISC */
/* What failed: gentcp_error() and gentcp_reply_error(). */
#ifndef CLIENT_ERROR_H
#define CLIENT_ERROR_H

#include <jansson.h>

#include "client/gentcp.h"
#include "client/incoming.h"
#include "proto/bytes.h"

enum { ERROR_REASON_MAX = 256, ERROR_OPTION_MAX = 64 };

struct gentcp_error {
	enum gentcp_status status;
	int code;
	char reason[ERROR_REASON_MAX];
	char option[ERROR_OPTION_MAX]; /* "" if none */
	char *detail, *data;	       /* own, NULL if none */
	struct bytes rest;	       /* own */
	bool has_rest;
};

/* Both end what the error was before.  Memory that is out costs only details. */
int error_set(struct gentcp_error *e, enum gentcp_status status, int code,
    const char *format, ...) __attribute__((format(printf, 4, 5)));
/* From a reply or fault that carries an error.  Returns GENTCP_ERROR. */
int error_from(struct gentcp_error *e, const struct incoming *m);
/* Adds the bytes that came with a reply to what the error is.  Returns its status. */
int error_keep_rest(struct gentcp_error *e, const struct incoming *m);
void error_fini(struct gentcp_error *e);

#endif
