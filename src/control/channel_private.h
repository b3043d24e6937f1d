/* SPDX-License-Identifier: ISC */
/* What a channel is made of.  For src/control/channel*.c only. */
#ifndef CONTROL_CHANNEL_PRIVATE_H
#define CONTROL_CHANNEL_PRIVATE_H

#include "control/channel.h"
#include "proto/bytes.h"
#include "rpc/rpc.h"

enum {
	CHANNEL_FDS_MAX = 16,		/* descriptors that wait for their message */
	CHANNEL_FDS_SENT = 253,		/* Linux's SCM_MAX_FD: that a read may bring */
	CHANNEL_READ_MIN = 64 * 1024,	/* room for one read … */
	CHANNEL_READ_MAX = 256 * 1024,	/* … and where reads are full */
	CHANNEL_OUT_MIN = 4 * 1024,	/* of a queue that is not empty */
	CHANNEL_DIRECT = 8 * 1024,	/* payloads from here on are not copied */
	CHANNEL_GATHER_MAX = 64 * 1024, /* gathered bytes that are written at once */
	CHANNEL_TURN = 10,		/* ms of requests, then others have theirs */
	CHANNEL_LOOK = 1024,		/* bytes of sends between looks at the clock */
};

enum channel_state {
	CHANNEL_OPEN,
	CHANNEL_LAST, /* nothing more is read; closed when all is written */
	CHANNEL_DEAD  /* freed at the end of the turn */
};

struct channel {
	TAILQ_ENTRY(channel) link, dirty_link;
	struct channel_host *host;
	struct session *session;
	int fd;
	uid_t uid; /* of the client */
	enum channel_state state;
	bool dirty;	/* in the host's list */
	bool reading;	/* the read event is set */
	bool blocked;	/* the kernel took not all; the write event is set */
	bool moved;	/* bytes were taken since channel_check_stuck() last looked */
	uint64_t since; /* ms: from then on it has looked at one that is blocked */
	bool full;	/* over queue_high, and not yet down to its half */
	bool eof;	/* the client sends no more, but may still listen */
	bool deaf;	/* the client reads no more: output is dropped */
	bool last_full; /* the last read filled its room */
	bool more;	/* its turn was over before its requests were */
	struct event *read_event, *write_event;
	struct event *timer; /* in CHANNEL_LAST */
	struct wire wire;
	struct bytes out;
	/* descriptors, and where in the stream the read that brought them ended */
	struct {
		int fd;
		uint64_t at;
	} fds[CHANNEL_FDS_MAX];
	size_t nfds;
	/*
	 * Descriptors that go out, each with the message of its own that lies in
	 * out from start to end; -1 once it went, with the first byte.
	 */
	struct {
		int fd;
		size_t start, end;
	} passed[CHANNEL_FDS_MAX];
	size_t npassed;
	size_t handed; /* them, and those that the client may not have read yet */
	bool passing;  /* the last one's message is being written */
};

/* channel.c */
/* To be looked at at the end of the turn. */
void channel_mark(struct channel *ch);
/* Logs why it is closed, once in a second. */
void channel_complain(struct channel *ch, const char *why);
/* The connection is of no more use; why may be NULL where that is usual. */
void channel_fail(struct channel *ch, const char *why);
/* Reads no more, and closes when all is written or last_words have passed. */
void channel_finish(struct channel *ch);

/* channel_in.c */
/* Makes the read event, not yet set; edges: 0 or EV_ET.  False without memory. */
bool channel_in_init(struct channel *ch, short edges);
void channel_in_fini(struct channel *ch);
/* Closes descriptors that nobody took, while there is a session. */
void channel_in_drop(struct channel *ch);
/*
 * Hands over what is complete in the buffer, while there is room for answers and
 * the channel's turn lasts; then sets the read event by what came of it.
 */
void channel_process(struct channel *ch);
/* Sets or clears the read event, by the state. */
void channel_update_reading(struct channel *ch);

/* channel_out.c */
extern const struct session_sink channel_sink;
bool channel_out_init(struct channel *ch, short edges); /* as channel_in_init() */
void channel_out_fini(struct channel *ch);
/* Closes the descriptors that have not gone out, while there is a session. */
void channel_out_drop(struct channel *ch);
/* Writes what is queued, as far as the kernel takes it. */
void channel_write(struct channel *ch);

#endif
