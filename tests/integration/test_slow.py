# SPDX-License-Identifier: ISC
"""A client that stops reading costs the daemon next to nothing, and nothing is lost."""

import select
import socket
import time
import zlib

import pytest

import gentcp_test as g
from gentcp_test import MB

TOTAL = g.scaled(1024, 50) * MB


def allowed(daemon, size):
    """AddressSanitizer keeps what was freed; its figures say little."""
    return size * (16 if daemon.sanitized() else 1)


def blaster(pipe, socks, total):
    """Sends total bytes, spread over the sockets; tells when nothing goes any
    more for a while, and at the end each socket's count and checksum."""
    data = g.pattern(MB + 1)
    poll = select.poll()
    state = {}
    for sock in socks:
        sock.setblocking(False)
        poll.register(sock, select.POLLOUT)
        state[sock.fileno()] = [sock, 0, 0, total // len(socks)]
    told = False
    left = len(socks)
    while left:
        ready = poll.poll(500)
        if not ready and not told:
            told = True
            pipe.send(sum(s[1] for s in state.values()))
        for fd, _ in ready:
            entry = state[fd]
            sock, sent, crc, size = entry
            start = sent % len(data)
            piece = memoryview(data)[start : start + min(size - sent, 256 * 1024)]
            try:
                n = sock.send(piece)
            except BlockingIOError:
                continue
            entry[1] += n
            entry[2] = zlib.crc32(piece[:n], crc)
            if entry[1] == size:
                poll.unregister(fd)
                sock.shutdown(socket.SHUT_WR)
                left -= 1
    pipe.send([(s[1], s[2]) for s in state.values()])


def slow_reader(room, count, options):
    daemon = room.daemon
    slow = room.client("attached", read_size=4 * MB)
    other = room.client()
    other_socket, other_peer = room.pair(other, {"active": True})
    pairs = [room.pair(slow, options) for _ in range(count)]
    if count > 1:  # or their kernel takes most of it
        for _, peer in pairs:
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    slow.sync()
    before = daemon.rss()
    child = room.own(g.Child(blaster, [p.sock for _, p in pairs], TOTAL))
    for _, peer in pairs:
        peer.close()
    for s, _ in pairs:
        slow.outgoing.append(memoryview(
            b'{"jsonrpc":"2.0","method":"inet.setopts","params":'
            b'{"socket":%d,"options":{"active":true}}}\n' % s))
    slow.write_some()  # and it reads nothing from now on
    assert not slow.outgoing

    highest = daemon.rss()
    deadline = time.monotonic() + 120
    while not child.pipe.poll(0.02):
        highest = max(highest, daemon.rss())
        assert time.monotonic() < deadline, "the peers never had to wait"
    stalled_at = child.recv()
    assert isinstance(stalled_at, int), "the peers never had to wait"
    assert stalled_at < TOTAL, "the daemon took everything although nobody read"
    highest = max(highest, daemon.rss())
    grown = highest - before
    assert grown < allowed(daemon, 8 * MB), "%.1f MiB more" % (grown / MB)

    # It waits quietly, and everybody else is served at once.
    cpu = daemon.cpu()
    latencies = []
    for n in range(100):
        start = time.monotonic()
        other.sync()
        other_peer.send(b"ping")
        assert other.gather(other_socket, 4) == b"ping"
        latencies.append(time.monotonic() - start)
    assert max(latencies) < (1 if g.SCALE >= 1 else 5), "%.3f s" % max(latencies)
    assert daemon.cpu() - cpu < (1 if g.SCALE >= 1 else 5)

    # It reads again: every byte is there, in order.
    crc = {s: 0 for s, _ in pairs}
    size = {s: 0 for s, _ in pairs}
    closed = set()
    while len(closed) < count:
        slow.wait(lambda: slow.events, "more data", 60)
        while slow.events:
            e = slow.events.popleft()
            s = e.socket
            if e.name == "tcp_closed":
                closed.add(s)
                continue
            assert e.name == "tcp", e
            assert s not in closed
            crc[s] = zlib.crc32(e.attachment, crc[s])
            size[s] += len(e.attachment)
    sent = child.recv(60)
    assert [(size[s], crc[s]) for s, _ in pairs] == sent
    print(
        "stalled at %.1f MB, %.2f MiB of memory, a round trip %.2f ms at most"
        % (stalled_at / 1e6, grown / MB, max(latencies) * 1000)
    )


def test_one_socket(own_room):
    slow_reader(own_room, 1, None)


def test_a_hundred_sockets(own_room):
    slow_reader(own_room, 100, {"recbuf": 65536, "buffer": 65536})


def test_a_hundred_sockets_with_partial_packets(own_room):
    """Framed packets of many sizes for one slow client; each comes out whole."""
    room = own_room
    slow = room.client("attached")
    other = room.client()
    pairs = [room.pair(slow, {"packet": 4, "recbuf": 65536}) for _ in range(100)]
    before = room.daemon.rss()
    child = room.own(g.Child(packets, [p.sock for _, p in pairs], g.scaled(40, 8)))
    for _, peer in pairs:
        peer.close()
    for s, _ in pairs:
        slow.outgoing.append(memoryview(
            b'{"jsonrpc":"2.0","method":"inet.setopts","params":'
            b'{"socket":%d,"options":{"active":true}}}\n' % s))
    slow.write_some()
    deadline = time.monotonic() + 60
    highest = before
    while not child.pipe.poll(0.02):
        highest = max(highest, room.daemon.rss())
        assert time.monotonic() < deadline
    child.recv()
    other.sync()
    # Each socket may hold the packet that it is in.
    assert highest - before < allowed(room.daemon, 100 * 100 * 1024 + 8 * MB)
    got = {s: 0 for s, _ in pairs}
    closed = 0
    while closed < len(pairs):
        slow.wait(lambda: slow.events, "more data", 60)
        e = slow.events.popleft()
        if e.name == "tcp_closed":
            closed += 1
            continue
        n = got[e.socket]
        assert e.attachment == packet_body(n)
        got[e.socket] += 1
    assert set(got.values()) == {g.scaled(40, 8)}


def packet_body(n):
    return b"%06d" % n + b"." * ((n * 104729) % 100000)


def packets(pipe, socks, count):
    poll = select.poll()
    state = {}
    wire = b"".join(
        len(packet_body(n)).to_bytes(4, "big") + packet_body(n) for n in range(count))
    for sock in socks:
        sock.setblocking(False)
        poll.register(sock, select.POLLOUT)
        state[sock.fileno()] = [sock, 0]
    told = False
    left = len(socks)
    while left:
        ready = poll.poll(500)
        if not ready and not told:
            told = True
            pipe.send("stalled")
        for fd, _ in ready:
            sock, at = state[fd]
            try:
                state[fd][1] += sock.send(wire[at : at + 65536])
            except BlockingIOError:
                continue
            if state[fd][1] == len(wire):
                poll.unregister(fd)
                sock.shutdown(socket.SHUT_WR)
                left -= 1
    if not told:
        pipe.send("never stalled")


@pytest.mark.parametrize("read_size", [65536, MB, 8 * MB])
@pytest.mark.parametrize("buffer", [1000, 65536])
def test_a_flooded_clients_requests_are_still_read(room, read_size, buffer):
    """Its socket has always more than its channel takes; even so a request of
    its own is read when its turn comes."""
    c = room.client("attached", read_size=read_size)
    s, peer = room.pair(c, {"active": True, "buffer": buffer})
    size = g.scaled(128, 64) * MB
    flood = room.own(g.Child(blaster, [peer.sock], size))
    peer.close()
    flood.recv(60)  # its channel is full
    for n in range(3):
        c.sock.send(b'{"jsonrpc":"2.0","id":"%d","method":"session.self"}\n' % n)
        c.reply("%d" % n, 60)
        read = sum(len(e.attachment) for e in c.events)
        assert read < 16 * MB * (n + 1), "heard after %d MB" % (read / MB)
    c.setopts(s, {"active": False})
    assert sum(len(e.attachment) for e in c.events) < 60 * MB
    c.close_socket(s)
    flood.close()


def test_a_waiting_recv_of_a_client_that_does_not_read(room):
    """Its answer waits for room; the data stays in the socket until then, and
    another client's recv on another socket goes on."""
    slow = room.client("attached")
    s, peer = room.pair(slow, {"active": True})
    t, t_peer = room.pair(slow)
    blocked = g.Child(blaster, [peer.sock], g.scaled(64, 16) * MB)
    room.own(blocked)
    peer.close()
    blocked.recv(60)  # its channel is full
    line = (
        b'{"jsonrpc":"2.0","id":"r","method":"gen_tcp.recv",'
        b'"params":{"socket":%d,"length":0}}\n' % t
    )
    slow.sock.send(line)
    t_peer.put(b"patience")
    other = room.client()
    u, u_peer = room.pair(other)
    u_peer.put(b"at once")
    assert other.recv(u) == b"at once"
    assert slow.received("r", 60) == b"patience"
    total = 0
    while total < g.scaled(64, 16) * MB:
        total += len(slow.event("tcp", s, 60).attachment)
    slow.event("tcp_closed", s)


def test_a_socket_closed_by_its_peer_while_its_client_does_not_read(room):
    slow = room.client("attached")
    s, peer = room.pair(slow, {"active": True, "packet": 4})
    data = b"\0\0\4\0" + b"x" * 1024
    count = 0
    peer.sock.setblocking(False)
    stream = data * 1000
    sent = g.blast(peer.sock, stream, limit=64 * MB)
    peer.sock.settimeout(g.DEADLINE)
    whole = sent // len(data)
    if sent % len(data):
        reader = g.Child(finish, peer.sock, stream[sent % len(stream):][: len(data) - sent % len(data)])
        room.own(reader)
        whole += 1
    else:
        peer.half_close()
    while count < whole:
        assert slow.event("tcp", s).attachment == b"x" * 1024
        count += 1
    peer.close()
    slow.event("tcp_closed", s)


def finish(pipe, sock, rest):
    sock.sendall(rest)
    sock.shutdown(socket.SHUT_WR)
    sock.close()
