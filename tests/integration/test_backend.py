# SPDX-License-Identifier: ISC
"""inet_backend: socket, with the documented differences of that backend (semantics 6,
probes 11).  What erl says of each is in the assertion; where a test says more, erl's
documentation is silent."""

import json
import os
import subprocess

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason

SIZE = g.scaled(4 * MB, MB)


def backend(c, s):
    return c.call("inet.info", {"socket": s})["inet_backend"]


def pair(room, c, **options):
    """A socket of that backend with a peer that takes little."""
    return room.pair(c, {"inet_backend": "socket", "sndbuf": 4096, **options}, small=True)


def start_big(c, s, data=None):
    """A send that the kernel does not take at once; its id."""
    id = c.start_send(s, g.pattern(SIZE) if data is None else data)
    assert c.waiting(id)
    return id


# --- the option ---------------------------------------------------------------


@pytest.mark.parametrize("options,shown", [
    ({}, "inet"),
    ({"inet_backend": "inet"}, "inet"),
    ({"inet_backend": "socket"}, "socket"),
    ([["packet", 4], "binary", ["inet_backend", "socket"]], "socket"),
    ([{"inet_backend": "socket"}, {"inet_backend": "inet"}], "inet"),
])
def test_it_stands_anywhere_and_accepted_sockets_have_it(room, client, options, shown):
    listener, port = client.listen(options)
    s = client.connect(port, options)
    a = client.accept(listener)
    assert [backend(client, x) for x in (listener, s, a)] == [shown] * 3
    rows = {row["socket"]: row["inet_backend"] for row in client.call("inet.i")}
    assert rows[s] == shown


def test_of_fdopen(room, client):
    import socket

    sock = socket.create_connection(room.tcp_listener().getsockname())
    try:
        s = client.call(
            "gen_tcp.fdopen",
            {"options": {"fd": "passed", "inet_backend": "socket", "active": False}},
            fds=[sock.fileno()],
        )["socket"]
    finally:
        sock.close()
    assert backend(client, s) == "socket"


def test_at_creation_only(room, client):
    s, _ = room.pair(client)
    error = client.fails("inet.setopts", {"socket": s, "options": {"inet_backend": "socket"}})
    check_reason(error, "einval")
    error = client.fails("inet.getopts", {"socket": s, "names": ["inet_backend"]})
    check_reason(error, "einval")


def configured(tmp_path, **keys):
    path = tmp_path / "gentcpd.conf"
    path.write_text(json.dumps(keys))
    return g.Daemon(args=["-c", str(path)])


def test_the_configured_default(tmp_path):
    daemon = configured(tmp_path, inet_backend="socket")
    room = g.Room(daemon)
    try:
        c = room.client()
        s, _ = room.pair(c)
        assert backend(c, s) == "socket"
        s, _ = room.pair(c, {"inet_backend": "inet"})
        assert backend(c, s) == "inet"
    finally:
        room.end()
        daemon.stop()


# --- send -----------------------------------------------------------------------


def test_ok_is_that_the_kernel_has_it_all(room, client):
    s, peer = pair(room, client)
    other = room.client()
    id = start_big(client, s)
    assert client.getstat(s, ["send_pend"]) == {"send_pend": 0}
    assert "busy" in client.states(s)
    second = other.start_send(s, b"second")
    assert other.waiting(second)
    assert peer.read(SIZE + 6) == g.pattern(SIZE) + b"second"
    assert client.reply(id).result() == "ok"
    assert other.reply(second).result() == "ok"
    assert client.getstat(s, ["send_oct", "send_cnt"]) == {"send_oct": SIZE + 6, "send_cnt": 2}


def test_inet_takes_the_same_at_once(room, client):
    s, peer = room.pair(client, {"sndbuf": 4096}, small=True)
    assert client.send(s, g.pattern(SIZE)) == "ok"
    assert client.getstat(s, ["send_pend"])["send_pend"] > 0
    assert peer.read(SIZE) == g.pattern(SIZE)


@pytest.mark.parametrize("data", ["auto", "base64", "attached"])
def test_a_timeout_gives_the_rest_back(room, data):
    c = room.client(data=data, attachments=True)
    s, peer = pair(room, c, send_timeout=100)
    sent = g.pattern(SIZE)
    error = c.send_fails(s, sent)
    check_reason(error, "timeout")
    rest = error.rest()
    assert 0 < len(rest) < SIZE and sent.endswith(rest)
    assert c.getstat(s, ["send_oct", "send_pend"]) == {
        "send_oct": SIZE - len(rest), "send_pend": 0}
    # Nothing of it stays queued.
    assert peer.read(SIZE - len(rest)) == sent[: -len(rest)]
    assert c.send(s, b"on") == "ok"
    assert peer.read(2) == b"on"


def test_the_rest_of_a_packet_whose_turn_did_not_come(room, client):
    s, _ = pair(room, client, packet=2)
    other = room.client()
    start_big(client, s, b"x" * 65535)
    client.setopts(s, {"send_timeout": 50})
    error = other.send_fails(s, b"abc")
    check_reason(error, "timeout")
    assert error.rest() == b"\0\3abc"  # as erl has it
    client.setopts(s, {"send_timeout": 0})
    assert other.send_fails(s, b"abc").rest() == b"\0\3abc"


def test_in_a_batch(room, client):
    s, _ = pair(room, client, packet=4)
    start_big(client, s)
    client.setopts(s, {"send_timeout": 50})
    client.raw(g.line([
        g.request(901, "gen_tcp.send", params=[s, "abc"]),
        g.request(902, "session.self"),
    ]))
    reply = {r["id"]: r for r in client.other().json}
    assert reply[901]["error"]["message"] == "timeout"
    assert g.payload(reply[901]["error"]["data"]["rest"]) == b"\0\0\0\3abc"
    assert "client" in reply[902]["result"]


def test_send_timeout_close(room, client):
    s, peer = pair(room, client, send_timeout=50, send_timeout_close=True)
    error = client.send_fails(s, g.pattern(SIZE))
    check_reason(error, "timeout")
    assert error.rest() is None
    check_reason(client.send_fails(s), "enotconn")
    got = peer.read_end()
    assert len(got) < SIZE and g.pattern(SIZE).startswith(got)


def test_the_recipe_for_a_partial_packet(room, client):
    """packet to raw, send the rest, packet back: the reader sees whole packets."""
    options = {"packet": 4, "inet_backend": "socket", "recbuf": 4096, "sndbuf": 4096}
    listener, port = client.listen(options)
    s = client.connect(port, {**options, "send_timeout": 100})
    a = client.accept(listener)
    whole = g.pattern(SIZE)
    error = client.send_fails(s, whole)
    check_reason(error, "timeout")
    rest = error.rest()
    assert 0 < len(rest) < SIZE + 4
    client.setopts(s, {"packet": "raw", "send_timeout": "infinity"})
    again = client.start_send(s, rest)
    assert client.recv(a, timeout=60000) == whole
    assert client.reply(again).result() == "ok"
    client.setopts(s, {"packet": 4})
    assert client.send(s, b"next") == "ok"
    assert client.recv(a, timeout=10000) == b"next"
    check_reason(client.recv_fails(a, timeout=50), "timeout")


def test_cancel_gives_the_rest_back(room, client):
    s, peer = pair(room, client, packet=4)
    id = start_big(client, s)
    late = client.start_send(s, b"abc")
    assert client.call("session.cancel", {"id": late}) is True
    error = client.reply(late).error()
    check_reason(error, "cancelled")
    assert error.rest() == b"\0\0\0\3abc"
    assert client.call("session.cancel", {"id": id}) is True
    rest = client.reply(id).error().rest()
    assert 0 < len(rest) < SIZE + 4 and g.pattern(SIZE).endswith(rest[-1000:])
    wire = SIZE.to_bytes(4, "big") + g.pattern(SIZE)
    client.setopts(s, {"packet": "raw"})
    assert peer.read(len(wire) - len(rest)) == wire[: -len(rest)]
    again = client.start_send(s, rest)
    assert peer.read(len(rest)) == rest
    assert client.reply(again).result() == "ok"


def test_on_the_command_line(room, tmp_path):
    """The rest is shown, whether send_timeout or -T was first."""
    listener = room.tcp_listener(small=True)
    port = listener.getsockname()[1]
    for args, option, status, named in (
        ((), " send_timeout=50", 1, "gentcp-cli: send: timeout: rest "),
        (("-T", "0.3"), "", 4, "gentcp-cli: send: rest "),
    ):
        data = "y" * SIZE
        script = "s = connect 127.0.0.1 %d inet_backend=socket sndbuf=4096%s\nsend $s %s\n" % (
            port, option, data)
        r = subprocess.run(
            [g.gentcp_cli(), "-s", room.daemon.path, *args, "shell"],
            input=script.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        said = r.stderr.decode().splitlines()
        assert r.returncode == status, said[-1][:100]
        assert said[-1].startswith(named + '"yyy'), said[-1][:100]
        rest = json.loads(said[-1][len(named):])
        assert 0 < len(rest) < SIZE and data.endswith(rest)


def test_a_file_is_waited_for(room, client, tmp_path):
    """Nothing is queued behind a file either."""
    s, peer = pair(room, client, packet=2)
    other = room.client()
    path = tmp_path / "file"
    path.write_bytes(g.pattern(SIZE))
    with open(path, "rb") as f:
        id = client.request(
            "file.sendfile", {"socket": s, "offset": 0, "bytes": 0}, fds=[f.fileno()])
        assert client.waiting(id)
    behind = other.start_send(s, b"behind")
    assert other.waiting(behind)
    client.setopts(s, {"send_timeout": 50})
    error = other.send_fails(s, b"abc")
    check_reason(error, "timeout")
    assert error.rest() == b"\0\3abc"
    assert peer.read(SIZE) == g.pattern(SIZE)
    assert peer.read(8) == b"\0\6behind"
    assert client.reply(id).result() == {"sent": SIZE}
    assert other.reply(behind).result() == "ok"
    # and a file waits for the packet before it
    client.setopts(s, {"send_timeout": "infinity", "packet": 0})
    big = start_big(other, s)
    with open(path, "rb") as f:
        id = client.request(
            "file.sendfile", {"socket": s, "offset": 0, "bytes": 3}, fds=[f.fileno()])
        assert client.waiting(id)
    assert peer.read(SIZE + 3) == g.pattern(SIZE) + g.pattern(3)
    assert other.reply(big).result() == "ok" and client.reply(id).result() == {"sent": 3}


def test_a_client_that_goes_does_not_cut_a_packet(room, client):
    """gen_tcp's stream would go on with the next packet in the middle of that one."""
    options = {"packet": 4, "inet_backend": "socket", "recbuf": 4096, "sndbuf": 4096}
    listener, port = client.listen(options)
    s = client.connect(port, options)
    a = client.accept(listener)
    other = room.client()
    start_big(other, s)
    unbegun = other.start_send(s, b"dropped")
    assert other.waiting(unbegun)
    mine = client.start_send(s, b"mine")
    assert client.waiting(mine)
    other.close()
    assert client.recv(a, timeout=60000) == g.pattern(SIZE)
    assert client.recv(a, timeout=10000) == b"mine"
    assert client.reply(mine).result() == "ok"
    check_reason(client.recv_fails(a, timeout=50), "timeout")


def test_an_owner_that_goes_in_the_middle_of_its_packet(room, client):
    other = room.client()
    s, peer = pair(room, other, packet=4)
    start_big(other, s)
    other.close()
    assert peer.read_end() == SIZE.to_bytes(4, "big") + g.pattern(SIZE)


# --- shutdown, close, and the rest ---------------------------------------------


def test_shutdown_is_immediate(room, client):
    s, peer = pair(room, client)
    other = room.client()
    id = start_big(client, s)
    assert other.shutdown(s, "write") == "ok"
    check_reason(client.reply(id).error(), "closed")
    got = peer.read_end()
    assert len(got) < SIZE and g.pattern(SIZE).startswith(got)


def test_of_one_client_it_waits_behind_its_own_sends(room, client):
    s, peer = pair(room, client)
    id = start_big(client, s)
    down = client.request("gen_tcp.shutdown", {"socket": s, "how": "write"})
    assert client.waiting(down)
    assert peer.read_end() == g.pattern(SIZE)
    assert client.reply(id).result() == "ok" and client.reply(down).result() == "ok"


@pytest.mark.parametrize("how", ["read", "write", "read_write"])
def test_shutdown_of_a_listener(room, client, how):
    listener, _ = client.listen({"inet_backend": "socket"})
    assert client.shutdown(listener, how) == "ok"
    assert client.close_socket(listener) == "ok"
    plain, _ = client.listen()
    check_reason(
        client.fails("gen_tcp.shutdown", {"socket": plain, "how": how}), "enotconn")


def test_who_accepts_where_reading_was_shut_down(room, client):
    listener, port = client.listen({"inet_backend": "socket"})
    id = client.request("gen_tcp.accept", {"socket": listener})
    assert client.waiting(id)
    assert client.shutdown(listener, "read") == "ok"
    check_reason(client.reply(id).error(), "einval")
    check_reason(
        client.fails("gen_tcp.connect", {"address": "127.0.0.1", "port": port}), "econnrefused")


def test_close_is_immediate(room, client):
    s, peer = pair(room, client)
    other = room.client()
    id = start_big(client, s)
    assert other.close_socket(s, timeout=3) == "ok"
    check_reason(client.reply(id).error(), "closed")
    assert len(peer.read_end()) < SIZE


def test_nodelay_on_a_local_socket(room, client, tmp_path):
    path = str(tmp_path / "s")
    local = {"ip": {"local": path}, "active": False}

    def listen(options):
        return client.reply(client.request(
            "gen_tcp.listen", {"port": 0, "options": {**local, **options}}))

    def connect(options):
        return client.reply(client.request("gen_tcp.connect", {
            "address": {"local": path}, "port": 0, "options": {"active": False, **options}}))

    for nodelay in (True, False):
        for options in ({"inet_backend": "socket", "nodelay": nodelay},
                        {"nodelay": nodelay, "inet_backend": "socket"}):
            error = listen(options).error()
            check_reason(error, "enotsup")
            assert error.data["option"] == "nodelay"
            assert not os.path.exists(path)
    listener = listen({"inet_backend": "socket"}).result()["socket"]
    check_reason(connect({"inet_backend": "socket", "nodelay": True}).error(), "enotsup")
    s = connect({"inet_backend": "socket"}).result()["socket"]
    assert client.getopts(s, ["nodelay"]) == {}
    connect({"nodelay": True}).result()
    assert backend(client, client.accept(listener)) == "socket"


def test_unrecv(room, client):
    s, peer = room.pair(client, {"inet_backend": "socket"})
    listener, _ = client.listen({"inet_backend": "socket"})
    for socket in (s, listener):
        check_reason(
            client.fails("gen_tcp.unrecv", {"socket": socket, "data": "x"}), "enotsup")
    peer.send(b"there")
    assert client.recv(s, 5) == b"there"


def test_what_is_not_documented_is_as_with_inet(room, client):
    s, peer = room.pair(client, {"inet_backend": "socket"})
    assert client.getopts(s, ["buffer", "packet_size", "high_watermark"]) == {
        "buffer": 1460, "packet_size": 0, "high_watermark": 8192}
    id = client.start_recv(s)
    assert client.waiting(id)
    check_reason(client.recv_fails(s), "ealready")
    peer.send(b"one")
    assert client.received(id) == b"one"
