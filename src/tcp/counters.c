/* SPDX-License-Identifier: ISC */
/* inet:getstat's counters: semantics 1.12. */
#include <errno.h>
#include <string.h>

#include "tcp/tcp_socket.h"

static const char *const counter_names[TCP_COUNTERS] = {
    [TCP_RECV_OCT] = "recv_oct",
    [TCP_RECV_CNT] = "recv_cnt",
    [TCP_RECV_MAX] = "recv_max",
    [TCP_RECV_AVG] = "recv_avg",
    [TCP_RECV_DVI] = "recv_dvi",
    [TCP_SEND_OCT] = "send_oct",
    [TCP_SEND_CNT] = "send_cnt",
    [TCP_SEND_MAX] = "send_max",
    [TCP_SEND_AVG] = "send_avg",
    [TCP_SEND_PEND] = "send_pend",
};

const char *
tcp_counter_name(enum tcp_counter c)
{
	return counter_names[c];
}

enum tcp_counter
tcp_counter_find(const char *name)
{
	enum tcp_counter c;

	for (c = 0; c < TCP_COUNTERS; c++)
		if (strcmp(counter_names[c], name) == 0)
			break;
	return c;
}

/* Running means, as inet_drv.c keeps them: dvi is of the signed distance. */
static void
count(struct tcp_counts *t, size_t len)
{
	double size = (double)len, n;

	t->oct += len;
	n = (double)++t->cnt;
	if (len > t->max)
		t->max = len;
	t->avg += (size - t->avg) / n;
	t->dvi += ((size - t->avg) - t->dvi) / n;
}

void
tcp_count_received(struct tcp_socket *s, size_t len)
{
	tcp_trace(s, "in: %zu bytes", len);
	s->ctx->tally.in_bytes += len;
	s->ctx->tally.in_packets++;
	count(&s->received, len);
}

void
tcp_count_sent(struct tcp_socket *s, size_t len)
{
	tcp_trace(s, "out: %zu bytes", len);
	s->ctx->tally.out_bytes += len;
	s->ctx->tally.out_packets++;
	count(&s->sent, len);
}

int
tcp_getstat(const struct tcp_socket *s, uint64_t counter[TCP_COUNTERS])
{
	const struct tcp_counts *in = &s->received, *out = &s->sent;

	if (tcp_is_gone(s))
		return EINVAL;
	counter[TCP_RECV_OCT] = in->oct;
	counter[TCP_RECV_CNT] = in->cnt;
	counter[TCP_RECV_MAX] = in->max;
	counter[TCP_RECV_AVG] = (uint64_t)in->avg;
	counter[TCP_RECV_DVI] = (uint64_t)(in->dvi < 0 ? -in->dvi : in->dvi);
	counter[TCP_SEND_OCT] = out->oct;
	counter[TCP_SEND_CNT] = out->cnt;
	counter[TCP_SEND_MAX] = out->max;
	counter[TCP_SEND_AVG] = (uint64_t)out->avg;
	counter[TCP_SEND_PEND] = s->set.socket_backend ? 0 : bytes_len(&s->out);
	return 0;
}
