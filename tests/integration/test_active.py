# SPDX-License-Identifier: ISC
"""Active modes: true, once, N, false; what is told, when, and in which order."""

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe


def setopts_numbered(client, s, options):
    """setopts, and the number of its reply among all that the daemon said."""
    r = client.reply(client.request("inet.setopts", {"socket": s, "options": options}))
    assert r.result() == "ok"
    return r.number


def test_true_delivers_everything(room, client):
    s, peer = room.pair(client, {"active": True})
    data = g.pattern(200000)
    peer.send(data)
    assert client.gather(s, len(data)) == data
    assert client.getopt(s, "active") is True
    peer.half_close()
    client.event("tcp_closed", s)
    client.no_event(s)


def test_active_is_true_by_default(room, client):
    listener = room.tcp_listener()
    r = client.call(
        "gen_tcp.connect", {"address": "127.0.0.1", "port": listener.getsockname()[1]}
    )
    assert client.getopt(r["socket"], "active") is True
    assert client.getopt(r["socket"], "mode") == "binary"
    r = client.call("gen_tcp.listen", {"port": 0, "options": {"ip": "127.0.0.1"}})
    assert client.getopt(r["socket"], "active") is True


def test_once_delivers_one_packet_and_turns_off_silently(room, client):
    s, peer = room.pair(client, {"packet": 1})
    peer.put(b"\1a\1b")
    number = setopts_numbered(client, s, {"active": "once"})
    e = client.event("tcp", s)
    assert e.data == b"a" and e.number < number
    assert client.getopt(s, "active") is False
    client.no_event(s)
    assert client.recv(s) == b"b"


@probe(49)
def test_n_counts_packets_and_ends_with_tcp_passive(room, client):
    s, peer = room.pair(client, {"packet": 1})
    peer.put(b"\1a\1b\1c\1d")
    assert client.setopts(s, {"active": 3}) == "ok"
    assert [client.event("tcp", s).data for _ in range(3)] == [b"a", b"b", b"c"]
    client.event("tcp_passive", s)
    assert client.getopt(s, "active") is False
    client.no_event(s)
    assert client.recv(s) == b"d"


def test_getopts_shows_what_is_left_of_n(room, client):
    s, peer = room.pair(client, {"packet": 1, "active": 5})
    peer.send(b"\1a\1b")
    client.event("tcp", s)
    client.event("tcp", s)
    assert client.getopt(s, "active") == 3


@probe(47)
def test_numbers_add_up(room, client):
    s, _ = room.pair(client)
    assert client.setopts(s, [["active", 3], ["active", 2]]) == "ok"
    assert client.getopt(s, "active") == 5
    client.setopts(s, {"active": -1})
    assert client.getopt(s, "active") == 4
    client.setopts(s, {"active": 0})
    assert client.getopt(s, "active") == 4
    client.no_event(s)
    client.setopts(s, {"active": -4})
    client.event("tcp_passive", s)
    assert client.getopt(s, "active") is False


def test_words_replace_the_number(room, client):
    s, _ = room.pair(client, {"active": 7})
    client.setopts(s, {"active": True})
    assert client.getopt(s, "active") is True
    client.setopts(s, {"active": 2})
    assert client.getopt(s, "active") == 2
    client.setopts(s, {"active": "once"})
    assert client.getopt(s, "active") == "once"
    client.setopts(s, [["active", 9], ["active", False], ["active", 4]])
    assert client.getopt(s, "active") == 4


@probe(46)
def test_false_is_silent_and_0_is_not(room, client):
    s, _ = room.pair(client, {"active": 3})
    client.setopts(s, {"active": False})
    client.no_event(s)
    number = setopts_numbered(client, s, {"active": 0})
    assert client.event("tcp_passive", s).number < number
    number = setopts_numbered(client, s, {"active": -7})
    assert client.event("tcp_passive", s).number < number
    client.no_event(s)


@probe(48)
def test_the_number_has_16_bits(room, client):
    s, _ = room.pair(client, {"active": 32767})
    check_reason(
        client.fails("inet.setopts", {"socket": s, "options": {"active": 1}}), "einval"
    )
    assert client.getopt(s, "active") == 32767
    for bad in (32768, -32769, 2**32, 1.0, "twice", None, [1]):
        check_reason(
            client.fails("inet.setopts", {"socket": s, "options": {"active": bad}}), "einval"
        )
    assert client.getopt(s, "active") == 32767
    s, _ = room.pair(client, {"active": 10})
    check_reason(
        client.fails("inet.setopts", {"socket": s, "options": {"active": -32768 - 11}}),
        "einval",
    )
    assert client.getopt(s, "active") == 10


@pytest.mark.parametrize("active", [0, -5])
def test_a_number_below_1_at_connect_tells_tcp_passive(room, client, active):
    s, _ = room.pair(client, {"active": active})
    client.event("tcp_passive", s)
    client.no_event(s)
    assert client.getopt(s, "active") is False


@pytest.mark.parametrize("active", [0, -5])
def test_a_number_below_1_at_listen_tells_tcp_passive_once(room, client, active):
    listener, port = client.listen({"active": active})
    client.event("tcp_passive", listener)
    room.dial(port)
    s = client.accept(listener)
    assert client.getopt(s, "active") is False
    client.no_event()


@probe(50)
def test_the_close_waits_for_the_next_activation(room, client):
    s, peer = room.pair(client, {"packet": 1})
    peer.put(b"\1a").half_close()
    client.setopts(s, {"active": 1})
    assert client.event("tcp", s).data == b"a"
    client.event("tcp_passive", s)
    client.no_event(s)
    client.setopts(s, {"active": 1})
    client.event("tcp_closed", s)
    client.no_event(s)
    assert client.states(s) == ["closed"]


def test_only_data_counts(room, client):
    s, peer = room.pair(client, {"packet": 1, "active": 2, "exit_on_close": False})
    peer.send(b"\1x").half_close()
    assert client.event("tcp", s).data == b"x"
    client.event("tcp_closed", s)
    assert client.getopt(s, "active") == 1
    client.no_event(s)


def test_a_close_that_once_left_is_told_by_recv_and_then_as_an_event(room, client):
    s, peer = room.pair(client)
    peer.put(b"d").half_close()
    client.setopts(s, {"active": "once"})
    assert client.event("tcp", s).data == b"d"
    client.no_event(s)
    check_reason(client.recv_fails(s), "closed")
    client.setopts(s, {"active": "once"})
    client.event("tcp_closed", s)
    assert client.states(s) == ["closed"]


def test_data_comes_before_the_close(room, client):
    s, peer = room.pair(client)
    peer.put(b"all").half_close()
    client.setopts(s, {"active": True})
    assert client.event("tcp", s).data == b"all"
    client.event("tcp_closed", s)
    check_reason(client.send_fails(s), "closed")
    check_reason(client.recv_fails(s), "closed")
    check_reason(
        client.fails("inet.setopts", {"socket": s, "options": {"active": True}}), "einval"
    )


@probe(51)
def test_exit_on_close_false_tells_tcp_closed_once(room, client):
    s, peer = room.pair(client, {"active": True, "exit_on_close": False})
    peer.half_close()
    client.event("tcp_closed", s)
    assert client.getopt(s, "active") is True
    client.setopts(s, {"active": False})
    client.setopts(s, {"active": True})
    client.no_event(s)
    assert client.send(s, b"half") == "ok"
    assert peer.read(4) == b"half"
    client.setopts(s, {"active": False})
    check_reason(client.recv_fails(s), "closed")
    check_reason(client.recv_fails(s), "closed")
    assert client.close_socket(s) == "ok"
    client.no_event(s)


def test_exit_on_close_false_and_a_dead_peer(room, client):
    s, peer = room.pair(client, {"active": True, "exit_on_close": False})
    peer.close()
    client.event("tcp_closed", s)

    def noticed():
        r = client.reply(client.start_send(s, b"x"))
        return r if "error" in r.json else None

    check_reason(g.until(noticed, "a send to fail").error(), "closed")
    client.no_event(s)


def test_a_hidden_reset_is_tcp_closed(room, client):
    s, peer = room.pair(client, {"active": True})
    peer.reset()
    client.event("tcp_closed", s)
    client.no_event(s)


def test_a_shown_reset_is_tcp_error_and_tcp_closed(room, client):
    s, peer = room.pair(client, {"active": True, "show_econnreset": True})
    peer.reset()
    assert client.event("tcp_error", s).params["reason"] == "econnreset"
    client.event("tcp_closed", s)
    client.no_event(s)


def test_activating_after_a_shown_reset_noticed_by_send(room, client):
    s, peer = room.pair(client, {"show_econnreset": True})
    peer.reset()

    def noticed():
        r = client.reply(client.start_send(s, b"x"))
        return r if "error" in r.json else None

    check_reason(g.until(noticed, "a send to fail").error(), "econnreset")
    client.setopts(s, {"active": True})
    assert client.event("tcp_error", s).params["reason"] == "econnreset"
    client.event("tcp_closed", s)


@probe(88)
def test_own_shutdown_read_is_tcp_closed(room, client):
    s, _ = room.pair(client, {"active": True})
    assert client.shutdown(s, "read") == "ok"
    client.event("tcp_closed", s)


def test_a_local_close_tells_nothing(room, client):
    s, _ = room.pair(client, {"active": True})
    assert room.client().close_socket(s) == "ok"
    client.no_event(s)


def test_nothing_follows_the_reply_to_close(room, client):
    for _ in range(20):
        s, peer = room.pair(client, {"active": True})
        peer.send(b"x" * 100000)
        client.event("tcp", s)
        assert client.close_socket(s) == "ok"
        taken = len(client.events)
        client.sync()
        assert len(client.events) == taken
        client.events.clear()
        peer.close()


def test_the_reply_comes_before_the_events_of_a_new_socket(room, client):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    for _ in range(20):
        i = client.request(
            "gen_tcp.connect",
            {"address": "127.0.0.1", "port": port, "options": {"active": True}},
        )
        peer = g.Peer(room.own(listener.accept()[0]))
        peer.send(b"hello").half_close()
        r = client.reply(i)
        s = r.result()["socket"]
        first = client.event("tcp", s)
        last = client.event("tcp_closed", s)
        assert r.number < first.number < last.number
        peer.close()


def test_bytes_left_over_stay_across_toggles(room, client):
    s, peer = room.pair(client, {"packet": 2, "active": True})
    peer.put(b"\0\4ab")
    client.no_event(s)
    client.setopts(s, {"active": False})
    waiting = client.start_recv(s)
    peer.send(b"cd\0\1")
    assert client.received(waiting) == b"abcd"
    client.setopts(s, {"active": True})
    peer.send(b"e")
    assert client.event("tcp", s).data == b"e"


def test_packet_and_active_in_one_list_are_both_in_force(room, client):
    for options in ([["active", True], ["packet", 1]], [["packet", 1], ["active", True]]):
        s, peer = room.pair(client)
        peer.put(b"\2ab\1c")
        assert client.setopts(s, options) == "ok"
        assert client.event("tcp", s).data == b"ab"
        assert client.event("tcp", s).data == b"c"


def test_a_change_of_packet_delivers_what_is_now_complete(room, client):
    s, peer = room.pair(client, {"packet": 2, "active": True})
    peer.put(b"\0")
    client.no_event(s)
    client.setopts(s, {"packet": "raw"})
    assert client.event("tcp", s).data == b"\0"


@probe(52)
def test_an_oversized_packet_comes_after_the_good_ones(room, client):
    """Row 8 of the decisions: reported at once, after the good ones."""
    s, peer = room.pair(client, {"packet": 2, "packet_size": 10, "active": True})
    peer.send(b"\0\3abc\0\x0bx")
    assert client.event("tcp", s).data == b"abc"
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)
    assert client.states(s) == ["closed"]
    try:
        assert peer.read_end() == b""
    except ConnectionResetError:
        pass  # its last byte was not read


def test_an_oversized_packet_with_exit_on_close_false_leaves_the_sending_half(room, client):
    s, peer = room.pair(
        client, {"packet": 2, "packet_size": 10, "active": True, "exit_on_close": False}
    )
    peer.send(b"\0\x0bx")
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)
    assert client.send(s, b"out") == "ok"
    assert peer.read(5) == b"\0\3out"


def test_an_oversized_packet_does_not_use_up_once(room, client):
    s, peer = room.pair(client, {
        "packet": 2, "packet_size": 10, "active": "once", "exit_on_close": False,
    })
    peer.send(b"\0\x0bx")
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)
    assert client.getopt(s, "active") == "once"


@probe(60)
def test_header_splits_binary_data(room, client):
    s, peer = room.pair(client, {"header": 2, "packet": 1, "active": True})
    peer.send(b"\6abcdef\1a\2ab")
    e = client.event("tcp", s)
    assert e.params["header"] == [97, 98] and e.data == b"cdef"
    e = client.event("tcp", s)
    assert e.params["header"] == [97] and not e.data
    e = client.event("tcp", s)
    assert e.params["header"] == [97, 98] and e.data == b""


def test_header_in_a_recv(room, client):
    s, peer = room.pair(client, {"header": 3})
    peer.put(b"abcdef")
    r = client.call("gen_tcp.recv", {"socket": s, "length": 6})
    assert r["header"] == [97, 98, 99] and g.payload(r["data"]) == b"def"


def test_header_is_ignored_in_list_mode(room, client):
    s, peer = room.pair(client, {"header": 2, "mode": "list", "active": True})
    peer.send(b"abc")
    e = client.event("tcp", s)
    assert e.params["data"] == [97, 98, 99] and "header" not in e.params


def test_raw_deliveries_keep_to_buffer_once_it_was_set(room, client):
    s, peer = room.pair(client, {"buffer": 100})
    peer.put(g.pattern(1000))
    client.setopts(s, {"active": True})
    got = b""
    while len(got) < 1000:
        data = client.event("tcp", s).data
        assert 0 < len(data) <= 100
        got += data
    assert got == g.pattern(1000)


def test_raw_deliveries_of_up_to_64_kib_by_default(room, client):
    s, peer = room.pair(client)
    peer.put(g.pattern(50000))
    client.setopts(s, {"active": "once"})
    assert client.event("tcp", s).data == g.pattern(50000)
    assert client.getopt(s, "buffer") == 1460


@probe(87)
def test_a_cut_line_counts_as_two_packets(room, client):
    s, peer = room.pair(client, {"packet": "line"})
    peer.put(b"a" * 1461 + b"\n")
    client.setopts(s, {"active": 2})
    assert client.event("tcp", s).data == b"a" * 1460
    assert client.event("tcp", s).data == b"a\n"
    client.event("tcp_passive", s)


def test_many_small_packets_in_one_read(room, client):
    s, peer = room.pair(client, {"packet": 1, "active": True})
    peer.send(b"".join(b"\3%03d" % (n % 1000) for n in range(5000)))
    for n in range(5000):
        assert client.event("tcp", s).data == b"%03d" % (n % 1000)


def test_many_resets_of_n_lose_nothing(room, client):
    s, peer = room.pair(client, {"packet": 1, "active": 10})
    peer.send(b"".join(b"\2%02d" % (n % 100) for n in range(1000)))
    for n in range(1000):
        assert client.event("tcp", s).data == b"%02d" % (n % 100)
        if n % 10 == 9:
            client.event("tcp_passive", s)
            client.setopts(s, {"active": 10})
    assert client.getopt(s, "active") == 10


def test_many_once(room, client):
    s, peer = room.pair(client, {"packet": 4, "active": "once"})
    peer.send(b"".join(b"\0\0\0\3%03d" % n for n in range(500)))
    for n in range(500):
        assert client.event("tcp", s).data == b"%03d" % n
        assert not client.events
        client.setopts(s, {"active": "once"})


def test_the_data_settings(room):
    values = {
        "auto": ["t\u00e9xt", {"base64": "YQBi"}, {"base64": "/w=="}],
        "base64": [{"base64": "dMOpeHQ="}, {"base64": "YQBi"}, {"base64": "/w=="}],
    }
    payloads = ["t\u00e9xt".encode(), b"a\0b", b"\xff"]
    for setting, wanted in values.items():
        c = room.client(setting)
        s, peer = room.pair(c, {"packet": 1, "active": True})
        for data in payloads:
            peer.send(bytes([len(data)]) + data)
        assert [c.event("tcp", s).params["data"] for _ in payloads] == wanted
    c = room.client("attached")
    s, peer = room.pair(c, {"packet": 1, "active": True})
    for data in payloads + [b""]:
        peer.send(bytes([len(data)]) + data)
        e = c.event("tcp", s)
        assert e.attachment == data and "data" not in e.params
        assert "mode" not in e.params


def test_list_mode(room):
    for setting in ("auto", "base64"):
        c = room.client(setting)
        s, peer = room.pair(c, [["active", True], "list"])
        assert c.getopt(s, "mode") == "list"
        peer.put(b"a\0\xff")
        assert c.event("tcp", s).params["data"] == [97, 0, 255]
        c.setopts(s, ["binary", {"active": False}])
        c.setopts(s, {"mode": "list"})
        peer.put(b"xy")
        assert c.call("gen_tcp.recv", {"socket": s, "length": 0})["data"] == [120, 121]
    c = room.client("attached")
    s, peer = room.pair(c, {"mode": "list", "active": True})
    peer.put(b"a\0\xff")
    e = c.event("tcp", s)
    assert e.attachment == b"a\0\xff" and e.params["mode"] == "list"
    assert "data" not in e.params


def test_an_escaped_text_arrives_as_it_was(room, client):
    s, peer = room.pair(client, {"active": True})
    data = "\"\\/\b\f\n\r\t\x01\x1f\x7f\u2028\ud7ff\U0010ffff</script>".encode()
    peer.put(data)
    assert client.event("tcp", s).data == data
    # Not UTF-8: overlong, surrogate, beyond U+10FFFF, cut.
    for bad in (b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
        peer.put(bad)
        e = client.event("tcp", s)
        assert isinstance(e.params["data"], dict) and e.data == bad
