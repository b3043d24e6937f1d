/* SPDX-License-Identifier: ISC */
/* The shell's inside: shell.c runs lines, job.c requests, memory.c remembers. */
#ifndef CLI_SHELL_H
#define CLI_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/cli/cli.h"
#include "client/cli/complete.h"
#include "client/cli/edit.h"
#include "client/cli/token.h"
#include "proto/bytes.h"

/* --- memory.c: variables, and events that no wait has taken ----------------- */

struct variable {
	char *name; /* own */
	enum token_kind kind;
	struct bytes value;
	struct variable *next;
};

struct seen_event {
	char name[32];
	uint64_t socket;
	/* What wait leaves in a variable: TOKEN_WORD is the socket, else data. */
	enum token_kind kind;
	struct bytes data; /* its data, or an http packet as JSON */
};

enum { MEMORY_EVENTS = 1024, MEMORY_BYTES = 4 * 1024 * 1024 };

struct memory {
	struct variable *variables;
	struct seen_event *events[MEMORY_EVENTS]; /* a ring, oldest at first */
	size_t first, count, bytes;
};

/* Sets a variable; without memory it keeps its value and false is returned. */
bool memory_set(struct memory *m, const char *name, enum token_kind kind,
    const void *value, size_t len);
/* What a result leaves in a variable: its socket, client, monitor, data, or itself. */
bool memory_set_result(struct memory *m, const char *name, const struct gentcp_reply *r);
/* Replaces $name; false with a sentence in why[size]. */
bool memory_replace(const struct memory *m, struct token *t, char *why, size_t size);
/* Offers the names of variables, "$s"; word is what there is of one. */
void memory_complete(const struct memory *m, struct complete *c, const char *word);
/* Remembers an event; the oldest are forgotten beyond the limits. */
void memory_see(struct memory *m, const struct gentcp_event *e);
/*
 * Takes the oldest event of that name (and socket, unless 0), or NULL.  The
 * caller frees it by memory_event_free().
 */
struct seen_event *memory_take(struct memory *m, const char *name, uint64_t socket);
void memory_event_free(struct seen_event *e);
void memory_fini(struct memory *m);

/* --- job.c: requests that wait ---------------------------------------------- */

struct shell;

struct job {
	struct shell *shell;
	struct job *next;
	const struct method_row *row;
	uint64_t id;
	unsigned number; /* 0: the line waits for it */
	int timeout;
	int64_t deadline;
	bool late;	/* it was cancelled at its deadline */
	char *variable; /* own; NULL if its result is not kept */
};

struct shell {
	struct cli *cli;
	struct memory memory;
	struct job *jobs;
	unsigned numbers; /* given to background jobs */
	bool terminal, prompted, quit;
	struct edit *edit; /* NULL: lines are read as they are */
	int signals;	   /* a signalfd for SIGINT, or -1 */
	bool interrupted;  /* the line that runs */
	struct bytes input;
	size_t scanned; /* of input, for the LF */
	bool input_ended;
	int code; /* of the line that runs */
	int lost; /* CLI_NO_DAEMON when that is so */
};

/* Starts a request.  False: it failed, shell->code and all said. */
bool job_start(struct shell *shell, const struct method_row *row,
    const struct token *tokens, size_t count, const char *variable, bool background);
/* The library's controlling_process, which hands over what came. */
void job_give_away(struct shell *shell, uint64_t socket, uint64_t client);
bool job_foreground(const struct shell *shell);
/* The next deadline of all jobs, INT64_MAX if there is none. */
int64_t job_deadline(const struct shell *shell);
/* Cancels what the line waits for. */
void job_interrupt(struct shell *shell);
/* Cancels what is late. */
void job_check(struct shell *shell);
void job_fini(struct shell *shell);

/* --- shell.c ---------------------------------------------------------------- */

/* A line failed: its code, the first of which is the shell's. */
void shell_fail(struct shell *shell, int code);
/* Prints a line, the prompt out of its way. */
void shell_print(struct shell *shell, struct bytes *text);

#endif
