# SPDX-License-Identifier: ISC
"""The options raw and pktoptions."""

import base64
import os
import socket
import struct

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe

TCP = socket.IPPROTO_TCP
NODELAY = socket.TCP_NODELAY


def number(n):
    return {"base64": base64.b64encode(struct.pack("=i", n)).decode()}


def value(element):
    """The bytes in one element of getopts' raw."""
    assert list(element[2]) == ["base64"], element
    return base64.b64decode(element[2]["base64"], validate=True)


def ask(client, s, *questions):
    return client.getopts(s, [{"raw": list(q)} for q in questions])["raw"]


def one(client, s, level, name, size=4):
    found = ask(client, s, (level, name, size))
    assert [e[:2] for e in found] == [[level, name]]
    return value(found[0])


def one_int(client, s, level, name):
    return struct.unpack("=i", one(client, s, level, name))[0]


# --- raw ---------------------------------------------------------------------


def test_set_and_asked_for(room, client):
    s, _ = room.pair(client)
    assert one_int(client, s, TCP, NODELAY) == 0
    for data in (number(1), [1, 0, 0, 0], "\1\0\0\0", [[1], "\0", {"base64": "AAA="}]):
        client.setopts(s, {"nodelay": False})
        client.setopts(s, [["raw", [TCP, NODELAY, data]]])
        assert client.getopt(s, "nodelay") is True
        assert one_int(client, s, TCP, NODELAY) == 1
    client.setopts(s, {"raw": [TCP, NODELAY, number(0)]})
    assert client.getopt(s, "nodelay") is False


def test_several_are_all_kept(room, client):
    options = [
        ["raw", [TCP, socket.TCP_SYNCNT, number(3)]],
        {"raw": [TCP, socket.TCP_QUICKACK, number(1)]},
        ["raw", [TCP, NODELAY, number(1)]],
        ["raw", [TCP, socket.TCP_SYNCNT, number(4)]],
        ["raw", [socket.IPPROTO_IP, socket.IP_TTL, number(77)]],
    ]
    s, _ = room.pair(client, options)
    assert one_int(client, s, TCP, socket.TCP_SYNCNT) == 4
    assert client.getopts(s, ["nodelay", "ttl"]) == {"nodelay": True, "ttl": 77}
    listener, port = client.listen(options + [{"active": False}])
    assert client.getopts(listener, ["nodelay", "ttl"]) == {"nodelay": True, "ttl": 77}
    room.dial(port)
    a = client.accept(listener)
    assert client.getopts(a, ["nodelay", "ttl"]) == {"nodelay": True, "ttl": 77}


def test_set_on_a_listener_it_is_inherited_as_its_option_is(room, client):
    """The kernel does not hand on priority; accept does, under both names."""
    listener, port = client.listen([
        ["raw", [socket.SOL_SOCKET, socket.SO_PRIORITY, number(4)]], ["active", False]])
    room.dial(port)
    assert client.getopt(client.accept(listener), "priority") == 4


@probe(80)
def test_getopts(room, client):
    s, _ = room.pair(client)
    client.setopts(s, {"nodelay": True})
    got = client.getopts(s, [
        "mode", {"raw": [TCP, NODELAY, 4]}, ["raw", [TCP, NODELAY, 2]], {"raw": [TCP, NODELAY, 0]},
        {"raw": [TCP, NODELAY, "abcd"]}, {"raw": [TCP, NODELAY, {"base64": ""}]}, "nodelay",
    ])
    assert got["mode"] == "binary" and got["nodelay"] is True
    assert [e[:2] for e in got["raw"]] == [[TCP, NODELAY]] * 5
    assert [value(e) for e in got["raw"]] == [
        b"\1\0\0\0", b"\1\0", b"", b"\1\0\0\0", b""]
    info = one(client, s, TCP, socket.TCP_INFO, 65536)
    assert 104 <= len(info) <= 1024
    assert info[0] == 1  # TCP_ESTABLISHED
    assert one(client, s, TCP, socket.TCP_INFO, 104) [:1] == b"\1"
    congestion = one(client, s, TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control") as f:
        assert congestion.decode() in f.read().split()


@probe(80)
def test_what_the_kernel_refuses_is_null_among_the_others(room, client):
    s, _ = room.pair(client)
    v6only = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 4)
    assert ask(client, s, v6only) == [None]
    got = ask(client, s, (TCP, NODELAY, 4), v6only, (TCP, socket.TCP_MAXSEG, 4))
    assert [e if e is None else e[:2] for e in got] == [
        [TCP, NODELAY], None, [TCP, socket.TCP_MAXSEG]]
    z, _ = room.zombie(client)
    assert ask(client, z, (TCP, NODELAY, 4)) == [None]
    client.setopts(z, {"raw": [TCP, NODELAY, number(1)]})


@probe(80)
@pytest.mark.parametrize("level,name", [
    (6, 9999), (TCP, 35), (socket.SOL_SOCKET, socket.SO_ERROR), (0, 0), (-1, -1),
    (socket.SOL_SOCKET, 21), (TCP, 31), (TCP, 19), (socket.IPPROTO_IP, 19),
])
def test_what_is_not_in_the_table_is_for_nobody(room, client, level, name):
    s, _ = room.pair(client)
    error = client.fails("inet.getopts", {"socket": s, "names": ["mode", {"raw": [level, name, 4]}]})
    check_reason(error, "eacces")
    assert error.data["option"] == "raw"
    options = [["packet", 4], ["raw", [level, name, number(1)]]]
    check_reason(client.fails("inet.setopts", {"socket": s, "options": options}), "eacces")
    assert client.getopt(s, "packet") == 0
    for method, params in (("connect", {"address": "127.0.0.1", "port": 9}), ("listen", {"port": 0})):
        error = client.fails("gen_tcp." + method, dict(params, options=options))
        check_reason(error, "eacces")


@pytest.mark.parametrize("name", [socket.SO_TYPE, socket.SO_REUSEPORT, socket.SO_LINGER])
def test_what_may_only_be_asked_for(room, client, name):
    s, _ = room.pair(client)
    one(client, s, socket.SOL_SOCKET, name)
    options = {"raw": [socket.SOL_SOCKET, name, number(1)]}
    check_reason(client.fails("inet.setopts", {"socket": s, "options": options}), "eacces")


@pytest.mark.parametrize("raw", [
    [TCP, NODELAY, ""], [TCP, NODELAY, number(1)["base64"] * 2], [TCP, NODELAY, [0] * 5],
    [TCP, NODELAY, [1]], [TCP, socket.TCP_MAXSEG, [255, 255, 255, 127]],
    [TCP, NODELAY, {"base64": "A" * 65536}],
])
def test_a_value_that_the_kernel_or_the_table_refuses(room, client, raw):
    s, peer = room.pair(client)
    error = client.fails("inet.setopts", {"socket": s, "options": {"raw": raw}})
    check_reason(error, "einval")
    assert error.data["option"] == "raw"
    port = room.tcp_listener().getsockname()[1]
    error = client.fails("gen_tcp.connect", {
        "address": "127.0.0.1", "port": port, "options": {"raw": raw}})
    check_reason(error, "badarg")
    error = client.fails("gen_tcp.listen", {"port": 0, "options": {"raw": raw}})
    check_reason(error, "einval")


@pytest.mark.parametrize("raw", [
    4, None, "raw", [], [TCP], [TCP, NODELAY], [TCP, NODELAY, 4], [TCP, NODELAY, None],
    [str(TCP), NODELAY, "abcd"], [TCP, 2**31, "abcd"], [TCP, NODELAY, "a", "b"],
    [TCP, NODELAY, {"base64": "A" * 100000}],
])
def test_what_is_no_raw_option(room, client, raw):
    s, _ = room.pair(client)
    error = client.fails("inet.setopts", {"socket": s, "options": {"raw": raw}})
    check_reason(error, "einval")
    error = client.fails("gen_tcp.listen", {"port": 0, "options": {"raw": raw}})
    check_reason(error, "badarg")


@pytest.mark.parametrize("name", [
    "raw", {"raw": 4}, {"raw": None}, {"raw": [TCP, NODELAY, 65537]}, {"raw": [TCP, NODELAY, -1]},
    {"raw": [TCP, NODELAY]}, {"raw": [TCP, NODELAY, 4.0]}, {"packet": 1}, ["packet", 1],
    {"raw": [TCP, NODELAY, {"base64": "A" * 100000}]},
])
def test_what_is_no_question(room, client, name):
    s, _ = room.pair(client)
    error = client.fails("inet.getopts", {"socket": s, "names": ["mode", name]})
    check_reason(error, "einval")
    for bad in (1, None, {}, {"a": 1, "b": 2}, ["raw"], [1, 2]):
        error = client.fails("inet.getopts", {"socket": s, "names": [bad]})
        assert error.code == g.INVALID_PARAMS


def as_other_uid(pipe, path):
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
    c = g.Client(path)
    s, port = c.listen()
    seen = []
    for level, name, data in (
        (socket.SOL_SOCKET, 36, number(1)),  # SO_MARK
        (TCP, socket.TCP_CONGESTION, "reno"),
        (socket.SOL_SOCKET, socket.SO_PRIORITY, number(7)),
        (socket.SOL_SOCKET, socket.SO_PRIORITY, number(-1)),
        (socket.SOL_SOCKET, socket.SO_PRIORITY, number(6)),
        (TCP, NODELAY, number(1)),
    ):
        options = {"raw": [level, name, data]}
        r = c.reply(c.request("inet.setopts", {"socket": s, "options": options}))
        seen.append(r.json["error"]["message"] if "error" in r.json else r.json["result"])
    # A descriptor of its own brings no right either.
    mine = socket.create_connection(("127.0.0.1", port))
    for options in ({"priority": 7}, {"raw": [socket.SOL_SOCKET, 36, number(1)]}):
        r = c.reply(c.request(
            "gen_tcp.fdopen", {"options": dict(options, fd="passed")}, fds=[mine.fileno()]))
        seen.append(r.json["error"]["message"] if "error" in r.json else r.json["result"])
    pipe.send(seen)
    pipe.recv()
    c.close()


@pytest.mark.skipif(not g.is_root(), reason="only root can become somebody else")
def test_what_takes_a_privilege_is_for_root(room):
    g.open_to_all(room.daemon)
    child = room.own(g.Child(as_other_uid, room.daemon.path))
    assert child.recv() == ["eacces"] * 4 + ["ok"] * 2 + ["eacces"] * 2
    child.send("end")
    s, _ = room.pair(room.client(), {"raw": [socket.SOL_SOCKET, 36, number(5)]})


# --- pktoptions --------------------------------------------------------------


def accepted(room, client, options, connect, host="127.0.0.1"):
    r = client.call("gen_tcp.listen", {
        "port": 0, "options": [["active", False], ["ip", host]] + options})
    family = [] if host == "127.0.0.1" else ["inet6"]
    c = client.connect(r["port"], family + [["active", False]] + connect, address=host)
    return client.accept(r["socket"]), c


@probe(79)
def test_tos_and_ttl_of_what_came(room, client):
    a, c = accepted(room, client, [["recvtos", True], ["recvttl", True]], [["tos", 8], ["ttl", 77]])
    wanted = [{"ttl": 77}, {"tos": 8}]
    assert client.getopts(a, ["pktoptions"]) == {"pktoptions": wanted}
    client.send(c, b"x")
    assert client.recv(a) == b"x"
    assert client.getopts(a, ["recvtos", "pktoptions", "recvttl"]) == {
        "recvtos": True, "pktoptions": wanted, "recvttl": True}
    client.setopts(a, {"recvttl": False})
    assert client.getopt(a, "pktoptions") == [{"tos": 8}]
    client.setopts(a, {"recvtos": False})
    assert client.getopt(a, "pktoptions") == []
    assert client.getopt(c, "pktoptions") == []
    assert client.call("inet.info", {"socket": c})["options"]["pktoptions"] == []


@probe(79)
def test_tclass_of_what_came(room, client):
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")
    a, c = accepted(room, client, [["recvtclass", True]], [["tclass", 8]], "::1")
    assert client.getopt(a, "pktoptions") == [{"tclass": 8}]
    client.send(c, b"x")
    assert client.recv(a) == b"x"
    assert client.getopt(a, "pktoptions") == [{"tclass": 8}]
    # What gen_tcp has no name for is left out.
    client.setopts(a, [
        ["raw", [socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, number(1)]],
        ["recvtos", True], ["recvttl", True]])
    assert client.getopt(a, "pktoptions") == [{"tclass": 8}]
    client.setopts(a, {"recvtclass": False})
    assert client.getopt(a, "pktoptions") == []


def test_pktoptions_elsewhere(room, client):
    path = os.path.join(room.daemon.folder, "pktoptions.sock")
    s = client.call("gen_tcp.listen", {"port": 0, "options": ["local", ["ifaddr", {"local": path}]]})
    error = client.fails("inet.getopts", {"socket": s["socket"], "names": ["mode", "pktoptions"]})
    check_reason(error, "einval")
    os.unlink(path)
    z, _ = room.zombie(client)
    assert client.getopts(z, ["mode", "pktoptions"]) == {"mode": "binary"}
    s, _ = room.pair(client)
    error = client.fails("inet.setopts", {"socket": s, "options": {"pktoptions": []}})
    check_reason(error, "einval")
    error = client.fails("gen_tcp.listen", {"port": 0, "options": {"pktoptions": []}})
    check_reason(error, "badarg")
