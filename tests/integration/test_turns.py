# SPDX-License-Identifier: ISC
"""Turns of the loop: whoever has much to do holds up nobody, and nothing that
is left for the end of a turn is forgotten there."""

import fcntl
import socket
import struct
import termios
import time

import gentcp_test as g


def unread(sock):
    """How many bytes wait to be read."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]


def test_a_send_behind_answers_that_fill_the_channel_is_sent(room):
    c = room.client()
    s, peer = room.pair(c)
    for _ in range(g.scaled(300, 100)):
        c.listen()
    questions = [g.line(g.request(n, "inet.i")) for n in range(1000, 1200)]
    last = g.line(g.request(9, "gen_tcp.send", params={"socket": s, "data": "hello"}))
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(room.daemon.path)
    raw.settimeout(g.DEADLINE)
    with raw:
        raw.sendall(b"".join(questions) + last)
        # until the daemon can do nothing more but wait for us to read; no other
        # client says anything, so that nothing else wakes it
        seen = []

        def full():
            seen.append(unread(raw))
            return seen[-1] > 0 and seen[-10:] == [seen[-1]] * 10

        g.until(full, "the channel to fill")
        got = b""
        while b'"id":9,' not in got[-300:]:
            more = raw.recv(1 << 20)
            assert more, "closed before the send was answered"
            got = got[-300:] + more
        assert peer.read(5) == b"hello"


def test_costly_requests_of_one_client_hold_up_no_other(room):
    c, other = room.client(), room.client()
    for _ in range(g.scaled(300, 100)):
        listener, _ = c.listen()
    names = ["sndbuf"] * 2000
    c.outgoing.append(memoryview(b"".join(
        g.line(g.request(n, "inet.getopts", params={"socket": listener, "names": names}))
        for n in range(10000, 10100))))
    c.write_some()
    began = time.monotonic()
    other.sync()
    assert time.monotonic() - began < 1
    for n in range(10000, 10100):
        assert "sndbuf" in c.reply(n).result()


def test_a_half_closed_client_ends_with_its_last_notification(room):
    c = room.client()
    listener, _ = c.listen()
    c.sync()
    raw = socket.socket(socket.AF_UNIX)
    raw.connect(room.daemon.path)
    raw.settimeout(g.DEADLINE)
    with raw:
        accept = {"jsonrpc": "2.0", "method": "gen_tcp.accept", "params": [listener]}
        raw.sendall(g.line(accept))
        raw.shutdown(socket.SHUT_WR)
        g.until(lambda: "accepting" in c.states(listener), "the accept to wait")
        c.close_socket(listener)
        # the accept ends, and says nothing; nothing else is left to be said
        assert raw.recv(100) == b""
