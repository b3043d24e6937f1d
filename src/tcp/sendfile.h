/* SPDX-License-Identifier: ISC */
/*
 * The thread's part of file:sendfile: everything that is done with the file,
 * whose reads, like its close, may take as long as its file system likes.
 */
#ifndef TCP_SENDFILE_H
#define TCP_SENDFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/worker.h"

struct tcp_request;
struct tcp_socket;

enum sendfile_end {
	SENDFILE_MORE, /* there is more to be done at once */
	SENDFILE_FULL, /* the socket takes no more for now */
	SENDFILE_DONE, /* all is sent, or the file is at its end */
	SENDFILE_FAILED
};

struct sendfile {
	struct worker_job job;
	struct tcp_request *r; /* who waits for it; NULL: nobody any more */
	struct tcp_socket *s;
	bool working;  /* a thread has it */
	bool corked;   /* by us */
	uint64_t told; /* of sent: counted in the context's tally */

	/* the thread's while it works */
	int file;	/* own */
	int socket;	/* own, a duplicate; -1 before its turn */
	bool shared;	/* the socket's O_NONBLOCK proves nothing */
	bool checked;	/* the file is a regular one */
	int64_t offset; /* of what is to be sent next */
	uint64_t left;	/* bytes; UINT64_MAX: to the end */
	uint64_t sent;
	enum sendfile_end end;
	int error;	 /* SENDFILE_FAILED: an errno … */
	bool file_error; /* … of the file, the socket has done nothing */
};

/*
 * TCP_CORK, as gen_tcp has it around a file, so that segments are full.  True if
 * it was set: not where the user has done so.
 */
bool sendfile_cork(int socket);
void sendfile_uncork(int socket);

/* Sends a piece, as much as the socket takes without waiting. */
void sendfile_work(struct worker_job *job);
/* Closes and frees it. */
void sendfile_drop(struct worker_job *job);

#endif
