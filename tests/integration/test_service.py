# SPDX-License-Identifier: ISC
"""gentcpd as a service: the test plays systemd, with the command line, the environment
and the sockets of the installed units."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

import pytest

import gentcp_test as g
from gentcp_access import MEMBER, low_port
from gentcp_service import Installed, Manager, Package

CAP_NET_BIND_SERVICE = 10


@pytest.fixture(scope="module")
def installed():
    """Debian's packages where GENTCP_ROOT says that they are installed, or else what make
    install puts into a folder of the test's own."""
    if "GENTCP_ROOT" in os.environ:
        with contextlib.closing(Package(os.environ["GENTCP_ROOT"])) as package:
            yield package
        return
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


def get_metrics(path):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(g.DEADLINE)
        s.connect(path)
        s.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


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
        m.reload()
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


# --- a day of it -------------------------------------------------------------------


def as_the_units_say(manager):
    """The folders of the service, and the socket of gentcpd.socket, as systemd makes them;
    returns the log's path."""
    service, installed = manager.service, manager.installed
    unit = installed.unit("system/gentcpd.socket")["Socket"]
    manager.path = installed.place(unit["ListenStream"])
    with open(installed.find("logrotate.d/gentcpd")) as f:
        log = installed.place(re.search(r"^(/\S*)/\*\.log", f.read(), re.M)[1] + "/gentcpd.log")
    for key, path in (("Runtime", manager.path), ("Logs", log)):
        folder = os.path.dirname(path)
        assert os.path.basename(folder) == service[key + "Directory"]
        os.makedirs(folder, exist_ok=True)
        manager.own(folder, int(service[key + "DirectoryMode"], 8))
    manager.listen(unit["FileDescriptorName"], manager.path)
    os.chmod(manager.path, int(unit["SocketMode"], 8))
    installed.give(manager.path, unit["SocketUser"], unit["SocketGroup"])
    return log


@contextlib.contextmanager
def edited(path):
    """The file is as it was, afterwards."""
    with open(path) as f:
        before = f.read()
    try:
        yield
    finally:
        with open(path, "w") as f:
            f.write(before)


def seed_exchange(path):
    """gen_tcp's own exchanges, by the command line, with the daemon there."""
    env = dict(os.environ, GENTCPD="", GENTCPD_SOCKET=path, GENTCP_CLI=g.gentcp_cli())
    done = subprocess.run(["bash", os.path.join(g.HERE, "seed.sh")], env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120)
    assert done.returncode == 0 and b" 0 failed" in done.stdout, done.stdout.decode()


def test_start_use_reload_drain_and_stop(manager):
    """By the command line, the environment and the configuration that are installed."""
    log = as_the_units_say(manager)
    inode = os.stat(manager.path).st_ino
    conf = manager.installed.place(shlex.split(manager.service["ExecStart"])[-1])
    early = g.Client(manager.path)
    given = dict(line.split("=", 1) for line in [manager.service["Environment"]])
    assert given == {"GENTCPD_SOCKET": manager.installed.unit(
        "system/gentcpd.socket")["Socket"]["ListenStream"]}
    with edited(conf):
        manager.start(WATCHDOG_USEC="200000", GENTCPD_SOCKET=manager.path)
        assert manager.hear() == {"READY": "1", "STATUS": "0 clients, 0 sockets"}
        assert manager.hear() == {"WATCHDOG": "1"}
        early.sync()
        seed_exchange(manager.path)
        reload_with(manager, conf, {
            "log": manager.installed.seen(log), "shutdown_timeout": 10000,
            "log_level": {"control": "debug"}})
        assert early.call("daemon.log_level")["control"] == "debug"
        seed_exchange(manager.path)
        drain(manager, early)
    with open(log) as f:
        text = f.read()
    assert "config: read anew: " in text and "daemon: SIGTERM: ending\n" in text
    assert os.stat(manager.path).st_ino == inode
    # Who comes now is served by the next one.
    with contextlib.closing(g.Client(manager.path)) as late:
        manager.start(GENTCPD_SOCKET=manager.path)
        manager.wait("READY")
        late.sync()
        manager.end()
    os.unlink(log)


def reload_with(manager, conf, settings):
    with open(conf, "w") as f:
        json.dump(settings, f)
    before = time.monotonic_ns() // 1000
    manager.reload()
    said = manager.wait("RELOADING")
    assert before <= int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
    assert manager.wait("READY") == {"READY": "1", "STATUS": "1 clients, 0 sockets"}
    manager.wait("WATCHDOG")


def drain(manager, client):
    """Stopped while a peer has yet to read most of what was sent to it."""
    room = g.Room(manager)
    try:
        s, peer = room.pair(client, {"high_watermark": 100 * g.MB}, small=True)
        client.send(s, b"x" * 4 * g.MB)
        manager.stop()
        assert client.event("shutdown").params == {"timeout": 10000}
        client.closes()
        assert manager.process.poll() is None  # for the peer
        assert peer.read(4 * g.MB) == b"x" * 4 * g.MB
        assert manager.process.wait(g.DEADLINE) == 0, manager.output()
    finally:
        room.end()


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return {line.split(":")[0]: line.split(":")[1].split() for line in f}


def test_whose_it_is_and_who_may_use_it(installed, manager):
    """Its user and rights are the unit's; its clients are root and the group's members."""
    if not isinstance(installed, Package):
        pytest.skip("only installed packages bring their user")
    as_the_units_say(manager)
    manager.start(GENTCPD_SOCKET=manager.path)
    manager.wait("READY")
    uid, gid = installed.users["gentcp"]
    found = status_of(manager.process.pid)
    assert found["Uid"] == [str(uid)] * 4 and found["Gid"] == [str(gid)] * 4
    assert found["NoNewPrivs"] == ["1"] and found["Groups"] == []
    for key in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(found[key][0], 16) == 1 << CAP_NET_BIND_SERVICE, key

    def cli(groups, *args):
        return subprocess.run(
            ["setpriv", "--reuid=%d" % MEMBER, "--regid=%d" % MEMBER, groups, g.gentcp_cli(), "-s",
             manager.path, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=3 * g.DEADLINE)

    done = cli("--groups=%d" % gid, "call", "session.self")
    assert done.returncode == 0 and b"uid=%d" % MEMBER in done.stdout, done.stdout.decode()
    done = cli("--clear-groups", "call", "session.self")
    assert done.returncode == 3 and b"Permission denied" in done.stdout, done.stdout.decode()
    # A port that takes a right, which root's clients may use and others may not.
    port = low_port()
    with contextlib.closing(g.Client(manager.path)) as c:
        c.call("gen_tcp.listen", {"port": port, "options": {"ip": "127.0.0.1"}})
    done = cli("--groups=%d" % gid, "call", "gen_tcp.listen", "port=%d" % port)
    assert done.returncode == 1 and b"eacces" in done.stdout, done.stdout.decode()
    manager.end()


# --- one thing at a time -----------------------------------------------------------


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
        manager.reload()
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
        manager.reload()
        manager.wait("RELOADING")
        manager.wait("READY")
        exchange(manager.path).close()
        get_metrics(metrics)
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
    get_metrics(path)
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
def test_the_snippets(installed, tmp_path):
    if shutil.which("systemd-tmpfiles") is None:
        pytest.skip("there is no systemd-tmpfiles")
    root = str(tmp_path)
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
def test_logrotate_does_what_its_snippet_says(installed, tmp_path):
    """With the test's own folder and user in place of the service's."""
    if shutil.which("logrotate") is None:
        pytest.skip("there is no logrotate")
    folder = str(tmp_path)
    os.chmod(folder, 0o700)
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
