# SPDX-License-Identifier: ISC
"""What is installed, and a service manager for it: the units are read as they are, and
their command lines run with the environment and the sockets that they name."""

import configparser
import contextlib
import os
import re
import resource
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time

from gentcp_base import DEADLINE

SCM_UCRED = struct.Struct("iII")


class Installed:
    """What make install put below a folder.  Its programs run from there, as whoever
    runs the tests."""

    def __init__(self, root):
        self.root = root

    def find(self, end):
        """The one installed file whose path ends so."""
        found = [os.path.join(folder, name) for folder, _, names in os.walk(self.root)
                 for name in names if os.path.join(folder, name).endswith(end)]
        assert len(found) == 1, (end, found)
        return found[0]

    def unit(self, end):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str
        with open(self.find(end)) as f:
            text = f.read()
        assert "@" not in re.sub(r"^#.*|~?@(system-service|privileged|resources|chown)", "",
                                 text, flags=re.M), "a word was not replaced"
        parser.read_string(text)
        return parser

    def seen(self, path):
        """A file of this machine as a service sees it."""
        return path

    def folder(self):
        """One for a test, where the service may make files."""
        return tempfile.mkdtemp(prefix="gentcp-")

    def give(self, path, user, group):
        """The file is theirs, where a service has a user of its own."""

    def place(self, path):
        """The file of this machine that a unit names."""
        return self.root + path

    def command(self, words, service):
        """What runs the command line of a service."""
        return [self.place(words[0]), *words[1:]]

    def environment(self, service):
        return dict(os.environ)


class Package(Installed):
    """Debian's packages, installed in a root of their own.  A service runs in there, by
    the words that its unit has, as its user and with its rights.  Meanwhile the root has
    the libraries and files of the machine that Debian would have there."""

    LENT = ("/dev/null", "/etc/hosts", "/etc/nsswitch.conf")

    def __init__(self, root):
        super().__init__(os.path.realpath(root))
        self.lent = []
        self.tools = tempfile.mkdtemp(prefix="tools-", dir=self.root)
        os.chmod(self.tools, 0o755)
        setpriv = shutil.which("setpriv")
        self.chroot = shutil.which("chroot", path="/usr/sbin:/usr/bin")
        libraries = set()
        for program in (setpriv, self.root + "/usr/sbin/gentcpd"):
            text = subprocess.run(["ldd", program], stdout=subprocess.PIPE, check=True,
                                  timeout=DEADLINE).stdout.decode()
            assert "not found" not in text, text
            libraries.update(re.findall(r"(/\S+) \(0x", text))
        for path in (*libraries, *self.LENT):
            self.lend(path)
        self.setpriv = shutil.copy(setpriv, self.tools)
        with open(self.root + "/etc/passwd") as f:
            rows = [line.split(":") for line in f]
        self.users = {row[0]: (int(row[2]), int(row[3])) for row in rows}

    def lend(self, path):
        to = self.root + path
        if not os.path.exists(path) or os.path.exists(to):
            return
        os.makedirs(os.path.dirname(to), exist_ok=True)
        found = os.stat(path)
        if stat.S_ISCHR(found.st_mode):
            os.mknod(to, found.st_mode, found.st_rdev)
            os.chmod(to, found.st_mode)
        else:
            shutil.copy(path, to)
        self.lent.append(to)

    def close(self):
        for path in self.lent:
            os.unlink(path)
            with contextlib.suppress(OSError):  # what else is in there stays
                os.removedirs(os.path.dirname(path))
        shutil.rmtree(self.tools)

    def seen(self, path):
        return path.removeprefix(self.root)

    def folder(self):
        return tempfile.mkdtemp(prefix="gentcp-", dir=self.root + "/run")

    def give(self, path, user, group):
        ids = dict(self.users, root=(0, 0))
        os.chown(path, ids[user][0], ids[group][1])

    def command(self, words, service):
        uid, gid = self.users[service.get("User", "gentcp")]
        words = [self.seen(self.setpriv), "--reuid=%d" % uid, "--regid=%d" % gid,
                 "--clear-groups", "--no-new-privs", *self.capabilities(service), *words]
        assert service.get("NoNewPrivileges") == "yes"
        return [self.chroot, self.root, *words]

    @staticmethod
    def capabilities(service):
        flags = []
        for flag, key in (("inh-caps", "AmbientCapabilities"),
                          ("ambient-caps", "AmbientCapabilities"),
                          ("bounding-set", "CapabilityBoundingSet")):
            names = service.get(key, "").lower().replace("cap_", "+").split()
            flags.append("--%s=%s" % (flag, ",".join(["-all", *names])))
        return flags

    def environment(self, service):
        return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG": "C.UTF-8",
                "USER": service.get("User", "gentcp")}


class Manager:
    """A service manager for one service: its notify socket, and its sockets' files."""

    def __init__(self, installed, abstract=False, unit="system/gentcpd.service"):
        self.installed = installed
        self.service = installed.unit(unit)["Service"]
        self.folder = installed.folder()
        self.own(self.folder)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.notify.settimeout(DEADLINE)
        self.name = os.path.join(self.folder, "notify")
        if abstract:
            self.name = "@" + self.name
        self.notify.bind(self.name.replace("@", "\0"))
        if not abstract:
            os.chmod(self.name, 0o777)
        self.path = os.path.join(self.folder, "control.sock")
        self.config = None  # or another file than the installed one
        self.process = None
        self.listeners = []
        self.paths = []

    def listen(self, name, path, kind=socket.SOCK_STREAM):
        s = socket.socket(socket.AF_UNIX, kind)
        self.listeners.append((name, s))
        s.bind(path)
        self.paths.append(path)
        if kind == socket.SOCK_STREAM:
            s.listen(64)

    def own(self, path, mode=0o755):
        """It becomes the service's user's."""
        os.chmod(path, mode)
        self.installed.give(path, self.service.get("User", "gentcp"),
                            self.service.get("Group", "gentcp"))

    def words(self):
        """ExecStart's; the files that they name are as the service sees them."""
        seen = self.installed.seen
        words = shlex.split(self.service["ExecStart"].replace("%t", seen(self.folder)))
        if "-c" in words:
            at = words.index("-c") + 1
            words[at] = seen(self.config or self.installed.place(words[at]))
        return words

    def start(self, **env):
        """ExecStart word by word."""
        seen = self.installed.seen
        words = self.installed.command(self.words(), self.service)
        env.setdefault("GENTCPD_SOCKET", self.path)
        env["GENTCPD_SOCKET"] = seen(env["GENTCPD_SOCKET"])
        env = dict(self.installed.environment(self.service), NOTIFY_SOCKET=seen(self.name), **env)
        if self.listeners:
            env["LISTEN_FDS"] = str(len(self.listeners))
            env["LISTEN_FDNAMES"] = ":".join(name for name, _ in self.listeners)
            # exec keeps the number of the process
            words = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"] + words
        fds = [s.fileno() for _, s in self.listeners]

        def prepare():
            os.umask(int(self.service.get("UMask", "0022"), 8))
            most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            most = min(most, int(self.service.get("LimitNOFILE", most)))
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.set_inheritable(3 + i, True)

        self.forget()
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            words, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            close_fds=not fds, preexec_fn=prepare)

    def output(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def forget(self):
        """What one before said at its end and nobody waited for: it fed the watchdog."""
        self.notify.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self.notify.recv(4096)

    def hear(self, timeout=None):
        """The next message as a dict, from the service itself."""
        self.notify.settimeout(DEADLINE if timeout is None else timeout)
        ended = self.process.poll() is not None
        try:
            data, control, _, _ = self.notify.recvmsg(
                4096, socket.CMSG_SPACE(SCM_UCRED.size), socket.MSG_DONTWAIT if ended else 0)
        except BlockingIOError:
            raise AssertionError("gentcpd ended: " + self.output()) from None
        pid = SCM_UCRED.unpack(control[0][2])[0]
        assert pid == self.process.pid  # NotifyAccess=main
        lines = data.decode().split("\n")
        assert lines.pop() == ""
        return dict(line.split("=", 1) for line in lines)

    def wait(self, key):
        """The next message with that key; what comes before is dropped."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                said = self.hear(min(0.5, end - time.monotonic()))
            except TimeoutError:
                assert time.monotonic() < end, "no %s: %s" % (key, self.output())
            else:
                if key in said:
                    return said

    def reload(self):
        """ExecReload, as systemctl reload."""
        words = shlex.split(self.service["ExecReload"].replace("$MAINPID", str(self.process.pid)))
        subprocess.run(words, check=True, timeout=DEADLINE)

    def stop(self):
        """SIGTERM, as systemctl stop; the service must say so."""
        self.process.send_signal(signal.SIGTERM)
        assert self.wait("STOPPING") == {"STOPPING": "1", "STATUS": "ending"}

    def end(self):
        """The same, and it must end well."""
        self.stop()
        assert self.process.wait(DEADLINE) == 0, self.output()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.notify.close()
        for _, s in self.listeners:
            s.close()
        for path in self.paths:
            os.unlink(path)
        shutil.rmtree(self.folder)
