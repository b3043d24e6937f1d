/* SPDX-License-Identifier: ISC */
/*
 * Metrics: figures of the daemon as text, in the two forms that Prometheus reads.
 * What is counted are plain integers of whoever counts, on its own context; this
 * is how they are told.
 */
#ifndef BASE_METRICS_H
#define BASE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum metrics_format {
	METRICS_PROMETHEUS, /* text format 0.0.4 */
	METRICS_OPENMETRICS /* OpenMetrics 1.0 */
};

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE };

/* A text that is being written. */
struct metrics_text {
	enum metrics_format format;
	FILE *file; /* NULL without memory: nothing is written */
	char *text;
	size_t len;
	char name[64]; /* of samples of the last family */
};

/* "prometheus", "openmetrics".  False if it is neither. */
bool metrics_format_find(const char *name, enum metrics_format *format);
/* What the HTTP header Content-Type says of it.  Static. */
const char *metrics_format_type(enum metrics_format format);

void metrics_begin(struct metrics_text *t, enum metrics_format format);
/*
 * A family: its samples follow.  name is without the "_total" of counters, [a-z_]
 * and at most 48 bytes; help is one line without a backslash.
 */
void metrics_family(
    struct metrics_text *t, enum metrics_type type, const char *name, const char *help);
/* A sample of the last family; label may be NULL: there is but one. */
void metrics_sample(
    struct metrics_text *t, const char *label, const char *value, uint64_t number);
/* A family of one sample. */
void metrics_single(struct metrics_text *t, enum metrics_type type, const char *name,
    const char *help, uint64_t number);
/*
 * The whole text, ended by 0, which is the caller's to free(); *len its length.  NULL
 * without memory.
 */
char *metrics_end(struct metrics_text *t, size_t *len);

/* --- how long things took ---------------------------------------------------- */

enum { METRICS_BUCKETS = 11 }; /* and one for all that took longer */

struct metrics_histogram {
	uint64_t count[METRICS_BUCKETS + 1];
	uint64_t sum; /* ms */
};

/* Something took so many ms. */
void metrics_observe(struct metrics_histogram *h, uint64_t ms);
/* The family: name ends in _seconds. */
void metrics_histogram(struct metrics_text *t, const char *name, const char *help,
    const struct metrics_histogram *h);

#endif
