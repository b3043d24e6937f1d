/* SPDX-License-Identifier: ISC */
/*
 * Where in the file something is wrong.  jansson does not tell the line of a value that
 * it has read, so the text is walked again; it is sound JSON by then.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config_private.h"

struct walk {
	const char *at, *end;
};

static void
skip_space(struct walk *w)
{
	while (w->at < w->end && strchr(" \t\r\n", *w->at) != NULL)
		w->at++;
}

/* Passes over c if it stands here. */
static bool
take(struct walk *w, char c)
{
	skip_space(w);
	if (w->at == w->end || *w->at != c)
		return false;
	w->at++;
	return true;
}

/* Passes over a string; what is in it, as it is written, goes to *text and *len. */
static void
take_string(struct walk *w, const char **text, size_t *len)
{
	(void)take(w, '"');
	*text = w->at;
	while (w->at < w->end && *w->at != '"')
		w->at += *w->at == '\\' && w->end - w->at > 1 ? 2 : 1;
	*len = (size_t)(w->at - *text);
	(void)take(w, '"');
}

/* A value of any kind: brackets are counted, so no depth is too much. */
static void
skip_value(struct walk *w)
{
	const char *text;
	size_t depth = 0, len;

	do {
		skip_space(w);
		if (w->at == w->end)
			return;
		if (*w->at == '"') {
			take_string(w, &text, &len);
			continue;
		}
		if (*w->at == '{' || *w->at == '[')
			depth++;
		if (*w->at == '}' || *w->at == ']')
			depth--;
		w->at++;
		while (w->at < w->end && strchr("{}[]\", \t\r\n", *w->at) == NULL)
			w->at++;
		(void)(depth > 0 && take(w, ','));
	} while (depth > 0);
}

/* To the value of a member of the object here. */
static bool
to_member(struct walk *w, const char *name)
{
	const char *text;
	size_t len;

	if (!take(w, '{'))
		return false;
	do {
		skip_space(w);
		if (w->at == w->end || *w->at != '"')
			return false;
		take_string(w, &text, &len);
		(void)take(w, ':');
		skip_space(w);
		if (len == strlen(name) && memcmp(text, name, len) == 0)
			return true;
		skip_value(w);
	} while (take(w, ','));
	return false;
}

static bool
to_item(struct walk *w, size_t item)
{
	if (!take(w, '['))
		return false;
	for (skip_space(w); item > 0; item--) {
		skip_value(w);
		if (!take(w, ','))
			return false;
		skip_space(w);
	}
	return true;
}

size_t
config_line(const char *text, size_t len, const struct place *at)
{
	struct walk w = {text, text + len};
	size_t line = 1;

	if (!to_member(&w, at->key) || (at->item != SIZE_MAX && !to_item(&w, at->item)) ||
	    (at->member != NULL && !to_member(&w, at->member)))
		return 0;
	for (; text < w.at; text++)
		line += *text == '\n';
	return line;
}

bool
config_refuse(const struct reading *r, const struct place *at, const char *format, ...)
{
	size_t line = config_line(r->text, r->len, at);
	char text[384], where[64] = "", item[32] = "";
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (line > 0)
		(void)snprintf(where, sizeof(where), "%zu: ", line);
	if (at->item != SIZE_MAX)
		(void)snprintf(item, sizeof(item), " rule %zu", at->item + 1);
	(void)snprintf(r->why, r->size, "%s:%s%s%.64s%s%s%.64s %s", r->file,
	    line > 0 ? "" : " ", where, at->key, item, at->member != NULL ? ": " : "",
	    at->member != NULL ? at->member : "", text);
	return false;
}

bool
config_refuse_name(const struct reading *r, const struct place *at, const char *what,
    const char *name, const char *(*next)(size_t i))
{
	const char *near = config_near(name, next);

	if (near == NULL)
		return config_refuse(r, at, "%s", what);
	return config_refuse(r, at, "%s: is it %s?", what, near);
}
