# SPDX-License-Identifier: ISC
"""Kept clients with replay: what a killed program had not handled is told again."""

import random
import select
import time

import pytest

import gentcp_test as g
from gentcp_test import check_reason
from test_keep import MINUTE, attach, fill, filled, kept, row, vanish


def replaying(room, **more):
    return kept(room, replay=True, **more)


def events(c, name="tcp"):
    """All that is there after a round trip, each with its number."""
    c.sync()
    found = [e for e in c.events if e.name == name]
    c.events.clear()
    return found


# --- numbers -----------------------------------------------------------------------------


def test_events_have_ascending_numbers(room):
    c = replaying(room)
    s, peer = room.pair(c, {"active": True, "packet": "line"})
    t, other = room.pair(c, {"active": 1})
    peer.put(b"a\nb\n")
    other.put(b"x")
    g.until(lambda: c.sync() and len(c.events) == 4, "four events")
    assert [e.seq for e in c.events] == [1, 2, 3, 4]
    assert c.sync()["keep"] == {"ttl": MINUTE, "left": None, "replay": True, "seq": 4, "ack": 0}
    # those of a client without it have none, and it can be turned off and on
    c.call("session.keep", {"ttl": MINUTE, "replay": False})
    peer.put(b"c\n")
    assert events(c)[-1].seq is None
    c.call("session.keep", {"ttl": MINUTE})
    peer.put(b"d\n")
    assert events(c)[-1].seq is None
    c.call("session.keep", {"ttl": MINUTE, "replay": True})
    peer.put(b"e\n")
    assert events(c)[-1].seq == 5


def test_every_kind_of_event_is_told_again_as_it_was(room):
    c = replaying(room)
    giver = room.known()
    s, peer = room.pair(c, {"active": True, "mode": "list"})
    b, header = room.pair(c, {"active": True, "header": 1})
    h, web = room.pair(c, {"active": 1, "packet": "http"})
    p, port = room.pair(c, {"active": True, "deliver": "port"})
    f, failing = room.pair(c, {"active": True, "show_econnreset": True})
    given, _ = room.pair(giver)
    c.call("inet.monitor", {"socket": given})
    giver.give(given, c.id)
    web.put(b"GET /\xff HTTP/1.1\r\n")
    peer.put(b"\0\1\2\3")
    header.put(b"\7\xff")
    port.put(b"text")
    failing.reset()
    g.until(lambda: c.sync() and any(e.socket == f and e.name == "tcp_closed" for e in c.events)
            and len(c.events) >= 8, "all events")
    c.close_socket(given)
    g.until(lambda: c.sync() and c.events[-1].name == "down", "down")
    c = attach(room, c)
    before = events_of(c)
    c = attach(room, c)
    assert events_of(c) == before
    assert [e["seq"] for e in before] == list(range(1, len(before) + 1))
    assert {e["method"] for e in before} == {
        "tcp", "http", "tcp_passive", "port", "tcp_error", "tcp_closed", "tcp_owner", "down"}
    told = [e["params"] for e in before]
    assert {"socket": s, "data": [0, 1, 2, 3]} in told
    assert {"socket": b, "header": [7], "data": {"base64": "/w=="}} in told
    assert {"socket": f, "reason": "econnreset"} in told
    # in the form of the connection that is told
    c = attach(room, c, data="attached")
    c.sync()
    data = {e.socket: e for e in c.events if e.name == "tcp"}
    assert data[s].attachment == b"\0\1\2\3" and data[s].params["mode"] == "list"
    assert data[b].attachment == b"\xff" and data[b].params["header"] == [7]
    c = attach(room, c, data="base64")
    c.sync()
    port = [e for e in c.events if e.name == "port"][0]
    assert port.params["data"] == {"base64": "dGV4dA=="}


def events_of(c):
    c.sync()
    return [e.json for e in c.events]


# --- acknowledging ----------------------------------------------------------------------


def three(room):
    """A client that was told three events: (client, socket, peer)."""
    c = replaying(room)
    s, peer = room.pair(c, {"active": True, "packet": "line"})
    peer.put(b"a\nb\nc\n")
    assert [e.seq for e in (c.event(), c.event(), c.event())] == [1, 2, 3]
    return c, s, peer


def numbers(room, c, **more):
    """What another connection is told again."""
    n = attach(room, c, **more)
    return [e.seq for e in events(n)]


def test_what_is_acknowledged_is_not_told_again(room):
    c, s, peer = three(room)
    assert numbers(room, c) == [1, 2, 3]
    assert numbers(room, c, seen=1) == [2, 3]
    assert numbers(room, c) == [2, 3]  # that counted
    assert numbers(room, c, seen=0) == [2, 3]  # and cannot be taken back
    n = attach(room, c)
    assert n.call("session.ack", {"seq": 2}) == "ok"
    assert n.sync()["keep"]["ack"] == 2
    assert numbers(room, c) == [3]
    n = attach(room, c)
    n.notify("session.ack", [3])
    assert numbers(room, c) == []
    n = attach(room, c)
    assert n.call("session.ack", [1]) == "ok"
    peer.put(b"d\n")
    assert n.event().seq == 4


def test_a_socket_that_was_given_away_is_not_told_of_again(room):
    c, s, peer = three(room)
    t, other = room.pair(c, {"active": True, "packet": "line"})
    other.put(b"x\n")
    assert c.event().socket == t
    new = room.known()
    c.call("gen_tcp.controlling_process", {"socket": s, "client": new.id, "messages": [
        {"method": "tcp", "params": {"socket": s, "data": "a\n"}}]})
    n = attach(room, c)
    g.until(lambda: n.sync() and n.events, "what is told again")
    assert [(e.seq, e.socket) for e in n.events] == [(4, t)]
    peer.put(b"d\n")
    assert [new.event().name, new.event().data, new.event().data] == ["tcp_owner", b"a\n", b"d\n"]


def test_told_again_comes_before_what_is_new(room):
    c, s, peer = three(room)
    vanish(room, c)
    peer.put(b"d\n")
    n = attach(room, c, seen=1)
    peer.put(b"e\n")
    g.until(lambda: n.sync() and len(n.events) == 4, "four events")
    assert [(e.seq, e.data) for e in n.events] == [
        (2, b"b\n"), (3, b"c\n"), (4, b"d\n"), (5, b"e\n")]


@pytest.mark.parametrize("seq", [4, 2**53, 2**62])
def test_what_was_not_told_cannot_be_seen(room, seq):
    c, s, _ = three(room)
    check_reason(c.fails("session.ack", {"seq": seq}), "einval")
    c.notify("session.ack", {"seq": seq})
    n = room.client()
    error = n.fails("session.attach", {"client": c.id, "token": c.token, "seen": seq})
    check_reason(error, "einval")
    if seq <= 2**53:
        i = c.request("gen_tcp.close", {"socket": s}, ack=seq)
        check_reason(c.reply(i).error(), "einval")
    assert c.states(s) == ["connected", "open"]
    assert numbers(room, c) == [1, 2, 3]


@pytest.mark.parametrize("seq", [-1, 1.5, "1", None, True, [], {}])
def test_what_is_no_number(room, seq):
    c, s, _ = three(room)
    assert c.fails("session.ack", {"seq": seq}).code == g.INVALID_PARAMS
    if seq is not None:
        error = room.client().fails(
            "session.attach", {"client": c.id, "token": c.token, "seen": seq})
        assert error.code == g.INVALID_PARAMS
    c.raw(g.line(g.request(9, "gen_tcp.close", params=[s], ack=seq)))
    assert c.reply(9).error().code == g.INVALID_REQUEST
    assert c.states(s) == ["connected", "open"]
    assert numbers(room, c) == [1, 2, 3]


def test_without_replay_there_is_nothing_to_acknowledge(room, client):
    assert client.call("session.ack", [0]) == "ok"
    check_reason(client.fails("session.ack", [1]), "einval")
    i = client.request("session.self", ack=1)
    check_reason(client.reply(i).error(), "einval")
    i = client.request("session.self", ack=0)
    assert client.reply(i).result()["keep"] is None
    c = kept(room)
    error = room.client().fails(
        "session.attach", {"client": c.id, "token": c.token, "seen": 1})
    check_reason(error, "einval")


def test_an_ack_comes_with_a_request(room):
    c, s, peer = three(room)
    # as a line that is read by hand, as any other, attached, in a batch, as a notification
    c.raw(b'{"jsonrpc":"2.0","id":50,"method":"gen_tcp.send",'
          b'"params":{"socket":%d,"data":"x"},"ack":1}\n' % s)
    assert c.reply(50).result() == "ok" and c.sync()["keep"]["ack"] == 1
    i = c.request("gen_tcp.send", {"data": "y", "socket": s}, ack=2)
    assert c.reply(i).result() == "ok" and c.sync()["keep"]["ack"] == 2
    c.raw(g.line([g.request(51, "gen_tcp.send", params=[s, "z"], ack=3)]))
    assert c.other().json[0]["result"] == "ok" and c.sync()["keep"]["ack"] == 3
    peer.put(b"d\ne\n")
    c.event(), c.event()
    c.raw(b'{"jsonrpc":"2.0","method":"gen_tcp.send",'
          b'"params":{"socket":%d,"data":"x"},"ack":4}\n' % s)
    assert c.sync()["keep"]["ack"] == 4
    c.call("session.hello", {"attachments": True})
    c.raw(b'{"jsonrpc":"2.0","id":52,"method":"gen_tcp.send",'
          b'"params":{"socket":%d},"ack":5,"attached":3}\nend' % s)
    assert c.reply(52).result() == "ok" and c.sync()["keep"]["ack"] == 5
    assert peer.read(7) == b"xyzxend"
    assert numbers(room, c) == []


def test_a_request_that_is_refused_acknowledges_nothing(room):
    c, s, peer = three(room)
    gone = room.gone(c)
    c.raw(b'{"jsonrpc":"2.0","id":50,"method":"gen_tcp.send",'
          b'"params":{"socket":%d,"data":"x"},"ack":1}\n' % gone)
    check_reason(c.reply(50).error(), "closed")
    for method, params in [
            ("gen_tcp.send", {"socket": s}), ("gen_tcp.nothing", {}),
            ("inet.setopts", {"socket": gone, "options": {}}),
            ("gen_tcp.send", {"socket": s, "data": {"base64": "?"}})]:
        assert "error" in c.reply(c.request(method, params, ack=2)).json
    assert c.sync()["keep"]["ack"] == 0
    # one that waits has begun
    c.setopts(s, {"active": False})
    i = c.request("gen_tcp.recv", {"socket": s, "length": 0}, ack=1)
    assert c.sync()["keep"]["ack"] == 1
    c.call("session.cancel", {"id": i})
    assert c.sync()["keep"]["ack"] == 1


def test_what_was_asked_for_before_an_ack_is_done(room):
    """A send that waits vanishes with its connection, but not if an event that it
    answers was acknowledged."""
    c = replaying(room)
    s, peer = room.pair(c, {"active": True, "packet": "line", "high_watermark": 1000,
                            "low_watermark": 500, "sndbuf": 4096}, small=True)
    peer.put(b"a\n")
    assert c.event().seq == 1
    head = b"h" * 300000
    assert c.send(s, head) == "ok"  # past the watermark
    c.start_send(s, b"first answer\n")  # waits for it, not taken yet
    c.request("gen_tcp.send", {"socket": s, "data": "second answer\n"}, ack=1)
    c.start_send(s, b"nobody answers for this\n")
    c.request("gen_tcp.shutdown", {"socket": s, "how": "write"})
    assert c.sync()["keep"]["ack"] == 1 and not c.replies
    vanish(room, c)
    n = attach(room, c)
    n.start_send(s, b"third\n")
    wanted = head + b"first answer\nsecond answer\nthird\n"
    assert peer.read(len(wanted)) == wanted
    assert n.reply(2).result() == "ok" and not n.replies
    n.close_socket(s)
    assert peer.read_end() == b""


def test_an_ack_of_nothing_covers_nothing(room):
    c = replaying(room)
    s, peer = room.pair(c, {"high_watermark": 1000, "low_watermark": 500, "sndbuf": 4096},
                        small=True)
    head = b"h" * 300000
    assert c.send(s, head) == "ok"
    c.start_send(s, b"taken")  # in the queue, though it waits
    c.start_send(s, b"waits")
    assert c.call("session.ack", [0]) == "ok"
    vanish(room, c)
    n = attach(room, c)
    n.start_send(s, b"second")
    assert peer.read(len(head) + 11) == head + b"takensecond"


def test_so_it_is_in_a_batch(room):
    """Its answers are for the connection that asked, and nobody else."""
    c = replaying(room)
    s, peer = room.pair(c, {"active": True, "packet": "line", "high_watermark": 1000,
                            "low_watermark": 500, "sndbuf": 4096}, small=True)
    peer.put(b"a\n")
    assert c.event().seq == 1
    head = b"h" * 300000
    assert c.send(s, head) == "ok"
    c.raw(g.line([g.request(51, "session.self"),
                  g.request(52, "gen_tcp.send", params=[s, "first\n"]),
                  g.request(53, "gen_tcp.send", params=[s, "second\n"], ack=1),
                  g.request(54, "gen_tcp.send", params=[s, "nobody's\n"])]))
    assert c.sync()["keep"]["ack"] == 1
    n = attach(room, c)
    c.closes()
    assert not c.others
    n.start_send(s, b"third\n")
    wanted = head + b"first\nsecond\nthird\n"
    assert peer.read(len(wanted)) == wanted
    n.sync()
    assert not n.others


# --- bounds ----------------------------------------------------------------------------


def test_who_does_not_acknowledge_is_told_no_more(room):
    c = replaying(room)
    s, peer = room.pair(c, {"active": True})
    before = room.daemon.rss()
    child = room.own(g.Child(flood, peer.sock))
    got = b""
    stopped = False
    while not stopped:
        c.sync()
        events_now = list(c.events)
        c.events.clear()
        got += b"".join(e.data for e in events_now)
        stopped = child.pipe.poll(0.05)
    sent = child.recv()
    c.sync()
    got += b"".join(e.data for e in c.events)
    c.events.clear()
    assert g.MB / 2 < len(got) < 2 * g.MB < sent
    if not room.daemon.sanitized():
        assert room.daemon.rss() - before < 6 * g.MB
    # requests go on, others too
    assert c.getopt(s, "active") is True
    # all of it comes when it acknowledges, each time so much
    while len(got) < sent:
        c.notify("session.ack", [c.sync()["keep"]["seq"]])
        e = c.event("tcp", s)
        got += e.data
    assert got == filled(sent)


def flood(pipe, sock):
    pipe.send(g.blast(sock, filled(100003)))


def test_replies_are_not_counted(room):
    c = replaying(room)
    s, peer = room.pair(c, {"active": True})
    fill(peer)
    g.until(lambda: c.sync() and False or len(c.events) > 10, "events")
    for _ in range(100):
        c.sync()
    listener, port = c.listen()
    room.dial(port)
    assert c.accept(listener)


# --- killed ------------------------------------------------------------------------------


@pytest.mark.parametrize("data", ["auto", "base64", "attached"])
def test_every_byte_once_and_in_order(room, data):
    """A program that remembers what it has handled, and dies at random points."""
    rng = random.Random(8)
    c = replaying(room)
    pairs = [room.pair(c, {"active": True, "packet": p}) for p in ("raw", "line", 4, "raw")]
    sent = {s: b"" for s, _ in pairs}
    got = {s: b"" for s, _ in pairs}
    wire = {pairs[0][0]: lambda b: b, pairs[1][0]: lambda b: b,
            pairs[2][0]: lambda b: len(b).to_bytes(4, "big") + b, pairs[3][0]: lambda b: b}
    seen = 0
    for turn in range(g.scaled(120)):
        for s, peer in pairs:
            body = rng.randbytes(rng.choice((1, 50, 3000, 40000))).replace(b"\n", b".") + b"\n"
            sent[s] += body
            peer.send(wire[s](body))
        handle = rng.randrange(12)
        while handle and got != sent:
            e = c.event("tcp")
            assert e.seq == seen + 1
            seen = e.seq
            got[e.socket] += e.data
            handle -= 1
        if rng.randrange(3) == 0:
            c.notify("session.ack", [seen])
        if rng.randrange(4) == 0:
            vanish(room, c)
        elif rng.randrange(3) == 0:
            c.close()
        c = attach(room, c, data=data, **({"seen": seen} if seen else {}))
    while got != sent:
        e = c.event("tcp")
        assert e.seq == seen + 1
        seen = e.seq
        got[e.socket] += e.data
        c.notify("session.ack", [seen])
    c.no_event()


def echo(pipe, path, number, token, data):
    """A program that answers each event with what it brought, in one step with its
    acknowledgement."""
    c = g.Client(path, data)
    c.call("session.attach", {"client": number, "token": token})
    pipe.send("attached")
    while True:
        while c.events:
            e = c.events.popleft()
            line = (b'{"jsonrpc":"2.0","id":%d,"method":"gen_tcp.send","params":{"socket":%d'
                    % (e.seq + 1, e.socket))
            if data == "attached":
                c.outgoing.append(memoryview(
                    line + b'},"ack":%d,"attached":%d}\n' % (e.seq, len(e.data)) + e.data))
            else:
                value = g.json.dumps(g.as_data(e.data)).encode()
                c.outgoing.append(memoryview(
                    line + b',"data":%s},"ack":%d}\n' % (value, e.seq)))
        c.step(time.monotonic() + 3600, "work")
        for reply in c.replies.values():
            assert reply.result() == "ok"
        c.replies.clear()


class Loop:
    """Peers that send and compare what comes back, all in one loop."""

    def __init__(self, peers, rng):
        self.peers, self.rng = peers, rng
        self.waiting = {p: b"" for p in peers}  # sent, to come back
        for p in peers:
            p.sock.setblocking(False)

    def turn(self, seconds, sending=True):
        until = time.monotonic() + seconds
        while time.monotonic() < until and (sending or any(self.waiting.values())):
            if sending:
                p = self.rng.choice(self.peers)
                if len(self.waiting[p]) < 100000:
                    data = self.rng.randbytes(self.rng.choice((1, 64, 1000, 20000)))
                    try:
                        self.waiting[p] += data[:p.sock.send(data)]
                    except BlockingIOError:
                        pass
            for p in select.select(self.peers, [], [], 0.001)[0]:
                data = p.sock.recv(65536)
                assert data, "the daemon closed a connection"
                assert self.waiting[p].startswith(data), "not what was sent"
                self.waiting[p] = self.waiting[p][len(data):]


@pytest.mark.parametrize("data", ["auto", "attached"])
def test_an_echo_server_is_killed_again_and_again(room, data):
    rng = random.Random(9)
    c = replaying(room)
    pairs = [room.pair(c, {"active": True}) for _ in range(20)]
    c.close()
    loop = Loop([p for _, p in pairs], rng)
    previous = None
    for _ in range(g.scaled(25)):
        child = g.Child(echo, room.daemon.path, c.id, c.token, data)
        loop.turn(0.02)
        if previous is not None and rng.randrange(2):
            previous = kill(previous)  # perhaps it had been thrown out already
        assert child.recv() == "attached"
        loop.turn(rng.random() / 10)
        if previous is not None:
            kill(previous)
        assert not child.pipe.poll(0), child.recv()
        if rng.randrange(4):
            kill(child)
            previous = None
        else:
            previous = child
    if previous is not None:
        kill(previous)
    child = room.own(g.Child(echo, room.daemon.path, c.id, c.token, data))
    loop.turn(30, sending=False)
    assert not any(loop.waiting.values()), "bytes are missing"
    child.process.kill()


def kill(child):
    child.process.kill()
    child.process.join()
    child.pipe.close()
    return None
