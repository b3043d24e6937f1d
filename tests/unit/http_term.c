/* SPDX-License-Identifier: ISC */
#include "http_term.h"

struct printer {
	FILE *f;
	bool binary;
};

static void
escape(FILE *f, unsigned char c)
{
	static const char named[] = {['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

	if (c == '"' || c == '\\')
		fprintf(f, "\\%c", c);
	else if (c < sizeof named && named[c] != 0)
		fprintf(f, "\\%c", named[c]);
	else if (c < ' ' || c >= 0x7f)
		fprintf(f, "\\x%02X", c);
	else
		fputc(c, f);
}

static void
string(const struct printer *to, const struct packet_text *text)
{
	fputs(to->binary ? "<<\"" : "\"", to->f);
	for (size_t i = 0; i < text->len; i++)
		escape(to->f, (unsigned char)text->p[i]);
	fputs(to->binary ? "\">>" : "\"", to->f);
}

/* An atom that begins with a capital, or a string. */
static void
name(const struct printer *to, bool known, const struct packet_text *text)
{
	if (known)
		fprintf(to->f, "'%.*s'", (int)text->len, text->p);
	else
		string(to, text);
}

static void
absolute(const struct printer *to, const struct packet_uri *uri)
{
	fprintf(to->f, "{absoluteURI,%.*s,", (int)uri->scheme.len, uri->scheme.p);
	string(to, &uri->host);
	if (uri->port == 0)
		fputs(",undefined,", to->f);
	else
		fprintf(to->f, ",%d,", uri->port);
	string(to, &uri->path);
	fputc('}', to->f);
}

static void
print_uri(const struct printer *to, const struct packet_uri *uri)
{
	switch (uri->type) {
	case PACKET_URI_STAR:
		fputs("'*'", to->f);
		break;
	case PACKET_URI_ABS_PATH:
		fputs("{abs_path,", to->f);
		string(to, &uri->path);
		fputc('}', to->f);
		break;
	case PACKET_URI_ABSOLUTE:
		absolute(to, uri);
		break;
	case PACKET_URI_SCHEME:
		fputs("{scheme,", to->f);
		string(to, &uri->scheme);
		fputc(',', to->f);
		string(to, &uri->rest);
		fputc('}', to->f);
		break;
	case PACKET_URI_STRING:
		string(to, &uri->rest);
		break;
	}
}

void
http_term_print(FILE *f, const struct packet_http *http, bool binary)
{
	const struct printer to = {f, binary};

	switch (http->type) {
	case PACKET_HTTP_REQUEST:
		fputs("{http_request,", f);
		name(&to, http->known, &http->method);
		fputc(',', f);
		print_uri(&to, &http->uri);
		fprintf(f, ",{%d,%d}}", http->major, http->minor);
		break;
	case PACKET_HTTP_RESPONSE:
		fprintf(f, "{http_response,{%d,%d},%d,", http->major, http->minor,
		    http->status);
		string(&to, &http->phrase);
		fputc('}', f);
		break;
	case PACKET_HTTP_HEADER:
		fprintf(f, "{http_header,%d,", http->bit);
		name(&to, http->known, &http->name);
		fputc(',', f);
		string(&to, &http->field);
		fputc(',', f);
		string(&to, &http->value);
		fputc('}', f);
		break;
	case PACKET_HTTP_EOH:
		fputs("http_eoh", f);
		break;
	case PACKET_HTTP_ERROR:
		fputs("{http_error,", f);
		string(&to, &http->line);
		fputc('}', f);
		break;
	}
}
