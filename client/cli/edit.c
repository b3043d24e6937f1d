/* SPDX-License-Identifier: ISC */
#include "client/cli/edit.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "client/cli/history.h"
#include "client/cli/table.h"

enum { HISTORY = 1000, WORDS_MAX = 256 };

struct edit {
	EditLine *el;
	History *history;
	const char *prompt;
	const struct edit_hooks *hooks;
	bool editing;
};

static struct edit *
edit_of(EditLine *el)
{
	void *edit = NULL;

	(void)el_get(el, EL_CLIENTDATA, &edit);
	return edit;
}

static char *
get_prompt(EditLine *el)
{
	/* libedit does not change it */
	return (char *)(uintptr_t)edit_of(el)->prompt;
}

/* --- characters ----------------------------------------------------------------- */

/* One byte, everything else going on meanwhile: 1, 0 at the end. */
static int
get_byte(struct edit *e, char *c)
{
	ssize_t n;

	for (;;) {
		if (!e->hooks->wait(e->hooks->ctx))
			return 0;
		n = read(STDIN_FILENO, c, 1);
		if (n == 1)
			return 1;
		if (n == 0 || (errno != EINTR && errno != EAGAIN))
			return 0;
	}
}

/* libedit's: 1, 0 at the end.  What is no character is left out. */
static int
get_character(EditLine *el, wchar_t *wc)
{
	struct edit *e = edit_of(el);
	mbstate_t state = {0};
	size_t n;
	char c;

	for (;;) {
		if (get_byte(e, &c) == 0)
			return 0;
		n = mbrtowc(wc, &c, 1, &state);
		if (n <= 1)
			return 1;
		if (n == (size_t)-1)
			state = (mbstate_t){0};
	}
}

/* --- the screen ----------------------------------------------------------------- */

static size_t
width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0
	    ? size.ws_col
	    : 80;
}

void
edit_hide(struct edit *e)
{
	const LineInfo *line;
	size_t rows;
	char text[32];
	int n = 0;

	if (e == NULL || !e->editing)
		return;
	line = el_line(e->el);
	rows = (strlen(e->prompt) + (size_t)(line->cursor - line->buffer)) / width();
	if (rows > 0)
		n = snprintf(text, sizeof text, "\033[%zuA", rows);
	n += snprintf(text + n, sizeof text - (size_t)n, "\r\033[J");
	(void)!write(STDOUT_FILENO, text, (size_t)n);
}

void
edit_show(struct edit *e)
{
	if (e != NULL && e->editing)
		(void)el_set(e->el, EL_REFRESH);
}

/* --- completion ----------------------------------------------------------------- */

/* What was offered. */
struct offers {
	struct bytes words; /* each ends with NUL */
	size_t count, longest;
	char *common; /* own: what all begin with */
};

static void
on_offer(const char *word, const char *help, void *ctx)
{
	struct offers *o = ctx;
	size_t n = 0;

	(void)help;
	if (o->count++ == 0)
		o->common = strdup(word);
	else if (o->common != NULL) {
		while (o->common[n] != '\0' && o->common[n] == word[n])
			n++;
		o->common[n] = '\0';
	}
	if (strlen(word) > o->longest)
		o->longest = strlen(word);
	bytes_append(&o->words, word, strlen(word) + 1);
}

/* In columns, as ls has it. */
static void
list_offers(const struct offers *o)
{
	struct table t = {.columns = width() / (o->longest + 2)};
	struct bytes text = {0};
	const char *word = (const char *)bytes_head(&o->words);

	if (t.columns == 0)
		t.columns = 1;
	if (t.columns > TABLE_COLUMNS_MAX)
		t.columns = TABLE_COLUMNS_MAX;
	for (size_t i = 0; i < o->count; i++, word += strlen(word) + 1)
		table_add(&t, word);
	bytes_append_char(&text, '\n');
	table_put(&text, &t, 0);
	bytes_append_char(&text, '\n');
	(void)!write(STDOUT_FILENO, bytes_head(&text), bytes_len(&text));
	bytes_fini(&text);
	table_fini(&t);
}

/* Puts in what there is no doubt about. */
static unsigned char
use_offers(EditLine *el, const struct offers *o, const char *word)
{
	size_t have = strlen(word), want;
	struct bytes text = {0};
	bool inserted = false;

	if (o->count == 0 || o->common == NULL || bytes_failed(&o->words))
		return CC_ERROR;
	want = strlen(o->common);
	if (want > have)
		bytes_append_str(&text, o->common + have);
	if (o->count == 1 && o->common[want - 1] != '=')
		bytes_append_char(&text, ' ');
	bytes_append_char(&text, '\0');
	if (!bytes_failed(&text) && bytes_len(&text) > 1)
		inserted = el_insertstr(el, (const char *)bytes_head(&text)) == 0;
	bytes_fini(&text);
	if (inserted)
		return CC_REFRESH;
	list_offers(o);
	return CC_REDISPLAY;
}

static unsigned char
complete(EditLine *el, wint_t c)
{
	struct edit *e = edit_of(el);
	const LineInfo *line = el_line(el);
	char *words[WORDS_MAX], *next, empty[] = "", *copy;
	struct offers offers = {0};
	struct complete ask = {.fn = on_offer, .ctx = &offers};
	size_t count = 0, len = (size_t)(line->cursor - line->buffer);
	unsigned char what;

	(void)c;
	copy = strndup(line->buffer, len);
	if (copy == NULL)
		return CC_ERROR;
	for (char *word = strtok_r(copy, " \t", &next); word != NULL && count < WORDS_MAX;
	     word = strtok_r(NULL, " \t", &next))
		words[count++] = word;
	if (count < WORDS_MAX &&
	    (len == 0 || strchr(" \t", line->buffer[len - 1]) != NULL))
		words[count++] = empty;
	e->hooks->complete(e->hooks->ctx, &ask, words, count);
	what = use_offers(el, &offers, words[count - 1]);
	free(offers.common);
	bytes_fini(&offers.words);
	free(copy);
	return what;
}

/* --- life ----------------------------------------------------------------------- */

static bool
is_capable(void)
{
	const char *term = getenv("TERM");

	return term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

static void
set_up(struct edit *e)
{
	HistEvent event;

	(void)el_set(e->el, EL_CLIENTDATA, e);
	(void)el_set(e->el, EL_PROMPT, get_prompt);
	(void)el_set(e->el, EL_GETCFN, get_character);
	(void)el_set(e->el, EL_EDITOR, "emacs");
	(void)history(e->history, &event, H_SETSIZE, HISTORY);
	(void)history(e->history, &event, H_SETUNIQUE, 1);
	(void)el_set(e->el, EL_HIST, history, e->history);
	/* with el_set() libedit would keep copies of the names for ever */
	(void)el_wset(
	    e->el, EL_ADDFN, L"gentcp-complete", L"completes the word", complete);
	(void)el_set(e->el, EL_BIND, "^I", "gentcp-complete", NULL);
	(void)el_set(e->el, EL_BIND, "^R", "em-inc-search-prev", NULL);
	/* an interrupt while a line is typed is for the line */
	(void)el_set(e->el, EL_SETTY, "-d", "-isig", NULL);
	(void)el_set(e->el, EL_BIND, "^C", "em-kill-line", NULL);
	(void)el_source(e->el, NULL);
	history_load(e->history);
}

struct edit *
edit_new(const char *prompt, const struct edit_hooks *hooks)
{
	struct edit *e;

	if (!is_capable())
		return NULL;
	(void)setlocale(LC_CTYPE, "");
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return NULL;
	e->prompt = prompt;
	e->hooks = hooks;
	e->history = history_init();
	e->el = el_init("gentcp-cli", stdin, stdout, stderr);
	if (e->history == NULL || e->el == NULL) {
		edit_free(e);
		return NULL;
	}
	set_up(e);
	return e;
}

void
edit_free(struct edit *e)
{
	if (e == NULL)
		return;
	if (e->el != NULL)
		el_end(e->el);
	if (e->history != NULL) {
		history_save(e->history);
		history_end(e->history);
	}
	free(e);
}

char *
edit_line(struct edit *e, size_t *len)
{
	HistEvent event;
	const char *line;
	int count = 0;

	e->editing = true;
	line = el_gets(e->el, &count);
	e->editing = false;
	*len = 0;
	if (line == NULL || count <= 0)
		return NULL;
	*len = (size_t)count;
	if (line[*len - 1] == '\n')
		(*len)--;
	/* as shells have it, what begins with a blank is not kept */
	if (*len > 0 && strchr(" \t", line[0]) == NULL)
		(void)history(e->history, &event, H_ENTER, line);
	return strndup(line, *len);
}
