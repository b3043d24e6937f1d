# SPDX-License-Identifier: ISC
"""gentcp-cli: methods as commands; data from files and standard input; pipe --listen."""

import hashlib
import json
import re
import threading

import pytest

import gentcp_test as g
from gentcp_test import MB

OK, FAILED, USAGE, LOST, LATE, CLOSED = 0, 1, 2, 3, 4, 5


# --- bare output --------------------------------------------------------------


def test_output_is_bare(room, cli, client):
    number, peer = room.pair(client, {"active": False})
    assert cli("send", number, "Some Data") == (OK, "", "")
    assert peer.read(9) == b"Some Data"
    peer.put(b"a\0\xff\n")
    assert cli("recv", number, raw=True) == (OK, b"a\0\xff\n", "")
    peer.put(b"12345")
    assert cli("recv", number, 3, raw=True) == (OK, b"123", "")
    assert cli("recv", number, "timeout=1000", raw=True) == (OK, b"45", "")
    assert cli("getopts", number, "packet") == (OK, "0\n", "")
    assert cli("getopts", number, "packet", "active") == (OK, "packet=0\nactive=false\n", "")
    assert cli("getstat", number, "send_oct") == (OK, "9\n", "")
    assert cli("setopts", number, "packet=line") == (OK, "", "")
    assert cli("port", number) == (OK, "%d\n" % peer.sock.getpeername()[1], "")
    assert cli("peername", number) == (OK, "127.0.0.1 %d\n" % peer.sock.getsockname()[1], "")
    assert cli("unrecv", number, "a line\n") == (OK, "", "")
    assert cli("recv", number, 0) == (OK, "a line\n", "")
    assert cli("shutdown", number, "write") == (OK, "", "")
    assert cli("close", number) == (OK, "", "")
    assert cli("close", number)[0] in (OK, CLOSED)
    assert peer.read_end() == b""


def test_output_as_json(room, cli, client):
    number, peer = room.pair(client, {"active": False})
    assert cli("-j", "send", number, "x") == (OK, '"ok"\n', "")
    peer.put(b"\xff")
    status, out, err = cli("-j", "recv", number)
    assert json.loads(out) == {"data": {"base64": "/w=="}}
    status, out, err = cli("-j", "getopts", number, "packet")
    assert json.loads(out) == {"packet": 0}


def test_http_packets_are_json(room, cli, client):
    number, peer = room.pair(client, {"active": False, "packet": "http"})
    peer.put(b"GET / HTTP/1.0\r\n\r\n")
    status, out, err = cli("recv", number)
    assert status == OK and json.loads(out)["method"] == "GET"


def test_a_header_comes_first(room, cli, client):
    number, peer = room.pair(client, {"active": False, "header": 2})
    peer.put(b"abcd")
    assert cli("recv", number, 4) == (OK, "abcd", "")


def test_the_rest_of_a_last_line(room, cli, client):
    number, peer = room.pair(client, {"active": False, "packet": "line"})
    peer.put(b"one\ntwo")
    peer.sock.close()
    assert cli("recv", number) == (OK, "one\n", "")
    status, out, err = cli("recv", number)
    assert (status, out) == (CLOSED, "two")
    assert "closed" in err


def test_timeouts(room, cli, client):
    number, peer = room.pair(client, {"active": False})
    status, out, err = cli("recv", number, 0, 50)
    assert (status, out, err) == (LATE, "", "gentcp-cli: recv: timeout\n")
    status, out, err = cli("-T", "0.05", "recv", number)
    assert (status, out, err) == (LATE, "", "gentcp-cli: recv: no reply within 0.05 s\n")
    peer.put(b"still there")  # nothing that waited takes it
    assert cli("recv", number) == (OK, "still there", "")


def test_verbs_that_make_no_sense(cli):
    for verb in ("hello", "cancel", "cancel_monitor"):
        status, out, err = cli(verb, 1)
        assert (status, out) == (USAGE, "") and "gentcp-cli shell" in err


def test_without_a_session(cli):
    for args in (["connect", "localhost", 1], ["listen", 0], ["accept", 1],
                 ["gen_tcp.connect", "localhost", 1]):
        for env in ({"GENTCP_SESSION": ""}, {"GENTCP_SESSION": "x"},
                    {"GENTCP_SESSION": "12"}):
            status, out, err = cli(*args, **env)
            assert (status, out) == (USAGE, "") and 'eval "$(gentcp-cli session)"' in err


# --- data of any size -----------------------------------------------------------


class Sink:
    """Reads a peer to its end, beside the test: how much, and its digest."""

    def __init__(self, peer):
        self.peer, self.digest, self.count = peer, hashlib.sha256(), 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        self.peer.sock.settimeout(6 * g.DEADLINE)
        while True:
            data = self.peer.sock.recv(MB)
            if not data:
                return
            self.count += len(data)
            self.digest.update(data)

    def end(self):
        self.thread.join()
        return self.count, self.digest.hexdigest()


@pytest.mark.parametrize("size", [0, 1, MB, 3 * MB + 17, 80 * MB])
def test_a_file(room, cli, client, tmp_path, size):
    size = size if size < 4 * MB else max(65 * MB, g.scaled(size))
    data = g.pattern(size) if size else b""
    file = tmp_path / "file"
    file.write_bytes(data)
    number, peer = room.pair(client, {"active": False})
    sink = Sink(peer)
    assert cli("send", number, "-f", file) == (OK, "", "")
    with open(file, "rb") as stdin:
        assert cli("send", number, input=stdin) == (OK, "", "")
    assert cli("send", number, "-", input=data) == (OK, "", "")
    client.call("gen_tcp.close", {"socket": number})
    assert sink.end() == (3 * size, hashlib.sha256(data * 3).hexdigest())


def test_a_file_as_one_packet(room, cli, client, tmp_path):
    file = tmp_path / "file"
    number, peer = room.pair(client, {"active": False, "packet": 4})
    file.write_bytes(b"x" * 100000)
    assert cli("send", number, "-f", file) == (OK, "", "")
    assert peer.read(4) == (100000).to_bytes(4, "big") and peer.read(100000) == b"x" * 100000
    assert cli("send", number, "-", input="") == (OK, "", "")
    assert peer.read(4) == bytes(4)
    client.call("inet.setopts", {"socket": number, "options": {"packet": 1}})
    status, out, err = cli("send", number, "-f", file)
    assert (status, out) == (FAILED, "")
    client.call("inet.setopts", {"socket": number, "options": {"packet": 4}})
    with open(file, "wb") as f:
        f.truncate(64 * MB + 1)
    status, out, err = cli("send", number, "-f", file)
    assert (status, out) == (USAGE, "")
    assert "67108864" in err and "max_attachment" in err and "packet=0" in err
    assert cli("send", number, "end") == (OK, "", "")
    assert peer.read(7) == b"\0\0\0\3end"


def test_lines_go_as_they_are(room, cli, client):
    number, peer = room.pair(client, {"active": False, "packet": "line"})
    assert cli("send", number, input="one\ntwo\n") == (OK, "", "")
    assert peer.read(8) == b"one\ntwo\n"


def test_unrecv_of_a_file(room, cli, client, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"back\0")
    number, peer = room.pair(client, {"active": False})
    assert cli("unrecv", number, "-f", file) == (OK, "", "")
    assert cli("recv", number, raw=True) == (OK, b"back\0", "")


def test_files_that_fail(room, cli, client, tmp_path):
    number, peer = room.pair(client, {"active": False})
    status, out, err = cli("send", number, "-f", tmp_path / "none")
    assert (status, out) == (USAGE, "") and "No such file" in err
    status, out, err = cli("send", number, "-f", tmp_path)
    assert (status, out) == (FAILED, "") and "directory" in err
    status, out, err = cli("send", room.gone(client), "-f", "/dev/null")
    assert (status, out) == (CLOSED, "")
    assert cli("send", "x", "-f", "/dev/null")[0] == USAGE
    assert cli("send", number, "-f")[0] == OK  # that is data
    assert peer.read(2) == b"-f"


def test_a_file_in_call_and_in_the_shell(room, cli, client, tmp_path):
    file = tmp_path / "a file"
    file.write_bytes(b"\0\xff")
    number, peer = room.pair(client, {"active": False})
    assert cli("call", "send", number, "-f", file) == (OK, "ok\n", "")
    assert peer.read(2) == b"\0\xff"
    script = 'send %d -f "%s"\nsend %d -f "%s.none"\n' % (number, file, number, file)
    status, out, err = cli("shell", input=script)
    assert (status, out) == (USAGE, "ok\n") and "No such file" in err
    assert peer.read(2) == b"\0\xff"
    assert cli("call", "send", number, "-") == (OK, "ok\n", "")
    assert peer.read(1) == b"-"


# --- pipe --listen ----------------------------------------------------------------


def listening(room, *args):
    """A pipe --listen and the port that it told of."""
    pipe = room.own(g.Command(room.daemon, "pipe", "--listen", 0, "ip=loopback", *args))
    line = pipe.process.stderr.readline().decode()
    found = re.fullmatch(r"gentcp-cli: listening on port (\d+)\n", line)
    assert found, line
    return pipe, int(found[1])


def test_pipe_listens(room):
    pipe, port = listening(room)
    peer = room.dial(port)
    peer.put(b"a question\n")
    assert pipe.line() == "a question"
    pipe.say("an answer")
    assert peer.read(10) == b"an answer\n"
    with pytest.raises(OSError):  # nobody else may call
        room.dial(port)
    peer.sock.shutdown(1)
    assert pipe.end() == (OK, "", "")
    assert peer.read_end() == b""


def test_two_pipes(room):
    """The one end and the other."""
    pipe, port = listening(room)
    other = room.own(g.Command(room.daemon, "pipe", "127.0.0.1", port))
    other.say("to the listener")
    assert pipe.line() == "to the listener"
    pipe.say("back")
    assert other.line() == "back"
    pipe.process.stdin.close()
    assert other.end() == (OK, "", "")
    assert pipe.process.wait(g.DEADLINE) == OK


@pytest.mark.parametrize("args", [["--listen"], ["--listen", "x y"], ["--listen", 0, "fly"]])
def test_pipe_listen_usage(cli, args):
    status, out, err = cli("pipe", *args)
    assert status in (USAGE, FAILED) and out == "" and err


def test_pipe_listen_in_time(cli):
    status, out, err = cli("-T", "0.1", "pipe", "--listen", 0, "ip=loopback")
    assert (status, out) == (LATE, "")
