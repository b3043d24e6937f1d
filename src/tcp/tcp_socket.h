/* SPDX-License-Identifier: ISC */
/*
 * What a socket is made of.  For src/tcp only.
 */
#ifndef TCP_TCP_SOCKET_H
#define TCP_TCP_SOCKET_H

#include "packet/packet.h"
#include "tcp/tcp.h"

/* --- the context ------------------------------------------------------- */

struct resolver;

TAILQ_HEAD(tcp_socket_list, tcp_socket);
TAILQ_HEAD(tcp_request_list, tcp_request);

struct tcp_context {
	struct event_base *base;
	const struct clock *clock;
	struct tcp_config config;
	const struct tcp_observer *observer;
	void *observer_ctx;
	struct tcp_socket_list sockets; /* all that live */
	struct tcp_socket_list ended;	/* freed by tcp_reap() */
	struct resolver *resolver;
	/*
	 * Lent to a socket without an input buffer while it reads, so that an
	 * idle socket holds none: see reader.c.
	 */
	struct bytes spare;
};

/* --- states (state.c) --------------------------------------------------- */

enum tcp_state {
	TCP_OPEN, /* made, perhaps bound */
	TCP_CONNECTING,
	TCP_CONNECTED,
	TCP_LISTENING,
	TCP_ZOMBIE,  /* descriptor closed, handle still there */
	TCP_TOLD,    /* ended; notices (tcp_closed …) wait for room */
	TCP_CLOSING, /* as gone to callers; output is being flushed */
	TCP_GONE
};

/* Is the move from one state to another legal? */
bool tcp_state_legal(enum tcp_state from, enum tcp_state to);
/* The one door: moves s, and asserts that the move is legal. */
void tcp_state_move(struct tcp_socket *s, enum tcp_state to);

/* --- active mode (active.c): pure arithmetic ----------------------------- */

struct active {
	enum option_active mode;
	int count; /* for OPTION_ACTIVE_N: 1..32767 */
};

enum active_result { ACTIVE_OK, ACTIVE_PASSIVE /* tell tcp_passive */, ACTIVE_RANGE };

/* setopts {active, …}. */
enum active_result active_set(struct active *a, enum option_active mode, int n);
/* One message was delivered.  True: the count ran out, tell tcp_passive. */
bool active_spend(struct active *a);

/* --- options ------------------------------------------------------------- */

/* gen_tcp's user-space options, copied as a whole at accept. */
struct tcp_settings {
	const struct packet_type *packet;
	struct packet_settings framing; /* packet_size, buffer, delimiter */
	bool buffer_set;		/* by buffer or recbuf */
	bool buffer_explicit;		/* by buffer itself */
	bool list;			/* mode */
	unsigned header;
	bool exit_on_close;
	bool show_econnreset;
	bool delay_send;
	bool send_timeout_close;
	int64_t send_timeout; /* ms or CLOCK_NEVER */
	size_t high_watermark, low_watermark;
};

/* --- the socket ----------------------------------------------------------- */

/* Things to tell the owner that found no room, in this order. */
enum { NOTICE_PASSIVE = 1, NOTICE_ERROR = 2, NOTICE_CLOSED = 4 };

struct tcp_socket {
	struct tcp_context *ctx;
	void *user;
	TAILQ_ENTRY(tcp_socket) link;
	enum tcp_state state;
	int fd;			  /* -1 once closed */
	int family;		  /* AF_INET, AF_INET6, AF_LOCAL */
	struct event *read_event; /* made when first needed */
	struct event *write_event;
	struct tcp_settings set;
	struct active active;
	bool started;	  /* events may be told */
	bool held;	  /* until tcp_resume() */
	bool busy;	  /* a sender is blocked */
	bool eof;	  /* end of stream seen, exit_on_close false */
	bool closed_told; /* tcp_closed was delivered or is noticed */
	bool delivering;  /* in reader.c's loop: do not enter again */
	/* the one-shot answers of a zombie (semantics 8.11) */
	bool recv_closed, send_closed, recv_reset;
	bool shut_write;  /* we have shut down our side */
	int shut_pending; /* SHUT_… to do when output is out, -1 */
	unsigned notices;
	int notice_reason;

	struct bytes in;
	struct packet_state packet_state;
	struct tcp_request *receiver; /* the waiting recv */

	struct bytes out;
	struct tcp_request *blocked; /* the sender that waits for low_watermark */
	/* suspended senders and what waits behind them, first come first served */
	struct tcp_request_list senders;

	struct tcp_request_list acceptors; /* of a listener */

	struct tcp_request *closer;
	struct event *close_timer;
	uint64_t close_deadline, close_looks;
	size_t close_pending; /* output when the wait began */

	struct charge charge; /* for in and out */
	struct {
		uint64_t oct, cnt, max;
		double avg, dvi;
	} received, sent;
};

/* socket.c: makes one in TCP_OPEN around fd (may be -1); NULL without memory. */
struct tcp_socket *tcp_socket_new(struct tcp_context *ctx, int fd, int family);
/* socket.c: closes the descriptor (SO_LINGER decides how) and drops the events. */
void tcp_socket_close_fd(struct tcp_socket *s);
/*
 * socket.c: the end.  Waiting requests are answered with reason (closed), the
 * descriptor is closed, gone() is told unless told is false, and the memory
 * goes at tcp_reap().
 */
void tcp_socket_end(struct tcp_socket *s, int reason, bool tell);
/* socket.c: answers r with o once, unlinked and its timer stopped. */
void tcp_request_finish(struct tcp_request *r, const struct tcp_outcome *o);
void tcp_request_fail(struct tcp_request *r, int reason);
/* socket.c: fire(r) is called when timeout ms have passed.  False without memory. */
bool tcp_request_arm(struct tcp_request *r, struct tcp_context *ctx, int64_t timeout,
    void (*fire)(int, short, void *));
/* socket.c: counts in and out at the account; false past the limit. */
bool tcp_socket_charge(struct tcp_socket *s);

/* reader.c */
void tcp_reader_update(struct tcp_socket *s);  /* read now, later or not */
void tcp_reader_deliver(struct tcp_socket *s); /* what can be, and then update */
void tcp_reader_recv(struct tcp_socket *s, struct tcp_request *r);
void tcp_reader_failed(struct tcp_socket *s, int err); /* read error or framing */

/* writer.c */
void tcp_writer_ready(struct tcp_socket *s);	       /* writable: flush, wake senders */
void tcp_writer_failed(struct tcp_socket *s, int err); /* a send error */
void tcp_writer_drop(struct tcp_socket *s);	       /* queued output is discarded */
void tcp_writer_cancel(struct tcp_request *r);

/* connector.c, listener.c */
void tcp_connector_cancel(struct tcp_request *r);
void tcp_listener_cancel(struct tcp_request *r);
void tcp_listener_close(struct tcp_socket *s); /* acceptors get closed */

/* sockopt.c */
void tcp_settings_init(struct tcp_settings *set, const struct tcp_config *config);
/*
 * Applies one option to s (user space or kernel).  0 or a reason.  An active
 * mode is stored; the caller delivers.
 */
int tcp_sockopt_apply(struct tcp_socket *s, const struct option_value *v);
/* What accept hands on from listener to a: 0 or a reason, *failed the row. */
int tcp_sockopt_inherit(const struct tcp_socket *listener, struct tcp_socket *a,
    const struct option_row **failed);

/* address.c */
struct sockaddr_storage;
int tcp_address_to_sockaddr(const struct address *a, uint16_t port, int family,
    struct sockaddr_storage *ss, unsigned *len); /* 0 or a reason */
void tcp_address_from_sockaddr(
    const struct sockaddr_storage *ss, unsigned len, struct address *a);

/* counters.c */
void tcp_count_received(struct tcp_socket *s, size_t len);
void tcp_count_sent(struct tcp_socket *s, size_t len);

#endif
