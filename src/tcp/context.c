/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "proto/reason.h"
#include "tcp/resolver.h"
#include "tcp/tcp_socket.h"
#include "tcp/worker.h"

enum { FILES_MAX = 65536 }; /* that wait for a thread: each has a socket */

const struct tcp_config tcp_config_default = {
    .max_packet = (size_t)64 * 1024 * 1024,
    .close_timeout = 180000,
    .resolvers = 4,
    .resolve_timeout = 30000,
    .file_threads = 4,
};

struct tcp_context *
tcp_new(struct event_base *base, const struct clock *clock,
    const struct tcp_config *config, const struct tcp_observer *observer,
    void *observer_ctx)
{
	struct tcp_context *ctx = calloc(1, sizeof(*ctx));

	if (ctx == NULL)
		return NULL;
	ctx->resolver = resolver_new(
	    base, clock, config->resolvers, config->resolve_timeout, resolver_system);
	ctx->files = workers_new(base, config->file_threads, FILES_MAX, FILES_MAX);
	if (ctx->resolver == NULL || ctx->files == NULL) {
		resolver_free(ctx->resolver);
		workers_free(ctx->files);
		free(ctx);
		return NULL;
	}
	ctx->base = base;
	ctx->clock = clock;
	ctx->config = *config;
	ctx->observer = observer;
	ctx->observer_ctx = observer_ctx;
	TAILQ_INIT(&ctx->sockets);
	TAILQ_INIT(&ctx->ended);
	TAILQ_INIT(&ctx->connectors);
	TAILQ_INIT(&ctx->lookups);
	TAILQ_INIT(&ctx->gathered);
	bytes_init(&ctx->spare);
	return ctx;
}

/* Requests that still wait get closed: their memory is their callers'. */
void
tcp_reconfigure(struct tcp_context *ctx, const struct tcp_config *config)
{
	unsigned resolvers = ctx->config.resolvers;
	unsigned file_threads = ctx->config.file_threads;

	ctx->config = *config;
	ctx->config.resolvers = resolvers;
	ctx->config.file_threads = file_threads;
}

void
tcp_free(struct tcp_context *ctx)
{
	struct tcp_socket *s;

	if (ctx == NULL)
		return;
	tcp_connector_end_all(ctx);
	tcp_lookup_end_all(ctx);
	while ((s = TAILQ_FIRST(&ctx->sockets)) != NULL)
		tcp_socket_end(s, REASON_CLOSED, false);
	tcp_reap(ctx);
	resolver_free(ctx->resolver);
	workers_free(ctx->files);
	bytes_fini(&ctx->spare);
	free(ctx);
}

bool
tcp_idle(const struct tcp_context *ctx)
{
	const struct tcp_socket *s;

	TAILQ_FOREACH (s, &ctx->sockets, link)
		if (bytes_len(&s->out) > 0 || s->file != NULL)
			return false;
	return true;
}

void
tcp_reap(struct tcp_context *ctx)
{
	struct tcp_socket *s;

	while ((s = TAILQ_FIRST(&ctx->ended)) != NULL) {
		TAILQ_REMOVE(&ctx->ended, s, link);
		tcp_socket_free(s);
	}
}
