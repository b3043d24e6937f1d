# SPDX-License-Identifier: ISC
"""The scripts of gentcp-cli(1), run as they stand there, and its examples."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import pytest

import gentcp_test as g

PAGE = pathlib.Path(__file__).resolve().parents[2] / "man" / "gentcp-cli.1"


def blocks(section):
    """The literal blocks of a section, as a reader sees them."""
    text = re.search(r"^\.Sh %s\n(.*?)(?=^\.Sh )" % section, PAGE.read_text(), re.M | re.S)[1]
    found = re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed$", text, re.M | re.S)
    return [block.replace(r"\e", "\\") for block in found]


SCRIPTS = blocks("SCRIPTS")


@pytest.fixture
def sh(own_room, tmp_path):
    """Runs a script in a folder of its own, with a daemon of its own."""
    path = tmp_path / "bin"
    path.mkdir()
    (path / "gentcp-cli").symlink_to(g.gentcp_cli())
    env = dict(os.environ, PATH="%s:%s" % (path, os.environ["PATH"]),
               GENTCPD_SOCKET=own_room.daemon.path)
    env.pop("GENTCP_SESSION", None)

    def run(script):
        file = tmp_path / "script"
        file.write_text(script)
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(["sh", file], env=env, cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=6 * g.DEADLINE)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    return run


def test_script_of_readme(own_room, tmp_path):
    """It serves lines until it is ended; the port is a free one."""
    readme = (PAGE.parents[1] / "README").read_text()
    (script,) = re.findall(r"^```sh\n(.*?)^```$", readme, re.M | re.S)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "gentcp-cli").symlink_to(g.gentcp_cli())
    env = dict(os.environ, PATH="%s:%s" % (tmp_path, os.environ["PATH"]),
               GENTCPD_SOCKET=own_room.daemon.path)
    env.pop("GENTCP_SESSION", None)
    server = subprocess.Popen(["sh", "-c", script.replace("5678", str(port))], env=env,
                              stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        client = own_room.client()
        g.until(lambda: client.call("inet.i"), "a listener")
        for name in (b"one", b"two"):
            peer = own_room.dial(port)
            for word in (b"hello", name):
                peer.put(word + b"\n")
                assert peer.read(11 + len(word)) == b"you said: " + word + b"\n"
            peer.half_close()
            assert peer.read_end() == b""
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    # nobody ended the session: it would live for a day
    (kept,) = [c for c in client.call("session.clients") if c["keep"]]
    assert kept["keep"]["ttl"] == 24 * 3600 * 1000
    client.call("gen_tcp.close", {"socket": kept["sockets"][0]})


def test_there_are_scripts():
    assert len(SCRIPTS) == 6 and all(s.startswith("#!/bin/sh\n") for s in SCRIPTS[::2])


@pytest.mark.parametrize("script, printed", zip(SCRIPTS[::2], SCRIPTS[1::2]),
                         ids=["seed", "accept_pool", "hand_over"])
def test_script(sh, own_room, script, printed):
    status, out, err = sh(script)
    # the session's number depends on how often the test asked whether gentcpd is there
    out = re.sub(r"(?<= from )\d+$", "1", out, flags=re.M)
    assert (status, out, err) == (0, printed, "")
    # nothing is left: the session has ended, and its sockets are closed
    client = own_room.client()
    assert client.call("inet.i") == []
    g.until(lambda: [c["client"] for c in client.call("session.clients")]
            == [client.call("session.self")["client"]], "no session")
