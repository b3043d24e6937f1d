# SPDX-License-Identifier: ISC
"""Bytes of the control connection <-> messages; no I/O.

The daemon is another program: what it says is looked at as hard as it looks at ours.
"""

from __future__ import annotations

import base64
import json
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from .errors import ProtocolError

#: gen_tcp's iodata(): bytes, text (its UTF-8), or a sequence of these and of bytes' values.
Data = Union[bytes, bytearray, memoryview, str, Sequence[Any]]
#: Options by name, or as in Erlang a list of words, one-member mappings and pairs.
Options = Union[Mapping[str, Any], Iterable[Any]]

MAX_LINE = 64 << 20
MAX_ATTACHMENT = 1 << 30
MAX_FDS = 16


def flatten(data: Data) -> bytes:
    """The bytes that data says."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, str):
        return data.encode("utf-8")
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    out = bytearray()
    for part in data:
        if isinstance(part, int):
            out.append(part)
        else:
            out += flatten(part)
    return bytes(out)


def as_json(value: Any) -> Any:
    """A value for JSON: bytes as base64, tuples as arrays."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, Mapping):
        return {str(key): as_json(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(member) for member in value]
    return value


def as_options(options: Optional[Options], more: Mapping[str, Any]) -> Any:
    """Options as JSON: those of more come behind the others, and so win."""
    if options is None:
        return as_json(more)
    if isinstance(options, Mapping):
        first = {key: value for key, value in options.items() if key not in more}
        return as_json({**first, **more})
    return as_json(list(options) + [{key: value} for key, value in more.items()])


def milliseconds(seconds: Optional[float]) -> Any:
    """A timeout as the protocol has it; never earlier than asked."""
    if seconds is None:
        return "infinity"
    return max(0, -int(-seconds * 1000 // 1))


def payload(value: Any) -> bytes:
    """The bytes of a ``data`` member as the daemon writes it."""
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, list):
        return bytes(value)
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"], validate=True)
    raise ValueError("data is neither a string, base64 nor an array")


class Message:
    """One message of the daemon: its object, its attachment, how many descriptors."""

    __slots__ = ("value", "attachment", "fds")

    def __init__(self, value: Dict[str, Any], attachment: Optional[bytes], fds: int) -> None:
        self.value = value
        self.attachment = attachment
        self.fds = fds


def encode(request_id: Optional[int], method: str, params: Mapping[str, Any],
           data: Optional[bytes], fds: int, ack: Optional[int] = None) -> List[bytes]:
    """A request (with None for an id a notification) as the pieces to be written."""
    value: Dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if request_id is not None:
        value["id"] = request_id
    if fds:
        value["fds"] = fds
    if ack is not None:
        value["ack"] = ack
    if data is not None:
        value["attached"] = len(data)
    try:
        line = json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"
    except RecursionError:
        raise ValueError("params are nested too deeply") from None
    return [line] if not data else [line, data]


def _count(value: Dict[str, Any], member: str, limit: int) -> Optional[int]:
    number = value.get(member)
    if number is None:
        return None
    if type(number) is not int or not 0 <= number <= limit:
        raise ProtocolError(f"{member} is not a number from 0 to {limit}")
    return number


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a member is there twice")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class Decoder:
    """Takes bytes as they come, gives messages as they are whole."""

    def __init__(self, max_line: int = MAX_LINE, max_attachment: int = MAX_ATTACHMENT) -> None:
        self._max_line = max_line
        self._max_attachment = max_attachment
        self._buffer = bytearray()
        self._scanned = 0
        self._head: Optional[Dict[str, Any]] = None
        self._wanted = 0  # bytes of the attachment of _head
        self._json = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)

    def feed(self, data: Union[bytes, memoryview]) -> Iterator[Message]:
        """Messages that are whole with these bytes; ProtocolError where they are none."""
        self._buffer += data
        while True:
            if self._head is None and not self._line():
                return
            assert self._head is not None
            attachment = None
            if "attached" in self._head:
                if len(self._buffer) < self._wanted:
                    return
                with memoryview(self._buffer) as view:
                    attachment = bytes(view[:self._wanted])
                del self._buffer[:self._wanted]
            head, self._head = self._head, None
            yield Message(head, attachment, _count(head, "fds", MAX_FDS) or 0)

    def _line(self) -> bool:
        """Takes a line and reads its head."""
        end = self._buffer.find(b"\n", self._scanned)
        if max(end, len(self._buffer) if end < 0 else 0) > self._max_line:
            raise ProtocolError(f"a line of more than {self._max_line} bytes")
        if end < 0:
            self._scanned = len(self._buffer)
            return False
        line = bytes(self._buffer[:end])
        del self._buffer[:end + 1]
        self._scanned = 0
        try:
            value = self._json.decode(line.decode("utf-8"))
        except (ValueError, RecursionError) as e:
            raise ProtocolError(f"a line is no JSON: {e}") from None
        if not isinstance(value, dict) or value.get("jsonrpc") != "2.0":
            raise ProtocolError("a line is no message of JSON-RPC 2.0")
        self._wanted = _count(value, "attached", self._max_attachment) or 0
        if value.get("attached", 0) is None:
            raise ProtocolError("attached is null")
        self._head = value
        return True
