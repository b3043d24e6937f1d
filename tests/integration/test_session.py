# SPDX-License-Identifier: ISC
"""hello, self, cancel and their like; attachments; the limits of a connection."""

import os
import re

import pytest

import gentcp_test as g
from gentcp_test import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    check_reason,
    line,
    request,
)


# --- sessions ----------------------------------------------------------------


def test_hello(room, client):
    hello = client.call("session.hello", {"client": "test/1.0", "protocol": 1})
    assert re.fullmatch(r"gentcpd/\d+\.\d+\.\d+\S*", hello["server"])
    assert hello["protocol"] == 1
    assert hello["max_message"] == 16 * g.MB
    assert hello["max_attachment"] == 64 * g.MB
    assert hello["max_values"] == 65536
    me = client.call("session.self")
    assert me["client"] == hello["client"] and me["name"] == "test/1.0"
    assert client.call("session.hello")["client"] == hello["client"]


@pytest.mark.parametrize("params", [
    {"data": "yaml"}, {"data": 1}, {"data": True}, {"attachments": 1}, {"attachments": "yes"},
    {"client": 5}, {"protocol": "1"},
])
def test_hello_that_is_wrong(client, params):
    error = client.fails("session.hello", params)
    assert error.code == INVALID_PARAMS or error.message == "badarg"
    client.sync()


def test_self(room):
    c = room.client(name="me/2")
    listener, _ = c.listen()
    s, _ = room.pair(c)
    me = c.sync()
    assert me["client"] == c.id and me["name"] == "me/2"
    assert me["uid"] == os.getuid() and me["pid"] == os.getpid()
    assert sorted(me["sockets"]) == sorted([listener, s])


def test_clients(room):
    a, b = room.known(), room.known()
    assert {a.id, b.id} <= {c["client"] for c in a.call("session.clients")}
    assert a.id != b.id
    c = room.known()
    assert c.id > max(a.id, b.id)


def test_cancel(room, client):
    assert client.call("session.cancel", {"id": 12345}) is False
    listener, _ = client.listen()
    for id in ("text", 2**53, 0):
        client.request("gen_tcp.accept", {"socket": listener}, id=id)
        assert client.call("session.cancel", {"id": id}) is True
        check_reason(client.reply(id).error(), "cancelled")
        assert client.call("session.cancel", {"id": id}) is False
    # 1 and "1" are two ids.
    client.request("gen_tcp.accept", {"socket": listener}, id="1000")
    assert client.call("session.cancel", {"id": 1000}) is False
    # Another connection's are not seen.
    assert room.client().call("session.cancel", {"id": "1000"}) is False
    client.call("session.cancel", {"id": "1000"})


def test_cancel_takes_the_oldest_with_that_id(room, client):
    s, _ = room.pair(client)
    listener, port = client.listen()
    client.raw(line(request("d", "gen_tcp.recv", params={"socket": s, "length": 0})))
    client.raw(line(request("d", "gen_tcp.accept", params={"socket": listener})))
    assert client.call("session.cancel", {"id": "d"}) is True
    check_reason(client.reply("d").error(), "cancelled")
    check_reason(client.recv_fails(s, 0, 0), "timeout")  # the recv was cancelled
    room.dial(port)
    assert client.reply("d").result()["socket"] > listener


def test_info(room, client):
    s, peer = room.pair(client, {"packet": 2})
    info = client.call("inet.info", {"socket": s})
    assert sorted(info["states"]) == ["connected", "open"]
    assert info["owner"] == client.sync()["client"]
    counters = info.get("counters", info)
    assert counters["recv_oct"] == 0 and counters["send_pend"] == 0
    rows = {row["socket"]: row for row in client.call("inet.i")}
    assert s in rows and sorted(rows[s]["states"]) == ["connected", "open"]
    client.close_socket(s)
    assert s not in {row["socket"] for row in client.call("inet.i")}


def test_getstat(room, client):
    s, peer = room.pair(client)
    assert client.getstat(s, []) == {}
    assert client.getstat(s, ["send_oct", "recv_oct"]) == {"send_oct": 0, "recv_oct": 0}
    error = client.fails("inet.getstat", {"socket": s, "names": ["recv_oct", "no_such"]})
    check_reason(error, "einval")


# --- attachments -------------------------------------------------------------


def test_the_data_settings_of_a_recv(room):
    for setting in ("auto", "base64", "attached"):
        c = room.client(setting)
        s, peer = room.pair(c)
        peer.put(b"abc")
        r = c.reply(c.start_recv(s, 3))
        if setting == "attached":
            assert r.attachment == b"abc" and "data" not in r.result()
        elif setting == "auto":
            assert r.result() == {"data": "abc"}
        else:
            assert r.result() == {"data": {"base64": "YWJj"}}


def test_settings_can_be_changed(room, client):
    s, peer = room.pair(client, {"active": True})
    for setting in ("attached", "base64", "auto"):
        client.call("session.hello", {"data": setting})
        peer.put(b"abc")
        e = client.event("tcp", s)
        assert e.data == b"abc"
        assert (e.attachment is not None) == (setting == "attached")


def test_attachments_of_every_size(room):
    c = room.client(attachments=True)
    s, peer = room.pair(c)
    for size in (0, 1, 2, 100, 4095, 4096, 8191, 8192, 65536, 1000001):
        data = g.pattern(size)
        i = c.request("gen_tcp.send", {"socket": s}, attachment=data)
        assert peer.read(size) == data
        assert c.reply(i).result() == "ok"


def test_many_attachments_in_one_write(room):
    c = room.client("attached")
    s, peer = room.pair(c)
    text = b""
    for n in range(500):
        body = b"%d:" % n + b"\n{}" * (n % 20)
        head = request(n, "gen_tcp.send", params={"socket": s}, attached=len(body))
        text += line(head) + body
    c.raw(text)
    wire = b"".join(b"%d:" % n + b"\n{}" * (n % 20) for n in range(500))
    assert peer.read(len(wire)) == wire
    for n in range(500):
        assert c.reply(n).result() == "ok"


def test_an_attachment_byte_by_byte(room):
    c = room.client(attachments=True)
    s, peer = room.pair(c)
    text = line(request(1, "gen_tcp.send", params={"socket": s}, attached=5)) + b"ab\n{\0"
    for byte in text:
        c.raw(bytes([byte]))
    assert c.reply(1).result() == "ok"
    assert peer.read(5) == b"ab\n{\0"


def test_an_attachment_beside_data_is_refused_and_skipped(room):
    c = room.client(attachments=True)
    s, peer = room.pair(c)
    error = c.fails("gen_tcp.send", {"socket": s, "data": "x"}, attachment=b'{"id":1}\n')
    assert error.code == INVALID_PARAMS
    assert c.getstat(s, ["send_cnt"]) == {"send_cnt": 0}


@pytest.mark.parametrize("method", [
    "session.self", "gen_tcp.close", "gen_tcp.recv", "inet.setopts", "gen_tcp.connect"])
def test_an_attachment_where_none_belongs_is_refused_and_skipped(room, method):
    c = room.client(attachments=True)
    s, peer = room.pair(c)
    params = {
        "session.self": {},
        "gen_tcp.close": {"socket": s},
        "gen_tcp.recv": {"socket": s, "length": 0},
        "inet.setopts": {"socket": s, "options": {}},
        "gen_tcp.connect": {"address": "127.0.0.1", "port": 1},
    }[method]
    evil = line(request("evil", "gen_tcp.close", params={"socket": s}))
    error = c.fails(method, params, attachment=evil)
    assert error.code == INVALID_PARAMS
    assert c.states(s) == ["connected", "open"]
    assert "evil" not in c.replies


def test_an_attachment_without_the_hello_is_fatal(room, client):
    c = room.client()
    c.raw(line(request(5, "gen_tcp.send", params={"socket": 1}, attached=3)) + b"abc")
    c.closes()
    messages = list(c.replies.values()) + list(c.others)
    assert len(messages) == 1 and "error" in messages[0].json
    client.sync()


@pytest.mark.parametrize("attached", [-1, 1.5, "3", None, True, [], 2**53 + 1, 2**63])
def test_an_attached_that_is_no_count_is_fatal(room, attached):
    c = room.client(attachments=True)
    c.raw(line(request(5, "session.self", attached=attached)))
    c.closes()
    messages = list(c.replies.values()) + list(c.others)
    assert len(messages) == 1 and "error" in messages[0].json


def test_attachments_stay_off_by_default(room, client):
    assert client.call("session.hello", {"client": "x/1"})["client"] > 0
    s, peer = room.pair(client, {"active": True})
    peer.send(b"abc")
    assert client.event("tcp", s).attachment is None


# --- limits ------------------------------------------------------------------


def test_a_line_of_the_longest_length_is_taken(room, client):
    s, peer = room.pair(client)
    head = b'{"jsonrpc":"2.0","id":1,"method":"gen_tcp.send","params":{"socket":%d,"data":"' % s
    size = 16 * g.MB - len(head) - 3
    client.outgoing.append(memoryview(head + b"x" * size + b'"}}\n'))
    while client.outgoing:
        client.step(g.time.monotonic() + g.DEADLINE, "a long line")
    got = 0
    while got < size:
        got += len(peer.read(min(g.MB, size - got)))
    assert client.reply(1).result() == "ok"


def test_a_line_over_the_limit_is_skipped_with_an_error(room, client):
    client.raw(b'{"jsonrpc":"2.0","id":77,"method":"session.self","x":"' + b"x" * 16 * g.MB)
    client.raw(b'"}\n')
    client.wait(lambda: client.replies or client.others, "an error")
    r = client.replies.popitem()[1] if client.replies else client.other()
    assert r.json["id"] in (77, None)
    assert r.error().code in (INVALID_REQUEST, PARSE_ERROR)
    client.sync()


def nested(depth):
    data = b"[" * depth + b"]" * depth
    return (
        b'{"jsonrpc":"2.0","id":1,"method":"gen_tcp.send","params":{"socket":%d,"data":%s}}\n'
        % (2**40, data))


def test_depth(client):
    client.raw(nested(50))
    assert client.reply(1).error().message == "closed"
    client.raw(nested(65))
    client.wait(lambda: client.replies or client.others, "an error")
    r = client.replies.popitem()[1] if client.replies else client.other()
    assert r.json["id"] in (1, None) and "error" in r.json
    client.raw(b"[" * 100000 + b"\n")
    assert "error" in client.other().json
    client.sync()


def test_values(client):
    head = b'{"jsonrpc":"2.0","id":1,"method":"gen_tcp.send","params":{"socket":%d,"data":[' % 2**40
    client.raw(head + b"1," * 60000 + b"1]}}\n")
    assert client.reply(1).error().message == "closed"
    client.raw(head + b"1," * 66000 + b"1]}}\n")
    client.wait(lambda: client.replies or client.others, "an error")
    r = client.replies.popitem()[1] if client.replies else client.other()
    assert r.json["id"] in (1, None) and "error" in r.json
    client.sync()


def test_at_most_4096_requests_wait(room, client):
    listener, _ = client.listen()
    for n in range(4096):
        client.outgoing.append(memoryview(
            line(request(n, "gen_tcp.accept", params={"socket": listener}))))
    client.flush()
    client.raw(line(request("more", "gen_tcp.accept", params={"socket": listener})))
    check_reason(client.reply("more").error(), "system_limit")
    client.next_id = 10000
    assert not client.replies
    # One that does not wait is served, and room is room.
    assert client.call("session.cancel", {"id": 0}) is True
    check_reason(client.reply(0).error(), "cancelled")
    client.raw(line(request("again", "gen_tcp.accept", params={"socket": listener})))
    assert client.waiting("again")
    client.close_socket(listener)
    for n in range(1, 4096):
        check_reason(client.reply(n).error(), "closed")
    check_reason(client.reply("again").error(), "closed")


def test_ten_thousand_pipelined_requests(client):
    text = b"".join(line(request(n)) for n in range(g.scaled(10000)))
    client.raw(text)
    numbers = [client.reply(n).number for n in range(g.scaled(10000))]
    assert numbers == sorted(numbers)
