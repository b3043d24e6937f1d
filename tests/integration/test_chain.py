# SPDX-License-Identifier: ISC
"""A connection goes through programs in four languages."""

import contextlib
import pathlib
import socket
import struct
import subprocess
import threading

import gentcp_test as g

LINKS = pathlib.Path(__file__).resolve().parent / "chain"
PROGRAM = pathlib.Path(g.gentcp_cli()).parents[1] / "tests/integration/chain/link"
EACH, BYTES = 500, 100
LANGUAGES = ["Erlang", "Python", "Node", "C"]


def frame(data):
    return struct.pack(">I", len(data)) + data


def packet(number):
    return b"%0*d" % (BYTES, number)


@contextlib.contextmanager
def started(languages, *argv):
    """A program of the chain, and the number that it says; it has to end well."""
    process = subprocess.Popen(
        [str(a) for a in argv], env=languages.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline().split()[1])
        assert process.wait(g.DEADLINE) == 0, argv
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()


def test_each_packet_once_and_in_order(room, languages):
    with contextlib.ExitStack() as stack:
        def start(*argv):
            return stack.enter_context(started(languages, *argv))

        last = start(PROGRAM)
        third = start(languages.node, LINKS / "link.js", EACH, last)
        second = start(languages.python, LINKS / "link.py", EACH, third)
        port = start(languages.escript, LINKS / "link.escript", EACH, second)
        peer = room.own(socket.create_connection(("127.0.0.1", port), g.DEADLINE))
        stream = b"".join(frame(packet(n)) for n in range(EACH * len(LANGUAGES)))
        # all at once: whoever has the socket has got packets that are others' to echo
        writer = threading.Thread(target=peer.sendall, args=(stream,))
        writer.start()
        answers = room.own(peer.makefile("rb"))
        for n in range(EACH * len(LANGUAGES)):
            wanted = LANGUAGES[n // EACH].encode() + b" " + packet(n)
            assert answers.read(len(wanted) + 4) == frame(wanted)
        writer.join(g.DEADLINE)
        answers.close()
        peer.close()
