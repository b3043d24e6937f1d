# SPDX-License-Identifier: ISC
"""What active sockets tell: gen_tcp's messages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, Optional

from . import http
from ._wire import Message, payload
from .errors import ProtocolError


@dataclass(frozen=True)
class Event:
    """One message of gen_tcp, named by its tag: ``tcp``, ``http``, ``port``,
    ``tcp_passive``, ``tcp_error``, ``tcp_closed``, ``tcp_owner`` or ``down``.

    ``data`` are the bytes of ``tcp`` and ``port``; ``header`` those that the option header
    set apart, which stood before them.  ``http`` is the packet of ``http``.  ``reason`` is
    that of ``tcp_error`` and ``down``; ``client`` who gave the socket (``tcp_owner``);
    ``monitor`` that of ``down``.  ``seq`` is its number, where the client is kept.
    """

    name: str
    socket: int
    data: bytes = b""
    header: bytes = b""
    http: Optional[http.Packet] = None
    reason: str = ""
    client: int = 0
    monitor: int = 0
    seq: int = 0  # of a kept client's: its number
    json: Dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_packet(self) -> bool:
        """Did something come from the peer?"""
        return self.name in ("tcp", "port", "http")

    def as_message(self) -> Dict[str, Any]:
        """The notification, as controlling_process hands it on."""
        params = dict(self.json)
        if self.name in ("tcp", "port"):
            params["data"] = self.data
        params.pop("mode", None)
        params.pop("packet", None)
        return {"method": self.name, "params": params}


_PLAIN = ("tcp_passive", "tcp_closed")


def _number(params: Dict[str, Any], member: str) -> int:
    value = params[member]
    if type(value) is not int or value < 1:
        raise ValueError(f"{member} is not a positive integer")
    return value


def _read(name: str, params: Dict[str, Any], attachment: Optional[bytes]) -> Optional[Event]:
    if name == "shutdown":  # the end of the connection follows
        return None
    socket = _number(params, "socket")
    if name in ("tcp", "port"):
        data = payload(params["data"]) if attachment is None else attachment
        return Event(name, socket, data, bytes(params.get("header", ())), json=params)
    if name == "http":
        return Event(name, socket, http=http.read(params["http"]), json=params)
    if name in _PLAIN:
        return Event(name, socket, json=params)
    if name == "tcp_error":
        return Event(name, socket, reason=str(params["reason"]), json=params)
    if name == "tcp_owner":
        return Event(name, socket, client=_number(params, "from"), json=params)
    if name == "down":
        return Event(name, socket, reason=str(params["reason"]),
                     monitor=_number(params, "monitor"), json=params)
    return None


def read(message: Message) -> Optional[Event]:
    """The event that a notification is; None for one of a newer daemon."""
    name, params = message.value["method"], message.value.get("params")
    try:
        if not isinstance(name, str) or not isinstance(params, dict):
            raise ValueError("a notification without a name or params")
        made = _read(name, params, message.attachment)
        if made is not None and "seq" in message.value:
            made = replace(made, seq=_number(message.value, "seq"))
        return made
    except (ValueError, KeyError, TypeError) as e:
        raise ProtocolError(f"a broken event {str(name)[:32]!r}: {e!r}") from None
