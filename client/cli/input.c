/* SPDX-License-Identifier: ISC */
#include "client/cli/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/bytes.h"

enum { FIRST = 64 * 1024 };

/* where gentcpd does not say */
static const size_t usual_limit = (size_t)64 * 1024 * 1024;

ssize_t
input_read(int fd, void *room, size_t size)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	ssize_t n;

	for (;;) {
		n = read(fd, room, size);
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n;
		if (errno == EAGAIN)
			(void)poll(&pfd, 1, -1);
	}
}

enum input_status
input_read_all(int fd, size_t limit, char **data, size_t *len)
{
	size_t size = 0;
	char *more;
	ssize_t n;

	*data = NULL;
	*len = 0;
	for (;;) {
		if (*len == size) {
			size = size == 0 ? FIRST : size * 2;
			more = realloc(*data, size);
			if (more == NULL)
				return INPUT_FAILED;
			*data = more;
		}
		n = input_read(fd, *data + *len, size - *len);
		if (n <= 0)
			return n == 0 ? INPUT_OK : INPUT_FAILED;
		*len += (size_t)n;
		if (*len > limit)
			return INPUT_TOO_LONG;
	}
}

size_t
input_limit(struct cli *cli)
{
	json_t *hello = cli_hello(cli);
	json_int_t limit = json_integer_value(json_object_get(hello, "max_attachment"));

	json_decref(hello);
	return limit > 0 ? (size_t)limit : usual_limit;
}
