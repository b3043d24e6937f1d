/* SPDX-License-Identifier: ISC */
#include "channel_world.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct rpc rpc;
struct channel_host host;
static struct event *bell; /* ends a turn that nothing else ends */
int client;
size_t turns;

static void
ring(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

static bool rung;

/* A client, connected to a new channel; returns our end, non-blocking. */
int
connect_pair(int type)
{
	int p[2];

	ck_assert_int_eq(
	    socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, p), 0);
	ck_assert_int_eq(
	    channel_open(&host, p[0], &(struct rpc_who){.uid = 1234, .pid = 5678}), 0);
	return p[1];
}

void
channel_world_begin(void)
{
	memset(&rpc, 0, sizeof(rpc));
	rpc.last_fd = -1;
	channel_host_init(&host);
	host.base = event_base_new();
	ck_assert_ptr_nonnull(host.base);
	host.clock = &clock_monotonic;
	host.rpc = &rpc;
	host.wire = (struct wire_limits){1 << 20, 1 << 20, 1000};
	host.queue_high = HIGH;
	host.last_words = 100;
	bell = evtimer_new(host.base, ring, &rung);
	ck_assert_ptr_nonnull(bell);
	turns = 0;
	client = connect_pair(SOCK_STREAM);
	log_set_level(LOG_L_ERROR);
}

void
channel_world_end(void)
{
	channel_close_all(&host);
	ck_assert_uint_eq(rpc.opened, rpc.freed);
	ck_assert(TAILQ_EMPTY(&host.all));
	ck_assert(TAILQ_EMPTY(&host.dirty));
	if (rpc.last_fd != -1)
		close(rpc.last_fd);
	event_free(bell);
	event_base_free(host.base);
	if (client != -1)
		close(client);
}

/* One turn of the daemon's loop, of ms at most.  False if they passed. */
bool
turn(int64_t ms)
{
	struct timeval tv = clock_timeval(ms);

	rung = false;
	ck_assert_int_eq(event_add(bell, &tv), 0);
	ck_assert_int_ge(event_base_loop(host.base, EVLOOP_ONCE), 0);
	event_del(bell);
	turns++;
	while (channel_settle_all(&host))
		continue;
	return !rung;
}

struct heard heard;

void
hear(int fd)
{
	ssize_t n;

	for (;;) {
		if (heard.size - heard.len < 65536) {
			heard.size = heard.size * 2 + 65536;
			heard.data = realloc(heard.data, heard.size);
			ck_assert_ptr_nonnull(heard.data);
		}
		n = recv(fd, heard.data + heard.len, heard.size - heard.len, 0);
		if (n <= 0)
			break;
		heard.len += (size_t)n;
	}
	if (n == 0)
		heard.eof = true;
	else if (errno != EAGAIN)
		heard.error = errno;
}

void
forget(void)
{
	free(heard.data);
	memset(&heard, 0, sizeof(heard));
}

void
say(int fd, const char *text)
{
	ck_assert_int_eq(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Says text, and expects exactly answer. */
void
talk(const char *text, const char *answer)
{
	forget();
	say(client, text);
	RUN_UNTIL(client, heard.len >= strlen(answer));
	ck_assert_uint_eq(heard.len, strlen(answer));
	ck_assert_mem_eq(heard.data, answer, heard.len);
	forget();
}

void
hear_only(const char *answer)
{
	RUN_UNTIL(client, heard.len >= strlen(answer));
	ck_assert_uint_eq(heard.len, strlen(answer));
	ck_assert_mem_eq(heard.data, answer, heard.len);
	forget();
}

/* Checks payloads of 16 KiB with their heads, and what stands behind them. */
void
check_pumped(size_t payloads, const char *behind)
{
	static const char head[] = "{\"attached\":16384}\n";
	const unsigned char *p = heard.data;
	size_t i;

	ck_assert_uint_eq(
	    heard.len, payloads * (sizeof(head) - 1 + 16384) + strlen(behind));
	for (; payloads > 0; payloads--) {
		ck_assert_mem_eq(p, head, sizeof(head) - 1);
		p += sizeof(head) - 1;
		for (i = 0; i < 16384; i++)
			if (p[i] != fake_pattern(i))
				ck_abort_msg("byte %zu of a payload", i);
		p += 16384;
	}
	ck_assert_mem_eq(p, behind, strlen(behind));
}
