# SPDX-License-Identifier: ISC
"""What everything in the harness uses: programs, sizes, deadlines, waiting."""

import os
import re
import select
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SCALE = float(os.environ.get("GENTCP_TEST_SCALE", "1"))
DEADLINE = 10.0 if SCALE >= 1 else 60.0  # seconds for what should come at once
MB = 1 << 20

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
CODES = {
    "closed": 10001,
    "timeout": 10002,
    "not_owner": 10003,
    "badarg": 10004,
    "system_limit": 10005,
    "cancelled": 10006,
    "nxdomain": 10007,
    "noproc": 10008,
}

SANITIZER = re.compile(
    r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|MemorySanitizer|runtime error:"
)


def binary(variable, default):
    """The path of a program under test, from the environment or the build."""
    path = os.environ.get(variable)
    if path is None:
        path = os.path.join(HERE, "..", "..", "build", default)
    return os.path.abspath(path)


def gentcpd():
    return binary("GENTCPD", "src/gentcpd")


def gentcp_cli():
    return binary("GENTCP_CLI", "client/gentcp-cli")


def scaled(n, least=1):
    return max(least, int(n * SCALE))


def until(check, what, timeout=None):
    """Asks check() until it is true; fails at the deadline.  Returns its value."""
    deadline = time.monotonic() + (DEADLINE if timeout is None else timeout)
    pause = 0.0005
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not in time: " + what)
        select.select([], [], [], pause)
        pause = min(pause * 2, 0.02)
