# SPDX-License-Identifier: ISC
"""gen_tcp:recv and unrecv, and what a passive socket says of its end."""

import time

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe


@probe(22)
def test_recv_0_takes_what_there_is(room, client):
    """Row 15 of the decisions: all there is, while buffer was not set."""
    s, peer = room.pair(client)
    peer.put(b"a" * 5000)
    assert client.recv(s) == b"a" * 5000


@probe(22)
def test_recv_0_takes_at_most_buffer_once_it_was_set(room, client):
    s, peer = room.pair(client, {"buffer": 100})
    peer.put(g.pattern(250))
    assert client.recv(s) == g.pattern(250)[:100]
    assert client.recv(s) == g.pattern(250)[100:200]
    assert client.recv(s) == g.pattern(250)[200:]


def test_recbuf_sets_buffer_and_so_bounds_recv_0(room, client):
    s, peer = room.pair(client, {"recbuf": 5000})
    peer.put(b"a" * 6000)
    assert len(client.recv(s)) <= 5000


@probe(23)
def test_recv_n_may_exceed_buffer(room, client):
    s, peer = room.pair(client, {"buffer": 100})
    peer.put(g.pattern(1000))
    assert client.recv(s, 500) == g.pattern(1000)[:500]
    assert client.recv(s, 500) == g.pattern(1000)[500:]


def test_recv_n_waits_for_all_n(room, client):
    s, peer = room.pair(client)
    waiting = client.start_recv(s, 10)
    peer.put(b"01234")
    assert client.waiting(waiting)
    peer.send(b"56789more")
    assert client.received(waiting) == b"0123456789"
    assert client.recv(s, 4) == b"more"


@probe(85)
def test_recv_0_after_recv_n_joins_old_and_new_bytes(room, client):
    s, peer = room.pair(client)
    peer.put(b"abcdef")
    assert client.recv(s, 1) == b"a"
    peer.put(b"XYZ")
    assert client.recv(s) == b"bcdefXYZ"


@probe(21)
def test_recv_times_out_and_keeps_what_came(room, client):
    s, peer = room.pair(client)
    peer.put(b"abc")
    check_reason(client.recv_fails(s, 10, 50), "timeout")
    assert client.recv(s) == b"abc"


def test_recv_timeout_is_not_over_early(room, client):
    s, _ = room.pair(client)
    for _ in range(20):
        before = time.monotonic()
        check_reason(client.recv_fails(s, 0, 15), "timeout")
        assert time.monotonic() - before >= 0.015


def test_recv_timeout_0_is_a_poll(room, client):
    s, peer = room.pair(client)
    check_reason(client.recv_fails(s, 0, 0), "timeout")
    peer.put(b"x")
    assert client.recv(s, 0, 0) == b"x"


def test_recv_infinity_is_the_default(room, client):
    s, peer = room.pair(client)
    first = client.start_recv(s, 0, "infinity")
    peer.send(b"1")
    assert client.received(first) == b"1"


@pytest.mark.parametrize("timeout", [-1, 1.5, "1", "forever", True, []])
def test_recv_refuses_a_bad_timeout(room, client, timeout):
    s, _ = room.pair(client)
    error = client.recv_fails(s, 0, timeout)
    assert error.code in (g.INVALID_PARAMS, g.PARSE_ERROR)


def test_recv_timeout_of_more_than_32_bits_does_not_wrap(room, client):
    s, peer = room.pair(client)
    waiting = client.start_recv(s, 0, 2**32)
    assert client.waiting(waiting)
    peer.send(b"late")
    assert client.received(waiting) == b"late"


@probe(24)
def test_a_second_recv_is_ealready(room, client):
    s, peer = room.pair(client)
    first = client.start_recv(s)
    check_reason(client.recv_fails(s, 0, 1000), "ealready")
    check_reason(room.client().recv_fails(s), "ealready")
    peer.send(b"for the first")
    assert client.received(first) == b"for the first"


@pytest.mark.parametrize("active", [True, "once", 3])
def test_recv_on_an_active_socket_is_einval(room, client, active):
    s, _ = room.pair(client, {"active": active})
    check_reason(client.recv_fails(s), "einval")


@probe(26)
@pytest.mark.parametrize("packet", [1, 2, 4, "line"])
def test_recv_n_with_a_packet_type_is_einval(room, client, packet):
    s, _ = room.pair(client, {"packet": packet})
    check_reason(client.recv_fails(s, 3), "einval")


@probe(27)
def test_recv_length_up_to_64_mib(room, client):
    s, _ = room.pair(client)
    check_reason(client.recv_fails(s, 67108864, 30), "timeout")
    check_reason(client.recv_fails(s, 67108865, 30), "enomem")


@pytest.mark.parametrize("length", [2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**63 - 1])
def test_recv_length_never_wraps(room, client, length):
    s, peer = room.pair(client)
    peer.put(b"x")
    error = client.recv_fails(s, length, 30)
    assert error.message in ("enomem", "einval") or error.code == g.INVALID_PARAMS
    assert client.recv(s) == b"x"


@pytest.mark.parametrize("length", [-1, 1.0, "1", None, [1], True])
def test_recv_refuses_a_bad_length(room, client, length):
    s, _ = room.pair(client)
    error = client.fails("gen_tcp.recv", {"socket": s, "length": length, "timeout": 10})
    assert error.code == g.INVALID_PARAMS
    assert "length" in error.message


def test_recv_on_a_listener_is_enotconn(room, client):
    listener, _ = client.listen()
    check_reason(client.recv_fails(listener), "enotconn")


def test_order_of_checks(room, client):
    listener, _ = client.listen({"active": True, "packet": 1})
    check_reason(client.recv_fails(listener, 5), "enotconn")
    s, _ = room.pair(client, {"active": True})
    check_reason(client.recv_fails(s, 67108865), "einval")
    s, _ = room.pair(client, {"packet": 2})
    check_reason(client.recv_fails(s, 67108865), "einval")
    s, _ = room.pair(client)
    client.start_recv(s)
    check_reason(client.recv_fails(s, 67108865), "enomem")


@probe(28)
def test_short_end_is_closed_then_enotconn_and_brings_the_rest(room, client):
    """Row 1 of the decisions: the error carries what gen_tcp discards."""
    s, peer = room.pair(client)
    peer.put(b"short").half_close()
    error = client.recv_fails(s, 10)
    check_reason(error, "closed")
    assert error.rest() == b"short"
    check_reason(client.recv_fails(s), "enotconn")


@pytest.mark.parametrize("packet,wire", [(2, b"\0\5ab"), (4, b"\0\0"), ("line", b"no end")])
def test_incomplete_packet_at_the_end_is_closed_with_the_rest(room, client, packet, wire):
    s, peer = room.pair(client, {"packet": packet})
    peer.put(wire).half_close()
    error = client.recv_fails(s)
    check_reason(error, "closed")
    assert error.rest() == wire
    check_reason(client.recv_fails(s), "enotconn")


def test_rest_is_attached_where_data_is(room):
    c = room.client("attached")
    s, peer = room.pair(c)
    peer.put(b"\0\xffrest").half_close()
    error = c.recv_fails(s, 10)
    check_reason(error, "closed")
    assert error.attachment == b"\0\xffrest"


def test_a_waiting_recv_gets_closed_at_the_end(room, client):
    s, peer = room.pair(client)
    waiting = client.start_recv(s, 10)
    peer.put(b"abc").half_close()
    error = client.reply(waiting).error()
    check_reason(error, "closed")
    assert error.rest() == b"abc"


@probe(29)
def test_after_the_end_each_of_recv_and_send_says_closed_once(room, client):
    s, peer = room.pair(client)
    peer.put(b"12345").half_close()
    assert client.recv(s) == b"12345"
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "enotconn")
    check_reason(client.send_fails(s), "closed")
    check_reason(client.send_fails(s), "enotconn")
    assert peer.read_end() == b""


@probe(31, 86)
def test_activating_a_zombie_tells_tcp_closed_and_ends_it(room, client):
    for active in (True, "once", 2):
        s, _ = room.zombie(client)
        assert client.setopts(s, {"active": active}) == "ok"
        client.event("tcp_closed", s)
        check_reason(client.recv_fails(s), "closed")
        assert client.states(s) == ["closed"]


@probe(86)
@pytest.mark.parametrize("active", [0, -1])
def test_a_zombie_given_a_number_below_1_tells_tcp_passive_only(room, client, active):
    s, _ = room.zombie(client)
    assert client.setopts(s, {"active": active}) == "ok"
    client.event("tcp_passive", s)
    client.no_event(s)
    assert client.states(s) == []
    assert client.setopts(s, {"active": 2}) == "ok"
    client.event("tcp_closed", s)
    assert client.states(s) == ["closed"]


def test_what_a_zombie_answers(room, client):
    s, _ = room.zombie(client)
    who = client.sync()["client"]
    assert client.states(s) == []
    check_reason(client.fails("inet.sockname", {"socket": s}), "ebadf")
    check_reason(client.fails("inet.peername", {"socket": s}), "enotconn")
    check_reason(client.fails("inet.port", {"socket": s}), "ebadf")
    check_reason(client.fails("gen_tcp.shutdown", {"socket": s, "how": "write"}), "enotconn")
    check_reason(client.fails("gen_tcp.unrecv", {"socket": s, "data": "x"}), "enotconn")
    check_reason(client.fails("gen_tcp.accept", {"socket": s, "timeout": 0}), "einval")
    check_reason(client.fails("inet.getfd", {"socket": s}), "einval")
    assert client.getstat(s)["recv_cnt"] == 0
    assert client.give(s, who) == "ok"
    assert client.getopts(s, ["active", "packet", "recbuf", "nodelay"]) == {
        "active": False,
        "packet": 0,
    }
    for option in ({"packet": 4}, {"nodelay": True}, {"sndbuf": 5000}, {"linger": [True, 1]}):
        assert client.setopts(s, option) == "ok"
    for option in ({"tos": 8}, {"ttl": 5}, {"priority": 1}):
        check_reason(client.fails("inet.setopts", {"socket": s, "options": option}), "einval")
    assert client.close_socket(s) == "ok"


@pytest.mark.parametrize("method,params,reason", [
    ("gen_tcp.send", {"data": "x"}, "closed"),
    ("gen_tcp.recv", {"length": 0}, "closed"),
    ("gen_tcp.accept", {}, "closed"),
    ("gen_tcp.shutdown", {"how": "read_write"}, "closed"),
    ("gen_tcp.unrecv", {"data": "x"}, "closed"),
    ("gen_tcp.controlling_process", {"client": 0}, "closed"),
    ("inet.setopts", {"options": {"active": False}}, "einval"),
    ("inet.getopts", {"names": ["active"]}, "einval"),
    ("inet.getstat", {}, "einval"),
    ("inet.sockname", {}, "einval"),
    ("inet.peername", {}, "einval"),
    ("inet.port", {}, "einval"),
])
def test_what_a_gone_socket_answers(room, client, method, params, reason):
    s = room.gone(client)
    params = dict(params)
    if "client" in params:
        params["client"] = client.sync()["client"]
    check_reason(client.fails(method, dict(params, socket=s)), reason)
    # One that was never given cannot be told from it.
    check_reason(client.fails(method, dict(params, socket=2**40)), reason)


def test_a_gone_socket_closes_again_and_has_the_state_closed(room, client):
    s = room.gone(client)
    assert client.close_socket(s) == "ok"
    assert client.states(s) == ["closed"]


@probe(30)
def test_exit_on_close_false_keeps_the_sending_half(room, client):
    s, peer = room.pair(client, {"exit_on_close": False})
    peer.put(b"last").half_close()
    assert client.recv(s) == b"last"
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "closed")
    assert client.send(s, b"still") == "ok"
    assert peer.read(5) == b"still"
    assert client.close_socket(s) == "ok"
    assert peer.read_end() == b""


def test_exit_on_close_false_tells_an_end_that_recv_noticed_once(room, client):
    s, peer = room.pair(client, {"exit_on_close": False})
    peer.half_close()
    check_reason(client.recv_fails(s), "closed")
    client.setopts(s, {"active": True})
    client.event("tcp_closed", s)
    client.setopts(s, {"active": "once"})
    client.no_event(s)
    assert client.states(s) == ["connected", "open"]


def test_the_end_is_there_once_it_is_noticed(room, client):
    """Until then the kernel is asked, and knows the peer still."""
    s, peer = room.pair(client)
    peer.half_close()
    assert client.call("inet.peername", {"socket": s})["port"] == peer.port()
    assert client.states(s) == ["connected", "open"]
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.fails("inet.peername", {"socket": s}), "enotconn")


def test_a_hidden_reset_is_closed(room, client):
    s, peer = room.pair(client)
    peer.put(b"data")
    peer.reset()
    assert client.recv(s) == b"data"
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "enotconn")


def test_a_shown_reset_is_econnreset_once(room, client):
    s, peer = room.pair(client, {"show_econnreset": True})
    peer.reset()
    check_reason(client.recv_fails(s), "econnreset")
    check_reason(client.recv_fails(s), "enotconn")


def test_exit_on_close_false_with_a_hidden_reset_stays_closed(room, client):
    s, peer = room.pair(client, {"exit_on_close": False})
    peer.reset()
    for _ in range(3):
        check_reason(client.recv_fails(s), "closed")


def test_close_by_another_client_ends_a_waiting_recv(room, client):
    s, _ = room.pair(client)
    waiting = client.start_recv(s)
    client.sync()
    assert room.client().close_socket(s) == "ok"
    check_reason(client.reply(waiting).error(), "closed")


def test_shutdown_read_ends_a_waiting_recv(room, client):
    s, _ = room.pair(client)
    waiting = client.start_recv(s)
    assert client.shutdown(s, "read") == "ok"
    check_reason(client.reply(waiting).error(), "closed")


def test_becoming_active_ends_a_waiting_recv(room, client):
    s, peer = room.pair(client)
    waiting = client.start_recv(s)
    assert client.setopts(s, {"active": True}) == "ok"
    check_reason(client.reply(waiting).error(), "einval")
    peer.send(b"event")
    assert client.gather(s, 5) == b"event"


@probe(25)
def test_a_receiver_that_vanishes_loses_nothing(room, client):
    """Row 6 of the decisions: its recv is dropped, and no data is lost."""
    s, peer = room.pair(client)
    other = room.client()
    other.start_recv(s)
    other.sync()
    check_reason(client.recv_fails(s, 0, 10), "ealready")
    other.close()

    def free():
        return client.recv_fails(s, 0, 10).message == "timeout"

    g.until(free, "the end of a vanished client's recv")
    peer.send(b"kept")
    assert client.recv(s) == b"kept"


def test_any_client_of_the_uid_may_recv(room, client):
    s, peer = room.pair(client)
    other = room.client()
    peer.put(b"ab")
    assert other.recv(s, 1) == b"a"
    assert client.recv(s, 1) == b"b"


def test_recv_is_cancelled(room, client):
    s, peer = room.pair(client)
    waiting = client.start_recv(s, 4)
    peer.put(b"ab")
    assert client.call("session.cancel", {"id": waiting}) is True
    check_reason(client.reply(waiting).error(), "cancelled")
    peer.put(b"cd")
    assert client.recv(s, 4) == b"abcd"


def test_a_waiting_recv_holds_back_no_send(room, client):
    s, peer = room.pair(client)
    waiting = client.start_recv(s)
    assert client.send(s, b"ping") == "ok"
    assert peer.read(4) == b"ping"
    peer.send(b"pong")
    assert client.received(waiting) == b"pong"


@probe(67)
def test_unrecv_stacks_in_front(room, client):
    s, peer = room.pair(client)
    assert client.call("gen_tcp.unrecv", {"socket": s, "data": "B"}) == "ok"
    assert client.call("gen_tcp.unrecv", {"socket": s, "data": "A"}) == "ok"
    assert client.recv(s) == b"AB"
    peer.put(b"old")
    client.call("gen_tcp.unrecv", {"socket": s, "data": "new"})
    assert client.recv(s, 6) == b"newold"


def test_unrecv_comes_alone_before_what_the_kernel_has(room, client):
    """What was put back counts when it is delivered again."""
    s, peer = room.pair(client)
    peer.put(b"world")
    assert client.recv(s, 2) == b"wo"
    for data in ("o", "w", "hello "):
        assert client.call("gen_tcp.unrecv", {"socket": s, "data": data}) == "ok"
    assert client.recv(s) == b"hello wo"
    assert client.recv(s) == b"rld"
    assert client.getstat(s, ["recv_oct", "recv_cnt"]) == {"recv_oct": 13, "recv_cnt": 3}


def test_unrecv_is_framed_with_what_follows(room, client):
    s, peer = room.pair(client, {"packet": 2})
    client.call("gen_tcp.unrecv", {"socket": s, "data": g.as_data(b"\0\4ab")})
    peer.send(b"cd")
    assert client.recv(s) == b"abcd"


def test_unrecv_on_an_active_socket_is_delivered_at_once(room, client):
    s, _ = room.pair(client, {"active": "once"})
    r = client.reply(client.request("gen_tcp.unrecv", {"socket": s, "data": "back"}))
    assert r.result() == "ok"
    e = client.event("tcp", s)
    assert e.data == b"back" and e.number < r.number
    assert client.getopt(s, "active") is False


def test_unrecv_on_a_listener_is_enotconn(room, client):
    listener, _ = client.listen()
    check_reason(client.fails("gen_tcp.unrecv", {"socket": listener, "data": "x"}), "enotconn")


def test_unrecv_wakes_a_waiting_recv(room, client):
    s, _ = room.pair(client)
    waiting = client.start_recv(s, 3)
    client.call("gen_tcp.unrecv", {"socket": s, "data": "abc"})
    assert client.received(waiting) == b"abc"


@probe(68)
def test_counters_of_what_was_delivered(room, client):
    s, peer = room.pair(client)
    for size in (2, 3, 10):
        peer.put(b"x" * size)
        assert client.recv(s) == b"x" * size
    assert client.getstat(s, ["recv_oct", "recv_cnt", "recv_max", "recv_avg", "recv_dvi"]) == {
        "recv_oct": 15,
        "recv_cnt": 3,
        "recv_max": 10,
        "recv_avg": 5,
        "recv_dvi": 1,
    }
    peer.put(b"unread")
    assert client.getstat(s, ["recv_oct"]) == {"recv_oct": 15}


def test_64_kib_and_more_by_recv_n(room, client):
    s, peer = room.pair(client)
    data = g.pattern(3 * g.MB)
    waiting = client.start_recv(s, len(data))
    peer.send(data)
    assert client.received(waiting) == data


def test_data_before_a_reset_comes_first_in_recv_n(room, client):
    s, peer = room.pair(client)
    peer.put(b"abcdef")
    assert client.recv(s, 2) == b"ab"
    peer.half_close()
    assert client.recv(s, 2) == b"cd"
    error = client.recv_fails(s, 3)
    check_reason(error, "closed")
    assert error.rest() == b"ef"
