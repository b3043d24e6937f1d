# SPDX-License-Identifier: ISC
"""A socket that changes hands a thousand times while its peer sends as fast as it
can: every packet arrives, once and in order.

The owners are three processes with the three data settings; one of them reads
50 ms late.  Each gives the socket to the next by the plain call: what was
written to it before the reply is its own to keep, what comes after is the next
one's.
"""

import mmap
import socket
import struct
import time

import gentcp_test as g
from gentcp_test import MB

CHANGES = g.scaled(1000, 60)
LEAST_BYTES = g.scaled(200, 10) * MB
MOST = 1 << 16  # bytes of a packet's body, at most
SETTINGS = ("auto", "base64", "attached")
LATE = "attached"

# Letters, then bytes: half of the packets go as text under auto.
_letters = (bytes(range(97, 123)) * 2600)[: MOST + 1024]
_bytes = g.pattern(MOST + 1024)


def body_size(n):
    """4 bytes of number and a size from 1 to 64 KiB, known to both ends."""
    return 1024 + (n * 7919) % 31744 if n % 50 else MOST - 4


def body_of(n):
    source = _letters if n % 2 else _bytes
    start = n % 997
    head = b"%010d" % n
    return head + source[start : start + body_size(n) - len(head)]


def blaster(pipe, sock, sent, stop):
    """Sends packets until told to stop (and at least LEAST_BYTES)."""
    sock.settimeout(120)
    n = size = 0
    batch = []
    while size < LEAST_BYTES or not stop[0]:
        body = body_of(n)
        batch.append(struct.pack(">I", len(body)) + body)
        n += 1
        if len(batch) == 8:
            data = b"".join(batch)
            sock.sendall(data)
            size += len(data)
            batch = []
            sent[:8] = struct.pack("<Q", n)
    sock.sendall(b"".join(batch))
    sent[:8] = struct.pack("<Q", n)
    sock.shutdown(socket.SHUT_WR)
    sock.close()
    pipe.send((n, size))


def owner(pipe, path, setting, sent, stop):
    """Takes the socket when it comes, reads some packets, gives it on."""
    c = g.Client(path, setting)
    pipe.send(c.id)
    successor, order, socket_number = pipe.recv()
    tenures = []  # (turn, first packet, one behind the last, from)
    in_flight = 0
    turn = order
    expected = None  # the next packet, where it is known
    ended = False

    def take(event, seen):
        nonlocal expected, ended
        if event.name == "tcp_closed":
            ended = True
            return
        assert event.name == "tcp", event
        assert event.socket == socket_number
        assert not ended, "data after tcp_closed"
        data = event.data
        n = int(data[:10])
        assert expected is None or n == expected, "packet %d, wanted %d" % (n, expected)
        assert data == body_of(n), "packet %d is not what was sent" % n
        expected = n + 1
        seen.append(n)

    def next_event():
        if not c.events:
            c.wait(lambda: c.events, "an event", 60)
        return c.events.popleft()

    while True:
        e = next_event()
        assert e.name == "tcp_owner", e
        assert e.socket == socket_number
        giver = e.params["from"]
        expected = None
        seen = []
        if setting == LATE:
            time.sleep(0.05)  # it is the load: a reader that comes late
        last = turn >= CHANGES
        want = 0 if turn % 7 == 3 else 1 + turn % 5
        while (last or len(seen) < want) and not ended:
            take(next_event(), seen)
        if last:
            stop[0] = 1
            while not ended:
                take(next_event(), seen)
        if ended:
            tenures.append((turn, seen[0] if seen else None, len(seen), giver, setting))
            break
        before = struct.unpack("<Q", sent[:8])[0]
        r = c.reply(
            c.request(
                "gen_tcp.controlling_process", {"socket": socket_number, "client": successor}
            ),
            60,
        )
        assert r.result() == "ok"
        # All that is ours came before the reply, nothing behind it.
        while c.events and c.events[0].number < r.number:
            take(c.events.popleft(), seen)
        assert all(e.name == "tcp_owner" for e in list(c.events)[:1]), list(c.events)[:3]
        tenures.append((turn, seen[0] if seen else None, len(seen), giver, setting))
        if turn + 1 >= CHANGES:
            stop[0] = 1
        # What the peer's kernel had taken before the call, and we did not get,
        # was under way while the owner changed.
        got = (seen[-1] + 1) if seen else None
        in_flight += got is not None and before > got
        turn += len(SETTINGS)
        if turn > CHANGES:
            break
    pipe.send((tenures, in_flight, ended))
    if not ended:
        pipe.recv()  # the others still need this client
    c.close()


def test_controlling_process_under_load(own_room):
    room = own_room
    sent = mmap.mmap(-1, 8)
    stop = mmap.mmap(-1, 1)
    owners = [
        room.own(g.Child(owner, room.daemon.path, setting, sent, stop)) for setting in SETTINGS
    ]
    ids = [o.recv() for o in owners]
    giver = room.known()
    s, peer = room.pair(giver, {"packet": 4, "active": False, "recbuf": 262144})
    load = room.own(g.Child(blaster, peer.sock, sent, stop))
    peer.close()
    start = time.monotonic()
    for order, o in enumerate(owners):
        o.send((ids[(order + 1) % len(ids)], order, s))
    # Active before it is given, so that the first owner is in the stream at once.
    assert giver.give(s, ids[0]) == "ok"
    giver.setopts(s, {"active": True})

    sent_count, sent_bytes = load.recv(300)
    results = [None] * len(owners)
    for n, o in enumerate(owners):
        results[n] = o.recv(300)
    for o in owners:
        try:
            o.send("end")
        except OSError:
            pass  # it is the one that saw the end of the stream
    took = time.monotonic() - start

    tenures = sorted(t for tenure, _, _ in results for t in tenure)
    assert [t[0] for t in tenures] == list(range(CHANGES + 1))
    expected = 0
    by_order = {0: giver.id}
    for turn, first, count, came_from, setting in tenures:
        wanted = by_order.get(turn, ids[(turn - 1) % len(ids)])
        assert came_from == wanted, "turn %d came from client %s" % (turn, came_from)
        if count:
            assert first == expected, "turn %d begins with packet %d, wanted %d" % (
                turn, first, expected)
            expected += count
    assert expected == sent_count
    assert sent_bytes >= LEAST_BYTES
    assert sum(ended for _, _, ended in results) == 1
    in_flight = sum(flight for _, flight, _ in results)
    assert in_flight >= CHANGES // 2, "%d of %d changes with data in flight" % (
        in_flight, CHANGES)
    held = {setting: sum(c for _, _, c, _, s in tenures if s == setting) for setting in SETTINGS}
    assert all(held.values()), held
    print(
        "%d packets, %.0f MB, %d changes, %d with data in flight, %.1f s, %r"
        % (sent_count, sent_bytes / 1e6, CHANGES, in_flight, took, held)
    )
