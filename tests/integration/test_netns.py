# SPDX-License-Identifier: ISC
"""The option netns, and bind_to_device on a device that nobody else has: in network
namespaces that the tests make and take away again."""

import os

import pytest

import gentcp_test as g
from gentcp_test import check_reason, ip


def namespace_of(room):
    """Which one each thread of the daemon is in."""
    folder = "/proc/%d/task" % room.daemon.pid
    return {os.readlink("%s/%s/ns/net" % (folder, task)) for task in os.listdir(folder)}


def listen(client, namespace, *options):
    r = client.call("gen_tcp.listen", {"port": 0, "options": [
        ["netns", namespace.path], ["ip", "127.0.0.1"], ["active", False]] + list(options)})
    return r["socket"], r["port"]


def test_both_ends_in_it(room, client, namespace):
    before = namespace_of(room)
    listener, port = listen(client, namespace)
    s = client.connect(port, [["netns", namespace.path], ["active", False]])
    a = client.accept(listener)
    for one, other in ((s, a), (a, s)):
        client.send(one, b"inside")
        assert client.recv(other) == b"inside"
    assert client.getopts(s, ["netns", "packet"]) == {"netns": namespace.path, "packet": 0}
    assert client.getopt(listener, "netns") == namespace.path
    assert client.getopts(a, ["netns"]) == {}  # not inherited
    # Here nobody listens, and the daemon itself never went there.
    error = client.fails("gen_tcp.connect", {"address": "127.0.0.1", "port": port})
    check_reason(error, "econnrefused")
    assert namespace_of(room) == before and len(before) == 1
    # A peer of the namespace's own.
    plain = room.own(namespace.socket())
    plain.settimeout(g.DEADLINE)
    plain.connect(("127.0.0.1", port))
    a = client.accept(listener)
    client.send(a, b"hello")
    assert g.Peer(plain).read(5) == b"hello"


def test_the_last_one_counts_in_every_form_of_bytes(room, client, namespace):
    listener, port = listen(client, namespace, ["mode", "binary"])
    s = client.connect(port, [
        ["netns", "/nowhere"], ["netns", [namespace.path[:5], list(namespace.path[5:].encode())]],
        ["active", False]])
    assert client.getopt(s, "netns") == namespace.path
    client.accept(listener)


def test_names_are_looked_up_outside(room, client, namespace):
    listener, port = listen(client, namespace)
    s = client.connect(port, [["netns", namespace.path]], address="localhost")
    assert client.call("inet.peername", {"socket": s})["addr"] == "127.0.0.1"


def test_it_outlives_its_name(room, client, namespace):
    listener, port = listen(client, namespace)
    s = client.connect(port, [["netns", namespace.path], ["active", False]])
    a = client.accept(listener)
    namespace.close()
    client.send(s, b"still here")
    assert client.recv(a) == b"still here"
    error = client.fails("gen_tcp.connect", {
        "address": "127.0.0.1", "port": port, "options": {"netns": namespace.path}})
    check_reason(error, "enoent" if not os.path.exists(namespace.path) else "badarg")
    assert error.data["option"] == "netns"


def test_many_of_them_leave_nothing_behind(room, client, namespace):
    """No thread, no descriptor."""
    listener, port = listen(client, namespace)
    threads = room.daemon.status("Threads")
    for _ in range(50):
        s = client.connect(port, [["netns", namespace.path], ["active", False]])
        client.close_socket(client.accept(listener))
        client.close_socket(s)
    assert room.daemon.status("Threads") <= threads


def test_local_sockets_too(room, client, namespace):
    """Abstract names are of a namespace."""
    name = {"local": {"base64": "AGdlbnRjcC1uZXRucw=="}}  # \0gentcp-netns
    listener = client.call("gen_tcp.listen", {"port": 0, "options": [
        "local", ["ip", name], ["netns", namespace.path], ["active", False]]})["socket"]
    error = client.fails("gen_tcp.connect", {"address": name, "port": 0})
    check_reason(error, "econnrefused")
    s = client.call("gen_tcp.connect", {"address": name, "port": 0, "options": {
        "netns": namespace.path, "active": False}})["socket"]
    client.send(s, b"x")
    assert client.recv(client.accept(listener)) == b"x"


# --- what is no namespace ----------------------------------------------------


def opened(client, path):
    """What connect and listen say of a path."""
    seen = []
    for method, params in (("connect", {"address": "127.0.0.1", "port": 9}), ("listen", {"port": 0})):
        error = client.fails("gen_tcp." + method, dict(params, options={"netns": path}))
        assert error.data["option"] == "netns"
        seen.append(error.message)
    return seen


def test_files_that_are_none(room, client):
    fifo = os.path.join(room.daemon.folder, "fifo")
    os.mkfifo(fifo)
    plain = os.path.join(room.daemon.folder, "plain")
    open(plain, "w").close()
    for path in (plain, fifo, room.daemon.folder, "/dev/null", "/proc/self/ns/mnt", "/proc/self/stat"):
        assert opened(client, path) == ["badarg", "einval"], path
    for path in ("/nowhere", "", room.daemon.folder + "/nowhere"):
        assert opened(client, path) == ["enoent"] * 2, path
    assert opened(client, plain + "/below") == ["enotdir"] * 2
    os.unlink(fifo)
    os.unlink(plain)


@pytest.mark.parametrize("path", [1, True, None, {}, "a" * 256, "/nul\0", [256]])
def test_what_is_no_path(room, client, path):
    for method, params in (("connect", {"address": "127.0.0.1", "port": 9}), ("listen", {"port": 0})):
        error = client.fails("gen_tcp." + method, dict(params, options={"netns": path}))
        check_reason(error, "badarg")
        assert error.data["option"] == "netns"
    s, _ = room.pair(client)
    check_reason(client.fails("inet.setopts", {"socket": s, "options": {"netns": path}}), "einval")
    assert client.getopts(s, ["netns"]) == {}


def test_on_a_socket_that_exists_it_is_only_remembered(room, client):
    s, peer = room.pair(client)
    assert client.getopts(s, ["netns"]) == {}
    client.setopts(s, {"netns": "/nowhere"})
    assert client.getopt(s, "netns") == "/nowhere"
    client.setopts(s, {"netns": {"base64": "/w=="}})
    assert client.getopt(s, "netns") == {"base64": "/w=="}
    client.send(s, b"x")
    assert peer.read(1) == b"x"
    z, _ = room.zombie(client)
    client.setopts(z, {"netns": "/elsewhere"})
    assert client.getopt(z, "netns") == "/elsewhere"


def as_other_uid_s_daemon(pipe, folder):
    """A daemon that may not enter any namespace: its own client asks."""
    os.setgroups([])
    os.setgid(1000)
    os.setuid(1000)
    daemon = g.Daemon(folder=folder)
    client = g.Client(daemon.path)
    pipe.send(opened(client, "/proc/self/ns/net"))
    pipe.recv()
    client.close()
    daemon.stop()


@pytest.mark.skipif(not g.is_root(), reason="only root can become somebody else")
def test_a_daemon_without_the_right_says_eperm(room):
    folder = os.path.join(room.daemon.folder, "other")
    os.chmod(room.daemon.folder, 0o711)
    os.mkdir(folder)
    os.chown(folder, 1000, 1000)
    child = room.own(g.Child(as_other_uid_s_daemon, folder))
    try:
        assert child.recv() == ["eperm"] * 2
        child.send("end")
    finally:
        child.close()
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        os.rmdir(folder)


# --- bind_to_device ----------------------------------------------------------


def test_a_device_of_the_namespace(room, client, namespace):
    ip("-n", namespace.name, "link", "add", "gentcp0", "type", "veth", "peer", "name", "gentcp1")
    for name, address in (("gentcp0", "192.0.2.1/24"), ("gentcp1", "192.0.2.2/24")):
        ip("-n", namespace.name, "addr", "add", address, "dev", name)
        ip("-n", namespace.name, "link", "set", name, "up")
    r = client.call("gen_tcp.listen", {"port": 0, "options": [
        ["netns", namespace.path], ["bind_to_device", "gentcp0"], ["active", False]]})
    assert client.getopt(r["socket"], "bind_to_device") == "gentcp0"
    # What comes over the loopback does not come over the device.
    error = client.fails("gen_tcp.connect", {
        "address": "127.0.0.1", "port": r["port"], "options": {"netns": namespace.path}})
    check_reason(error, "econnrefused")
    # Here there is no such device.
    for method, wanted in (("connect", "badarg"), ("listen", "einval")):
        params = {"port": 0} if method == "listen" else {"address": "127.0.0.1", "port": 9}
        params["options"] = {"bind_to_device": "gentcp0"}
        error = client.fails("gen_tcp." + method, params)
        check_reason(error, wanted)
        assert error.data["option"] == "bind_to_device"
    # Bound to the loopback it reaches the loopback's listener.
    listener, port = listen(client, namespace, ["bind_to_device", "lo"])
    s = client.connect(port, [["netns", namespace.path], ["bind_to_device", "lo"]])
    a = client.accept(listener)
    assert client.getopt(a, "bind_to_device") == client.getopt(s, "bind_to_device") == "lo"
