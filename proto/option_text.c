/* SPDX-License-Identifier: ISC */
#include "proto/option_text.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct flag {
	unsigned bit;
	const char *word;
};

static void
put_flags(struct bytes *out, unsigned mask, const struct flag *flags, size_t count)
{
	const char *before = "";

	for (size_t i = 0; i < count; i++) {
		if ((mask & flags[i].bit) == 0)
			continue;
		bytes_append_str(out, before);
		bytes_append_str(out, flags[i].word);
		before = ", ";
	}
}

/* A word, in quotes where they are wanted. */
static void
put_word(struct bytes *out, const char *word, enum option_quotes quotes)
{
	const char *quote = quotes == OPTION_QUOTED ? "\"" : "";

	bytes_append_str(out, quote);
	bytes_append_str(out, word);
	bytes_append_str(out, quote);
}

static void
put_number(struct bytes *out, const struct option_row *row)
{
	bool any = row->min == INT32_MIN && row->max == INT32_MAX;

	if (any)
		bytes_append_str(out, "a whole number");
	else {
		bytes_append_int(out, row->min);
		bytes_append_str(out, "..");
		bytes_append_int(out, row->max);
	}
	if (row->unit != NULL) {
		bytes_append_str(out, any ? " of " : " ");
		bytes_append_str(out, row->unit);
	}
}

static void
put_choices(struct bytes *out, const struct option_row *row, const char *separator,
    enum option_quotes quotes)
{
	for (const struct option_choice *c = row->choices; c->name != NULL; c++) {
		if (c != row->choices)
			bytes_append_str(out, separator);
		put_word(out, c->name, c->number ? OPTION_BARE_WORDS : quotes);
	}
}

static void
put_active(struct bytes *out, const struct option_row *row, const char *separator,
    enum option_quotes quotes)
{
	bytes_append_str(out, "true");
	bytes_append_str(out, separator);
	bytes_append_str(out, "false");
	bytes_append_str(out, separator);
	put_word(out, "once", quotes);
	bytes_append_str(out, separator);
	put_number(out, row);
}

void
option_put_values(struct bytes *out, const struct option_row *row, const char *separator,
    enum option_quotes quotes)
{
	switch (row->type) {
	case OPTION_T_BOOLEAN:
		bytes_append_str(out, "true");
		bytes_append_str(out, separator);
		bytes_append_str(out, "false");
		break;
	case OPTION_T_INTEGER:
		put_number(out, row);
		break;
	case OPTION_T_TIMEOUT:
		bytes_append_str(out, "milliseconds from 0 on");
		bytes_append_str(out, separator);
		put_word(out, "infinity", quotes);
		break;
	case OPTION_T_CHOICE:
		put_choices(out, row, separator, quotes);
		break;
	case OPTION_T_ACTIVE:
		put_active(out, row, separator, quotes);
		break;
	case OPTION_T_LINGER:
		bytes_append_str(out, "[true, seconds]");
		bytes_append_str(out, separator);
		bytes_append_str(out, "[false, seconds]");
		break;
	case OPTION_T_ADDRESS:
		bytes_append_str(out, "an address");
		break;
	case OPTION_T_PASSED:
		put_word(out, "passed", quotes);
		break;
	case OPTION_T_DEVICE:
		bytes_append_str(out, "the name of a device");
		break;
	case OPTION_T_PATH:
		bytes_append_str(out, "a path");
		break;
	case OPTION_T_PACKET:
		bytes_append_str(out, "an array");
		break;
	case OPTION_T_RAW:
		bytes_append_str(out, "[protocol, option, bytes]");
		break;
	case OPTION_T_BARE:
		bytes_append_str(out, "none, the word alone");
		break;
	}
}

void
option_put_when(struct bytes *out, const struct option_row *row)
{
	static const struct flag whens[] = {
	    {OPTION_AT_CONNECT, "connect"},
	    {OPTION_AT_LISTEN, "listen"},
	    {OPTION_AT_SET, "setopts"},
	    {OPTION_AT_GET, "getopts"},
	};

	put_flags(out, row->when, whens, COUNT(whens));
}

void
option_put_families(struct bytes *out, const struct option_row *row)
{
	static const struct flag families[] = {
	    {OPTION_ON_INET, "inet"},
	    {OPTION_ON_INET6, "inet6"},
	    {OPTION_ON_LOCAL, "local"},
	};

	put_flags(out, row->families, families, COUNT(families));
}

const char *
option_inherit_text(const struct option_row *row)
{
	switch (row->inherit) {
	case OPTION_COPIED:
		return "hands it to the new socket";
	case OPTION_READ_AND_SET:
		return "asks the listener's and sets it";
	case OPTION_BY_KERNEL:
		return "the kernel hands it on";
	default:
		return "does not hand it on";
	}
}
