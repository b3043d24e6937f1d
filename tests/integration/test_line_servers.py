# SPDX-License-Identifier: ISC
"""The examples' server of lines: the same in each language, for the same peers."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest

import gentcp_test as g

TOP = pathlib.Path(__file__).resolve().parents[2]
CLIENT = TOP / "client"
BUILT = pathlib.Path(g.gentcp_cli()).parent
ACCEPTORS, LINES = 4, 4
PEERS, PEERS_OF_SHELL = 24, 8  # which starts two programs for each line

SERVERS = {
    "C": lambda l: [BUILT / "examples/line_server"],
    "Python": lambda l: [l.python, CLIENT / "python/examples/line_server.py"],
    "asyncio": lambda l: [l.python, CLIENT / "python/examples/line_server_asyncio.py"],
    "Node": lambda l: [l.node, CLIENT / "node/examples/line_server.js"],
    "Erlang": lambda l: [l.escript, CLIENT / "erlang/examples/line_server.escript"],
    "shell": lambda l: [CLIENT / "cli/examples/line_server.sh"],
}
SOURCES = [*CLIENT.glob("examples/line_server.*"), *CLIENT.glob("*/examples/line_server*")]


@pytest.fixture(params=SERVERS)
def server(request, languages):
    """The port of a server, and how many peers it gets.  It is ended by SIGTERM, and what
    it started as well."""
    process = subprocess.Popen(
        list(map(str, SERVERS[request.param](languages))), env=languages.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        said = process.stdout.readline()
        assert said.startswith("listening on port "), said
        yield int(said.split()[-1]), PEERS_OF_SHELL if request.param == "shell" else PEERS
        assert process.poll() is None
    finally:
        process.stdout.close()
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(g.DEADLINE)


def accepts(client):
    """How many accepts wait at the listener."""
    listeners = [s for s in client.call("inet.i") if "listen" in s["states"]]
    return [s["waiting"]["accept"] for s in listeners]


def test_peers(server, room):
    port, count = server
    client = room.client()
    g.until(lambda: accepts(client) == [ACCEPTORS], "a pool of acceptors")
    peers = [room.own(socket.create_connection(("127.0.0.1", port), g.DEADLINE))
             for _ in range(count)]
    files = [room.own(peer.makefile("rb")) for peer in peers]
    for n in range(LINES):
        for i, peer in enumerate(peers):
            peer.sendall(b"peer %d, line %d\n" % (i, n))
        for i, file in enumerate(files):
            assert file.readline() == b"you said: peer %d, line %d\n" % (i, n)
        g.until(lambda: accepts(client) == [ACCEPTORS], "that others took their place")
    for i, peer in enumerate(peers):
        # who has said all still gets every answer
        peer.sendall(b"one\ntwo\nthree\n")
        if i % 2:
            peer.shutdown(socket.SHUT_WR)
            assert files[i].read() == b"you said: one\nyou said: two\nyou said: three\n"
    for i, peer in enumerate(peers):
        if i % 2 == 0:
            peer.sendall(b"a line\n" * 100)  # nobody will read the answers
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            files[i].close()
            peer.close()
    g.until(lambda: len(client.call("inet.i")) == 1, "that only the listener is left")
    late = room.own(socket.create_connection(("127.0.0.1", port), g.DEADLINE))
    late.sendall(b"still there?\n")
    assert late.makefile("rb").readline() == b"you said: still there?\n"


def test_they_are_short():
    assert len(SOURCES) == len(SERVERS)
    for source in SOURCES:
        lines = [line for line in source.read_text().splitlines() if line.strip()]
        assert len(lines) < 40, source
