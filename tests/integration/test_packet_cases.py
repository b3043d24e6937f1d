# SPDX-License-Identifier: ISC
"""What erl made of the inputs in tests/data/packet, by the real daemon: each case
in one piece, byte by byte and at random splits, by recv and in active mode."""

import contextlib
import json
import random
import socket
import tempfile

import pytest

import gentcp_test as g
import packet_cases
from gentcp_test import check_reason

FILES = ["raw", "1", "2", "4", "line", "sunrm", "asn1", "cdr", "fcgi", "tpkt"]
FILES += ["http", "httph", "http_bin", "httph_bin"]


@pytest.fixture
def numbers(room):
    """A client that gets its data in attachments."""
    return room.client("attached")


def check_rest(case, rest):
    """Bytes of an incomplete packet come with the error."""
    if case.raw:
        assert not rest
    else:
        assert (rest or b"") == case.input[sum(case.take):], case.name


def check_error(client, s, case, e):
    """After the packets: what the case ends in, or the end of the stream; once."""
    assert e.message == ("emsgsize" if case.invalid else "closed"), case.name
    if not case.invalid:
        check_rest(case, e.rest())
    assert client.recv_fails(s).message == "enotconn", case.name


def feed(peer, pieces):
    """Sends them, as far as the daemon takes them."""
    for piece in pieces:
        try:
            peer.send(piece)
        except (ConnectionResetError, BrokenPipeError):
            return
        yield


def finish(peer):
    with contextlib.suppress(OSError):
        peer.sock.shutdown(socket.SHUT_WR)


def random_pieces(data, chance):
    cuts = sorted(chance.randrange(len(data)) for _ in range(chance.randrange(1, 6)))
    pieces = [data[a:b] for a, b in zip([0] + cuts, cuts + [len(data)])]
    return [piece for piece in pieces if piece]


def packet_of(case, params, attachment):
    """A packet as the case has it: of recv's result, or of an event."""
    if "http" in params:
        return packet_cases.Term(case.options["packet"].endswith("_bin")).of(params["http"])
    return g.payload(params.get("data"), attachment)


def receive(client, s, case):
    """By recv; raw has no borders of its own."""
    got = bytearray()
    if case.raw:
        while len(got) < len(b"".join(case.out)):
            got += client.recv(s)
        assert got == b"".join(case.out), case.name
        return
    for packet in case.out:
        message = client.reply(client.start_recv(s))
        got = packet_of(case, message.result(), message.attachment)
        assert got == packet, case.name


def run_passive(room, client, case, pieces):
    """A recv waits before each piece comes."""
    s, peer = room.pair(client, case.options)
    waiting, got, error = client.start_recv(s), [], None

    def take():
        nonlocal waiting, error
        message = client.reply(waiting)
        if "error" in message.json:
            error = message.error()
            return
        got.append(packet_of(case, message.result(), message.attachment))
        waiting = client.start_recv(s)

    for _ in feed(peer, pieces):
        client.sync()
        while error is None and waiting in client.replies:
            take()
            client.sync()
    finish(peer)
    while error is None:
        take()
    if case.raw:
        assert b"".join(got) == b"".join(case.out), case.name
    else:
        assert got == case.out, case.name
    check_error(client, s, case, error)
    client.close_socket(s)
    peer.close()


def run_active(room, client, case, pieces, mode=True):
    s, peer = room.pair(client, {**case.options, "active": mode})
    for _ in feed(peer, pieces):
        if len(pieces) > 1:
            client.sync()
    finish(peer)
    got, names = [], []
    while "tcp_closed" not in names:
        e = client.event(None, s)
        if e.name in ("tcp", "http"):
            got.append(packet_of(case, e.params, e.attachment))
        elif e.name == "tcp_passive":
            client.setopts(s, {"active": mode})
        else:
            names.append(e.name)
            if e.name == "tcp_error":
                assert e.params["reason"] == "emsgsize"
    if case.raw:
        assert b"".join(got) == b"".join(case.out), case.name
    else:
        assert got == case.out, case.name
    assert names == ["tcp_error", "tcp_closed"][not case.invalid:], case.name
    peer.close()


@pytest.mark.parametrize("file", FILES)
def test_whole(room, numbers, file):
    for case in packet_cases.cases(file + ".cases"):
        s, peer = room.pair(numbers, case.options)
        peer.send(case.input)
        receive(numbers, s, case)
        finish(peer)
        check_error(numbers, s, case, numbers.recv_fails(s))
        peer.close()
        numbers.close_socket(s)


@pytest.mark.parametrize("file", FILES)
def test_whole_and_active(room, numbers, file):
    for case in packet_cases.cases(file + ".cases"):
        run_active(room, numbers, case, [case.input])
        run_active(room, numbers, case, [case.input], mode=2)


@pytest.mark.parametrize("file", FILES)
def test_byte_by_byte(room, numbers, file):
    for case in packet_cases.cases(file + ".cases"):
        if not case.whole and len(case.input) <= 100:
            run_active(room, numbers, case, [bytes([b]) for b in case.input])


@pytest.mark.parametrize("file", FILES)
def test_at_random_splits(room, numbers, file):
    chance = random.Random(file)
    for case in packet_cases.cases(file + ".cases"):
        if not case.whole and len(case.input) > 1:
            run_passive(room, numbers, case, random_pieces(case.input, chance))
            run_active(room, numbers, case, random_pieces(case.input, chance))


def limits():
    """The cases by the daemon's limit."""
    found = {}
    for case in packet_cases.cases("limits.cases"):
        if case.max_packet is not None and case.max_packet < 1 << 30:
            found.setdefault(case.max_packet, []).append(case)
    assert len(found) > 3
    return found


def test_the_daemons_own_limit():
    for most, cases in limits().items():
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
            json.dump({"max_packet": most}, f)
            f.flush()
            daemon = g.Daemon(args=["-c", f.name])
        room = g.Room(daemon)
        try:
            for case in cases:
                run_active(room, room.client(), case, [case.input])
            room.end()
            daemon.wait_baseline()
            daemon.stop()
        finally:
            room.end()
            daemon.kill()
            daemon.remove()


# --- options that change while bytes are there ---------------------------------


class Live:
    """A socket whose steps are done."""

    def __init__(self, room, client, name):
        self.room = room
        self.client = client
        self.name = name
        self.waiting = None
        self.over = False

    def options(self, rest):
        words = (word.partition("=") for word in rest.split())
        return {name: packet_cases.value(text) for name, _, text in words}

    def term(self, params):
        return packet_cases.Term(self.packet.endswith("_bin")).of(params["http"])

    def shown(self, params, attachment):
        """Data as data_of() gives it, an http packet as a term."""
        if "http" in params:
            return "http " + self.term(params)
        data = g.payload(params.get("data"), attachment)
        if isinstance(params.get("data"), list):
            assert "header" not in params
            return data
        if "header" not in params:
            return data
        # gen_tcp has no rest where all of it stands apart and there is room for more
        header = bytes(params["header"])
        return header if not data and len(header) < self.header else (header, data)

    def result(self, message):
        if "error" in message.json:
            return ("error", message.error().message)
        return ("out", self.shown(message.result(), message.attachment))

    def open(self, rest):
        options = self.options(rest)
        self.header = options.get("header", 0)
        self.packet = str(options.get("packet"))
        self.s, self.peer = self.room.pair(self.client, options)
        return []

    def peer_step(self, rest):
        data = packet_cases.read_bytes(rest)
        if self.over:
            with contextlib.suppress(OSError):
                self.peer.send(data)
        else:
            self.peer.put(data)
        return []

    def shut(self, rest):
        self.peer.half_close()
        return []

    def set(self, rest):
        options = self.options(rest)
        self.header = options.get("header", self.header)
        self.packet = str(options.get("packet", self.packet))
        assert self.client.setopts(self.s, options) == "ok"
        return []

    def unrecv(self, rest):
        data = g.as_data(packet_cases.read_bytes(rest))
        assert self.client.call("gen_tcp.unrecv", {"socket": self.s, "data": data}) == "ok"
        return []

    def recv(self, rest, timeout=30):
        return [self.result(self.client.reply(self.client.start_recv(self.s, int(rest), timeout)))]

    def poll(self, rest):
        return self.recv(rest, 0)

    def wait(self, rest):
        self.waiting = self.client.start_recv(self.s, int(rest))
        return []

    def events(self, count):
        """What the step brought besides its result: that many, and then no more."""
        got = []
        for _ in range(count):
            if self.waiting is not None:
                got.append(("waited", self.result(self.client.reply(self.waiting))[1]))
                self.waiting = None
                continue
            e = self.client.event(None, self.s)
            if e.name in ("tcp", "port"):
                got.append((e.name, self.shown(e.params, e.attachment)))
            elif e.name == "http":
                got.append(("http", self.term(e.params)))
            else:
                got.append((e.name, e.params.get("reason")))
                self.over |= e.name == "tcp_closed"
        # twice: the second finds what the first's turn of the loop brought
        self.client.no_event(self.s)
        self.client.no_event(self.s)
        assert self.waiting is None or self.waiting not in self.client.replies
        return got

    def run(self, step):
        brings = [wanted(text) for text in step.brings()]
        do = {"peer": self.peer_step}.get(step.key) or getattr(self, step.key)
        got = do(step.rest)
        got += self.events(len(brings) - len(got))
        assert got == brings, "%s: %s %s" % (self.name, step.key, step.rest)


def wanted(text):
    key, _, rest = text.partition(" ")
    if key in ("out", "tcp", "port", "waited") and not rest.startswith("http "):
        return (key, packet_cases.data_of(rest))
    return (key, rest or None)


STEPS = packet_cases.steps("live.steps") + packet_cases.steps("http.steps")


@pytest.mark.parametrize("steps", STEPS, ids=lambda s: s.name)
def test_options_change_on_a_live_socket(room, client, steps):
    live = Live(room, client, steps.name)
    for step in steps.steps:
        live.run(step)


def test_every_type_can_be_set_and_asked(room, client):
    s, _ = room.pair(client)
    for name in FILES:
        packet = 0 if name == "raw" else packet_cases.value(name)
        assert client.setopts(s, {"packet": "raw" if name == "raw" else packet}) == "ok"
        assert client.getopt(s, "packet") == packet
    listener, port = client.listen({"packet": "fcgi", "active": True})
    room.dial(port).send(bytes.fromhex("0105000100010100 61 00"))
    accepted = client.accept(listener)
    assert client.event("tcp", accepted).data == bytes.fromhex("010500010001010061")
    check_reason(client.recv_fails(accepted), "einval")


@pytest.mark.parametrize("packet", ["sunrm", "asn1", "cdr", "fcgi", "tpkt", "http", "httph"])
def test_send_adds_nothing(room, client, packet):
    s, peer = room.pair(client, {"packet": packet, "packet_size": 3})
    for data in (b"abc", b"", b"\3\0\0\5a" * 100):
        assert client.send(s, data) == "ok"
        assert peer.read(len(data)) == data
