/* SPDX-License-Identifier: ISC */
/*
 * The options that live in struct tcp_settings, and active: setting and
 * getting them makes no system call.
 */
#ifndef TCP_SETTINGS_H
#define TCP_SETTINGS_H

#include "tcp/tcp_socket.h"

/* Is id one of them? */
bool tcp_setting_has(enum option_id id);
/*
 * 0, or EINVAL.  An active mode is stored, and a tcp_passive that it brings is
 * noticed; the caller delivers.
 */
int tcp_setting_set(struct tcp_socket *s, const struct option_value *v);
void tcp_setting_get(const struct tcp_socket *s, struct option_value *v);

/* recbuf was set to number: raises buffer, unless that was set by itself. */
void tcp_setting_recbuf(struct tcp_settings *set, int64_t number);
/* What an accepted socket takes over from its listener. */
void tcp_setting_inherit(const struct tcp_socket *listener, struct tcp_socket *a);

#endif
