# SPDX-License-Identifier: ISC
"""A machine that runs short: of descriptors, of room for the log.  What it costs others,
and how soon all is well again.  (Name servers that say nothing: test_resolver.py.)"""

import contextlib
import itertools
import os
import re
import socket
import time

import pytest

import gentcp_test as g
from gentcp_access import Configured, daemon_of, needs_root
from gentcp_test import check_load


# --- too few descriptors --------------------------------------------------------


def test_emfile_costs_others_nothing_and_passes_within_a_second():
    with daemon_of({}, nofile=64) as room:
        c, other = room.known(), room.known()
        s, peer = room.pair(other)
        waiting = []
        for _ in range(80):
            more = socket.socket(socket.AF_UNIX)
            more.settimeout(g.DEADLINE)
            more.connect(room.daemon.path)
            waiting.append(room.own(more))
        g.until(lambda: room.daemon.fds() >= 62, "the limit")
        began = time.monotonic()
        check_load(room.daemon, lambda: other.call("inet.getstat", {"socket": s}))
        lasted = time.monotonic() - began
        assert room.daemon.fds() >= 62
        lines = [x for x in room.daemon.output().splitlines() if "cannot accept" in x]
        assert 1 <= len(lines) <= lasted + 3
        last = waiting[-1]
        for more in waiting[:40]:
            more.close()
        freed = time.monotonic()
        last.sendall(b'{"jsonrpc":"2.0","id":1,"method":"session.self"}\n')
        assert b'"result"' in last.recv(10000)
        assert time.monotonic() - freed < 1
        c.sync()


# --- a log that is not taken ----------------------------------------------------


def works(room):
    c = room.known()
    s, peer = room.pair(c)
    c.send(s, b"on")
    assert peer.read(2) == b"on"
    return c


def test_a_device_that_is_full_costs_lines_alone():
    with daemon_of({"log": "/dev/full", "log_level": "debug"}) as room:
        c = works(room)
        before = c.call("daemon.status")["log"]["lost"]
        for _ in range(50):
            room.known().close()
        g.until(lambda: c.call("daemon.status")["log"]["lost"] >= before + 50, "lost lines")
        works(room)


# In a mount namespace of its own.
INSIDE = """
mount -t tmpfs -o size=64k,mode=0777 gentcp-test "$0" || exit 77
exec "$@"
"""


class OnSmallDisk(Configured):
    """Its log is on a file system of 64 KiB, which is there for it alone."""

    def __init__(self):
        super().__init__({}, start=False)
        self.disk = os.path.join(self.conf_folder, "disk")
        os.mkdir(self.disk)
        self.write({"log": os.path.join(self.disk, "log"), "log_level": "debug"})

    def command(self):
        return ["unshare", "--mount", "sh", "-c", INSIDE, self.disk, *super().command()]

    def inside(self, name):
        """Where others find its file."""
        return "/proc/%d/root%s/%s" % (self.pid, self.disk, name)

    def fill(self):
        """No byte more goes to the disk, until the filler is unlinked."""
        with open(self.inside("filler"), "wb", buffering=0) as f:
            with contextlib.suppress(OSError):
                while True:
                    f.write(b"x" * 512)

    def log_text(self):
        with open(self.inside("log")) as f:
            return f.read()

    def remove(self):
        with contextlib.suppress(OSError):
            os.rmdir(self.disk)
        super().remove()


@pytest.fixture
def small_disk():
    with g.with_own_mounts(OnSmallDisk()) as room:
        yield room


def visit(daemon):
    """A client that comes and goes: two lines of the log.  Its number."""
    with contextlib.closing(g.Client(daemon.path, data="auto")) as c:
        return c.id


@needs_root
def test_a_full_disk_costs_others_nothing_and_passes_within_a_second(small_disk):
    daemon = small_disk.daemon
    c = works(small_disk)

    def lost():
        return c.call("daemon.status")["log"]["lost"]

    daemon.fill()
    # The log's last page has room for some more lines.
    g.until(lambda: visit(daemon) and lost() > 0, "a line that is lost")
    first = lost()
    turn = itertools.count()
    check_load(daemon, lambda: c.call("session.self"),
               lambda: next(turn) % 4 > 0 or visit(daemon))
    assert lost() > first + 2 * (next(turn) // 4 - 1)
    c.sync()
    before = daemon.log_text()
    assert "could not be written" not in before
    os.unlink(daemon.inside("filler"))
    freed = time.monotonic()
    last = visit(daemon)
    g.until(lambda: "client %d: connection closed\n" % last in daemon.log_text(), "a line", 1)
    assert time.monotonic() - freed < 1
    check_log_lines(daemon.log_text(), last, lost())


def check_log_lines(text, last, lost):
    """Each line is there, and whole, or counted, and the log says how many those are."""
    told = re.findall(r"Z gentcpd: warning: daemon: lines that could not be written: (\d+)$",
                      text, re.M)
    assert sum(map(int, told)) == lost and 1 <= len(told) <= 2
    came = set(re.findall(r"control: client (\d+): uid \d+, pid \d+$", text, re.M))
    went = set(re.findall(r"control: client (\d+): connection closed$", text, re.M))
    # one is there all the time
    assert (last - len(came)) + (last - 1 - len(went)) == lost
