# SPDX-License-Identifier: ISC
"""Metrics: daemon.metrics, gentcp-cli metrics, GET /metrics."""

import os
import re
import shutil
import socket
import stat
import struct
import subprocess
import time

import pytest

import gentcp_test as g


def samples(text):
    """{'gentcp_requests_total{method="inet.i"}': 3, …}; every line must be sound."""
    found = {}
    assert text.endswith("# EOF\n")
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP [a-z_]+ .*|TYPE [a-z_]+ [a-z]+|EOF)", line), line
            continue
        m = re.fullmatch(r'([a-z_]+(?:\{[a-z]+="[^"]*"\})?) ([0-9.]+)', line)
        assert m, line
        assert m[1] not in found, "twice: " + line
        found[m[1]] = float(m[2])
    return found


def ask(client):
    answer = client.call("daemon.metrics")
    assert answer["type"] == "text/plain; version=0.0.4; charset=utf-8"
    return samples(answer["text"])


def cli(daemon, *args):
    return subprocess.run(
        [g.gentcp_cli(), *args], env=dict(os.environ, GENTCPD_SOCKET=daemon.path),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=g.DEADLINE)


def test_what_is_done_is_counted(own_room):
    c = own_room.known()
    before = ask(c)
    s, peer = own_room.pair(c, {"active": True})
    peer.send(b"12345")
    assert c.gather(s, 5) == b"12345"
    c.send(s, b"123")
    assert peer.read(3) == b"123"
    c.fails("inet.sockname", {"socket": 2**40})
    c.fails("gen_tcp.nothing", {})
    now = ask(c)

    def more(name):
        return now[name] - before.get(name, 0)

    assert more("gentcp_connections_total") == 1
    assert more("gentcp_received_bytes_total") == 5
    assert more("gentcp_received_packets_total") >= 1
    assert more("gentcp_sent_bytes_total") == 3
    assert more("gentcp_sent_packets_total") == 1
    assert more('gentcp_requests_total{method="gen_tcp.send"}') == 1
    assert more('gentcp_requests_total{method="daemon.metrics"}') == 1
    assert more('gentcp_events_total{event="tcp"}') >= 1
    assert more('gentcp_errors_total{reason="einval"}') == 1
    assert more('gentcp_errors_total{reason="Method not found"}') == 1
    assert now['gentcp_sockets{state="connected"}'] == 1
    assert now["gentcp_clients"] == 1
    assert now["gentcp_client_connections"] == 1
    assert now['gentcp_usage{cap="sockets"}'] == 1
    assert now["gentcp_loop_turns_total"] > before["gentcp_loop_turns_total"]
    listener, _ = c.listen()
    assert ask(c)['gentcp_sockets{state="listening"}'] == 1
    c.call("session.keep", {"ttl": 60000})
    assert ask(c)["gentcp_clients_kept"] == 1
    c.call("session.keep", {"ttl": 0})
    # What is gone is not counted any more; what was is.
    c.close_socket(s)
    c.close_socket(listener)
    last = ask(c)
    assert sum(v for k, v in last.items() if k.startswith("gentcp_sockets{")) == 0
    assert last["gentcp_connections_total"] == now["gentcp_connections_total"]


def test_a_client_that_does_not_read_is_seen(own_room):
    c, slow = own_room.known(), own_room.known()
    s, peer = own_room.pair(slow, {"active": True})
    g.blast(peer.sock, b"x" * 65536)
    seen = ask(c)
    assert seen["gentcp_sockets_held"] == 1
    assert seen["gentcp_socket_holds_total"] >= 1
    assert seen["gentcp_client_connections_full"] == 1
    assert seen["gentcp_client_queue_bytes"] >= 1 << 19
    peer.close()


def test_the_latency_histogram_is_sound(own_room):
    c = own_room.known()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        c.sync()
    g.until(lambda: ask(c)["gentcp_loop_latency_seconds_count"] >= 3, "looks at the loop")
    seen = ask(c)
    rising = [v for k, v in seen.items() if k.startswith("gentcp_loop_latency_seconds_bucket")]
    assert len(rising) == 12 and rising == sorted(rising)
    assert rising[-1] == seen["gentcp_loop_latency_seconds_count"]


def test_both_formats(own_room):
    c = own_room.known()
    answer = c.call("daemon.metrics", {"format": "openmetrics"})
    assert answer["type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "# TYPE gentcp_connections counter\ngentcp_connections_total 0\n" in answer["text"]
    error = c.fails("daemon.metrics", {"format": "xml"})
    assert error.code == -32602 and "prometheus" in error.message
    text = cli(own_room.daemon, "metrics").stdout.decode()
    assert "# TYPE gentcp_connections_total counter\n" in text
    assert set(samples(text)) == set(samples(answer["text"])) | set(samples(text))
    assert cli(own_room.daemon, "metrics", "openmetrics").stdout.startswith(b"# HELP")
    assert cli(own_room.daemon, "-j", "metrics").stdout.startswith(b'{"')
    assert cli(own_room.daemon, "metrics", "xml").returncode == 2
    assert cli(own_room.daemon, "metrics", "prometheus", "x").returncode == 2


def test_promtool_finds_nothing_wrong(own_room):
    if shutil.which("promtool") is None:
        pytest.skip("there is no promtool")
    c = own_room.known()
    own_room.pair(c)
    c.fails("inet.sockname", {"socket": 2**40})
    text = cli(own_room.daemon, "metrics").stdout
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=g.DEADLINE)
    assert (done.returncode, done.stdout) == (0, b"")


def test_openmetrics_as_its_parser_has_it(own_room):
    parser = pytest.importorskip(
        "prometheus_client.openmetrics.parser", reason="there is no prometheus_client")
    c = own_room.known()
    c.fails("inet.sockname", {"socket": 2**40})
    text = c.call("daemon.metrics", {"format": "openmetrics"})["text"]
    families = {f.name: f for f in parser.text_string_to_metric_families(text)}
    assert families["gentcp_requests"].type == "counter"
    assert families["gentcp_loop_latency_seconds"].type == "histogram"


def as_other_uid(pipe, path):
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
    c = g.Client(path)
    error = c.fails("daemon.metrics", {})
    pipe.send((error.message, error.data))
    c.close()


@pytest.mark.skipif(not g.is_root(), reason="only root can become somebody else")
def test_others_are_refused(own_room):
    g.open_to_all(own_room.daemon)
    child = own_room.own(g.Child(as_other_uid, own_room.daemon.path))
    reason, data = child.recv()
    assert reason == "eacces" and "administrators" in data["detail"]
    assert ask(own_room.known())['gentcp_refusals_total{by="eacces"}'] == 1


# --- HTTP --------------------------------------------------------------------------


@pytest.fixture(params=["unix", "tcp"])
def web(request):
    """A daemon with metrics_listen; .dial() is a connection to it."""
    d = g.Daemon(start=False)
    if request.param == "unix":
        d.metrics = os.path.join(d.folder, "metrics.sock")
    else:
        with socket.create_server(("127.0.0.1", 0)) as free:
            d.metrics = "127.0.0.1:%d" % free.getsockname()[1]
    with open(os.path.join(d.folder, "config"), "w") as f:
        f.write('{"metrics_listen":"%s"}' % d.metrics)
    d.args = ["-c", f.name]

    def dial():
        if request.param == "unix":
            s = socket.socket(socket.AF_UNIX)
            s.settimeout(g.DEADLINE)
            s.connect(d.metrics)
            return s
        host, port = d.metrics.split(":")
        return socket.create_connection((host, int(port)), g.DEADLINE)

    d.dial = dial
    d.start()
    room = g.Room(d)
    try:
        yield d
        assert d.alive(), d.output()
        room.end()
        d.wait_baseline()
        d.stop()
        assert request.param != "unix" or not os.path.exists(d.metrics)
    finally:
        room.end()
        d.kill()
        d.remove()


def read_all(s):
    with s:
        data = b""
        while True:
            try:
                more = s.recv(65536)
            except ConnectionResetError:  # not all of the request was read
                assert data
                more = b""
            if not more:
                return data
            data += more


def fetch(web, request=b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"):
    s = web.dial()
    s.sendall(request)
    head, _, body = read_all(s).partition(b"\r\n\r\n")
    return head.decode().split("\r\n"), body.decode()


def test_get(web):
    head, body = fetch(web)
    assert head[0] == "HTTP/1.1 200 OK"
    assert "Content-Type: text/plain; version=0.0.4; charset=utf-8" in head
    assert "Content-Length: %d" % len(body) in head and "Connection: close" in head
    assert samples(body)["gentcp_clients"] >= 0
    head, body = fetch(web, b"HEAD /metrics HTTP/1.0\r\n\r\n")
    assert head[0] == "HTTP/1.0 200 OK" and body == ""
    head, body = fetch(
        web, b"GET /metrics HTTP/1.1\r\naccept: application/openmetrics-text\r\n\r\n")
    assert "# TYPE gentcp_connections counter" in body
    if web.metrics.startswith("/"):
        assert stat.S_IMODE(os.stat(web.metrics).st_mode) == 0o660


@pytest.mark.parametrize("status, request_bytes", [
    (404, b"GET / HTTP/1.1\r\n\r\n"),
    (501, b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n"),
    (413, b"POST /metrics HTTP/1.1\r\nContent-Length: 4\r\n\r\nabcd"),
    (501, b"DELETE /metrics HTTP/1.1\r\n\r\n"),
    (400, b"\r\n\r\n"),
    (400, b'{"jsonrpc":"2.0","id":1,"method":"session.self"}\n\n'),
    (400, b"GET /metrics HTTP/1.1\r\nno field\r\n\r\n"),
    (400, b"GET /metrics HTTP/1.1\r\nA: " + b"a" * 5000 + b"\r\n\r\n"),
    (400, b"GET /metrics HTTP/3.0\r\n\r\n"),
], ids="path method body delete empty json field long version".split())
def test_other_requests_get_a_status(web, status, request_bytes):
    head, _ = fetch(web, request_bytes)
    assert head[0].startswith("HTTP/1.1 %d " % status) and "Connection: close" in head
    assert fetch(web)[0][0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("start", [
    b"", b"GET /metrics HTTP/1.1\r\nA: ",
    b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;",
], ids="zeros field length extension".split())
def test_those_who_send_without_an_end(web, start):
    """More than the kernel takes for them: they are ended early, and nothing is kept."""
    before = web.cpu()
    s = web.dial()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        s.sendall(start + b"0" * (32 << 20))
    s.close()
    assert fetch(web)[0][0] == "HTTP/1.1 200 OK"
    assert web.cpu() - before < 0.5


def test_several_requests_at_once_get_one_answer(web):
    head, body = fetch(web, b"GET /metrics HTTP/1.1\r\nConnection: keep-alive\r\n\r\n" * 20)
    assert head[0] == "HTTP/1.1 200 OK" and "Connection: close" in head
    assert body.count("# EOF\n") == 1


def test_one_that_resets_its_connection(web):
    for part in (b"", b"GET /met", b"GET /metrics HTTP/1.1\r\n\r\n"):
        for _ in range(20):
            s = web.dial()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.sendall(part)
            s.close()
    assert fetch(web)[0][0] == "HTTP/1.1 200 OK"


def test_those_who_trickle_are_few_and_have_a_deadline(web):
    """Fifty connections that never come to an end: eight are let in, five seconds each."""
    client = g.Client(web.path)
    slow = [web.dial() for _ in range(8)]
    for s in slow:
        s.sendall(b"GET /met")
    g.until(lambda: web.fds() >= web.baseline + 9, "eight connections")
    more = []
    for _ in range(42):
        s = socket.socket(slow[0].family)
        s.setblocking(False)
        if web.metrics.startswith("/"):
            address = web.metrics
        else:
            address = ("127.0.0.1", int(web.metrics.split(":")[1]))
        try:
            s.connect(address)
        except BlockingIOError:
            pass
        more.append(s)
    before = web.cpu()
    began = time.monotonic()
    client.call("session.self")
    assert web.fds() <= web.baseline + 9
    # Whoever trickles on is not kept for it.
    while time.monotonic() < began + 3:
        slow[0].sendall(b"r")
        assert slow[1:2] and web.fds() <= web.baseline + 9
        time.sleep(0.2)
    slow[0].settimeout(g.DEADLINE)
    try:
        assert slow[0].recv(100) == b""
    except ConnectionResetError:
        pass
    assert 4 < time.monotonic() - began < 15
    for s in slow + more:
        s.close()
    assert web.cpu() - before < 0.5
    assert fetch(web)[0][0] == "HTTP/1.1 200 OK"
    client.close()


def test_one_that_does_not_read_its_answer(web):
    for _ in range(3):
        s = web.dial()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        s.close()
    s = web.dial()
    s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
    s.shutdown(socket.SHUT_WR)
    assert read_all(s).endswith(b"# EOF\n")
    assert fetch(web)[0][0] == "HTTP/1.1 200 OK"


@pytest.mark.parametrize("value", ["0.0.0.0:9464", "metrics", "localhost:1", ""])
def test_nowhere_else(value):
    d = g.Daemon(start=False)
    try:
        with open(os.path.join(d.folder, "config"), "w") as f:
            f.write('{"metrics_listen":"%s"}' % value)
        d.args = ["-c", f.name]
        d.start(ready=False)
        assert d.process.wait(30) == 1
        assert "metrics_listen must be an absolute path" in d.output()
    finally:
        d.kill()
        d.remove()
