# SPDX-License-Identifier: ISC
"""What each kind of waiting caller gets when its socket goes, what the owner is
told, and what calls get from then on: tests/data/gone/table, recorded from erl."""

import os

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason

TABLE = os.path.join(g.HERE, "..", "data", "gone", "table")
STATES = {
    "open": ["connected", "open"],
    "busy": ["busy", "connected", "open"],
    "zombie": [],
    "gone": ["closed"],
}
MODES = {"true": True, "false": False, "once": "once", "3": 3}
EVENTS = {
    "E": ("tcp_error", "econnreset"), "M": ("tcp_error", "emsgsize"), "C": ("tcp_closed", None),
}
SIZE = 3 * MB  # more than the kernel takes for a peer that does not read


def rows():
    with open(TABLE) as f:
        for text in f:
            if not text.startswith("#"):
                parts = [part.split() for part in text.split("|")]
                yield pytest.param(*parts, id=" ".join(text.replace("|", "").split()[:7]))


class Waiting:
    """A caller of its own client."""

    def __init__(self, room, kind, s):
        self.client = room.client()
        if kind == "recv":
            self.id = self.client.start_recv(s)
        else:
            self.id = self.client.start_send(s, b"waits")
        self.client.sync()

    def expect(self, wanted):
        if wanted == "waits":
            assert self.client.waiting(self.id)
        elif wanted == "ok":
            assert self.client.reply(self.id).result() == "ok"
        else:
            check_reason(self.client.reply(self.id).error(), wanted)


def end(room, client, owner, s, peer, why):
    if why == "close":
        client.setopts(s, {"linger": [True, 0]})
        client.close_socket(s)
    elif why == "owner":
        owner.close()
        g.until(lambda: client.states(s) == ["closed"], "the owner's end")
    elif why == "fin":
        peer.half_close()
    elif why == "reset":
        peer.reset()
    elif why == "large":
        peer.put(b"\0\x09x")
    elif why != "late":
        client.shutdown(s, "read_write" if why == "both" else why)


def answer(client, s, what):
    """What a send, or a recv that does not wait long, answers."""
    i = client.start_send(s, b"x") if what == "send" else client.start_recv(s, 0, 20)
    r = client.reply(i).json
    return r["error"]["message"] if "error" in r else r["result"]


@pytest.mark.parametrize("case,waiting,events,state,after", rows())
def test_a_socket_goes(room, case, waiting, events, state, after):
    why, active, exit_on_close, show = case
    owner, client = room.client(), room.client(attachments=True)
    s, peer = room.pair(owner, {
        "active": MODES[active], "exit_on_close": exit_on_close == "T",
        "show_econnreset": show == "T", "sndbuf": 4096,
    }, small=True)
    if waiting[1] != "-":
        client.send(s, b"q" * SIZE, attached=True)
    if why == "large":
        client.setopts(s, {"packet": 2, "packet_size": 4})
    elif why == "late":
        client.setopts(s, {"send_timeout": 250, "send_timeout_close": True})
    # in this order: the first of the two senders is the blocked one
    callers = [
        (Waiting(room, kind, s), wanted)
        for kind, wanted in (("send", waiting[1]), ("send", waiting[2]), ("recv", waiting[0]))
        if wanted != "-"
    ]
    end(room, client, owner, s, peer, why)
    for caller, wanted in callers:
        caller.expect(wanted)
    if why != "owner":
        for letter in events:
            if letter != "-":
                name, reason = EVENTS[letter]
                assert owner.event(name, s).params.get("reason") == reason
        owner.no_event(s)
    assert client.states(s) == STATES[state[0]]
    for what, wanted in zip(("send", "send", "recv", "recv"), after):
        if wanted != "-":
            assert answer(client, s, what) == wanted, (what, after)
    if why != "owner":
        owner.no_event(s)


def test_a_close_that_waits_when_the_peer_resets(room):
    client, other = room.client(attachments=True), room.client()
    s, peer = room.pair(client, {"high_watermark": 64 * MB, "sndbuf": 8192}, small=True)
    client.send(s, b"q" * SIZE, attached=True)
    closing = client.request("gen_tcp.close", {"socket": s})
    assert client.waiting(closing)
    # To everybody else it is closed, at once and with nothing to wait for.
    assert other.close_socket(s) == "ok"
    assert client.waiting(closing)
    peer.reset()
    assert client.reply(closing).result() == "ok"


def test_a_close_that_waits_when_the_peer_closes_its_half(room):
    """Nobody reads any more: all that is queued goes out."""
    client = room.client(attachments=True)
    s, peer = room.pair(client, {"high_watermark": 64 * MB, "sndbuf": 8192}, small=True)
    data = g.pattern(SIZE)
    client.send(s, data, attached=True)
    closing = client.request("gen_tcp.close", {"socket": s})
    assert client.waiting(closing)
    peer.half_close()
    assert peer.read_end() == data
    assert client.reply(closing).result() == "ok"


def test_a_close_that_waits_when_the_owner_ends(room):
    """The socket is closed already: what is queued still goes out."""
    owner, client = room.client(attachments=True), room.client()
    s, peer = room.pair(owner, {"high_watermark": 64 * MB, "sndbuf": 8192}, small=True)
    data = g.pattern(SIZE)
    owner.send(s, data, attached=True)
    closing = client.request("gen_tcp.close", {"socket": s})
    assert client.waiting(closing)
    owner.close()
    assert client.reply(closing).result() == "ok"
    assert peer.read_end() == data


def test_acceptors_and_a_shutdown_of_their_listener(room, client):
    """shutdown is not for listeners: who waits goes on waiting."""
    listener, port = client.listen()
    waiting = client.request("gen_tcp.accept", {"socket": listener})
    error = client.fails("gen_tcp.shutdown", {"socket": listener, "how": "read_write"})
    check_reason(error, "enotconn")
    assert client.waiting(waiting)
    room.dial(port)
    assert client.states(client.reply(waiting).result()["socket"]) == ["connected", "open"]


def test_all_of_many_suspended_senders_are_answered(room):
    owner, client = room.client(), room.client(attachments=True)
    s, peer = room.pair(owner, {"active": True, "sndbuf": 4096}, small=True)
    client.send(s, b"q" * SIZE, attached=True)
    waiting = [client.start_send(s, b"%d" % n) for n in range(200)]
    assert client.waiting(waiting[0])
    peer.reset()
    for i in waiting:
        check_reason(client.reply(i).error(), "closed")
    owner.event("tcp_closed", s)
    assert client.states(s) == ["closed"]
