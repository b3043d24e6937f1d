/* SPDX-License-Identifier: ISC */
#include "client/cli/args.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cli/cli.h"
#include "client/cli/input.h"
#include "client/options.h"
#include "proto/option.h"

/* What is being put together. */
struct builder {
	const struct method_row *row;
	struct args *args;
	size_t next;	 /* the next positional param */
	json_t *options; /* borrowed from params; NULL until the first */
	char *why;
	size_t size;
};

static bool
refuse(struct builder *b, const char *what, const char *sentence)
{
	snprintf(b->why, b->size, "%s %s", what, sentence);
	return false;
}

static const struct method_param *
param_find(const struct method_row *row, const char *name)
{
	for (size_t i = 0; i < method_arity(row); i++) {
		if (strcmp(row->params[i].name, name) == 0)
			return &row->params[i];
	}
	return NULL;
}

static const struct method_param *
param_of_type(const struct method_row *row, enum method_type type)
{
	for (size_t i = 0; i < method_arity(row); i++) {
		if (row->params[i].type == type)
			return &row->params[i];
	}
	return NULL;
}

static bool
is_number(const struct token *t)
{
	return t->len > 0 && strspn(t->value, "0123456789") == t->len;
}

static json_t *
read_json(struct builder *b, const struct token *t, const char *name)
{
	char why[128] = "";
	json_t *json = options_read_value(t->value, t->len, why, sizeof why);

	if (json == NULL)
		snprintf(b->why, b->size, "%s: %s", name, why);
	return json;
}

static json_t *
read_text(struct builder *b, const struct token *t, const char *name)
{
	json_t *json = json_stringn(t->value, t->len);

	if (json == NULL)
		refuse(b, name, "is not UTF-8");
	return json;
}

/* One value by its type; a new reference or NULL with why. */
static json_t *
read_param(struct builder *b, const struct method_param *p, const struct token *t)
{
	switch (p->type) {
	case METHOD_T_SOCKET:
	case METHOD_T_CLIENT:
	case METHOD_T_MONITOR:
	case METHOD_T_LENGTH:
	case METHOD_T_INTEGER:
		if (!is_number(t)) {
			refuse(b, p->name, "wants a number");
			return NULL;
		}
		return read_json(b, t, p->name);
	case METHOD_T_PORT:
	case METHOD_T_TIMEOUT:
		return t->kind == TOKEN_WORD ? read_json(b, t, p->name)
					     : read_text(b, t, p->name);
	case METHOD_T_HOW:
	case METHOD_T_STRING:
		return read_text(b, t, p->name);
	case METHOD_T_HOST:
	case METHOD_T_DATA:
		return t->kind == TOKEN_JSON ? read_json(b, t, p->name)
					     : read_text(b, t, p->name);
	case METHOD_T_OPTIONS:
		return options_read(t->value, b->why, b->size);
	case METHOD_T_NAMES:
		return options_read_names(t->value, b->why, b->size);
	case METHOD_T_BOOLEAN:
	case METHOD_T_ARRAY:
	case METHOD_T_ID:
	case METHOD_T_ACTIVE:
		return t->kind == TOKEN_QUOTED ? read_text(b, t, p->name)
					       : read_json(b, t, p->name);
	}
	return NULL;
}

static bool
set_param(struct builder *b, const struct method_param *p, const struct token *t)
{
	json_t *value;

	if (json_object_get(b->args->params, p->name) != NULL ||
	    (p->type == METHOD_T_DATA && b->args->data != NULL))
		return refuse(b, p->name, "is given twice");
	/* bytes need not be UTF-8: they go as they are */
	if (p->type == METHOD_T_DATA && t->kind != TOKEN_JSON) {
		b->args->data = t->value;
		b->args->data_len = t->len;
		return true;
	}
	value = read_param(b, p, t);
	if (value == NULL)
		return false;
	if (p->type == METHOD_T_OPTIONS)
		b->options = value;
	return json_object_set_new(b->args->params, p->name, value) == 0 ||
	    refuse(b, p->name, "finds no memory");
}

/* The array (or object) that options go into. */
static bool
open_options(struct builder *b)
{
	const struct method_param *p = param_of_type(b->row, METHOD_T_OPTIONS);

	if (b->options != NULL)
		return true;
	b->options = json_array();
	return json_object_set_new(b->args->params, p->name, b->options) == 0 ||
	    refuse(b, p->name, "finds no memory");
}

static bool
add_option(struct builder *b, const struct token *t)
{
	const char *name = t->name == NULL ? t->value : t->name;
	json_t *value;
	int rc;

	if (!open_options(b))
		return false;
	if (t->name == NULL && json_is_array(b->options))
		rc = json_array_append_new(b->options, json_string(name));
	else {
		value = t->name == NULL	      ? json_true()
		    : t->kind == TOKEN_QUOTED ? read_text(b, t, name)
					      : read_json(b, t, name);
		if (value == NULL)
			return false;
		rc = options_add(b->options, name, value);
	}
	return rc == 0 || refuse(b, name, "finds no memory");
}

/* A word as "binary", where there are options to be given. */
static bool
is_bare_option(const struct builder *b, const struct token *t)
{
	const struct option_row *row;

	if (t->kind != TOKEN_WORD || param_of_type(b->row, METHOD_T_OPTIONS) == NULL ||
	    (b->next == 0 && b->row->params[0].type == METHOD_T_HOST))
		return false;
	row = option_find(t->value, t->len);
	return row != NULL && row->type == OPTION_T_BARE;
}

static bool
add_name(struct builder *b, const struct method_param *p, const struct token *t)
{
	json_t *names = json_object_get(b->args->params, p->name), *name;

	if (names == NULL) {
		names = json_array();
		if (json_object_set_new(b->args->params, p->name, names) < 0)
			return refuse(b, p->name, "finds no memory");
	}
	name = t->kind == TOKEN_JSON ? read_json(b, t, p->name)
				     : read_text(b, t, p->name);
	return name != NULL &&
	    (json_array_append_new(names, name) == 0 ||
		refuse(b, p->name, "are not an array"));
}

static bool
add_positional(struct builder *b, const struct token *t)
{
	const struct method_param *p = &b->row->params[b->next];

	if (is_bare_option(b, t))
		return add_option(b, t);
	if (b->next >= method_arity(b->row))
		return refuse(b, t->value, "is one argument too many");
	if (p->type == METHOD_T_NAMES && (t->kind != TOKEN_JSON || *t->value == '{'))
		return add_name(b, p, t);
	if (p->type == METHOD_T_OPTIONS && t->kind != TOKEN_JSON) {
		/* not an option: it may be the param behind them */
		if (b->next + 1 == method_arity(b->row))
			return refuse(b, t->value, "is no option");
		if (p[1].type == METHOD_T_TIMEOUT && !is_number(t) &&
		    !token_is(t, "infinity"))
			return refuse(b, t->value,
			    "is neither an option, name=value, nor a timeout");
		b->next++;
		return add_positional(b, t);
	}
	b->next++;
	/* given by name already */
	if (json_object_get(b->args->params, p->name) != NULL &&
	    p->type != METHOD_T_OPTIONS)
		return add_positional(b, t);
	return set_param(b, p, t);
}

static bool
add(struct builder *b, const struct token *t)
{
	const struct method_param *p;

	if (t->name == NULL)
		return add_positional(b, t);
	p = param_find(b->row, t->name);
	if (p != NULL)
		return set_param(b, p, t);
	/* the daemon may know options that we do not */
	if (param_of_type(b->row, METHOD_T_OPTIONS) != NULL)
		return add_option(b, t);
	return refuse(b, t->name, "is no parameter of it (quote a word that has a =)");
}

/* Is the only word all params?  Not if it can only be the first of them. */
static bool
is_whole(const struct method_row *row, json_t *json)
{
	const struct method_param *first = &row->params[0];

	if (json_is_array(json))
		return first->name == NULL ||
		    (first->type != METHOD_T_OPTIONS && first->type != METHOD_T_NAMES);
	return first->name == NULL || first->optional ||
	    json_object_get(json, first->name) != NULL;
}

static bool
read_whole(struct builder *b, const struct token *t)
{
	json_t *json;

	if (t->kind != TOKEN_JSON || t->name != NULL)
		return false;
	json = json_loadb(t->value, t->len, JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL || !is_whole(b->row, json)) {
		json_decref(json);
		return false;
	}
	json_decref(b->args->params);
	b->args->params = json;
	return true;
}

static bool
is_given(const struct args *args, const struct method_param *p)
{
	return json_object_get(args->params, p->name) != NULL ||
	    (p->type == METHOD_T_DATA && args->data != NULL);
}

/* Opens what is to be passed.  The daemon says what it is if it is no file. */
static bool
open_file(struct builder *b, const struct token *t)
{
	b->args->file = open(t->value, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	b->args->with_file = b->args->file >= 0;
	if (!b->args->with_file)
		snprintf(b->why, b->size, "%s: %s", t->value, strerror(errno));
	return b->args->with_file;
}

/* Data that stand in a file, as far as one message can take them. */
static bool
read_file(struct builder *b, const char *name)
{
	enum { LIMIT = 64 * 1024 * 1024 };
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	enum input_status status = INPUT_FAILED;

	if (b->args->data != NULL)
		return refuse(b, "data", "is given twice");
	if (fd >= 0)
		status = input_read_all(
		    fd, LIMIT, &b->args->from_file, &b->args->data_len);
	b->args->data = b->args->from_file;
	if (status == INPUT_FAILED)
		snprintf(b->why, b->size, "%s: %s", name, strerror(errno));
	else if (status == INPUT_TOO_LONG)
		refuse(b, name, "is too long for one message; sendfile takes any");
	if (fd >= 0)
		close(fd);
	return status == INPUT_OK;
}

/* A "-f", behind which a file stands whose content is the data. */
static bool
is_file_flag(const struct builder *b, const struct token *t, size_t left)
{
	return left > 1 && token_is(t, "-f") && t[1].name == NULL &&
	    param_of_type(b->row, METHOD_T_DATA) != NULL;
}

/*
 * sendfile SOCKET FILE [OFFSET [BYTES]]: the file is no param, and stands where
 * Erlang has it; the others need not be given.
 */
static bool
read_sendfile(struct builder *b, const struct token *tokens, size_t count)
{
	static const char *const names[] = {"offset", "bytes"};
	bool ok = true;
	size_t i;

	for (i = 0; i < count && ok; i++) {
		if (tokens[i].name != NULL ? strcmp(tokens[i].name, "file") == 0
					   : b->next == 1 && !b->args->with_file)
			ok = open_file(b, &tokens[i]);
		else
			ok = add(b, &tokens[i]);
	}
	for (i = 0; i < 2 && ok; i++) {
		if (json_object_get(b->args->params, names[i]) == NULL)
			json_object_set_new(b->args->params, names[i], json_integer(0));
	}
	return ok && (b->args->with_file || refuse(b, "file", "is missing"));
}

bool
args_read(struct args *args, const struct method_row *row, const struct token *tokens,
    size_t count, char *why, size_t size)
{
	struct builder b = {.row = row, .args = args, .why = why, .size = size};

	*args = (struct args){.params = json_object()};
	if (args->params == NULL)
		return refuse(&b, "this", "finds no memory");
	if (row->flags & METHOD_GIVES)
		return refuse(&b, "a descriptor",
		    "has no use here: gentcp-cli getfd SOCKET COMMAND");
	if (row->id == METHOD_SENDFILE) {
		if (!read_sendfile(&b, tokens, count))
			return false;
		count = 0;
	}
	if (count == 1 && read_whole(&b, &tokens[0]))
		return true;
	for (size_t i = 0; i < count; i++) {
		bool ok = is_file_flag(&b, &tokens[i], count - i)
		    ? read_file(&b, tokens[++i].value)
		    : add(&b, &tokens[i]);

		if (!ok)
			return false;
	}
	for (size_t i = 0; i < method_arity(row); i++) {
		if (!row->params[i].optional && !is_given(args, &row->params[i]))
			return refuse(&b, row->params[i].name, "is missing");
	}
	return true;
}

void
args_fini(struct args *args)
{
	json_decref(args->params);
	free(args->from_file);
	if (args->with_file)
		close(args->file);
	*args = (struct args){0};
}

static void
put_param(struct bytes *out, const char *name, bool optional)
{
	bytes_append_str(out, optional ? " [" : " ");
	bytes_append_str(out, name);
	if (optional)
		bytes_append_char(out, ']');
}

void
args_put_usage(struct bytes *out, const struct method_row *row)
{
	bool sendfile = row->id == METHOD_SENDFILE;

	for (size_t i = 0; i < method_arity(row); i++) {
		const struct method_param *p = &row->params[i];
		const char *name = p->type == METHOD_T_OPTIONS ? "OPTION..."
		    : p->type == METHOD_T_NAMES		       ? "NAME..."
							       : p->name;

		put_param(out, name, p->optional || (sendfile && i > 0));
		if (sendfile && i == 0)
			put_param(out, "file", false);
	}
	if (row->flags & METHOD_GIVES)
		put_param(out, "COMMAND...", false);
}

void
args_complain(const struct method_row *row, const char *why)
{
	struct bytes usage = {0};

	args_put_usage(&usage, row);
	cli_complain("%s: %s", cli_verb(row), why);
	cli_complain("usage: %s%.*s", cli_verb(row), (int)bytes_len(&usage),
	    (char *)bytes_head(&usage));
	bytes_fini(&usage);
}

int
args_request(struct gentcp *g, const struct method_row *row, const struct args *args,
    gentcp_reply_fn fn, void *ctx, uint64_t *id)
{
	char *text = json_dumps(args->params, JSON_COMPACT);
	const char *params = text == NULL ? "{}" : text;
	int rc;

	if (args->with_file)
		rc = gentcp_request_fd(g, row->name, params, args->file, fn, ctx, id);
	else
		rc = gentcp_request(
		    g, row->name, params, args->data, args->data_len, fn, ctx, id);
	free(text);
	return rc;
}
