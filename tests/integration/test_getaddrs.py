# SPDX-License-Identifier: ISC
"""inet:getaddrs.  What erl answers stands in each case; names are those of the
machine, and python's getaddrinfo says what they are."""

import socket

import pytest

import gentcp_test as g
from gentcp_test import check_reason


def getaddrs(c, host, family=None):
    return c.call("inet.getaddrs", {"host": host} if family is None else
                  {"host": host, "family": family})


def machine(name, family):
    """What the machine says, or None."""
    try:
        found = socket.getaddrinfo(name, None, family, socket.SOCK_STREAM)
    except socket.gaierror:
        return None
    return [entry[4][0] for entry in found]


@pytest.mark.parametrize("host,family,found", [
    ("127.0.0.1", "inet", ["127.0.0.1"]),
    ("127.1", "inet", ["127.0.0.1"]),
    ("1", "inet", ["0.0.0.1"]),
    ("::1", "inet6", ["::1"]),
    ("::ffff:1.2.3.4", "inet6", ["::ffff:1.2.3.4"]),
    ("fe80::1", "inet6", ["fe80::1"]),
    ("fe80::1%lo", "inet6", ["fe80::1%1"]),
])
def test_a_number(client, host, family, found):
    assert getaddrs(client, host, family) == found
    # and it is what connect and getaddrs take back
    assert getaddrs(client, found[0], family) == found


@pytest.mark.parametrize("host,family,reason", [
    ("127.0.0.1", "inet6", "nxdomain"),
    ("127.1", "inet6", "nxdomain"),
    ("::1", "inet", "nxdomain"),
    ("::1", None, "nxdomain"),
    ("", "inet", "einval"),
    ("a b", "inet", "einval"),
    ("h\u00f6st", "inet", "einval"),
    ("localhost", "local", "einval"),
    ("127.0.0.1", "local", "einval"),
    ("localhost", "foo", "einval"),
    ("localhost", "", "einval"),
])
def test_what_is_none(client, host, family, reason):
    params = {"host": host} if family is None else {"host": host, "family": family}
    check_reason(client.fails("inet.getaddrs", params), reason)


@pytest.mark.parametrize("params,named", [
    ({}, "host"), ({"host": 1}, "host"), ({"host": ["127.0.0.1"]}, "host"),
    ({"host": "x\0y"}, "host"), ({"host": "x", "family": 4}, "family"),
    ({"host": {"family": "inet", "addr": "127.0.0.1"}}, "host"),
])
def test_what_cannot_be_asked(client, params, named):
    error = client.fails("inet.getaddrs", params)
    assert error.code == g.INVALID_PARAMS and named in error.message


@pytest.mark.parametrize("family,name", [(socket.AF_INET, "inet"), (socket.AF_INET6, "inet6")])
def test_localhost(client, family, name):
    found = machine("localhost", family)
    if found is None:
        check_reason(client.fails("inet.getaddrs", ["localhost", name]), "nxdomain")
    else:
        assert getaddrs(client, "localhost", name) == found


def test_inet_is_the_default(client):
    assert getaddrs(client, "localhost") == getaddrs(client, "localhost", "inet")


def test_an_address_is_what_connect_takes(room, client):
    port = room.tcp_listener().getsockname()[1]
    for address in getaddrs(client, "localhost"):
        s = client.connect(port, address=address)
        assert client.close_socket(s) == "ok"


def test_it_holds_nothing_back_and_can_be_cancelled(room, client):
    ids = [client.request("inet.getaddrs", {"host": "localhost"}) for _ in range(50)]
    cancelled = [id for id in ids if client.call("session.cancel", {"id": id})]
    for id in ids:
        message = client.reply(id)
        if id in cancelled:
            check_reason(message.error(), "cancelled")
        else:
            assert message.result() == machine("localhost", socket.AF_INET)


def test_a_client_that_goes_takes_its_questions_along(room, client):
    other = room.client()
    for _ in range(50):
        other.request("inet.getaddrs", {"host": "localhost"})
    other.close()
    assert getaddrs(client, "127.0.0.1") == ["127.0.0.1"]


def test_not_in_a_batch(client):
    client.raw(g.line([g.request(1, "inet.getaddrs", params=["127.0.0.1"])]))
    reply = client.other().json
    assert reply[0]["error"]["code"] == g.INVALID_REQUEST
