/* SPDX-License-Identifier: ISC */
#include "client/cli/history.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The file's path, to be freed; NULL: there is none. */
static char *
path_new(void)
{
	const char *own = getenv("GENTCP_HISTORY"), *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;
	int n = -1;

	if (own != NULL)
		return *own == '\0' ? NULL : strdup(own);
	if (state != NULL && *state == '/')
		n = asprintf(&path, "%s/gentcp-cli/history", state);
	else if (home != NULL && *home == '/')
		n = asprintf(&path, "%s/.local/state/gentcp-cli/history", home);
	return n < 0 ? NULL : path;
}

/* Makes the folders that path is in. */
static void
make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0700);
		*slash = '/';
	}
}

void
history_load(History *h)
{
	char *path = path_new();
	HistEvent event;

	if (path != NULL)
		(void)history(h, &event, H_LOAD, path);
	free(path);
}

/* The new file takes the old one's place when it is whole. */
static bool
save_to(History *h, const char *path, const char *fresh)
{
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
	HistEvent event;
	bool ok;

	if (file == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	ok = fchmod(fd, 0600) == 0 && history(h, &event, H_SAVE_FP, file) != -1;
	ok = fclose(file) == 0 && ok;
	if (!ok || rename(fresh, path) != 0)
		(void)unlink(fresh);
	return ok;
}

void
history_save(History *h)
{
	char *path = path_new(), *fresh = NULL;

	if (path != NULL && asprintf(&fresh, "%s.%ld", path, (long)getpid()) >= 0) {
		make_folders(path);
		(void)save_to(h, path, fresh);
		free(fresh);
	}
	free(path);
}
