# SPDX-License-Identifier: ISC
"""JSON-RPC over the control socket: ids, batches, params, errors, settings, limits."""

import pytest

import gentcp_test as g
from gentcp_test import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    check_reason,
    line,
    request,
)


def fault(client, data):
    """Sends bytes that must be answered by an error without an id."""
    client.raw(data)
    return client.other().error()


# --- ids ---------------------------------------------------------------------


@pytest.mark.parametrize("id", [
    0, 1, -1, 2**53, -(2**53), "", "x", "a\"\\\n\u20ac", "x" * 128, "1",
])
def test_ids(client, id):
    client.raw(line(request(id)))
    r = client.reply(id)
    assert r.json["id"] == id and type(r.json["id"]) is type(id)
    assert "result" in r.json and "error" not in r.json


def test_the_id_null_is_answered(client):
    client.raw(line(request(None)))
    r = client.other()
    assert r.json["id"] is None and "result" in r.json


@pytest.mark.parametrize("id", [1.5, 1.0, True, [], {}, 2**53 + 1, -(2**53) - 1, "x" * 129])
def test_ids_that_are_none(client, id):
    error = fault(client, line(request(id)))
    assert error.code == INVALID_REQUEST
    client.sync()


def test_integers_beyond_64_bits(client):
    for text in (b"9223372036854775808", b"1" * 400, b"-" + b"9" * 30, b"1e400"):
        error = fault(client, b'{"jsonrpc":"2.0","id":%s,"method":"session.self"}\n' % text)
        assert error.code in (PARSE_ERROR, INVALID_REQUEST)
    client.sync()


def test_the_same_id_twice_is_answered_twice(client):
    answers = []
    client.raw(line(request("same")))
    answers.append(client.reply("same"))
    client.raw(line(request("same")))
    answers.append(client.reply("same"))
    assert all("result" in a.json for a in answers)


# --- requests ----------------------------------------------------------------


@pytest.mark.parametrize("value,code", [
    ({"id": 7, "method": "session.self"}, INVALID_REQUEST),
    ({"jsonrpc": "1.0", "id": 7, "method": "session.self"}, INVALID_REQUEST),
    ({"jsonrpc": 2.0, "id": 7, "method": "session.self"}, INVALID_REQUEST),
    ({"jsonrpc": "2.0", "id": 7}, INVALID_REQUEST),
    ({"jsonrpc": "2.0", "id": 7, "method": 5}, INVALID_REQUEST),
    ({"jsonrpc": "2.0", "id": 7, "method": None}, INVALID_REQUEST),
    ({"jsonrpc": "2.0", "id": 7, "method": ""}, METHOD_NOT_FOUND),
    ({"jsonrpc": "2.0", "id": 7, "method": "gen_tcp.fly"}, METHOD_NOT_FOUND),
    ({"jsonrpc": "2.0", "id": 7, "method": "gen_tcp"}, METHOD_NOT_FOUND),
    ({"jsonrpc": "2.0", "id": 7, "method": "GEN_TCP.SEND"}, METHOD_NOT_FOUND),
    ({"jsonrpc": "2.0", "id": 7, "method": "gen_tcp.send\0x"}, INVALID_REQUEST),
    ({"jsonrpc": "2.0", "id": 7, "method": "x" * 10000}, METHOD_NOT_FOUND),
])
def test_requests_that_are_none(client, value, code):
    client.raw(line(value))
    client.wait(lambda: client.replies or client.others, "an error")
    r = client.replies.pop(7) if 7 in client.replies else client.other()
    # Its id is known, so it is the request's.
    assert r.json["id"] == 7
    assert r.error().code == code
    assert isinstance(r.error().message, str)
    client.sync()


@pytest.mark.parametrize("params", ["x", 1, True, 1.5])
def test_params_that_are_no_structure(client, params):
    client.raw(line(request(7, params=params)))
    assert client.reply(7).error().code in (INVALID_REQUEST, INVALID_PARAMS)


@pytest.mark.parametrize("text", [
    b"{", b"}", b"nonsense", b"{'a':1}", b'{"jsonrpc":"2.0","id":1,"method":"session.self"',
    b'{"jsonrpc":"2.0","id":1,"method":"session.self"}}', b'{"a":1,}', b"[1,2", b'"', b'{"a":01}',
    b'{"a":+1}', b'{"a":NaN}', b'{"a":Infinity}', b'{"a":0x10}', b'{"a":"\x01"}', b'{"a":"\\x"}',
    b'{"a":"\\ud800"}', b'{"a" 1}', b'{a:1}', b"\xef\xbb\xbf{}", b"\0", b'{"a":tru}', b"//", b"[1 2]",
])
def test_broken_json_is_a_parse_error_and_skipped(client, text):
    error = fault(client, text + b"\n")
    assert error.code == PARSE_ERROR
    client.sync()


@pytest.mark.parametrize("text", [b"1", b"null", b'"x"', b"true", b"1.5"])
def test_json_that_is_no_object_is_refused(client, text):
    assert fault(client, text + b"\n").code in (PARSE_ERROR, INVALID_REQUEST)
    client.sync()


@pytest.mark.parametrize("text", [
    b'{"jsonrpc":"2.0","id":1,"id":2,"method":"session.self"}',
    b'{"jsonrpc":"2.0","id":1,"method":"session.self","method":"session.clients"}',
    b'{"jsonrpc":"2.0","id":1,"method":"session.self","params":{"a":1,"a":2}}',
])
def test_duplicate_keys_are_refused(client, text):
    client.raw(text + b"\n")
    client.wait(lambda: client.replies or client.others, "an error")
    r = client.replies.popitem()[1] if client.replies else client.other()
    assert r.error().code == PARSE_ERROR
    client.sync()


def test_a_duplicate_key_in_other_letters_is_refused_too(room):
    """Whether it meant "attached" cannot be known: the connection may end."""
    c = room.client()
    c.raw(b'{"jsonrpc":"2.0","id":1,"method":"session.self","params":{},"\\u0070arams":{}}\n')
    c.wait(lambda: c.replies or c.others, "an error")
    r = c.replies.popitem()[1] if c.replies else c.others.popleft()
    assert r.error().code in (PARSE_ERROR, INVALID_REQUEST)


@pytest.mark.parametrize("bad", [
    b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"\xf8\x88\x80\x80\x80",
])
def test_bad_utf8_is_refused(client, bad):
    text = b'{"jsonrpc":"2.0","id":1,"method":"session.self","x":"' + bad + b'"}\n'
    client.raw(text)
    client.wait(lambda: client.replies or client.others, "an error")
    r = client.replies.popitem()[1] if client.replies else client.other()
    assert r.error().code == PARSE_ERROR
    client.sync()


def test_white_space_and_line_ends(client):
    client.raw(b"\n\r\n\n" + b'  {"jsonrpc" :\t"2.0" , "id": 1,"method":"session.self"} \r\n')
    assert "result" in client.reply(1).json
    client.raw(b'{"id":2,"params":{},"method":"session.self","jsonrpc":"2.0"}\n')
    assert "result" in client.reply(2).json
    client.raw(b'{"id":3,"method":"session\\u002eself","jsonrpc":"2.0"}\n')
    assert "result" in client.reply(3).json
    assert not client.others


def test_byte_by_byte(client):
    for byte in line(request(1)) + line(request(2)):
        client.raw(bytes([byte]))
    assert "result" in client.reply(1).json
    assert "result" in client.reply(2).json


def test_notifications_are_carried_out_without_a_reply(room, client):
    s, peer = room.pair(client)
    client.notify("inet.setopts", {"socket": s, "options": {"packet": 2}})
    client.notify("gen_tcp.send", {"socket": s, "data": "abc"})
    assert peer.read(5) == b"\0\3abc"
    assert client.getopt(s, "packet") == 2
    # Nor are their errors told.
    client.notify("gen_tcp.send", {"socket": 2**40, "data": "abc"})
    client.notify("no.such.method")
    client.notify("gen_tcp.send", {"nonsense": 1})
    client.notify("gen_tcp.close", {"socket": s})
    assert peer.read_end() == b""
    client.sync()
    assert not client.others and not client.replies


def test_requests_take_effect_in_order(room, client):
    s, _ = room.pair(client)
    ids = []
    for n in range(200):
        client.outgoing.append(memoryview(line(request(
            "s%d" % n, "inet.setopts", params={"socket": s, "options": {"packet_size": n}}))))
        client.outgoing.append(memoryview(line(request(
            "g%d" % n, "inet.getopts", params={"socket": s, "names": ["packet_size"]}))))
        ids.append("g%d" % n)
    client.flush()
    assert [client.reply(i).result()["packet_size"] for i in ids] == list(range(200))


# --- params ------------------------------------------------------------------


def test_by_position(room, client):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    s = client.call(
        "gen_tcp.connect", ["127.0.0.1", port, {"active": False, "packet": 1}, 5000]
    )["socket"]
    peer = g.Peer(room.own(listener.accept()[0]))
    assert client.call("gen_tcp.send", [s, "abc"]) == "ok"
    assert peer.read(4) == b"\3abc"
    peer.send(b"\2hi")
    assert client.call("gen_tcp.recv", [s, 0, None]) == {"data": "hi"}
    assert client.call("inet.getopts", [s, ["packet"]]) == {"packet": 1}
    assert client.call("gen_tcp.shutdown", [s, "write"]) == "ok"
    assert client.call("gen_tcp.close", [s]) == "ok"
    assert client.call("gen_tcp.connect", ["127.0.0.1", port, None, None])["socket"] > s
    assert client.call("session.self", [])["client"] == client.call("session.self", {})["client"]


@pytest.mark.parametrize("method,params", [
    ("gen_tcp.close", [1, 2]),
    ("session.self", [1]),
    ("gen_tcp.recv", [1]),
    ("gen_tcp.recv", []),
    ("gen_tcp.recv", [1, None]),
    ("gen_tcp.send", [None, "x"]),
])
def test_too_many_or_too_few_by_position(client, method, params):
    assert client.fails(method, params).code == INVALID_PARAMS


@pytest.mark.parametrize("method,params,name", [
    ("gen_tcp.close", {}, "socket"),
    ("gen_tcp.send", {"socket": 1}, "data"),
    ("gen_tcp.send", {"data": "x"}, "socket"),
    ("gen_tcp.recv", {"socket": 1}, "length"),
    ("gen_tcp.connect", {"port": 1}, "address"),
    ("gen_tcp.listen", {}, "port"),
    ("gen_tcp.accept", {}, "socket"),
    ("gen_tcp.shutdown", {"socket": 1}, "how"),
    ("gen_tcp.controlling_process", {"socket": 1}, "client"),
    ("inet.setopts", {"socket": 1}, "options"),
    ("inet.getopts", {"socket": 1}, "names"),
    ("session.cancel", {}, "id"),
])
def test_a_missing_param_is_named(client, method, params, name):
    error = client.fails(method, params)
    assert error.code == INVALID_PARAMS and name in error.message


@pytest.mark.parametrize("method", [
    "gen_tcp.connect", "gen_tcp.listen", "gen_tcp.accept", "gen_tcp.send", "gen_tcp.recv",
    "gen_tcp.close", "gen_tcp.shutdown", "gen_tcp.controlling_process", "gen_tcp.unrecv",
    "gen_tcp.fdopen", "inet.setopts", "inet.getopts", "inet.sockname", "inet.peername",
    "inet.port", "inet.getstat", "inet.info", "inet.i", "inet.monitor",
    "inet.cancel_monitor", "inet.getaddrs", "session.hello", "session.self",
    "session.clients", "session.cancel",
])
def test_an_unknown_param_is_named(client, method):
    error = client.fails(method, {"such_a_thing": 1})
    assert error.code == INVALID_PARAMS and "such_a_thing" in error.message
    assert client.fails(method, [1] * 12).code == INVALID_PARAMS


@pytest.mark.parametrize("socket", ["1", 0, -1, 1.5, True, None, [], {}, 2**63 - 1, 1.0])
def test_a_socket_is_a_positive_integer(client, socket):
    error = client.fails("gen_tcp.send", {"socket": socket, "data": "x"})
    if socket == 2**63 - 1:
        check_reason(error, "closed")
    else:
        assert error.code == INVALID_PARAMS and "socket" in error.message


# --- batches -----------------------------------------------------------------


def test_a_batch(room, client):
    s, peer = room.pair(client)
    client.raw(line([
        request(1),
        {"jsonrpc": "2.0", "method": "inet.setopts",
         "params": {"socket": s, "options": {"packet": 1}}},
        request("two", "gen_tcp.send", params={"socket": s, "data": "abc"}),
        request(3, "inet.getopts", params={"socket": s, "names": ["packet"]}),
        request(4, "no.such.method"),
        5,
        {"jsonrpc": "2.0", "id": 6},
        request(7, "gen_tcp.send", params={"socket": 2**40, "data": ""}),
    ]))
    batch = client.other().json
    assert isinstance(batch, list)
    assert peer.read(4) == b"\3abc"
    by_id = {r["id"]: r for r in batch if r["id"] is not None}
    assert by_id[1]["result"]["client"] > 0
    assert by_id["two"]["result"] == "ok"
    assert by_id[3]["result"] == {"packet": 1}
    assert by_id[4]["error"]["code"] == METHOD_NOT_FOUND
    assert by_id[6]["error"]["code"] == INVALID_REQUEST
    assert by_id[7]["error"]["message"] == "closed"
    assert [r["error"]["code"] for r in batch if r["id"] is None] == [INVALID_REQUEST]
    assert len(batch) == 7


def test_an_empty_batch_and_one_of_nothing_but_errors(client):
    assert fault(client, b"[]\n").code == INVALID_REQUEST
    client.raw(b"[1,2,3]\n")
    batch = client.other().json
    assert [r["error"]["code"] for r in batch] == [INVALID_REQUEST] * 3
    assert [r["id"] for r in batch] == [None] * 3
    client.raw(b"[[]]\n")
    assert client.other().json[0]["error"]["code"] == INVALID_REQUEST


def test_a_batch_of_notifications_is_not_answered(room, client):
    s, peer = room.pair(client)
    send = {"jsonrpc": "2.0", "method": "gen_tcp.send", "params": {"socket": s, "data": "x"}}
    client.raw(line([send, send]))
    assert peer.read(2) == b"xx"
    client.sync()
    assert not client.others


@pytest.mark.parametrize("method,params", [
    ("gen_tcp.connect", {"address": "127.0.0.1", "port": 1}),
    ("gen_tcp.accept", {"socket": 1}),
    ("gen_tcp.recv", {"socket": 1, "length": 0}),
])
def test_what_waits_is_refused_in_a_batch(client, method, params):
    client.raw(line([request(1, method, params=params), request(2)]))
    batch = {r["id"]: r for r in client.other().json}
    assert batch[1]["error"]["code"] == INVALID_REQUEST
    assert "result" in batch[2]


def test_attachments_and_descriptors_are_refused_in_a_batch(room):
    c = room.client(attachments=True)
    s, peer = room.pair(c)
    c.raw(line([
        request(1, "gen_tcp.send", params={"socket": s}, attached=3),
        request(2, "gen_tcp.fdopen", params={"options": {"fd": "passed"}}, fds=1),
        request(3),
    ]))
    batch = {r["id"]: r for r in c.other().json}
    assert batch[1]["error"]["code"] == INVALID_REQUEST
    assert batch[2]["error"]["code"] == INVALID_REQUEST
    assert "result" in batch[3]
    # Whether three bytes follow cannot be known: the connection may end here.


def test_a_batch_is_answered_when_all_its_members_are(room, client):
    s, peer = room.pair(client, {"high_watermark": 8192}, small=True)
    client.send(s, b"q" * 10 * g.MB)
    client.raw(line([
        request(1, "gen_tcp.send", params={"socket": s, "data": "waits"}), request(2)]))
    client.sync()
    assert not client.others
    assert peer.read(10 * g.MB + 5)[-5:] == b"waits"
    assert {r["id"] for r in client.other().json} == {1, 2}


# --- replies -----------------------------------------------------------------


def test_the_code_of_a_reason(room, client):
    s, _ = room.pair(client, {"active": True})
    check_reason(client.recv_fails(s), "einval")
    error = client.fails("gen_tcp.connect", {"address": "127.0.0.1", "port": 1, "timeout": 1000})
    check_reason(error, "econnrefused")
    assert error.code == 111
    gone = room.gone(client)
    assert client.send_fails(gone).code == 10001
    listener, _ = client.listen()
    error = client.fails("gen_tcp.accept", {"socket": listener, "timeout": 0})
    assert error.code == 10002


def test_socket_numbers_are_never_used_again(room, client):
    seen = set()
    for _ in range(50):
        s, peer = room.pair(client)
        client.close_socket(s)
        peer.close()
        assert s not in seen and s > 0
        seen.add(s)


def test_replies_come_as_they_are_ready(room, client):
    s, peer = room.pair(client)
    waiting = client.start_recv(s)
    client.sync()
    assert waiting not in client.replies
    peer.send(b"x")
    client.received(waiting)
