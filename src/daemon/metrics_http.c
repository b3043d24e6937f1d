/* SPDX-License-Identifier: ISC */
#include "daemon/metrics_http.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/socket_file.h"

enum {
	CONNECTIONS = 8, /* at a time; more wait in the kernel's queue */
	PATIENCE = 5000, /* ms for a connection, from its first byte to its end */
	PAUSE = 1000,	 /* ms without accepting, where it fails */
	HEAD_MAX = 4096, /* bytes of a request's head, without its ends of lines */
	INPUT_MAX = 4 * HEAD_MAX
};

struct connection {
	struct metrics_http *m;
	struct bufferevent *bev;	 /* a reference, until evcon is known */
	struct evhttp_connection *evcon; /* NULL, both: nobody's */
	struct event *timer;
};

struct metrics_http {
	struct metrics_http_config config;
	struct event_base *base;
	int fd;
	struct socket_file file;
	struct evhttp *http;
	struct evconnlistener *listener; /* http's, once there is one */
	struct event *waiting, *retry;
	struct connection connections[CONNECTIONS];
	size_t count;
};

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

/* --- requests ------------------------------------------------------------------ */

static void
free_text(const void *text, size_t len, void *arg)
{
	(void)len;
	(void)arg;
	free((void *)text);
}

/* The text, in a buffer that is the caller's; NULL without memory. */
static struct evbuffer *
compose(const struct metrics_http *m, enum metrics_format format)
{
	struct evbuffer *body = evbuffer_new();
	size_t len = 0;
	char *text;

	if (body == NULL)
		return NULL;
	text = m->config.text(m->config.ctx, format, &len);
	if (text != NULL && evbuffer_add_reference(body, text, len, free_text, NULL) == 0)
		return body;
	free(text);
	evbuffer_free(body);
	return NULL;
}

/* GET and HEAD of /metrics. */
static void
on_request(struct evhttp_request *req, void *arg)
{
	struct evkeyvalq *in = evhttp_request_get_input_headers(req);
	struct evkeyvalq *out = evhttp_request_get_output_headers(req);
	struct evhttp_connection *evcon = evhttp_request_get_connection(req);
	const char *accept = evhttp_find_header(in, "Accept");
	enum metrics_format format = METRICS_PROMETHEUS;
	struct evbuffer *body;
	char len[24];

	if (accept != NULL && strcasestr(accept, "application/openmetrics-text") != NULL)
		format = METRICS_OPENMETRICS;
	body = compose(arg, format);
	if (body == NULL) {
		evhttp_send_error(req, HTTP_SERVUNAVAIL, NULL);
		return;
	}
	snprintf(len, sizeof(len), "%zu", evbuffer_get_length(body));
	if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD)
		evbuffer_drain(body, evbuffer_get_length(body));
	evhttp_add_header(out, "Content-Type", metrics_format_type(format));
	evhttp_add_header(out, "Content-Length", len);
	evhttp_add_header(out, "Cache-Control", "no-store");
	/* whatever it asks for: one that waits would take a place */
	evhttp_remove_header(in, "Connection");
	evhttp_add_header(out, "Connection", "close");
	evhttp_send_reply(req, HTTP_OK, NULL, body);
	evbuffer_free(body);
	/* one that shut its side down after the request still gets the answer */
	bufferevent_disable(evhttp_connection_get_bufferevent(evcon), EV_READ);
}

/* --- connections --------------------------------------------------------------- */

static void
resume(struct metrics_http *m)
{
	struct timeval tv = clock_timeval(PAUSE);

	if (evconnlistener_enable(m->listener) != 0)
		(void)evtimer_add(m->retry, &tv);
}

static void
on_closed(struct evhttp_connection *evcon, void *arg)
{
	struct connection *c = arg;
	struct metrics_http *m = c->m;

	(void)evcon;
	c->evcon = NULL;
	event_del(c->timer);
	/* there is room for one that waits */
	if (m->count-- == CONNECTIONS && m->listener != NULL)
		resume(m);
}

/*
 * evhttp of libevent 2.1 shows a connection with its first request only.  But it is the
 * argument of its bufferevent's callbacks from the start, and these are NULL when it is
 * gone already; nothing is read before this, in the turn that accepted it.
 */
static void
begin(struct connection *c)
{
	struct timeval tv = clock_timeval(PATIENCE);
	void *evcon;

	bufferevent_getcb(c->bev, NULL, NULL, NULL, &evcon);
	bufferevent_decref(c->bev);
	c->bev = NULL;
	c->evcon = evcon;
	if (evcon == NULL) {
		on_closed(NULL, c);
		return;
	}
	evhttp_connection_set_closecb(evcon, on_closed, c);
	if (evtimer_add(c->timer, &tv) != 0)
		evhttp_connection_free(evcon);
}

/* At once, and when its time is over, whatever it does; sooner by on_input(). */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct connection *c = arg;

	(void)fd;
	(void)what;
	if (c->bev != NULL)
		begin(c);
	else
		evhttp_connection_free(c->evcon);
}

/*
 * evhttp answers a head that is too large by itself.  Not so the length of a chunk that
 * does not end, and a watermark would let libevent try that again and again.
 */
static void
on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *arg)
{
	const struct connection *c = arg;

	(void)info;
	if (evbuffer_get_length(input) > INPUT_MAX)
		event_active(c->timer, EV_TIMEOUT, 0);
}

/*
 * evhttp asks for the bufferevent of a connection that it has accepted.  Where this
 * is NULL it tries to make one by itself: it then has evhttp's time limit only.
 */
static struct bufferevent *
on_accepted(struct event_base *base, void *arg)
{
	struct metrics_http *m = arg;
	struct connection *c = m->connections;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);

	if (bev == NULL)
		return NULL;
	while (c->bev != NULL || c->evcon != NULL)
		c++;
	if (evbuffer_add_cb(bufferevent_get_input(bev), on_input, c) == NULL) {
		bufferevent_free(bev);
		return NULL;
	}
	c->bev = bev;
	bufferevent_incref(bev);
	event_active(c->timer, EV_TIMEOUT, 0);
	if (++m->count == CONNECTIONS)
		evconnlistener_disable(m->listener);
	return bev;
}

/*
 * Without descriptors the listener would fire for ever.  arg is the evhttp, which took
 * the listener's argument for itself: so it is on_retry() that enables it again, at
 * most a second after somebody waited.
 */
static void
on_accept_failed(struct evconnlistener *listener, void *arg)
{
	(void)arg;
	evconnlistener_disable(listener);
}

static void
on_waiting(evutil_socket_t fd, short what, void *arg)
{
	struct metrics_http *m = arg;
	struct timeval tv = clock_timeval(PAUSE);

	(void)fd;
	(void)what;
	(void)evtimer_add(m->retry, &tv);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct metrics_http *m = arg;

	(void)fd;
	(void)what;
	(void)event_add(m->waiting, NULL);
	if (m->count < CONNECTIONS)
		resume(m);
}

/* --- life --------------------------------------------------------------------------- */

/* All that its connections need but their bufferevents: none is without a timer. */
static bool
make_events(struct metrics_http *m)
{
	for (size_t i = 0; i < CONNECTIONS; i++) {
		struct connection *c = &m->connections[i];

		c->m = m;
		c->timer = evtimer_new(m->base, on_timer, c);
		if (c->timer == NULL)
			return false;
	}
	m->retry = evtimer_new(m->base, on_retry, m);
	m->waiting = event_new(m->base, m->fd, EV_READ, on_waiting, m);
	return m->retry != NULL && m->waiting != NULL && event_add(m->waiting, NULL) == 0;
}

static bool
make_http(struct metrics_http *m)
{
	m->http = evhttp_new(m->base);
	if (m->http == NULL)
		return false;
	evhttp_set_max_headers_size(m->http, HEAD_MAX);
	evhttp_set_max_body_size(m->http, 0);
	evhttp_set_timeout(m->http, PATIENCE / 1000);
	evhttp_set_allowed_methods(m->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_bevcb(m->http, on_accepted, m);
	if (evhttp_set_cb(m->http, "/metrics", on_request, m) != 0)
		return false;
	m->listener = evconnlistener_new(
	    m->base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0, m->fd);
	if (m->listener == NULL)
		return false;
	evconnlistener_set_error_cb(m->listener, on_accept_failed);
	if (evhttp_bind_listener(m->http, m->listener) != NULL)
		return true;
	evconnlistener_free(m->listener);
	return false;
}

static bool
start(struct metrics_http *m, char *why, size_t size)
{
	if (make_events(m) && make_http(m))
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
	m->fd = metrics_http_listen(config, &m->file, why, size);
	if (m->fd == -1 || !start(m, why, size)) {
		metrics_http_free(m);
		return NULL;
	}
	log_info("metrics", "GET /metrics on %s",
	    config->fd != -1 ? "a passed socket" : config->listen);
	return m;
}

void
metrics_http_free(struct metrics_http *m)
{
	struct connection *c;

	if (m == NULL)
		return;
	m->listener = NULL; /* it ends with http */
	for (c = m->connections; c < m->connections + CONNECTIONS; c++)
		if (c->bev != NULL)
			bufferevent_decref(c->bev);
	if (m->http != NULL)
		evhttp_free(m->http);
	for (c = m->connections; c < m->connections + CONNECTIONS; c++)
		free_event(c->timer);
	free_event(m->retry);
	free_event(m->waiting);
	socket_file_remove(&m->file);
	if (m->fd != -1)
		(void)close(m->fd);
	free(m);
}
