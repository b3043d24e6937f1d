/* SPDX-License-Identifier: ISC */
#include "rpc/http.h"

#include <string.h>

#include "proto/params.h"

static const char *const types[] = {
    [PACKET_HTTP_REQUEST] = "http_request",
    [PACKET_HTTP_RESPONSE] = "http_response",
    [PACKET_HTTP_HEADER] = "http_header",
    [PACKET_HTTP_EOH] = "http_eoh",
    [PACKET_HTTP_ERROR] = "http_error",
};

static const char *const uri_types[] = {
    [PACKET_URI_STAR] = "*",
    [PACKET_URI_ABS_PATH] = "abs_path",
    [PACKET_URI_ABSOLUTE] = "absoluteURI",
    [PACKET_URI_SCHEME] = "scheme",
    [PACKET_URI_STRING] = "string",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- out -------------------------------------------------------------------- */

struct writer {
	struct bytes *out;
	struct payload_style style;
};

/* ,"name": */
static void
put_name(const struct writer *w, const char *name)
{
	bytes_append_str(w->out, ",\"");
	bytes_append_str(w->out, name);
	bytes_append_str(w->out, "\":");
}

/* One of our own words, or bytes from the peer. */
static void
put_text(
    const struct writer *w, const char *name, bool word, const struct packet_text *text)
{
	put_name(w, name);
	if (word)
		payload_put_string(w->out, text->p, text->len);
	else
		payload_put(w->out, &w->style, text->p, text->len);
}

static void
put_number(const struct writer *w, const char *name, int number)
{
	put_name(w, name);
	bytes_append_int(w->out, number);
}

static void
put_type(const struct writer *w, const char *type)
{
	bytes_append_str(w->out, "{\"type\":\"");
	bytes_append_str(w->out, type);
	bytes_append_char(w->out, '"');
}

static void
put_version(const struct writer *w, const struct packet_http *http)
{
	put_name(w, "version");
	bytes_append_char(w->out, '[');
	bytes_append_int(w->out, http->major);
	bytes_append_char(w->out, ',');
	bytes_append_int(w->out, http->minor);
	bytes_append_char(w->out, ']');
}

static void
put_uri(const struct writer *w, const struct packet_uri *uri)
{
	put_name(w, "uri");
	put_type(w, uri_types[uri->type]);
	switch (uri->type) {
	case PACKET_URI_STAR:
		break;
	case PACKET_URI_ABS_PATH:
		put_text(w, "path", false, &uri->path);
		break;
	case PACKET_URI_ABSOLUTE:
		put_text(w, "scheme", true, &uri->scheme);
		put_text(w, "host", false, &uri->host);
		put_name(w, "port");
		if (uri->port > 0)
			bytes_append_int(w->out, uri->port);
		else
			bytes_append_str(w->out, "null");
		put_text(w, "path", false, &uri->path);
		break;
	case PACKET_URI_SCHEME:
		put_text(w, "scheme", false, &uri->scheme);
		put_text(w, "string", false, &uri->rest);
		break;
	case PACKET_URI_STRING:
		put_text(w, "string", false, &uri->rest);
		break;
	}
	bytes_append_char(w->out, '}');
}

void
http_put(struct bytes *out, enum payload_form form, const struct packet_http *http)
{
	const struct writer w = {
	    out, {.form = form == PAYLOAD_BASE64 ? PAYLOAD_BASE64 : PAYLOAD_AUTO}};

	put_type(&w, types[http->type]);
	switch (http->type) {
	case PACKET_HTTP_REQUEST:
		put_text(&w, "method", http->known, &http->method);
		put_uri(&w, &http->uri);
		put_version(&w, http);
		break;
	case PACKET_HTTP_RESPONSE:
		put_version(&w, http);
		put_number(&w, "status", http->status);
		put_text(&w, "phrase", false, &http->phrase);
		break;
	case PACKET_HTTP_HEADER:
		put_number(&w, "bit", http->bit);
		put_text(&w, "name", http->known, &http->name);
		put_text(&w, "field", false, &http->field);
		put_text(&w, "value", false, &http->value);
		break;
	case PACKET_HTTP_EOH:
		break;
	case PACKET_HTTP_ERROR:
		put_text(&w, "line", false, &http->line);
		break;
	}
	bytes_append_char(out, '}');
}

void
http_put_type(struct bytes *out, enum payload_form form, const char *name)
{
	if (name == NULL || form != PAYLOAD_ATTACHED)
		return;
	bytes_append_str(out, ",\"packet\":\"");
	bytes_append_str(out, name);
	bytes_append_char(out, '"');
}

/* --- in --------------------------------------------------------------------- */

struct reader {
	struct bytes *texts;
	size_t used;
};

static bool
read_text(struct reader *r, json_t *object, const char *name, struct packet_text *text)
{
	json_t *json = json_object_get(object, name);
	const void *p;

	if (json == NULL || r->used == HTTP_TEXTS ||
	    payload_read(
		json, SIZE_MAX / 4, &r->texts[r->used++], &p, &text->len, NULL, 0) != 0)
		return false;
	text->p = p;
	return true;
}

static bool
read_number(json_t *json, int least, int *number)
{
	json_int_t n = json_integer_value(json);

	if (!json_is_integer(json) || n < least || n > INT32_MAX)
		return false;
	*number = (int)n;
	return true;
}

/* The place of a type's name, or count. */
static size_t
find_type(json_t *object, const char *const *names, size_t count)
{
	const char *name = params_text(json_object_get(object, "type"));
	size_t i;

	for (i = 0; i < count; i++) {
		if (name != NULL && strcmp(names[i], name) == 0)
			break;
	}
	return i;
}

static bool
read_absolute(struct reader *r, json_t *json, struct packet_uri *uri)
{
	json_t *port = json_object_get(json, "port");
	const char *scheme = params_text(json_object_get(json, "scheme"));

	if (scheme == NULL ||
	    (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
		return false;
	uri->scheme = (struct packet_text){scheme, strlen(scheme)};
	if (port != NULL && !json_is_null(port) && !read_number(port, 1, &uri->port))
		return false;
	return read_text(r, json, "host", &uri->host) &&
	    read_text(r, json, "path", &uri->path);
}

static bool
read_uri(struct reader *r, json_t *json, struct packet_uri *uri)
{
	size_t type = find_type(json, uri_types, COUNT(uri_types));

	if (type == COUNT(uri_types))
		return false;
	uri->type = (enum packet_uri_type)type;
	switch (uri->type) {
	case PACKET_URI_STAR:
		return true;
	case PACKET_URI_ABS_PATH:
		return read_text(r, json, "path", &uri->path);
	case PACKET_URI_ABSOLUTE:
		return read_absolute(r, json, uri);
	case PACKET_URI_SCHEME:
		return read_text(r, json, "scheme", &uri->scheme) &&
		    read_text(r, json, "string", &uri->rest);
	case PACKET_URI_STRING:
		return read_text(r, json, "string", &uri->rest);
	}
	return false;
}

static bool
read_version(json_t *object, struct packet_http *http)
{
	json_t *version = json_object_get(object, "version");

	return json_array_size(version) == 2 &&
	    read_number(json_array_get(version, 0), 0, &http->major) &&
	    read_number(json_array_get(version, 1), 0, &http->minor);
}

static bool
read_request(struct reader *r, json_t *json, struct packet_http *http)
{
	if (!read_text(r, json, "method", &http->method) ||
	    !read_uri(r, json_object_get(json, "uri"), &http->uri))
		return false;
	http->known = packet_http_method(http->method.p, http->method.len);
	return read_version(json, http);
}

/* bit is what the name says, and nobody else's word is taken for it. */
static bool
read_header(struct reader *r, json_t *json, struct packet_http *http)
{
	if (!read_text(r, json, "name", &http->name) ||
	    !read_text(r, json, "field", &http->field) ||
	    !read_text(r, json, "value", &http->value))
		return false;
	http->bit = packet_http_bit(http->name.p, http->name.len);
	http->known = http->bit > 0;
	return true;
}

bool
http_read(json_t *json, struct packet_http *http, struct bytes *texts)
{
	struct reader r = {texts, 0};
	size_t type = find_type(json, types, COUNT(types));

	*http = (struct packet_http){0};
	if (type == COUNT(types))
		return false;
	http->type = (enum packet_http_type)type;
	switch (http->type) {
	case PACKET_HTTP_REQUEST:
		return read_request(&r, json, http);
	case PACKET_HTTP_RESPONSE:
		return read_version(json, http) &&
		    read_number(json_object_get(json, "status"), 0, &http->status) &&
		    read_text(&r, json, "phrase", &http->phrase);
	case PACKET_HTTP_HEADER:
		return read_header(&r, json, http);
	case PACKET_HTTP_EOH:
		return true;
	case PACKET_HTTP_ERROR:
		return read_text(&r, json, "line", &http->line);
	}
	return false;
}
