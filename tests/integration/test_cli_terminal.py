# SPDX-License-Identifier: ISC
"""gentcp-cli on a terminal: the shell's editing, history and completion; escapes."""

import os
import re
import signal
import stat

import pytest

import gentcp_test as g


@pytest.fixture
def terminal(room, tmp_path):
    """Starts gentcp-cli on a terminal; its history is in tmp_path."""

    def start(*args, **env):
        env = {**os.environ, "GENTCPD_SOCKET": room.daemon.path, "TERM": "xterm",
               "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": str(tmp_path / "state"),
               "HOME": str(tmp_path), **env}
        env = {name: value for name, value in env.items() if value is not None}
        return room.own(g.Terminal([g.gentcp_cli(), *map(str, args)], env))

    return start


@pytest.fixture
def shell(terminal):
    """A shell that edits; skipped where it was built without libedit."""

    def start(**env):
        shell = terminal("shell", **env)
        shell.wait_for("gentcp> ")
        try:
            shell.keys("help option act\t\n")
        except AssertionError:
            shell.type("quit\n")
            pytest.skip("gentcp-cli was built without libedit")
        shell.wait_for("active: ")
        shell.wait_for("gentcp> ")
        return shell

    return start


def history(tmp_path):
    return tmp_path / "state" / "gentcp-cli" / "history"


def test_editing(shell, client):
    number = client.call("session.self")["client"]
    s = shell()
    s.keys("xxclients\x01\x04\x04\x05\n")  # to its begin, two letters less, to its end
    s.wait_for("client=%d " % number)
    s.wait_for("gentcp> ")
    s.keys("no such line\x03self\n")  # an interrupt is for the line
    s.wait_for(r"\nclient=\d+ name=gentcp-cli")
    s.wait_for("gentcp> ")
    s.keys("sel\x1b[Dx\x7f\x05f\n")  # arrows
    s.wait_for(r"\nclient=\d+ name=gentcp-cli")
    s.end_input()
    assert s.status() == 0


def test_completion(shell, room, client):
    number, _ = room.pair(client)
    s = shell()
    s.keys("getst\t\x15")
    s.wait_for("getst.*at ")
    s.keys("l = lis\t0 ip=l\tact\tf\tpacket=li\t\n")
    port = int(s.wait_for(r"socket \d+ port (\d+)\r\n")[1])
    s.keys("getopts $\tactiv\tpacket\n")
    s.wait_for(r"\nactive=false packet=line\r\n")
    s.keys("peername %d\t\n" % number)
    s.wait_for(r"\n127.0.0.1 \d+\r\n")
    s.keys("c = connect localhost %d packet=http\t" % port)  # more than one
    s.wait_for(r"packet=http +packet=httph +packet=http_bin +packet=httph_bin\r\n")
    s.wait_for("gentcp> c = connect localhost %d " % port)
    s.keys("\x15help opt\t keepi\t\t")
    s.wait_for(r"keepidle +keepintvl")
    s.keys("\x15wait tcp_cl\t")
    s.wait_for("osed ")
    s.keys("\x15quit\n")
    assert s.status() == 0


def test_history(shell, tmp_path):
    s = shell()
    s.type("self\n")
    s.wait_for(r"\nclient=\d+ ")
    s.type(" clients\n")  # behind a blank: not kept
    s.wait_for(r"\nclient=\d+ ")
    s.type("quit\n")
    assert s.status() == 0
    file = history(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert os.listdir(file.parent) == ["history"]
    assert "self" in file.read_text() and "clients" not in file.read_text()
    s = shell()
    s.keys("\x1b[A\x1b[A\x1b[A\n")  # help, quit, self
    s.wait_for(r"\nclient=\d+ ")
    s.end_input()
    assert s.status() == 0


def test_history_elsewhere_and_nowhere(shell, tmp_path):
    s = shell(GENTCP_HISTORY="")
    s.type("quit\n")
    assert s.status() == 0 and not history(tmp_path).exists()
    s = shell(GENTCP_HISTORY=str(tmp_path / "mine"))
    s.type("quit\n")
    assert s.status() == 0 and not history(tmp_path).exists()
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o600
    s = shell(XDG_STATE_HOME=None)
    s.type("quit\n")
    assert s.status() == 0
    assert (tmp_path / ".local" / "state" / "gentcp-cli" / "history").exists()


def test_history_that_cannot_be_kept(shell, tmp_path):
    (tmp_path / "target").write_text("not a history")
    (tmp_path / "folder").mkdir()
    for path in ("/dev/null/x", str(tmp_path / "folder")):
        s = shell(GENTCP_HISTORY=path)
        s.type("quit\n")
        assert s.status() == 0
    s = shell(GENTCP_HISTORY=str(tmp_path / "target"))
    s.type("quit\n")
    assert s.status() == 0


def test_events_while_a_line_is_typed(shell, client):
    s = shell()
    s.type("l = listen 0 ip=loopback packet=line active=false\n")
    port = int(s.wait_for(r"socket \d+ port (\d+)\r\n")[1])
    s.type("s = accept $l &\n")
    s.type("c = connect localhost %d packet=line\n" % port)
    both = s.wait_for(r"socket \d+\r\n.*socket \d+\r\n").string
    accepted = int(re.search(r"\[1\] socket (\d+)", both)[1])
    s.keys("sel")
    s.wait_for("sel")
    client.send(accepted, b"one\n")
    found = s.wait_for(r'tcp \d+ "one\\n"\r\n')
    assert "\x1b[J" in found.string  # what was typed was taken off
    s.type("f\n")
    s.wait_for(r"\nclient=\d+ name=gentcp-cli")
    s.type("quit\n")
    assert s.status() == 0


def test_an_interrupt_is_for_the_line(shell):
    s = shell()
    s.type("l = listen 0 ip=loopback\n")
    s.wait_for(r"socket \d+ port \d+\r\n")
    for line, answer in (("accept $l", "accept: cancelled"), ("wait tcp", "wait: interrupted"),
                         ("accept $l &", ""), ("wait", "")):
        s.keys(line + "\n")
        if not line.endswith("&"):
            s.cooked()
            s.type("\x03")
        s.wait_for("gentcp-cli: %s\r\n" % answer if answer else "gentcp> ")
    s.type("getopts $l active\n")  # the listener is still there
    s.wait_for(r"\nactive=true\r\n")
    s.type("quit\n")
    assert s.status() == 1  # the first line's that failed


def test_the_daemons_end():
    d = g.Daemon()
    room = g.Room(d)
    try:
        s = room.own(g.Terminal([g.gentcp_cli(), "shell"], dict(
            os.environ, GENTCPD_SOCKET=d.path, TERM="xterm", GENTCP_HISTORY="")))
        s.wait_for("gentcp> ")
        s.type("half a li")
        d.stop()
        s.wait_for("lost gentcpd")
        assert s.status() == 3
    finally:
        room.end()
        d.kill()


def test_completion_does_not_wait_for_ever(shell, room, client):
    """A daemon that does not answer costs half a second; its late answer is dropped."""
    number, _ = room.pair(client)
    s = shell()
    os.kill(room.daemon.pid, signal.SIGSTOP)
    try:
        s.keys("getopts \t")
        s.wait_for("\a")
    finally:
        os.kill(room.daemon.pid, signal.SIGCONT)
    s.keys("\x15self\n")
    s.wait_for(r"\nclient=\d+ name=gentcp-cli")
    s.keys("getopts \tactive\n")
    s.wait_for(r"\nactive=false\r\n")
    s.type("quit\n")
    assert s.status() == 0 and number


@pytest.mark.parametrize("term", ["dumb", ""])
def test_terminals_that_cannot(terminal, term):
    s = terminal("shell", TERM=term)
    s.wait_for("gentcp> ")
    s.type("self\n")
    s.wait_for(r"client=\d+ name=gentcp-cli")
    s.type("quit\n")
    assert s.status() == 0


def test_bytes_of_peers_are_escaped(terminal, room, client):
    number, peer = room.pair(client)
    peer.put(b'\x1b[31mred\x9b"\n')
    t = terminal("recv", number)
    t.wait_for(re.escape(r'"\x1b[31mred\x9b\"\n"') + "\r\n")
    assert t.status() == 0


def test_top_on_a_terminal(terminal, room, client):
    number, _ = room.pair(client)
    t = terminal("top", "-n", 2, "-d", "0.1")
    for _ in range(2):
        t.wait_for(r"\x1b\[H\x1b\[J\d\d:\d\d:\d\d  1 socket\r\n")
        t.wait_for(r"\n *%d  connected" % number)
    assert t.status() == 0
