# SPDX-License-Identifier: ISC
"""gen_tcp for programs without asyncio: every call waits for its answer.

The same classes as in :mod:`gentcp`, without await.  A :class:`Client` may be used by
several threads at once: none waits for another's answer.

::

    from gentcp import blocking as gentcp

    with gentcp.connect("localhost", 5678, packet="line") as sock:
        sock.send("hello\\n")
        for line in sock:
            print(line)
"""

from __future__ import annotations

import io
import os
import select
import socket as _socket
import threading
import time
from types import TracebackType
from typing import (Any, BinaryIO, Dict, Iterator, List, Mapping, Optional, Sequence, Type,
                    TypeVar, Union)

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
    """A connection to gentcpd: what a process is to Erlang.  It owns the sockets that it
    opens, and they close when it ends."""

    def __init__(self, path: Optional[str] = None, name: str = "python", *,
                 kept: Optional[str] = None, ttl: float = 60.0) -> None:
        """Connects and says hello.  path is the control socket's; None for
        $GENTCPD_SOCKET, or where it is usual.

        kept is a file.  With it the client outlives its connection, by ttl seconds: who
        opens one with the same file, perhaps after a crash, is that client, with its
        sockets (:meth:`restored`), and is told again what was not handled.
        """
        self._kept = kept
        self.path = socket_path(path)
        self._core = Core(lambda: None)
        self._ephemeral = False
        self._buffer = bytearray(READ_SIZE)
        # one thread at a time polls and reads, for all; the others wait to be told
        self._lock = threading.Condition()
        self._polling = False
        self._sock = unix_socket()
        self._waker, self._woken = _socket.socketpair()
        self._woken.setblocking(False)
        self._waker.setblocking(False)
        try:
            self._sock.connect(self.path)
            #: What session.hello answered: the daemon's version and limits.
            self.server: Dict[str, Any] = self._run(ops.hello(self._core, name))
            if kept is not None:
                self.server = self._run(resume(self._core, kept, ttl, self.server))
        except OSError as e:
            self.close()
            if isinstance(e, errors.Error) or e.filename == kept is not None:
                raise
            raise errors.Lost(f"no gentcpd at {self.path}: {e.strerror}") from e

    def close(self) -> None:
        """Ends the client; its sockets close, and what they had queued is still sent."""
        with self._lock:
            if self._core.acks is not None:
                self._core.acks.flush()
                self._flush()
            self._core.end(errors.Lost("the client was closed"))
            self._wake()
            while self._polling:
                self._lock.wait()
            for sock in (self._sock, self._waker, self._woken):
                sock.close()
            self._lock.notify_all()

    @property
    def id(self) -> int:
        """This client's number: what others give sockets to."""
        return int(self.server["client"])

    @property
    def closed(self) -> bool:
        """Is the connection gone?"""
        return self._core.lost is not None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    # - I/O; the lock is held -

    def _wake(self) -> None:
        """Has the thread that polls look again."""
        try:
            self._waker.send(b"x")
        except (BlockingIOError, OSError):
            pass  # it has been told, or is closed

    def _flush(self) -> None:
        try:
            while write_some(self._sock, self._core):
                pass
        except (BlockingIOError, InterruptedError):
            if self._polling:
                self._wake()  # to poll for room, too
        except OSError:
            pass  # what it has still said is read first; then its end

    def _step(self, left: Optional[float]) -> None:
        """Waits for the socket, unlocked meanwhile, and does what it allows."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        poll.register(self._sock, select.POLLIN
                      | (select.POLLOUT if self._core.outgoing else 0))
        self._polling = True
        self._lock.release()
        try:
            ready = poll.poll(None if left is None else max(0, left) * 1000)
        finally:
            self._lock.acquire()
            self._polling = False
            self._lock.notify_all()
        if self._core.lost is not None:
            return
        for fd, mask in ready:
            if fd == self._woken.fileno():
                self._woken.recv(4096)
            elif mask & ~select.POLLOUT:
                try:
                    read_some(self._sock, self._buffer, self._core)
                except (BlockingIOError, InterruptedError):
                    pass
                except errors.Lost as e:
                    self._core.end(e)
        self._flush()

    def _done(self, wait: Wait, deadline: Optional[float]) -> None:
        self._flush()
        while not wait.done:
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise errors.Timeout("timeout", 10002)
            if self._polling:
                self._lock.wait(left)
            else:
                self._step(left)

    def _run(self, operation: ops.Operation[T], timeout: Optional[float] = None) -> T:
        """Carries an operation out; see _operations."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._lock:
            try:
                wait = next(operation)
                while True:
                    try:
                        self._done(wait, deadline)
                    except BaseException as e:
                        try:
                            operation.throw(e)
                        finally:
                            self._flush()
                        raise
                    wait = operation.send(None)
            except StopIteration as end:
                self._flush()
                value: T = end.value
                return value

    # - sockets -

    def connect(self, address: Union[str, Address, Mapping[str, Any]],
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
        reply = self._run(ops.open_socket(self._core, "gen_tcp.connect", {
            "address": address, "port": port, "timeout": milliseconds(timeout)},
            options, more, fd))
        return Socket(self, self._core.states[reply.result["socket"]])

    def listen(self, port: Union[int, str] = 0, options: Optional[Options] = None, *,
               fd: Optional[int] = None, **more: Any) -> Listener:
        """Opens a listener; port 0 for one that is free.  Accepted sockets have its
        options."""
        reply = self._run(ops.open_socket(
            self._core, "gen_tcp.listen", {"port": port}, options, more, fd))
        listener = Listener(self, self._core.states[reply.result["socket"]])
        listener.listening_port = reply.result.get("port", 0)
        return listener

    def fdopen(self, fd: int, options: Optional[Options] = None, **more: Any) -> Socket:
        """Adopts a connected stream socket; fd stays the caller's, to be closed."""
        reply = self._run(ops.open_socket(
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

    def given(self, timeout: Optional[float] = None) -> Socket:
        """The next socket that another client gives to this one by controlling_process;
        its ``given_by`` is that client."""
        number, client = self._run(ops.given(self._core), timeout)
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

    def event(self) -> Event:
        """The next event of any of its sockets, in the order in which they came.  Asking
        for it tells that the one before is handled; or ``send(data, ack=event)`` does, in
        one step with the answer."""
        return self._run(ops.next_event(self._core))

    def forget(self) -> None:
        """The client is kept no longer: it ends with this connection, and so do its
        sockets."""
        if self._kept is not None:
            self._run(forget(self._core, self._kept))

    # - the rest of the protocol -

    def call(self, method: str, params: Union[Mapping[str, Any], Sequence[Any], None] = None,
             data: Optional[bytes] = None, fds: Sequence[int] = ()) -> Any:
        """Any method: its result.  Bytes in params become base64; data is attached, and
        attached data comes back as the result's ``data``."""
        reply = self._run(ops.request(
            self._core, method, as_json(params if params is not None else {}), data, fds))
        if reply.data is not None and isinstance(reply.result, dict):
            return {**reply.result, "data": reply.data}
        for fd in reply.fds:
            os.close(fd)
        return reply.result

    def getaddrs(self, host: str, family: str = "inet") -> List[str]:
        """The addresses of a name."""
        return list(self.call("inet.getaddrs", {"host": host, "family": family}))

    def monitor(self, socket: Union[Socket, int]) -> Monitor:
        """Asks to be told when a socket is gone."""
        number = socket if isinstance(socket, int) else socket.number
        return Monitor(self, self.call("inet.monitor", {"socket": number})["monitor"])

    def sockets(self) -> List[Dict[str, Any]]:
        """What ``inet.i`` says of all sockets that this client may see."""
        return list(self.call("inet.i"))

    def whoami(self) -> Dict[str, Any]:
        """What gentcpd knows of this client: its number, name, uid, pid, sockets."""
        return dict(self.call("session.self"))

    def clients(self) -> List[Dict[str, Any]]:
        """The clients of this user."""
        return list(self.call("session.clients"))

    def discover(self) -> Dict[str, Any]:
        """The OpenRPC document of the daemon."""
        return dict(self.call("rpc.discover"))


class Socket:
    """A socket of the daemon.  Made by :meth:`Client.connect` and its like.

    ``for packet in sock`` gives its packets, as bytes, until the peer closes.  An active
    socket's come from its mailbox; one that was made active ``"once"`` or N times is made
    that again when it has become passive; a passive one is asked for each.
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

    def _ask(self, method: str, **params: Any) -> Any:
        return self.client.call(method, {"socket": self.number, **params})

    # - data -

    def send(self, data: Data, *, ack: Optional[Event] = None) -> None:
        """Sends data as one packet; waits while the socket's queue is full.  With ack, an
        event of a kept client, that is handled and answered in one step."""
        self.client._run(ops.send(self.client._core, self._state, data, ack))

    def recv(self, length: int = 0, timeout: Optional[float] = None) -> bytes:
        """Receives from a passive socket: length bytes, or with 0 what there is, or a
        packet.  Raises Closed where the peer closed; then ``rest`` are its last bytes."""
        return self.client._run(ops.recv(self.client._core, self._state, length, timeout))

    def recv_http(self, timeout: Optional[float] = None) -> http.Packet:
        """Receives a line of HTTP, under ``packet="http"`` and its like."""
        return self.client._run(ops.recv_http(self.client._core, self._state, timeout))

    def unrecv(self, data: Data) -> None:
        """Puts data back, before what is still to be received."""
        self.client._run(ops.request(self.client._core, "gen_tcp.unrecv",
                                     {"socket": self.number}, flatten(data)))

    def sendfile(self, file: Union[int, BinaryIO], offset: int = 0, count: int = 0) -> int:
        """Sends a regular file, from offset on, count bytes of it or with 0 all; how many
        were sent."""
        fd = file if isinstance(file, int) else file.fileno()
        return self.client._run(
            ops.sendfile(self.client._core, self._state, fd, offset, count))

    def event(self, timeout: Optional[float] = None) -> Event:
        """The next message of an active socket, as gen_tcp sends them to its owner."""
        return self.client._run(ops.event(self.client._core, self._state), timeout)

    def _packets(self) -> Iterator[Event]:
        while True:
            packet = self.client._run(ops.next_packet(self.client._core, self._state))
            if packet is None:
                return
            yield packet

    def __iter__(self) -> Iterator[bytes]:
        for packet in self._packets():
            if packet.http is not None:
                raise TypeError("a packet of HTTP: http() gives them")
            yield packet.header + packet.data

    def http(self) -> Iterator[http.Packet]:
        """The lines of HTTP, under ``packet="http"`` and its like, until the peer closes or
        ``packet`` is something else."""
        for packet in self._packets():
            if packet.http is None:
                self._state.put_back([packet])
                return
            yield packet.http

    def makefile(self) -> io.BufferedRWPair:
        """A file for reading and writing raw data; closing it does not close the socket."""
        raw = _Raw(self)
        return io.BufferedRWPair(raw, raw)

    # - options and facts -

    def setopts(self, options: Optional[Options] = None, **more: Any) -> None:
        """Sets options."""
        self.client._run(ops.setopts(self.client._core, self._state, options, more))

    def getopts(self, *names: Any) -> Dict[str, Any]:
        """Options by name; ``{"raw": [protocol, option, size]}`` asks for one of the
        kernel's."""
        return dict(self._ask("inet.getopts", names=list(names)))

    def sockname(self) -> Address:
        """Its own address."""
        return read_address(self._ask("inet.sockname"))

    def peername(self) -> Address:
        """Its peer's address."""
        return read_address(self._ask("inet.peername"))

    def port(self) -> Union[int, str]:
        """Its own port; of a local socket the path."""
        port: Union[int, str] = self._ask("inet.port")
        return port

    def getstat(self, *names: str) -> Dict[str, int]:
        """Counters, all of them or those named."""
        return dict(self._ask("inet.getstat", **({"names": list(names)} if names else {})))

    def info(self) -> Dict[str, Any]:
        """All that gentcpd knows of it."""
        return dict(self._ask("inet.info"))

    def getfd(self) -> int:
        """A duplicate of its descriptor, close-on-exec, for I/O of one's own; the
        caller's to close."""
        reply = self.client._run(
            ops.request(self.client._core, "inet.getfd", {"socket": self.number}))
        return reply.fds[0]

    # - owners and ends -

    def controlling_process(self, client: Union[Client, int]) -> None:
        """Gives the socket to another client, with all that came and was not taken: that
        client gets it all, once and in order, by :meth:`Client.given`."""
        number = client if isinstance(client, int) else client.id
        self.client._run(ops.controlling_process(self.client._core, self._state, number))
        self._last()

    def shutdown(self, how: str = "write") -> None:
        """Closes one direction, ``"read"`` or ``"write"``, or ``"read_write"``."""
        self._ask("gen_tcp.shutdown", how=how)

    def close(self) -> None:
        """Closes it; queued output is still sent."""
        self.client._run(ops.close(self.client._core, self._state))
        self._last()

    def _last(self) -> None:
        if self.client._ephemeral and not self.client._core.states:
            self.client.close()

    def __enter__(self: S) -> S:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], value: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()


class Listener(Socket):
    """A listener.  ``connections()`` accepts, one after the other."""

    #: The port that listen told.
    listening_port = 0

    def accept(self, timeout: Optional[float] = None) -> Socket:
        """Waits for a connection; this client owns its socket."""
        return Socket(self.client, self.client._run(
            ops.accept(self.client._core, self._state, timeout)))

    def connections(self) -> Iterator[Socket]:
        """Accepts until the listener is closed."""
        while True:
            try:
                made = self.accept()
            except errors.Closed:
                return
            yield made


class Monitor:
    """Tells when a socket is gone; see :meth:`Client.monitor`."""

    def __init__(self, client: Client, number: int) -> None:
        self.client = client
        self.number = number

    def wait(self, timeout: Optional[float] = None) -> str:
        """Why it is gone: ``normal``, what it failed of, ``killed`` or ``noproc``."""
        return self.client._run(ops.down(self.client._core, self.number), timeout)

    def cancel(self) -> bool:
        """Takes the monitor back; False where it has told, or is about to."""
        return self.client._run(ops.demonitor(self.client._core, self.number))


class _Raw(io.RawIOBase):
    """A socket as a file without a buffer."""

    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        self._rest = b""

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            try:
                self._rest = self._sock.recv()
            except errors.Closed:
                return 0
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def write(self, data: Any) -> int:
        self._sock.send(bytes(data))
        return len(data)


def _own_client(path: Optional[str]) -> Client:
    client = Client(path)
    client._ephemeral = True
    return client


def connect(address: Union[str, Address, Mapping[str, Any]], port: Union[int, str, None] = None,
            options: Optional[Options] = None, *, timeout: Optional[float] = None,
            path: Optional[str] = None, **more: Any) -> Socket:
    """:meth:`Client.connect` with a client of its own, which ends with the socket."""
    client = _own_client(path)
    try:
        return client.connect(address, port, options, timeout=timeout, **more)
    except BaseException:
        client.close()
        raise


def listen(port: Union[int, str] = 0, options: Optional[Options] = None, *,
           path: Optional[str] = None, **more: Any) -> Listener:
    """:meth:`Client.listen` with a client of its own, which ends with the last of the
    listener and the sockets accepted from it."""
    client = _own_client(path)
    try:
        return client.listen(port, options, **more)
    except BaseException:
        client.close()
        raise
