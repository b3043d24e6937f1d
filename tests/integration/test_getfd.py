# SPDX-License-Identifier: ISC
"""inet.getfd: a socket's descriptor in the hands of its client."""

import os
import socket
import threading

import gentcp_test as g


def test_the_client_does_its_own_io(room, client):
    number, peer = room.pair(client)
    mine = client.getfd(number)
    assert mine.getpeername() == peer.sock.getsockname()
    assert not os.get_inheritable(mine.fileno())
    mine.sendall(b"mine")
    assert peer.read(4) == b"mine"
    client.send(number, b"the daemon's")
    assert peer.read(12) == b"the daemon's"
    peer.put(b"to me")
    assert mine.recv(100) == b"to me"
    peer.send(b"to the daemon")
    assert client.recv(number) == b"to the daemon"
    assert client.getopt(number, "nodelay") is False
    mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    assert client.getopt(number, "nodelay") is True


def test_what_was_sent_before_goes_first(room, client):
    number, peer = room.pair(client)
    lines = [
        g.line(g.request(i, "gen_tcp.send", params={"socket": number, "data": "%d," % i}))
        for i in range(100, 120)
    ]
    client.raw(b"".join(lines) + g.line(g.request(7, "inet.getfd", params=[number])))
    message = client.reply(7)
    assert sorted(client.replies) == list(range(100, 120))
    assert all(r.number < message.number for r in client.replies.values())
    mine = socket.socket(fileno=message.fds[0])
    with mine:
        mine.sendall(b"end")
    want = b"".join(b"%d," % i for i in range(100, 120)) + b"end"
    assert peer.read(len(want)) == want


def test_each_reply_brings_its_own(room, client):
    pairs = [room.pair(client) for _ in range(5)]
    requests = b""
    for i, (number, _) in enumerate(pairs):
        requests += g.line(g.request(100 + i, "inet.getfd", params=[number]))
        requests += g.line(g.request(200 + i, "inet.port", params=[number]))
    client.raw(requests)
    for i, (number, peer) in enumerate(pairs):
        message = client.reply(100 + i)
        assert len(message.fds) == 1
        with socket.socket(fileno=message.fds[0]) as mine:
            assert mine.getpeername() == peer.sock.getsockname()
            assert mine.getsockname()[1] == client.reply(200 + i).result()


def test_behind_events_and_replies_that_wait(room):
    """A client that does not read for a while loses and confuses nothing."""
    c = room.client(data="attached", attachments=True)
    number, peer = room.pair(c, {"active": True})
    other, other_peer = room.pair(c)
    peer.send(b"x" * (6 * g.MB // 2))
    ids = [c.request("inet.getfd", {"socket": s}) for s in (other, number, other)]
    assert len(c.gather(number, 3 * g.MB)) == 3 * g.MB
    for id, wanted in zip(ids, (other_peer, peer, other_peer)):
        message = c.reply(id)
        with socket.socket(fileno=message.fds[0]) as mine:
            assert mine.getpeername() == wanted.sock.getsockname()


def test_in_the_hands_of_a_client_it_outlives_the_socket(room, client):
    number, peer = room.pair(client)
    mine = client.getfd(number)
    assert client.close_socket(number) == "ok"
    mine.sendall(b"still")
    assert peer.read(5) == b"still"
    mine.close()
    assert peer.read_end() == b""


def test_who_has_none(room, client):
    zombie, _ = room.zombie(client)
    for number in (zombie, room.gone(client), 999999):
        e = client.fails("inet.getfd", {"socket": number})
        assert (e.message, e.code) == ("einval", 22)


def test_not_in_a_batch_nor_as_a_notification(room, client):
    number, _ = room.pair(client)
    client.raw(g.line([g.request(1, "inet.getfd", params=[number])]))
    (answer,) = client.other().json
    assert answer["error"]["code"] == g.INVALID_REQUEST
    client.notify("inet.getfd", {"socket": number})
    client.sync()
    assert not client.incoming_fds


def test_a_hundred_one_after_the_other(room, client):
    number, _ = room.pair(client)
    for _ in range(100):
        client.getfd(number).close()


def test_those_that_nobody_reads_are_bounded(room, client):
    number, _ = room.pair(client)
    ids = list(range(1000, 1040))
    client.raw(b"".join(g.line(g.request(i, "inet.getfd", params=[number])) for i in ids))
    replies = [client.reply(i) for i in ids]
    brought = [fd for r in replies for fd in r.fds]
    for fd in brought:
        os.close(fd)
    refused = [r.error() for r in replies if "error" in r.json]
    assert len(brought) >= 16 and len(brought) + len(refused) == 40
    assert all(e.message == "system_limit" for e in refused)
    client.getfd(number).close()


def test_a_client_that_leaves_them_unread(room, client):
    number, _ = room.pair(client)
    other = room.client()
    for i in range(10):
        other.raw(g.line(g.request(i, "inet.getfd", params=[number])))
    other.close()
    client.sync()


# - flags that a client takes off -


def test_its_linger_stays(room, client):
    """Whether the daemon's duplicate went out or not: the socket lives on."""
    number, _ = room.pair(client, {"linger": [True, 7]})
    with client.getfd(number):
        assert client.getopt(number, "linger") == [True, 7]
    other = room.client()
    for _ in range(20):
        other.request("inet.getfd", {"socket": number})
    other.close()
    client.sync()
    assert client.getopt(number, "linger") == [True, 7]
    client.setopts(number, {"linger": [False, 0]})


def test_a_blocking_descriptor_does_not_block_the_daemon(room, client, bystander):
    number, peer = room.pair(client, small=True)
    mine = client.getfd(number)
    mine.setblocking(True)
    recv = client.start_recv(number)
    bystander.fine()
    size = 8 * g.MB
    client.send(number, b"x" * size)
    bystander.fine()
    assert peer.read(size) == b"x" * size
    peer.send(b"answer")
    assert client.received(recv) == b"answer"
    client.setopts(number, {"linger": [True, 5]})
    client.send(number, b"y" * size)
    close = client.request("gen_tcp.close", {"socket": number})
    mine.close()
    bystander.fine()
    assert peer.read(size) == b"y" * size
    assert client.reply(close).result() == "ok"


def test_a_listener_that_others_accept_from(room, client, bystander):
    """A worker of the client's waits in accept(2) beside the daemon."""
    listener, port = client.listen()
    mine = client.getfd(listener)
    mine.setblocking(True)
    took = []

    def work():
        while True:
            sock, _ = mine.accept()
            took.append(sock)
            if sock.recv(1) == b"q":
                return

    worker = threading.Thread(target=work)
    worker.start()
    try:
        accepted = []
        waiting = client.request("gen_tcp.accept", {"socket": listener})
        for _ in range(g.scaled(100, 20)):
            room.dial(port).send(b"n")
            bystander.fine()
            if not client.waiting(waiting):
                accepted.append(client.reply(waiting).result()["socket"])
                waiting = client.request("gen_tcp.accept", {"socket": listener})
        g.until(
            lambda: client.sync() and len(took) + len(accepted) >= g.scaled(100, 20) - 1,
            "all connections",
        )
        client.call("session.cancel", {"id": waiting})
    finally:
        while worker.is_alive():  # whoever waits gets it
            room.dial(port).send(b"q")
            worker.join(0.1)
        for sock in took:
            sock.close()
