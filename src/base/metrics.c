/* SPDX-License-Identifier: ISC */
#include "base/metrics.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name, *type;
} formats[] = {
    [METRICS_PROMETHEUS] = {"prometheus", "text/plain; version=0.0.4; charset=utf-8"},
    [METRICS_OPENMETRICS] = {"openmetrics",
	"application/openmetrics-text; version=1.0.0; charset=utf-8"},
};

bool
metrics_format_find(const char *name, enum metrics_format *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0) {
			*format = (enum metrics_format)i;
			return true;
		}
	return false;
}

const char *
metrics_format_type(enum metrics_format format)
{
	return formats[format].type;
}

void
metrics_begin(struct metrics_text *t, enum metrics_format format)
{
	memset(t, 0, sizeof(*t));
	t->format = format;
	t->file = open_memstream(&t->text, &t->len);
}

/*
 * The forms differ in what a counter's family is called: in OpenMetrics it has not
 * the _total that its samples have.
 */
static void
put_head(struct metrics_text *t, const char *name, const char *type, const char *help)
{
	if (t->file != NULL)
		fprintf(t->file, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
metrics_family(
    struct metrics_text *t, enum metrics_type type, const char *name, const char *help)
{
	bool counter = type == METRICS_COUNTER;

	snprintf(t->name, sizeof(t->name), "%.48s%s", name, counter ? "_total" : "");
	put_head(t, t->format == METRICS_OPENMETRICS ? name : t->name,
	    counter ? "counter" : "gauge", help);
}

/* As the formats want it: backslash, quote and newline are escaped. */
static void
put_escaped(FILE *file, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			fputs("\\n", file);
		else if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else
			fputc(*text, file);
	}
}

void
metrics_sample(
    struct metrics_text *t, const char *label, const char *value, uint64_t number)
{
	if (t->file == NULL)
		return;
	fputs(t->name, t->file);
	if (label != NULL) {
		fprintf(t->file, "{%s=\"", label);
		put_escaped(t->file, value);
		fputs("\"}", t->file);
	}
	fprintf(t->file, " %" PRIu64 "\n", number);
}

void
metrics_single(struct metrics_text *t, enum metrics_type type, const char *name,
    const char *help, uint64_t number)
{
	metrics_family(t, type, name, help);
	metrics_sample(t, NULL, NULL, number);
}

char *
metrics_end(struct metrics_text *t, size_t *len)
{
	bool whole = t->file != NULL;

	/* the older form takes it for a comment */
	if (whole)
		fputs("# EOF\n", t->file);
	whole = whole && !ferror(t->file);
	if (t->file != NULL && fclose(t->file) != 0)
		whole = false;
	t->file = NULL;
	if (!whole) {
		free(t->text);
		t->text = NULL;
	}
	*len = t->len;
	return t->text;
}

/* --- how long things took ------------------------------------------------------ */

/* ms, and the same in seconds, as OpenMetrics wants a number with a point. */
static const struct {
	uint64_t ms;
	const char *seconds;
} buckets[METRICS_BUCKETS] = {
    {1, "0.001"},
    {2, "0.002"},
    {5, "0.005"},
    {10, "0.01"},
    {20, "0.02"},
    {50, "0.05"},
    {100, "0.1"},
    {200, "0.2"},
    {500, "0.5"},
    {1000, "1.0"},
    {5000, "5.0"},
};

void
metrics_observe(struct metrics_histogram *h, uint64_t ms)
{
	size_t i = 0;

	while (i < METRICS_BUCKETS && ms > buckets[i].ms)
		i++;
	h->count[i]++;
	h->sum += ms;
}

void
metrics_histogram(struct metrics_text *t, const char *name, const char *help,
    const struct metrics_histogram *h)
{
	uint64_t sofar = 0;

	put_head(t, name, "histogram", help);
	if (t->file == NULL)
		return;
	for (size_t i = 0; i <= METRICS_BUCKETS; i++) {
		sofar += h->count[i];
		fprintf(t->file, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
		    i < METRICS_BUCKETS ? buckets[i].seconds : "+Inf", sofar);
	}
	fprintf(t->file, "%s_sum %" PRIu64 ".%03u\n%s_count %" PRIu64 "\n", name,
	    h->sum / 1000, (unsigned)(h->sum % 1000), name, sofar);
}
