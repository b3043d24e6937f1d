/* SPDX-License-Identifier: ISC */
#include "daemon/surroundings.h"

#include <errno.h>
#include <event2/event.h>
#include <malloc.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/config.h"
#include "daemon/privilege.h"

enum { MEMORY_KEPT = 1024 * 1024 /* bytes of freed memory, at the heap's end */ };

/*
 * Buffers of some 100 KiB come and go with every turn of a busy loop.  By default
 * the C library gives each back to the kernel, which clears its pages anew: half
 * of the time at 64 KiB a message.  It may keep this much instead.
 */
void
surroundings_keep_memory(void)
{
#ifdef __GLIBC__
	(void)mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
	(void)mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
#endif
}

/* Each socket is a descriptor: take as many as we may. */
void
surroundings_raise_descriptors(void)
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
void
surroundings_keep_descriptors(struct rpc_config *rpc)
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
void
surroundings_make_run_dir(const char *socket, const struct privilege *privilege)
{
	static const char dir[] = CONFIG_RUN_DIR;
	size_t len = sizeof(dir) - 1;

	if (geteuid() != 0 || strncmp(socket, dir, len) != 0 || socket[len] != '/')
		return;
	if (mkdir(dir, 0755) != 0)
		return; /* it is there, or server_new() will say what is wrong */
	if (chmod(dir, 0755) != 0 ||
	    (privilege != NULL && chown(dir, privilege->uid, privilege->gid) != 0))
		log_warning("daemon", "cannot set the mode or owner of %s: %s", dir,
		    strerror(errno));
}

void
surroundings_libevent_log(int severity, const char *text)
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
struct event_base *
surroundings_new_base(void)
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
