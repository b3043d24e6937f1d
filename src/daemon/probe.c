/* SPDX-License-Identifier: ISC */
#include "daemon/probe.h"

#include <event2/event.h>
#include <stddef.h>
#include <string.h>

enum {
	BUSY = 20,  /* ms between looks where there is something to do … */
	IDLE = 1000 /* … and where there is not */
};

static bool
arm(struct probe *p, int64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	p->due = clock_deadline(p->clock, ms);
	return event_add(p->timer, &tv) == 0;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct probe *p = arg;
	uint64_t now = clock_now(p->clock);
	/* one turn is that in which the timer itself last fired */
	bool idle = p->turns <= p->seen + 1;

	(void)fd;
	(void)what;
	metrics_observe(&p->late, now > p->due ? now - p->due : 0);
	p->seen = p->turns;
	(void)arm(p, idle ? IDLE : BUSY); /* without memory the figures stand still */
}

bool
probe_init(struct probe *p, struct event_base *base, const struct clock *clock)
{
	memset(p, 0, sizeof(*p));
	p->clock = clock;
	p->timer = evtimer_new(base, on_timer, p);
	return p->timer != NULL && arm(p, IDLE);
}

void
probe_fini(struct probe *p)
{
	if (p->timer != NULL)
		event_free(p->timer);
	p->timer = NULL;
}
