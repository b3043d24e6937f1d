/* SPDX-License-Identifier: ISC */
/* What is printed: results, events, and peers' bytes made harmless. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/gentcp.h"
#include "proto/bytes.h"
#include "proto/method.h"

/*
 * Appends bytes in quotes, as the shell reads them again: control characters,
 * whatever turns or hides text, and what is no UTF-8 as \xNN.
 */
void output_quoted(struct bytes *out, const void *data, size_t len);
/* The same where text needs it, else as it stands. */
void output_word(struct bytes *out, const char *text, size_t len);

/* A sentence: as it stands, but for what a terminal would act upon. */
void output_sentence(struct bytes *out, const char *text);
/* A JSON value in one line, the same escaped as JSON does. */
void output_json(struct bytes *out, json_t *json);

/* A successful reply as text. */
void output_result(
    struct bytes *out, const struct method_row *row, const struct gentcp_reply *r);
void output_event(struct bytes *out, const struct gentcp_event *e);
/* An error's words: "closed", "badarg: option ttl: ...". */
void output_error(struct bytes *out, const struct gentcp_error *e);

/* The same as JSON, one line each. */
void output_event_json(struct bytes *out, const struct gentcp_event *e);
void output_error_json(struct bytes *out, const struct gentcp_error *e);

#endif
