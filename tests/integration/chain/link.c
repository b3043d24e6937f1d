/* SPDX-License-Identifier: ISC */
/* Is given a socket, and gives back its packets until its peer has closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gentcp.h"

static const char name[] = "C ";

static int
echo(struct gentcp *g, const struct gentcp_event *e)
{
	char packet[1024];
	size_t len = strlen(name);

	if (e->len > sizeof(packet) - len)
		return GENTCP_INVALID;
	memcpy(packet, name, len);
	memcpy(packet + len, e->data, e->len);
	return gentcp_send(g, e->socket, packet, len + e->len);
}

int
main(void)
{
	const struct gentcp_event *e;
	struct gentcp *g = gentcp_new();
	int rc;

	if (g == NULL || gentcp_open(g, NULL, 5000) != GENTCP_OK)
		return 1;
	printf("client %llu\n", (unsigned long long)gentcp_client(g));
	fflush(stdout);
	while ((rc = gentcp_receive(g, GENTCP_INFINITY, &e)) == GENTCP_OK) {
		if (e->type == GENTCP_EVENT_TCP)
			rc = echo(g, e);
		if (rc != GENTCP_OK || e->type == GENTCP_EVENT_TCP_CLOSED)
			break;
	}
	gentcp_free(g);
	return rc == GENTCP_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
