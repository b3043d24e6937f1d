/* SPDX-License-Identifier: ISC */
/* gentcp-cli completion, complete: words for bash, zsh and fish. */
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/complete.h"
#include "client/cli/completion_text.inc"
#include "client/cli/output.h"

int
completion_command(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *shell, *text;
	} texts[] = {
	    {"bash", completion_bash},
	    {"zsh", completion_zsh},
	    {"fish", completion_fish},
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts && argc == 1; i++) {
		if (strcmp(texts[i].shell, argv[0]) == 0)
			return cli_write(cli, texts[i].text, strlen(texts[i].text))
			    ? CLI_OK
			    : CLI_ERROR;
	}
	return cli_usage("completion");
}

static void
put_candidate(const char *word, const char *help, void *ctx)
{
	struct bytes *out = ctx;

	bytes_append_str(out, word);
	if (help != NULL) {
		bytes_append_char(out, '\t');
		bytes_append_str(out, help);
	}
	bytes_append_char(out, '\n');
}

int
complete_command(struct cli *cli, int argc, char **argv)
{
	struct bytes text = {0};
	struct complete c = {
	    .fn = put_candidate, .ctx = &text, .path = cli->path, .ask = true};
	bool ok;

	complete_command_line(&c, argv, (size_t)argc);
	ok = !bytes_failed(&text) &&
	    (bytes_len(&text) == 0 ||
		cli_write(cli, bytes_head(&text), bytes_len(&text)));
	bytes_fini(&text);
	return ok ? CLI_OK : CLI_ERROR;
}
