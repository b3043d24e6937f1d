# SPDX-License-Identifier: ISC
"""Kept clients: a program that is started again is the client that it was.

What makes it that, number and token, is in a file.  Events have numbers; they are told
again until they are acknowledged, which is when the program asks for the next one.
"""

from __future__ import annotations

import heapq
import json
import os
from typing import Any, Dict, List, Optional, Tuple

from . import _operations as ops
from . import errors
from ._core import Core, State

LAZY = 64  # handled events that are acknowledged at once


class Acks:
    """Which events are handled.  A number stands for all up to it, so one that is not
    holds back those behind it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._next: Optional[int] = None  # the first that is not handled
        self._early: List[int] = []  # handled ones behind it
        self._told = 0

    def came(self, seq: int) -> None:
        """The first number that is seen begins the count."""
        if self._next is None:
            self._next, self._told = seq, seq - 1

    def handled(self, seq: int) -> None:
        if self._next is None or seq < self._next:
            return
        heapq.heappush(self._early, seq)
        while self._early and self._early[0] <= self._next:
            if heapq.heappop(self._early) == self._next:
                self._next += 1
        if self._next - 1 - self._told >= LAZY:
            self.flush()

    def with_request(self, seq: int) -> int:
        """seq is handled by the request that now goes out: the number to acknowledge
        with it."""
        self.handled(seq)
        assert self._next is not None
        self._told = max(self._told, self._next - 1)
        return self._told

    def flush(self) -> None:
        """Acknowledges what is handled."""
        if self._next is not None and self._told < self._next - 1:
            self._told = self._next - 1
            self._core.notify("session.ack", {"seq": self._told})


def _load(path: str) -> Optional[Tuple[int, str]]:
    """Number and token, or None where there is no file."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
        return int(value["client"]), str(value["token"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as e:
        raise ValueError(f"{path} is no file of a kept client: {e!r}") from None


def _store(path: str, client: int, token: str) -> None:
    """Writes them where only this user can read them, all or nothing."""
    new = f"{path}.{os.getpid()}"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        json.dump({"client": client, "token": token}, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)


def resume(core: Core, path: str, ttl: float,
           hello: Dict[str, Any]) -> ops.Operation[Dict[str, Any]]:
    """Becomes the client of the file, or, where that is no more, one that is kept: what
    session.hello would say, and in ``resumed`` which of the two it is."""
    core.acks = Acks(core)
    known = _load(path)
    if known is not None:
        core.attached = True  # events may follow the answer at once
        try:
            reply = yield from ops.request(
                core, "session.attach", {"client": known[0], "token": known[1]})
            yield from _restore(core)
            return {**reply.result, "resumed": True}
        except errors.NotPermitted:  # its time was over, or the daemon is another
            core.attached = False
    reply = yield from ops.request(
        core, "session.keep", {"ttl": int(ttl * 1000), "replay": True})
    _store(path, reply.result["client"], reply.result["token"])
    return {**hello, "resumed": False}


def _restore(core: Core) -> ops.Operation[None]:
    """Its sockets: what they are, and how active."""
    reply = yield from ops.request(core, "session.self", {})
    for number in reply.result["sockets"]:
        state = core.states.setdefault(number, State(number))
        info = yield from ops.request(core, "inet.info", {"socket": number})
        state.listens = "listen" in info.result["states"]
        state.active = info.result.get("options", {}).get("active", False)
        if state.active == "once" or type(state.active) is int:
            state.rearm = state.active


def forget(core: Core, path: str) -> ops.Operation[None]:
    """The client ends with this connection."""
    yield from ops.request(core, "session.keep", {"ttl": 0})
    os.unlink(path)
