/* SPDX-License-Identifier: ISC */
/*
 * What a socket is made of.  For src/tcp only.
 */
#ifndef TCP_TCP_SOCKET_H
#define TCP_TCP_SOCKET_H

#include <sys/types.h>

#include "packet/packet.h"
#include "tcp/tcp.h"

/* --- the context ------------------------------------------------------- */

struct connector;
struct flush;
struct lookup;
struct resolver;
struct sendfile;
struct workers;

/* What metrics.c tells. */
struct tcp_tally {
	uint64_t in_bytes, in_packets, out_bytes, out_packets, file_bytes;
	uint64_t connections, listeners; /* that were there, so far */
	uint64_t holds;			 /* a socket was held back */
};

/* trace.c: how much the sockets with debug may say. */
struct trace_budget {
	uint64_t until; /* ms: when the second is over */
	unsigned lines;
	uint64_t held; /* not written */
};

TAILQ_HEAD(connector_list, connector);
TAILQ_HEAD(lookup_list, lookup);
TAILQ_HEAD(tcp_socket_list, tcp_socket);
TAILQ_HEAD(tcp_request_list, tcp_request);

struct tcp_context {
	struct event_base *base;
	const struct clock *clock;
	struct tcp_config config;
	const struct tcp_observer *observer;
	void *observer_ctx;
	struct tcp_socket_list sockets;	  /* all that live */
	struct tcp_socket_list ended;	  /* freed by tcp_reap() */
	struct connector_list connectors; /* connects that wait */
	struct lookup_list lookups;	  /* getaddrs that wait */
	struct tcp_socket_list gathered;  /* with sends to be written */
	size_t gather_sends;		  /* of all of them */
	bool gathers;
	struct trace_budget trace; /* lines of this second */
	struct tcp_tally tally;
	struct resolver *resolver;
	struct workers *files; /* for sendfile */
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

/*
 * Legal moves:
 *   OPEN -> CONNECTING CONNECTED LISTENING GONE;  CONNECTING -> CONNECTED GONE
 *   CONNECTED -> ZOMBIE TOLD CLOSING GONE;        LISTENING -> GONE
 *   ZOMBIE -> TOLD GONE;  TOLD -> GONE;           CLOSING -> GONE
 */

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
	bool deliver_port; /* active data as Erlang's ports give it, unparsed */
	bool exit_on_close;
	bool show_econnreset;
	bool delay_send;
	bool send_timeout_close;
	bool socket_backend;  /* a send is done when the kernel has all of it */
	int64_t send_timeout; /* ms or CLOCK_NEVER */
	size_t high_watermark, low_watermark;
	size_t high_msgq, low_msgq;
	bool debug;
};

struct tcp_counts {
	uint64_t oct, cnt, max; /* bytes, messages, the longest */
	double avg, dvi;	/* running means */
};

/* --- the socket ----------------------------------------------------------- */

/* Things to tell the owner that found no room, in this order. */
enum { NOTICE_PASSIVE = 1, NOTICE_ERROR = 2, NOTICE_CLOSED = 4 };

struct tcp_socket {
	struct tcp_context *ctx;
	void *user;
	TAILQ_ENTRY(tcp_socket) link;
	enum tcp_state state;
	int fd;	     /* -1 once closed */
	int family;  /* AF_INET, AF_INET6, AF_LOCAL */
	bool passed; /* others have fd too: its flags prove nothing */
	char *netns; /* option netns, own; NULL: not set */
	uint64_t id; /* what clients call it, for the log; 0: not yet known */
	/* sockopt.c: kernel options that were set, a bit for each id */
	unsigned char kernel_set[(OPTION_COUNT + 7) / 8];
	/*
	 * Made when first needed; freed by tcp_socket_close_fd().  A listener's
	 * read_event is listener.c's, a connected socket's are reader.c's and
	 * writer.c's; connector.c keeps its own.
	 */
	struct event *read_event, *write_event;
	struct tcp_settings set;
	struct active active;
	bool started;	/* events may be told */
	bool silent;	/* gone() was told, or the owner abandoned it */
	bool held;	/* no room for events: until tcp_resume() */
	bool recv_held; /* no room for the answer to receiver: likewise */
	bool busy;	/* the queue is above its watermark */
	/*
	 * With exit_on_close false.  eof: the stream's end was seen; it is met again
	 * by a recv, and when active changes.  deaf: an error was told, and nothing is
	 * read behind it.
	 */
	bool eof, deaf;
	bool closed_told; /* tcp_closed was delivered or is noticed */
	bool delivering;  /* in reader.c's loop: do not enter again */
	bool again;	  /* it was to be entered meanwhile */
	bool lent;	  /* in is the context's spare */
	bool partial;	  /* in begins with an incomplete packet */
	bool waking;	  /* in senders.c's loop */
	bool flushing;	  /* gather.c gives its answers */
	bool msgq_busy;	  /* msgq passed high_msgq, and is not yet down to low_msgq */
	/* the one-shot answers of a zombie (semantics 8.11) */
	bool recv_closed, send_closed, recv_reset;
	int shut_pending; /* SHUT_… to do when output is out, -1 */
	bool shut_failed; /* the kernel refused to shut writing down */
	unsigned notices;
	int notice_reason;
	int end_reason; /* what it failed of while active, 0 */

	struct bytes in;
	struct packet_state packet_state; /* restarted when framing options change */
	/*
	 * The whole length of the packet in progress once it is known, else 0.  It
	 * stays when packet changes, as in gen_tcp; until a recv has a length or
	 * times out, or something is put before it.
	 */
	size_t awaited;
	struct tcp_request *receiver; /* the waiting recv */

	struct bytes out;
	struct sendfile *file;	     /* the one whose turn has come; NULL if none */
	size_t file_before;	     /* bytes of out that go before it */
	struct tcp_request *blocked; /* the sender that waits for low_watermark */
	/* suspended senders and what waits behind them, first come first served */
	struct tcp_request_list senders;
	size_t msgq; /* bytes of sends among them */

	/* gather.c: small sends of this turn, framed, and who sent them */
	struct bytes gathered;
	struct tcp_request_list gathering;
	TAILQ_ENTRY(tcp_socket) gather_link; /* while there are any */

	struct tcp_request_list acceptors; /* of a listener */

	struct tcp_request *closer;
	struct flush *flush; /* close.c: in TCP_CLOSING */

	struct charge charge; /* for in and out */
	struct charge place;  /* for itself, where its owner has gone */
	struct tcp_counts received, sent;
};

/* --- socket.c ------------------------------------------------------------- */

/*
 * Makes one in TCP_OPEN around fd (may be -1; owned on success), with initial
 * settings, passive, no charge, not started.  NULL without memory.
 */
struct tcp_socket *tcp_socket_new(struct tcp_context *ctx, int fd, int family);
/* Frees one that has ended (tcp_reap(), tcp_free()): unlinked by the caller. */
void tcp_socket_free(struct tcp_socket *s);
/* So that close(2) does not wait; a linger time of 0 stays. */
void tcp_socket_disarm_linger(int fd);
/*
 * Drops the events and closes the descriptor, which never blocks: linger
 * {true, 0} resets the connection, any other goes on in the kernel.  One that
 * others had a hand in is closed by a thread.
 */
void tcp_socket_close_fd(struct tcp_socket *s);
/*
 * The end, in any state (nothing happens in TCP_GONE).  Waiting requests are
 * answered with reason (closed), acceptors too, a closer with 0; the descriptor
 * is closed, output dropped, gone() told unless tell is false; the memory goes
 * at tcp_reap().
 */
void tcp_socket_end(struct tcp_socket *s, int reason, bool tell);
/* Tells gone(), once, and nothing ever after. */
void tcp_socket_tell_gone(struct tcp_socket *s);
/* recv, sends and what waits behind them get reason (or what was settled). */
void tcp_socket_fail_waiting(struct tcp_socket *s, int reason);
/* Counts in and out at the account; false past the limit. */
bool tcp_socket_charge(struct tcp_socket *s);
/* Counts more bytes for now, before they are queued; false past the limit. */
bool tcp_socket_reserve(struct tcp_socket *s, size_t more);

/* --- request.c ------------------------------------------------------------- */

/* Makes r one of s (NULL for a connect); not yet queued anywhere. */
void tcp_request_begin(
    struct tcp_request *r, enum tcp_request_kind kind, struct tcp_socket *s);
/* Appends r to a list of its socket: senders, or acceptors for an accept. */
void tcp_request_queue(struct tcp_request *r);
/*
 * Takes r out of its socket (receiver, blocked, closer, the lists), stops its
 * timer and frees what it holds.  r is its caller's again.
 */
void tcp_request_detach(struct tcp_request *r);
/*
 * Detaches r and answers it with o, or with a reason alone (0: it was done).  r
 * may be freed by that.
 */
void tcp_request_finish(struct tcp_request *r, const struct tcp_outcome *o);
void tcp_request_fail(struct tcp_request *r, int reason);
/*
 * fire(-1, EV_TIMEOUT, r) when timeout ms have passed, no sooner, and r->deadline
 * set; for CLOCK_NEVER nothing but that.  False without memory.
 */
bool tcp_request_arm(struct tcp_request *r, struct tcp_context *ctx, int64_t timeout,
    void (*fire)(int, short, void *));

/* --- reader.c ---------------------------------------------------------------- */

/*
 * Delivers and tells all that can be now, reads on, and waits for more if more
 * is wanted.  To be called when anything changed that could set something
 * free.  s may have ended afterwards.
 */
void tcp_reader_deliver(struct tcp_socket *s);
/*
 * A zombie whose option active was set, to other than false, gets its close to tell.
 * tcp_reader_deliver() is to follow.
 */
void tcp_reader_woken(struct tcp_socket *s);
/*
 * Options have brought active from before to what it is now: where that is not
 * false a waiting recv gets einval, and a change meets the end of the stream again.
 * tcp_reader_deliver() is to follow.
 */
void tcp_reader_activated(struct tcp_socket *s, enum option_active before);

/* Nothing came though the socket seemed ready: takes away what may have caused it. */
void tcp_reader_clear_errors(const struct tcp_socket *s);

/* --- notice.c ----------------------------------------------------------------- */

/* Has the owner room for an event?  If not, s is held. */
bool tcp_notice_room(struct tcp_socket *s);
/* Tells the first of the notices in mask.  False if there is none, or no room. */
bool tcp_notice_tell(struct tcp_socket *s, unsigned mask);
/* Moves s to TCP_TOLD; its end_reason is set. */
void tcp_notice_over(struct tcp_socket *s);
/* tcp_closed is to be told, if it never was; reason: tcp_error's, or 0. */
void tcp_notice_closed(struct tcp_socket *s, int reason);

/* --- input.c: the input buffer and the spare ---------------------------------- */

/*
 * Room behind in to read want bytes (at most) into, *space of it; NULL without
 * memory.  May lend the spare.
 */
unsigned char *tcp_input_room(struct tcp_socket *s, size_t want, size_t *space);
/* recv(2), without waiting; -1 with errno. */
ssize_t tcp_input_receive(struct tcp_socket *s, void *at, size_t size);
/* After reading: the spare goes back, what is left gets memory of its own. */
void tcp_input_settle(struct tcp_socket *s);
/*
 * The packet that is being delivered is taken.  Its bytes stay where they are until
 * something is put in.
 */
void tcp_input_take(struct tcp_socket *s, size_t total);
/* Drops what is there. */
void tcp_input_drop(struct tcp_socket *s);
/* Takes what the kernel has received by now, before the descriptor is closed. */
void tcp_input_rescue(struct tcp_socket *s);

/* --- recv_queue.c ------------------------------------------------------------ */

/* Answers the waiting recv, if any, with reason. */
void tcp_recv_refuse(struct tcp_socket *s, int reason);
/* The same at the end of the stream: the error carries the input left. */
void tcp_recv_refuse_rest(struct tcp_socket *s, int reason);
/* Answers the waiting recv with the first total bytes of in. */
void tcp_recv_answer(struct tcp_socket *s, const struct packet_span *span);
/* The waiting recv has looked in vain: times it, or answers timeout. */
void tcp_recv_watch(struct tcp_socket *s);

/* --- writer.c ---------------------------------------------------------------- */

/*
 * A send error, err as the kernel said, or REASON_CLOSED for a send behind our own
 * shutdown (semantics 1.6): drops the output, closes the descriptor, and tells whom
 * it concerns.  r: the sender at fault, or NULL.
 */
void tcp_writer_failed(struct tcp_socket *s, int err, struct tcp_request *r);
/* Drops the output.  The blocked sender, if any, gets reason; none waits on. */
void tcp_writer_drop(struct tcp_socket *s, int reason);
/* Sends, now that r's turn has come: answers it, or keeps it blocked. */
void tcp_writer_send(
    struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r);
/* Waits for writability while there is output.  False without memory. */
bool tcp_writer_update(struct tcp_socket *s);
/* A file is through: goes on with what is behind it. */
void tcp_writer_resume(struct tcp_socket *s);
/*
 * Backend socket: r, which has to wait its turn, is framed now, as its packet type
 * is now, and send_timeout begins for it.  May answer it.
 */
void tcp_writer_suspend(
    struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r);
/*
 * r, blocked or waiting its turn, is sent no further.  With the backend socket *rest
 * gets what the kernel does not have of it; with inet that stays queued.
 */
void tcp_writer_take_back(
    struct tcp_socket *s, struct tcp_request *r, struct bytes *rest);

/*
 * The same for bytes that have their header already: of a send that was counted
 * on to go through at once, and did not.
 */
void tcp_writer_send_framed(
    struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r);

/* --- sendfile.c ---------------------------------------------------------------- */

/* Runs a sendfile whose turn has come. */
void tcp_sendfile_run(struct tcp_socket *s, struct tcp_request *r);
/* What is before s->file is out, or there is room again: a thread goes on. */
void tcp_sendfile_go(struct tcp_socket *s);
/* Is it room in the kernel that s->file waits for? */
bool tcp_sendfile_waits(const struct tcp_socket *s);
/*
 * Does r, a shutdown or a close, wait until s->file is through?  Shutdowns of
 * writing do; what else there is waits for its own caller's file only.
 */
bool tcp_sendfile_holds(const struct tcp_socket *s, const struct tcp_request *r);
/* Takes s->file, if any, out of the stream: its request, to be answered, or NULL. */
struct tcp_request *tcp_sendfile_end(struct tcp_socket *s);
/* One that is running is withdrawn. */
void tcp_sendfile_cancel(struct tcp_request *r);
/* Closes and frees what is in no socket any more. */
void tcp_sendfile_free(struct tcp_context *ctx, struct sendfile *f);

/* --- gather.c ------------------------------------------------------------------ */

/*
 * Takes a small send for the end of the turn, if nothing is before it.  If not,
 * false, and what was gathered is written.
 */
bool tcp_gather_send(
    struct tcp_socket *s, const void *data, size_t len, struct tcp_request *r);
/* Writes what was gathered, and answers it. */
void tcp_gather_flush(struct tcp_socket *s);
/* A gathered send is withdrawn: what it gave is sent (or it waits in senders). */
void tcp_gather_cancel(struct tcp_request *r);

/* --- senders.c: who waits for the writer ---------------------------------- */

/*
 * Keeps r, with a copy of the data behind what it holds already, until its turn
 * comes.  False: it could not, and r has been answered.
 */
bool tcp_senders_suspend(struct tcp_request *r, const void *data, size_t len);
/* Must r wait behind a waiting send of its own caller? */
bool tcp_senders_behind(const struct tcp_socket *s, const struct tcp_request *r);
/* Lets in what may run. */
void tcp_senders_wake(struct tcp_socket *s);
/* A send leaves the list, with what it holds. */
void tcp_senders_leave(struct tcp_socket *s, const struct tcp_request *r);
/* A send or a shutdown is withdrawn; rest as in tcp_withdraw(), or NULL. */
void tcp_senders_cancel(struct tcp_request *r, struct bytes *rest);

/* --- close.c ----------------------------------------------------------------- */

/* Runs a shutdown, a close whose turn has come; answers or keeps r. */
void tcp_shutdown_run(struct tcp_socket *s, struct tcp_request *r);
void tcp_close_run(struct tcp_socket *s, struct tcp_request *r);
/* All output is out: what waited for that. */
void tcp_close_flushed(struct tcp_socket *s);
/* Frees what a flush needs, if one was begun. */
void tcp_close_drop(struct tcp_socket *s);

/* --- lookup.c ------------------------------------------------------------------ */

/*
 * Reads a host of connect or getaddrs.  Numeric text is an address of its own
 * family only: "::1" is nothing to an IPv4 socket, nor "127.0.0.1" to an IPv6 one.
 * 0 with *a, or with *name: it is to be looked up; badarg for what can be no name;
 * nxdomain.
 */
int tcp_host_read(const char *host, int family, struct address *a, bool *name);
void tcp_lookup_cancel(struct tcp_request *r);
void tcp_lookup_end_all(struct tcp_context *ctx); /* they get closed */

/* connector.c, listener.c */
void tcp_connector_cancel(struct tcp_request *r);
void tcp_connector_end_all(struct tcp_context *ctx); /* they get closed */
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
/*
 * Where the kernel goes when a socket that is bound to own (of kind ADDRESS_NONE: to
 * nothing) connects to *a: "any" is the machine itself, at the socket's own IPv4 address
 * if it has one, else at the loopback one; what is mapped is IPv4.
 */
void tcp_address_destination(struct address *a, const struct address *own);

/* trace.c */

/*
 * Option debug: one line of the log, at level debug, about s.  A thousand lines in
 * a second at most, of all sockets; then how many were left out.
 */
void tcp_trace_write(struct tcp_socket *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same; it costs nothing without the option. */
#define tcp_trace(s, ...) \
	do { \
		if ((s)->set.debug) \
			tcp_trace_write((s), __VA_ARGS__); \
	} while (0)

/* counters.c */
void tcp_count_received(struct tcp_socket *s, size_t len);
void tcp_count_sent(struct tcp_socket *s, size_t len);

#endif
