# SPDX-License-Identifier: ISC
"""gen_tcp:send: what it takes, when it waits, what it says when it fails."""

import socket

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason, probe


def saturate(client, s, size=10 * MB):
    """Queues more than the kernel takes from a peer that does not read."""
    assert client.send(s, b"q" * size, attached=client.attach) == "ok"
    pending = client.getstat(s, ["send_pend"])["send_pend"]
    assert pending > 0
    return size


def full_pair(room, client, options=None):
    """A socket whose queue is beyond its high watermark: (socket, peer, size)."""
    s, peer = room.pair(client, {"high_watermark": 8192, **(options or {})}, small=True)
    return s, peer, saturate(client, s)


@pytest.fixture
def client(room):
    return room.client(attachments=True)


@pytest.mark.parametrize("data,wire", [
    ("text", b"text"),
    ("", b""),
    ("\u00e9\u20ac\U0001f600", "\u00e9\u20ac\U0001f600".encode()),
    ("a\0b", b"a\0b"),
    ({"base64": "AAEC/w=="}, b"\0\1\2\xff"),
    ({"base64": ""}, b""),
    ([], b""),
    ([1, 2, 255], b"\1\2\xff"),
    (["a", [98, ["c", []], {"base64": "ZA=="}], 101], b"abcde"),
])
def test_every_form_of_data(room, client, data, wire):
    s, peer = room.pair(client)
    assert client.call("gen_tcp.send", {"socket": s, "data": data}) == "ok"
    assert client.call("gen_tcp.send", {"socket": s, "data": "|"}) == "ok"
    assert peer.read(len(wire) + 1) == wire + b"|"


@pytest.mark.parametrize("data", [
    1, 1.5, True, None, {}, [256], [-1], [1.0], [None], [[True]],
    {"base64": "AAE"}, {"base64": "AA E="}, {"base64": "AAF="}, {"base64": "A==="}, {"base64": 1},
    {"base64": "AAEC", "x": 1}, {"base65": "AAEC"},
])
def test_data_of_no_form_is_refused_and_nothing_is_sent(room, client, data):
    s, peer = room.pair(client)
    error = client.fails("gen_tcp.send", {"socket": s, "data": data})
    assert error.code == g.INVALID_PARAMS and "data" in error.message
    client.send(s, b"|", attached=False)
    assert peer.read(1) == b"|"
    assert client.getstat(s, ["send_cnt"])["send_cnt"] == 1


def test_data_nested_to_the_limit(room, client):
    s, peer = room.pair(client)
    deep = "x"
    for _ in range(50):
        deep = [deep]
    assert client.call("gen_tcp.send", {"socket": s, "data": deep}) == "ok"
    assert peer.read(1) == b"x"


def test_attached_data(room, client):
    s, peer = room.pair(client)
    data = g.pattern(300000)
    i = client.request("gen_tcp.send", {"socket": s}, attachment=data)
    assert peer.read(len(data)) == data
    assert client.reply(i).result() == "ok"


@probe(90)
def test_empty_data_counts_and_is_framed(room, client):
    s, peer = room.pair(client)
    assert client.send(s, b"", attached=False) == "ok"
    assert client.send(s, b"", attached=True) == "ok"
    assert client.getstat(s, ["send_cnt", "send_oct"]) == {"send_cnt": 2, "send_oct": 0}
    client.setopts(s, {"packet": 2})
    assert client.send(s, b"") == "ok"
    assert peer.read(2) == b"\0\0"


def test_counters_include_the_packet_header(room, client):
    s, peer = room.pair(client, {"packet": 2})
    assert client.send(s, b"abc") == "ok"
    assert peer.read(5) == b"\0\3abc"
    assert client.getstat(s, ["send_oct", "send_cnt", "send_max", "send_avg", "send_pend"]) == {
        "send_oct": 5, "send_cnt": 1, "send_max": 5, "send_avg": 5, "send_pend": 0,
    }


@probe(37)
@pytest.mark.parametrize("packet,most", [(1, 255), (2, 65535)])
def test_a_body_too_long_for_its_header_is_emsgsize(room, client, packet, most):
    """Row 4 of the decisions: refused, where gen_tcp sends a header of 0."""
    s, peer = room.pair(client, {"packet": packet})
    check_reason(client.send_fails(s, b"x" * (most + 1)), "emsgsize")
    assert client.send(s, b"y" * most) == "ok"
    assert peer.read(packet + most) == most.to_bytes(packet, "big") + b"y" * most
    assert client.getstat(s, ["send_cnt"])["send_cnt"] == 1


@probe(32)
def test_send_takes_any_size_at_once_while_nothing_is_queued(room, client):
    s, peer, size = full_pair(room, client)
    pending = client.getstat(s, ["send_pend"])["send_pend"]
    assert size - 6 * MB < pending <= size
    assert peer.read(size) == b"q" * size
    assert client.getstat(s, ["send_pend", "send_oct"]) == {"send_pend": 0, "send_oct": size}


@probe(33)
def test_senders_beyond_the_watermark_wait(room, client):
    s, peer, size = full_pair(room, client)
    before = client.getstat(s, ["send_pend"])["send_pend"]
    second = client.start_send(s, b"2" * 1000)
    assert client.waiting(second)
    assert "busy" in client.states(s)
    # Its data is queued; that of a third sender is not.
    assert client.getstat(s, ["send_pend", "send_cnt"]) == {
        "send_pend": before + 1000, "send_cnt": 2,
    }
    other = room.client()
    third = other.start_send(s, b"3" * 500)
    assert other.waiting(third)
    assert client.getstat(s, ["send_pend", "send_cnt"]) == {
        "send_pend": before + 1000, "send_cnt": 2,
    }
    wire = peer.read(size + 1500)
    assert wire == b"q" * size + b"2" * 1000 + b"3" * 500
    assert client.reply(second).result() == "ok"
    assert other.reply(third).result() == "ok"
    assert "busy" not in client.states(s)


def test_suspended_senders_come_first_come_first_served(room, client):
    s, peer, size = full_pair(room, client)
    blocked = client.start_send(s, b"0")
    client.sync()
    others = [room.client() for _ in range(5)]
    waiting = []
    for n, c in enumerate(others):
        waiting.append(c.start_send(s, b"%d" % (n + 1)))
        c.sync()
    peer.read(size)
    assert peer.read(6) == b"012345"
    assert client.reply(blocked).result() == "ok"
    for c, i in zip(others, waiting):
        assert c.reply(i).result() == "ok"


def test_pipelined_sends_of_one_client_keep_their_order(room, client):
    s, peer = room.pair(client, {"high_watermark": 1000}, small=True)
    ids = [client.start_send(s, b"%07d." % n) for n in range(2000)]
    wire = peer.read(8 * 2000)
    assert wire == b"".join(b"%07d." % n for n in range(2000))
    for i in ids:
        assert client.reply(i).result() == "ok"


def test_one_clients_shutdown_waits_behind_its_waiting_sends(room, client):
    s, peer, size = full_pair(room, client)
    sends = [client.start_send(s, b"a"), client.start_send(s, b"b")]
    down = client.request("gen_tcp.shutdown", {"socket": s, "how": "write"})
    assert client.waiting(sends[0])
    assert peer.read_end() == b"q" * size + b"ab"
    for i in sends + [down]:
        assert client.reply(i).result() == "ok"


def test_one_clients_close_waits_behind_its_waiting_sends(room, client):
    s, peer, size = full_pair(room, client)
    sends = [client.start_send(s, b"a"), client.start_send(s, b"b")]
    closing = client.request("gen_tcp.close", {"socket": s})
    assert client.waiting(sends[0])
    assert peer.read_end() == b"q" * size + b"ab"
    for i in sends + [closing]:
        assert client.reply(i).result() == "ok"


@probe(34)
def test_send_timeout_keeps_the_data_queued(room, client):
    s, peer, size = full_pair(room, client, {"send_timeout": 100})
    check_reason(client.send_fails(s, b"one"), "timeout")
    check_reason(client.send_fails(s, b"two"), "timeout")
    assert peer.read(size + 6) == b"q" * size + b"onetwo"
    assert client.send(s, b"on") == "ok"
    assert peer.read(2) == b"on"


def test_send_timeout_0_does_not_wait(room, client):
    s, peer, size = full_pair(room, client, {"send_timeout": 0})
    check_reason(client.send_fails(s, b"one"), "timeout")
    assert peer.read(size + 3) == b"q" * size + b"one"


@probe(35)
def test_send_timeout_close_ends_the_connection(room, client):
    s, peer, size = full_pair(
        room, client, {"send_timeout": 100, "send_timeout_close": True}
    )
    check_reason(client.send_fails(s, b"one"), "timeout")
    check_reason(client.send_fails(s, b"two"), "enotconn")
    check_reason(client.recv_fails(s), "enotconn")
    try:
        assert len(peer.read_end()) < size
    except ConnectionResetError:
        pass


@probe(36)
def test_send_timeout_close_of_an_active_socket_tells_nothing(room, client):
    s, peer, _ = full_pair(
        room, client, {"send_timeout": 100, "send_timeout_close": True, "active": True}
    )
    check_reason(client.send_fails(s, b"one"), "timeout")
    client.no_event(s)
    assert client.getstat(s, ["send_cnt"])["send_cnt"] == 2  # the handle is there
    check_reason(client.send_fails(s), "enotconn")


@pytest.mark.parametrize("active", [False, True])
def test_after_send_timeout_close_an_activation_tells_of_it(room, client, active):
    s, _, _ = full_pair(
        room, client, {"send_timeout": 50, "send_timeout_close": True, "active": active}
    )
    check_reason(client.send_fails(s, b"one"), "timeout")
    client.no_event(s)
    assert client.setopts(s, {"active": True}) == "ok"
    client.event("tcp_closed", s)
    assert client.states(s) == ["closed"]


def test_a_high_watermark_lets_many_sends_in(room, client):
    s, peer = room.pair(client, {"high_watermark": 100 * MB}, small=True)
    for n in range(5):
        assert client.send(s, bytes([n]) * MB) == "ok"
    assert peer.read(5 * MB) == b"".join(bytes([n]) * MB for n in range(5))


def test_busy_ends_at_the_low_watermark(room, client):
    s, peer = room.pair(
        client, {"high_watermark": 4 * MB, "low_watermark": 4 * MB}, small=True
    )
    size = saturate(client, s)
    waiting = client.start_send(s, b"x")
    assert client.waiting(waiting)
    # Far from empty, but at the low watermark.
    got = len(peer.read(size - 3 * MB))
    assert client.reply(waiting).result() == "ok"
    assert peer.read(size + 1 - got)[-1:] == b"x"


def test_delay_send_sends(room, client):
    s, peer = room.pair(client, {"delay_send": True})
    for n in range(10):
        assert client.send(s, b"%d" % n) == "ok"
    assert peer.read(10) == b"0123456789"


def test_delayed_sends_go_before_what_ends_the_stream(room, client):
    for how in ("shutdown", "close"):
        s, peer = room.pair(client, {"delay_send": True})
        assert client.send(s, b"") == "ok"
        ids = [client.start_send(s, b"a"), client.start_send(s, b"b")]
        if how == "shutdown":
            ids.append(client.request("gen_tcp.shutdown", {"socket": s, "how": "write"}))
        else:
            ids.append(client.request("gen_tcp.close", {"socket": s}))
        assert [client.reply(i).result() for i in ids] == ["ok"] * 3
        assert peer.read_end() == b"ab"


def test_a_delayed_send_that_meets_a_reset(room, client):
    """The send that was delayed is ok: the next one hears of it."""
    s, peer = room.pair(client, {"delay_send": True, "show_econnreset": True})
    peer.reset()
    g.reset_seen(client, s)
    assert client.send(s, b"a") == "ok"
    g.until(lambda: client.states(s) == [], "the send error")
    check_reason(client.send_fails(s), "econnreset")
    check_reason(client.send_fails(s), "enotconn")
    check_reason(client.recv_fails(s), "econnreset")
    check_reason(client.recv_fails(s), "enotconn")


def test_send_to_a_closed_peer_is_ok_then_closed(room, client):
    s, peer = room.pair(client)
    peer.close()
    assert client.send(s, b"1") == "ok"

    def noticed():
        i = client.start_send(s, b"2")
        r = client.reply(i)
        return r if "error" in r.json else None

    check_reason(g.until(noticed, "a send to notice the reset").error(), "closed")
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "enotconn")
    check_reason(client.send_fails(s), "enotconn")


@probe(77)
def test_send_after_a_shown_reset(room, client):
    s, peer = room.pair(client, {"show_econnreset": True})
    peer.reset()
    g.reset_seen(client, s)
    check_reason(client.send_fails(s), "econnreset")
    check_reason(client.send_fails(s), "enotconn")
    check_reason(client.recv_fails(s), "econnreset")
    check_reason(client.recv_fails(s), "enotconn")


def test_send_after_a_hidden_reset(room, client):
    s, peer = room.pair(client)
    peer.reset()
    g.reset_seen(client, s)
    check_reason(client.send_fails(s), "closed")
    check_reason(client.send_fails(s), "enotconn")
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "enotconn")


def test_a_blocked_sender_gets_closed_when_the_peer_resets(room, client):
    s, peer, _ = full_pair(room, client)
    blocked = client.start_send(s, b"x")
    assert client.waiting(blocked)
    peer.reset()
    check_reason(client.reply(blocked).error(), "closed")
    check_reason(client.send_fails(s), "enotconn")
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "enotconn")


def test_send_errors_of_an_active_socket_are_told_too(room, client):
    s, peer, _ = full_pair(room, client, {"active": True})
    blocked = client.start_send(s, b"x")
    assert client.waiting(blocked)
    peer.reset()
    check_reason(client.reply(blocked).error(), "closed")
    client.event("tcp_closed", s)
    check_reason(client.send_fails(s), "closed")
    assert client.states(s) == ["closed"]


def test_send_on_a_listener_is_enotconn(room, client):
    listener, _ = client.listen()
    check_reason(client.send_fails(listener), "enotconn")


def test_a_peer_that_shut_down_its_reading_half_takes_sends(room, client):
    s, peer = room.pair(client)
    peer.sock.shutdown(socket.SHUT_RD)
    assert client.send(s, b"1") == "ok"
    assert client.send(s, b"2") == "ok"


def test_a_sender_that_vanishes_drops_only_what_was_not_taken(room, client):
    s, peer, size = full_pair(room, client)
    client.start_send(s, b"blocked")
    client.sync()
    other = room.client()
    other.start_send(s, b"suspended")
    other.sync()
    before = len(client.call("session.clients"))
    other.close()
    g.until(
        lambda: len(client.call("session.clients")) < before, "the end of the other client"
    )
    peer.read(size)
    assert peer.read(7) == b"blocked"
    assert client.send(s, b"|") == "ok"
    assert peer.read(1) == b"|"


def test_a_waiting_send_is_cancelled(room, client):
    s, peer, size = full_pair(room, client)
    blocked = client.start_send(s, b"blocked")
    suspended = client.start_send(s, b"suspended")
    assert client.waiting(blocked)
    assert client.call("session.cancel", {"id": suspended}) is True
    check_reason(client.reply(suspended).error(), "cancelled")
    peer.read(size)
    assert peer.read(7) == b"blocked"
    assert client.reply(blocked).result() == "ok"
    assert client.send(s, b"|") == "ok"
    assert peer.read(1) == b"|"


def test_a_cap_on_queued_bytes_is_system_limit_and_takes_nothing(own_room):
    client = own_room.client("attached")
    s, peer = own_room.pair(client, {"high_watermark": 2**31 - 1}, small=True)
    chunk = b"c" * (60 * MB)
    taken = 0
    for _ in range(6):
        r = client.reply(
            client.request("gen_tcp.send", {"socket": s}, attachment=chunk), 60
        )
        if "error" in r.json:
            check_reason(r.error(), "system_limit")
            break
        taken += 1
    else:
        raise AssertionError("more than 256 MiB were queued")
    assert taken >= 4
    # What was refused left nothing; what was taken arrives whole.
    assert client.getstat(s, ["send_oct"])["send_oct"] == taken * len(chunk)
    left = taken * len(chunk)
    while left:
        left -= len(peer.read(min(left, 4 * MB)))
    assert client.send(s, b"|") == "ok"
    assert peer.read(1) == b"|"
