# SPDX-License-Identifier: ISC
"""Is given a socket, gives back COUNT of its packets, and gives it to client NEXT."""

import asyncio
import sys

import gentcp


async def main(count, following):
    async with gentcp.Client() as client:
        print("client", client.id, flush=True)
        sock = await client.given()
        for _ in range(count):
            event = await sock.event()
            assert event.name == "tcp"
            await sock.send([b"Python ", event.data])
        await sock.controlling_process(following)


asyncio.run(main(*map(int, sys.argv[1:])))
