/* SPDX-License-Identifier: ISC */
/* The blocking calls that set and tell: options, addresses, counters, clients. */
#include <stdlib.h>
#include <string.h>

#include "client/connection.h"
#include "proto/payload.h"

int
gentcp_setopts(struct gentcp *g, uint64_t socket, const char *options)
{
	struct call c = {.g = g};
	int rc;

	request_open_socket(&c.params, socket);
	bytes_append_char(&c.params, ',');
	rc = request_put_options(g, &c.params, options, NULL, NULL);
	return rc == GENTCP_OK ? call_ok(&c, "inet.setopts") : call_end(&c, rc);
}

int
gentcp_getopts(struct gentcp *g, uint64_t socket, const char *names, char **json)
{
	struct call c = {.g = g};
	int rc;

	request_open_socket(&c.params, socket);
	rc = request_put_names(g, &c.params, names);
	return rc == GENTCP_OK ? call_text(&c, "inet.getopts", json) : call_end(&c, rc);
}

int
gentcp_getstat(struct gentcp *g, uint64_t socket, const char *names, char **json)
{
	struct call c = {.g = g};
	int rc = GENTCP_OK;

	request_open_socket(&c.params, socket);
	if (names != NULL)
		rc = request_put_names(g, &c.params, names);
	return rc == GENTCP_OK ? call_text(&c, "inet.getstat", json) : call_end(&c, rc);
}

static bool
read_sockaddr(json_t *json, struct gentcp_address *a)
{
	const char *family = json_string_value(json_object_get(json, "family"));
	json_t *addr = json_object_get(json, "addr");
	struct bytes scratch = {0};
	const void *text;
	size_t len;
	bool ok = family != NULL && incoming_bytes(addr, &scratch, &text, &len) &&
	    len < sizeof a->addr;

	*a = (struct gentcp_address){0};
	if (ok) {
		memcpy(a->addr, text, len);
		a->addr_len = len;
		a->family = strcmp(family, "inet6") == 0 ? GENTCP_INET6
		    : strcmp(family, "local") == 0	 ? GENTCP_LOCAL
							 : GENTCP_INET;
		a->port = (int)json_integer_value(json_object_get(json, "port"));
		a->scope_id = (uint32_t)json_integer_value(
		    json_object_get(json, "scope_id"));
		a->flowinfo = (uint32_t)json_integer_value(
		    json_object_get(json, "flowinfo"));
	}
	bytes_fini(&scratch);
	return ok;
}

static int
call_address(
    struct gentcp *g, const char *method, uint64_t socket, struct gentcp_address *a)
{
	struct call c = {.g = g};
	int rc;

	request_open_socket(&c.params, socket);
	rc = call_wait(&c, method, CALL_NO_TIMEOUT);
	if (rc == GENTCP_OK && !read_sockaddr(c.reply.result, a))
		rc = call_odd_result(&c);
	return call_end(&c, rc);
}

int
gentcp_sockname(struct gentcp *g, uint64_t socket, struct gentcp_address *a)
{
	return call_address(g, "inet.sockname", socket, a);
}

int
gentcp_peername(struct gentcp *g, uint64_t socket, struct gentcp_address *a)
{
	return call_address(g, "inet.peername", socket, a);
}

int
gentcp_port(struct gentcp *g, uint64_t socket, int *port)
{
	struct call c = {.g = g};
	int rc;

	request_open_socket(&c.params, socket);
	rc = call_wait(&c, "inet.port", CALL_NO_TIMEOUT);
	if (rc == GENTCP_OK && !json_is_integer(c.reply.result))
		rc = connection_fail(g, GENTCP_INVALID, 0, "a local socket has no port");
	if (rc == GENTCP_OK)
		*port = (int)json_integer_value(c.reply.result);
	return call_end(&c, rc);
}

int
gentcp_getaddrs(
    struct gentcp *g, const char *host, enum gentcp_family family, char **json)
{
	struct call c = {.g = g};

	if (family != GENTCP_INET && family != GENTCP_INET6)
		return connection_fail(
		    g, GENTCP_INVALID, 0, "family must be inet or inet6");
	bytes_append_str(&c.params, "{\"host\":");
	payload_put_string(&c.params, host, strlen(host));
	bytes_append_str(&c.params,
	    family == GENTCP_INET6 ? ",\"family\":\"inet6\"" : ",\"family\":\"inet\"");
	return call_text(&c, "inet.getaddrs", json);
}

int
gentcp_info(struct gentcp *g, uint64_t socket, char **json)
{
	struct call c = {.g = g};

	request_open_socket(&c.params, socket);
	return call_text(&c, "inet.info", json);
}

int
gentcp_i(struct gentcp *g, char **json)
{
	struct call c = {.g = g};

	return call_text(&c, "inet.i", json);
}

int
gentcp_monitor(struct gentcp *g, uint64_t socket, uint64_t *monitor)
{
	struct call c = {.g = g};
	json_int_t m;
	int rc;

	request_open_socket(&c.params, socket);
	rc = call_wait(&c, "inet.monitor", CALL_NO_TIMEOUT);
	if (rc == GENTCP_OK) {
		m = json_integer_value(json_object_get(c.reply.result, "monitor"));
		if (m > 0)
			*monitor = (uint64_t)m;
		else
			rc = call_odd_result(&c);
	}
	return call_end(&c, rc);
}

int
gentcp_cancel_monitor(struct gentcp *g, uint64_t monitor, int *found)
{
	struct call c = {.g = g};
	int rc;

	bytes_append_str(&c.params, "{\"monitor\":");
	bytes_append_uint(&c.params, monitor);
	rc = call_wait(&c, "inet.cancel_monitor", CALL_NO_TIMEOUT);
	if (rc == GENTCP_OK && found != NULL)
		*found = json_is_true(c.reply.result);
	return call_end(&c, rc);
}

int
gentcp_self(struct gentcp *g, char **json)
{
	struct call c = {.g = g};

	return call_text(&c, "session.self", json);
}

int
gentcp_clients(struct gentcp *g, char **json)
{
	struct call c = {.g = g};

	return call_text(&c, "session.clients", json);
}
