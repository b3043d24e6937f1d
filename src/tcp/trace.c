/* SPDX-License-Identifier: ISC */
/* What a socket with the option debug does, told to the log. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "tcp/tcp_socket.h"

enum { LINES = 1000, WINDOW_MS = 1000, TEXT_MAX = 160 };

/* May one more line be written now? */
static bool
affords(struct tcp_context *ctx)
{
	struct trace_budget *b = &ctx->trace;
	uint64_t now = clock_now(ctx->clock);

	if (now >= b->until) {
		if (b->held > 0)
			log_debug(
			    "tcp", "%" PRIu64 " lines of debug were left out", b->held);
		*b = (struct trace_budget){.until = now + WINDOW_MS};
	}
	if (b->lines == LINES) {
		b->held++;
		return false;
	}
	b->lines++;
	return true;
}

void
tcp_trace_write(struct tcp_socket *s, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list ap;

	if (log_level_of("tcp") < LOG_L_DEBUG || !affords(s->ctx))
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (s->id != 0)
		log_debug("tcp", "socket %" PRIu64 ": %s", s->id, text);
	else
		log_debug("tcp", "new socket, descriptor %d: %s", s->fd, text);
}

void
tcp_set_id(struct tcp_socket *s, uint64_t id)
{
	s->id = id;
	tcp_trace(s, "is known to clients, descriptor %d", s->fd);
}
