/* SPDX-License-Identifier: ISC */
/* gentcp-cli shell: lines from standard input, each a verb. */
#include "client/cli/shell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "client/cli/output.h"
#include "client/cli/wait.h"

enum { INPUT_SIZE = 64 * 1024 };

static const char prompt[] = "gentcp> ";

/* --- what is printed -------------------------------------------------------- */

void
shell_fail(struct shell *shell, int code)
{
	if (shell->code == CLI_OK)
		shell->code = code;
}

static void
hide_prompt(struct shell *shell)
{
	if (shell->prompted)
		(void)!write(STDOUT_FILENO, "\r\033[K", 4);
	shell->prompted = false;
	edit_hide(shell->edit);
}

void
shell_print(struct shell *shell, struct bytes *text)
{
	hide_prompt(shell);
	if (!cli_print(shell->cli, text)) {
		shell_fail(shell, CLI_ERROR);
		shell->quit = true;
	}
	edit_show(shell->edit);
}

static void
on_event(struct gentcp *g, const struct gentcp_event *e, void *ctx)
{
	struct shell *shell = ctx;
	struct bytes text = {0};

	(void)g;
	memory_see(&shell->memory, e);
	if (shell->cli->json)
		output_event_json(&text, e);
	else
		output_event(&text, e);
	shell_print(shell, &text);
	bytes_fini(&text);
}

/* --- waiting ---------------------------------------------------------------- */

static void
read_input(struct shell *shell)
{
	unsigned char *room = bytes_room(&shell->input, INPUT_SIZE);
	ssize_t n;

	if (room == NULL) {
		cli_complain("no memory");
		shell_fail(shell, CLI_ERROR);
		shell->quit = true;
		return;
	}
	n = read(STDIN_FILENO, room, INPUT_SIZE);
	if (n > 0)
		bytes_put(&shell->input, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		shell->input_ended = true;
}

/* Handles what gentcpd sent; false if it is gone. */
static bool
dispatch(struct shell *shell)
{
	int rc = gentcp_dispatch(shell->cli->g, 0);

	if (rc == GENTCP_OK || rc == GENTCP_TIMEOUT)
		return true;
	hide_prompt(shell);
	shell->lost = cli_failed(shell->cli, "gentcpd", gentcp_error(shell->cli->g));
	shell->quit = true;
	return false;
}

/* SIGINT is for the line that runs, not for the sockets that the shell has. */
static void
catch_interrupts(struct shell *shell)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == 0)
		shell->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void
take_interrupt(struct shell *shell)
{
	struct signalfd_siginfo info;

	while (read(shell->signals, &info, sizeof info) == (ssize_t)sizeof info)
		shell->interrupted = true;
	job_interrupt(shell);
}

/*
 * Waits for gentcpd, for input (a descriptor, or -1), or for a deadline: once.  Is
 * there input?
 */
static bool
wait_once(struct shell *shell, int input, int64_t deadline)
{
	struct pollfd pfds[3] = {{.fd = gentcp_fd(shell->cli->g)},
	    {.fd = input, .events = POLLIN}, {.fd = shell->signals, .events = POLLIN}};
	int64_t jobs = job_deadline(shell);

	pfds[0].events = gentcp_poll_events(shell->cli->g);
	(void)poll(pfds, 3, wait_left(jobs < deadline ? jobs : deadline));
	if (pfds[2].revents != 0)
		take_interrupt(shell);
	if (!dispatch(shell))
		return false;
	job_check(shell);
	return pfds[1].revents != 0;
}

/* The same, and reads it. */
static void
turn(struct shell *shell, bool want_input, int64_t deadline)
{
	if (wait_once(shell, want_input ? STDIN_FILENO : -1, deadline))
		read_input(shell);
}

/* Handles what is there already, and writes what was queued. */
static bool
settle(struct shell *shell)
{
	return !shell->quit && dispatch(shell);
}

static void
wait_for_line(struct shell *shell)
{
	while (settle(shell) && job_foreground(shell))
		turn(shell, false, INT64_MAX);
}

static void
wait_for_jobs(struct shell *shell)
{
	while (settle(shell) && shell->jobs != NULL && !shell->interrupted)
		turn(shell, false, INT64_MAX);
}

/* --- verbs of the shell itself ---------------------------------------------- */

static void
usage_error(struct shell *shell, const char *what, const char *sentence)
{
	cli_complain("%s: %s", what, sentence);
	shell_fail(shell, CLI_USAGE);
}

static void
keep_event(struct shell *shell, const char *variable, const struct seen_event *e)
{
	char number[32];
	bool ok;

	if (variable == NULL)
		return;
	snprintf(number, sizeof number, "%llu", (unsigned long long)e->socket);
	ok = e->kind == TOKEN_WORD
	    ? memory_set(&shell->memory, variable, TOKEN_WORD, number, strlen(number))
	    : memory_set(&shell->memory, variable, e->kind, bytes_head(&e->data),
		  bytes_len(&e->data));
	if (!ok)
		usage_error(shell, "wait", "no memory");
}

static void
wait_for_event(
    struct shell *shell, const char *name, uint64_t socket, const char *variable)
{
	int64_t deadline = wait_deadline(shell->cli->timeout);
	struct seen_event *e;

	for (;;) {
		e = memory_take(&shell->memory, name, socket);
		if (e != NULL)
			break;
		if (wait_left(deadline) == 0) {
			cli_complain("wait: no %s within %g s", name,
			    shell->cli->timeout / 1000.0);
			shell_fail(shell, CLI_TIMEOUT);
			return;
		}
		turn(shell, false, deadline);
		if (shell->interrupted)
			usage_error(shell, "wait", "interrupted");
		if (shell->quit || shell->interrupted)
			return;
	}
	keep_event(shell, variable, e);
	memory_event_free(e);
}

static void
wait_verb(struct shell *shell, const struct token *t, size_t count, const char *variable)
{
	uint64_t socket = 0;
	char *end = NULL;

	if (count == 0) {
		wait_for_jobs(shell);
		return;
	}
	if (count == 2) {
		errno = 0;
		socket = strtoull(t[1].value, &end, 10);
		if (*t[1].value < '1' || *t[1].value > '9' || *end != '\0' || errno != 0)
			count = 0;
	}
	if (count == 0 || count > 2 || t[0].kind != TOKEN_WORD)
		usage_error(shell, "wait", "usage: wait [EVENT [SOCKET]]");
	else
		wait_for_event(shell, t[0].value, socket, variable);
}

static void
help_verb(struct shell *shell, const struct token *t, size_t count)
{
	struct bytes text = {0};

	if (count > 2 ||
	    !help_about(
		&text, count > 0 ? t[0].value : NULL, count > 1 ? t[1].value : NULL))
		usage_error(
		    shell, "help", "there is no such verb or option; help lists them");
	if (bytes_len(&text) > 0) {
		bytes_truncate(&text, bytes_len(&text) - 1); /* its last LF */
		shell_print(shell, &text);
	}
	bytes_fini(&text);
}

/* --- a line ----------------------------------------------------------------- */

static void
run_verb(struct shell *shell, const struct token *t, size_t count, const char *variable,
    bool background)
{
	const struct method_row *row;

	if (token_is(&t[0], "quit") || token_is(&t[0], "exit"))
		shell->quit = true;
	else if (token_is(&t[0], "wait"))
		wait_verb(shell, t + 1, count - 1, variable);
	else if (token_is(&t[0], "help"))
		help_verb(shell, t + 1, count - 1);
	else {
		row = t[0].kind == TOKEN_WORD && t[0].name == NULL
		    ? cli_method(t[0].value)
		    : NULL;
		if (row == NULL)
			usage_error(
			    shell, t[0].value, "there is no such verb; help lists them");
		else if (job_start(shell, row, t + 1, count - 1, variable, background))
			wait_for_line(shell);
	}
}

static void
run_tokens(struct shell *shell, struct tokens *tokens)
{
	struct token *t = tokens->items;
	size_t count = tokens->count;
	const char *variable = NULL;
	bool background;
	char why[128];

	for (size_t i = 0; i < count; i++) {
		if (!memory_replace(&shell->memory, &t[i], why, sizeof why)) {
			cli_complain("%s", why);
			shell_fail(shell, CLI_USAGE);
			return;
		}
	}
	background = count > 0 && token_is(&t[count - 1], "&");
	if (background)
		count--;
	if (count >= 2 && t[0].kind == TOKEN_WORD && t[0].name == NULL &&
	    token_is(&t[1], "=")) {
		variable = t[0].value;
		t += 2;
		count -= 2;
	}
	if (count > 0)
		run_verb(shell, t, count, variable, background);
	else if (variable != NULL || background)
		usage_error(shell, "=", "a verb is missing");
}

static void
run_line(struct shell *shell, const char *line, size_t len)
{
	struct tokens tokens;
	char why[128];

	shell->interrupted = false;
	if (tokens_read(&tokens, line, len, why, sizeof why))
		run_tokens(shell, &tokens);
	else {
		cli_complain("%s", why);
		shell_fail(shell, CLI_USAGE);
	}
	tokens_fini(&tokens);
}

/* --- the input -------------------------------------------------------------- */

/* A whole line in input: its length with the LF; 0 if there is none yet. */
static size_t
whole_line(struct shell *shell)
{
	const unsigned char *p = bytes_head(&shell->input), *lf = NULL;
	size_t len = bytes_len(&shell->input);

	if (len > shell->scanned)
		lf = memchr(p + shell->scanned, '\n', len - shell->scanned);
	shell->scanned = lf == NULL ? len : 0;
	if (lf != NULL)
		return (size_t)(lf - p) + 1;
	return shell->input_ended ? len : 0;
}

static void
show_prompt(struct shell *shell)
{
	if (shell->terminal && !shell->prompted)
		(void)!write(STDOUT_FILENO, prompt, sizeof prompt - 1);
	shell->prompted = shell->terminal;
}

/* --- on a terminal: edit.h's hooks -------------------------------------------- */

static bool
wait_for_key(void *ctx)
{
	struct shell *shell = ctx;
	struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};

	/* what came while a blocking call waited is not seen by poll */
	while (settle(shell)) {
		if (poll(&pfd, 1, 0) > 0)
			return true;
		wait_once(shell, STDIN_FILENO, INT64_MAX);
	}
	return false;
}

static void
complete_word(void *ctx, struct complete *c, char *const *words, size_t count)
{
	struct shell *shell = ctx;

	c->g = shell->cli->g;
	if (*words[count - 1] == '$')
		memory_complete(&shell->memory, c, words[count - 1]);
	else
		complete_shell_line(c, words, count);
}

/* --- lines -------------------------------------------------------------------- */

/* The next line, copied; NULL at the end. */
static char *
next_line(struct shell *shell, size_t *len)
{
	char *line;

	if (shell->edit != NULL)
		return edit_line(shell->edit, len);
	while ((*len = whole_line(shell)) == 0) {
		if (shell->quit || shell->input_ended)
			return NULL;
		show_prompt(shell);
		turn(shell, true, INT64_MAX);
	}
	line = malloc(*len);
	if (line == NULL) {
		cli_complain("no memory");
		shell_fail(shell, CLI_ERROR);
		return NULL;
	}
	memcpy(line, bytes_head(&shell->input), *len);
	bytes_take(&shell->input, *len);
	shell->prompted = false;
	return line;
}

static int
run_lines(struct shell *shell)
{
	int first = CLI_OK;
	size_t len;
	char *line;

	while (!shell->quit && (line = next_line(shell, &len)) != NULL) {
		run_line(shell, line, len);
		free(line);
		if (first == CLI_OK)
			first = shell->code;
		if (shell->code != CLI_OK && shell->cli->stop_at_error)
			return first;
		shell->code = CLI_OK;
		if (shell->lost == CLI_OK)
			(void)settle(shell);
	}
	if (!shell->quit && !shell->terminal)
		wait_for_jobs(shell);
	return first != CLI_OK ? first : shell->code;
}

int
shell_command(struct cli *cli, int argc, char **argv)
{
	struct shell shell = {.cli = cli, .signals = -1};
	struct edit_hooks hooks = {wait_for_key, complete_word, &shell};
	int code;

	(void)argv;
	if (argc > 0)
		return cli_usage("shell");
	code = cli_connect(cli, "auto");
	if (code != CLI_OK)
		return code;
	shell.terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	if (shell.terminal)
		shell.edit = edit_new(prompt, &hooks);
	if (shell.edit != NULL)
		catch_interrupts(&shell);
	gentcp_on_event(cli->g, on_event, &shell);
	code = run_lines(&shell);
	if (shell.prompted || (shell.edit != NULL && !shell.quit))
		(void)!write(STDOUT_FILENO, "\n", 1);
	edit_free(shell.edit);
	shell.edit = NULL;
	if (shell.signals >= 0)
		close(shell.signals);
	job_fini(&shell);
	cli_disconnect(cli);
	memory_fini(&shell.memory);
	bytes_fini(&shell.input);
	return shell.lost != CLI_OK ? shell.lost : code;
}
