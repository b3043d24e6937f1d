/* SPDX-License-Identifier: ISC */
/* The cases of tests/data/packet, whole, byte by byte and at random splits. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_term.h"
#include "packet/packet.h"
#include "tests/unit/run.h"

enum { BYTES_MAX = 140000, OUT_MAX = 64, RANDOM_SPLITS = 40 };

struct span {
	unsigned char *data; /* of http: the term */
	size_t len, take;    /* take 0: not looked at */
};

struct test_case {
	char name[128];
	const struct packet_type *type;
	struct packet_settings set;
	bool whole;
	unsigned char *input;
	size_t len;
	struct span out[OUT_MAX];
	size_t outs;
	bool errors; /* there is an http_error among them */
	enum packet_status end;
	size_t want; /* 0: not said */
};

/* --- reading the files ---------------------------------------------------- */

static unsigned char scratch[BYTES_MAX];

/* One unit, "text" or a pair: appends it times times; returns what follows. */
static const char *
read_unit(const char *p, unsigned long times, size_t *len)
{
	unsigned char unit[256];
	size_t n = 0;
	char pair[3] = {0, 0, 0}, *end;

	if (*p == '"') {
		for (p++; *p != '"'; p++) {
			ck_assert_int_ne(*p, '\0');
			unit[n] = (unsigned char)*p;
			if (*p == '\\') {
				p++;
				unit[n] = *p == 'n' ? '\n'
				    : *p == 'r'	    ? '\r'
				    : *p == 't'	    ? '\t'
				    : *p == '0'	    ? '\0'
						    : (unsigned char)*p;
			}
			ck_assert_uint_lt(++n, sizeof(unit));
		}
		p++;
	} else {
		memcpy(pair, p, 2);
		unit[n++] = (unsigned char)strtoul(pair, &end, 16);
		ck_assert_ptr_eq(end, pair + 2);
		p += 2;
	}
	for (; times > 0; times--) {
		ck_assert_uint_le(*len + n, sizeof(scratch));
		memcpy(scratch + *len, unit, n);
		*len += n;
	}
	return p;
}

/* BYTES into scratch from len on. */
static size_t
read_bytes(const char *p, size_t len)
{
	unsigned long times;
	char *star;

	while (*(p += strspn(p, " ")) != '\0') {
		times = strtoul(p, &star, 10);
		if (star > p && *star == '*')
			p = star + 1;
		else
			times = 1;
		p = read_unit(p, times, &len);
	}
	return len;
}

static unsigned char *
keep(size_t len)
{
	unsigned char *copy = malloc(len + 1);

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, scratch, len);
	return copy;
}

static const struct packet_type *
type_named(const char *name)
{
	int id;

	for (id = 0; id < PACKET_COUNT; id++)
		if (strcmp(packet_type((enum packet_id)id)->name, name) == 0)
			return packet_type((enum packet_id)id);
	ck_abort_msg("no packet type %s", name);
	return NULL;
}

static void
read_end(struct test_case *c, const char *value)
{
	if (strncmp(value, "more", 4) == 0) {
		c->end = PACKET_MORE;
		c->want = strtoul(value + 4, NULL, 10);
	} else {
		ck_assert_str_eq(value, "invalid");
		c->end = PACKET_INVALID;
	}
}

static void
read_line(struct test_case *c, const char *key, const char *value)
{
	size_t n;

	if (strcmp(key, "packet") == 0) {
		c->type = type_named(value);
	} else if (strcmp(key, "packet_size") == 0) {
		c->set.packet_size = strtoul(value, NULL, 10);
	} else if (strcmp(key, "buffer") == 0) {
		c->set.buffer = strtoul(value, NULL, 10);
		if (c->set.buffer == 0)
			c->set.buffer = 1; /* as the option is taken */
	} else if (strcmp(key, "max_packet") == 0) {
		c->set.max_packet = strtoul(value, NULL, 10);
	} else if (strcmp(key, "delimiter") == 0) {
		c->set.delimiter = (unsigned char)strtoul(value, NULL, 10);
	} else if (strcmp(key, "whole") == 0) {
		c->whole = true;
	} else if (strcmp(key, "input") == 0) {
		if (c->len > 0)
			memcpy(scratch, c->input, c->len);
		c->len = read_bytes(value, c->len);
		free(c->input);
		c->input = keep(c->len);
	} else if (strcmp(key, "out") == 0) {
		ck_assert_uint_lt(c->outs, OUT_MAX);
		n = read_bytes(value, 0);
		c->out[c->outs].data = keep(n);
		c->out[c->outs++].len = n;
	} else if (strcmp(key, "http") == 0) {
		ck_assert_uint_lt(c->outs, OUT_MAX);
		ck_assert_uint_le(strlen(value), sizeof(scratch));
		memcpy(scratch, value, strlen(value));
		c->out[c->outs].data = keep(strlen(value));
		c->out[c->outs++].len = strlen(value);
		c->errors |= strncmp(value, "{http_error,", 12) == 0;
	} else if (strcmp(key, "take") == 0) {
		ck_assert_uint_gt(c->outs, 0);
		c->out[c->outs - 1].take = strtoul(value, NULL, 10);
	} else if (strcmp(key, "end") == 0) {
		read_end(c, value);
	} else {
		ck_abort_msg("%s: no key %s", c->name, key);
	}
}

static void
case_init(struct test_case *c, const char *name)
{
	memset(c, 0, sizeof(*c));
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->set = (struct packet_settings){0, 1460, 64 << 20, '\n'};
	c->end = PACKET_READY; /* none given yet */
}

static void
case_fini(struct test_case *c)
{
	while (c->outs > 0)
		free(c->out[--c->outs].data);
	free(c->input);
}

/* --- running them ----------------------------------------------------------- */

/* A reader: bytes arrive in pieces, each piece is decoded until it is used up. */
struct run {
	const struct test_case *c;
	size_t start, seen, outs;
	struct packet_state state;
	enum packet_status status;
	struct packet_span span;
	size_t wanted;	    /* what MORE said of the packet before us */
	unsigned char *raw; /* raw: what was delivered, put together */
	size_t raw_len;
};

/* What data says, as the files write it: the caller's to free. */
static char *
term_of(struct run *r, const unsigned char *data, size_t *len)
{
	enum packet_id id = r->c->type->id;
	struct packet_http http;
	char *term = NULL;
	FILE *f = open_memstream(&term, len);

	ck_assert_ptr_nonnull(f);
	packet_http_parse(&r->state, data, r->span.len, &http);
	http_term_print(f, &http, id == PACKET_HTTP_BIN || id == PACKET_HTTPH_BIN);
	ck_assert_int_eq(fclose(f), 0);
	return term;
}

static void
deliver(struct run *r, const unsigned char *data)
{
	const struct span *want = &r->c->out[r->outs];
	size_t len = r->span.len;
	char *term = NULL;

	if (r->c->type->raw) {
		memcpy(r->raw + r->raw_len, data, r->span.len);
		r->raw_len += r->span.len;
		return;
	}
	ck_assert_msg(r->outs < r->c->outs, "%s: one more packet", r->c->name);
	if (r->c->type->http)
		data = (unsigned char *)(term = term_of(r, data, &len));
	ck_assert_msg(len == want->len && memcmp(data, want->data, want->len) == 0,
	    "%s: packet %zu is %.*s", r->c->name, r->outs, (int)len, data);
	free(term);
	ck_assert_msg(want->take == 0 || want->take == r->span.total, "%s: takes %zu",
	    r->c->name, r->span.total);
	r->outs++;
}

/* A length once known stays what it is, and is not here yet. */
static void
promise(struct run *r, size_t len)
{
	if (r->status != PACKET_MORE)
		return;
	ck_assert(r->wanted == 0 || r->wanted == r->span.want);
	ck_assert(r->span.want == 0 || r->span.want > len);
	r->wanted = r->span.want;
}

static void
arrive(struct run *r, size_t n)
{
	const struct test_case *c = r->c;
	unsigned char *copy;

	ck_assert_uint_le(r->seen + n, c->len);
	r->seen += n;
	while (r->status != PACKET_INVALID) {
		/* a copy of exactly what has come, for the sanitizer */
		size_t len = r->seen - r->start;

		copy = malloc(len > 0 ? len : 1);
		ck_assert_ptr_nonnull(copy);
		if (len > 0)
			memcpy(copy, c->input + r->start, len);
		/* what was looked at already is not looked at again */
		memset(copy, c->set.delimiter,
		    r->state.scanned < len ? r->state.scanned : len);
		r->status = c->type->decode(&c->set, &r->state, copy, len, &r->span);
		free(copy);
		if (r->status != PACKET_READY) {
			promise(r, len);
			break;
		}
		ck_assert_uint_le(r->span.total, len);
		ck_assert(r->wanted == 0 || r->wanted == r->span.total);
		r->wanted = 0;
		ck_assert_uint_le(r->span.offset + r->span.len, r->span.total);
		deliver(r, c->input + r->start + r->span.offset);
		r->start += r->span.total;
		ck_assert_uint_eq(r->state.scanned, 0);
	}
}

/* first > 0: the first piece is of that size; step > 0: the others are, else random. */
static void
run_case(const struct test_case *c, size_t first, size_t step)
{
	struct run r = {.c = c, .status = PACKET_MORE};
	size_t n;

	r.raw = malloc(c->len + 1);
	ck_assert_ptr_nonnull(r.raw);
	if (c->len == 0)
		arrive(&r, 0);
	while (r.seen < c->len && r.status != PACKET_INVALID) {
		n = step > 0 ? step : 1 + (size_t)random() % (c->len / 2 + 1);
		if (r.seen == 0 && first > 0)
			n = first;
		arrive(&r, n < c->len - r.seen ? n : c->len - r.seen);
	}
	if (c->type->raw && c->outs > 0) {
		ck_assert_uint_eq(r.raw_len, c->out[0].len);
		ck_assert_mem_eq(r.raw, c->out[0].data, r.raw_len);
	} else {
		ck_assert_msg(r.outs == c->outs, "%s: only %zu packets", c->name, r.outs);
	}
	ck_assert_msg(
	    r.status == c->end, "%s: ends in %d, not %d", c->name, r.status, c->end);
	if (c->want > 0)
		ck_assert_msg(
		    r.span.want == c->want, "%s: wants %zu", c->name, r.span.want);
	free(r.raw);
}

static void
run_all_ways(const struct test_case *c)
{
	size_t i;

	ck_assert_msg(c->type != NULL && c->end != PACKET_READY, "%s: no end", c->name);
	run_case(c, 0, c->len + 1);
	if (c->whole)
		return;
	/* quadratic by the copies, so not for the largest */
	if (c->len < 5000)
		run_case(c, 0, 1);
	if (c->len < 300)
		for (i = 1; i < c->len; i++)
			run_case(c, i, c->len);
	run_case(c, 0, 777);
	for (i = 0; i < (c->len < 5000 ? RANDOM_SPLITS : RANDOM_SPLITS / 8); i++)
		run_case(c, 0, 0);
}

/* How many cases of a file went well; and how many ended in INVALID, or had a line
 * that was no HTTP. */
struct tally {
	int valid, invalid;
};

static void
case_end(struct test_case *c, struct tally *tally)
{
	if (c->name[0] == '\0')
		return;
	run_all_ways(c);
	*(c->end == PACKET_INVALID || c->errors ? &tally->invalid : &tally->valid) += 1;
	case_fini(c);
}

static struct tally
run_file(const char *file)
{
	const char *dir = getenv("srcdir");
	char path[1024], *line = NULL, *value;
	struct tally tally = {0};
	struct test_case c;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/data/packet/%s.cases", dir ? dir : ".", file);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "cannot open %s", path);
	case_init(&c, "");
	while (getline(&line, &size, f) != -1) {
		line[strcspn(line, "\n")] = '\0';
		if (*line == '#' || *line == '\0')
			continue;
		value = line + strcspn(line, " ");
		if (*value != '\0')
			*value++ = '\0';
		if (strcmp(line, "case") != 0) {
			read_line(&c, line, value);
			continue;
		}
		case_end(&c, &tally);
		case_init(&c, value);
	}
	case_end(&c, &tally);
	free(line);
	fclose(f);
	return tally;
}

/* Of each type at least so many; raw takes everything. */
static const struct {
	const char *file;
	int valid, invalid;
} files[] = {
    {"raw", 20, 0},
    {"1", 20, 10},
    {"2", 20, 10},
    {"4", 20, 10},
    {"line", 20, 10},
    {"sunrm", 20, 10},
    {"asn1", 20, 10},
    {"cdr", 20, 10},
    {"fcgi", 20, 10},
    {"tpkt", 20, 10},
    {"http", 20, 10},
    {"httph", 20, 10},
    {"http_bin", 20, 10},
    {"httph_bin", 20, 10},
    {"limits", 10, 10},
};

START_TEST(cases)
{
	struct tally tally = run_file(files[_i].file);

	ck_assert_int_ge(tally.valid, files[_i].valid);
	ck_assert_int_ge(tally.invalid, files[_i].invalid);
}
END_TEST

/* --- what files cannot say -------------------------------------------------- */

/* line as gen_tcp 25 puts it, which has at most buffer bytes before it. */
static enum packet_status
line_by_rule(const struct packet_settings *set, const unsigned char *data, size_t len,
    size_t *total)
{
	size_t have = len < set->buffer ? len : set->buffer;
	const unsigned char *p = memchr(data, set->delimiter, have);
	size_t n = p != NULL ? (size_t)(p - data) + 1 : have;

	if (set->packet_size != 0 && n > set->packet_size)
		return PACKET_INVALID;
	*total = n > set->buffer || (p == NULL && n == set->buffer) ? set->buffer : n;
	return p != NULL || n >= set->buffer ? PACKET_READY : PACKET_MORE;
}

static void
compare_with_rule(
    const struct packet_settings *set, const unsigned char *data, size_t len)
{
	const struct packet_type *type = packet_type(PACKET_LINE);
	struct packet_state state = {0};
	enum packet_status status, want;
	struct packet_span span;
	size_t start = 0, seen = 0, total = 0;

	while (seen < len) {
		seen += 1 + (size_t)random() % (len - seen);
		do {
			want = line_by_rule(set, data + start, seen - start, &total);
			status = type->decode(
			    set, &state, data + start, seen - start, &span);
			ck_assert_int_eq(status, want);
			if (status == PACKET_INVALID)
				return;
			if (status == PACKET_READY) {
				ck_assert_uint_eq(span.total, total);
				ck_assert_uint_eq(span.len, total);
				ck_assert_uint_eq(span.offset, 0);
				start += span.total;
			}
		} while (status == PACKET_READY && start < seen);
	}
}

START_TEST(line_is_gen_tcps_rule)
{
	struct packet_settings set = {0, 0, SIZE_MAX, '\n'};
	unsigned char data[60];
	size_t i;
	int round;

	srandom(3);
	for (round = 0; round < 20000; round++) {
		set.buffer = 1 + (size_t)random() % 20;
		set.packet_size = (size_t)random() % 30;
		for (i = 0; i < sizeof(data); i++)
			data[i] = random() % 12 == 0 ? '\n' : 'a';
		compare_with_rule(&set, data, 1 + (size_t)random() % sizeof(data));
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("packet");
	TCase *tc = tcase_create("packet");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, cases, 0, (int)(sizeof(files) / sizeof(files[0])));
	tcase_add_test(tc, line_is_gen_tcps_rule);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
