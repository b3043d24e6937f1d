# SPDX-License-Identifier: ISC
"""What the kernel's options do: on the wire, to the peer, in the eyes of ss(8)."""

import ctypes
import fcntl
import re
import socket
import struct
import subprocess
import time

import pytest

import gentcp_test as g
from gentcp_test import check_reason, ip
from option_rows import IP_PKTOPTIONS, IP_RECVTTL

IPV6_2292PKTOPTIONS = 6
SIOCOUTQNSD = 0x894B
SO_ATTACH_FILTER = 26


def ss(client, s, *flags):
    """What ss(8) says of the daemon's socket, on one line."""
    port = client.call("inet.sockname", {"socket": s})["port"]
    done = subprocess.run(
        ["ss", "-Hnt", *flags, "sport = :%d" % port], stdout=subprocess.PIPE, check=True, timeout=10)
    return " ".join(done.stdout.decode().split())


def vanish(peer):
    """The peer gets nothing any more, and so acknowledges nothing: a filter drops all."""
    drop = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # return 0
    program = struct.pack("HL", 1, ctypes.addressof(drop))
    peer.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)


def control(sock, level, name):
    """The control messages of a socket's pktoptions: {type: number}."""
    data = sock.getsockopt(level, name, 256)
    found = {}
    while len(data) >= 16:
        size, _, kind = struct.unpack_from("Nii", data)
        body = data[16:size]
        found[kind] = body[0] if len(body) == 1 else struct.unpack("i", body[:4])[0]
        data = data[(size + 7) // 8 * 8:]
    return found


# --- on the wire --------------------------------------------------------------


def test_tos_and_ttl_reach_the_peer(room, client):
    listener = room.tcp_listener()
    listener.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    listener.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
    s = client.connect(listener.getsockname()[1], {"tos": 0x10, "ttl": 77})
    peer = g.Peer(room.own(listener.accept()[0]))
    client.send(s, b"x")
    assert peer.read(1) == b"x"
    assert control(peer.sock, socket.IPPROTO_IP, IP_PKTOPTIONS) == {
        socket.IP_TOS: 0x10, socket.IP_TTL: 77}
    client.setopts(s, {"tos": 0x08, "ttl": 55})
    client.send(s, b"y")
    assert peer.read(1) == b"y"
    with client.getfd(s) as fd:
        assert fd.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x08
    assert " tos:0x8 " in ss(client, s, "-i", "--tos") + " "


def test_tclass_reaches_the_peer(room, client, has_ipv6):
    if not has_ipv6:
        pytest.skip("this machine has no IPv6")
    listener = room.tcp_listener(host="::1", family=socket.AF_INET6)
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
    s = client.connect(listener.getsockname()[1], ["inet6", ["tclass", 0x10]], address="::1")
    peer = g.Peer(room.own(listener.accept()[0]))
    client.send(s, b"x")
    assert peer.read(1) == b"x"
    found = control(peer.sock, socket.IPPROTO_IPV6, IPV6_2292PKTOPTIONS)
    assert found == {socket.IPV6_TCLASS: 0x10}
    assert " tclass:0x10 " in ss(client, s, "-i", "--tos") + " "


def test_nopush_holds_back_what_fills_no_segment(room, client):
    s, peer = room.pair(client, {"nodelay": True})
    fd = client.getfd(s)

    def unsent():
        return struct.unpack("i", fcntl.ioctl(fd, SIOCOUTQNSD, b"\0" * 4))[0]

    def corked():
        """Held back, unless the kernel's 200 ms were over before we looked."""
        client.setopts(s, {"nopush": True})
        client.send(s, b"held")
        held = unsent() == 4
        client.setopts(s, {"nopush": False})
        assert peer.read(4) == b"held"
        return held

    g.until(corked, "bytes that nopush holds back")
    assert unsent() == 0
    client.send(s, b"free")
    assert unsent() == 0 and peer.read(4) == b"free"


# --- in the eyes of ss --------------------------------------------------------


def test_keepalive_runs_a_timer_of_keepidle(room, client):
    s, _ = room.pair(client)
    assert "keepalive" not in ss(client, s, "-o")
    client.setopts(s, {"keepidle": 500, "keepalive": True})
    found = re.search(r"timer:\(keepalive,(\d+)min(\d*)(?:\.\d+)?(?:sec)?,0\)", ss(client, s, "-o"))
    assert found, ss(client, s, "-o")
    assert 480 <= int(found[1]) * 60 + int(found[2] or 0) <= 500
    client.setopts(s, {"keepalive": False})
    assert "keepalive" not in ss(client, s, "-o")
    # An accepted one has the listener's at once.
    listener, port = client.listen({"keepalive": True, "keepidle": 30})
    room.dial(port)
    a = client.accept(listener)
    assert re.search(r"timer:\(keepalive,(29|30)", ss(client, a, "-o"))


def test_buffers_and_backlog_are_the_kernels(room, client):
    s, _ = room.pair(client, {"sndbuf": 20000, "recbuf": 30000})
    assert ",tb40000," in ss(client, s, "-m") and ",rb60000," in ss(client, s, "-m")
    listener, _ = client.listen({"backlog": 77})
    assert ss(client, listener, "-l").split()[:3] == ["LISTEN", "0", "77"]
    fallback, _ = client.listen()
    assert ss(client, fallback, "-l").split()[:3] == ["LISTEN", "0", "5"]


# --- a peer that vanished -----------------------------------------------------


def test_user_timeout_ends_what_nobody_acknowledges(room, client):
    s, peer = room.pair(client, {"user_timeout": 300, "active": False})
    vanish(peer)
    waiting = client.start_recv(s)
    began = time.monotonic()
    client.send(s, b"into the void")
    check_reason(client.reply(waiting).error(), "etimedout")
    assert time.monotonic() - began >= 0.25


def test_keepalive_ends_a_connection_without_a_peer(room, client):
    options = {"keepalive": True, "keepidle": 1, "keepintvl": 1, "keepcnt": 1, "active": True}
    s, peer = room.pair(client, options)
    vanish(peer)
    assert client.event("tcp_error", s).params["reason"] == "etimedout"
    client.event("tcp_closed", s)


# --- several listeners, and routes --------------------------------------------


@pytest.mark.parametrize("name", ["reuseport", "reuseport_lb"])
def test_reuseport_spreads_over_listeners(room, client, name):
    first, port = client.listen({name: True, "backlog": 64})
    second, _ = client.listen({name: True, "backlog": 64}, port)
    params = {"port": port, "options": {"ip": "127.0.0.1"}}
    check_reason(client.fails("gen_tcp.listen", params), "eaddrinuse")
    count = 64
    for _ in range(count):
        room.dial(port)
    got = {}
    for listener in (first, second):
        got[listener] = 0
        try:
            while True:
                client.accept(listener, 0)
                got[listener] += 1
        except g.RpcError as e:
            assert e.message == "timeout"
    assert sum(got.values()) == count and min(got.values()) > 0, got


def test_dontroute_goes_past_the_gateway(client, namespace):
    """What is behind a gateway cannot be reached with it, what is on the link can."""
    ip("-n", namespace.name, "link", "add", "gentcp0", "type", "veth", "peer", "name", "gentcp1")
    for device in ("gentcp0", "gentcp1"):
        ip("-n", namespace.name, "link", "set", device, "up")
    ip("-n", namespace.name, "addr", "add", "192.0.2.1/24", "dev", "gentcp0")
    ip("-n", namespace.name, "route", "add", "default", "via", "192.0.2.2")

    def reason(address, value):
        params = {"address": address, "port": 9, "timeout": 100, "options": {
            "netns": namespace.path, "dontroute": value}}
        return client.fails("gen_tcp.connect", params).message

    assert reason("198.51.100.1", False) == "timeout"
    assert reason("198.51.100.1", True) == "enetunreach"
    assert reason("192.0.2.3", True) == "timeout"
