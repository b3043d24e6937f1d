/* SPDX-License-Identifier: ISC */
#include "fake_daemon.h"

#include <check.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
say(struct fake_daemon *f, const char *text)
{
	size_t len = strlen(text);

	must(send(f->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len);
}

/* Reads exactly that text, or hangs until the test's timeout. */
void
hear(struct fake_daemon *f, const char *text)
{
	char got[1024];
	size_t len = strlen(text);

	must(len < sizeof got);
	must(recv(f->fd, got, len, MSG_WAITALL) == (ssize_t)len);
	got[len] = '\0';
	if (strcmp(got, text) != 0) {
		fprintf(
		    stderr, "fake daemon: got  %s\n      instead of  %s\n", got, text);
		abort();
	}
}

void
meet(struct fake_daemon *f, const char *id, const char *client)
{
	struct timeval limit = {.tv_sec = DEADLINE / 1000};
	char line[256];

	if (f->fd >= 0)
		close(f->fd);
	f->fd = accept(f->listener, NULL, NULL);
	must(f->fd >= 0);
	setsockopt(f->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(f->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	snprintf(line, sizeof line,
	    REQUEST("%s", "session.hello",
		"{\"protocol\":1,\"data\":\"attached\",\"attachments\":true}"),
	    id);
	hear(f, line);
	snprintf(line, sizeof line,
	    RESULT("%s", "{\"server\":\"gentcpd/0\",\"protocol\":1,\"client\":%s}"), id,
	    client);
	say(f, line);
}

static void
meet_first(struct fake_daemon *f)
{
	meet(f, "1", "7");
	f->then(f);
}

static void *
run(void *ctx)
{
	struct fake_daemon *f = ctx;
	char end;

	f->script(f);
	/* nothing more is said than was expected */
	must(recv(f->fd, &end, 1, 0) <= 0);
	close(f->fd);
	return NULL;
}

void
fake_daemon_begin(struct fake_daemon *f, void (*script)(struct fake_daemon *f))
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	*f = (struct fake_daemon){
	    .script = script, .then = f->then, .fd = -1, .passed_fd = -1};
	snprintf(f->dir, sizeof f->dir, "/tmp/check_client_XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/s", f->dir);
	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", f->path);
	f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(f->listener, (struct sockaddr *)&sun, sizeof sun), 0);
	ck_assert_int_eq(listen(f->listener, 1), 0);
	ck_assert_int_eq(pthread_create(&f->thread, NULL, run, f), 0);
}

struct gentcp *
fake_daemon_start(struct fake_daemon *f, void (*script)(struct fake_daemon *f))
{
	struct gentcp *g = gentcp_new();

	f->then = script;
	fake_daemon_begin(f, meet_first);
	ck_assert_int_eq(gentcp_open(g, f->path, DEADLINE), GENTCP_OK);
	ck_assert_uint_eq(gentcp_client(g), 7);
	return g;
}

void
fake_daemon_finish(struct fake_daemon *f, struct gentcp *g)
{
	gentcp_free(g);
	pthread_join(f->thread, NULL);
	close(f->listener);
	unlink(f->path);
	rmdir(f->dir);
}
