# SPDX-License-Identifier: ISC
"""inet:monitor: who is told when a socket is gone, why, and who is not.

The reasons are those that erl gives (semantics 1.11, probes 70 and 71): normal for
a close by whichever end, what an active socket failed of, and killed for an
owner that ended.
"""

import os
import signal

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe


def monitor(c, socket):
    return c.call("inet.monitor", {"socket": socket})["monitor"]


def cancel(c, m):
    return c.call("inet.cancel_monitor", {"monitor": m})


def down(c, m, socket, reason):
    e = c.event("down", socket)
    assert e.params == {"monitor": m, "socket": socket, "reason": reason}
    return e


def test_a_close(room, client):
    s, _ = room.pair(client)
    m = monitor(client, s)
    client.close_socket(s)
    down(client, m, s, "normal")
    assert cancel(client, m) is False


@probe(70)
def test_a_peer_that_closes_brings_no_down_to_a_passive_socket(room, client):
    s, peer = room.pair(client)
    m = monitor(client, s)
    peer.close()
    check_reason(client.recv_fails(s), "closed")
    client.no_event()
    check_reason(client.recv_fails(s), "enotconn")
    client.close_socket(s)
    down(client, m, s, "normal")


def test_down_comes_after_tcp_closed(room, client):
    s, peer = room.pair(client, {"active": True})
    m = monitor(client, s)
    peer.send(b"last")
    peer.close()
    assert client.event("tcp", s).data == b"last"
    client.event("tcp_closed", s)
    down(client, m, s, "normal")
    client.no_event()


def test_an_active_socket_that_fails_says_of_what(room, client):
    s, peer = room.pair(client, {"active": True, "packet": 2, "packet_size": 10})
    m = monitor(client, s)
    peer.send(b"\0\x0bx")
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)
    down(client, m, s, "emsgsize")


@pytest.mark.parametrize("shown", [True, False])
def test_a_reset(room, client, shown):
    s, peer = room.pair(client, {"active": True, "show_econnreset": shown})
    m = monitor(client, s)
    peer.reset()
    if shown:
        assert client.event("tcp_error", s).params["reason"] == "econnreset"
    client.event("tcp_closed", s)
    down(client, m, s, "econnreset" if shown else "normal")


def test_a_failure_that_ends_nothing_is_not_the_reason(room, client):
    s, peer = room.pair(
        client, {"active": True, "packet": 2, "packet_size": 10, "exit_on_close": False}
    )
    m = monitor(client, s)
    peer.send(b"\0\x0bx")
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)
    client.no_event()
    client.close_socket(s)
    down(client, m, s, "normal")


def test_a_zombie_that_is_made_active(room, client):
    s, peer = room.pair(client)
    m = monitor(client, s)
    peer.close()
    check_reason(client.recv_fails(s), "closed")
    client.setopts(s, {"active": True})
    client.event("tcp_closed", s)
    down(client, m, s, "normal")


def test_an_owner_that_ends(room, client):
    owner = room.known()
    s, _ = room.pair(owner)
    m = monitor(client, s)
    owner.close()
    down(client, m, s, "killed")


def own_one(pipe, path, port):
    c = g.Client(path)
    pipe.send(c.connect(port))
    pipe.recv()


def test_an_owner_that_is_killed(room, client):
    port = room.tcp_listener().getsockname()[1]
    child = g.Child(own_one, room.daemon.path, port)
    try:
        s = child.recv()
        m = monitor(client, s)
        os.kill(child.process.pid, signal.SIGKILL)
        down(client, m, s, "killed")
    finally:
        child.close()


@probe(71)
def test_what_is_gone_or_never_was_is_noproc(room, client):
    s, _ = room.pair(client)
    client.close_socket(s)
    for socket in (s, 2**53, 2**62):
        m = monitor(client, socket)
        down(client, m, socket, "noproc")
        assert cancel(client, m) is False


def test_the_reply_precedes_noproc(room, client):
    id = client.request("inet.monitor", {"socket": 2**40})
    reply = client.reply(id)
    assert client.event("down").number > reply.number


def test_each_monitor_has_its_down(room, client):
    s, _ = room.pair(client)
    ms = [monitor(client, s) for _ in range(3)]
    assert len(set(ms)) == 3 and ms == sorted(ms)
    assert client.call("inet.info", {"socket": s})["monitors"] == 3
    assert cancel(client, ms[1]) is True
    assert cancel(client, ms[1]) is False
    assert client.call("inet.info", {"socket": s})["monitors"] == 2
    client.close_socket(s)
    down(client, ms[0], s, "normal")
    down(client, ms[2], s, "normal")
    client.no_event()
    later = monitor(client, s)
    assert later > max(ms)
    down(client, later, s, "noproc")


def test_a_listener(room, client):
    listener, _ = client.listen()
    m = monitor(client, listener)
    client.close_socket(listener)
    down(client, m, listener, "normal")


def test_it_is_its_clients_own(room, client):
    other = room.client()
    s, _ = room.pair(client)
    m = monitor(client, s)
    assert cancel(other, m) is False
    theirs = monitor(other, s)
    other.close()
    g.until(
        lambda: client.call("inet.info", {"socket": s})["monitors"] == 1,
        "the end of another client's monitor",
    )
    assert cancel(client, theirs) is False
    client.close_socket(s)
    down(client, m, s, "normal")


def test_it_stays_when_the_socket_goes(room):
    old, new = room.known(), room.known()
    s, peer = room.pair(old, {"active": True})
    m = monitor(old, s)
    assert old.give(s, new.id) == "ok"
    new.event("tcp_owner", s)
    assert old.call("inet.info", {"socket": s})["monitors"] == 1
    peer.close()
    new.event("tcp_closed", s)
    down(old, m, s, "normal")
    new.no_event()


def test_down_is_not_handed_over(room):
    old, new = room.known(), room.known()
    s, _ = room.pair(old)
    message = {"method": "down", "params": {"monitor": 1, "socket": s, "reason": "normal"}}
    error = old.fails(
        "gen_tcp.controlling_process", {"socket": s, "client": new.id, "messages": [message]}
    )
    check_reason(error, "badarg")


def test_a_close_that_flushes_brings_it_at_its_end(room, client):
    other = room.client()
    s, peer = room.pair(client, {"sndbuf": 4096}, small=True)
    size = g.scaled(4 * g.MB)
    client.send(s, b"x" * size)
    m = monitor(other, s)
    id = client.request("gen_tcp.close", {"socket": s})
    assert client.waiting(id)
    other.no_event()
    # To callers it is closed already.
    late = monitor(other, s)
    down(other, late, s, "noproc")
    assert peer.read(size) == b"x" * size
    client.reply(id)
    down(other, m, s, "normal")


@pytest.mark.parametrize("value", [0, -1, "1", 1.5, True, [], {}])
def test_a_monitor_is_a_positive_integer(client, value):
    error = client.fails("inet.cancel_monitor", {"monitor": value})
    assert error.code == g.INVALID_PARAMS and "monitor" in error.message


def test_unknown_ones_are_false(client):
    for m in (2**40, 2**62):
        assert cancel(client, m) is False
