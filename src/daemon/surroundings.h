/* SPDX-License-Identifier: ISC */
/* What the process has around the daemon: memory, descriptors, a folder, the loop. */
#ifndef DAEMON_SURROUNDINGS_H
#define DAEMON_SURROUNDINGS_H

struct event_base;
struct privilege;
struct rpc_config;

/* The C library may keep some of the memory that is freed. */
void surroundings_keep_memory(void);
/* As many descriptors as we may have; a warning where that fails. */
void surroundings_raise_descriptors(void);
/* Bounds the daemon's sockets, so that descriptors are left for all else. */
void surroundings_keep_descriptors(struct rpc_config *rpc);
/*
 * The folder of the system's socket, if socket lies there and it is missing: of the user
 * that root becomes, where privilege is not NULL.
 */
void surroundings_make_run_dir(const char *socket, const struct privilege *privilege);
/* The loop's; NULL without memory. */
struct event_base *surroundings_new_base(void);
/* For event_set_log_callback(). */
void surroundings_libevent_log(int severity, const char *text);

#endif
