# SPDX-License-Identifier: ISC
"""Packet types on the wire: what comes in, what goes out, what is too long."""

import random

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason, probe


def frame(packet, body):
    if packet in (1, 2, 4):
        return len(body).to_bytes(packet, "big") + body
    return body


RECEIVED = [
    (1, "03616263 00 017a", [b"abc", b"", b"z"]),
    (2, "0003616263 0000 00017a", [b"abc", b"", b"z"]),
    (4, "00000003616263 00000000 000000017a", [b"abc", b"", b"z"]),
    ("line", b"one\ntwo\r\n\n\r\nend\n".hex(), [b"one\n", b"two\r\n", b"\n", b"\r\n", b"end\n"]),
]


@pytest.mark.parametrize("packet,wire,packets", RECEIVED)
def test_received(room, client, packet, wire, packets):
    s, peer = room.pair(client, {"packet": packet})
    peer.send(bytes.fromhex(wire))
    assert [client.recv(s) for _ in packets] == packets
    check_reason(client.recv_fails(s, 0, 0), "timeout")


@pytest.mark.parametrize("packet,wire,packets", RECEIVED)
def test_received_in_active_mode(room, client, packet, wire, packets):
    s, peer = room.pair(client, {"packet": packet, "active": True})
    peer.send(bytes.fromhex(wire))
    assert [client.event("tcp", s).data for _ in packets] == packets


@pytest.mark.parametrize("packet,wire,packets", RECEIVED)
def test_received_byte_by_byte(room, client, packet, wire, packets):
    s, peer = room.pair(client, {"packet": packet, "active": True})
    for byte in bytes.fromhex(wire):
        peer.put(bytes([byte]))
    assert [client.event("tcp", s).data for _ in packets] == packets


@pytest.mark.parametrize("packet", [1, 2, 4, "raw", "line"])
def test_sent(room, client, packet):
    s, peer = room.pair(client, {"packet": packet})
    for body in (b"abc", b"", b"\0" * 200):
        assert client.send(s, body) == "ok"
        wire = frame(packet, body)
        assert peer.read(len(wire)) == wire


@pytest.mark.parametrize("packet", [1, 2, 4, "line"])
@pytest.mark.parametrize("data", ["auto", "base64", "attached"])
def test_random_packets_in_random_pieces(room, packet, data):
    c = room.client(data)
    s, peer = room.pair(c, {"packet": packet, "active": True})
    chance = random.Random(20250000 + len(data))
    most = 255 if packet == 1 else 1400 if packet == "line" else 20000
    bodies = []
    for _ in range(300):
        size = chance.choice((0, 1, 2, chance.randrange(most), chance.randrange(most)))
        body = bytes(chance.choices(b"ab\r\0\xff{}[]\"", k=size))
        bodies.append(body + b"\n" if packet == "line" else body)
    wire = b"".join(frame(packet, body) for body in bodies)
    got = []
    while wire:
        piece = chance.choice((1, 2, 3, 7, 100, 5000, 70000))
        peer.send(wire[:piece])
        wire = wire[piece:]
        while c.events:
            got.append(c.event("tcp", s).data)
        if chance.random() < 0.2:
            c.sync()
    while len(got) < len(bodies):
        got.append(c.event("tcp", s).data)
    assert got == bodies


def test_a_large_packet_whatever_buffer_says(room, client):
    s, peer = room.pair(client, {"packet": 2, "buffer": 10})
    peer.send(frame(2, b"x" * 3000))
    assert client.recv(s) == b"x" * 3000
    s, peer = room.pair(client, {"packet": 4})
    data = g.pattern(5 * MB)
    waiting = client.start_recv(s)
    peer.send(frame(4, data))
    assert client.received(waiting) == data
    client.send(s, data)
    assert peer.read(4 + len(data)) == frame(4, data)


@pytest.mark.parametrize("packet", [1, 2, 4])
def test_packet_size_bounds_the_body(room, client, packet):
    s, peer = room.pair(client, {"packet": packet, "packet_size": 3})
    peer.send(frame(packet, b"abc") + frame(packet, b"abcd"))
    assert client.recv(s) == b"abc"
    check_reason(client.recv_fails(s), "emsgsize")
    check_reason(client.recv_fails(s), "enotconn")
    try:
        assert peer.read_end() == b""
    except ConnectionResetError:
        pass


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xfb", b"\x04\x00\x00\x01"])
def test_an_announced_length_beyond_max_packet_is_emsgsize(room, client, length):
    s, peer = room.pair(client, {"packet": 4})
    peer.send(length)
    check_reason(client.recv_fails(s), "emsgsize")


def test_an_announced_length_costs_nothing_until_it_comes(room, client):
    before = room.daemon.rss()
    pairs = [room.pair(client, {"packet": 4, "active": True}) for _ in range(20)]
    for s, peer in pairs:
        peer.put(b"\x03\xff\xff\xffsome")
        client.no_event(s)
    assert room.daemon.rss() - before < 8 * MB * (8 if room.daemon.sanitized() else 1)


def test_after_emsgsize_an_activation_tells_of_the_end(room, client):
    s, peer = room.pair(client, {"packet": 2, "packet_size": 10})
    peer.put(b"\0\x0bx")
    check_reason(client.recv_fails(s), "emsgsize")
    assert client.setopts(s, {"active": "once"}) == "ok"
    client.event("tcp_closed", s)
    assert client.states(s) == ["closed"]


@probe(53)
def test_emsgsize_in_active_mode(room, client):
    s, peer = room.pair(client, {"packet": 2, "packet_size": 10, "active": True})
    peer.put(b"\0\3abc")
    assert client.event("tcp", s).data == b"abc"
    peer.put(b"\0\x0bx")
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)
    check_reason(client.send_fails(s), "closed")


# --- line --------------------------------------------------------------------


def test_a_long_line_is_cut_at_buffer(room, client):
    s, peer = room.pair(client, {"packet": "line"})
    peer.send(b"a" * 3000 + b"\n")
    assert [len(client.recv(s)) for _ in range(3)] == [1460, 1460, 81]
    s, peer = room.pair(client, {"packet": "line", "buffer": 10})
    peer.send(b"0123456789\n")
    assert client.recv(s) == b"0123456789"
    assert client.recv(s) == b"\n"


@probe(56)
def test_a_line_is_cut_at_buffer_even_below_packet_size(room, client):
    s, peer = room.pair(client, {"packet": "line", "buffer": 10, "packet_size": 20})
    peer.send(b"a" * 14 + b"\n")
    assert client.recv(s) == b"a" * 10
    assert client.recv(s) == b"aaaa\n"


def test_a_line_beyond_packet_size_is_emsgsize(room, client):
    s, peer = room.pair(client, {"packet": "line", "packet_size": 10})
    peer.send(b"good\n" + b"x" * 10 + b"\n")
    assert client.recv(s) == b"good\n"
    check_reason(client.recv_fails(s), "emsgsize")
    s, peer = room.pair(client, {"packet": "line", "packet_size": 10})
    peer.put(b"0123456789")
    check_reason(client.recv_fails(s, 0, 20), "timeout")
    peer.put(b"x")
    check_reason(client.recv_fails(s), "emsgsize")


@pytest.mark.parametrize("delimiter", [ord(";"), 0, 255])
def test_another_line_delimiter(room, client, delimiter):
    s, peer = room.pair(client, {"packet": "line", "line_delimiter": delimiter})
    end = bytes([delimiter])
    peer.send(b"a\nb" + end + b"c" + end)
    assert client.recv(s) == b"a\nb" + end
    assert client.recv(s) == b"c" + end


def test_a_line_whose_beginning_was_read_raw(room, client):
    s, peer = room.pair(client)
    peer.put(b"more\n")
    assert client.recv(s, 2) == b"mo"
    client.setopts(s, {"packet": "line"})
    assert client.recv(s) == b"re\n"


@probe(55)
def test_the_body_after_a_line_is_read_raw(room, client):
    s, peer = room.pair(client, {"packet": "line"})
    peer.put(b"head\nBODY")
    assert client.recv(s) == b"head\n"
    client.setopts(s, {"packet": "raw"})
    assert client.recv(s) == b"BODY"
    assert client.getopt(s, "packet") == 0


def test_a_change_of_packet_frames_what_is_buffered_anew(room, client):
    s, peer = room.pair(client, {"packet": "line"})
    peer.put(b"go\n\3abc\0\2de")
    assert client.recv(s) == b"go\n"
    client.setopts(s, {"packet": 1})
    assert client.recv(s) == b"abc"
    client.setopts(s, {"packet": 2})
    assert client.recv(s) == b"de"


@probe(54)
def test_half_a_packet_survives_active_and_passive(room, client):
    s, peer = room.pair(client, {"packet": 2, "active": True})
    peer.put(b"\0\4ab")
    client.no_event(s)
    client.setopts(s, {"active": False})
    peer.put(b"cd")
    assert client.recv(s) == b"abcd"


def test_counters_count_headers_as_received(room, client):
    s, peer = room.pair(client, {"packet": 4})
    peer.put(frame(4, b"abc"))
    assert client.recv(s) == b"abc"
    assert client.getstat(s, ["recv_oct", "recv_cnt", "recv_max"]) == {
        "recv_oct": 7, "recv_cnt": 1, "recv_max": 7,
    }
