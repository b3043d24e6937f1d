# SPDX-License-Identifier: ISC
"""What binding.c measures, by the Python binding for asyncio."""

import asyncio
import sys
import time

import gentcp

IN_FLIGHT = 64


async def receive(sock, end, _packet):
    count = 0
    async for _ in sock:
        count += 1
        if time.monotonic() >= end:
            return count


async def send(sock, end, packet):
    count = 0
    while time.monotonic() < end:
        await sock.send(packet)
        count += 1
    return count


async def pipeline(sock, end, packet):
    return sum(await asyncio.gather(*(send(sock, end, packet) for _ in range(IN_FLIGHT))))


async def main(what, seconds, size):
    async with await gentcp.listen(ip="loopback", packet=4, active=100) as listener:
        print("port", listener.listening_port, flush=True)
        sock = await listener.accept()
        begun = time.monotonic()
        count = await globals()[what](sock, begun + int(seconds), bytes(int(size)))
        print(round(count / (time.monotonic() - begun)), flush=True)


asyncio.run(main(*sys.argv[1:]))
