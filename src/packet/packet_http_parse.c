/* SPDX-License-Identifier: ISC */
/*
 * What a line says: a start line (RFC 2616's, read as liberally as Erlang does)
 * or a header, by the state.
 */
#include "packet/packet_http.h"

#include <string.h>
#include <strings.h>

#include "packet/packet.h"

#define TEXT(literal) ((struct packet_text){(literal), sizeof(literal) - 1})
#define COUNT(array)  (sizeof(array) / sizeof *(array))

static const struct packet_text methods[] = {
    TEXT("OPTIONS"),
    TEXT("GET"),
    TEXT("HEAD"),
    TEXT("POST"),
    TEXT("PUT"),
    TEXT("DELETE"),
    TEXT("TRACE"),
};

/* In Erlang's order: the place counts, from 1 on. */
static const struct packet_text headers[] = {
    TEXT("Cache-Control"),
    TEXT("Connection"),
    TEXT("Date"),
    TEXT("Pragma"),
    TEXT("Transfer-Encoding"),
    TEXT("Upgrade"),
    TEXT("Via"),
    TEXT("Accept"),
    TEXT("Accept-Charset"),
    TEXT("Accept-Encoding"),
    TEXT("Accept-Language"),
    TEXT("Authorization"),
    TEXT("From"),
    TEXT("Host"),
    TEXT("If-Modified-Since"),
    TEXT("If-Match"),
    TEXT("If-None-Match"),
    TEXT("If-Range"),
    TEXT("If-Unmodified-Since"),
    TEXT("Max-Forwards"),
    TEXT("Proxy-Authorization"),
    TEXT("Range"),
    TEXT("Referer"),
    TEXT("User-Agent"),
    TEXT("Age"),
    TEXT("Location"),
    TEXT("Proxy-Authenticate"),
    TEXT("Public"),
    TEXT("Retry-After"),
    TEXT("Server"),
    TEXT("Vary"),
    TEXT("Warning"),
    TEXT("Www-Authenticate"),
    TEXT("Allow"),
    TEXT("Content-Base"),
    TEXT("Content-Encoding"),
    TEXT("Content-Language"),
    TEXT("Content-Length"),
    TEXT("Content-Location"),
    TEXT("Content-Md5"),
    TEXT("Content-Range"),
    TEXT("Content-Type"),
    TEXT("Etag"),
    TEXT("Expires"),
    TEXT("Last-Modified"),
    TEXT("Accept-Ranges"),
    TEXT("Set-Cookie"),
    TEXT("Set-Cookie2"),
    TEXT("X-Forwarded-For"),
    TEXT("Cookie"),
    TEXT("Keep-Alive"),
    TEXT("Proxy-Connection"),
};

_Static_assert(COUNT(headers) == PACKET_HTTP_BITS, "every known header has a place");

/* The place of a name, from 1 on, or 0. */
static int
find(const struct packet_text *names, size_t count, const char *name, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (names[i].len == len && memcmp(names[i].p, name, len) == 0)
			return (int)i + 1;
	}
	return 0;
}

bool
packet_http_method(const char *name, size_t len)
{
	return find(methods, COUNT(methods), name, len) > 0;
}

int
packet_http_bit(const char *name, size_t len)
{
	return find(headers, COUNT(headers), name, len);
}

/* --- bytes ---------------------------------------------------------------- */

struct cursor {
	const char *at, *end;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of a method or a header's name; DEL is one here, as in Erlang. */
static bool
is_token(char c)
{
	static const bool separator[128] = {
	    ['('] = true,
	    [')'] = true,
	    ['<'] = true,
	    ['>'] = true,
	    ['@'] = true,
	    [','] = true,
	    [';'] = true,
	    [':'] = true,
	    ['\\'] = true,
	    ['"'] = true,
	    ['/'] = true,
	    ['['] = true,
	    [']'] = true,
	    ['?'] = true,
	    ['='] = true,
	    ['{'] = true,
	    ['}'] = true,
	};
	unsigned char byte = (unsigned char)c;

	return byte > ' ' && byte < sizeof separator && !separator[byte];
}

static struct packet_text
rest(const struct cursor *c)
{
	return (struct packet_text){c->at, (size_t)(c->end - c->at)};
}

static void
pass_blanks(struct cursor *c)
{
	while (c->at < c->end && is_blank(*c->at))
		c->at++;
}

static struct packet_text
read_token(struct cursor *c)
{
	struct packet_text token = {c->at, 0};

	while (c->at < c->end && is_token(*c->at))
		c->at++;
	token.len = (size_t)(c->at - token.p);
	return token;
}

/* To the next blank or the end. */
static struct packet_text
read_word(struct cursor *c)
{
	struct packet_text word = {c->at, 0};

	while (c->at < c->end && !is_blank(*c->at))
		c->at++;
	word.len = (size_t)(c->at - word.p);
	return word;
}

/* One digit at least; false too where it does not fit into 31 bits. */
static bool
read_number(struct cursor *c, int *number)
{
	int64_t n = 0;

	if (c->at == c->end || !is_digit(*c->at))
		return false;
	for (; c->at < c->end && is_digit(*c->at); c->at++) {
		n = 10 * n + (*c->at - '0');
		if (n > INT32_MAX)
			return false;
	}
	*number = (int)n;
	return true;
}

/* HTTP/1.1 */
static bool
read_version(struct cursor *c, struct packet_http *http)
{
	static const struct packet_text tag = TEXT("HTTP/");

	if ((size_t)(c->end - c->at) < tag.len || memcmp(c->at, tag.p, tag.len) != 0)
		return false;
	c->at += tag.len;
	if (!read_number(c, &http->major) || c->at == c->end || *c->at++ != '.')
		return false;
	return read_number(c, &http->minor);
}

/* --- URIs ------------------------------------------------------------------ */

/* host, host:port; what is behind the colon and no number is no port. */
static bool
read_authority(struct cursor c, struct packet_uri *uri)
{
	const char *colon = memchr(c.at, ':', (size_t)(c.end - c.at));
	const char *p;
	int port;

	uri->host = rest(&c);
	if (colon == NULL)
		return true;
	uri->host.len = (size_t)(colon - c.at);
	c.at = colon + 1;
	for (p = c.at; p < c.end && is_digit(*p); p++)
		;
	if (c.at == c.end || p < c.end)
		return true;
	if (!read_number(&c, &port))
		return false;
	uri->port = port;
	return true;
}

/* What follows http:// or https://. */
static bool
read_absolute(struct cursor c, struct packet_uri *uri)
{
	struct cursor authority = c;
	const char *slash = memchr(c.at, '/', (size_t)(c.end - c.at));

	uri->type = PACKET_URI_ABSOLUTE;
	uri->path = TEXT("/");
	if (slash != NULL) {
		authority.end = c.at = slash;
		uri->path = rest(&c);
	}
	return read_authority(authority, uri);
}

static bool
starts_with(const struct packet_text *text, const char *start, size_t len)
{
	return text->len >= len && strncasecmp(text->p, start, len) == 0;
}

/* False: a number in it is too large.  text is not empty. */
static bool
read_uri(const struct packet_text *text, struct packet_uri *uri)
{
	static const struct packet_text http = TEXT("http://"), https = TEXT("https://");
	struct cursor c = {text->p, text->p + text->len};
	const char *colon = memchr(text->p, ':', text->len);

	if (text->len == 1 && *text->p == '*') {
		uri->type = PACKET_URI_STAR;
	} else if (text->len == 1 || *text->p == '/') {
		uri->type = PACKET_URI_ABS_PATH;
		uri->path = *text;
	} else if (starts_with(text, http.p, http.len)) {
		uri->scheme = TEXT("http");
		c.at += http.len;
		return read_absolute(c, uri);
	} else if (starts_with(text, https.p, https.len)) {
		uri->scheme = TEXT("https");
		c.at += https.len;
		return read_absolute(c, uri);
	} else if (colon != NULL) {
		uri->type = PACKET_URI_SCHEME;
		uri->scheme = (struct packet_text){text->p, (size_t)(colon - text->p)};
		c.at = colon + 1;
		uri->rest = rest(&c);
	} else {
		uri->type = PACKET_URI_STRING;
		uri->rest = *text;
	}
	return true;
}

/* --- lines ------------------------------------------------------------------- */

/* HTTP/1.1 200 OK.  Status and phrase may be missing. */
static bool
read_response(struct cursor c, struct packet_http *http)
{
	http->type = PACKET_HTTP_RESPONSE;
	if (!read_version(&c, http) || c.at == c.end || !is_blank(*c.at))
		return false;
	pass_blanks(&c);
	if (c.at < c.end && is_digit(*c.at) && !read_number(&c, &http->status))
		return false;
	if (c.at < c.end && !is_blank(*c.at))
		return false;
	pass_blanks(&c);
	http->phrase = rest(&c);
	return true;
}

/* GET /path HTTP/1.1.  Without a version it is 0.9. */
static bool
read_request(struct cursor c, struct packet_http *http)
{
	struct packet_text uri;

	http->type = PACKET_HTTP_REQUEST;
	http->method = read_token(&c);
	if (http->method.len == 0 || c.at == c.end || !is_blank(*c.at))
		return false;
	http->known = packet_http_method(http->method.p, http->method.len);
	pass_blanks(&c);
	uri = read_word(&c);
	if (uri.len == 0 || !read_uri(&uri, &http->uri))
		return false;
	pass_blanks(&c);
	if (c.at < c.end)
		return read_version(&c, http);
	http->major = 0;
	http->minor = 9;
	return true;
}

/* The first letter, and each behind a hyphen, large, all others small. */
static void
normalise(const struct packet_text *field, char *out)
{
	bool large = true;
	char c;

	for (size_t i = 0; i < field->len; i++) {
		c = field->p[i];
		if (large && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!large && c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		/* of two hyphens the second counts as a letter */
		large = !large && c == '-';
		out[i] = c;
	}
}

/* Name: value */
static bool
read_header(struct cursor c, struct packet_http *http)
{
	http->type = PACKET_HTTP_HEADER;
	http->field = read_token(&c);
	if (c.at == c.end || *c.at != ':')
		return false;
	c.at++;
	pass_blanks(&c);
	http->value = rest(&c);
	http->name = http->field;
	if (http->field.len > PACKET_HTTP_NAME_MAX)
		return true;
	normalise(&http->field, http->normal);
	http->name.p = http->normal;
	http->bit = packet_http_bit(http->normal, http->name.len);
	http->known = http->bit > 0;
	return true;
}

/* The line without its end. */
static struct cursor
without_end(const char *line, size_t len)
{
	if (len >= 2 && line[len - 2] == '\r')
		len -= 2;
	else if (len >= 1 && line[len - 1] == '\n')
		len--;
	return (struct cursor){line, line + len};
}

void
packet_http_parse(struct packet_state *state, const unsigned char *line, size_t len,
    struct packet_http *http)
{
	struct cursor c = without_end((const char *)line, len);
	struct packet_text all = rest(&c);
	bool good;

	*http = (struct packet_http){0};
	if (state->headers && all.len == 0) {
		http->type = PACKET_HTTP_EOH;
		state->headers = false;
		return;
	}
	if (state->headers)
		good = read_header(c, http);
	else if (all.len >= 5 && memcmp(all.p, "HTTP/", 5) == 0)
		good = read_response(c, http);
	else
		good = read_request(c, http);
	if (good) {
		state->headers = true;
		return;
	}
	*http = (struct packet_http){
	    .type = PACKET_HTTP_ERROR, .line = {(const char *)line, len}};
}
