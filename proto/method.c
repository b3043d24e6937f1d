/* SPDX-License-Identifier: ISC */
#include "proto/method.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* clang-format off */
/* Params that many methods share. */
#define SOCKET  {"socket", METHOD_T_SOCKET, false, "the socket's number"}
#define TIMEOUT {"timeout", METHOD_T_TIMEOUT, true, "longest wait in ms, or infinity (the default)"}

static const struct method_row rows[] = {
	[METHOD_CONNECT] = {METHOD_CONNECT, "gen_tcp.connect", {
		{"address", METHOD_T_HOST, false,
		    "whom to call: a name, an address, {\"local\": path}, or a sockaddr object"},
		{"port", METHOD_T_PORT, true,
		    "its port, 0..65535 or a service's name; null with a sockaddr"},
		{"options", METHOD_T_OPTIONS, true, "options of the new socket"},
		TIMEOUT},
	    METHOD_WAITS | METHOD_FDS, "{\"socket\": S}",
	    "Opens a connection; the caller owns its socket."},
	[METHOD_LISTEN] = {METHOD_LISTEN, "gen_tcp.listen", {
		{"port", METHOD_T_PORT, false,
		    "where to listen, 0..65535 or a service's name; 0 for a free port"},
		{"options", METHOD_T_OPTIONS, true,
		    "options of the listener, which accepted sockets inherit"}},
	    METHOD_FDS, "{\"socket\": S, \"port\": P}",
	    "Opens a listener; a local one has no port."},
	[METHOD_ACCEPT] = {METHOD_ACCEPT, "gen_tcp.accept", {SOCKET, TIMEOUT},
	    METHOD_WAITS, "{\"socket\": S}",
	    "Waits for a connection to a listener; the caller owns its socket."},
	[METHOD_FDOPEN] = {METHOD_FDOPEN, "gen_tcp.fdopen", {
		{"options", METHOD_T_OPTIONS, false,
		    "options of the socket, among them fd: \"passed\""}},
	    METHOD_FDS, "{\"socket\": S}",
	    "Adopts a connected stream socket, whose descriptor comes with the message."},
	[METHOD_SEND] = {METHOD_SEND, "gen_tcp.send", {SOCKET,
		{"data", METHOD_T_DATA, false,
		    "bytes: a string, {\"base64\": text}, an array of these and of numbers, "
		    "or the attachment"}},
	    METHOD_BYTES, "\"ok\"",
	    "Sends data as one packet; waits while the socket's queue is full."},
	[METHOD_RECV] = {METHOD_RECV, "gen_tcp.recv", {SOCKET,
		{"length", METHOD_T_LENGTH, false,
		    "how many bytes; 0 for what there is, or for one packet"},
		TIMEOUT},
	    METHOD_WAITS, "{\"data\": bytes}",
	    "Waits for data from a passive socket."},
	[METHOD_CLOSE] = {METHOD_CLOSE, "gen_tcp.close", {SOCKET},
	    0, "\"ok\"",
	    "Closes a socket, when its queued output is sent."},
	[METHOD_SHUTDOWN] = {METHOD_SHUTDOWN, "gen_tcp.shutdown", {SOCKET,
		{"how", METHOD_T_HOW, false, "read, write or read_write"}},
	    0, "\"ok\"",
	    "Closes one direction of a connection, or both; writing when queued output is sent."},
	[METHOD_CONTROLLING_PROCESS] = {METHOD_CONTROLLING_PROCESS,
	    "gen_tcp.controlling_process", {SOCKET,
		{"client", METHOD_T_CLIENT, false, "the new owner's number"},
		{"messages", METHOD_T_ARRAY, true,
		    "events of the socket that the old owner got and passes on"},
		{"active", METHOD_T_ACTIVE, true, "value of the option active to restore"}},
	    0, "\"ok\"",
	    "Gives a socket of the caller to another client, which is told by tcp_owner."},
	[METHOD_UNRECV] = {METHOD_UNRECV, "gen_tcp.unrecv", {SOCKET,
		{"data", METHOD_T_DATA, false, "bytes, as in gen_tcp.send"}},
	    METHOD_BYTES, "\"ok\"",
	    "Puts data back before what is still to be received."},
	[METHOD_SETOPTS] = {METHOD_SETOPTS, "inet.setopts", {SOCKET,
		{"options", METHOD_T_OPTIONS, false, "options and their new values"}},
	    0, "\"ok\"",
	    "Sets options of a socket, first to last."},
	[METHOD_GETOPTS] = {METHOD_GETOPTS, "inet.getopts", {SOCKET,
		{"names", METHOD_T_NAMES, false, "names of options"}},
	    METHOD_TELLS, "{name: value, ...}",
	    "Tells options of a socket; one that this socket has not is left out."},
	[METHOD_SOCKNAME] = {METHOD_SOCKNAME, "inet.sockname", {SOCKET},
	    METHOD_TELLS, "{\"family\": F, \"addr\": A, \"port\": P}",
	    "Tells the own address of a socket."},
	[METHOD_PEERNAME] = {METHOD_PEERNAME, "inet.peername", {SOCKET},
	    METHOD_TELLS, "{\"family\": F, \"addr\": A, \"port\": P}",
	    "Tells the address of a connection's other end."},
	[METHOD_PORT] = {METHOD_PORT, "inet.port", {SOCKET},
	    METHOD_TELLS, "an integer, or a local socket's path",
	    "Tells the own port of a socket."},
	[METHOD_GETSTAT] = {METHOD_GETSTAT, "inet.getstat", {SOCKET,
		{"names", METHOD_T_NAMES, true, "names of counters; all if absent"}},
	    METHOD_TELLS, "{name: number, ...}",
	    "Tells counters of a socket: recv_oct, recv_cnt, ... send_pend."},
	[METHOD_INFO] = {METHOD_INFO, "inet.info", {SOCKET},
	    METHOD_TELLS, "an object",
	    "Tells all about a socket: owner, states, counters, options, memory, who waits."},
	[METHOD_I] = {METHOD_I, "inet.i", {{0}},
	    METHOD_TELLS, "an array of what inet.info tells",
	    "Lists the sockets that the caller may see."},
	[METHOD_GETFD] = {METHOD_GETFD, "inet.getfd", {SOCKET},
	    METHOD_TELLS | METHOD_GIVES, "{\"fd\": \"passed\"}",
	    "Hands out a duplicate of a socket's descriptor, for I/O of one's own."},
	[METHOD_MONITOR] = {METHOD_MONITOR, "inet.monitor", {SOCKET},
	    0, "{\"monitor\": M}",
	    "Asks to be told by the event down when a socket is gone."},
	[METHOD_CANCEL_MONITOR] = {METHOD_CANCEL_MONITOR, "inet.cancel_monitor", {
		{"monitor", METHOD_T_MONITOR, false, "the number that inet.monitor gave"}},
	    0, "true or false",
	    "Takes a monitor of the caller back; false if there is none (any more)."},
	[METHOD_GETADDRS] = {METHOD_GETADDRS, "inet.getaddrs", {
		{"host", METHOD_T_STRING, false, "a name, or a numeric address"},
		{"family", METHOD_T_STRING, true, "inet (the default) or inet6"}},
	    METHOD_WAITS, "an array of addresses",
	    "Looks the addresses of a host up."},
	[METHOD_SENDFILE] = {METHOD_SENDFILE, "file.sendfile", {SOCKET,
		{"offset", METHOD_T_INTEGER, false, "where in the file to begin, 0 or more"},
		{"bytes", METHOD_T_INTEGER, false,
		    "how many bytes; 0 for all to the end of the file"}},
	    METHOD_WAITS | METHOD_FDS, "{\"sent\": N}",
	    "Sends a regular file, whose descriptor comes with the message."},
	[METHOD_HELLO] = {METHOD_HELLO, "session.hello", {
		{"client", METHOD_T_STRING, true, "what the program is called: name/version"},
		{"protocol", METHOD_T_INTEGER, true, "version of the protocol it speaks: 1"},
		{"data", METHOD_T_STRING, true,
		    "how it is sent bytes: auto (the default), base64 or attached"},
		{"attachments", METHOD_T_BOOLEAN, true,
		    "whether it may send attachments; data: attached implies it"}},
	    0, "{\"server\": name, \"protocol\": 1, \"client\": C, ...}",
	    "Introduces a client, and tells it the daemon's version and limits."},
	[METHOD_SELF] = {METHOD_SELF, "session.self", {{0}},
	    METHOD_TELLS,
	    "{\"client\": C, \"name\": N, \"uid\": U, \"pid\": P, \"sockets\": [S, ...]}",
	    "Tells what the daemon knows of the caller, and which sockets it owns."},
	[METHOD_CLIENTS] = {METHOD_CLIENTS, "session.clients", {{0}},
	    METHOD_TELLS, "an array of clients",
	    "Lists the clients of the caller's user."},
	[METHOD_CANCEL] = {METHOD_CANCEL, "session.cancel", {
		{"id", METHOD_T_ID, false, "id of a request of this connection"}},
	    0, "true or false",
	    "Ends a waiting request, which is answered cancelled; false if none waits."},
	[METHOD_KEEP] = {METHOD_KEEP, "session.keep", {
		{"ttl", METHOD_T_LENGTH, false,
		    "how long, in ms, the client stays without a connection; 0: not at all"},
		{"replay", METHOD_T_BOOLEAN, true,
		    "whether its events have numbers, and are told again until acknowledged"}},
	    0, "{\"client\": C, \"token\": T}",
	    "Lets the client outlive its connection; with the token another becomes it."},
	[METHOD_ATTACH] = {METHOD_ATTACH, "session.attach", {
		{"client", METHOD_T_CLIENT, false, "a kept client's number"},
		{"token", METHOD_T_STRING, false, "the token that session.keep gave"},
		{"seen", METHOD_T_LENGTH, true,
		    "with replay: the number of the last event that was handled"}},
	    METHOD_ALONE, "as session.hello",
	    "Makes this connection that of a kept client, in place of the one it had."},
	[METHOD_ACK] = {METHOD_ACK, "session.ack", {
		{"seq", METHOD_T_LENGTH, false, "the number of an event"}},
	    0, "\"ok\"",
	    "Tells that the events up to that number are handled: they are not told again."},
	[METHOD_DISCOVER] = {METHOD_DISCOVER, "rpc.discover", {{0}},
	    METHOD_TELLS, "the OpenRPC document",
	    "Tells all that this daemon speaks, for machines: proto/openrpc.json."},
	[METHOD_STATUS] = {METHOD_STATUS, "daemon.status", {{0}},
	    METHOD_TELLS, "an object",
	    "Tells administrators how the daemon is: clients, sockets, users, refusals, log."},
	[METHOD_RELOAD] = {METHOD_RELOAD, "daemon.reload", {{0}},
	    METHOD_WAITS, "\"ok\"",
	    "Lets the daemon read its configuration anew, all of it or none."},
	[METHOD_STOP] = {METHOD_STOP, "daemon.shutdown", {{0}},
	    0, "\"ok\"",
	    "Ends the daemon, when what was said and sent has been written."},
	[METHOD_LOG_LEVEL] = {METHOD_LOG_LEVEL, "daemon.log_level", {
		{"level", METHOD_T_STRING, true, "error, warning, info or debug; as it is if absent"},
		{"subsystem", METHOD_T_STRING, true, "the part of the daemon; all if absent"}},
	    0, "{subsystem: level, ...}",
	    "Changes how much the daemon logs, and tells it."},
	[METHOD_METRICS] = {METHOD_METRICS, "daemon.metrics", {
		{"format", METHOD_T_STRING, true, "prometheus (the default) or openmetrics"}},
	    METHOD_TELLS, "{\"type\": content type, \"text\": T}",
	    "Tells administrators the daemon's metrics."},
};
/* clang-format on */

static_assert(
    COUNT(rows) == METHOD_COUNT, "one row for each method, in the order of ids");

/* Rows in the order of their names, for method_find(). */
static const enum method_id by_name[] = {
    METHOD_LOG_LEVEL,
    METHOD_METRICS,
    METHOD_RELOAD,
    METHOD_STOP,
    METHOD_STATUS,
    METHOD_SENDFILE,
    METHOD_ACCEPT,
    METHOD_CLOSE,
    METHOD_CONNECT,
    METHOD_CONTROLLING_PROCESS,
    METHOD_FDOPEN,
    METHOD_LISTEN,
    METHOD_RECV,
    METHOD_SEND,
    METHOD_SHUTDOWN,
    METHOD_UNRECV,
    METHOD_CANCEL_MONITOR,
    METHOD_GETADDRS,
    METHOD_GETFD,
    METHOD_GETOPTS,
    METHOD_GETSTAT,
    METHOD_I,
    METHOD_INFO,
    METHOD_MONITOR,
    METHOD_PEERNAME,
    METHOD_PORT,
    METHOD_SETOPTS,
    METHOD_SOCKNAME,
    METHOD_DISCOVER,
    METHOD_ACK,
    METHOD_ATTACH,
    METHOD_CANCEL,
    METHOD_CLIENTS,
    METHOD_HELLO,
    METHOD_KEEP,
    METHOD_SELF,
};

static_assert(COUNT(by_name) == METHOD_COUNT, "every method can be found");

const struct method_row *
method_row(enum method_id id)
{
	return &rows[id];
}

static int
compare_name(const void *name, const void *id)
{
	return strcmp(name, rows[*(const enum method_id *)id].name);
}

const struct method_row *
method_find(const char *name)
{
	const enum method_id *found;

	found = bsearch(name, by_name, COUNT(by_name), sizeof *by_name, compare_name);
	return found == NULL ? NULL : &rows[*found];
}

size_t
method_arity(const struct method_row *row)
{
	size_t n = 0;

	while (n < METHOD_PARAMS_MAX && row->params[n].name != NULL)
		n++;
	return n;
}
