/* SPDX-License-Identifier: ISC */
/* The library's function for each method. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conformance/conformance.h"

json_t *
from_error(const struct gentcp_error *e)
{
	const char *text = gentcp_error_data(e);
	json_t *data = text != NULL ? json_loads(text, JSON_ALLOW_NUL, NULL)
				    : json_object();
	size_t len;
	const void *rest = gentcp_error_rest(e, &len);

	if (rest != NULL)
		json_object_set_new(data, "rest", from_bytes(rest, len));
	return json_pack("{s:{s:i,s:s,s:o}}", "error", "code", gentcp_error_code(e),
	    "message", gentcp_error_reason(e), "data", data);
}

json_t *
from_reply(const struct gentcp_reply *r)
{
	const struct gentcp_error *e = gentcp_reply_error(r);
	json_t *result;
	const void *data;
	size_t len;
	int fd;

	if (e != NULL)
		return from_error(e);
	result = json_loads(gentcp_reply_json(r), JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	data = gentcp_reply_data(r, &len);
	if (data != NULL)
		json_object_set_new(result, "data", from_bytes(data, len));
	data = gentcp_reply_header(r, &len);
	if (data != NULL)
		json_object_set_new(result, "header", from_bytes(data, len));
	fd = gentcp_reply_fd(r);
	if (fd != -1)
		close(fd);
	return json_pack("{s:o}", "result", result);
}

/* --- a function for each, which returns what the library does ------------------- */

struct args {
	struct gentcp *g;
	json_t *params;
	uint64_t socket;
	int fd;
	json_t *result; /* what the protocol has as the result; NULL: "ok" */
};

static json_t *
param(const struct args *a, const char *name)
{
	return json_object_get(a->params, name);
}

static const char *
string(const struct args *a, const char *name)
{
	return json_string_value(param(a, name));
}

/* As JSON text; NULL where it is not there. */
static char *
text(const struct args *a, const char *name)
{
	json_t *value = param(a, name);

	return value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY);
}

static int
timeout(const struct args *a)
{
	json_t *value = param(a, "timeout");

	return json_is_integer(value) ? (int)json_integer_value(value) : GENTCP_INFINITY;
}

/* A result that the library gives as JSON text. */
static int
parsed(struct args *a, int rc, char *json)
{
	if (rc == GENTCP_OK) {
		a->result = json_loads(json, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		free(json);
	}
	return rc;
}

static int
do_connect(struct args *a)
{
	char *options = text(a, "options"), *object = NULL;
	const char *address = string(a, "address");
	json_t *port = param(a, "port");
	uint64_t made;
	int rc;

	if (address == NULL)
		address = object = text(a, "address");
	rc = gentcp_connect(a->g, address,
	    json_is_integer(port) ? (int)json_integer_value(port) : -1, options,
	    timeout(a), &made);
	if (rc == GENTCP_OK)
		a->result = json_pack("{s:I}", "socket", (json_int_t)made);
	free(options);
	free(object);
	return rc;
}

static int
do_listen(struct args *a)
{
	char *options = text(a, "options");
	uint64_t made;
	int port,
	    rc = gentcp_listen(
		a->g, (int)json_integer_value(param(a, "port")), options, &made, &port);

	if (rc == GENTCP_OK)
		a->result = json_pack(
		    "{s:I,s:i}", "socket", (json_int_t)made, "port", port);
	free(options);
	return rc;
}

static int
do_accept(struct args *a)
{
	uint64_t made;
	int rc = gentcp_accept(a->g, a->socket, timeout(a), &made);

	if (rc == GENTCP_OK)
		a->result = json_pack("{s:I}", "socket", (json_int_t)made);
	return rc;
}

static int
do_fdopen(struct args *a)
{
	json_t *options = json_deep_copy(param(a, "options"));
	char *words;
	uint64_t made;
	int rc;

	json_object_del(options, "fd");
	words = json_dumps(options, 0);
	rc = gentcp_fdopen(a->g, a->fd, words, &made);
	if (rc == GENTCP_OK)
		a->result = json_pack("{s:I}", "socket", (json_int_t)made);
	free(words);
	json_decref(options);
	return rc;
}

static int
send_or_unrecv(
    struct args *a, int (*function)(struct gentcp *, uint64_t, const void *, size_t))
{
	size_t len;
	void *data = to_bytes(param(a, "data"), &len);
	int rc = function(a->g, a->socket, data, len);

	free(data);
	return rc;
}

static int
do_send(struct args *a)
{
	return send_or_unrecv(a, gentcp_send);
}

static int
do_unrecv(struct args *a)
{
	return send_or_unrecv(a, gentcp_unrecv);
}

static int
do_sendfile(struct args *a)
{
	int64_t sent;
	int rc = gentcp_sendfile(a->g, a->socket, a->fd,
	    json_integer_value(param(a, "offset")), json_integer_value(param(a, "bytes")),
	    &sent);

	if (rc == GENTCP_OK)
		a->result = json_pack("{s:I}", "sent", (json_int_t)sent);
	return rc;
}

/* gentcp_recv() and gentcp_recv_http() are for sockets of which one knows the packets. */
static int
do_recv(struct args *a)
{
	char *options = NULL, *packet = NULL;
	int rc = gentcp_getopts(a->g, a->socket, "packet", &options);
	bool http = rc == GENTCP_OK && strstr(options, "http") != NULL;
	void *data;
	size_t len;

	free(options);
	if (http) {
		rc = gentcp_recv_http(a->g, a->socket, timeout(a), &packet);
		rc = parsed(a, rc, packet);
		if (rc == GENTCP_OK)
			a->result = json_pack("{s:o}", "http", a->result);
		return rc;
	}
	rc = gentcp_recv(a->g, a->socket, (size_t)json_integer_value(param(a, "length")),
	    timeout(a), &data, &len);
	if (rc == GENTCP_OK) {
		a->result = json_pack("{s:o}", "data", from_bytes(data, len));
		free(data);
	}
	return rc;
}

static int
do_close(struct args *a)
{
	return gentcp_close(a->g, a->socket);
}

static int
do_shutdown(struct args *a)
{
	return gentcp_shutdown(a->g, a->socket, string(a, "how"));
}

static int
do_controlling_process(struct args *a)
{
	return gentcp_controlling_process(
	    a->g, a->socket, (uint64_t)json_integer_value(param(a, "client")));
}

static int
do_setopts(struct args *a)
{
	char *options = text(a, "options");
	int rc = gentcp_setopts(a->g, a->socket, options);

	free(options);
	return rc;
}

static int
do_getopts(struct args *a)
{
	char *names = text(a, "names"), *json = NULL;
	int rc = gentcp_getopts(a->g, a->socket, names, &json);

	free(names);
	return parsed(a, rc, json);
}

static int
do_getstat(struct args *a)
{
	char *names = text(a, "names"), *json = NULL;
	int rc = gentcp_getstat(a->g, a->socket, names, &json);

	free(names);
	return parsed(a, rc, json);
}

static int
do_getaddrs(struct args *a)
{
	const char *family = string(a, "family");
	char *json = NULL;
	int rc = gentcp_getaddrs(a->g, string(a, "host"),
	    family != NULL && strcmp(family, "inet6") == 0 ? GENTCP_INET6 : GENTCP_INET,
	    &json);

	return parsed(a, rc, json);
}

static int
address(
    struct args *a, int (*function)(struct gentcp *, uint64_t, struct gentcp_address *))
{
	struct gentcp_address at;
	int rc = function(a->g, a->socket, &at);

	if (rc == GENTCP_OK)
		a->result = json_pack("{s:s,s:s,s:i}", "family",
		    at.family == GENTCP_INET ? "inet" : "inet6", "addr", at.addr, "port",
		    at.port);
	return rc;
}

static int
do_sockname(struct args *a)
{
	return address(a, gentcp_sockname);
}

static int
do_peername(struct args *a)
{
	return address(a, gentcp_peername);
}

static int
do_port(struct args *a)
{
	int port, rc = gentcp_port(a->g, a->socket, &port);

	if (rc == GENTCP_OK)
		a->result = json_integer(port);
	return rc;
}

static int
do_getfd(struct args *a)
{
	int fd, rc = gentcp_getfd(a->g, a->socket, &fd);

	if (rc == GENTCP_OK) {
		if (fcntl(fd, F_GETFD) != FD_CLOEXEC)
			die("no descriptor, or not close-on-exec", a->params);
		a->result = json_pack("{s:s}", "fd", "passed");
		close(fd);
	}
	return rc;
}

static int
do_monitor(struct args *a)
{
	uint64_t monitor;
	int rc = gentcp_monitor(a->g, a->socket, &monitor);

	if (rc == GENTCP_OK)
		a->result = json_pack("{s:I}", "monitor", (json_int_t)monitor);
	return rc;
}

static int
do_cancel_monitor(struct args *a)
{
	int found,
	    rc = gentcp_cancel_monitor(
		a->g, (uint64_t)json_integer_value(param(a, "monitor")), &found);

	if (rc == GENTCP_OK)
		a->result = json_boolean(found);
	return rc;
}

static int
do_info(struct args *a)
{
	char *json = NULL;
	int rc = gentcp_info(a->g, a->socket, &json);

	return parsed(a, rc, json);
}

static int
facts(struct args *a, int (*function)(struct gentcp *, char **))
{
	char *json = NULL;
	int rc = function(a->g, &json);

	return parsed(a, rc, json);
}

static int
do_i(struct args *a)
{
	return facts(a, gentcp_i);
}

static int
do_self(struct args *a)
{
	return facts(a, gentcp_self);
}

static int
do_clients(struct args *a)
{
	return facts(a, gentcp_clients);
}

/* --- which one ------------------------------------------------------------------ */

/* params: what the function takes, each with a blank behind it. */
static const struct row {
	const char *method, *params;
	int (*function)(struct args *);
} rows[] = {
    {"gen_tcp.connect", "address port options timeout ", do_connect},
    {"gen_tcp.listen", "port options ", do_listen},
    {"gen_tcp.accept", "socket timeout ", do_accept},
    {"gen_tcp.fdopen", "options ", do_fdopen},
    {"gen_tcp.send", "socket data ", do_send},
    {"gen_tcp.recv", "socket length timeout ", do_recv},
    {"gen_tcp.unrecv", "socket data ", do_unrecv},
    {"gen_tcp.close", "socket ", do_close},
    {"gen_tcp.shutdown", "socket how ", do_shutdown},
    {"gen_tcp.controlling_process", "socket client ", do_controlling_process},
    {"file.sendfile", "socket offset bytes ", do_sendfile},
    {"inet.setopts", "socket options ", do_setopts},
    {"inet.getopts", "socket names ", do_getopts},
    {"inet.getstat", "socket names ", do_getstat},
    {"inet.getaddrs", "host family ", do_getaddrs},
    {"inet.sockname", "socket ", do_sockname},
    {"inet.peername", "socket ", do_peername},
    {"inet.port", "socket ", do_port},
    {"inet.getfd", "socket ", do_getfd},
    {"inet.monitor", "socket ", do_monitor},
    {"inet.cancel_monitor", "monitor ", do_cancel_monitor},
    {"inet.info", "socket ", do_info},
    {"inet.i", "", do_i},
    {"session.self", "", do_self},
    {"session.clients", "", do_clients},
};

/* A socket that is no number, or another family, C's types have no way to say. */
static bool
has_types(json_t *params)
{
	const char *family = json_string_value(json_object_get(params, "family"));

	return !json_is_string(json_object_get(params, "socket")) &&
	    (family == NULL || strcmp(family, "inet") == 0 ||
		strcmp(family, "inet6") == 0);
}

/* The function that takes these params, or NULL. */
static const struct row *
find_row(const char *method, json_t *params)
{
	const struct row *row = NULL;
	const char *key, *at;
	json_t *value;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].method, method) == 0)
			row = &rows[i];
	}
	if (row == NULL || !json_is_object(params) || !has_types(params))
		return NULL;
	json_object_foreach (params, key, value) {
		at = strstr(row->params, key);
		if (at == NULL || at[strlen(key)] != ' ')
			return NULL;
	}
	return row;
}

static void
answered(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	json_t **told = ctx;

	(void)g;
	*told = from_reply(r);
}

static json_t *
any_call(struct gentcp *g, const char *method, json_t *params, int fd)
{
	char *json = json_dumps(params, 0);
	json_t *told = NULL;
	int rc;

	if (fd != -1)
		rc = gentcp_request_fd(g, method, json, fd, answered, &told, NULL);
	else
		rc = gentcp_request(g, method, json, NULL, 0, answered, &told, NULL);
	while (rc == GENTCP_OK && told == NULL)
		rc = gentcp_dispatch(g, DEADLINE);
	free(json);
	return told != NULL ? told : from_error(gentcp_error(g));
}

json_t *
call(struct gentcp *g, const char *method, json_t *params, int fd)
{
	const struct row *row = find_row(method, params);
	bool takes_fd = row != NULL &&
	    (row->function == do_fdopen || row->function == do_sendfile);
	struct args a = {.g = g, .params = params, .fd = fd};

	if (row == NULL || takes_fd != (fd != -1))
		return any_call(g, method, params, fd);
	a.socket = (uint64_t)json_integer_value(param(&a, "socket"));
	if (row->function(&a) != GENTCP_OK)
		return from_error(gentcp_error(g));
	return json_pack(
	    "{s:o}", "result", a.result != NULL ? a.result : json_string("ok"));
}
