/* SPDX-License-Identifier: ISC */
#include "kept_program.h"

#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
add(struct program *p, const char *format, ...)
{
	size_t len = strlen(p->text);
	va_list args;

	va_start(args, format);
	vsnprintf(p->text + len, sizeof p->text - len, format, args);
	va_end(args);
	ck_assert_uint_lt(strlen(p->text), sizeof p->text - 1);
}

void
program_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct program *p = ctx;

	add(p, "%s ",
	    gentcp_reply_status(r) == GENTCP_OK		? "ok"
		: gentcp_reply_status(r) == GENTCP_LOST ? "lost"
							: "refused");
	if (p->again && gentcp_reply_status(r) == GENTCP_ERROR) {
		ck_assert_int_eq(gentcp_ack_with(g, 1), GENTCP_OK);
		gentcp_send_async(g, 3, "B", 1, program_reply, p);
	}
}

void
program_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct program *p = ctx;

	add(p, "%d%.*s ", (int)e->seq, (int)e->len, (const char *)e->data);
	if (p->with)
		ck_assert_int_eq(gentcp_ack_with(g, e->seq), GENTCP_OK);
	if (e->type == GENTCP_EVENT_TCP && !p->silent)
		gentcp_send_async(g, e->socket, e->data, e->len, program_reply, p);
}

void
program_state(struct gentcp *g, enum gentcp_state state, void *ctx)
{
	static const char *const words[] = {"open", "lost", "ended", "attached"};

	(void)g;
	add(ctx, "%s ", words[state]);
}

void
program_told(struct program *p, const char *want)
{
	ck_assert_str_eq(p->text, want);
	*p->text = '\0';
}
