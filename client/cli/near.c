/* SPDX-License-Identifier: ISC */
#include "client/cli/near.h"

#include <string.h>

#include "client/cli/cli.h"
#include "proto/option.h"

enum { LETTERS = 32, SHOWN = 3 };

/* The best so far, nearest first. */
struct near {
	const char *name;
	size_t count;
	struct {
		const char *name;
		unsigned distance;
	} best[SHOWN];
};

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned
near_distance(const char *a, const char *b)
{
	unsigned rows[3][LETTERS + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2], *spare;
	size_t na = strlen(a), nb = strlen(b);

	if (na >= LETTERS || nb >= LETTERS)
		return NEAR_FAR;
	memset(rows, 0, sizeof rows);
	for (unsigned j = 0; j <= nb; j++)
		row[j] = j;
	for (unsigned i = 1; i <= na; i++) {
		spare = before;
		before = last;
		last = row;
		row = spare;
		row[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			row[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return row[nb];
}

static void
consider(struct near *n, const char *name)
{
	size_t len = strlen(n->name), at;
	unsigned distance = near_distance(n->name, name);

	/* what was begun, or a third of it mistyped */
	if (len >= 3 && strncmp(name, n->name, len) == 0)
		distance = 1;
	if (distance > (len < 6 ? 1 : len / 3))
		return;
	at = n->count;
	while (at > 0 && n->best[at - 1].distance > distance)
		at--;
	if (at == SHOWN)
		return;
	if (n->count < SHOWN)
		n->count++;
	for (size_t i = n->count - 1; i > at; i--)
		n->best[i] = n->best[i - 1];
	n->best[at].name = name;
	n->best[at].distance = distance;
}

static bool
put(struct bytes *out, const struct near *n)
{
	for (size_t i = 0; i < n->count; i++) {
		if (i > 0)
			bytes_append_str(out, i + 1 == n->count ? " or " : ", ");
		bytes_append_str(out, n->best[i].name);
	}
	return n->count > 0;
}

bool
near_options(struct bytes *out, const char *name)
{
	struct near n = {.name = name};

	for (int id = 0; id < OPTION_COUNT; id++)
		consider(&n, option_row((enum option_id)id)->name);
	return put(out, &n);
}

bool
near_verbs(struct bytes *out, const char *name)
{
	struct near n = {.name = name};
	const struct cli_command *command;

	for (size_t i = 0; (command = cli_command(i)) != NULL; i++)
		consider(&n, command->name);
	for (int id = 0; id < METHOD_COUNT; id++) {
		const char *verb = cli_verb(method_row((enum method_id)id));

		if (cli_command_find(verb) == NULL)
			consider(&n, verb);
	}
	return put(out, &n);
}
