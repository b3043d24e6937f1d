# SPDX-License-Identifier: ISC
"""The daemon itself: its socket and lock file, its end, too few descriptors."""

import os
import shutil
import signal
import socket
import stat
import tempfile
import time

import pytest

import gentcp_test as g


@pytest.fixture
def folder():
    path = tempfile.mkdtemp(prefix="gentcp-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


def test_it_ends_with_its_clients_and_sockets_open():
    d = g.Daemon()
    room = g.Room(d)
    try:
        c = room.client()
        s, peer = room.pair(c, {"active": True})
        listener, port = c.listen()
        c.request("gen_tcp.accept", {"socket": listener})
        c.start_recv(room.pair(c)[0])
        c.sync()
        d.stop()
        c.closes()
        try:
            assert peer.read_end() == b""
        except ConnectionResetError:
            pass
    finally:
        room.end()
        d.kill()


def test_sigint_ends_it_too():
    d = g.Daemon()
    try:
        d.process.send_signal(signal.SIGINT)
        assert d.process.wait(30) == 0
        d.check_log()
        assert not os.path.exists(d.path)
    finally:
        d.kill()
        d.remove()


def test_a_second_daemon_on_the_same_socket_is_refused(folder):
    first = g.Daemon(folder=folder)
    try:
        room = g.Room(first)
        c = room.client()
        s, peer = room.pair(c, {"active": True})
        second = g.Daemon(folder=folder, start=False)
        second.start(ready=False)
        assert second.process.wait(30) != 0
        said = second.output()
        assert first.path in said, said
        second.check_log()
        # The first goes on, for old and new clients.
        peer.send(b"on")
        assert c.gather(s, 2) == b"on"
        room.client().sync()
        room.end()
        first.wait_baseline()
        first.stop()
    finally:
        first.kill()


def test_a_killed_daemons_socket_is_replaced(folder):
    first = g.Daemon(folder=folder)
    first.process.kill()
    first.process.wait()
    assert os.path.exists(first.path)
    second = g.Daemon(folder=folder)
    try:
        room = g.Room(second)
        room.client().sync()
        room.end()
        second.stop()
    finally:
        second.kill()


def test_what_is_no_socket_is_not_replaced(folder):
    path = os.path.join(folder, "control.sock")
    with open(path, "w") as f:
        f.write("precious")
    d = g.Daemon(folder=folder, start=False)
    try:
        d.start(ready=False)
        assert d.process.wait(30) != 0
        with open(path) as f:
            assert f.read() == "precious"
        d.check_log()
    finally:
        d.kill()


def test_a_folder_that_is_not_there_is_said(folder):
    d = g.Daemon(folder=os.path.join(folder, "none"), start=False)
    try:
        d.start(ready=False)
        assert d.process.wait(30) != 0
        assert d.path in d.output()
    finally:
        d.kill()


def test_the_socket_is_not_for_everybody(room):
    mode = stat.S_IMODE(os.stat(room.daemon.path).st_mode)
    assert mode & 0o007 == 0, oct(mode)


def test_a_new_client_after_every_kind_of_end(room):
    for _ in range(3):
        c = room.client()
        c.sock.shutdown(socket.SHUT_RD)
        c.close()
        c = room.client()
        c.sock.shutdown(socket.SHUT_WR)
        c.closes()
        c.close()
        room.client().sync()


# --- too few descriptors -----------------------------------------------------


def spins(daemon, seconds=1.0):
    """Processor time over a while in which nothing is to be done."""
    before = daemon.cpu()
    end = time.monotonic() + seconds
    g.until(lambda: time.monotonic() > end, "the end of the measurement", seconds + 5)
    return daemon.cpu() - before


@pytest.fixture
def poor():
    """A daemon that may hold 64 descriptors, and the end of its test."""
    d = g.Daemon(nofile=64)
    with g.room_of(d) as room:
        yield room


def test_emfile_of_accept_does_not_spin_and_passes(poor):
    c, other = poor.client(), poor.client()
    s, peer = poor.pair(other, {"active": True})
    listener, port = c.listen({"backlog": 128, "active": True})
    peers = [poor.dial(port) for _ in range(90)]
    ids = [c.request("gen_tcp.accept", {"socket": listener}) for _ in peers]

    def settled():
        """Accepted or refused until no descriptor is left."""
        c.sync()
        return any("error" in r.json for r in c.replies.values()) or (
            poor.daemon.fds() >= 62)

    g.until(settled, "the limit")
    accepted = [i for i in ids if i in c.replies and "result" in c.replies[i].json]
    assert 20 < len(accepted) < 64
    assert spins(poor.daemon) < 0.3
    # Those who are in go on.
    peer.send(b"on")
    assert other.gather(s, 2) == b"on"
    c.sync()
    for i in ids:
        if i in c.replies and "error" in c.replies[i].json:
            assert c.replies[i].error().message in ("emfile", "system_limit")
    # With room again, new ones come in.
    for i in accepted[:20]:
        assert c.close_socket(c.reply(i).result()["socket"]) == "ok"
    more = c.request("gen_tcp.accept", {"socket": listener})
    pending = [i for i in ids if i not in accepted and i not in c.replies] + [more]
    c.wait(
        lambda: any(i in c.replies and "result" in c.replies[i].json for i in pending),
        "an accept after the shortage")


def test_emfile_of_connect_and_listen_is_said(poor):
    c = poor.client()
    sink = poor.tcp_listener(backlog=128)
    port = sink.getsockname()[1]
    sockets = []
    error = None
    for _ in range(80):
        r = c.reply(c.request("gen_tcp.connect", {
            "address": "127.0.0.1", "port": port, "options": {"active": False}}))
        if "error" in r.json:
            error = r.error()
            break
        sockets.append(r.result()["socket"])
    assert error is not None and error.message in ("emfile", "system_limit"), error
    error = c.fails("gen_tcp.listen", {"port": 0})
    assert error.message in ("emfile", "system_limit")
    c.close_socket(sockets[0])
    s, _ = c.listen()
    assert s > 0


def test_emfile_of_control_connections_does_not_spin_and_passes(poor):
    first = poor.client()
    clients = []
    for _ in range(80):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(g.DEADLINE)
        try:
            s.connect(poor.daemon.path)
        except OSError:
            s.close()
            break
        clients.append(poor.own(s))
    assert len(clients) > 40
    first.sync()
    assert spins(poor.daemon) < 0.3
    first.sync()
    line = b'{"jsonrpc":"2.0","id":1,"method":"session.self"}\n'
    for s in clients[:40]:
        s.close()
    # Whoever waited is let in, or was turned away; a new one is served.
    def served():
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(2)
        try:
            s.connect(poor.daemon.path)
            s.sendall(line)
            return b'"result"' in s.recv(10000)
        except OSError:
            return False
        finally:
            s.close()

    g.until(served, "a new client after the shortage")
    first.sync()


def test_emfile_of_passed_descriptors(poor):
    """Descriptors that do not fit are lost on their way: ebadf, nothing leaks."""
    c = poor.client()
    sink = poor.tcp_listener(backlog=128)
    port = sink.getsockname()[1]
    while True:
        r = c.reply(c.request("gen_tcp.connect", {
            "address": "127.0.0.1", "port": port, "options": {"active": False}}))
        if "error" in r.json:
            break
    mine = poor.own(socket.create_connection(("127.0.0.1", port)))
    r = c.reply(c.request(
        "gen_tcp.fdopen", {"options": {"fd": "passed"}}, fds=[mine.fileno()]))
    assert "error" in r.json
    assert r.error().message in ("ebadf", "emfile", "system_limit", "badarg")
    c.sync()
