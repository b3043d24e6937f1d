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

SERVER = "127.0.0.53"
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


@pytest.fixture
def hole(namespace, request):
    """A room with a daemon whose one name server, its silent, never says a word.  The
    parameter: its resolve_timeout."""
    d = Inside(namespace, start=False)
    for name, text in (
            ("resolv.conf", "nameserver %s\noptions timeout:5 attempts:2\n" % SERVER),
            ("hosts", "127.0.0.1 localhost\n127.0.0.1 known.example\n"),
            ("nsswitch.conf", "hosts: files dns\nservices: files\n"),
            ("config", '{"resolve_timeout":%d}' % getattr(request, "param", 20000))):
        with open(os.path.join(d.folder, name), "w") as f:
            f.write(text)
    os.chmod(d.folder, 0o711)
    d.args = ["-c", os.path.join(d.folder, "config")]
    room = None
    silent = namespace.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        silent.bind((SERVER, 53))
        d.start(ready=False)
        g.until(lambda: os.path.exists(d.path) or not d.alive(), "gentcpd")
        if d.process.poll() == 77:
            pytest.skip("this machine gives no mount namespaces")
        d.wait_ready()
        room = g.Room(d)
        room.silent = silent
        yield room
        room.end()
        d.stop()
    finally:
        silent.close()
        if room is not None:
            room.end()
        d.kill()
        d.remove()


def round_trips(client, seconds):
    """How long each of many requests took, in ms, sorted."""
    times = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        client.call("session.self")
        times.append((time.monotonic() - began) * 1000)
        time.sleep(0.001)
    return sorted(times)


def check_prompt(client):
    """The p99 of requests is below 5 ms in one of five seconds: others on this machine may
    take their share of it, but whatever holds requests up does so in each."""
    worst = []
    for _ in range(5):
        times = round_trips(client, 1)
        worst.append(times[int(len(times) * 0.99)])
        if worst[-1] < 5:
            return
    raise AssertionError("p99 in ms: %r" % worst)


def ask(client, count=NAMES, method="inet.getaddrs"):
    """Asks for names that nobody knows, each another."""
    ids = []
    for i in range(count):
        name = "n%d.hole.example" % i
        params = {"host": name} if method == "inet.getaddrs" else {
            "address": name, "port": 9}
        ids.append(client.request(method, params))
    return ids


@pytest.mark.parametrize("method", ["inet.getaddrs", "gen_tcp.connect"])
def test_others_are_not_held_up(hole, method):
    bad, good = hole.known(), hole.known()
    listener, port = good.listen()
    ask(bad, NAMES - 96, method)
    bad.call("session.self")
    check_prompt(good)
    # Waiting costs nothing.
    before, began = hole.daemon.cpu(), time.monotonic()
    time.sleep(2)
    assert (hole.daemon.cpu() - before) / (time.monotonic() - began) < 0.02
    # A number is no name, and neither waits.
    began = time.monotonic()
    assert good.connect(port) > 0
    assert good.call("inet.getaddrs", {"host": "127.0.0.9"}) == ["127.0.0.9"]
    assert time.monotonic() - began < 1
    hole.known().sync()
    # Who asked goes: all is as before, at once.
    began = time.monotonic()
    bad.close()
    good.sync()
    metrics = good.call("daemon.metrics")["text"]
    assert 'gentcp_jobs_waiting{threads="resolvers"} 0\n' in metrics
    assert time.monotonic() - began < 1
    check_prompt(good)


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
    check_prompt(good)
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
    g.open_to_all(hole.daemon)
    good = hole.known()
    child = hole.own(g.Child(as_other_uid, hole.daemon.path, 1001))
    assert child.recv() == "asked"
    server = Server(hole.silent)
    server.start()
    try:
        began = time.monotonic()
        assert good.call("inet.getaddrs", {"host": "now.example"}) == ["127.0.0.7"]
        assert time.monotonic() - began < 1
    finally:
        server.over = True
        server.join()
    child.send("end")
