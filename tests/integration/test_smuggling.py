# SPDX-License-Identifier: ISC
"""Payloads that look like commands, in every framing and under every data setting:
no byte of them is ever carried out."""

import struct

import pytest

import gentcp_test as g
from gentcp_test import line, request


def commands(victim):
    """What a stranger would send who hopes to be taken for a client."""
    close = request("evil", "gen_tcp.close", params={"socket": victim})
    texts = [
        line(close),
        b"\n" + line(close),
        b'"}}\n' + line(close),
        b'\x00\xff\n' + line(close),
        line([close]),
        b"\r\n" + line(close)[:-1] + b"\r\n",
        line(request("evil", "session.hello", params={"data": "base64"})),
        line({"jsonrpc": "2.0", "id": "evil", "result": "ok"}),
        line({"jsonrpc": "2.0", "method": "tcp_closed", "params": {"socket": victim}}),
    ]
    return texts


FRAMES = {
    "raw": lambda b: b,
    1: lambda b: bytes([len(b)]) + b,
    2: lambda b: struct.pack(">H", len(b)) + b,
    4: lambda b: struct.pack(">I", len(b)) + b,
    "line": lambda b: b if b.endswith(b"\n") else b + b"\n",
}


@pytest.mark.parametrize("setting", ["auto", "base64", "attached"])
@pytest.mark.parametrize("packet", list(FRAMES))
def test_payloads_are_never_commands(room, bystander, setting, packet):
    """A peer's bytes come out as they went in, and go back as they came, whole
    or in pieces; nothing in them is ever carried out."""
    victim, victims_peer = room.pair(bystander.client)
    texts = commands(victim)
    framed = FRAMES[packet]
    for piece in (None, 1, 7):
        c = room.client(setting)
        s, peer = room.pair(c, {"packet": packet, "active": True})
        wire = b"".join(framed(t) for t in texts)
        body = b"".join(texts)
        if piece is None:
            peer.send(wire)
        else:
            for at in range(0, len(wire), piece):
                peer.send(wire[at : at + piece])
        got = b""
        while len(got) < len(body):
            data = c.event("tcp", s).data
            got += data
            # back to the peer, in the way of this setting
            assert c.send(s, data) == "ok"
        assert got == body
        echoed = peer.read(len(wire) if packet != "raw" else len(body))
        if packet in ("raw", "line"):
            assert echoed == body
        else:
            assert echoed == wire
        c.sync()
        assert "evil" not in c.replies and not c.others
        assert not c.events
        c.close()
    assert bystander.client.states(victim) == ["connected", "open"]
    assert not bystander.client.events


def test_refused_attachments_are_never_commands(room, bystander):
    victim, _ = room.pair(bystander.client)
    c = room.client("attached")
    s, peer = room.pair(c)
    gone = room.gone(c)
    for text in commands(victim):
        for method, params in (
            ("gen_tcp.send", {"socket": gone}),
            ("gen_tcp.send", {"socket": 2**40}),
            ("gen_tcp.send", {"socket": "x"}),
            ("gen_tcp.send", {"socket": s, "data": "y"}),
            ("gen_tcp.send", {}),
            ("gen_tcp.recv", {"socket": s, "length": 0}),
            ("no.such.method", {}),
            ("session.self", {"unknown": 1}),
        ):
            assert "error" in c.reply(c.request(method, params, attachment=text)).json
    # As a notification, where nobody is told.
    for text in commands(victim):
        c.outgoing.append(memoryview(line(
            {"jsonrpc": "2.0", "method": "gen_tcp.send", "params": {"socket": gone},
             "attached": len(text)})))
        c.outgoing.append(memoryview(text))
    c.flush()
    c.sync()
    assert "evil" not in c.replies and not c.others
    assert bystander.client.states(victim) == ["connected", "open"]


def test_strings_full_of_commands(room, bystander):
    """Sent as JSON strings, base64 and arrays by a client without attachments."""
    victim, _ = room.pair(bystander.client)
    c = room.client()
    s, peer = room.pair(c)
    for text in commands(victim):
        if b"\xff" not in text:
            c.call("gen_tcp.send", {"socket": s, "data": text.decode()})
            assert peer.read(len(text)) == text
        c.call("gen_tcp.send", {"socket": s, "data": g.as_data(text)})
        assert peer.read(len(text)) == text
        c.call("gen_tcp.send", {"socket": s, "data": list(text)})
        assert peer.read(len(text)) == text
    assert "evil" not in c.replies
    assert bystander.client.states(victim) == ["connected", "open"]


def test_names_full_of_commands_are_escaped(room, bystander):
    name = '"}\n' + line(request("evil")).decode() + "\x1b[31m\u20ac"
    c = room.client(name=name[:200])
    other = room.client()
    assert name[:200] in [x.get("name") for x in other.call("session.clients")]
    c.sync()
    assert not c.others and "evil" not in c.replies
