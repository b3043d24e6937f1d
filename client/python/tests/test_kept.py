# SPDX-License-Identifier: ISC
"""Programs that are killed and started again, and whose peers notice nothing."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import threading

import gentcp
import pytest
from gentcp import blocking
from helper import run

pytestmark = pytest.mark.usefixtures("daemon")

SERVER = """
import asyncio, sys, gentcp

async def main(kept):
    client = await gentcp.Client(kept=kept, ttl=30).open()
    listeners = [s for s in client.restored() if isinstance(s, gentcp.Listener)]
    if not listeners:
        listeners = [await client.listen(ip="loopback", packet="line", active=20,
                                         reuseaddr=True, backlog=200)]
    async def accept():
        while True:
            await listeners[0].accept()
    accepting = asyncio.ensure_future(accept())
    print(await listeners[0].port(), client.resumed, flush=True)
    while True:
        event = await client.event()
        sock = client.socket(event.socket)
        if event.name == "tcp":
            await sock.send(event.data.upper(), ack=event)
        elif event.name == "tcp_passive":
            await sock.setopts(active=20)
        elif event.name == "tcp_closed":
            await sock.close()

asyncio.run(main(sys.argv[1]))
"""
PEERS, LINES, KILLS = 100, 30, 4


class Server:
    """The program above, which is killed again and again."""

    def __init__(self, kept):
        self.kept = kept
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-c", SERVER, self.kept],
                                        stdout=subprocess.PIPE, text=True)
        port, resumed = self.process.stdout.readline().split()
        return int(port), resumed == "True"

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


def test_a_server_killed_under_a_hundred_connections(tmp_path):
    server = Server(str(tmp_path / "kept"))
    server.kill()
    port, resumed = server.start()
    assert resumed
    wrong, lines = [], threading.Semaphore(0)

    def peer(number):
        with socket.create_connection(("127.0.0.1", port), 20) as sock:
            file = sock.makefile("rwb")
            for i in range(LINES):
                file.write(b"peer %d line %d\n" % (number, i))
                file.flush()
                if file.readline() != b"PEER %d LINE %d\n" % (number, i):
                    wrong.append((number, i))
                    return
                lines.release()

    peers = [threading.Thread(target=peer, args=(n,), daemon=True) for n in range(PEERS)]
    for thread in peers:
        thread.start()
    for _ in range(KILLS):
        for _ in range(PEERS * LINES // (KILLS + 1)):
            assert lines.acquire(timeout=20), wrong
        server.kill()
        assert server.start() == (port, True)
    for thread in peers:
        thread.join(30)
    server.kill()
    assert not wrong and not any(t.is_alive() for t in peers)
    with blocking.Client(kept=str(tmp_path / "kept")) as client:
        assert client.resumed
        client.forget()


@run
async def test_resuming(tmp_path):
    kept = str(tmp_path / "kept")
    async with gentcp.Client(kept=kept) as first:
        assert not first.resumed
        number = first.id
        listener = await first.listen(ip="loopback", packet="line", active=True)
        peer = await gentcp.connect("127.0.0.1", listener.listening_port, packet="line")
        await listener.accept()
        await peer.send("1\n2\n")
        event = await first.event()
        assert event.data == b"1\n" and event.seq == 1
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
    await peer.send("3\n")
    async with gentcp.Client(kept=kept) as second:
        assert second.resumed and second.id == number
        restored = second.restored()
        assert [type(s) for s in restored] == [gentcp.Listener, gentcp.Socket]
        # the first was not handled: nobody had asked for another
        for line in (b"1\n", b"2\n", b"3\n"):
            assert (await restored[1].event(timeout=10)).data == line
        await restored[1].send("answer\n")
        assert await peer.recv(timeout=10) == b"answer\n"
        await second.forget()
        assert not os.path.exists(kept)
    with pytest.raises(gentcp.Closed):
        await peer.recv(timeout=10)
    await peer.close()


@run
async def test_acknowledged_by_asking_for_the_next(tmp_path):
    kept = str(tmp_path / "kept")
    async with gentcp.Client(kept=kept) as first:
        listener = await first.listen(ip="loopback", packet=2, active=100)
        peer = await gentcp.connect("127.0.0.1", listener.listening_port, packet=2)
        sock = await listener.accept()
        for i in range(500):
            await peer.send(b"%d" % i)
        got = 0
        async for packet in sock:
            assert packet == b"%d" % got
            got += 1
            if got == 300:
                break
        await first.whoami()
    async with gentcp.Client(kept=kept) as second:
        sock = second.restored()[1]
        first_again = int(await sock.__aiter__().__anext__())
        assert 300 - 64 <= first_again <= 299  # no more than is acknowledged at once
        async for packet in sock:
            if int(packet) == 499:
                break
        await second.forget()
    await peer.close()


@run
async def test_who_is_thrown_out_hears_why(tmp_path):
    kept = str(tmp_path / "kept")
    async with gentcp.Client(kept=kept) as first:
        listener = await first.listen(ip="loopback")
        accepting = asyncio.ensure_future(listener.accept())
        await first.whoami()
        async with gentcp.Client(kept=kept) as second:
            assert second.resumed and second.id == first.id
            with pytest.raises(gentcp.Lost, match="another connection has attached this client"):
                await accepting
            await second.forget()


@run
async def test_a_client_that_is_no_more(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text('{"client": 4711, "token": "5c0f"}')
    async with gentcp.Client(kept=str(kept)) as client:
        assert not client.resumed and client.restored() == []
        await client.forget()
    for broken in ("", "[]", '{"client": 1}', "{"):
        kept.write_text(broken)
        with pytest.raises(ValueError, match="no file of a kept client"):
            await gentcp.Client(kept=str(kept)).open()


def test_where_the_file_cannot_be(tmp_path):
    with pytest.raises(OSError):
        blocking.Client(kept=str(tmp_path / "nowhere" / "kept"))
