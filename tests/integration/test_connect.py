# SPDX-License-Identifier: ISC
"""gen_tcp:connect and fdopen: addresses, names, local sockets, timeouts, bind."""

import os
import socket
import tempfile

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe


@pytest.fixture(scope="session")
def ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no IPv6")


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="gentcp-") as path:
        yield path


def connect(c, address, port, options=None, timeout=None):
    params = {"address": address, "options": g.passive(options)}
    if port is not None:
        params["port"] = port
    if timeout is not None:
        params["timeout"] = timeout
    return c.reply(c.request("gen_tcp.connect", params))


def full_listener(room):
    """A port whose queue is full: a connection to it is not answered."""
    listener = room.tcp_listener(backlog=0)
    address = listener.getsockname()
    fillers = []
    for _ in range(4):
        s = room.own(socket.socket())
        s.setblocking(False)
        s.connect_ex(address)
        fillers.append(s)
    # One that is not answered within 100 ms shows that it is full.
    probe = room.own(socket.socket())
    probe.settimeout(0.1)
    with pytest.raises(TimeoutError):
        probe.connect(address)
    return address[1]


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "127.1", "0.0.0.0"])
def test_forms_of_an_ipv4_address(room, client, address):
    listener = room.tcp_listener()
    s = connect(client, address, listener.getsockname()[1]).result()["socket"]
    room.own(listener.accept()[0])
    assert client.call("inet.peername", {"socket": s})["family"] == "inet"
    assert client.states(s) == ["connected", "open"]


def test_names_of_the_socket(room, client):
    s, peer = room.pair(client)
    mine, theirs = peer.sock.getsockname(), peer.sock.getpeername()
    assert client.call("inet.peername", {"socket": s}) == {
        "family": "inet", "addr": "127.0.0.1", "port": mine[1],
    }
    assert client.call("inet.sockname", {"socket": s}) == {
        "family": "inet", "addr": "127.0.0.1", "port": theirs[1],
    }
    assert client.call("inet.port", {"socket": s}) == theirs[1]


def test_a_sockaddr_as_address(room, client):
    port = room.tcp_listener().getsockname()[1]
    address = {"family": "inet", "addr": "127.0.0.1", "port": port}
    s = connect(client, address, None).result()["socket"]
    assert client.call("inet.peername", {"socket": s})["port"] == port
    r = client.call("gen_tcp.connect", [address, None, {"active": False}])
    assert r["socket"] > s


def test_a_refused_connection(room, client):
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    listener.close()
    check_reason(connect(client, "127.0.0.1", port).error(), "econnrefused")
    check_reason(connect(client, "localhost", port).error(), "econnrefused")


@pytest.mark.parametrize("port", [-1, 65536, 1.0, True, [], "no such service", "80"])
def test_a_bad_port(room, client, port):
    error = connect(client, "127.0.0.1", port).error()
    assert error.code in (g.INVALID_PARAMS, g.CODES["badarg"]), error.message


@pytest.mark.parametrize("address", ["", "no such name", "a\nb", 1, True, [], [127, 0, 0, 1], {},
                                     {"family": "inet"}, {"family": "ipx", "addr": "x"},
                                     {"family": "inet", "addr": "300.1.1.1", "port": 1},
                                     {"local": 5}])
def test_a_bad_address(room, client, address):
    error = connect(client, address, 1).error()
    assert error.code in (g.INVALID_PARAMS, g.CODES["badarg"]), error.message


def test_an_ipv6_text_needs_inet6(room, client):
    check_reason(connect(client, "::1", 1).error(), "nxdomain")


@probe(9)
def test_ipv6(room, client, ipv6):
    listener = room.tcp_listener(host="::1", family=socket.AF_INET6)
    port = listener.getsockname()[1]
    s = connect(client, "::1", port, ["inet6"]).result()["socket"]
    name = client.call("inet.peername", {"socket": s})
    assert (name["family"], name["addr"], name["port"]) == ("inet6", "::1", port)
    room.own(listener.accept()[0])
    address = {"family": "inet6", "addr": "::1", "port": port}
    s = connect(client, address, None).result()["socket"]
    assert client.call("inet.sockname", {"socket": s})["family"] == "inet6"


def test_ipv6_listen(room, client, ipv6):
    r = client.call("gen_tcp.listen", {"port": 0, "options": {"ip": "::1", "active": False}})
    peer = room.own(socket.create_connection(("::1", r["port"]), g.DEADLINE))
    s = client.accept(r["socket"])
    assert client.send(s, b"six") == "ok"
    assert peer.recv(3) == b"six"


def test_the_first_family_wins(room, client):
    port = room.tcp_listener().getsockname()[1]
    assert "result" in connect(client, "127.0.0.1", port, ["inet", "inet6"]).json
    error = connect(client, "127.0.0.1", port, ["inet6", "inet"]).error()
    assert error.message in ("nxdomain", "eafnosupport")


def test_a_service_by_name(room, client):
    """The port of a service that nobody serves here is refused, not unknown."""
    try:
        socket.getservbyname("tcpmux", "tcp")
    except OSError:
        pytest.skip("this machine has no list of services")
    error = connect(client, "127.0.0.1", "tcpmux").error()
    check_reason(error, "econnrefused")


# --- timeouts ----------------------------------------------------------------


def test_a_timeout(room, client):
    port = full_listener(room)
    check_reason(connect(client, "127.0.0.1", port, timeout=100).error(), "timeout")


def test_timeout_0_answers_at_once(room, client):
    port = room.tcp_listener().getsockname()[1]
    for _ in range(10):
        r = connect(client, "127.0.0.1", port, timeout=0)
        if "error" in r.json:
            check_reason(r.error(), "timeout")


@pytest.mark.parametrize("timeout", [-1, 1.5, "1", "never", True])
def test_a_bad_timeout(room, client, timeout):
    error = connect(client, "127.0.0.1", 1, timeout=timeout).error()
    assert error.code == g.INVALID_PARAMS and "timeout" in error.message


def test_a_timeout_of_more_than_32_bits_does_not_wrap(room, client):
    port = full_listener(room)
    i = client.request("gen_tcp.connect", {
        "address": "127.0.0.1", "port": port, "timeout": 2**32})
    assert client.waiting(i)
    assert client.call("session.cancel", {"id": i}) is True
    check_reason(client.reply(i).error(), "cancelled")


def test_a_client_that_vanishes_while_connecting_leaves_nothing(room, client):
    port = full_listener(room)
    other = room.client()
    for _ in range(20):
        other.request("gen_tcp.connect", {"address": "127.0.0.1", "port": port})
    other.close()


def test_many_connections_at_once(room, client):
    listener = room.tcp_listener(backlog=1024)
    port = listener.getsockname()[1]
    ids = [
        client.request("gen_tcp.connect", {
            "address": "localhost" if n % 10 == 0 else "127.0.0.1",
            "port": port, "options": {"active": False}})
        for n in range(300)
    ]
    sockets = {client.reply(i).result()["socket"] for i in ids}
    assert len(sockets) == 300


# --- bind --------------------------------------------------------------------


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def sockname(c, reply):
    name = c.call("inet.sockname", {"socket": reply.result()["socket"]})
    return name["addr"], name["port"]


def test_bind(room, client):
    port = room.tcp_listener().getsockname()[1]
    r = connect(client, "127.0.0.1", port, {"ip": "127.0.0.5"})
    assert sockname(client, r)[0] == "127.0.0.5"
    mine = free_port()
    r = connect(client, "127.0.0.1", port, {"port": mine})
    assert sockname(client, r) == ("127.0.0.1", mine)
    mine = free_port()
    r = connect(client, "127.0.0.1", port, {"ip": "127.0.0.6", "port": mine})
    assert sockname(client, r) == ("127.0.0.6", mine)
    r = connect(client, "127.0.0.1", port, [["ip", "127.0.0.5"], ["ip", "127.0.0.7"]])
    assert sockname(client, r)[0] == "127.0.0.7"
    r = connect(client, "127.0.0.1", port, {"ip": "loopback"})
    assert sockname(client, r)[0] == "127.0.0.1"
    r = connect(client, "127.0.0.1", port, {"ip": "any"})
    assert sockname(client, r)[0] == "127.0.0.1"


def test_ifaddr_sets_address_and_port_together(room, client):
    port = room.tcp_listener().getsockname()[1]
    mine = free_port()

    def at(p):
        return {"family": "inet", "addr": "127.0.0.5", "port": p}

    r = connect(client, "127.0.0.1", port, [["ifaddr", at(mine)], ["ip", "127.0.0.6"]])
    assert sockname(client, r) == ("127.0.0.6", mine)
    other = free_port()
    r = connect(client, "127.0.0.1", port, [["port", other], ["ifaddr", at(0)]])
    name = sockname(client, r)
    assert name[0] == "127.0.0.5" and name[1] != other
    r = connect(client, "127.0.0.1", port, [["ifaddr", at(0)], ["port", other]])
    assert sockname(client, r) == ("127.0.0.5", other)


def test_bind_failures(room, client):
    port = room.tcp_listener().getsockname()[1]
    check_reason(
        connect(client, "127.0.0.1", port, {"ip": "192.0.2.1"}).error(), "eaddrnotavail"
    )
    check_reason(
        connect(client, "127.0.0.1", port, {"ip": "127.0.0.1", "port": port}).error(),
        "eaddrinuse",
    )
    error = connect(client, "127.0.0.1", port, {"ip": "::1"}).error()
    assert error.message in ("eafnosupport", "badarg", "nxdomain")
    for bad in (-1, 65536, "80", True):
        check_reason(connect(client, "127.0.0.1", port, {"port": bad}).error(), "badarg")
    for bad in ("no.such.address.here", "", 5, [127, 0, 0, 1], {"addr": "127.0.0.1"}):
        check_reason(connect(client, "127.0.0.1", port, {"ip": bad}).error(), "badarg")


# --- local sockets -----------------------------------------------------------


@probe(82)
def test_local_connect(room, client, folder):
    path = os.path.join(folder, "peer")
    listener = room.own(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen(8)
    for options in ([], ["local"]):
        s = connect(client, {"local": path}, 0, options + [["active", False]]).result()["socket"]
        peer = g.Peer(room.own(listener.accept()[0]))
        assert client.call("inet.peername", {"socket": s}) == {"family": "local", "addr": path}
        assert client.call("inet.sockname", {"socket": s}) == {"family": "local", "addr": ""}
        client.setopts(s, {"packet": 2})
        client.send(s, b"abc")
        assert peer.read(5) == b"\0\3abc"
        peer.send(b"\0\2de")
        assert client.recv(s) == b"de"
        assert client.setopts(s, {"nodelay": True}) == "ok"
        assert client.getopts(s, ["nodelay", "packet"]) == {"packet": 2}
        error = client.fails("inet.setopts", {"socket": s, "options": {"tos": 8}})
        check_reason(error, "einval")


@probe(82)
def test_local_listen(room, client, folder):
    path = os.path.join(folder, "mine")
    options = ["local", ["ifaddr", {"local": path}], ["active", False], ["packet", 4]]
    r = client.call("gen_tcp.listen", {"port": 0, "options": options})
    assert "port" not in r
    listener = r["socket"]
    assert client.call("inet.port", {"socket": listener}) == path
    peer = room.own(socket.socket(socket.AF_UNIX))
    peer.connect(path)
    s = client.accept(listener)
    assert client.getopt(s, "packet") == 4
    client.send(s, b"x")
    assert peer.recv(9) == b"\0\0\0\1x"
    error = client.fails("gen_tcp.listen", {"port": 0, "options": options})
    check_reason(error, "eaddrinuse")
    client.close_socket(listener)
    assert os.path.exists(path)
    check_reason(connect(client, {"local": path}, 0).error(), "econnrefused")


def test_an_abstract_local_name(room, client):
    name = b"\0gentcp-test-%d" % os.getpid()
    listener = room.own(socket.socket(socket.AF_UNIX))
    listener.bind(name)
    listener.listen(1)
    address = {"local": g.as_data(name)}
    s = connect(client, address, 0).result()["socket"]
    peer = g.Peer(room.own(listener.accept()[0]))
    client.send(s, b"abstract")
    assert peer.read(8) == b"abstract"
    addr = client.call("inet.peername", {"socket": s})["addr"]
    assert g.payload(addr) == name


def test_local_failures(room, client, folder):
    check_reason(
        connect(client, {"local": os.path.join(folder, "none")}, 0).error(), "enoent"
    )
    plain = os.path.join(folder, "file")
    open(plain, "w").close()
    check_reason(connect(client, {"local": plain}, 0).error(), "econnrefused")
    error = connect(client, {"local": "/" + "x" * 200}, 0).error()
    assert error.message == "badarg" or error.code == g.INVALID_PARAMS
    error = connect(client, {"local": plain}, 5).error()
    assert error.message == "badarg" or error.code == g.INVALID_PARAMS
    error = client.fails("gen_tcp.listen", {"port": 0, "options": ["local"]})
    check_reason(error, "einval")
    error = client.fails("gen_tcp.listen", {
        "port": 0, "options": ["local", ["ifaddr", {"local": "/" + "x" * 200}]]})
    assert error.message in ("einval", "badarg")


def test_the_daemon_does_not_connect_to_itself(room, client):
    before = len(client.call("session.clients"))
    r = connect(client, {"local": room.daemon.path}, 0)
    assert "error" in r.json, "a client of the daemon inside the daemon"
    assert len(client.call("session.clients")) == before


# --- passed descriptors ------------------------------------------------------


def fdopen(c, fds, options=None):
    return c.reply(c.request(
        "gen_tcp.fdopen", {"options": {"fd": "passed", "active": False, **(options or {})}},
        fds=fds))


def test_fdopen_adopts_a_connected_socket(room, client):
    listener = room.tcp_listener()
    mine = socket.create_connection(listener.getsockname())
    peer = g.Peer(room.own(listener.accept()[0]))
    r = fdopen(client, [mine.fileno()], {"packet": 1})
    s = r.result()["socket"]
    mine.close()
    peer.send(b"\2hi")
    assert client.recv(s) == b"hi"
    client.send(s, b"ho")
    assert peer.read(3) == b"\2ho"
    client.close_socket(s)
    assert peer.read_end() == b""


def test_fdopen_of_an_active_socket_replies_before_its_events(room, client):
    listener = room.tcp_listener()
    mine = room.own(socket.create_connection(listener.getsockname()))
    peer = g.Peer(room.own(listener.accept()[0]))
    peer.put(b"early")
    r = fdopen(client, [mine.fileno()], {"active": True})
    e = client.event("tcp", r.result()["socket"])
    assert e.data == b"early" and e.number > r.number


def test_listen_on_a_passed_descriptor(room, client):
    bound = room.own(socket.socket())
    bound.bind(("127.0.0.1", 0))
    port = bound.getsockname()[1]
    r = client.call(
        "gen_tcp.listen", {"port": 0, "options": {"fd": "passed", "active": False}},
        fds=[bound.fileno()],
    )
    assert r["port"] == port
    room.dial(port)
    client.accept(r["socket"])


def test_connect_with_a_passed_descriptor(room, client):
    listener = room.tcp_listener()
    mine = room.own(socket.socket())
    r = client.reply(client.request(
        "gen_tcp.connect",
        {"address": "127.0.0.1", "port": listener.getsockname()[1],
         "options": {"fd": "passed", "active": False, "linger": [True, 5]}},
        fds=[mine.fileno()],
    ))
    s = r.result()["socket"]
    peer = g.Peer(room.own(listener.accept()[0]))
    assert client.getopt(s, "linger") == [True, 5]
    client.send(s, b"passed")
    assert peer.read(6) == b"passed"
    mine = room.own(socket.create_connection(listener.getsockname()))
    r = client.reply(client.request(
        "gen_tcp.connect",
        {"address": "127.0.0.1", "port": listener.getsockname()[1],
         "options": {"fd": "passed"}},
        fds=[mine.fileno()],
    ))
    check_reason(r.error(), "eisconn")


def test_descriptors_that_are_no_tcp_socket(room, client):
    r, w = os.pipe()
    udp = room.own(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    null = os.open("/dev/null", os.O_RDWR)
    fresh = room.own(socket.socket())
    try:
        for fd in (r, w, udp.fileno(), pair[0].fileno(), null):
            assert "error" in fdopen(client, [fd]).json
            for method, params in (
                ("gen_tcp.listen", {"port": 0}),
                ("gen_tcp.connect", {"address": "127.0.0.1", "port": 1}),
            ):
                params = dict(params, options={"fd": "passed"})
                assert "error" in client.reply(client.request(method, params, fds=[fd])).json
        assert "error" in fdopen(client, [fresh.fileno()]).json  # not connected
    finally:
        for fd in (r, w, null):
            os.close(fd)
        for s in pair:
            s.close()


def test_fd_passed_without_a_descriptor(room, client):
    error = client.fails("gen_tcp.fdopen", {"options": {"fd": "passed"}})
    assert error.message in ("ebadf", "badarg")
    error = client.fails("gen_tcp.listen", {"port": 0, "options": {"fd": "passed"}})
    assert error.message in ("ebadf", "badarg")
    for bad in (3, -1, "3", True, None):
        error = client.fails("gen_tcp.listen", {"port": 0, "options": {"fd": bad}})
        check_reason(error, "badarg")


@probe(8)
@pytest.mark.parametrize("name", ["no-such-host.invalid", "any", "loopback"])
def test_names_that_nobody_has(room, client, name):
    """any and loopback are words for binding; as a destination they are names."""
    error = connect(client, name, 1, timeout=5000).error()
    # A machine whose name server does not answer gives no better answer in time.
    assert error.message in ("nxdomain", "timeout"), error.message
