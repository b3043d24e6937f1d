/* SPDX-License-Identifier: ISC */
/*
 * The options that live in struct tcp_settings, and active: setting and
 * getting them makes no system call.  Then what sockopt.c has from elsewhere.
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

/*
 * Is the value in gen_tcp's range, where its row does not tell?  Of what is out of it
 * listen says einval, and badarg of a wrong row: they are the driver's, not the type's.
 */
bool tcp_setting_fits(const struct option_value *v);

/* recbuf was set to number: raises buffer, unless that was set by itself. */
void tcp_setting_recbuf(struct tcp_settings *set, int64_t number);
/* What an accepted socket takes over from its listener. */
void tcp_setting_inherit(const struct tcp_socket *listener, struct tcp_socket *a);

/* sockopt.c: a kernel option of s was set, under whatever name. */
void tcp_sockopt_mark(struct tcp_socket *s, enum option_id id);
/* raw.c: 0, eacces (not a safe one), einval (its size, or the kernel says so). */
int tcp_raw_set(struct tcp_socket *s, const struct option_value *v);
/* pktoptions.c: 0, TCP_OMIT, or einval (a local socket). */
int tcp_pktoptions_get(const struct tcp_socket *s, struct option_value *v);

#endif
