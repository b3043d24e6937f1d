/* SPDX-License-Identifier: ISC */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/args.h"
#include "client/cli/output.h"
#include "client/cli/shell.h"
#include "client/cli/wait.h"
#include "proto/reason.h"

enum { CANCEL_GRACE = 1000 }; /* ms for the answer to a cancel */

static void
unlink_job(struct job *job)
{
	struct job **at = &job->shell->jobs;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
}

static void
forget(struct job *job)
{
	unlink_job(job);
	free(job->variable);
	free(job);
}

/* "accept", "[1] accept" */
static void
put_name(const struct job *job, char *name, size_t size)
{
	if (job->number == 0)
		snprintf(name, size, "%s", cli_verb(job->row));
	else
		snprintf(name, size, "[%u] %s", job->number, cli_verb(job->row));
}

/* e: the cancelled request's answer, or NULL. */
static void
too_late(struct job *job, const struct gentcp_error *e)
{
	struct bytes text = {0};
	const void *rest = NULL;
	char name[64];
	size_t len;

	put_name(job, name, sizeof name);
	shell_fail(job->shell, cli_late(job->shell->cli, name, job->timeout));
	if (e != NULL)
		rest = gentcp_error_rest(e, &len);
	if (rest == NULL)
		return;
	output_quoted(&text, rest, len);
	cli_complain("%s: rest %.*s", name, (int)bytes_len(&text),
	    (const char *)bytes_head(&text));
	bytes_fini(&text);
}

/* --- replies ---------------------------------------------------------------- */

static void
open_json(struct bytes *text, const struct job *job, const char *member)
{
	bytes_append_char(text, '{');
	if (job->number > 0) {
		bytes_append_str(text, "\"job\":");
		bytes_append_uint(text, job->number);
		bytes_append_char(text, ',');
	}
	bytes_append_str(text, member);
}

static void
print_success(struct job *job, const struct gentcp_reply *r)
{
	struct bytes text = {0};

	if (job->shell->cli->json) {
		open_json(&text, job, "\"result\":");
		bytes_append_str(&text, gentcp_reply_json(r));
		bytes_append_char(&text, '}');
	} else {
		if (job->number > 0) {
			bytes_append_char(&text, '[');
			bytes_append_uint(&text, job->number);
			bytes_append_str(&text, "] ");
		}
		output_result(&text, job->row, r);
	}
	shell_print(job->shell, &text);
	bytes_fini(&text);
}

static void
print_failure(struct job *job, const struct gentcp_error *e)
{
	struct shell *shell = job->shell;
	struct bytes text = {0};
	char name[64];

	if (gentcp_error_status(e) == GENTCP_LOST)
		return; /* said once, for the connection */
	if (shell->cli->json) {
		open_json(&text, job, "\"error\":");
		output_error_json(&text, e);
		bytes_append_char(&text, '}');
		shell_print(shell, &text);
	}
	bytes_fini(&text);
	put_name(job, name, sizeof name);
	shell_fail(shell, cli_failed(shell->cli, name, e));
}

static void
on_reply(struct gentcp *g, const struct gentcp_reply *r, void *ctx)
{
	struct job *job = ctx;
	const struct gentcp_error *e = gentcp_reply_error(r);

	(void)g;
	if (job->shell == NULL) { /* it was given up */
		free(job);
		return;
	}
	if (e != NULL && job->late && gentcp_error_code(e) == REASON_CANCELLED)
		too_late(job, e);
	else if (e != NULL)
		print_failure(job, e);
	else {
		if (job->variable != NULL &&
		    !memory_set_result(&job->shell->memory, job->variable, r))
			cli_complain("%s: no memory", job->variable);
		print_success(job, r);
	}
	forget(job);
}

/* --- requests --------------------------------------------------------------- */

/*
 * The daemon does not answer: the reply, if it ever comes, is for nobody.  The
 * job stays for its callback, which comes when the connection is freed at the
 * latest.
 */
static void
give_up(struct job *job)
{
	unlink_job(job);
	free(job->variable);
	job->variable = NULL;
	job->shell = NULL;
}

int64_t
job_deadline(const struct shell *shell)
{
	int64_t first = INT64_MAX;

	for (const struct job *job = shell->jobs; job != NULL; job = job->next) {
		if (job->deadline < first)
			first = job->deadline;
	}
	return first;
}

void
job_check(struct shell *shell)
{
	struct job *job, *next;

	for (job = shell->jobs; job != NULL; job = next) {
		next = job->next;
		if (job->deadline == INT64_MAX || wait_left(job->deadline) > 0)
			continue;
		if (!job->late) {
			job->late = true;
			job->deadline = wait_deadline(CANCEL_GRACE);
			(void)gentcp_cancel(shell->cli->g, job->id);
		} else {
			too_late(job, NULL);
			give_up(job);
		}
	}
}

void
job_interrupt(struct shell *shell)
{
	for (struct job *job = shell->jobs; job != NULL; job = job->next) {
		if (job->number == 0)
			(void)gentcp_cancel(shell->cli->g, job->id);
	}
}

bool
job_foreground(const struct shell *shell)
{
	for (const struct job *job = shell->jobs; job != NULL; job = job->next) {
		if (job->number == 0)
			return true;
	}
	return false;
}

void
job_fini(struct shell *shell)
{
	while (shell->jobs != NULL)
		give_up(shell->jobs);
}

static struct job *
new_job(struct shell *shell, const struct method_row *row, const char *variable,
    bool background)
{
	struct job *job = calloc(1, sizeof *job);

	if (job == NULL ||
	    (variable != NULL && (job->variable = strdup(variable)) == NULL)) {
		free(job);
		cli_complain("no memory");
		shell_fail(shell, CLI_ERROR);
		return NULL;
	}
	job->shell = shell;
	job->row = row;
	job->number = background ? ++shell->numbers : 0;
	job->timeout = cli_timeout(shell->cli, row);
	job->deadline = wait_deadline(job->timeout);
	job->next = shell->jobs;
	shell->jobs = job;
	return job;
}

void
job_give_away(struct shell *shell, uint64_t socket, uint64_t client)
{
	struct cli *cli = shell->cli;
	struct bytes text = {0};

	gentcp_set_timeout(cli->g, cli->timeout >= 0 ? cli->timeout : CLI_DEADLINE);
	if (gentcp_controlling_process(cli->g, socket, client) == GENTCP_OK) {
		bytes_append_str(&text, cli->json ? "{\"result\":\"ok\"}" : "ok");
		shell_print(shell, &text);
	} else if (gentcp_error_status(gentcp_error(cli->g)) != GENTCP_LOST) {
		if (cli->json) {
			bytes_append_str(&text, "{\"error\":");
			output_error_json(&text, gentcp_error(cli->g));
			bytes_append_char(&text, '}');
			shell_print(shell, &text);
		}
		shell_fail(
		    shell, cli_failed(cli, "controlling_process", gentcp_error(cli->g)));
	}
	bytes_fini(&text);
}

/* controlling_process as gen_tcp has it: without what only the protocol knows. */
static bool
is_plain_give_away(const struct method_row *row, const struct args *args)
{
	return row->id == METHOD_CONTROLLING_PROCESS &&
	    json_object_size(args->params) == 2;
}

static bool
start(struct shell *shell, const struct method_row *row, const struct args *args,
    const char *variable, bool background)
{
	struct job *job;
	int rc;

	if (is_plain_give_away(row, args)) {
		json_int_t socket = json_integer_value(
		    json_object_get(args->params, "socket"));
		json_int_t client = json_integer_value(
		    json_object_get(args->params, "client"));

		job_give_away(shell, (uint64_t)socket, (uint64_t)client);
		return true;
	}
	job = new_job(shell, row, variable, background);
	if (job == NULL)
		return false;
	rc = args_request(shell->cli->g, row, args, on_reply, job, &job->id);
	if (rc == GENTCP_OK)
		return true;
	if (rc != GENTCP_LOST)
		shell_fail(shell,
		    cli_failed(shell->cli, cli_verb(row), gentcp_error(shell->cli->g)));
	forget(job);
	return false;
}

bool
job_start(struct shell *shell, const struct method_row *row, const struct token *tokens,
    size_t count, const char *variable, bool background)
{
	struct args args;
	char why[256];
	bool ok;

	ok = args_read(&args, row, tokens, count, why, sizeof why);
	if (ok)
		ok = start(shell, row, &args, variable, background);
	else {
		cli_complain("%s: %s", cli_verb(row), why);
		shell_fail(shell, CLI_USAGE);
	}
	args_fini(&args);
	return ok;
}
