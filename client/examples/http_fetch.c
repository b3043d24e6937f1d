/* SPDX-License-Identifier: ISC */
/*
 * Fetches a page: its header, by packet=http, to standard error, and its body to
 * standard output.  The daemon reads the header for us, one line a packet; the body
 * is no packets any more but bytes, packet=raw.
 *
 *     cc http_fetch.c $(pkg-config --cflags --libs gentcp) -o http_fetch
 *     ./http_fetch localhost 8080 /index.html >index.html
 */
#include <gentcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT = 10000 }; /* ms, for each step */

static int
ask(struct gentcp *g, uint64_t s, const char *host, const char *path)
{
	char request[2048];
	int len = snprintf(
	    request, sizeof request, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host);

	if (len < 0 || (size_t)len >= sizeof request)
		return GENTCP_INVALID;
	return gentcp_send(g, s, request, (size_t)len);
}

/* A packet is an object: {"type":"http_header","field":"Server","value":...}. */
static int
header(struct gentcp *g, uint64_t s)
{
	char *packet = NULL;
	int rc, last = 0;

	while (!last) {
		rc = gentcp_recv_http(g, s, TIMEOUT, &packet);
		if (rc != GENTCP_OK)
			return rc;
		last = strstr(packet, "\"type\":\"http_eoh\"") != NULL;
		fprintf(stderr, "%s\n", packet);
		free(packet);
	}
	return gentcp_setopts(g, s, "packet=raw");
}

/* Until the server closes, which is no error here. */
static int
body(struct gentcp *g, uint64_t s)
{
	void *data;
	size_t len;
	int rc;

	while ((rc = gentcp_recv(g, s, 0, TIMEOUT, &data, &len)) == GENTCP_OK) {
		fwrite(data, 1, len, stdout);
		free(data);
	}
	if (strcmp(gentcp_error_reason(gentcp_error(g)), "closed") != 0)
		return rc;
	return fflush(stdout) == 0 ? GENTCP_OK : GENTCP_INVALID;
}

static int
fetch(struct gentcp *g, const char *host, int port, const char *path)
{
	uint64_t s = 0;
	int rc = gentcp_open(g, NULL, TIMEOUT);

	if (rc == GENTCP_OK)
		rc = gentcp_connect(
		    g, host, port, "packet=http active=false", TIMEOUT, &s);
	if (rc == GENTCP_OK)
		rc = ask(g, s, host, path);
	if (rc == GENTCP_OK)
		rc = header(g, s);
	if (rc == GENTCP_OK)
		rc = body(g, s);
	if (rc != GENTCP_OK)
		fprintf(stderr, "http_fetch: %s\n", gentcp_error_reason(gentcp_error(g)));
	return rc;
}

int
main(int argc, char **argv)
{
	struct gentcp *g = gentcp_new();
	int rc;

	if (argc != 4 || g == NULL) {
		fprintf(stderr, "usage: http_fetch host port path\n");
		gentcp_free(g);
		return 2;
	}
	rc = fetch(g, argv[1], atoi(argv[2]), argv[3]);
	gentcp_free(g); /* and with it its socket */
	return rc == GENTCP_OK ? 0 : 1;
}
