/* SPDX-License-Identifier: ISC */
/* The metrics of connections. */
#include "base/metrics.h"

#include "control/channel_private.h"

void
channel_metrics(const struct channel_host *host, struct metrics_text *t)
{
	uint64_t count = 0, full = 0, queued = 0;
	const struct channel *ch;

	TAILQ_FOREACH (ch, &host->all, link) {
		count++;
		full += ch->full;
		queued += bytes_len(&ch->out);
	}
	metrics_single(t, METRICS_GAUGE, "gentcp_client_connections",
	    "Connections of clients to the control socket.", count);
	metrics_single(t, METRICS_GAUGE, "gentcp_client_connections_full",
	    "Connections whose client does not read: beyond queue_high.", full);
	metrics_single(t, METRICS_GAUGE, "gentcp_client_queue_bytes",
	    "Bytes that clients have yet to read.", queued);
	metrics_single(t, METRICS_COUNTER, "gentcp_client_connections_opened",
	    "Connections that clients made.", host->opened);
	metrics_single(t, METRICS_COUNTER, "gentcp_client_connections_refused",
	    "Connections of clients that were refused.", host->refused);
	metrics_single(t, METRICS_COUNTER, "gentcp_client_accept_errors",
	    "How often no connection could be accepted, as for want of descriptors.",
	    host->accept_errors);
}
