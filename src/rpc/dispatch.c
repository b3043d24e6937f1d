/* SPDX-License-Identifier: ISC */
/* From a request object to its handler, by the row of its method. */
#include <errno.h>
#include <jansson.h>
#include <stddef.h>
#include <unistd.h>

#include "proto/message.h"
#include "proto/method.h"
#include "proto/params.h"
#include "proto/reason.h"
#include "proto/wire.h"
#include "rpc/batch.h"
#include "rpc/calls.h"
#include "rpc/ownership.h"
#include "rpc/policy.h"
#include "rpc/replay.h"
#include "rpc/reply.h"
#include "rpc/rpc.h"
#include "rpc/rpc_private.h"
#include "rpc/session.h"
#include "tcp/tcp.h"

/* What a method says of a socket that is gone or was never there. */
enum gone {
	GONE_CLOSED, /* gen_tcp's functions */
	GONE_EINVAL, /* inet's */
	GONE_OK,     /* close */
	GONE_SHOWN   /* the handler says it: its handle is NULL */
};

static const struct {
	call_handler *run;
	enum gone gone;
} handlers[METHOD_COUNT] = {
    [METHOD_CONNECT] = {call_connect, GONE_CLOSED},
    [METHOD_LISTEN] = {call_listen, GONE_CLOSED},
    [METHOD_ACCEPT] = {call_accept, GONE_CLOSED},
    [METHOD_FDOPEN] = {call_fdopen, GONE_CLOSED},
    [METHOD_SEND] = {call_send, GONE_CLOSED},
    [METHOD_RECV] = {call_recv, GONE_CLOSED},
    [METHOD_CLOSE] = {call_close_socket, GONE_OK},
    [METHOD_SHUTDOWN] = {call_shutdown, GONE_CLOSED},
    [METHOD_CONTROLLING_PROCESS] = {call_controlling_process, GONE_CLOSED},
    [METHOD_UNRECV] = {call_unrecv, GONE_CLOSED},
    [METHOD_SETOPTS] = {call_setopts, GONE_EINVAL},
    [METHOD_GETOPTS] = {call_getopts, GONE_EINVAL},
    [METHOD_SOCKNAME] = {call_sockname, GONE_EINVAL},
    [METHOD_PEERNAME] = {call_peername, GONE_EINVAL},
    [METHOD_PORT] = {call_port, GONE_EINVAL},
    [METHOD_GETSTAT] = {call_getstat, GONE_EINVAL},
    [METHOD_INFO] = {call_info, GONE_SHOWN},
    [METHOD_I] = {call_i, GONE_CLOSED},
    [METHOD_GETFD] = {call_getfd, GONE_EINVAL},
    [METHOD_MONITOR] = {call_monitor, GONE_SHOWN},
    [METHOD_CANCEL_MONITOR] = {call_cancel_monitor, GONE_CLOSED},
    [METHOD_GETADDRS] = {call_getaddrs, GONE_CLOSED},
    [METHOD_SENDFILE] = {call_sendfile, GONE_EINVAL},
    [METHOD_HELLO] = {call_hello, GONE_CLOSED},
    [METHOD_SELF] = {call_self, GONE_CLOSED},
    [METHOD_CLIENTS] = {call_clients, GONE_CLOSED},
    [METHOD_CANCEL] = {call_cancel, GONE_CLOSED},
    [METHOD_KEEP] = {call_keep, GONE_CLOSED},
    [METHOD_ACK] = {call_ack, GONE_CLOSED},
    [METHOD_ATTACH] = {call_attach, GONE_CLOSED},
    [METHOD_DISCOVER] = {call_discover, GONE_CLOSED},
    [METHOD_STATUS] = {call_status, GONE_CLOSED},
    [METHOD_RELOAD] = {call_reload, GONE_CLOSED},
    [METHOD_STOP] = {call_stop, GONE_CLOSED},
    [METHOD_LOG_LEVEL] = {call_log_level, GONE_CLOSED},
    [METHOD_METRICS] = {call_metrics, GONE_CLOSED},
};

bool
call_puts_out(const struct call *call)
{
	switch (call->row->id) {
	case METHOD_SEND:
	case METHOD_SENDFILE:
	case METHOD_SHUTDOWN:
	case METHOD_CLOSE:
		return true;
	default:
		return false;
	}
}

/* The socket that a request is about; false: there is none, and it is answered. */
static bool
find_socket(struct call *call, struct request *q)
{
	enum gone gone = handlers[call->row->id].gone;

	if (call->row->params[0].name == NULL ||
	    call->row->params[0].type != METHOD_T_SOCKET)
		return true;
	q->handle = ownership_find(call->session, params_uint(&q->params, 0));
	if (q->handle != NULL) {
		call->tcp = q->handle->tcp;
		return true;
	}
	if (gone == GONE_SHOWN)
		return true;
	if (gone == GONE_OK)
		reply_ok(call);
	else
		reply_error(call, gone == GONE_EINVAL ? EINVAL : REASON_CLOSED, NULL);
	return false;
}

/* Is the message one that the method takes?  0, or a code with why. */
static int
check(const struct method_row *row, const struct batch *batch, const struct message *msg,
    const struct wire_message *m, size_t nfds, const char **why)
{
	if (batch != NULL && (row->flags & METHOD_ALONE) != 0) {
		*why = "Not in a batch: session.attach";
		return REASON_INVALID_REQUEST;
	}
	if (batch != NULL &&
	    ((row->flags & (METHOD_WAITS | METHOD_GIVES)) != 0 || msg->attached ||
		msg->fds)) {
		*why =
		    "Not in a batch: a method that waits, an attachment or descriptors";
		return REASON_INVALID_REQUEST;
	}
	if (batch != NULL)
		return 0;
	if (m->fds != nfds || (nfds > 0 && (row->flags & METHOD_FDS) == 0) || nfds > 1) {
		*why = NULL;
		return EBADF;
	}
	return 0;
}

/* Hands a checked request to its handler. */
static void
run(struct call *call, struct request *q, int *fds, size_t nfds)
{
	struct session *s = call->session; /* the handler may end the call */

	if (call->id.kind == MESSAGE_ID_NONE && (call->row->flags & METHOD_TELLS) != 0) {
		call_close(call); /* nobody is to hear it */
		return;
	}
	/* it tells what has been done; and this may end sockets, so it comes first */
	if ((call->row->flags & METHOD_TELLS) != 0)
		tcp_flush(call->session->rpc->tcp);
	if (!find_socket(call, q))
		return;
	if (nfds > 0) {
		q->fd = fds[0];
		fds[0] = -1;
	}
	handlers[call->row->id].run(call, q);
	session_discard(s, q->fd); /* the handler did not come as far as to take it */
}

void
dispatch(struct session *s, struct batch *batch, json_t *object,
    const struct wire_message *m, int *fds, size_t nfds)
{
	struct request q = {.fd = -1};
	const struct method_row *row = NULL;
	struct message msg;
	struct call *call;
	const char *text = NULL;
	char why[256];
	int code;

	code = message_read(object, &msg, why, sizeof(why));
	if (code != 0)
		text = why;
	if (code == 0 && (row = method_find(msg.method)) == NULL)
		code = REASON_METHOD_NOT_FOUND;
	if (code == 0)
		code = check(row, batch, &msg, m, nfds, &text);
	if (code == 0) {
		q.attached = batch == NULL && m->attached;
		q.attachment = m->attachment;
		q.attachment_len = m->attachment_len;
		code = params_read(
		    row, msg.params, q.attached, &q.params, why, sizeof(why));
		text = why;
	}
	call = call_open(s, batch, row, &msg.id);
	if (call == NULL)
		reply_stray(s, &msg.id, REASON_INTERNAL_ERROR, "Out of memory");
	else if (code < 0)
		reply_fault(call, code, text);
	else if (code != 0)
		reply_refused(call, code, NULL,
		    "descriptors: as many as \"fds\" says, where the method takes one");
	else if ((code = policy_call(s, row->id, &text)) != 0)
		reply_refused(call, code, NULL, text);
	else if (batch != NULL && batch_full(batch))
		reply_error(call, REASON_SYSTEM_LIMIT, NULL);
	else if (msg.ack > s->seq)
		reply_refused(call, EINVAL, NULL,
		    "\"ack\": no event has been given that number yet");
	else {
		ack_begin(s, call);
		run(call, &q, fds, nfds);
		ack_end(s, msg.ack);
	}
	message_fini(&msg);
}
