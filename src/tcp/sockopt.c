/* SPDX-License-Identifier: ISC */
/*
 * setopts, getopts, and what accept hands on.  User-space options are
 * settings.c's; the kernel's are here, by their rows in the option table.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/reason.h"
#include "tcp/settings.h"

/* Those whose failure gen_tcp tells even on a zombie (semantics 0). */
static const bool reported[OPTION_COUNT] = {
    [OPTION_PRIORITY] = true,
    [OPTION_TOS] = true,
    [OPTION_TCLASS] = true,
    [OPTION_TTL] = true,
    [OPTION_RECVTOS] = true,
    [OPTION_RECVTCLASS] = true,
    [OPTION_RECVTTL] = true,
    [OPTION_IPV6_V6ONLY] = true,
    [OPTION_BIND_TO_DEVICE] = true,
};

static bool
was_set(const struct tcp_socket *s, enum option_id id)
{
	return (s->kernel_set[id / 8] & 1U << id % 8) != 0;
}

void
tcp_sockopt_mark(struct tcp_socket *s, enum option_id id)
{
	s->kernel_set[id / 8] |= (unsigned char)(1U << id % 8);
}

static bool
on_family(const struct option_row *row, int family)
{
	switch (family) {
	case AF_INET:
		return (row->families & OPTION_ON_INET) != 0;
	case AF_INET6:
		return (row->families & OPTION_ON_INET6) != 0;
	default:
		return (row->families & OPTION_ON_LOCAL) != 0;
	}
}

/* gen_tcp tells every failure of the kernel as einval. */
static int
kernel_set(const struct tcp_socket *s, const struct option_row *row,
    const struct option_value *v)
{
	struct linger linger;
	const void *data = &linger;
	socklen_t len = sizeof(linger);
	int number;

	if (row->type == OPTION_T_DEVICE) {
		data = v->u.device.name;
		len = (socklen_t)v->u.device.len;
	} else if (row->type == OPTION_T_LINGER) {
		linger.l_onoff = v->u.linger.on;
		linger.l_linger = v->u.linger.seconds;
	} else {
		if (row->type == OPTION_T_BOOLEAN)
			number = v->u.on;
		else if (v->u.number < INT32_MIN || v->u.number > INT32_MAX)
			return EINVAL;
		else
			number = (int)v->u.number;
		data = &number;
		len = sizeof(number);
	}
	return setsockopt(s->fd, row->level, row->optname, data, len) == 0 ? 0 : EINVAL;
}

/* The kernel counts the NUL; where no device is bound it gives nothing at all. */
static int
get_device(
    const struct tcp_socket *s, const struct option_row *row, struct option_value *v)
{
	socklen_t len = sizeof(v->u.device.name);

	memset(&v->u.device, 0, sizeof(v->u.device));
	if (getsockopt(s->fd, row->level, row->optname, v->u.device.name, &len) == -1)
		return TCP_OMIT;
	v->u.device.len = strnlen(v->u.device.name, OPTION_DEVICE_MAX);
	return 0;
}

static int
kernel_get(
    const struct tcp_socket *s, const struct option_row *row, struct option_value *v)
{
	struct linger linger = {0, 0};
	int number = 0;
	bool lingers = row->type == OPTION_T_LINGER;
	socklen_t len = lingers ? sizeof(linger) : sizeof(number);

	if (row->type == OPTION_T_DEVICE)
		return get_device(s, row, v);
	if (getsockopt(s->fd, row->level, row->optname,
		lingers ? (void *)&linger : (void *)&number, &len) == -1)
		return TCP_OMIT;
	if (lingers) {
		v->u.linger.on = linger.l_onoff != 0;
		v->u.linger.seconds = linger.l_linger;
	} else if (row->type == OPTION_T_BOOLEAN)
		v->u.on = number != 0;
	else
		v->u.number = number;
	return 0;
}

static int
apply_kernel(
    struct tcp_socket *s, const struct option_row *row, const struct option_value *v)
{
	int reason;

	if (v->id == OPTION_NODELAY && s->family == AF_LOCAL)
		return 0;
	if (s->fd == -1)
		return reported[v->id] ? EINVAL : 0;
	if (!on_family(row, s->family))
		return EINVAL;
	reason = kernel_set(s, row, v);
	if (reason == 0)
		tcp_sockopt_mark(s, v->id);
	return reason;
}

/* Where it counts, the socket is made by it: open.c.  Here it is only remembered. */
static int
set_netns(struct tcp_socket *s, const struct option_value *v)
{
	char *copy = strdup(v->u.path.name);

	if (copy == NULL)
		return ENOMEM;
	free(s->netns);
	s->netns = copy;
	return 0;
}

static int
get_netns(const struct tcp_socket *s, struct option_value *v)
{
	if (s->netns == NULL)
		return TCP_OMIT;
	v->u.path.len = strlen(s->netns);
	memcpy(v->u.path.name, s->netns, v->u.path.len + 1);
	return 0;
}

static int
apply(struct tcp_socket *s, const struct option_value *v)
{
	const struct option_row *row = option_row(v->id);
	int reason;

	if (tcp_setting_has(v->id))
		return tcp_setting_set(s, v);
	if (v->id == OPTION_NETNS)
		return set_netns(s, v);
	if (v->id == OPTION_RAW)
		return tcp_raw_set(s, v);
	/* of creation, which is over, or exclusiveaddruse, which is nothing here */
	if (row->optname == 0)
		return 0;
	reason = apply_kernel(s, row, v);
	if (reason == 0 && v->id == OPTION_RECBUF)
		tcp_setting_recbuf(&s->set, v->u.number);
	return reason;
}

int
tcp_sockopt_apply(struct tcp_socket *s, const struct option_value *v)
{
	int reason = apply(s, v);

	tcp_trace(s, "option %s: %s", option_row(v->id)->name,
	    reason == 0 ? "ok" : reason_name(reason));
	return reason;
}

/* The first that is out of its range: then nothing is applied (semantics 8.2). */
static const struct option_row *
out_of_range(const struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!tcp_setting_fits(&list->items[i]))
			return option_row(list->items[i].id);
	return NULL;
}

/* One of a list; *touched: it may have set something free. */
static int
set_one(struct tcp_socket *s, const struct option_value *v, bool *touched)
{
	int reason;

	if ((option_row(v->id)->when & OPTION_AT_SET) == 0)
		return EINVAL;
	reason = tcp_sockopt_apply(s, v);
	if (reason != 0 || (v->id != OPTION_ACTIVE && v->id != OPTION_PACKET))
		return reason;
	*touched = true;
	if (v->id == OPTION_PACKET)
		return 0;
	/* gen_tcp tells these at once, whatever the list says next */
	if (s->state == TCP_ZOMBIE && s->active.mode != OPTION_ACTIVE_FALSE)
		tcp_reader_woken(s);
	(void)tcp_notice_tell(s, NOTICE_PASSIVE);
	return 0;
}

int
tcp_setopts(struct tcp_socket *s, const struct option_list *list,
    const struct option_row **failed)
{
	enum option_active before = s->active.mode;
	bool touched = false;
	int reason = 0;

	*failed = NULL;
	tcp_gather_flush(s);
	if (tcp_is_gone(s))
		return EINVAL;
	*failed = out_of_range(list);
	if (*failed != NULL)
		return EINVAL;
	for (size_t i = 0; i < list->count && reason == 0 && !tcp_is_gone(s); i++) {
		reason = set_one(s, &list->items[i], &touched);
		if (reason != 0)
			*failed = option_row(list->items[i].id);
	}
	if (touched) {
		tcp_reader_activated(s, before);
		tcp_reader_deliver(s);
	}
	return reason;
}

int
tcp_getopt(struct tcp_socket *s, enum option_id id, struct option_value *v)
{
	const struct option_row *row = option_row(id);

	v->id = id;
	if (tcp_is_gone(s) || (row->when & OPTION_AT_GET) == 0)
		return EINVAL;
	if (tcp_setting_has(id)) {
		tcp_setting_get(s, v);
		return 0;
	}
	if (id == OPTION_NETNS)
		return get_netns(s, v);
	if (id == OPTION_PKTOPTIONS)
		return tcp_pktoptions_get(s, v);
	if (s->fd == -1 || row->optname == 0 || !on_family(row, s->family))
		return TCP_OMIT;
	return kernel_get(s, row, v);
}

static int
hand_on(const struct tcp_socket *listener, struct tcp_socket *a, enum option_id id,
    const struct option_row **failed)
{
	const struct option_row *row = option_row(id);
	struct option_value v = {.id = id};
	int reason;

	if (kernel_get(listener, row, &v) != 0)
		return 0;
	reason = apply_kernel(a, row, &v);
	if (reason != 0)
		*failed = row;
	return reason;
}

/*
 * An option that nobody set on the listener is at its default on both, so most
 * listeners cost an accept no call at all; what is known of a passed one is
 * nothing, so it is all read.  Priority comes last because tos changes it.
 */
int
tcp_sockopt_inherit(const struct tcp_socket *listener, struct tcp_socket *a,
    const struct option_row **failed)
{
	bool all = listener->passed;
	const struct option_row *row;
	int reason;

	*failed = NULL;
	tcp_setting_inherit(listener, a);
	for (unsigned id = 0; id < OPTION_COUNT; id++) {
		row = option_row((enum option_id)id);
		if (!(all || was_set(listener, row->id)) ||
		    row->inherit != OPTION_READ_AND_SET || id == OPTION_PRIORITY ||
		    !on_family(row, a->family))
			continue;
		reason = hand_on(listener, a, (enum option_id)id, failed);
		if (reason != 0)
			return reason;
	}
	if (!all && !was_set(listener, OPTION_PRIORITY) && !was_set(listener, OPTION_TOS))
		return 0;
	return hand_on(listener, a, OPTION_PRIORITY, failed);
}
