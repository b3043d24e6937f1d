# SPDX-License-Identifier: ISC
"""One half of the stream ends, or a reset comes: what was before it is delivered
first, and what still works."""

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason

SIZE = g.scaled(4, 1) * MB


def waits_for_end(client, s, setting, reactivate):
    """Collects the data of an active socket to its tcp_closed; reactivate after
    each event of that name.  (bytes, names of the other events)"""
    got, others = bytearray(), []
    while not others or others[-1] != "tcp_closed":
        e = client.event(socket=s)
        if e.name == "tcp":
            got += e.data
        else:
            others.append(e.name)
        if e.name == reactivate:
            client.reply(client.request("inet.setopts", {"socket": s, "options": setting}))
    return bytes(got), others


# --- what came before the end -----------------------------------------------------


@pytest.mark.parametrize("active,reactivate", [
    (True, None), ("once", "tcp"), (7, "tcp_passive"),
])
@pytest.mark.parametrize("exit_on_close", [True, False])
def test_all_data_comes_before_tcp_closed(room, active, reactivate, exit_on_close):
    client = room.client("attached")
    s, peer = room.pair(client, {"exit_on_close": exit_on_close})
    data = g.pattern(SIZE)
    sender = room.own(g.Child(send_and_end, peer.sock, data))
    client.setopts(s, {"active": active})
    got, others = waits_for_end(client, s, {"active": active}, reactivate)
    assert got == data
    assert set(others[:-1]) <= {"tcp_passive"}
    assert client.states(s) == (["closed"] if exit_on_close else ["connected", "open"])
    client.no_event(s)
    sender.recv()


def send_and_end(pipe, sock, data):
    sock.sendall(data)
    sock.shutdown(g.socket.SHUT_WR)
    sock.close()
    pipe.send("sent")


@pytest.mark.parametrize("length", [0, 100000])
def test_all_data_comes_before_closed(room, length):
    client = room.client("attached")
    s, peer = room.pair(client)
    data = g.pattern(SIZE)
    sender = room.own(g.Child(send_and_end, peer.sock, data))
    peer.close()
    got, error = bytearray(), None
    while error is None:
        r = client.reply(client.start_recv(s, length))
        if "error" in r.json:
            error = r.error()
        else:
            got += r.attachment
    check_reason(error, "closed")
    got += error.rest() or b""
    assert got == data
    sender.recv()
    check_reason(client.recv_fails(s), "enotconn")


def test_all_packets_come_before_a_reset(room, client):
    s, peer = room.pair(client, {"packet": 2, "show_econnreset": True})
    peer.put(b"".join(b"\0\4%04d" % n for n in range(2000)) + b"\0\4ab")
    assert client.recv(s) == b"0000"
    peer.reset()
    assert [client.recv(s) for _ in range(1999)] == [b"%04d" % n for n in range(1, 2000)]
    error = client.recv_fails(s)
    check_reason(error, "econnreset")
    assert error.rest() == b"\0\4ab"
    check_reason(client.recv_fails(s), "enotconn")


@pytest.mark.parametrize("show", [True, False])
def test_all_events_come_before_those_of_a_reset(room, client, show):
    s, peer = room.pair(client, {"packet": 1, "show_econnreset": show})
    peer.put(b"\1a\1b\1c\1d")
    client.setopts(s, {"active": 2})
    assert [client.event("tcp", s).data for _ in range(2)] == [b"a", b"b"]
    client.event("tcp_passive", s)
    peer.reset()
    client.no_event(s)
    client.setopts(s, {"active": "once"})
    assert client.event("tcp", s).data == b"c"
    client.no_event(s)
    client.setopts(s, {"active": True})
    assert client.event("tcp", s).data == b"d"
    if show:
        assert client.event("tcp_error", s).params["reason"] == "econnreset"
    client.event("tcp_closed", s)
    assert client.states(s) == ["closed"]


@pytest.mark.parametrize("active", [True, "once", 3])
def test_a_mode_is_not_used_up_by_the_end(room, client, active):
    s, peer = room.pair(client, {"active": active, "exit_on_close": False})
    peer.half_close()
    client.event("tcp_closed", s)
    assert client.getopt(s, "active") == active
    client.no_event(s)


def test_a_recv_of_a_length_that_cannot_come(room, client):
    """With exit_on_close false the rest comes with the first of the errors."""
    s, peer = room.pair(client, {"exit_on_close": False})
    peer.put(b"12345").half_close()
    assert client.recv(s, 2) == b"12"
    error = client.recv_fails(s, 10)
    check_reason(error, "closed")
    assert error.rest() == b"345"
    error = client.recv_fails(s, 10)
    check_reason(error, "closed")
    assert not error.rest()
    assert client.send(s, b"still") == "ok"
    assert peer.read(5) == b"still"


@pytest.mark.parametrize("active", [True, "once", 2])
def test_an_incomplete_packet_of_an_active_socket_is_dropped(room, client, active):
    s, peer = room.pair(client, {"packet": 4, "active": active})
    peer.put(b"\0\0\0\1x\0\0\0\5ab")
    assert client.event("tcp", s).data == b"x"
    client.setopts(s, {"active": active})
    peer.half_close()
    client.event("tcp_closed", s)
    client.no_event(s)


# --- the sending half goes on -------------------------------------------------------


@pytest.mark.parametrize("active", [True, False])
def test_a_large_answer_after_the_peers_half_close(room, active):
    """What exit_on_close false is for: the request ends with its stream."""
    client = room.client(attachments=True)
    s, peer = room.pair(client, {"exit_on_close": False, "active": active}, small=True)
    peer.put(b"request").half_close()
    if active:
        assert client.event("tcp", s).data == b"request"
        client.event("tcp_closed", s)
    else:
        assert client.recv(s) == b"request"
        check_reason(client.recv_fails(s), "closed")
    data = g.pattern(SIZE)
    sends = [
        client.request("gen_tcp.send", {"socket": s}, attachment=data[at : at + MB])
        for at in range(0, SIZE, MB)
    ]
    closing = client.request("gen_tcp.close", {"socket": s})
    assert peer.read_end() == data
    for i in sends:
        assert client.reply(i).result() == "ok"
    assert client.reply(closing).result() == "ok"


def test_a_queue_outlives_the_peers_half_close(room):
    """While no sender is blocked; see the next test."""
    client = room.client(attachments=True)
    s, peer = room.pair(client, {"exit_on_close": False, "sndbuf": 8192}, small=True)
    data = g.pattern(3 * MB)
    assert client.send(s, data, attached=True) == "ok"
    peer.half_close()
    check_reason(client.recv_fails(s), "closed")
    assert client.getstat(s, ["send_pend"])["send_pend"] > MB
    assert peer.read(3 * MB) == data
    assert client.send(s, b"more") == "ok"
    assert peer.read(4) == b"more"


def test_the_peers_half_close_while_a_sender_is_blocked_drops_the_queue(room):
    """As gen_tcp does: the blocked sender is told, and what is sent later comes
    behind a hole."""
    client = room.client(attachments=True)
    s, peer = room.pair(client, {"exit_on_close": False, "sndbuf": 8192}, small=True)
    assert client.send(s, b"q" * 3 * MB, attached=True) == "ok"
    blocked = client.start_send(s, b"blocked")
    assert client.waiting(blocked)
    peer.half_close()
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.reply(blocked).error(), "closed")
    assert client.getstat(s, ["send_pend"])["send_pend"] == 0
    assert client.send(s, b"later") == "ok"
    closing = client.request("gen_tcp.close", {"socket": s})
    got = peer.read_end()
    assert client.reply(closing).result() == "ok"
    assert len(got) < 3 * MB and got.strip(b"q") == b"later"


@pytest.mark.parametrize("show", [True, False])
def test_sends_to_a_peer_that_is_quite_gone(room, client, show):
    """Its close was told: a failing send tells no more (gen_tcp tells of a shown
    reset even then), and leaves a zombie."""
    s, peer = room.pair(
        client, {"active": True, "exit_on_close": False, "show_econnreset": show}
    )
    peer.close()
    client.event("tcp_closed", s)
    assert client.send(s, b"1") == "ok"
    g.reset_seen(client, s)
    check_reason(client.send_fails(s), "econnreset" if show else "closed")
    check_reason(client.send_fails(s), "closed")
    client.no_event(s)
    assert client.states(s) == []
    client.setopts(s, {"active": False})
    check_reason(client.recv_fails(s), "enotconn")


# --- errors that no caller is there for -----------------------------------------------


def queued(room, client, options):
    s, peer = room.pair(client, {"sndbuf": 8192, **options}, small=True)
    assert client.send(s, b"q" * 3 * MB, attached=True) == "ok"
    assert client.getstat(s, ["send_pend"])["send_pend"] > 0
    return s, peer


@pytest.mark.parametrize("pending", [None, "write", "read_write"])
@pytest.mark.parametrize("show,reason", [(False, "closed"), (True, "econnreset")])
def test_a_queue_that_meets_a_reset(room, pending, show, reason):
    """The next send hears of it, and the next recv, once each; a shutdown that
    waited for the queue is forgotten."""
    client = room.client(attachments=True)
    s, peer = queued(room, client, {"show_econnreset": show})
    if pending:
        assert client.shutdown(s, pending) == "ok"
    peer.reset()
    g.until(lambda: client.states(s) == [], "the send error")
    check_reason(client.send_fails(s), reason)
    check_reason(client.send_fails(s), "enotconn")
    check_reason(client.recv_fails(s), reason)
    check_reason(client.recv_fails(s), "enotconn")


@pytest.mark.parametrize("show", [True, False])
@pytest.mark.parametrize("exit_on_close", [True, False])
def test_an_active_sockets_queue_that_meets_a_reset(room, show, exit_on_close):
    client = room.client(attachments=True)
    s, peer = queued(room, client, {
        "active": True, "exit_on_close": exit_on_close, "show_econnreset": show,
    })
    peer.reset()
    if show:
        assert client.event("tcp_error", s).params["reason"] == "econnreset"
    client.event("tcp_closed", s)
    assert client.states(s) == (["closed"] if exit_on_close else [])
    client.no_event(s)


def test_a_failing_send_of_a_passive_socket_is_told_when_it_becomes_active(room, client):
    for show in (True, False):
        s, peer = room.pair(client, {"show_econnreset": show})
        peer.reset()
        g.reset_seen(client, s)
        check_reason(client.send_fails(s), "econnreset" if show else "closed")
        client.no_event(s)
        assert client.setopts(s, {"active": "once"}) == "ok"
        if show:
            assert client.event("tcp_error", s).params["reason"] == "econnreset"
        client.event("tcp_closed", s)
        assert client.states(s) == ["closed"]


@pytest.mark.parametrize("pending", [False, True])
def test_a_send_behind_our_own_shutdown(room, client, pending):
    """Done, it passes for a reset (asked of erl); while it waits, it does not."""
    s, _ = room.pair(client, {"show_econnreset": True, "sndbuf": 8192}, small=True)
    if pending:
        assert client.send(s, bytes(2 * MB)) == "ok"
        assert client.getstat(s, ["send_pend"])["send_pend"] > 0
    assert client.shutdown(s, "write") == "ok"
    reason = "closed" if pending else "econnreset"
    check_reason(client.send_fails(s), reason)
    check_reason(client.recv_fails(s), reason)
    check_reason(client.send_fails(s), "enotconn")
