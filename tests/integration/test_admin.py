# SPDX-License-Identifier: ISC
"""A daemon as its administrator has it: reload, drain, signals, the log, the background.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import pytest

import gentcp_test as g
from gentcp_access import MEMBER, daemon_of, low_port, needs_root, outcome
from gentcp_test import check_reason


def run(*args, **more):
    """gentcpd to its end: (status, what it said)."""
    done = subprocess.run(
        [g.gentcpd(), *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=3 * g.DEADLINE, **more)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def connected(process, path):
    """A client of a daemon that is about to be there."""
    found = []

    def connects():
        assert process.poll() is None, "gentcpd ended"
        with contextlib.suppress(OSError):
            found.append(g.Client(str(path), data="auto"))
        return found

    g.until(connects, "a connection")
    return found[0]


# --- gentcpd -t -----------------------------------------------------------------


@pytest.mark.parametrize("text,status,said", [
    ("{}", 0, ": ok\n"),
    ('{\n\n "max_pakcet": 1}', 1, ":3: max_pakcet is an unknown key: is it max_packet?"),
    ('{\n"mode": "0600",\n"uid_bytes": -1}', 1, ":3: uid_bytes must be"),
    ('{"log": "relative"}', 1, ":1: log must be"),
    ('{"log_level": {"contrl": "info"}}', 1, ": contrl is no subsystem: is it control?"),
    ('{"log_level": "loud"}', 1, ":1: log_level must be"),
    ('{"access": {}}', 1, ":1: access must be an array"),
    ('{"access": [\n{"users": ["root"]},\n{"users": ["no such user"]}]}', 1,
     ":3: access rule 2: users names no user: no such user"),
    ('{"access": [{"groups": [-1]}]}', 1, "access rule 1: groups must have names or numbers"),
    ('{"access": [{"methods": ["inet.*", "gen_tcp.sned"]}]}', 1,
     "methods has no method: gen_tcp.sned: is it gen_tcp.send?"),
    ('{"access": [{"listen": ["*:70000"]}]}', 1, "a port is 0..65535"),
    ('{"access": [{"listen": ["::1"]}]}', 1, 'listen has "::1"'),
    ('{"access": [{"connect": ["10.0.0.0/33"]}]}', 1, "how many bits"),
    ('{"access": [{"connect": ["10.0.0.1/8"]}]}', 1, "behind the bits that count"),
    ('{"access": [{"connect": ["[::ffff:10.0.0.1]:80"]}]}', 1, "an IPv4 address is written as one"),
    ('{"access": [{"listen": ["[fe80::1%2]"]}]}', 1, "an address has no scope here"),
    ('{"access": [{"bytes": -1}]}', 1, "bytes must be a whole number, 0 or more"),
    ('{"access": [{"sockets": "many"}]}', 1, "sockets must be a whole number"),
    ('{"access": [7]}', 1, "access rule 1 must be an object"),
    ('{"socket": "/tmp/one",\n"monitor_socket": "/tmp/one"}', 1,
     ": monitor_socket must be another path than the control socket's: /tmp/one"),
    ('{"admin_group": "no such group"}', 1, "admin_group names no group"),
])
def test_a_file_is_checked(tmp_path, text, status, said):
    path = tmp_path / "gentcpd.conf"
    path.write_text(text)
    result, output = run("-t", "-c", str(path))
    assert result == status
    assert str(path) in output and said in output


def test_a_file_that_everybody_may_write_to(tmp_path):
    path = tmp_path / "gentcpd.conf"
    path.write_text("{}")
    said = "%s: every user of the machine may write to it" % path
    path.chmod(0o664)
    assert said not in run("-t", "-c", str(path))[1]
    path.chmod(0o666)
    status, output = run("-t", "-c", str(path))
    assert status == 0 and said in output
    with daemon_of({}) as room:
        said = room.daemon.conf + ": every user"
        assert said not in room.daemon.output()
        os.chmod(room.daemon.conf, 0o646)
        assert outcome(room.known(), "daemon.reload") == "ok"
        assert said in room.daemon.output()
        room.daemon.process.send_signal(signal.SIGTERM)
        assert room.daemon.process.wait(g.DEADLINE) == 0
        room.daemon.start()
        assert said in room.daemon.output()


# --- reload ---------------------------------------------------------------------


def hup(room, words):
    """SIGHUP; when the log says these words once more than before."""
    before = room.daemon.output().count(words)
    room.daemon.process.send_signal(signal.SIGHUP)
    g.until(lambda: room.daemon.output().count(words) > before, words)


def test_a_bad_file_changes_nothing():
    with daemon_of({"client_sockets": 2}) as room:
        c = room.known()
        [c.listen() for _ in range(2)]
        for text in ('{"client_sockets": 5, "nonsense": 1}', '{"client_sockets": 5', "",
                     '{"client_sockets": 5, "log": "/no/such/folder/log"}'):
            room.daemon.write(text)
            hup(room, "nothing is changed: ")
            error = c.fails("daemon.reload")
            check_reason(error, "einval")
            assert error.data["detail"]
            assert outcome(c, "gen_tcp.listen", {"port": 0}) == "system_limit"
        os.unlink(room.daemon.conf)
        hup(room, "nothing is changed: ")
        room.daemon.write({"client_sockets": 3})
        hup(room, "read anew: ")
        assert outcome(c, "gen_tcp.listen", {"port": 0}) == "ok"
        assert outcome(c, "gen_tcp.listen", {"port": 0}) == "system_limit"


def test_what_a_reload_changes_and_what_it_does_not():
    with daemon_of({}) as room:
        c = room.known()
        room.daemon.write({
            "max_message": 4096, "max_packet": 1000, "resolvers": 9, "mode": "0600",
            "inet_default_connect_options": {"packet": 2, "active": True}})
        assert outcome(c, "daemon.reload") == "ok"
        assert "in force after a new start only: mode, resolvers" in room.daemon.output()
        assert os.stat(room.daemon.path).st_mode & 0o777 == 0o666
        new = room.client(attachments=True)
        assert new.hello["max_message"] == 4096
        port = room.tcp_listener().getsockname()[1]
        s = new.connect(port, {"active": False})
        assert new.getopt(s, "packet") == 2
        c.sync()
        # Again the same: nothing differs now, but from how it started.
        assert outcome(c, "daemon.reload") == "ok"


def test_many_reloads_at_once():
    with daemon_of({}) as room:
        clients = [room.known() for _ in range(4)]
        ids = [(c, c.request("daemon.reload")) for c in clients for _ in range(10)]
        gone = room.known()
        gone.request("daemon.reload")
        gone.close()
        for c, i in ids:
            assert c.reply(i).result() == "ok"


# --- the end --------------------------------------------------------------------


@pytest.mark.parametrize("how", ["SIGTERM", "daemon.shutdown"])
def test_a_drain(how):
    """Told, what was said is written, and what was sent arrives."""
    with daemon_of({"shutdown_timeout": 10000}, clean=False) as room:
        c, idle = room.known(), room.known()
        listener, _ = c.listen()
        s, peer = room.pair(c, {"high_watermark": 100 * g.MB}, small=True)
        c.send(s, b"x" * 4 * g.MB)
        if how == "SIGTERM":
            room.daemon.process.send_signal(signal.SIGTERM)
        else:
            assert outcome(c, "daemon.shutdown") == "ok"
        for each in (c, idle):
            event = each.event("shutdown")
            assert event.params == {"timeout": 10000} and event.seq is None
            each.closes()
        assert room.daemon.alive()  # for the peer
        with pytest.raises(OSError), contextlib.closing(socket.socket(socket.AF_UNIX)) as new:
            new.settimeout(2)
            new.connect(room.daemon.path)
            if not new.recv(1):
                raise ConnectionResetError
        assert peer.read(4 * g.MB) == b"x" * 4 * g.MB
        assert room.daemon.process.wait(g.DEADLINE) == 0
        room.daemon.check_log()


def test_asked_twice_it_ends_no_sooner():
    with daemon_of({"shutdown_timeout": 20000}, clean=False) as room:
        c = room.known()
        s, peer = room.pair(c, {"high_watermark": 100 * g.MB}, small=True)
        c.send(s, b"x" * 8 * g.MB)
        c.raw(b'{"jsonrpc":"2.0","id":1,"method":"daemon.shutdown"}\n' * 2)
        assert peer.read(8 * g.MB) == b"x" * 8 * g.MB
        assert room.daemon.process.wait(g.DEADLINE) == 0


def test_a_drain_has_its_deadline_and_a_second_signal_ends_it():
    for second in (False, True):
        timeout = 60000 if second else 300
        with daemon_of({"shutdown_timeout": timeout}, clean=False) as room:
            c = room.known()
            s, _ = room.pair(c, {"high_watermark": 100 * g.MB}, small=True)
            c.send(s, b"x" * 8 * g.MB)
            began = time.monotonic()
            room.daemon.process.send_signal(signal.SIGTERM)
            c.closes()
            assert room.daemon.alive()
            if second:
                room.daemon.process.send_signal(signal.SIGTERM)
            assert room.daemon.process.wait(g.DEADLINE) == 0
            assert time.monotonic() - began < 20


def test_the_end_is_not_taken_back_by_a_reload(tmp_path):
    """The service manager hears of no other state behind STOPPING."""
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(g.DEADLINE)
        heard = []

        def hear(word):
            while not heard or word not in heard[-1]:
                heard.append(manager.recv(4096).decode())

        with daemon_of({"shutdown_timeout": 20000}, clean=False,
                       env={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as room:
            c = room.known()
            s, peer = room.pair(c, {"high_watermark": 100 * g.MB}, small=True)
            c.send(s, b"x" * 8 * g.MB)
            hear("READY=1")
            for number in (signal.SIGHUP, signal.SIGTERM):
                room.daemon.process.send_signal(number)
            hear("STOPPING=1")
            for _ in range(3):
                room.daemon.process.send_signal(signal.SIGHUP)
            c.closes()
            assert peer.read(8 * g.MB) == b"x" * 8 * g.MB
            assert room.daemon.process.wait(g.DEADLINE) == 0
        manager.setblocking(False)
        with pytest.raises(BlockingIOError):
            manager.recv(4096)


# --- the log --------------------------------------------------------------------


def test_usr1_tells_of_all():
    with daemon_of({}) as room:
        c = room.known(name="who\x1b[1m")
        s, _ = room.pair(c)
        listener, port = c.listen({"ip": "127.0.0.1"})
        room.daemon.process.send_signal(signal.SIGUSR1)
        g.until(lambda: "socket %d: client" % listener in room.daemon.output(), "the summary")
        said = room.daemon.output()
        assert "1 clients, 2 sockets" in said
        assert "client %d: who\\x1b[1m, uid %d," % (c.id, os.geteuid()) in said
        assert "listener, own 127.0.0.1:%d, peer -" % port in said
        assert "socket %d: client %d, uid %d, connection" % (s, c.id, os.geteuid()) in said


def test_a_log_that_was_moved(tmp_path):
    log = tmp_path / "log"
    with daemon_of({"log": str(log)}) as room:
        g.until(lambda: log.exists() and b"listening on" in log.read_bytes(), "the first line")
        log.rename(tmp_path / "log.1")
        room.daemon.process.send_signal(signal.SIGHUP)
        g.until(lambda: log.exists() and b"read anew" in log.read_bytes(), "a new file")
        assert b"listening on" not in log.read_bytes()
        # Elsewhere from now on.
        room.daemon.write({"log": "stderr"})
        assert outcome(room.known(), "daemon.reload") == "ok"
        assert "read anew" in room.daemon.output()


def test_a_log_whose_folder_is_gone(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = folder / "log"
    with daemon_of({"log": str(log)}) as room:
        os.unlink(log)
        folder.rmdir()
        room.daemon.process.send_signal(signal.SIGHUP)
        # It is said where it can be read: the file that is written has no name any more.
        said = "gentcpd: error: daemon: cannot open the log %s anew: No such file" % log
        g.until(lambda: said in room.daemon.output(), "a line on stderr")
        assert room.client().sync()
        folder.mkdir()
        room.daemon.process.send_signal(signal.SIGHUP)
        g.until(lambda: log.exists() and "read anew" in log.read_text(), "the log")
        assert room.daemon.output().count("\n") == 1


def test_a_closed_stderr(tmp_path):
    """Neither is it a peer's: what takes its number is nobody's socket."""
    path = str(tmp_path / "s")
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$0" -v -s "$1" >&- 2>&- <&-', g.gentcpd(), path])
    try:
        c = connected(process, path)
        assert c.call("daemon.status")["log"]["lost"] > 0
        for fd in (0, 1, 2):
            assert os.readlink("/proc/%d/fd/%d" % (process.pid, fd)) == "/dev/null"
        c.close()
        process.terminate()
        assert process.wait(g.DEADLINE) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def test_levels_from_the_command_line(room):
    done = subprocess.run(
        [g.gentcp_cli(), "-s", room.daemon.path, "log", "debug", "control"],
        stdout=subprocess.PIPE, timeout=g.DEADLINE)
    try:
        assert done.returncode == 0
        assert b"control=debug" in done.stdout and b"tcp=info" in done.stdout
    finally:
        done = subprocess.run(
            [g.gentcp_cli(), "-s", room.daemon.path, "log", "info"],
            stdout=subprocess.PIPE, timeout=g.DEADLINE)
    assert done.returncode == 0 and b"debug" not in done.stdout


# --- clients that read nothing --------------------------------------------------


def test_a_stuck_client_is_closed():
    with daemon_of({"stuck_timeout": 400}) as room:
        stuck, slow = room.client(), room.client()
        quiet = room.known()
        for c in (stuck, slow):
            s, peer = room.pair(c, {"active": True})
            g.blast(peer.sock, g.pattern(g.MB), limit=60 * g.MB)
        room.daemon.write({"stuck_timeout": 400})
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            slow.sync()  # reads all that there is
            time.sleep(0.05)
        g.until(lambda: "it reads nothing (stuck_timeout)" in room.daemon.output(), "the end")
        quiet.sync()
        slow.sync()
        assert room.daemon.output().count("stuck_timeout") == 1


# --- the background -------------------------------------------------------------


def pid_in(path):
    return int(path.read_text())


def test_the_background(tmp_path):
    sock, pid_file, conf = tmp_path / "s", tmp_path / "pid", tmp_path / "conf"
    conf.write_text('{"log": "%s"}' % (tmp_path / "log"))
    args = ["-d", "-p", str(pid_file), "-s", str(sock), "-c", str(conf)]
    status, said = run(*args)
    assert status == 0, said
    pid = pid_in(pid_file)
    try:
        # It serves already, in a session of its own, without a terminal.
        with contextlib.closing(g.Client(str(sock), data="auto")) as c:
            assert c.call("daemon.status")["pid"] == pid
        assert os.getsid(pid) == pid
        for fd in (0, 1, 2):
            assert os.readlink("/proc/%d/fd/%d" % (pid, fd)) == "/dev/null"
        assert os.readlink("/proc/%d/cwd" % pid) == "/"
        # A second one fails, as the one who starts it sees, and harms nothing.
        status, said = run(*args)
        assert status == 1 and str(sock) in said + (tmp_path / "log").read_text()
        assert pid_in(pid_file) == pid
    finally:
        os.kill(pid, signal.SIGTERM)
    g.until(lambda: not os.path.exists("/proc/%d" % pid), "the end of the daemon")
    assert not pid_file.exists() and not sock.exists()
    status, said = run("-d", "-s", "relative")
    assert status == 1 and "absolute path: relative" in said


def capabilities(pid):
    with open("/proc/%d/status" % pid) as f:
        return {line.split(":")[0]: line.split(":")[1].split() for line in f}


def test_a_start_that_fails_says_so_where_it_was_started(tmp_path):
    conf, log = tmp_path / "conf", tmp_path / "log"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(tmp_path / "used"))
        other.listen()
        for args, settings in (([], {"log": str(log)}), (["-d"], {"log": str(log)}), (["-d"], {})):
            conf.write_text(json.dumps(settings))
            status, said = run(*args, "-c", str(conf), "-s", str(tmp_path / "used"))
            assert status == 1
            assert said == "gentcpd: error: control: cannot replace %s: somebody is listening there\n" % (
                tmp_path / "used")
    assert log.read_text().count("somebody is listening there") == 2


def test_the_pid_file_is_one_daemons(tmp_path):
    pid_file, link = tmp_path / "pid", tmp_path / "link"
    args = ["-p", str(pid_file), "-s"]
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as other:
        other.bind(str(tmp_path / "used"))
        other.listen()
        # A start that comes to nothing leaves none, and what it finds as it is.
        assert run(*args, str(tmp_path / "used"))[0] == 1
        assert not pid_file.exists()
        pid_file.write_text("no number")
        assert run(*args, str(tmp_path / "used"))[0] == 1
        assert pid_file.read_text() == "no number"
    first = subprocess.Popen([g.gentcpd(), *args, str(tmp_path / "s")], stderr=subprocess.DEVNULL)
    try:
        connected(first, tmp_path / "s").close()
        assert pid_in(pid_file) == first.pid
        status, said = run(*args, str(tmp_path / "another"))
        assert status == 1 and "another daemon is running: it holds %s" % pid_file in said
        assert pid_in(pid_file) == first.pid
    finally:
        first.terminate()
        assert first.wait(g.DEADLINE) == 0
    assert not pid_file.exists()
    link.symlink_to(tmp_path / "made")
    for path, why in ((link, "it is a symbolic link"), ("/dev/null", "is not a plain file")):
        status, said = run("-p", str(path), "-s", str(tmp_path / "s"))
        assert status == 1 and "the pid file %s" % path in said and why in said
    assert not (tmp_path / "made").exists() and os.path.exists("/dev/null")


@needs_root
def test_a_group_that_one_is_not_in():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        conf = os.path.join(folder, "conf")
        with open(conf, "w") as f:
            f.write('{"group": 4711}')
        status, said = run("-c", conf, "-s", os.path.join(folder, "s"), user=MEMBER, extra_groups=[])
        assert status == 1 and "to the group 4711: we are neither root nor in it" in said
        assert os.listdir(folder) == ["conf"]


@needs_root
def test_root_is_given_up_but_for_low_ports():
    with tempfile.TemporaryDirectory(prefix="gentcp-") as name:
        os.chown(name, 65534, 65534)
        as_nobody(pathlib.Path(name))


def as_nobody(folder):
    path = folder / "s"
    process = subprocess.Popen([g.gentcpd(), "-u", "nobody", "-s", str(path)],
                               stderr=subprocess.PIPE)
    try:
        c = connected(process, path)
        found = capabilities(process.pid)
        assert found["Uid"] == ["65534"] * 4 and found["Gid"] == ["65534"] * 4
        assert int(found["CapEff"][0], 16) in (0, 1 << 10)
        port = low_port()
        want = "ok" if int(found["CapEff"][0], 16) else "eacces"
        assert outcome(c, "gen_tcp.listen", {"port": port, "options": {"ip": "127.0.0.1"}}) == want
        assert outcome(c, "daemon.reload") == "ok"
        c.close()
        process.terminate()
        assert process.wait(g.DEADLINE) == 0
        assert not path.exists()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stderr.close()
    status, said = run("-u", "no such user", "-s", str(path))
    assert status == 1 and "there is no user no such user" in said


@needs_root
def test_by_setpriv_and_the_command_line():
    """A whole process of another user, not only its connection."""
    with daemon_of({"access": [{"users": [MEMBER], "methods": ["session.self"]}]}) as room:
        def cli(*args):
            return subprocess.run(
                ["setpriv", "--reuid", str(MEMBER), "--regid", str(MEMBER), "--clear-groups",
                 g.gentcp_cli(), "-s", room.daemon.path, "call", *args],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=g.DEADLINE)
        probe = subprocess.run(
            ["setpriv", "--reuid", str(MEMBER), "--regid", str(MEMBER), "--clear-groups",
             g.gentcp_cli(), "-V"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if probe.returncode != 0:
            pytest.skip("another user cannot run gentcp-cli where it lies")
        done = cli("session.self")
        assert done.returncode == 0 and b"uid=%d" % MEMBER in done.stdout
        done = cli("inet.i")
        assert done.returncode == 1 and b"eacces" in done.stderr
