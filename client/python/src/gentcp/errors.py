# SPDX-License-Identifier: ISC
"""What gen_tcp calls {error, Reason}, as exceptions."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Type


class Error(OSError):
    """An error reply of gentcpd.

    ``reason`` is gen_tcp's atom (``"econnrefused"``, ``"closed"``), ``code`` its number:
    the errno of a POSIX reason, 10001 and above for gen_tcp's own, negative for JSON-RPC's.
    ``data`` says more where more is known: ``option``, ``detail``.  ``rest`` are bytes that
    would else be lost: of an incomplete packet, or of a send that was not sent.
    """

    def __init__(self, reason: str, code: int = 0, data: Optional[Mapping[str, Any]] = None,
                 rest: bytes = b"") -> None:
        self.reason = reason
        self.code = code
        self.data: Dict[str, Any] = dict(data or {})
        self.rest = rest
        detail = self.data.get("detail")
        text = f"{reason}: {detail}" if isinstance(detail, str) else reason
        super().__init__(code, text)

    def __str__(self) -> str:
        return str(self.strerror)


class Closed(Error, ConnectionError):
    """``closed``: the socket is closed, by its peer or by a client."""


class Timeout(Error, TimeoutError):
    """``timeout``, or the kernel's ``etimedout``."""


class NotOwner(Error, PermissionError):
    """``not_owner``: only the owner of a socket may do that."""


class BadArgument(Error, ValueError):
    """``badarg``: an argument or option is wrong; ``data`` names it."""


class Cancelled(Error):
    """``cancelled``: the request was withdrawn."""


class Refused(Error, ConnectionRefusedError):
    """``econnrefused``: nobody listens there."""


class Reset(Error, ConnectionResetError):
    """``econnreset``: the peer reset the connection."""


class NotPermitted(Error, PermissionError):
    """``eacces`` or ``eperm``."""


class RequestError(Error, ValueError):
    """The daemon does not take the request itself: JSON-RPC's own codes."""


class Lost(Error, ConnectionError):
    """The connection to gentcpd is gone, or was never made; and with it all its sockets."""

    def __init__(self, detail: str) -> None:
        super().__init__("lost", 0, {"detail": detail})


class ProtocolError(Lost):
    """The daemon said something that it may not say; the connection was ended."""


_BY_REASON: Dict[str, Type[Error]] = {
    "closed": Closed, "timeout": Timeout, "etimedout": Timeout, "not_owner": NotOwner,
    "badarg": BadArgument, "cancelled": Cancelled, "econnrefused": Refused,
    "econnreset": Reset, "eacces": NotPermitted, "eperm": NotPermitted,
}


def error(reason: str, code: int, data: Optional[Mapping[str, Any]] = None,
          rest: bytes = b"") -> Error:
    """The exception for a reason, of the class that suits it."""
    kind = _BY_REASON.get(reason, Error)
    if code < 0:
        kind = RequestError
    return kind(reason, code, data, rest)
