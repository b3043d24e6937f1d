# SPDX-License-Identifier: ISC
"""The packets of ``packet="http"`` and its like: lines of HTTP, and what they say."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple, Union

#: What a peer wrote: a str, or bytes where it is no UTF-8.
Text = Union[str, bytes]


@dataclass(frozen=True)
class Uri:
    """The target of a request.  ``type`` is ``"*"``, ``"abs_path"``, ``"absoluteURI"``,
    ``"scheme"`` or ``"string"``, which says what else is there."""

    type: str
    path: Optional[Text] = None
    scheme: Optional[Text] = None
    host: Optional[Text] = None
    port: Optional[int] = None
    string: Optional[Text] = None


@dataclass(frozen=True)
class Request:
    """The first line of a request."""

    method: Text
    uri: Uri
    version: Tuple[int, int]


@dataclass(frozen=True)
class Response:
    """The first line of a response."""

    version: Tuple[int, int]
    status: int
    phrase: Text


@dataclass(frozen=True)
class Header:
    """A header; ``name`` in its usual letters, ``field`` as the peer wrote it."""

    bit: int
    name: Text
    field: Text
    value: Text


@dataclass(frozen=True)
class EndOfHeaders:
    """The empty line; a body may follow, for which ``packet`` is to be ``"raw"``."""


@dataclass(frozen=True)
class BadLine:
    """A line that is no HTTP."""

    line: Text


Packet = Union[Request, Response, Header, EndOfHeaders, BadLine]


def _text(value: Any) -> Text:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"], validate=True)
    if not isinstance(value, str):
        raise ValueError("a text of HTTP is neither a string nor base64")
    return value


def _version(value: Any) -> Tuple[int, int]:
    major, minor = value
    return int(major), int(minor)


def _uri(value: Mapping[str, Any]) -> Uri:
    texts = {key: _text(value[key]) for key in ("path", "scheme", "host", "string")
             if key in value}
    return Uri(type=str(value["type"]), port=value.get("port"), **texts)


def read(value: Any) -> Packet:
    """A packet from its JSON; ValueError, KeyError or TypeError where it is none."""
    kind = value["type"]
    if kind == "http_request":
        return Request(_text(value["method"]), _uri(value["uri"]), _version(value["version"]))
    if kind == "http_response":
        return Response(_version(value["version"]), int(value["status"]),
                        _text(value["phrase"]))
    if kind == "http_header":
        return Header(int(value["bit"]), _text(value["name"]), _text(value["field"]),
                      _text(value["value"]))
    if kind == "http_eoh":
        return EndOfHeaders()
    if kind == "http_error":
        return BadLine(_text(value["line"]))
    raise ValueError("no packet of HTTP is a %r" % (kind,))
