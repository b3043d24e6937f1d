# SPDX-License-Identifier: ISC
"""gen_tcp:controlling_process: who may, what goes along, and what stays."""

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason, probe


@pytest.fixture
def old(room):
    return room.known()


@pytest.fixture
def new(room):
    return room.known()


def give(c, socket, client, messages=None, active=None):
    params = {"socket": socket, "client": client}
    if messages is not None:
        params["messages"] = messages
    if active is not None:
        params["active"] = active
    return c.call("gen_tcp.controlling_process", params)


def owner(c, s):
    return c.call("inet.info", {"socket": s})["owner"]


def test_the_new_owner_is_told_first_and_gets_what_follows(room, old, new):
    s, peer = room.pair(old, {"active": True})
    assert old.give(s, new.id) == "ok"
    peer.send(b"for the new")
    e = new.event("tcp_owner", s)
    assert e.params == {"socket": s, "from": old.id}
    assert new.event("tcp", s).data == b"for the new"
    old.no_event(s)
    assert owner(old, s) == new.id
    assert s in new.sync()["sockets"] and s not in old.sync()["sockets"]


@pytest.mark.parametrize("active,after", [(True, True), ("once", "once"), (7, 7), (False, False)])
def test_active_is_kept(room, old, new, active, after):
    s, peer = room.pair(old, {"active": active, "packet": 1})
    assert old.give(s, new.id) == "ok"
    assert new.getopt(s, "active") == after
    new.event("tcp_owner", s)
    new.no_event(s)
    old.no_event(s)


def test_a_count_goes_on(room, old, new):
    s, peer = room.pair(old, {"active": 3, "packet": 1})
    peer.send(b"\1a")
    assert old.event("tcp", s).data == b"a"
    assert old.give(s, new.id) == "ok"
    peer.send(b"\1b\1c\1d")
    new.event("tcp_owner", s)
    assert [new.event("tcp", s).data for _ in range(2)] == [b"b", b"c"]
    new.event("tcp_passive", s)
    assert new.recv(s) == b"d"
    old.no_event(s)


def test_a_passive_socket_waits_for_its_new_owner(room, old, new):
    s, peer = room.pair(old)
    peer.put(b"kept")
    assert old.give(s, new.id) == "ok"
    new.event("tcp_owner", s)
    new.no_event(s)
    assert new.setopts(s, {"active": True}) == "ok"
    assert new.event("tcp", s).data == b"kept"


@probe(66)
def test_only_the_owner_may_give_away(room, old, new):
    s, _ = room.pair(old)
    third = room.known()
    error = third.fails(
        "gen_tcp.controlling_process", {"socket": s, "client": new.id}
    )
    check_reason(error, "not_owner")
    assert owner(old, s) == old.id
    # To whom owns it already anybody may give it; nothing is done.
    assert third.give(s, old.id) == "ok"
    assert old.give(s, old.id) == "ok"
    old.no_event(s)


@probe(64)
def test_a_client_that_is_not_there_is_badarg_and_nothing_changes(room, old, new):
    """Row 9 of the decisions: active is restored where it fails."""
    s, peer = room.pair(old, {"active": True})
    gone = new.id
    new.close()
    g.until(
        lambda: gone not in [c["client"] for c in old.call("session.clients")],
        "the end of a client",
    )
    for client in (gone, 2**40):
        error = old.fails("gen_tcp.controlling_process", {"socket": s, "client": client})
        check_reason(error, "badarg")
        assert owner(old, s) == old.id
        assert old.getopt(s, "active") is True
    peer.send(b"still here")
    assert old.gather(s, 10) == b"still here"


def test_an_unknown_client_is_no_way_to_lose_the_count(room, old):
    s, _ = room.pair(old, {"active": 5})
    old.fails("gen_tcp.controlling_process", {"socket": s, "client": 2**40})
    assert old.getopt(s, "active") == 5


@pytest.mark.parametrize("client", ["1", -1, 0, 1.5, None, True, []])
def test_a_client_that_is_no_number(room, old, client):
    s, _ = room.pair(old)
    error = old.fails("gen_tcp.controlling_process", {"socket": s, "client": client})
    assert error.code == g.INVALID_PARAMS and "client" in error.message


def test_listeners_are_given_too(room, old, new):
    listener, port = old.listen()
    assert old.give(listener, new.id) == "ok"
    assert new.event("tcp_owner", listener).params["from"] == old.id
    old.close()
    g.until(lambda: len(new.call("session.clients")) == 1, "the old owner's end")
    room.dial(port)
    new.accept(listener)


def test_the_old_owners_end_no_longer_matters(room, old, new):
    s, peer = room.pair(old, {"active": True})
    old.give(s, new.id)
    old.close()
    peer.send(b"alive")
    new.event("tcp_owner", s)
    assert new.gather(s, 5) == b"alive"
    new.close()
    assert peer.read_end() == b""


def test_the_old_owner_may_still_use_it(room, old, new):
    s, peer = room.pair(old)
    old.give(s, new.id)
    assert old.send(s, b"x") == "ok"
    assert peer.read(1) == b"x"
    peer.put(b"y")
    assert old.recv(s) == b"y"
    assert old.setopts(s, {"packet": 1}) == "ok"


def test_a_waiting_recv_of_the_old_owner_goes_on(room, old, new):
    s, peer = room.pair(old)
    waiting = old.start_recv(s, 4)
    assert old.give(s, new.id) == "ok"
    peer.send(b"data")
    assert old.received(waiting) == b"data"


def test_to_and_fro(room, old, new):
    s, peer = room.pair(old, {"active": True, "packet": 2})
    pair = [old, new]
    for n in range(200):
        assert pair[0].give(s, pair[1].id) == "ok"
        pair.reverse()
        pair[0].event("tcp_owner", s)
        peer.send(b"\0\4%04d" % n)
        assert pair[0].event("tcp", s).data == b"%04d" % n
        pair[1].no_event()


def test_what_was_not_written_goes_to_the_new_owner(room, new):
    """An owner that has not read gives away: what it was told before the reply
    and what the new owner gets are the stream."""
    old = room.known("attached")
    s, peer = room.pair(old, {"active": True, "packet": 4})
    sender = g.Child(send_numbers, peer.sock, scaled_count())
    room.own(sender)
    sender.recv()
    # It reads nothing until much more than its channel takes was sent.
    old.sock.setblocking(True)
    line = (
        '{"jsonrpc":"2.0","id":"give","method":"gen_tcp.controlling_process",'
        '"params":{"socket":%d,"client":%d}}\n' % (s, new.id)
    )
    old.sock.sendall(line.encode())
    old.sock.setblocking(False)
    r = old.reply("give")
    assert r.result() == "ok"
    before = [int.from_bytes(e.data[:4], "big") for e in old.events]
    assert all(e.number < r.number for e in old.events)
    new.event("tcp_owner", s)
    got = list(before)
    while len(got) < scaled_count():
        got.append(int.from_bytes(new.event("tcp", s).data[:4], "big"))
    assert got == list(range(scaled_count()))
    assert len(before) < scaled_count()
    new.event("tcp_closed", s)
    old.sync()
    assert len(old.events) == len(before)


def scaled_count():
    return g.scaled(4000, 1000)


def send_numbers(pipe, sock, count):
    """Sends numbered packets of 10 kB; says when it has to wait, or is done."""
    body = bytearray(4 + 10000)
    told = False
    sock.settimeout(60)
    for n in range(count):
        body[0:4] = (10000).to_bytes(4, "big")
        body[4:8] = n.to_bytes(4, "big")
        if not told and n == count // 20:
            told = True
            pipe.send("under way")
        sock.sendall(body)
    sock.shutdown(g.socket.SHUT_WR)
    sock.close()


@probe(61)
def test_messages_go_before_what_follows(room, old, new):
    """gen_tcp's way: passive, collect, hand over with messages and active."""
    s, peer = room.pair(old, {"active": True, "packet": 1})
    peer.put(b"\1a\1b\1c")
    first = [old.event("tcp", s) for _ in range(3)]
    assert old.getopt(s, "active") is True
    old.setopts(s, {"active": False})
    peer.put(b"\1d")
    messages = [{"method": e.name, "params": e.params} for e in first]
    assert give(old, s, new.id, messages, True) == "ok"
    assert new.event("tcp_owner", s).params["from"] == old.id
    assert [new.event("tcp", s).data for _ in range(4)] == [b"a", b"b", b"c", b"d"]
    assert new.getopt(s, "active") is True
    old.no_event(s)


@pytest.mark.parametrize("setting", ["auto", "base64", "attached"])
def test_messages_come_in_the_new_owners_setting(room, old, setting):
    new = room.client(setting)
    s, _ = room.pair(old, {"mode": "binary"})
    payloads = [b"text", b"\xff\0", b""]
    messages = [
        {"method": "tcp", "params": {"socket": s, "data": g.as_data(p)}} for p in payloads
    ] + [
        {"method": "tcp_passive", "params": {"socket": s}},
        {"method": "tcp_error", "params": {"socket": s, "reason": "econnreset"}},
        {"method": "tcp_closed", "params": {"socket": s}},
    ]
    assert give(old, s, new.id, messages, False) == "ok"
    new.event("tcp_owner", s)
    assert [new.event("tcp", s).data for _ in payloads] == payloads
    new.event("tcp_passive", s)
    assert new.event("tcp_error", s).params["reason"] == "econnreset"
    new.event("tcp_closed", s)
    new.no_event(s)


@pytest.mark.parametrize("active", [True, False, "once", 4])
def test_active_is_restored_for_the_new_owner(room, old, new, active):
    s, peer = room.pair(old, {"packet": 1})
    assert give(old, s, new.id, [], active) == "ok"
    new.event("tcp_owner", s)
    assert new.getopt(s, "active") == active
    if active:
        peer.send(b"\1x")
        assert new.event("tcp", s).data == b"x"


def test_messages_that_are_none_are_refused(room, old, new):
    s, _ = room.pair(old)
    t, _ = room.pair(old)
    for messages in (
        [{"method": "tcp", "params": {"socket": t, "data": "x"}}],
        [{"method": "tcp", "params": {"socket": s, "data": "x"}},
         {"method": "tcp_closed", "params": {"socket": t}}],
    ):
        error = old.fails("gen_tcp.controlling_process", {
            "socket": s, "client": new.id, "messages": messages})
        check_reason(error, "badarg")
    for messages in (
        "tcp", {}, [1], ["tcp"], [{}], [{"method": "gen_tcp.close", "params": {"socket": s}}],
        [{"method": "tcp"}], [{"method": "tcp", "params": {"socket": s, "data": 5}}],
        [{"method": "no_such_event", "params": {"socket": s}}],
    ):
        error = old.fails("gen_tcp.controlling_process", {
            "socket": s, "client": new.id, "messages": messages})
        assert error.message == "badarg" or error.code == g.INVALID_PARAMS, messages
    new.no_event()
    assert owner(old, s) == old.id


def test_a_bad_active_is_refused(room, old, new):
    s, _ = room.pair(old, {"active": 3})
    for active in ("twice", 40000, 1.5, []):
        error = old.fails("gen_tcp.controlling_process", {
            "socket": s, "client": new.id, "active": active})
        assert error.message in ("badarg", "einval") or error.code == g.INVALID_PARAMS
    assert owner(old, s) == old.id
    assert old.getopt(s, "active") == 3


def test_the_close_is_the_new_owners(room, old, new):
    s, peer = room.pair(old)
    peer.put(b"last").half_close()
    old.give(s, new.id)
    new.event("tcp_owner", s)
    new.setopts(s, {"active": True})
    assert new.event("tcp", s).data == b"last"
    new.event("tcp_closed", s)
    old.no_event(s)


def test_events_of_other_sockets_are_not_touched(room, old, new):
    s, _ = room.pair(old, {"active": True})
    t, peer = room.pair(old, {"active": True})
    peer.put(b"mine")
    old.give(s, new.id)
    assert old.event("tcp", t).data == b"mine"
    new.event("tcp_owner", s)
    new.no_event()


def test_give_and_close_of_the_receiver_close_the_socket(room, old):
    """The receiver ends at the same moment: no socket may be left over."""
    for _ in range(30):
        receiver = room.known()
        s, peer = room.pair(old, {"active": True})
        i = old.request("gen_tcp.controlling_process", {"socket": s, "client": receiver.id})
        receiver.close()
        r = old.reply(i)
        if "error" in r.json:
            check_reason(r.error(), "badarg")
            old.close_socket(s)
        assert peer.read_end() == b""


def test_a_large_socket_of_unread_input_is_given(room, old, new):
    s, peer = room.pair(old, {"packet": 4, "active": True})
    data = g.pattern(3 * MB)
    peer.send(len(data).to_bytes(4, "big") + data[: 2 * MB])
    old.sync()
    assert old.give(s, new.id) == "ok"
    peer.send(data[2 * MB :])
    new.event("tcp_owner", s)
    assert new.event("tcp", s).data == data
