/* SPDX-License-Identifier: ISC */
/* What the parts of the configuration (config*.c) have of each other. */
#ifndef DAEMON_CONFIG_PRIVATE_H
#define DAEMON_CONFIG_PRIVATE_H

#include <jansson.h>

#include "daemon/config.h"

/* --- the table (config.c) ----------------------------------------------------- */

enum key_type {
	KEY_SIZE,    /* size_t */
	KEY_CAP,     /* size_t, or "unlimited" */
	KEY_MS,	     /* int64_t */
	KEY_COUNT,   /* unsigned */
	KEY_MODE,    /* mode_t, as an octal string */
	KEY_GROUP,   /* gid_t, a name or a number */
	KEY_PATH,    /* char *, own */
	KEY_METRICS, /* char *, own: a path, or a loopback address with a port */
	KEY_BACKEND, /* bool: socket, else inet */
	KEY_CONNECT, /* struct option_list, own: options of connect … */
	KEY_LISTEN,  /* … and of listen */
	KEY_LOG,     /* struct config_log: where it goes */
	KEY_LEVELS,  /* struct config_log: how much */
	KEY_ADMIN,   /* struct access: the administrators' group */
	KEY_RULES,   /* struct access: the rules */
	KEY_TYPES
};

enum key_reload {
	KEY_LIVE, /* in force when it is read anew */
	KEY_START /* at a start only */
};

struct key {
	const char *name;
	enum key_type type;
	enum key_reload reload;
	size_t offset; /* in struct config */
	int64_t min, max;
	const char *help;
};

/* The i-th row; NULL behind the last. */
const struct key *config_key(size_t i);

/* --- one reading of a file ------------------------------------------------------- */

struct reading {
	struct config *config;
	const char *file;
	const char *text; /* of the file */
	size_t len;
	char *why;
	size_t size;
};

/* Where in the file something is wrong: a key, or an item's member in its array. */
struct place {
	const char *key;
	size_t item;	    /* from 0 on, SIZE_MAX: the key itself */
	const char *member; /* of the item, or NULL */
};

/* Writes "file:line: " and the sentence, and is false. */
bool config_refuse(const struct reading *r, const struct place *at, const char *format,
    ...) __attribute__((format(printf, 3, 4)));

/*
 * The same for a name there that is none, what it should be, and the nearest that there
 * is: next(i) tells them.
 */
bool config_refuse_name(const struct reading *r, const struct place *at, const char *what,
    const char *name, const char *(*next)(size_t i));

/*
 * The line, from 1 on, where the value at a place of a JSON text begins; 0 if it is not
 * there.  The text is sound.
 */
size_t config_line(const char *text, size_t len, const struct place *at);

/*
 * The one JSON object in the file: a new reference, or NULL with a sentence in
 * why[size] that names the file.  *text gets the file's bytes, to be freed; *exposed
 * tells whether everybody may write to it.
 */
json_t *config_load(
    const char *path, char **text, size_t *len, bool *exposed, char *why, size_t size);

/* --- values --------------------------------------------------------------------------- */

/* Reads the value of a key into r->config (config_value.c).  False: r->why says why. */
bool config_set(const struct reading *r, const struct key *key, json_t *value);
/* What a type is for people. */
const char *config_type_name(enum key_type type);
/* Is the value of a key, of the simple types, the same in both? */
bool config_same(const struct key *key, const struct config *a, const struct config *b);
/* Exchanges it. */
void config_swap(const struct key *key, struct config *a, struct config *b);

/*
 * Reads default options, in any form that the protocol has for them, into list, which
 * is empty.  when is OPTION_AT_CONNECT or OPTION_AT_LISTEN.  active is left out: it
 * is for each connect and listen to say.  False with a sentence in why[size].
 */
bool config_read_options(
    json_t *options, unsigned when, struct option_list *list, char *why, size_t size);

/* A user's or group's number, from its name or number; config_names.c.  0 or an errno. */
int config_uid(json_t *value, uid_t *uid);
int config_gid(json_t *value, gid_t *gid);

/* Reads the rules of the key access into *access; config_access.c. */
bool config_read_access(
    const struct reading *r, const char *key, json_t *value, struct access *access);

/* The name that is the nearest to one that is none, or NULL: next(i) tells them. */
const char *config_near(const char *name, const char *(*next)(size_t i));

#endif
