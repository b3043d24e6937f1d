/* SPDX-License-Identifier: ISC */
/*
 * A loop, a context and an observer that writes down what it hears: what the
 * tests of src/tcp that open sockets start from.
 */
#ifndef TESTS_UNIT_TCP_WORLD_H
#define TESTS_UNIT_TCP_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/bytes.h"
#include "tcp/tcp_socket.h"

enum { WORLD_DEADLINE = 5000 /* ms: what has not happened by then, fails */ };

struct world {
	struct event_base *base;
	struct tcp_context *ctx;
	struct account account;
	unsigned passive, errors, closed, gone;
	struct bytes data; /* all that came as events */
};

void world_open(struct world *w);
void world_close(struct world *w);
/* Waits until a thread has closed fd. */
void world_closed(int fd);
/* Runs the loop until *what; fails the test if that takes too long. */
void world_until(struct world *w, const bool *what);
/* Runs the loop until *count has reached n. */
void world_count(struct world *w, const unsigned *count, unsigned n);
/* One turn of the loop that does not wait. */
void world_turn(struct world *w);

/* A request that writes its outcome down. */
struct call {
	struct tcp_request r;
	bool done;
	struct tcp_outcome o;
	struct world *world;
	bool adopt;   /* the new socket, within done(), as accept's caller has to */
	bool abandon; /* it, within done() */
};

void call_init(struct call *call, struct world *w);

/* Appends an option. */
void put_bool(struct option_list *list, enum option_id id, bool on);
void put_number(struct option_list *list, enum option_id id, int64_t number);
void put_active(struct option_list *list, enum option_active mode, int n);
/* ip or ifaddr: numeric text, or NULL for any. */
void put_address(struct option_list *list, enum option_id id, const char *text);
void put_local(struct option_list *list, enum option_id id, const void *name, size_t len);

struct tcp_open world_opening(struct world *w, const struct option_list *list);
/* A listener on 127.0.0.1 with the options, and its port. */
struct tcp_socket *world_listen(
    struct world *w, const struct option_list *list, uint16_t *port);
/* A plain, blocking client socket that is connected to the port. */
int world_client(uint16_t port);
/* Has this machine IPv6 on its loopback? */
bool world_has_inet6(void);
/* Accepts one connection. */
struct tcp_socket *world_accept(struct world *w, struct tcp_socket *listener);

#endif
