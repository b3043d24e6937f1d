# SPDX-License-Identifier: ISC
"""The option debug: what one socket does, in the log."""

import contextlib

import gentcp_test as g


@contextlib.contextmanager
def a_room(args):
    daemon = g.Daemon(args=args)
    room = g.Room(daemon)
    try:
        yield room
    except BaseException:
        room.end()
        daemon.kill()
        daemon.remove()
        raise
    room.end()
    daemon.stop()


def traced(room, s=None):
    """The lines about a socket, without what stands before them."""
    head = "gentcpd: debug: tcp: " + ("" if s is None else "socket %d: " % s)
    return [line[len(head):] for line in room.daemon.output().splitlines() if line.startswith(head)]


def test_a_connection_from_its_opening_to_its_end():
    with a_room(["-v"]) as room:
        client = room.client()
        s, peer = room.pair(client, {"debug": True, "packet": 1})
        other, _ = room.pair(client)
        client.setopts(s, {"packet_size": 77})
        client.send(s, b"abc")
        assert peer.read(4) == b"\3abc"
        peer.put(b"\2ab")
        assert client.recv(s) == b"ab"
        client.setopts(s, {"active": True})
        peer.close()
        client.event("tcp_closed", s)
        lines = traced(room, s)
        for line in ("option packet_size: ok", "out: 4 bytes", "in: 3 bytes", "option active: ok",
                     "the connection is over", "ends: closed"):
            assert line in lines, (line, lines)
        places = [lines.index(x) for x in ("out: 4 bytes", "in: 3 bytes", "ends: closed")]
        assert places == sorted(places)
        assert any(x.endswith(" -> gone") for x in lines)
        # Before clients had a number for it.
        early = [x for x in traced(room) if x.startswith("new socket, descriptor ")]
        assert any(x.endswith("open -> connecting") for x in early), early
        assert any("option packet: ok" in x for x in early), early
        assert not traced(room, other)


def test_it_is_not_inherited_and_can_be_switched():
    with a_room(["-v"]) as room:
        client = room.client()
        listener, port = client.listen({"debug": True, "active": False})
        peer = room.dial(port)
        s = client.accept(listener)
        peer.put(b"one")
        client.recv(s)
        assert not traced(room, s)
        client.setopts(s, {"debug": True})
        peer.put(b"four")
        client.recv(s)
        client.setopts(s, {"debug": False})
        peer.put(b"seven..")
        client.recv(s)
        lines = traced(room, s)
        assert "in: 4 bytes" in lines and "in: 7 bytes" not in lines
        assert client.call("inet.getopts", {"socket": listener, "names": ["debug"]})["debug"] is True


def test_nothing_is_said_unless_the_daemon_is_verbose():
    with a_room([]) as room:
        client = room.client()
        s, peer = room.pair(client, {"debug": True})
        client.send(s, b"x")
        peer.read(1)
        assert not traced(room)


def test_a_flood_of_lines_is_cut_and_counted():
    with a_room(["-v"]) as room:
        client = room.client()
        s, peer = room.pair(client, {"debug": True})
        options = [["header", n % 2] for n in range(1000)]
        for _ in range(4):
            client.setopts(s, options)

        def told():
            client.setopts(s, {"header": 0})
            return [x for x in traced(room) if x.endswith("lines of debug were left out")]

        g.until(told, "a line that counts the others")
        assert len(traced(room, s)) < 4000
