/* SPDX-License-Identifier: ISC */
/*
 * gentcp-cli top: what each socket receives and sends a second.  A round is the
 * difference between two looks at gentcpd's counters.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/listing.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "client/cli/wait.h"

enum { INTERVAL = 2000 }; /* ms, where -d does not say */

enum { IN_BYTES, OUT_BYTES, IN_PACKETS, OUT_PACKETS, RATES };

static const char *const counters[RATES] = {
    [IN_BYTES] = "recv_oct",
    [OUT_BYTES] = "send_oct",
    [IN_PACKETS] = "recv_cnt",
    [OUT_PACKETS] = "send_cnt",
};

struct rate {
	const struct listing_row *row;
	uint64_t per_second[RATES];
};

struct top {
	struct cli *cli;
	struct listing before, now;
	int64_t before_at, now_at; /* ms */
	struct rate *rates;	   /* own; of now */
};

/* Both lists are in the order of sockets: *i goes along. */
static const struct listing_row *
same_before(const struct top *t, uint64_t socket, size_t *i)
{
	while (*i < t->before.count && t->before.rows[*i].socket < socket)
		(*i)++;
	if (*i < t->before.count && t->before.rows[*i].socket == socket)
		return &t->before.rows[*i];
	return NULL;
}

static uint64_t
busyness(const struct rate *r)
{
	return r->per_second[IN_BYTES] + r->per_second[OUT_BYTES];
}

/* The busiest first. */
static int
compare(const void *a, const void *b)
{
	const struct rate *one = a, *other = b;
	uint64_t x = busyness(one), y = busyness(other);

	if (x != y)
		return x > y ? -1 : 1;
	return one->row->socket < other->row->socket ? -1 : 1;
}

/* Rates of what was there at both looks, or is new. */
static bool
count_rates(struct top *t)
{
	uint64_t ms = t->now_at > t->before_at ? (uint64_t)(t->now_at - t->before_at) : 1;
	size_t at = 0;

	free(t->rates);
	t->rates = calloc(t->now.count + 1, sizeof *t->rates);
	if (t->rates == NULL)
		return false;
	for (size_t i = 0; i < t->now.count; i++) {
		const struct listing_row *row = &t->now.rows[i];
		const struct listing_row *old = same_before(t, row->socket, &at);

		t->rates[i].row = row;
		for (size_t c = 0; c < RATES; c++) {
			uint64_t was = old == NULL
			    ? 0
			    : listing_number_of(old, "counters", counters[c]);
			uint64_t is = listing_number_of(row, "counters", counters[c]);

			if (is > was)
				t->rates[i].per_second[c] = (is - was) * 1000 / ms;
		}
	}
	qsort(t->rates, t->now.count, sizeof *t->rates, compare);
	return true;
}

/* --- what is shown ---------------------------------------------------------- */

static void
put_table(struct bytes *out, const struct top *t, size_t limit)
{
	static const char *const heads[] = {"SOCKET", "STATE", "IN B/S", "OUT B/S",
	    "IN PKT/S", "OUT PKT/S", "RECV-Q", "SEND-Q", "LOCAL", "PEER"};
	struct table table = {
	    .columns = sizeof heads / sizeof *heads, .right = 1U << 0 | 0xfcU};

	for (size_t i = 0; i < table.columns; i++)
		table_add(&table, heads[i]);
	for (size_t i = 0; i < t->now.count; i++) {
		const struct rate *r = &t->rates[i];

		table_add_uint(&table, r->row->socket);
		table_add(&table, r->row->state);
		for (size_t c = 0; c < RATES; c++)
			table_add_uint(&table, r->per_second[c]);
		table_add_uint(&table, listing_number(r->row, "input"));
		table_add_uint(
		    &table, listing_number_of(r->row, "counters", "send_pend"));
		listing_add_address(&table, r->row->local);
		listing_add_address(&table, r->row->peer);
	}
	table_put(out, &table, limit);
	table_fini(&table);
}

static void
put_json(struct bytes *out, const struct top *t)
{
	for (size_t i = 0; i < t->now.count; i++) {
		const struct rate *r = &t->rates[i];
		json_t *json = json_pack("{s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I}",
		    "socket", (json_int_t)r->row->socket, "state", r->row->state,
		    "recv_oct", (json_int_t)r->per_second[IN_BYTES], "send_oct",
		    (json_int_t)r->per_second[OUT_BYTES], "recv_cnt",
		    (json_int_t)r->per_second[IN_PACKETS], "send_cnt",
		    (json_int_t)r->per_second[OUT_PACKETS], "recv_q",
		    (json_int_t)listing_number(r->row, "input"), "send_q",
		    (json_int_t)listing_number_of(r->row, "counters", "send_pend"));

		if (i > 0)
			bytes_append_char(out, '\n');
		output_json(out, json);
		json_decref(json);
	}
}

/* How many lines fit, the last one left free; 0: all. */
static size_t
room(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 4)
		return 0;
	return size.ws_row - 2U;
}

static bool
show(struct top *t)
{
	bool terminal = !t->cli->json && isatty(STDOUT_FILENO), ok = true;
	struct bytes text = {0};
	char now[32] = "";
	time_t clock = time(NULL);
	struct tm tm;

	if (t->cli->json)
		put_json(&text, t);
	else {
		if (localtime_r(&clock, &tm) != NULL)
			(void)strftime(now, sizeof now, "%H:%M:%S", &tm);
		/* home, and what was there goes */
		bytes_append_str(&text, terminal ? "\033[H\033[J" : "");
		bytes_append_str(&text, now);
		bytes_append_str(&text, "  ");
		bytes_append_uint(&text, t->now.count);
		bytes_append_str(&text, t->now.count == 1 ? " socket\n" : " sockets\n");
		put_table(&text, t, terminal ? room() : 0);
	}
	if (bytes_len(&text) > 0)
		ok = cli_print(t->cli, &text);
	bytes_fini(&text);
	return ok;
}

/* --- rounds ----------------------------------------------------------------- */

/* Looks, and makes what was now before. */
static int
look(struct top *t)
{
	listing_fini(&t->before);
	t->before = t->now;
	t->before_at = t->now_at;
	t->now_at = wait_now();
	return listing_read(t->cli, &t->now, 0);
}

/* Until the next look; false if gentcpd is gone, which the look will tell. */
static void
pause_for(struct top *t, int64_t until)
{
	int left;

	while ((left = wait_left(until)) > 0) {
		if (gentcp_dispatch(t->cli->g, left) != GENTCP_TIMEOUT)
			return;
	}
}

static int
run(struct top *t)
{
	int interval = t->cli->interval >= 0 ? t->cli->interval : INTERVAL;
	int code = look(t);

	for (uint64_t i = 0; code == CLI_OK && (t->cli->count == 0 || i < t->cli->count);
	     i++) {
		pause_for(t, t->now_at + interval);
		code = look(t);
		if (code == CLI_OK && !count_rates(t)) {
			cli_complain("no memory");
			return CLI_ERROR;
		}
		if (code == CLI_OK && !show(t))
			return CLI_ERROR;
	}
	return code;
}

int
top_command(struct cli *cli, int argc, char **argv)
{
	struct top t = {.cli = cli};
	int code;

	(void)argv;
	if (argc > 0)
		return cli_usage("top");
	code = cli_connect(cli, "auto");
	if (code == CLI_OK)
		code = run(&t);
	cli_disconnect(cli);
	listing_fini(&t.before);
	listing_fini(&t.now);
	free(t.rates);
	return code;
}
