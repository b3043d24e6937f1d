/* SPDX-License-Identifier: ISC */
#include "daemon/service.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "control/server.h"
#include "daemon/config.h"
#include "rpc/rpc.h"
#include "tcp/tcp.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1.0"
#endif

enum { STATUS_PERIOD = 5000 }; /* ms; nothing is said where nothing changed */

/* --- metrics ---------------------------------------------------------------------- */

static char *
report(void *ctx, enum metrics_format format, size_t *len)
{
	const struct service *s = ctx;
	struct metrics_text t;

	metrics_begin(&t, format);
	metrics_family(&t, METRICS_GAUGE, "gentcp_build_info", "The daemon's version.");
	metrics_sample(&t, "version", PACKAGE_VERSION, 1);
	metrics_single(&t, METRICS_GAUGE, "gentcp_start_time_seconds",
	    "When the daemon started, in seconds since 1970.", s->started);
	rpc_metrics(s->rpc, &t);
	tcp_metrics(s->tcp, &t);
	server_metrics(s->server, &t);
	metrics_single(&t, METRICS_COUNTER, "gentcp_log_lost",
	    "Lines of the log that could not be written.", log_lost());
	metrics_single(&t, METRICS_COUNTER, "gentcp_loop_turns",
	    "Turns of the event loop.", s->probe.turns);
	metrics_histogram(&t, "gentcp_loop_latency_seconds",
	    "By how much a timer was late, every 20 ms while there is something to do: "
	    "so long has a request to wait before it is looked at.",
	    &s->probe.late);
	return metrics_end(&t, len);
}

static bool
start_http(struct service *s, struct event_base *base, const struct config *config)
{
	const struct metrics_http_config http = {.listen = config->metrics_listen,
	    .fd = config->metrics_fd,
	    .mode = config->server.mode,
	    .group = config->server.group,
	    .text = report,
	    .ctx = s};
	char why[512];

	if (http.listen == NULL && http.fd == -1)
		return true;
	s->http = metrics_http_new(base, &http, why, sizeof(why));
	if (s->http == NULL)
		log_error("metrics", "%s", why);
	return s->http != NULL;
}

/* --- the service manager ------------------------------------------------------------ */

static void
say_status(struct service *s, const char *before)
{
	s->clients = rpc_used(s->rpc, LIMIT_CLIENTS);
	s->sockets = rpc_used(s->rpc, LIMIT_SOCKETS);
	(void)notify_say(&s->notify, "%sSTATUS=%zu clients, %zu sockets\n", before,
	    s->clients, s->sockets);
}

static void
on_status(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	if (rpc_used(s->rpc, LIMIT_CLIENTS) != s->clients ||
	    rpc_used(s->rpc, LIMIT_SOCKETS) != s->sockets)
		say_status(s, "");
}

/* By the loop itself: one that is stuck says nothing, and is noticed. */
static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	const struct service *s = arg;

	(void)fd;
	(void)what;
	(void)notify_say(&s->notify, "WATCHDOG=1\n");
}

static struct event *
every(struct event_base *base, int64_t ms, event_callback_fn fn, struct service *s)
{
	struct timeval tv = clock_timeval(ms);
	struct event *timer = event_new(base, -1, EV_PERSIST, fn, s);

	if (timer != NULL && event_add(timer, &tv) == 0)
		return timer;
	if (timer != NULL)
		event_free(timer);
	return NULL;
}

static bool
start_notify(struct service *s, struct event_base *base)
{
	int64_t watchdog = notify_watchdog(
	    getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"), (long)getpid());

	(void)notify_open(&s->notify, getenv("NOTIFY_SOCKET"));
	if (!notify_wanted(&s->notify))
		return true;
	s->status = every(base, STATUS_PERIOD, on_status, s);
	if (watchdog > 0)
		s->watchdog = every(base, watchdog, on_watchdog, s);
	return s->status != NULL && (watchdog == 0 || s->watchdog != NULL);
}

void
service_ready(struct service *s)
{
	say_status(s, "READY=1\n");
}

void
service_reloading(struct service *s)
{
	struct timespec now;

	/* the manager compares it with its own: not the loop's cached time */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)notify_say(&s->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n",
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

/* --- life ------------------------------------------------------------------------------ */

bool
service_init(struct service *s, struct event_base *base, const struct clock *clock,
    const struct config *config)
{
	const struct rpc_report told = {report, s};

	s->notify.fd = -1;
	s->started = (uint64_t)time(NULL);
	if (!probe_init(&s->probe, base, clock) || !start_notify(s, base)) {
		log_error("daemon", "out of memory");
		return false;
	}
	rpc_set_report(s->rpc, &told);
	return start_http(s, base, config);
}

void
service_stopping(struct service *s)
{
	(void)notify_say(&s->notify, "STOPPING=1\nSTATUS=ending\n");
	metrics_http_free(s->http);
	s->http = NULL;
	if (s->status != NULL)
		event_free(s->status);
	s->status = NULL;
}

void
service_fini(struct service *s)
{
	metrics_http_free(s->http);
	if (s->status != NULL)
		event_free(s->status);
	if (s->watchdog != NULL)
		event_free(s->watchdog);
	probe_fini(&s->probe);
	notify_close(&s->notify);
}
