/* SPDX-License-Identifier: ISC */
/*
 * Lines typed at a terminal: editing, history and completion, by libedit.  Built
 * without it there is no editor: edit_new() returns NULL.
 */
#ifndef CLI_EDIT_H
#define CLI_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "client/cli/complete.h"

struct edit;

struct edit_hooks {
	/* Waits until standard input can be read; false: no more is to be read. */
	bool (*wait)(void *ctx);
	/* Offers what the last of the words may become. */
	void (*complete)(void *ctx, struct complete *c, char *const *words, size_t count);
	void *ctx;
};

#ifdef HAVE_EDIT

/* hooks and prompt have to stay.  NULL where the terminal cannot, or without memory. */
struct edit *edit_new(const char *prompt, const struct edit_hooks *hooks);
/* Keeps the history, if it is to be kept.  NULL is allowed. */
void edit_free(struct edit *edit);
/* The next line without its LF, to be freed; NULL at the end. */
char *edit_line(struct edit *edit, size_t *len);
/* Takes the line off the screen while something else is printed, and back. */
void edit_hide(struct edit *edit);
void edit_show(struct edit *edit);

#else

static inline struct edit *
edit_new(const char *prompt, const struct edit_hooks *hooks)
{
	(void)prompt;
	(void)hooks;
	return NULL;
}

static inline void
edit_free(struct edit *edit)
{
	(void)edit;
}

static inline char *
edit_line(struct edit *edit, size_t *len)
{
	(void)edit;
	*len = 0;
	return NULL;
}

static inline void
edit_hide(struct edit *edit)
{
	(void)edit;
}

static inline void
edit_show(struct edit *edit)
{
	(void)edit;
}

#endif
#endif
