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


def erlang():
    if not os.environ.get("ERL", "yes"):
        pytest.skip("there is no Erlang")
    escript = pathlib.Path(os.environ.get("ERL", "/usr/bin/erl")).with_name("escript")
    return [str(escript), str(CLIENT / "erlang/examples/line_server.escript")]


def node():
    if not os.environ.get("NODE", "yes"):
        pytest.skip("there is no Node")
    return [os.environ.get("NODE", "node"), str(CLIENT / "node/examples/line_server.js")]


def python(name):
    return lambda: [os.environ.get("PYTHON", "python3"), str(CLIENT / "python/examples" / name)]


SERVERS = {
    "C": lambda: [str(BUILT / "examples/line_server")],
    "Python": python("line_server.py"),
    "asyncio": python("line_server_asyncio.py"),
    "Node": node,
    "Erlang": erlang,
    "shell": lambda: [str(CLIENT / "cli/examples/line_server.sh")],
}
SOURCES = [*CLIENT.glob("examples/line_server.*"), *CLIENT.glob("*/examples/line_server*")]


@pytest.fixture
def environment(room, tmp_path):
    """Each language finds its binding, and the daemon."""
    (tmp_path / "gentcp-cli").symlink_to(g.gentcp_cli())
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules/gentcp").symlink_to(CLIENT / "node")
    ebin = os.environ.get("GENTCP_EBIN", str(BUILT / "erlang/ebin"))
    env = dict(os.environ, GENTCPD_SOCKET=room.daemon.path, HOME=str(tmp_path),
               PATH="%s:%s" % (tmp_path, os.environ["PATH"]),
               PYTHONPATH=str(CLIENT / "python/src"), PYTHONDONTWRITEBYTECODE="1",
               NODE_PATH=str(tmp_path / "node_modules"),
               ERL_FLAGS="-pa " + ebin, ERL_CRASH_DUMP="/dev/null")
    env.pop("GENTCP_SESSION", None)
    return env


@pytest.fixture(params=SERVERS)
def server(request, environment):
    """The port of a server, and how many peers it gets.  It is ended by SIGTERM, and what
    it started as well."""
    process = subprocess.Popen(
        SERVERS[request.param](), env=environment, stdin=subprocess.DEVNULL,
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
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            files[i].close()
            peer.close()
    late = room.own(socket.create_connection(("127.0.0.1", port), g.DEADLINE))
    late.sendall(b"still there?\n")
    assert late.makefile("rb").readline() == b"you said: still there?\n"


def test_they_are_short():
    assert len(SOURCES) == len(SERVERS)
    for source in SOURCES:
        lines = [line for line in source.read_text().splitlines() if line.strip()]
        assert len(lines) < 40, source
