# SPDX-License-Identifier: ISC
"""gentcpd as a service: the test plays systemd, with the command line, the environment
and the sockets of the installed units."""

import configparser
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import time

import pytest

import gentcp_test as g

SCM_UCRED = struct.Struct("iII")


@pytest.fixture(scope="module")
def installed():
    """make install into a folder of the test's own; the folder of each kind by name."""
    build = os.path.dirname(os.path.dirname(g.gentcpd()))
    root = tempfile.mkdtemp(prefix="gentcp-")
    try:
        done = subprocess.run(
            ["make", "-s", "-C", os.path.join(build, "src"), "install", "DESTDIR=" + root],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300,
            env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")})
        assert done.returncode == 0, done.stdout.decode()
        yield Installed(root)
    finally:
        shutil.rmtree(root)


class Installed:
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


class Manager:
    """A service manager for one service: its notify socket, and its sockets' files."""

    def __init__(self, installed, abstract=False, unit="system/gentcpd.service"):
        self.folder = tempfile.mkdtemp(prefix="gentcp-")
        self.installed = installed
        self.service = installed.unit(unit)["Service"]
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.notify.settimeout(g.DEADLINE)
        self.name = os.path.join(self.folder, "notify")
        if abstract:
            self.name = "@" + self.name
        self.notify.bind(self.name.replace("@", "\0"))
        self.path = os.path.join(self.folder, "control.sock")
        self.config = None  # or another file than the installed one
        self.process = None
        self.listeners = []

    def listen(self, name, path, kind=socket.SOCK_STREAM):
        s = socket.socket(socket.AF_UNIX, kind)
        s.bind(path)
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        self.listeners.append((name, s))

    def start(self, **env):
        """ExecStart word by word, the program below the folder of the installation."""
        words = shlex.split(self.service["ExecStart"].replace("%t", self.folder))
        words[0] = self.installed.root + words[0]
        if "-c" in words:
            at = words.index("-c") + 1
            words[at] = self.config or self.installed.root + words[at]
        env = dict(os.environ, NOTIFY_SOCKET=self.name, **env)
        env.setdefault("GENTCPD_SOCKET", self.path)
        if self.listeners:
            env["LISTEN_FDS"] = str(len(self.listeners))
            env["LISTEN_FDNAMES"] = ":".join(name for name, _ in self.listeners)
            # exec keeps the number of the process
            words = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"] + words
        fds = [s.fileno() for _, s in self.listeners]

        def pass_on():
            high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)
                os.set_inheritable(3 + i, True)

        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            words, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            close_fds=not fds, preexec_fn=pass_on if fds else None)

    def output(self):
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def hear(self, timeout=None):
        """The next message as a dict, from the service itself."""
        self.notify.settimeout(g.DEADLINE if timeout is None else timeout)
        data, control, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(SCM_UCRED.size))
        pid = SCM_UCRED.unpack(control[0][2])[0]
        assert pid == self.process.pid  # NotifyAccess=main
        lines = data.decode().split("\n")
        assert lines.pop() == ""
        return dict(line.split("=", 1) for line in lines)

    def wait(self, key):
        """The next message with that key; what comes before is dropped."""
        end = time.monotonic() + g.DEADLINE
        while True:
            said = self.hear(max(0.01, end - time.monotonic()))
            if key in said:
                return said

    def end(self):
        """SIGTERM, as systemctl stop; the service must say so and end well."""
        self.process.send_signal(signal.SIGTERM)
        assert self.wait("STOPPING")["STOPPING"] == "1"
        assert self.process.wait(g.DEADLINE) == 0, self.output()

    def close(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.notify.close()
        for _, s in self.listeners:
            s.close()
        shutil.rmtree(self.folder)


@pytest.fixture
def manager(installed):
    m = Manager(installed)
    yield m
    m.close()


def exchange(path):
    """A word there and back between two sockets of one client."""
    c = g.Client(path)
    listener, port = c.listen()
    accept = c.request("gen_tcp.accept", {"socket": listener})
    a = c.connect(port, {"active": False})
    b = c.reply(accept).result()["socket"]
    c.send(a, b"there")
    assert g.payload(c.call("gen_tcp.recv", {"socket": b, "length": 5})["data"]) == b"there"
    return c


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_ready_reload_stop(installed, abstract):
    m = Manager(installed, abstract)
    try:
        m.start()
        ready = m.hear()
        assert ready == {"READY": "1", "STATUS": "0 clients, 0 sockets"}
        # Ready means that one may connect, and not a moment later.
        c = exchange(m.path)
        before = time.monotonic_ns() // 1000
        assert m.service["ExecReload"] == "/bin/kill -HUP $MAINPID"
        m.process.send_signal(signal.SIGHUP)
        said = m.hear()
        assert said["RELOADING"] == "1"
        assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert m.hear() == {"READY": "1", "STATUS": "1 clients, 3 sockets"}
        c.sync()
        m.end()
        assert not os.path.exists(m.path)
        c.close()
    finally:
        m.close()


def test_a_reload_is_told_when_it_is_over(manager):
    manager.config = os.path.join(manager.folder, "gentcpd.conf")
    assert manager.service["ExecStart"].endswith("/etc/gentcpd/gentcpd.conf")
    with open(manager.config, "w") as f:
        f.write('{"log_level": "info"}')
    manager.start()
    manager.wait("READY")
    c = g.Client(manager.path)
    for text, level in (('{"log_level": "debug"}', "debug"), ("{]", "debug"), ("{}", "info")):
        with open(manager.config, "w") as f:
            f.write(text)
        manager.process.send_signal(signal.SIGHUP)
        assert "MONOTONIC_USEC" in manager.wait("RELOADING")
        # wrong or not, it is over then
        assert manager.wait("READY")["READY"] == "1"
        assert c.call("daemon.log_level")["tcp"] == level
    assert c.call("daemon.reload") == "ok"
    manager.wait("RELOADING")
    manager.wait("READY")
    c.close()
    manager.end()


def test_what_was_passed_survives_a_reload(manager):
    manager.config = os.path.join(manager.folder, "gentcpd.conf")
    metrics = os.path.join(manager.folder, "metrics.sock")
    with open(manager.config, "w") as f:
        f.write("{}")
    manager.listen("metrics", metrics)
    manager.listen("control", manager.path)
    manager.start(GENTCPD_SOCKET=os.path.join(manager.folder, "not-this-one"))
    manager.wait("READY")
    for _ in range(2):
        manager.process.send_signal(signal.SIGHUP)
        manager.wait("RELOADING")
        manager.wait("READY")
        exchange(manager.path).close()
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(g.DEADLINE)
            s.connect(metrics)
            s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    assert "after a new start only" not in manager.output()
    manager.end()


def test_the_status_follows(manager):
    manager.start()
    manager.wait("READY")
    c = exchange(manager.path)
    assert manager.wait("STATUS")["STATUS"] == "1 clients, 3 sockets"
    c.close()
    assert manager.wait("STATUS")["STATUS"] == "0 clients, 0 sockets"
    manager.end()


def test_the_watchdog_is_fed_by_the_loop(manager):
    assert manager.service["Type"] == "notify" and int(manager.service["WatchdogSec"]) == 30
    manager.start(WATCHDOG_USEC="200000")
    manager.wait("READY")
    began = time.monotonic()
    for _ in range(10):
        assert manager.hear() == {"WATCHDOG": "1"}
    # each 100 ms: not so seldom that the manager would end it, and not more often
    assert 0.8 < time.monotonic() - began < 2
    manager.process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, manager.process.pid, os.WSTOPPED | os.WNOWAIT)
    with pytest.raises(TimeoutError):
        while True:
            manager.hear(0.5)
    manager.process.send_signal(signal.SIGCONT)
    manager.wait("WATCHDOG")
    manager.end()


def test_a_watchdog_for_another_process_is_let_alone(manager):
    manager.start(WATCHDOG_USEC="100000", WATCHDOG_PID="1")
    manager.wait("READY")
    with pytest.raises(TimeoutError):
        manager.hear(0.5)
    manager.end()


def test_a_passed_socket_is_served_and_never_unlinked(manager):
    unit = manager.installed.unit("system/gentcpd.socket")["Socket"]
    assert unit["SocketMode"] == "0660" and unit["SocketGroup"] == "gentcp"
    assert unit["ListenStream"] == manager.service["Environment"].partition("=")[2]
    manager.listen(unit["FileDescriptorName"], manager.path)
    inode = os.stat(manager.path).st_ino
    # A client that came before the daemon is the first to be served.
    early = g.Client(manager.path)
    manager.start(GENTCPD_SOCKET=os.path.join(manager.folder, "not-this-one"))
    manager.wait("READY")
    early.sync()
    exchange(manager.path).close()
    assert "listening on " + manager.path in manager.output()
    manager.end()
    assert os.stat(manager.path).st_ino == inode
    assert set(os.listdir(manager.folder)) == {"control.sock", "notify"}  # no lock either
    # The next one takes it again; who connects meanwhile waits.
    early.close()
    early = g.Client(manager.path)
    manager.start()
    manager.wait("READY")
    early.sync()
    early.close()
    manager.end()


def test_metrics_on_a_passed_socket(manager):
    path = os.path.join(manager.folder, "metrics.sock")
    manager.listen("metrics", path)
    manager.listen("control", manager.path)
    manager.start()
    manager.wait("READY")
    exchange(manager.path).close()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(g.DEADLINE)
        s.connect(path)
        s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    manager.end()
    assert os.path.exists(path) and os.path.exists(manager.path)


@pytest.mark.parametrize("name, kind, why", [
    ("control", socket.SOCK_DGRAM, "is not a listening stream socket"),
    ("metrics", socket.SOCK_DGRAM, "is not a listening stream socket"),
])
def test_what_is_no_listening_socket_is_refused(manager, name, kind, why):
    path = os.path.join(manager.folder, "odd")
    manager.listen(name, path, kind)
    manager.start()
    assert manager.process.wait(g.DEADLINE) == 1
    assert why in manager.output() and name in manager.output()
    assert os.path.exists(path)


def test_metrics_are_for_ip_and_unix_sockets(manager):
    try:
        s = socket.socket(socket.AF_VSOCK)
        s.bind((socket.VMADDR_CID_ANY, socket.VMADDR_PORT_ANY))
        s.listen()
    except OSError as error:
        pytest.skip("this machine has no vsock: %s" % error)
    manager.listeners.append(("metrics", s))
    manager.start()
    assert manager.process.wait(g.DEADLINE) == 1
    assert "(metrics): is neither a Unix socket nor one of IP" in manager.output()


def test_without_a_manager_that_listens(manager):
    """A socket that nobody reads, or that is none, stops nothing."""
    manager.name = os.path.join(manager.folder, "nobody")
    manager.start(WATCHDOG_USEC="20000")
    g.until(lambda: os.path.exists(manager.path), "the daemon")
    g.until(lambda: "listening" in manager.output(), "the daemon")
    exchange(manager.path).close()
    assert "cannot tell the service manager READY=1" in manager.output()
    manager.process.send_signal(signal.SIGTERM)
    assert manager.process.wait(g.DEADLINE) == 0


def test_the_users_own_service(installed):
    m = Manager(installed, unit="user/gentcpd.service")
    try:
        m.path = os.path.join(m.folder, "gentcpd.sock")
        m.start()
        m.wait("READY")
        exchange(m.path).close()
        m.end()
    finally:
        m.close()


# --- the files ---------------------------------------------------------------------


def test_systemd_finds_the_service_secure(installed):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=20",
         installed.find("system/gentcpd.service")],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=g.DEADLINE)
    assert done.returncode == 0, done.stdout.decode()
    assert b"Overall exposure level" in done.stdout


@pytest.mark.parametrize("unit", ["system/gentcpd.service", "system/gentcpd.socket"])
def test_systemd_understands_every_line(installed, unit):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", installed.find(unit)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=g.DEADLINE)
    wrong = [line for line in done.stdout.decode().splitlines()
             if "gentcpd" in line and "is not executable" not in line]
    assert wrong == []


def test_the_drop_in_names_what_the_unit_has(installed):
    """Each key that it gives more to is one of the unit's, but for that it adds."""
    service = installed.unit("system/gentcpd.service")["Service"]
    drop_in = installed.unit("examples/gentcpd-netns.conf")["Service"]
    assert set(drop_in) <= set(service)
    assert drop_in["AmbientCapabilities"] == drop_in["CapabilityBoundingSet"]
    with open(installed.find("system/gentcpd.service")) as f:
        assert "examples/gentcpd-netns.conf" in f.read()


@pytest.mark.skipif(not g.is_root(), reason="only root can make what they say")
def test_the_snippets(installed):
    if shutil.which("systemd-tmpfiles") is None:
        pytest.skip("there is no systemd-tmpfiles")
    root = os.path.join(installed.root, "other")
    os.makedirs(os.path.join(root, "etc"))
    for tool, name in (("systemd-sysusers", "sysusers.d"), ("systemd-tmpfiles", "tmpfiles.d")):
        flags = ["--create"] if tool == "systemd-tmpfiles" else []
        done = subprocess.run(
            [tool, "--root=" + root, *flags, installed.find(name + "/gentcpd.conf")],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=g.DEADLINE)
        assert done.returncode == 0, done.stdout.decode()
    with open(os.path.join(root, "etc", "passwd")) as f:
        assert re.search(r"^gentcp:", f.read(), re.M)
    found = [f for f, _, _ in os.walk(root) if f.endswith("/run/gentcpd")]
    assert len(found) == 1 and stat.S_IMODE(os.stat(found[0]).st_mode) == 0o755


@pytest.mark.skipif(not g.is_root(), reason="logrotate asks that root has the file")
def test_logrotate_does_what_its_snippet_says(installed):
    """With the test's own folder and user in place of the service's."""
    if shutil.which("logrotate") is None:
        pytest.skip("there is no logrotate")
    folder = os.path.join(installed.root, "logs")
    os.mkdir(folder, 0o700)
    log = os.path.join(folder, "gentcpd.log")
    with open(log, "w") as f:
        f.write("line\n")
    with open(installed.find("logrotate.d/gentcpd")) as f:
        text = f.read()
    assert text.count("gentcp gentcp") == 2 and "/log/gentcpd/*.log" in text
    text = re.sub(r"^.*/log/gentcpd", folder, text, flags=re.M)
    own = os.path.join(folder, "snippet")
    with open(own, "w") as f:
        f.write(text.replace("gentcp gentcp", "root root"))
    done = subprocess.run(
        ["logrotate", "-f", "-s", os.path.join(folder, "state"), own],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=g.DEADLINE)
    assert (done.returncode, done.stdout) == (0, b"")
    with open(log + ".1") as f:
        assert f.read() == "line\n"
    assert os.stat(log).st_size == 0 and stat.S_IMODE(os.stat(log).st_mode) == 0o640
