/* SPDX-License-Identifier: ISC */
#include "daemon/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_target.h"
#include "control/server.h"
#include "daemon/background.h"
#include "daemon/config.h"
#include "daemon/log_config.h"
#include "daemon/privilege.h"
#include "daemon/reload.h"
#include "daemon/service.h"
#include "daemon/surroundings.h"
#include "rpc/rpc.h"
#include "tcp/tcp.h"

struct daemon {
	struct config *config; /* own */
	struct config_source from;
	struct background background;
	struct reload *reload;
	uint64_t began; /* ms */
	struct event_base *base;
	struct event *term, *interrupt, *hup, *usr1;
	struct event *patience; /* timer: the end does not wait longer */
	struct event *alarm;	/* timer: rpc_wake() */
	struct service service;
	struct rpc *rpc;
	struct tcp_context *tcp;
	struct server *server, *monitor; /* monitor: NULL where there is none */
	unsigned stop;			 /* how often we were asked to end */
	bool late;
};

/* --- events ---------------------------------------------------------------------- */

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	log_info("daemon", "%s: ending", number == SIGTERM ? "SIGTERM" : "SIGINT");
	d->stop++;
}

/* The service manager waits to hear that it is over: see on_reloaded(). */
static void
begin_reload(struct daemon *d)
{
	service_reloading(&d->service);
	reload_start(d->reload);
}

/*
 * The log first: it is opened anew whatever the configuration is like.  That is all where
 * the end has begun, of which the service manager has been told.
 */
static void
on_hup(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;
	char why[512];

	(void)number;
	(void)what;
	if (!log_reopen(why, sizeof(why)))
		log_error("daemon", "%s", why);
	if (d->stop > 0)
		return;
	log_info("daemon", "SIGHUP: reading the configuration");
	begin_reload(d);
}

static void
on_usr1(evutil_socket_t number, short what, void *arg)
{
	const struct daemon *d = arg;

	(void)number;
	(void)what;
	rpc_log_all(d->rpc);
}

/* --- what the methods daemon.* ask for --------------------------------------------- */

static uint64_t
lived(void *ctx)
{
	const struct daemon *d = ctx;

	return clock_now(&clock_monotonic) - d->began;
}

static void
ask_reload(void *ctx)
{
	begin_reload(ctx);
}

static void
ask_shutdown(void *ctx)
{
	struct daemon *d = ctx;

	/* whoever asks again does not mean, as with a signal, that it has to be at once */
	if (d->stop == 0)
		d->stop = 1;
}

static void
tell_rpc(struct daemon *d)
{
	const struct rpc_daemon daemon = {.config = d->from.file,
	    .last_words = d->config->shutdown_timeout,
	    .lived = lived,
	    .reload = ask_reload,
	    .shutdown = ask_shutdown,
	    .ctx = d};

	rpc_set_daemon(d->rpc, &daemon);
}

/* --- another configuration ---------------------------------------------------------- */

/* All that can be in force now is; next has been looked at, and nothing fails any more. */
static void
apply(struct daemon *d, struct config *next)
{
	struct config *former = d->config;
	char names[256];

	if (config_keep(next, former, names, sizeof(names)))
		log_warning("config", "in force after a new start only: %s", names);
	d->config = next;
	config_warn(next, d->from.file);
	surroundings_keep_descriptors(&next->rpc);
	rpc_reconfigure(d->rpc, &next->rpc);
	tcp_reconfigure(d->tcp, &next->tcp);
	server_reconfigure(d->server, &next->server);
	server_reconfigure(d->monitor, &next->monitor);
	tell_rpc(d);
	config_fini(former);
	free(former);
}

static void
on_reloaded(void *ctx, struct config *next, const char *why)
{
	struct daemon *d = ctx;
	char text[512];

	if (next != NULL &&
	    !log_config_change(
		&d->config->log, &next->log, d->from.background, text, sizeof(text))) {
		config_fini(next);
		free(next);
		next = NULL;
		why = text;
	}
	if (next == NULL) {
		log_error("config", "nothing is changed: %s", why);
	} else {
		apply(d, next);
		why = NULL;
		log_info("config", "read anew%s%s", d->from.file != NULL ? ": " : "",
		    d->from.file != NULL ? d->from.file : "");
	}
	if (d->stop == 0)
		service_ready(&d->service);
	rpc_reloaded(d->rpc, why);
}

/* Kept clients of which the time is over. */
static void
on_alarm(evutil_socket_t fd, short what, void *arg)
{
	const struct daemon *d = arg;

	(void)fd;
	(void)what;
	rpc_wake(d->rpc);
}

static void
set_alarm(void *ctx, int64_t ms)
{
	const struct daemon *d = ctx;
	struct timeval tv = clock_timeval(ms);

	if (event_add(d->alarm, &tv) != 0)
		log_error("daemon", "out of memory: kept clients may not end in time");
}

static void
on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	d->late = true;
}

/* One turn: events, then what they left to be written, then what has ended. */
static bool
turn(struct daemon *d)
{
	/* what was held back by a full channel came after tcp_flush(): it may not wait */
	int flags = EVLOOP_ONCE | (tcp_gathering(d->tcp) ? EVLOOP_NONBLOCK : 0);

	if (event_base_loop(d->base, flags) == -1) {
		log_error("daemon", "the event loop failed: %s", strerror(errno));
		return false;
	}
	tcp_flush(d->tcp);
	server_flush(d->server);
	server_flush(d->monitor);
	tcp_reap(d->tcp);
	service_turn(&d->service);
	return true;
}

/*
 * Nothing new; what was said is written, to clients first, then, when they and
 * their sockets are closed, to peers, if it can be soon.  A second signal ends
 * that, too.
 */
static bool
wind_down(struct daemon *d)
{
	struct timeval tv = clock_timeval(d->config->shutdown_timeout);

	service_stopping(&d->service);
	server_stop(d->server);
	server_stop(d->monitor);
	rpc_say_shutdown(d->rpc);
	server_flush(d->server);
	server_flush(d->monitor);
	if (event_add(d->patience, &tv) != 0)
		return true;
	while (!(server_idle(d->server) && server_idle(d->monitor)) && !d->late &&
	    d->stop < 2)
		if (!turn(d))
			return false;
	rpc_stop(d->rpc);
	server_free(d->server);
	server_free(d->monitor);
	d->server = d->monitor = NULL;
	tcp_reap(d->tcp);
	while (!tcp_idle(d->tcp) && !d->late && d->stop < 2)
		if (!turn(d))
			return false;
	return true;
}

/* --- life ---------------------------------------------------------------------------- */

static bool
watch_signals(struct daemon *d)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (sigaction(SIGPIPE, &ignore, NULL) != 0)
		return false;
	d->term = evsignal_new(d->base, SIGTERM, on_signal, d);
	d->interrupt = evsignal_new(d->base, SIGINT, on_signal, d);
	d->hup = evsignal_new(d->base, SIGHUP, on_hup, d);
	d->usr1 = evsignal_new(d->base, SIGUSR1, on_usr1, d);
	d->patience = evtimer_new(d->base, on_patience, d);
	d->alarm = evtimer_new(d->base, on_alarm, d);
	return d->term != NULL && d->interrupt != NULL && d->patience != NULL &&
	    d->alarm != NULL && d->hup != NULL && d->usr1 != NULL &&
	    event_add(d->term, NULL) == 0 && event_add(d->interrupt, NULL) == 0 &&
	    event_add(d->hup, NULL) == 0 && event_add(d->usr1, NULL) == 0;
}

static struct server *
open_server(struct daemon *d, const struct server_config *config)
{
	char why[512];
	struct server *server = server_new(
	    d->base, &clock_monotonic, d->rpc, config, why, sizeof(why));

	if (server == NULL)
		log_error("control", "%s", why);
	return server;
}

/* Everything is there: now whoever waits for it is told. */
static bool
serve(struct daemon *d)
{
	d->service.rpc = d->rpc;
	d->service.tcp = d->tcp;
	d->service.server = d->server;
	if (!service_init(&d->service, d->base, &clock_monotonic, d->config))
		return false;
	service_ready(&d->service);
	return true;
}

static bool
build(struct daemon *d)
{
	const struct rpc_alarm alarm = {&clock_monotonic, set_alarm, d};
	struct config *config = d->config;

	d->base = surroundings_new_base();
	if (d->base == NULL || !watch_signals(d)) {
		log_error("daemon", "cannot set up the event loop");
		return false;
	}
	surroundings_keep_descriptors(&config->rpc);
	d->rpc = rpc_new(&config->rpc);
	d->reload = reload_new(d->base, &d->from, on_reloaded, d);
	if (d->rpc == NULL || d->reload == NULL) {
		log_error("daemon", "out of memory");
		return false;
	}
	d->tcp = tcp_new(d->base, &clock_monotonic, &config->tcp, &rpc_observer, d->rpc);
	if (d->tcp == NULL) {
		log_error("daemon", "cannot set up TCP: %s", strerror(errno));
		return false;
	}
	tcp_gather(d->tcp);
	rpc_set_tcp(d->rpc, d->tcp);
	rpc_set_alarm(d->rpc, &alarm);
	tell_rpc(d);
	d->server = open_server(d, &config->server);
	if (d->server != NULL && config->monitor_socket != NULL)
		d->monitor = open_server(d, &config->monitor);
	return d->server != NULL &&
	    (config->monitor_socket == NULL || d->monitor != NULL) && serve(d);
}

/*
 * What needs the rights that we may have, before they are given up; then the log, as
 * the user that it is written by from now on.
 */
static bool
prepare(struct daemon *d, const struct daemon_start *start)
{
	struct privilege privilege;
	char why[512];

	surroundings_raise_descriptors();
	if ((start->user != NULL &&
		!privilege_find(&privilege, start->user, why, sizeof(why))) ||
	    (start->pid_file != NULL &&
		!background_open(&d->background, start->pid_file, why, sizeof(why)))) {
		log_error("daemon", "%s", why);
		return false;
	}
	surroundings_make_run_dir(
	    d->config->socket, start->user != NULL ? &privilege : NULL);
	if (start->user != NULL && !privilege_drop(&privilege, why, sizeof(why))) {
		log_error("daemon", "%s", why);
		return false;
	}
	d->config->rpc.uid = geteuid();
	return true;
}

/* Into the background first: no thread outlives a fork. */
static bool
leave_terminal(struct daemon *d, const struct daemon_start *start)
{
	char why[512];

	if (!start->background || background_fork(&d->background, why, sizeof(why)))
		return true;
	log_error("daemon", "%s", why);
	return false;
}

static bool
begin_log(struct daemon *d)
{
	char why[512];

	if (!log_config_begin(&d->config->log, d->from.background, why, sizeof(why))) {
		log_error("config", "%s", why);
		return false;
	}
	/* who starts it sees why it does not */
	log_errors_beside(true);
	config_warn(d->config, d->from.file);
	return true;
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

/* In the order in which they use each other: sessions, sockets, rpc, loop. */
static void
take_down(struct daemon *d)
{
	service_fini(&d->service);
	if (d->rpc != NULL)
		rpc_stop(d->rpc);
	server_free(d->server);
	server_free(d->monitor);
	reload_free(d->reload);
	if (d->tcp != NULL)
		tcp_free(d->tcp);
	rpc_free(d->rpc);
	free_event(d->term);
	free_event(d->interrupt);
	free_event(d->hup);
	free_event(d->usr1);
	free_event(d->patience);
	free_event(d->alarm);
	if (d->base != NULL)
		event_base_free(d->base);
}

int
daemon_run(struct config *config, const struct config_source *from,
    const struct daemon_start *start)
{
	struct daemon d = {.config = config,
	    .from = *from,
	    .background = {.ready = -1, .file = -1},
	    .service.notify.fd = -1,
	    .began = clock_now(&clock_monotonic)};
	bool ok;

	event_set_log_callback(surroundings_libevent_log);
	surroundings_keep_memory();
	ok = leave_terminal(&d, start) && prepare(&d, start) && begin_log(&d) &&
	    build(&d);
	if (ok) {
		log_errors_beside(false);
		background_ready(&d.background);
	}
	while (ok && d.stop == 0)
		ok = turn(&d);
	if (ok)
		ok = wind_down(&d);
	take_down(&d);
	background_end(&d.background);
	config_fini(d.config);
	free(d.config);
	event_set_log_callback(NULL);
	log_close();
	return ok ? 0 : 1;
}
