# SPDX-License-Identifier: ISC
"""gentcp-cli against a daemon: exit codes, call, shell, pipe, monitor, JSON."""

import contextlib
import json
import os
import re
import select
import subprocess
import tempfile

import pytest

import gentcp_test as g
from gentcp_test import MB

OK, FAILED, USAGE, LOST, LATE = 0, 1, 2, 3, 4


@pytest.fixture(autouse=True)
def there_is_a_cli():
    if not os.access(g.gentcp_cli(), os.X_OK):
        pytest.fail("there is no gentcp-cli at " + g.gentcp_cli())


@pytest.fixture
def start(room):
    return lambda *args: room.own(g.Command(room.daemon, *args))


# --- exit codes and usage ----------------------------------------------------


def test_version_and_help(cli):
    status, out, err = cli("-V")
    assert status == OK and re.fullmatch(r"gentcp-cli \d+\.\d+\.\d+\S*\n", out)
    status, out, err = cli("-h")
    assert status == OK and "call" in out and "shell" in out and "pipe" in out
    status, out, err = cli("help")
    assert status == OK and "\nconnect " in "\n" + out and "\nsetopts " in out
    status, out, err = cli("help", "recv")
    assert status == OK and "timeout" in out
    status, out, err = cli("help", "option", "linger")
    assert status == OK and out.startswith("linger: ")
    assert "\n  kernel   SOL_SOCKET SO_LINGER\n" in out
    status, out, err = cli("help", "option", "active")
    assert "\n  values   true, false, once, -32768..32767\n  default  true\n" in out
    assert "\n  in       connect, listen, setopts, getopts\n" in out
    assert "\n  sockets  inet, inet6, local\n" in out
    assert "\n  accept   hands it to the new socket\n" in out
    assert out.count("\n           ") >= 2  # the note's other sentences
    status, out, err = cli("help", "options")
    assert status == OK and re.search(r"^keepidle +silence before", out, re.M)
    assert cli("help", "no_such_thing")[0] == USAGE
    assert cli("help", "option", "no_such_option")[0] == USAGE
    assert cli("help", "recv", "linger")[0] == USAGE
    assert cli("help", "option", "linger", "too")[0] == USAGE


@pytest.mark.parametrize("args", [
    [], ["fly"], ["-Z"], ["call"], ["call", "no_such_method"], ["call", "send"],
    ["call", "recv", "1"], ["call", "gen_tcp.close", "{"], ["-T"], ["-T", "soon", "call", "self"],
    ["pipe"], ["pipe", "localhost"], ["call", "close", "1", "2", "3"],
    ["call", "close", "no_number"],
])
def test_usage_errors(cli, args):
    status, out, err = cli(*args)
    assert status == USAGE, (status, out, err)
    assert out == "" and err != ""


def test_no_daemon(cli, room):
    path = room.daemon.path + ".none"
    status, out, err = cli("call", "self", path=path)
    assert status == LOST and out == ""
    assert err.startswith("gentcp-cli: cannot connect to %s: " % path)
    status, out, err = cli("-s", path, "call", "self")
    assert status == LOST and path in err


def test_an_error_of_the_daemon(cli):
    status, out, err = cli("call", "recv", 2**40, 0)
    assert (status, out) == (FAILED, "") and err == "gentcp-cli: recv: closed\n"


def test_no_reply_in_time(cli):
    script = "l = listen 0 ip=127.0.0.1\naccept $l\n"
    status, out, err = cli("-T", "0.3", "shell", input=script)
    assert status == LATE and "no reply within" in err


def test_the_daemons_end_ends_the_shell():
    d = g.Daemon()
    room = g.Room(d)
    try:
        shell = room.own(g.Command(room.daemon, "shell"))
        shell.say("self")
        shell.line()
        d.stop()
        status, out, err = shell.end()
        assert status == LOST
    finally:
        room.end()
        d.kill()


# --- call --------------------------------------------------------------------


def test_call(cli, room):
    status, out, err = cli("call", "session.self")
    assert status == OK and "client=" in out and err == ""
    status, out, err = cli("call", "listen", 0, "ip=127.0.0.1")
    assert status == OK and re.fullmatch(r"socket \d+ port \d+\n", out)
    c = room.client()
    s, peer = room.pair(c)
    assert cli("call", "send", s, "hello world") == (OK, "ok\n", "")
    assert peer.read(11) == b"hello world"
    assert cli("call", "send", s, "data=42") == (OK, "ok\n", "")
    assert peer.read(2) == b"42"
    assert cli("call", "send", s, '["a",{"base64":"AP8="}]') == (OK, "ok\n", "")
    assert peer.read(3) == b"a\0\xff"
    peer.put(b"a\"\\\n\r\t\0\xff\xc3\xa9")
    assert cli("call", "recv", s, 0) == (OK, '"a\\"\\\\\\n\\r\\t\\x00\\xff\u00e9"\n', "")
    assert cli("call", "setopts", s, "packet=line", "linger=[true,5]", "list") == (OK, "ok\n", "")
    status, out, err = cli("call", "getopts", s, "packet", "linger", "mode")
    assert status == OK and sorted(out.split()) == ["linger=[true,5]", "mode=list", "packet=line"]
    status, out, err = cli("call", "peername", s)
    assert (status, out) == (OK, "127.0.0.1 %d\n" % peer.sock.getsockname()[1])
    status, out, err = cli("call", "getstat", s, "send_oct")
    assert (status, out) == (OK, "send_oct=16\n")
    assert cli("call", "gen_tcp.close", s) == (OK, "ok\n", "")
    assert peer.read_end() == b""


def test_call_with_json(cli, room):
    c = room.client()
    s, peer = room.pair(c)
    params = json.dumps({"socket": s, "data": "x"})
    assert cli("call", "gen_tcp.send", params) == (OK, "ok\n", "")
    assert cli("call", "gen_tcp.send", json.dumps([s, "y"])) == (OK, "ok\n", "")
    assert peer.read(2) == b"xy"
    status, out, err = cli("-j", "call", "getopts", s, "packet", "linger")
    assert status == OK and json.loads(out) == {"packet": 0, "linger": [False, 0]}
    peer.put(b"\xff")
    status, out, err = cli("call", "-j", "recv", s, 1)
    assert status == OK and json.loads(out) == {"data": {"base64": "/w=="}}
    status, out, err = cli("-j", "call", "recv", 2**40, 0)
    error = json.loads(err)
    assert status == FAILED and out == ""
    assert (error["code"], error["message"]) == (10001, "closed")


def test_a_timeout_as_an_argument(cli, room):
    c = room.client()
    s, _ = room.pair(c)
    for args in (["recv", s, 0, 50], ["recv", s, 0, "timeout=50"]):
        status, out, err = cli("call", *args)
        assert (status, err) == (FAILED, "gentcp-cli: recv: timeout\n")


def test_what_would_be_lost_is_shown(cli, room):
    c = room.client()
    s, peer = room.pair(c)
    peer.put(b"abc").half_close()
    status, out, err = cli("call", "recv", s, 10)
    assert status == FAILED and err == 'gentcp-cli: recv: closed: rest "abc"\n'


def test_a_refused_option_is_named(cli, room):
    port = room.tcp_listener().getsockname()[1]
    status, out, err = cli("call", "connect", "127.0.0.1", port, "ttl=0")
    assert status == FAILED and "badarg" in err and "ttl" in err


# --- shell -------------------------------------------------------------------


def test_a_script(cli, room):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    script = "\n".join([
        "# a comment", "",
        "s = connect 127.0.0.1 %d binary active=false packet=2 3000" % port,
        'send $s "Some \\"Data\\"\\r\\n\\x00\\xff"',
        "send $s 'raw \\n'",
        "getopts $s packet",
        "close $s",
    ]) + "\n"
    status, out, err = cli("shell", input=script)
    assert status == OK and err == ""
    lines = out.splitlines()
    assert re.fullmatch(r"socket \d+", lines[0])
    assert lines[1:] == ["ok", "ok", "packet=2", "ok"]
    peer = g.Peer(room.own(listener.accept()[0]))
    first, second = b'Some "Data"\r\n\0\xff', b"raw \\n"
    assert peer.read_end() == b"".join(
        len(d).to_bytes(2, "big") + d for d in (first, second))


def test_help_in_the_shell(cli):
    script = "help\nhelp send\nhelp options\nhelp option ttl\nhelp option no_such_option\nhelp a b c\n"
    status, out, err = cli("shell", input=script)
    assert status == USAGE
    verbs, send = out.index("setopts "), out.index("send socket data")
    options, ttl = out.index("keepidle  "), out.index("ttl: time to live")
    assert verbs < send < options < ttl
    assert "\n  kernel   IPPROTO_IP IP_TTL\n" in out[ttl:]
    assert err.count("there is no such verb or option") == 2


def test_every_kind_of_option_can_be_written_and_read(cli, room):
    """Bytes, paths and raw ones among the options, objects among the names."""
    script = "\n".join([
        "l = listen 0 ip=loopback active=false protocol=mptcp protocol=tcp tcp_module=inet_tcp "
        'bind_to_device="" raw=[6,1,{"base64":"AQAAAA=="}] raw=[1,12,[4,0,0,0]] recvtos=true',
        "getopts $l nodelay priority bind_to_device",
        "setopts $l bind_to_device=lo netns=/run/netns/none debug=true high_msgq_watermark=5",
        'getopts $l bind_to_device netns debug low_msgq_watermark {"raw":[6,1,4]} '
        '{"raw":[41,26,4]} pktoptions',
        "setopts $l bind_to_device=no-such-device",
        "setopts $l raw=[6,9999,4]",
        "getopts $l raw",
        'setopts $l netns={"base64":"/w=="} raw=[6,1,[0,[0,0],0]]',
        "getopts $l nodelay netns",
    ]) + "\n"
    status, out, err = cli("shell", input=script)
    lines = out.splitlines()
    assert re.fullmatch(r"socket \d+ port \d+", lines[0])
    assert lines[1] == 'nodelay=true priority=4 bind_to_device=""'
    assert lines[2] == "ok"
    assert lines[3] == (
        "bind_to_device=lo netns=/run/netns/none debug=true low_msgq_watermark=5 "
        'raw=[[6,1,{"base64":"AQAAAA=="}],null] pktoptions=[{"tos":0}]')
    assert lines[4:] == ["ok", 'nodelay=false netns={"base64":"/w=="}']
    assert "einval: option bind_to_device" in err
    assert "einval: option raw: " in err and "[protocol, option, size]" in err
    for name in ("raw", "pktoptions", "netns", "protocol", "bind_to_device"):
        status, out, _ = cli("help", "option", name)
        assert status == OK and out.startswith(name + ": "), name
        assert ("[6, 1, 4 bytes]" in out) == (name == "raw")


def test_events_waits_and_background(start, room):
    shell = start("shell")
    shell.say("l = listen 0 ip=127.0.0.1 packet=line active=true")
    port = int(re.fullmatch(r"socket \d+ port (\d+)", shell.line()).group(1))
    shell.say("accept $l &")
    shell.say("self")
    assert "client=" in shell.line()
    peer = room.dial(port)
    s = re.fullmatch(r"\[1\] socket (\d+)", shell.line()).group(1)
    peer.send(b"hello\n")
    assert shell.line() == 'tcp %s "hello\\n"' % s
    shell.say("wait tcp %s" % s)
    shell.say("send %s answer" % s)
    assert shell.line() == "ok"
    assert peer.read(6) == b"answer"
    peer.half_close()
    assert shell.line() == "tcp_closed %s" % s
    status, out, err = shell.end()
    assert (status, out, err) == (OK, "", "")


def test_http(start, room):
    shell = start("shell")
    shell.say("l = listen 0 ip=127.0.0.1 packet=http active=once")
    port = int(re.fullmatch(r"socket \d+ port (\d+)", shell.line()).group(1))
    shell.say("s = accept $l")
    peer = room.dial(port)
    s = re.fullmatch(r"socket (\d+)", shell.line()).group(1)
    peer.put(b"GET / HTTP/1.1\r\nHost: h\r\nA: \x1b\xff\r\n\r\nbody")
    request = shell.line()
    assert request.startswith("http %s {" % s)
    assert json.loads(request.split(" ", 2)[2]) == {
        "type": "http_request", "method": "GET",
        "uri": {"type": "abs_path", "path": "/"}, "version": [1, 1]}
    shell.say("p = wait http $s")
    shell.say("h = recv $s 0")
    host = shell.line()
    assert host.startswith("http {")
    assert json.loads(host[5:]) == {
        "type": "http_header", "bit": 14, "name": "Host", "field": "Host", "value": "h"}
    shell.say("recv $s 0")
    assert json.loads(shell.line()[5:])["value"] == {"base64": "G/8="}
    shell.say("recv $s 0")
    assert shell.line() == 'http {"type":"http_eoh"}'
    shell.say("setopts $s packet=raw deliver=port active=once")
    assert [shell.line(), shell.line()] == ['port %s "body"' % s, "ok"]
    shell.say("b = wait port $s")
    shell.say("send $s $b")
    assert shell.line() == "ok"
    assert peer.read(4) == b"body"
    # a packet is JSON, whose members are not data
    shell.say("send $s $p")
    shell.say("send $s $h")
    status, out, err = shell.end()
    assert (status, out) == (FAILED, "")
    assert err.count("gentcp-cli: send: ") == 2


def test_getaddrs(cli):
    assert cli("call", "getaddrs", "127.1") == (OK, "127.0.0.1\n", "")
    assert cli("call", "getaddrs", "::1", "inet6") == (OK, "::1\n", "")
    status, out, err = cli("call", "getaddrs", "::1")
    assert (status, out) == (FAILED, "") and "nxdomain" in err


def test_monitors(cli):
    script = (
        "l = listen 0 ip=127.0.0.1\nm = monitor $l\nn = monitor $l\ncancel_monitor $n\n"
        "close $l\nwait down $l\ncancel_monitor $m\nmonitor $l\nwait down\n"
    )
    status, out, err = cli("shell", input=script)
    assert (status, err) == (OK, "")
    said = out.splitlines()
    s = re.fullmatch(r"socket (\d+) port \d+", said[0]).group(1)
    m, n = (re.fullmatch(r"monitor=(\d+)", text).group(1) for text in said[1:3])
    late = said[7].split("=")[1]
    assert said[3:] == [
        "true", "down %s monitor %s normal" % (s, m), "ok", "false", "monitor=" + late,
        "down %s monitor %s noproc" % (s, late),
    ]


def test_the_shell_goes_on_after_an_error_unless_told(cli):
    script = "recv 1099511627776 0\nport 1099511627776\nclients\n"
    status, out, err = cli("shell", input=script)
    assert status == FAILED
    assert err.splitlines() == ["gentcp-cli: recv: closed", "gentcp-cli: port: einval"]
    assert "client=" in out
    status, out, err = cli("shell", "-e", input=script)
    assert (status, out) == (FAILED, "") and err == "gentcp-cli: recv: closed\n"
    status, out, err = cli("shell", input="fly\nself\n")
    assert status == USAGE and "client=" in out


def test_quit_does_not_wait(cli):
    script = "l = listen 0 ip=127.0.0.1\naccept $l &\nquit\n"
    status, out, err = cli("shell", input=script)
    assert status == OK


def test_a_wait_that_is_not_fulfilled(cli):
    status, out, err = cli("-T", "0.3", "shell", input="wait tcp\n")
    assert status == LATE


def test_kept_data(cli, room):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    echo = room.own(g.Child(echo_once, listener))
    script = (
        "s = connect 127.0.0.1 %d\nsend $s ping\nd = wait tcp $s\nsend $s $d\nclose $s\n" % port
    )
    status, out, err = cli("shell", input=script)
    assert status == OK, err
    assert 'tcp' in out and '"ping"' in out
    assert echo.recv() == b"pingping"


def echo_once(pipe, listener):
    s = listener.accept()[0]
    s.settimeout(30)
    got = s.recv(4)
    s.sendall(got)
    while True:
        data = s.recv(100)
        if not data:
            break
        got += data
    pipe.send(got)


def test_the_shell_in_json(cli, room):
    script = "listen 0 ip=127.0.0.1\nrecv 1099511627776 0\n"
    status, out, err = cli("-j", "shell", input=script)
    assert status == FAILED
    first, second = [json.loads(line) for line in out.splitlines()]
    assert set(first["result"]) == {"socket", "port"}
    assert second["error"]["message"] == "closed"


def test_events_in_json(start, room):
    shell = start("-j", "shell")
    listener = room.tcp_listener()
    shell.say("connect 127.0.0.1 %d" % listener.getsockname()[1])
    s = json.loads(shell.line())["result"]["socket"]
    peer = g.Peer(room.own(listener.accept()[0]))
    peer.send(b"\xff")
    assert json.loads(shell.line()) == {
        "method": "tcp", "params": {"socket": s, "data": {"base64": "/w=="}}}
    shell.say("quit")
    assert shell.end()[0] == OK


def test_the_shells_sockets_end_with_it(start, room):
    shell = start("shell")
    listener = room.tcp_listener()
    shell.say("connect 127.0.0.1 %d" % listener.getsockname()[1])
    shell.line()
    peer = g.Peer(room.own(listener.accept()[0]))
    assert shell.end()[0] == OK
    assert peer.read_end() == b""


# --- monitor -----------------------------------------------------------------


@pytest.mark.parametrize("as_json", [False, True])
def test_monitor(start, room, as_json):
    c = room.known()
    monitor = start(*(["-j"] if as_json else []), "monitor", "-n", 3)
    first = monitor.line()
    number = json.loads(first)["client"] if as_json else int(first.split()[1])
    s, peer = room.pair(c, {"active": True})
    assert c.give(s, number) == "ok"
    peer.send(b"seen")
    lines = [monitor.line(), monitor.line()]
    peer.half_close()
    lines.append(monitor.line())
    if as_json:
        assert [json.loads(x) for x in lines] == [
            {"method": "tcp_owner", "params": {"socket": s, "from": c.id}},
            {"method": "tcp", "params": {"socket": s, "data": "seen"}},
            {"method": "tcp_closed", "params": {"socket": s}},
        ]
    else:
        assert lines == [
            "tcp_owner %d from %d" % (s, c.id), 'tcp %d "seen"' % s, "tcp_closed %d" % s]
    assert monitor.end()[0] == OK


def test_monitor_with_a_deadline(cli):
    status, out, err = cli("-T", "0.3", "monitor", "-n", 1)
    assert status == LATE and out.startswith("client ")


# --- pipe --------------------------------------------------------------------


def echo(pipe, listener):
    """Echoes one connection to its end."""
    s = listener.accept()[0]
    s.settimeout(60)
    poll = select.poll()
    s.setblocking(False)
    queue = bytearray()
    ended = False
    while queue or not ended:
        mask = (0 if ended or len(queue) > 4 * MB else select.POLLIN)
        mask |= select.POLLOUT if queue else 0
        poll.register(s, mask)
        assert poll.poll(60000)
        with contextlib.suppress(BlockingIOError):
            if queue:
                n = s.send(memoryview(queue)[:MB])
                del queue[:n]
        with contextlib.suppress(BlockingIOError):
            if mask & select.POLLIN:
                data = s.recv(MB)
                ended = not data
                queue += data
    s.close()
    pipe.send("done")


def test_pipe_carries_64_mib_both_ways(room):
    listener = room.tcp_listener()
    server = room.own(g.Child(echo, listener))
    size = g.scaled(64, 8) * MB
    data = g.pattern(MB - 1)
    env = dict(os.environ, GENTCPD_SOCKET=room.daemon.path)
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as sink:
        left = size
        while left:
            left -= source.write(data[: min(left, len(data))])
        source.seek(0)
        done = subprocess.run(
            [g.gentcp_cli(), "pipe", "127.0.0.1", str(listener.getsockname()[1])],
            env=env, stdin=source, stdout=sink, stderr=subprocess.PIPE, timeout=120)
        assert done.returncode == OK, done.stderr
        assert server.recv(30) == "done"
        source.seek(0)
        sink.seek(0)
        while True:
            a, b = source.read(MB), sink.read(MB)
            assert a == b
            if not a:
                break


def test_pipe_says_why_it_cannot(cli, room):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    listener.close()
    status, out, err = cli("pipe", "127.0.0.1", port)
    assert (status, out, err) == (FAILED, "", "gentcp-cli: connect: econnrefused\n")


def test_pipe_ends_when_the_peer_closes(start, room):
    listener = room.tcp_listener()
    pipe = start("pipe", "127.0.0.1", listener.getsockname()[1])
    peer = g.Peer(room.own(listener.accept()[0]))
    peer.send(b"greeting\n")
    assert pipe.line() == "greeting"
    pipe.say("answer")
    assert peer.read(7) == b"answer\n"
    peer.close()
    status, out, err = pipe.end()
    assert (status, out) == (OK, "")


def test_pipe_with_options(start, room):
    listener = room.tcp_listener()
    pipe = start("pipe", "127.0.0.1", listener.getsockname()[1], "packet=1", "nodelay=true")
    peer = g.Peer(room.own(listener.accept()[0]))
    pipe.say("abc")
    assert peer.read(5) == b"\4abc\n"
    peer.send(b"\3xy\n")
    assert pipe.line() == "xy"
    peer.close()
    pipe.end()
