/* SPDX-License-Identifier: ISC */
/* Where GET /metrics is answered: never for other machines. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/socket_file.h"
#include "daemon/metrics_http.h"

enum { BACKLOG = 8 };

/* "127.0.0.1:9464", "[::1]:9464" -> a sockaddr; false where it is not loopback. */
static bool
read_address(const char *text, struct sockaddr_storage *to, socklen_t *len)
{
	struct sockaddr_in *in = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	const char *colon = strrchr(text, ':');
	char host[64], *end;
	unsigned long port;
	size_t n;

	if (colon == NULL || colon[1] < '1' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	n = (size_t)(colon - text);
	if (*end != '\0' || port > UINT16_MAX || n == 0 || n >= sizeof(host))
		return false;
	memset(to, 0, sizeof(*to));
	memcpy(host, text, n);
	host[n] = '\0';
	if (*host == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		*len = sizeof(*in6);
		return inet_pton(AF_INET6, host + 1, &in6->sin6_addr) == 1 &&
		    IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	*len = sizeof(*in);
	return inet_pton(AF_INET, host, &in->sin_addr) == 1 &&
	    ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool
metrics_http_check(const char *text)
{
	struct sockaddr_storage address;
	socklen_t len;

	return *text == '/' || read_address(text, &address, &len);
}

static int
listen_tcp(const char *text, char *why, size_t size)
{
	struct sockaddr_storage address;
	const int on = 1;
	socklen_t len;
	int fd;

	if (!read_address(text, &address, &len)) {
		snprintf(why, size, "%.64s is no loopback address with a port", text);
		return -1;
	}
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* a connection of the daemon before it may still be in TIME_WAIT */
	if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, (const struct sockaddr *)&address, len) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	snprintf(why, size, "cannot listen on %.64s: %s", text, strerror(errno));
	if (fd != -1)
		(void)close(fd);
	return -1;
}

int
metrics_http_listen(const struct metrics_http_config *config, struct socket_file *file,
    char *why, size_t size)
{
	if (config->fd != -1)
		return config->fd;
	if (*config->listen == '/')
		return socket_file_open(
		    file, config->listen, config->mode, config->group, why, size);
	return listen_tcp(config->listen, why, size);
}
