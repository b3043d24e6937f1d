#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Answers lines: a task for each connection, and four that accept."""

import asyncio
import contextlib
import sys

import gentcp

serving = set()


async def serve(sock):
    async with sock:
        with contextlib.suppress(gentcp.Error):  # a peer may hang up
            async for line in sock:
                await sock.send([b"you said: ", line])


async def acceptor(listener):
    async for sock in listener.connections():
        task = asyncio.create_task(serve(sock))
        serving.add(task)  # a task that nobody holds may vanish
        task.add_done_callback(serving.discard)


async def main(port=0):
    async with await gentcp.listen(int(port), ip="loopback", packet="line", reuseaddr=True,
                                   backlog=128) as listener:
        print("listening on port", listener.listening_port, flush=True)
        await asyncio.gather(*(acceptor(listener) for _ in range(4)))


asyncio.run(main(*sys.argv[1:]))
