/* SPDX-License-Identifier: ISC */
/* gentcpd --help-config. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config_private.h"

static void
print_default(const struct config *c, const struct key *key)
{
	const void *at = (const char *)c + key->offset;
	const char *path;

	switch (key->type) {
	case KEY_CAP:
	case KEY_SIZE:
		if (*(const size_t *)at == SIZE_MAX)
			fputs("unlimited", stdout);
		else
			printf("%zu", *(const size_t *)at);
		break;
	case KEY_MS:
		printf("%" PRId64, *(const int64_t *)at);
		break;
	case KEY_COUNT:
		printf("%u", *(const unsigned *)at);
		break;
	case KEY_MODE:
		printf("\"%04o\"", (unsigned)*(const mode_t *)at);
		break;
	case KEY_GROUP:
		fputs("the daemon's", stdout);
		break;
	case KEY_BACKEND:
		fputs(*(const bool *)at ? "socket" : "inet", stdout);
		break;
	case KEY_PATH:
	case KEY_METRICS:
		path = *(char *const *)at;
		if (path == NULL)
			path = "none";
		printf("%s", path);
		break;
	case KEY_LOG:
		fputs("auto", stdout);
		break;
	case KEY_LEVELS:
		fputs("info", stdout);
		break;
	case KEY_CONNECT:
	case KEY_LISTEN:
	case KEY_ADMIN:
	case KEY_RULES:
	case KEY_TYPES:
		fputs("none", stdout);
		break;
	}
}

static void
print_key(const struct config *c, const struct key *key)
{
	bool wide = strlen(key->name) > 16;

	/* a name that is too long for the column has a line of its own */
	printf("  %-16s%s%*s%s\n%19s%s", key->name, wide ? "\n" : "", wide ? 19 : 1, "",
	    key->help, "", config_type_name(key->type));
	if (key->type < KEY_MODE) {
		printf(", from %" PRId64, key->min);
		if (key->max != INT64_MAX)
			printf(" to %" PRId64, key->max);
	}
	if (key->reload == KEY_START)
		fputs("; at the start only", stdout);
	fputs("; default ", stdout);
	print_default(c, key);
	putchar('\n');
}

void
config_help(void)
{
	const struct key *key;
	struct config c;

	config_init(&c);
	puts(
	    "The configuration file is one JSON object.  Its keys, all optional; they are\n"
	    "read anew by SIGHUP and daemon.reload:\n");
	for (size_t i = 0; (key = config_key(i)) != NULL; i++)
		print_key(&c, key);
	config_fini(&c);
}
