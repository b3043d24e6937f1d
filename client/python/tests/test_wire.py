# SPDX-License-Identifier: ISC
"""What is read and written, and a daemon that is broken or hostile."""

import asyncio
import json
import os

import fake
import gentcp
import pytest
from gentcp import _wire, blocking, http
from gentcp._wire import Decoder, as_json, as_options, flatten, milliseconds


def decode(data, step=None, **limits):
    decoder, found = Decoder(**limits), []
    for at in range(0, len(data), step or len(data)):
        found += [(m.value, m.attachment) for m in decoder.feed(data[at:at + (step or len(data))])]
    return found


def test_messages_in_pieces_of_any_size():
    text = (b'{"jsonrpc":"2.0","id":1,"result":"ok"}\n'
            b'{"jsonrpc":"2.0","id":2,"result":{},"attached":5}\na\nb{\n'
            b'{"jsonrpc":"2.0","id":3,"result":{},"attached":0}\n'
            b'{"jsonrpc":"2.0","id":4,"result":"\\u00e9"}\n')
    whole = decode(text)
    assert [m["id"] for m, _ in whole] == [1, 2, 3, 4]
    assert [a for _, a in whole] == [None, b"a\nb{\n", b"", None]
    for step in range(1, len(text)):
        assert decode(text, step) == whole


BROKEN = {
    "no JSON": b"hello\n",
    "no object": b"[1]\n",
    "empty line": b"\n",
    "another version": b'{"jsonrpc":"1.0","id":2,"result":1}\n',
    "no UTF-8": b'{"jsonrpc":"2.0","id":2,"result":"\xff"}\n',
    "a key twice": b'{"jsonrpc":"2.0","id":2,"id":2,"result":1}\n',
    "NaN": b'{"jsonrpc":"2.0","id":2,"result":NaN}\n',
    "too deep": b'{"jsonrpc":"2.0","id":2,"result":' + b"[" * 100000 + b"\n",
    "attached is text": b'{"jsonrpc":"2.0","id":2,"result":{},"attached":"5"}\n',
    "attached is negative": b'{"jsonrpc":"2.0","id":2,"result":{},"attached":-1}\n',
    "attached is null": b'{"jsonrpc":"2.0","id":2,"result":{},"attached":null}\n',
    "attached is true": b'{"jsonrpc":"2.0","id":2,"result":{},"attached":true}\n',
    "attached is huge": b'{"jsonrpc":"2.0","id":2,"result":{},"attached":1000000000000}\n',
    "fds is huge": b'{"jsonrpc":"2.0","id":2,"result":{},"fds":17}\n',
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_line(line):
    for step in (None, 7):
        with pytest.raises(gentcp.ProtocolError):
            decode(line, step)


def test_an_endless_line_is_not_kept():
    with pytest.raises(gentcp.ProtocolError, match="more than 1000"):
        decode(b"x" * 1001, max_line=1000)
    with pytest.raises(gentcp.ProtocolError, match="more than 1000"):
        decode(b" " * 1001 + b"\n", max_line=1000)


REPLY = b'{"jsonrpc":"2.0","id":2,'
EVENT = b'{"jsonrpc":"2.0","method":'
# each is all that the daemon says to a recv of socket 1
HOSTILE = {
    **BROKEN,
    "an id of nobody": b'{"jsonrpc":"2.0","id":77,"result":"ok"}\n',
    "an id that is text": b'{"jsonrpc":"2.0","id":"2","result":"ok"}\n',
    "an id that is true": b'{"jsonrpc":"2.0","id":true,"result":"ok"}\n',
    "neither": REPLY + b'"what":1}\n',
    "both": REPLY + b'"result":1,"error":{"code":1,"message":"x"}}\n',
    "twice": (REPLY + b'"result":{"data":"x"}}\n') * 2,
    "it cannot read us": b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}\n',
    "an error that is text": REPLY + b'"error":"closed"}\n',
    "an error without a code": REPLY + b'"error":{"message":"closed"}}\n',
    "an error's data": REPLY + b'"error":{"message":"closed","code":1,"data":[1]}}\n',
    "an error's rest": REPLY + b'"error":{"message":"closed","code":1,"data":{"rest":{}}}}\n',
    "data of a number": REPLY + b'"result":{"data":1}}\n',
    "data of large numbers": REPLY + b'"result":{"data":[256]}}\n',
    "data of bad base64": REPLY + b'"result":{"data":{"base64":"x"}}}\n',
    "no data": REPLY + b'"result":{}}\n',
    "a result of text": REPLY + b'"result":"ok"}\n',
    "descriptors that did not come": REPLY + b'"result":{"data":""},"fds":1}\n',
    "an event of nobody": EVENT + b'"tcp","params":{"socket":9,"data":"x"}}\n',
    "an event without params": EVENT + b'"tcp"}\n',
    "an event without a socket": EVENT + b'"tcp","params":{"data":"x"}}\n',
    "an event without data": EVENT + b'"tcp","params":{"socket":1}}\n',
    "an event of a number": EVENT + b'7,"params":{"socket":1}}\n',
    "an http of text": EVENT + b'"http","params":{"socket":1,"http":"GET"}}\n',
    "an http of a kind": EVENT + b'"http","params":{"socket":1,"http":{"type":"x"}}}\n',
    "a down of nobody": EVENT + b'"down","params":{"socket":1,"monitor":1,"reason":"x"}}\n',
    "half a line": b'{"jsonrpc":"2.0",',
    "half an attachment": REPLY + b'"result":{},"attached":9}\nhalf',
    "nothing": b"",
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_daemon_blocking(said):
    with fake.daemon(said) as path, blocking.Client(path) as client:
        with pytest.raises(gentcp.Lost):
            client.socket(1).recv()
            client.socket(1).recv()  # where the first had its answer
        assert client.closed
        with pytest.raises(gentcp.Lost):
            client.whoami()


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_daemon_asyncio(said):
    async def main(path):
        async with gentcp.Client(path) as client:
            tasks = [asyncio.ensure_future(client.socket(1).recv())]
            tasks += [asyncio.ensure_future(client.given()) for _ in range(3)]
            for task in tasks:  # all who wait hear of it
                with pytest.raises(gentcp.Lost):
                    await asyncio.wait_for(task, 20)
                    await client.socket(1).recv()
            assert client.closed

    with fake.daemon(said) as path:
        asyncio.run(main(path))


def test_descriptors_of_a_lost_connection_are_closed():
    before = len(os.listdir("/proc/self/fd"))
    read, write = os.pipe()
    with fake.daemon((b'{"jsonrpc":"2.0","id":9,"result":1,"fds":1}\n', [write] * 3)) as path:
        with blocking.Client(path) as client, pytest.raises(gentcp.Lost):
            client.socket(1).getfd()
    os.close(read)
    os.close(write)
    assert len(os.listdir("/proc/self/fd")) == before


def test_an_event_of_a_newer_daemon_is_let_pass():
    later = EVENT + b'"tcp_news","params":{"socket":1}}\n' + REPLY + b'"result":{"data":"x"}}\n'
    with fake.daemon(later) as path, blocking.Client(path) as client:
        assert client.socket(1).recv() == b"x"


def test_no_daemon(tmp_path):
    path = str(tmp_path / "nobody")
    with pytest.raises(gentcp.Lost, match="nobody"):
        blocking.Client(path)
    with pytest.raises(gentcp.Lost, match="nobody"):
        asyncio.run(gentcp.connect("localhost", 1, path=path))


def test_where_the_daemon_is(monkeypatch, tmp_path):
    monkeypatch.delenv("GENTCPD_SOCKET", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "gentcpd.sock").touch()
    assert gentcp.Client().path == str(tmp_path / "gentcpd.sock")
    monkeypatch.setenv("GENTCPD_SOCKET", "/elsewhere")
    assert gentcp.Client().path == "/elsewhere"
    assert gentcp.Client("/named").path == "/named"
    monkeypatch.delenv("GENTCPD_SOCKET")
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert gentcp.Client().path == "/run/gentcpd/gentcpd.sock"


def test_iodata():
    assert flatten(["a", b"b", bytearray(b"c"), [memoryview(b"d"), 101, ()], "é"]) == \
        b"abcde" + "é".encode()
    for wrong in ([256], [-1], [1.5], 7, None):
        with pytest.raises((ValueError, TypeError)):
            flatten(wrong)


def test_options():
    assert as_options({"a": 1, "b": 2}, {"a": 3}) == {"b": 2, "a": 3}
    assert list(as_options({"a": 1, "b": 2}, {"a": 3})) == ["b", "a"]  # order counts
    assert as_options(["inet", ("packet", 2), {"raw": (6, 1, b"\0")}], {"active": True}) == [
        "inet", ["packet", 2], {"raw": [6, 1, {"base64": "AA=="}]}, {"active": True}]
    assert as_json({"x": (b"", None)}) == {"x": [{"base64": ""}, None]}


def test_timeouts_are_never_early():
    assert [milliseconds(s) for s in (None, 0, -1, 0.0001, 0.001, 1.5)] == \
        ["infinity", 0, 0, 1, 1, 1500]


def test_params_that_are_no_json():
    deep = []
    for _ in range(100000):
        deep = [deep]
    for wrong in (float("nan"), object()):
        with pytest.raises((TypeError, ValueError)):
            _wire.encode(1, "m", {"x": wrong}, None, 0)
    with pytest.raises(ValueError):
        _wire.encode(1, "m", {"x": deep}, None, 0)


def test_errors_are_of_pythons_classes():
    kinds = {"econnrefused": ConnectionRefusedError, "timeout": TimeoutError,
             "etimedout": TimeoutError, "closed": ConnectionError, "badarg": ValueError,
             "not_owner": PermissionError, "eacces": PermissionError,
             "econnreset": ConnectionResetError, "einval": OSError}
    for reason, kind in kinds.items():
        e = gentcp.errors.error(reason, 22, {"detail": "why"}, b"rest")
        assert isinstance(e, kind) and isinstance(e, gentcp.Error)
        assert (e.reason, e.code, e.errno, e.rest) == (reason, 22, 22, b"rest")
        assert str(e) == reason + ": why"
    assert isinstance(gentcp.errors.error("Invalid params", -32602), gentcp.RequestError)


def test_packets_of_http():
    values = [
        {"type": "http_request", "method": "GET", "uri": {"type": "*"}, "version": [1, 1]},
        {"type": "http_request", "method": {"base64": "/w=="}, "version": [0, 9],
         "uri": {"type": "absoluteURI", "scheme": "http", "host": "a", "port": None,
                 "path": "/"}},
        {"type": "http_response", "version": [1, 0], "status": 200, "phrase": "OK"},
        {"type": "http_header", "bit": 0, "name": "X", "field": "x", "value": {"base64": "/w=="}},
        {"type": "http_eoh"}, {"type": "http_error", "line": "x\n"}]
    packets = [http.read(json.loads(json.dumps(v))) for v in values]
    assert packets[0] == http.Request("GET", http.Uri("*"), (1, 1))
    assert packets[1].method == b"\xff" and packets[1].uri.host == "a"
    assert packets[3].value == b"\xff"
    assert packets[4:] == [http.EndOfHeaders(), http.BadLine("x\n")]
