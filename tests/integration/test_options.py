# SPDX-License-Identifier: ISC
"""Options in lists, and what one does to another.  What each does by itself is the
matrix, test_option_matrix.py."""

import socket

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe

# --- lists -------------------------------------------------------------------


@probe(1, 2)
def test_later_ones_win_in_every_list(room, client):
    """Row 2 of the decisions: first to last, in setopts too."""
    s, _ = room.pair(client, [["packet", 1], ["packet", 2]])
    assert client.getopt(s, "packet") == 2
    client.setopts(s, [["packet", 4], ["packet", 1]])
    assert client.getopt(s, "packet") == 1


def test_every_form_of_an_options_array(room, client):
    s, _ = room.pair(client)
    client.setopts(s, ["list", {"packet": 4}, ["header", 3]])
    assert client.getopts(s, ["mode", "packet", "header"]) == {
        "mode": "list", "packet": 4, "header": 3,
    }
    client.setopts(s, ["binary"])
    assert client.getopt(s, "mode") == "binary"
    assert client.setopts(s, []) == "ok"
    assert client.setopts(s, {}) == "ok"


@pytest.mark.parametrize("options", [
    "binary", 1, None, True, [1], [None], [["packet"]], [["packet", 1, 2]], [[]], [{}],
    [{"packet": 1, "header": 2}], [["packet", 1], 5], [[1, 2]], ["packet"], {"binary": True, "x": 1},
])
def test_options_that_are_no_options(room, client, options):
    s, _ = room.pair(client)
    error = client.fails("inet.setopts", {"socket": s, "options": options})
    assert error.message == "einval" or error.code == g.INVALID_PARAMS
    assert client.getopts(s, ["packet", "header"]) == {"packet": 0, "header": 0}


@probe(4)
def test_an_unknown_name_changes_nothing(room, client):
    s, _ = room.pair(client)
    options = [["header", 7], ["no_such_option", 1], ["packet_size", 77]]
    error = client.fails("inet.setopts", {"socket": s, "options": options})
    check_reason(error, "einval")
    assert "no_such_option" in str(error.data)
    assert client.getopts(s, ["header", "packet_size"]) == {"header": 0, "packet_size": 0}
    for method, params in (
        ("gen_tcp.connect", {"address": "127.0.0.1", "port": 1}),
        ("gen_tcp.listen", {"port": 0}),
    ):
        error = client.fails(method, dict(params, options={"no_such_option": 1}))
        check_reason(error, "badarg")
        assert "no_such_option" in str(error.data)


def test_a_kernel_failure_stops_the_list_and_is_named(room, client):
    s, _ = room.pair(client)
    options = [["packet_size", 77], ["tclass", 3], ["header", 7]]
    error = client.fails("inet.setopts", {"socket": s, "options": options})
    check_reason(error, "einval")
    assert error.data["option"] == "tclass"
    assert client.getopt(s, "header") == 0


def test_a_kernel_failure_at_connect_is_badarg_and_at_listen_einval(room, client):
    listener = room.tcp_listener()
    error = client.fails("gen_tcp.connect", {
        "address": "127.0.0.1", "port": listener.getsockname()[1],
        "options": {"tclass": 3},
    })
    check_reason(error, "badarg")
    assert error.data["option"] == "tclass"
    error = client.fails("gen_tcp.listen", {"port": 0, "options": {"tclass": 3}})
    check_reason(error, "einval")


def test_getopts(room, client):
    s, _ = room.pair(client)
    assert client.getopts(s, []) == {}
    assert client.getopts(s, ["packet", "mode", "packet"]) == {"packet": 0, "mode": "binary"}
    # What this socket has not is left out.
    assert client.getopts(s, ["mode", "tclass", "packet"]) == {"mode": "binary", "packet": 0}
    for names in (["packet", "no_such_option"], ["binary"], ["inet"], ["ip"], ["port"], ["fd"]):
        check_reason(client.fails("inet.getopts", {"socket": s, "names": names}), "einval")
    for names in ("packet", None, 1, {"packet": 1}):
        error = client.fails("inet.getopts", {"socket": s, "names": names})
        assert error.code == g.INVALID_PARAMS
    error = client.fails("inet.getopts", {"socket": s, "names": [1]})
    assert error.message == "einval" or error.code == g.INVALID_PARAMS


@pytest.mark.parametrize("options", [
    {"tcp_module": "inet_tcp"}, {"protocol": "tcp"}, {"inet_backend": "inet"}, {"backlog": 5}, {"ip": "127.0.0.1"}, {"ifaddr": "127.0.0.1"}, {"port": 5}, {"fd": "passed"},
    ["inet"], ["inet6"], ["local"],
])
def test_what_only_opening_takes(room, client, options):
    s, _ = room.pair(client)
    check_reason(client.fails("inet.setopts", {"socket": s, "options": options}), "einval")


def test_msgq_watermarks_push_each_other(room, client):
    s, _ = room.pair(client)
    names = ["high_msgq_watermark", "low_msgq_watermark"]
    client.setopts(s, {"low_msgq_watermark": 10000})
    assert client.getopts(s, names) == {name: 10000 for name in names}
    client.setopts(s, {"high_msgq_watermark": 100})
    assert client.getopts(s, names) == {name: 100 for name in names}


def test_info_tells_of_sends_that_wait(room, client):
    """Row 18 of the decisions: they wait, and inet.info says how much."""
    s, peer = room.pair(client, {
        "high_msgq_watermark": 3000, "low_msgq_watermark": 1000, "high_watermark": 1000,
    }, small=True)
    assert client.call("inet.info", {"socket": s})["msgq"] == {"bytes": 0, "busy": False}
    client.send(s, bytes(4 * g.MB))
    others = [room.client() for _ in range(4)]
    waiting = []
    for other, wanted in zip(others, (0, 1500, 3000, 4500)):
        waiting.append(other.start_send(s, b"x" * 1500))
        other.sync()
        assert client.call("inet.info", {"socket": s})["msgq"] == {
            "bytes": wanted, "busy": wanted >= 3000,
        }
    client.setopts(s, {"high_msgq_watermark": 5000, "low_msgq_watermark": 4500})
    assert client.call("inet.info", {"socket": s})["msgq"] == {"bytes": 4500, "busy": False}
    client.setopts(s, {"high_msgq_watermark": 3000, "low_msgq_watermark": 1000})
    assert client.call("inet.info", {"socket": s})["msgq"]["busy"] is True
    others[3].close()  # what it gave is withdrawn
    g.until(lambda: client.call("inet.info", {"socket": s})["msgq"]["bytes"] == 3000, "withdrawal")
    assert client.call("inet.info", {"socket": s})["msgq"]["busy"] is True
    others[2].close()
    g.until(lambda: client.call("inet.info", {"socket": s})["msgq"]["bytes"] == 1500, "withdrawal")
    assert client.call("inet.info", {"socket": s})["msgq"]["busy"] is True  # above low
    peer.read(4 * g.MB + 2 * 1500)
    for other, number in zip(others[:2], waiting):
        assert other.reply(number).result() == "ok"
    assert client.call("inet.info", {"socket": s})["msgq"] == {"bytes": 0, "busy": False}


def test_the_first_of_family_words_and_tcp_module_wins(room, client, has_ipv6):
    if not has_ipv6:
        pytest.skip("this machine has no IPv6")
    port = room.tcp_listener().getsockname()[1]
    for options in (["inet6", {"tcp_module": "inet_tcp"}], [{"tcp_module": "inet6_tcp"}, "inet"]):
        error = client.fails("gen_tcp.connect", {
            "address": {"family": "inet", "addr": "127.0.0.1", "port": port}, "options": options})
        check_reason(error, "eafnosupport")
    s = client.connect(port, [{"tcp_module": "inet_tcp"}, "inet6", {"active": False}])
    assert client.call("inet.peername", {"socket": s})["family"] == "inet"
    listener = client.call("gen_tcp.listen", {
        "port": 0, "options": [{"tcp_module": "inet6_tcp"}, {"ip": "::1"}]})["socket"]
    assert client.call("inet.sockname", {"socket": listener})["family"] == "inet6"


def test_watermarks_push_each_other(room, client):
    s, _ = room.pair(client)
    names = ["high_watermark", "low_watermark"]
    client.setopts(s, {"high_watermark": 10})
    assert client.getopts(s, names) == {"high_watermark": 10, "low_watermark": 10}
    client.setopts(s, {"low_watermark": 5000})
    assert client.getopts(s, names) == {"high_watermark": 5000, "low_watermark": 5000}
    client.setopts(s, [["low_watermark", 1000], ["high_watermark", 10]])
    assert client.getopts(s, names) == {"high_watermark": 10, "low_watermark": 10}


@probe(73, 74)
def test_recbuf_raises_buffer_unless_it_was_set(room, client):
    s, _ = room.pair(client)
    names = ["buffer", "recbuf"]
    client.setopts(s, {"recbuf": 5000})
    assert client.getopts(s, names) == {"buffer": 5000, "recbuf": 10000}
    client.setopts(s, {"recbuf": 3000})
    assert client.getopts(s, names) == {"buffer": 5000, "recbuf": 6000}
    for order in ([["recbuf", 5000], ["buffer", 200]], [["buffer", 200], ["recbuf", 5000]]):
        s, _ = room.pair(client, order)
        assert client.getopts(s, names) == {"buffer": 200, "recbuf": 10000}
        s, _ = room.pair(client)
        client.setopts(s, order)
        assert client.getopt(s, "buffer") == 200


def test_reuseport_and_reuseport_lb_are_one(room, client):
    s, _ = room.pair(client)
    client.setopts(s, {"reuseport": True})
    assert client.getopts(s, ["reuseport", "reuseport_lb"]) == {
        "reuseport": True, "reuseport_lb": True,
    }
    client.setopts(s, {"reuseport_lb": False})
    assert client.getopt(s, "reuseport") is False


def test_ttl_minus_1_is_the_systems_default(room, client):
    s, _ = room.pair(client)
    before = client.getopt(s, "ttl")
    client.setopts(s, {"ttl": 77})
    client.setopts(s, {"ttl": -1})
    assert client.getopt(s, "ttl") == before


def test_ipv6_v6only_is_for_listen(room, client, has_ipv6):
    if not has_ipv6:
        pytest.skip("this machine has no IPv6")
    for value in (True, False):
        r = client.call("gen_tcp.listen", {"port": 0, "options": [
            "inet6", ["active", False], ["ipv6_v6only", value]]})
        assert client.getopt(r["socket"], "ipv6_v6only") is value
        s = room.own(socket.socket())
        if value:
            with pytest.raises(OSError):
                s.connect(("127.0.0.1", r["port"]))
        else:
            s.connect(("127.0.0.1", r["port"]))
            a = client.accept(r["socket"])
            assert client.call("inet.peername", {"socket": a})["addr"] == "::ffff:127.0.0.1"
    s, _ = room.pair(client)
    error = client.fails("inet.setopts", {"socket": s, "options": {"ipv6_v6only": True}})
    check_reason(error, "einval")


def test_kernel_options_are_really_set(room, client):
    """Seen from outside: what the peer can tell of the daemon's socket."""
    s, peer = room.pair(client, {"nodelay": True})
    assert client.getopt(s, "nodelay") is True
    client.setopts(s, {"nopush": True})
    client.send(s, b"held")
    client.setopts(s, {"nopush": False})
    assert peer.read(4) == b"held"


def test_options_of_a_listener(room, client):
    listener, _ = client.listen()
    client.setopts(listener, {"packet": 4, "keepalive": True})
    assert client.getopts(listener, ["packet", "keepalive"]) == {"packet": 4, "keepalive": True}
