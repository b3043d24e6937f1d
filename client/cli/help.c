/* SPDX-License-Identifier: ISC */
/* gentcp-cli help: all from the tables. */
#include <stdio.h>
#include <string.h>

#include "client/cli/args.h"
#include "client/cli/cli.h"
#include "proto/option.h"
#include "proto/option_text.h"
#include "proto/raw.h"

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
	args_put_usage(out, row);
	bytes_append_char(out, '\n');
}

static void
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
	    "help [VERB]           help options lists options, help option NAME tells of one\n"
	    "quit                  ends; so does the end of the input\n");
}

static bool
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

/* A line "  LABEL    ", whose value follows. */
static void
put_label(struct bytes *out, const char *label)
{
	size_t start = bytes_len(out);

	bytes_append_str(out, "  ");
	bytes_append_str(out, label);
	pad_to(out, start, 11);
}

static void
put_line(struct bytes *out, const char *label, const char *text)
{
	if (text == NULL)
		return;
	put_label(out, label);
	bytes_append_str(out, text);
	bytes_append_char(out, '\n');
}

/* What accept does, of an option that a listener can have. */
static void
put_accept(struct bytes *out, const struct option_row *row)
{
	if (row->when & (OPTION_AT_SET | OPTION_AT_GET) && row->type != OPTION_T_BARE)
		put_line(out, "accept", option_inherit_text(row));
}

/* Each sentence of a note has a line. */
static void
put_note(struct bytes *out, const char *note)
{
	const char *label = "note", *end;

	while (note != NULL) {
		put_label(out, label);
		end = strstr(note, ". ");
		bytes_append(
		    out, note, end == NULL ? strlen(note) : (size_t)(end - note) + 1);
		bytes_append_char(out, '\n');
		note = end == NULL ? NULL : end + 2;
		label = "";
	}
}

/* The raw options that are taken: names, then [protocol, option and how many bytes. */
static void
put_raw(struct bytes *out)
{
	static const char *const sets[] = {
	    [RAW_NOT] = "size] only asked for",
	    [RAW_ANYBODY] = "bytes]",
	    [RAW_PRIORITY] = "bytes] 0 to 6; more for root's clients",
	    [RAW_ROOT] = "bytes] set for root's clients",
	};
	const struct raw_row *row;
	size_t start;

	for (size_t i = 0; (row = raw_row(i)) != NULL; i++) {
		put_label(out, i == 0 ? "table" : "");
		start = bytes_len(out);
		bytes_append_str(out, row->text);
		pad_to(out, start, 39);
		bytes_append_char(out, '[');
		bytes_append_int(out, row->level);
		bytes_append_str(out, ", ");
		bytes_append_int(out, row->name);
		bytes_append_str(out, ", ");
		if (row->size > 0) {
			bytes_append_uint(out, row->size);
			bytes_append_char(out, ' ');
		}
		bytes_append_str(out, sets[row->set]);
		bytes_append_char(out, '\n');
	}
}

static bool
help_option(struct bytes *out, const char *name)
{
	const struct option_row *row = option_find(name, strlen(name));

	if (row == NULL)
		return false;
	bytes_append_str(out, row->name);
	bytes_append_str(out, ": ");
	bytes_append_str(out, row->help);
	bytes_append_char(out, '\n');
	put_label(out, "values");
	option_put_values(out, row, ", ", OPTION_BARE_WORDS);
	bytes_append_char(out, '\n');
	if (row->type != OPTION_T_BARE)
		put_line(out, "default", row->initial);
	put_label(out, "in");
	option_put_when(out, row);
	bytes_append_char(out, '\n');
	put_label(out, "sockets");
	option_put_families(out, row);
	bytes_append_char(out, '\n');
	put_accept(out, row);
	put_line(out, "kernel", row->kernel);
	put_note(out, row->note);
	if (row->type == OPTION_T_RAW)
		put_raw(out);
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

bool
help_about(struct bytes *out, const char *topic, const char *name)
{
	bool options = topic != NULL &&
	    (strcmp(topic, "options") == 0 || strcmp(topic, "option") == 0);

	if (topic == NULL)
		help_verbs(out);
	else if (options && name == NULL)
		help_options(out);
	else if (options)
		return help_option(out, name);
	else
		return name == NULL && help_method(out, topic);
	return true;
}

int
help_command(struct cli *cli, int argc, char **argv)
{
	struct bytes text = {0};
	int status = CLI_USAGE;

	if (argc > 2 ||
	    !help_about(&text, argc > 0 ? argv[0] : NULL, argc > 1 ? argv[1] : NULL))
		cli_complain("no help for %s", argv[argc - 1]);
	else {
		bytes_truncate(&text, bytes_len(&text) - 1); /* its last LF */
		status = cli_print(cli, &text) ? CLI_OK : CLI_ERROR;
	}
	bytes_fini(&text);
	return status;
}
