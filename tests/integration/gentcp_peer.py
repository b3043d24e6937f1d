# SPDX-License-Identifier: ISC
"""The other TCP ends, and what one test uses."""

import contextlib
import fcntl
import os
import socket
import struct
import termios
import time

import pytest

from gentcp_base import DEADLINE, MB, SCALE, until
from gentcp_client import Client

SIOCINQ = termios.FIONREAD
SIOCOUTQ = termios.TIOCOUTQ


class Peer:
    """A plain TCP (or local) socket, blocking with a deadline."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(DEADLINE)

    def fileno(self):
        return self.sock.fileno()

    def send(self, data):
        self.sock.sendall(data)
        return self

    def delivered(self):
        """Waits until the other kernel end has all that was sent."""

        def empty():
            return not struct.unpack("i", fcntl.ioctl(self.sock, SIOCOUTQ, b"\0" * 4))[0]

        until(empty, "acknowledged bytes")
        return self

    def put(self, data):
        return self.send(data).delivered()

    def read(self, size):
        """Exactly that many bytes."""
        got = bytearray()
        while len(got) < size:
            data = self.sock.recv(min(size - len(got), MB))
            if not data:
                raise AssertionError("end after %d of %d bytes" % (len(got), size))
            got += data
        return bytes(got)

    def read_end(self):
        """All bytes to the end of the stream."""
        got = bytearray()
        while True:
            data = self.sock.recv(MB)
            if not data:
                return bytes(got)
            got += data

    def read_reset(self):
        """All bytes; then there must be a reset."""
        got = bytearray()
        try:
            while True:
                data = self.sock.recv(MB)
                assert data, "the stream ended without a reset after %d bytes" % len(got)
                got += data
        except ConnectionResetError:
            return bytes(got)

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        self.delivered()
        return self

    def port(self):
        return self.sock.getsockname()[1]

    def close(self):
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


def small_buffers(sock):
    """Little room in the kernel, so that queues fill early."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)


def reset_seen(client, s):
    """Waits until the kernel has the peer's reset: peername says enotconn."""

    def gone():
        return "error" in client.reply(client.request("inet.peername", {"socket": s})).json

    until(gone, "the peer's reset")


class Room:
    """What one test uses; all of it ends with the test."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.things = []

    def own(self, thing):
        self.things.append(thing)
        return thing

    def client(self, data=None, attachments=None, name=None, **more):
        return self.own(Client(self.daemon.path, data, attachments, name, **more))

    def known(self, data="auto", **more):
        """A client that knows its number."""
        return self.client(data, **more)

    def tcp_listener(self, backlog=128, small=False, host="127.0.0.1", family=socket.AF_INET):
        s = self.own(socket.socket(family))
        if small:
            small_buffers(s)
        s.bind((host, 0))
        s.listen(backlog)
        s.settimeout(DEADLINE)
        return s

    def dial(self, port, small=False, host="127.0.0.1"):
        """A peer that connects to the daemon's listener."""
        s = self.own(socket.socket())
        if small:
            small_buffers(s)
        s.settimeout(DEADLINE)
        s.connect((host, port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Peer(s)

    def pair(self, client, options=None, small=False):
        """The daemon connects to a peer: (socket, peer)."""
        listener = self.tcp_listener(small=small)
        number = client.connect(listener.getsockname()[1], options)
        sock = self.own(listener.accept()[0])
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.close()
        return number, Peer(sock)

    def both(self, client, listen=None, connect=None):
        """A connection whose ends are both the daemon's: (listener, accepted,
        connected), passive unless the options say otherwise."""
        listener, port = client.listen(listen)
        connected = client.connect(port, connect)
        return listener, client.accept(listener), connected

    def zombie(self, client, options=None):
        """A socket whose end was noticed by a recv: (socket, peer)."""
        number, peer = self.pair(client, options)
        peer.half_close()
        assert client.recv_fails(number).message == "closed"
        return number, peer

    def gone(self, client):
        """A socket that was closed."""
        number, _ = self.pair(client)
        assert client.close_socket(number) == "ok"
        return number

    def end(self):
        for thing in reversed(self.things):
            thing.close()
        self.things = []


class Bystander:
    """A client that does its work, whatever the others do."""

    def __init__(self, room):
        self.client = room.client()
        self.socket, self.peer = room.pair(self.client, {"active": True})
        self.count = 0

    def fine(self):
        """A round trip, an event and a send, each within a second."""
        self.count += 1
        start = time.monotonic()
        self.peer.send(b"%08d" % self.count)
        assert self.client.gather(self.socket, 8) == b"%08d" % self.count
        self.client.send(self.socket, b"answer%08d" % self.count)
        assert self.peer.read(14) == b"answer%08d" % self.count
        assert self.socket in self.client.sync()["sockets"]
        assert time.monotonic() - start < (1 if SCALE >= 1 else 10)
        assert not self.client.events and not self.client.others


@contextlib.contextmanager
def room_of(d, clean=True):
    """A room with d, which ends with it; clean: it must end well, with nothing left."""
    room = Room(d)
    try:
        yield room
        room.end()
        if clean:
            d.wait_baseline()
            d.stop()
    finally:
        room.end()
        d.kill()
        d.remove()


@contextlib.contextmanager
def with_own_mounts(d):
    """A room with d, not started yet, whose command makes mounts of its own, or ends
    with 77 where it may not."""
    room = None
    try:
        d.start(ready=False)
        until(lambda: os.path.exists(d.path) or not d.alive(), "gentcpd")
        if d.process.poll() == 77:
            pytest.skip("this machine gives no mount namespaces")
        d.wait_ready()
        room = Room(d)
        yield room
        room.end()
        d.stop()
    finally:
        if room is not None:
            room.end()
        d.kill()
        d.remove()
