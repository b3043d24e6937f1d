# SPDX-License-Identifier: ISC
"""Ten thousand accepted sockets of one client at once."""

import resource
import select
import socket

import pytest

import gentcp_test as g

COUNT = g.scaled(10000, 500)
SOURCES = 8  # addresses 127.0.0.2 and up, so that ports are in plenty


def load(pipe, port, count):
    """Connects count sockets, sends each a line, waits for every echo, and then
    for every end."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    socks = {}
    for n in range(count):
        s = socket.socket()
        s.bind(("127.0.0.%d" % (2 + n % SOURCES), 0))
        s.settimeout(60)
        s.connect(("127.0.0.1", port))
        socks[s.fileno()] = (s, n)
        if n % 100 == 99:
            pipe.send(n + 1)
    pipe.send(("connected", count))
    assert pipe.recv() == "talk"
    poll = select.epoll()
    for fd, (s, n) in socks.items():
        s.sendall(b"%09d\n" % n)
        poll.register(fd, select.EPOLLIN)
    waiting = set(socks)
    while waiting:
        ready = poll.poll(60)
        assert ready, "%d echoes are missing" % len(waiting)
        for fd, _ in ready:
            s, n = socks[fd]
            data = s.recv(100)
            assert data == b"%09d\n" % n, (n, data)
            waiting.discard(fd)
    pipe.send("echoed")
    ended = 0
    while ended < count:
        ready = poll.poll(60)
        assert ready, "%d sockets were not closed" % (count - ended)
        for fd, _ in ready:
            s, n = socks[fd]
            assert s.recv(100) == b""
            poll.unregister(fd)
            s.close()
            ended += 1
    pipe.send("ended")


def test_ten_thousand_sockets(own_room):
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < COUNT + 200:
        pytest.skip("at most %d descriptors here" % hard)
    room = own_room
    owner = room.client()
    other = room.client()
    listener, port = owner.listen({"active": True, "packet": "line", "backlog": 4096})
    child = room.own(g.Child(load, port, COUNT))
    before = room.daemon.rss()

    waiting = []
    started = 0
    sockets = set()
    while len(sockets) < COUNT:
        while started < COUNT and len(waiting) < 1000:
            waiting.append(owner.request("gen_tcp.accept", {"socket": listener}))
            started += 1
        done = waiting[:200]
        for i in done:
            sockets.add(owner.reply(i, 60).result()["socket"])
        waiting = waiting[len(done) :]
    while child.recv(60) != ("connected", COUNT):
        pass
    assert len(sockets) == COUNT
    assert room.daemon.fds() >= COUNT
    memory = room.daemon.rss() - before
    assert len(owner.sync()["sockets"]) == COUNT + 1
    other.sync()

    child.send("talk")
    echoed = 0
    while echoed < COUNT:
        e = owner.event("tcp", timeout=60)
        sockets.discard(e.socket)
        owner.outgoing.append(memoryview(
            b'{"jsonrpc":"2.0","method":"gen_tcp.send","params":{"socket":%d,"data":"%s\\n"}}\n'
            % (e.socket, e.data[:-1])))
        if len(owner.outgoing) > 100:
            owner.flush()
        echoed += 1
    owner.flush()
    assert not sockets
    assert child.recv(60) == "echoed"
    owner.close()
    assert child.recv(60) == "ended"
    other.sync()
    other.close()
    room.daemon.wait_baseline(30)
    print("%.0f bytes of memory for each socket" % (memory / COUNT))
