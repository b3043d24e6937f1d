/* SPDX-License-Identifier: ISC */
/* Answers.  Each function here answers its call once and ends it. */
#include "rpc/reply.h"

#include <errno.h>
#include <jansson.h>

#include "packet/packet_http.h"
#include "proto/bytes.h"
#include "proto/message.h"
#include "proto/payload.h"
#include "proto/reason.h"
#include "rpc/batch.h"
#include "rpc/http.h"
#include "rpc/policy.h"
#include "rpc/replay.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

/* The queue for a call's answer, or NULL where none is wanted: a notification. */
static struct bytes *
begin(struct call *call)
{
	struct session *s = call->session;

	if (call->id.kind == MESSAGE_ID_NONE)
		return NULL;
	return call->batch != NULL ? batch_out(call->batch) : s->sink->out(s->sink_ctx);
}

/* The answer in begin()'s queue is whole, but for an attachment. */
static void
end(struct call *call, const void *payload, size_t len)
{
	struct session *s = call->session;

	if (call->batch == NULL)
		s->sink->commit(s->sink_ctx, payload, len);
	call_close(call);
}

/* Does a line end the message?  Not within a batch. */
static bool
line(const struct call *call)
{
	return call->batch == NULL;
}

void
reply_ok(struct call *call)
{
	struct bytes *out = begin(call);

	if (out == NULL) {
		call_close(call);
		return;
	}
	message_put_ok(out, &call->id, line(call));
	end(call, NULL, 0);
}

void
reply_json(struct call *call, json_t *result)
{
	struct bytes *out;

	if (result == NULL) {
		reply_error(call, ENOMEM, NULL);
		return;
	}
	if (call->batch != NULL && batch_full(call->batch)) {
		json_decref(result);
		reply_error(call, REASON_SYSTEM_LIMIT, NULL);
		return;
	}
	out = begin(call);
	if (out != NULL) {
		message_put_result(out, &call->id, result, line(call));
		end(call, NULL, 0);
	} else
		call_close(call);
	json_decref(result);
}

void
reply_text(struct call *call, const char *text, size_t len)
{
	struct bytes *out = begin(call);

	if (out == NULL) {
		call_close(call);
		return;
	}
	message_open_result(out, &call->id);
	bytes_append(out, text, len);
	message_close(out, MESSAGE_PLAIN, 0, line(call));
	end(call, NULL, 0);
}

void
reply_fd(struct call *call, int fd)
{
	struct session *s = call->session;
	struct bytes *out;

	if (!s->sink->pass(s->sink_ctx, fd)) {
		reply_refused(call, REASON_SYSTEM_LIMIT, NULL,
		    "too many descriptors wait to be read");
		return;
	}
	/* never a notification or in a batch: see METHOD_TELLS, METHOD_GIVES */
	out = begin(call);
	message_open_result(out, &call->id);
	bytes_append_str(out, "{\"fd\":\"passed\"}");
	message_close(out, MESSAGE_PLAIN, 1, true);
	end(call, NULL, 0);
}

/* An error's text, sentence or atom, without an attachment. */
static void
put_error(struct call *call, int reason, const char *text, json_t *data)
{
	struct bytes *out;

	policy_note(call->session->rpc, call->session,
	    call->row != NULL ? call->row->name : "a message", reason,
	    json_string_value(json_object_get(data, "detail")));
	ack_refused(call);
	tally_error(call->session->rpc, reason);
	out = begin(call);
	if (out != NULL) {
		message_put_error(out, &call->id, reason, text, data, line(call));
		end(call, NULL, 0);
	} else
		call_close(call);
	json_decref(data);
}

void
reply_error(struct call *call, int reason, json_t *data)
{
	put_error(call, reason, NULL, data);
}

void
reply_fault(struct call *call, int code, const char *text)
{
	put_error(call, code, text, NULL);
}

void
reply_refused(struct call *call, int reason, const char *option, const char *detail)
{
	json_t *data = NULL;

	if (option != NULL || detail != NULL)
		data = json_pack("{s:s*, s:s*}", "option", option, "detail", detail);
	reply_error(call, reason, data);
}

struct payload_style
session_style(const struct session *s, const struct tcp_socket *tcp)
{
	return (struct payload_style){
	    .form = s->form, .list = tcp_mode_list(tcp), .header = tcp_header(tcp)};
}

void
reply_data(struct call *call, const void *data, size_t len)
{
	struct payload_style style = session_style(call->session, call->tcp);
	struct bytes *out = begin(call);
	size_t skip = 0;
	bool attach;

	if (out == NULL) {
		call_close(call);
		return;
	}
	message_open_result(out, &call->id);
	bytes_append_char(out, '{');
	attach = payload_put_members(out, &style, data, len, true, &skip);
	bytes_append_char(out, '}');
	message_close(out, attach ? len - skip : MESSAGE_PLAIN, 0, true);
	if (attach)
		end(call, (const char *)data + skip, len - skip);
	else
		end(call, NULL, 0);
}

void
reply_http(struct call *call, const struct packet_http *http)
{
	struct bytes *out = begin(call);

	if (out == NULL) {
		call_close(call);
		return;
	}
	message_open_result(out, &call->id);
	bytes_append_str(out, "{\"http\":");
	http_put(out, call->session->form, http);
	http_put_type(out, call->session->form, tcp_http_bin(call->tcp));
	bytes_append_char(out, '}');
	message_close(out, MESSAGE_PLAIN, 0, line(call));
	end(call, NULL, 0);
}

void
reply_rest(struct call *call, int reason, const void *data, size_t len)
{
	struct payload_style style;
	struct bytes *out;

	if (len == 0) {
		reply_error(call, reason, NULL);
		return;
	}
	policy_note(call->session->rpc, call->session, call->row->name, reason, NULL);
	ack_refused(call);
	tally_error(call->session->rpc, reason);
	/* bytes are of a socket: others, as a connect, have none */
	style = session_style(call->session, call->tcp);
	out = begin(call);
	if (out == NULL) {
		call_close(call);
		return;
	}
	message_open_error(out, &call->id, reason, NULL);
	if (call->batch != NULL) /* of sends; nothing is attached in one */
		style.form = PAYLOAD_AUTO;
	if (style.form == PAYLOAD_ATTACHED) {
		bytes_append_char(out, '}');
		message_close(out, len, 0, true);
		end(call, data, len);
		return;
	}
	style.header = 0;
	bytes_append_str(out, ",\"data\":{\"rest\":");
	payload_put(out, &style, data, len);
	bytes_append_str(out, "}}");
	message_close(out, MESSAGE_PLAIN, 0, line(call));
	end(call, NULL, 0);
}

void
reply_stray(struct session *s, const struct message_id *id, int code, const char *text)
{
	static const struct message_id null = {.kind = MESSAGE_ID_NULL};

	tally_error(s->rpc, code);
	message_put_error(
	    s->sink->out(s->sink_ctx), id == NULL ? &null : id, code, text, NULL, true);
	s->sink->commit(s->sink_ctx, NULL, 0);
}
