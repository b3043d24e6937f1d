# SPDX-License-Identifier: ISC
"""gen_tcp's advice on closing: shutdown(write), read until the peer closes, then
close.  With much under way in both directions nothing is lost, whoever begins."""

import os
import subprocess
import tempfile

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason

SIZE = g.scaled(16, 2) * MB
BACK = g.scaled(6, 1) * MB


def there(pipe, sock, size):
    """The other end, plain: sends, reads to the end, and closes then."""
    sock.settimeout(60)
    sock.sendall(g.pattern(size))
    pipe.send("sent")
    got = bytearray()
    while True:
        data = sock.recv(100000)
        if not data:
            break
        got += data
    sock.close()
    pipe.send(bytes(got) == g.pattern(len(got)) and len(got))


def start_send(client, s, size):
    return client.request("gen_tcp.send", {"socket": s}, attachment=g.pattern(size))


def collect(client, s, active):
    """All that comes until the peer's close."""
    if active:
        got = bytearray()
        while True:
            e = client.event(socket=s)
            if e.name == "tcp_closed":
                return bytes(got)
            got += e.data
            if active == "once":
                client.notify("inet.setopts", {"socket": s, "options": {"active": "once"}})
    got = bytearray()
    while True:
        r = client.reply(client.start_recv(s))
        if "error" in r.json:
            check_reason(r.error(), "closed")
            return bytes(got)
        got += r.attachment


@pytest.mark.parametrize("active", [True, "once", False])
@pytest.mark.parametrize("role", ["connects", "accepts"])
def test_the_side_that_begins(room, role, active):
    client = room.client("attached")
    options = {"active": active}
    if role == "connects":
        s, peer = room.pair(client, options)
    else:
        listener, port = client.listen(options)
        peer = room.dial(port)
        s = client.accept(listener)
    other = room.own(g.Child(there, peer.sock, BACK))
    peer.close()
    sending = start_send(client, s, SIZE)
    down = client.request("gen_tcp.shutdown", {"socket": s, "how": "write"})
    assert collect(client, s, active) == g.pattern(BACK)
    assert client.reply(sending).result() == "ok"
    assert client.reply(down).result() == "ok"
    assert client.close_socket(s) == "ok"
    assert other.recv() == "sent"
    assert other.recv() == SIZE


@pytest.mark.parametrize("active", [True, False])
def test_the_side_that_follows(room, active):
    """It reads to the end, answers, and closes: exit_on_close false lets it."""
    client = room.client("attached")
    listener, port = client.listen({"active": active, "exit_on_close": False})
    peer = room.dial(port)
    s = client.accept(listener)
    other = room.own(g.Child(sends_and_shuts, peer.sock, BACK))
    peer.close()
    assert collect(client, s, active) == g.pattern(BACK)
    sending = start_send(client, s, SIZE)
    closing = client.request("gen_tcp.close", {"socket": s})
    assert other.recv(30) == SIZE
    assert client.reply(sending).result() == "ok"
    assert client.reply(closing).result() == "ok"


def sends_and_shuts(pipe, sock, size):
    sock.settimeout(60)
    sock.sendall(g.pattern(size))
    sock.shutdown(g.socket.SHUT_WR)
    got = bytearray()
    while True:
        data = sock.recv(100000)
        if not data:
            break
        got += data
    sock.close()
    pipe.send(bytes(got) == g.pattern(len(got)) and len(got))


def test_both_sides_are_the_daemons(room):
    first, second = room.client("attached"), room.client("attached")
    listener, port = second.listen({"exit_on_close": False})
    a = first.connect(port, {"active": True})
    b = second.accept(listener)
    sending = start_send(first, a, SIZE)
    assert first.reply(sending).result() == "ok"
    assert first.shutdown(a, "write") == "ok"
    assert collect(second, b, False) == g.pattern(SIZE)
    sending = start_send(second, b, BACK)
    closing = second.request("gen_tcp.close", {"socket": b})
    assert collect(first, a, True) == g.pattern(BACK)
    assert second.reply(sending).result() == "ok"
    assert second.reply(closing).result() == "ok"
    assert first.close_socket(a) == "ok"


def test_what_the_advice_is_against(room):
    """A close with input that nobody read: the kernel resets the connection, and
    what it had not brought to the peer yet is lost."""
    client = room.client(attachments=True)
    s, peer = room.pair(client, {"sndbuf": 400000}, small=True)
    peer.put(b"unread")
    data = g.pattern(200000)
    assert client.send(s, data, attached=True) == "ok"
    assert client.getstat(s, ["send_pend"])["send_pend"] == 0
    assert client.close_socket(s) == "ok"
    got = peer.read_reset()
    assert len(got) < len(data) and data.startswith(got)


# --- by the command line ----------------------------------------------------------


def test_pipe_begins_and_the_shell_follows(room):
    """pipe ends its half with its input, and waits for the peer's close; the
    shell's last recv sees that of pipe."""
    text = b"0123456789abcdef" * (g.scaled(2, 1) * MB // 16)
    env = dict(os.environ, GENTCPD_SOCKET=room.daemon.path)
    shell = room.own(g.Command(room.daemon, "shell"))
    shell.say("l = listen 0 ip=127.0.0.1 active=false")
    port = shell.line().split()[-1]
    shell.say("s = accept $l\nd = recv $s %d\nsend $s $d\nshutdown $s write" % len(text))
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
        source.write(text)
        source.seek(0)
        pipe = subprocess.Popen(
            [g.gentcp_cli(), "pipe", "127.0.0.1", port], env=env, stdin=source,
            stdout=sink, stderr=subprocess.PIPE,
        )
        try:
            assert shell.line().startswith("socket ")
            assert shell.line() == '"%s"' % text.decode()
            assert [shell.line(), shell.line()] == ["ok", "ok"]
            assert pipe.communicate(timeout=60)[1] == b"" and pipe.returncode == 0
        finally:
            pipe.kill()
            pipe.wait()
        sink.seek(0)
        assert sink.read() == text
    shell.say("recv $s 0\nclose $s")
    assert shell.line() == "ok"
    assert shell.end() == (1, "", "gentcp-cli: recv: closed\n")
