/* SPDX-License-Identifier: ISC */
/*
 * Options with which a socket opens for the session.  It opens passive, and is as
 * active as it was to be once it is the session's: what comes in between stays in
 * it, even if its peer closes at once.
 */
#include <stdlib.h>
#include <string.h>

#include "client/cli/session.h"

/* The place of the options in params, which are an object or an array. */
static size_t
place_of(const struct method_row *row)
{
	size_t i = 0;

	while (row->params[i].type != METHOD_T_OPTIONS)
		i++;
	return i;
}

static json_t *
get_options(const struct method_row *row, json_t *params)
{
	size_t i = place_of(row);

	return json_is_array(params) ? json_array_get(params, i)
				     : json_object_get(params, row->params[i].name);
}

/* Takes the reference. */
static bool
set_options(const struct method_row *row, json_t *params, json_t *options)
{
	size_t i = place_of(row);

	if (!json_is_array(params))
		return json_object_set_new(params, row->params[i].name, options) == 0;
	while (json_array_size(params) <= i) {
		if (json_array_append_new(params, json_null()) < 0) {
			json_decref(options);
			return false;
		}
	}
	return json_array_set_new(params, i, options) == 0;
}

/* {"active": V} or ["active", V] -> V, borrowed; NULL for any other. */
static json_t *
active_of(json_t *option)
{
	json_t *name = json_array_get(option, 0);

	if (json_is_object(option))
		return json_object_get(option, "active");
	if (json_array_size(option) == 2 && json_is_string(name) &&
	    strcmp(json_string_value(name), "active") == 0)
		return json_array_get(option, 1);
	return NULL;
}

/* Moves what is said of active from options, an array, to later. */
static bool
move_from_array(json_t *options, json_t *later)
{
	json_t *active;

	for (size_t i = 0; i < json_array_size(options);) {
		active = active_of(json_array_get(options, i));
		if (active == NULL) {
			i++;
			continue;
		}
		if (json_array_append_new(later, json_pack("{s:O}", "active", active)) <
			0 ||
		    json_array_remove(options, i) < 0)
			return false;
	}
	return true;
}

static bool
move_from_object(json_t *options, json_t *later)
{
	json_t *active = json_object_get(options, "active");

	return active == NULL ||
	    (json_array_append_new(later, json_pack("{s:O}", "active", active)) == 0 &&
		json_object_del(options, "active") == 0);
}

/* The same options and active false. */
static bool
add_passive(json_t *options)
{
	if (json_is_object(options))
		return json_object_set_new(options, "active", json_false()) == 0;
	return json_array_append_new(options, json_pack("{s:b}", "active", false)) == 0;
}

/* A listener is no different, but for what it hands on: what was said of that stays. */
static bool
restore(const struct method_row *row, json_t *options, json_t *later)
{
	if (row->id != METHOD_LISTEN || json_array_size(later) == 0)
		return add_passive(options);
	if (json_is_array(options))
		return json_array_extend(options, later) == 0;
	return json_object_update(options, json_array_get(later, 0)) == 0;
}

json_t *
session_open_passive(const struct method_row *row, json_t *params)
{
	json_t *given = get_options(row, params), *later = json_array();
	json_t *options = given == NULL || json_is_null(given) ? json_array()
							       : json_copy(given);
	bool ok = later != NULL && options != NULL;

	/* anything else the daemon refuses */
	if (ok && json_is_array(options))
		ok = move_from_array(options, later) && restore(row, options, later);
	else if (ok && json_is_object(options))
		ok = move_from_object(options, later) && restore(row, options, later);
	if (!ok || !set_options(row, params, options)) {
		json_decref(later);
		return NULL;
	}
	return later;
}

int
session_activate(struct cli *cli, uint64_t socket, json_t *later)
{
	char *text = json_dumps(later, JSON_COMPACT);
	int rc = GENTCP_NOMEM;

	if (text != NULL)
		rc = gentcp_setopts(
		    cli->g, socket, json_array_size(later) == 0 ? "active=true" : text);
	free(text);
	return rc == GENTCP_OK ? CLI_OK : cli_failed(cli, "active", gentcp_error(cli->g));
}

int
session_check_listener(struct cli *cli, uint64_t listener)
{
	char *text = NULL;
	json_t *options;
	bool passive;

	/* if it cannot be asked, accept will say what is wrong */
	if (gentcp_getopts(cli->g, listener, "active", &text) != GENTCP_OK)
		return CLI_OK;
	options = json_loads(text, 0, NULL);
	free(text);
	passive = json_is_false(json_object_get(options, "active"));
	json_decref(options);
	if (passive)
		return CLI_OK;
	cli_complain("accept: what peers send at once would come to this command, not to "
		     "the session, since the listener hands on its active");
	cli_complain("gentcp-cli setopts %llu active=false mends that",
	    (unsigned long long)listener);
	return CLI_USAGE;
}
