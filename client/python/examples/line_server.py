#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Answers lines: a thread for each connection, and four that accept."""

import contextlib
import sys
import threading

from gentcp import blocking as gentcp


def serve(sock):
    with sock, contextlib.suppress(OSError):  # a peer may hang up
        for line in sock:
            sock.send([b"you said: ", line])


def acceptor(listener):
    for sock in listener.connections():
        threading.Thread(target=serve, args=[sock], daemon=True).start()


def main(port=0):
    with gentcp.listen(int(port), ip="loopback", packet="line", reuseaddr=True,
                       backlog=128) as listener:
        print("listening on port", listener.listening_port, flush=True)
        pool = [threading.Thread(target=acceptor, args=[listener]) for _ in range(4)]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()


main(*sys.argv[1:])
