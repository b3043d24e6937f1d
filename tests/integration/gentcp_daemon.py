# SPDX-License-Identifier: ISC
"""A daemon of the test's own."""

import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile

from gentcp_base import DEADLINE, SANITIZER, gentcpd, until
from gentcp_client import Client



class Daemon:
    """A gentcpd of the test's own, on a socket in a temporary folder."""

    def __init__(self, args=(), nofile=None, folder=None, env=None, start=True):
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="gentcp-")
        self.path = os.path.join(self.folder, "control.sock")
        self.args = list(args)
        self.nofile = nofile
        self.env = dict(env or {})
        self.process = None
        self.log = None
        if start:
            try:
                self.start()
            except BaseException:
                self.kill()
                self.remove()
                raise

    def command(self):
        return [gentcpd()] + self.args

    def start(self, ready=True):
        env = dict(os.environ, GENTCPD_SOCKET=self.path, **self.env)
        self.log = tempfile.TemporaryFile()
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        soft = hard if self.nofile is None else self.nofile

        def limits():
            if self.nofile is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, soft))
            else:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

        self.process = subprocess.Popen(
            self.command(),
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            preexec_fn=limits,
        )
        self.pid = self.process.pid
        if ready:
            self.wait_ready()
            # Whatever is made at the first use belongs to the baseline.
            with contextlib.closing(Client(self.path)) as first:
                first.call("session.hello")
            self.baseline = self.settled_fds()

    def wait_ready(self):
        def connects():
            if self.process.poll() is not None:
                raise AssertionError(
                    "gentcpd ended with %d at its start:\n%s"
                    % (self.process.returncode, self.output())
                )
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
                try:
                    s.connect(self.path)
                except OSError:
                    return False
                return True

        until(connects, "a connection to gentcpd", 30)

    def output(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def alive(self):
        return self.process.poll() is None

    def fds(self):
        return len(os.listdir("/proc/%d/fd" % self.pid))

    def settled_fds(self):
        """The number of descriptors once the start's last client is gone."""
        last = [self.fds()]

        def still():
            last.append(self.fds())
            return len(last) > 20 and len(set(last[-20:])) == 1

        until(still, "a steady number of descriptors")
        return last[-1]

    def wait_baseline(self, timeout=None):
        """Every descriptor that clients caused is closed again."""
        deadline = min(DEADLINE, 20) if timeout is None else timeout
        try:
            until(lambda: self.fds() <= self.baseline, "closed descriptors", deadline)
        except AssertionError:
            names = []
            for fd in os.listdir("/proc/%d/fd" % self.pid):
                with contextlib.suppress(OSError):
                    names.append(fd + "=" + os.readlink("/proc/%d/fd/%s" % (self.pid, fd)))
            before, self.baseline = self.baseline, self.fds()  # told once
            raise AssertionError(
                "gentcpd holds %d descriptors, %d at its start: %s"
                % (self.baseline, before, " ".join(names))
            ) from None

    def status(self, key):
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith(key + ":"):
                    return int(line.split()[1])
        raise AssertionError("no %s in /proc" % key)

    def rss(self):
        """Bytes of memory in use."""
        return self.status("VmRSS") * 1024

    def sanitized(self):
        """Built with AddressSanitizer, whose shadow takes terabytes of addresses."""
        return self.status("VmSize") > 1 << 30

    def cpu(self):
        """Seconds of processor time so far."""
        with open("/proc/%d/stat" % self.pid) as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def check_log(self):
        found = SANITIZER.search(self.output())
        assert found is None, "gentcpd says:\n" + self.output()

    def stop(self):
        """SIGTERM; the daemon must end well, say nothing bad, and tidy up."""
        try:
            assert self.alive(), "gentcpd ended with %d:\n%s" % (
                self.process.returncode,
                self.output(),
            )
            self.process.send_signal(signal.SIGTERM)
            try:
                status = self.process.wait(30)
            except subprocess.TimeoutExpired:
                raise AssertionError("gentcpd did not end after SIGTERM") from None
            assert status == 0, "gentcpd ended with %d:\n%s" % (status, self.output())
            self.check_log()
            assert not os.path.exists(self.path), "the socket file stayed"
        finally:
            self.kill()
            self.remove()

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def remove(self):
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
