/* SPDX-License-Identifier: ISC */
/*
 * Prints the option table, for what is fed from it:
 *
 *     print_options mdoc     the lists of gentcp-protocol(7)
 *     print_options tsv      a line for each row, for tests/integration
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/option.h"
#include "proto/option_text.h"
#include "proto/raw.h"

enum { WIDTH = 79, ALL_WHEN = 15 };

/* --- mdoc --------------------------------------------------------------------- */

/* The manual's lists: which rows, and under which heading. */
enum group { OWN, CREATION, KERNEL, GROUPS };
static const char *const headings[GROUPS] = {
    [OWN] = "gen_tcp's own",
    [CREATION] = "Of connect and listen alone",
    [KERNEL] = "The kernel's",
};

static enum group
group_of(const struct option_row *row)
{
	if (row->optname != 0 || row->type == OPTION_T_RAW)
		return KERNEL;
	return row->when & (OPTION_AT_SET | OPTION_AT_GET) ? OWN : CREATION;
}

/* A piece of text as roff wants it inside a line. */
static void
print_escaped(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			fputs("\\e", stdout);
		else if (text[i] == '"')
			fputs("\\(dq", stdout);
		else
			putchar(text[i]);
	}
}

/* Text in lines of at most WIDTH; a sentence begins a line of its own. */
static void
print_text(const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > WIDTH) {
			putchar('\n');
			column = 0;
		}
		if (column > 0)
			column += (size_t)printf(" ");
		else if (*text == '.' || *text == '\'')
			fputs("\\&", stdout);
		print_escaped(text, len);
		column += len;
		if (text[len] == ' ' && text[len - 1] == '.')
			column = WIDTH;
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

static const char *
finish(struct bytes *b)
{
	bytes_append_char(b, '\0');
	if (bytes_failed(b)) {
		fputs("print_options: no memory\n", stderr);
		exit(1);
	}
	return (const char *)bytes_head(b);
}

/* "help", then its notes, as sentences. */
static void
print_help(const struct option_row *row)
{
	struct bytes text = {0};

	bytes_append_char(&text, (char)toupper((unsigned char)*row->help));
	bytes_append_str(&text, row->help + 1);
	bytes_append_char(&text, '.');
	if (row->note != NULL) {
		bytes_append_char(&text, ' ');
		bytes_append_str(&text, row->note);
	}
	print_text(finish(&text));
	bytes_fini(&text);
}

/* A part of the last sentence, behind a semicolon if there is one already. */
static void
put_part(struct bytes *text, const char *part)
{
	if (bytes_len(text) > 0)
		bytes_append_str(text, "; ");
	bytes_append_str(text, part);
}

/* What differs from what the section says of all, as the last sentence. */
static void
print_facts(const struct option_row *row)
{
	struct bytes text = {0};

	if (row->type != OPTION_T_BARE) {
		put_part(&text, "Default: ");
		bytes_append_str(&text, row->initial);
	}
	if (row->when != ALL_WHEN && group_of(row) != CREATION) {
		put_part(&text, "in ");
		option_put_when(&text, row);
		bytes_append_str(&text, " alone");
	} else if (row->when == OPTION_AT_LISTEN)
		put_part(&text, "in listen alone");
	if (row->families != OPTION_ON_ALL) {
		put_part(&text, "of ");
		option_put_families(&text, row);
		bytes_append_str(&text, " sockets");
	}
	if (group_of(row) != CREATION && row->inherit == OPTION_NOT_INHERITED &&
	    row->type != OPTION_T_BARE)
		put_part(&text, "not handed on by accept");
	if (row->kernel != NULL)
		put_part(&text, row->kernel);
	if (bytes_len(&text) > 0) {
		*bytes_head(&text) = (unsigned char)toupper(*bytes_head(&text));
		bytes_append_char(&text, '.');
		print_text(finish(&text));
	}
	bytes_fini(&text);
}

static void
print_item(const struct option_row *row)
{
	struct bytes values = {0};

	printf(".It Cm %s", row->name);
	if (row->type != OPTION_T_BARE) {
		option_put_values(&values, row, " | ", OPTION_QUOTED);
		finish(&values);
		fputs(" : No ", stdout);
		print_escaped((const char *)bytes_head(&values), bytes_len(&values) - 1);
		bytes_fini(&values);
	}
	putchar('\n');
	print_help(row);
	print_facts(row);
}

/* The table of raw options: names, numbers, and who may set them. */
static void
print_raw(void)
{
	static const char *const set[RAW_ROOT + 1] = {
	    [RAW_NOT] = "only asked for",
	    [RAW_PRIORITY] = "0 to 6; more by root's clients",
	    [RAW_ROOT] = "set by root's clients",
	};
	const struct raw_row *row;

	puts(".Ss Raw options");
	puts("They can be set and asked for, unless it says otherwise.");
	puts("A value of more bytes than stand here is einval.");
	puts(
	    ".Bl -column \"IPPROTO_TCP TCP_THIN_LINEAR_TIMEOUTS\" \"protocol\" \"option\" "
	    "\"bytes\"");
	puts(".It Sy name Ta Sy protocol Ta Sy option Ta Sy bytes Ta Sy who");
	for (size_t i = 0; (row = raw_row(i)) != NULL; i++) {
		printf(".It %s Ta %d Ta %d", row->text, row->level, row->name);
		if (row->size > 0)
			printf(" Ta %zu", row->size);
		else
			fputs(" Ta \\&", stdout);
		if (set[row->set] != NULL)
			printf(" Ta %s", set[row->set]);
		putchar('\n');
	}
	puts(".El");
}

static void
print_mdoc(void)
{
	for (int group = 0; group < GROUPS; group++) {
		printf(".Ss %s\n.Bl -tag -width Ds\n", headings[group]);
		for (int i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = option_row((enum option_id)i);

			/* A bare word stands with those that its option is of. */
			if (row->type == OPTION_T_BARE
				? group_of(option_row(row->stands_for)) ==
				    (enum group)group
				: group_of(row) == (enum group)group)
				print_item(row);
		}
		puts(".El");
	}
	print_raw();
}

/* --- tsv ---------------------------------------------------------------------- */

static void
print_column(
    void (*put)(struct bytes *, const struct option_row *), const struct option_row *row)
{
	struct bytes text = {0};

	put(&text, row);
	printf("\t%s", finish(&text));
	bytes_fini(&text);
}

static void
print_tsv(void)
{
	static const char *const inherit[] = {
	    [OPTION_NOT_INHERITED] = "no",
	    [OPTION_COPIED] = "copied",
	    [OPTION_READ_AND_SET] = "set",
	    [OPTION_BY_KERNEL] = "kernel",
	};

	puts(
	    "name\tmin\tmax\twhen\tfamilies\tinherit\tlevel\toptname\tdefault\tstands_for");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = option_row((enum option_id)i);

		printf("%s\t%jd\t%jd", row->name, (intmax_t)row->min, (intmax_t)row->max);
		print_column(option_put_when, row);
		print_column(option_put_families, row);
		printf("\t%s\t%d\t%d\t%s\t%s\n", inherit[row->inherit], row->level,
		    row->optname, row->initial,
		    row->type == OPTION_T_BARE ? option_row(row->stands_for)->name : "");
	}
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "mdoc") == 0)
		print_mdoc();
	else if (argc == 2 && strcmp(argv[1], "tsv") == 0)
		print_tsv();
	else {
		fputs("usage: print_options mdoc | tsv\n", stderr);
		return 2;
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
