# SPDX-License-Identifier: ISC
"""gen_tcp for asyncio.

A :class:`Client` is to gentcpd what a process is to Erlang: it owns the sockets that it
opens, and they close when it ends.  :func:`connect` and :func:`listen` make one of their
own, which ends with its last socket.

All timeouts are seconds, None for no end.  A task that is cancelled while it waits
withdraws its request, and loses nothing: what came for it is for the next one.
"""

from __future__ import annotations

import asyncio
import os
import socket as _socket
import time
from types import TracebackType
from typing import (Any, AsyncIterator, BinaryIO, Dict, List, Mapping,
                    Optional, Sequence, Tuple, Type, TypeVar, Union)

from . import _operations as ops
from . import errors, http
from ._addresses import Address, read as read_address
from ._core import Core, State, Wait
from ._kept import forget, resume
from ._transport import READ_SIZE, read_some, socket_path, unix_socket, write_some
from ._wire import Data, Options, as_json, flatten, milliseconds
from .events import Event

T = TypeVar("T")
S = TypeVar("S", bound="Socket")

class Client:
    """A connection to gentcpd, in one event loop.

    ::

        async with gentcp.Client() as client:
            sock = await client.connect("localhost", 5678, packet="line")
    """

    def __init__(self, path: Optional[str] = None, name: str = "python", *,
                 kept: Optional[str] = None, ttl: float = 60.0) -> None:
        """path is the control socket's; None for $GENTCPD_SOCKET, or where it is usual.

        kept is a file.  With it the client outlives its connection, by ttl seconds: who
        opens one with the same file, perhaps after a crash, is that client, with its
        sockets (:meth:`restored`), and is told again what was not handled.
        """
        self._kept, self._ttl = kept, ttl
        self.path = socket_path(path)
        self.name = name
        #: What session.hello answered: the daemon's version and limits.
        self.server: Dict[str, Any] = {}
        self._core = Core(self._wrote)
        self._sock: Optional[_socket.socket] = None
        self._buffer = bytearray(READ_SIZE)
        self._flushing = False  # is a write due, at once or when there is room?
        self._ephemeral = False
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    # - the connection -

    async def open(self) -> Client:
        """Connects, and says hello.  ``async with`` does it, too."""
        if self._sock is not None:
            return self
        self._loop = asyncio.get_running_loop()
        sock = unix_socket()
        try:
            await self._loop.sock_connect(sock, self.path)
        except OSError as e:
            sock.close()
            raise errors.Lost(f"no gentcpd at {self.path}: {e.strerror}") from e
        except BaseException:
            sock.close()
            raise
        self._sock = sock
        self._loop.add_reader(sock.fileno(), self._readable)
        try:
            self.server = await self._run(ops.hello(self._core, self.name))
            if self._kept is not None:
                self.server = await self._run(
                    resume(self._core, self._kept, self._ttl, self.server))
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """Ends the client; its sockets close, and what they had queued is still sent."""
        if self._core.acks is not None:
            self._core.acks.flush()
            self._flush()
        self._end(errors.Lost("the client was closed"))

    @property
    def id(self) -> int:
        """This client's number: what others give sockets to."""
        return int(self.server["client"])

    @property
    def closed(self) -> bool:
        """Is the connection gone?"""
        return self._core.lost is not None

    async def __aenter__(self) -> Client:
        return await self.open()

    async def __aexit__(self, kind: Optional[Type[BaseException]],
                        value: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        await self.close()

    def _end(self, why: errors.Lost) -> None:
        if self._sock is not None and self._loop is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._sock.fileno())
                self._loop.remove_writer(self._sock.fileno())
            self._sock.close()
            self._sock = None
        self._core.end(why)

    def _readable(self) -> None:
        assert self._sock is not None
        try:
            read_some(self._sock, self._buffer, self._core)
        except (BlockingIOError, InterruptedError):
            return
        except errors.Lost as e:
            self._end(e)
        if self._core.lost is not None:
            self._end(self._core.lost)

    def _wrote(self) -> None:
        """Requests of one turn of the loop go out at its end, at once."""
        if not self._flushing and self._loop is not None:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        if self._sock is None or self._loop is None:
            return
        try:
            while write_some(self._sock, self._core):
                pass
        except (BlockingIOError, InterruptedError):
            self._flushing = True
            self._loop.add_writer(self._sock.fileno(), self._flush)
            return
        except OSError:
            pass  # what it has still said is read first; then its end
        self._loop.remove_writer(self._sock.fileno())

    async def _run(self, operation: ops.Operation[T], timeout: Optional[float] = None) -> T:
        """Carries an operation out; see _operations."""
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            wait = next(operation)
            while True:
                try:
                    await self._done(wait, deadline)
                except BaseException as e:
                    operation.throw(e)
                    raise
                wait = operation.send(None)
        except StopIteration as end:
            value: T = end.value
            return value

    async def _done(self, wait: Wait, deadline: Optional[float]) -> None:
        """Not by wait_for: what is done when the time is over is not to be lost."""
        if wait.done:
            return
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        timer = None

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        wait.on_done(wake)
        if deadline is not None:
            timer = loop.call_later(max(0, deadline - time.monotonic()), wake)
        try:
            await future
        finally:
            wait.forget(wake)
            if timer is not None:
                timer.cancel()
        if not wait.done:
            raise errors.Timeout("timeout", 10002)

    # - sockets -

    async def connect(self, address: Union[str, Address, Mapping[str, Any]],
                      port: Union[int, str, None] = None, options: Optional[Options] = None, *,
                      timeout: Optional[float] = None, fd: Optional[int] = None,
                      **more: Any) -> Socket:
        """Opens a connection, of which this client is the owner.

        address is a name, a number, ``{"local": path}``, a sockaddr, or what ``sockname``
        told.  Options are gen_tcp's, as a mapping, as a list, or as keywords; a socket is
        passive unless ``active`` is given.  fd, if given, is a socket to be connected; it
        stays the caller's.
        """
        if isinstance(address, Address):
            address = address.as_sockaddr()
        reply = await self._run(ops.open_socket(self._core, "gen_tcp.connect", {
            "address": address, "port": port, "timeout": milliseconds(timeout)},
            options, more, fd))
        return Socket(self, self._core.states[reply.result["socket"]])

    async def listen(self, port: Union[int, str] = 0, options: Optional[Options] = None, *,
                     fd: Optional[int] = None, **more: Any) -> Listener:
        """Opens a listener; port 0 for one that is free.  Accepted sockets have its
        options."""
        reply = await self._run(ops.open_socket(
            self._core, "gen_tcp.listen", {"port": port}, options, more, fd))
        listener = Listener(self, self._core.states[reply.result["socket"]])
        listener.listening_port = reply.result.get("port", 0)
        return listener

    async def fdopen(self, fd: int, options: Optional[Options] = None, **more: Any) -> Socket:
        """Adopts a connected stream socket; fd stays the caller's, to be closed."""
        reply = await self._run(ops.open_socket(
            self._core, "gen_tcp.fdopen", {}, options, more, fd))
        return Socket(self, self._core.states[reply.result["socket"]])

    def socket(self, number: int) -> Socket:
        """A socket by its number: this client's, or another's of the same user."""
        state = self._core.states.get(number)
        if state is None:
            state = State(number)
            state.owned = False
        return Socket(self, state)

    def listener(self, number: int) -> Listener:
        """The same of a listener: several clients may accept from one."""
        return Listener(self, self.socket(number)._state)

    async def given(self, timeout: Optional[float] = None) -> Socket:
        """The next socket that another client gives to this one by controlling_process;
        its ``given_by`` is that client."""
        number, client = await self._run(ops.given(self._core), timeout)
        made = Socket(self, self._core.states.get(number) or State(number))
        made.given_by = client
        return made

    # - kept clients -

    @property
    def resumed(self) -> bool:
        """Is it one that was there before?"""
        return self.server.get("resumed") is True

    def restored(self) -> List[Socket]:
        """The sockets of a client that was resumed, listeners as Listener."""
        return [Listener(self, state) if state.listens else Socket(self, state)
                for _, state in sorted(self._core.states.items())]

    async def event(self) -> Event:
        """The next event of any of its sockets, in the order in which they came.  Asking
        for it tells that the one before is handled; or ``send(data, ack=event)`` does, in
        one step with the answer."""
        return await self._run(ops.next_event(self._core))

    async def forget(self) -> None:
        """The client is kept no longer: it ends with this connection, and so do its
        sockets."""
        if self._kept is not None:
            await self._run(forget(self._core, self._kept))

    # - the rest of the protocol -

    async def call(self, method: str, params: Union[Mapping[str, Any], Sequence[Any], None] = None,
                   data: Optional[bytes] = None, fds: Sequence[int] = ()) -> Any:
        """Any method: its result.  Bytes in params become base64; data is attached, and
        attached data comes back as the result's ``data``."""
        reply = await self._run(ops.request(
            self._core, method, as_json(params if params is not None else {}), data, fds))
        if reply.data is not None and isinstance(reply.result, dict):
            return {**reply.result, "data": reply.data}
        for fd in reply.fds:
            os.close(fd)
        return reply.result

    async def getaddrs(self, host: str, family: str = "inet") -> List[str]:
        """The addresses of a name."""
        call = self._core.call("inet.getaddrs", {"host": host, "family": family})
        reply = await self._run(ops.wait_for(self._core, call, lambda reply: None))
        return list(reply.result)

    async def monitor(self, socket: Union[Socket, int]) -> Monitor:
        """Asks to be told when a socket is gone."""
        number = socket if isinstance(socket, int) else socket.number
        result = await self.call("inet.monitor", {"socket": number})
        return Monitor(self, result["monitor"])

    async def sockets(self) -> List[Dict[str, Any]]:
        """What ``inet.i`` says of all sockets that this client may see."""
        return list(await self.call("inet.i"))

    async def whoami(self) -> Dict[str, Any]:
        """What gentcpd knows of this client: its number, name, uid, pid, sockets."""
        return dict(await self.call("session.self"))

    async def clients(self) -> List[Dict[str, Any]]:
        """The clients of this user."""
        return list(await self.call("session.clients"))

    async def discover(self) -> Dict[str, Any]:
        """The OpenRPC document of the daemon."""
        return dict(await self.call("rpc.discover"))


class Socket:
    """A socket of the daemon.  Made by :meth:`Client.connect` and its like.

    ``async for packet in sock`` gives its packets, as bytes, until the peer closes.  An
    active socket's come from its mailbox; one that was made active ``"once"`` or N times
    is made that again when it has become passive; a passive one is asked for each.
    """

    def __init__(self, client: Client, state: State) -> None:
        self.client = client
        #: The client that gave it, where one did.
        self.given_by = 0
        self._state = state

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.number}>"

    @property
    def number(self) -> int:
        """Its number, by which all clients know it."""
        return self._state.number

    async def _run(self, operation: ops.Operation[T]) -> T:
        return await self.client._run(operation)

    async def _ask(self, method: str, **params: Any) -> Any:
        return await self.client.call(method, {"socket": self.number, **params})

    # - data -

    async def send(self, data: Data, *, ack: Optional[Event] = None) -> None:
        """Sends data as one packet; waits while the socket's queue is full.  With ack, an
        event of a kept client, that is handled and answered in one step."""
        await self._run(ops.send(self.client._core, self._state, data, ack))

    async def recv(self, length: int = 0, timeout: Optional[float] = None) -> bytes:
        """Receives from a passive socket: length bytes, or with 0 what there is, or a
        packet.  Raises Closed where the peer closed; then ``rest`` are its last bytes."""
        return await self._run(ops.recv(self.client._core, self._state, length, timeout))

    async def recv_http(self, timeout: Optional[float] = None) -> http.Packet:
        """Receives a line of HTTP, under ``packet="http"`` and its like."""
        return await self._run(ops.recv_http(self.client._core, self._state, timeout))

    async def unrecv(self, data: Data) -> None:
        """Puts data back, before what is still to be received."""
        await self._run(ops.request(self.client._core, "gen_tcp.unrecv",
                                    {"socket": self.number}, flatten(data)))

    async def sendfile(self, file: Union[int, BinaryIO], offset: int = 0, count: int = 0) -> int:
        """Sends a regular file, from offset on, count bytes of it or with 0 all; how many
        were sent."""
        fd = file if isinstance(file, int) else file.fileno()
        return await self._run(
            ops.sendfile(self.client._core, self._state, fd, offset, count))

    async def event(self, timeout: Optional[float] = None) -> Event:
        """The next message of an active socket, as gen_tcp sends them to its owner."""
        return await self.client._run(ops.event(self.client._core, self._state), timeout)

    async def _packets(self) -> AsyncIterator[Event]:
        while True:
            packet = await self._run(ops.next_packet(self.client._core, self._state))
            if packet is None:
                return
            yield packet

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for packet in self._packets():
            if packet.http is not None:
                raise TypeError("a packet of HTTP: http() gives them")
            yield packet.header + packet.data

    async def http(self) -> AsyncIterator[http.Packet]:
        """The lines of HTTP, under ``packet="http"`` and its like, until the peer closes or
        ``packet`` is something else."""
        async for packet in self._packets():
            if packet.http is None:
                self._state.put_back([packet])
                return
            yield packet.http

    # - options and facts -

    async def setopts(self, options: Optional[Options] = None, **more: Any) -> None:
        """Sets options."""
        await self._run(ops.setopts(self.client._core, self._state, options, more))

    async def getopts(self, *names: Any) -> Dict[str, Any]:
        """Options by name; ``{"raw": [protocol, option, size]}`` asks for one of the
        kernel's."""
        return dict(await self._ask("inet.getopts", names=list(names)))

    async def sockname(self) -> Address:
        """Its own address."""
        return read_address(await self._ask("inet.sockname"))

    async def peername(self) -> Address:
        """Its peer's address."""
        return read_address(await self._ask("inet.peername"))

    async def port(self) -> Union[int, str]:
        """Its own port; of a local socket the path."""
        port: Union[int, str] = await self._ask("inet.port")
        return port

    async def getstat(self, *names: str) -> Dict[str, int]:
        """Counters, all of them or those named."""
        return dict(await self._ask("inet.getstat", **({"names": list(names)} if names else {})))

    async def info(self) -> Dict[str, Any]:
        """All that gentcpd knows of it."""
        return dict(await self._ask("inet.info"))

    async def getfd(self) -> int:
        """A duplicate of its descriptor, close-on-exec, for I/O of one's own; the
        caller's to close."""
        reply = await self._run(
            ops.request(self.client._core, "inet.getfd", {"socket": self.number}))
        return reply.fds[0]

    # - owners and ends -

    async def controlling_process(self, client: Union[Client, int]) -> None:
        """Gives the socket to another client, with all that came and was not taken: that
        client gets it all, once and in order, by :meth:`Client.given`."""
        number = client if isinstance(client, int) else client.id
        await self._run(
            ops.controlling_process(self.client._core, self._state, number))
        await self._last()

    async def shutdown(self, how: str = "write") -> None:
        """Closes one direction, ``"read"`` or ``"write"``, or ``"read_write"``."""
        await self._ask("gen_tcp.shutdown", how=how)

    async def close(self) -> None:
        """Closes it; queued output is still sent."""
        await self._run(ops.close(self.client._core, self._state))
        await self._last()

    async def _last(self) -> None:
        if self.client._ephemeral and not self.client._core.states:
            await self.client.close()

    async def __aenter__(self: S) -> S:
        return self

    async def __aexit__(self, kind: Optional[Type[BaseException]],
                        value: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        await self.close()


class Listener(Socket):
    """A listener.  ``async for sock in listener.connections()`` accepts."""

    #: The port that listen told.
    listening_port = 0

    async def accept(self, timeout: Optional[float] = None) -> Socket:
        """Waits for a connection; this client owns its socket."""
        return Socket(self.client, await self._run(
            ops.accept(self.client._core, self._state, timeout)))

    async def connections(self) -> AsyncIterator[Socket]:
        """Accepts until the listener is closed."""
        while True:
            try:
                yield await self.accept()
            except errors.Closed:
                return


class Monitor:
    """Tells when a socket is gone; see :meth:`Client.monitor`."""

    def __init__(self, client: Client, number: int) -> None:
        self.client = client
        self.number = number

    async def wait(self, timeout: Optional[float] = None) -> str:
        """Why it is gone: ``normal``, what it failed of, ``killed`` or ``noproc``."""
        return await self.client._run(ops.down(self.client._core, self.number), timeout)

    async def cancel(self) -> bool:
        """Takes the monitor back; False where it has told, or is about to."""
        return await self.client._run(ops.demonitor(self.client._core, self.number))


async def _own_client(path: Optional[str]) -> Client:
    client = Client(path)
    client._ephemeral = True
    return await client.open()


async def connect(address: Union[str, Address, Mapping[str, Any]],
                  port: Union[int, str, None] = None, options: Optional[Options] = None, *,
                  timeout: Optional[float] = None, path: Optional[str] = None,
                  **more: Any) -> Socket:
    """:meth:`Client.connect` with a client of its own, which ends with the socket."""
    client = await _own_client(path)
    try:
        return await client.connect(address, port, options, timeout=timeout, **more)
    except BaseException:
        await client.close()
        raise


async def listen(port: Union[int, str] = 0, options: Optional[Options] = None, *,
                 path: Optional[str] = None, **more: Any) -> Listener:
    """:meth:`Client.listen` with a client of its own, which ends with the last of the
    listener and the sockets accepted from it."""
    client = await _own_client(path)
    try:
        return await client.listen(port, options, **more)
    except BaseException:
        await client.close()
        raise
