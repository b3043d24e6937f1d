# SPDX-License-Identifier: ISC
"""asyncio's StreamReader and StreamWriter on a socket of gentcpd, for raw data."""

from __future__ import annotations

import asyncio
from typing import Any, Awaitable, Callable, Optional, Set, Tuple

from . import errors
from ._core import Call
from .aio import Listener, Socket, connect, listen

LIMIT = 1 << 16  # as asyncio's
HIGH = 1 << 16  # bytes on their way to gentcpd from which drain() waits
PACKETS = 32  # that are asked for at a time

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Transport(asyncio.Transport):
    """What a protocol of asyncio writes to, and is fed by."""

    def __init__(self, sock: Socket, protocol: asyncio.Protocol, extra: Any) -> None:
        super().__init__(extra)
        self._sock = sock
        self._protocol = protocol
        self._core = sock.client._core
        self._resumed = asyncio.Event()
        self._resumed.set()
        self._unanswered = 0
        self._full = False
        self._closing = False
        self._eof = False
        self._low, self._high = HIGH // 4, HIGH
        self._error: Optional[BaseException] = None
        self._quiet = asyncio.Event()  # nothing is unanswered
        self._quiet.set()
        protocol.connection_made(self)
        self._reader = asyncio.ensure_future(self._read())
        self._closer: Optional[asyncio.Future[None]] = None

    # - reading -

    async def _read(self) -> None:
        try:
            async for data in self._sock:
                self._protocol.data_received(data)
                await self._resumed.wait()
            if not self._protocol.eof_received():
                self.close()
        except errors.Error as e:
            self._fail(e)

    def pause_reading(self) -> None:
        self._resumed.clear()

    def resume_reading(self) -> None:
        self._resumed.set()

    def is_reading(self) -> bool:
        return self._resumed.is_set() and not self._closing

    # - writing -

    def write(self, data: Any) -> None:
        if self._closing or self._eof:
            raise RuntimeError("the transport is closing")
        if not data:
            return
        size = len(data)
        try:
            call = self._core.call("gen_tcp.send", {"socket": self._sock.number}, bytes(data))
        except errors.Lost as e:
            self._fail(e)
            return
        self._unanswered += size
        self._quiet.clear()
        call.on_done(lambda: self._sent(call, size))
        if self._unanswered > self._high and not self._full:
            self._full = True
            self._protocol.pause_writing()

    def _sent(self, call: Call, size: int) -> None:
        self._unanswered -= size
        if self._unanswered == 0:
            self._quiet.set()
        if call.failed:
            try:
                call.reply()
            except errors.Error as e:
                self._fail(e)
        if self._full and self._unanswered <= self._low:
            self._full = False
            self._protocol.resume_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._eof:
            self._eof = True
            self._core.notify("gen_tcp.shutdown", {"socket": self._sock.number, "how": "write"})

    def get_write_buffer_size(self) -> int:
        return self._unanswered

    def get_write_buffer_limits(self) -> Tuple[int, int]:
        return self._low, self._high

    def set_write_buffer_limits(self, high: Optional[int] = None,
                                low: Optional[int] = None) -> None:
        self._high = high if high is not None else 4 * low if low is not None else HIGH
        self._low = low if low is not None else self._high // 4

    # - the end -

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._closer = asyncio.ensure_future(self._close())

    def abort(self) -> None:
        """Throws away what is queued; the peer gets a reset."""
        self._core.notify("inet.setopts",
                          {"socket": self._sock.number, "options": {"linger": [True, 0]}})
        self._quiet.set()
        self.close()

    def _fail(self, error: BaseException) -> None:
        if self._error is None:
            self._error = error
        self.close()

    async def _close(self) -> None:
        if self._error is None:
            await self._quiet.wait()
        if self._reader is not asyncio.current_task():
            self._reader.cancel()
        try:
            await self._sock.close()
        except errors.Error:
            pass
        error = self._error if isinstance(self._error, Exception) else None
        self._protocol.connection_lost(error)


async def streams(sock: Socket, limit: int = LIMIT) -> Tuple[asyncio.StreamReader,
                                                            asyncio.StreamWriter]:
    """A reader and a writer for a socket, which is theirs from now on.

    The reader's limit is what it buffers; beyond it the peer is slowed down.  The socket
    is set to ``packet`` raw, to stay when its peer has closed, and to be active some
    packets at a time.
    """
    loop = asyncio.get_running_loop()
    own, peer = await sock.sockname(), await sock.peername()
    await sock.setopts(packet="raw", exit_on_close=False, active=PACKETS)
    reader = asyncio.StreamReader(limit, loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = Transport(sock, protocol, {"socket": sock, "sockname": own[:2], "peername": peer[:2]})
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


async def open_connection(address: Any, port: Any = None, *, limit: int = LIMIT,
                          **options: Any) -> Tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """asyncio.open_connection, by way of gentcpd."""
    return await streams(await connect(address, port, **options), limit)


class Server:
    """What start_server made: a listener, and the tasks of its connections."""

    def __init__(self, listener: Listener, handler: Handler, limit: int) -> None:
        self.listener = listener
        self._handler = handler
        self._limit = limit
        self._tasks: Set[asyncio.Task[None]] = set()
        self._acceptor = asyncio.ensure_future(self._accept())

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.listener.listening_port

    async def _accept(self) -> None:
        async for sock in self.listener.connections():
            task = asyncio.ensure_future(self._serve(sock))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, sock: Socket) -> None:
        try:
            reader, writer = await streams(sock, self._limit)
        except errors.Error:  # the peer is gone already
            await sock.close()
            return
        try:
            await self._handler(reader, writer)
        finally:
            writer.close()

    async def serve_forever(self) -> None:
        """Until it is cancelled or the listener closed."""
        await self._acceptor

    async def close(self) -> None:
        """No new connection; those that are there go on until their handlers end."""
        await self.listener.close()
        await asyncio.wait([self._acceptor])

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(self, *ended: Any) -> None:
        await self.close()


async def start_server(handler: Handler, port: Any = 0, *, limit: int = LIMIT,
                       **options: Any) -> Server:
    """asyncio.start_server, by way of gentcpd: handler(reader, writer) for each
    connection."""
    options.setdefault("exit_on_close", False)
    return Server(await listen(port, **options), handler, limit)
