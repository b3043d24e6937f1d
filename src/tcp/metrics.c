/* SPDX-License-Identifier: ISC */
/* The metrics of sockets.  What is of a moment is looked up when it is asked for. */
#include "base/metrics.h"

#include "tcp/resolver.h"
#include "tcp/tcp_socket.h"
#include "tcp/worker.h"

/* Sums over the sockets that live. */
struct sums {
	uint64_t state[TCP_GONE];
	uint64_t held, input, output;
};

static void
put_states(const struct sums *sums, struct metrics_text *t)
{
	static const char *const names[] = {
	    [TCP_OPEN] = "open",
	    [TCP_CONNECTING] = "connecting",
	    [TCP_CONNECTED] = "connected",
	    [TCP_LISTENING] = "listening",
	    [TCP_ZOMBIE] = "zombie",
	    [TCP_TOLD] = "ended",
	    [TCP_CLOSING] = "closing",
	};

	metrics_family(t, METRICS_GAUGE, "gentcp_sockets",
	    "TCP sockets by state; zombie: the peer has gone, its owner has yet to close "
	    "it; ended: its owner has yet to be told.");
	for (size_t i = 0; i < TCP_GONE; i++)
		metrics_sample(t, "state", names[i], sums->state[i]);
}

static void
put_traffic(const struct tcp_tally *n, struct metrics_text *t)
{
	metrics_single(t, METRICS_COUNTER, "gentcp_connections",
	    "Connections that were made: connected, accepted or adopted.",
	    n->connections);
	metrics_single(t, METRICS_COUNTER, "gentcp_listeners",
	    "Listeners that were opened.", n->listeners);
	metrics_single(t, METRICS_COUNTER, "gentcp_received_bytes",
	    "Bytes of the packets that peers sent.", n->in_bytes);
	metrics_single(t, METRICS_COUNTER, "gentcp_received_packets",
	    "Packets that peers sent.", n->in_packets);
	metrics_single(t, METRICS_COUNTER, "gentcp_sent_bytes",
	    "Bytes of the packets that were taken to be sent to peers, without those of "
	    "file.sendfile.",
	    n->out_bytes);
	metrics_single(t, METRICS_COUNTER, "gentcp_sent_packets",
	    "Packets that were taken to be sent to peers.", n->out_packets);
	metrics_single(t, METRICS_COUNTER, "gentcp_sent_file_bytes",
	    "Bytes that file.sendfile sent to peers.", n->file_bytes);
}

static void
put_queues(const struct sums *sums, const struct tcp_tally *n, struct metrics_text *t)
{
	metrics_family(t, METRICS_GAUGE, "gentcp_socket_queue_bytes",
	    "Bytes in the queues of sockets: received and not yet told, or not yet sent.");
	metrics_sample(t, "queue", "input", sums->input);
	metrics_sample(t, "queue", "output", sums->output);
	metrics_single(t, METRICS_GAUGE, "gentcp_sockets_held",
	    "Sockets that are held back, as their client does not read.", sums->held);
	metrics_single(t, METRICS_COUNTER, "gentcp_socket_holds",
	    "How often a socket was held back.", n->holds);
}

static void
put_threads(const struct tcp_context *ctx, struct metrics_text *t)
{
	size_t waiting[2], running[2];

	resolver_count(ctx->resolver, &waiting[0], &running[0]);
	workers_count(ctx->files, &waiting[1], &running[1]);
	metrics_family(t, METRICS_GAUGE, "gentcp_jobs_waiting",
	    "Names to be looked up, or pieces of files to be sent, that wait for a thread.");
	metrics_sample(t, "threads", "resolvers", waiting[0]);
	metrics_sample(t, "threads", "file_threads", waiting[1]);
	metrics_family(t, METRICS_GAUGE, "gentcp_jobs_running",
	    "Threads that look a name up, or send a piece of a file.");
	metrics_sample(t, "threads", "resolvers", running[0]);
	metrics_sample(t, "threads", "file_threads", running[1]);
}

void
tcp_metrics(const struct tcp_context *ctx, struct metrics_text *t)
{
	const struct tcp_socket *s;
	struct sums sums = {0};

	TAILQ_FOREACH (s, &ctx->sockets, link) {
		if (s->state < TCP_GONE)
			sums.state[s->state]++;
		sums.held += s->held || s->recv_held;
		sums.input += bytes_len(&s->in);
		sums.output += bytes_len(&s->out) + bytes_len(&s->gathered) + s->msgq;
	}
	put_states(&sums, t);
	put_traffic(&ctx->tally, t);
	put_queues(&sums, &ctx->tally, t);
	put_threads(ctx, t);
}
