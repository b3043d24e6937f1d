/* SPDX-License-Identifier: ISC */
#include "client/cli/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/options.h"

/* The rest of a line. */
struct rest {
	const char *at, *end;
	char *why;
	size_t size;
};

static bool
refuse(struct rest *r, const char *sentence)
{
	snprintf(r->why, r->size, "%s", sentence);
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Length of the name at p, 0 if none begins there. */
static size_t
name_len(const char *p, const char *end)
{
	const char *start = p;

	if (p == end || !is_letter(*p))
		return 0;
	while (p < end && (is_letter(*p) || (*p >= '0' && *p <= '9')))
		p++;
	return (size_t)(p - start);
}

/* An empty token at the end, or NULL without memory. */
static struct token *
new_token(struct tokens *tokens)
{
	size_t size = tokens->size == 0 ? 8 : tokens->size * 2;
	struct token *items = tokens->items;

	if (tokens->count == tokens->size) {
		if (size > SIZE_MAX / 2 / sizeof *items)
			return NULL;
		items = realloc(items, size * sizeof *items);
		if (items == NULL)
			return NULL;
		tokens->items = items;
		tokens->size = size;
	}
	tokens->items[tokens->count] = (struct token){0};
	return &tokens->items[tokens->count++];
}

bool
token_replace(struct token *t, enum token_kind kind, const void *value, size_t len)
{
	char *copy = len == SIZE_MAX ? NULL : malloc(len + 1);

	if (copy == NULL)
		return false;
	if (len > 0)
		memcpy(copy, value, len);
	copy[len] = '\0';
	free(t->value);
	t->value = copy;
	t->len = len;
	t->kind = kind;
	return true;
}

bool
token_is(const struct token *t, const char *text)
{
	return t->kind == TOKEN_WORD && t->name == NULL && strcmp(t->value, text) == 0;
}

/* --- quotes ----------------------------------------------------------------- */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What stands behind a backslash; r->at is moved behind it. */
static bool
read_escape(struct rest *r, char *c)
{
	static const char names[] = "\"\\'nrt0abefv";
	static const char values[] = "\"\\'\n\r\t\0\a\b\x1b\f\v";
	const char *found;
	int high, low;

	if (r->at == r->end)
		return refuse(r, "a backslash at the end");
	if (*r->at == 'x') {
		high = r->end - r->at < 3 ? -1 : hex_digit(r->at[1]);
		low = r->end - r->at < 3 ? -1 : hex_digit(r->at[2]);
		if (high < 0 || low < 0)
			return refuse(r, "\\x wants two hexadecimal digits");
		*c = (char)(high * 16 + low);
		r->at += 3;
		return true;
	}
	found = *r->at == '\0' ? NULL : strchr(names, *r->at);
	if (found == NULL)
		return refuse(r, "unknown escape; \\\\ is a backslash");
	*c = values[found - names];
	r->at++;
	return true;
}

/* From the opening quote on. */
static bool
read_quoted(struct rest *r, struct bytes *value)
{
	char quote = *r->at++, c;

	while (r->at < r->end && *r->at != quote) {
		c = *r->at++;
		if (c == '\\' && quote == '"' && !read_escape(r, &c))
			return false;
		bytes_append_char(value, c);
	}
	if (r->at == r->end)
		return refuse(r, "a quote without an end");
	r->at++;
	return true;
}

/* --- values ----------------------------------------------------------------- */

static bool
read_value(struct rest *r, enum token_kind *kind, struct bytes *value)
{
	size_t left = (size_t)(r->end - r->at), len = 0;

	*kind = TOKEN_WORD;
	if (left > 0 && (*r->at == '"' || *r->at == '\'')) {
		*kind = TOKEN_QUOTED;
		return read_quoted(r, value);
	}
	if (left > 0 && (*r->at == '{' || *r->at == '[')) {
		*kind = TOKEN_JSON;
		len = options_json_span(r->at, left);
		if (len == 0)
			return refuse(r, "JSON without an end");
	} else if (left > 1 && *r->at == '$' && !is_blank(r->at[1])) {
		*kind = TOKEN_VARIABLE;
		r->at++;
		len = name_len(r->at, r->end);
		if (len == 0)
			return refuse(r, "no name behind $; \"$\" is a dollar");
	} else {
		while (len < left && !is_blank(r->at[len]))
			len++;
	}
	bytes_append(value, r->at, len);
	r->at += len;
	return true;
}

static bool
read_token(struct rest *r, struct tokens *tokens)
{
	struct token *t = new_token(tokens);
	struct bytes value = {0};
	size_t len = name_len(r->at, r->end);
	enum token_kind kind;
	bool ok;

	if (t == NULL)
		return refuse(r, "no memory");
	if (len > 0 && r->at + len < r->end && r->at[len] == '=') {
		t->name = strndup(r->at, len);
		if (t->name == NULL)
			return refuse(r, "no memory");
		r->at += len + 1;
	}
	ok = read_value(r, &kind, &value);
	if (ok && r->at < r->end && !is_blank(*r->at))
		ok = refuse(r, "no blank behind a quote, a variable or JSON");
	if (ok &&
	    (bytes_failed(&value) ||
		!token_replace(t, kind, bytes_head(&value), bytes_len(&value))))
		ok = refuse(r, "no memory");
	bytes_fini(&value);
	return ok;
}

bool
tokens_read(struct tokens *tokens, const char *line, size_t len, char *why, size_t size)
{
	struct rest r = {line, line + len, why, size};

	*tokens = (struct tokens){0};
	for (;;) {
		while (r.at < r.end && is_blank(*r.at))
			r.at++;
		if (r.at == r.end || *r.at == '#')
			return true;
		if (!read_token(&r, tokens))
			return false;
	}
}

bool
tokens_add_argument(struct tokens *tokens, const char *argument)
{
	struct token *t = new_token(tokens);
	size_t len = name_len(argument, argument + strlen(argument));
	const char *value = argument;

	if (t == NULL)
		return false;
	if (len > 0 && argument[len] == '=') {
		t->name = strndup(argument, len);
		if (t->name == NULL)
			return false;
		value += len + 1;
	}
	return token_replace(t, *value == '{' || *value == '[' ? TOKEN_JSON : TOKEN_WORD,
	    value, strlen(value));
}

void
tokens_fini(struct tokens *tokens)
{
	for (size_t i = 0; i < tokens->count; i++) {
		free(tokens->items[i].name);
		free(tokens->items[i].value);
	}
	free(tokens->items);
	*tokens = (struct tokens){0};
}
