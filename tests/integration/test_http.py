# SPDX-License-Identifier: ISC
"""The http packet types, and deliver: what lines of HTTP become on the way to a
client.  That each line says what Erlang says is for tests/data/packet.
"""

import base64

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe

REQUEST = b"GET /a?b HTTP/1.1\r\nHost: h\r\nx-foo-bAR: v\r\n\r\n"
EOH = {"type": "http_eoh"}


def request(method="GET", path="/", version=(1, 1)):
    uri = {"type": "abs_path", "path": path}
    return {"type": "http_request", "method": method, "uri": uri, "version": list(version)}


def response(status, phrase):
    return {"type": "http_response", "version": [1, 1], "status": status, "phrase": phrase}


def header(bit, name, field, value):
    return {"type": "http_header", "bit": bit, "name": name, "field": field, "value": value}


def error(line):
    return {"type": "http_error", "line": line}


HOST = header(14, "Host", "Host", "h")
PACKETS = [request(path="/a?b"), HOST, header(0, "X-Foo-Bar", "x-foo-bAR", "v"), EOH]


def recv(client, s):
    result = client.call("gen_tcp.recv", {"socket": s, "length": 0})
    assert list(result) == ["http"]
    return result["http"]


def recvs(client, s, count):
    return [recv(client, s) for _ in range(count)]


def nothing(client, s):
    check_reason(client.recv_fails(s, 0, 0), "timeout")


def event(client, s):
    e = client.event("http", s)
    assert set(e.params) == {"socket", "http"}
    return e.params["http"]


def events(client, s, count):
    return [event(client, s) for _ in range(count)]


# - what comes -


@pytest.mark.parametrize("packet", ["http", "http_bin"])
@pytest.mark.parametrize("mode", ["binary", "list"])
def test_a_request_by_recv(room, client, packet, mode):
    s, peer = room.pair(client, {"packet": packet, "mode": mode, "header": 3})
    peer.send(REQUEST)
    assert recvs(client, s, 4) == PACKETS
    nothing(client, s)
    assert client.getopt(s, "packet") == packet


@pytest.mark.parametrize("packet", ["http", "http_bin"])
def test_a_request_by_events(room, client, packet):
    s, peer = room.pair(client, {"packet": packet, "active": True})
    peer.send(REQUEST)
    assert events(client, s, 4) == PACKETS
    peer.close()
    client.event("tcp_closed", s)


def test_a_response(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.send(b"HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n")
    assert recvs(client, s, 3) == [
        response(404, "Not Found"),
        header(30, "Server", "Server", "x"),
        EOH,
    ]


def test_headers_alone(room, client):
    s, peer = room.pair(client, {"packet": "httph"})
    peer.send(b"Host: h\r\n\r\nHost: h\r\nGET / HTTP/1.1\r\n\r\n")
    assert recvs(client, s, 5) == [HOST, EOH, HOST, error("GET / HTTP/1.1\r\n"), EOH]


def test_folded_headers(room, client):
    s, peer = room.pair(client, {"packet": "httph", "active": True})
    peer.put(b"A: one\r\n two\r\n")
    client.no_event(s)
    peer.put(b"\tthree\r\n")
    client.no_event(s)
    peer.put(b"\r")
    assert event(client, s) == header(0, "A", "A", "one\r\n two\r\n\tthree")
    client.no_event(s)
    peer.put(b"\n")
    assert event(client, s) == EOH


@probe(57)
def test_the_last_header_waits_for_a_byte(room, client):
    s, peer = room.pair(client, {"packet": "httph"})
    peer.put(b"Host: h\r\n")
    nothing(client, s)
    peer.put(b"X")
    assert recv(client, s) == HOST
    nothing(client, s)


def test_every_kind_of_uri(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    uris = {
        "*": {"type": "*"},
        "/p?q#f": {"type": "abs_path", "path": "/p?q#f"},
        "HTTPS://Host:81/p": {
            "type": "absoluteURI",
            "scheme": "https",
            "host": "Host",
            "port": 81,
            "path": "/p",
        },
        "http://host": {
            "type": "absoluteURI",
            "scheme": "http",
            "host": "host",
            "port": None,
            "path": "/",
        },
        "host:443": {"type": "scheme", "scheme": "host", "string": "443"},
        "foo": {"type": "string", "string": "foo"},
    }
    for text, uri in uris.items():
        peer.send(b"OPTIONS %s HTTP/1.0\r\n\r\n" % text.encode())
        assert recvs(client, s, 2) == [
            {"type": "http_request", "method": "OPTIONS", "uri": uri, "version": [1, 0]},
            EOH,
        ]


def test_what_is_no_http(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.send(b"\r\nG@T / HTTP/1.1\r\nGET / HTTP/1.1\r\nno header\r\nHost: h\r\n\r\n")
    assert recvs(client, s, 6) == [
        error("\r\n"),
        error("G@T / HTTP/1.1\r\n"),
        request(),
        error("no header\r\n"),
        HOST,
        EOH,
    ]


def test_numbers_too_large_are_errors(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    for line in (
        "HTTP/1.1 2147483648 OK\r\n",
        "HTTP/1.4294967297 200 OK\r\n",
        "GET http://h:99999999999/ HTTP/1.1\r\n",
    ):
        peer.send(line.encode())
        assert recv(client, s) == error(line)


# - one after the other -


def test_the_body_is_read_raw(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.send(b"POST /1 HTTP/1.1\r\nContent-Length: 6\r\n\r\n")
    peer.send(b"bo\r\ndy" + REQUEST)
    assert recvs(client, s, 3)[0] == request("POST", "/1")
    client.setopts(s, {"packet": "raw"})
    assert client.recv(s, 6) == b"bo\r\ndy"
    client.setopts(s, {"packet": "http"})
    assert recvs(client, s, 4) == PACKETS


def test_the_body_by_events(room, client):
    s, peer = room.pair(client, {"packet": "http", "active": 3})
    peer.send(b"POST /1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody" + REQUEST)
    assert events(client, s, 3)[-1] == EOH
    client.event("tcp_passive", s)
    client.setopts(s, {"packet": "raw"})
    assert client.recv(s, 4) == b"body"
    client.setopts(s, {"packet": "http", "active": True})
    assert events(client, s, 4) == PACKETS


def test_two_requests_at_once(room, client):
    s, peer = room.pair(client, {"packet": "http", "active": True})
    peer.send(REQUEST * 2)
    assert events(client, s, 8) == PACKETS * 2


@probe(58)
def test_headers_are_still_due_after_raw(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.put(b"GET / HTTP/1.1\r\nH")
    assert recv(client, s) == request()
    client.setopts(s, {"packet": "raw"})
    assert client.recv(s) == b"H"
    client.setopts(s, {"packet": "line", "packet_size": 100})
    client.setopts(s, {"packet": "http"})
    peer.send(b"GET /x HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\n")
    assert recvs(client, s, 3) == [error("GET /x HTTP/1.1\r\n"), EOH, request(path="/y")]


def test_httph_leaves_headers_behind(room, client):
    """As gen_tcp: a look at a partial line is enough, the end of them ends it."""
    s, peer = room.pair(client, {"packet": "httph"})
    peer.put(b"GET /")
    nothing(client, s)
    client.setopts(s, {"packet": "http"})
    peer.send(b" HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n")
    assert recvs(client, s, 3) == [error("GET / HTTP/1.1\r\n"), EOH, request()]


def test_what_is_expected_is_not_inherited(room, client):
    listener, port = client.listen({"packet": "http"})
    for _ in range(2):
        connected = client.connect(port)
        accepted = client.accept(listener)
        client.send(connected, b"GET / HTTP/1.1\r\n")
        assert recv(client, accepted) == request()


def test_unrecv(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.put(b"HTTP/1.1 200 OK\r\nB: c\r\n\r\n")
    assert recv(client, s) == response(200, "OK")
    client.call("gen_tcp.unrecv", {"socket": s, "data": "A: b\r\n"})
    assert recvs(client, s, 3) == [header(0, "A", "A", "b"), header(0, "B", "B", "c"), EOH]


# - how many -


def test_active_once(room, client):
    s, peer = room.pair(client, {"packet": "http", "active": "once"})
    peer.put(REQUEST)
    assert event(client, s) == PACKETS[0]
    client.no_event(s)
    for packet in PACKETS[1:]:
        client.setopts(s, {"active": "once"})
        assert event(client, s) == packet
        assert client.getopt(s, "active") is False


def test_active_count(room, client):
    s, peer = room.pair(client, {"packet": "http", "active": 2})
    peer.put(REQUEST)
    assert events(client, s, 2) == PACKETS[:2]
    client.event("tcp_passive", s)
    assert recvs(client, s, 2) == PACKETS[2:]


def test_each_line_is_counted(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.send(b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\nX: y\r\n\r\n")
    recvs(client, s, 4)
    names = ["recv_cnt", "recv_oct", "recv_max"]
    assert client.getstat(s, names) == {"recv_cnt": 4, "recv_oct": 42, "recv_max": 18}


def test_recv_of_a_length(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    check_reason(client.recv_fails(s, 3), "einval")


# - limits and ends -


@probe(59)
def test_a_line_longer_than_buffer(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.send(b"GET /" + b"u" * 3000 + b" HTTP/1.1\r\n")
    check_reason(client.recv_fails(s), "emsgsize")
    check_reason(client.recv_fails(s), "enotconn")
    s, peer = room.pair(client, {"packet": "http", "packet_size": 5000})
    peer.send(b"GET /" + b"u" * 3000 + b" HTTP/1.1\r\n\r\n")
    assert recvs(client, s, 2) == [request(path="/" + "u" * 3000), EOH]


def test_a_line_too_long_by_events(room, client):
    s, peer = room.pair(client, {"packet": "http", "packet_size": 20, "active": True})
    peer.send(b"GET / HTTP/1.1\r\n" + b"A" * 20)
    assert event(client, s) == request()
    assert client.event("tcp_error", s).params["reason"] == "emsgsize"
    client.event("tcp_closed", s)


def test_a_long_line_takes_no_quadratic_time(room, client):
    size = g.scaled(16 * g.MB)
    s, peer = room.pair(client, {"packet": "httph", "packet_size": size + 100})
    id = client.start_recv(s)
    line = b"A: " + b"\n " * 8 + g.pattern(size).replace(b"\n", b"\n ")[:size]
    for at in range(0, len(line), 1024):
        peer.send(line[at : at + 1024])
    peer.send(b"\r\n\r\n")
    http = client.reply(id).result()["http"]
    value = g.payload(http["value"])
    assert (http["name"], value) == ("A", line[3:])


def test_a_peer_that_closes(room, client):
    s, peer = room.pair(client, {"packet": "http"})
    peer.send(b"GET / HTTP/1.1\r\nHost: h\r\n").close()
    assert recv(client, s) == request()
    e = client.recv_fails(s)
    check_reason(e, "closed")
    assert e.rest() == b"Host: h\r\n"
    s, peer = room.pair(client, {"packet": "http", "active": False})
    peer.send(REQUEST + b"GET").close()
    client.setopts(s, {"active": True})
    assert events(client, s, 4) == PACKETS
    client.event("tcp_closed", s)


# - how texts come -


def b64(text):
    return {"base64": base64.b64encode(text.encode()).decode()}


def test_a_client_that_wants_base64(room):
    client = room.client("base64")
    s, peer = room.pair(client, {"packet": "http", "mode": "list"})
    peer.send(b"GET http://h/p HTTP/1.1\r\nhost: h\r\nx-a: \r\n\r\nget http:x\r\n")
    uri = {"type": "absoluteURI", "scheme": "http", "host": b64("h"), "port": None}
    assert recvs(client, s, 5) == [
        {
            "type": "http_request",
            "method": "GET",
            "uri": {**uri, "path": b64("/p")},
            "version": [1, 1],
        },
        header(14, "Host", b64("host"), b64("h")),
        header(0, b64("X-A"), b64("x-a"), b64("")),
        EOH,
        {
            "type": "http_request",
            "method": b64("get"),
            "uri": {"type": "scheme", "scheme": b64("http"), "string": b64("x")},
            "version": [0, 9],
        },
    ]
    peer.send(b"none\r\n\r\n")
    client.setopts(s, {"active": "once"})
    assert event(client, s) == error(b64("none\r\n"))


@pytest.mark.parametrize("data", ["auto", "attached"])
def test_bytes_that_are_no_text(room, data):
    client = room.client(data)
    s, peer = room.pair(client, {"packet": "httph", "active": True})
    peer.send(b"A: \xff\r\nB: \0\r\nC: \xc3\xa9\"\r\n\r\n")
    assert events(client, s, 4) == [
        header(0, "A", "A", {"base64": "/w=="}),
        header(0, "B", "B", {"base64": "AA=="}),
        header(0, "C", "C", 'é"'),
        EOH,
    ]


@pytest.mark.parametrize("packet", ["http", "httph", "http_bin", "httph_bin"])
def test_attached_names_the_types_with_binaries(room, packet):
    client = room.client("attached")
    s, peer = room.pair(client, {"packet": packet})
    peer.send(b"A: b\r\nA: b\r\n\r\n")
    named = {"packet": packet} if packet.endswith("_bin") else {}
    result = client.call("gen_tcp.recv", {"socket": s, "length": 0})
    assert {k: v for k, v in result.items() if k != "http"} == named
    client.setopts(s, {"active": "once"})
    params = client.event("http", s).params
    assert {k: v for k, v in params.items() if k != "http"} == {"socket": s, **named}


# - owners -


def test_lines_that_were_not_told_go_to_the_new_owner(room, client):
    other = room.client("base64", name="other")
    s, peer = room.pair(client, {"packet": "http"})
    peer.put(b"GET / HTTP/1.1\r\n")
    assert recv(client, s) == request()
    client.call("gen_tcp.controlling_process", {"socket": s, "client": other.id})
    peer.put(b"Host: h\r\n\r\n")
    other.setopts(s, {"active": True})
    other.event("tcp_owner", s)
    assert events(other, s, 2) == [header(14, "Host", b64("Host"), b64("h")), EOH]


HANDED = [
    request("PATCH"),
    {"type": "http_request", "method": "GET", "uri": {"type": "*"}, "version": [0, 9]},
    {
        "type": "http_request",
        "method": "GET",
        "uri": {
            "type": "absoluteURI",
            "scheme": "https",
            "host": "h",
            "port": 8,
            "path": "/",
        },
        "version": [1, 1],
    },
    {
        "type": "http_request",
        "method": "CONNECT",
        "uri": {"type": "scheme", "scheme": "h", "string": "443"},
        "version": [1, 1],
    },
    {
        "type": "http_request",
        "method": "GET",
        "uri": {"type": "string", "string": "foo"},
        "version": [1, 1],
    },
    response(200, "O\"K"),
    HOST,
    header(0, "X-Y", "x-y", {"base64": "/w=="}),
    error("\x01\n"),
    EOH,
]


def as_base64(value):
    """What a client of base64 gets for a packet that one of auto had."""
    if isinstance(value, dict):
        if "base64" in value:
            return value
        words = {"type"}
        if value.get("method") in ("GET", "OPTIONS"):
            words.add("method")
        if value.get("bit", 0) > 0:
            words.add("name")
        if value.get("type") == "absoluteURI":
            words.add("scheme")
        return {k: v if k in words else as_base64(v) for k, v in value.items()}
    return b64(value) if isinstance(value, str) else value


@pytest.mark.parametrize("data", ["auto", "attached", "base64"])
def test_lines_that_were_told_are_handed_over(room, client, data):
    other = room.client(data, name="other")
    s, peer = room.pair(client, {"packet": "http"})
    messages = [{"method": "http", "params": {"socket": s, "http": p}} for p in HANDED]
    messages.append({"method": "port", "params": {"socket": s, "data": "p"}})
    client.call(
        "gen_tcp.controlling_process",
        {"socket": s, "client": other.id, "messages": messages, "active": True},
    )
    other.event("tcp_owner", s)
    expected = [as_base64(p) for p in HANDED] if data == "base64" else HANDED
    assert events(other, s, len(HANDED)) == expected
    assert other.event("port", s).data == b"p"
    peer.send(REQUEST)
    assert event(other, s)["type"] == "http_request"


def without(packet, member):
    return {k: v for k, v in packet.items() if k != member}


BAD = [
    None,
    "http_eoh",
    {},
    {"type": "http"},
    {"type": 1},
    *[without(request(), m) for m in ("method", "uri", "version")],
    *[without(response(200, "OK"), m) for m in ("version", "status", "phrase")],
    *[without(HOST, m) for m in ("name", "field", "value")],
    {"type": "http_error"},
    {**request(), "version": [1]},
    {**request(), "version": [1, -1]},
    {**request(), "version": [1, "1"]},
    {**request(), "uri": "/"},
    {**request(), "uri": {"type": "abs_path"}},
    {**request(), "uri": {"type": "path", "path": "/"}},
    {**request(), "uri": {"type": "scheme", "scheme": "x"}},
    {**request(), "uri": {"type": "string"}},
    {**request(), "uri": {"type": "absoluteURI", "scheme": "ftp", "host": "h", "path": "/"}},
    {**request(), "uri": {"type": "absoluteURI", "host": "h", "path": "/"}},
    {**request(), "uri": {"type": "absoluteURI", "scheme": "http", "path": "/"}},
    {**request(), "uri": {"type": "absoluteURI", "scheme": "http", "host": "h"}},
    {
        **request(),
        "uri": {"type": "absoluteURI", "scheme": "http", "host": "h", "port": 0, "path": "/"},
    },
    {**response(200, "OK"), "status": 1 << 31},
    {**response(200, "OK"), "phrase": {"base64": "?"}},
    {**response(200, "OK"), "phrase": 7},
]


@pytest.mark.parametrize("packet", BAD, ids=str)
def test_what_is_no_http_packet_is_not_handed_over(room, client, packet):
    other = room.client(name="other")
    s, peer = room.pair(client, {"packet": "http"})
    message = {"method": "http", "params": {"socket": s, "http": packet}}
    params = {"socket": s, "client": other.id, "messages": [message]}
    check_reason(client.fails("gen_tcp.controlling_process", params), "badarg")
    other.no_event(s)
    peer.send(REQUEST)
    assert recv(client, s) == PACKETS[0]


# - deliver -


def test_deliver_is_an_option_like_others(room, client):
    listener, port = client.listen({"deliver": "port"})
    assert client.getopt(listener, "deliver") == "port"
    c = client.connect(port, {"deliver": "term", "active": False})
    a = client.accept(listener)
    assert [client.getopt(s, "deliver") for s in (c, a)] == ["term", "port"]
    client.setopts(a, {"deliver": "term"})
    assert client.getopt(a, "deliver") == "term"
    check_reason(client.fails("inet.setopts", {"socket": a, "options": {"deliver": 1}}), "einval")


@probe(81)
@pytest.mark.parametrize("data", ["auto", "base64", "attached"])
def test_deliver_port(room, data):
    client = room.client(data)
    s, peer = room.pair(client, {"deliver": "port", "active": 2, "packet": 1})
    peer.send(b"\3abc\1\xff")
    assert [client.event("port", s).data for _ in range(2)] == [b"abc", b"\xff"]
    client.event("tcp_passive", s)
    peer.send(b"\2de\0").close()
    assert client.recv(s) == b"de"
    client.setopts(s, {"active": True})
    assert client.event("port", s).data == b""
    client.event("tcp_closed", s)


def test_deliver_port_with_header_and_list(room, client):
    s, peer = room.pair(client, {"deliver": "port", "active": True, "header": 2})
    peer.send(b"abc")
    e = client.event("port", s)
    assert (e.params["header"], e.params["data"]) == ([97, 98], "c")
    client.setopts(s, {"mode": "list"})
    peer.send(b"ab")
    assert client.event("port", s).params["data"] == [97, 98]


def test_deliver_port_gives_lines_unread(room, client):
    """And does not look whether headers are due: so nothing is folded, as gen_tcp."""
    s, peer = room.pair(client, {"packet": "http", "deliver": "port", "active": True})
    lines = [b"GET / HTTP/1.1\r\n", b"Host: h\r\n", b" folded\r\n", b"\r\n"]
    peer.send(b"".join(lines))
    assert [client.event("port", s).data for _ in lines] == lines
    client.setopts(s, {"active": False})
    peer.send(REQUEST)
    assert recvs(client, s, 4) == PACKETS
    client.setopts(s, {"packet": "httph", "active": True})
    peer.send(b"Host: h\r\n folded\r\n\r\n")
    lines = [b"Host: h\r\n folded\r\n", b"\r\n"]
    assert [client.event("port", s).data for _ in lines] == lines
    client.setopts(s, {"active": False, "deliver": "term", "packet": "http"})
    peer.send(b"GET / HTTP/1.1\r\n\r\n")
    assert recvs(client, s, 2) == [error("GET / HTTP/1.1\r\n"), EOH]
