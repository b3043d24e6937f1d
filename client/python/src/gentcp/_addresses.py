# SPDX-License-Identifier: ISC
"""Addresses, as sockname and peername tell them."""

from __future__ import annotations

import base64
from typing import Any, Dict, NamedTuple, Union


class Address(NamedTuple):
    """``host`` is a number (``"127.0.0.1"``) or, of a local socket, a path: bytes where
    it is no UTF-8.  ``family`` is ``"inet"``, ``"inet6"`` or ``"local"``."""

    host: Union[str, bytes]
    port: int = 0
    family: str = "inet"
    scope_id: int = 0
    flowinfo: int = 0

    def as_sockaddr(self) -> Dict[str, Any]:
        """The address as connect and the option ifaddr take it."""
        made: Dict[str, Any] = {"family": self.family, "addr": self.host}
        if self.family != "local":
            made["port"] = self.port
        if self.family == "inet6":
            made.update(scope_id=self.scope_id, flowinfo=self.flowinfo)
        return made


def read(value: Any) -> Address:
    """An address from its JSON."""
    host = value["addr"]
    if isinstance(host, dict):
        host = base64.b64decode(host["base64"])
    return Address(host, value.get("port", 0), value["family"], value.get("scope_id", 0),
                   value.get("flowinfo", 0))
