/* SPDX-License-Identifier: ISC */
#include "daemon/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/server.h"
#include "daemon/config.h"
#include "rpc/rpc.h"
#include "tcp/tcp.h"

enum {
	LAST_WORDS = 2000,	  /* ms for what was said before the end */
	MEMORY_KEPT = 1024 * 1024 /* bytes of freed memory, at the heap's end */
};

struct daemon {
	struct event_base *base;
	struct event *term, *interrupt;
	struct event *patience; /* timer: the end does not wait longer */
	struct event *alarm;	/* timer: rpc_wake() */
	struct rpc *rpc;
	struct tcp_context *tcp;
	struct server *server;
	unsigned stop; /* how often we were asked to end */
	bool late;
};

/* --- surroundings -------------------------------------------------------------- */

/*
 * Buffers of some 100 KiB come and go with every turn of a busy loop.  By default
 * the C library gives each back to the kernel, which clears its pages anew: half
 * of the time at 64 KiB a message.  It may keep this much instead.
 */
static void
keep_memory(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
#endif
}

/* Each socket is a descriptor: take as many as we may. */
static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			log_warning("daemon", "cannot raise the limit of descriptors: %s",
			    strerror(errno));
	}
	log_debug("daemon", "%llu descriptors", (unsigned long long)limit.rlim_cur);
}

/* Sockets may not take what clients, passed descriptors and we need. */
static void
keep_descriptors(struct rpc_config *rpc)
{
	struct rlimit limit;
	size_t most;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return;
	most = (size_t)limit.rlim_cur / 4 * 3;
	if (rpc->total_max[LIMIT_SOCKETS] > most)
		rpc->total_max[LIMIT_SOCKETS] = most;
}

/* The system's socket lies in a folder of its own, which a boot takes away. */
static void
make_run_dir(const char *socket)
{
	static const char dir[] = CONFIG_RUN_DIR;
	size_t len = sizeof(dir) - 1;

	if (geteuid() != 0 || strncmp(socket, dir, len) != 0 || socket[len] != '/')
		return;
	if (mkdir(dir, 0755) != 0)
		return; /* it is there, or server_new() will say what is wrong */
	if (chmod(dir, 0755) != 0)
		log_warning(
		    "daemon", "cannot set the mode of %s: %s", dir, strerror(errno));
}

static void
on_libevent_log(int severity, const char *text)
{
	enum log_level level = LOG_L_ERROR;

	if (severity == EVENT_LOG_DEBUG || severity == EVENT_LOG_MSG)
		level = LOG_L_DEBUG;
	else if (severity == EVENT_LOG_WARN)
		level = LOG_L_WARNING;
	log_write(level, "libevent", "%s", text);
}

/*
 * Edges are needed by control/channel_in.c.  The changelist stays off, whatever
 * the environment says: it is unsafe with duplicated descriptors.
 */
static struct event_base *
new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config == NULL)
		return NULL;
	if (event_config_require_features(config, EV_FEATURE_ET) == 0 &&
	    event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

/* --- events ---------------------------------------------------------------------- */

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	log_info("daemon", "%s: ending", number == SIGTERM ? "SIGTERM" : "SIGINT");
	d->stop++;
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
	if (d->server != NULL)
		server_flush(d->server);
	tcp_reap(d->tcp);
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
	struct timeval tv = clock_timeval(LAST_WORDS);

	server_stop(d->server);
	server_flush(d->server);
	if (event_add(d->patience, &tv) != 0)
		return true;
	while (!server_idle(d->server) && !d->late && d->stop < 2)
		if (!turn(d))
			return false;
	rpc_stop(d->rpc);
	server_free(d->server);
	d->server = NULL;
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
	d->patience = evtimer_new(d->base, on_patience, d);
	d->alarm = evtimer_new(d->base, on_alarm, d);
	return d->term != NULL && d->interrupt != NULL && d->patience != NULL &&
	    d->alarm != NULL && event_add(d->term, NULL) == 0 &&
	    event_add(d->interrupt, NULL) == 0;
}

static bool
build(struct daemon *d, const struct config *config)
{
	const struct rpc_alarm alarm = {&clock_monotonic, set_alarm, d};
	struct rpc_config rpc;
	char why[512];

	d->base = new_base();
	if (d->base == NULL || !watch_signals(d)) {
		log_error("daemon", "cannot set up the event loop");
		return false;
	}
	rpc = config->rpc;
	rpc.replay_high = config->server.queue_high;
	keep_descriptors(&rpc);
	d->rpc = rpc_new(&rpc);
	if (d->rpc == NULL) {
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
	make_run_dir(config->socket);
	d->server = server_new(
	    d->base, &clock_monotonic, d->rpc, &config->server, why, sizeof(why));
	if (d->server == NULL)
		log_error("control", "%s", why);
	return d->server != NULL;
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
	if (d->rpc != NULL)
		rpc_stop(d->rpc);
	server_free(d->server);
	if (d->tcp != NULL)
		tcp_free(d->tcp);
	rpc_free(d->rpc);
	free_event(d->term);
	free_event(d->interrupt);
	free_event(d->patience);
	free_event(d->alarm);
	if (d->base != NULL)
		event_base_free(d->base);
}

int
daemon_run(const struct config *config)
{
	struct daemon d = {0};
	bool ok;

	event_set_log_callback(on_libevent_log);
	keep_memory();
	raise_descriptors();
	ok = build(&d, config);
	while (ok && d.stop == 0)
		ok = turn(&d);
	if (ok)
		ok = wind_down(&d);
	take_down(&d);
	event_set_log_callback(NULL);
	return ok ? 0 : 1;
}
