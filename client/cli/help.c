/* SPDX-License-Identifier: ISC */
/* gentcp-cli help: all from the tables. */
#include <stdio.h>
#include <string.h>

#include "client/cli/args.h"
#include "client/cli/cli.h"
#include "proto/option.h"

static void
pad_to(struct bytes *out, size_t from, size_t width)
{
	do
		bytes_append_char(out, ' ');
	while (bytes_len(out) - from < width);
}

static void
put_usage(struct bytes *out, const struct method_row *row)
{
	bytes_append_str(out, cli_verb(row));
	for (size_t i = 0; i < method_arity(row); i++)
		args_put_usage(out, &row->params[i]);
	bytes_append_char(out, '\n');
}

void
help_verbs(struct bytes *out)
{
	size_t start;

	for (int id = 0; id < METHOD_COUNT; id++) {
		const struct method_row *row = method_row((enum method_id)id);

		start = bytes_len(out);
		bytes_append_str(out, cli_verb(row));
		pad_to(out, start, 22);
		bytes_append_str(out, row->help);
		bytes_append_char(out, '\n');
	}
	bytes_append_str(out,
	    "\nin the shell:\n"
	    "name = VERB ...       keeps the result's socket (client, data, value) as $name\n"
	    "VERB ... &            does not wait for the reply\n"
	    "wait                  waits for all replies\n"
	    "wait EVENT [SOCKET]   waits for an event: tcp, tcp_closed, ...\n"
	    "help [VERB]           help option NAME tells of an option\n"
	    "quit                  ends; so does the end of the input\n");
}

bool
help_method(struct bytes *out, const char *name)
{
	const struct method_row *row = cli_method(name);
	size_t start;

	if (row == NULL)
		return false;
	put_usage(out, row);
	bytes_append_str(out, row->help);
	bytes_append_char(out, '\n');
	for (size_t i = 0; i < method_arity(row); i++) {
		start = bytes_len(out);
		bytes_append_str(out, "  ");
		bytes_append_str(out, row->params[i].name);
		pad_to(out, start, 12);
		bytes_append_str(out, row->params[i].help);
		bytes_append_char(out, '\n');
	}
	bytes_append_str(out, "method ");
	bytes_append_str(out, row->name);
	bytes_append_str(out, ", result ");
	bytes_append_str(out, row->result);
	bytes_append_char(out, '\n');
	return true;
}

static void
put_values(struct bytes *out, const struct option_row *row)
{
	static const char *const kinds[] = {
	    [OPTION_T_BOOLEAN] = "true, false",
	    [OPTION_T_TIMEOUT] = "milliseconds, infinity",
	    [OPTION_T_ACTIVE] = "true, false, once, a number",
	    [OPTION_T_LINGER] = "[true, SECONDS], [false, 0]",
	    [OPTION_T_ADDRESS] = "an address",
	    [OPTION_T_PASSED] = "passed",
	    [OPTION_T_BARE] = "none: the word alone",
	};

	bytes_append_str(out, "  values   ");
	if (row->type == OPTION_T_INTEGER) {
		bytes_append_int(out, row->min);
		bytes_append_str(out, "..");
		bytes_append_int(out, row->max);
	} else if (row->type == OPTION_T_CHOICE) {
		for (const struct option_choice *c = row->choices; c->name != NULL; c++) {
			bytes_append_str(out, c == row->choices ? "" : ", ");
			bytes_append_str(out, c->name);
		}
	} else
		bytes_append_str(out, kinds[row->type]);
	bytes_append_char(out, '\n');
}

static void
put_when(struct bytes *out, const struct option_row *row)
{
	static const struct {
		unsigned bit;
		const char *word;
	} whens[] = {
	    {OPTION_AT_CONNECT, " connect"},
	    {OPTION_AT_LISTEN, " listen"},
	    {OPTION_AT_SET, " setopts"},
	    {OPTION_AT_GET, " getopts"},
	};

	bytes_append_str(out, "  in      ");
	for (size_t i = 0; i < sizeof whens / sizeof *whens; i++) {
		if (row->when & whens[i].bit)
			bytes_append_str(out, whens[i].word);
	}
	bytes_append_char(out, '\n');
}

bool
help_option(struct bytes *out, const char *name)
{
	const struct option_row *row = option_find(name, strlen(name));

	if (row == NULL)
		return false;
	bytes_append_str(out, row->name);
	bytes_append_str(out, ": ");
	bytes_append_str(out, row->help);
	bytes_append_char(out, '\n');
	put_values(out, row);
	if (row->initial != NULL && *row->initial != '\0') {
		bytes_append_str(out, "  default  ");
		bytes_append_str(out, row->initial);
		bytes_append_char(out, '\n');
	}
	put_when(out, row);
	return true;
}

static void
help_options(struct bytes *out)
{
	size_t start;

	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = option_row((enum option_id)id);

		start = bytes_len(out);
		bytes_append_str(out, row->name);
		pad_to(out, start, 22);
		bytes_append_str(out, row->help);
		bytes_append_char(out, '\n');
	}
}

int
help_command(struct cli *cli, int argc, char **argv)
{
	struct bytes text = {0};
	bool ok = true;

	if (argc == 0)
		help_verbs(&text);
	else if (strcmp(argv[0], "option") == 0 && argc == 1)
		help_options(&text);
	else if (strcmp(argv[0], "option") == 0)
		ok = help_option(&text, argv[1]);
	else
		ok = help_method(&text, argv[0]);
	if (!ok)
		cli_complain("no help for %s", argv[argc - 1]);
	else {
		bytes_truncate(&text, bytes_len(&text) - 1); /* its last LF */
		ok = cli_print(cli, &text);
		bytes_fini(&text);
		return ok ? CLI_OK : CLI_ERROR;
	}
	bytes_fini(&text);
	return CLI_USAGE;
}
