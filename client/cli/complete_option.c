/* SPDX-License-Identifier: ISC */
#include "client/cli/complete_option.h"

#include <stdio.h>
#include <string.h>

#include "proto/option.h"

unsigned
complete_option_when(const struct method_row *row)
{
	switch (row->id) {
	case METHOD_CONNECT:
	case METHOD_FDOPEN:
		return OPTION_AT_CONNECT;
	case METHOD_LISTEN:
		return OPTION_AT_LISTEN;
	case METHOD_SETOPTS:
		return OPTION_AT_SET;
	default:
		return 0;
	}
}

void
complete_options(struct complete *c, unsigned when)
{
	char word[64];

	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = option_row((enum option_id)id);

		if (!(row->when & when))
			continue;
		snprintf(word, sizeof word, "%s%s", row->name,
		    row->type == OPTION_T_BARE ? "" : "=");
		complete_offer(c, word, row->help);
	}
}

void
complete_option_names(struct complete *c, unsigned when)
{
	for (int id = 0; id < OPTION_COUNT; id++) {
		const struct option_row *row = option_row((enum option_id)id);

		if (row->when & when)
			complete_offer(c, row->name, row->help);
	}
}

/* name=value, if that is what is begun. */
static void
offer_value(struct complete *c, const struct option_row *row, const char *value)
{
	char word[128];

	snprintf(word, sizeof word, "%s=%s", row->name, value);
	complete_offer(c, word, NULL);
}

static void
offer_values(struct complete *c, const struct option_row *row)
{
	switch (row->type) {
	case OPTION_T_BOOLEAN:
		offer_value(c, row, "true");
		offer_value(c, row, "false");
		break;
	case OPTION_T_ACTIVE:
		offer_value(c, row, "true");
		offer_value(c, row, "false");
		offer_value(c, row, "once");
		break;
	case OPTION_T_CHOICE:
		for (size_t i = 0; row->choices[i].name != NULL; i++)
			offer_value(c, row, row->choices[i].name);
		break;
	case OPTION_T_TIMEOUT:
		offer_value(c, row, "infinity");
		break;
	case OPTION_T_ADDRESS:
		offer_value(c, row, "any");
		offer_value(c, row, "loopback");
		break;
	case OPTION_T_LINGER:
		offer_value(c, row, "[true,0]");
		offer_value(c, row, "[false,0]");
		break;
	default:
		break;
	}
}

void
complete_option_values(struct complete *c, unsigned when)
{
	const char *equals = strchr(c->word, '=');
	const struct option_row *row;

	if (equals == NULL)
		return;
	row = option_find(c->word, (size_t)(equals - c->word));
	if (row != NULL && row->when & when)
		offer_values(c, row);
	else if (strncmp(c->word, "timeout=", 8) == 0)
		complete_offer(c, "timeout=infinity", NULL);
}
