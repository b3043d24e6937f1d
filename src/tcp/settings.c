/* SPDX-License-Identifier: ISC */
#include "tcp/settings.h"

#include <errno.h>
#include <string.h>

enum {
	BUFFER = 1460,	       /* gen_tcp's; what reads really use: semantics 8.15 */
	HIGH_WATERMARK = 8192, /* and of msgq the same */
	LOW_WATERMARK = 4096
};

struct hook {
	/* 0, or EINVAL */
	int (*set)(struct tcp_socket *s, const struct option_value *v);
	void (*get)(const struct tcp_socket *s, struct option_value *v);
	size_t at; /* for the plain ones: the member's place in tcp_settings */
};

static const struct hook hooks[OPTION_COUNT];

void
tcp_settings_init(struct tcp_settings *set, const struct tcp_config *config)
{
	memset(set, 0, sizeof(*set));
	set->packet = packet_type(PACKET_RAW);
	set->framing.buffer = BUFFER;
	set->framing.max_packet = config->max_packet;
	set->framing.delimiter = '\n';
	set->exit_on_close = true;
	set->send_timeout = CLOCK_NEVER;
	set->socket_backend = config->socket_backend;
	set->high_watermark = HIGH_WATERMARK;
	set->low_watermark = LOW_WATERMARK;
	set->high_msgq = HIGH_WATERMARK;
	set->low_msgq = LOW_WATERMARK;
}

/* --- plain members -------------------------------------------------------- */

static void *
member(struct tcp_socket *s, enum option_id id)
{
	return (char *)&s->set + hooks[id].at;
}

static const void *
member_const(const struct tcp_socket *s, enum option_id id)
{
	return (const char *)&s->set + hooks[id].at;
}

static int
set_bool(struct tcp_socket *s, const struct option_value *v)
{
	*(bool *)member(s, v->id) = v->u.on;
	return 0;
}

static void
get_bool(const struct tcp_socket *s, struct option_value *v)
{
	v->u.on = *(const bool *)member_const(s, v->id);
}

static void
get_size(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = (int64_t) * (const size_t *)member_const(s, v->id);
}

/* --- those with a meaning of their own -------------------------------------- */

static int
set_active(struct tcp_socket *s, const struct option_value *v)
{
	switch (active_set(&s->active, v->u.active.mode, v->u.active.n)) {
	case ACTIVE_PASSIVE:
		s->notices |= NOTICE_PASSIVE;
		break;
	case ACTIVE_RANGE:
		return EINVAL;
	case ACTIVE_OK:
		break;
	}
	return 0;
}

static void
get_active(const struct tcp_socket *s, struct option_value *v)
{
	v->u.active.mode = s->active.mode;
	v->u.active.n = s->active.count;
}

static int
set_mode(struct tcp_socket *s, const struct option_value *v)
{
	s->set.list = v->u.number == OPTION_MODE_LIST;
	return 0;
}

static void
get_mode(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = s->set.list ? OPTION_MODE_LIST : OPTION_MODE_BINARY;
}

static int
set_deliver(struct tcp_socket *s, const struct option_value *v)
{
	s->set.deliver_port = v->u.number == OPTION_DELIVER_PORT;
	return 0;
}

static void
get_deliver(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = s->set.deliver_port ? OPTION_DELIVER_PORT : OPTION_DELIVER_TERM;
}

/* What the old decoder remembers of the bytes means nothing to the new one. */
static int
set_packet(struct tcp_socket *s, const struct option_value *v)
{
	if (v->u.number < 0 || v->u.number >= PACKET_COUNT)
		return EINVAL;
	s->set.packet = packet_type((enum packet_id)v->u.number);
	packet_restart(&s->packet_state);
	return 0;
}

static void
get_packet(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = s->set.packet->id;
}

static int
set_inet_backend(struct tcp_socket *s, const struct option_value *v)
{
	s->set.socket_backend = v->u.number == OPTION_BACKEND_SOCKET;
	return 0;
}

static void
get_inet_backend(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = s->set.socket_backend ? OPTION_BACKEND_SOCKET : OPTION_BACKEND_INET;
}

static int
set_packet_size(struct tcp_socket *s, const struct option_value *v)
{
	if (v->u.number < 0)
		return EINVAL;
	s->set.framing.packet_size = (size_t)v->u.number;
	return 0;
}

static int
set_line_delimiter(struct tcp_socket *s, const struct option_value *v)
{
	s->set.framing.delimiter = (unsigned char)v->u.number;
	packet_restart(&s->packet_state);
	return 0;
}

static void
get_line_delimiter(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = s->set.framing.delimiter;
}

static int
set_header(struct tcp_socket *s, const struct option_value *v)
{
	if (v->u.number < 0)
		return EINVAL;
	s->set.header = (unsigned)v->u.number;
	return 0;
}

static void
get_header(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = s->set.header;
}

static int
set_buffer(struct tcp_socket *s, const struct option_value *v)
{
	s->set.framing.buffer = v->u.number < 1 ? 1 : (size_t)v->u.number;
	s->set.buffer_set = true;
	s->set.buffer_explicit = true;
	return 0;
}

static int
set_send_timeout(struct tcp_socket *s, const struct option_value *v)
{
	s->set.send_timeout = v->u.number < 0 ? CLOCK_NEVER : v->u.number;
	return 0;
}

static void
get_send_timeout(const struct tcp_socket *s, struct option_value *v)
{
	v->u.number = s->set.send_timeout < 0 ? OPTION_INFINITY : s->set.send_timeout;
}

/* High is never below low: the one that is set pushes the other. */
static int
set_high_watermark(struct tcp_socket *s, const struct option_value *v)
{
	s->set.high_watermark = v->u.number < 0 ? 0 : (size_t)v->u.number;
	if (s->set.low_watermark > s->set.high_watermark)
		s->set.low_watermark = s->set.high_watermark;
	return 0;
}

static int
set_low_watermark(struct tcp_socket *s, const struct option_value *v)
{
	s->set.low_watermark = v->u.number < 0 ? 0 : (size_t)v->u.number;
	if (s->set.high_watermark < s->set.low_watermark)
		s->set.high_watermark = s->set.low_watermark;
	return 0;
}

/* What waits already is above or below them at once. */
static int
judge_msgq(struct tcp_socket *s)
{
	if (s->msgq >= s->set.high_msgq)
		s->msgq_busy = true;
	else if (s->msgq <= s->set.low_msgq)
		s->msgq_busy = false;
	return 0;
}

static int
set_high_msgq(struct tcp_socket *s, const struct option_value *v)
{
	if (!tcp_setting_fits(v))
		return EINVAL;
	s->set.high_msgq = (size_t)v->u.number;
	if (s->set.low_msgq > s->set.high_msgq)
		s->set.low_msgq = s->set.high_msgq;
	return judge_msgq(s);
}

static int
set_low_msgq(struct tcp_socket *s, const struct option_value *v)
{
	if (!tcp_setting_fits(v))
		return EINVAL;
	s->set.low_msgq = (size_t)v->u.number;
	if (s->set.high_msgq < s->set.low_msgq)
		s->set.high_msgq = s->set.low_msgq;
	return judge_msgq(s);
}

#define AT(member) offsetof(struct tcp_settings, member)
#define BOOL(member) \
	{ \
		set_bool, get_bool, AT(member) \
	}

static const struct hook hooks[OPTION_COUNT] = {
    [OPTION_ACTIVE] = {set_active, get_active, 0},
    [OPTION_MODE] = {set_mode, get_mode, 0},
    [OPTION_PACKET] = {set_packet, get_packet, 0},
    [OPTION_PACKET_SIZE] = {set_packet_size, get_size, AT(framing.packet_size)},
    [OPTION_LINE_DELIMITER] = {set_line_delimiter, get_line_delimiter, 0},
    [OPTION_HEADER] = {set_header, get_header, 0},
    [OPTION_DELIVER] = {set_deliver, get_deliver, 0},
    [OPTION_BUFFER] = {set_buffer, get_size, AT(framing.buffer)},
    [OPTION_EXIT_ON_CLOSE] = BOOL(exit_on_close),
    [OPTION_INET_BACKEND] = {set_inet_backend, get_inet_backend, 0},
    [OPTION_SEND_TIMEOUT] = {set_send_timeout, get_send_timeout, 0},
    [OPTION_SEND_TIMEOUT_CLOSE] = BOOL(send_timeout_close),
    [OPTION_DELAY_SEND] = BOOL(delay_send),
    [OPTION_HIGH_WATERMARK] = {set_high_watermark, get_size, AT(high_watermark)},
    [OPTION_LOW_WATERMARK] = {set_low_watermark, get_size, AT(low_watermark)},
    [OPTION_SHOW_ECONNRESET] = BOOL(show_econnreset),
    [OPTION_HIGH_MSGQ_WATERMARK] = {set_high_msgq, get_size, AT(high_msgq)},
    [OPTION_LOW_MSGQ_WATERMARK] = {set_low_msgq, get_size, AT(low_msgq)},
    [OPTION_DEBUG] = BOOL(debug),
};

bool
tcp_setting_has(enum option_id id)
{
	return hooks[id].set != NULL;
}

int
tcp_setting_set(struct tcp_socket *s, const struct option_value *v)
{
	return hooks[v->id].set(s, v);
}

void
tcp_setting_get(const struct tcp_socket *s, struct option_value *v)
{
	hooks[v->id].get(s, v);
}

bool
tcp_setting_fits(const struct option_value *v)
{
	if (v->id != OPTION_HIGH_MSGQ_WATERMARK && v->id != OPTION_LOW_MSGQ_WATERMARK)
		return true;
	return v->u.number >= 1;
}

void
tcp_setting_recbuf(struct tcp_settings *set, int64_t number)
{
	if (set->buffer_explicit)
		return;
	set->buffer_set = true;
	if (number > 0 && (uint64_t)number > set->framing.buffer)
		set->framing.buffer = (size_t)number;
}

void
tcp_setting_inherit(const struct tcp_socket *listener, struct tcp_socket *a)
{
	a->set = listener->set;
	a->set.framing.delimiter = '\n';
	a->set.buffer_explicit = false;
	a->set.debug = false;
	a->active = listener->active;
}
