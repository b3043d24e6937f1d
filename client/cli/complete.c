/* SPDX-License-Identifier: ISC */
#include "client/cli/complete.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/complete_option.h"
#include "client/cli/listing.h"
#include "client/cli/output.h"
#include "client/cli/verb.h"
#include "proto/event.h"
#include "proto/method.h"
#include "proto/option.h"

enum { PATIENCE = 500 }; /* ms for gentcpd's answers */

void
complete_offer(struct complete *c, const char *word, const char *help)
{
	if (strncmp(word, c->word, strlen(c->word)) == 0)
		c->fn(word, help, c->ctx);
}

/* Offers words of a list that ends with NULL. */
static void
offer_all(struct complete *c, const char *const *words)
{
	for (; *words != NULL; words++)
		complete_offer(c, *words, NULL);
}

/* --- what gentcpd knows ------------------------------------------------------- */

static void
offer_listed(struct complete *c, const struct listing *l)
{
	struct bytes help = {0};
	char number[32];

	for (size_t i = 0; i < l->count; i++) {
		bytes_truncate(&help, 0);
		bytes_append_str(&help, l->rows[i].state);
		bytes_append_char(&help, ' ');
		listing_put_address(
		    &help, l->rows[i].peer != NULL ? l->rows[i].peer : l->rows[i].local);
		bytes_append_char(&help, '\0');
		snprintf(
		    number, sizeof number, "%llu", (unsigned long long)l->rows[i].socket);
		if (!bytes_failed(&help))
			complete_offer(c, number, (const char *)bytes_head(&help));
	}
	bytes_fini(&help);
}

static void
offer_clients(struct complete *c, struct gentcp *g)
{
	char *text = NULL, number[32];
	json_t *clients, *client;
	struct bytes help = {0};
	size_t i;

	if (gentcp_clients(g, &text) != GENTCP_OK)
		return;
	clients = json_loads(text, 0, NULL);
	free(text);
	json_array_foreach (clients, i, client) {
		const char *name = json_string_value(json_object_get(client, "name"));

		bytes_truncate(&help, 0);
		output_sentence(&help, name == NULL ? "" : name);
		bytes_append_char(&help, '\0');
		snprintf(number, sizeof number, "%lld",
		    (long long)json_integer_value(json_object_get(client, "client")));
		if (!bytes_failed(&help))
			complete_offer(c, number, (const char *)bytes_head(&help));
	}
	bytes_fini(&help);
	json_decref(clients);
}

/* Asks the daemon, which may be gone: nothing is said of that. */
static void
offer_known(struct complete *c, enum method_type type)
{
	struct cli cli = {.g = c->g, .timeout = PATIENCE, .leaving = true, .quiet = true};
	struct listing l = {0};

	if (c->g == NULL && !c->ask)
		return;
	if (cli.g == NULL) {
		cli.g = gentcp_new();
		if (cli.g == NULL || gentcp_open(cli.g, c->path, PATIENCE) != GENTCP_OK) {
			gentcp_free(cli.g);
			return;
		}
	}
	gentcp_set_timeout(cli.g, PATIENCE);
	if (type == METHOD_T_CLIENT)
		offer_clients(c, cli.g);
	else if (listing_read(&cli, &l, 0) == CLI_OK)
		offer_listed(c, &l);
	listing_fini(&l);
	if (c->g == NULL)
		gentcp_free(cli.g);
}

/* --- arguments of a method --------------------------------------------------- */

static void
offer_names(struct complete *c, const struct method_row *row)
{
	static const char *const counters[] = {"recv_oct", "recv_cnt", "recv_max",
	    "recv_avg", "recv_dvi", "send_oct", "send_cnt", "send_max", "send_avg",
	    "send_pend", NULL};

	if (row->id == METHOD_GETSTAT)
		offer_all(c, counters);
	else
		complete_option_names(c, OPTION_AT_GET);
}

static void
offer_param(
    struct complete *c, const struct method_row *row, const struct method_param *p)
{
	static const char *const hows[] = {"read", "write", "read_write", NULL};
	static const char *const booleans[] = {"true", "false", NULL};
	static const char *const infinity[] = {"infinity", NULL};
	static const char *const hosts[] = {"localhost", NULL};

	switch (p->type) {
	case METHOD_T_SOCKET:
	case METHOD_T_CLIENT:
		offer_known(c, p->type);
		break;
	case METHOD_T_HOW:
		offer_all(c, hows);
		break;
	case METHOD_T_NAMES:
		offer_names(c, row);
		break;
	case METHOD_T_BOOLEAN:
		offer_all(c, booleans);
		break;
	case METHOD_T_TIMEOUT:
		offer_all(c, infinity);
		break;
	case METHOD_T_HOST:
		offer_all(c, hosts);
		break;
	case METHOD_T_OPTIONS:
		complete_options(c, complete_option_when(row));
		break;
	default:
		break;
	}
}

/* The param that the last word is, by position; NULL: none is left. */
static const struct method_param *
param_at(const struct method_row *row, char *const *words, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i + 1 < count && at < method_arity(row); i++) {
		enum method_type type = row->params[at].type;

		if (type == METHOD_T_OPTIONS || type == METHOD_T_NAMES)
			break; /* as many as one likes */
		if (strchr(words[i], '=') == NULL)
			at++;
	}
	return at < method_arity(row) ? &row->params[at] : NULL;
}

static void
complete_method(
    struct complete *c, const struct method_row *row, char *const *words, size_t count)
{
	const struct method_param *p = param_at(row, words, count);
	unsigned when = complete_option_when(row);
	bool data = row->id == METHOD_SEND || row->id == METHOD_UNRECV;

	if (count == 2 && data)
		complete_offer(c, "-f", "what a file has");
	if (strchr(c->word, '=') != NULL) {
		complete_option_values(c, when);
		return;
	}
	if (p != NULL)
		offer_param(c, row, p);
	if (count > 1 && row->params[0].name != NULL) {
		for (size_t i = 1; i < method_arity(row); i++) {
			if (row->params[i].type == METHOD_T_TIMEOUT)
				complete_offer(c, "timeout=", row->params[i].help);
		}
	}
}

/* Is it of use as a command, and not another's name? */
static bool
is_command(const struct method_row *row)
{
	return verb_is_useful(row) && cli_command_find(cli_verb(row)) == NULL;
}

static void
offer_methods(struct complete *c, bool commands)
{
	for (int id = 0; id < METHOD_COUNT; id++) {
		const struct method_row *row = method_row((enum method_id)id);

		if (!commands || is_command(row))
			complete_offer(c, cli_verb(row), row->help);
	}
}

/* VERB ARGUMENT... */
static void
complete_verb(struct complete *c, char *const *words, size_t count)
{
	const struct method_row *row;

	if (count == 1) {
		offer_methods(c, false);
		return;
	}
	row = cli_method(words[0]);
	if (row != NULL)
		complete_method(c, row, words + 1, count - 1);
}

/* --- arguments of a command --------------------------------------------------- */

/* Flags, each with the commands that have it; what follows one with a value is not ours. */
static const struct {
	const char *flag;
	bool value;
	const char *commands; /* NULL: all, before the command too */
	const char *help;
} flags[] = {
    {"-s", true, NULL, "gentcpd's socket"},
    {"-T", true, NULL, "seconds to wait"},
    {"-j", false, NULL, "JSON"},
    {"-q", false, "", "an end or a timeout is told by the exit status alone"},
    {"-h", false, "", "a summary"},
    {"-V", false, "", "the version"},
    {"-e", false, " shell ", "stop at the first line that fails"},
    {"-n", true, " monitor top events ", "how many"},
    {"-d", true, " top ", "seconds between two rounds"},
    {"-t", true, " session ", "seconds that it lives without use"},
    {"-l", false, " pipe ", "accepts a connection"},
    {"--listen", false, " pipe ", "accepts a connection"},
    {"-k", false, " session ", "ends it"},
    {"-S", true, " session ", "sh, csh or fish"},
};

enum { FLAGS = sizeof flags / sizeof *flags };

static bool
has_flag(const char *commands, const char *command)
{
	char name[32];

	if (commands == NULL)
		return true;
	if (command == NULL)
		return *commands == '\0';
	snprintf(name, sizeof name, " %s ", command);
	return strstr(commands, name) != NULL;
}

static void
offer_flags(struct complete *c, const char *command)
{
	for (size_t i = 0; i < FLAGS; i++) {
		if (has_flag(flags[i].commands, command))
			complete_offer(c, flags[i].flag, flags[i].help);
	}
}

/* How many of the words, but for the last, are flags with their values. */
static size_t
skip_flags(struct complete *c, char *const *words, size_t count, bool *value)
{
	size_t i = 0, k;

	*value = false;
	while (i + 1 < count && words[i][0] == '-' && words[i][1] != '\0') {
		for (k = 0; k < FLAGS && strcmp(flags[k].flag, words[i]) != 0; k++)
			;
		*value = k < FLAGS && flags[k].value;
		if (*value && words[i][1] == 's' && i + 2 < count)
			c->path = words[i + 1];
		i += *value ? 2 : 1;
	}
	*value = *value && i == count;
	return i;
}

static void
complete_help(struct complete *c, char *const *words, size_t count)
{
	if (count == 1) {
		offer_methods(c, false);
		complete_offer(c, "options", "all options, each in a line");
		complete_offer(c, "option", "one option");
	} else if (count == 2 && strcmp(words[0], "option") == 0)
		complete_option_names(c, ~0U);
}

static void
offer_events(struct complete *c)
{
	for (int id = 0; id < EVENT_COUNT; id++)
		complete_offer(c, event_row((enum event_id)id)->name,
		    event_row((enum event_id)id)->help);
}

static void
complete_pipe(struct complete *c, bool listen, size_t count)
{
	unsigned when = listen ? OPTION_AT_LISTEN : OPTION_AT_CONNECT;

	size_t before = listen ? 1 : 2; /* PORT, HOST PORT */

	if (count == 1 && !listen)
		complete_offer(c, "localhost", NULL);
	else if (count > before && strchr(c->word, '=') != NULL)
		complete_option_values(c, when);
	else if (count > before)
		complete_options(c, when);
}

/* The flag before the first argument. */
static bool
is_listen(const char *flag)
{
	return strcmp(flag, "-l") == 0 || strcmp(flag, "--listen") == 0;
}

static void
complete_arguments(struct complete *c, const char *command, char *const *words,
    size_t count, bool listen)
{
	static const char *const shells[] = {"bash", "zsh", "fish", NULL};
	bool wait_for = strcmp(command, "wait-for") == 0;

	if (strcmp(command, "call") == 0)
		complete_verb(c, words, count);
	else if (strcmp(command, "help") == 0)
		complete_help(c, words, count);
	else if (strcmp(command, "introspect") == 0 && count == 1)
		offer_methods(c, false);
	else if (strcmp(command, "completion") == 0 && count == 1)
		offer_all(c, shells);
	else if (strcmp(command, "pipe") == 0)
		complete_pipe(c, listen, count);
	else if ((wait_for || strcmp(command, "info") == 0 ||
		     strcmp(command, "getfd") == 0) &&
	    count == 1)
		offer_known(c, METHOD_T_SOCKET);
	else if (wait_for && count == 2)
		offer_events(c);
	else if (strcmp(command, "events") == 0) {
		offer_known(c, METHOD_T_SOCKET);
		offer_events(c);
	}
}

void
complete_command_line(struct complete *c, char *const *words, size_t count)
{
	const struct cli_command *command;
	size_t skip;
	bool value;

	if (count == 0)
		return;
	c->word = words[count - 1];
	skip = skip_flags(c, words, count, &value);
	if (value)
		return;
	words += skip;
	count -= skip;
	if (count == 1 && *c->word == '-')
		offer_flags(c, NULL);
	else if (count == 1) {
		for (size_t i = 0; (command = cli_command(i)) != NULL; i++) {
			if (command->run != complete_command)
				complete_offer(c, command->name, command->help);
		}
		offer_methods(c, true);
	}
	if (count < 2)
		return;
	command = cli_command_find(words[0]);
	if (command == NULL) {
		complete_verb(c, words, count);
		return;
	}
	skip = skip_flags(c, words + 1, count - 1, &value);
	if (value)
		return;
	if (*c->word == '-')
		offer_flags(c, command->name);
	complete_arguments(c, command->name, words + 1 + skip, count - 1 - skip,
	    skip > 0 && is_listen(words[skip]));
}

void
complete_shell_line(struct complete *c, char *const *words, size_t count)
{
	static const char *const own[] = {"help", "wait", "quit", NULL};

	if (count == 0)
		return;
	c->word = words[count - 1];
	if (count > 2 && strcmp(words[1], "=") == 0) {
		words += 2;
		count -= 2;
	}
	if (count == 1)
		offer_all(c, own);
	if (count > 1 && strcmp(words[0], "help") == 0)
		complete_help(c, words + 1, count - 1);
	else if (strcmp(words[0], "wait") != 0 || count == 1)
		complete_verb(c, words, count);
	else if (count == 2)
		offer_events(c);
	else if (count == 3)
		offer_known(c, METHOD_T_SOCKET);
}
