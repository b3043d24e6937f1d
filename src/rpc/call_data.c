/* SPDX-License-Identifier: ISC */
/* send, recv, close, shutdown, unrecv. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/limits.h"
#include "proto/bytes.h"
#include "proto/message.h"
#include "proto/message_send.h"
#include "proto/method.h"
#include "proto/params.h"
#include "proto/payload.h"
#include "proto/reason.h"
#include "proto/wire.h"
#include "rpc/calls.h"
#include "rpc/ownership.h"
#include "rpc/policy.h"
#include "rpc/replay.h"
#include "rpc/reply.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

enum { SENDFILE_DESCRIPTORS = 2 }; /* the file, and a duplicate of the socket */

/* The bytes of params[1] or the attachment.  False: the call has been answered. */
static bool
read_data(struct call *call, const struct request *q, const void **data, size_t *len)
{
	struct rpc *rpc = call->session->rpc;
	char why[160];
	int reason;

	if (q->attached) {
		*data = q->attachment;
		*len = q->attachment_len;
		return true;
	}
	bytes_truncate(&rpc->scratch, 0);
	reason = payload_read(q->params.value[1], rpc->config.wire.max_attachment,
	    &rpc->scratch, data, len, why, sizeof(why));
	if (reason == 0)
		return true;
	if (reason == REASON_INVALID_PARAMS)
		reply_fault(call, reason, why);
	else
		reply_error(call, reason, NULL);
	return false;
}

static void
finished(struct tcp_request *r, const struct tcp_outcome *o)
{
	if (o->reason == 0)
		reply_ok(call_of(r));
	else
		reply_rest(call_of(r), o->reason, o->data, o->len);
}

/*
 * Readies a send, or what waits behind one.  Only where others wait already is
 * it counted as waiting: a client at its limit can still send and close.
 */
static bool
join_senders(struct call *call)
{
	if (tcp_would_wait(call->tcp))
		return call_wait(call, finished);
	call_begin(call, finished);
	return true;
}

void
call_send(struct call *call, struct request *q)
{
	struct rpc *rpc = call->session->rpc;
	const void *data;
	size_t len;

	if (read_data(call, q, &data, &len) && join_senders(call))
		tcp_send(q->handle->tcp, data, len, &call->request);
	bytes_truncate(&rpc->scratch, 0);
	bytes_trim(&rpc->scratch);
}

bool
call_send_line(
    struct session *s, const struct message_send *send, const struct wire_message *m)
{
	struct message_id id = {.kind = MESSAGE_ID_NONE, .number = send->id};
	struct handle *h = ownership_find(s, send->socket);
	const void *data = m->attachment;
	size_t len = m->attachment_len;
	struct call *call;

	if (h == NULL || send->ack > s->seq || !policy_method(s, METHOD_SEND))
		return false;
	if (send->has_id)
		id.kind = MESSAGE_ID_INTEGER;
	call = call_open(s, NULL, method_row(METHOD_SEND), &id);
	if (call == NULL)
		return false;
	call->tcp = h->tcp;
	if (send->data != NULL) {
		data = send->data;
		len = send->len;
	}
	ack_begin(s, call);
	if (join_senders(call))
		tcp_send(h->tcp, data, len, &call->request);
	ack_end(s, send->ack);
	return true;
}

static void
received(struct tcp_request *r, const struct tcp_outcome *o)
{
	struct call *call = call_of(r);

	if (o->http != NULL)
		reply_http(call, o->http);
	else if (o->reason == 0)
		reply_data(call, o->data, o->len);
	else
		reply_rest(call, o->reason, o->data, o->len);
}

void
call_recv(struct call *call, struct request *q)
{
	uint64_t length = params_uint(&q->params, 1);
	int64_t timeout = params_timeout(&q->params, 2);

	if (length > SIZE_MAX)
		reply_error(call, ENOMEM, NULL);
	else if (call_wait(call, received))
		tcp_recv(q->handle->tcp, (size_t)length, timeout, &call->request);
}

void
call_close_socket(struct call *call, struct request *q)
{
	if (join_senders(call))
		tcp_close(q->handle->tcp, &call->request);
}

void
call_shutdown(struct call *call, struct request *q)
{
	const char *how = params_string(&q->params, 1, NULL);
	enum tcp_how value = TCP_READ_WRITE;

	/* params.c let only the three words pass */
	if (strcmp(how, "read") == 0)
		value = TCP_READ;
	else if (strcmp(how, "write") == 0)
		value = TCP_WRITE;
	if (join_senders(call))
		tcp_shutdown(q->handle->tcp, value, &call->request);
}

static void
file_sent(struct tcp_request *r, const struct tcp_outcome *o)
{
	const char *detail = NULL;

	if (o->reason == 0) {
		reply_json(call_of(r), json_pack("{s:I}", "sent", (json_int_t)o->sent));
		return;
	}
	if (o->reason == REASON_BADARG)
		detail = "only a regular file can be sent";
	reply_refused(call_of(r), o->reason, NULL, detail);
}

/* Descriptors are few: a file that is sent or waits is charged for like sockets. */
static bool
charge_file(struct call *call)
{
	if (charge_open(&call->socket_charge, &call->session->account, LIMIT_SOCKETS,
		SENDFILE_DESCRIPTORS))
		return true;
	reply_refused(call, REASON_SYSTEM_LIMIT, NULL, "too many sockets and files");
	return false;
}

void
call_sendfile(struct call *call, struct request *q)
{
	int64_t offset = json_integer_value(q->params.value[1]);
	int64_t bytes = json_integer_value(q->params.value[2]);
	int fd = q->fd;

	if (q->handle->owner != call->session)
		reply_error(call, REASON_NOT_OWNER, NULL);
	else if (fd == -1)
		reply_refused(call, EBADF, NULL, "the file's descriptor is missing");
	else if (offset < 0 || bytes < 0)
		reply_refused(call, EINVAL, NULL, "neither offset nor bytes below 0");
	else if (charge_file(call) && call_wait(call, file_sent)) {
		q->fd = -1;
		tcp_sendfile(q->handle->tcp, fd, offset, (uint64_t)bytes, &call->request);
	}
}

void
call_unrecv(struct call *call, struct request *q)
{
	struct rpc *rpc = call->session->rpc;
	const void *data;
	size_t len;
	int reason;

	if (!read_data(call, q, &data, &len))
		return;
	reason = tcp_unrecv(q->handle->tcp, data, len);
	bytes_truncate(&rpc->scratch, 0);
	bytes_trim(&rpc->scratch);
	if (reason == 0)
		reply_ok(call);
	else
		reply_error(call, reason, NULL);
}
