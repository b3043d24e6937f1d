# SPDX-License-Identifier: ISC
"""gentcp-cli: sockets, info, top, introspect, and what errors say of what to do next."""

import json
import os
import re

import pytest

import gentcp_test as g

OK, FAILED, USAGE, LOST, LATE, CLOSED = 0, 1, 2, 3, 4, 5


def columns(out):
    """The rows of a table, as dictionaries by the words of its head."""
    head, *rows = [re.split(r" {2,}", line.strip()) for line in out.splitlines()]
    assert all(len(row) == len(head) for row in rows), out
    return [dict(zip(head, row)) for row in rows]


def test_sockets(room, cli, client):
    assert cli("sockets")[1].split() == [
        "SOCKET", "STATE", "RECV-Q", "SEND-Q", "LOCAL", "PEER", "PACKET", "ACTIVE", "OWNER"]
    number, peer = room.pair(client, {"packet": "line", "active": 3})
    listener = client.call("gen_tcp.listen", {"port": 0, "options": {"ip": "loopback", "active": False}})
    status, out, err = cli("sockets")
    assert (status, err) == (OK, "")
    rows = {row["SOCKET"]: row for row in columns(out)}
    one = rows[str(number)]
    assert (one["STATE"], one["PACKET"], one["ACTIVE"]) == ("connected", "line", "3")
    assert one["PEER"] == "127.0.0.1:%d" % peer.sock.getsockname()[1]
    assert one["LOCAL"] == "127.0.0.1:%d" % peer.sock.getpeername()[1]
    assert one["OWNER"] == str(client.call("session.self")["client"])
    one = rows[str(listener["socket"])]
    assert (one["STATE"], one["PEER"], one["ACTIVE"]) == ("listen", "-", "false")
    assert one["LOCAL"] == "127.0.0.1:%d" % listener["port"]


def test_a_connection_that_is_over(room, cli, client):
    number, peer = room.pair(client, {"active": False})
    peer.close()
    with pytest.raises(g.RpcError):
        client.call("gen_tcp.recv", {"socket": number, "length": 0})
    (one,) = columns(cli("sockets")[1])
    assert (one["SOCKET"], one["STATE"]) == (str(number), "ended")


def test_sockets_as_json(room, cli, client):
    assert cli("-j", "sockets") == (OK, "", "")
    number, peer = room.pair(client, {"active": False})
    peer.put(b"12345")
    client.call("inet.setopts", {"socket": number, "options": {"active": "once"}})
    client.call("inet.setopts", {"socket": number, "options": {"active": False}})
    assert cli("sockets", "-j") == cli("-j", "sockets")
    status, out, err = cli("-j", "sockets")
    (row,) = [json.loads(line) for line in out.splitlines()]
    assert row["socket"] == number and row["state"] == "connected"
    assert row["peer"]["port"] == peer.sock.getsockname()[1] and row["active"] is False
    assert set(row) == {"socket", "state", "recv_q", "send_q", "local", "peer", "packet",
                        "active", "owner"}


def test_sockets_of_every_family(room, cli, has_ipv6, client, tmp_path):
    path = str(tmp_path / "a b\033[31m")
    if g.is_root():
        client.call("gen_tcp.listen", {"port": 0, "options": ["local", {"ifaddr": {"local": path}}]})
    if has_ipv6:
        client.call("gen_tcp.listen", {"port": 0, "options": ["inet6", {"ip": "::1"}]})
    status, out, err = cli("sockets")
    assert status == OK and "\033" not in out
    assert not has_ipv6 or re.search(r" \[::1\]:\d+ ", out)
    assert not g.is_root() or r'a b\x1b[31m"' in out


def test_many_sockets(room, cli, client):
    """More than one round of questions."""
    listener = room.tcp_listener()
    for _ in range(600):
        client.call("gen_tcp.connect", {"address": "127.0.0.1", "port": listener.getsockname()[1],
                    "options": {"active": False}})
        room.own(listener.accept()[0])
    status, out, err = cli("sockets")
    assert status == OK and len(columns(out)) == 600
    numbers = [int(row["SOCKET"]) for row in columns(out)]
    assert numbers == sorted(numbers)


def test_info(room, cli, client):
    number, peer = room.pair(client, {"packet": "line"})
    status, out, err = cli("info", number)
    assert (status, err) == (OK, "")
    assert out.startswith("socket    %d\nstates    connected open\nowner     client %d\n"
                          % (number, client.call("session.self")["client"]))
    assert "\npeer      127.0.0.1:%d\n" % peer.sock.getsockname()[1] in out
    assert re.search(r"^options   active=false mode=binary packet=line ", out, re.M)
    assert all(len(line) <= 100 for line in out.splitlines())
    status, out, err = cli("-j", "info", number)
    info = json.loads(out)
    assert info["options"]["packet"] == "line" and info["peer"]["family"] == "inet"
    status, out, err = cli("info", room.gone(client))
    assert (status, out) == (CLOSED, "") and "gentcp-cli sockets lists them" in err
    for args in ([], ["x"], ["0"], ["1", "2"], ["-1"]):
        assert cli("info", *args)[:2] == (USAGE, "")


def test_top(room, cli, client):
    number, peer = room.pair(client, {"active": False})
    client.send(number, b"x" * 1000)
    status, out, err = cli("top", "-n", 2, "-d", "0.1")
    assert (status, err) == (OK, "") and "\033" not in out
    assert len(re.findall(r"^\d\d:\d\d:\d\d  1 socket$", out, re.M)) == 2
    assert len(re.findall(r"^ *%d  connected  +0  +0 " % number, out, re.M)) == 2


def test_top_counts(room, cli, client):
    """The rates of a socket that is new, or busy, between two looks."""
    import threading

    number, peer = room.pair(client, {"active": False})
    done = threading.Event()

    def talk():
        while not done.is_set():
            peer.sock.sendall(b"x" * 1000)
            client.recv(number, 1000)
            done.wait(0.01)

    talker = threading.Thread(target=talk)
    talker.start()
    try:
        status, out, err = cli("-j", "top", "-n", 1, "-d", "0.5")
    finally:
        done.set()
        talker.join()
    (row,) = [json.loads(line) for line in out.splitlines()]
    assert status == OK and row["socket"] == number
    assert row["recv_oct"] > 1000 and row["recv_cnt"] >= 1 and row["send_oct"] == 0


@pytest.mark.parametrize("args", [
    ["-n", "0"], ["-d", "0"], ["-d", "x"], ["1"], ["-n", "1", "-d", "-1"]])
def test_top_usage(cli, args):
    assert cli("top", *args)[:2] == (USAGE, "")


def test_top_ends_with_the_daemon():
    d = g.Daemon()
    room = g.Room(d)
    try:
        top = room.own(g.Command(d, "top", "-d", "0.05"))
        top.line()
        d.stop()
        assert top.end()[0] == LOST
    finally:
        room.end()
        d.kill()


def test_introspect(cli):
    status, out, err = cli("introspect")
    assert (status, err) == (OK, "")
    assert '\ngen_tcp.recv(socket, length, timeout?) -> {"data": bytes}\n' in out
    for name in ("recv", "gen_tcp.recv"):
        status, out, err = cli("introspect", name)
        assert status == OK and "\n  length: length; how many bytes" in out
        assert "\n  may wait" in out
    status, out, err = cli("-j", "introspect")
    rows = {row["method"]: row for row in map(json.loads, out.splitlines())}
    assert rows["gen_tcp.connect"]["params"][1] == {
        "name": "port", "type": "port", "optional": True,
        "help": rows["gen_tcp.connect"]["params"][1]["help"]}
    assert rows["gen_tcp.send"]["result"] == '"ok"'
    assert json.loads(cli("-j", "introspect", "send")[1]) == rows["gen_tcp.send"]
    status, out, err = cli("introspect", "recieve")
    assert (status, out) == (USAGE, "") and "gentcp-cli help lists them" in err
    assert cli("introspect", "send", "recv")[0] == USAGE


# --- what to do next ----------------------------------------------------------


def test_near_names(room, cli, client):
    assert "did you mean connect?" in cli("conect")[2]
    assert "did you mean sockets?" in cli("sokcets")[2]
    assert "did you mean setopts or getopts?" in cli("sotopts")[2]
    assert "gentcp-cli -h lists them" in cli("qwertz")[2]
    assert "did you mean controlling_process?" in cli("call", "controling_proces")[2]
    number, _ = room.pair(client)
    status, out, err = cli("setopts", number, "pakcet=line")
    assert status == FAILED and "did you mean packet?" in err
    status, out, err = cli("setopts", number, "xyz=1")
    assert status == FAILED and "help options lists them" in err
    status, out, err = cli("setopts", number, "packet=lin")
    assert status == FAILED and "gentcp-cli help option packet tells more" in err
    status, out, err = cli("call", "setopts", number, "nodely=true")
    assert status == FAILED and "did you mean nodelay?" in err


def test_what_to_do_next(room, cli, client):
    status, out, err = cli("sockets", path=room.daemon.path + ".none")
    assert status == LOST and "start one by: gentcpd" in err and "GENTCPD_SOCKET" in err
    status, out, err = cli("recv", room.gone(client))
    assert (status, out) == (CLOSED, "") and "gentcp-cli sockets lists them" in err
    number, peer = room.pair(client, {"active": False})
    peer.sock.close()
    status, out, err = cli("recv", number)
    assert (status, out, err) == (CLOSED, "", "gentcp-cli: recv: closed\n")
    status, out, err = cli("recv")
    assert (status, out) == (USAGE, "")
    assert err.endswith("gentcp-cli: usage: recv socket length [timeout]\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone has another user at hand")
def test_eacces_says_who_may(room, cli, client):
    number, _ = room.pair(client)
    status, out, err = cli("call", "setopts", number, 'raw=[6,35,{"base64":"AAAAAA=="}]')
    assert status == FAILED and "eacces" in err and "gentcpd.conf(5)" in err
