# SPDX-License-Identifier: ISC
"""gen_tcp:listen and accept: waiting acceptors, inheritance, the listener's end."""

import socket
import struct

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe


def start_accept(c, listener, timeout=None):
    params = {"socket": listener}
    if timeout is not None:
        params["timeout"] = timeout
    return c.request("gen_tcp.accept", params)


def accepted(c, i):
    return c.reply(i).result()["socket"]


def queued(port, n, room):
    """Connects n peers whose connections the kernel has queued."""
    return [room.dial(port) for _ in range(n)]


def test_accept_takes_a_connection_and_owns_it(room):
    c = room.known()
    listener, port = c.listen()
    peer = room.dial(port)
    s = c.accept(listener)
    assert c.call("inet.sockname", {"socket": s}) == {
        "family": "inet", "addr": "127.0.0.1", "port": port,
    }
    assert c.call("inet.peername", {"socket": s})["port"] == peer.port()
    assert c.call("inet.info", {"socket": s})["owner"] == c.id
    assert c.states(s) == ["connected", "open"]


@probe(17)
def test_accept_0_is_a_poll(room, client):
    listener, port = client.listen()
    error = client.fails("gen_tcp.accept", {"socket": listener, "timeout": 0})
    check_reason(error, "timeout")
    peer = room.dial(port)
    s = client.accept(listener, 0)
    assert client.call("inet.peername", {"socket": s})["port"] == peer.port()


@pytest.mark.parametrize("timeout", [-1, 0.5, "soon", False])
def test_accept_refuses_a_bad_timeout(room, client, timeout):
    listener, _ = client.listen()
    error = client.fails("gen_tcp.accept", {"socket": listener, "timeout": timeout})
    assert error.code == g.INVALID_PARAMS and "timeout" in error.message


def test_accept_on_a_connected_socket_is_einval(room, client):
    s, _ = room.pair(client)
    check_reason(client.fails("gen_tcp.accept", {"socket": s, "timeout": 0}), "einval")


def test_waiting_acceptors_are_served_in_order(room):
    clients = [room.client() for _ in range(3)]
    listener, port = clients[0].listen()
    waiting = []
    for _ in range(3):
        for c in clients:
            waiting.append((c, start_accept(c, listener)))
            c.sync()
    assert "accepting" in clients[0].states(listener)
    for c, i in waiting:
        peer = room.dial(port)
        s = accepted(c, i)
        assert c.call("inet.peername", {"socket": s})["port"] == peer.port()
    assert clients[0].states(listener) == ["listen", "open"]


@probe(15)
def test_an_acceptor_that_vanishes_is_passed_over(room):
    clients = [room.client() for _ in range(4)]
    listener, port = clients[0].listen()
    waiting = []
    for c in clients:
        waiting.append(start_accept(c, listener))
        c.sync()
    before = len(clients[0].call("session.clients"))
    clients[1].close()
    g.until(
        lambda: len(clients[0].call("session.clients")) < before, "the end of a client"
    )
    for n in (0, 2, 3):
        peer = room.dial(port)
        s = accepted(clients[n], waiting[n])
        assert clients[n].call("inet.peername", {"socket": s})["port"] == peer.port()


@probe(16)
def test_acceptors_have_their_own_timeouts(room):
    clients = [room.client() for _ in range(3)]
    listener, port = clients[0].listen()
    first = start_accept(clients[0], listener, 60000)
    clients[0].sync()
    second = start_accept(clients[1], listener, 50)
    clients[1].sync()
    third = start_accept(clients[2], listener)
    clients[2].sync()
    check_reason(clients[1].reply(second).error(), "timeout")
    room.dial(port)
    accepted(clients[0], first)
    assert clients[2].waiting(third)
    clients[0].close_socket(listener)
    check_reason(clients[2].reply(third).error(), "closed")


def test_an_accept_is_cancelled(room, client):
    listener, port = client.listen()
    first = start_accept(client, listener)
    second = start_accept(client, listener)
    assert client.call("session.cancel", {"id": first}) is True
    check_reason(client.reply(first).error(), "cancelled")
    room.dial(port)
    accepted(client, second)


def test_several_queued_connections_serve_several_acceptors(room, client):
    listener, port = client.listen({"backlog": 64})
    peers = queued(port, 20, room)
    waiting = [start_accept(client, listener) for _ in peers]
    ports = [
        client.call("inet.peername", {"socket": accepted(client, i)})["port"]
        for i in waiting
    ]
    assert sorted(ports) == sorted(p.port() for p in peers)


@probe(84)
def test_closing_the_listener_ends_acceptors_and_spares_accepted_sockets(room, client):
    listener, port = client.listen()
    peer = room.dial(port)
    s = client.accept(listener)
    other = room.client()
    waiting = start_accept(client, listener)
    theirs = start_accept(other, listener)
    other.sync()
    assert room.client().close_socket(listener) == "ok"
    check_reason(client.reply(waiting).error(), "closed")
    check_reason(other.reply(theirs).error(), "closed")
    assert client.send(s, b"alive") == "ok"
    assert peer.read(5) == b"alive"
    check_reason(client.fails("gen_tcp.accept", {"socket": listener}), "closed")
    refused = socket.socket()
    with pytest.raises(ConnectionRefusedError):
        refused.connect(("127.0.0.1", port))
    refused.close()


def test_the_listener_closes_with_its_owner(room):
    owner, other = room.client(), room.client()
    listener, port = owner.listen()
    waiting = start_accept(other, listener)
    other.sync()
    owner.close()
    check_reason(other.reply(waiting).error(), "closed")


def test_the_acceptor_owns_the_socket_and_its_end_closes_it(room):
    owner, other = room.client(), room.client()
    listener, port = owner.listen()
    peer = room.dial(port)
    other.accept(listener)
    other.close()
    assert peer.read_end() == b""
    assert owner.states(listener) == ["listen", "open"]


@probe(18)
def test_settings_are_the_listeners_at_the_time_of_accept(room, client):
    listener, port = client.listen()
    peer = room.dial(port)
    client.setopts(listener, {"packet": 1})
    s = client.accept(listener)
    assert client.getopt(s, "packet") == 1
    peer.send(b"\3abc")
    assert client.recv(s) == b"abc"


@probe(19)
def test_a_listener_keeps_its_own_count(room, client):
    listener, port = client.listen({"active": 3, "packet": 1})
    peer = room.dial(port)
    s = client.accept(listener)
    peer.send(b"\1x")
    client.event("tcp", s)
    assert client.getopt(s, "active") == 2
    assert client.getopt(listener, "active") == 3


@probe(20)
def test_line_delimiter_is_not_inherited(room, client):
    listener, port = client.listen({"packet": "line"})
    client.setopts(listener, {"line_delimiter": ord(";")})
    peer = room.dial(port)
    s = client.accept(listener)
    peer.put(b"a;b\n")
    assert client.recv(s) == b"a;b\n"


def test_data_before_accept_comes_after_its_reply(room, client):
    listener, port = client.listen({"active": True})
    peer = room.dial(port)
    peer.put(b"early").half_close()
    r = client.reply(start_accept(client, listener))
    s = r.result()["socket"]
    e = client.event("tcp", s)
    assert e.data == b"early" and e.number > r.number
    client.event("tcp_closed", s)


def test_a_peer_that_closed_before_accept(room, client):
    listener, port = client.listen()
    peer = room.dial(port)
    peer.put(b"bye").half_close()
    s = client.accept(listener)
    assert client.recv(s) == b"bye"
    check_reason(client.recv_fails(s), "closed")


@probe(78)
def test_a_peer_that_reset_before_accept(room, client):
    listener, port = client.listen()
    room.dial(port).reset()
    s = client.accept(listener)
    check_reason(client.fails("inet.peername", {"socket": s}), "enotconn")
    check_reason(client.recv_fails(s), "closed")


def test_statistics_start_at_zero(room, client):
    listener, port = client.listen()
    room.dial(port)
    s = client.accept(listener)
    assert set(client.getstat(s).values()) == {0}
    assert set(client.getstat(listener).values()) == {0}
    assert set(client.getstat(s)) == {
        "recv_oct", "recv_cnt", "recv_max", "recv_avg", "recv_dvi",
        "send_oct", "send_cnt", "send_max", "send_avg", "send_pend",
    }


@probe(13, 14)
def test_the_port_option_overrides_the_port(room, client):
    probe = socket.socket()
    probe.bind(("127.0.0.1", 0))
    free = probe.getsockname()[1]
    probe.close()
    listener, port = client.listen({"ip": "127.0.0.1", "port": free})
    assert port == free
    client.close_socket(listener)
    r = client.call(
        "gen_tcp.listen",
        {"port": 1, "options": {
            "ifaddr": {"family": "inet", "addr": "127.0.0.1", "port": free}}},
    )
    assert r["port"] == free


def test_a_port_in_use_is_eaddrinuse(room, client):
    _, port = client.listen()
    error = client.fails(
        "gen_tcp.listen", {"port": port, "options": {"ip": "127.0.0.1"}}
    )
    check_reason(error, "eaddrinuse")


def test_reuseport_lets_two_listeners_share(room, client):
    _, port = client.listen({"reuseport": True})
    _, again = client.listen({"reuseport": True}, port)
    assert again == port


@pytest.mark.parametrize("port", [-1, 65536, "no such service", 1.5, True, None, [1]])
def test_listen_refuses_a_bad_port(room, client, port):
    error = client.fails("gen_tcp.listen", {"port": port, "options": {"ip": "127.0.0.1"}})
    assert error.code in (g.INVALID_PARAMS, g.CODES["badarg"])


@pytest.mark.parametrize("backlog", [0, -1, 1, 70000])
def test_backlogs(room, client, backlog):
    listener, port = client.listen({"backlog": backlog})
    room.dial(port)
    client.accept(listener)


def test_the_wildcard_address(room, client):
    r = client.call("gen_tcp.listen", {"port": 0, "options": {"active": False}})
    name = client.call("inet.sockname", {"socket": r["socket"]})
    assert name == {"family": "inet", "addr": "0.0.0.0", "port": r["port"]}
    room.dial(r["port"])
    client.accept(r["socket"])


@pytest.mark.parametrize("address", ["loopback", "127.0.0.1", "any", "0.0.0.0"])
def test_forms_of_the_bind_address(room, client, address):
    _, port = client.listen({"ip": address})
    room.dial(port)


def test_an_address_of_the_other_family_is_refused(room, client):
    for options in (["inet", {"ip": "::1"}], ["inet6", {"ip": "127.0.0.1"}]):
        error = client.fails("gen_tcp.listen", {"port": 0, "options": options})
        assert error.message in ("badarg", "eafnosupport")


def test_an_address_that_is_not_local_is_eaddrnotavail(room, client):
    error = client.fails("gen_tcp.listen", {"port": 0, "options": {"ip": "192.0.2.1"}})
    check_reason(error, "eaddrnotavail")


@probe(41)
@pytest.mark.parametrize("how", ["read", "write", "read_write"])
def test_a_listener_is_not_connected(room, client, how):
    listener, port = client.listen()
    error = client.fails("gen_tcp.shutdown", {"socket": listener, "how": how})
    check_reason(error, "enotconn")
    check_reason(client.fails("inet.peername", {"socket": listener}), "enotconn")
    assert client.call("inet.port", {"socket": listener}) == port
    assert client.states(listener) == ["listen", "open"]


@probe(83)
def test_rebinding_over_time_wait_needs_reuseaddr_on_both(room, client):
    for first, second, wanted in (
        (True, True, "ok"),
        (False, True, "eaddrinuse"),
    ):
        listener, port = client.listen({"reuseaddr": first})
        peer = room.dial(port)
        s = client.accept(listener)
        client.close_socket(s)
        client.close_socket(listener)
        assert peer.read_end() == b""
        peer.close()
        r = client.reply(
            client.request(
                "gen_tcp.listen",
                {"port": port, "options": {"ip": "127.0.0.1", "reuseaddr": second}},
            )
        )
        if wanted == "ok":
            assert r.result()["port"] == port
        else:
            check_reason(r.error(), wanted)


def test_a_linger_0_listeners_sockets_reset_their_peers(room, client):
    listener, port = client.listen({"linger": [True, 0]})
    peer = room.dial(port)
    s = client.accept(listener)
    client.close_socket(s)
    assert peer.read_reset() == b""


def test_connections_that_nobody_accepted_end_with_the_listener(room, client):
    listener, port = client.listen()
    peer = room.dial(port)
    client.close_socket(listener)
    try:
        assert peer.read_end() == b""
    except ConnectionResetError:
        pass


def test_a_thousand_connections_one_after_the_other(room, client):
    listener, port = client.listen({"backlog": 128})
    once = struct.pack("ii", 1, 0)
    for n in range(g.scaled(1000)):
        i = start_accept(client, listener)
        s = socket.create_connection(("127.0.0.1", port), g.DEADLINE)
        s.sendall(b"%d" % n)
        a = accepted(client, i)
        assert client.recv(a) == b"%d" % n
        assert client.close_socket(a) == "ok"
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, once)
        s.close()
