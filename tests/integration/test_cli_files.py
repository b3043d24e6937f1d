# SPDX-License-Identifier: ISC
"""gentcp-cli where descriptors travel: sendfile in the shell, getfd."""

import gentcp_test as g

OK, FAILED, USAGE, LOST = 0, 1, 2, 3


def test_sendfile_in_the_shell(room, cli, tmp_path):
    listener = room.tcp_listener()
    file = tmp_path / "a file"
    file.write_bytes(b"0123456789")
    script = (
        "s = connect 127.0.0.1 %d\n" % listener.getsockname()[1]
        + 'sendfile $s "%s"\n' % file
        + 'sendfile $s "%s" 7\n' % file
        + 'sendfile $s file="%s" offset=2 bytes=3\n' % file
        + 'sendfile $s "%s" 0 1 &\nwait\n' % file
        + "close $s\n"
    )
    status, out, err = cli("shell", input=script)
    assert (status, err) == (OK, ""), (out, err)
    sent = [line for line in out.splitlines() if "sent" in line]
    assert [line.split("=")[-1] for line in sent] == ["10", "3", "3", "1"], out
    peer = g.Peer(room.own(listener.accept()[0]))
    assert peer.read_end() == b"0123456789" b"789" b"234" b"0"


def test_sendfile_that_fails(room, cli, client, tmp_path):
    number, _ = room.pair(client)
    file = tmp_path / "file"
    file.write_bytes(b"x")
    status, out, err = cli("call", "sendfile", number, file)
    assert (status, out) == (FAILED, "") and err.startswith("gentcp-cli: sendfile: not_owner\n")
    assert "sockets tells who" in err
    status, out, err = cli("call", "sendfile", number, tmp_path / "none")
    assert (status, out) == (USAGE, "") and "No such file" in err
    status, out, err = cli("call", "sendfile", number)
    assert (status, out) == (USAGE, "") and "file is missing" in err
    status, out, err = cli("call", "sendfile", number, file, 0, 0, 0)
    assert (status, out) == (USAGE, "")
    status, out, err = cli("help", "sendfile")
    assert status == OK and out.startswith("sendfile socket file [offset] [bytes]\n")


def test_getfd_runs_a_command(room, cli, client):
    number, peer = room.pair(client)
    peer.put(b"a question\n")
    script = 'read line; echo "answer to $line"; echo aside >&2'
    status, out, err = cli("getfd", number, "sh", "-c", script)
    assert (status, out, err) == (OK, "", "aside\n")
    assert peer.read(21) == b"answer to a question\n"
    # the socket is still the client's, and does not block the daemon
    recv = client.start_recv(number)
    client.send(number, b"from the daemon")
    assert peer.read(15) == b"from the daemon"
    assert client.waiting(recv)
    peer.send(b"!")
    assert client.received(recv) == b"!"


def test_getfd_that_fails(room, cli, client):
    number, _ = room.pair(client)
    for args in ([], [number], ["x", "true"], ["-1", "true"], ["1x", "true"]):
        status, out, err = cli("getfd", *args)
        assert (status, out) == (USAGE, "") and err
    status, out, err = cli("getfd", room.gone(client), "true")
    assert (status, out, err) == (FAILED, "", "gentcp-cli: getfd: einval\n")
    status, out, err = cli("getfd", number, "/no/such/command")
    assert (status, out) == (FAILED, "") and "/no/such/command: No such file" in err
    assert cli("getfd", number, "sh", "-c", "exit 7")[0] == 7
    status, out, err = cli("call", "getfd", number)
    assert (status, out) == (USAGE, "") and "gentcp-cli getfd" in err
    status, out, err = cli("help", "getfd")
    assert status == OK and out.startswith("getfd socket COMMAND...\n")
