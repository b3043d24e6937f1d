/* SPDX-License-Identifier: ISC */
/* The configuration file as JSON, and the options in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config_private.h"
#include "proto/raw.h"
#include "proto/value.h"

enum { FILE_MAX = 1024 * 1024 };

/* The file's bytes (to be freed), how many, and if all may write it; NULL with errno. */
static char *
read_file(const char *path, size_t *len, bool *exposed)
{
	/* not to hang on a fifo; it is then refused for what it is */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = 0;
	char *text = NULL;
	struct stat st;
	ssize_t n = 1;

	if (fd == -1)
		return NULL;
	if (fstat(fd, &st) != 0)
		error = errno;
	else if (!S_ISREG(st.st_mode))
		error = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	else if ((text = malloc(FILE_MAX + 1)) == NULL)
		error = ENOMEM;
	for (*len = 0; error == 0 && n > 0; *len += (size_t)n) {
		n = read(fd, text + *len, FILE_MAX + 1 - *len);
		if (n == -1)
			error = errno;
		if (n == -1)
			n = 0;
	}
	if (error == 0 && *len > FILE_MAX)
		error = EFBIG;
	*exposed = error == 0 && (st.st_mode & S_IWOTH) != 0;
	close(fd);
	if (error == 0)
		return text;
	free(text);
	errno = error;
	return NULL;
}

json_t *
config_load(
    const char *path, char **text, size_t *len, bool *exposed, char *why, size_t size)
{
	json_error_t error;
	json_t *root;

	*text = read_file(path, len, exposed);
	if (*text == NULL) {
		snprintf(why, size, "cannot read %s: %s", path,
		    errno == EINVAL	 ? "it is not a plain file"
			: errno == EFBIG ? "it is longer than a megabyte"
					 : strerror(errno));
		return NULL;
	}
	root = json_loadb(*text, *len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(root))
		return root;
	if (root == NULL)
		snprintf(why, size, "%s:%d: %s", path, error.line, error.text);
	else
		snprintf(why, size, "%s: must be one JSON object", path);
	json_decref(root);
	free(*text);
	*text = NULL;
	return NULL;
}

/* --- options ------------------------------------------------------------------------------ */

/* What cannot be a default; NULL if it can. */
static const char *
refusal(const struct option_value *v)
{
	const struct raw_row *row;

	if (v->id == OPTION_FD)
		return "option \"fd\" cannot be a default";
	if (v->id != OPTION_RAW)
		return NULL;
	row = raw_find(v->u.raw.level, v->u.raw.name);
	return row == NULL || row->set == RAW_NOT
	    ? "option \"raw\" is not one that can be set, see gentcp-protocol(7)"
	    : NULL;
}

/* Takes out what is ignored: active, as in gen_tcp. */
static void
drop_active(struct option_list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].id != OPTION_ACTIVE)
			list->items[kept++] = list->items[i];
	list->count = kept;
}

bool
config_read_options(
    json_t *options, unsigned when, struct option_list *list, char *why, size_t size)
{
	struct value_error error = {0};
	const char *text = error.text;
	int reason = value_read_options(options, when, list, &error);

	if (reason > 0)
		text = "out of memory";
	for (size_t i = 0; i < list->count && reason == 0; i++) {
		text = refusal(&list->items[i]);
		reason = text == NULL ? 0 : -1;
	}
	if (reason == 0) {
		drop_active(list);
		return true;
	}
	(void)snprintf(why, size, "%s", text);
	option_list_fini(list);
	return false;
}
