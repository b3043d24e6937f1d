/* SPDX-License-Identifier: ISC */
/* Users and groups by name, and names that were nearly right. */
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_private.h"

enum {
	ENTRY_MIN = 1024,	 /* bytes of an entry of the user database … */
	ENTRY_MAX = 1024 * 1024, /* … a group may have many members */
	NAME_MAX_LEN = 40	 /* of what is compared */
};

/* --- the user database ------------------------------------------------------------ */

/* A number as it stands; true if it is one that may be. */
static bool
plain(json_t *value, uint32_t *id)
{
	json_int_t n = json_integer_value(value);

	*id = (uint32_t)n;
	return json_is_integer(value) && n >= 0 && n < UINT32_MAX;
}

/*
 * One look into a directory: 0, and *found tells whether *id is set; or an errno.  Both
 * are the re-entrant ones: threads look names of hosts up meanwhile.
 */
typedef int look_fn(
    const char *name, char *space, size_t size, uint32_t *id, bool *found);

static int
look_user(const char *name, char *space, size_t size, uint32_t *id, bool *found)
{
	struct passwd entry, *it = NULL;
	int error = getpwnam_r(name, &entry, space, size, &it);

	*found = it != NULL;
	if (*found)
		*id = entry.pw_uid;
	return error;
}

static int
look_group(const char *name, char *space, size_t size, uint32_t *id, bool *found)
{
	struct group entry, *it = NULL;
	int error = getgrnam_r(name, &entry, space, size, &it);

	*found = it != NULL;
	if (*found)
		*id = entry.gr_gid;
	return error;
}

/* The number that value is, or that its name has.  0 or an errno. */
static int
number_of(json_t *value, look_fn *look, uint32_t *id)
{
	char *space = NULL, *more;
	int error = ERANGE;
	bool found = false;

	if (!json_is_string(value))
		return plain(value, id) ? 0 : EINVAL;
	for (size_t size = ENTRY_MIN; error == ERANGE && size <= ENTRY_MAX; size *= 4) {
		more = realloc(space, size);
		if (more == NULL) {
			free(space);
			return ENOMEM;
		}
		space = more;
		error = look(json_string_value(value), space, size, id, &found);
	}
	free(space);
	return found ? 0 : error == 0 ? ENOENT : error;
}

int
config_uid(json_t *value, uid_t *uid)
{
	return number_of(value, look_user, uid);
}

int
config_gid(json_t *value, gid_t *gid)
{
	return number_of(value, look_group, gid);
}

/* --- names that are none ------------------------------------------------------------ */

static unsigned
least(unsigned a, unsigned b, unsigned c)
{
	if (b < a)
		a = b;
	return c < a ? c : a;
}

/* How many letters have to be put in, taken out or changed; two that are swapped are one. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned rows[3][NAME_MAX_LEN + 1], *now, *last, *before;
	size_t len_a = strlen(a), len_b = strlen(b), i, j;

	if (len_a > NAME_MAX_LEN || len_b > NAME_MAX_LEN)
		return UINT_MAX;
	for (j = 0; j <= len_b; j++)
		rows[0][j] = (unsigned)j;
	for (i = 1; i <= len_a; i++) {
		now = rows[i % 3];
		last = rows[(i + 2) % 3];
		before = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (j = 1; j <= len_b; j++) {
			now[j] = least(last[j] + 1, now[j - 1] + 1,
			    last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
	}
	return rows[len_a % 3][len_b];
}

const char *
config_near(const char *name, const char *(*next)(size_t i))
{
	unsigned best = (unsigned)(strlen(name) / 3) + 1, far;
	const char *found = NULL, *other;

	for (size_t i = 0; (other = next(i)) != NULL; i++) {
		far = distance(name, other);
		if (far < best) {
			best = far;
			found = other;
		}
	}
	return found;
}
