/* SPDX-License-Identifier: ISC */
#include "daemon/metrics_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/socket_file.h"

enum {
	CONNECTIONS = 8, /* at a time; more wait in the kernel's queue */
	PATIENCE = 5000, /* ms for a connection, from its first byte to its end */
	PAUSE = 1000	 /* ms without accepting, where it fails */
};

struct connection {
	LIST_ENTRY(connection) link;
	struct metrics_http *m;
	int fd;
	struct event *read_event, *write_event, *timer;
	char in[METRICS_REQUEST_MAX];
	size_t in_len;
	char *out; /* own; NULL while the request is being read */
	size_t out_len, out_done;
};

struct metrics_http {
	struct metrics_http_config config;
	struct event_base *base;
	int fd;
	struct socket_file file;
	struct event *accept_event, *retry;
	LIST_HEAD(, connection) connections;
	size_t count;
};

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

/* --- connections --------------------------------------------------------------- */

static void
connection_free(struct connection *c)
{
	struct metrics_http *m = c->m;

	LIST_REMOVE(c, link);
	free_event(c->read_event);
	free_event(c->write_event);
	free_event(c->timer);
	(void)close(c->fd);
	free(c->out);
	free(c);
	/* there is room for one that waits */
	if (m->count-- == CONNECTIONS && m->accept_event != NULL)
		(void)event_add(m->accept_event, NULL);
}

/* The answer as a whole, into c.  False without memory. */
static bool
compose(struct connection *c, struct metrics_request *r)
{
	char *body = NULL;
	size_t len = 0, head;
	FILE *file;

	if (r->status == 200) {
		body = c->m->config.text(c->m->config.ctx, r->format, &len);
		if (body == NULL)
			r->status = 503;
	}
	file = open_memstream(&c->out, &c->out_len);
	if (file == NULL) {
		free(body);
		return false;
	}
	fprintf(file,
	    "HTTP/1.1 %d %s\r\n"
	    "Content-Type: %s\r\nContent-Length: %zu\r\n"
	    "%sCache-Control: no-store\r\nConnection: close\r\n\r\n",
	    r->status, metrics_request_reason(r->status),
	    body != NULL ? metrics_format_type(r->format) : "text/plain", len,
	    r->status == 405 ? "Allow: GET, HEAD\r\n" : "");
	head = body != NULL && !r->head ? fwrite(body, 1, len, file) : 0;
	free(body);
	(void)head; /* the stream remembers */
	head = (size_t)ferror(file);
	return fclose(file) == 0 && head == 0;
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	ssize_t n;

	(void)what;
	n = send(fd, c->out + c->out_done, c->out_len - c->out_done,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == -1) {
		connection_free(c);
		return;
	}
	c->out_done += (size_t)n;
	if (c->out_done < c->out_len)
		return;
	/*
	 * What it may still send is read until its end, or patience's: a close now
	 * could take the answer away from it.
	 */
	event_del(c->write_event);
	(void)shutdown(fd, SHUT_WR);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;
	struct metrics_request r;
	char nowhere[METRICS_REQUEST_MAX];
	bool answered = c->out != NULL;
	ssize_t n;

	(void)what;
	n = recv(fd, answered ? nowhere : c->in + c->in_len,
	    answered ? sizeof(nowhere) : sizeof(c->in) - c->in_len, MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		/* one that shut its side down after the request still gets the answer */
		if (n == 0 && answered && c->out_done < c->out_len)
			event_del(c->read_event);
		else
			connection_free(c);
		return;
	}
	if (answered)
		return;
	c->in_len += (size_t)n;
	if (metrics_request_read(c->in, c->in_len, &r) &&
	    (!compose(c, &r) || event_add(c->write_event, NULL) != 0))
		connection_free(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	connection_free(arg);
}

/* fd is the connection's, in any case. */
static void
connection_new(struct metrics_http *m, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	struct timeval tv = clock_timeval(PATIENCE);

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->m = m;
	c->fd = fd;
	LIST_INSERT_HEAD(&m->connections, c, link);
	if (++m->count == CONNECTIONS)
		event_del(m->accept_event);
	c->read_event = event_new(m->base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->write_event = event_new(m->base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->timer = evtimer_new(m->base, on_timer, c);
	if (c->read_event == NULL || c->write_event == NULL || c->timer == NULL ||
	    event_add(c->read_event, NULL) != 0 || event_add(c->timer, &tv) != 0)
		connection_free(c);
}

static void
on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct metrics_http *m = arg;
	struct timeval tv = clock_timeval(PAUSE);
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	(void)what;
	if (fd >= 0)
		connection_new(m, fd);
	else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
		/* without descriptors the event would fire for ever */
		event_del(m->accept_event);
		(void)event_add(m->retry, &tv);
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct metrics_http *m = arg;

	(void)fd;
	(void)what;
	if (m->count < CONNECTIONS)
		(void)event_add(m->accept_event, NULL);
}

/* --- where it listens ------------------------------------------------------------- */

/* "127.0.0.1:9464", "[::1]:9464" -> a sockaddr; false where it is not loopback. */
static bool
read_address(const char *text, struct sockaddr_storage *to, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	const char *colon = strrchr(text, ':');
	char host[64], *end;
	unsigned long port;
	size_t n;

	if (colon == NULL || colon[1] < '1' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	n = (size_t)(colon - text);
	if (*end != '\0' || port > UINT16_MAX || n == 0 || n >= sizeof(host))
		return false;
	memset(to, 0, sizeof(*to));
	memcpy(host, text, n);
	host[n] = '\0';
	if (*host == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		*len = sizeof(*in6);
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 &&
		    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	*len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 &&
	    ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool
metrics_http_check(const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;

	return *text == '/' || read_address(text, &address, &len);
}

static int
listen_tcp(const char *text, char *why, size_t size)
{
	struct sockaddr_storage address;
	const int on = 1;
	socklen_t len;
	int fd;

	if (!read_address(text, &address, &len)) {
		snprintf(why, size, "%.64s is no loopback address with a port", text);
		return -1;
	}
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* a connection of the daemon before it may still be in TIME_WAIT */
	if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&address, len) == 0 &&
	    listen(fd, CONNECTIONS) == 0)
		return fd;
	snprintf(why, size, "cannot listen on %.64s: %s", text, strerror(errno));
	if (fd != -1)
		(void)close(fd);
	return -1;
}

/* --- life --------------------------------------------------------------------------- */

static bool
start(struct metrics_http *m, char *why, size_t size)
{
	const struct metrics_http_config *c = &m->config;

	if (c->fd != -1)
		m->fd = c->fd;
	else if (*c->listen == '/')
		m->fd = socket_file_open(
		    &m->file, c->listen, c->mode, c->group, why, size);
	else
		m->fd = listen_tcp(c->listen, why, size);
	if (m->fd == -1)
		return false;
	m->accept_event = event_new(
	    m->base, m->fd, EV_READ | EV_PERSIST, on_connection, m);
	m->retry = evtimer_new(m->base, on_retry, m);
	if (m->accept_event != NULL && m->retry != NULL &&
	    event_add(m->accept_event, NULL) == 0)
		return true;
	snprintf(why, size, "out of memory");
	return false;
}

struct metrics_http *
metrics_http_new(struct event_base *base, const struct metrics_http_config *config,
    char *why, size_t size)
{
	struct metrics_http *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		snprintf(why, size, "out of memory");
		return NULL;
	}
	m->config = *config;
	m->base = base;
	m->fd = -1;
	LIST_INIT(&m->connections);
	if (start(m, why, size)) {
		log_info("metrics", "GET /metrics on %s",
		    config->fd != -1 ? "a passed socket" : config->listen);
		return m;
	}
	metrics_http_free(m);
	return NULL;
}

void
metrics_http_free(struct metrics_http *m)
{
	struct connection *c;

	if (m == NULL)
		return;
	free_event(m->accept_event);
	m->accept_event = NULL;
	free_event(m->retry);
	while ((c = LIST_FIRST(&m->connections)) != NULL)
		connection_free(c);
	socket_file_remove(&m->file);
	if (m->fd != -1)
		(void)close(m->fd);
	free(m);
}
