# SPDX-License-Identifier: ISC
"""What binding.c measures, by the Python binding without asyncio; no pipeline."""

import sys
import time

from gentcp import blocking as gentcp


def receive(sock, end, _packet):
    for count, _ in enumerate(sock, 1):
        if time.monotonic() >= end:
            return count


def send(sock, end, packet):
    count = 0
    while time.monotonic() < end:
        sock.send(packet)
        count += 1
    return count


def main(what, seconds, size):
    with gentcp.listen(ip="loopback", packet=4, active=100) as listener:
        print("port", listener.listening_port, flush=True)
        sock = listener.accept()
        begun = time.monotonic()
        count = globals()[what](sock, begun + int(seconds), bytes(int(size)))
        print(round(count / (time.monotonic() - begun)), flush=True)


main(*sys.argv[1:])
