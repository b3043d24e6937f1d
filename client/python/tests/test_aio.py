# SPDX-License-Identifier: ISC
"""The asyncio API: what the conformance script does not say."""

import asyncio
import os

import gentcp
import pytest
from gentcp import http
from helper import pair, run

pytestmark = pytest.mark.usefixtures("daemon")
MB = 1 << 20


@run
async def test_first_program():
    async with await gentcp.listen(ip="loopback", packet="line", active="once") as listener:
        async def echo():
            async for sock in listener.connections():
                async with sock:
                    async for line in sock:
                        await sock.send(line)

        server = asyncio.ensure_future(echo())
        async with await gentcp.connect("localhost", listener.listening_port,
                                        packet="line") as sock:
            for i in range(100):
                await sock.send("line %d\n" % i)
            for i in range(100):
                assert await sock.recv(timeout=10) == b"line %d\n" % i
    await server
    assert sock.client.closed and listener.client.closed


@pytest.mark.parametrize("active", [False, "once", 1, 7, True])
@run
async def test_iterating(active):
    async with gentcp.Client() as client:
        made, taken = await pair(client, packet=2, active=active)

        async def say():
            for i in range(300):
                await made.send(str(i))
            await made.close()

        await made.setopts(packet=2)
        saying = asyncio.ensure_future(say())
        assert [int(packet) async for packet in taken] == list(range(300))
        await saying
        assert [packet async for packet in taken] == []


@run
async def test_iterating_tells_of_bytes_that_are_no_packet():
    async with gentcp.Client() as client:
        made, taken = await pair(client, packet=4)
        await made.send(b"\0\0\0\x09half")
        await made.close()
        with pytest.raises(gentcp.Closed) as told:
            async for _ in taken:
                pass
        assert told.value.rest == b"\0\0\0\x09half"


@run
async def test_iterating_over_http():
    async with gentcp.Client() as client:
        made, taken = await pair(client, packet="http", active="once")
        await made.send("GET / HTTP/1.1\r\nHost: me\r\n\r\nbody")
        seen = []
        async for packet in taken.http():
            seen.append(packet)
            if packet == http.EndOfHeaders():
                break
        assert seen[0] == http.Request("GET", http.Uri("abs_path", "/"), (1, 1))
        await taken.setopts(packet="raw", active=False)
        assert await taken.recv(4, timeout=10) == b"body"


@run
async def test_a_cancelled_recv_loses_nothing():
    """At whatever moment: before it is sent, while it waits, when its answer is here."""
    async with gentcp.Client() as client:
        made, taken = await pair(client, packet="line")
        got, sent = [], 0
        for turn in range(300):
            task = asyncio.ensure_future(taken.recv())
            await asyncio.sleep(0 if turn % 3 else 0.0005)
            if turn % 2:
                sending = asyncio.ensure_future(made.send("%d\n" % sent))
                sent += 1
                for _ in range(turn % 7):
                    await asyncio.sleep(0)
                task.cancel()
                await sending
            else:
                task.cancel()
            try:
                got.append(await task)
            except asyncio.CancelledError:
                pass
        while len(got) < sent:
            got.append(await taken.recv(timeout=10))
        assert got == [b"%d\n" % i for i in range(sent)]


@run
async def test_a_cancelled_recv_of_raw_bytes():
    async with gentcp.Client() as client:
        made, taken = await pair(client)
        got = b""
        for turn in range(200):
            task = asyncio.ensure_future(taken.recv(3 if turn % 2 else 0))
            sending = asyncio.ensure_future(made.send(b"%04d" % turn))
            for _ in range(turn % 9):
                await asyncio.sleep(0)
            task.cancel()
            await sending
            try:
                got += await task
            except asyncio.CancelledError:
                pass
        await made.close()
        try:
            while True:
                got += await taken.recv(5 if len(got) % 2 else 0, timeout=10)
        except gentcp.Closed as end:
            got += end.rest
        assert got == b"".join(b"%04d" % i for i in range(200))


@run
async def test_a_cancelled_accept_loses_no_connection():
    async with gentcp.Client() as client:
        listener = await client.listen(ip="loopback")
        for turn in range(40):
            task = asyncio.ensure_future(listener.accept())
            for _ in range(turn % 5):
                await asyncio.sleep(0)
            connecting = asyncio.ensure_future(
                client.connect("127.0.0.1", listener.listening_port))
            await asyncio.sleep(0.002 if turn % 2 else 0)
            task.cancel()
            try:
                taken = await task
            except asyncio.CancelledError:
                taken = await listener.accept(timeout=10)
            await (await connecting).close()
            await taken.close()
        await listener.close()


@run
async def test_a_cancelled_connect_leaves_no_socket():
    async with gentcp.Client() as client:
        listener = await client.listen(ip="loopback")
        for turn in range(20):
            task = asyncio.ensure_future(client.connect("127.0.0.1", listener.listening_port))
            for _ in range(turn % 6):
                await asyncio.sleep(0)
            task.cancel()
            try:
                await (await task).close()
            except asyncio.CancelledError:
                pass
        assert (await client.whoami())["sockets"] == [listener.number]


@run
async def test_timeouts():
    async with gentcp.Client() as client:
        _, taken = await pair(client)
        for wait in (taken.recv(timeout=0.02), client.given(timeout=0.02),
                     taken.event(timeout=0.02)):
            with pytest.raises(gentcp.Timeout) as told:
                await wait
            assert isinstance(told.value, TimeoutError) and told.value.reason == "timeout"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(taken.recv(), 0.02)


@run
async def test_a_timeout_loses_nothing():
    async with gentcp.Client() as client:
        made, taken = await pair(client, packet="line", active=True)
        got, sent = [], 0
        while sent < 200:
            if sent % 2:
                await asyncio.sleep(0.001)
            sending = asyncio.ensure_future(made.send("%d\n" % sent))
            sent += 1
            try:
                got.append((await taken.event(timeout=0.0002 * (sent % 5))).data)
            except gentcp.Timeout:
                pass
            await sending
        while len(got) < sent:
            got.append((await taken.event(timeout=10)).data)
        assert got == [b"%d\n" % i for i in range(sent)]


@run
async def test_many_calls_at_once():
    async with gentcp.Client() as client:
        pairs = [await pair(client, packet=4) for _ in range(50)]
        for made, _ in pairs:
            await made.setopts(packet=4)

        async def talk(made, taken, number):
            for i in range(20):
                text = b"%d %d" % (number, i)
                received = asyncio.ensure_future(taken.recv(timeout=20))
                await made.send(text)
                assert await received == text

        await asyncio.gather(*(talk(m, t, n) for n, (m, t) in enumerate(pairs)))


@run
async def test_a_slow_consumer_slows_its_peer_alone():
    """60 MB to one socket that nobody reads, which is active: little of it is kept, the
    others go on, and all of it comes when it is read."""
    async with gentcp.Client() as sender, gentcp.Client() as client:
        listener = await client.listen(ip="loopback", active=True)
        made = await sender.connect("127.0.0.1", listener.listening_port)
        taken = await listener.accept()
        chunk = os.urandom(MB)

        async def say():
            for _ in range(60):
                await made.send(chunk)
            await made.close()

        saying = asyncio.ensure_future(say())
        while taken._state.paused is None:
            await asyncio.sleep(0.01)
        other = await client.connect("127.0.0.1", listener.listening_port)
        third = await listener.accept()
        await other.send(b"fine")
        assert (await third.event(timeout=10)).data == b"fine"
        assert taken._state.size < 8 * MB and not saying.done()
        size = 0
        async for data in taken:
            at = size % MB
            assert data == (chunk + chunk)[at:at + len(data)]
            size += len(data)
        assert size == 60 * MB
        await saying


@run
async def test_descriptors(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100000)
    async with gentcp.Client() as client:
        made, taken = await pair(client)
        with open(tmp_path / "file", "rb") as file:
            sending = asyncio.ensure_future(made.sendfile(file, 1000))
            assert await taken.recv(99000, timeout=10) == b"x" * 99000
            assert await sending == 99000
        fd = await made.getfd()
        try:
            assert not os.get_inheritable(fd)
            os.write(fd, b"by hand")
            assert await taken.recv(7, timeout=10) == b"by hand"
        finally:
            os.close(fd)


@run
async def test_monitors():
    async with gentcp.Client() as client, gentcp.Client() as other:
        made, taken = await pair(client)
        monitor = await other.monitor(made.number)
        waiting = asyncio.ensure_future(monitor.wait())
        await asyncio.sleep(0)
        await made.close()
        assert await waiting == "normal"
        assert await monitor.wait() == "normal"
        assert not await monitor.cancel()
        second = await other.monitor(taken.number)
        assert await second.cancel()


@run
async def test_what_came_is_handed_over():
    """A stream through three owners, each of which takes some: every packet once."""
    async with gentcp.Client() as a, gentcp.Client() as b, gentcp.Client() as c:
        made, sock = await pair(a, packet=2, active=True)
        await made.setopts(packet=2)

        async def say():
            for i in range(3000):
                await made.send(b"%d" % i)
            await made.close()

        saying = asyncio.ensure_future(say())
        got, owners = [], [b, c, a]
        for turn in range(60):
            for _ in range(turn % 50):
                got.append((await sock.event(timeout=10)).data)
            to = owners[turn % 3]
            giving = asyncio.ensure_future(sock.controlling_process(to))
            sock = await to.given(timeout=10)
            await giving
        while True:
            event = await sock.event(timeout=10)
            if event.name == "tcp_closed":
                break
            got.append(event.data)
        assert got == [b"%d" % i for i in range(3000)]
        await saying


@run
async def test_a_failed_hand_over_changes_nothing():
    async with gentcp.Client() as client:
        made, sock = await pair(client, packet="line", active=True)
        await made.send("1\n2\n")
        while len(sock._state.mailbox) < 2:
            await asyncio.sleep(0.001)
        with pytest.raises(gentcp.BadArgument):
            await sock.controlling_process(4711)
        await made.send("3\n")
        assert [(await sock.event(timeout=10)).data for _ in range(3)] == [b"1\n", b"2\n", b"3\n"]
        assert await sock.getopts("active") == {"active": True}


@run
async def test_a_cancelled_hand_over_is_one_or_the_other():
    async with gentcp.Client() as a, gentcp.Client() as b:
        for turn in range(30):
            made, sock = await pair(a, packet="line", active=True)
            await made.send("1\n")
            task = asyncio.ensure_future(sock.controlling_process(b))
            for _ in range(turn % 8):
                await asyncio.sleep(0)
            if turn % 3 == 0:
                await asyncio.sleep(0.001)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            mine = sock.number in (await a.whoami())["sockets"]
            owner = sock if mine else await b.given(timeout=10)
            await made.send("2\n")
            assert [(await owner.event(timeout=10)).data for _ in range(2)] == [b"1\n", b"2\n"]
            await owner.close()
            await made.close()


@run
async def test_streams():
    async def shout(reader, writer):
        while True:
            line = await reader.readline()
            if not line:
                break
            writer.write(line.upper())
            await writer.drain()

    async with await gentcp.start_server(shout, ip="loopback") as server:
        reader, writer = await gentcp.open_connection("127.0.0.1", server.port)
        assert writer.get_extra_info("peername") == ("127.0.0.1", server.port)
        for i in range(50):
            writer.write(b"line %d\n" % i)
            assert await reader.readline() == b"LINE %d\n" % i
        writer.write(b"the end")
        writer.write_eof()
        assert await reader.read() == b"THE END"
        writer.close()
        await writer.wait_closed()


@run
async def test_a_stream_that_nobody_reads_is_bounded():
    async def flood(reader, writer):
        try:
            for _ in range(200):
                writer.write(b"x" * 65536)
                await writer.drain()
        except gentcp.Error:
            pass

    async with await gentcp.start_server(flood, ip="loopback") as server:
        reader, writer = await gentcp.open_connection("127.0.0.1", server.port, limit=4096)
        await asyncio.sleep(0.3)
        assert len(reader._buffer) < 4 * MB
        assert len(await reader.readexactly(200 * 65536)) == 200 * 65536
        writer.close()
        await writer.wait_closed()


@run
async def test_the_end_of_the_client_ends_all():
    client = await gentcp.Client().open()
    _, taken = await pair(client)
    waits = [asyncio.ensure_future(w) for w in (taken.recv(), client.given(), taken.event())]
    await asyncio.sleep(0.01)
    await client.close()
    for wait in waits:
        with pytest.raises(gentcp.Lost):
            await wait
    with pytest.raises(gentcp.Lost):
        await taken.send(b"x")
    await taken.close()  # which it is


@run
async def test_large_data():
    async with gentcp.Client() as client:
        made, taken = await pair(client, packet=4)
        await made.setopts(packet=4)
        data = os.urandom(20 * MB)
        sending = asyncio.ensure_future(made.send(data))
        assert await taken.recv(timeout=20) == data
        await sending
