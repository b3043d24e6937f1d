# SPDX-License-Identifier: ISC
"""The blocking API: what the conformance script does not say."""

import os
import signal
import threading
import time

import gentcp as aio
import pytest
from gentcp import blocking as gentcp

pytestmark = pytest.mark.usefixtures("daemon")


def pair(client, **options):
    with client.listen(ip="loopback", **options) as listener:
        made = client.connect("127.0.0.1", listener.listening_port)
        return made, listener.accept(timeout=10)


def test_first_program():
    with gentcp.listen(ip="loopback", packet="line", active=5) as listener:
        def echo():
            with listener.accept() as sock:
                for line in sock:
                    sock.send(line)

        server = threading.Thread(target=echo)
        server.start()
        with gentcp.connect("localhost", listener.listening_port, packet="line") as sock:
            for i in range(100):
                sock.send("line %d\n" % i)
                assert sock.recv(timeout=10) == b"line %d\n" % i
        server.join(20)
    assert sock.client.closed and listener.client.closed


def test_threads_share_a_client():
    with gentcp.Client() as client:
        pairs = [pair(client, packet=4) for _ in range(10)]
        for made, _ in pairs:
            made.setopts(packet=4)
        wrong = []

        def echo(sock):
            for packet in sock:
                sock.send(packet)

        def talk(sock, number):
            for i in range(50):
                sock.send(b"%d %d" % (number, i))
                if sock.recv(timeout=20) != b"%d %d" % (number, i):
                    wrong.append((number, i))
            sock.close()

        for _, taken in pairs:
            taken.setopts(packet=4)
        threads = [threading.Thread(target=echo, args=(t,)) for _, t in pairs]
        threads += [threading.Thread(target=talk, args=(m, n)) for n, (m, _) in enumerate(pairs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert not wrong and not any(t.is_alive() for t in threads)


def test_a_large_send_while_the_daemon_has_much_to_say():
    """Both directions full: who does not read while it writes would stand still."""
    with gentcp.Client() as client:
        made, taken = pair(client, active=True, packet=4)
        made.setopts(packet=4)
        data = os.urandom(4 << 20)
        senders = [threading.Thread(target=made.send, args=(data,)) for _ in range(8)]
        for sender in senders:
            sender.start()
        for _ in range(8):
            assert taken.event(timeout=20).data == data
        for sender in senders:
            sender.join(20)


def test_control_c_loses_nothing():
    with gentcp.Client() as client:
        made, taken = pair(client, packet="line")

        def interrupt(*_):
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            for i in range(5):
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                with pytest.raises(KeyboardInterrupt):
                    taken.recv()
                made.send("%d\n" % i)
                assert taken.recv(timeout=10) == b"%d\n" % i
        finally:
            signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("active", ["once", 3])
def test_packets_that_come_with_the_reply_to_accept(active):
    """The socket is passive again before accept returns."""
    with gentcp.Client() as client:
        listener = client.listen(ip="loopback", packet="line", active=active)
        for _ in range(30):
            made = client.connect("127.0.0.1", listener.listening_port)
            made.send("1\n2\n3\n4\n5\n")
            made.close()
            assert list(listener.accept(timeout=10)) == [b"%d\n" % i for i in range(1, 6)]


def test_a_file():
    with gentcp.Client() as client:
        made, taken = pair(client)
        with made.makefile() as out, taken.makefile() as file:
            out.write(b"one\ntwo\n")
            out.flush()
            assert file.readline() == b"one\n"
            assert file.readline() == b"two\n"
            made.shutdown()
            assert file.read() == b""


def test_given_across_clients():
    with gentcp.Client() as a, gentcp.Client() as b:
        made, sock = pair(a, packet="line", active=True)
        made.send("1\n2\n")
        assert sock.event(timeout=10).data == b"1\n"
        sock.controlling_process(b)
        got = b.given(timeout=10)
        assert got.given_by == a.id
        made.send("3\n")
        assert [got.event(timeout=10).data for _ in range(2)] == [b"2\n", b"3\n"]


def test_timeouts_are_neither_early_nor_late():
    with gentcp.Client() as client:
        _, taken = pair(client)
        for wait in (taken.recv, taken.event, client.given):
            began = time.monotonic()
            with pytest.raises(aio.Timeout):
                wait(timeout=0.1)
            assert 0.1 <= time.monotonic() - began < 5


def test_the_end_of_the_client_ends_those_who_wait():
    client = gentcp.Client()
    _, taken = pair(client)
    told = []

    def wait():
        try:
            taken.recv()
        except aio.Lost:
            told.append(1)

    threads = [threading.Thread(target=wait) for _ in range(1)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    client.close()
    for thread in threads:
        thread.join(10)
    assert told == [1]
