/* SPDX-License-Identifier: ISC */
#include "client/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INTEGER_MAX = 24 }; /* characters: more is no int64_t */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *
skip_blanks(const char *text)
{
	while (is_blank(*text))
		text++;
	return text;
}

static size_t
word_len(const char *text)
{
	size_t len = 0;

	while (text[len] != '\0' && !is_blank(text[len]))
		len++;
	return len;
}

/* Where the string that begins at text ends, or 0. */
static size_t
string_span(const char *text, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (text[i] == '\\')
			i++;
		else if (text[i] == '"')
			return i + 1;
	}
	return 0;
}

size_t
options_json_span(const char *text, size_t len)
{
	size_t depth = 0, i = 0, string;

	do {
		switch (i < len ? text[i] : '\0') {
		case '"':
			string = string_span(text + i, len - i);
			if (string == 0)
				return 0;
			i += string;
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		case '\0':
			return 0;
		default:
			break;
		}
		i++;
	} while (depth > 0);
	return i;
}

static bool
is_json(const char *text, size_t len)
{
	return len > 0 && (*text == '{' || *text == '[' || *text == '"');
}

static bool
is_word(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

/* NULL if it is no integer that fits. */
static json_t *
read_integer(const char *text, size_t len)
{
	char copy[INTEGER_MAX + 1], *end;
	size_t digits = len > 0 && *text == '-' ? 1 : 0;
	intmax_t value;

	if (len == digits || len > INTEGER_MAX ||
	    strspn(text + digits, "0123456789") < len - digits)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	value = strtoimax(copy, &end, 10);
	return errno == 0 && *end == '\0' ? json_integer(value) : NULL;
}

json_t *
options_read_value(const char *text, size_t len, char *why, size_t size)
{
	json_error_t error;
	json_t *value;

	if (is_json(text, len)) {
		value = json_loadb(
		    text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
		if (value == NULL)
			snprintf(why, size, "not JSON: %s", error.text);
		return value;
	}
	if (is_word(text, len, "true"))
		return json_true();
	if (is_word(text, len, "false"))
		return json_false();
	value = read_integer(text, len);
	if (value == NULL)
		value = json_stringn(text, len);
	if (value == NULL)
		snprintf(why, size, "not UTF-8");
	return value;
}

int
options_add(json_t *options, const char *name, json_t *new_value)
{
	json_t *one;

	if (json_is_object(options))
		return json_object_set_new(options, name, new_value);
	one = json_object();
	if (one == NULL || json_object_set_new(one, name, new_value) < 0) {
		if (one == NULL)
			json_decref(new_value);
		json_decref(one);
		return -1;
	}
	return json_array_append_new(options, one);
}

/* A word with its value; *text is moved behind it.  0, or -1 with why. */
static int
read_option(json_t *options, const char **text, char *why, size_t size)
{
	const char *start = *text, *value;
	size_t name_len = strcspn(start, "= \t\n\r"), len;
	json_t *json;
	char name[64];
	int rc;

	if (name_len == 0 || name_len >= sizeof name) {
		snprintf(why, size, "no option's name: \"%.32s\"", start);
		return -1;
	}
	memcpy(name, start, name_len);
	name[name_len] = '\0';
	if (start[name_len] != '=') {
		*text = start + name_len;
		rc = json_array_append_new(options, json_string(name));
	} else {
		value = start + name_len + 1;
		len = is_json(value, strlen(value))
		    ? options_json_span(value, strlen(value))
		    : word_len(value);
		if (len == 0 || (value[len] != '\0' && !is_blank(value[len]))) {
			snprintf(why, size, "%s: no value, or it has no end", name);
			return -1;
		}
		json = options_read_value(value, len, why, size);
		if (json == NULL)
			return -1;
		*text = value + len;
		rc = options_add(options, name, json);
	}
	if (rc < 0)
		snprintf(why, size, "%s: not UTF-8, or no memory", name);
	return rc;
}

/* A name: a word, or JSON as {"raw":[6,1,4]}. */
static int
read_name(json_t *names, const char **text, char *why, size_t size)
{
	const char *start = *text;
	bool json = is_json(start, strlen(start));
	size_t len = json ? options_json_span(start, strlen(start)) : word_len(start);
	json_t *name;

	if (len == 0) {
		snprintf(why, size, "JSON without an end: \"%.32s\"", start);
		return -1;
	}
	name = json ? options_read_value(start, len, why, size)
		    : json_stringn(start, len);
	*text = start + len;
	if (name == NULL && !json)
		snprintf(why, size, "not UTF-8");
	return json_array_append_new(names, name);
}

/* JSON as a whole, if text begins as an object or, if lists, as an array. */
static json_t *
read_whole(const char *text, char *why, size_t size)
{
	json_error_t error;
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (json == NULL)
		snprintf(why, size, "not JSON: %s", error.text);
	return json;
}

static json_t *
read_all(const char *text, int (*one)(json_t *, const char **, char *, size_t), char *why,
    size_t size)
{
	json_t *array = json_array();

	if (array == NULL) {
		snprintf(why, size, "no memory");
		return NULL;
	}
	for (text = skip_blanks(text); *text != '\0'; text = skip_blanks(text)) {
		if (one(array, &text, why, size) < 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *
options_read(const char *text, char *why, size_t size)
{
	text = skip_blanks(text == NULL ? "" : text);
	if (*text == '{' || *text == '[')
		return read_whole(text, why, size);
	return read_all(text, read_option, why, size);
}

json_t *
options_read_names(const char *text, char *why, size_t size)
{
	text = skip_blanks(text == NULL ? "" : text);
	if (*text == '[')
		return read_whole(text, why, size);
	return read_all(text, read_name, why, size);
}
