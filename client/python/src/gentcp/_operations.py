# SPDX-License-Identifier: ISC
"""What a program may do with a client and its sockets, once for both APIs.

An operation is a generator: it yields each Wait that it needs done, and returns its
result.  Whoever runs it throws into it what interrupts it (a cancelled task, Control-C);
it then withdraws what it asked for, such that nothing is lost.
"""

from __future__ import annotations

from collections import deque
from typing import Any, Callable, Dict, Generator, List, Mapping, Optional, Sequence, TypeVar

from . import errors, events, http
from ._core import Call, Core, Reply, State, Wait
from ._wire import Data, Options, as_json, as_options, flatten, milliseconds, payload

T = TypeVar("T")
Operation = Generator[Wait, None, T]


def wait_for(core: Core, call: Call,
             late: Optional[Callable[[Reply], None]] = None) -> Operation[Reply]:
    """Waits for a call.  With late it is withdrawn when that is interrupted."""
    try:
        while not call.done:
            yield call
    except BaseException:
        core.abandon(call, late)
        raise
    return call.reply()


def request(core: Core, method: str, params: Mapping[str, Any], data: Optional[bytes] = None,
            fds: Sequence[int] = ()) -> Operation[Reply]:
    """Any request and its reply."""
    return (yield from wait_for(core, core.call(method, params, data, fds)))


def _wait_withdrawing(core: Core, state: State, call: Call,
                      late: Callable[[Reply], None]) -> Operation[Reply]:
    """The same for a recv or accept, whose fate the next one waits for."""
    try:
        return (yield from wait_for(core, call, late))
    except errors.Lost:
        if state.closed:  # and with it its client, which was its own
            raise errors.Closed("closed", 10001) from None
        raise
    finally:
        if not call.done:
            state.withdrawn.append(call)


def _settle(state: State) -> Operation[None]:
    """Waits for what was withdrawn: what it got comes before all that is asked now."""
    while state.withdrawn:
        if state.withdrawn[0].done:
            state.withdrawn.popleft()
        else:
            yield state.withdrawn[0]


def hello(core: Core, name: str) -> Operation[Dict[str, Any]]:
    """Introduces the client: from now on bytes are attached, both ways."""
    reply = yield from request(core, "session.hello", {
        "client": name, "protocol": 1, "data": "attached", "attachments": True})
    if not isinstance(reply.result, dict) or type(reply.result.get("client")) is not int:
        fault = errors.ProtocolError("a broken reply to session.hello")
        core.end(fault)
        raise fault
    return reply.result


# --- opening ----------------------------------------------------------------------------


def _active(options: Any) -> Any:
    """The value of active that options end with, or None."""
    found = None
    for option in options.items() if isinstance(options, dict) else options:
        if isinstance(option, dict):
            option = next(iter(option.items()), (None, None))
        if isinstance(option, (list, tuple)) and len(option) == 2 and option[0] == "active":
            found = option[1]
    return found


def _with_defaults(options: Optional[Options], more: Mapping[str, Any]) -> Any:
    """Options as JSON; a socket is passive unless it is said."""
    made = as_options(options, more)
    if _active(made) is None:
        if isinstance(made, dict):
            return {"active": False, **made}
        made.insert(0, {"active": False})
    return made


def _close_late(core: Core) -> Callable[[Reply], None]:
    def late(reply: Reply) -> None:
        number = reply.result["socket"]
        core.notify("gen_tcp.close", {"socket": number})
        core.states.pop(number, None)
    return late


def open_socket(core: Core, method: str, params: Dict[str, Any], options: Optional[Options],
                more: Mapping[str, Any], fd: Optional[int]) -> Operation[Reply]:
    """connect, listen, fdopen: the reply, its socket's state being made."""
    if fd is not None:
        more = {**more, "fd": "passed"}
    params["options"] = _with_defaults(options, more)
    call = core.call(method, as_json(params), None, () if fd is None else (fd,))
    call.active = _active(params["options"])
    return (yield from wait_for(core, call, _close_late(core)))


def accept(core: Core, state: State, timeout: Optional[float]) -> Operation[State]:
    """A connection of a listener."""
    if state.closed:  # perhaps with its client, which was its own
        raise errors.Closed("closed", 10001)
    yield from _settle(state)
    if state.accepted:
        return core.states[state.accepted.popleft()]

    def late(reply: Reply) -> None:
        state.accepted.append(reply.result["socket"])

    call = core.call("gen_tcp.accept",
                     {"socket": state.number, "timeout": milliseconds(timeout)})
    call.active = state.active
    reply = yield from _wait_withdrawing(core, state, call, late)
    state.accepted.append(reply.result["socket"])
    return core.states[state.accepted.popleft()]


# --- data -------------------------------------------------------------------------------


def send(core: Core, state: State, data: Data,
         ack: Optional[events.Event] = None) -> Operation[None]:
    """With ack, that event is handled by this, in one step."""
    number = None
    if ack is not None and ack.seq and core.acks is not None:
        number = core.acks.with_request(ack.seq)
    yield from wait_for(core, core.call(
        "gen_tcp.send", {"socket": state.number}, flatten(data), (), number))


def _received(reply: Reply) -> bytes:
    """A recv's bytes; those that the option header sets apart are in their place."""
    result = reply.result
    if "http" in result:
        raise TypeError("a packet of HTTP: recv_http() takes it")
    data = payload(result["data"]) if reply.data is None else reply.data
    return bytes(result.get("header", ())) + data


def _from_kept(state: State, length: int) -> Optional[bytes]:
    """What can be had without asking: all of a recv before, or so many bytes."""
    if not state.kept or (length and sum(map(len, state.kept)) < length):
        return None
    if not length:
        return state.kept.popleft()
    whole = b"".join(state.kept)
    state.kept.clear()
    if len(whole) > length:
        state.kept.append(whole[length:])
    return whole[:length]


def _give_back(core: Core, state: State) -> None:
    """Bytes that were kept go back to the socket."""
    if state.kept:
        core.call("gen_tcp.unrecv", {"socket": state.number}, b"".join(state.kept))
        state.kept.clear()


def recv(core: Core, state: State, length: int, timeout: Optional[float]) -> Operation[bytes]:
    """Bytes of a passive socket.  What came for a recv that was interrupted comes first."""
    yield from _settle(state)
    found = _from_kept(state, length)
    if found is not None:
        return found
    _give_back(core, state)
    reply = yield from _recv(core, state, length, timeout)
    if "http" in reply.result:
        state.put(_http_event(state, reply))
    return _received(reply)


def _recv(core: Core, state: State, length: int, timeout: Optional[float]) -> Operation[Reply]:
    def late(reply: Reply) -> None:
        if "http" in reply.result:
            state.put(_http_event(state, reply))
        else:
            state.kept.append(_received(reply))

    call = core.call("gen_tcp.recv", {
        "socket": state.number, "length": length, "timeout": milliseconds(timeout)})
    return (yield from _wait_withdrawing(core, state, call, late))


def _http_event(state: State, reply: Reply) -> events.Event:
    return events.Event("http", state.number, http=http.read(reply.result["http"]),
                        json={"socket": state.number, "http": reply.result["http"]})


def recv_http(core: Core, state: State, timeout: Optional[float]) -> Operation[http.Packet]:
    """A line of HTTP from a passive socket."""
    yield from _settle(state)
    if not any(event.name == "http" for event in state.mailbox):
        reply = yield from _recv(core, state, 0, timeout)
        if "http" not in reply.result:
            state.kept.append(_received(reply))
            raise TypeError("not a packet of HTTP: recv() takes it")
        state.put(_http_event(state, reply))
    event = core.take(state)
    if event is None or event.http is None:
        raise TypeError("not a packet of HTTP")
    return event.http


def sendfile(core: Core, state: State, fd: int, offset: int, count: int) -> Operation[int]:
    call = core.call("file.sendfile",
                     {"socket": state.number, "offset": offset, "bytes": count}, None, (fd,))
    reply = yield from wait_for(core, call, lambda reply: None)
    return int(reply.result["sent"])


# --- events -----------------------------------------------------------------------------


def event(core: Core, state: State) -> Operation[events.Event]:
    """The next event of a socket; Closed where none can come."""
    while True:
        found = core.take(state)
        if found is not None:
            return found
        if core.lost is not None:
            raise core.lost
        if core.acks is not None:
            core.acks.flush()
        if core.states.get(state.number) is not state:
            raise errors.Closed("closed", 10001)
        if state.coming is None:
            state.coming = Wait()
        yield state.coming


def next_event(core: Core) -> Operation[events.Event]:
    """The next event of any socket, in the order in which they came."""
    if core.order is None:
        core.order = deque()
        waiting = [(e.seq, s) for s in core.states.values() for e in s.mailbox]
        core.order.extend(s for _, s in sorted(waiting, key=lambda pair: pair[0]))
    while True:
        while core.order:
            state = core.order.popleft()
            core.done_with_last()
            found = core.take(state, core.order)
            if found is not None:
                core.last = state
                return found
        core.done_with_last()
        if core.lost is not None:
            raise core.lost
        if core.acks is not None:
            core.acks.flush()
        if core.ordered is None:
            core.ordered = Wait()
        yield core.ordered


def _packet_now(state: State, found: events.Event) -> bool:
    """Is it one for who iterates?  An error of the socket is raised."""
    if found.name == "tcp_error":
        raise errors.error(found.reason, 0)
    return found.is_packet


def next_packet(core: Core, state: State) -> Operation[Optional[events.Event]]:
    """The next packet, None at the end of the stream.  A socket that is passive is asked
    for it, or, where it was active once or N before, is made that again."""
    while True:
        if state.ended and not state.mailbox:
            return None
        if not state.mailbox and state.active is False and state.rearm is None:
            return (yield from _next_by_recv(core, state))
        if not state.mailbox and state.active is False:
            _rearm(core, state)
        found = yield from event(core, state)
        if found.name == "tcp_closed":
            state.put_back([found])  # and so it is for the next one
            return None
        if _packet_now(state, found):
            return found


def _rearm(core: Core, state: State) -> None:
    """Makes it active again.  The answer is not waited for; a refusal is an end."""
    call = core.call("inet.setopts",
                     {"socket": state.number, "options": {"active": state.rearm}})
    state.active = state.rearm

    def done() -> None:
        if call.failed and core.lost is None and not state.mailbox:
            state.put(events.Event("tcp_closed", state.number,
                                   json={"socket": state.number}))
    call.on_done(done)


def _next_by_recv(core: Core, state: State) -> Operation[Optional[events.Event]]:
    try:
        yield from _settle(state)
        if state.kept:
            return events.Event("tcp", state.number, state.kept.popleft())
        if state.mailbox:
            return core.take(state)
        reply = yield from _recv(core, state, 0, None)
    except errors.Closed as e:
        state.ended = True
        if e.rest:
            raise
        return None
    if "http" in reply.result:
        return _http_event(state, reply)
    return events.Event("tcp", state.number, _received(reply))


# --- options, owners, ends ----------------------------------------------------------------


def setopts(core: Core, state: State, options: Optional[Options],
            more: Mapping[str, Any]) -> Operation[None]:
    made = as_options(options, more)
    active = _active(made)
    if active:
        yield from _settle(state)
        _give_back(core, state)
    before = state.active, state.rearm
    state.set_active(active)
    try:
        yield from request(core, "inet.setopts", {"socket": state.number, "options": made})
    except errors.Error:
        state.active, state.rearm = before
        raise


def close(core: Core, state: State) -> Operation[None]:
    if core.lost is not None:
        return
    try:
        yield from request(core, "gen_tcp.close", {"socket": state.number})
    finally:
        core.forget(state.number)


def _getactive(core: Core, state: State) -> Operation[Any]:
    if state.paused is not None:
        paused, state.paused = state.paused, None
        reply = yield from wait_for(core, paused)
    else:
        reply = yield from request(core, "inet.getopts",
                                   {"socket": state.number, "names": ["active"]})
    return reply.result.get("active", False)


def controlling_process(core: Core, state: State, client: int) -> Operation[None]:
    """Gives the socket away with all that came for it, as gen_tcp does: first it is
    silenced, then what is in the mailbox goes along."""
    params: Dict[str, Any] = {"socket": state.number, "client": client}
    if not state.owned:
        yield from request(core, "gen_tcp.controlling_process", params)
        return
    yield from _settle(state)
    _give_back(core, state)
    active: Any = False
    waiting: List[events.Event] = []
    state.held = True
    try:
        try:
            active = yield from _getactive(core, state)
            if active:
                yield from _quiet(core, state)
        except errors.Error as e:
            if e.code != 22:  # einval: it is closed, and the daemon says so
                raise
        waiting = state.take_all()
        messages = [as_json(event.as_message()) for event in waiting
                    if event.name != "tcp_owner"]
        if messages:
            params["messages"] = messages
        if active:
            params["active"] = active
        call = core.call("gen_tcp.controlling_process", params)
    except BaseException:
        _keep(core, state, active, waiting)
        raise

    def settle() -> None:  # also where nobody waits for it any more
        if call.failed:
            _keep(core, state, active, waiting)
        else:
            core.forget(state.number)

    call.on_done(settle)
    yield from wait_for(core, call)


def _keep(core: Core, state: State, active: Any, waiting: List[events.Event]) -> None:
    """The socket stays: it is as it was."""
    state.held = False
    state.put_back(waiting)
    if active:
        core.notify("inet.setopts", {"socket": state.number, "options": {"active": active}})


def _quiet(core: Core, state: State) -> Operation[None]:
    yield from request(core, "inet.setopts",
                       {"socket": state.number, "options": {"active": False}})


def given(core: Core) -> Operation[Any]:
    """The next socket that another client gives, and that client."""
    while not core.given:
        if core.lost is not None:
            raise core.lost
        if core.coming is None or core.coming.done:
            core.coming = Wait()
        yield core.coming
    return core.given.popleft()


def down(core: Core, monitor: int) -> Operation[str]:
    """Why a monitored socket is gone."""
    if monitor not in core.reasons:
        if core.lost is not None:
            raise core.lost
        yield core.downs[monitor]
    if monitor not in core.reasons:
        assert core.lost is not None
        raise core.lost
    return core.reasons[monitor]


def demonitor(core: Core, monitor: int) -> Operation[bool]:
    reply = yield from request(core, "inet.cancel_monitor", {"monitor": monitor})
    if reply.result is True:
        core.downs.pop(monitor, None)
    return reply.result is True
