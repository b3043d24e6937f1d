# SPDX-License-Identifier: ISC
"""inet_default_connect_options and inet_default_listen_options."""

import contextlib
import json
import os
import socket
import subprocess
import tempfile

import pytest

import gentcp_test as g
from gentcp_test import check_reason


@contextlib.contextmanager
def configured(connect=None, listen=None):
    """A room with a daemon of those default options."""
    settings = {
        "inet_default_connect_options": connect, "inet_default_listen_options": listen,
    }
    with tempfile.TemporaryDirectory(prefix="gentcp-") as folder:
        path = os.path.join(folder, "gentcpd.conf")
        with open(path, "w") as f:
            json.dump({k: v for k, v in settings.items() if v is not None}, f)
        d = g.Daemon(args=["-c", path])
        with g.room_of(d) as room:
            yield room


NAMES = ["packet", "mode", "nodelay", "active", "keepidle"]


def test_they_stand_before_the_clients():
    with configured(connect={"packet": 4, "nodelay": True, "keepidle": 77}) as room:
        client = room.client()
        s, _ = room.pair(client)
        assert client.getopts(s, NAMES) == {
            "packet": 4, "mode": "binary", "nodelay": True, "active": False, "keepidle": 77}
        s, _ = room.pair(client, {"packet": 1, "keepidle": 5})
        assert client.getopts(s, ["packet", "nodelay", "keepidle"]) == {
            "packet": 1, "nodelay": True, "keepidle": 5}
        # listen has its own
        listener, port = client.listen()
        assert client.getopts(listener, ["packet", "nodelay"]) == {"packet": 0, "nodelay": False}


def test_of_listen_and_inherited():
    options = ["list", {"packet": 2}, ["nodelay", True], {"raw": [1, 12, [3, 0, 0, 0]]}]
    with configured(listen=options) as room:
        client = room.client()
        listener, port = client.listen({"active": False})
        room.dial(port).put(b"\0\2hi")
        s = client.accept(listener)
        assert client.getopts(s, ["packet", "mode", "nodelay", "priority"]) == {
            "packet": 2, "mode": "list", "nodelay": True, "priority": 3}
        r = client.reply(client.start_recv(s, 0)).result()
        assert r["data"] == [104, 105]
        s, _ = room.pair(client)
        assert client.getopts(s, ["packet", "mode"]) == {"packet": 0, "mode": "binary"}


def test_active_is_ignored():
    with configured(connect=[{"active": False}, {"active": 7}], listen={"active": False}) as room:
        client = room.client()
        listener = room.tcp_listener()
        s = client.call("gen_tcp.connect", {
            "address": "127.0.0.1", "port": listener.getsockname()[1]})["socket"]
        assert client.getopt(s, "active") is True
        s = client.call("gen_tcp.listen", {"port": 0})["socket"]
        assert client.getopt(s, "active") is True


def test_the_clients_family_comes_before_a_default_one():
    with configured(connect=["inet6"], listen={"tcp_module": "inet6_tcp"}) as room:
        client = room.client()
        port = room.tcp_listener().getsockname()[1]
        for options in (["inet"], {"tcp_module": "inet_tcp"}, {"family": "inet"}):
            s = client.call("gen_tcp.connect", {
                "address": "127.0.0.1", "port": port, "options": options})["socket"]
            assert client.call("inet.sockname", {"socket": s})["family"] == "inet"
        error = client.fails("gen_tcp.connect", {"address": "127.0.0.1", "port": port})
        check_reason(error, "nxdomain")  # of an inet6 socket
        listener = client.call("gen_tcp.listen", {"port": 0, "options": ["inet"]})["socket"]
        assert client.call("inet.sockname", {"socket": listener})["family"] == "inet"


def test_the_backend():
    with configured(connect={"inet_backend": "socket"}) as room:
        client = room.client()
        for options, shown in ({}, "socket"), ({"inet_backend": "inet"}, "inet"):
            s, _ = room.pair(client, options)
            assert client.call("inet.info", {"socket": s})["inet_backend"] == shown
        listener, _ = client.listen()
        assert client.call("inet.info", {"socket": listener})["inet_backend"] == "inet"


def test_where_sockets_are_bound():
    with configured(connect={"ip": "127.0.0.9"}, listen={"ip": "loopback"}) as room:
        client = room.client()
        listener = client.call("gen_tcp.listen", {"port": 0, "options": {"active": False}})
        name = client.call("inet.sockname", {"socket": listener["socket"]})
        assert name["addr"] == "127.0.0.1"
        s = client.connect(listener["port"], {"active": False})
        assert client.call("inet.sockname", {"socket": s})["addr"] == "127.0.0.9"
        s = client.connect(listener["port"], {"active": False, "ip": "127.0.0.7"})
        assert client.call("inet.sockname", {"socket": s})["addr"] == "127.0.0.7"


def test_fdopen_has_none():
    with configured(connect={"packet": 4}) as room:
        client = room.client()
        ours, theirs = socket.socketpair()
        s = client.call("gen_tcp.fdopen", {"options": {"fd": "passed"}}, fds=[theirs.fileno()])
        assert client.getopt(s["socket"], "packet") == 0
        client.close_socket(s["socket"])
        ours.close()
        theirs.close()


def test_one_that_the_kernel_refuses_is_named():
    with configured(connect={"ttl": 0}) as room:
        client = room.client()
        error = client.fails("gen_tcp.connect", {"address": "127.0.0.1", "port": 9})
        check_reason(error, "badarg")
        assert error.data["option"] == "ttl"


def as_other_uid(pipe, path, taken):
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
    c = g.Client(path)
    s, port = c.listen()
    seen = [c.getopt(s, "priority"), c.getopt(s, "bind_to_device")]
    for options in ({"priority": 7}, {"bind_to_device": "lo"}):
        r = c.reply(c.request("gen_tcp.listen", {"port": 0, "options": options}))
        seen.append(r.json["error"]["message"])
    r = c.reply(c.request("gen_tcp.listen", {"port": taken}))
    seen.append(r.json["error"]["message"] if "error" in r.json else "ok")
    pipe.send(seen)
    pipe.recv()
    c.close()


@pytest.mark.skipif(not g.is_root(), reason="only root can become somebody else")
def test_they_may_be_what_a_client_may_not_set():
    """But nobody's port is shared by them."""
    with configured(listen={"priority": 7, "bind_to_device": "lo", "reuseport": True}) as room:
        g.open_to_all(room.daemon)
        client = room.client()
        r = client.call("gen_tcp.listen", {"port": 0})
        assert client.getopt(r["socket"], "reuseport") is True
        child = room.own(g.Child(as_other_uid, room.daemon.path, r["port"]))
        assert child.recv() == [7, "lo", "eacces", "eacces", "eaddrinuse"]
        child.send("end")


@pytest.mark.parametrize("options,said", [
    ({"colour": "red"}, 'unknown option "colour"'),
    ({"packet": 3}, 'option "packet" must be one of'),
    ({"fd": "passed"}, 'option "fd" cannot be a default'),
    ({"backlog": 5}, 'option "backlog" cannot be given to connect'),
    ([1], "an element of options must be"),
    ("binary", "options must be an object or an array"),
])
def test_what_is_wrong_is_said_at_the_start(options, said):
    with tempfile.TemporaryDirectory(prefix="gentcp-") as folder:
        path = os.path.join(folder, "gentcpd.conf")
        with open(path, "w") as f:
            json.dump({"inet_default_connect_options": options}, f)
        done = subprocess.run(
            [g.gentcpd(), "-s", os.path.join(folder, "s"), "-c", path], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=3 * g.DEADLINE)
        assert done.returncode == 1
        text = done.stdout.decode()
        assert path in text and "inet_default_connect_options" in text
        assert said in text, text
