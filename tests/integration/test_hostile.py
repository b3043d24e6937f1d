# SPDX-License-Identifier: ISC
"""Clients and peers that mean harm: each gets the protocol's answer, every other
client goes on as if nothing had been, and nothing is left over."""

import os
import random
import select
import socket

import pytest

import gentcp_test as g
from gentcp_test import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    MB,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    check_reason,
    line,
    one_error,
    request,
)


# --- requests that are wrong -------------------------------------------------


def test_the_catalogue_of_wrong_requests(room, bystander, client):
    s, peer = room.pair(client)
    for method, params, code in (
        ("no.such.method", {}, METHOD_NOT_FOUND),
        ("gen_tcp.send", {}, INVALID_PARAMS),
        ("gen_tcp.send", {"socket": "x", "data": "x"}, INVALID_PARAMS),
        ("gen_tcp.send", {"socket": s, "data": 5}, INVALID_PARAMS),
        ("gen_tcp.send", {"socket": s, "data": "x", "more": 1}, INVALID_PARAMS),
        ("inet.setopts", {"socket": s, "options": {"nonsense": 1}}, g.errno_of("einval")),
        ("inet.setopts", {"socket": s, "options": {"buffer": 2**40}}, g.errno_of("einval")),
        ("inet.setopts", {"socket": s, "options": {"active": 99999}}, g.errno_of("einval")),
        ("gen_tcp.send", {"socket": 2**52, "data": "x"}, g.CODES["closed"]),
        ("gen_tcp.recv", {"socket": s, "length": 0, "timeout": -1}, INVALID_PARAMS),
        ("gen_tcp.accept", {"socket": s, "timeout": 0}, g.errno_of("einval")),
        ("gen_tcp.connect", {"address": "127.0.0.1", "port": 70000}, None),
    ):
        error = client.fails(method, params)
        assert code is None or error.code == code, (method, params, error)
    assert client.getstat(s, ["send_cnt"]) == {"send_cnt": 0}


def test_random_bytes(room, bystander):
    chance = random.Random(4711)
    for _ in range(50):
        c = room.client()
        size = chance.choice((1, 10, 1000, 30000))
        c.raw(bytes(chance.choices(range(256), k=size)) + b"\n")
        c.raw(line(request("end")))
        goes_on(c, "end")
        assert all("error" in m.json for m in c.others)
        c.close()


def goes_on(c, id):
    """The request id is answered; or the connection ended, after an error that
    says that an attachment might have been meant."""
    try:
        assert "id" in c.reply(id).json
        return True
    except g.Ended:
        last = max(list(c.others) + list(c.replies.values()), key=lambda m: m.number)
        assert last.error().code == INVALID_REQUEST
        assert "attached" in last.error().message
        return False


def test_mutated_requests(room, bystander):
    """Valid lines with a byte changed, dropped or doubled."""
    chance = random.Random(99)
    c = room.client()
    s, peer = room.pair(c)
    seeds = [
        line(request(1, "gen_tcp.send", params={"socket": s, "data": ["a", 1, {"base64": "AA=="}]})),
        line(request("x", "inet.getopts", params={"socket": s, "names": ["packet", "linger"]})),
        line(request(2, "inet.setopts", params={"socket": s, "options": [["packet", 4], "list"]})),
        line([request(3), request(4)]),
    ]
    for _ in range(g.scaled(2000, 300)):
        text = bytearray(chance.choice(seeds)[:-1])
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            at = chance.randrange(len(text))
            kind = chance.randrange(4)
            if kind == 0:
                text[at] = chance.randrange(256)
            elif kind == 1:
                del text[at]
            elif kind == 2:
                text.insert(at, text[at])
            else:
                text[at:at] = chance.choice((b"[", b"]", b"{", b"}", b'"', b"\\", b",", b"1e9", b"\0"))
        text = bytes(text).replace(b"\n", b" ")
        if b'"attached"' in text or b'"fds"' in text or b"close" in text:
            continue
        c.replies.clear()
        c.others.clear()
        c.outgoing.append(memoryview(text + b"\n" + line(request("end"))))
        c.flush()
        if not goes_on(c, "end"):
            c.close()
            c = room.client()


def test_broken_json_with_attachments_on_ends_the_connection(room, bystander):
    evil = line(request("evil", "gen_tcp.close", params={"socket": bystander.socket}))
    for text in (
        b'{"jsonrpc":"2.0","id":1,"method":"gen_tcp.send","attached":10\n',
        b'nonsense\n',
        b'{"attached":5,"attached":6,"jsonrpc":"2.0","id":1,"method":"session.self"}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"session.self","attached":"5"}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"session.self","\\u0061ttached":5}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"session.self","params":{"x":"\xff"}}\n',
        b'{"jsonrpc":"2.0","id":1,"method":"session.self","params":' + b"[" * 70 + b"]" * 70 + b"}\n",
    ):
        c = room.client(attachments=True)
        c.raw(text + evil * 3)
        if b"u0061" in text:
            # It says attached in other words: taken as such, or fatal.
            c.wait(lambda: c.replies or c.others or c.ended, "an answer")
        else:
            c.closes()
            assert one_error(c).code in (PARSE_ERROR, INVALID_REQUEST, INVALID_PARAMS)
        assert "evil" not in c.replies
        bystander.fine()
        c.close()


def test_an_over_long_line_with_attachments_on_ends_the_connection(room, bystander):
    c = room.client(attachments=True)
    try:
        c.raw(b'{"jsonrpc":"2.0","id":1,"x":"' + b"x" * 17 * MB + b'"}\n')
    except g.Ended:
        pass
    c.closes()
    bystander.fine()


# --- sizes -------------------------------------------------------------------


def test_an_attachment_over_the_limit_is_skipped_exactly(room, bystander):
    c = room.client(attachments=True)
    s, peer = room.pair(c)
    evil = line(request("evil", "gen_tcp.close", params={"socket": s}))
    size = 64 * MB + 1
    before = room.daemon.rss()
    c.raw(line(request(1, "gen_tcp.send", params={"socket": s}, attached=size)))
    chunk = evil * (MB // len(evil))
    sent = 0
    most = 0
    while sent < size:
        piece = chunk[: size - sent]
        c.raw(piece)
        sent += len(piece)
        most = max(most, room.daemon.rss())
    bystander.fine()
    c.raw(line(request(2)))
    assert "result" in c.reply(2).json
    error = c.reply(1).error() if 1 in c.replies else c.other().error()
    assert error.code < 0 or error.message in ("emsgsize", "system_limit"), error
    assert "evil" not in c.replies
    assert c.states(s) == ["connected", "open"]
    assert most - before < 16 * MB * (8 if room.daemon.sanitized() else 1)


def test_an_attachment_of_absurd_size(room, bystander):
    c = room.client(attachments=True)
    before = room.daemon.rss()
    c.raw(line(request(1, "gen_tcp.send", params={"socket": 1}, attached=2**52)))
    c.raw(line(request("evil")) * 1000)
    bystander.fine()
    assert "evil" not in c.replies
    assert room.daemon.rss() - before < 8 * MB * (8 if room.daemon.sanitized() else 1)
    c.close()


def test_the_largest_attachment_is_taken(room, bystander):
    c = room.client(attachments=True)
    s, peer = room.pair(c)
    size = 64 * MB
    data = g.pattern(MB)
    c.raw(line(request(1, "gen_tcp.send", params={"socket": s}, attached=size)))
    for _ in range(size // MB):
        c.raw(data)
    bystander.fine()
    for _ in range(size // MB):
        assert peer.read(MB) == data
    assert c.reply(1).result() == "ok"


def test_100_mb_on_one_line(room, bystander):
    c = room.client()
    before = room.daemon.rss()
    total = g.scaled(100) * MB
    most = 0
    piece = b"x" * MB
    c.raw(b'{"jsonrpc":"2.0","id":1,"method":"session.self","x":"')
    for n in range(total // MB):
        c.raw(piece)
        if n % 10 == 0:
            bystander.fine()
            most = max(most, room.daemon.rss())
    c.raw(b'"}\n')
    error = one_error(c)
    assert error.code in (INVALID_REQUEST, PARSE_ERROR)
    c.next_id = 10
    c.sync()
    assert most - before < 40 * MB * (8 if room.daemon.sanitized() else 1)


def test_a_megabyte_of_small_values_is_no_heap_of_a_hundred(room, bystander):
    before = room.daemon.rss()
    for _ in range(5):
        c = room.client()
        c.raw(b"[" + b"{}," * (350 * 1000) + b"{}]\n")
        one_error(c)
        c.sync()
        c.close()
    assert room.daemon.rss() - before < 24 * MB * (8 if room.daemon.sanitized() else 1)


def test_a_batch_of_many_requests(room, bystander):
    c = room.client()
    s, peer = room.pair(c)
    members = [request(n) for n in range(5000)]
    c.raw(line(members))
    assert len(c.other(30).json) == 5000
    c.next_id = 10**6
    c.raw(line([1] * 20000))
    assert len(c.other(30).json) == 20000


def test_many_bad_lines_are_each_answered(room, bystander):
    c = room.client()
    count = g.scaled(20000)
    c.raw(b"{\n" * count)
    c.wait(lambda: len(c.others) == count, "%d errors" % count, 30)
    assert {m.error().code for m in c.others} == {PARSE_ERROR}


# --- clients that do not read, or vanish ---------------------------------------


def write_without_reading(sock, text, quiet=0.3):
    """Writes what goes; the number of bytes that went."""
    sock.setblocking(False)
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    sent = 0
    while sent < len(text):
        try:
            sent += sock.send(text[sent : sent + MB])
        except BlockingIOError:
            if not poll.poll(quiet * 1000):
                break
    return sent


def test_100000_requests_whose_replies_nobody_reads(room, bystander):
    c = room.client()
    count = g.scaled(100000, 20000)
    before = room.daemon.rss()
    text = memoryview(b"".join(
        b'{"jsonrpc":"2.0","id":%d,"method":"session.clients"}\n' % n for n in range(count)))
    sent = write_without_reading(c.sock, text)
    bystander.fine()
    grown = room.daemon.rss() - before
    assert grown < 16 * MB * (8 if room.daemon.sanitized() else 1), grown
    cpu = room.daemon.cpu()
    for _ in range(3):
        bystander.fine()
    assert room.daemon.cpu() - cpu < 0.5 + (0 if g.SCALE >= 1 else 2)
    # It reads after all: every reply is there, in order.
    c.raw(text[sent:])
    numbers = [c.reply(n, 60).number for n in range(count)]
    assert numbers == sorted(numbers)


def test_a_client_that_never_reads_ends(room, bystander):
    c = room.client()
    text = memoryview(line(request(1, "session.clients")) * 100000)
    write_without_reading(c.sock, text)
    c.close()


@pytest.mark.parametrize("linger", [False, True])
def test_a_client_that_vanishes_mid_line_or_mid_attachment(room, bystander, linger):
    for text in (
        b"{",
        b'{"jsonrpc":"2.0","id":1,"method":"gen_tcp.listen","params":{"port":0}}',
        line(request(1, "gen_tcp.send", params={"socket": 1}, attached=100)) + b"x" * 50,
        line(request(1, "gen_tcp.send", params={"socket": 1}, attached=50 * MB)) + b"x" * MB,
        b"x" * MB,
        line(request(1, "gen_tcp.listen", params={"port": 0})) * 100,
    ):
        c = room.client(attachments=True)
        c.raw(text)
        if linger:
            c.sock.shutdown(socket.SHUT_WR)
            bystander.fine()
        c.close()
    bystander.fine()


def test_clients_that_come_and_go(room, bystander):
    for n in range(g.scaled(500, 50)):
        c = socket.socket(socket.AF_UNIX)
        c.connect(room.daemon.path)
        if n % 3 == 0:
            c.sendall(line(request(1, "gen_tcp.listen", params={"port": 0})))
        c.close()
    bystander.fine()


# --- descriptors -------------------------------------------------------------


def test_too_few_descriptors_are_ebadf(room, bystander):
    c = room.client()
    listener = room.tcp_listener()
    mine = room.own(socket.create_connection(listener.getsockname()))
    c.raw(line(request(1, "gen_tcp.fdopen", params={"options": {"fd": "passed"}}, fds=1)))
    check_reason(c.reply(1).error(), "ebadf")
    error = c.reply(_with_fds(c, 2, "gen_tcp.fdopen", [mine.fileno()], said=2)).error()
    check_reason(error, "ebadf")
    c.next_id = 10
    c.sync()


def _with_fds(c, id, method, fds, said, params=None):
    value = request(id, method, params=params or {"options": {"fd": "passed"}})
    if said is not None:
        value["fds"] = said
    c.raw_with_fds(line(value), fds)
    return id


def test_descriptors_that_nobody_announced_are_ebadf(room, bystander):
    c = room.client()
    r, w = os.pipe()
    try:
        for n in range(20):
            check_reason(
                c.reply(_with_fds(c, n, "session.self", [r, w], None, params={})).error(), "ebadf"
            )
        c.next_id = 100
        c.sync()
    finally:
        os.close(r)
        os.close(w)


def test_descriptors_of_a_refused_request_are_closed(room, bystander):
    c = room.client()
    r, w = os.pipe()
    try:
        for n, (method, params) in enumerate((
            ("session.self", {}),
            ("gen_tcp.send", {"socket": 1, "data": "x"}),
            ("no.such.method", {}),
            ("gen_tcp.fdopen", {"options": {"fd": "passed", "nonsense": 1}}),
            ("gen_tcp.fdopen", {"nonsense": 1}),
            ("gen_tcp.listen", {"port": 0, "options": {"fd": "passed"}}),
        )):
            assert "error" in c.reply(_with_fds(c, n, method, [r], 1, params)).json
        c.next_id = 100
        c.sync()
    finally:
        os.close(r)
        os.close(w)
    # The daemon has no end of the pipe left: it is at its baseline but for us.


def test_more_descriptors_than_may_wait(room, bystander):
    r, w = os.pipe()
    try:
        c = room.client()
        try:
            c.raw_with_fds(b"{", [r] * 20)
            c.raw_with_fds(b"{", [r] * 20)
            c.raw(b"\n")
            c.raw(line(request("after")))
            c.wait(lambda: c.others or c.replies or c.ended, "an answer")
        except (g.Ended, OSError):
            pass
        c.close()
    finally:
        os.close(r)
        os.close(w)
    bystander.fine()


@pytest.mark.parametrize("fds", [-1, 1.5, "1", True, 17, 2**40])
def test_fds_that_is_no_count(room, bystander, fds):
    c = room.client()
    c.raw(line(request(1, fds=fds)))
    error = one_error(c)
    assert error.code < 0 or error.message in ("ebadf", "badarg")
