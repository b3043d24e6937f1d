# SPDX-License-Identifier: ISC
"""gen_tcp's edge cases: options, and how a socket is opened."""

import pytest

import gentcp_test as g
from gentcp_test import check_reason, probe


def connect(client, address, port, options):
    params = {"address": address, "port": port, "options": options}
    return client.reply(client.request("gen_tcp.connect", params))


def name_of(client, reply):
    name = client.call("inet.sockname", {"socket": reply.result()["socket"]})
    return name["addr"], name["port"]


def inet(addr, port):
    return {"family": "inet", "addr": addr, "port": port}


def free_port(room):
    """A port of 127.0.0.5 and 127.0.0.6 that nobody has."""
    with g.socket.socket() as s:
        s.bind(("127.0.0.5", 0))
        return s.getsockname()[1]


@probe(3)
def test_a_value_out_of_range_in_the_middle(room, client):
    """Row 2 of the decisions: ranges are checked before anything is applied;
    gen_tcp applies what stands behind the one that fails."""
    s, _ = room.pair(client)
    options = [["header", 7], ["high_msgq_watermark", 0], ["packet_size", 77]]
    error = client.fails("inet.setopts", {"socket": s, "options": options})
    check_reason(error, "einval")
    assert error.data["option"] == "high_msgq_watermark"
    assert client.getopts(s, ["header", "packet_size"]) == {"header": 0, "packet_size": 0}


@probe(5)
def test_getopts_omits_what_the_family_has_not(room, client):
    s, _ = room.pair(client)
    names = ["mode", "ipv6_v6only", "packet"]
    assert client.getopts(s, names) == {"mode": "binary", "packet": 0}


@probe(6)
def test_getopts_of_one_name_twice(room, client):
    """An object has each name once; gen_tcp's list has three entries."""
    s, _ = room.pair(client, {"packet": 2})
    names = ["packet", "mode", "packet"]
    assert client.getopts(s, names) == {"packet": 2, "mode": "binary"}


@probe(7)
def test_a_ttl_of_0(room, client):
    port = room.tcp_listener().getsockname()[1]
    error = connect(client, "127.0.0.1", port, {"ttl": 0}).error()
    check_reason(error, "badarg")
    assert error.data["option"] == "ttl"
    error = client.fails("gen_tcp.listen", {"port": 0, "options": {"ttl": 0}})
    check_reason(error, "einval")
    assert error.data["option"] == "ttl"


@probe(10)
def test_an_address_of_another_family_than_the_first(room, client):
    """A text is a name, which inet6 does not know, and a sockaddr is a tuple."""
    port = room.tcp_listener().getsockname()[1]
    families = ["inet6", "inet"]
    check_reason(connect(client, inet("127.0.0.1", port), None, families).error(), "eafnosupport")
    check_reason(connect(client, "127.0.0.1", port, families).error(), "nxdomain")


@probe(11, 12)
def test_ifaddr_ip_and_port_to_a_sockaddr(room, client):
    there = inet("127.0.0.1", room.tcp_listener().getsockname()[1])
    mine = free_port(room)
    r = connect(client, there, None, [["ifaddr", inet("127.0.0.5", mine)], ["ip", "127.0.0.6"]])
    assert name_of(client, r) == ("127.0.0.6", mine)
    other = free_port(room)
    r = connect(client, there, None, [["port", other], ["ifaddr", inet("127.0.0.5", 0)]])
    addr, port = name_of(client, r)
    assert addr == "127.0.0.5" and port != other


@probe(75)
def test_watermarks_in_one_list_at_connect(room, client):
    """Row 2 of the decisions: first to last; with gen_tcp's order both are 5000."""
    names = ["high_watermark", "low_watermark"]
    s, _ = room.pair(client, [["low_watermark", 5000], ["high_watermark", 10]])
    assert client.getopts(s, names) == {"high_watermark": 10, "low_watermark": 10}
    s, _ = room.pair(client, [["high_watermark", 10], ["low_watermark", 5000]])
    assert client.getopts(s, names) == {"high_watermark": 5000, "low_watermark": 5000}


@probe(76)
@pytest.mark.parametrize("shown,reason", [(True, "econnreset"), (False, "closed")])
def test_what_the_peer_of_a_linger_0_listener_is_told(room, client, shown, reason):
    _, accepted, connected = room.both(
        client, {"linger": [True, 0]}, {"show_econnreset": shown}
    )
    assert client.close_socket(accepted) == "ok"
    check_reason(client.recv_fails(connected), reason)
    check_reason(client.recv_fails(connected), "enotconn")
