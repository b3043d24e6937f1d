# SPDX-License-Identifier: ISC
"""libgentcp's examples, as they are installed, with the real daemon.

GENTCP_EXAMPLES is the folder of the programs; LD_LIBRARY_PATH as it has to be.
"""

import contextlib
import http.server
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading

import pytest

import gentcp_test as g

EXAMPLES = os.environ.get("GENTCP_EXAMPLES", os.path.join(
    os.path.dirname(g.gentcp_cli()), "examples"))


class Example:
    """One of them, running; at its end it has said nothing bad."""

    def __init__(self, daemon, name, *args):
        path = os.path.join(EXAMPLES, name)
        assert os.access(path, os.X_OK), "there is no example at " + path
        self.err = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [path, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=self.err, env=dict(os.environ, GENTCPD_SOCKET=daemon.path),
            start_new_session=True)

    def port(self):
        """The port that it says it listens on; waits for that."""
        line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"listening on port (\d+)\n", line)
        assert found, "it says %r and\n%s" % (line, self.errors())
        return int(found[1])

    def errors(self):
        self.err.seek(0)
        return self.err.read().decode()

    def wait(self):
        try:
            return self.process.wait(g.DEADLINE)
        finally:
            assert not g.SANITIZER.search(self.errors()), self.errors()

    def close(self):
        with contextlib.suppress(ProcessLookupError):  # its children too
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.err.close()


@pytest.fixture
def example(room, daemon):
    """example(name, argument...) starts one."""
    with contextlib.ExitStack() as stack:
        yield lambda *args: stack.enter_context(contextlib.closing(Example(daemon, *args)))


class Peer:
    """A client of an example: lines to and fro."""

    def __init__(self, port, say=b""):
        self.sock = socket.create_connection(("127.0.0.1", port), g.DEADLINE)
        self.sock.sendall(say)
        self.lines = self.sock.makefile("rb")

    def say(self, line):
        self.sock.sendall(line)

    def hear(self):
        return self.lines.readline()

    def close(self):
        self.lines.close()
        self.sock.close()


@contextlib.contextmanager
def peers(port, n, say=b""):
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(Peer(port, say))) for _ in range(n)]


def test_echo(example, room, daemon):
    """A burst of clients, more than its pool of accepts; each gets its own back."""
    port = example("echo").port()
    viewer = room.client()

    def accepts():
        return max(row.get("waiting", {}).get("accept", 0) for row in viewer.call("inet.i"))

    g.until(lambda: accepts() == 16, "a pool of accepts")
    with peers(port, 50, b"first\n") as all:
        for i, peer in enumerate(all):
            peer.say(b"%d\n" % i + b"\0\xff" * 2000 + b"\n")
            peer.sock.shutdown(socket.SHUT_WR)
        for i, peer in enumerate(all):
            assert peer.lines.read() == b"first\n%d\n" % i + b"\0\xff" * 2000 + b"\n"
    g.until(lambda: accepts() == 16, "the pool of accepts again")


def test_echo_with_a_daemon_started_anew():
    """It listens again, on its port, and serves."""
    daemon = g.Daemon()
    echo = Example(daemon, "echo")
    try:
        port = echo.port()
        for _ in range(3):
            with peers(port, 3, b"hello\n") as all:
                assert [peer.hear() for peer in all] == [b"hello\n"] * 3
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(30) == 0
            daemon.start()
            assert echo.port() == port
        assert "closed the connection" in echo.errors()
        assert not g.SANITIZER.search(echo.errors()), echo.errors()
    finally:
        echo.close()
        daemon.stop()


PAGE = b"<p>\0\xff" + b"x" * 100000


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/page" else 404)
        self.send_header("X-Path", self.path)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *args):
        pass


@pytest.fixture
def web():
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_http_fetch(example, web):
    fetch = example("http_fetch", "127.0.0.1", web, "/page")
    assert fetch.process.stdout.read() == PAGE
    assert fetch.wait() == 0
    said = fetch.errors()
    assert '"type":"http_response"' in said and '"status":200' in said
    assert '"X-Path"' in said and '"http_eoh"' in said


def test_http_fetch_in_vain(example, room):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
    fetch = example("http_fetch", "127.0.0.1", port, "/")
    assert fetch.wait() == 1
    assert fetch.errors() == "http_fetch: econnrefused\n"
    fetch = example("http_fetch", "127.0.0.1")
    assert fetch.wait() == 2
    assert fetch.errors() == "usage: http_fetch host port path\n"


def test_handover(example):
    """Each connection has one worker, in turn, who has all of its lines in order."""
    port = example("handover").port()
    rounds = g.scaled(20, 5)
    with peers(port, 8, b"early 1\nearly 2\n") as all:
        for i in range(rounds):
            for peer in all:
                peer.say(b"late %d\n" % i)
        workers = set()
        for peer in all:
            heard = [peer.hear() for _ in range(2 + rounds)]
            mine = {line.split(b": ")[0] for line in heard}
            assert len(mine) == 1, heard
            workers |= mine
            assert [line.split(b": ")[1] for line in heard] == \
                [b"early 1\n", b"early 2\n"] + [b"late %d\n" % i for i in range(rounds)]
        assert len(workers) == 2


def test_chat(example):
    """What one says the others hear, and SIGTERM ends it well."""
    chat = example("chat")
    port = chat.port()
    with peers(port, 1) as first, peers(port, 1) as second:
        came = first[0].hear()
        assert came.endswith(b": came\n")
        second[0].say(b"hello\n")
        assert first[0].hear() == came.replace(b"came", b"hello")
        first[0].say(b"bye\n")
        assert second[0].hear().endswith(b": bye\n")
        second[0].sock.shutdown(socket.SHUT_WR)
        assert first[0].hear() == came.replace(b"came", b"left")
        chat.process.send_signal(signal.SIGTERM)
        assert chat.wait() == 0
        assert first[0].hear() == b""


@pytest.mark.parametrize("name", ["echo", "http_fetch", "handover", "chat", "kept_echo"])
def test_without_a_daemon(name, tmp_path):
    """They say what is missing."""
    args = {"http_fetch": ["localhost", "80", "/"],
            "kept_echo": [str(tmp_path / "state"), "0"]}.get(name, [])
    ran = subprocess.run(
        [os.path.join(EXAMPLES, name)] + args, timeout=60, capture_output=True, check=False,
        env=dict(os.environ, GENTCPD_SOCKET=str(tmp_path / "none")))
    assert ran.returncode == 1 and ran.stdout == b""
    assert b"No such file" in ran.stderr or b"is gentcpd running?" in ran.stderr
    assert not g.SANITIZER.search(ran.stderr.decode())
