# SPDX-License-Identifier: ISC
"""The configuration file: its keys are in force, and what is wrong is said."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import tempfile

import pytest

import gentcp_test as g
from gentcp_test import MB, check_reason

MAN = pathlib.Path(__file__).resolve().parents[2] / "man"


@pytest.fixture
def tmp_path():
    """pytest's own keeps what it made; this one leaves nothing."""
    with tempfile.TemporaryDirectory(prefix="gentcp-") as path:
        yield pathlib.Path(path)


def run(*args):
    """gentcpd to its end: (status, what it said)."""
    done = subprocess.run(
        [g.gentcpd(), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=3 * g.DEADLINE)
    return done.returncode, done.stdout.decode("utf-8", "replace")


@contextlib.contextmanager
def configured(tmp_path, **settings):
    """A room with a daemon of those settings; it must be clean at the end."""
    path = tmp_path / "gentcpd.conf"
    path.write_text(json.dumps(settings))
    d = g.Daemon(args=["-c", str(path)])
    with g.room_of(d) as room:
        yield room


def test_the_arguments(tmp_path):
    status, said = run("-V")
    assert status == 0 and re.fullmatch(r"gentcpd \d+\.\d+\.\d+\S*\n", said)
    status, said = run("-h")
    assert status == 0 and "--config" in said
    status, said = run("--help-config")
    assert status == 0 and "queue_high" in said and "client_bytes" in said
    for args in (["-Z"], ["more"], ["-s"], ["-c"]):
        status, said = run(*args)
        assert status == 2 and said, args


@pytest.mark.parametrize("text,named", [
    ("{", "1"),
    ("[]", "object"),
    ('{"no_such_key": 1}', "no_such_key"),
    ('{"queue_high": "much"}', "queue_high"),
    ('{"queue_high": -1}', "queue_high"),
    ('{"mode": "rw"}', "mode"),
    ('{"mode": "1777"}', "mode"),
    ('{"client_sockets": "none"}', "client_sockets"),
    ('{"queue_high": 65536, "queue_high": 65536}', "queue_high"),
    ('{"socket": ""}', "socket"),
    ('{"inet_backend": "erlang"}', "inet_backend"),
    ('{"inet_backend": true}', "inet_backend"),
])
def test_a_wrong_file_is_refused_and_the_place_named(tmp_path, text, named):
    path = tmp_path / "gentcpd.conf"
    path.write_text(text)
    status, said = run("-s", str(tmp_path / "s"), "-c", str(path))
    assert status != 0 and status > 0
    assert str(path) in said and named in said
    assert not os.path.exists(str(tmp_path / "s"))


def test_a_file_that_is_not_there(tmp_path):
    status, said = run("-s", str(tmp_path / "s"), "-c", str(tmp_path / "none"))
    assert status > 0 and str(tmp_path / "none") in said


def examples(page):
    """The configurations in a page of the manual."""
    blocks = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", (MAN / page).read_text(), re.M | re.S)
    return [b.replace("\\e", "\\") for b in blocks if b.startswith("{")]


def with_names_of_here(value, key=None):
    """The users and groups of an example need not be there: each is root."""
    if isinstance(value, dict):
        return {k: with_names_of_here(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [with_names_of_here(v, key) for v in value]
    return 0 if key in ("group", "admin_group", "monitor_group", "users", "groups", "give_to") \
        and value != "*" else value


@pytest.mark.parametrize("page,count", [("gentcpd.conf.5", 1), ("gentcpd.8", 1)])
def test_the_examples_of_the_manual(tmp_path, page, count):
    texts = examples(page)
    assert len(texts) == count
    for text in texts:
        path = tmp_path / "gentcpd.conf"
        path.write_text(json.dumps(with_names_of_here(json.loads(text))))
        status, said = run("-t", "-c", str(path))
        assert status == 0, said


def test_what_is_no_plain_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/null"):
        status, said = run("-t", "-c", str(path))
        assert status == 1 and "cannot read %s: it is not a plain file" % path in said


def test_the_mode_of_the_socket(tmp_path):
    with configured(tmp_path, mode="0600") as room:
        assert os.stat(room.daemon.path).st_mode & 0o777 == 0o600


def test_limits_are_told_and_in_force(tmp_path):
    with configured(
        tmp_path, max_message=4096, max_attachment=1000, max_values=100
    ) as room:
        c = room.client(attachments=True)
        assert c.hello["max_message"] == 4096
        assert c.hello["max_attachment"] == 1000
        assert c.hello["max_values"] == 100
        s, peer = room.pair(c)
        c.send(s, b"x" * 1000)
        assert peer.read(1000) == b"x" * 1000
        assert "error" in c.reply(
            c.request("gen_tcp.send", {"socket": s}, attachment=b"x" * 1001)).json
        c.sync()
        plain = room.client()
        plain.raw(b" " * 5000 + b"\n")
        assert "error" in plain.other().json
        plain.raw(b"[" + b"1," * 200 + b"1]\n")
        assert "error" in plain.other().json
        plain.sync()


def test_a_client_has_so_many_sockets(tmp_path):
    with configured(tmp_path, client_sockets=3) as room:
        c, other = room.client(), room.client()
        sockets = [room.pair(c)[0] for _ in range(3)]
        sink = room.tcp_listener().getsockname()[1]
        for method, params in (
            ("gen_tcp.connect", {"address": "127.0.0.1", "port": sink}),
            ("gen_tcp.listen", {"port": 0}),
        ):
            check_reason(c.fails(method, params), "system_limit")
        listener, port = other.listen()
        room.dial(port)
        check_reason(c.fails("gen_tcp.accept", {"socket": listener}), "system_limit")
        # The connection was not lost.
        s = other.accept(listener)
        # Nor may one more be given to it.
        number = c.sync()["client"]
        error = other.fails("gen_tcp.controlling_process", {"socket": s, "client": number})
        check_reason(error, "system_limit")
        c.close_socket(sockets[0])
        assert other.give(s, number) == "ok"


def test_a_uid_has_so_many_clients(tmp_path):
    with configured(tmp_path, uid_clients=3) as room:
        clients = [room.client() for _ in range(3)]
        for c in clients:
            c.sync()
        more = room.client()
        try:
            more.raw(b'{"jsonrpc":"2.0","id":1,"method":"session.self"}\n')
            more.closes()
        except g.Ended:
            pass
        clients[0].sync()
        clients[1].close()

        def free():
            c = g.Client(room.daemon.path)
            try:
                c.sync()
                return True
            except (g.Ended, OSError):
                return False
            finally:
                c.close()

        g.until(free, "room for another client")


def test_a_client_has_so_many_waiting_requests(tmp_path):
    with configured(tmp_path, client_calls=2) as room:
        c = room.client()
        listener, port = c.listen()
        waiting = [c.request("gen_tcp.accept", {"socket": listener}) for _ in range(2)]
        check_reason(c.fails("gen_tcp.accept", {"socket": listener}), "system_limit")
        other = room.client()
        theirs = other.request("gen_tcp.accept", {"socket": listener})
        assert other.waiting(theirs)
        # What need not wait is carried out.
        s, peer = room.pair(other)
        assert c.send(s, b"x") == "ok"
        assert c.close_socket(listener) == "ok"
        for i in waiting:
            check_reason(c.reply(i).error(), "closed")


def test_a_client_has_so_many_bytes(tmp_path):
    with configured(tmp_path, client_bytes=2 * MB) as room:
        c = room.client(attachments=True)
        s, peer = room.pair(c, {"high_watermark": 100 * MB}, small=True)
        taken = 0
        for _ in range(20):
            r = c.reply(c.request("gen_tcp.send", {"socket": s}, attachment=b"x" * MB))
            if "error" in r.json:
                check_reason(r.error(), "system_limit")
                break
            taken += MB
        else:
            raise AssertionError("20 MB were taken")
        assert c.getstat(s, ["send_oct"])["send_oct"] == taken
        assert peer.read(taken) == b"x" * taken
        assert c.send(s, b"|") == "ok"
        assert peer.read(1) == b"|"


def test_a_partial_packet_that_may_not_grow_is_enomem(tmp_path):
    with configured(tmp_path, client_bytes=2 * MB) as room:
        c = room.client()
        s, peer = room.pair(c, {"packet": 4, "active": True})
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            peer.send(b"\0\x50\0\0" + b"x" * 5 * MB)
        assert c.event("tcp_error", s).params["reason"] == "enomem"
        c.event("tcp_closed", s)


def test_max_packet(tmp_path):
    with configured(tmp_path, max_packet=1000) as room:
        c = room.client()
        s, peer = room.pair(c, {"packet": 2})
        peer.send(b"\x03\xe8" + b"x" * 1000 + b"\x03\xe9")
        assert c.recv(s) == b"x" * 1000
        check_reason(c.recv_fails(s), "emsgsize")


def test_close_timeout_resets_who_never_reads(tmp_path):
    with configured(tmp_path, close_timeout=300) as room:
        c = room.client(attachments=True)
        s, peer = room.pair(c, {"high_watermark": 100 * MB}, small=True)
        c.send(s, b"x" * 8 * MB)
        c.close()
        room.daemon.wait_baseline()
        assert len(peer.read_reset()) < 8 * MB


def test_queue_high_bounds_what_waits_for_a_client(tmp_path):
    with configured(tmp_path, queue_high=65536) as room:
        c = room.client("attached")
        s, peer = room.pair(c, {"active": True})
        sent = g.blast(peer.sock, g.pattern(MB), limit=200 * MB)
        assert sent < 60 * MB
        assert c.gather(s, sent)[:MB] == g.pattern(MB)[: min(MB, sent)]
