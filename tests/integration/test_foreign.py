# SPDX-License-Identifier: ISC
"""Descriptors that a client prepared so that they hold up whoever handles them."""

import contextlib
import os
import select
import socket
import struct
import threading

import pytest

import gentcp_test as g

SO_ZEROCOPY = 60
MSG_ZEROCOPY = 0x4000000


class Reluctant:
    """A socket whose last close(2) takes ten minutes: it lingers, its peer never reads."""

    def __init__(self, room):
        listener = room.tcp_listener(small=True)
        self.sock = room.own(socket.socket())
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.sock.connect(listener.getsockname())
        self.peer = room.own(listener.accept()[0])
        self.sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.sock.send(b"x" * 65536)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 600))

    def fileno(self):
        return self.sock.fileno()

    def let_go(self):
        """The daemon's is the last one now; if it was quicker, it is ours that waits."""
        self.last = threading.Thread(target=os.close, args=(self.sock.detach(),))
        self.last.start()

    def free(self):
        """A reset."""
        self.peer.close()
        self.last.join()


def no_method_for_it(client, number, fds):
    client.raw_with_fds(g.line(g.request(1, "session.self", fds=1)), fds)


def wrong_params(client, number, fds):
    params = {"socket": number, "offset": -1, "bytes": 0}
    client.raw_with_fds(g.line(g.request(1, "file.sendfile", params=params, fds=1)), fds)


def wrong_options(client, number, fds):
    params = {"options": {"fd": "passed", "no such option": 1}}
    client.raw_with_fds(g.line(g.request(1, "gen_tcp.fdopen", params=params, fds=1)), fds)


def no_file(client, number, fds):
    params = {"socket": number, "offset": 0, "bytes": 0}
    client.raw_with_fds(g.line(g.request(1, "file.sendfile", params=params, fds=1)), fds)


def half_a_message(client, number, fds):
    client.raw_with_fds(b"[", fds)
    client.close()


def too_many(client, number, fds):
    client.raw_with_fds(b"[", [os.open("/dev/null", os.O_RDONLY)] * 40 + fds)


def unread(client, number, fds):
    with contextlib.suppress(BrokenPipeError):  # past 16 the daemon hangs up
        for _ in range(30):
            client.raw_with_fds(b"[", fds)
    client.close()


def in_a_queue(client, number, fds):
    a, b = socket.socketpair()
    with a, b:
        socket.send_fds(a, [b"x"], fds)
        a.close()
        client.raw_with_fds(b"[", [b.fileno()])
    client.close()


def from_a_local_peer(client, number, fds):
    a, b = socket.socketpair()
    with a, b:
        params = {"options": {"fd": "passed", "active": True}}
        client.call("gen_tcp.fdopen", params, fds=[b.fileno()])
        socket.send_fds(a, [b"x"], fds)
        client.event("tcp")


WAYS = [
    no_method_for_it,
    wrong_params,
    wrong_options,
    no_file,
    half_a_message,
    too_many,
    unread,
    in_a_queue,
    from_a_local_peer,
]


@pytest.mark.parametrize("way", WAYS)
def test_a_close_that_waits(room, bystander, way):
    client = room.client()
    number, _ = room.pair(client)
    trap = Reluctant(room)
    way(client, number, [trap.fileno()])
    trap.let_go()
    try:
        for _ in range(5):
            bystander.fine()
    finally:
        trap.free()


def test_notes_that_nobody_reads(room, client):
    """Zero copy fills the error queue, by which a socket seems ready for ever."""
    number, peer = room.pair(client, {"active": True})
    mine = client.getfd(number)
    mine.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    for _ in range(200):
        mine.send(b"x" * 1000, MSG_ZEROCOPY)
    assert peer.read(200000) == b"x" * 200000
    client.sync()
    before = room.daemon.cpu()
    select.select([], [], [], 0.5)
    assert room.daemon.cpu() - before < 0.1
    peer.send(b"on")
    assert client.gather(number, 2) == b"on"


def test_the_connection_itself(room):
    """It would hear its own events, and grow with each, with no process behind it."""
    c = room.client()
    error = c.fails("gen_tcp.fdopen", {"options": {"fd": "passed", "active": True}}, fds=[c.sock.fileno()])
    assert (error.message, error.data["option"]) == ("eacces", "fd")
    other = room.client()
    params = {"options": {"fd": "passed"}}
    assert c.fails("gen_tcp.fdopen", params, fds=[other.sock.fileno()]).message == "eacces"
    assert c.call("session.self")["sockets"] == []
