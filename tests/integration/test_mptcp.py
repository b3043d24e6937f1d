# SPDX-License-Identifier: ISC
"""The option protocol: mptcp, on the loopback, and towards a peer without it."""

import base64
import os
import socket
import sys

import pytest

import gentcp_test as g
from gentcp_test import check_reason

MPTCP = 262
TCP_IS_MPTCP = 43
ENABLED = "/proc/sys/net/mptcp/enabled"

# Linux has these for TCP alone.
MISSING = {"ttl": 77, "user_timeout": 5000, "recvtos": True, "recvttl": True}
PRESENT = {
    "nodelay": True, "keepalive": True, "keepcnt": 3, "keepidle": 30, "keepintvl": 20, "tos": 8,
    "linger": [True, 3], "priority": 3, "sndbuf": 10000, "recbuf": 10000,
}


def enabled():
    try:
        with open(ENABLED) as f:
            return f.read().strip() == "1"
    except FileNotFoundError:
        return False


needs_mptcp = pytest.mark.skipif(
    not enabled(), reason="this kernel has no MPTCP, or it is off in " + ENABLED)


def kernel_socket(client, s):
    """The daemon's own socket, as the kernel shows it."""
    reply = client.reply(client.request("inet.getfd", {"socket": s}))
    assert reply.result() == {"fd": "passed"}
    return socket.socket(fileno=reply.fds.pop())


def protocol(client, s):
    with kernel_socket(client, s) as k:
        return k.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL)


def speaks_mptcp(client, s):
    with kernel_socket(client, s) as k:
        return k.getsockopt(socket.IPPROTO_TCP, TCP_IS_MPTCP) == 1


def joined(room, client, options=()):
    """Both ends are the daemon's: (connected, accepted, listener)."""
    listener, port = client.listen({"protocol": "mptcp", "active": False})
    s = client.connect(port, [["protocol", "mptcp"], ["active", False]] + list(options))
    return s, client.accept(listener), listener


@needs_mptcp
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_ends_speak_it(room, client, host):
    family = [] if host == "127.0.0.1" else ["inet6"]
    try:
        r = client.call("gen_tcp.listen", {"port": 0, "options": family + [
            ["protocol", "mptcp"], ["ip", host], ["active", False], ["packet", 4]]})
    except g.RpcError as e:
        if host == "::1" and e.message in ("eaddrnotavail", "eafnosupport"):
            pytest.skip("this machine has no IPv6")
        raise
    s = client.connect(r["port"], family + [
        ["protocol", "mptcp"], ["active", False], ["packet", 4]], address=host)
    a = client.accept(r["socket"])
    for one, other in ((s, a), (a, s)):
        assert protocol(client, one) == MPTCP
        assert speaks_mptcp(client, one)
        client.send(one, b"data" * 20000)
        assert client.recv(other) == b"data" * 20000
    client.call("gen_tcp.shutdown", {"socket": s, "how": "write"})
    assert client.recv_fails(a).message == "closed"
    assert client.states(a) == []
    assert client.close_socket(s) == "ok"


@needs_mptcp
def test_towards_a_peer_without_it(room, client):
    """It falls back to plain TCP, and then it has all options."""
    s, peer = room.pair(client, {"protocol": "mptcp"})
    assert protocol(client, s) == MPTCP
    assert not speaks_mptcp(client, s)
    client.send(s, b"plain")
    assert peer.read(5) == b"plain"
    client.setopts(s, {"ttl": 77})
    assert client.getopt(s, "ttl") == 77


@needs_mptcp
def test_from_a_client_without_it(room, client):
    listener, port = client.listen({"protocol": "mptcp", "active": False, "nodelay": True})
    peer = room.dial(port)
    s = client.accept(listener)
    assert not speaks_mptcp(client, s)
    assert client.getopt(s, "nodelay") is True
    peer.put(b"plain")
    assert client.recv(s) == b"plain"


@needs_mptcp
def test_options(room, client):
    s, a, listener = joined(room, client)
    for number in (s, a, listener):
        for name, value in PRESENT.items():
            client.setopts(number, {name: value})
            wanted = value * 2 if name in ("sndbuf", "recbuf") else value
            assert client.getopt(number, name) == wanted, name
        client.setopts(number, {"linger": [False, 0]})
        for name, value in MISSING.items():
            error = client.fails("inet.setopts", {"socket": number, "options": {name: value}})
            check_reason(error, "einval")
            assert error.data["option"] == name
        assert client.getopts(number, list(MISSING) + ["packet"]) == {"packet": 0}
    client.setopts(s, {"nopush": True})
    client.send(s, b"held")
    client.setopts(s, {"nopush": False})
    assert client.recv(a, 4) == b"held"


@needs_mptcp
def test_options_at_connect_at_listen_and_inherited(room, client):
    options = dict(PRESENT, linger=[False, 0], protocol="mptcp", active=False)
    listener, port = client.listen(options)
    s = client.connect(port, options)
    a = client.accept(listener)
    for number in (s, a):
        got = client.getopts(number, ["nodelay", "keepalive", "tos", "priority"])
        assert got == {"nodelay": True, "keepalive": True, "tos": 8, "priority": 3}
    for name, value in MISSING.items():
        error = client.fails("gen_tcp.connect", {
            "address": "127.0.0.1", "port": port, "options": {"protocol": "mptcp", name: value}})
        check_reason(error, "badarg")
        assert error.data["option"] == name


@needs_mptcp
def test_raw_options(room, client):
    """The kernel tells of the connection as a whole, and of its first path."""
    s, _, listener = joined(room, client)
    got = client.getopts(s, [
        {"raw": [socket.IPPROTO_TCP, TCP_IS_MPTCP, 4]}, {"raw": [socket.IPPROTO_TCP, 11, 104]},
        {"raw": [284, 1, 96]}, {"raw": [socket.SOL_SOCKET, socket.SO_PROTOCOL, 4]},
        {"raw": [socket.IPPROTO_TCP, socket.TCP_QUICKACK, 4]},
    ])["raw"]
    values = [e if e is None else base64.b64decode(e[2]["base64"]) for e in got]
    assert values[0] == b"\1\0\0\0"
    assert values[1][0] == 1 and len(values[1]) == 104  # TCP_INFO: established
    assert len(values[2]) > 40  # MPTCP_INFO
    assert values[3] == MPTCP.to_bytes(4, sys.byteorder)
    assert values[4] is None  # of TCP alone


@needs_mptcp
def test_pktoptions_and_tclass_are_of_tcp_alone(room, client):
    s, a, listener = joined(room, client)
    assert client.getopts(a, ["packet", "pktoptions"]) == {"packet": 0}
    try:
        six = client.call("gen_tcp.listen", {"port": 0, "options": [
            "inet6", ["protocol", "mptcp"], ["ip", "::1"]]})["socket"]
    except g.RpcError as e:
        pytest.skip("this machine has no IPv6") if e.message != "einval" else None
        raise
    for name, value in (("tclass", 8), ("recvtclass", True)):
        check_reason(client.fails("inet.setopts", {"socket": six, "options": {name: value}}), "einval")
        assert client.getopts(six, ["packet", name]) == {"packet": 0}
    client.setopts(s, {"packet": 4})
    client.setopts(a, {"packet": 4})
    with open(os.path.join(room.daemon.folder, "file"), "w+b") as f:
        f.write(b"\0\0\0\7of file" [:11])
        f.flush()
        os.unlink(f.name)
        sent = client.call("file.sendfile", {"socket": s, "offset": 0, "bytes": 0}, fds=[f.fileno()])
    assert sent == {"sent": 11}
    assert client.recv(a) == b"of file"
    client.send(s, bytes(3 * g.MB))  # through queue and watermarks
    assert len(client.recv(a)) == 3 * g.MB


@needs_mptcp
def test_active_mode_unrecv_and_half_close(room, client):
    s, a, _ = joined(room, client)
    client.setopts(a, {"active": "once", "exit_on_close": False})
    client.send(s, b"one")
    assert client.gather(a, 3) == b"one"
    client.send(s, b"two")
    assert client.recv(a, 3) == b"two"
    client.call("gen_tcp.unrecv", {"socket": a, "data": "two"})
    assert client.recv(a, 3) == b"two"
    client.call("gen_tcp.shutdown", {"socket": s, "how": "write"})
    assert client.recv_fails(a).message == "closed"
    client.send(a, b"late")
    assert client.recv(s, 4) == b"late"
    assert client.close_socket(a) == "ok"
    assert client.recv_fails(s).message == "closed"


@needs_mptcp
def test_close_with_linger_0_resets(room, client):
    s, a, _ = joined(room, client)
    client.setopts(a, {"show_econnreset": True})
    client.setopts(s, {"linger": [True, 0]})
    assert client.close_socket(s) == "ok"
    assert client.recv_fails(a).message == "econnreset"


@needs_mptcp
def test_a_peer_of_the_kernels_own(room, client):
    listener, port = client.listen({"protocol": "mptcp", "active": True})
    k = room.own(socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP))
    k.settimeout(g.DEADLINE)
    k.connect(("127.0.0.1", port))
    s = client.accept(listener)
    k.sendall(b"event")
    assert client.gather(s, 5) == b"event"
    k.close()
    client.event("tcp_closed", s)


def test_a_local_socket_has_no_other_protocol(room, client):
    path = os.path.join(room.daemon.folder, "mptcp.sock")
    s = client.call("gen_tcp.listen", {"port": 0, "options": [
        "local", ["ifaddr", {"local": path}], ["protocol", "mptcp"]]})["socket"]
    assert protocol(client, s) != MPTCP
    os.unlink(path)


@pytest.mark.skipif(enabled() or os.path.exists(ENABLED), reason="this kernel has MPTCP")
def test_a_kernel_without_it(client):
    for method, params in (("listen", {"port": 0}), ("connect", {"address": "127.0.0.1", "port": 9})):
        error = client.fails("gen_tcp." + method, dict(params, options={"protocol": "mptcp"}))
        check_reason(error, "eprotonosupport")
