/* SPDX-License-Identifier: ISC */
#include "control/server.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/socket_file.h"
#include "control/channel.h"
#include "control/lock.h"
#include "proto/reason.h"
#include "rpc/rpc.h"

enum {
	ACCEPTS = 64,		 /* in one turn */
	BACKOFF_MIN = 10,	 /* ms until accept is tried again … */
	BACKOFF_MAX = 320,	 /* … doubled up to this */
	STUCK_LOOKS = 8,	 /* in a stuck_timeout */
	GROUPS = 64,		 /* of a client that are asked for at first */
	SOCKET_BUFFER = 1 << 20, /* bytes asked of the kernel for a client */
	LAST_WORDS = 5000	 /* ms */
};

struct server {
	struct channel_host host;
	struct server_config config;
	struct lock lock;
	int fd;
	struct socket_file file;
	struct event *accept_event;
	struct event *retry; /* timer: accept again */
	struct event *again; /* timer: another turn at once */
	struct event *stuck; /* timer: look for clients that read nothing */
	int64_t backoff;     /* ms */
	struct log_gate gate;
};

const struct server_config server_config_default = {
    .fd = -1,
    .mode = 0660,
    .group = (gid_t)-1,
    .wire = {.max_message = 16 << 20, .max_attachment = 64 << 20, .max_values = 65536},
    .queue_high = 1 << 20,
};

/* --- clients ------------------------------------------------------------------ */

/*
 * Its process's groups as they were when it connected, the first one's place left free.
 * From the kernel, not from the user database: that might keep the loop waiting, and
 * the socket's file asks the same.  To be freed; NULL with errno.
 */
static gid_t *
groups_of(int fd, size_t *count)
{
	socklen_t size = GROUPS * sizeof(gid_t);
	gid_t *groups = NULL, *more;
	int error;

	do {
		more = realloc(groups, size + sizeof(gid_t));
		if (more == NULL) {
			free(groups);
			errno = ENOMEM;
			return NULL;
		}
		groups = more;
		error = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups + 1, &size) == 0
		    ? 0
		    : errno;
	} while (error == ERANGE);
	*count = 1;
	if (error == 0)
		*count += size / sizeof(gid_t);
	/* an older kernel tells the first one only, by SO_PEERCRED */
	return groups;
}

static int
open_client(struct server *s, int fd, const struct ucred *cred)
{
	struct rpc_who who = {
	    .uid = cred->uid, .pid = cred->pid, .monitor = s->config.monitor};
	gid_t *groups = groups_of(fd, &who.ngroups);
	int error;

	if (groups == NULL)
		return errno;
	groups[0] = cred->gid;
	who.groups = groups;
	error = channel_open(&s->host, fd, &who);
	free(groups);
	return error;
}

static void
welcome(struct server *s, int fd)
{
	const int size = SOCKET_BUFFER;
	struct ucred who = {.uid = (uid_t)-1};
	socklen_t len = sizeof(who);
	uint64_t held;
	int error;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0 ||
	    who.pid == getpid()) {
		/* the daemon is not its own client: see protocol, section 7 */
		channel_refuse(&s->host, fd, who.uid, EACCES);
		return;
	}
	/* only wishes: the kernel gives what its settings allow */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	error = open_client(s, fd, &who);
	if (error == 0)
		return;
	channel_refuse(
	    &s->host, fd, who.uid, error == EUSERS ? REASON_SYSTEM_LIMIT : error);
	if (log_gate_pass(&s->gate, clock_now(s->host.clock), &held))
		log_warning("control", "uid %lu, pid %ld refused: %s (%llu more such)",
		    (unsigned long)who.uid, (long)who.pid,
		    error == EUSERS ? "too many clients" : strerror(error),
		    (unsigned long long)held);
}

/* Without descriptors or memory the event would fire for ever: look later. */
static void
accept_later(struct server *s, int error)
{
	struct timeval tv = clock_timeval(s->backoff);
	uint64_t held;

	s->host.accept_errors++;
	if (log_gate_pass(&s->gate, clock_now(s->host.clock), &held))
		log_warning("control", "cannot accept clients: %s (%llu more such)",
		    strerror(error), (unsigned long long)held);
	event_del(s->accept_event);
	/* if even that fails, better busy than deaf */
	if (event_add(s->retry, &tv) != 0)
		(void)event_add(s->accept_event, NULL);
	s->backoff = s->backoff * 2 < BACKOFF_MAX ? s->backoff * 2 : BACKOFF_MAX;
}

static void
on_client(evutil_socket_t listener, short what, void *arg)
{
	struct server *s = arg;
	int i, fd;

	(void)what;
	for (i = 0; i < ACCEPTS; i++) {
		fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			s->backoff = BACKOFF_MIN;
			welcome(s, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN)
			accept_later(s, errno);
		return;
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	if (event_add(s->accept_event, NULL) != 0)
		accept_later(s, ENOMEM);
}

/* Only wakes the loop: server_flush() is called at the end of its turn. */
static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
look_for_stuck(struct server *s)
{
	struct timeval tv = clock_timeval(s->config.stuck_timeout / STUCK_LOOKS + 1);

	event_del(s->stuck);
	if (s->config.stuck_timeout > 0 && event_add(s->stuck, &tv) != 0)
		log_error("control", "out of memory: stuck_timeout is not in force");
}

static void
on_stuck(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	channel_check_stuck(&s->host, s->config.stuck_timeout);
	look_for_stuck(s);
}

/* --- life --------------------------------------------------------------------------- */

/* The lock says that the file of a dead daemon was a gentcpd's. */
static bool
open_socket(struct server *s, char *why, size_t size)
{
	const struct server_config *c = &s->config;

	if (c->fd != -1) { /* somebody else's file, and his to take away */
		s->fd = c->fd;
		return true;
	}
	if (lock_take(&s->lock, c->path, why, size) != 0)
		return false;
	s->fd = socket_file_open(&s->file, c->path, c->mode, c->group, why, size);
	return s->fd != -1;
}

static bool
start(struct server *s, char *why, size_t size)
{
	struct event_base *base = s->host.base;

	if (!open_socket(s, why, size))
		return false;
	s->accept_event = event_new(base, s->fd, EV_READ | EV_PERSIST, on_client, s);
	s->retry = evtimer_new(base, on_retry, s);
	s->again = evtimer_new(base, on_again, s);
	s->stuck = evtimer_new(base, on_stuck, s);
	if (s->accept_event == NULL || s->retry == NULL || s->again == NULL ||
	    s->stuck == NULL || event_add(s->accept_event, NULL) != 0) {
		snprintf(why, size, "out of memory");
		return false;
	}
	look_for_stuck(s);
	return true;
}

struct server *
server_new(struct event_base *base, const struct clock *clock, struct rpc *rpc,
    const struct server_config *config, char *why, size_t size)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		snprintf(why, size, "out of memory");
		return NULL;
	}
	channel_host_init(&s->host);
	s->host.base = base;
	s->host.clock = clock;
	s->host.rpc = rpc;
	s->host.wire = config->wire;
	s->host.queue_high = config->queue_high;
	s->host.last_words = LAST_WORDS;
	s->config = *config;
	s->lock.fd = s->fd = -1;
	s->backoff = BACKOFF_MIN;
	if (!start(s, why, size)) {
		server_free(s);
		return NULL;
	}
	log_info("control", "listening on %s%s", config->path,
	    config->monitor ? ", for questions only" : "");
	return s;
}

void
server_reconfigure(struct server *s, const struct server_config *config)
{
	if (s == NULL)
		return;
	s->host.wire = config->wire;
	s->host.queue_high = config->queue_high;
	s->config.stuck_timeout = config->stuck_timeout;
	look_for_stuck(s);
}

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
server_free(struct server *s)
{
	if (s == NULL)
		return;
	channel_close_all(&s->host);
	free_event(s->accept_event);
	free_event(s->retry);
	free_event(s->again);
	free_event(s->stuck);
	socket_file_remove(&s->file);
	if (s->fd != -1)
		close(s->fd);
	lock_drop(&s->lock);
	free(s);
}

void
server_stop(struct server *s)
{
	if (s == NULL)
		return;
	event_del(s->accept_event);
	event_del(s->retry);
	channel_stop_all(&s->host);
}

bool
server_idle(const struct server *s)
{
	return s == NULL || channel_idle_all(&s->host);
}

void
server_flush(struct server *s)
{
	static const struct timeval now = {0, 0};

	if (s != NULL && channel_settle_all(&s->host) && !evtimer_pending(s->again, NULL))
		(void)evtimer_add(s->again, &now);
}

void
server_metrics(const struct server *s, struct metrics_text *t)
{
	channel_metrics(&s->host, t);
}
