/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log_target.h"

enum { TEXT_MAX = 1024, GATE_MS = 1000 };

static const char *const names[LOG_L_COUNT] = {"error", "warning", "info", "debug"};

/* The last one stands for every name that has no row. */
static const char *const subsystems[] = {"access", "config", "control", "daemon",
    "libevent", "metrics", "rpc", "tcp", "other"};

enum { SUBSYSTEMS = sizeof(subsystems) / sizeof(subsystems[0]) };

/* How much less than LOG_L_INFO or more: zero is what a static one begins with. */
static _Atomic int levels[SUBSYSTEMS];
static _Atomic uint64_t lost, untold;

const char *
log_level_name(enum log_level level)
{
	return names[level];
}

enum log_level
log_level_find(const char *name)
{
	unsigned i;

	for (i = 0; i < LOG_L_COUNT; i++)
		if (strcmp(names[i], name) == 0)
			break;
	return (enum log_level)i;
}

const char *
log_subsystem(size_t i)
{
	return i < SUBSYSTEMS ? subsystems[i] : NULL;
}

static size_t
find(const char *subsystem)
{
	size_t i = 0;

	while (i < SUBSYSTEMS - 1 && strcmp(subsystems[i], subsystem) != 0)
		i++;
	return i;
}

enum log_level
log_level_of(const char *subsystem)
{
	return (enum log_level)(levels[find(subsystem)] + LOG_L_INFO);
}

void
log_set_level(enum log_level level)
{
	for (size_t i = 0; i < SUBSYSTEMS; i++)
		levels[i] = (int)level - LOG_L_INFO;
}

bool
log_set_level_of(const char *subsystem, enum log_level level)
{
	size_t i = find(subsystem);

	if (strcmp(subsystems[i], subsystem) != 0)
		return false;
	levels[i] = (int)level - LOG_L_INFO;
	return true;
}

uint64_t
log_lost(void)
{
	return lost;
}

void
log_lose(uint64_t lines)
{
	lost += lines;
	untold += lines;
}

uint64_t
log_take_untold(void)
{
	return atomic_exchange(&untold, 0);
}

void
log_give_untold(uint64_t lines)
{
	untold += lines;
}

void
log_write(enum log_level level, const char *subsystem, const char *format, ...)
{
	char text[TEXT_MAX];
	int saved = errno, n;
	va_list ap;

	if (level > log_level_of(subsystem))
		return;
	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n >= sizeof(text)) /* say that it was cut */
		memcpy(text + sizeof(text) - 4, "...", 4);
	if (n < 0 || !log_target_put(level, subsystem, text))
		log_lose(1);
	errno = saved;
}

int
log_gate_pass(struct log_gate *gate, uint64_t now, uint64_t *held)
{
	if (now < gate->next) {
		gate->held++;
		return 0;
	}
	gate->next = now + GATE_MS;
	*held = gate->held;
	gate->held = 0;
	return 1;
}
