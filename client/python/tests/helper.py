# SPDX-License-Identifier: ISC
"""What tests of the asyncio API share."""

import asyncio
import functools

DEADLINE = 30


def run(test):
    """Runs a coroutine function as a test, with a deadline."""
    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        return asyncio.run(asyncio.wait_for(test(*args, **kwargs), DEADLINE))
    return wrapper


async def pair(client, **options):
    """A connection between two sockets of a client: who connected, who accepted."""
    listener = await client.listen(ip="loopback", **options)
    async with listener:
        coming = asyncio.ensure_future(listener.accept())
        made = await client.connect("127.0.0.1", listener.listening_port)
        return made, await coming
