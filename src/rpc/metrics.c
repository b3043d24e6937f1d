/* SPDX-License-Identifier: ISC */
/* The metrics of clients and requests, and daemon.metrics. */
#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/idmap.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "proto/event.h"
#include "proto/method.h"
#include "proto/params.h"
#include "proto/reason.h"
#include "rpc/calls.h"
#include "rpc/keep.h"
#include "rpc/reply.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"

/* --- errors by reason ---------------------------------------------------------- */

static const int rpc_codes[] = {
    REASON_PARSE_ERROR,
    REASON_INVALID_REQUEST,
    REASON_METHOD_NOT_FOUND,
    REASON_INVALID_PARAMS,
    REASON_INTERNAL_ERROR,
};

enum { RPC_CODES = sizeof(rpc_codes) / sizeof(rpc_codes[0]) };

static_assert(RPC_CODES == TALLY_OWN - TALLY_RPC, "a place for each code");

void
tally_error(struct rpc *rpc, int reason)
{
	size_t at = TALLY_OTHER;

	if (reason > 0 && reason <= TALLY_OTHER - TALLY_ERRNO)
		at = (size_t)(TALLY_ERRNO + reason - 1);
	else if (reason >= REASON_CLOSED &&
	    reason < REASON_CLOSED + TALLY_ERRNO - TALLY_OWN)
		at = (size_t)(TALLY_OWN + reason - REASON_CLOSED);
	else
		for (size_t i = 0; i < RPC_CODES; i++)
			if (rpc_codes[i] == reason)
				at = TALLY_RPC + i;
	rpc->tally.errors[at]++;
}

static int
reason_at(size_t at)
{
	if (at < TALLY_OWN)
		return rpc_codes[at];
	return at < TALLY_ERRNO ? (int)at - TALLY_OWN + REASON_CLOSED
				: (int)at - TALLY_ERRNO + 1;
}

/* Those that have occurred: there are more reasons than anybody wants to read. */
static void
put_errors(const struct rpc *rpc, struct metrics_text *t)
{
	const uint64_t *errors = rpc->tally.errors;
	uint64_t other = errors[TALLY_OTHER];

	metrics_family(t, METRICS_COUNTER, "gentcp_errors",
	    "Requests that were answered with an error, by its reason.");
	for (size_t i = 0; i < TALLY_OTHER; i++) {
		const char *name = reason_name(reason_at(i));

		if (errors[i] > 0 && strcmp(name, "unknown") != 0)
			metrics_sample(t, "reason", name, errors[i]);
		else
			other += errors[i];
	}
	/* always, so that the family is never empty */
	metrics_sample(t, "reason", "other", other);
	metrics_family(t, METRICS_COUNTER, "gentcp_refusals",
	    "What was refused: requests that need a right (eacces) or go past a cap "
	    "(system_limit), and connections that went past the cap of input.");
	metrics_sample(t, "by", "eacces", errors[TALLY_ERRNO + EACCES - 1]);
	metrics_sample(t, "by", "system_limit",
	    errors[TALLY_OWN + REASON_SYSTEM_LIMIT - REASON_CLOSED]);
	metrics_sample(t, "by", "input", rpc->tally.input_refused);
}

/* --- clients ---------------------------------------------------------------------- */

static void
put_clients(const struct rpc *rpc, struct metrics_text *t)
{
	const struct session *s;
	uint64_t clients = 0, kept = 0, away = 0;
	size_t at = 0;

	while ((s = idmap_next(&rpc->clients, &at)) != NULL) {
		clients++;
		kept += s->keep != NULL;
		away += s->away;
	}
	metrics_single(t, METRICS_GAUGE, "gentcp_clients",
	    "Clients, among them kept ones without a connection.", clients);
	metrics_single(t, METRICS_GAUGE, "gentcp_clients_kept",
	    "Clients that may outlive their connection.", kept);
	metrics_single(t, METRICS_GAUGE, "gentcp_clients_away",
	    "Kept clients without a connection.", away);
}

static void
put_usage(const struct rpc *rpc, struct metrics_text *t)
{
	static const char *const kinds[LIMIT_KINDS] = {
	    [LIMIT_CLIENTS] = "clients",
	    [LIMIT_SOCKETS] = "sockets",
	    [LIMIT_CALLS] = "calls",
	    [LIMIT_BYTES] = "bytes",
	    [LIMIT_INPUT] = "input",
	    [LIMIT_MONITORS] = "monitors",
	};
	size_t i;

	metrics_family(
	    t, METRICS_GAUGE, "gentcp_usage", "What counts for the caps total_*.");
	for (i = 0; i < LIMIT_KINDS; i++)
		metrics_sample(t, "cap", kinds[i], rpc->account.used[i]);
	metrics_family(t, METRICS_GAUGE, "gentcp_usage_cap",
	    "The caps total_* themselves, but for those that are unlimited.");
	for (i = 0; i < LIMIT_KINDS; i++)
		if (rpc->account.max[i] != SIZE_MAX)
			metrics_sample(t, "cap", kinds[i], rpc->account.max[i]);
}

static void
put_messages(const struct rpc *rpc, struct metrics_text *t)
{
	size_t i;

	metrics_family(t, METRICS_COUNTER, "gentcp_requests", "Requests by method.");
	for (i = 0; i < METHOD_COUNT; i++)
		metrics_sample(t, "method", method_row((enum method_id)i)->name,
		    rpc->tally.requests[i]);
	metrics_family(
	    t, METRICS_COUNTER, "gentcp_events", "Events that clients were told.");
	for (i = 0; i < EVENT_COUNT; i++)
		metrics_sample(
		    t, "event", event_row((enum event_id)i)->name, rpc->tally.events[i]);
}

void
rpc_metrics(const struct rpc *rpc, struct metrics_text *t)
{
	put_clients(rpc, t);
	put_messages(rpc, t);
	put_errors(rpc, t);
	put_usage(rpc, t);
}

/* --- daemon.metrics ------------------------------------------------------------------ */

void
rpc_set_report(struct rpc *rpc, const struct rpc_report *report)
{
	rpc->report = *report;
}

void
call_metrics(struct call *call, struct request *q)
{
	const char *name = params_string(&q->params, 0, NULL);
	const struct rpc_report *report = &call->session->rpc->report;
	enum metrics_format format = METRICS_PROMETHEUS;
	size_t len = 0;
	char *text;

	if (!call->session->monitor && !call_is_for_admin(call))
		return;
	if (name != NULL && !metrics_format_find(name, &format)) {
		reply_fault(call, REASON_INVALID_PARAMS,
		    "param \"format\" must be \"prometheus\" or \"openmetrics\"");
		return;
	}
	if (report->text == NULL) {
		reply_error(call, ENOTSUP, NULL);
		return;
	}
	text = report->text(report->ctx, format, &len);
	reply_json(call,
	    text == NULL ? NULL
			 : json_pack("{s:s, s:s%}", "type", metrics_format_type(format),
			       "text", text, len));
	free(text);
}
