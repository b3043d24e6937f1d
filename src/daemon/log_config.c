/* SPDX-License-Identifier: ISC */
#include "daemon/log_config.h"

#include <string.h>

#include "base/log_target.h"
#include "daemon/config.h"

static enum log_target
target_of(const struct config_log *c, bool background)
{
	if (c->target != CONFIG_LOG_AUTO)
		return (enum log_target)c->target;
	return background ? LOG_TO_SYSLOG : log_target_guess();
}

static void
set_levels(const struct config_log *c)
{
	const char *name;

	for (size_t i = 0; (name = log_subsystem(i)) != NULL; i++)
		(void)log_set_level_of(name, c->levels[i]);
}

bool
log_config_begin(const struct config_log *c, bool background, char *why, size_t size)
{
	if (!log_open(target_of(c, background), c->path, why, size))
		return false;
	set_levels(c);
	return true;
}

bool
log_config_change(const struct config_log *now, const struct config_log *next,
    bool background, char *why, size_t size)
{
	bool stays = now->target == next->target &&
	    (now->path == next->path ||
		(now->path != NULL && next->path != NULL &&
		    strcmp(now->path, next->path) == 0));

	if (!stays)
		return log_config_begin(next, background, why, size);
	set_levels(next);
	return true;
}
