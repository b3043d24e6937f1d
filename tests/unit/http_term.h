/* SPDX-License-Identifier: ISC */
/* An http packet as the term that Erlang has for it (data/packet/README). */
#ifndef TESTS_UNIT_HTTP_TERM_H
#define TESTS_UNIT_HTTP_TERM_H

#include <stdbool.h>
#include <stdio.h>

#include "packet/packet_http.h"

/* binary: of http_bin and httph_bin. */
void http_term_print(FILE *f, const struct packet_http *http, bool binary);

#endif
