# SPDX-License-Identifier: ISC
"""The lines of gen_tcp's connect and listen: forms of addresses, ports, local and
abstract names, scopes.  What Erlang answered is in the tables."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

import gentcp_netns
import gentcp_test as g
from gentcp_test import check_reason
from test_connect import connect, folder, ipv6  # noqa: F401

OK = "ok"
MALFORMED = g.INVALID_PARAMS  # what raises in Erlang: no such argument


def outcome(reply):
    """OK, an error's reason, or MALFORMED."""
    if "result" in reply.json:
        return OK
    error = reply.error()
    return MALFORMED if error.code == MALFORMED else error.message


def is_outcome(reply, wanted):
    got = outcome(reply)
    assert got == wanted, (got, reply.json)
    if wanted not in (OK, MALFORMED):
        check_reason(reply.error(), wanted)


def listen(c, port=0, options=None):
    params = {"port": port, "options": options if options is not None else {}}
    return c.reply(c.request("gen_tcp.listen", params))


def local(name):
    return {"local": g.as_data(name) if isinstance(name, bytes) else name}


def name_of(c, method, socket):
    return c.call(method, {"socket": socket})


# - a destination -


@pytest.mark.parametrize("address, options, wanted", [
    ("127.0.0.1", [], OK),
    ("127.1", [], OK),
    ("127.0.0.01", [], OK),
    ("2130706433", [], OK),
    ("0.0.0.0", [], OK),
    ("127.0.0.1.", [], ("nxdomain", "timeout")),  # names: who knows what answers
    ("127.0.0.256", [], ("nxdomain", "timeout")),
    ("::1", [], "nxdomain"),
    ("::1", ["inet"], "nxdomain"),
    ("127.0.0.1", ["inet6"], "nxdomain"),
    ("127.0.0.1", ["inet6", "inet"], "nxdomain"),
    ("127.0.0.1", ["inet", "inet6"], OK),
    ("127.0.0.1", ["inet", "local"], OK),
    ("", [], "badarg"),
    (" 127.0.0.1", [], "badarg"),
    ("local host", [], "badarg"),
    ("a\tb", [], "badarg"),
    (None, [], MALFORMED),
    (5, [], MALFORMED),
    ([127, 0, 0, 1], [], MALFORMED),
    ({"family": "inet", "addr": "127.0.0.1"}, [], MALFORMED),  # beside a port
    ({"family": "inet", "addr": "127.0.0.1", "port": 70000}, [], "badarg"),
    ({"family": "inet", "addr": "127.0.0.1", "prot": 7}, [], "badarg"),
    ({"family": "inet", "addr": "::1"}, [], "badarg"),
    ({"family": "inet", "addr": "127.0.0.1", "scope_id": 1}, [], "badarg"),
    ({"family": "unix", "addr": "/x"}, [], "badarg"),
])
def test_forms_of_a_destination(room, client, address, options, wanted):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    options = [*options, ["active", False]]
    params = {"address": address, "port": port, "options": options, "timeout": 5000}
    reply = client.reply(client.request("gen_tcp.connect", params))
    if isinstance(wanted, tuple):
        assert outcome(reply) in wanted, reply.json
    else:
        is_outcome(reply, wanted)
    if wanted == OK:
        name = name_of(client, "inet.peername", reply.result()["socket"])
        assert name == {"family": "inet", "addr": "127.0.0.1", "port": port}


@pytest.mark.parametrize("address, options, wanted", [
    ({"family": "inet", "addr": "127.0.0.1"}, [], "econnrefused"),  # port 0
    ({"family": "inet", "addr": "127.0.0.1", "port": 1}, ["inet6"], "eafnosupport"),
    ({"family": "inet6", "addr": "::1", "port": 1}, ["inet"], "eafnosupport"),
    ({"family": "local", "addr": "/nobody/there"}, [], "enoent"),
    ({"family": "local", "addr": "/nobody/there"}, ["inet"], "badarg"),
    ({"local": "/nobody/there"}, ["inet6"], "badarg"),
    ({"local": "/nobody/there"}, [["ip", "127.0.0.1"]], "badarg"),
    ({"local": "/nobody/there"}, [["port", 5]], "badarg"),
    ({"local": ""}, [], "badarg"),
])
def test_forms_without_a_port(client, address, options, wanted):
    is_outcome(connect(client, address, None, [*options, ["active", False]]), wanted)


def test_a_sockaddr_and_its_options(room, client):
    port = room.tcp_listener().getsockname()[1]
    address = {"family": "inet", "addr": "127.0.0.1", "port": port}
    for params in ([address, port], [address, 0]):
        error = client.fails("gen_tcp.connect", params)
        assert error.code == MALFORMED and "port" in error.message
    s = client.call("gen_tcp.connect", [address, None, {"ip": "127.0.0.9", "active": False}])
    assert name_of(client, "inet.sockname", s["socket"])["addr"] == "127.0.0.9"
    # another family's own address
    for bad in ("::1", {"family": "inet6", "addr": "::1"}):
        reply = connect(client, address, None, {"ip" if bad == "::1" else "ifaddr": bad})
        is_outcome(reply, "eafnosupport")
    is_outcome(connect(client, "127.0.0.1", port, {"ip": "::1"}), "nxdomain")


@pytest.mark.parametrize("port, wanted", [
    (0, "econnrefused"), (-1, MALFORMED), (65536, MALFORMED), (1.0, MALFORMED),
    (True, MALFORMED), ("", MALFORMED), ("no-such-service", "badarg"), ("80", "badarg"),
])
def test_ports(client, port, wanted):
    is_outcome(connect(client, "127.0.0.1", port), wanted)
    if wanted != "econnrefused":
        is_outcome(listen(client, port, {"ip": "127.0.0.1"}), wanted)


@pytest.mark.parametrize("option, at_connect, at_listen", [
    ({"ttl": 0}, "badarg", "einval"),
    ({"tclass": 3}, "badarg", "einval"),
    ({"bind_to_device": "nope"}, "badarg", "einval"),
    ({"no_such_option": 1}, "badarg", "badarg"),
    ({"packet": 3}, "badarg", "badarg"),
    ({"ip": "::1"}, "nxdomain", OK),  # it chooses the family where nothing else does
    ([["ip", "::1"], "inet"], "eafnosupport", "badarg"),
])
def test_einval_is_badarg_at_connect_alone(room, client, ipv6, option, at_connect, at_listen):
    port = room.tcp_listener().getsockname()[1]
    reply = connect(client, "127.0.0.1", port, option)
    is_outcome(reply, at_connect)
    name = next(iter(option)) if isinstance(option, dict) else "ip"
    if at_connect == "badarg":
        assert reply.error().data["option"] == name
    is_outcome(listen(client, 0, option), at_listen)


# - several addresses -


@contextlib.contextmanager
def daemon_with_hosts(text):
    """A room whose daemon has a hosts file of its own (a mount namespace)."""
    if not g.is_root() or shutil.which("unshare") is None:
        pytest.skip("only root can give a daemon a hosts file of its own")
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.write(text)
        hosts.flush()
        os.chmod(hosts.name, 0o644)
        daemon = g.Daemon(start=False)
        command = daemon.command()
        script = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'
        daemon.command = lambda: [
            "unshare", "-m", "sh", "-c", script, "sh", hosts.name, *command]
        tried = subprocess.run(
            ["unshare", "-m", "mount", "--bind", hosts.name, "/etc/hosts"],
            stderr=subprocess.DEVNULL)
        if tried.returncode != 0:
            daemon.remove()
            pytest.skip("this machine gives no mount namespaces")
        room = g.Room(daemon)
        try:
            daemon.start()
            yield room
            room.end()
            daemon.stop()
        finally:
            room.end()
            daemon.kill()
            daemon.remove()


def test_several_addresses():
    """In the resolver's order, each with a socket and all options of its own, until one
    answers; else the last error is the answer."""
    hosts = "".join(
        "127.0.0.%d %s\n" % (n, name)
        for name, numbers in (("many.test", (21, 22, 23)), ("full.test", (31, 32)))
        for n in numbers)
    with daemon_with_hosts("127.0.0.1 localhost\n" + hosts) as room:
        client = room.client()
        last = room.tcp_listener(host="127.0.0.23")
        port = last.getsockname()[1]
        s = connect(client, "many.test", port, {"packet": 2, "nodelay": True}).result()["socket"]
        assert name_of(client, "inet.peername", s)["addr"] == "127.0.0.23"
        assert client.getopts(s, ["packet", "nodelay"]) == {"packet": 2, "nodelay": True}
        first = room.own(socket.socket())
        first.bind(("127.0.0.21", port))
        first.listen()
        s = connect(client, "many.test", port).result()["socket"]
        assert name_of(client, "inet.peername", s)["addr"] == "127.0.0.21"
        for listener in (first, last):
            listener.close()
        is_outcome(connect(client, "many.test", port), "econnrefused")
        is_outcome(connect(client, "many.test", port, {"ttl": 0}), "badarg")
        # the time is for all: the second would answer
        port = full_listener_on(room, "127.0.0.31")
        answers = room.own(socket.socket())
        answers.bind(("127.0.0.32", port))
        answers.listen()
        begin = time.monotonic()
        is_outcome(connect(client, "full.test", port, timeout=300), "timeout")
        assert time.monotonic() - begin < g.DEADLINE / 2


def full_listener_on(room, host):
    """A port of host whose queue is full."""
    listener = room.tcp_listener(backlog=0, host=host)
    for _ in range(4):
        s = room.own(socket.socket())
        s.setblocking(False)
        s.connect_ex(listener.getsockname())
    late = room.own(socket.socket())
    late.settimeout(0.1)
    with pytest.raises(TimeoutError):
        late.connect(listener.getsockname())
    return listener.getsockname()[1]


# - inet6 -


def test_flowinfo_and_a_sockaddr_of_inet6(room, client, ipv6):
    listener = room.tcp_listener(host="::1", family=socket.AF_INET6)
    port = listener.getsockname()[1]
    address = {"family": "inet6", "addr": "::1", "port": port, "scope_id": 0, "flowinfo": 5}
    s = connect(client, address, None).result()["socket"]
    assert name_of(client, "inet.peername", s) == {**address, "flowinfo": 0}
    for name, value in (("flowinfo", -1), ("flowinfo", 2**32), ("scope_id", "lo")):
        reply = connect(client, {**address, name: value}, None)
        is_outcome(reply, "badarg")
    reply = connect(client, {"family": "inet6", "addr": "::1"}, None)
    is_outcome(reply, "econnrefused")
    # a text and a sockaddr are the same place
    s = connect(client, "::1", port, ["inet6", ["active", False]]).result()["socket"]
    assert name_of(client, "inet.peername", s)["port"] == port
    # an own address of inet6 chooses the family
    s = connect(client, "::1", port, {"ip": "::1"}).result()["socket"]
    assert name_of(client, "inet.sockname", s)["addr"] == "::1"


@pytest.fixture
def namespace():
    if not g.is_root() or shutil.which("ip") is None:
        pytest.skip("only root, with ip(8), can make network namespaces")
    try:
        there = gentcp_netns.Namespace()
    except OSError as why:
        pytest.skip("this machine makes no network namespaces: %s" % why)
    with contextlib.closing(there):
        yield there


def test_scopes_of_link_local_addresses(room, client, namespace):
    """Two interfaces with an address of the same link each: the scope says which."""
    name = namespace.name
    try:
        gentcp_netns.ip("-n", name, "link", "add", "left", "type", "veth", "peer", "right")
    except OSError as why:
        pytest.skip("this machine makes no interfaces: %s" % why)
    for link, address in (("left", "fe80::1"), ("right", "fe80::2")):
        with open("/dev/null") as nothing:
            subprocess.run(
                ["ip", "netns", "exec", name, "sysctl", "-qw",
                 "net.ipv6.conf.%s.disable_ipv6=0" % link], stdin=nothing)
        gentcp_netns.ip("-n", name, "link", "set", link, "up")
        gentcp_netns.ip("-n", name, "addr", "add", address + "/64", "dev", link, "nodad")
    index = {
        link: int(gentcp_netns.ip("-n", name, "-o", "link", "show", link).split(":")[0])
        for link in ("left", "right")
    }
    place = {"netns": namespace.path, "active": False}

    def sockaddr(address, port, link):
        return {"family": "inet6", "addr": address, "port": port, "scope_id": index[link],
                "flowinfo": 0}

    r = listen(client, 0, {**place, "ifaddr": sockaddr("fe80::2", 0, "right")}).result()
    listener, port = r["socket"], r["port"]
    assert name_of(client, "inet.sockname", listener) == sockaddr("fe80::2", port, "right")

    def goes(address, link):
        reply = connect(client, {**sockaddr(address, port, link)}, None, place, timeout=3000)
        s = reply.result()["socket"]
        accepted = client.accept(listener, 3000)
        assert name_of(client, "inet.peername", s) == sockaddr(address, port, link)
        assert name_of(client, "inet.sockname", accepted)["scope_id"] == index["right"]
        theirs = name_of(client, "inet.peername", accepted)
        assert theirs["port"] == name_of(client, "inet.port", s)
        client.send(s, b"through")
        assert client.recv(accepted) == b"through"

    goes("fe80::2", "left")  # over the link
    # without a scope the kernel does not know where, as in gen_tcp
    address = {"family": "inet6", "addr": "fe80::2", "port": port}
    is_outcome(connect(client, address, None, place), "badarg")
    is_outcome(listen(client, 0, {**place, "ip": "fe80::2"}), "einval")
    # and a text may have one
    text = "fe80::2%%%d" % index["left"]
    s = connect(client, text, port, ["inet6", *place.items()], timeout=3000).result()["socket"]
    assert name_of(client, "inet.peername", s) == sockaddr("fe80::2", port, "left")


# - local and abstract names -


@pytest.mark.parametrize("name", [
    b"\0", b"\0" + b"a" * 106, b"\0" + b"b" * 107, b"\0\0a\0b", b"\0\xff\xfe", 107, 60,
], ids=lambda name: len(name) if isinstance(name, bytes) else "path of %d" % name)
def test_names_of_local_sockets(room, client, folder, name):
    """A path has up to 107 bytes, an abstract name up to 108, which may be any."""
    if isinstance(name, int):
        name = path_of(folder, name)
    shown = g.as_data(name)
    options = [["ifaddr", local(name)], ["active", False]]
    reply = listen(client, 0, options)
    assert set(reply.result()) == {"socket"}
    listener = reply.result()["socket"]
    is_outcome(listen(client, 0, options), "eaddrinuse")
    s = connect(client, local(name), 0).result()["socket"]
    assert text_of(client, "inet.sockname", s) == b""
    assert name_of(client, "inet.sockname", s) == {"family": "local", "addr": ""}
    assert name_of(client, "inet.port", s) == ""
    accepted = client.accept(listener)
    wanted = name.encode() if isinstance(name, str) else name
    for method, socket in (
        ("inet.sockname", listener), ("inet.peername", s), ("inet.sockname", accepted)):
        assert name_of(client, method, socket)["family"] == "local"
        assert text_of(client, method, socket) == wanted
    assert g.payload(name_of(client, "inet.port", accepted)) == wanted
    assert g.payload(name_of(client, "inet.port", listener)) == wanted
    assert name_of(client, "inet.peername", accepted) == {"family": "local", "addr": ""}
    client.send(s, b"hello")
    assert client.recv(accepted) == b"hello"
    client.close_socket(listener)
    is_outcome(connect(client, {"local": shown}, 0), "econnrefused")
    if isinstance(name, str):  # the file stays, and is in the way
        assert os.path.exists(name)
        is_outcome(listen(client, 0, options), "eaddrinuse")
    else:
        client.close_socket(listen(client, 0, options).result()["socket"])


@pytest.mark.parametrize("name", [b"\0" + b"a" * 108, b"\0" * 300, 108, 255, 256, 5000])
def test_names_that_are_too_long(client, folder, name):
    if isinstance(name, int):
        name = path_of(folder, name)
    is_outcome(listen(client, 0, [["ifaddr", local(name)]]), "einval")
    is_outcome(connect(client, local(name), 0), "badarg")


def test_a_path_with_nul_inside(client):
    is_outcome(listen(client, 0, [["ifaddr", {"local": "/a\0b"}]]), "badarg")
    is_outcome(connect(client, {"local": "/a\0b"}, 0), "badarg")


def path_of(folder, length):
    start = os.path.join(folder, "")
    return start + "x" * (length - len(start))


def text_of(c, method, socket):
    return g.payload(name_of(c, method, socket)["addr"])


@pytest.mark.parametrize("port, options, wanted", [
    (0, ["local"], "einval"),
    (5, [["ifaddr", {"local": "/nobody/there"}]], "badarg"),
    (0, [["ifaddr", {"local": "/nobody/there"}]], "enoent"),
    (0, [["ifaddr", {"local": "/nobody/there"}], "inet"], "badarg"),
    (0, [["ifaddr", {"local": "/nobody/there"}], ["port", 5]], "badarg"),
    (0, ["local", ["ip", "127.0.0.1"]], "badarg"),
    (0, [["ip", "127.0.0.1"], "inet6"], "badarg"),
])
def test_listen_on_what_does_not_go_together(client, port, options, wanted):
    is_outcome(listen(client, port, options), wanted)


def test_a_local_client_with_a_name_of_its_own(room, client, folder):
    server, mine = os.path.join(folder, "server"), os.path.join(folder, "mine")
    listener = listen(client, 0, [["ifaddr", local(server)], ["active", False]]).result()["socket"]
    s = connect(client, local(server), 0, [["ifaddr", local(mine)], ["active", False]])
    s = s.result()["socket"]
    assert name_of(client, "inet.sockname", s) == {"family": "local", "addr": mine}
    assert name_of(client, "inet.port", s) == mine
    accepted = client.accept(listener)
    assert name_of(client, "inet.peername", accepted) == {"family": "local", "addr": mine}


def test_a_local_listener_with_a_chosen_name(room, client):
    """Bound to "" the kernel gives it an abstract name."""
    listener = listen(client, 0, [["ifaddr", local("")], ["active", False]]).result()["socket"]
    name = text_of(client, "inet.sockname", listener)
    assert name[:1] == b"\0" and len(name) == 6
    connect(client, local(name), 0).result()
    client.accept(listener)


def test_no_socket_behind_a_path(client, folder):
    plain = os.path.join(folder, "plain")
    open(plain, "w").close()
    is_outcome(connect(client, local(plain), 0), "econnrefused")
    is_outcome(listen(client, 0, [["ifaddr", local(plain)]]), "eaddrinuse")
    is_outcome(connect(client, local(folder), 0), "econnrefused")
    is_outcome(connect(client, local(os.path.join(plain, "x")), 0), "enotdir")
    dgram = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with dgram:
        dgram.bind(os.path.join(folder, "dgram"))
        is_outcome(connect(client, local(os.path.join(folder, "dgram")), 0), "eprototype")


# - listeners -


def test_names_of_a_listener(room, client):
    r = listen(client, 0, {"ip": "127.0.0.1"}).result()
    s, port = r["socket"], r["port"]
    assert name_of(client, "inet.sockname", s) == {
        "family": "inet", "addr": "127.0.0.1", "port": port}
    assert name_of(client, "inet.port", s) == port
    for method, params in (
        ("inet.peername", {}), ("gen_tcp.send", {"data": "x"}), ("gen_tcp.recv", {"length": 0}),
        ("gen_tcp.unrecv", {"data": "x"}), ("gen_tcp.shutdown", {"how": "read_write"}),
    ):
        check_reason(client.fails(method, {"socket": s, **params}), "enotconn")
    r = listen(client).result()
    assert name_of(client, "inet.sockname", r["socket"])["addr"] == "0.0.0.0"


def test_where_it_listens(room, client, ipv6):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    sockaddr = {"family": "inet", "addr": "127.0.0.1", "port": free}
    for port, options in (
        (0, {"ip": "127.0.0.1", "port": free}), (1, {"ip": "127.0.0.1", "port": free}),
        (0, {"ifaddr": sockaddr}), (1, {"ifaddr": sockaddr}),
    ):
        r = listen(client, port, options).result()
        assert r["port"] == free
        client.close_socket(r["socket"])
    r = listen(client, 0, {"ip": "loopback"}).result()
    assert name_of(client, "inet.sockname", r["socket"])["addr"] == "127.0.0.1"
    r = listen(client, 0, ["inet6", ["ip", "loopback"]]).result()
    assert name_of(client, "inet.sockname", r["socket"])["addr"] == "::1"
    r = listen(client, 0, ["inet6"]).result()
    assert name_of(client, "inet.sockname", r["socket"])["addr"] == "::"
    r = listen(client, 0, {"ip": "::1"}).result()
    assert name_of(client, "inet.sockname", r["socket"])["family"] == "inet6"
    is_outcome(listen(client, 0, {"ip": "192.0.2.1"}), "eaddrnotavail")
