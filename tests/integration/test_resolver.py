# SPDX-License-Identifier: ISC
"""Names never block: a resolver that does not answer holds up nobody who asks no name,
and of those who do, nobody but who asks it."""

import contextlib
import os
import socket
import threading
import time

import pytest

import gentcp_test as g
from gentcp_test import check_load, ip

SERVER = "127.0.0.53"
BLACK = "192.0.2.53"
NAMES = 4096

# Within the namespace, with names and name servers of the test's own.
INSIDE = """
for name in resolv.conf hosts nsswitch.conf; do
    mount --bind "$0/$name" "$(realpath /etc/$name)" || exit 77
done
exec "$@"
"""


class Inside(g.Daemon):
    """In a namespace, with an /etc of its own."""

    def __init__(self, namespace, **more):
        self.namespace = namespace
        super().__init__(**more)

    def command(self):
        return ["nsenter", "--net=" + self.namespace.path, "unshare", "--mount", "sh", "-c",
                INSIDE, self.folder, *super().command()]


@contextlib.contextmanager
def asks(namespace, server, timeout=20000):
    """A room with a daemon that has this name server, and that resolve_timeout."""
    d = Inside(namespace, start=False)
    for name, text in (
            ("resolv.conf", "nameserver %s\noptions timeout:5 attempts:2\n" % server),
            ("hosts", "127.0.0.1 localhost\n127.0.0.1 known.example\n"),
            ("nsswitch.conf", "hosts: files dns\nservices: files\n"),
            ("config", '{"resolve_timeout":%d}' % timeout)):
        with open(os.path.join(d.folder, name), "w") as f:
            f.write(text)
    os.chmod(d.folder, 0o711)
    d.args = ["-c", os.path.join(d.folder, "config")]
    with g.with_own_mounts(d) as room:
        room.namespace = namespace
        yield room


@pytest.fixture
def hole(namespace, request):
    """Such a room, whose one name server, its silent, never says a word.  The parameter:
    its resolve_timeout."""
    with contextlib.closing(namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind((SERVER, 53))
        with asks(namespace, SERVER, getattr(request, "param", 20000)) as room:
            room.silent = silent
            yield room


@pytest.fixture
def black(namespace):
    """Such a room, whose one name server is where what is sent disappears: on a link at
    the other end of which nobody has that address."""
    for args in (("link", "add", "near", "type", "veth", "peer", "name", "far"),
                 ("link", "set", "near", "up"), ("link", "set", "far", "up"),
                 ("addr", "add", "192.0.2.1/24", "dev", "near"),
                 ("neigh", "add", BLACK, "lladdr", "02:00:00:00:00:35", "dev", "near")):
        ip("-n", namespace.name, *args)
    with asks(namespace, BLACK) as room:
        yield room


def check_prompt(room, client):
    check_load(room.daemon, lambda: client.call("session.self"))


def ask(client, count=NAMES, method="inet.getaddrs"):
    """Asks for names that nobody knows, each another."""
    ids = []
    for i in range(count):
        name = "n%d.hole.example" % i
        params = {"host": name} if method == "inet.getaddrs" else {
            "address": name, "port": 9}
        ids.append(client.request(method, params))
    return ids


def others_are_not_held_up(room, method):
    bad, good = room.known(), room.known()
    listener, port = good.listen()
    names = ask(bad, NAMES - 96, method)
    bad.sync()
    check_prompt(room, good)
    bad.sync()
    assert sum(i in bad.replies for i in names) < len(names) // 2  # they wait, all the time
    # A number is no name, and neither waits.
    began = time.monotonic()
    assert good.connect(port) > 0
    assert good.call("inet.getaddrs", {"host": "127.0.0.9"}) == ["127.0.0.9"]
    assert time.monotonic() - began < 1
    room.known().sync()
    # Who asked goes: all is as before, at once.
    began = time.monotonic()
    bad.close()
    good.sync()
    metrics = good.call("daemon.metrics")["text"]
    assert 'gentcp_jobs_waiting{threads="resolvers"} 0\n' in metrics
    assert time.monotonic() - began < 1
    check_prompt(room, good)


@pytest.mark.parametrize("method", ["inet.getaddrs", "gen_tcp.connect"])
def test_others_are_not_held_up(hole, method):
    others_are_not_held_up(hole, method)


def test_nor_by_one_that_is_out_of_reach(black):
    others_are_not_held_up(black, "inet.getaddrs")


def as_other_uid(pipe, path, uid, count=NAMES):
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    c = g.Client(path)
    ask(c, count)
    c.call("session.self")
    pipe.send("asked")
    pipe.recv()
    c.close()


def test_two_users_names_do_not_keep_a_thirds_waiting(hole):
    """Each has asked for as many as may wait; a third's is looked up within a second."""
    g.open_to_all(hole.daemon)
    good = hole.known()
    _, port = good.listen({"backlog": 128})
    children = [hole.own(g.Child(as_other_uid, hole.daemon.path, uid)) for uid in (1001, 1002)]
    for child in children:
        assert child.recv() == "asked"
    for _ in range(20):
        began = time.monotonic()
        assert good.connect(port, address="known.example") > 0
        assert time.monotonic() - began < 1
    check_prompt(hole, good)
    for child in children:
        child.send("end")


def test_a_user_may_have_so_many_waiting(hole):
    """The next one is refused; the others go on, and their timeouts come in time."""
    c = hole.known()
    more = hole.known()
    ids = ask(c, 4090)
    began = time.monotonic()
    timed = more.request("gen_tcp.connect", {
        "address": "one.hole.example", "port": 9, "timeout": 300})
    assert more.reply(timed).error().message == "timeout"
    assert 0.29 < time.monotonic() - began < 2
    extra = ask(more, 20)
    refused = [r for r in (more.reply(i) for i in extra[10:])
               if "error" in r.json and r.error().message == "system_limit"]
    assert len(refused) >= 1
    assert not any(i in c.replies for i in ids)


def test_one_that_is_cancelled_makes_room(hole):
    c = hole.known()
    name = c.request("inet.getaddrs", {"host": "a.hole.example"})
    assert c.call("session.cancel", {"id": name}) is True
    assert c.reply(name).error().message == "cancelled"


@pytest.mark.parametrize("hole", [500], indirect=True)
def test_the_deadline(hole):
    """resolve_timeout, for one that has no timeout of its own."""
    c = hole.known()
    began = time.monotonic()
    for i in ask(c, 200):
        assert c.reply(i).error().message == "timeout"
    assert 0.49 < time.monotonic() - began < 3


class Server(threading.Thread):
    """Speaks for the silent one, and has forgotten what it heard: every name is
    127.0.0.7."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock = sock
        self.over = False
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                sock.recv(512)
        sock.settimeout(0.1)

    def __enter__(self):
        self.start()

    def __exit__(self, *what):
        self.over = True
        self.join()

    def run(self):
        while not self.over:
            try:
                data, peer = self.sock.recvfrom(512)
            except TimeoutError:
                continue
            question = data[12:data.index(b"\0", 12) + 5]
            answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x07"
            self.sock.sendto(
                data[:2] + b"\x81\x80\0\x01\0\x01\0\0\0\0" + question + answer, peer)


def test_all_is_well_within_a_second_when_it_answers_again(hole):
    answers_again(hole, lambda: hole.silent)


def test_nor_is_it_when_it_is_reached_again(black):
    def reached():
        ip("-n", black.namespace.name, "addr", "add", BLACK, "dev", "lo")
        server = black.own(black.namespace.socket(socket.AF_INET, socket.SOCK_DGRAM))
        server.bind((BLACK, 53))
        return server

    answers_again(black, reached)


def answers_again(room, server):
    g.open_to_all(room.daemon)
    good = room.known()
    child = room.own(g.Child(as_other_uid, room.daemon.path, 1001))
    assert child.recv() == "asked"
    with Server(server()):
        began = time.monotonic()
        assert good.call("inet.getaddrs", {"host": "now.example"}) == ["127.0.0.7"]
        assert time.monotonic() - began < 1
    child.send("end")
