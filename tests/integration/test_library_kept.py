# SPDX-License-Identifier: ISC
"""Kept clients of libgentcp: an echo server in C that is killed again and again while
its peers are busy.  How often: GENTCP_TEST_KILLS, 40 if it is not set."""

import contextlib
import os
import random
import selectors
import signal
import socket
import stat
import threading
import time

import pytest

import gentcp_test as g
from test_keep import End, row
from test_library import Example

PEERS = 100
KILLS = int(os.environ.get("GENTCP_TEST_KILLS", g.scaled(40)))
ROOM = 200000  # bytes that a peer has on their way at most


class Peer:
    """Sends without end, and compares what comes back with what it sent."""

    def __init__(self, port, rng):
        self.sock = socket.create_connection(("127.0.0.1", port), g.DEADLINE)
        self.sock.setblocking(False)
        self.rng, self.unheard, self.sent, self.heard = rng, bytearray(), 0, 0

    def write(self):
        if len(self.unheard) >= ROOM:
            return
        data = self.rng.randbytes(self.rng.choice((1, 64, 1000, 5000, 30000)))
        with contextlib.suppress(BlockingIOError):
            n = self.sock.send(data)
            self.unheard += data[:n]
            self.sent += n

    def read(self):
        data = self.sock.recv(65536)
        assert data, "a connection was closed"
        self.heard += len(data)
        assert self.unheard[:len(data)] == data, \
            "not what was sent, at byte %d" % (self.heard - len(data))
        del self.unheard[:len(data)]

    def close(self):
        self.sock.close()


class Peers:
    """All of them, in one loop."""

    def __init__(self, stack, port, rng, count):
        self.rng = rng
        self.all = [stack.enter_context(contextlib.closing(Peer(port, rng)))
                    for _ in range(count)]
        self.selector = stack.enter_context(contextlib.closing(selectors.DefaultSelector()))
        for peer in self.all:
            self.selector.register(peer.sock, selectors.EVENT_READ, peer)

    def turn(self, writing=True):
        for key, _ in self.selector.select(0 if writing else 0.05):
            key.data.read()
        if writing:
            for peer in self.rng.sample(self.all, len(self.all) // 10 + 1):
                peer.write()

    def busy(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.turn()

    def finish(self):
        """Until all that was sent has come back, and nothing else."""
        until = time.monotonic() + 2 * g.DEADLINE
        while any(peer.unheard for peer in self.all):
            assert time.monotonic() < until, "missing: %s bytes" % [
                len(peer.unheard) for peer in self.all if peer.unheard]
            self.turn(writing=False)
        for peer in self.all:
            peer.sock.setblocking(True)
            peer.sock.settimeout(g.DEADLINE)
            peer.sock.shutdown(socket.SHUT_WR)
        for peer in self.all:
            assert peer.sock.recv(1) == b"", "more came back than was sent"
            assert peer.heard == peer.sent > 0


class Server:
    """kept_echo with its file; its clients of the past are ended with it."""

    def __init__(self, room, daemon, folder, *more):
        self.room, self.daemon, self.more = room, daemon, more
        self.file = os.path.join(folder, "state")
        self.port, self.now = 0, None

    def start(self):
        """A new process, which may have to take the place of the one that runs."""
        self.now = Example(self.daemon, "kept_echo", self.file, self.port, *self.more)
        return self.now

    def serve(self):
        self.start()
        self.port = self.now.port()
        return self.port

    def state(self):
        client, token, listener, port = open(self.file).read().split()
        return int(client), token, int(listener), int(port)

    def kill(self):
        """kill -9; until then it has said nothing of which it should complain."""
        if self.now is not None:
            self.now.process.send_signal(signal.SIGKILL)
            self.now.process.wait()
            assert not g.SANITIZER.search(self.now.errors()), self.now.errors()
            self.now.close()
        self.now = None

    def close(self):
        self.kill()
        if os.path.exists(self.file):
            client, token, _, _ = self.state()
            End(self.daemon.path, client, token).close()


@pytest.fixture
def server(room, daemon, tmp_path):
    """server(argument...) is one."""
    with contextlib.ExitStack() as stack:
        yield lambda *more: stack.enter_context(
            contextlib.closing(Server(room, daemon, str(tmp_path), *more)))


def test_killed_at_random_moments(server):
    """Peers notice nothing: no byte is missing, none comes twice, none is another."""
    rng = random.Random(os.environ.get("GENTCP_TEST_SEED", 11))
    s = server()
    s.serve()
    client = s.state()[0]
    serves, moved = True, []
    kinds = [i % 4 for i in range(KILLS)]  # each as often, however few there are
    rng.shuffle(kinds)
    with contextlib.ExitStack() as stack:
        peers = Peers(stack, s.port, rng, PEERS)
        peers.busy(0.2)
        for kind in kinds:
            before = sum(peer.heard for peer in peers.all)
            if kind > 0 or not serves:
                s.kill()
            if kind == 1:  # nobody is there for a while
                peers.busy(rng.random() / 50)
            former, s.now = s.now, None
            s.start()
            serves = kind != 2
            if not serves:  # to be killed while it attaches, or before
                peers.busy(rng.random() / 100)
                continue
            assert s.now.port() == s.port
            if former is not None:  # it was thrown out
                assert former.wait() == 1
                assert "the end: gentcpd closed the connection" in former.errors()
                former.close()
            peers.busy(rng.random() / 20)
            moved.append(sum(peer.heard for peer in peers.all) - before)
        s.kill()
        s.serve()
        peers.finish()
        total = sum(peer.sent for peer in peers.all)
        assert s.state()[0] == client  # it was one client all the time
    assert sum(n > 0 for n in moved) > len(moved) / 2, moved
    print("%d kills, %d peers, %d bytes to and fro" % (KILLS, PEERS, total))


class Between:
    """Stands between a program and the daemon, until it is told to cut them apart."""

    def __init__(self, daemon_path, path):
        self.daemon_path, self.path = daemon_path, str(path)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.ends = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                program = self.listener.accept()[0]
            except OSError:
                return
            daemon = socket.socket(socket.AF_UNIX)
            daemon.connect(self.daemon_path)
            with self.lock:
                self.ends += [program, daemon]
            for ends in ((program, daemon), (daemon, program)):
                self.threads.append(threading.Thread(target=self.carry, args=ends))
                self.threads[-1].start()

    def carry(self, one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        with self.lock:
            ends, self.ends = self.ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.threads[0].join()
        self.cut()
        for thread in self.threads:
            thread.join()
        self.listener.close()


@pytest.mark.skipif("KEPT_AGAIN" not in os.environ, reason="there is no program KEPT_AGAIN")
def test_cut_off_at_random_moments(room, daemon, tmp_path):
    """It lives on, and comes back by itself: its events are answered once, too."""
    rng = random.Random(os.environ.get("GENTCP_TEST_SEED", 13))
    with contextlib.ExitStack() as stack:
        between = stack.enter_context(contextlib.closing(Between(daemon.path, tmp_path / "between")))
        ran = Example(between, os.environ["KEPT_AGAIN"])
        stack.callback(ran.close)
        port, client, token = ran.process.stdout.readline().decode().split()
        peers = Peers(stack, int(port), rng, PEERS)
        peers.busy(0.2)
        for _ in range(KILLS):
            between.cut()
            peers.busy(rng.random() / 20)
        peers.finish()
        g.until(lambda: len(row(room.client(), int(client))["sockets"]) == 1, "all closed")
        ran.process.send_signal(signal.SIGTERM)
        attached, again = map(int, ran.process.stdout.readline().split())
        assert ran.wait() == 0
        assert KILLS / 2 <= attached <= KILLS
    print("cut off %d times, back %d times; %d events given again" % (KILLS, attached, again))


@pytest.mark.skipif("KEPT_AGAIN" not in os.environ, reason="there is no program KEPT_AGAIN")
def test_who_is_thrown_out_does_not_come_back(room, daemon):
    """Two that both did would throw each other out for ever."""
    with contextlib.closing(Example(daemon, os.environ["KEPT_AGAIN"])) as ran:
        _, client, token = ran.process.stdout.readline().decode().split()
        c = room.client()
        c.call("session.attach", {"client": int(client), "token": token})
        assert ran.process.stdout.readline() == b"0 0\n"
        assert ran.wait() == 1
        c.call("session.keep", {"ttl": 0})


def test_without_replay_what_is_missing_was_with_the_dead_program(server, room):
    """What had been written to it and it had not answered: no byte less, no byte more."""
    rng = random.Random(12)
    s = server("lossy")
    s.serve()
    client = s.state()[0]
    watcher = room.client()
    with contextlib.ExitStack() as stack:
        all = Peers(stack, s.port, rng, 20).all
        sent = {}
        for peer in all:
            sent[peer] = rng.randbytes(rng.randrange(1, 3000))
            peer.sock.settimeout(g.DEADLINE)
            peer.sock.sendall(sent[peer])
            assert peer.sock.recv(len(sent[peer]), socket.MSG_WAITALL) == sent[peer]
        # the server stands still; each peer sends
        s.now.process.send_signal(signal.SIGSTOP)
        lost = {}
        for peer in all:
            lost[peer] = rng.randbytes(rng.randrange(1, 20000))
            peer.sock.sendall(lost[peer])
        sockets = {port_of(watcher, n): n for n in row(watcher, client)["sockets"]}

        def told(peer):
            socket_of = sockets[peer.sock.getsockname()[1]]
            return watcher.getstat(socket_of, ["recv_oct"])["recv_oct"]

        g.until(lambda: all_there(told, sent, lost), "all bytes with the server")
        s.kill()
        g.until(lambda: not row(watcher, client)["connected"], "its end")
        # what comes from now on waits for the next one
        kept = {}
        for peer in all:
            kept[peer] = rng.randbytes(rng.randrange(1, 20000))
            peer.sock.sendall(kept[peer])
        s.serve()
        assert s.state()[0] == client
        for peer in all:
            peer.sock.shutdown(socket.SHUT_WR)
        for peer in all:
            back = b""
            while data := peer.sock.recv(65536):
                back += data
            assert back == kept[peer]


def all_there(told, sent, lost):
    return all(told(peer) == len(sent[peer]) + len(lost[peer]) for peer in sent)


def port_of(client, number):
    """Its peer's port; that of a listener is none."""
    reply = client.reply(client.request("inet.peername", {"socket": number}))
    return reply.json.get("result", {"port": 0})["port"]


def test_who_it_was_is_a_secret(server, room):
    s = server()
    s.serve()
    assert stat.S_IMODE(os.stat(s.file).st_mode) == 0o600
    client, token, listener, port = s.state()
    assert port == s.port and len(token) == 64
    keep = row(room.client(), client)["keep"]
    assert keep["ttl"] == 60000 and keep["replay"] is True


def test_a_client_that_is_no_more(server, room):
    """It begins again, on the same port."""
    s = server()
    s.serve()
    client, token, _, _ = s.state()
    s.kill()
    End(s.daemon.path, client, token).close()
    assert s.serve() == s.port
    assert "attach: eacces" in s.now.errors()
    assert s.state()[0] != client
    with contextlib.closing(socket.create_connection(("127.0.0.1", s.port))) as peer:
        peer.sendall(b"hello")
        assert peer.recv(5, socket.MSG_WAITALL) == b"hello"


def test_a_file_that_cannot_be_written(server, tmp_path):
    s = server()
    s.file = str(tmp_path / "nowhere" / "state")
    s.start()
    assert s.now.wait() == 1
    assert "No such file" in s.now.errors()
