/* SPDX-License-Identifier: ISC */
/* gentcp-cli introspect: the method table, for people and for programs. */
#include <jansson.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/output.h"
#include "proto/method.h"

static const char *const types[] = {
    [METHOD_T_SOCKET] = "socket",
    [METHOD_T_CLIENT] = "client",
    [METHOD_T_MONITOR] = "monitor",
    [METHOD_T_HOST] = "address",
    [METHOD_T_PORT] = "port",
    [METHOD_T_OPTIONS] = "options",
    [METHOD_T_NAMES] = "names",
    [METHOD_T_TIMEOUT] = "timeout",
    [METHOD_T_DATA] = "bytes",
    [METHOD_T_LENGTH] = "length",
    [METHOD_T_HOW] = "how",
    [METHOD_T_STRING] = "string",
    [METHOD_T_INTEGER] = "integer",
    [METHOD_T_BOOLEAN] = "boolean",
    [METHOD_T_ARRAY] = "array",
    [METHOD_T_ID] = "id",
    [METHOD_T_ACTIVE] = "active",
};

static const char *
type_name(enum method_type type)
{
	return (size_t)type < sizeof types / sizeof *types && types[type] != NULL
	    ? types[type]
	    : "value";
}

/* gen_tcp.recv(socket, length, timeout?) -> {"data": bytes} */
static void
put_signature(struct bytes *out, const struct method_row *row)
{
	bytes_append_str(out, row->name);
	bytes_append_char(out, '(');
	for (size_t i = 0; i < method_arity(row); i++) {
		if (i > 0)
			bytes_append_str(out, ", ");
		bytes_append_str(out, row->params[i].name);
		if (row->params[i].optional)
			bytes_append_char(out, '?');
	}
	bytes_append_str(out, ") -> ");
	bytes_append_str(out, row->result);
}

static void
put_method(struct bytes *out, const struct method_row *row)
{
	put_signature(out, row);
	bytes_append_str(out, "\n  ");
	bytes_append_str(out, row->help);
	for (size_t i = 0; i < method_arity(row); i++) {
		const struct method_param *p = &row->params[i];

		bytes_append_str(out, "\n  ");
		bytes_append_str(out, p->name);
		bytes_append_str(out, ": ");
		bytes_append_str(out, type_name(p->type));
		if (p->optional)
			bytes_append_str(out, ", optional");
		bytes_append_str(out, "; ");
		bytes_append_str(out, p->help);
	}
	if (row->flags & METHOD_WAITS)
		bytes_append_str(out, "\n  may wait: not in a batch");
	if (row->flags & METHOD_FDS)
		bytes_append_str(out, "\n  may bring a descriptor");
	if (row->flags & METHOD_GIVES)
		bytes_append_str(out, "\n  answers with a descriptor");
}

static void
put_json(struct bytes *out, const struct method_row *row)
{
	json_t *params = json_array(), *method;

	for (size_t i = 0; i < method_arity(row); i++)
		json_array_append_new(params,
		    json_pack("{s:s, s:s, s:b, s:s}", "name", row->params[i].name, "type",
			type_name(row->params[i].type), "optional",
			row->params[i].optional, "help", row->params[i].help));
	method = json_pack("{s:s, s:o, s:s, s:b, s:s}", "method", row->name, "params",
	    params, "result", row->result, "waits", (row->flags & METHOD_WAITS) != 0,
	    "help", row->help);
	output_json(out, method);
	json_decref(method);
}

static void
put_all(struct cli *cli, struct bytes *out)
{
	for (int id = 0; id < METHOD_COUNT; id++) {
		const struct method_row *row = method_row((enum method_id)id);

		if (id > 0)
			bytes_append_char(out, '\n');
		if (cli->json)
			put_json(out, row);
		else
			put_signature(out, row);
	}
}

int
introspect_command(struct cli *cli, int argc, char **argv)
{
	const struct method_row *row = argc == 1 ? cli_method(argv[0]) : NULL;
	struct bytes text = {0};
	int code;

	if (argc > 1)
		return cli_usage("introspect");
	if (argc == 1 && row == NULL)
		return cli_no_method(argv[0]);
	if (row == NULL)
		put_all(cli, &text);
	else if (cli->json)
		put_json(&text, row);
	else
		put_method(&text, row);
	code = cli_print(cli, &text) ? CLI_OK : CLI_ERROR;
	bytes_fini(&text);
	return code;
}
