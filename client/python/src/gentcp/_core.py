# SPDX-License-Identifier: ISC
"""One client of the daemon, without I/O: requests, replies, sockets and their mailboxes.

The blocking and the asyncio client both drive this: they write what is in ``outgoing``
and give ``feed`` what they read.  Whoever waits, waits for a ``Wait``.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Dict, List, Mapping, Optional, Sequence, Tuple, Union

from . import errors, events
from ._wire import Decoder, Message, encode, payload

if TYPE_CHECKING:
    from ._kept import Acks

MAILBOX_HIGH = 1 << 20  # bytes from which a socket that floods its mailbox is made passive
MAILBOX_LOW = 1 << 18
EVENT_COST = 256  # what an event counts beside its bytes

#: Methods that open sockets; their replies come before any event of these.
_OPENING = ("gen_tcp.connect", "gen_tcp.listen", "gen_tcp.accept", "gen_tcp.fdopen")


#: What results are, where we look into them.
_RESULTS = {
    "gen_tcp.recv": dict, "inet.getopts": dict, "inet.getstat": dict, "inet.info": dict,
    "inet.sockname": dict, "inet.peername": dict, "session.self": dict, "inet.i": list,
    "session.clients": list, "inet.getaddrs": list, "session.hello": dict,
}


def _check(method: str, result: Any, attachment: Optional[bytes]) -> None:
    """ValueError, KeyError or TypeError where the result is not what it has to be."""
    if not isinstance(result, _RESULTS.get(method, object)):
        raise TypeError("the result is of another type")
    if method == "gen_tcp.recv" and "http" not in result and attachment is None:
        payload(result["data"])
    elif method == "file.sendfile" and type(result["sent"]) is not int:
        raise TypeError("sent is no number")
    elif method == "inet.monitor" and type(result["monitor"]) is not int:
        raise TypeError("monitor is no number")


class Wait:
    """Something that will be done; then it calls who waits for it."""

    __slots__ = ("done", "_waiters")

    def __init__(self) -> None:
        self.done = False
        self._waiters: List[Callable[[], None]] = []

    def on_done(self, call: Callable[[], None]) -> None:
        """call() when it is done: at once, if it is."""
        if self.done:
            call()
        else:
            self._waiters.append(call)

    def forget(self, call: Callable[[], None]) -> None:
        """Takes an on_done() back."""
        if call in self._waiters:
            self._waiters.remove(call)

    def finish(self) -> None:
        """It is done; that it is already is all right."""
        self.done = True
        waiters, self._waiters = self._waiters, []
        for call in waiters:
            call()


class Reply:
    """A success: its result, attached bytes, descriptors (the taker's to close)."""

    __slots__ = ("result", "data", "fds")

    def __init__(self, result: Any, data: Optional[bytes], fds: List[int]) -> None:
        self.result = result
        self.data = data
        self.fds = fds


class Call(Wait):
    """A request that was made; ``late`` takes a reply that nobody waits for any more."""

    __slots__ = ("id", "method", "late", "active", "_reply", "_error")

    def __init__(self, request_id: int, method: str) -> None:
        super().__init__()
        self.id = request_id
        self.method = method
        self.late: Optional[Callable[[Reply], None]] = None
        self.active: Any = None  # of a socket that it opens, whose events come at once
        self._reply: Optional[Reply] = None
        self._error: Optional[errors.Error] = None

    def succeed(self, reply: Reply) -> None:
        self._reply = reply
        self.finish()
        if self.late is not None:
            self.too_late(self.late)

    def too_late(self, late: Optional[Callable[[Reply], None]]) -> None:
        """Its success came, and nobody is there for it but late."""
        assert self._reply is not None
        if late is not None:
            late(self._reply)
        for fd in self._reply.fds:
            os.close(fd)

    def fail(self, error: errors.Error) -> None:
        self._error = error
        self.finish()

    def reply(self) -> Reply:
        """The success, or the error raised."""
        if self._error is not None:
            raise self._error
        assert self._reply is not None, "not done"
        return self._reply

    @property
    def failed(self) -> bool:
        return self._error is not None


class State:
    """What is known of a socket here."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.mailbox: Deque[events.Event] = deque()
        self.size = 0  # of the mailbox, as it counts
        self.coming: Optional[Wait] = None  # who waits for an event
        self.kept: Deque[bytes] = deque()  # of recvs whose callers went away
        self.accepted: Deque[int] = deque()  # the same of accepts
        self.withdrawn: Deque[Call] = deque()  # recvs and accepts that are to be answered yet
        self.active: Any = None  # as far as known; None: not
        self.rearm: Any = None  # what iterating sets again: "once" or a number
        self.paused: Optional[Call] = None  # the getopts that knows what to restore
        self.held = False  # being handed over: nobody takes from the mailbox
        self.owned = True
        self.closed = False  # here, or given away
        self.ended = False  # a recv has told that the peer closed
        self.listens = False  # it was so when the client was attached
        self.doing = 0  # the number of the event that was taken last

    def wake(self) -> None:
        if self.coming is not None and not self.held:
            self.coming.finish()
            self.coming = None

    def put(self, event: events.Event) -> None:
        self.mailbox.append(event)
        self.size += len(event.data) + EVENT_COST
        if event.name == "tcp_passive" or (event.is_packet and self.active == "once"):
            self.active = False
        self.wake()

    def put_back(self, earlier: Sequence[events.Event]) -> None:
        """Events that come before all that are there."""
        self.mailbox.extendleft(reversed(earlier))
        self.size += sum(len(event.data) + EVENT_COST for event in earlier)
        self.wake()

    def take_all(self) -> List[events.Event]:
        taken = list(self.mailbox)
        self.mailbox.clear()
        self.size = 0
        return taken

    def set_active(self, active: Any) -> None:
        """The option was given; numbers add up, and so nothing is sure of them."""
        if active is None:
            return
        self.active = active
        if active == "once" or (isinstance(active, int) and not isinstance(active, bool)):
            self.rearm = active
        else:
            self.rearm = None
        self.paused = None


class Core:
    """A client.  ``wrote`` is called when there is something to write."""

    def __init__(self, wrote: Callable[[], None]) -> None:
        self.outgoing: Deque[Tuple[bytes, Tuple[int, ...]]] = deque()
        self.outgoing_size = 0
        self.states: Dict[int, State] = {}
        self.given: Deque[Tuple[int, int]] = deque()  # sockets from others, and from whom
        self.coming: Optional[Wait] = None  # who waits for one
        self.downs: Dict[int, Wait] = {}
        self.reasons: Dict[int, str] = {}
        self.fds: Deque[int] = deque()
        self.lost: Optional[errors.Lost] = None
        self.acks: Optional[Acks] = None  # of a kept client
        self.attached = False  # sockets may be ours that we have not seen open
        self.ordered: Optional[Wait] = None
        self.last: Optional[State] = None
        self.order: Optional[Deque[State]] = None  # whose events come next, if one asks
        self._decoder = Decoder()
        self._calls: Dict[int, Call] = {}
        self._next_id = 1
        self._wrote = wrote

    # - requests -

    def _write(self, pieces: List[bytes], fds: Tuple[int, ...]) -> None:
        for piece in pieces:
            self.outgoing.append((piece, fds))
            self.outgoing_size += len(piece)
            fds = ()
        self._wrote()

    def wrote(self, count: int) -> None:
        """So many bytes of outgoing were written."""
        self.outgoing_size -= count
        while count > 0:
            piece, _ = self.outgoing.popleft()
            if len(piece) > count:
                self.outgoing.appendleft((piece[count:], ()))
            count -= len(piece)

    def call(self, method: str, params: Mapping[str, Any], data: Optional[bytes] = None,
             fds: Sequence[int] = (), ack: Optional[int] = None) -> Call:
        """Makes a request.  fds stay the caller's, and open until it is answered."""
        if self.lost is not None:
            raise self.lost
        call = Call(self._next_id, method)
        pieces = encode(call.id, method, params, data, len(fds), ack)
        self._next_id += 1
        self._calls[call.id] = call
        self._write(pieces, tuple(fds))
        return call

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """The same without an answer; nothing where the connection is gone."""
        if self.lost is None:
            self._write(encode(None, method, params, None, 0), ())

    def abandon(self, call: Call, late: Optional[Callable[[Reply], None]]) -> None:
        """Nobody waits any more.  With late it is withdrawn; what it may have done until
        then is late's."""
        if call.done and not call.failed:
            call.too_late(late)
        if call.done:
            return
        call.late = late if late is not None else lambda reply: None
        if late is not None:
            self.notify("session.cancel", {"id": call.id})

    # - what comes -

    def feed(self, data: Union[bytes, memoryview], fds: Sequence[int] = ()) -> None:
        """Takes what was read; a fault of the daemon's ends all."""
        if self.lost is not None:
            for fd in fds:
                os.close(fd)
            return
        self.fds.extend(fds)
        try:
            for message in self._decoder.feed(data):
                if "method" in message.value:
                    self._event(message)
                else:
                    self._reply(message)
        except errors.ProtocolError as fault:
            self.end(fault)

    def _take_fds(self, count: int) -> List[int]:
        if count > len(self.fds):
            raise errors.ProtocolError("fewer descriptors came than were announced")
        return [self.fds.popleft() for _ in range(count)]

    def _reply(self, message: Message) -> None:
        value = message.value
        number = value.get("id")
        call = self._calls.pop(number, None) if type(number) is int else None
        if "error" in value and number is None:
            raise errors.ProtocolError("gentcpd cannot read us: %.200r" % (value["error"],))
        if call is None:
            raise errors.ProtocolError("a reply to nothing: %.200r" % (value,))
        try:
            if ("result" in value) == ("error" in value):
                raise ValueError("not one of result and error")
            if "error" in value:
                call.fail(self._error(value["error"], message.attachment))
                return
            fds = self._take_fds(message.fds)
            _check(call.method, value["result"], message.attachment)
            if call.method in _OPENING:
                number = value["result"]["socket"]
                if type(number) is not int or number in self.states:
                    raise ValueError("no new socket")
                self.states[number] = State(number)
                self.states[number].set_active(call.active)
            elif call.method == "inet.monitor":
                self.downs.setdefault(value["result"]["monitor"], Wait())
        except errors.ProtocolError as e:
            call.fail(e)
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as e:
            fault = errors.ProtocolError(f"a broken reply to {call.method}: {e!r}")
            call.fail(fault)
            raise fault from None
        call.succeed(Reply(value["result"], message.attachment, fds))

    @staticmethod
    def _error(value: Any, attachment: Optional[bytes]) -> errors.Error:
        data = value.get("data")
        reason, code = value["message"], value["code"]
        if not isinstance(reason, str) or type(code) is not int \
                or not isinstance(data, (dict, type(None))):
            raise ValueError("no error")
        rest = attachment or b""
        if data and "rest" in data:
            rest = payload(data["rest"])
        return errors.error(reason, code, data, rest)

    def _event(self, message: Message) -> None:
        if message.value["method"] == "taken":
            self.end(errors.Lost("another connection has attached this client"))
            return
        event = events.read(message)
        if event is None:
            return
        if event.seq and self.acks is not None:
            self.acks.came(event.seq)
            if event.name in ("down", "tcp_owner"):
                self.acks.handled(event.seq)
        if event.name == "down":
            self.reasons[event.monitor] = event.reason
            down = self.downs.get(event.monitor)
            if down is None and self.attached:
                return  # asked for by a program that is no more
            if down is None:
                raise errors.ProtocolError("down of no monitor")
            down.finish()
            return
        state = self.states.get(event.socket)
        if state is None and self.attached and event.name != "tcp_owner":
            state = self.states[event.socket] = State(event.socket)
        if event.name == "tcp_owner":
            self._given(event, state)
        elif state is None:
            raise errors.ProtocolError(f"{event.name} of a socket that is none of ours")
        else:
            state.put(event)
            if self.order is not None:
                self.order.append(state)
                if self.ordered is not None:
                    self.ordered.finish()
                    self.ordered = None
            self._pause(state)

    def _given(self, event: events.Event, state: Optional[State]) -> None:
        if state is None:
            self.states[event.socket] = State(event.socket)
        else:
            state.owned = True
        self.given.append((event.socket, event.client))
        if self.coming is not None:
            self.coming.finish()
            self.coming = None

    def _pause(self, state: State) -> None:
        """A mailbox runs over: its socket is made passive, until it is read again."""
        if state.size < MAILBOX_HIGH or state.paused is not None or state.active is False:
            return
        socket = {"socket": state.number}
        state.paused = self.call("inet.getopts", {**socket, "names": ["active"]})
        self.notify("inet.setopts", {**socket, "options": {"active": False}})
        state.paused.on_done(lambda: self._resume(state))

    def _resume(self, state: State) -> None:
        """The mailbox has been read: the socket is as active as it was."""
        paused = state.paused
        if paused is None or not paused.done or state.size > MAILBOX_LOW or state.held:
            return
        state.paused = None
        active = None if paused.failed else paused.reply().result.get("active")
        if active:
            self.notify("inet.setopts",
                        {"socket": state.number, "options": {"active": active}})

    def take(self, state: State,
             order: Optional[Deque[State]] = None) -> Optional[events.Event]:
        """The next event of a socket, or None.  The one before is handled by that.  order
        is what remains so, where events are taken by it."""
        self.done_with(state)
        self.order = order
        if state.held or not state.mailbox:
            return None
        event = state.mailbox.popleft()
        state.doing = event.seq
        state.size -= len(event.data) + EVENT_COST
        self._resume(state)
        return event

    def done_with(self, state: State) -> None:
        if state.doing and self.acks is not None:
            self.acks.handled(state.doing)
        state.doing = 0

    def done_with_last(self) -> None:
        """The same of who takes the events of all sockets."""
        if self.last is not None:
            self.done_with(self.last)
        self.last = None

    def forget(self, number: int) -> None:
        """The socket is closed, or another's: what is left of it here goes."""
        state = self.states.pop(number, None)
        if state is None:
            return
        for accepted in state.accepted:
            self.notify("gen_tcp.close", {"socket": accepted})
            self.states.pop(accepted, None)
        self.done_with(state)
        for event in state.take_all():
            if self.acks is not None and event.seq:
                self.acks.handled(event.seq)
        state.owned = False
        state.closed = True
        state.held = False
        state.wake()

    def end(self, why: errors.Lost) -> None:
        """The connection is gone: all who wait are told."""
        if self.lost is not None:
            return
        self.lost = why
        self.outgoing.clear()
        self.outgoing_size = 0
        while self.fds:
            os.close(self.fds.popleft())
        calls, self._calls = self._calls, {}
        for call in calls.values():
            call.fail(why)
        for state in self.states.values():
            state.held = False
            state.wake()
        for down in self.downs.values():
            down.finish()
        if self.ordered is not None:
            self.ordered.finish()
        if self.coming is not None:
            self.coming.finish()
