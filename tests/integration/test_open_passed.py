# SPDX-License-Identifier: ISC
"""Descriptors that a client passes: bound, connected, listening, of another kind,
and refused."""

import contextlib
import os
import signal
import socket
import struct
import tempfile

import pytest

import gentcp_test as g
from gentcp_test import check_reason
from test_connect import fdopen, folder, ipv6  # noqa: F401
from test_open_details import is_outcome, name_of, outcome


def with_fd(c, method, params, options, sock):
    params = {**params, "options": [["fd", "passed"], ["active", False], *options]}
    return c.reply(c.request(method, params, fds=[sock.fileno()]))


def passed_connect(c, port, sock, options=()):
    return with_fd(c, "gen_tcp.connect", {"address": "127.0.0.1", "port": port}, options, sock)


def passed_listen(c, sock, options=(), port=0):
    return with_fd(c, "gen_tcp.listen", {"port": port}, options, sock)


def test_connect_binds_a_passed_descriptor_where_it_is_told_to(room, client):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    with socket.socket() as bound, socket.socket() as free, socket.socket() as other:
        bound.bind(("127.0.0.41", 0))
        mine = bound.getsockname()[1]
        s = passed_connect(client, port, bound).result()["socket"]
        assert name_of(client, "inet.sockname", s) == {
            "family": "inet", "addr": "127.0.0.41", "port": mine}
        s = passed_connect(client, port, free, [["ip", "127.0.0.42"]]).result()["socket"]
        assert name_of(client, "inet.sockname", s)["addr"] == "127.0.0.42"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            mine = probe.getsockname()[1]
        s = passed_connect(client, port, other, [["port", mine]]).result()["socket"]
        assert name_of(client, "inet.port", s) == mine
        # the descriptor is the client's too
        assert other.getpeername() == ("127.0.0.1", port)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        # bound twice: the kernel's einval, and so connect's badarg
        is_outcome(passed_connect(client, port, bound, [["ip", "127.0.0.43"]]), "badarg")
        is_outcome(passed_listen(client, bound, [["ip", "127.0.0.43"]]), "einval")


def test_a_passed_descriptor_of_another_family(room, client, ipv6):
    port = room.tcp_listener().getsockname()[1]
    with socket.socket(socket.AF_INET6) as six:
        is_outcome(passed_connect(client, port, six, ["inet"]), "eafnosupport")
        assert outcome(passed_connect(client, port, six)) in ("nxdomain", "eafnosupport")


def test_passed_descriptors_that_will_not_do(room, client):
    port = room.tcp_listener().getsockname()[1]
    with contextlib.ExitStack() as stack:
        connected = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        is_outcome(passed_connect(client, port, connected), "eisconn")
        is_outcome(passed_listen(client, connected), "einval")
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        is_outcome(passed_connect(client, port, listening), "eisconn")
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        is_outcome(passed_connect(client, port, udp), "ebadf")
        is_outcome(passed_listen(client, udp), "ebadf")
        is_outcome(fdopen(client, [udp.fileno()]), "ebadf")
        file = stack.enter_context(tempfile.TemporaryFile())
        is_outcome(passed_connect(client, port, file), "enotsock")
        is_outcome(passed_listen(client, file), "enotsock")
        is_outcome(fdopen(client, [file.fileno()]), "enotsock")
        fresh = stack.enter_context(socket.socket())
        is_outcome(fdopen(client, [fresh.fileno()]), "enotconn")
        is_outcome(fdopen(client, [listening.fileno()]), "enotconn")
        # all of them are as they were
        assert connected.getpeername()[1] == port
        room.own(socket.create_connection(listening.getsockname()))
        room.own(listening.accept()[0])


def test_a_listening_socket_is_adopted(room, client):
    listening = room.own(socket.create_server(("127.0.0.1", 0)))
    port = listening.getsockname()[1]
    early = room.dial(port)
    r = passed_listen(client, listening).result()
    assert r["port"] == port and client.states(r["socket"]) == ["listen", "open"]
    s = client.accept(r["socket"])
    early.send(b"was here first")
    assert client.recv(s) == b"was here first"
    # the port by position says nothing about one that is bound
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        mine = bound.getsockname()[1]
        assert passed_listen(client, bound).result()["port"] == mine
        assert bound.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    with socket.socket() as free:
        r = passed_listen(client, free, [["ip", "127.0.0.1"]]).result()
        assert free.getsockname() == ("127.0.0.1", r["port"]) and r["port"] > 0


def test_local_stream_sockets_are_adopted(room, client, folder):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        s = fdopen(client, [ours.fileno()]).result()["socket"]
        assert client.states(s) == ["connected", "open"]
        assert name_of(client, "inet.peername", s) == {"family": "local", "addr": ""}
        theirs.sendall(b"hello")
        assert client.recv(s) == b"hello"
    path = os.path.join(folder, "s")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)
        r = passed_listen(client, bound).result()
        assert "port" not in r
        with socket.socket(socket.AF_UNIX) as free:
            reply = with_fd(
                client, "gen_tcp.connect", {"address": {"local": path}, "port": 0}, [], free)
            reply.result()
        client.accept(r["socket"])
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        is_outcome(fdopen(client, [ours.fileno()]), "ebadf")


def test_fdopen_sees_that_a_connection_is_half_closed(room, client):
    """Connected is what has a peer, whatever the streams are by now."""
    listener = room.tcp_listener()
    mine = room.own(socket.create_connection(listener.getsockname()))
    peer = g.Peer(room.own(listener.accept()[0]))
    peer.put(b"last words").half_close()
    s = fdopen(client, [mine.fileno()]).result()["socket"]
    assert client.recv(s) == b"last words"
    check_reason(client.recv_fails(s), "closed")
    mine = room.own(socket.create_connection(listener.getsockname()))
    g.Peer(room.own(listener.accept()[0])).reset()
    g.until(lambda: not is_connected(mine), "the reset")
    is_outcome(fdopen(client, [mine.fileno()]), "enotconn")


@pytest.mark.parametrize("method, params", [
    ("session.self", None),  # takes none
    ("gen_tcp.listen", {"port": 0, "options": {"fd": "passed"}}),
    ("gen_tcp.listen", {"port": 0, "options": {"fd": "passed", "packet": 3}}),
    ("gen_tcp.fdopen", {"options": {"fd": "passed", "ttl": 0}}),
    ("file.sendfile", {"socket": 1, "offset": 0, "bytes": 0}),
    (None, None),  # nothing takes it before the client goes
])
def test_a_lingering_socket_that_is_refused(room, bystander, method, params):
    """Its close would wait for a peer that does not read."""
    client = room.client()
    listener = room.tcp_listener(small=True)
    mine = room.own(socket.create_connection(listener.getsockname()))
    room.own(listener.accept()[0])
    g.blast(mine, b"x" * 65536, quiet=0.05)
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 60))
    os.kill(room.daemon.pid, signal.SIGSTOP)
    try:  # so that the daemon's is the last one to be closed
        if method is None:
            client.raw_with_fds(b"{", [mine.fileno()])
            client.close()
        else:
            id = client.request(method, params, fds=[mine.fileno()])
        mine.close()
    finally:
        os.kill(room.daemon.pid, signal.SIGCONT)
    bystander.fine()
    if method is not None:
        client.reply(id).error()


def is_connected(sock):
    try:
        return bool(sock.getpeername())
    except OSError:
        return False
