/* SPDX-License-Identifier: ISC */
/* The head of an HTTP request for metrics: pure. */
#include <string.h>
#include <strings.h>

#include "daemon/metrics_http.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {431, "Request Header Fields Too Large"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *
metrics_request_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* Where the line that begins at text ends: at its LF, or NULL. */
static const char *
line_end(const char *text, const char *end)
{
	return memchr(text, '\n', (size_t)(end - text));
}

/* The length of a line without its CR. */
static size_t
line_length(const char *text, const char *lf)
{
	return (size_t)(lf - text) - (lf > text && lf[-1] == '\r');
}

/* Does a line of len bytes begin with word, whatever its case? */
static bool
begins(const char *line, size_t len, const char *word)
{
	return len >= strlen(word) && strncasecmp(line, word, strlen(word)) == 0;
}

static bool
contains(const char *line, size_t len, const char *word)
{
	for (; len >= strlen(word); line++, len--)
		if (begins(line, len, word))
			return true;
	return false;
}

/* Is the target of len bytes ours? */
static bool
is_target(const char *target, size_t len)
{
	static const char path[] = "/metrics";
	size_t n = sizeof(path) - 1;

	return len >= n && memcmp(target, path, n) == 0 && (len == n || target[n] == '?');
}

/* "GET /metrics HTTP/1.1": the status it deserves. */
static int
read_first(const char *line, size_t len, struct metrics_request *r)
{
	const char *target = memchr(line, ' ', len), *version;
	size_t left;

	if (target == NULL || target == line)
		return 400;
	target++;
	left = len - (size_t)(target - line);
	version = memchr(target, ' ', left);
	if (version == NULL || version == target)
		return 400;
	left -= (size_t)(version - target) + 1;
	if (left != strlen("HTTP/1.1") || memcmp(version + 1, "HTTP/", 5) != 0)
		return 400;
	if (version[6] != '1' || version[7] != '.')
		return 505;
	r->head = begins(line, len, "HEAD ");
	if (memcmp(line, "GET ", 4) != 0 && memcmp(line, "HEAD ", 5) != 0)
		return 405;
	return is_target(target, (size_t)(version - target)) ? 200 : 404;
}

/* A field's line; false where it is none. */
static bool
read_field(const char *line, size_t len, struct metrics_request *r)
{
	const char *colon = memchr(line, ':', len);

	if (colon == NULL || colon == line || memchr(line, '\0', len) != NULL)
		return false;
	if (begins(line, len, "accept:") &&
	    contains(line, len, "application/openmetrics-text"))
		r->format = METRICS_OPENMETRICS;
	return true;
}

bool
metrics_request_read(const char *text, size_t len, struct metrics_request *r)
{
	const char *end = text + len, *lf;
	bool sound = true, first = true;
	size_t n;

	*r = (struct metrics_request){.format = METRICS_PROMETHEUS};
	while ((lf = line_end(text, end)) != NULL) {
		n = line_length(text, lf);
		if (first)
			r->status = read_first(text, n, r);
		else if (n == 0) {
			if (!sound)
				r->status = 400;
			return true;
		} else
			sound = read_field(text, n, r) && sound;
		first = false;
		text = lf + 1;
	}
	r->status = 431;
	return len >= METRICS_REQUEST_MAX;
}
