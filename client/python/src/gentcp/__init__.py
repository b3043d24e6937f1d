# SPDX-License-Identifier: ISC
"""Erlang's gen_tcp for Python, by way of the daemon gentcpd.

This is the asyncio API; :mod:`gentcp.blocking` has the same without it.

::

    import asyncio, gentcp

    async def main():
        async with await gentcp.connect("localhost", 5678, packet="line") as sock:
            await sock.send("hello\\n")
            async for line in sock:
                print(line)

    asyncio.run(main())
"""

from . import http
from ._addresses import Address
from ._wire import Data, Options
from .aio import Client, Listener, Monitor, Socket, connect, listen
from .errors import (BadArgument, Cancelled, Closed, Error, Lost, NotOwner, NotPermitted,
                     ProtocolError, Refused, RequestError, Reset, Timeout)
from .events import Event
from .streams import open_connection, start_server, streams

__version__ = "0.1.0"

__all__ = [
    "Address", "BadArgument", "Cancelled", "Client", "Closed", "Data", "Error", "Event",
    "Listener", "Lost", "Monitor", "NotOwner", "NotPermitted", "Options", "ProtocolError",
    "Refused", "RequestError", "Reset", "Socket", "Timeout", "connect", "http", "listen",
    "open_connection", "start_server", "streams",
]
