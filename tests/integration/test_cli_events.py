# SPDX-License-Identifier: ISC
"""gentcp-cli events, wait-for, and what else attaches to a session."""

import json
import os
import re
import signal

import pytest

import gentcp_test as g
from gentcp_test import MB

OK, FAILED, USAGE, LOST, LATE, CLOSED = 0, 1, 2, 3, 4, 5


@pytest.fixture
def run(cli):
    """gentcp-cli in a session of the test: its standard output, as $(...) has it."""
    own = re.search(r"'(.*)'", cli("session")[1])[1]

    def call(*args, wanted=OK, **more):
        status, out, err = cli(*args, GENTCP_SESSION=own, **more)
        assert status == wanted, (status, out, err)
        call.err = err
        return out if more.get("raw") else out.rstrip("\n")

    call.session, call.client = own, int(own.split(":")[0])
    yield call
    cli("session", "-k", GENTCP_SESSION=own)


@pytest.fixture
def start(room, run):
    """gentcp-cli in the session, beside the test."""
    return lambda *args: room.own(g.Command(room.daemon, *args, GENTCP_SESSION=run.session))


def pair(room, run, *options):
    listener = room.tcp_listener()
    socket = run("connect", "127.0.0.1", listener.getsockname()[1], *options)
    return socket, g.Peer(room.own(listener.accept()[0]))


def attached(run):
    """Is somebody attached to the session?"""
    rows = json.loads(run("-j", "clients"))
    return [row["connected"] for row in rows if row["client"] == run.client] == [True]


# --- events -----------------------------------------------------------------------


def test_events(room, run):
    socket, peer = pair(room, run, "packet=line")
    peer.put(b"one\ntwo\n\xff\x1b\n")
    peer.sock.close()
    owner, *rest = run("events", "-n", 5).splitlines()
    assert re.fullmatch(r"tcp_owner %s from \d+" % socket, owner)
    assert rest == ['tcp %s "one\\n"' % socket, 'tcp %s "two\\n"' % socket,
                    'tcp %s "\\xff\\x1b\\n"' % socket, "tcp_closed %s" % socket]
    assert run("-T", "0.1", "events") == ""  # nothing comes twice


def test_events_as_json(room, run):
    socket, peer = pair(room, run, "packet=http")
    peer.put(b"GET / HTTP/1.0\r\n\r\n")
    lines = [json.loads(line) for line in run("-j", "events", "-n", 3, socket).splitlines()]
    assert [line["method"] for line in lines] == ["tcp_owner", "http", "http"]
    assert lines[1]["params"]["http"]["method"] == "GET"


def test_a_filter(room, run):
    one, peer_one = pair(room, run)
    two, peer_two = pair(room, run)
    peer_one.put(b"1")
    peer_two.put(b"2")
    assert run("events", "-n", 1, two, "tcp") == 'tcp %s "2"' % two
    three, peer_three = pair(room, run)
    peer_three.sock.close()
    assert run("events", "-n", 1, one, three, "tcp_closed", "tcp_error") \
        == "tcp_closed %s" % three


def test_a_count_and_a_limit(room, run):
    socket, peer = pair(room, run)
    peer.put(b"1")
    assert run("-T", "0.2", "events", "tcp") == 'tcp %s "1"' % socket
    assert run("-T", "0.1", "events", "-n", 1, "tcp", wanted=LATE) == ""
    assert run.err == "gentcp-cli: events: 0 of 1 within 0.1 s\n"
    assert run("-q", "-T", "0.1", "events", "-n", 1, "tcp", wanted=LATE) == ""
    assert run.err == ""


def test_events_as_they_come(room, run, start):
    socket, peer = pair(room, run, "packet=line")
    events = start("events", "tcp", "tcp_closed")
    for text in ("one", "two"):
        peer.put(text.encode() + b"\n")
        assert events.line() == 'tcp %s "%s\\n"' % (socket, text)
    run("send", socket, "beside it")
    assert peer.read(9) == b"beside it"
    peer.sock.close()
    assert events.line() == "tcp_closed %s" % socket


def test_one_that_is_killed_loses_nothing(room, run, start):
    """What was not printed is told again; at most the last line comes twice."""
    socket, peer = pair(room, run, "packet=line")
    count, seen = 200, []
    for n in range(count):
        peer.put(b"%d\n" % n)
    while len(set(seen)) < count:
        events = start("events", "tcp")
        for _ in range(min(7, count - len(set(seen)))):
            seen.append(int(re.fullmatch(r'tcp \d+ "(\d+)\\n"', events.line())[1]))
        events.process.send_signal(signal.SIGKILL)
        events.process.wait()
        rest = events.buffer
        os.set_blocking(events.process.stdout.fileno(), True)
        rest += events.process.stdout.read()
        whole = rest[:rest.rfind(b"\n") + 1].decode().splitlines()
        seen += [int(re.fullmatch(r'tcp \d+ "(\d+)\\n"', line)[1]) for line in whole]
    assert sorted(set(seen)) == list(range(count))
    order = [n for i, n in enumerate(seen) if n not in seen[:i]]
    assert order == sorted(order)


def test_the_second_takes_the_session(run, start):
    first = start("events")
    g.until(lambda: attached(run), "one that is attached")
    second = start("events")
    status, out, err = first.end()
    assert (status, out) == (LOST, "")
    assert err == "gentcp-cli: events: another command attached to the session: one may at a time\n"
    assert second.process.poll() is None


@pytest.mark.parametrize("args", [["x"], ["tcp_opened"], ["0"], ["-1"], ["-n", "0"]])
def test_events_usage(run, args):
    assert run("events", *args, wanted=USAGE) == ""


def test_without_a_session(cli):
    for args in (["events"], ["wait-for", 1, "tcp"], ["controlling_process", 1, 2]):
        status, out, err = cli(*args, GENTCP_SESSION="")
        assert (status, out) == (USAGE, "") and 'eval "$(gentcp-cli session)"' in err


def test_a_session_that_is_gone(run, cli):
    run("session", "-k")
    for args in (["events"], ["wait-for", 1, "tcp"], ["controlling_process", 1, 2]):
        status, out, err = cli(*args, GENTCP_SESSION=run.session)
        assert (status, out) == (FAILED, "") and "is gone" in err


# --- wait-for ---------------------------------------------------------------------


def test_wait_for(room, run, start):
    socket, peer = pair(room, run, "active=once")
    waiting = start("wait-for", socket, "tcp")
    g.until(lambda: attached(run), "one that waits")
    assert waiting.process.poll() is None
    peer.put(b"data")
    assert waiting.end() == (OK, "", "")
    assert run("wait-for", socket, "tcp", 1000) == ""  # it is still there
    assert run("events", "-n", 1, "tcp") == 'tcp %s "data"' % socket
    assert run("wait-for", socket, "tcp", 50, wanted=LATE) == ""
    assert run.err == "gentcp-cli: wait-for: no tcp within 0.05 s\n"
    assert run("-q", "-T", "0.05", "wait-for", socket, "tcp", wanted=LATE) == ""
    assert run.err == ""


def test_wait_for_what_cannot_come(room, run, client):
    socket, peer = pair(room, run)
    peer.sock.close()
    assert run("wait-for", socket, "tcp_passive", wanted=CLOSED) == ""
    assert "is closed: no tcp_passive will come" in run.err
    assert run("wait-for", socket, "tcp_closed") == ""
    assert run("wait-for", room.gone(client), "tcp", wanted=CLOSED) == ""


def test_wait_for_down(room, run, start, client, cli):
    number, peer = room.pair(client)
    waiting = start("wait-for", number, "down")
    g.until(lambda: cli("call", "info", number)[1].count("monitors=1"), "a monitor")
    client.close_socket(number)
    assert waiting.end() == (OK, "", "")
    # of one that is gone, and without a session
    assert cli("wait-for", number, "down", 1000, GENTCP_SESSION="") == (OK, "", "")


def test_much_before_it(room, run):
    socket, peer = pair(room, run, "packet=line")
    g.blast(peer.sock, b"x" * 60000 + b"\n")
    assert run("wait-for", socket, "tcp_passive", 1000, wanted=LATE) == ""
    assert "much waits before it" in run.err


@pytest.mark.parametrize("args", [
    [], ["1"], ["x", "tcp"], ["1", "fly"], ["1", "tcp", "soon"], ["1", "tcp", "1", "2"],
    ["1", "tcp", "-1"]])
def test_wait_for_usage(run, args):
    assert run("wait-for", *args, wanted=USAGE) == ""


# --- owners -----------------------------------------------------------------------


@pytest.mark.parametrize("active", ["true", "once", "5", "false"])
def test_hand_over(room, run, client, active):
    """What came for the session goes to the new owner, once, and it is as active."""
    own = client.call("session.self")["client"]
    socket, peer = pair(room, run, "packet=line", "active=" + active)
    peer.put(b"one\n")
    if active != "false":
        run("wait-for", socket, "tcp", 5000)
    peer.put(b"two\n")
    assert run("controlling_process", socket, own) == ""
    owner = client.event("tcp_owner", int(socket))
    assert owner.params["from"] == run.client
    if active != "false":
        assert client.event("tcp", int(socket)).data == b"one\n"
    if active in ("true", "5"):
        assert client.event("tcp", int(socket)).data == b"two\n"
    left = {"true": True, "once": False, "5": 3, "false": False}[active]
    assert client.call("inet.getopts", {"socket": int(socket), "names": ["active"]}) \
        == {"active": left}
    # and nothing of it is the session's any more
    assert run("-T", "0.1", "events", socket) == ""


def test_hand_over_behind_others(room, run, client):
    own = client.call("session.self")["client"]
    one, peer_one = pair(room, run)
    two, peer_two = pair(room, run)
    peer_one.put(b"1")
    run("wait-for", one, "tcp", 5000)
    peer_two.put(b"2")
    run("wait-for", two, "tcp", 5000)
    assert run("controlling_process", two, own, wanted=FAILED) == ""
    assert "gentcp-cli events" in run.err
    assert run("getopts", two, "active") == "true"
    assert run("events", "-n", 2, "tcp").splitlines() == [
        'tcp %s "1"' % one, 'tcp %s "2"' % two]
    assert run("controlling_process", two, own) == ""
    assert run("-j", "controlling_process", one, own) == '"ok"'


def test_hand_over_that_fails(room, run, client):
    own = client.call("session.self")["client"]
    socket, peer = pair(room, run)
    run("controlling_process", socket, 2**40, wanted=FAILED)
    assert run("getopts", socket, "active") == "true"
    number, _ = room.pair(client)
    other = room.client().call("session.self")["client"]
    run("controlling_process", number, other, wanted=FAILED)
    assert "not_owner" in run.err
    run("controlling_process", room.gone(client), own, wanted=CLOSED)
    run("controlling_process", socket, "x", wanted=USAGE)
    assert run("controlling_process", socket, run.client) == ""  # to itself


def test_sendfile(room, run, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(g.pattern(MB))
    socket, peer = pair(room, run, "active=false")
    assert run("sendfile", socket, file) == str(MB)
    assert peer.read(MB) == g.pattern(MB)


def test_active_sockets_lose_nothing(room, run):
    """What comes while a socket is given to the session, in the midst of it."""
    listener = room.tcp_listener()
    total = b""
    socket = None
    for n in range(20):
        import threading

        def greet():
            sock = room.own(listener.accept()[0])
            sock.sendall(b"%d at once\n" % n)
            sock.close()

        greeter = threading.Thread(target=greet)
        greeter.start()
        socket = run("connect", "127.0.0.1", listener.getsockname()[1], "packet=line")
        greeter.join()
        out = run("events", "-n", 2, socket, "tcp", "tcp_closed").splitlines()
        assert out == ['tcp %s "%d at once\\n"' % (socket, n), "tcp_closed %s" % socket]
        total += out[0].encode()
    assert total.count(b"at once") == 20
