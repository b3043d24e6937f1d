# SPDX-License-Identifier: ISC
"""gentcp-cli session: a kept client for the verbs of a script."""

import json
import os
import re
import shutil
import subprocess

import pytest

import gentcp_test as g

OK, FAILED, USAGE, LOST, LATE, CLOSED = 0, 1, 2, 3, 4, 5


@pytest.fixture
def session(room, cli):
    """Makes sessions, which end with the test: the value of GENTCP_SESSION."""
    made = []

    def start(*args):
        status, out, err = cli("session", *args)
        assert (status, err) == (OK, "")
        made.append(re.fullmatch(
            r"GENTCP_SESSION='(\d+:[0-9a-f]{64}:[0-9a-f]+)'; export GENTCP_SESSION;\n", out)[1])
        return made[-1]

    yield start
    for one in made:
        cli("session", "-k", GENTCP_SESSION=one)


@pytest.fixture
def run(cli, session):
    """gentcp-cli in a session: its standard output, as $(...) has it."""
    own = session()

    def call(*args, wanted=OK, **more):
        status, out, err = cli(*args, GENTCP_SESSION=own, **more)
        assert status == wanted, (status, out, err)
        return out if more.get("raw") else out.rstrip("\n")

    call.session = own
    call.client = own.split(":")[0]
    return call


@pytest.fixture
def sh(room, tmp_path):
    """Runs a script by sh, gentcp-cli in its PATH: (status, stdout, stderr)."""
    (tmp_path / "gentcp-cli").symlink_to(g.gentcp_cli())

    def call(script, *argv):
        env = dict(os.environ, PATH="%s:%s" % (tmp_path, os.environ["PATH"]),
                   GENTCPD_SOCKET=room.daemon.path, HOME=str(tmp_path))
        env.pop("GENTCP_SESSION", None)
        done = subprocess.run([*(argv or ["sh", "-eu", "-c"]), script], env=env,
                              cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=6 * g.DEADLINE)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return call


def pair(room, run, *options):
    """A connection of the session to a peer of the test."""
    listener = room.tcp_listener()
    socket = run("connect", "127.0.0.1", listener.getsockname()[1], *options)
    assert re.fullmatch(r"\d+", socket)
    return socket, g.Peer(room.own(listener.accept()[0]))


# --- making and ending -----------------------------------------------------------


def test_styles(cli, room):
    for style, begin, unset in (
            ("sh", "GENTCP_SESSION='", "unset GENTCP_SESSION;\n"),
            ("csh", "setenv GENTCP_SESSION '", "unsetenv GENTCP_SESSION;\n"),
            ("fish", "set -gx GENTCP_SESSION '", "set -e GENTCP_SESSION;\n")):
        status, out, err = cli("session", "-S", style)
        assert (status, err) == (OK, "") and out.startswith(begin)
        own = re.search(r"'(.*)'", out)[1]
        assert cli("session", "-k", "-S", style, GENTCP_SESSION=own) == (OK, unset, "")
    status, out, err = cli("-j", "session")
    own = json.loads(out)["session"]
    assert cli("-j", "session", "-k", GENTCP_SESSION=own) == (OK, "", "")
    # -s is for what follows, too
    status, out, err = cli("-s", room.daemon.path, "session", path="/nowhere")
    assert out.endswith("\nGENTCPD_SOCKET='%s'; export GENTCPD_SOCKET;\n" % room.daemon.path)
    own = re.search(r"'(.*)'", out)[1]
    assert cli("session", "-k", GENTCP_SESSION=own)[0] == OK


@pytest.mark.parametrize("args", [
    ["-S", "tcsh"], ["x"], ["-t", "0"], ["-t", "x"], ["-t"], ["-k"]])
def test_usage(cli, args):
    status, out, err = cli("session", *args, GENTCP_SESSION="")
    assert (status, out) == (USAGE, "") and err


def test_too_long_a_life(cli):
    status, out, err = cli("session", "-t", 8 * 24 * 3600)
    assert (status, out) == (FAILED, "") and "a week" in err


def test_shells_evaluate_it(sh):
    script = 'eval "$(gentcp-cli session)"; gentcp-cli listen 0 ip=loopback; ' \
        'eval "$(gentcp-cli session -k)"; echo "${GENTCP_SESSION-none}"'
    status, out, err = sh(script)
    assert (status, err) == (OK, "") and re.fullmatch(r"\d+\nnone\n", out)
    if shutil.which("fish"):
        status, out, err = sh(
            "gentcp-cli session -S fish | source; gentcp-cli listen 0 ip=loopback; "
            "gentcp-cli session -k -S fish | source; set -q GENTCP_SESSION; echo $status",
            "fish", "-N", "-c")
        assert (status, err) == (OK, "") and re.fullmatch(r"\d+\n1\n", out)


def test_it_ends(cli, run, room, client):
    socket, peer = pair(room, run)
    assert run("session", "-k") == "unset GENTCP_SESSION;"
    assert peer.read_end() == b""
    for args in (["listen", 0], ["connect", "localhost", 1], ["session", "-k"]):
        status, out, err = cli(*args, GENTCP_SESSION=run.session)
        assert status == FAILED and "is gone: it was ended" in err
        assert 'eval "$(gentcp-cli session)"' in err


def test_it_ends_in_time(cli, session, room):
    own = session("-t", "0.3")
    listener = room.tcp_listener()
    status, out, err = cli("connect", "127.0.0.1", listener.getsockname()[1], GENTCP_SESSION=own)
    assert status == OK
    peer = g.Peer(room.own(listener.accept()[0]))
    assert peer.read_end() == b""
    status, out, err = cli("listen", 0, GENTCP_SESSION=own)
    assert (status, out) == (FAILED, "") and "(-t)" in err


def test_another_daemon(cli, run):
    """Its clients have the same numbers: none of them may get our sockets."""
    client, token, _ = run.session.split(":")
    for args in (["listen", 0], ["session", "-k"]):
        status, out, err = cli(*args, GENTCP_SESSION="%s:%s:abcd" % (client, token))
        assert status == FAILED and "it was another gentcpd's" in err


def test_another_client(cli, run, client):
    """A number that is a client's, but none that is kept."""
    other = client.call("session.self")["client"]
    _, token, instance = run.session.split(":")
    status, out, err = cli("listen", 0, GENTCP_SESSION="%d:%s:%s" % (other, token, instance))
    assert (status, out) == (FAILED, "") and "is gone" in err
    assert client.call("session.self")["sockets"] == []


def test_a_wrong_token(cli, run):
    client, token, instance = run.session.split(":")
    wrong = "%s:%s:%s" % (client, token[::-1], instance)
    status, out, err = cli("session", "-k", GENTCP_SESSION=wrong)
    assert status == FAILED and "is gone" in err
    assert run("session", "-k") == "unset GENTCP_SESSION;"


@pytest.mark.parametrize("value", [
    "1", "1:", "x:y:z", "0:aa:bb", "1:aa", "1:aa:", "1:aa:bb:cc", "1:a'a:bb", "1:aa:b\nb",
    "-1:aa:bb", "1:" + "a" * 500 + ":bb", "99999999999999999999:aa:bb", ":aa:bb"])
def test_what_is_no_session(cli, value):
    for args in (["listen", 0], ["session", "-k"]):
        status, out, err = cli(*args, GENTCP_SESSION=value)
        assert (status, out) == (USAGE, "") and "GENTCP_SESSION is not what" in err


# --- its sockets -------------------------------------------------------------------


def test_sockets_are_the_sessions(room, cli, run):
    l = run("listen", 0, "ip=loopback", "packet=line", "active=false")
    port = int(run("port", l))
    c = run("connect", "localhost", port, "packet=line", "active=false")
    s = run("accept", l)
    assert len({l, c, s}) == 3
    rows = [json.loads(line) for line in run("-j", "sockets").splitlines()]
    assert {row["owner"] for row in rows} == {int(run.client)}
    assert run("send", c, "a line\n") == ""
    assert run("recv", s, raw=True) == b"a line\n"
    assert run("setopts", s, "packet=0") == ""
    assert run("getopts", s, "packet") == "0"
    assert run("shutdown", c, "write") == ""
    run("recv", s, wanted=CLOSED)
    for one in (l, c, s):
        assert run("close", one) == ""


def test_recv_beside_send(room, run):
    """Several invocations at once."""
    socket, peer = pair(room, run, "active=false")
    waiting = room.own(g.Command(room.daemon, "recv", socket))
    g.until(lambda: '"recv":1' in run("-j", "info", socket), "a recv that waits")
    run("send", socket, "a question\n")
    assert peer.read(11) == b"a question\n"
    peer.put(b"an answer\n")
    assert waiting.line() == "an answer"
    assert waiting.end() == (OK, "", "")


def test_accept_pool(room, run):
    l = run("listen", 0, "ip=loopback", "active=false")
    port = int(run("port", l))
    env = {"GENTCP_SESSION": run.session}
    waiting = [room.own(g.Command(room.daemon, "accept", l, **env)) for _ in range(3)]
    g.until(lambda: '"accept":3' in run("-j", "info", l), "three that accept")
    peers = [room.dial(port) for _ in range(3)]
    got = {w.line() for w in waiting}
    assert len(got) == 3 and all(w.end() == (OK, "", "") for w in waiting)
    for n, one in enumerate(sorted(got, key=int)):
        run("send", one, str(n))
    assert sorted(peer.read(1) for peer in peers) == [b"0", b"1", b"2"]


def test_accept_in_time(room, cli, run):
    l = run("listen", 0, "ip=loopback")
    assert run("accept", l, 50, wanted=LATE) == ""
    assert run("-T", "0.05", "accept", l, wanted=LATE) == ""
    peer = room.dial(int(run("port", l)))  # nobody has taken it
    assert run("accept", l, 1000) != "" and peer


def test_active_is_what_was_asked_for(room, run):
    for options, left in ((["active=true"], "true"), ([], "true"), (["active=once"], "once"),
                          (["active=3"], "3"), (["active=false"], "false"),
                          (["active=3", "active=2"], "5"), (["active=true", "active=once"], "once"),
                          (['options={"active":4,"packet":"line"}'], "4"),
                          (['options=["binary",["active","once"]]'], "once")):
        socket, peer = pair(room, run, *options)
        assert run("getopts", socket, "active") == left, options
    listener = room.tcp_listener()
    port = listener.getsockname()[1]
    socket = run("connect", '["127.0.0.1",%d]' % port)
    assert run("getopts", socket, "active") == "true"
    socket = run("connect", '["127.0.0.1",%d,{"active":"once"}]' % port)
    assert run("getopts", socket, "active") == "once"
    socket = run("connect", '{"address":"127.0.0.1","port":%d,"options":[{"active":7}]}' % port)
    assert run("getopts", socket, "active") == "7"
    assert run("connect", "127.0.0.1", port, "options=7", wanted=FAILED) == ""


def test_listeners_of_a_session_are_passive(room, cli, run):
    l = run("listen", 0, "ip=loopback")
    assert run("getopts", l, "active") == "false"
    l = run("listen", 0, "ip=loopback", "active=once")
    assert run("getopts", l, "active") == "once"
    status, out, err = cli("accept", l, GENTCP_SESSION=run.session)
    assert (status, out) == (USAGE, "") and "setopts %s active=false" % l in err
    assert run("accept", "[%s]" % l, wanted=USAGE) == ""
    run("setopts", l, "active=false")
    peer = room.dial(int(run("port", l)))
    peer.put(b"at once")
    peer.sock.close()
    assert run("recv", run("accept", l)) == "at once"


def test_failures(room, run, cli, client):
    status, out, err = cli("connect", "127.0.0.1", 1, "packetline", GENTCP_SESSION=run.session)
    assert (status, out) == (USAGE, "")
    assert "packetline is neither an option, name=value, nor a timeout" in err
    status, out, err = cli("connect", "127.0.0.1", 1, GENTCP_SESSION=run.session)
    assert (status, out) == (FAILED, "") and "econnrefused" in err
    run("accept", room.gone(client), wanted=CLOSED)
