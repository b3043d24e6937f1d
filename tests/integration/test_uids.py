# SPDX-License-Identifier: ISC
"""Clients of another user: what they see, and what they may not."""

import os

import pytest

import gentcp_test as g
from gentcp_test import check_reason


NOBODY = 1000


def as_other_uid(pipe, path, socket_number, listener_number, client_number):
    """Runs in a process of its own, with another uid: what does it see?"""
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    c = g.Client(path)
    seen = {}

    def reason(method, params):
        r = c.reply(c.request(method, params))
        return r.json["error"]["message"] if "error" in r.json else r.json["result"]

    me = c.call("session.self")
    seen["uid"] = me["uid"]
    seen["clients"] = [x["client"] for x in c.call("session.clients")] == [me["client"]]
    for s in (socket_number, listener_number, 2**41):
        seen[s] = [
            reason("gen_tcp.send", {"socket": s, "data": "x"}),
            reason("gen_tcp.recv", {"socket": s, "length": 0, "timeout": 0}),
            reason("gen_tcp.accept", {"socket": s, "timeout": 0}),
            reason("gen_tcp.shutdown", {"socket": s, "how": "write"}),
            reason("gen_tcp.unrecv", {"socket": s, "data": "x"}),
            reason("gen_tcp.controlling_process", {"socket": s, "client": me["client"]}),
            reason("gen_tcp.close", {"socket": s}),
            reason("inet.setopts", {"socket": s, "options": {"active": True}}),
            reason("inet.getopts", {"socket": s, "names": ["active"]}),
            reason("inet.sockname", {"socket": s}),
            reason("inet.getstat", {"socket": s}),
            reason("inet.getfd", {"socket": s}),
            reason("inet.info", {"socket": s})["states"],
        ]
    seen["rows"] = c.call("inet.i")
    mine, port = c.listen()
    seen["own rows"] = [r["socket"] for r in c.call("inet.i")] == [mine]
    seen["listener's fd"] = reason("inet.getfd", {"socket": mine})
    own = c.connect(port)
    with c.getfd(own) as handed:
        seen["connection's fd"] = handed.getpeername()[1] == port
    seen["give"] = reason(
        "gen_tcp.controlling_process", {"socket": mine, "client": client_number})
    seen["low port"] = [
        reason("gen_tcp.listen", {"port": 80, "options": {"ip": "127.0.0.1"}}),
        reason("gen_tcp.listen", {"port": 0, "options": {"ip": "127.0.0.1", "port": 80}}),
        reason("gen_tcp.listen", {"port": 0, "options": {
            "ifaddr": {"family": "inet", "addr": "127.0.0.1", "port": 80}}}),
        reason("gen_tcp.connect", {
            "address": "127.0.0.1", "port": port,
            "options": {"ip": "127.0.0.1", "port": 1023}}),
    ]
    seen["local"] = [
        reason("gen_tcp.connect", {"address": {"local": "/etc/passwd"}, "port": 0}),
        reason("gen_tcp.listen", {"port": 0, "options": [
            "local", ["ifaddr", {"local": "/tmp/gentcp-not-to-be"}]]}),
        reason("gen_tcp.connect", {"address": "127.0.0.1", "port": port, "options": [
            ["ifaddr", {"local": "/tmp/gentcp-not-to-be"}]]}),
    ]
    seen["device"] = [
        reason("inet.setopts", {"socket": mine, "options": {"bind_to_device": "lo"}}),
        reason("gen_tcp.connect", {
            "address": "127.0.0.1", "port": port, "options": {"bind_to_device": ""}}),
    ]
    seen["module"] = reason("gen_tcp.listen", {"port": 0, "options": {"tcp_module": "local_tcp"}})
    seen["netns"] = [
        reason("inet.setopts", {"socket": mine, "options": {"netns": "/proc/self/ns/net"}}),
        reason("gen_tcp.listen", {"port": 0, "options": {"netns": "/proc/self/ns/net"}}),
        reason("gen_tcp.connect", {
            "address": "127.0.0.1", "port": port, "options": {"netns": "/nowhere"}}),
    ]
    pipe.send((seen, mine))
    pipe.recv()
    c.close()


@pytest.mark.skipif(not g.is_root(), reason="only root can become somebody else")
def test_another_uid_sees_nothing_and_gets_no_rights(room, bystander):
    g.open_to_all(room.daemon)
    root = room.known()
    s, peer = room.pair(root)
    listener, _ = root.listen()
    child = room.own(g.Child(as_other_uid, room.daemon.path, s, listener, root.id))
    seen, theirs = child.recv()
    assert seen["uid"] == NOBODY
    assert seen["clients"]
    # A socket of another's answers in everything as one that never was.
    assert seen[s] == seen[listener] == seen[2**41]
    assert seen[s][:7] == ["closed"] * 6 + ["ok"]
    assert seen[s][7:12] == ["einval"] * 5
    assert seen["rows"] == []
    assert seen["own rows"]
    assert seen["listener's fd"] == "eacces"
    assert seen["connection's fd"]
    assert seen["give"] in ("eacces", "badarg")
    assert seen["low port"] == ["eacces"] * 4
    assert seen["netns"] == ["eacces"] * 3
    assert seen["device"] == ["eacces"] * 2
    assert seen["module"] == "eacces"
    assert set(seen["local"]) <= {"eacces", "badarg"} and seen["local"][0] == "eacces"
    # Nothing was done to root's sockets; root sees theirs.
    assert root.states(s) == ["connected", "open"]
    assert root.getopt(s, "active") is False
    assert theirs in [r["socket"] for r in root.call("inet.i")]
    root.send(s, b"alive")
    assert peer.read(5) == b"alive"
    error = root.fails("gen_tcp.controlling_process", {"socket": s, "client": 2**40})
    check_reason(error, "badarg")
    child.send("end")
