# SPDX-License-Identifier: ISC
"""Other processes of a test, loads, and small checks."""

import contextlib
import errno
import os
import pty
import re
import select
import shutil
import stat
import struct
import subprocess
import termios
import time
import traceback

import pytest

from gentcp_base import CODES, DEADLINE, gentcp_cli, until
from gentcp_client import Client, live_clients
from gentcp_daemon import Daemon

class Child:
    """Runs function(pipe, *args) in a process of its own.

    The pipe is a multiprocessing connection's half: send() and recv() of any
    object; here the parent's half has deadlines.  An exception in the child is
    the parent's.  The parent's clients do not live on in the child.
    """

    def __init__(self, function, *args):
        import multiprocessing

        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=self._run, args=(theirs, function, args))
        self.process.start()
        theirs.close()

    @staticmethod
    def _run(pipe, function, args):
        for client in list(live_clients):
            client.sock.close()
        try:
            function(pipe, *args)
        except BaseException:
            with contextlib.suppress(OSError):
                pipe.send(ChildFailed(traceback.format_exc()))

    def send(self, value):
        self.pipe.send(value)

    def recv(self, timeout=None):
        if not self.pipe.poll(DEADLINE if timeout is None else timeout):
            raise AssertionError("nothing from the other process in time")
        try:
            value = self.pipe.recv()
        except EOFError:
            raise AssertionError("the other process ended") from None
        if isinstance(value, ChildFailed):
            raise AssertionError("in the other process:\n" + value.text)
        return value

    def close(self):
        self.pipe.close()
        self.process.join(2)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class ChildFailed:
    def __init__(self, text):
        self.text = text


class Command:
    """A gentcp-cli that runs beside the test; its lines come with a deadline."""

    def __init__(self, daemon, *args, **more):
        env = dict(os.environ, GENTCPD_SOCKET=daemon.path, **more)
        self.process = subprocess.Popen(
            [gentcp_cli(), *map(str, args)], env=env, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.buffer = b""

    def say(self, text):
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def line(self):
        deadline = time.monotonic() + DEADLINE
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            ready = select.select([self.process.stdout], [], [], max(0, left))[0]
            if not ready:
                raise AssertionError("no line in time, only %r" % self.buffer)
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                raise AssertionError("gentcp-cli ended: " + self.process.stderr.read().decode())
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode()

    def end(self):
        """Ends its input and waits: (status, the rest of stdout, stderr)."""
        self.process.stdin.close()
        status = self.process.wait(DEADLINE)
        rest = self.buffer
        with contextlib.suppress(BlockingIOError):
            while True:
                data = os.read(self.process.stdout.fileno(), 65536)
                if not data:
                    break
                rest += data
        return status, rest.decode(), self.process.stderr.read().decode()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                stream.close()


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, argv, env):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execvpe(argv[0], argv, env)
        self.pid, self.text = pid, ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def keys(self, text):
        """Types once single keys are read: before that some are the terminal's."""
        until(lambda: not termios.tcgetattr(self.fd)[3] & termios.ICANON, "single keys")
        self.type(text)

    def end_input(self):
        self.keys("\x04")

    def cooked(self):
        """Until whole lines are read, as while a line runs."""
        until(lambda: termios.tcgetattr(self.fd)[3] & termios.ICANON, "whole lines")

    def wait_for(self, pattern):
        """Until it was printed behind what was waited for last; the match."""
        deadline = time.monotonic() + DEADLINE
        while True:
            found = re.search(pattern, self.text)
            if found:
                self.text = self.text[found.end():]
                return found
            ready = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, "not in time: %r, but %r" % (pattern, self.text)
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            assert data, "it ended: %r" % self.text
            self.text += data.decode(errors="replace")

    def status(self):
        """Its exit status, once it has ended; what it still prints is read."""
        deadline = time.monotonic() + DEADLINE
        while select.select([self.fd], [], [], max(0, deadline - time.monotonic()))[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if not data:
                pid, self.pid = self.pid, None
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            self.text += data.decode(errors="replace")
        raise AssertionError("it does not end: %r" % self.text)

    def close(self):
        os.close(self.fd)
        if self.pid is not None:
            os.waitpid(self.pid, 0)


class Languages:
    """Where the other languages and their bindings are.  A test that asks for one that
    is not there is skipped."""

    def __init__(self, daemon, folder):
        built = os.path.dirname(gentcp_cli())
        top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        os.symlink(gentcp_cli(), folder / "gentcp-cli")
        os.mkdir(folder / "node_modules")
        os.symlink(os.path.join(top, "client/node"), folder / "node_modules/gentcp")
        ebin = os.environ.get("GENTCP_EBIN", os.path.join(built, "erlang/ebin"))
        self.python = os.environ.get("PYTHON", "/usr/bin/python3")
        self.environment = dict(
            os.environ, GENTCPD_SOCKET=daemon.path, HOME=str(folder),
            PATH="%s:%s" % (folder, os.environ["PATH"]), PYTHONDONTWRITEBYTECODE="1",
            PYTHONPATH=os.path.join(top, "client/python/src"),
            NODE_PATH=str(folder / "node_modules"),
            ERL_FLAGS="-pa " + ebin, ERL_CRASH_DUMP="/dev/null")
        self.environment.pop("GENTCP_SESSION", None)

    @staticmethod
    def _program(variable, usual):
        # make check says it is empty where configure found none
        path = shutil.which(os.environ.get(variable, usual) or "nowhere")
        if path is None:
            pytest.skip("there is no " + usual)
        return path

    @property
    def node(self):
        return self._program("NODE", "node")

    @property
    def escript(self):
        return os.path.join(os.path.dirname(self._program("ERL", "erl")), "escript")


def p99(times):
    return sorted(times)[int(len(times) * 0.99)]


def load(daemon, request, usual, meanwhile, seconds=4):
    """A request each 20 ms, and what else goes on: (the share of a processor that the
    daemon uses, the 99th percentile of the requests' times in seconds, and the one of
    the usual)."""
    cpu, began = daemon.cpu(), time.monotonic()
    times = {request: [], usual: []}
    while time.monotonic() - began < seconds:
        for what, taken in times.items():
            start = time.monotonic()
            what()
            taken.append(time.monotonic() - start)
        if meanwhile is not None:
            meanwhile()
        time.sleep(0.02)
    used = (daemon.cpu() - cpu) / (time.monotonic() - began)
    return used, p99(times[request]), p99(times[usual])


def check_load(daemon, request, meanwhile=None):
    """What a fault may cost others: under 2 % of a processor, and requests' p99 under 5 ms.
    Where the machine is so busy that a daemon which nothing befell takes longer, twice
    of that; and one window of five has to be good: what the fault itself costs it costs
    in each."""
    found = []
    sound = Daemon()
    try:
        with contextlib.closing(Client(sound.path)) as c:
            for _ in range(5):
                used, late, usual = load(
                    daemon, request, lambda: c.call("session.self"), meanwhile)
                found.append("CPU %.2f %%, p99 %.2f ms, %.2f ms without a fault"
                             % (100 * used, 1000 * late, 1000 * usual))
                print(found[-1])
                if used < 0.02 and late < max(0.005, 2 * usual):
                    return
                if daemon.sanitized():  # which takes several times as long
                    return
        raise AssertionError("none is good: " + "; ".join(found))
    finally:
        sound.stop()


def blast(sock, data, quiet=0.3, limit=None):
    """Writes data over and over until nothing goes for quiet seconds (or limit
    bytes went).  Returns the number of bytes that went."""
    sock.setblocking(False)
    sent = 0
    view = memoryview(data)
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    while limit is None or sent < limit:
        try:
            sent += sock.send(view[sent % len(data) :])
        except BlockingIOError:
            if not poll.poll(quiet * 1000):
                break
    sock.settimeout(DEADLINE)
    return sent


def pattern(size):
    """Bytes that do not repeat within 64 KiB, so that a shift shows."""
    unit = b"".join(struct.pack(">H", (i * 40503) & 0xFFFF) for i in range(32749))
    return (unit * (size // len(unit) + 1))[:size]


def is_root():
    return os.geteuid() == 0


def open_to_all(daemon):
    """Lets every uid reach the control socket."""
    os.chmod(daemon.folder, 0o711)
    os.chmod(daemon.path, 0o666)
    assert stat.S_ISSOCK(os.stat(daemon.path).st_mode)


def errno_of(name):
    """The errno of a POSIX reason atom."""
    return getattr(errno, name.upper())


def check_reason(error, reason):
    """An error's message and its code belong together."""
    assert error.message == reason, "%s (%s), wanted %s" % (error.message, error.data, reason)
    assert error.code == (CODES.get(reason) or errno_of(reason)), (error.code, reason)
