# SPDX-License-Identifier: ISC
"""64 MiB of random bytes in each framing, intact and in order, both ways.

These pump with a loop of their own: a quarter of a million packets of 255 bytes
are too many for one call each.
"""

import hashlib
import itertools
import random
import select
import time

import pytest

import gentcp_test as g
from gentcp_test import MB

TOTAL = g.scaled(64 * MB)
DEADLINE = 60.0


class Random:
    """Random bytes, to be cut into pieces."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.data = self.chance.randbytes(TOTAL)
        self.at = 0

    def pieces(self, least, most):
        while self.at < len(self.data):
            size = self.chance.randint(least, most)
            yield self.data[self.at : self.at + size]
            self.at += size


def raw(r):
    return [(r.data, r.data)]


def sized(size, most):
    """packet 1, 2, 4"""

    def frames(r):
        for body in r.pieces(most // 2, most):
            yield len(body).to_bytes(size, "big") + body, body

    return frames


def whole(header, least, most):
    """Formats that are given with their header."""

    def frames(r):
        for body in r.pieces(least, most):
            record = header(r.chance, len(body)) + body
            yield record, record

    return frames


def sunrm(chance, size):
    return (size | chance.choice((0, 1 << 31))).to_bytes(4, "big")


def asn1(chance, size):
    tag = chance.choice((b"\x30", b"\x04", b"\x7f\x85\x01"))
    if size < 0x80:
        return tag + bytes([size])
    count = chance.randint((size.bit_length() + 7) // 8, 4)
    return tag + bytes([0x80 | count]) + size.to_bytes(count, "big")


def cdr(chance, size):
    little = chance.randint(0, 1)
    return b"GIOP\1\2" + bytes([little, 0]) + size.to_bytes(4, "little" if little else "big")


def tpkt(chance, size):
    return b"\3\0" + (4 + size).to_bytes(2, "big")


def fcgi(r):
    for body in r.pieces(30000, 65535):
        padding = r.chance.randint(0, 255)
        head = b"\1\5\0\1" + len(body).to_bytes(2, "big") + bytes([padding, 0])
        yield head + body + bytes(padding), head + body


def line(r):
    for body in r.pieces(1, 2800):
        body = body.replace(b"\n", b"") + b"\n"
        yield body, body


FRAMES = {
    "raw": raw,
    1: sized(1, 255),
    2: sized(2, 65535),
    4: sized(4, 8 * MB),
    "line": line,
    "sunrm": whole(sunrm, 1, 3 * MB),
    "asn1": whole(asn1, 1, 300000),
    "cdr": whole(cdr, 1, 3 * MB),
    "fcgi": fcgi,
    "tpkt": whole(tpkt, 30000, 65531),
}


def pump(source, data, sink, take):
    """Writes all of it, and gives what comes to take() until that says True."""
    left, deadline = memoryview(data), time.monotonic() + DEADLINE
    source.setblocking(False)
    sink.setblocking(False)
    done = False
    while left or not done:
        assert time.monotonic() < deadline, "%d bytes are left" % len(left)
        readable, writable, _ = select.select([sink], [source] if left else [], [], 10)
        if writable:
            left = left[source.send(left) :]
        if readable:
            chunk = sink.recv(MB)
            assert chunk, "the end of the stream"
            done = take(chunk)


class Events:
    """Reads events tcp with attachments: how long each was, and a hash of all."""

    def __init__(self, socket, size):
        self.line = b'{"jsonrpc":"2.0","method":"tcp","params":{"socket":%d},"attached":' % socket
        self.buffer = bytearray()
        self.left = size
        self.sizes = []
        self.hash = hashlib.blake2b()

    def __call__(self, chunk):
        self.buffer += chunk
        buffer, at, prefix = self.buffer, 0, len(self.line)
        while (end := buffer.find(b"}\n", at + prefix, at + prefix + 20)) >= 0:
            assert buffer.startswith(self.line, at), bytes(buffer[at : end + 2])
            size = int(buffer[at + prefix : end])
            if len(buffer) < end + 2 + size:
                break
            at = end + 2 + size
            self.hash.update(buffer[end + 2 : at])
            self.sizes.append(size)
            self.left -= size
        del buffer[:at]
        assert self.left >= 0
        return self.left == 0


@pytest.mark.parametrize("packet", FRAMES)
def test_received(room, packet):
    frames = list(FRAMES[packet](Random(20260 + len(str(packet)))))
    wire = b"".join(frame for frame, _ in frames)
    sizes = [len(given) for _, given in frames]
    wanted = hashlib.blake2b()
    for _, given in frames:
        wanted.update(given)
    frames = None
    client = room.client("attached")
    s, peer = room.pair(client, {"packet": packet, "active": True, "buffer": 70000})
    client.sync()
    events = Events(s, sum(sizes))
    pump(peer.sock, wire, client.sock, events)
    assert events.hash.digest() == wanted.digest()
    if packet != "raw":
        assert events.sizes == sizes
    client.sock.setblocking(False)
    client.no_event()
    assert client.getstat(s, ["recv_oct"])["recv_oct"] == len(wire)


@pytest.mark.parametrize("packet", ["sunrm", "asn1", "cdr", 4])
def test_received_by_recv(room, packet):
    frames = FRAMES[packet](Random(4))
    client = room.client("attached")
    s, peer = room.pair(client, {"packet": packet})
    for count, (frame, given) in enumerate(itertools.islice(frames, 20)):
        waiting = client.start_recv(s)
        peer.send(frame)
        assert client.received(waiting) == given, count


@pytest.mark.parametrize("packet", [4, "sunrm", "asn1", "cdr"])
def test_one_packet_of_64_MiB(room, packet):
    """As long as max_packet allows, and not a byte longer."""
    data = random.Random(1).randbytes(64 * MB)
    head = {
        4: b"",
        "sunrm": b"\x84\0\0\0",
        "asn1": b"\4\x84\4\0\0\0",
        "cdr": b"GIOP\1\2\0\0\4\0\0\0",
    }[packet]
    client = room.client("attached")
    s, peer = room.pair(client, {"packet": packet, "active": True})
    client.sync()
    events = Events(s, len(head) + len(data))
    pump(peer.sock, (head or b"\4\0\0\0") + data, client.sock, events)
    wanted = hashlib.blake2b(head)
    wanted.update(data)
    assert events.sizes == [len(head) + len(data)]
    assert events.hash.digest() == wanted.digest()
    client.sock.setblocking(False)
    peer.sock.settimeout(g.DEADLINE)
    longer = {
        4: b"\4\0\0\1",
        "sunrm": b"\4\0\0\1",
        "asn1": b"\4\x84\4\0\0\1",
        "cdr": b"GIOP\1\2\1\0\1\0\0\4",
    }
    peer.send(longer[packet])
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)


class Bytes:
    """Hashes what comes, until that much has come."""

    def __init__(self, size):
        self.left = size
        self.hash = hashlib.blake2b()

    def __call__(self, chunk):
        self.hash.update(chunk)
        self.left -= len(chunk)
        assert self.left >= 0
        return self.left == 0


@pytest.mark.parametrize("packet", [1, 2, 4, "raw", "tpkt"])
def test_sent(room, packet):
    client = room.client("attached")
    s, peer = room.pair(client, {"packet": packet})
    call = b'{"jsonrpc":"2.0","method":"gen_tcp.send","params":{"socket":%d},"attached":%d}\n'
    lines, wire = [], hashlib.blake2b()
    size = 0
    for frame, body in sized(4, 2 * MB)(Random(7)) if packet == "raw" else FRAMES[packet](Random(7)):
        frame = body if packet == "raw" else frame
        lines += [call % (s, len(body)), body]
        wire.update(frame)
        size += len(frame)
    got = Bytes(size)
    pump(client.sock, b"".join(lines), peer.sock, got)
    assert got.hash.digest() == wire.digest()
    client.no_event()
    assert client.getstat(s, ["send_oct"])["send_oct"] == size
