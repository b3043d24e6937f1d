/* SPDX-License-Identifier: ISC */
/* The option raw, by the table of what is safe. */
#include "proto/raw.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tcp/settings.h"

int
tcp_raw_set(struct tcp_socket *s, const struct option_value *v)
{
	const struct raw_row *row = raw_find(v->u.raw.level, v->u.raw.name);

	if (row == NULL || row->set == RAW_NOT)
		return EACCES;
	if (v->u.raw.len == 0 || v->u.raw.len > row->size)
		return EINVAL;
	if (s->fd == -1)
		return 0;
	if (setsockopt(s->fd, row->level, row->name, v->u.raw.data,
		(socklen_t)v->u.raw.len) == -1)
		return EINVAL;
	/* what accept has to read and set is so under either name */
	for (unsigned id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *o = option_row((enum option_id)id);

		if (o->optname == row->name && o->level == row->level)
			tcp_sockopt_mark(s, o->id);
	}
	return 0;
}

int
tcp_getraw(struct tcp_socket *s, const struct option_value *ask,
    unsigned char value[TCP_RAW_MAX], size_t *len)
{
	const struct raw_row *row = raw_find(ask->u.raw.level, ask->u.raw.name);
	socklen_t size = TCP_RAW_MAX;

	if (tcp_is_gone(s))
		return EINVAL;
	if (row == NULL)
		return EACCES;
	memset(value, 0, TCP_RAW_MAX);
	memcpy(value, ask->u.raw.data, sizeof(ask->u.raw.data));
	if (ask->u.raw.len < TCP_RAW_MAX)
		size = (socklen_t)ask->u.raw.len;
	if (s->fd == -1 || getsockopt(s->fd, row->level, row->name, value, &size) == -1)
		return TCP_OMIT;
	*len = size < TCP_RAW_MAX ? size : TCP_RAW_MAX;
	return 0;
}
