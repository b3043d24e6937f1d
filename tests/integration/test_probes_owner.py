# SPDX-License-Identifier: ISC
"""gen_tcp's edge cases: owners, counters."""

import pytest

from gentcp_test import probe


@pytest.fixture
def old(room):
    return room.known()


@pytest.fixture
def new(room):
    return room.known()


def owner(c, s):
    return c.call("inet.info", {"socket": s})["owner"]


@probe(62)
def test_a_tcp_passive_that_was_told_stays(room, old, new):
    """Row 9 of the decisions; what the old owner was told is its own, as the
    tcp_passive is in gen_tcp, unless it hands it over."""
    s, peer = room.pair(old, {"active": 1, "packet": 1})
    peer.send(b"\1a\1b")
    first = old.event("tcp", s)
    passive = old.event("tcp_passive", s)
    assert old.give(s, new.id) == "ok"
    new.event("tcp_owner", s)
    new.no_event(s)
    assert new.getopt(s, "active") is False
    messages = [{"method": e.name, "params": e.params} for e in (first, passive)]
    params = {"socket": s, "client": old.id, "messages": messages}
    assert new.call("gen_tcp.controlling_process", params) == "ok"
    old.event("tcp_owner", s)
    assert old.event("tcp", s).data == b"a"
    old.event("tcp_passive", s)
    assert old.recv(s) == b"b"




@probe(63)
def test_http_events_that_were_told_stay(room):
    """Row 9 of the decisions: told is told, unless the old owner hands it over;
    what was not told yet is the new owner's."""
    old, new = room.known(), room.known()
    s, peer = room.pair(old, {"packet": "http", "active": "once"})
    peer.put(b"GET / HTTP/1.0\r\nHost: h\r\n\r\n")
    first = old.event("http", s)
    assert old.give(s, new.id) == "ok"
    new.event("tcp_owner", s)
    new.no_event(s)
    params = {
        "socket": s, "client": old.id, "active": True,
        "messages": [{"method": "http", "params": first.params}],
    }
    assert new.call("gen_tcp.controlling_process", params) == "ok"
    old.event("tcp_owner", s)
    assert old.event("http", s).params == first.params
    assert old.event("http", s).params["http"]["name"] == "Host"
    assert old.event("http", s).params["http"] == {"type": "http_eoh"}
    new.no_event(s)


@probe(65)
def test_tcp_closed_with_exit_on_close_false(room, old, new):
    """Row 9 of the decisions: the owner changes, where gen_tcp says ok and leaves
    it; tcp_closed was told to the old one, and comes once."""
    s, peer = room.pair(old, {"active": True, "exit_on_close": False})
    peer.put(b"bye").half_close()
    told = [old.event("tcp", s), old.event("tcp_closed", s)]
    messages = [{"method": e.name, "params": e.params} for e in told]
    params = {"socket": s, "client": new.id, "messages": messages}
    assert old.call("gen_tcp.controlling_process", params) == "ok"
    assert owner(old, s) == new.id
    new.event("tcp_owner", s)
    assert new.event("tcp", s).data == b"bye"
    new.event("tcp_closed", s)
    assert new.setopts(s, {"active": False}) == "ok"
    assert new.setopts(s, {"active": True}) == "ok"
    new.no_event(s)
    old.no_event(s)
    assert new.send(s, b"half") == "ok"
    assert peer.read(4) == b"half"


@probe(69)
def test_counters_of_both_sides_have_the_header(room, client):
    _, accepted, connected = room.both(client, {"packet": 2}, {"packet": 2})
    assert client.send(connected, b"abc") == "ok"
    assert client.recv(accepted) == b"abc"
    assert client.getstat(connected, ["send_oct", "send_cnt", "send_max"]) == {
        "send_oct": 5, "send_cnt": 1, "send_max": 5,
    }
    assert client.getstat(accepted, ["recv_oct", "recv_cnt", "recv_max"]) == {
        "recv_oct": 5, "recv_cnt": 1, "recv_max": 5,
    }
