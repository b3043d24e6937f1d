# SPDX-License-Identifier: ISC
"""The three exchanges of gen_tcp's own manual page, through the daemon."""

import os
import subprocess

import gentcp_test as g
from gentcp_test import check_reason


def test_a_client_sends_and_a_server_collects(room):
    """server() listens, accepts, and reads until closed; client() sends and closes."""
    server, client = room.client(), room.client()
    listener, port = server.listen(["binary", ["packet", 0], ["active", False], ["ip", "127.0.0.1"]])
    accepting = server.request("gen_tcp.accept", {"socket": listener})
    c = client.call("gen_tcp.connect", {
        "address": "localhost", "port": port, "options": ["binary", {"packet": 0}]})["socket"]
    assert client.send(c, b"Some Data") == "ok"
    assert client.close_socket(c) == "ok"
    s = server.reply(accepting).result()["socket"]
    got = b""
    while True:
        r = server.reply(server.start_recv(s, 0))
        if "error" in r.json:
            check_reason(r.error(), "closed")
            break
        got += g.payload(r.result()["data"])
    assert got == b"Some Data"
    assert server.close_socket(s) == "ok"


def test_a_pool_of_servers_answers_with_packet_2_and_active_once(room):
    """start(Num, LPort): one listener, Num processes that accept on it, each
    answering one request at a time."""
    opener = room.client()
    listener, port = opener.listen([["active", False], ["packet", 2], ["ip", "127.0.0.1"]])
    pool = [room.client() for _ in range(4)]
    accepting = {}
    for c in pool:
        accepting[c] = c.request("gen_tcp.accept", {"socket": listener})
        c.sync()
    user = room.client()
    for round_ in range(3):
        connections = []
        for c in pool:
            u = user.connect(port, {"packet": 2, "active": False})
            s = c.reply(accepting[c]).result()["socket"]
            connections.append((c, s, u))
        for c, s, u in connections:
            for request in (b"one", b"", b"x" * 3000):
                c.setopts(s, {"active": "once"})
                assert user.send(u, request) == "ok"
                data = c.event("tcp", s).data
                assert c.send(s, b"answer to " + data) == "ok"
                assert user.recv(u) == b"answer to " + request
                c.no_event(s)
        for c, s, u in connections:
            c.setopts(s, {"active": "once"})
            assert user.close_socket(u) == "ok"
            c.event("tcp_closed", s)
            accepting[c] = c.request("gen_tcp.accept", {"socket": listener})
            c.sync()


def test_send_timeout_against_a_peer_that_never_reads(room, client):
    """client(PortNo): send until {error, timeout}, then close."""
    s, peer = room.pair(client, {"send_timeout": 200, "packet": 2}, small=True)
    request = b"r" * 60000
    sends = 0
    while True:
        r = client.reply(client.start_send(s, request))
        if "error" in r.json:
            check_reason(r.error(), "timeout")
            break
        sends += 1
        assert sends < 10000, "the peer does not read, and send never timed out"
    assert sends > 1
    client.setopts(s, {"linger": [True, 0]})
    assert client.close_socket(s) == "ok"
    peer.read_reset()


def test_the_same_by_the_command_line():
    script = os.path.join(g.HERE, "seed.sh")
    env = dict(os.environ, GENTCPD=g.gentcpd(), GENTCP_CLI=g.gentcp_cli())
    done = subprocess.run(
        ["bash", script], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=120)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
